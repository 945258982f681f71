//! Deployment packages: each function compiled, in a zip named by its hash.

use std::{
    fs,
    io::{Cursor, Write},
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context, Result, ensure};
use aws_sdk_s3::primitives::ByteStream;
use base64::{Engine, prelude::BASE64_STANDARD};
use infra::{routes::FUNCTIONS, stage::Stage};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use tokio::process::Command;
use zip::{CompressionMethod, DateTime, ZipWriter, write::SimpleFileOptions};

use crate::{
    aws::{AwsClients, call, explained},
    cargo::{cargo_command, workspace},
    image::{self, Architecture, Layout},
    local::{Home, Tool, Tools},
};

/// The folder of packages in the artifact bucket.
const FOLDER: &str = "functions/";

pub struct Packages {
    functions: Vec<Package>,
    /// The image of the server, for a stage with containers.
    pub server: Option<Layout>,
}

/// One function's zip.
pub struct Package {
    pub function: &'static str,
    pub zip: PathBuf,
    /// In the artifact bucket.
    pub key: String,
    /// SHA-256 of the zip in base64, as Lambda returns it.
    pub sha256: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Release builds for arm64, by cargo-lambda.
    Aws,
    /// Debug builds for this machine.
    Local,
}

impl Packages {
    /// Compiles every function and packs the changed ones.
    pub async fn build(profile: Profile) -> Result<Self> {
        Self::of(compile(profile).await?, profile)
    }

    /// Packs compiled functions.
    pub fn of(binaries: impl Fn(&str) -> PathBuf, profile: Profile) -> Result<Self> {
        let packages = FUNCTIONS.iter().map(|function| pack(function.name, &binaries(function.name), profile));
        Ok(Self { functions: packages.collect::<Result<_>>()?, server: None })
    }

    /// Those of a stage, with the image of its containers.
    pub async fn of_stage(stage: &Stage) -> Result<Self> {
        let packages = Self::build(if stage.is_local() { Profile::Local } else { Profile::Aws }).await?;
        if stage.containers.is_some() { packages.with_server(Architecture::of(stage)).await } else { Ok(packages) }
    }

    async fn with_server(self, architecture: Architecture) -> Result<Self> {
        let folder = workspace().await?.1.join("image").join(architecture.name());
        Ok(Self { server: Some(image::build(&[architecture], &folder).await?), ..self })
    }

    /// The image in a repository, by its digest.
    pub fn image(&self, repository: &str) -> Result<String> {
        let layout = self.server.as_ref().context("the stage's image was not built")?;
        let images = layout.images()?;
        let image = images.first().context("the layout has no image")?;
        Ok(format!("{repository}@{}", image.digest))
    }

    pub fn get(&self, function: &str) -> Result<&Package> {
        self.functions
            .iter()
            .find(|package| package.function == function)
            .with_context(|| format!("no package of {function}"))
    }

    /// Uploads the packages that the bucket does not have.
    pub async fn upload(&self, aws: &AwsClients, bucket: &str) -> Result<()> {
        for Package { key, zip, function, .. } in &self.functions {
            if aws.s3.head_object().bucket(bucket).key(key).send().await.is_ok() {
                continue;
            }
            let body = ByteStream::from(fs::read(zip).with_context(|| format!("reading {}", zip.display()))?);
            let put = aws.s3.put_object().bucket(bucket).key(key).body(body);
            call(put.send()).await.with_context(|| format!("uploading {function}"))?;
        }
        Ok(())
    }

    /// Deletes the packages of earlier deploys. CloudFormation needs only those of the last one, to roll back a change;
    /// Lambda keeps its own copy of every version, for rollbacks of functions. The bucket keeps deleted ones for 30 days.
    pub async fn delete_others(&self, aws: &AwsClients, bucket: &str) -> Result<()> {
        let mut pages = aws.s3.list_objects_v2().bucket(bucket).prefix(FOLDER).into_paginator().send();
        let mut others = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(explained).context("listing the packages of earlier deploys")?;
            let objects = page.contents().iter();
            let uploaded =
                objects.filter_map(|object| Some((object.key()?.to_owned(), object.last_modified()?.secs())));
            others.extend(uploaded.filter(|(key, at)| self.is_superseded(key, *at, OffsetDateTime::now_utc())));
        }
        for (key, _) in others {
            let delete = aws.s3.delete_object().bucket(bucket).key(&key);
            call(delete.send()).await.with_context(|| format!("deleting {key}"))?;
        }
        Ok(())
    }

    /// Whether an object, uploaded at this Unix time, is a package of an earlier deploy. A young one may be of a deploy that
    /// somebody else has begun.
    fn is_superseded(&self, key: &str, uploaded_at: i64, now: OffsetDateTime) -> bool {
        let is_young = now.unix_timestamp() - uploaded_at < time::Duration::DAY.whole_seconds();
        !is_young && self.functions.iter().all(|package| package.key != key)
    }
}

/// Compiles the functions and returns the path of each binary by name.
async fn compile(profile: Profile) -> Result<Box<dyn Fn(&str) -> PathBuf>> {
    let (root, target) = workspace().await?;
    match profile {
        Profile::Local => {
            outln!("Building the functions …");
            // The whole workspace, because `-p` resolves other features and compiles all dependencies again.
            run(cargo_command().args(["build", "--workspace", "--locked"]).current_dir(&root)).await?;
            Ok(Box::new(move |function| target.join("debug").join(function)))
        }
        Profile::Aws => {
            outln!("Building the functions for arm64 …");
            // cargo-lambda brings the linker that it needs.
            let tools = Tools::ensure(&Home::find("deploy")?, &[Tool::CargoLambda])?;
            let mut lambda = cargo_command();
            lambda.env("PATH", tools.path()?).args(["lambda", "build", "--release", "--arm64", "--locked"]);
            lambda.args(FUNCTIONS.iter().flat_map(|function| ["--bin", function.name]));
            run(lambda.current_dir(&root)).await?;
            Ok(Box::new(move |function| target.join("lambda").join(function).join("bootstrap")))
        }
    }
}

async fn run(command: &mut Command) -> Result<()> {
    let status = command.stdin(Stdio::null()).status().await.context("cargo could not be started")?;
    ensure!(status.success(), "the functions could not be built");
    Ok(())
}

/// Packs the binary, unless the zip beside it is up to date.
fn pack(function: &'static str, binary: &Path, profile: Profile) -> Result<Package> {
    let zip = binary.with_extension("zip");
    let stamp = binary.with_extension("zip.of");
    let code = fs::read(binary).with_context(|| format!("reading {}", binary.display()))?;
    let holds = BASE64_STANDARD.encode(Sha256::digest(&code));
    if !zip.exists() || fs::read_to_string(&stamp).ok().as_ref() != Some(&holds) {
        fs::write(&zip, zipped(&code, profile)?).with_context(|| format!("writing {}", zip.display()))?;
        fs::write(&stamp, holds)?;
    }
    let digest = Sha256::digest(fs::read(&zip)?);
    let name = format!("{:016x}", u64::from_be_bytes(digest[..8].try_into()?));
    let key = format!("{FOLDER}{function}/{name}.zip");
    Ok(Package { function, zip, key, sha256: BASE64_STANDARD.encode(digest) })
}

/// Reproducible: the same bytes for the same code. Local packages are compressed less, which is faster.
pub fn zipped(code: &[u8], profile: Profile) -> Result<Vec<u8>> {
    let level = if profile == Profile::Local { 1 } else { 9 };
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(level))
        .last_modified_time(DateTime::default())
        .unix_permissions(0o755);
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("bootstrap", options)?;
    zip.write_all(code)?;
    Ok(zip.finish()?.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_packages_of_earlier_deploys_are_superseded() {
        let package = |key: &str| Package {
            function: "show-book",
            zip: PathBuf::new(),
            key: key.to_owned(),
            sha256: String::new(),
        };
        let functions = vec![package("functions/show-book/b.zip")];
        let packages = Packages { functions, server: None };
        let now = OffsetDateTime::UNIX_EPOCH + time::Duration::days(100);
        for (key, days, expected) in [
            ("functions/show-book/a.zip", 40, true),
            ("functions/show-book/a.zip", 0, false),
            ("functions/show-book/b.zip", 40, false),
            ("functions/show-old-page/b.zip", 2, true),
        ] {
            let uploaded_at = (now - time::Duration::days(days)).unix_timestamp();
            assert_eq!(packages.is_superseded(key, uploaded_at, now), expected, "{key}, {days} days old");
        }
    }

    #[test]
    fn the_same_code_gives_the_same_zip() {
        assert_eq!(zipped(b"code", Profile::Aws).unwrap(), zipped(b"code", Profile::Aws).unwrap());
        assert_ne!(zipped(b"code", Profile::Aws).unwrap(), zipped(b"edoc", Profile::Aws).unwrap());
    }
}
