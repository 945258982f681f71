//! The templates of every stage: what must hold of them, what linters, registry schemas and a policy engine find.

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
