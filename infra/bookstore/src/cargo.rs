//! Cargo, as a program that other commands start.

use std::{env, path::PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tokio::process::Command;

/// A cargo command without the environment of an outer `cargo run`, which would rerun build scripts and recompile half of
/// the dependencies, and without AWS credentials, which build scripts and macros must not see.
pub fn cargo_command() -> Command {
    let mut command = Command::new("cargo");
    for (name, _) in env::vars_os() {
        let inherited = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_", "CARGO_PRIMARY_", "AWS_"];
        if name.to_str().is_some_and(|name| inherited.iter().any(|prefix| name.starts_with(prefix))) {
            command.env_remove(name);
        }
    }
    command
}

/// The workspace's root and its target directory.
pub async fn workspace() -> Result<(PathBuf, PathBuf)> {
    let metadata = cargo_command().args(["metadata", "--no-deps", "--format-version", "1"]).output().await;
    let metadata = metadata.context("cargo could not be started")?;
    if !metadata.status.success() {
        bail!("run this inside the repository: {}", String::from_utf8_lossy(&metadata.stderr).trim());
    }
    let metadata: Value = serde_json::from_slice(&metadata.stdout)?;
    let path = |name: &str| {
        metadata[name].as_str().map(PathBuf::from).with_context(|| format!("cargo metadata has no {name}"))
    };
    Ok((path("workspace_root")?, path("target_directory")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_gets_no_aws_credentials() {
        // Tests share their environment, so this reads what cargo itself put there instead of setting more.
        let command = cargo_command();
        let removed = |name: &str| command.as_std().get_envs().any(|(known, value)| known == name && value.is_none());
        assert!(env::var_os("CARGO_MANIFEST_DIR").is_some() && removed("CARGO_MANIFEST_DIR"));
        for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("AWS_")) {
            assert!(removed(name.to_str().unwrap()), "{name:?}");
        }
        assert!(!removed("PATH"));
    }
}
