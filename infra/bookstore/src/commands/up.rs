//! `bookstore up` and `down`: a real deploy to an emulator and a private MariaDB on this machine.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use anyhow::{Result, bail, ensure};
use clap::Args;
use infra::{database_settings, routes::DatabaseRole, stacks::Kind, stage::Stage};
use serde_json::json;
use shared::secret::Secret;
use tokio::task::JoinHandle;

use crate::{
    arguments,
    aws::{AwsClients, local_url, running_at},
    cargo,
    commands::{accounts, import},
    deploy::{self, DataLoss, Interaction, KnownSecrets, Packages, Profile},
    local::{self, Claim, Home, LocalStage, MariaDb, OpenShop, Options, Signals, check_port},
    output::{Report, counted},
};

/// The catalogue of a new local shop.
const CATALOGUE: &str = "infra/data/catalogue.csv";

const PORT: u16 = 4566;

#[derive(Args)]
pub struct Up {
    /// Port of the shop and of the AWS emulator [default: 4566]
    #[arg(long, allow_hyphen_values = true, value_parser = arguments::port)]
    port: Option<u16>,
    /// Number of read replicas of the database, at most 3 [default: that of infra/stages/local.toml]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(..=3))]
    replicas: Option<u16>,
    /// Return and keep the shop running until `cargo bookstore down`
    #[arg(long)]
    detach: bool,
    /// Stop the shop first if it is running, and deploy this repository's code
    #[arg(long)]
    restart: bool,
    /// Delete all data first; stops the shop if it is running
    #[arg(long)]
    reset: bool,
}

pub async fn up(args: &Up) -> Result<Report> {
    let home = Home::of_shop()?;
    let open = OpenShop::find(&home)?;
    match &open {
        Some(open) if args.restart || args.reset => close(&home, open).await?,
        Some(open) => {
            has_replicas(args.replicas, MariaDb::running_replicas(&home)?.len())?;
            return already_open(open, args.port);
        }
        None => {}
    }
    let port = args.port.or(open.map(|open| open.port)).unwrap_or(PORT);
    let claim = Claim::take(&home).await?;
    let mut signals = Signals::listen()?;
    let closing = close_at_signal(&home)?;
    let started = start(claim, &home, port, args.replicas, args.reset).await;
    closing.end().await;
    if started.is_err() {
        LocalStage::stop(&home).await?;
    }
    let started = started?;
    outln!("\nThe shop is running: {}", started.url);
    outln!("{}", accounts::samples());
    if args.detach {
        outln!("It runs until `cargo bookstore down`.");
        let pid = started.local.emulator.pid();
        started.local.detach()?;
        return Ok(report(port, pid, false));
    }
    outln!("Ctrl-C stops it; its data is kept in {}.", home.root().display());
    tokio::select! {
        _ = signals.next() => {}
        ended = started.local.ended() => ended?,
    }
    outln!("\nStopping …");
    LocalStage::stop(&home).await?;
    Ok(report(port, std::process::id().cast_signed(), false))
}

fn report(port: u16, pid: i32, was_open: bool) -> Report {
    Report::of(json!({ "url": local_url(port), "port": port, "pid": pid, "was_open": was_open }))
}

/// A second `up` changes nothing, and fails if it cannot give what was asked for.
fn already_open(open: &OpenShop, wanted: Option<u16>) -> Result<Report> {
    let OpenShop { port, pid, detached } = open;
    let url = local_url(*port);
    let wanted = wanted.unwrap_or(*port);
    ensure!(
        wanted == *port,
        "the shop is running already on port {port} ({url}, pid {pid}), not on {wanted}: use it there, or move it with \
         `cargo bookstore up --restart --port {wanted}`"
    );
    let end = if *detached { "`cargo bookstore down` stops it" } else { "Ctrl-C in its terminal stops it" };
    let text = format!(
        "The shop is running already: {url} (pid {pid}; {end}).\n`cargo bookstore up --restart` deploys this repository's code."
    );
    Ok(Report { text, ..report(*port, *pid, true) })
}

/// A second `up` starts no replicas and stops none.
fn has_replicas(wanted: Option<u16>, running: usize) -> Result<()> {
    let Some(wanted) = wanted.filter(|wanted| usize::from(*wanted) != running) else { return Ok(()) };
    bail!(
        "the shop is running already with {}, not {wanted}: change that with \
         `cargo bookstore up --restart --replicas {wanted}`",
        counted(running, "replica")
    )
}

/// Closes an open shop, after the build: a shop whose code does not compile stays open.
async fn close(home: &Home, open: &OpenShop) -> Result<()> {
    Packages::build(Profile::Local).await?;
    outln!("Stopping the shop on port {} (pid {}) …", open.port, open.pid);
    LocalStage::stop(home).await.map(drop)
}

/// Until the task is aborted, a signal stops what runs and ends this process. A task of its own, because parts of a start
/// block the thread for minutes.
fn close_at_signal(home: &Home) -> Result<Closing> {
    let home = home.clone();
    let mut signals = Signals::listen()?;
    let begun = Arc::new(AtomicBool::new(false));
    let begins = Arc::clone(&begun);
    let task = tokio::spawn(async move {
        let signal = signals.next().await;
        begins.store(true, Ordering::Relaxed);
        errln!("\nInterrupted. Stopping …");
        if let Err(error) = LocalStage::stop(&home).await {
            errln!("bookstore: {error:#}");
        }
        // As a shell reports the end by a signal. What the start begins in this moment is stopped by the watchdog.
        std::process::exit(128 + signal);
    });
    Ok(Closing { task, begun })
}

struct Closing {
    task: JoinHandle<()>,
    begun: Arc<AtomicBool>,
}

impl Closing {
    /// Ends the task, unless a signal has arrived: then the task ends this process.
    async fn end(self) {
        if !self.begun.load(Ordering::Relaxed) {
            self.task.abort();
        }
        _ = self.task.await; // the only error is that it was aborted
    }
}

/// Waits in the background until no command keeps the home, and stops what was left running there.
#[derive(Args)]
pub struct CloseAbandoned {
    home: PathBuf,
}

pub async fn close_abandoned(args: &CloseAbandoned) -> Result<()> {
    local::close_abandoned(&Home::at(args.home.clone())).await
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
pub async fn start(claim: Claim, home: &Home, port: u16, replicas: Option<u16>, reset: bool) -> Result<Started> {
    check_port(home, port)?;
    let packages = Packages::build(Profile::Local).await?;
    let mut stage = Stage::load("local")?;
    stage.database.replicas = replicas.unwrap_or(stage.database.replicas);
    let settings = database_settings::settings(&stage);
    let options = Options { port, settings: &settings, replicas: stage.database.replicas, reset };
    let local = LocalStage::start(home, &options, claim).await?;
    let stage = running_at(stage, port, local.mariadb.port, local.mariadb.replicas.clone());
    let aws = AwsClients::local(&stage, port);
    let known = known_secrets(&local);
    // The emulator's data is lost with its process anyway.
    let deployed = deploy::deploy(&aws, &stage, &packages, &known, Interaction::Quiet, DataLoss::Allow).await?;
    if deployed.migration.imports == 0 {
        outln!("Importing the catalogue …");
        let bucket = deploy::output(&deployed.outputs, Kind::App, "ImportBucket")?;
        import::import(&aws, &stage, bucket, &catalogue().await?, None).await?;
    }
    accounts::create_samples(&aws, &stage).await?;
    OpenShop::note(home, &local.emulator)?;
    Ok(Started { local, url: local_url(port) })
}

fn known_secrets(local: &LocalStage) -> KnownSecrets {
    let secrets = &local.mariadb.secrets;
    let passwords = [
        (DatabaseRole::Admin, &secrets.admin),
        (DatabaseRole::Reader, &secrets.reader),
        (DatabaseRole::OrderReader, &secrets.order_reader),
        (DatabaseRole::BounceWriter, &secrets.bounce_writer),
        (DatabaseRole::Account, &secrets.account),
        (DatabaseRole::Staff, &secrets.staff),
        (DatabaseRole::Writer, &secrets.writer),
    ];
    KnownSecrets {
        passwords: BTreeMap::from(passwords.map(|(access, password)| (access, Secret::new(password)))),
        submission_key: Some(Secret::new(&secrets.submission_key)),
        session_key: Some(Secret::new(&secrets.session_key)),
        ..KnownSecrets::default()
    }
}

async fn catalogue() -> Result<PathBuf> {
    let (root, _) = cargo::workspace().await?;
    Ok(root.join(CATALOGUE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_up_says_that_the_shop_runs_and_refuses_another_port() {
        for (wanted, detached, end) in [
            (None, true, "`cargo bookstore down` stops it"),
            (None, false, "Ctrl-C in its terminal stops it"),
            (Some(4566), true, "`cargo bookstore down` stops it"),
        ] {
            let report = already_open(&OpenShop { port: 4566, pid: 42, detached }, wanted).unwrap();
            assert!(report.problem.is_none(), "{wanted:?}");
            let text = report.text;
            assert!(
                text.starts_with(&format!("The shop is running already: {} (pid 42; {end})", local_url(4566))),
                "{text}"
            );
            assert!(text.contains("`cargo bookstore up --restart`"), "{text}");
            let expected = json!({ "url": local_url(4566), "port": 4566, "pid": 42, "was_open": true });
            assert_eq!(report.json, expected);
        }
        assert!(has_replicas(None, 1).is_ok() && has_replicas(Some(1), 1).is_ok());
        let refusal = has_replicas(Some(2), 1).expect_err("another number").to_string();
        assert!(refusal.contains("with 1 replica, not 2") && refusal.contains("--restart --replicas 2`"), "{refusal}");
        for wanted in [80, 4567] {
            let open = OpenShop { port: 4566, pid: 42, detached: true };
            let refusal = already_open(&open, Some(wanted)).expect_err("another port").to_string();
            assert!(refusal.contains("on port 4566") && refusal.contains("pid 42"), "{refusal}");
            assert!(refusal.contains(&format!("`cargo bookstore up --restart --port {wanted}`")), "{refusal}");
        }
    }
}
