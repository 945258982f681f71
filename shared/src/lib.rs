//! What the functions of the bookstore have in common. It knows no route.

pub mod app;
pub mod aws;
pub mod config;
pub mod database;
pub mod domain;
pub mod error;
pub mod http;
pub mod lambda;
pub mod messages;
pub mod queue;
pub mod repo;
pub mod secret;
pub mod telemetry;

pub use app::App;
pub use error::{ApiError, Result};
pub use http::{Reply, Request};

/// The schema, a statement a file: <https://docs.rs/sqlx/latest/sqlx/macro.migrate.html>.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");
