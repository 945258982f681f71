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
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema, SchemaGenerator};
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
            "securitySchemes": operation::security_schemes(),
        }),
    };
    Ok(serde_json::to_string_pretty(&document)? + "\n")
}

/// Generates the schemas of the document's components. An enumeration is open in answers, because a later version may add
/// values, and closed in requests.
struct Schemas {
    responses: SchemaGenerator,
    requests: SchemaGenerator,
}

impl Schemas {
    fn new() -> Self {
        let settings = SchemaSettings::draft2020_12()
            .with(|s| s.definitions_path = "/components/schemas".into())
            .with_transform(RecursiveTransform(plain_enum));
        Self {
            responses: settings.clone().for_serialize().with_transform(RecursiveTransform(open_enum)).into_generator(),
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
        for (name, request) in self.requests.take_definitions(true) {
            let known = definitions.entry(name.clone()).or_insert_with(|| request.clone());
            assert!(
                *known == request,
                "{name} is not the same in requests and in answers; give one of them another name"
            );
        }
        definitions
    }
}

/// Makes one `enum` of the alternatives of a Rust enum whose variants have a documentation of their own: generators of
/// clients read only the first of several constants. The description keeps the meanings.
fn plain_enum(schema: &mut Schema) {
    let alternatives = schema.get("oneOf").and_then(Value::as_array).cloned().unwrap_or_default();
    let Some(parts) = alternatives.iter().map(values_and_meaning).collect::<Option<Vec<_>>>() else { return };
    if parts.is_empty() {
        return;
    }
    let meanings = parts.iter().filter_map(|(values, meaning)| {
        let names: Vec<String> = values.iter().filter_map(Value::as_str).map(|name| format!("`{name}`")).collect();
        Some(format!("- {}: {}", names.join(", "), (*meaning)?))
    });
    let about = schema.get("description").and_then(Value::as_str).map(str::to_owned);
    let meanings: Vec<String> = meanings.collect();
    let description = about.into_iter().chain((!meanings.is_empty()).then(|| meanings.join("\n")));
    let description = description.collect::<Vec<_>>().join("\n\n");
    let values: Vec<Value> = parts.iter().flat_map(|(values, _)| values.clone()).collect();
    schema.remove("oneOf");
    schema.insert("type".to_owned(), json!("string"));
    schema.insert("enum".to_owned(), json!(values));
    if !description.is_empty() {
        schema.insert("description".to_owned(), json!(description));
    }
}

/// Makes an enumeration one to which values may be added (Zalando's guidelines for APIs, rule 112): generators of clients
/// read a string, and fail for no new value.
fn open_enum(schema: &mut Schema) {
    if schema.get("type").and_then(Value::as_str) != Some("string") {
        return;
    }
    if let Some(values) = schema.remove("enum") {
        schema.insert("x-extensible-enum".to_owned(), values);
    }
}

/// The strings that an alternative allows, and their meaning; none if it allows others.
fn values_and_meaning(alternative: &Value) -> Option<(Vec<Value>, Option<&str>)> {
    if alternative["type"] != "string" {
        return None;
    }
    let values = match alternative.get("const") {
        Some(value) => vec![value.clone()],
        None => alternative.get("enum")?.as_array()?.clone(),
    };
    Some((values, alternative["description"].as_str()))
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

    /// The values in a document, each with the address of its place.
    fn visit(value: &Value, place: &str, seen: &mut impl FnMut(&str, &Value)) {
        seen(place, value);
        match value {
            Value::Object(members) => {
                members.iter().for_each(|(name, value)| visit(value, &format!("{place}/{name}"), seen));
            }
            Value::Array(items) => {
                items.iter().enumerate().for_each(|(at, value)| visit(value, &format!("{place}/{at}"), seen));
            }
            _ => {}
        }
    }

    #[test]
    fn generators_of_clients_read_every_enumeration_and_every_pattern() {
        let document: Value = serde_json::from_str(&document().unwrap()).unwrap();
        let mut patterns = 0;
        visit(&document, "", &mut |place, value| {
            let constants =
                |name: &str| value[name].as_array().is_some_and(|all| all.iter().any(|one| one.get("const").is_some()));
            assert!(!constants("oneOf") && !constants("anyOf"), "{place} has constants in place of an enum");
            if let Some(pattern) = value["pattern"].as_str() {
                patterns += 1;
                // In ECMA-262 without the flag `u`, a character beyond U+FFFF is two, and these escapes do not exist.
                let is_portable = pattern.chars().all(|c| c <= '\u{ffff}')
                    && ["\\u{", "\\p{", "\\P{", "\\x{", "(?i", "(?u", "\\A", "\\z", "[[:"]
                        .iter()
                        .all(|other| !pattern.contains(other));
                assert!(is_portable, "{place}: {pattern}");
            }
        });
        assert!(patterns > 5);
        let availability = &document["components"]["schemas"]["Availability"];
        assert_eq!(availability["x-extensible-enum"], json!(["in_stock", "out_of_stock", "to_order", "withdrawn"]));
        assert!(
            availability["description"].as_str().unwrap().contains("`to_order`: It has no price"),
            "{availability}"
        );
        let codes = document["components"]["schemas"]["FieldCode"]["x-extensible-enum"].as_array().unwrap();
        assert_eq!((codes.first(), codes.last()), (Some(&json!("blank")), Some(&json!("invalid"))));
    }

    #[test]
    fn an_enumeration_is_open_in_answers_and_closed_in_requests() {
        let document: Value = serde_json::from_str(&document().unwrap()).unwrap();
        let (mut open, mut closed) = (BTreeSet::new(), BTreeSet::new());
        visit(&document, "", &mut |place, value| {
            if value.get("x-extensible-enum").is_some() {
                open.insert(place.to_owned());
            } else if value.get("enum").is_some() {
                closed.insert(place.to_owned());
            }
        });
        let component = |name: &str| format!("/components/schemas/{name}");
        for name in ["OrderState", "OrderCode", "LineCode", "RejectionCode", "Status", "Code", "FieldCode", "Delivery"]
        {
            assert!(open.contains(&component(name)), "{name}: {open:?}");
        }
        let form = |name: &str| format!("/components/schemas/OrderForm/properties/{name}");
        let of_requests = ["delivery", "payment"].map(form).into_iter().chain([component("Sort")]);
        assert_eq!(closed, of_requests.collect());
    }

    #[test]
    fn an_object_is_closed_in_requests_and_open_in_answers() {
        let document: Value = serde_json::from_str(&document().unwrap()).unwrap();
        let mut closed = BTreeSet::new();
        visit(&document["components"]["schemas"], "", &mut |place, value| {
            if value["additionalProperties"] == false {
                closed.insert(place.trim_start_matches('/').to_owned());
            }
        });
        let of_requests = [
            "AddressMembers",
            "CancellationForm",
            "ContactForm",
            "ContactMembers",
            "MoneyMembers",
            "OrderForm",
            "OrderFormLine",
            "RatingForm",
        ];
        assert_eq!(closed, of_requests.map(str::to_owned).into());
    }

    #[test]
    fn every_time_in_an_example_has_three_decimals() {
        let document: Value = serde_json::from_str(&document().unwrap()).unwrap();
        let mut times = 0;
        for (path, operations) in document["paths"].as_object().unwrap() {
            visit(operations, path, &mut |place, value| {
                let is_time =
                    |text: &&str| text.len() > 19 && text.as_bytes()[10] == b'T' && text.as_bytes()[13] == b':';
                if place.contains("/responses/")
                    && let Some(text) = value.as_str().filter(is_time)
                {
                    times += 1;
                    assert!(text.len() == 24 && text.as_bytes()[19] == b'.' && text.ends_with('Z'), "{place}: {text}");
                }
            });
        }
        assert!(times > 5, "{times}");
    }

    #[test]
    fn every_component_is_used() {
        let document: Value = serde_json::from_str(&document().unwrap()).unwrap();
        let mut used = BTreeSet::new();
        visit(&document, "", &mut |_, value| {
            used.extend(value["$ref"].as_str().map(str::to_owned));
            let schemes = value["security"].as_array().into_iter().flatten().filter_map(Value::as_object);
            used.extend(
                schemes.flat_map(|named| named.keys().map(|name| format!("#/components/securitySchemes/{name}"))),
            );
        });
        for (kind, components) in document["components"].as_object().unwrap() {
            for name in components.as_object().unwrap().keys() {
                assert!(used.contains(&format!("#/components/{kind}/{name}")), "{kind}/{name} is used by nothing");
            }
        }
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
