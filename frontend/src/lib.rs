//! The shop's face: turns domain values into pages. It knows no SQL; whoever has the values fills in a
//! page of [`pages`] and renders it.

pub mod assets;
mod cover;
mod form;
mod format;
pub mod links;
mod locale;
mod markup;
pub mod pages;
pub mod sitemap;
mod view;
mod visit;

pub use askama::{DynTemplate, Template};

pub use cover::cover;
pub use form::{Form, Trouble};
pub use locale::Locale;
pub use markup::Markup;
pub use view::View;
pub use visit::{Visit, page};

/// What a page may load: our own files, and nothing inline but data.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
     connect-src 'self'; manifest-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
