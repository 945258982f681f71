//! What can go wrong with a request, one variant a status.
//!
//! A handler uses bare `?`. Give a cause a context on its way up (`.context("sending the rating")`): it goes to the
//! log with the request id and is never shown to the caller.

use schemars::JsonSchema;
use serde::Serialize;

use crate::{database, invalid::Invalid};

pub type Result<T, E = ApiError> = std::result::Result<T, E>;

#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// 400: the request cannot be understood: an unknown parameter, a bad value, broken JSON.
    #[error("{0}")]
    BadRequest(Invalid),
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
    /// `about:blank`: the status says what it is.
    pub r#type: &'static str,
    pub title: &'static str,
    pub status: u16,
    pub detail: String,
    /// The request id, for a question to the shop.
    pub instance: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<ProblemField>,
}

/// One value that is not acceptable.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ProblemField {
    pub field: String,
    pub detail: String,
}

impl ApiError {
    pub fn status(&self) -> u16 {
        match self {
            Self::BadRequest(_) => 400,
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

    pub fn problem(&self, request_id: &str) -> Problem {
        let (title, detail) = match self {
            Self::BadRequest(invalid) => ("Bad request", invalid.to_string()),
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
        };
        let invalids = match self {
            Self::Unprocessable(invalids) => invalids.as_slice(),
            Self::BadRequest(invalid) => std::slice::from_ref(invalid),
            _ => &[],
        };
        let errors =
            invalids.iter().map(|i| ProblemField { field: i.field.clone(), detail: i.reason.to_string() }).collect();
        Problem { r#type: "about:blank", title, status: self.status(), detail, instance: request_id.to_owned(), errors }
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
            database::Error::Defect(cause) => Self::Internal(cause),
            database::Error::Unstorable(cause) => Self::Internal(cause.into()),
        }
    }
}
