//! Compiles the server as a static program, and makes its images.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context, Result, ensure};
use infra::stage::Stage;
use tokio::process::Command;

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
    let flags = without_paths(root, target).await?;
    lambda.env("PATH", tools.path()?).env("RUSTFLAGS", flags).current_dir(root);
    lambda.args(["lambda", "build", "--release", "--locked", "--bin", "server", "--target", architecture.target()]);
    let status = lambda.stdin(Stdio::null()).status().await.context("cargo could not be started")?;
    ensure!(status.success(), "the server could not be built");
    let program = target.join("lambda/server/bootstrap");
    let program = fs::read(&program).with_context(|| format!("reading {}", program.display()))?;
    if let Some(home) = env::home_dir().filter(|home| home.parent().is_some()) {
        let home = home.as_os_str().as_encoded_bytes();
        ensure!(
            !program.windows(home.len()).any(|part| part == home),
            "the program has the folder {} in it, so it would not be the same elsewhere",
            String::from_utf8_lossy(home)
        );
    }
    Ok(program)
}

/// Compiler flags that leave folders of this machine out of the program, so that it is the same everywhere.
///
/// # Errors
/// The compiler cannot be asked for its own folder, whose sources are in the program where the component `rust-src` is installed.
async fn without_paths(root: &Path, target: &Path) -> Result<String> {
    let home = env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let cargo = env::var_os("CARGO_HOME").map_or_else(|| home.join(".cargo"), PathBuf::from);
    let remap = |from: &Path, to: &str| format!("--remap-path-prefix={}={to}", from.display());
    let asked = async |argument: &[&str]| {
        let output = Command::new("rustc").args(argument).current_dir(root).output().await.context("asking rustc")?;
        ensure!(output.status.success(), "rustc: {}", String::from_utf8_lossy(&output.stderr).trim());
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let sources = Path::new(asked(&["--print", "sysroot"]).await?.trim()).join("lib/rustlib/src/rust");
    let version = asked(&["-vV"]).await?;
    let commit = version.lines().find_map(|line| line.strip_prefix("commit-hash: ")).unwrap_or("unknown");
    // The path that the standard library has without its sources.
    let sources = remap(&sources, &format!("/rustc/{commit}"));
    Ok([remap(&cargo, "/cargo"), remap(root, "/anaquel"), remap(target, "/target"), sources].join(" "))
}
