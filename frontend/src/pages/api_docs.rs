//! The page of the API, made from its OpenAPI document.

mod schema;

use askama::Template;
use serde_json::Value;

use self::schema::{Field, Schemas};
use crate::{Markup, View, assets, markup::escape_into};

/// `/api-docs`
#[derive(Template, Clone, Copy)]
#[template(path = "api_docs.html")]
pub struct ApiDocs<'a> {
    pub view: View<'a>,
    /// The OpenAPI document.
    pub document: &'a Value,
}

struct Operation<'a> {
    /// The name of its section, for links.
    id: &'a str,
    method: String,
    path: &'a str,
    summary: &'a str,
    description: &'a str,
    parameters: Vec<Parameter<'a>>,
    body: Option<Content<'a>>,
    responses: Vec<Response<'a>>,
}

struct Parameter<'a> {
    field: Field,
    place: &'a str,
    example: Option<String>,
}

struct Response<'a> {
    status: &'a str,
    meaning: &'a str,
    content: Option<Content<'a>>,
}

/// A body with its fields, if it is JSON of its own and not a problem.
struct Content<'a> {
    meaning: &'a str,
    fields: Vec<Field>,
    example: String,
}

impl ApiDocs<'_> {
    /// The paragraphs about all operations.
    fn about(&self) -> Vec<Markup> {
        said(&self.document["info"], "description").split("\n\n").map(emphasis).collect()
    }

    fn version(&self) -> &str {
        said(&self.document["info"], "version")
    }

    fn operations(&self) -> Vec<Operation<'_>> {
        entries(&self.document["paths"])
            .flat_map(|(path, methods)| entries(methods).map(move |(method, operation)| (path, method, operation)))
            .filter(|(_, method, _)| matches!(*method, "get" | "post" | "put" | "patch" | "delete"))
            .map(|(path, method, operation)| Operation {
                id: said(operation, "operationId"),
                method: method.to_uppercase(),
                path,
                summary: said(operation, "summary"),
                description: said(operation, "description"),
                parameters: self.parameters(operation),
                body: self.content(&operation["requestBody"]),
                responses: entries(&operation["responses"])
                    .map(|(status, response)| (status, self.schemas().resolved(response)))
                    .map(|(status, response)| Response {
                        status,
                        meaning: said(response, "description"),
                        content: self.content(response),
                    })
                    .collect(),
            })
            .collect()
    }

    /// The fields of every error.
    fn problem(&self) -> Vec<Field> {
        self.schemas().fields(&self.document["components"]["schemas"]["Problem"])
    }

    /// The parameters that belong to the operation itself come first.
    fn parameters<'d>(&'d self, operation: &'d Value) -> Vec<Parameter<'d>> {
        let all = operation["parameters"].as_array().into_iter().flatten();
        let mut parameters: Vec<_> = all.map(|parameter| self.parameter(self.schemas().resolved(parameter))).collect();
        parameters.sort_by_key(|parameter| match parameter.place {
            "path" => 0,
            "query" => 1,
            _ => 2,
        });
        parameters
    }

    fn parameter<'d>(&self, parameter: &'d Value) -> Parameter<'d> {
        Parameter {
            field: Field {
                name: said(parameter, "name").to_owned(),
                kind: self.schemas().kind(&parameter["schema"]),
                meaning: said(parameter, "description").to_owned(),
            },
            place: said(parameter, "in"),
            example: parameter
                .get("example")
                .map(|example| example.as_str().map_or(example.to_string(), str::to_owned)),
        }
    }

    fn content<'d>(&self, body: &'d Value) -> Option<Content<'d>> {
        let json = body["content"].get("application/json")?;
        Some(Content {
            meaning: said(body, "description"),
            fields: self.schemas().fields(&json["schema"]),
            example: serde_json::to_string_pretty(&json["example"]).unwrap_or_default(),
        })
    }

    #[expect(clippy::unused_self, reason = "templates call methods")]
    fn code(&self, text: &str) -> Markup {
        code_in(text)
    }

    /// A path that can break after each slash in a narrow window.
    #[expect(clippy::unused_self, reason = "templates call methods")]
    fn breakable(&self, path: &str) -> Markup {
        let mut html = String::new();
        escape_into(&mut html, path);
        Markup::new(html.replace('/', "/<wbr>"))
    }

    fn schemas(&self) -> Schemas<'_> {
        Schemas(self.document)
    }
}

/// A paragraph with code between backticks, and words between pairs of asterisks in bold.
fn emphasis(paragraph: &str) -> Markup {
    let mut html = String::new();
    for (at, part) in paragraph.split("**").enumerate() {
        let [open, close] = if at % 2 == 1 { ["<b>", "</b>"] } else { ["", ""] };
        html.push_str(open);
        html.push_str(&code_in(part).to_string());
        html.push_str(close);
    }
    Markup::new(html)
}

/// A text with code between backticks.
fn code_in(text: &str) -> Markup {
    let parts: Vec<&str> = text.split('`').collect();
    let mut html = String::new();
    for (at, part) in parts.iter().enumerate() {
        // A last backtick without a partner is one.
        let is_code = at % 2 == 1 && at + 1 < parts.len();
        html.push_str(match (is_code, at % 2) {
            (true, _) => "<code>",
            (false, 1) => "`",
            _ => "",
        });
        escape_into(&mut html, part);
        html.push_str(if is_code { "</code>" } else { "" });
    }
    Markup::new(html)
}

fn entries(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flatten().map(|(key, value)| (key.as_str(), value))
}

fn said<'d>(value: &'d Value, key: &str) -> &'d str {
    value[key].as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paragraph_has_code_and_bold_words() {
        for (paragraph, expected) in [
            ("**Reading.** Use `GET`.", "<b>Reading.</b> Use <code>GET</code>."),
            ("a < b & `x<y>`", "a &lt; b &amp; <code>x&lt;y&gt;</code>"),
            ("a single ` stays", "a single ` stays"),
        ] {
            assert_eq!(emphasis(paragraph).to_string(), expected);
        }
    }
}
