//! The image of the server for containers, made without Docker: a static program, an OCI image layout, and its push to a
//! registry.

mod build;
mod layout;
mod push;
mod sbom;

pub use build::{Architecture, build};
pub use layout::Layout;
pub use push::{Login, push};
