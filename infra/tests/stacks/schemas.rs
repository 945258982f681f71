//! CloudFormation registry schemas of resource types, from the pinned cfn-lint.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::json;

use crate::support::python;

/// The registry schema of a type. Property paths have slashes as separators.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Schema {
    pub create_only_properties: Vec<String>,
    pub read_only_properties: Vec<String>,
    pub required: Vec<String>,
    pub properties: BTreeSet<String>,
}

/// The schemas of these types, by type.
pub fn schemas(types: impl IntoIterator<Item = String>) -> BTreeMap<String, Schema> {
    let types: BTreeSet<String> = types.into_iter().collect();
    let schemas = python("schemas.py", &json!({ "region": "us-east-1", "types": types }));
    serde_json::from_value(schemas).unwrap()
}
