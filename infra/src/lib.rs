//! What a stage is: its settings, the route table, and everything that follows from both, above all its CloudFormation
//! templates. Nothing here calls AWS.

pub mod cost;
pub mod database_memory;
pub mod database_settings;
pub mod diagram;
pub mod facts;
pub mod limits;
pub mod listener_rules;
pub mod migrations;
pub mod openapi;
pub mod routes;
pub mod stacks;
pub mod stage;
pub mod synth;
pub mod template;
