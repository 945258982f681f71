//! Intake of submissions: each gets an id and goes to the queue, which keeps it until `process-submissions` has
//! processed it. It needs no database.
//!
//! A retry gets the same id if it has the same content and the same key: `Idempotency-Key` of a program, or the hidden
//! field of a form. The content counts as it was parsed, not as it was written; other content with the same key is another
//! submission. A key belongs to its sender. With a cookie, that is the visitor; without one, it is everybody who knows the key, so the key
//! must be one that nobody guesses.

use anyhow::Context;
use serde::Serialize;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    App, Reply, Request,
    api::{Receipt, Status},
    domain::{BookId, Invalid, SubmissionId, SubmissionKey, VisitorCookie, VisitorId, number_of_cookie},
    error::{ApiError, Result},
    messages::{Content, SignedInV1, Submission},
    session::Pool,
};

/// The hidden field of a form with which two requests of the same form count once.
pub const FORM_KEY: &str = "key";
/// Characters of an `Idempotency-Key`.
pub const MAX_KEY: usize = 200;
/// The least characters of a key without a cookie. 16 random digits would take centuries to try.
pub const MIN_KEY_WITHOUT_COOKIE: usize = 16;

/// A new key of a form.
pub fn form_key() -> String {
    Uuid::new_v4().to_string()
}

/// The customer whose session came with the request, for a message: its consumer asks the database whether the session still
/// counts.
///
/// # Errors
/// The parameters cannot be read, or the function is not granted the keys.
pub async fn signed_in(app: &App, request: &Request) -> Result<Option<SignedInV1>> {
    let session = app.session(request, Pool::Customers).await?;
    Ok(session.map(|session| SignedInV1 { subject: session.subject, issued_at: session.issued_at }))
}

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
    cookie: VisitorCookie,
    /// The value of the visitor's cookie.
    pub cookie_value: String,
    now: OffsetDateTime,
}

impl<'a> Intake<'a> {
    /// `content` is what the sender repeats with a retry, parsed, with its kind and what it is about.
    pub async fn begin(app: &'a App, request: &'a Request, client: Client, content: &impl Serialize) -> Result<Self> {
        if request.is_too_large() {
            return Err(ApiError::TooLarge);
        }
        let key = app.submission_key().await?;
        let now = OffsetDateTime::now_utc();
        let content = serde_json::to_vec(content).context("writing the content of a submission")?;
        let (id, cookie) = identify(&key, request, client, &content, now)?;
        let cookie_value = key.write_cookie(&cookie);
        Ok(Self { app, request, client, id, visitor: cookie.visitor(), cookie, cookie_value, now })
    }

    /// Refuses a visitor whose cookie is younger than this number of minutes.
    pub fn check_age(&self, minutes: u16) -> Result<()> {
        self.cookie.check_age(self.now, minutes).map_err(|invalid| ApiError::Unprocessable(vec![invalid]))
    }

    /// Sends it to the queue. Once this returns, the submission is durable.
    pub async fn send(&self, content: Content) -> Result<()> {
        let request_id = Some(self.request.id.clone());
        let submission = Submission { id: self.id.uuid(), sent_at: self.now, request_id, content };
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
        Ok(reply.remember(&self.cookie_value))
    }
}

/// The id of the submission, and the cookie of its visitor: the one that came, or a new one.
fn identify(
    key: &SubmissionKey,
    request: &Request,
    client: Client,
    content: &[u8],
    now: OffsetDateTime,
) -> Result<(SubmissionId, VisitorCookie)> {
    let repeated = match client {
        Client::Program => key_of_program(request)?,
        Client::Browser => key_of_form(request)?,
    };
    let cookie = request.cookie(Request::VISITOR_COOKIE).and_then(|value| key.read_cookie(value, now));
    let Some(repeated) = repeated else {
        let id = key.random();
        return Ok((id, cookie.unwrap_or_else(|| VisitorCookie::new(key.visitor_number_of(id), now))));
    };
    let id_for = |visitor: &[u8]| key.derive(&[visitor, content, &repeated]);
    let without_cookie = id_for(&[]);
    let first_number = key.visitor_number_of(without_cookie);
    match cookie {
        Some(cookie) if cookie.number != first_number => Ok((id_for(cookie.number.as_bytes()), cookie)),
        // A sender that came without a cookie has received one with the first answer, and is still the same sender.
        Some(cookie) => Ok((without_cookie, cookie)),
        None if repeated.len() < MIN_KEY_WITHOUT_COOKIE => Err(guessable(client, repeated.len())),
        None => Ok((without_cookie, VisitorCookie::new(first_number, now))),
    }
}

/// The key that a program must send, because without one a retry would be another order.
///
/// # Errors
/// It is missing, too long, or too short for a sender without a cookie.
pub fn program_key(request: &Request) -> Result<Vec<u8>> {
    let Some(key) = key_of_program(request)? else {
        let reason = "is missing; send a random value such as a UUID, and the same one with each retry";
        return Err(Invalid::other("Idempotency-Key", reason).into());
    };
    if key.len() < MIN_KEY_WITHOUT_COOKIE && !has_visitor(request) {
        return Err(guessable(Client::Program, key.len()));
    }
    Ok(key)
}

/// Whether the cookie names a visitor.
fn has_visitor(request: &Request) -> bool {
    request.cookie(Request::VISITOR_COOKIE).and_then(number_of_cookie).is_some()
}

fn key_of_program(request: &Request) -> Result<Option<Vec<u8>>> {
    let Some(key) = request.header_bytes("idempotency-key") else { return Ok(None) };
    if request.repeats_header("idempotency-key") {
        return Err(Invalid::other("Idempotency-Key", "is given twice; send it once").into());
    }
    if !(1..=MAX_KEY).contains(&key.len()) || !key.iter().all(|byte| matches!(byte, b' '..=b'~')) {
        return Err(Invalid::other("Idempotency-Key", "must have 1 to 200 characters of ASCII").into());
    }
    Ok(Some(key.to_vec()))
}

/// The key that the page had. A form without one, of a page of a version before, counts each time.
fn key_of_form(request: &Request) -> Result<Option<Vec<u8>>> {
    let Some(key) = request.form()?.remove(FORM_KEY) else { return Ok(None) };
    if (MIN_KEY_WITHOUT_COOKIE..=MAX_KEY).contains(&key.len()) {
        return Ok(Some(key.into_bytes()));
    }
    Err(guessable(Client::Browser, key.len()))
}

fn guessable(client: Client, length: usize) -> ApiError {
    match client {
        Client::Program => Invalid::other(
            "Idempotency-Key",
            format!(
                "must have at least {MIN_KEY_WITHOUT_COOKIE} characters without the visitor's cookie, such as a random \
                 UUID, and has {length}"
            ),
        ),
        Client::Browser => Invalid::other(FORM_KEY, "must be the one that the page has; load the page again"),
    }
    .into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-01-02 03:04:05 UTC);
    const LATER: OffsetDateTime = datetime!(2026-01-02 04:05:06 UTC);
    const ANA: &str = "c56a4180-65aa-42ec-a945-5fd21dec0538";
    const EVA: &str = "0b0fd2bd-5e6f-4d5e-8a39-3b8e2ae7f2a1";
    const KEY: &str = "b6bf864c-0798-40c5";

    fn key() -> SubmissionKey {
        SubmissionKey::parse(&format!("{}=", "A".repeat(43))).expect("a key")
    }

    fn request(event: serde_json::Value) -> Request {
        Request::from_event(serde_json::from_value(event).expect("an event"), "id")
    }

    fn program(idempotency: &str, cookie: &str) -> Result<(SubmissionId, VisitorCookie)> {
        let headers = json!({ "idempotency-key": idempotency, "cookie": cookie });
        let event = json!({ "httpMethod": "POST", "path": "/api/contact", "headers": headers, "body": "{}" });
        identify(&key(), &request(event), Client::Program, b"content", NOW)
    }

    fn browser(body: &str, cookie: &str) -> Result<(SubmissionId, VisitorCookie)> {
        let headers = json!({ "content-type": "application/x-www-form-urlencoded", "cookie": cookie });
        let event = json!({ "httpMethod": "POST", "path": "/contact", "headers": headers, "body": body });
        identify(&key(), &request(event), Client::Browser, b"content", LATER)
    }

    fn cookie_of(answer: &(SubmissionId, VisitorCookie)) -> String {
        format!("{}={}", Request::VISITOR_COOKIE, key().write_cookie(&answer.1))
    }

    #[test]
    fn a_retry_with_or_without_the_cookie_of_the_first_answer_is_the_same_submission_of_the_same_visitor() {
        let form = format!("message=Hola&key={KEY}");
        for client in [Client::Program, Client::Browser] {
            let send = |cookie: &str| match client {
                Client::Program => program(KEY, cookie).unwrap(),
                Client::Browser => browser(&form, cookie).unwrap(),
            };
            let first = send("");
            let with_number_alone = format!("visitor={}", first.1.number);
            for cookie in ["", &cookie_of(&first), &with_number_alone, "visitor=me", "lang=es"] {
                let again = send(cookie);
                assert_eq!((again.0, again.1.visitor()), (first.0, first.1.visitor()), "{cookie}");
            }
            assert_eq!(send(&cookie_of(&first)).1, first.1, "the cookie keeps its age");
        }
    }

    #[test]
    fn two_visitors_with_equal_keys_and_bodies_share_neither_submission_nor_cookie() {
        let form = format!("message=Hola&key={KEY}");
        let (ana, eva) = (format!("visitor={ANA}"), format!("visitor={EVA}"));
        for (one, other, stranger) in [
            (program("1", &ana), program("1", &eva), None),
            (program(KEY, &ana), program(KEY, &eva), Some(program(KEY, ""))),
            (browser(&form, &ana), browser(&form, &eva), Some(browser(&form, ""))),
        ] {
            let (one, other) = (one.unwrap(), other.unwrap());
            assert_eq!((one.1.number.to_string(), other.1.number.to_string()), (ANA.into(), EVA.into()));
            assert_ne!(one.0, other.0);
            if let Some(stranger) = stranger.map(Result::unwrap) {
                assert!(![one, other].iter().any(|known| known.0 == stranger.0 || known.1.number == stranger.1.number));
            }
        }
    }

    #[test]
    fn without_a_cookie_a_key_that_can_be_guessed_is_refused() {
        for (idempotency, cookie, reason) in [
            ("1", "", "at least 16 characters without the visitor's cookie, such as a random UUID, and has 1"),
            ("123456789012345", "visitor=me", "and has 15"),
            ("", "", "must have 1 to 200 characters"),
            ("ñ", "", "must have 1 to 200 characters"),
            (&"a".repeat(201), "", "must have 1 to 200 characters"),
        ] {
            let refused = program(idempotency, cookie).unwrap_err();
            assert!(refused.status() == 400 && refused.to_string().contains(reason), "{idempotency}: {refused}");
        }
        let headers = json!({ "idempotency-key": [KEY, "b6bf864c-0798-40c6"] });
        let twice = request(json!({ "httpMethod": "POST", "path": "/api/contact", "multiValueHeaders": headers }));
        let refused = identify(&key(), &twice, Client::Program, b"{}", NOW).unwrap_err();
        assert!(refused.status() == 400 && refused.to_string().contains("is given twice"), "{refused}");
        assert!(program("a b c d e f g h i", "").is_ok() && program("1", &format!("visitor={ANA}")).is_ok());
        for body in ["message=Hola&key=1", "message=Hola&key=123456789012345"] {
            for cookie in ["", &format!("visitor={ANA}")] {
                assert_eq!(browser(body, cookie).unwrap_err().status(), 400, "{body}");
            }
        }
    }

    #[test]
    fn a_key_is_for_one_content_however_path_and_body_are_written() {
        let send = |path: &str, body: &str, content: &[u8]| {
            let headers = json!({ "idempotency-key": KEY });
            let event = json!({ "httpMethod": "POST", "path": path, "headers": headers, "body": body });
            identify(&key(), &request(event), Client::Program, content, NOW).unwrap().0
        };
        let first = send("/api/books/54/ratings", r#"{"stars":5}"#, b"five stars");
        assert_eq!(send("/api/books/54-dracula/ratings", r#"{ "name": null, "stars": 5 }"#, b"five stars"), first);
        assert_ne!(send("/api/books/54/ratings", r#"{"stars":5}"#, b"four stars"), first);
    }

    #[test]
    fn a_program_that_must_send_a_key_reads_why() {
        for (headers, expected) in [
            (json!({}), "Idempotency-Key: is missing; send a random value such as a UUID"),
            (json!({ "idempotency-key": "1" }), "Idempotency-Key: must have at least 16 characters"),
            (
                json!({ "idempotency-key": "1", "cookie": "visitor=me" }),
                "Idempotency-Key: must have at least 16 characters",
            ),
            (
                json!({ "idempotency-key": "\u{f1}", "cookie": format!("visitor={ANA}") }),
                "Idempotency-Key: must have 1 to 200",
            ),
        ] {
            let request = request(json!({ "httpMethod": "POST", "path": "/api/orders", "headers": headers }));
            let refused = program_key(&request).unwrap_err().to_string();
            assert!(refused.starts_with(expected), "{refused}");
        }
        let headers = json!({ "idempotency-key": "1", "cookie": format!("visitor={ANA}") });
        let with_cookie = request(json!({ "httpMethod": "POST", "path": "/api/orders", "headers": headers }));
        assert_eq!(program_key(&with_cookie).unwrap(), b"1");
    }

    #[test]
    fn a_form_sent_twice_counts_once_and_a_new_form_counts_again() {
        let send = |key: &str| browser(&format!("message=Hola&key={key}"), "").unwrap().0;
        assert_eq!(send(KEY), send(KEY));
        assert_ne!(send(&form_key()), send(&form_key()));
        assert_ne!(browser("message=Hola", "").unwrap().0, browser("message=Hola", "").unwrap().0);
    }
}
