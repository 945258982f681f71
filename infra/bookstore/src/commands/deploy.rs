//! `bookstore deploy`: deploys a stage to AWS and releases its functions.

use anyhow::{Result, bail};
use clap::Args;
use infra::{cost, stage::Stage, synth};
use serde_json::json;

use crate::{
    arguments,
    aws::AwsClients,
    deploy::{self, DataLoss, Interaction, KnownSecrets, Packages},
    output::Report,
};

#[derive(Args)]
pub struct Deploy {
    /// Stage to deploy: dev or prod
    #[arg(long, value_parser = arguments::stage(), hide_possible_values = true)]
    stage: String,
    /// Do not ask for confirmation of each change set
    #[arg(long)]
    yes: bool,
    /// Allow changes that replace or remove resources with data: the database, queues, buckets
    #[arg(long)]
    allow_replacement: bool,
    /// Replace the secret between CloudFront and the load balancer now; a deploy does it every 30 days
    #[arg(long)]
    rotate_origin_secret: bool,
}

pub async fn run(args: &Deploy) -> Result<Report> {
    let stage = Stage::load(&args.stage)?;
    if stage.is_local() {
        bail!("the local stage is started with `cargo bookstore up`");
    }
    // Before anything is built or changed.
    synth::stacks(&stage)?;
    synth::warn(&stage);
    let aws = AwsClients::of(&stage).await;
    let account = aws.account().await?;
    outln!("Deploying stage {} to account {account}, {}", stage.name, stage.region);
    let packages = Packages::of_stage(&stage).await?;
    outln!("{}", cost::summary(&stage));
    let interaction = if args.yes { Interaction::Print } else { Interaction::Confirm };
    let data_loss = if args.allow_replacement { DataLoss::Allow } else { DataLoss::Forbid };
    if args.rotate_origin_secret && !stage.has_cloudfront() {
        bail!(
            "stage {} has no origin secret, because https is \"{}\" and not \"cloudfront\"",
            stage.name,
            stage.https.name()
        );
    }
    let known = KnownSecrets { rotate_origin_secret: args.rotate_origin_secret, ..KnownSecrets::default() };
    let deployed = deploy::deploy(&aws, &stage, &packages, &known, interaction, data_loss).await?;
    Ok(Report::new(
        format!("\n{}", deployed.url),
        json!({ "stage": stage.name, "account": account, "url": deployed.url }),
    ))
}
