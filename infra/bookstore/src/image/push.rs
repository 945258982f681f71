//! Pushes an image layout to a registry, by the client of ORAS.

use anyhow::{Context, Result, ensure};
use oci_client::{
    Client, Reference, RegistryOperation,
    client::{ClientConfig, ClientProtocol},
    secrets::RegistryAuth,
};

use super::layout::{Descriptor, Layout, Manifest};

/// The credentials of a push.
pub enum Login {
    Anonymous,
    /// User and password.
    Basic(String, String),
}

/// Pushes images, and names the first, or the index of several, by the reference's tag. Returns its digest.
///
/// # Errors
/// The registry does not answer, or refuses.
pub async fn push(layout: &Layout, images: &[Descriptor], reference: &str, login: Login) -> Result<String> {
    ensure!(!images.is_empty(), "there is no image to push: run `cargo bookstore image build`");
    let reference: Reference = reference.parse().with_context(|| format!("{reference} names no image"))?;
    let client = client(reference.resolve_registry());
    let login = match login {
        Login::Anonymous => RegistryAuth::Anonymous,
        Login::Basic(user, password) => RegistryAuth::Basic(user, password),
    };
    client.auth(&reference, &login, RegistryOperation::Push).await.context("logging in to the registry")?;
    for image in images {
        let bytes = layout.blob(image)?;
        let manifest: Manifest = serde_json::from_slice(&bytes)?;
        for blob in manifest.layers.iter().chain([&manifest.config]) {
            if !client.blob_exists(&reference, &blob.digest).await.unwrap_or(false) {
                let pushed = client.push_blob(&reference, layout.blob(blob)?, &blob.digest).await;
                pushed.with_context(|| format!("pushing {}", blob.digest))?;
            }
        }
        // The index names images by their digests alone.
        let name =
            if images.len() == 1 { reference.clone() } else { reference.clone_with_digest(image.digest.clone()) };
        put(&client, &name, image, bytes).await?;
    }
    if let [image] = images {
        return Ok(image.digest.clone());
    }
    let (index, bytes) = layout.index_blob()?;
    put(&client, &reference, &index, bytes).await?;
    Ok(index.digest)
}

async fn put(client: &Client, name: &Reference, manifest: &Descriptor, bytes: Vec<u8>) -> Result<()> {
    let put = client.push_manifest_raw(name, bytes, manifest.media_type.parse()?).await;
    put.map(drop).with_context(|| format!("pushing the manifest {}", manifest.digest))
}

/// Registries of this machine have no certificate.
fn client(registry: &str) -> Client {
    // It may be installed already; the client has none of its own.
    _ = rustls::crypto::ring::default_provider().install_default();
    let host = registry.rsplit_once(':').map_or(registry, |(host, _)| host);
    let is_local = matches!(host, "localhost" | "127.0.0.1");
    let protocol = if is_local { ClientProtocol::Http } else { ClientProtocol::Https };
    // ECR does not take a blob in parts as the specification has it: <https://github.com/aws/containers-roadmap/issues/2831>.
    let use_monolithic_push = registry.contains(".dkr.ecr.");
    Client::new(ClientConfig { protocol, use_monolithic_push, ..ClientConfig::default() })
}
