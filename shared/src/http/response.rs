//! The JSON that a function returns to the load balancer. Its form and its size are decided only here.

use anyhow::{Context, ensure};
use base64::{Engine, prelude::BASE64_STANDARD};
use lambda_http::http::{HeaderMap, StatusCode};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::answer_size::MAX_ANSWER;

/// A response in the form of our target groups: headers with lists of values, and a body that is a string or absent. A
/// load balancer rejects `"body": null`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    status_code: u16,
    status_description: String,
    #[serde(serialize_with = "lists_of_values")]
    multi_value_headers: HeaderMap,
    is_base64_encoded: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    /// Bytes of the body that `GET` has: `HEAD` must fail where `GET` does.
    #[serde(skip)]
    left_out: usize,
}

/// The body of a response.
#[derive(Debug)]
pub enum Body {
    Text(Vec<u8>),
    Binary(Vec<u8>),
}

impl Response {
    pub fn new(status: StatusCode, headers: HeaderMap, body: Body) -> Self {
        let is_base64_encoded = matches!(body, Body::Binary(_));
        let body = match body {
            Body::Binary(bytes) => Some(BASE64_STANDARD.encode(bytes)),
            // Moved, not copied, because every JSON response passes here.
            Body::Text(bytes) => Some(
                String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()),
            ),
        };
        Self {
            status_code: status.as_u16(),
            status_description: format!("{} {}", status.as_u16(), status.canonical_reason().unwrap_or_default()),
            multi_value_headers: headers,
            is_base64_encoded,
            body,
            left_out: 0,
        }
    }

    /// The response to `HEAD`: that of `GET` without its body.
    pub fn head(status: StatusCode, headers: HeaderMap, body: Body) -> Self {
        let got = Self::new(status, headers, body);
        let left_out = got.body.as_ref().and_then(|body| serde_json::to_string(body).ok()).map_or(0, |json| json.len());
        Self { is_base64_encoded: false, body: None, left_out, ..got }
    }

    pub fn without_body(status: StatusCode, headers: HeaderMap) -> Self {
        Self { body: None, ..Self::new(status, headers, Body::Text(Vec::new())) }
    }

    pub fn status(&self) -> u16 {
        self.status_code
    }

    /// The JSON for the load balancer; an error if the load balancer would reject it.
    pub fn to_json(&self) -> anyhow::Result<Box<RawValue>> {
        let json = serde_json::value::to_raw_value(self).context("writing the answer as JSON")?;
        let size = json.get().len() + self.left_out;
        ensure!(size <= MAX_ANSWER, "the answer has {size} bytes; a load balancer takes at most {MAX_ANSWER}");
        Ok(json)
    }
}

fn lists_of_values<S: Serializer>(headers: &HeaderMap, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(headers.keys().map(|name| {
        let values = headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
        (name.as_str(), values.collect::<Vec<_>>())
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn an_answer_above_the_limit_is_an_error_that_names_both_sizes() {
        let answer = |size: usize| Response::new(StatusCode::OK, HeaderMap::new(), Body::Text(vec![b'a'; size]));
        let overhead = answer(0).to_json().unwrap().get().len();
        let largest = answer(MAX_ANSWER - overhead);
        assert_eq!(largest.status(), 200);
        assert_eq!(largest.to_json().unwrap().get().len(), MAX_ANSWER);
        let error = answer(MAX_ANSWER - overhead + 1).to_json().unwrap_err().to_string();
        assert_eq!(error, "the answer has 1000001 bytes; a load balancer takes at most 1000000");
    }

    #[test]
    fn head_fails_where_get_exceeds_the_size_limit() {
        let head = |size: usize| Response::head(StatusCode::OK, HeaderMap::new(), Body::Text(vec![b'"'; size]));
        assert!(!head(400_000).to_json().unwrap().get().contains("body"));
        assert!(head(500_000).to_json().is_err(), "escaped, it is twice as long");
    }

    #[test]
    fn a_body_is_a_string_or_absent_and_headers_have_one_form() {
        let answer = |body: Option<Body>| {
            let mut headers = HeaderMap::new();
            headers.append("set-cookie", "a=1".parse().unwrap());
            headers.append("set-cookie", "b=2".parse().unwrap());
            let response = match body {
                Some(body) => Response::new(StatusCode::OK, headers, body),
                None => Response::without_body(StatusCode::OK, headers),
            };
            let json = response.to_json().unwrap();
            serde_json::from_str::<Value>(json.get()).unwrap()
        };
        let common = json!({
            "statusCode": 200,
            "statusDescription": "200 OK",
            "multiValueHeaders": { "set-cookie": ["a=1", "b=2"] },
        });
        for (body, encoded, text) in [
            (None, false, None),
            (Some(Body::Text("año".into())), false, Some("año")),
            (Some(Body::Text(vec![b'a', 0xff])), false, Some("a\u{fffd}")),
            (Some(Body::Binary(vec![0xff])), true, Some("/w==")),
        ] {
            let mut expected = common.clone();
            expected["isBase64Encoded"] = encoded.into();
            if let Some(text) = text {
                expected["body"] = text.into();
            }
            assert_eq!(answer(body), expected);
        }
    }
}
