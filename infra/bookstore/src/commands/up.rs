//! `bookstore up` and `down`: a real deploy to an emulator and a private MariaDB on this machine.

use std::{collections::BTreeMap, path::PathBuf};

use anyhow::Result;
use clap::Args;
use infra::{database_settings, routes::DatabaseRole, stacks::Kind, stage::Stage};
use serde_json::json;
use shared::secret::Secret;

use crate::{
    arguments,
    aws::{AwsClients, local_url, with_database_at},
    commands::import,
    deploy::{self, DataLoss, Interaction, KnownSecrets, Packages, Profile},
    local::{Home, LocalStage, Options, check_port},
    output::Report,
};

/// The catalogue of a new local shop.
const CATALOGUE: &str = "infra/data/catalogue.csv";

#[derive(Args)]
pub struct Up {
    /// Port of the shop and of the AWS emulator
    #[arg(long, default_value = "4566", value_parser = arguments::port)]
    port: u16,
    /// Return and keep the shop running until `cargo bookstore down`
    #[arg(long)]
    detach: bool,
    /// Delete all data first
    #[arg(long)]
    reset: bool,
}

pub async fn up(args: &Up) -> Result<Report> {
    let home = Home::of_shop()?;
    let started = start(&home, args.port, args.reset).await?;
    outln!("\nThe shop is running: {}", started.url);
    let opened = Report::of(json!({ "url": started.url }));
    if args.detach {
        outln!("It runs until `cargo bookstore down`.");
        return Ok(opened);
    }
    outln!("Ctrl-C stops it; its data is kept in {}.", home.root().display());
    tokio::select! {
        interrupt = tokio::signal::ctrl_c() => interrupt?,
        ended = started.local.ended() => ended?,
    }
    outln!("\nStopping …");
    LocalStage::stop(&home).await?;
    Ok(opened)
}

pub async fn down() -> Result<Report> {
    let ran = LocalStage::stop(&Home::of_shop()?).await?;
    let text = if ran { "The shop is stopped; its data is kept." } else { "The shop was not running." };
    Ok(Report::new(text, json!({ "was_running": ran })))
}

/// A running local stage.
pub struct Started {
    pub local: LocalStage,
    pub url: String,
}

/// Starts and deploys the local stage. A shop without any import gets the catalogue.
pub async fn start(home: &Home, port: u16, reset: bool) -> Result<Started> {
    check_port(home, port)?;
    let packages = Packages::build(Profile::Local).await?;
    let stage = Stage::load("local")?;
    let settings = database_settings::settings(&stage);
    let local = LocalStage::start(home, &Options { port, settings: &settings, reset }).await?;
    let stage = with_database_at(stage, local.mariadb.port);
    let aws = AwsClients::local(&stage, port);
    let known = known_secrets(&local);
    // The emulator's data is lost with its process anyway.
    let deployed = deploy::deploy(&aws, &stage, &packages, &known, Interaction::Quiet, DataLoss::Allow).await?;
    if deployed.migration.imports == 0 {
        outln!("Importing the catalogue …");
        let bucket = deploy::output(&deployed.outputs, Kind::App, "ImportBucket")?;
        import::import(&aws, &stage, bucket, &catalogue().await?).await?;
    }
    Ok(Started { local, url: local_url(port) })
}

fn known_secrets(local: &LocalStage) -> KnownSecrets {
    let secrets = &local.mariadb.secrets;
    let passwords = [
        (DatabaseRole::Admin, &secrets.admin),
        (DatabaseRole::Reader, &secrets.reader),
        (DatabaseRole::Writer, &secrets.writer),
    ];
    KnownSecrets {
        passwords: BTreeMap::from(passwords.map(|(access, password)| (access, Secret::new(password)))),
        submission_key: Some(Secret::new(&secrets.submission_key)),
    }
}

async fn catalogue() -> Result<PathBuf> {
    let (root, _) = deploy::workspace().await?;
    Ok(root.join(CATALOGUE))
}
