//! The pages of the account. Without a session they lead to the sign-in and back.

use std::collections::BTreeMap;

use frontend::{
    Form, Locale, PageContext,
    links::{self, address},
    pages::{
        AccountAddresses, AccountData, AccountLanguage, AccountOrders, AccountPage, AccountRatings, AccountSignOut,
        SignInFirst,
    },
};
use shared::{
    ApiError, App, Reply, Request, Result,
    domain::Language,
    http::Query,
    intake::FORM_KEY,
    repo::{customer_addresses, customers, orders, ratings},
    session::Pool,
};
use time::OffsetDateTime;

use super::{SignedIn, address as book, erase, export, lists, rating, wishlist};

/// Orders and ratings on the page of the account.
const NEWEST: u32 = 3;
const CURSOR: &[&str] = &["cursor"];

pub async fn handle(app: &App, request: &Request) -> Result<Reply> {
    let place = Place::of(request)?;
    let reply = match SignedIn::find(app, request).await? {
        Some(customer) => of_customer(app, request, &customer, place).await,
        None if request.is_read() => Ok(sign_in(request, place)),
        None => sign_in_first(request, place),
    };
    Ok(reply?.unstored().unindexed())
}

async fn of_customer(app: &App, request: &Request, customer: &SignedIn, place: Place) -> Result<Reply> {
    match place {
        Place::Account => overview(app, request, customer).await,
        Place::Orders => own_orders(app, request, customer).await,
        Place::Ratings => own_ratings(app, request, customer).await,
        Place::Rating(id) => rating::handle(app, request, customer, id).await,
        Place::Wishlist => wishlist::handle(app, request, customer).await,
        Place::Addresses => addresses(app, request, customer).await,
        Place::Address(id) => book::handle(app, request, customer, id).await,
        Place::Language => language(app, request, customer).await,
        Place::Data => {
            let context = PageContext::of(request);
            context.reply(200, &AccountData { view: context.view() })
        }
        Place::Export => Reply::json(&export::of(app, customer, request.page_query(CURSOR)?.get("cursor")).await?)
            .map(|reply| reply.saved_as("anaquel.json")),
        Place::SignOut => sign_out(app, request, customer).await,
        Place::Erase { confirms } => erase::handle(app, request, customer, confirms).await,
    }
}

/// A page of the account by its address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Account,
    Orders,
    Ratings,
    Rating(u64),
    Wishlist,
    Addresses,
    /// None for a new one.
    Address(Option<u64>),
    Language,
    Data,
    Export,
    SignOut,
    Erase {
        confirms: bool,
    },
}

impl Place {
    /// # Errors
    /// There is no such page, or it has no form to be sent.
    fn of(request: &Request) -> Result<Self> {
        let segments: Vec<&str> = request.segments().iter().skip(1).map(String::as_str).collect();
        let id = |text: &str| text.parse::<u64>().ok().filter(|id| id.to_string() == text).ok_or(ApiError::NotFound);
        let place = match segments[..] {
            [] => Self::Account,
            ["orders"] => Self::Orders,
            ["ratings"] => Self::Ratings,
            ["ratings", rating] => Self::Rating(id(rating)?),
            ["wishlist"] => Self::Wishlist,
            ["addresses"] => Self::Addresses,
            ["addresses", "new"] => Self::Address(None),
            ["addresses", address] => Self::Address(Some(id(address)?)),
            ["language"] => Self::Language,
            ["data"] => Self::Data,
            ["data", "export"] => Self::Export,
            ["sign-out-everywhere"] => Self::SignOut,
            ["erase"] => Self::Erase { confirms: false },
            ["erase", "confirm"] => Self::Erase { confirms: true },
            _ => return Err(ApiError::NotFound),
        };
        let is_form = matches!(
            place,
            Self::Rating(_)
                | Self::Wishlist
                | Self::Address(_)
                | Self::Language
                | Self::SignOut
                | Self::Erase { confirms: false }
        );
        if request.is_read() || is_form { Ok(place) } else { Err(ApiError::MethodNotAllowed("GET, HEAD".to_owned())) }
    }

    /// The values typed into the form of this page, if the page can show them again: without the buttons, and without the key and
    /// the version of a session and a page that count no longer.
    fn kept(self, typed: &BTreeMap<String, String>) -> Vec<(&str, &str)> {
        let is_shown_again = matches!(self, Self::Rating(_) | Self::Address(_)) && !typed.contains_key("do");
        let is_typed = |name: &str| ![FORM_KEY, "version", Form::SHOW_AGAIN].contains(&name);
        let fields = typed.iter().filter(|(name, _)| is_shown_again && is_typed(name));
        fields.map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }
}

/// To the sign-in and back to this page.
fn sign_in(request: &Request, place: Place) -> Reply {
    let page = if place == Place::Wishlist { wishlist::PAGE } else { request.raw_path() };
    Reply::see_other(&links::sign_in(&request.location(page)))
}

/// The answer to a form that came without a session that counts.
fn sign_in_first(request: &Request, place: Place) -> Result<Reply> {
    let (context, typed) = (PageContext::of(request), request.form()?);
    let return_to = match place {
        // The forms of the wishlist are on other pages.
        Place::Wishlist => wishlist::offer(wishlist::book_of(&typed)?),
        _ => request.location(request.raw_path()),
    };
    let page = SignInFirst {
        view: context.view().signed_in_if(false),
        pool: Pool::Customers,
        had_session: request.cookie(Request::SESSION_COOKIE).is_some(),
        return_to: &return_to,
        typed: &place.kept(&typed),
    };
    Ok(context.reply(401, &page)?.with_headers_of(&ApiError::NotSignedIn))
}

async fn overview(app: &App, request: &Request, customer: &SignedIn) -> Result<Reply> {
    let subject = customer.subject;
    let read = app.database().read(async |c| {
        let found = customers::find(c, subject).await?;
        let orders = orders::of_customer(c, subject, None, NEWEST).await?.items;
        let ratings = ratings::of_customer(c, subject, None, NEWEST).await?.items;
        let addresses = customer_addresses::list(c, subject).await?;
        Ok((found, orders, ratings, addresses))
    });
    let (found, orders, ratings, addresses) = read.await?;
    let context = PageContext::of(request);
    let address = addresses.iter().find(|saved| saved.is_default);
    let page =
        AccountPage { view: context.view(), customer: found.as_ref(), orders: &orders, ratings: &ratings, address };
    let reply = context.reply(200, &page)?;
    let chosen = found.as_ref().and_then(|found| Locale::parse(found.language.as_ref()?.as_str()));
    let is_free = request.cookie(Request::LANGUAGE_COOKIE).is_none() && request.raw_parameter("lang").is_none();
    Ok(match chosen {
        Some(chosen) if is_free => reply.speaking(chosen.tag()),
        _ => reply,
    })
}

async fn own_orders(app: &App, request: &Request, customer: &SignedIn) -> Result<Reply> {
    let query = request.page_query(CURSOR)?;
    let orders = lists::orders(app, customer, query.get("cursor"), Query::USUAL_LIMIT).await?;
    let next = orders.next.map(|cursor| address("/account/orders", [("cursor", cursor.as_str())].into_iter()));
    let context = PageContext::of(request).with_parameters(CURSOR);
    context.reply(200, &AccountOrders { view: context.view(), orders: &orders.items, next: next.as_deref() })
}

async fn own_ratings(app: &App, request: &Request, customer: &SignedIn) -> Result<Reply> {
    let query = request.page_query(CURSOR)?;
    let ratings = lists::ratings(app, customer, query.get("cursor"), Query::USUAL_LIMIT).await?;
    let next = ratings.next.map(|cursor| address("/account/ratings", [("cursor", cursor.as_str())].into_iter()));
    let context = PageContext::of(request).with_parameters(CURSOR);
    context.reply(200, &AccountRatings { view: context.view(), ratings: &ratings.items, next: next.as_deref() })
}

async fn addresses(app: &App, request: &Request, customer: &SignedIn) -> Result<Reply> {
    let subject = customer.subject;
    let addresses = app.database().read(async |c| customer_addresses::list(c, subject).await).await?;
    let context = PageContext::of(request);
    context.reply(200, &AccountAddresses { view: context.view(), addresses: &addresses })
}

/// The language of the pages, in this browser at once and in others when they show the account.
async fn language(app: &App, request: &Request, customer: &SignedIn) -> Result<Reply> {
    let subject = customer.subject;
    if request.is_read() {
        let found = app.database().read(async |c| customers::find(c, subject).await).await?;
        let chosen = found.and_then(|found| Locale::parse(found.language?.as_str()));
        let (context, key) = (PageContext::of(request), customer.form_key());
        return context.reply(200, &AccountLanguage { view: context.view(), chosen, key: &key });
    }
    let typed = request.form()?;
    if !customer.is_own_form(&typed) {
        return Ok(Reply::see_other("/account/language"));
    }
    let chosen = Locale::served("language", typed.get("language").map_or("", String::as_str))?;
    let language = Language::parse(chosen.tag())?;
    app.database().write(async |c| customers::set_language(c, subject, &language).await).await?;
    Ok(Reply::see_other("/account/language").speaking(chosen.tag()))
}

/// Ends all sessions, and hands the browser over to the sign-out of this one.
async fn sign_out(app: &App, request: &Request, customer: &SignedIn) -> Result<Reply> {
    if request.is_read() {
        let (context, key) = (PageContext::of(request), customer.form_key());
        return context.reply(200, &AccountSignOut { view: context.view(), key: &key });
    }
    if !customer.is_own_form(&request.form()?) {
        return Ok(Reply::see_other("/account/sign-out-everywhere"));
    }
    let (subject, now) = (customer.subject, OffsetDateTime::now_utc());
    app.database().write(async |c| customers::end_sessions(c, subject, now).await).await?;
    tracing::info!("All sessions of a customer ended");
    Ok(Reply::handed_over("/sign-out"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn request(method: &str, path: &str) -> Request {
        Request::from_event(serde_json::from_value(json!({ "httpMethod": method, "path": path })).unwrap(), "id")
    }

    #[test]
    fn each_page_has_its_address_and_only_forms_are_sent() {
        for (path, get, post) in [
            ("/account", 200, 405),
            ("/account/orders", 200, 405),
            ("/account/ratings", 200, 405),
            ("/account/ratings/7", 200, 200),
            ("/account/ratings/07", 404, 404),
            ("/account/ratings/x", 404, 404),
            ("/account/ratings/-1", 404, 404),
            ("/account/ratings/7/8", 404, 404),
            ("/account/wishlist", 200, 200),
            ("/account/wishlist/53", 404, 404),
            ("/account/addresses", 200, 405),
            ("/account/addresses/new", 200, 200),
            ("/account/addresses/7", 200, 200),
            ("/account/language", 200, 200),
            ("/account/data", 200, 405),
            ("/account/data/export", 200, 405),
            ("/account/sign-out-everywhere", 200, 200),
            ("/account/erase", 200, 200),
            ("/account/erase/confirm", 200, 405),
            ("/account/staff", 404, 404),
        ] {
            for (method, status) in [("GET", get), ("HEAD", get), ("POST", post)] {
                let found = Place::of(&request(method, path)).map_or_else(|error| error.status(), |_| 200);
                assert_eq!(found, status, "{method} {path}");
            }
        }
    }

    fn answer(reply: Reply, request: &Request) -> serde_json::Value {
        serde_json::from_str(reply.finish(request).to_json().unwrap().get()).unwrap()
    }

    #[test]
    fn without_a_session_a_page_leads_to_the_sign_in_and_back_to_itself() {
        for (path, location) in [
            ("/account", "/sign-in?return=%2Faccount"),
            ("/account/ratings/7", "/sign-in?return=%2Faccount%2Fratings%2F7"),
            ("/account/wishlist", "/sign-in?return=%2Faccount%2Fwishlist"),
        ] {
            let request = request("GET", path);
            let answer = answer(sign_in(&request, Place::of(&request).unwrap()), &request);
            assert_eq!(answer["multiValueHeaders"]["location"][0], location, "{path}");
        }
    }

    /// The page for a form that came without a session.
    fn sent(path: &str, cookie: &str, form: &str) -> Result<serde_json::Value> {
        let headers = json!({
            "content-type": "application/x-www-form-urlencoded", "accept-language": "en", "cookie": cookie,
        });
        let event = json!({ "httpMethod": "POST", "path": path, "headers": headers, "body": form });
        let request = Request::from_event(serde_json::from_value(event).unwrap(), "id");
        Ok(answer(sign_in_first(&request, Place::of(&request)?)?, &request))
    }

    #[test]
    fn a_form_without_a_session_is_a_page_that_leads_to_the_sign_in_and_keeps_what_was_typed() {
        let typed = "key=secret&version=3&recipient=Ana+%22%3Cb%3E&street=Calle+Mayor+1";
        let fields = [
            r#"<input type="hidden" name="recipient" value="Ana &#34;&#60;b&#62;">"#,
            r#"<input type="hidden" name="street" value="Calle Mayor 1">"#,
        ];
        for (path, cookie, form, title, back, keeps) in [
            (
                "/account/addresses/new",
                "session=x",
                typed,
                "Your session has ended",
                "%2Faccount%2Faddresses%2Fnew",
                true,
            ),
            ("/account/addresses/7", "session=x", typed, "Your session has ended", "%2Faccount%2Faddresses%2F7", true),
            (
                "/account/addresses/7",
                "",
                "key=secret&version=3&do=delete",
                "Sign in first",
                "%2Faccount%2Faddresses%2F7",
                false,
            ),
            (
                "/account/language",
                "session=x",
                "key=secret&language=en",
                "Your session has ended",
                "%2Faccount%2Flanguage",
                false,
            ),
            ("/account/erase", "session=x", "key=secret", "Your session has ended", "%2Faccount%2Ferase", false),
            (
                "/account/wishlist",
                "",
                "do=add-wish&book=53&back=%2Fbooks",
                "Sign in first",
                "%2Faccount%2Fwishlist%3Fadd%3D53",
                false,
            ),
        ] {
            let answer = sent(path, cookie, form).unwrap();
            let headers = &answer["multiValueHeaders"];
            assert_eq!((&answer["statusCode"], &headers["location"]), (&401.into(), &json!(null)), "{path}");
            assert_eq!(headers["www-authenticate"][0], "Cookie realm=\"account\"", "{path}");
            let body = answer["body"].as_str().unwrap();
            assert!(body.contains(&format!("<h1>{title}</h1>")), "{path}: {body}");
            assert!(body.contains(&format!("href=\"/sign-in?return={back}\"")), "{path}: {body}");
            assert_eq!(fields.map(|field| body.contains(field)), [keeps; 2], "{path}: {body}");
            assert!(!body.contains("secret") && !body.contains("name=\"version\""), "{path}: {body}");
            assert_eq!(body.contains("target=\"_blank\""), keeps, "{path}: {body}");
        }
        assert!(sent("/account/wishlist", "", "do=add-wish&book=x").is_err());
    }

    #[test]
    fn a_change_of_language_keeps_what_was_typed_into_a_form_without_a_session() {
        let answer = sent("/account/ratings/7", "session=x", "stars=4&review=%C2%A1Bravo!&show-again=yes").unwrap();
        let body = answer["body"].as_str().unwrap();
        assert!(body.contains("formaction=\"/account/ratings/7?lang=es\"") && body.contains("¡Bravo!"), "{body}");
        assert!(!body.contains(r#"type="hidden" name="show-again""#), "{body}");
    }
}
