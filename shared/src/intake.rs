//! Taking in what visitors send: it gets an id and goes to the queue, which keeps it until the writer has dealt with it.
//! No database is asked.

use time::OffsetDateTime;

use crate::{
    App, Reply, Request,
    api::{Receipt, Status},
    domain::{BookId, Invalid, SubmissionId, SubmissionKey, VisitorId},
    error::{ApiError, Result},
    messages::{Content, Submission},
};

/// The hidden field of a form that makes sending it twice the same as once.
const FORM_KEY: &str = "key";

/// A submission that has an id and is not sent yet.
pub struct Intake<'a> {
    app: &'a App,
    request: &'a Request,
    pub id: SubmissionId,
    pub visitor: VisitorId,
}

impl<'a> Intake<'a> {
    pub async fn begin(app: &'a App, request: &'a Request) -> Result<Self> {
        if request.is_too_large() {
            return Err(ApiError::TooLarge);
        }
        let key = app.submission_key().await?;
        let id = submission_id(&key, request)?;
        let visitor = request.visitor().map_or_else(|| key.visitor_of(id), VisitorId);
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

    /// What the sender gets: where to ask what became of it; on a page also the way back to the book that it is about.
    pub fn receipt(self, about: Option<BookId>) -> Result<Reply> {
        let reply = if self.request.wants_page() {
            let about = about.map(|book| format!("?book={book}")).unwrap_or_default();
            Reply::see_other(&format!("/submissions/{}{about}", self.id))
        } else {
            let href = format!("/api/submissions/{}", self.id);
            let receipt = Receipt { id: self.id, status: Status::Received, href };
            Reply::accepted(&receipt.href, &receipt)?
        };
        Ok(reply.remember(self.visitor.0))
    }
}

/// A retry with the same `Idempotency-Key` gets the same id, and so has its effect once. So does the same form of the
/// same page, sent twice: it carries a key of its own, and whoever sent it has the cookie the second time only.
fn submission_id(key: &SubmissionKey, request: &Request) -> Result<SubmissionId> {
    if request.wants_page() {
        let keyed = request.form()?.contains_key(FORM_KEY);
        return Ok(if keyed { key.derive(&[request.path().as_bytes(), request.body()]) } else { key.random() });
    }
    let Some(idempotency) = request.header_bytes("idempotency-key") else { return Ok(key.random()) };
    if !(1..=200).contains(&idempotency.len()) || !idempotency.iter().all(|byte| matches!(byte, b' '..=b'~')) {
        return Err(Invalid::new("Idempotency-Key", "must have 1 to 200 characters of ASCII").into());
    }
    let id_of = |visitor: &[u8]| key.derive(&[request.path().as_bytes(), visitor, request.body(), idempotency]);
    // Whoever came without a cookie has by now the one that the first answer set, and is the same sender.
    let first = id_of(&[]);
    Ok(match request.visitor() {
        Some(visitor) if VisitorId(visitor) != key.visitor_of(first) => id_of(visitor.as_bytes()),
        _ => first,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn id_of(event: serde_json::Value) -> Result<SubmissionId> {
        let key = SubmissionKey::parse(&format!("{}=", "A".repeat(43))).expect("a key");
        submission_id(&key, &Request::from_event(serde_json::from_value(event).expect("an event"), "id"))
    }

    fn id(idempotency: &str) -> Result<SubmissionId> {
        id_of(json!({ "httpMethod": "POST", "path": "/api", "headers": { "idempotency-key": idempotency } }))
    }

    #[test]
    fn a_form_sent_twice_counts_once_and_drawn_anew_it_is_another() {
        let send = |body: &str, cookie: &str| {
            let headers = json!({ "content-type": "application/x-www-form-urlencoded", "cookie": cookie });
            id_of(json!({ "httpMethod": "POST", "path": "/contact", "headers": headers, "body": body })).unwrap()
        };
        let first = send("message=Hola&key=1", "");
        assert_eq!(send("message=Hola&key=1", "visitor=c56a4180-65aa-42ec-a945-5fd21dec0538"), first);
        assert_ne!(send("message=Hola&key=2", ""), first);
        assert_ne!(send("message=Hola", ""), send("message=Hola", ""));
    }

    #[test]
    fn a_retry_with_the_cookie_that_the_first_answer_set_is_the_same_and_another_visitors_is_not() {
        let send = |cookie: &str| {
            let headers = json!({ "idempotency-key": "K1", "cookie": cookie });
            id_of(json!({ "httpMethod": "POST", "path": "/api/contact", "headers": headers, "body": "{}" })).unwrap()
        };
        let first = send("");
        let key = SubmissionKey::parse(&format!("{}=", "A".repeat(43))).expect("a key");
        assert_eq!(send(&format!("visitor={}", key.visitor_of(first).0)), first);
        assert_ne!(send("visitor=c56a4180-65aa-42ec-a945-5fd21dec0538"), first);
    }

    #[test]
    fn a_key_that_cannot_be_read_is_refused_and_not_passed_over() {
        assert_eq!(id("a b").unwrap(), id("a b").unwrap());
        for idempotency in ["", "ñ", &"a".repeat(201)] {
            assert!(matches!(id(idempotency), Err(ApiError::BadRequest(_))), "{idempotency}");
        }
    }
}
