//! Intake of submissions: each gets an id and goes to the queue, which keeps it until `process-submissions` has
//! processed it. It needs no database.

use time::OffsetDateTime;

use crate::{
    App, Reply, Request,
    api::{Receipt, Status},
    domain::{BookId, Invalid, SubmissionId, SubmissionKey, VisitorId},
    error::{ApiError, Result},
    messages::{Content, Submission},
};

/// The hidden field of a form with which two requests of the same form count once.
const FORM_KEY: &str = "key";

/// The kind of client that sends a submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Client {
    /// Repeats a request with the same `Idempotency-Key`, and gets a receipt as JSON.
    Program,
    /// Sends a page's form, and is redirected to the submission's page.
    Browser,
}

/// A submission that has an id and is not sent yet.
pub struct Intake<'a> {
    app: &'a App,
    request: &'a Request,
    client: Client,
    pub id: SubmissionId,
    pub visitor: VisitorId,
}

impl<'a> Intake<'a> {
    pub async fn begin(app: &'a App, request: &'a Request, client: Client) -> Result<Self> {
        if request.is_too_large() {
            return Err(ApiError::TooLarge);
        }
        let key = app.submission_key().await?;
        let id = match client {
            Client::Program => id_of_json(&key, request)?,
            Client::Browser => id_of_form(&key, request)?,
        };
        let visitor = request.visitor().map_or_else(|| key.visitor_of(id), VisitorId);
        Ok(Self { app, request, client, id, visitor })
    }

    /// Sends it to the queue. Once this returns, the submission is durable.
    pub async fn send(&self, content: Content) -> Result<()> {
        let request_id = Some(self.request.id.clone());
        let submission = Submission { id: self.id.uuid(), sent_at: OffsetDateTime::now_utc(), request_id, content };
        self.app.submissions().await?.send(&submission).await.map_err(ApiError::Unavailable)?;
        tracing::info!(submission.id = %self.id, "Submission accepted");
        Ok(())
    }

    /// The reply to the sender, with the address of the submission's status; a page also links back to the book
    /// `about`.
    pub fn receipt(self, about: Option<BookId>) -> Result<Reply> {
        let reply = match self.client {
            Client::Program => {
                let href = format!("/api/submissions/{}", self.id);
                let receipt = Receipt { id: self.id, status: Status::Received, href };
                Reply::accepted(&receipt.href, &receipt)?
            }
            Client::Browser => {
                let about = about.map(|book| format!("?book={book}")).unwrap_or_default();
                Reply::see_other(&format!("/submissions/{}{about}", self.id))
            }
        };
        Ok(reply.remember(self.visitor.0))
    }
}

/// The same form of the same page gets the same id when it is sent twice: it carries a key of its own. The visitor is
/// not part of the id, because the cookie comes with the second attempt only.
fn id_of_form(key: &SubmissionKey, request: &Request) -> Result<SubmissionId> {
    let keyed = request.form()?.contains_key(FORM_KEY);
    Ok(if keyed { key.derive(&[request.path().as_bytes(), request.body()]) } else { key.random() })
}

/// A retry with the same `Idempotency-Key` gets the same id, and so has its effect once.
fn id_of_json(key: &SubmissionKey, request: &Request) -> Result<SubmissionId> {
    let Some(idempotency) = request.header_bytes("idempotency-key") else { return Ok(key.random()) };
    if !(1..=200).contains(&idempotency.len()) || !idempotency.iter().all(|byte| matches!(byte, b' '..=b'~')) {
        return Err(Invalid::other("Idempotency-Key", "must have 1 to 200 characters of ASCII").into());
    }
    let id_of = |visitor: &[u8]| key.derive(&[request.path().as_bytes(), visitor, request.body(), idempotency]);
    // A sender that came without a cookie has received one with the first answer, and is still the same sender.
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

    fn key() -> SubmissionKey {
        SubmissionKey::parse(&format!("{}=", "A".repeat(43))).expect("a key")
    }

    fn request(event: serde_json::Value) -> Request {
        Request::from_event(serde_json::from_value(event).expect("an event"), "id")
    }

    fn id(idempotency: &str) -> Result<SubmissionId> {
        let headers = json!({ "idempotency-key": idempotency });
        id_of_json(&key(), &request(json!({ "httpMethod": "POST", "path": "/api", "headers": headers })))
    }

    #[test]
    fn a_form_sent_twice_counts_once_and_a_new_form_counts_again() {
        let send = |body: &str, cookie: &str| {
            let headers = json!({ "content-type": "application/x-www-form-urlencoded", "cookie": cookie });
            let event = json!({ "httpMethod": "POST", "path": "/contact", "headers": headers, "body": body });
            id_of_form(&key(), &request(event)).unwrap()
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
            let event = json!({ "httpMethod": "POST", "path": "/api/contact", "headers": headers, "body": "{}" });
            id_of_json(&key(), &request(event)).unwrap()
        };
        let first = send("");
        assert_eq!(send(&format!("visitor={}", key().visitor_of(first).0)), first);
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
