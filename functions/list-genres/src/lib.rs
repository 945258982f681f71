//! `GET /api/genres` and `GET /genres`: all genres that have books.

pub mod api;
pub mod page;
