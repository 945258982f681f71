//! Tests of every stage's templates: invariants, linters, registry schemas, and permissions with a policy engine.

mod accounts;
mod bad_templates;
mod function_permissions;
mod https_and_firewall;
mod human_permissions;
mod linters;
mod lookup;
mod monitoring;
mod policy_engine;
mod registry_schemas;
mod resolved_template;
mod schemas;
mod support;
mod templates;
