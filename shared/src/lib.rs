//! Code that the functions share. It has no routes.

pub mod alert_link;
pub mod answer_size;
pub mod api;
pub mod app;
pub mod archive;
pub mod aws;
pub mod batch;
pub mod config;
pub mod database;
pub mod declaration;
pub mod domain;
#[cfg(test)]
mod draw;
pub mod error;
pub mod files_bucket;
pub mod handler;
pub mod http;
pub mod https;
pub mod intake;
pub mod invalid;
pub mod lambda;
pub mod mail;
pub mod messages;
pub mod metrics;
pub mod order_batch;
pub mod parameters;
#[cfg(test)]
mod parsing_time_tests;
pub mod presigned_form;
pub mod presigned_link;
#[cfg(test)]
mod property_tests;
pub mod queue;
pub mod quote;
pub mod repo;
pub mod secret;
pub mod session;
pub mod shop;
pub mod sign_in;
pub mod staff;
pub mod telemetry;
pub mod uploads;
pub mod wishlist;

use sqlx::{migrate, migrate::Migrator};

pub use app::App;
pub use error::{ApiError, Result};
pub use http::{JsonObject, Reply, Request};

/// The schema, one statement in each file. Migrations only expand, and an older version ignores migrations that it does
/// not have, so it works with a database that a newer version has migrated.
pub static MIGRATIONS: Migrator = Migrator { ignore_missing: true, ..migrate!("./migrations") };
