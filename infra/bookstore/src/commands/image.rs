//! `bookstore image`: makes the image of the server for containers, and pushes it to a registry.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::{
    cargo,
    image::{self, Architecture, Layout, Login},
    output::Report,
};

#[derive(Args)]
pub struct Image {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Compile the server as a static program and write its images as an OCI layout
    Build {
        /// Processors of the images
        #[arg(long, value_enum, value_delimiter = ',', default_values = ["arm64", "x86_64"])]
        architecture: Vec<Architecture>,
        /// Folder to write them to, if not `image` in the target directory
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// Push the images to a registry; `deploy` does it by itself
    Push {
        /// Name and tag: registry.example.org/anaquel:1
        reference: String,
        /// Folder with the images, if not `image` in the target directory
        #[arg(long)]
        from: Option<PathBuf>,
        /// User at the registry, whose password is in `ANAQUEL_REGISTRY_PASSWORD`
        #[arg(long)]
        user: Option<String>,
    },
}

fn plain(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The variable with the password at a registry; every user of a machine can read arguments.
const PASSWORD: &str = "ANAQUEL_REGISTRY_PASSWORD";

pub async fn run(args: &Image) -> Result<Report> {
    let folder = async |given: &Option<PathBuf>| match given {
        Some(folder) => Ok(folder.clone()),
        None => Ok::<_, anyhow::Error>(cargo::workspace().await?.1.join("image")),
    };
    match &args.action {
        Action::Build { architecture, out } => {
            let folder = folder(out).await?;
            let images = image::build(architecture, &folder).await?.images()?;
            let images: Vec<_> = images
                .iter()
                .map(|image| json!({ "architecture": image.platform.as_ref().map(|platform| &platform.architecture), "digest": image.digest }))
                .collect();
            let lines =
                images.iter().map(|image| format!("{}  {}", plain(&image["digest"]), plain(&image["architecture"])));
            let text = format!("{}\nin {}", lines.collect::<Vec<_>>().join("\n"), folder.display());
            Ok(Report::new(text, json!({ "folder": folder, "images": images })))
        }
        Action::Push { reference, from, user } => {
            let layout = Layout::open(&folder(from).await?)?;
            let login = match user {
                None => Login::Anonymous,
                Some(user) => {
                    let password = std::env::var(PASSWORD).with_context(|| format!("{PASSWORD} is not set"))?;
                    Login::Basic(user.clone(), password)
                }
            };
            let digest = image::push(&layout, &layout.images()?, reference, login).await?;
            let text = format!("Pushed {reference}\nas {digest}");
            Ok(Report::new(text, json!({ "reference": reference, "digest": digest })))
        }
    }
}
