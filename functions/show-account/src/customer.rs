//! Who has signed in, and the key of the customer's forms.

use shared::{
    App, Request, Result,
    domain::SubmissionKey,
    intake::FORM_KEY,
    repo::customers,
    session::{Pool, Session, Subject},
};

use std::collections::BTreeMap;

/// A customer with a session that counts.
pub struct SignedIn {
    pub subject: Subject,
    key: SubmissionKey,
    session: Session,
}

impl SignedIn {
    /// The customer of the request; none without a session, with one of another pool, and with one that was ended.
    pub async fn find(app: &App, request: &Request) -> Result<Option<Self>> {
        let Some(session) = app.session(request, Pool::Customers).await? else { return Ok(None) };
        let (subject, issued_at) = (session.subject, session.issued_at);
        let counts = app.database().read(async |c| customers::session_is_valid(c, subject, issued_at).await).await?;
        if !counts {
            return Ok(None);
        }
        Ok(Some(Self { subject, key: app.submission_key().await?, session }))
    }

    /// The hidden value of each form. It follows from the session, so that no other site and no earlier session has it.
    pub fn form_key(&self) -> String {
        form_key(&self.key, &self.session)
    }

    /// Whether this session was shown the form.
    pub fn is_own_form(&self, typed: &BTreeMap<String, String>) -> bool {
        typed.get(FORM_KEY).is_some_and(|key| *key == self.form_key())
    }

    /// The id of the change that a form makes, which is the same if it is sent twice.
    pub fn change_id(&self, parts: &[&[u8]]) -> uuid::Uuid {
        let subject = self.subject.uuid();
        let whose: [&[u8]; 2] = [b"change of an account", subject.as_bytes()];
        self.key.derive(&[&whose, parts].concat()).uuid()
    }
}

fn form_key(key: &SubmissionKey, session: &Session) -> String {
    let issued_at = session.issued_at.unix_timestamp().to_be_bytes();
    key.derive(&[b"form of an account", session.subject.uuid().as_bytes(), &issued_at]).to_string()
}
