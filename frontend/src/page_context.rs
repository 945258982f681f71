//! From a request to a view, and from a page to a reply.

use askama::Template;
use shared::{ApiError, App, Reply, Request, Result, lambda::Handler};
use time::OffsetDateTime;

use crate::{CONTENT_SECURITY_POLICY, Locale, View, links, pages::ErrorPage};

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
}

impl<'a> PageContext<'a> {
    pub fn of(request: &'a Request) -> Self {
        let asked = request.raw_parameter("lang");
        let cookie = request.cookie(Request::LANGUAGE_COOKIE);
        Self {
            locale: Locale::negotiate(asked, cookie, Some(&request.header_list("accept-language"))),
            chosen: asked.is_some_and(|tag| Locale::parse(tag).is_some()),
            request,
            query: String::new(),
            origin: request.origin(),
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
        View {
            locale: self.locale,
            path: self.request.raw_path(),
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
        let reply = if status == 200 && self.view().is_indexed() { reply } else { reply.unindexed() };
        Ok(if self.chosen { reply.speaking(self.locale.tag()) } else { reply })
    }

    /// 301 to the canonical path, with the whole query of the request; none if the request has that path.
    pub fn moved_to(&self, path: &str) -> Option<Reply> {
        (self.request.raw_path() != path).then(|| Reply::moved(&self.request.location(path)))
    }
}
