//! `/staff`: what booksellers see and do. Without a session of the staff there is no such page.

mod access;
mod books;
mod files;
mod imports;
mod mended_rows;
mod messages;
mod orders;
mod place;
mod reviews;
mod searches;
mod stock;
mod visitor_reviews;

use std::time::Duration;

use frontend::{
    Form, PageContext,
    links::address,
    pages::{SignInFirst, StaffAgain, StaffLog, StaffStart},
};
use shared::{
    ApiError, App, Reply, Request, Result,
    domain::Cursor,
    handler::Handlers,
    handler::{ANSWER_WITHIN, LONGEST_ANSWER},
    http::Method,
    intake::FORM_KEY,
    repo::{audit, contact, customers, imports as stored_imports, orders as stored_orders},
    session::{Pool, StaffSession},
    staff::Waiting,
};
use time::OffsetDateTime;

use access::{Access, SignedIn};
use place::Place;

/// The handlers of this function.
pub fn handlers() -> Handlers {
    Handlers::of_page(frontend::page(handle).within(limit))
}

/// Rows of a list.
const PAGE: u32 = 50;
/// The name of the record that a cursor belongs to.
const LOG: &str = "staff-log";

pub async fn handle(app: &App, request: &Request) -> Result<Reply> {
    if request.method == Method::POST && request.raw_path() == Pool::Staff.sign_out_form() {
        return Ok(leave(app, request).await?.unstored().unindexed());
    }
    // An error here is no page of the staff: nobody knows yet who asks.
    let session = app.staff_session(request).await?;
    let reply = match answer(app, request, session).await {
        Err(error @ (ApiError::TooLarge | ApiError::Unavailable(_))) if request.method == Method::POST => {
            again(request, error)?
        }
        outcome => outcome?,
    };
    Ok(reply.unstored().unindexed())
}

async fn answer(app: &App, request: &Request, session: Option<StaffSession>) -> Result<Reply> {
    match enter(Access::find(app, session).await?, request)? {
        Entry::In(..) if request.is_too_large() => Err(ApiError::TooLarge),
        Entry::In(who, place) => of_staff(app, request, &who, place).await,
        Entry::Answer(reply) => Ok(reply),
    }
}

/// Shows a form again that could not be done now or is too long, so that nothing typed is lost.
fn again(request: &Request, error: ApiError) -> Result<Reply> {
    let typed = request.form()?;
    let show = |status, form: Form<'_>| {
        let context = PageContext::of(request);
        context.reply(status, &StaffAgain { view: context.view(), form })
    };
    Form::again(request, &typed, Err(error), show)
}

/// Longer for the forms that copy a file.
pub fn limit(request: &Request) -> Duration {
    let copies = !request.is_read() && (request.segment(1) == "imports" || request.segment(3) == "files");
    if copies { LONGEST_ANSWER } else { ANSWER_WITHIN }
}

/// Ends the session for good, also for who has a copy of its cookie, and hands the browser over to the sign-out. The browser
/// forgets it there even if the database is away.
async fn leave(app: &App, request: &Request) -> Result<Reply> {
    let session = app.staff_session(request).await?.ok_or(ApiError::NotFound)?.session;
    let now = OffsetDateTime::now_utc();
    match app.database().write(async |c| customers::end_session(c, session.subject, session.issued_at, now).await).await
    {
        Ok(()) => tracing::info!("A session of the staff ended"),
        Err(error) => tracing::warn!(error = &error as &dyn std::error::Error, "A session of the staff not ended"),
    }
    Ok(Reply::handed_over(Pool::Staff.sign_out()))
}

/// The outcome of a request before any page is shown.
enum Entry {
    In(SignedIn, Place),
    /// The session has ended.
    Answer(Reply),
}

/// # Errors
/// Nobody of the staff asks, or there is no such page. Both look the same.
fn enter(access: Access, request: &Request) -> Result<Entry> {
    match access {
        Access::Nobody => Err(ApiError::NotFound),
        Access::Ended => {
            let place = Place::of(request)?;
            let answer = if request.is_read() { sign_in(request) } else { sign_in_first(request, place)? };
            Ok(Entry::Answer(answer))
        }
        Access::Staff(who) => Ok(Entry::In(who, Place::of(request)?)),
    }
}

/// To the sign-in and back to this page.
fn sign_in(request: &Request) -> Reply {
    Reply::see_other(&frontend::links::sign_in_at(Pool::Staff, &request.location(request.raw_path())))
}

/// The answer to a form that came after the end of the session, with what was typed.
fn sign_in_first(request: &Request, place: Place) -> Result<Reply> {
    let (context, typed) = (PageContext::of(request), request.form()?);
    // All but the key, which the next session has its own of.
    let of_book = |name: &str| name != FORM_KEY && matches!(place, Place::NewBook | Place::Book(_) | Place::Stock);
    let fields: &[&str] = match place {
        Place::Review(_) | Place::Reviews => &["reason"],
        Place::Message(_) => &["reply", "copy"],
        Place::Messages => &["find"],
        Place::Upload(..) => &["credit"],
        _ => &[],
    };
    let kept = typed.iter().filter(|(name, _)| fields.contains(&name.as_str()) || of_book(name));
    let kept: Vec<(&str, &str)> = kept.map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let asked = if place == Place::Reviews { visitor_reviews::asked(&typed) } else { None };
    let return_to = request.location(asked.as_deref().unwrap_or(request.raw_path()));
    let page =
        SignInFirst { view: context.view(), pool: Pool::Staff, had_session: true, return_to: &return_to, typed: &kept };
    Ok(context.reply(401, &page)?.with_headers_of(&ApiError::NotSignedIn))
}

async fn of_staff(app: &App, request: &Request, who: &SignedIn, place: Place) -> Result<Reply> {
    match place {
        Place::Start => start(app, request, who).await,
        Place::Orders => orders::list(app, request).await,
        Place::Order(number) => orders::order(app, request, who, number).await,
        Place::DeliveryNote(number) => orders::delivery_note(app, request, number).await,
        Place::PickList => orders::pick_list(app, request).await,
        Place::Messages => messages::list(app, request).await,
        Place::Message(id) => messages::message(app, request, who, id).await,
        Place::Reviews => reviews::list(app, request, who).await,
        Place::Review(id) => reviews::review(app, request, who, id).await,
        Place::Books => books::list(app, request).await,
        Place::NewBook => books::new(app, request, who).await,
        Place::Book(id) => books::book(app, request, who, id).await,
        Place::Stock => stock::page(app, request, who).await,
        Place::Searches => searches::list(app, request).await,
        Place::Files(book) => files::files(app, request, who, book).await,
        Place::CheckedCover => files::checked_cover(app, request).await,
        Place::Upload(book, upload) => files::upload(app, request, who, book, upload).await,
        Place::Imports => imports::list(app, request, who).await,
        Place::Uploaded(upload) => imports::uploaded(app, request, who, upload).await,
        Place::Import(id) => imports::import(app, request, who, id).await,
        Place::Refused(id) => imports::refused(app, id).await,
        Place::Log => log(app, request).await,
    }
}

async fn start(app: &App, request: &Request, who: &SignedIn) -> Result<Reply> {
    let reading = app.database().read(async |c| {
        let messages = contact::count_open(c, Waiting::MOST).await?;
        let previews = stored_imports::count_previews(c, OffsetDateTime::now_utc()).await?;
        Ok(Waiting { messages, previews, ..stored_orders::waiting(c).await? })
    });
    let (waiting, context) = (reading.await?, PageContext::of(request));
    context.reply(200, &StaffStart { view: context.view(), email: who.bookseller.email.as_str(), waiting })
}

async fn log(app: &App, request: &Request) -> Result<Reply> {
    let query = request.page_query(&["cursor"])?;
    let before = query.get("cursor").map(|text| Cursor::<u64>::decode(text, LOG)).transpose()?;
    let before = before.map_or(u64::MAX, |cursor| cursor.keys);
    let mut entries = app.database().read(async |c| audit::list(c, before, PAGE + 1).await).await?;
    let next = next_address("/staff/log", &[], slice(&mut entries).map(|entry| Cursor::new(LOG, entry.id).encode()));
    let context = PageContext::of(request).with_parameters(&["cursor"]);
    context.reply(200, &StaffLog { view: context.view(), entries: &entries, next: next.as_deref() })
}

/// Takes the row off that only shows that there are more, and gives the last one of this slice if there are.
fn slice<T>(rows: &mut Vec<T>) -> Option<&T> {
    let more = rows.len() > PAGE as usize;
    rows.truncate(PAGE as usize);
    rows.last().filter(|_| more)
}

/// The address of the next slice of a list.
fn next_address(path: &str, parameters: &[(&str, &str)], cursor: Option<String>) -> Option<String> {
    let cursor = cursor?;
    Some(address(path, parameters.iter().copied().chain([("cursor", cursor.as_str())])))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use shared::{
        domain::{Email, SubmissionKey},
        session::{Session, Subject},
    };
    use uuid::Uuid;

    use super::*;

    fn request(method: &str, path: &str, form: &str) -> Request {
        let headers = json!({ "content-type": "application/x-www-form-urlencoded", "accept-language": "en" });
        let event = json!({ "httpMethod": method, "path": path, "headers": headers, "body": form });
        Request::from_event(serde_json::from_value(event).unwrap(), "id")
    }

    fn session(is_over: bool) -> StaffSession {
        let (subject, now) = (Subject::of_uuid(Uuid::from_u128(7)), OffsetDateTime::now_utc());
        let session = Session { subject, pool: Pool::Staff, issued_at: now, expires_at: now };
        StaffSession { session, email: Email::parse("ana@example.org").unwrap(), is_over }
    }

    fn access(session: Option<StaffSession>, counts: bool) -> Access {
        let key = SubmissionKey::parse(&format!("{}=", "A".repeat(43))).unwrap();
        Access::of(session, counts, key)
    }

    /// 200 where the page or its form is reached.
    fn status(access: Access, request: &Request) -> (u64, String) {
        let answer = match enter(access, request) {
            Ok(Entry::In(..)) => return (200, String::new()),
            Ok(Entry::Answer(reply)) => reply,
            Err(error) => return (error.status().into(), String::new()),
        };
        let answer: Value = serde_json::from_str(answer.finish(request).to_json().unwrap().get()).unwrap();
        let location = answer["multiValueHeaders"]["location"][0].as_str().unwrap_or_default();
        (answer["statusCode"].as_u64().unwrap(), location.to_owned())
    }

    #[test]
    fn each_page_is_there_for_the_staff_alone_and_only_forms_are_sent() {
        for (path, get, post) in [
            ("/staff", 200, 405),
            ("/staff/orders", 200, 405),
            ("/staff/orders/100042", 200, 200),
            ("/staff/orders/0", 404, 404),
            ("/staff/orders/x", 404, 404),
            ("/staff/orders/0100042", 404, 404),
            ("/staff/orders/100042/delivery-note", 200, 405),
            ("/staff/orders/100042/x", 404, 404),
            ("/staff/pick-list", 200, 405),
            ("/staff/messages", 200, 200),
            ("/staff/messages/7", 200, 200),
            ("/staff/messages/-7", 404, 404),
            ("/staff/reviews", 200, 200),
            ("/staff/reviews/7", 200, 200),
            ("/staff/reviews/07", 404, 404),
            ("/staff/books", 200, 405),
            ("/staff/books/new", 200, 200),
            ("/staff/books/53", 200, 200),
            ("/staff/books/0", 404, 404),
            ("/staff/books/053", 404, 404),
            ("/staff/books/53-el-tunel", 404, 404),
            ("/staff/stock", 200, 200),
            ("/staff/searches", 200, 405),
            ("/staff/books/53/files", 200, 200),
            ("/staff/books/053/files", 404, 404),
            ("/staff/books/53/files/covers/019ac4a0-0000-7000-8000-000000000000", 200, 200),
            ("/staff/books/53/files/covers/1", 404, 404),
            ("/staff/books/53/files/books/019ac4a0-0000-7000-8000-000000000000", 404, 404),
            ("/staff/covers/0a1b2c3d4e5f60718293a4b5c6d7e8f9-320.jpg", 200, 405),
            ("/staff/covers/x", 404, 404),
            ("/staff/imports", 200, 405),
            ("/staff/imports/7", 200, 200),
            ("/staff/imports/07", 404, 404),
            ("/staff/imports/4294967296", 404, 404),
            ("/staff/imports/7/refused.csv", 200, 405),
            ("/staff/imports/7/x", 404, 404),
            ("/staff/imports/uploads/0b0fd2bd-5e6f-8d5e-8a39-3b8e2ae7f2a1", 200, 405),
            ("/staff/imports/uploads/x", 404, 404),
            ("/staff/log", 200, 405),
            ("/staff/x", 404, 404),
            ("/staff/leave", 404, 404),
            ("/staff/sign-in", 404, 404),
            ("/staff/sign-in/return", 404, 404),
        ] {
            let others = ["PUT", "PATCH", "DELETE", "OPTIONS"].map(|method| (method, 404));
            for (method, of_staff) in [("GET", get), ("HEAD", get), ("POST", post)].into_iter().chain(others) {
                let request = request(method, path, "key=x");
                let is_form = method == "POST" && post == 200;
                let is_page = matches!(method, "GET" | "HEAD") && get == 200;
                let after_end = if is_form {
                    401
                } else if is_page {
                    303
                } else {
                    of_staff
                };
                for (name, access, expected) in [
                    ("nobody, or a customer, whose session is in another cookie", access(None, true), 404),
                    ("staff", access(Some(session(false)), true), of_staff),
                    ("staff after the end of the session", access(Some(session(true)), true), after_end),
                    ("removed staff", access(Some(session(false)), false), 404),
                    ("removed staff after the end of the session", access(Some(session(true)), false), 404),
                ] {
                    let (status, location) = status(access, &request);
                    assert_eq!(status, expected, "{method} {path}: {name}");
                    let back = format!("/staff/sign-in?return={}", path.replace('/', "%2F"));
                    assert_eq!(location, if status == 303 { back } else { String::new() }, "{method} {path}: {name}");
                }
            }
        }
    }

    #[test]
    fn a_form_after_the_end_of_the_session_keeps_what_was_typed_and_no_key() {
        for (path, form, keeps) in [
            ("/staff/reviews/7", "key=secret&do=hide&reason=%3Cb%3E+spam", Some("reason")),
            ("/staff/messages/7", "key=secret&do=reply&reply=%3Cb%3E+spam", Some("reply")),
            ("/staff/messages", "key=secret&find=%3Cb%3E+spam", Some("find")),
            ("/staff/books/53", "key=secret&do=stock&reason=%3Cb%3E+spam", Some("reason")),
            ("/staff/stock", "key=secret&book=53&reason=%3Cb%3E+spam", Some("reason")),
            (
                "/staff/books/53/files/covers/019ac4a0-0000-7000-8000-000000000000",
                "key=secret&do=use&credit=%3Cb%3E+spam",
                Some("credit"),
            ),
            ("/staff/orders/100042", "key=secret&do=cancel&reason=%3Cb%3E+spam", None),
        ] {
            let request = request("POST", path, form);
            let Ok(Entry::Answer(reply)) = enter(access(Some(session(true)), true), &request) else { panic!("{path}") };
            let answer: Value = serde_json::from_str(reply.finish(&request).to_json().unwrap().get()).unwrap();
            let body = answer["body"].as_str().unwrap();
            assert_eq!(answer["statusCode"], 401, "{path}");
            let value = r#"" value="&#60;b&#62; spam">"#;
            match keeps {
                Some(name) => assert!(body.contains(&format!(r#"<input type="hidden" name="{name}{value}"#)), "{body}"),
                None => assert!(!body.contains(value), "{path}: {body}"),
            }
            let link = format!("href=\"/staff/sign-in?return={}\"", path.replace('/', "%2F"));
            assert!(body.contains(&link) && !body.contains("secret"), "{path}: {body}");
        }
    }

    #[test]
    fn a_form_that_is_too_long_or_comes_while_the_database_is_away_shows_its_text_and_can_be_sent_again() {
        let text = "Sí, ".repeat(100);
        let form = format!("key=k&version=7&do=reply&copy=yes&reply={}", text.trim().replace(' ', "+"));
        for (error, status) in [(ApiError::TooLarge, 413), (ApiError::Unavailable(anyhow::anyhow!("away")), 503)] {
            let request = request("POST", "/staff/messages/7", &form);
            let answer: Value =
                serde_json::from_str(again(&request, error).unwrap().finish(&request).to_json().unwrap().get())
                    .unwrap();
            assert_eq!(answer["statusCode"], status, "{answer}");
            let body = answer["body"].as_str().unwrap();
            let (hidden, shown) = body.split_once("<textarea id=\"typed\" name=\"reply\"").unwrap();
            assert!(shown.contains(text.trim()), "{body}");
            for (name, value) in [("key", "k"), ("version", "7"), ("do", "reply"), ("copy", "yes")] {
                let field = format!("<input type=\"hidden\" name=\"{name}\" value=\"{value}\"");
                assert!([hidden, shown].iter().any(|part| part.contains(&field)), "{name}: {body}");
            }
        }
    }

    #[test]
    fn a_form_about_all_reviews_of_a_visitor_leads_back_to_its_question() {
        let visitor = shared::domain::VisitorId::of_number(Uuid::from_u128(7)).0;
        let form = format!("key=x&do=hide-all&visitor={visitor}&reason=spam");
        let request = request("POST", "/staff/reviews", &form);
        let Ok(Entry::Answer(reply)) = enter(access(Some(session(true)), true), &request) else { panic!("no answer") };
        let answer: Value = serde_json::from_str(reply.finish(&request).to_json().unwrap().get()).unwrap();
        let link = format!("return=%2Fstaff%2Freviews%3Fvisitor%3D{visitor}%26ask%3Dhide");
        assert!(answer["body"].as_str().unwrap().contains(&link), "{answer}");
    }

    #[test]
    fn only_forms_that_copy_a_file_have_more_time() {
        for (method, path, limit) in [
            ("POST", "/staff/imports/7", LONGEST_ANSWER),
            ("GET", "/staff/imports/7", ANSWER_WITHIN),
            ("POST", "/staff/books/53/files", LONGEST_ANSWER),
            ("GET", "/staff/books/53/files", ANSWER_WITHIN),
            ("POST", "/staff/books/53", ANSWER_WITHIN),
            ("POST", "/staff/orders/100042", ANSWER_WITHIN),
        ] {
            assert_eq!(super::limit(&request(method, path, "key=x")), limit, "{method} {path}");
        }
    }

    #[test]
    fn a_list_has_a_next_slice_only_where_there_is_more() {
        let mut rows: Vec<u32> = (0..=PAGE).collect();
        assert_eq!(slice(&mut rows), Some(&(PAGE - 1)));
        assert_eq!(rows.len(), PAGE as usize);
        assert_eq!(slice(&mut rows), None);
        let next = next_address("/staff/orders", &[("show", "to-pick")], Some("abc".to_owned()));
        assert_eq!(next.as_deref(), Some("/staff/orders?show=to-pick&cursor=abc"));
        assert_eq!(next_address("/staff/orders", &[], None), None);
    }
}
