//! `bookstore up` and `down`: the real deploy, to an emulator and a private MariaDB on this machine.

use std::{collections::BTreeMap, path::PathBuf};

use anyhow::{Result, bail};
use clap::Args;
use shared::secret::Secret;

use super::{Emulator, Home, LocalStage, Options, check_port};
use crate::{
    cloud::Cloud,
    database_settings,
    deploy::{self, KnownSecrets, Manner, Packages, Profile},
    import,
    routes::Access,
    stacks::Kind,
    stage::{Server, Stage},
};

/// The catalogue that a shop starts with.
const CATALOGUE: &str = "infra/data/catalogue.csv";

#[derive(Args)]
pub struct Up {
    /// Port of the shop and of the AWS emulator
    #[arg(long, default_value_t = 4566)]
    port: u16,
    /// Leave it running and return; `cargo bookstore down` ends it
    #[arg(long)]
    detach: bool,
    /// Throw away all data first
    #[arg(long)]
    reset: bool,
}

pub async fn up(args: &Up) -> Result<()> {
    let home = Home::find("shop")?;
    let started = start(&home, args.port, args.reset).await?;
    println!("\nThe shop is open: {}api/books", started.url);
    if args.detach {
        println!("It runs until `cargo bookstore down`.");
        return Ok(());
    }
    println!("Ctrl-C closes it; what it knows is kept in {}.", home.root().display());
    tokio::select! {
        interrupt = tokio::signal::ctrl_c() => interrupt?,
        ended = started.local.ended() => ended?,
    }
    println!("\nClosing …");
    LocalStage::stop(&home).await.map(drop)
}

pub async fn down() -> Result<()> {
    let ran = LocalStage::stop(&Home::find("shop")?).await?;
    println!("{}", if ran { "The shop is closed; its data is kept." } else { "The shop was not open." });
    Ok(())
}

/// A local stage that serves.
pub struct Started {
    pub local: LocalStage,
    /// The load balancer's name in the emulator, which browsers and curl resolve to this machine by themselves.
    pub url: String,
}

/// Starts and deploys; the first time, the shop gets its catalogue.
pub async fn start(home: &Home, port: u16, reset: bool) -> Result<Started> {
    check_port(home, port)?;
    let packages = Packages::build(Profile::Local).await?;
    let mut stage = Stage::load("local")?;
    let settings = database_settings::settings(&stage);
    let local = LocalStage::start(home, &Options { port, settings: &settings, reset }).await?;
    if let Server::External(external) = &mut stage.database.server {
        external.port = local.mariadb.port;
    }

    let cloud = Cloud::local(&stage, port);
    let known = known_secrets(&local);
    let deployed = deploy::deploy(&cloud, &stage, &packages, &known, Manner::Brief).await?;
    if deployed.migration.imports == 0 {
        println!("Filling the shelves …");
        let bucket = deploy::output(&deployed.outputs, Kind::App, "ImportBucket")?;
        import::import(&cloud, bucket, &catalogue().await?).await?;
    }
    Ok(Started { local, url: format!("http://anaquel.alb.localhost:{port}/") })
}

/// The clients of the local stage that is open.
pub fn running_cloud(stage: &Stage) -> Result<Cloud> {
    let Some(port) = Emulator::running(&Home::find("shop")?)? else {
        bail!("the shop is not open: `cargo bookstore up` opens it");
    };
    Ok(Cloud::local(stage, port))
}

fn known_secrets(local: &LocalStage) -> KnownSecrets {
    let secrets = &local.mariadb.secrets;
    let passwords =
        [(Access::Admin, &secrets.admin), (Access::Reader, &secrets.reader), (Access::Writer, &secrets.writer)];
    KnownSecrets {
        passwords: BTreeMap::from(passwords.map(|(access, password)| (access, Secret::new(password)))),
        submission_key: Some(Secret::new(&secrets.submission_key)),
    }
}

async fn catalogue() -> Result<PathBuf> {
    let (root, _) = deploy::workspace().await?;
    Ok(root.join(CATALOGUE))
}
