//! The bookseller who has signed in, and the key of their forms.

use std::collections::BTreeMap;

use shared::{
    App, Result,
    domain::{SubmissionId, SubmissionKey},
    intake::FORM_KEY,
    repo::{catalogue::edit::Sent, customers},
    session::{Session, StaffSession},
    staff::Bookseller,
};
use uuid::Uuid;

/// Whether a browser has access.
pub enum Access {
    /// Nobody of the staff has signed in with it, or the account was removed since.
    Nobody,
    /// Somebody has, and the session is over.
    Ended,
    Staff(SignedIn),
}

/// Somebody of the staff with a session that counts.
pub struct SignedIn {
    pub bookseller: Bookseller,
    key: SubmissionKey,
    session: Session,
}

impl Access {
    /// The access of a session whose signature was verified.
    pub async fn find(app: &App, found: Option<StaffSession>) -> Result<Self> {
        let Some(found) = found else { return Ok(Self::Nobody) };
        let (subject, issued_at) = (found.session.subject, found.session.issued_at);
        let counts = app.database().read(async |c| customers::session_is_valid(c, subject, issued_at).await).await?;
        Ok(Self::of(Some(found), counts, app.submission_key().await?))
    }

    /// The access of a session, which counts unless it was ended.
    pub fn of(found: Option<StaffSession>, counts: bool, key: SubmissionKey) -> Self {
        match found {
            Some(StaffSession { session, email, is_over: false }) if counts => {
                Self::Staff(SignedIn { bookseller: Bookseller { subject: session.subject, email }, key, session })
            }
            Some(_) if counts => Self::Ended,
            _ => Self::Nobody,
        }
    }
}

impl SignedIn {
    /// The hidden value of each form. It follows from the session, so that no other site and no earlier session has it.
    pub fn form_key(&self) -> String {
        let issued_at = self.session.issued_at.unix_timestamp().to_be_bytes();
        self.key.derive(&[b"form of the staff", self.session.subject.uuid().as_bytes(), &issued_at]).to_string()
    }

    /// Whether this session was shown the form.
    pub fn is_own_form(&self, typed: &BTreeMap<String, String>) -> bool {
        typed.get(FORM_KEY).is_some_and(|key| *key == self.form_key())
    }

    /// The id of a file that will be uploaded.
    pub fn new_upload(&self) -> SubmissionId {
        self.key.random()
    }

    /// Whether the shop has given this id.
    pub fn is_upload(&self, id: Uuid) -> bool {
        self.key.verify(&id.to_string()).is_some()
    }

    /// A form about a book, with what it says.
    pub fn sent(&self, app: &App, parts: &[&[u8]]) -> Sent<'_> {
        Sent { who: &self.bookseller, change: self.change_id(parts), currency: app.currency() }
    }

    /// The id of the change that a form makes, which is the same if it is sent twice.
    pub fn change_id(&self, parts: &[&[u8]]) -> Uuid {
        let subject = self.session.subject.uuid();
        let whose: [&[u8]; 2] = [b"change by the staff", subject.as_bytes()];
        self.key.derive(&[&whose, parts].concat()).uuid()
    }
}
