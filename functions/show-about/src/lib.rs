//! `GET /about`, `/privacy`, `/terms`, `/accessibility`, `/api-docs`, `/openapi.json` and `/api/shop`: information about the
//! shop. It has no permissions.

pub mod api;
pub mod page;
