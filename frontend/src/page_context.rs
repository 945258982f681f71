//! From a request to a view, and from a page to a reply.

use std::{env, sync::LazyLock};

use askama::Template;
use shared::{
    ApiError, App, Reply, Request, Result,
    domain::{BookId, Cart, OrderId},
    handler::Handler,
    shop::Shop,
    sign_in::SIGN_IN,
    wishlist,
};
use time::OffsetDateTime;

use crate::{Account, CONTENT_SECURITY_POLICY, CartNote, Locale, View, WishNote, Wishlist, links, pages::ErrorPage};

/// The settings of the environment. Pages without them sell nothing, so an invalid value must not fail them.
static SHOP: LazyLock<Option<Shop>> = LazyLock::new(|| {
    Shop::from_env().unwrap_or_else(|error| {
        tracing::error!(error = format!("{error:#}"), "Nothing is sold: the settings of the shop are invalid");
        None
    })
});

/// Whether people can sign in on this stage.
static HAS_SIGN_IN: LazyLock<bool> = LazyLock::new(|| env::var(SIGN_IN).is_ok());

/// The settings of selling; none where the stage has no `[shop]`.
pub fn shop() -> Option<&'static Shop> {
    SHOP.as_ref()
}

/// A handler of pages, whose errors are pages as well.
pub fn page(handle: impl AsyncFn(&App, &Request) -> Result<Reply> + Copy + 'static) -> Handler {
    Handler::new(handle, render_error)
}

fn render_error(request: &Request, error: &ApiError) -> Reply {
    let context = PageContext::of(request);
    let page = ErrorPage { view: context.view(), status: error.status(), request_id: Some(&request.id) };
    context.reply(error.status(), &page).unwrap_or_else(|_| Reply::problem(error, &request.id))
}

/// The context of a page: its language and address.
pub struct PageContext<'a> {
    locale: Locale,
    /// Chosen by `?lang`, so that a cookie keeps it.
    chosen: bool,
    request: &'a Request,
    /// The parameters that make it this page.
    query: String,
    origin: Option<String>,
    /// The number of copies in the cart.
    cart: u32,
    note: Option<CartNote>,
    wishlist_key: Option<String>,
    wishes: Vec<BookId>,
}

impl<'a> PageContext<'a> {
    pub fn of(request: &'a Request) -> Self {
        let asked = request.raw_parameter("lang");
        let cookie = request.cookie(Request::LANGUAGE_COOKIE);
        let cart = cart_of(request);
        Self {
            locale: Locale::negotiate(asked, cookie, Some(&request.header_list("accept-language"))),
            chosen: asked.is_some_and(|tag| Locale::parse(tag).is_some()),
            request,
            query: String::new(),
            origin: request.origin(),
            cart: cart.copies(),
            note: request.raw_parameter(CartNote::PARAMETER).and_then(|note| CartNote::read(note, &cart)),
            wishlist_key: wishlist::form_key(request),
            wishes: wishlist::newest(request),
        }
    }

    /// Names the parameters that make another page of this one, in the order of its addresses. Links and search engines see
    /// these only, and not what other sites add.
    #[must_use]
    pub fn with_parameters(mut self, names: &'static [&'static str]) -> Self {
        // The handler refuses a query that cannot be read.
        let query = self.request.page_query(names).unwrap_or_default();
        self.query = links::query(query.in_order_of(names).into_iter());
        self
    }

    pub fn view(&self) -> View<'_> {
        let shop = shop();
        let zone = shop.map(|shop| shop.time_zone.clone()).unwrap_or_default();
        View {
            locale: self.locale,
            path: self.request.raw_path(),
            query: &self.query,
            origin: self.origin.as_deref(),
            today: zone.local(OffsetDateTime::now_utc()).date(),
            shop,
            cart: self.cart,
            cart_change: self.note,
            order: self.request.cookie(Request::ORDER_COOKIE).and_then(OrderId::parse_unverified),
            account: match self.request.cookie(Request::SESSION_COOKIE) {
                _ if !*HAS_SIGN_IN => Account::NotHere,
                Some(_) => Account::SignedIn,
                None => Account::SignedOut,
            },
            wishlist: Wishlist {
                key: self.wishlist_key.as_deref(),
                newest: &self.wishes,
                change: self
                    .request
                    .raw_parameter(WishNote::PARAMETER)
                    .and_then(|note| WishNote::read(note, &self.wishes)),
            },
        }
    }

    /// Shows the number of copies that the cart has after this request.
    #[must_use]
    pub fn with_cart(self, cart: &Cart) -> Self {
        Self { cart: cart.copies(), ..self }
    }

    /// A reply with the page. Browsers revalidate it each time, because stock and ratings change. Where the shop sells or has
    /// accounts, no shared cache keeps it, because its head has the number of books in the visitor's cart, and the account.
    pub fn reply(&self, status: u16, page: &impl Template) -> Result<Reply> {
        let html = page.render().map_err(anyhow::Error::from)?;
        let reply = Reply::page(status, html, CONTENT_SECURITY_POLICY).in_language(self.locale.tag());
        let reply = match status {
            200 if self.view().sells() || self.view().account != Account::NotHere => reply.revalidated_privately(),
            200 => reply.revalidated(),
            _ => reply,
        };
        let reply = if status == 200 && self.view().is_indexed() { reply } else { reply.unindexed() };
        Ok(if self.chosen { reply.speaking(self.locale.tag()) } else { reply })
    }

    /// The same with a page whose forms are sent to this origin as well, and to no other.
    pub fn reply_sending_to(&self, origin: &str, status: u16, page: &impl Template) -> Result<Reply> {
        let policy = CONTENT_SECURITY_POLICY.replace("form-action 'self'", &format!("form-action 'self' {origin}"));
        Ok(self.reply(status, page)?.with_policy(&policy))
    }

    /// 301 to the canonical path, with the whole query of the request; none if the request has that path.
    pub fn moved_to(&self, path: &str) -> Option<Reply> {
        (self.request.raw_path() != path).then(|| Reply::moved(&self.request.location(path)))
    }
}

/// The visitor's cart.
pub fn cart_of(request: &Request) -> Cart {
    Cart::parse(request.cookie(Request::CART_COOKIE).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_page_has_the_note_of_its_own_cart_and_the_latest_order_of_the_browser() {
        let cart = "cart=c56a4180-65aa-42ec-a945-5fd21dec0538.53:1:1995";
        let order = "0b0fd2bd-5e6f-8d5e-8a39-3b8e2ae7f2a1";
        for (note, cookie, has_note, latest) in [
            ("added.c56a4180.53", cart.to_owned(), true, None),
            ("added.c56a4180.7", cart.to_owned(), false, None),
            ("added.c56a4180.53", String::new(), false, None),
            ("full", format!("{cart}; order={order}"), false, Some(order)),
            ("x", "order=00000000-0000-4000-8000-000000000000".to_owned(), false, None),
            ("x", "order=../x".to_owned(), false, None),
        ] {
            let event = json!({ "httpMethod": "GET", "path": "/books", "headers": { "cookie": cookie },
                "queryStringParameters": { "cart": note } });
            let request = Request::from_event(serde_json::from_value(event).unwrap(), "id");
            let context = PageContext::of(&request);
            let view = context.view();
            assert_eq!(view.cart_change.is_some(), has_note, "{note} {cookie}");
            assert_eq!(view.order.map(|order| order.to_string()).as_deref(), latest, "{cookie}");
        }
    }

    fn context_of(path: &str, query: &[(&str, &str)]) -> Request {
        let query: serde_json::Map<String, serde_json::Value> =
            query.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
        let event = json!({ "httpMethod": "GET", "path": path, "headers": { "host": "shop.example" },
            "queryStringParameters": query });
        Request::from_event(serde_json::from_value(event).unwrap(), "id")
    }

    #[test]
    fn the_addresses_of_a_page_have_its_own_parameters_and_none_that_other_sites_add() {
        let added = ("fbclid", "IwAR1");
        for (path, query, names, address) in [
            ("/", &[("utm_source", "x"), added][..], &[][..], "/"),
            ("/books/53-don-quijote", &[added], &[], "/books/53-don-quijote"),
            ("/contact", &[("title", "Niebla"), ("gclid", "1")], &[], "/contact"),
            ("/books", &[added, ("sort", ""), ("q", "c%2B%2B"), ("page", "2")], &["q", "sort"], "/books?q=c%2B%2B"),
            ("/books", &[("sort", "title"), ("q", "a"), ("lang", "en")], &["q", "sort"], "/books?q=a&sort=title"),
            ("/books/1/ratings", &[("limit", "3"), ("cursor", "")], &["cursor"], "/books/1/ratings"),
        ] {
            let request = context_of(path, query);
            let context = PageContext::of(&request);
            let context = if names.is_empty() { context } else { context.with_parameters(names) };
            let view = context.view();
            assert_eq!(view.current_url(), address, "{path}");
            let mark = if address.contains('?') { '&' } else { '?' };
            for (tag, alternate) in view.alternates() {
                let language = if tag == "en" { format!("{mark}lang=en") } else { String::new() };
                assert_eq!(alternate, format!("http://shop.example{address}{language}"), "{path}");
            }
        }
    }

    #[test]
    fn search_engines_index_a_page_and_neither_a_search_nor_an_error() {
        for (path, query, status, is_indexed) in [
            ("/", &[][..], 200, true),
            ("/", &[("utm_source", "x")], 200, true),
            ("/books", &[("genre", "crime")], 200, true),
            ("/books", &[("q", "amor")], 200, false),
            ("/books", &[("sort", "title")], 200, false),
            ("/books", &[("cursor", "abc")], 200, false),
            ("/books", &[("q", "")], 200, true),
            ("/", &[], 404, false),
            ("/contact", &[], 422, false),
            ("/", &[], 503, false),
        ] {
            let request = context_of(path, query);
            let context = PageContext::of(&request).with_parameters(&["q", "genre", "sort", "cursor"]);
            let page = ErrorPage { view: context.view(), status: 404, request_id: None };
            let answer = context.reply(status, &page).unwrap().finish(&request).to_json().unwrap();
            assert_eq!(
                !answer.get().contains(r#""x-robots-tag":["noindex"]"#),
                is_indexed,
                "{path} {query:?} {status}"
            );
        }
    }
}
