//! One method of one path in the words of OpenAPI, and what several of them have in common.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};
use shared::{ApiError, Request, http::MAX_BODY};

use super::examples;
use crate::routes::FUNCTIONS;

#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Operation {
    #[serde(skip)]
    pub method: &'static str,
    #[serde(skip)]
    pub path: &'static str,
    /// The function's name; `HEAD` adds its own to it.
    #[serde(rename = "operationId")]
    pub id: String,
    tags: Vec<&'static str>,
    summary: &'static str,
    description: &'static str,
    parameters: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_body: Option<Value>,
    responses: BTreeMap<u16, Value>,
}

impl Operation {
    /// Reads; `caching` is the answer's `Cache-Control`.
    pub fn get(function: &'static str, path: &'static str, caching: &str, schema: &Value, example: &Value) -> Self {
        let headers = json!({
            "ETag": header("ETag"),
            "Cache-Control": constant("How long the answer may be kept.", caching),
            "X-Request-Id": header("X-Request-Id"),
        });
        let content = json_of(schema, example);
        Self::new(function, "GET", path)
            .takes(if_none_match())
            .answers(200, json!({ "description": "What was asked for.", "headers": headers, "content": content }))
            .answers(304, json!({ "description": "The caller has just this.", "headers": headers }))
            .refuses(&[400, 413])
    }

    /// Takes something in that is published later.
    pub fn post(function: &'static str, path: &'static str, form: &Value, example: &Value, receipt: &Value) -> Self {
        let body = json!({
            "description": format!("At most {} KiB.", MAX_BODY / 1024),
            "required": true,
            "content": json_of(form, example),
        });
        Self { request_body: Some(body), ..Self::new(function, "POST", path) }
            .takes(idempotency_key())
            .takes(visitor())
            .answers(202, taken_in(receipt))
            .refuses(&[400, 403, 413, 415, 422])
    }

    fn new(function: &'static str, method: &'static str, path: &'static str) -> Self {
        let operation = Self {
            method,
            path,
            id: function.to_owned(),
            tags: Vec::new(),
            summary: FUNCTIONS.iter().find(|known| known.name == function).map_or("", |function| function.about),
            description: "",
            parameters: Vec::new(),
            request_body: None,
            responses: BTreeMap::new(),
        };
        operation.refuses(&[500, 503])
    }

    pub fn tagged(mut self, tag: &'static str, description: &'static str) -> Self {
        self.tags = vec![tag];
        self.description = description;
        self
    }

    pub fn takes(mut self, parameter: Value) -> Self {
        self.parameters.push(parameter);
        self
    }

    pub fn answers(mut self, status: u16, response: Value) -> Self {
        self.responses.insert(status, response);
        self
    }

    /// Adds where the caller may go on from the answer 200.
    pub fn leads_to(mut self, name: &str, function: &str, parameters: &Value) -> Self {
        if let Some(response) = self.responses.get_mut(&200) {
            response["links"][name] = json!({ "operationId": function, "parameters": parameters });
        }
        self
    }

    pub fn refuses(mut self, statuses: &[u16]) -> Self {
        for status in statuses {
            self.responses.insert(*status, json!({ "$ref": format!("#/components/responses/Problem{status}") }));
        }
        self
    }

    /// The same without bodies.
    pub fn head(&self) -> Self {
        let bodiless = |response: &Value| match response.get("headers") {
            Some(headers) => json!({ "description": "As `GET`, without a body.", "headers": headers }),
            None => json!({ "description": "As `GET`, without a body." }),
        };
        Self {
            method: "HEAD",
            id: format!("{}-head", self.id),
            description: "What `GET` answers, without the body.",
            responses: self.responses.iter().map(|(status, response)| (*status, bodiless(response))).collect(),
            ..self.clone()
        }
    }
}

fn if_none_match() -> Value {
    json!({
        "name": "If-None-Match",
        "in": "header",
        "description": "The `ETag` of the answer that the caller has already.",
        "schema": { "type": "string" },
    })
}

fn idempotency_key() -> Value {
    json!({
        "name": "Idempotency-Key",
        "in": "header",
        "description": "Made up by the caller for this one request. A retry with the same key, cookie and body gets \
                        the same id and has its effect once.",
        "schema": { "type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]([ -~]*[!-~])?$" },
        "example": "b6bf864c-0798-40c5",
    })
}

fn visitor() -> Value {
    json!({
        "name": Request::VISITOR_COOKIE,
        "in": "cookie",
        "description": "What the shop gave this browser before. Anything else is passed over.",
        "schema": { "type": "string" },
        "example": "6f1d7a52-7d0b-8f6c-9f53-0a9f7c1f2b3d",
    })
}

fn taken_in(receipt: &Value) -> Value {
    json!({
        "description": "Taken in.",
        "headers": {
            "Location": header("Location"),
            "Set-Cookie": header("Set-Cookie"),
            "Cache-Control": constant("Not to be kept.", "no-store"),
            "X-Request-Id": header("X-Request-Id"),
        },
        "content": json_of(receipt, &examples::receipt()),
        "links": {
            "Outcome": {
                "operationId": "show-submission",
                "parameters": { "id": "$response.body#/id" },
                "description": "What became of it.",
            },
        },
    })
}

/// A parameter of the query.
pub fn query(name: &str, schema: &Value, example: &Value, description: &str) -> Value {
    json!({
        "name": name,
        "in": "query",
        "description": description,
        "allowEmptyValue": true,
        "schema": schema,
        "example": example,
    })
}

/// What varies in the path.
pub fn path(name: &str, schema: &Value, example: &Value, description: &str) -> Value {
    json!({
        "name": name,
        "in": "path",
        "required": true,
        "description": description,
        "schema": schema,
        "example": example,
    })
}

/// The response that tells of this error.
pub fn problem(error: &ApiError, schema: &Value) -> Value {
    let mut headers = json!({
        "Cache-Control": constant("Not to be kept.", "no-store"),
        "X-Request-Id": header("X-Request-Id"),
    });
    if let ApiError::Unavailable(_) = error {
        headers["Retry-After"] = header("Retry-After");
    }
    json!({
        "description": reason(error),
        "headers": headers,
        "content": { "application/problem+json": { "schema": schema, "example": error.problem(examples::REQUEST_ID) } },
    })
}

fn reason(error: &ApiError) -> String {
    match error {
        ApiError::BadRequest(_) => "A parameter, a header or the body cannot be understood: `errors` names it.".into(),
        ApiError::Forbidden => {
            "A browser sends this from the page of another site, by `Origin` or `Sec-Fetch-Site`.".into()
        }
        ApiError::NotFound => "There is no such thing.".into(),
        ApiError::TooLarge => format!("The body has more than {} KiB.", MAX_BODY / 1024),
        ApiError::UnsupportedMediaType => "The body is not said to be `application/json`.".into(),
        ApiError::Unprocessable(_) => "Understood, but some values are not acceptable: `errors` names each.".into(),
        ApiError::Internal(_) => "A defect of the shop.".into(),
        ApiError::Unavailable(_) => "Something that the answer needs is away.".into(),
    }
}

pub fn json_of(schema: &Value, example: &Value) -> Value {
    json!({ "application/json": { "schema": schema, "example": example } })
}

pub fn header(name: &str) -> Value {
    json!({ "$ref": format!("#/components/headers/{name}") })
}

fn constant(description: &str, value: &str) -> Value {
    json!({ "description": description, "required": true, "schema": { "type": "string", "const": value } })
}

/// Headers that several answers carry.
pub fn headers() -> Value {
    let header = |pattern: &str, description: &str| {
        let schema = json!({ "type": "string", "pattern": pattern });
        json!({ "description": description, "required": true, "schema": schema })
    };
    json!({
        "ETag": header("^(W/)?\"[A-Za-z0-9_-]{16}\"$", "Names this very answer, for `If-None-Match`; weak where compressed."),
        "Location": header("^/api/submissions/[0-9a-f-]{36}$", "Where to ask what became of it."),
        "Retry-After": header("^[0-9]+$", "Seconds after which to try again."),
        "Set-Cookie": header("^visitor=[0-9a-f-]{36}; ", "Remembers the browser for a year."),
        "X-Request-Id": header("^[A-Za-z0-9-]+$", "Names the request, for a question to the shop."),
    })
}
