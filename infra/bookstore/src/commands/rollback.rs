//! `bookstore rollback`: points aliases at the versions that served before. The next deploy releases the
//! repository's code again.

use anyhow::{Context, Result, ensure};
use clap::Args;
use infra::{
    routes::{self, Function, Trigger},
    stage::Stage,
};
use serde_json::json;

use crate::{
    arguments,
    aws::{AwsClients, connect_deployed},
    deploy::{
        alias::{self, Move},
        containers::{self, RolledBack},
        release::{self, Candidate},
    },
    output::Report,
};

#[derive(Args)]
pub struct Rollback {
    /// Functions by name, such as show-book; either all are rolled back or none
    #[arg(required_unless_present = "containers", value_name = "FUNCTION", value_parser = arguments::function(), hide_possible_values = true)]
    functions: Vec<String>,
    /// Version to roll back to, if not the previous one
    #[arg(long, value_name = "VERSION", allow_hyphen_values = true, value_parser = arguments::id)]
    to: Option<u64>,
    /// Roll the containers back to the image before, in place of functions
    #[arg(long, conflicts_with_all = ["functions", "to"])]
    containers: bool,
    /// Stage of the functions
    #[arg(long, default_value = "local", value_parser = arguments::stage(), hide_possible_values = true)]
    stage: String,
}

pub async fn run(args: &Rollback) -> Result<Report> {
    ensure!(
        args.to.is_none() || args.functions.len() == 1,
        "--to is for one function, because each function has its own version numbers"
    );
    let functions = args.functions.iter().map(|name| routes::find(name)).collect::<Result<Vec<_>>>()?;
    let (stage, aws) = connect_deployed(&args.stage).await?;
    if args.containers {
        let RolledBack { from, to } = containers::roll_back(&aws, &stage).await?;
        let text = format!("The tasks run {to}\nand before ran {from}, to which the same command returns.");
        return Ok(Report::new(text, json!({ "stage": stage.name, "from": from, "image": to })));
    }
    let mut moves = Vec::new();
    for function in functions {
        moves.push(back(&aws, &stage, function, args.to).await?);
    }
    alias::move_all(&aws, &stage, &moves).await?;
    let released =
        moves.iter().map(|Move { name, served, to }| json!({ "function": name, "from": served[0], "to": to }));
    Ok(Report::of(json!({ "stage": stage.name, "functions": released.collect::<Vec<_>>() })))
}

/// The alias move of one function, to a version that answers its probe.
async fn back(aws: &AwsClients, stage: &Stage, function: &'static Function, to: Option<u64>) -> Result<Move> {
    let name = stage.physical(function.name);
    ensure!(
        !matches!(function.trigger, Trigger::Release),
        "{name} is invoked by a deploy only, and migrations are not rolled back: write a new one"
    );
    let served = alias::served(aws, &name).await?;
    let to = to.or(served.get(1).copied()).with_context(|| {
        format!("{name} serves version {}, and no previous version is known: name one with --to", served[0])
    })?;
    ensure!(to != served[0], "{name} serves version {to} already");
    ensure!(
        release::version_exists(aws, &name, to).await?,
        "nothing was rolled back: {name} has no version {to}; versions that served: {}",
        served.iter().map(u64::to_string).collect::<Vec<_>>().join(", ")
    );
    release::check_login(aws, stage, function, to, &served).await.context("nothing was rolled back")?;
    let candidate = Candidate { function, name, version: to };
    release::probe_all(aws, std::slice::from_ref(&candidate)).await.context("nothing was rolled back")?;
    Ok(Move { name: candidate.name, served, to })
}
