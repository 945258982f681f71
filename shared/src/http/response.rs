//! A response: as the JSON that a function returns to the load balancer, whose form and size are decided only here, or as the
//! parts of an HTTP response.

use std::{borrow::Cow, collections::BTreeMap};

use anyhow::{Context, ensure};
use base64::{Engine, prelude::BASE64_STANDARD};
use lambda_http::http::{HeaderMap, HeaderName, StatusCode, header};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::answer_size::MAX_ANSWER;

/// A response in the form of our target groups: headers with lists of values, and a body that is a string or absent. A
/// load balancer rejects `"body": null`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    #[serde(serialize_with = "number")]
    status_code: StatusCode,
    status_description: String,
    #[serde(serialize_with = "lists_of_values")]
    multi_value_headers: HeaderMap,
    is_base64_encoded: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<Body>,
    /// Bytes of the body that `GET` has: `HEAD` must fail where `GET` does.
    #[serde(skip)]
    left_out: usize,
}

/// A response in the form of API Gateway.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GatewayResponse<'a> {
    status_code: u16,
    headers: BTreeMap<&'a str, String>,
    cookies: Vec<Cow<'a, str>>,
    is_base64_encoded: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<&'a Body>,
}

/// The body of a response; binary ones are base64 in JSON.
#[derive(Debug)]
pub enum Body {
    Text(Vec<u8>),
    Binary(Vec<u8>),
}

impl Serialize for Body {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Binary(bytes) => serializer.serialize_str(&BASE64_STANDARD.encode(bytes)),
            Self::Text(bytes) => serializer.serialize_str(&String::from_utf8_lossy(bytes)),
        }
    }
}

impl Body {
    fn len(&self) -> usize {
        let (Self::Text(bytes) | Self::Binary(bytes)) = self;
        bytes.len()
    }
}

/// The most bytes of JSON for one byte of a text, and for the status and the punctuation of a response.
const MOST_FOR_A_BYTE: usize = r"\u0007".len();
const MOST_WITHOUT_TEXT: usize = 1_000;

impl Response {
    pub fn new(status: StatusCode, headers: HeaderMap, body: Body) -> Self {
        Self {
            status_code: status,
            status_description: format!("{} {}", status.as_u16(), status.canonical_reason().unwrap_or_default()),
            multi_value_headers: headers,
            is_base64_encoded: matches!(body, Body::Binary(_)),
            body: Some(body),
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
        self.status_code.as_u16()
    }

    /// An error if the JSON exceeds what a load balancer accepts, which holds in a server too, so that both answer alike.
    pub fn check_size(&self) -> anyhow::Result<()> {
        if self.left_out == 0 && self.most_bytes() <= MAX_ANSWER {
            return Ok(());
        }
        let size = serde_json::to_vec(self).context("writing the answer as JSON")?.len() + self.left_out;
        ensure!(size <= MAX_ANSWER, "the answer has {size} bytes; a load balancer takes at most {MAX_ANSWER}");
        Ok(())
    }

    /// An upper bound of the JSON's bytes.
    fn most_bytes(&self) -> usize {
        let headers = self.multi_value_headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 10);
        let texts = headers.sum::<usize>() + self.body.as_ref().map_or(0, Body::len);
        MOST_WITHOUT_TEXT + MOST_FOR_A_BYTE * texts
    }

    /// The JSON for the load balancer.
    pub fn to_json(&self) -> anyhow::Result<Box<RawValue>> {
        serde_json::value::to_raw_value(self).context("writing the answer as JSON")
    }

    /// The JSON for API Gateway, format 2.0: headers with one value each, and the cookies apart.
    /// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>
    pub fn to_gateway_json(&self) -> anyhow::Result<Box<RawValue>> {
        let values = |name: &HeaderName| {
            let values = self.multi_value_headers.get_all(name).iter();
            values.map(|value| String::from_utf8_lossy(value.as_bytes())).collect::<Vec<_>>()
        };
        let names = self.multi_value_headers.keys().filter(|name| **name != header::SET_COOKIE);
        let response = GatewayResponse {
            status_code: self.status_code.as_u16(),
            headers: names.map(|name| (name.as_str(), values(name).join(", "))).collect(),
            cookies: values(&header::SET_COOKIE),
            is_base64_encoded: self.is_base64_encoded,
            body: self.body.as_ref(),
        };
        serde_json::value::to_raw_value(&response).context("writing the answer as JSON")
    }

    /// The parts of an HTTP response; a body is absent where HTTP has none.
    pub fn into_parts(self) -> (StatusCode, HeaderMap, Option<Vec<u8>>) {
        let body = self.body.map(|(Body::Text(bytes) | Body::Binary(bytes))| bytes);
        (self.status_code, self.multi_value_headers, body)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn number<S: Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
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
        assert!(largest.check_size().is_ok());
        let error = answer(MAX_ANSWER - overhead + 1).check_size().unwrap_err().to_string();
        assert_eq!(error, "the answer has 1000001 bytes; a load balancer takes at most 1000000");
    }

    #[test]
    fn api_gateway_gets_one_value_for_each_header_and_the_cookies_apart() {
        let mut headers = HeaderMap::new();
        for (name, value) in [("set-cookie", "a=1"), ("set-cookie", "b=2"), ("vary", "accept"), ("vary", "origin")] {
            headers.append(HeaderName::from_static(name), value.parse().unwrap());
        }
        let response = Response::new(StatusCode::OK, headers, Body::Binary(vec![0xff]));
        let json: Value = serde_json::from_str(response.to_gateway_json().unwrap().get()).unwrap();
        let expected = json!({
            "statusCode": 200,
            "headers": { "vary": "accept, origin" },
            "cookies": ["a=1", "b=2"],
            "isBase64Encoded": true,
            "body": "/w==",
        });
        assert_eq!(json, expected);
    }

    /// Each of these bytes is six in JSON.
    #[test]
    fn the_upper_bound_is_one() {
        let mut headers = HeaderMap::new();
        headers.insert("x-tabs", "\t".repeat(1_000).parse().unwrap());
        let response = Response::new(StatusCode::OK, headers, Body::Text(vec![7; 100_000]));
        let size = response.to_json().unwrap().get().len();
        assert!((600_000..=response.most_bytes()).contains(&size), "{size} of {}", response.most_bytes());
    }

    #[test]
    fn head_fails_where_get_exceeds_the_size_limit() {
        let head = |size: usize| Response::head(StatusCode::OK, HeaderMap::new(), Body::Text(vec![b'"'; size]));
        assert!(head(400_000).check_size().is_ok());
        assert!(!head(400_000).to_json().unwrap().get().contains("body"));
        assert!(head(500_000).check_size().is_err(), "escaped, it is twice as long");
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
