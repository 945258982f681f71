//! Compiles the server as a static program, and makes its images.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context, Result, ensure};
use infra::stage::Stage;

use super::{layout::Layout, sbom};
use crate::{
    cargo,
    local::{Home, Tool, Tools},
};

#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub enum Architecture {
    Arm64,
    #[value(name = "x86_64")]
    X86_64,
}

impl Architecture {
    /// That of a stage.
    pub fn of(stage: &Stage) -> Self {
        if stage.architecture.lambda() == "arm64" { Self::Arm64 } else { Self::X86_64 }
    }

    /// Go's name, which images have.
    pub fn name(self) -> &'static str {
        match self {
            Self::Arm64 => "arm64",
            Self::X86_64 => "amd64",
        }
    }

    /// Rust's target: musl links statically.
    fn target(self) -> &'static str {
        match self {
            Self::Arm64 => "aarch64-unknown-linux-musl",
            Self::X86_64 => "x86_64-unknown-linux-musl",
        }
    }
}

/// Compiles the server for these architectures and writes their images to a folder.
///
/// # Errors
/// The server cannot be compiled, or the folder cannot be written.
pub async fn build(architectures: &[Architecture], folder: &Path) -> Result<Layout> {
    let (root, target) = cargo::workspace().await?;
    let mut programs = Vec::new();
    for architecture in architectures {
        let program = compile(&root, &target, *architecture).await?;
        programs.push((architecture, program, sbom::components(&root, architecture.target()).await?));
    }
    // Only now, so that a failure leaves the images of before.
    let layout = Layout::create(folder)?;
    for (architecture, program, components) in programs {
        layout.add(&program, &components, architecture.name())?;
    }
    Ok(layout)
}

async fn compile(root: &Path, target: &Path, architecture: Architecture) -> Result<Vec<u8>> {
    outln!("Building the server for {} …", architecture.name());
    let tools = Tools::ensure(&Home::find("deploy")?, &[Tool::CargoLambda])?;
    // cargo-lambda brings the linker, and places the program where it places functions.
    let mut lambda = cargo::cargo_command();
    lambda.env("PATH", tools.path()?).env("RUSTFLAGS", without_paths(root, target)).current_dir(root);
    lambda.args(["lambda", "build", "--release", "--locked", "--bin", "server", "--target", architecture.target()]);
    let status = lambda.stdin(Stdio::null()).status().await.context("cargo could not be started")?;
    ensure!(status.success(), "the server could not be built");
    let program = target.join("lambda/server/bootstrap");
    fs::read(&program).with_context(|| format!("reading {}", program.display()))
}

/// Compiler flags that leave folders of this machine out of the program, so that it is the same everywhere.
fn without_paths(root: &Path, target: &Path) -> String {
    let home = env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let cargo = env::var_os("CARGO_HOME").map_or_else(|| home.join(".cargo"), PathBuf::from);
    let remap = |from: &Path, to: &str| format!("--remap-path-prefix={}={to}", from.display());
    [remap(&cargo, "/cargo"), remap(root, "/anaquel"), remap(target, "/target")].join(" ")
}
