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
    let visit = Visit::of(request);
    let page = ErrorPage { view: visit.view(), status: error.status(), request_id: Some(&request.id) };
    visit.reply(error.status(), &page).unwrap_or_else(|_| Reply::problem(error, &request.id))
}

/// What a request says of its visitor.
pub struct Visit<'a> {
    locale: Locale,
    /// By `?lang`: to be remembered.
    chosen: bool,
    path: &'a str,
    query: String,
    origin: Option<String>,
}

impl<'a> Visit<'a> {
    pub fn of(request: &'a Request) -> Self {
        let asked = request.asked("lang");
        let cookie = request.cookie(Request::LANGUAGE_COOKIE);
        Self {
            locale: Locale::negotiate(asked, cookie, request.header("accept-language")),
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

    /// The page for this visitor. Browsers ask each time whether it still holds, for stock and ratings change.
    pub fn reply(&self, status: u16, page: &impl Template) -> Result<Reply> {
        let html = page.render().map_err(anyhow::Error::from)?;
        let reply = Reply::page(status, html, CONTENT_SECURITY_POLICY).in_language(self.locale.tag());
        let reply = if status == 200 { reply.revalidated() } else { reply };
        Ok(if self.chosen { reply.speaking(self.locale.tag()) } else { reply })
    }

    /// 301 to the right address of what was asked for, with the query that came; nothing for who is there already.
    pub fn moved_to(&self, path: &str) -> Option<Reply> {
        let mark = if self.query.is_empty() { "" } else { "?" };
        (self.path != path).then(|| Reply::moved(&format!("{path}{mark}{}", self.query)))
    }
}
