//! The stacks as our own deploy makes them on emulators, and the command as its documents describe it.

mod change_sets;
mod database_changes;
mod documents;
mod emulators;
mod https;
mod image;
mod presigned_forms;
mod reachability;
mod responses;
mod strict_emulator;
#[path = "../../../tests/stacks/support.rs"]
mod support;
mod user_pools;

/// A client of HTTP. With the pushes of images, reqwest wants a provider of TLS even where nothing uses it.
fn http() -> reqwest::ClientBuilder {
    // Another test may have installed it.
    _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
}
