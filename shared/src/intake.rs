//! Taking in what visitors send: it gets an id and goes to the queue, which keeps it until the writer has dealt with it.
//! No database is asked.

use time::OffsetDateTime;

use crate::{
    App, Reply, Request,
    api::{Receipt, Status},
    domain::{Invalid, SubmissionId, SubmissionKey, VisitorId},
    error::{ApiError, Result},
    messages::{Content, Submission},
};

/// A submission that has an id and is not sent yet.
pub struct Intake<'a> {
    app: &'a App,
    request: &'a Request,
    pub id: SubmissionId,
    pub visitor: VisitorId,
}

impl<'a> Intake<'a> {
    pub async fn begin(app: &'a App, request: &'a Request) -> Result<Self> {
        let key = app.submission_key().await?;
        let id = submission_id(&key, request)?;
        let visitor = request.visitor().unwrap_or_else(|| key.visitor_of(id));
        Ok(Self { app, request, id, visitor })
    }

    /// Sends it: once this returns, it is not lost any more.
    pub async fn send(&self, content: Content) -> Result<()> {
        let request_id = Some(self.request.id.clone());
        let submission = Submission { id: self.id.uuid(), sent_at: OffsetDateTime::now_utc(), request_id, content };
        self.app.submissions().await?.send(&submission).await.map_err(ApiError::Unavailable)?;
        tracing::info!(submission.id = %self.id, "Submission taken in");
        Ok(())
    }

    /// What the sender gets: where to ask what became of it.
    pub fn receipt(self) -> Result<Reply> {
        let reply = if self.request.wants_page() {
            Reply::see_other(&format!("/submissions/{}", self.id))
        } else {
            let href = format!("/api/submissions/{}", self.id);
            let receipt = Receipt { id: self.id, status: Status::Received, href };
            Reply::accepted(&receipt.href, &receipt)?
        };
        Ok(reply.remember(self.visitor))
    }
}

/// A retry with the same `Idempotency-Key` gets the same id, and so has its effect once.
fn submission_id(key: &SubmissionKey, request: &Request) -> Result<SubmissionId> {
    let Some(idempotency) = request.header_bytes("idempotency-key") else { return Ok(key.random()) };
    if !(1..=200).contains(&idempotency.len()) || !idempotency.iter().all(|byte| matches!(byte, b' '..=b'~')) {
        return Err(Invalid::new("Idempotency-Key", "must have 1 to 200 characters of ASCII").into());
    }
    let visitor = request.visitor().map(|visitor| visitor.0.into_bytes()).unwrap_or_default();
    Ok(key.derive(&[request.path().as_bytes(), &visitor, request.body(), idempotency]))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn id(idempotency: &str) -> Result<SubmissionId> {
        let key = SubmissionKey::parse(&format!("{}=", "A".repeat(43))).expect("a key");
        let event = json!({ "httpMethod": "POST", "path": "/", "headers": { "idempotency-key": idempotency } });
        submission_id(&key, &Request::from_event(serde_json::from_value(event).expect("an event"), "id"))
    }

    #[test]
    fn a_key_that_cannot_be_read_is_refused_and_not_passed_over() {
        assert_eq!(id("a b").unwrap(), id("a b").unwrap());
        for idempotency in ["", "ñ", &"a".repeat(201)] {
            assert!(matches!(id(idempotency), Err(ApiError::BadRequest(_))), "{idempotency}");
        }
    }
}
