//! What can go wrong with a request, one variant a status.
//!
//! A handler uses bare `?`. Give a cause a context on its way up (`.context("sending the rating")`): it goes to the
//! log with the request id and is never shown to the caller.

use std::panic::AssertUnwindSafe;

use anyhow::anyhow;
use futures_util::FutureExt;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    database,
    invalid::{Invalid, Reason},
};

pub type Result<T, E = ApiError> = std::result::Result<T, E>;

#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// 400: the request cannot be understood: an unknown parameter, a bad value, broken JSON.
    #[error("{0}")]
    BadRequest(Invalid),
    /// 401: it is for a customer, and no session came, or one that counts no longer.
    #[error("nobody is signed in")]
    NotSignedIn,
    /// 403: a form that another site sent.
    #[error("a request from another site is refused")]
    Forbidden,
    /// 404: nothing with this address, or an impossible one.
    #[error("not found")]
    NotFound,
    /// 405: the path has other methods, which are in the value: `GET, HEAD`.
    #[error("the method is not allowed; allowed are {0}")]
    MethodNotAllowed(String),
    /// 413
    #[error("the body has more than {} KiB", crate::http::MAX_BODY / 1024)]
    TooLarge,
    /// 415
    #[error("the body must be application/json")]
    UnsupportedMediaType,
    /// 415: a body that is compressed or encoded in another way.
    #[error("the body must have no Content-Encoding")]
    UnsupportedContentEncoding,
    /// 422: understood, but some values are not acceptable.
    #[error("{} invalid value(s)", .0.len())]
    Unprocessable(Vec<Invalid>),
    /// 503: a dependency does not answer; the caller may retry.
    #[error("unavailable")]
    Unavailable(#[source] anyhow::Error),
    /// 500: a defect.
    #[error("internal error")]
    Internal(#[from] anyhow::Error),
}

/// RFC 9457 problem details.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Problem {
    /// `about:blank`: the status says what it is, and `code` says it to programs.
    pub r#type: &'static str,
    pub title: &'static str,
    pub status: u16,
    pub code: Code,
    pub detail: String,
    /// The request id, for a question to the shop.
    pub instance: String,
    /// Each value that is not acceptable, at most 20.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<ProblemField>,
}

/// The kind of a problem. It never changes its meaning; later versions may add others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    InvalidRequest,
    NotSignedIn,
    CrossSite,
    NotFound,
    MethodNotAllowed,
    BodyTooLarge,
    UnsupportedMediaType,
    InvalidValues,
    InternalError,
    Unavailable,
}

/// One value that is not acceptable.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ProblemField {
    pub field: String,
    pub code: FieldCode,
    /// In English, for people.
    pub detail: String,
    /// The value's place in the body, as a JSON Pointer in a fragment: `#/stars`. Only for a value of the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub pointer: Option<String>,
    /// The name of the parameter. Only for a value of the query.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub parameter: Option<String>,
}

/// Why a value is not acceptable. A code never changes its meaning; later versions may add others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FieldCode {
    Blank,
    TooLong,
    OutOfRange,
    NotAnEmail,
    NotAnAmount,
    NotABoolean,
    NotACursor,
    NotOneOf,
    CardNumber,
    /// For every other reason.
    Invalid,
}

impl ApiError {
    /// The most values that an answer names.
    pub const MOST_ERRORS: usize = 20;

    pub fn status(&self) -> u16 {
        match self {
            Self::BadRequest(_) => 400,
            Self::NotSignedIn => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed(_) => 405,
            Self::TooLarge => 413,
            Self::UnsupportedMediaType | Self::UnsupportedContentEncoding => 415,
            Self::Unprocessable(_) => 422,
            Self::Internal(_) => 500,
            Self::Unavailable(_) => 503,
        }
    }

    /// The kind of this error, for programs.
    pub fn code(&self) -> Code {
        match self {
            Self::BadRequest(_) => Code::InvalidRequest,
            Self::NotSignedIn => Code::NotSignedIn,
            Self::Forbidden => Code::CrossSite,
            Self::NotFound => Code::NotFound,
            Self::MethodNotAllowed(_) => Code::MethodNotAllowed,
            Self::TooLarge => Code::BodyTooLarge,
            Self::UnsupportedMediaType | Self::UnsupportedContentEncoding => Code::UnsupportedMediaType,
            Self::Unprocessable(_) => Code::InvalidValues,
            Self::Internal(_) => Code::InternalError,
            Self::Unavailable(_) => Code::Unavailable,
        }
    }

    pub fn problem(&self, request_id: &str) -> Problem {
        let (title, detail) = self.texts(request_id);
        let errors = match self {
            Self::Unprocessable(all) => all.iter().take(Self::MOST_ERRORS).map(ProblemField::of_body).collect(),
            Self::BadRequest(invalid) => vec![ProblemField::of_request(invalid)],
            _ => Vec::new(),
        };
        let (status, instance) = (self.status(), request_id.to_owned());
        Problem { r#type: "about:blank", title, status, code: self.code(), detail, instance, errors }
    }

    /// Title and detail.
    fn texts(&self, request_id: &str) -> (&'static str, String) {
        match self {
            Self::BadRequest(invalid) => ("Bad request", invalid.to_string()),
            Self::NotSignedIn => {
                ("Unauthorized", "Sign in at /sign-in in a browser, and send the session's cookie.".into())
            }
            Self::Forbidden => {
                ("Forbidden", "This request came from another site. Send it from the shop itself.".into())
            }
            Self::NotFound => ("Not found", "There is nothing at this address.".into()),
            Self::MethodNotAllowed(allowed) => {
                ("Method not allowed", format!("This address does not have that method; it has {allowed}."))
            }
            Self::TooLarge => ("Content too large", format!("{self}; send less.")),
            Self::UnsupportedMediaType => {
                ("Unsupported media type", "Send the body as JSON, with Content-Type: application/json.".into())
            }
            Self::UnsupportedContentEncoding => {
                ("Unsupported media type", "Send the body as it is, without Content-Encoding.".into())
            }
            Self::Unprocessable(_) => ("Unprocessable content", "Some values are not acceptable; see errors.".into()),
            Self::Internal(_) => {
                ("Internal server error", format!("The fault is ours. Quote {request_id} if you write to us."))
            }
            Self::Unavailable(_) => {
                ("Service unavailable", "The shop cannot answer just now. Try again shortly.".into())
            }
        }
    }
}

/// A JSON pointer as a fragment (RFC 6901, 6): characters that a URI cannot have are percent-encoded.
fn pointer<'a>(steps: impl Iterator<Item = &'a str>) -> String {
    let escaped = steps.map(|step| step.replace('~', "~0").replace('/', "~1"));
    let encoded = escaped.map(|step| format!("/{}", utf8_percent_encode(&step, NOT_IN_A_FRAGMENT)));
    format!("#{}", encoded.collect::<String>())
}

/// All but the `fragment` of RFC 3986, 3.5.
const NOT_IN_A_FRAGMENT: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

impl ProblemField {
    fn new(invalid: &Invalid) -> Self {
        let (field, detail) = (invalid.field.clone(), invalid.reason.to_string());
        Self { field, code: FieldCode::of(&invalid.reason), detail, pointer: None, parameter: None }
    }

    /// A value of the body, by its name there, or the body as a whole.
    fn of_body(invalid: &Invalid) -> Self {
        let pointer = match &invalid.steps {
            Some(steps) => pointer(steps.iter().map(String::as_str)),
            None if invalid.field == "body" => pointer([].into_iter()),
            // A dot leads into an object or an array: `lines.0.book`.
            None => pointer(invalid.field.split('.')),
        };
        Self { pointer: Some(pointer), ..Self::new(invalid) }
    }

    /// The body as a whole, a header, or else a parameter.
    fn of_request(invalid: &Invalid) -> Self {
        let field = Self::new(invalid);
        match invalid.field.as_str() {
            "body" => Self { pointer: Some("#".to_owned()), ..field },
            "method" | "Idempotency-Key" => field,
            name => Self { parameter: Some(name.to_owned()), ..field },
        }
    }
}

impl FieldCode {
    fn of(reason: &Reason) -> Self {
        match reason {
            Reason::Blank => Self::Blank,
            Reason::TooLong { .. } | Reason::LongerThan { .. } => Self::TooLong,
            Reason::NotInRange { .. }
            | Reason::OutOfRange { .. }
            | Reason::NotStars { .. }
            | Reason::NotAMean { .. } => Self::OutOfRange,
            Reason::NotAnEmail => Self::NotAnEmail,
            Reason::NotAnAmount | Reason::NotAPriceLimit => Self::NotAnAmount,
            Reason::NotABoolean => Self::NotABoolean,
            Reason::NotACursor => Self::NotACursor,
            Reason::NotOneOf(_) => Self::NotOneOf,
            Reason::CardNumber => Self::CardNumber,
            _ => Self::Invalid,
        }
    }
}

impl From<Invalid> for ApiError {
    fn from(invalid: Invalid) -> Self {
        Self::BadRequest(invalid)
    }
}

impl From<database::Error> for ApiError {
    fn from(error: database::Error) -> Self {
        match error {
            database::Error::Away(cause) | database::Error::Busy(cause) => Self::Unavailable(cause),
            database::Error::Defect(cause) | database::Error::Unstorable(cause) => Self::Internal(cause),
        }
    }
}

/// Turns a panic into an error, so that it costs one request or message and the process continues.
pub async fn catch_panic<T>(work: impl Future<Output = T>) -> anyhow::Result<T> {
    AssertUnwindSafe(work).catch_unwind().await.map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        anyhow!("panicked: {}", text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("without a message"))
    })
}

/// Logs an error of a request, with its cause.
pub fn log(error: &ApiError) {
    match error {
        ApiError::Internal(cause) => tracing::error!(error = format!("{cause:#}"), "Request failed"),
        ApiError::Unavailable(cause) => {
            tracing::error!(error = format!("{cause:#}"), "Request failed: a dependency is unavailable");
        }
        other => tracing::info!(error = %other, "Request refused"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_problem_has_a_code_and_the_place_of_each_value_for_programs() {
        let range = |field: &str| Invalid::new(field, Reason::NotStars { min: 1, max: 5 });
        for (error, code, errors) in [
            (
                ApiError::BadRequest(Invalid::new("cursor", Reason::NotACursor)),
                "invalid_request",
                json!([{"field": "cursor", "code": "not_a_cursor", "parameter": "cursor"}]),
            ),
            (
                ApiError::BadRequest(Invalid::other("body", "cannot be read")),
                "invalid_request",
                json!([{"field": "body", "code": "invalid", "pointer": "#"}]),
            ),
            (
                ApiError::BadRequest(Invalid::other("Idempotency-Key", "is too short")),
                "invalid_request",
                json!([{"field": "Idempotency-Key", "code": "invalid"}]),
            ),
            (
                ApiError::Unprocessable(vec![
                    range("stars"),
                    Invalid::new("a/b~c", Reason::Blank),
                    Invalid::new("review", Reason::LongerThan { max: 4_000 }),
                    Invalid::other("body", "must be a JSON object, and is an array"),
                    Invalid::new("lines.0.book", Reason::CardNumber),
                    Invalid::member(&["body".into()], "is not a member here"),
                    Invalid::member(&["a.b".into()], "is not a member here"),
                    Invalid::member(&["lines".into(), "0".into(), "~ü/ #%.\"".into()], "is given twice"),
                    Invalid::member(&["y".into(), "x".repeat(150)], "is not a member here"),
                ]),
                "invalid_values",
                json!([
                    {"field": "stars", "code": "out_of_range", "pointer": "#/stars"},
                    {"field": "a/b~c", "code": "blank", "pointer": "#/a~1b~0c"},
                    {"field": "review", "code": "too_long", "pointer": "#/review"},
                    {"field": "body", "code": "invalid", "pointer": "#"},
                    {"field": "lines.0.book", "code": "card_number", "pointer": "#/lines/0/book"},
                    {"field": "body", "code": "invalid", "pointer": "#/body"},
                    {"field": "a.b", "code": "invalid", "pointer": "#/a.b"},
                    {"field": "lines.0.~ü/ #%.\"", "code": "invalid", "pointer": "#/lines/0/~0%C3%BC~1%20%23%25.%22"},
                    {"field": format!("y.{}", "x".repeat(100)), "code": "invalid", "pointer": "#/y"},
                ]),
            ),
            (ApiError::NotFound, "not_found", json!(null)),
            (ApiError::Forbidden, "cross_site", json!(null)),
            (ApiError::MethodNotAllowed("GET".into()), "method_not_allowed", json!(null)),
            (ApiError::Unavailable(anyhow::anyhow!("away")), "unavailable", json!(null)),
        ] {
            let mut problem = serde_json::to_value(error.problem("id-1")).unwrap();
            for field in problem["errors"].as_array_mut().into_iter().flatten() {
                field.as_object_mut().unwrap().remove("detail").expect("a detail for people");
            }
            assert_eq!((&problem["code"], &problem["errors"]), (&json!(code), &errors));
        }
    }
    #[test]
    fn a_problem_names_at_most_twenty_values() {
        for (count, named) in [(1, 1), (20, 20), (21, 20), (5_000, 20)] {
            let invalid = (0..count).map(|at| Invalid::new(format!("lines.{at}"), Reason::Blank)).collect();
            assert_eq!(ApiError::Unprocessable(invalid).problem("id-1").errors.len(), named);
        }
    }

    #[tokio::test]
    async fn a_panic_is_an_error_with_its_message() {
        let number = 7;
        let error = catch_panic(async { panic!("bad number {number}") }).await.map(|(): ()| ()).unwrap_err();
        assert_eq!(error.to_string(), "panicked: bad number 7");
    }
}
