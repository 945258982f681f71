//! The pages of signing in and out. The form for name and password is a page of the user pool, not of the shop.

use askama::Template;
use shared::session::Pool;

use crate::{Form, View, assets, links};

/// `/sign-in` and `/sign-in/return`, also below `/staff`, if the person is not signed in after it.
#[derive(Template, Clone, Copy)]
#[template(path = "sign_in_failed.html")]
pub struct SignInFailed<'a> {
    pub view: View<'a>,
    pub pool: Pool,
    pub failure: SignInFailure,
    /// The address of the shop to which the person continues.
    pub return_to: &'a str,
}

/// Why somebody is not signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignInFailure {
    /// The stage has no accounts.
    NotHere,
    /// This browser has begun no attempt, a later one, or one of long ago.
    Lost,
    /// The code was used, or is too old.
    Used,
    /// The person has stopped it, or the user pool does not let them in.
    Denied,
    /// The address of the account was not verified.
    UnverifiedEmail,
    /// The shop cannot send mails to the address of the account, in the form in which the user pool has accepted it.
    UnusableEmail,
    /// The clocks of the user pool and of the shop differ.
    Clock,
    /// The browser came back with an error of the user pool. Anybody can send one, so it is no 503, which raises an alarm.
    Refused,
    /// The user pool did not answer, or not as it should.
    Away,
}

impl SignInFailure {
    pub const ALL: [Self; 9] = [
        Self::NotHere,
        Self::Lost,
        Self::Used,
        Self::Denied,
        Self::UnverifiedEmail,
        Self::UnusableEmail,
        Self::Clock,
        Self::Refused,
        Self::Away,
    ];

    pub fn status(self) -> u16 {
        match self {
            Self::NotHere => 404,
            Self::Lost | Self::Used | Self::Refused => 400,
            Self::Denied | Self::UnverifiedEmail | Self::UnusableEmail => 403,
            Self::Clock | Self::Away => 503,
        }
    }

    /// The key of its texts.
    pub fn key(self) -> &'static str {
        match self {
            Self::NotHere => "sign-in-not-here",
            Self::Lost => "sign-in-lost",
            Self::Used => "sign-in-used",
            Self::Denied => "sign-in-denied",
            Self::UnverifiedEmail => "sign-in-unverified",
            Self::UnusableEmail => "sign-in-unusable",
            Self::Clock => "sign-in-clock",
            Self::Refused | Self::Away => "sign-in-away",
        }
    }
}

impl SignInFailed<'_> {
    /// The address of the next attempt; none where there is nothing to try.
    fn again(&self) -> Option<String> {
        (self.failure != SignInFailure::NotHere).then(|| links::sign_in_at(self.pool, self.return_to))
    }
}

/// The answer to a form of the account or of the staff that came without a session that counts: 401. A redirect to the sign-in would end at
/// the user pool, to which the content security policy lets no form lead.
#[derive(Template, Clone, Copy)]
#[template(path = "sign_in_first.html")]
pub struct SignInFirst<'a> {
    pub view: View<'a>,
    pub pool: Pool,
    /// Whether the browser came with a session.
    pub had_session: bool,
    /// The address of the shop to which the customer continues after signing in.
    pub return_to: &'a str,
    /// The fields of the form with their values; none if the form cannot be shown again with them.
    pub typed: &'a [(&'a str, &'a str)],
}

impl SignInFirst<'_> {
    /// The key of its texts.
    fn key(&self) -> &'static str {
        match (self.pool, self.had_session) {
            (Pool::Staff, _) => "staff-session-ended",
            (Pool::Customers, true) => "session-ended",
            (Pool::Customers, false) => "sign-in-first",
        }
    }

    /// The address of the sign-in, which leads back.
    fn sign_in(&self) -> String {
        links::sign_in_at(self.pool, self.return_to)
    }
}

impl SignOut<'_> {
    /// The key of its texts.
    fn key(&self) -> &'static str {
        match self.pool {
            Pool::Customers => "sign-out",
            Pool::Staff => "staff-sign-out",
        }
    }
}

/// `/sign-out` and `/staff/sign-out`: the button, or that it has happened.
#[derive(Template, Clone, Copy)]
#[template(path = "sign_out.html")]
pub struct SignOut<'a> {
    pub view: View<'a>,
    pub pool: Pool,
    pub is_signed_in: bool,
    /// The address of the user pool to which the browser continues.
    pub next: Option<&'a str>,
}
