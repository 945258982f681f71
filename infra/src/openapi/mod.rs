//! The OpenAPI 3.1 document of the API: `docs/openapi.json`.
//!
//! Schemas come from the types that the functions read and write, problem responses from their errors; `operations` has
//! the rest.

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

/// The version of the API, as semantic versioning counts: the second number rises with an addition. docs/api.md says what
/// callers can rely on.
const VERSION: &str = "1.0.0";

#[derive(Serialize)]
struct Document {
    openapi: &'static str,
    info: Value,
    servers: Value,
    tags: Value,
    paths: BTreeMap<&'static str, BTreeMap<String, Operation>>,
    components: Value,
}

/// Renews the committed document.
pub fn write() -> Result<()> {
    fs::write(FILE, document()?).with_context(|| format!("writing {FILE}"))
}

fn document() -> Result<String> {
    let mut schemas = Schemas::new();
    let mut paths: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
    for operation in operations::all(&mut schemas) {
        paths.entry(operation.path).or_default().insert(operation.method.to_lowercase(), operation);
    }
    let problem = schemas.response::<Problem>();
    let responses: Map<_, _> = examples::problems()
        .iter()
        .map(|error| (format!("Problem{}", error.status()), operation::problem(error, &problem)))
        .collect();
    let document = Document {
        openapi: "3.1.0",
        info: json!({
            "title": "Anaquel",
            "summary": "A bookstore: books, readers' ratings, and messages to the shop.",
            "description": include_str!("about.md"),
            "version": VERSION,
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

/// Generates the schemas of the document's components.
struct Schemas {
    responses: SchemaGenerator,
    requests: SchemaGenerator,
}

impl Schemas {
    fn new() -> Self {
        let settings = SchemaSettings::draft2020_12().with(|s| s.definitions_path = "/components/schemas".into());
        Self {
            responses: settings.clone().for_serialize().into_generator(),
            requests: settings.for_deserialize().into_generator(),
        }
    }

    /// Schema of a type that the API returns.
    fn response<T: JsonSchema>(&mut self) -> Value {
        self.responses.subschema_for::<T>().into()
    }

    /// Schema of a type that the API accepts.
    fn request<T: JsonSchema>(&mut self) -> Value {
        self.requests.subschema_for::<T>().into()
    }

    fn definitions(mut self) -> Map<String, Value> {
        let mut definitions = self.responses.take_definitions(true);
        definitions.append(&mut self.requests.take_definitions(true));
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
            "docs/openapi.json is stale: run `cargo bookstore synth --golden` and review the diff"
        );
    }

    #[test]
    fn the_document_has_exactly_the_routes_of_the_api() {
        let routes: BTreeSet<_> = FUNCTIONS
            .iter()
            .flat_map(|function| function.routes().iter().map(move |route| (function, route)))
            .filter(|(_, route)| route.path.starts_with("/api/") || route.path == "/health")
            .flat_map(|(function, route)| route.methods.iter().map(|method| (function.name, *method, route.path)))
            .collect();
        let operations = operations::all(&mut Schemas::new());
        let described: BTreeSet<_> = operations.iter().map(|o| (o.function, o.method, o.path)).collect();
        let ids: BTreeSet<_> = operations.iter().map(|o| &o.id).collect();
        assert_eq!(ids.len(), operations.len(), "each operation has an id of its own");
        let missing: Vec<_> = routes.difference(&described).collect();
        let unknown: Vec<_> = described.difference(&routes).collect();
        assert!(
            missing.is_empty() && unknown.is_empty(),
            "infra/src/openapi/operations.rs lacks {missing:?}, and describes what no route has: {unknown:?}"
        );
    }

    #[test]
    fn every_path_variable_has_a_parameter() {
        for operation in operations::all(&mut Schemas::new()) {
            let document = serde_json::to_value(&operation).unwrap();
            let parameters = document["parameters"].as_array().into_iter().flatten();
            let described: Vec<_> = parameters.filter(|p| p["in"] == "path").map(|p| p["name"].as_str()).collect();
            let variables = operation.path.split('/').filter_map(|s| s.strip_prefix('{')?.strip_suffix('}'));
            assert_eq!(described, variables.map(Some).collect::<Vec<_>>(), "{}", operation.path);
        }
    }
}
