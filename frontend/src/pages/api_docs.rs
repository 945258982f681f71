//! The page of the API, made from its OpenAPI document.

use askama::Template;
use serde_json::Value;

use crate::{View, assets};

/// `/api-docs`
#[derive(Template, Clone, Copy)]
#[template(path = "api_docs.html")]
pub struct ApiDocs<'a> {
    pub view: View<'a>,
    /// The OpenAPI document.
    pub document: &'a Value,
}

struct Operation<'a> {
    method: String,
    path: &'a str,
    summary: &'a str,
    parameters: Vec<Parameter<'a>>,
    responses: Vec<(&'a str, &'a str)>,
}

struct Parameter<'a> {
    name: &'a str,
    place: &'a str,
    description: &'a str,
}

impl ApiDocs<'_> {
    fn operations(&self) -> Vec<Operation<'_>> {
        entries(&self.document["paths"])
            .flat_map(|(path, methods)| entries(methods).map(move |(method, operation)| (path, method, operation)))
            .filter(|(_, method, _)| matches!(*method, "get" | "post" | "put" | "patch" | "delete"))
            .map(|(path, method, operation)| Operation {
                method: method.to_uppercase(),
                path,
                summary: said(operation, "summary"),
                parameters: self.parameters(&self.document["paths"][path], operation),
                responses: entries(&operation["responses"])
                    .map(|(status, response)| (status, said(self.resolved(response), "description")))
                    .collect(),
            })
            .collect()
    }

    /// Parameters of the path, and those of the operation.
    fn parameters<'d>(&'d self, path: &'d Value, operation: &'d Value) -> Vec<Parameter<'d>> {
        let lists = [&path["parameters"], &operation["parameters"]];
        let all = lists.into_iter().filter_map(Value::as_array).flatten().map(|parameter| self.resolved(parameter));
        all.map(|parameter| Parameter {
            name: said(parameter, "name"),
            place: said(parameter, "in"),
            description: said(parameter, "description"),
        })
        .collect()
    }

    /// The target of a `$ref` within the document.
    fn resolved<'d>(&'d self, value: &'d Value) -> &'d Value {
        let reference = value["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
        reference.and_then(|pointer| self.document.pointer(pointer)).unwrap_or(value)
    }
}

fn entries(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flatten().map(|(key, value)| (key.as_str(), value))
}

fn said<'d>(value: &'d Value, key: &str) -> &'d str {
    value[key].as_str().unwrap_or_default()
}
