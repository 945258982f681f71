//! The event with which AWS invokes a function for a request: from a load balancer or from API Gateway.

use std::{collections::BTreeMap, mem};

use lambda_http::http::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::Value;

/// The event of an Application Load Balancer, with or without multi-value headers, or of an HTTP API of API Gateway, payload
/// 2.0. Parts that nobody needs are left out:
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html>,
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Event {
    pub http_method: String,
    pub path: String,
    pub query_string_parameters: Option<BTreeMap<String, String>>,
    pub multi_value_query_string_parameters: Option<BTreeMap<String, Vec<String>>>,
    pub headers: Option<BTreeMap<String, String>>,
    pub multi_value_headers: Option<BTreeMap<String, Vec<String>>>,
    pub body: Option<String>,
    pub is_base64_encoded: bool,
    /// `2.0` of an HTTP API. A caller writes headers, query and body, and never a member of the event.
    pub version: Option<String>,
    pub raw_path: String,
    pub raw_query_string: String,
    /// Those of an HTTP API, which has no header for them.
    pub cookies: Vec<String>,
    pub request_context: Context,
}

/// Of an HTTP API; a load balancer's has other members.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Context {
    api_id: String,
    http: ContextOfHttp,
    authorizer: Authorizer,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ContextOfHttp {
    method: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Authorizer {
    jwt: Option<Jwt>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Jwt {
    claims: BTreeMap<String, Value>,
}

/// What API Gateway says about a request.
#[derive(Debug)]
pub(super) struct Gateway {
    /// Of the HTTP API.
    pub id: String,
    pub method: String,
    /// Of the token that its authorizer has verified, as texts.
    pub claims: Option<BTreeMap<String, String>>,
}

impl Event {
    /// The part of an HTTP API; none of a load balancer's event.
    pub(super) fn take_gateway(&mut self) -> Option<Gateway> {
        if self.version.as_deref() != Some("2.0") {
            return None;
        }
        let Context { api_id, http, authorizer } = mem::take(&mut self.request_context);
        let text = |claim: Value| match claim {
            Value::String(text) => text,
            other => other.to_string(),
        };
        let claims = |jwt: Jwt| jwt.claims.into_iter().map(|(name, claim)| (name, text(claim))).collect();
        Some(Gateway { id: api_id, method: http.method, claims: authorizer.jwt.map(claims) })
    }

    pub(super) fn headers(&self) -> HeaderMap {
        let mut map = HeaderMap::new();
        let mut append = |name: &str, value: &str| {
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_bytes(value.as_bytes())) {
                // A header that HTTP does not allow is left out, too; it must not cost the request.
                // More headers than the map takes are left out as well.
                _ = map.try_append(name, value);
            }
        };
        match &self.multi_value_headers {
            Some(multi) => {
                for (name, values) in multi {
                    for value in values {
                        append(name, value);
                    }
                }
            }
            None => self.headers.iter().flatten().for_each(|(name, value)| append(name, value)),
        }
        self.cookies.iter().for_each(|cookie| append("cookie", cookie));
        map
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::http::Request;

    /// As AWS documents payload 2.0.
    fn event() -> Value {
        json!({
            "version": "2.0",
            "routeKey": "GET /api/account/{part}",
            "rawPath": "/api/account/profile",
            "rawQueryString": "genre=a&q=x%20y&genre=b&flag",
            "cookies": ["visitor=1", "lang=en"],
            "headers": { "x-twice": "1,2", "x-amzn-trace-id": "Root=1-2-3", "host": "abc.execute-api.us-east-1.amazonaws.com" },
            "queryStringParameters": { "genre": "a,b", "q": "x y", "flag": "" },
            "requestContext": {
                "accountId": "123456789012",
                "apiId": "abc",
                "authorizer": {
                    "jwt": {
                        "claims": { "sub": "s", "exp": 1_800_000_000, "token_use": "access" },
                        "scopes": ["shop/account"],
                    },
                },
                "http": { "method": "GET", "path": "/api/account/profile", "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1" },
                "requestId": "id",
                "stage": "$default",
            },
            "pathParameters": { "part": "profile" },
            "isBase64Encoded": false,
        })
    }

    fn request(event: Value) -> Request {
        Request::from_event(serde_json::from_value(event).unwrap(), "lambda-id")
    }

    #[test]
    fn a_request_of_an_http_api_is_like_one_of_the_load_balancer() {
        let got = request(event());
        let same = request(json!({
            "httpMethod": "GET",
            "path": "/api/account/profile",
            "multiValueQueryStringParameters": { "flag": [""], "genre": ["a", "b"], "q": ["x%20y"] },
            "multiValueHeaders": {
                "cookie": ["visitor=1", "lang=en"], "x-twice": ["1,2"], "x-amzn-trace-id": ["Root=1-2-3"],
                "host": ["abc.execute-api.us-east-1.amazonaws.com"],
            },
            "requestContext": { "elb": { "targetGroupArn": "arn" } },
        }));
        assert_eq!((got.method.as_str(), got.raw_path(), got.id.as_str()), ("GET", "/api/account/profile", "1-2-3"));
        assert_eq!(got.raw_query(), same.raw_query());
        assert_eq!((got.cookie("visitor"), got.cookie("lang")), (Some("1"), Some("en")));
        assert_eq!(got.header("x-twice"), same.header("x-twice"));
        assert!(got.came_by_gateway() && !same.came_by_gateway());
    }

    /// <https://github.com/middleapi/standard-server/pull/93>
    #[test]
    fn a_path_that_an_http_api_has_decoded_is_decoded_once() {
        for (sent, raw) in [("100%25", "100%"), ("a%2541", "a%41"), ("a%20b", "a b"), ("%C3%A9", "é"), ("a%3Fb", "a?b")]
        {
            let mut decoded = event();
            decoded["rawPath"] = format!("/api/books/{raw}").into();
            let of_gateway = request(decoded);
            let path = format!("/api/books/{sent}");
            let same = request(json!({ "httpMethod": "GET", "path": path, "requestContext": { "elb": {} } }));
            assert_eq!(of_gateway.segments(), same.segments(), "{sent}");
            assert_eq!(of_gateway.raw_path(), same.raw_path(), "{sent}");
        }
    }

    #[test]
    fn only_a_verified_token_lets_a_script_of_another_site_write() {
        let mut posted = event();
        posted["requestContext"]["http"]["method"] = "POST".into();
        posted["headers"]["origin"] = "https://app.example".into();
        let posted = request(posted);
        assert!(posted.check(false).is_err() && posted.check(true).is_ok());
    }

    #[test]
    fn claims_count_only_from_the_gateway_of_the_shop() {
        let claims = request(event()).claims("abc").cloned().unwrap();
        assert_eq!((claims["sub"].as_str(), claims["exp"].as_str()), ("s", "1800000000"));
        assert!(request(event()).claims("other").is_none());
        let mut without_id = event();
        without_id["requestContext"]["apiId"] = "".into();
        assert!(request(without_id).claims("").is_none());
        for forged in ["headers", "queryStringParameters"] {
            // Parts of an event that a caller can write, through the load balancer.
            let mut event = json!({ "httpMethod": "GET", "path": "/api/account/profile" });
            event[forged] = json!({ "version": "2.0", "requestContext": "{}", "authorizer": "{}" });
            assert!(request(event).claims("abc").is_none(), "{forged}");
        }
        let mut of_load_balancer = event();
        of_load_balancer["version"] = Value::Null;
        assert!(request(of_load_balancer).claims("abc").is_none());
    }
}
