//! From a request to a view, and from a page to a reply.

use askama::Template;
use shared::{ApiError, App, Reply, Request, Result, lambda::Handler};
use time::OffsetDateTime;

use crate::{CONTENT_SECURITY_POLICY, Locale, View, pages::ErrorPage};

/// A handler of pages, whose errors are pages as well.
pub fn page(handle: impl AsyncFn(&App, &Request) -> Result<Reply> + Copy + 'static) -> Handler {
    Handler::new(handle, render_error)
}

fn render_error(request: &Request, error: &ApiError) -> Reply {
    let context = PageContext::of(request);
    let page = ErrorPage { view: context.view(), status: error.status(), request_id: Some(&request.id) };
    context.reply(error.status(), &page).unwrap_or_else(|_| Reply::problem(error, &request.id))
}

/// The context of a page: language, path, query and origin of the request.
pub struct PageContext<'a> {
    locale: Locale,
    /// Chosen by `?lang`, so that a cookie keeps it.
    chosen: bool,
    path: &'a str,
    query: String,
    origin: Option<String>,
}

impl<'a> PageContext<'a> {
    pub fn of(request: &'a Request) -> Self {
        let asked = request.raw_parameter("lang");
        let cookie = request.cookie(Request::LANGUAGE_COOKIE);
        Self {
            locale: Locale::negotiate(asked, cookie, Some(&request.header_list("accept-language"))),
            chosen: asked.is_some_and(|tag| Locale::parse(tag).is_some()),
            path: request.raw_path(),
            query: request.raw_query(),
            origin: request.origin(),
        }
    }

    pub fn view(&self) -> View<'_> {
        View {
            locale: self.locale,
            path: self.path,
            query: &self.query,
            origin: self.origin.as_deref(),
            today: OffsetDateTime::now_utc().date(),
        }
    }

    /// A reply with the page. Browsers revalidate it each time, because stock and ratings change.
    pub fn reply(&self, status: u16, page: &impl Template) -> Result<Reply> {
        let html = page.render().map_err(anyhow::Error::from)?;
        let reply = Reply::page(status, html, CONTENT_SECURITY_POLICY).in_language(self.locale.tag());
        let reply = if status == 200 { reply.revalidated() } else { reply };
        Ok(if self.chosen { reply.speaking(self.locale.tag()) } else { reply })
    }

    /// 301 to the canonical path, with the query of the request; none if the request has that path.
    pub fn moved_to(&self, path: &str) -> Option<Reply> {
        let mark = if self.query.is_empty() { "" } else { "?" };
        (self.path != path).then(|| Reply::moved(&format!("{path}{mark}{}", self.query)))
    }
}
