//! An OpenAPI operation (one method of one path), and the parameters, headers and responses that operations share.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};
use shared::{
    ApiError, Request,
    http::MAX_BODY,
    intake::{MAX_KEY, MIN_KEY_WITHOUT_COOKIE},
};

use super::examples;
use crate::routes::FUNCTIONS;

const SESSION: &str = "session";
const TOKEN: &str = "token";

/// How callers show who they are.
pub fn security_schemes() -> Value {
    json!({
        SESSION: {
            "type": "apiKey",
            "in": "cookie",
            "name": "__Host-session",
            "description": "The cookie of a browser in which a customer has signed in; over plain HTTP, on a developer's machine, \
                            its name is `session`.",
        },
        TOKEN: {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "An access token of a customer, at the address of API Gateway where the shop has one. API Gateway itself \
                            answers 401 without a valid token, 403 without the scope, and 429 above its limits, as \
                            `{\"message\": \"…\"}`.",
        },
    })
}

/// One method of one path.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Operation {
    #[serde(skip)]
    pub method: &'static str,
    #[serde(skip)]
    pub path: &'static str,
    /// Name of the function that serves it.
    #[serde(skip)]
    #[cfg_attr(not(test), expect(dead_code, reason = "a test compares it with the route table"))]
    pub function: &'static str,
    /// Name of the function, unless it serves several routes of the API; `HEAD` appends `-head`.
    #[serde(rename = "operationId")]
    pub id: String,
    tags: Vec<&'static str>,
    summary: &'static str,
    description: &'static str,
    parameters: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_body: Option<Value>,
    /// Ways to show who asks, of which one suffices.
    #[serde(skip_serializing_if = "Option::is_none")]
    security: Option<Value>,
    responses: BTreeMap<u16, Value>,
}

impl Operation {
    /// A read operation. `caching` is the `Cache-Control` of the response.
    pub fn get(function: &'static str, path: &'static str, caching: &str, schema: &Value, example: &Value) -> Self {
        let headers = json!({
            "ETag": header("ETag"),
            "Cache-Control": constant("How long caches may keep the response.", caching),
            "X-Request-Id": header("X-Request-Id"),
        });
        let content = json_of(schema, example);
        Self::new(function, "GET", path)
            .parameter(if_none_match())
            .response(200, json!({ "description": "The requested resource.", "headers": headers, "content": content }))
            .response(
                304,
                json!({ "description": "Not modified since the `ETag` in `If-None-Match`.", "headers": headers }),
            )
            .problems(&[400, 413])
    }

    /// A request that is accepted now and processed later. `receipt` is the schema and the example of its answer.
    pub fn post(
        function: &'static str,
        path: &'static str,
        form: &Value,
        example: &Value,
        receipt: (&Value, &Value),
    ) -> Self {
        let body = json!({
            "description": format!("At most {} KiB.", MAX_BODY / 1024),
            "required": true,
            "content": json_of(form, example),
        });
        Self { request_body: Some(body), ..Self::new(function, "POST", path) }
            .parameter(idempotency_key())
            .parameter(visitor())
            .response(202, accepted(path, receipt))
            .problems(&[400, 403, 413, 415, 422])
    }

    fn new(function: &'static str, method: &'static str, path: &'static str) -> Self {
        let operation = Self {
            method,
            path,
            function,
            id: function.to_owned(),
            tags: Vec::new(),
            summary: FUNCTIONS.iter().find(|known| known.name == function).map_or("", |function| function.about),
            description: "",
            parameters: Vec::new(),
            request_body: None,
            security: None,
            responses: BTreeMap::new(),
        };
        operation.problems(&[500, 503])
    }

    /// Sets another id and summary than those of the function, which has several operations.
    pub fn named(self, id: &str, summary: &'static str) -> Self {
        Self { id: id.to_owned(), summary, ..self }
    }

    /// Needs a session, or at API Gateway a token with this scope.
    pub fn of_customer(mut self, scope: &str) -> Self {
        self.security = Some(json!([{ SESSION: [] }, { TOKEN: [scope] }]));
        self
    }

    /// Sets tag and description.
    pub fn tagged(mut self, tag: &'static str, description: &'static str) -> Self {
        self.tags = vec![tag];
        self.description = description;
        self
    }

    /// Requires `Idempotency-Key`.
    pub fn with_required_key(mut self) -> Self {
        for parameter in self.parameters.iter_mut().filter(|parameter| is_idempotency_key(parameter)) {
            parameter["required"] = json!(true);
        }
        self
    }

    /// Has a body only for those who need it.
    pub fn with_optional_body(mut self) -> Self {
        if let Some(body) = &mut self.request_body {
            body["required"] = json!(false);
        }
        self
    }

    /// Has an outcome soon after the answer.
    pub fn with_outcome_soon(mut self) -> Self {
        if let Some(response) = self.responses.get_mut(&202) {
            response["headers"]["Retry-After"] = header("Retry-After");
        }
        self
    }

    /// Replaces the description of `Idempotency-Key`.
    pub fn with_key_about(mut self, description: &str) -> Self {
        for parameter in self.parameters.iter_mut().filter(|parameter| is_idempotency_key(parameter)) {
            parameter["description"] = json!(format!("{description} {}", key_lengths()));
        }
        self
    }

    /// Has no `Idempotency-Key`, because it has the same effect once and twice, and sets no cookie.
    pub fn without_key(mut self) -> Self {
        self.parameters.retain(|parameter| !is_idempotency_key(parameter));
        if let Some(headers) = self.responses.get_mut(&202).and_then(|response| response["headers"].as_object_mut()) {
            headers.remove("Set-Cookie");
        }
        self
    }

    /// Adds a parameter.
    pub fn parameter(mut self, parameter: Value) -> Self {
        self.parameters.push(parameter);
        self
    }

    /// Adds the address of the next slice to the response 200.
    pub fn paged(mut self) -> Self {
        if let Some(response) = self.responses.get_mut(&200) {
            response["headers"]["Link"] = header("Link");
        }
        self
    }

    /// Adds or replaces the response with this status.
    pub fn response(mut self, status: u16, response: Value) -> Self {
        self.responses.insert(status, response);
        self
    }

    /// Adds a link from the response 200 to another operation.
    pub fn link(mut self, name: &str, function: &str, parameters: &Value) -> Self {
        if let Some(response) = self.responses.get_mut(&200) {
            response["links"][name] = json!({ "operationId": function, "parameters": parameters });
        }
        self
    }

    /// Adds the problem responses with these statuses.
    pub fn problems(mut self, statuses: &[u16]) -> Self {
        for status in statuses {
            self.responses.insert(*status, json!({ "$ref": format!("#/components/responses/Problem{status}") }));
        }
        self
    }

    /// The `HEAD` operation of this `GET`: the same responses without bodies.
    pub fn head(&self) -> Self {
        let without_body = |response: &Value| match response.get("headers") {
            Some(headers) => json!({ "description": "As `GET`, without a body.", "headers": headers }),
            None => json!({ "description": "As `GET`, without a body." }),
        };
        Self {
            method: "HEAD",
            id: format!("{}-head", self.id),
            description: "As `GET`, without a body.",
            responses: self.responses.iter().map(|(status, response)| (*status, without_body(response))).collect(),
            ..self.clone()
        }
    }
}

fn if_none_match() -> Value {
    json!({
        "name": "If-None-Match",
        "in": "header",
        "description": "The `ETag` of a response that the client has cached.",
        "schema": { "type": "string" },
    })
}

fn is_idempotency_key(parameter: &Value) -> bool {
    parameter["name"] == "Idempotency-Key"
}

fn idempotency_key() -> Value {
    json!({
        "name": "Idempotency-Key",
        "in": "header",
        "description": format!(
            "A random value that the client generates for this request, such as a UUID. A retry with the same key and \
             values, with the cookie of the first request or of its answer, returns the same id and has no second effect; other \
             values with the same key are another submission. {}",
            key_lengths(),
        ),
        "schema": {
            "type": "string",
            "minLength": MIN_KEY_WITHOUT_COOKIE,
            "maxLength": MAX_KEY,
            "pattern": "^[!-~]([ -~]*[!-~])?$",
        },
        "example": "b6bf864c-0798-40c5",
    })
}

fn key_lengths() -> String {
    format!(
        "With a visitor's cookie, a key belongs to the visitor and 1 character suffices; without one, a key with less than \
         {MIN_KEY_WITHOUT_COOKIE} characters is refused with 400."
    )
}

/// The cookie of a customer's session.
pub fn session() -> Value {
    json!({
        "name": Request::SESSION_COOKIE,
        "in": "cookie",
        "description": "The value that signing in has set; over HTTPS the cookie's name is `__Host-session`.",
        "schema": { "type": "string" },
    })
}

/// The cookie of a visitor.
pub fn visitor() -> Value {
    json!({
        "name": Request::VISITOR_COOKIE,
        "in": "cookie",
        "description": "The value that the shop has set before; over HTTPS the cookie's name is `__Host-visitor`. Other values are ignored.",
        "schema": { "type": "string" },
        "example": "6f1d7a52-7d0b-8f6c-9f53-0a9f7c1f2b3d",
    })
}

fn accepted(path: &str, (receipt, example): (&Value, &Value)) -> Value {
    let (status, location) = if path.starts_with("/api/orders") {
        ("show-order", "Order-Location")
    } else {
        ("show-submission", "Location")
    };
    json!({
        "description": "Accepted.",
        "headers": {
            "Location": header(location),
            "Set-Cookie": header("Set-Cookie"),
            "Cache-Control": constant("Caches must not keep the response.", "no-store"),
            "X-Request-Id": header("X-Request-Id"),
        },
        "content": json_of(receipt, example),
        "links": {
            "Outcome": {
                "operationId": status,
                "parameters": { "id": "$response.body#/id" },
                "description": "What became of it.",
            },
        },
    })
}

/// A query parameter.
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

/// The same parameter with a list of values: with commas between them, or each in a parameter of its own.
pub fn list(mut parameter: Value) -> Value {
    parameter["style"] = json!("form");
    parameter["explode"] = json!(false);
    parameter
}

/// The same parameter, which no request may leave out.
pub fn required(mut parameter: Value) -> Value {
    parameter["required"] = json!(true);
    parameter["allowEmptyValue"] = json!(false);
    parameter
}

/// A path parameter.
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

/// The problem response for an error.
pub fn problem(error: &ApiError, schema: &Value) -> Value {
    let mut headers = json!({
        "Cache-Control": constant("Caches must not keep the response.", "no-store"),
        "X-Request-Id": header("X-Request-Id"),
    });
    match error {
        ApiError::Unavailable(_) => headers["Retry-After"] = header("Retry-After"),
        ApiError::NotSignedIn => headers["WWW-Authenticate"] = header("WWW-Authenticate"),
        _ => {}
    }
    json!({
        "description": reason(error),
        "headers": headers,
        "content": { "application/problem+json": { "schema": schema, "example": error.problem(examples::REQUEST_ID) } },
    })
}

fn reason(error: &ApiError) -> String {
    match error {
        ApiError::BadRequest(_) => "A parameter, a header or the body is invalid; `errors` names it.".into(),
        ApiError::NotSignedIn => "No session of a customer came, or one that counts no longer.".into(),
        ApiError::Forbidden => {
            "`Origin` or `Sec-Fetch-Site` shows that a page of another site has sent the request.".into()
        }
        ApiError::NotFound => "The resource does not exist.".into(),
        ApiError::MethodNotAllowed(_) => "The path has no such method; `Allow` has those that it has.".into(),
        ApiError::TooLarge => format!("The body has more than {} KiB.", MAX_BODY / 1024),
        ApiError::UnsupportedMediaType | ApiError::UnsupportedContentEncoding => {
            "The content type of the body is not `application/json`, or the body has a `Content-Encoding`.".into()
        }
        ApiError::Unprocessable(_) => "The body is well-formed, but has invalid values; `errors` names each.".into(),
        ApiError::Internal(_) => "An internal error of the shop.".into(),
        ApiError::Unavailable(_) => "A dependency of the shop is unavailable.".into(),
    }
}

/// `content` of a body with the media type `application/json`.
pub fn json_of(schema: &Value, example: &Value) -> Value {
    json!({ "application/json": { "schema": schema, "example": example } })
}

/// Reference to a header of `headers`.
pub fn header(name: &str) -> Value {
    json!({ "$ref": format!("#/components/headers/{name}") })
}

fn constant(description: &str, value: &str) -> Value {
    json!({ "description": description, "required": true, "schema": { "type": "string", "const": value } })
}

/// Headers that several responses have.
pub fn headers() -> Value {
    let header = |pattern: &str, description: &str| {
        let schema = json!({ "type": "string", "pattern": pattern });
        json!({ "description": description, "required": true, "schema": schema })
    };
    json!({
        "ETag": header("^(W/)?\"[A-Za-z0-9_-]{16}\"$", "Identifies the content of the response, for `If-None-Match`; weak if compressed."),
        "WWW-Authenticate": header("^Cookie ", "The scheme by which the customer is recognised: the session's cookie."),
        "Link": {
            "description": "The address of the next slice, with the relation `next`; absent on the last slice.",
            "schema": { "type": "string", "pattern": "^<[^>]+>; rel=\"next\"$" },
        },
        "Location": header("^/api/submissions/[0-9a-f-]{36}$", "Address of the submission's status."),
        "Order-Location": header("^/api/orders/[0-9a-f-]{36}$", "Address of the order's status."),
        "Retry-After": header("^[0-9]+$", "Seconds until a retry."),
        "Set-Cookie": header(r"^(__Host-)?visitor=[0-9a-f-]{36}\.[0-9]{10}\.[A-Za-z0-9_-]+; ", "Identifies the browser for a year."),
        "X-Request-Id": header("^[A-Za-z0-9-]+$", "Identifies the request in the shop's log."),
    })
}
