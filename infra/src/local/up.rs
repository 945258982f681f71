//! `bookstore up` and `down`: the real deploy, to an emulator and a private MariaDB on this machine.

use std::{collections::BTreeMap, path::PathBuf};

use anyhow::{Result, bail};
use clap::Args;
use shared::secret::Secret;

use super::{Emulator, Home, LocalStage, MariaDb, Options, check_port};
use crate::{
    cloud::Cloud,
    database_settings,
    deploy::{self, Data, KnownSecrets, Manner, Packages, Profile},
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
    let home = Home::of_shop()?;
    let started = start(&home, args.port, args.reset).await?;
    say!("\nThe shop is open: {}", started.url);
    if args.detach {
        say!("It runs until `cargo bookstore down`.");
        return Ok(());
    }
    say!("Ctrl-C closes it; what it knows is kept in {}.", home.root().display());
    tokio::select! {
        interrupt = tokio::signal::ctrl_c() => interrupt?,
        ended = started.local.ended() => ended?,
    }
    say!("\nClosing …");
    LocalStage::stop(&home).await.map(drop)
}

pub async fn down() -> Result<()> {
    let ran = LocalStage::stop(&Home::of_shop()?).await?;
    say!("{}", if ran { "The shop is closed; its data is kept." } else { "The shop was not open." });
    Ok(())
}

/// A local stage that serves.
pub struct Started {
    pub local: LocalStage,
    pub url: String,
}

/// Starts and deploys; the first time, the shop gets its catalogue.
pub async fn start(home: &Home, port: u16, reset: bool) -> Result<Started> {
    check_port(home, port)?;
    let packages = Packages::build(Profile::Local).await?;
    let stage = Stage::load("local")?;
    let settings = database_settings::settings(&stage);
    let local = LocalStage::start(home, &Options { port, settings: &settings, reset }).await?;
    let stage = with_database_at(stage, local.mariadb.port);
    let cloud = Cloud::local(&stage, port);
    let known = known_secrets(&local);
    // What the emulator holds goes with it anyway.
    let deployed = deploy::deploy(&cloud, &stage, &packages, &known, Manner::Brief, Data::MayGo).await?;
    if deployed.migration.imports == 0 {
        say!("Filling the shelves …");
        let bucket = deploy::output(&deployed.outputs, Kind::App, "ImportBucket")?;
        import::import(&cloud, bucket, &catalogue().await?).await?;
    }
    Ok(Started { local, url: url(port) })
}

/// A stage as it is, with its clients: on AWS, or on this machine while the shop is open.
pub async fn reach(name: &str) -> Result<(Stage, Cloud)> {
    let stage = Stage::load(name)?;
    if !stage.is_local() {
        let cloud = Cloud::of(&stage).await;
        cloud.account().await?;
        return Ok((stage, cloud));
    }
    let home = Home::of_shop()?;
    let (Some(port), Some(database)) = (Emulator::running(&home)?, MariaDb::running(&home)?) else {
        bail!("the shop is not open: `cargo bookstore up` opens it");
    };
    let cloud = Cloud::local(&stage, port);
    Ok((with_database_at(stage, database), cloud))
}

/// Where the shop on this machine is found, while it is open.
pub fn running_url() -> Result<Option<String>> {
    Ok(Emulator::running(&Home::of_shop()?)?.map(url))
}

/// The load balancer's name in the emulator, which browsers and curl resolve to this machine by themselves.
fn url(port: u16) -> String {
    format!("http://anaquel.alb.localhost:{port}/")
}

fn with_database_at(mut stage: Stage, port: u16) -> Stage {
    if let Server::External(external) = &mut stage.database.server {
        external.port = port;
    }
    stage
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
