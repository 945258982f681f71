//! The API's description for people and tools, in OpenAPI 3.1: `docs/openapi.json`.
//!
//! Schemas are made from the types that the functions read and write, problems from the errors that they answer; what
//! no type says stands in `operations`.

mod examples;
mod operation;
mod operations;

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result};
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde::Serialize;
use serde_json::{Map, Value, json};
use shared::error::Problem;

use self::operation::Operation;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/openapi.json");

#[derive(Serialize)]
struct Document {
    openapi: &'static str,
    info: Value,
    servers: Value,
    tags: Value,
    paths: BTreeMap<&'static str, BTreeMap<String, Operation>>,
    components: Value,
}

/// Renews the committed file.
pub fn write() -> Result<()> {
    fs::write(FILE, document()?).with_context(|| format!("writing {FILE}"))
}

fn document() -> Result<String> {
    let mut schemas = Schemas::new();
    let mut paths: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
    for operation in operations::all(&mut schemas) {
        paths.entry(operation.path).or_default().insert(operation.method.to_lowercase(), operation);
    }
    let problem = schemas.answer::<Problem>();
    let responses: Map<_, _> = examples::problems()
        .iter()
        .map(|error| (format!("Problem{}", error.status()), operation::problem(error, &problem)))
        .collect();
    let document = Document {
        openapi: "3.1.0",
        info: json!({
            "title": "Anaquel",
            "summary": "A bookstore: its books, what readers think of them, and a way to write to the shop.",
            "description": include_str!("about.md"),
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "MIT or Apache 2.0", "identifier": env!("CARGO_PKG_LICENSE") },
        }),
        servers: json!([{ "url": "/" }]),
        tags: json!(operations::TAGS.map(|(name, about)| json!({ "name": name, "description": about }))),
        paths,
        components: json!({
            "schemas": schemas.definitions(),
            "responses": responses,
            "headers": operation::headers(),
        }),
    };
    Ok(serde_json::to_string_pretty(&document)? + "\n")
}

/// The schemas of what was asked for, each with a name of its own in the document.
struct Schemas {
    answers: SchemaGenerator,
    forms: SchemaGenerator,
}

impl Schemas {
    fn new() -> Self {
        let settings = SchemaSettings::draft2020_12().with(|s| s.definitions_path = "/components/schemas".into());
        Self {
            answers: settings.clone().for_serialize().into_generator(),
            forms: settings.for_deserialize().into_generator(),
        }
    }

    /// Of what the shop writes.
    fn answer<T: JsonSchema>(&mut self) -> Value {
        self.answers.subschema_for::<T>().into()
    }

    /// Of what the shop reads.
    fn form<T: JsonSchema>(&mut self) -> Value {
        self.forms.subschema_for::<T>().into()
    }

    fn definitions(mut self) -> Map<String, Value> {
        let mut definitions = self.answers.take_definitions(true);
        definitions.append(&mut self.forms.take_definitions(true));
        definitions
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::routes::FUNCTIONS;

    #[test]
    fn the_committed_document_is_up_to_date() {
        let committed = fs::read_to_string(FILE).unwrap_or_default();
        assert!(
            committed == document().unwrap(),
            "docs/openapi.json is stale: run `cargo bookstore synth --golden` and look at the difference"
        );
    }

    #[test]
    fn every_route_is_described_and_nothing_else() {
        let routes: BTreeSet<_> = FUNCTIONS
            .iter()
            .flat_map(|function| function.routes().iter().map(move |route| (function, route)))
            .filter(|(_, route)| route.path.starts_with("/api/") || route.path == "/health")
            .flat_map(|(function, route)| route.methods.iter().map(|method| (function.name, *method, route.path)))
            .map(|(function, method, path)| match method {
                "HEAD" => (format!("{function}-head"), method, path),
                _ => (function.to_owned(), method, path),
            })
            .collect();
        let operations = operations::all(&mut Schemas::new());
        let described: BTreeSet<_> = operations.iter().map(|o| (o.id.clone(), o.method, o.path)).collect();
        assert_eq!(described, routes);
    }

    #[test]
    fn every_variable_of_a_path_is_described() {
        for operation in operations::all(&mut Schemas::new()) {
            let document = serde_json::to_value(&operation).unwrap();
            let parameters = document["parameters"].as_array().into_iter().flatten();
            let described: Vec<_> = parameters.filter(|p| p["in"] == "path").map(|p| p["name"].as_str()).collect();
            let variables = operation.path.split('/').filter_map(|s| s.strip_prefix('{')?.strip_suffix('}'));
            assert_eq!(described, variables.map(Some).collect::<Vec<_>>(), "{}", operation.path);
        }
    }
}
