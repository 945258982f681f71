//! What the functions of the bookstore have in common. It knows no route.

pub mod answer_size;
pub mod api;
pub mod app;
pub mod aws;
pub mod config;
pub mod database;
pub mod domain;
pub mod error;
pub mod http;
pub mod intake;
pub mod invalid;
pub mod lambda;
pub mod messages;
pub mod metrics;
pub mod parameters;
pub mod queue;
pub mod repo;
pub mod secret;
pub mod staff;
pub mod telemetry;

use sqlx::{migrate, migrate::Migrator};

pub use app::App;
pub use error::{ApiError, Result};
pub use http::{Reply, Request};

/// The schema, a statement a file. Migrations only ever expand, so an older version of this finds all it knows in a
/// database that a newer one has migrated: what it does not know does not trouble it.
pub static MIGRATIONS: Migrator = Migrator { ignore_missing: true, ..migrate!("./migrations") };
