//! Alerts: the form to ask for a mail when a book is back, and the pages of the links in these mails. The function has no
//! access to the database, so they name no title.

use askama::Template;
use shared::domain::BookId;

use crate::{Account, Form, View, assets};

/// `/alerts/{book}`, also for the statuses 413, 422 and 503 of a request.
#[derive(Template, Clone, Copy)]
#[template(path = "alert.html")]
pub struct AlertPage<'a> {
    pub view: View<'a>,
    pub book: BookId,
    pub form: Form<'a>,
}

/// `/alerts/{token}`
#[derive(Template, Clone, Copy)]
#[template(path = "alert_link.html")]
pub struct AlertLinkPage<'a> {
    pub view: View<'a>,
    pub book: BookId,
    pub step: AlertStep,
}

/// What a link in a mail shows. Mail programs open links by themselves, so only a button does something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlertStep {
    Confirms,
    /// It is too late to confirm.
    Expired,
    Ends,
    Ended,
}

impl AlertPage<'_> {
    fn action(&self) -> String {
        format!("/alerts/{}", self.book)
    }
}

impl AlertLinkPage<'_> {
    /// The key of the heading and, with `.text`, of the text.
    fn key(&self) -> &'static str {
        match self.step {
            AlertStep::Confirms => "alert-confirm",
            AlertStep::Expired => "alert-expired",
            AlertStep::Ends => "alert-end",
            AlertStep::Ended => "alert-ended",
        }
    }

    /// The text of the button, if there is one.
    fn button(&self) -> Option<&'static str> {
        match self.step {
            AlertStep::Confirms => Some("alert-confirm-button"),
            AlertStep::Ends => Some("alert-end-button"),
            AlertStep::Expired | AlertStep::Ended => None,
        }
    }
}
