//! What leaves a function: the JSON that the load balancer reads. Its form and its size are decided here and nowhere
//! else.

use anyhow::{Context, ensure};
use base64::{Engine, prelude::BASE64_STANDARD};
use lambda_http::http::{HeaderMap, StatusCode};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::answer_size::MAX_ANSWER;

/// An answer in the one form that our target groups take: headers with lists of values, and a body that is a string or
/// absent. A load balancer takes `"body": null` for a broken answer.
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
}

/// The content of an answer.
#[derive(Debug)]
pub enum Body {
    /// `HEAD` and 304.
    None,
    Text(Vec<u8>),
    Binary(Vec<u8>),
}

impl Response {
    pub fn new(status: StatusCode, headers: HeaderMap, body: Body) -> Self {
        let is_base64_encoded = matches!(body, Body::Binary(_));
        let body = match body {
            Body::None => None,
            Body::Binary(bytes) => Some(BASE64_STANDARD.encode(bytes)),
            // Moved, not copied: every answer in JSON passes here.
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
        }
    }

    pub fn status(&self) -> u16 {
        self.status_code
    }

    /// The JSON for the load balancer; an error where that would refuse it.
    pub fn to_json(&self) -> anyhow::Result<Box<RawValue>> {
        let json = serde_json::value::to_raw_value(self).context("writing the answer as JSON")?;
        let size = json.get().len();
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
        assert_eq!(largest.to_json().unwrap().get().len(), MAX_ANSWER);
        let error = answer(MAX_ANSWER - overhead + 1).to_json().unwrap_err().to_string();
        assert_eq!(error, "the answer has 1000001 bytes; a load balancer takes at most 1000000");
    }

    #[test]
    fn a_body_is_a_string_or_absent_and_headers_have_one_form() {
        let answer = |body| {
            let mut headers = HeaderMap::new();
            headers.append("set-cookie", "a=1".parse().unwrap());
            headers.append("set-cookie", "b=2".parse().unwrap());
            let json = Response::new(StatusCode::OK, headers, body).to_json().unwrap();
            serde_json::from_str::<Value>(json.get()).unwrap()
        };
        let common = json!({
            "statusCode": 200,
            "statusDescription": "200 OK",
            "multiValueHeaders": { "set-cookie": ["a=1", "b=2"] },
        });
        for (body, encoded, text) in [
            (Body::None, false, None),
            (Body::Text("año".into()), false, Some("año")),
            (Body::Text(vec![b'a', 0xff]), false, Some("a\u{fffd}")),
            (Body::Binary(vec![0xff]), true, Some("/w==")),
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
