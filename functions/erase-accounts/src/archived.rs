//! Removes archived messages with all their versions.

use std::collections::BTreeSet;

use anyhow::{Context, bail};
use aws_sdk_s3::{
    Client,
    config::Builder,
    types::{Delete, ObjectIdentifier},
};
use shared::{
    App,
    archive::Key,
    aws::explained,
    messages::{ArchiveErasureV1, ArchivedPart},
};

/// Removes what an erasure names. Versions are removed in the order in which S3 lists them, so that a repetition after an
/// interruption finds the rest.
pub async fn erase(app: &App, erasure: &ArchiveErasureV1) -> anyhow::Result<()> {
    let bucket = app.config().await?.archive_bucket.clone().context("the archive was not granted")?;
    let client = client(app);
    let prefixes: BTreeSet<String> = erasure.parts.iter().flat_map(|part| part.prefixes()).collect();
    let mut removed = 0;
    for prefix in prefixes {
        removed += erase_below(&client, &bucket, &prefix, erasure).await?;
    }
    tracing::info!(erased_archived = removed, "Archived messages removed");
    Ok(())
}

async fn erase_below(client: &Client, bucket: &str, prefix: &str, erasure: &ArchiveErasureV1) -> anyhow::Result<usize> {
    let mut removed = 0;
    let (mut key_marker, mut version_marker) = (None, None);
    loop {
        let list = client.list_object_versions().bucket(bucket).prefix(prefix);
        let list = list.set_key_marker(key_marker).set_version_id_marker(version_marker);
        let page = list.send().await.map_err(explained).context("listing archived messages")?;
        let versions = page.versions().iter().map(|version| (version.key(), version.version_id()));
        let markers = page.delete_markers().iter().map(|marker| (marker.key(), marker.version_id()));
        let named = versions.chain(markers).filter_map(|(key, version)| Some((key?, version)));
        let chosen: Vec<_> = named.filter(|(key, _)| is_erased(key, erasure)).collect();
        for chosen in chosen.chunks(1_000) {
            remove(client, bucket, chosen).await?;
            removed += chosen.len();
        }
        (key_marker, version_marker) = (page.next_key_marker, page.next_version_id_marker);
        if page.is_truncated != Some(true) {
            return Ok(removed);
        }
    }
}

fn is_erased(key: &str, erasure: &ArchiveErasureV1) -> bool {
    let Some(key) = Key::parse(key) else { return false };
    erasure.parts.iter().any(|part: &ArchivedPart| part.has(&key, erasure.until))
}

async fn remove(client: &Client, bucket: &str, chosen: &[(&str, Option<&str>)]) -> anyhow::Result<()> {
    let mut delete = Delete::builder().quiet(true);
    for (key, version) in chosen {
        let object = ObjectIdentifier::builder().key(*key).set_version_id(version.map(str::to_owned));
        delete = delete.objects(object.build()?);
    }
    let removed = client.delete_objects().bucket(bucket).delete(delete.build()?).send().await;
    let removed = removed.map_err(explained).context("removing archived messages")?;
    if let Some(error) = removed.errors().first() {
        bail!("{} archived messages were not removed: {}", removed.errors().len(), error.code().unwrap_or_default());
    }
    Ok(())
}

fn client(app: &App) -> Client {
    // An endpoint of one's own has no name for each bucket.
    Client::from_conf(Builder::from(app.sdk()).force_path_style(app.sdk().endpoint_url().is_some()).build())
}
