//! A stage's settings, the route table, and everything derived from both: CloudFormation templates, limits, cost estimate,
//! OpenAPI document and architecture diagram. Nothing here calls AWS.

pub mod containers;
pub mod cost;
pub mod database_memory;
pub mod database_settings;
pub mod diagram;
pub mod facts;
pub mod limits;
pub mod listener_rules;
pub mod memory_sizes;
mod migrations;
pub mod names;
pub mod openapi;
pub mod routes;
pub mod scale;
pub mod stacks;
pub mod stage;
pub mod synth;
pub mod template;
