//! Queries of synthesized templates.

use infra::{
    stacks::Kind,
    stage::{STAGES, Stage},
};
use serde_json::Value;

use crate::support::{stage, template};

/// The templates of this kind of stack in every stage, without and with the optional settings.
pub fn all_templates(kind: Kind) -> impl Iterator<Item = Value> {
    let stages = STAGES.iter().flat_map(|(name, _)| [stage(name), Stage::in_full(name).unwrap()]);
    stages.map(move |stage| template(&stage, kind))
}

/// Logical IDs and properties of the resources of one type, such as `EC2::Subnet`.
pub fn resources<'a>(template: &'a Value, r#type: &str) -> Vec<(&'a str, &'a Value)> {
    let resources = template["Resources"].as_object().unwrap().iter();
    let of_type = resources.filter(|(_, resource)| resource["Type"] == format!("AWS::{type}"));
    of_type.map(|(name, resource)| (name.as_str(), &resource["Properties"])).collect()
}

pub fn properties<'a>(template: &'a Value, name: &str) -> &'a Value {
    &template["Resources"][name]["Properties"]
}
