//! `bookstore sessions`: the key that signs sessions.

use anyhow::{Result, ensure};
use clap::{Args, Subcommand};
use infra::stage::Stage;
use serde_json::json;

use super::staff::Whose;
use crate::{
    aws::connect_deployed,
    deploy::session_keys::{self, counted_minutes, until_read},
    output::{Report, confirm},
};

#[derive(Args)]
pub struct Sessions {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Replace the key by a new one; sessions stay valid. It waits six minutes between its two steps
    RotateKey {
        #[command(flatten)]
        whose: Whose,
    },
    /// End all sessions of customers and staff, after confirmation: the key is replaced and counts no more
    EndAll {
        /// Do not ask for confirmation
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        whose: Whose,
    },
}

pub async fn run(args: &Sessions) -> Result<Report> {
    match &args.action {
        Action::RotateKey { whose } => {
            let (stage, aws) = connect_deployed(whose.stage()).await?;
            check(&stage)?;
            session_keys::rotate(&aws, &stage).await?;
            Ok(Report::new("The new key signs. Sessions stay valid.", json!({ "rotated": true })))
        }
        Action::EndAll { yes, whose } => {
            let (stage, aws) = connect_deployed(whose.stage()).await?;
            check(&stage)?;
            confirm(&format!("Sign everybody out of stage {}?", stage.name), *yes, "nothing was changed")?;
            session_keys::end_all(&aws, &stage).await?;
            let text = format!("All sessions end within {}.", counted_minutes(until_read()));
            Ok(Report::new(text, json!({ "ended": true })))
        }
    }
}

fn check(stage: &Stage) -> Result<()> {
    let why = stage.no_sale().map(|why| why.explain(&stage.name)).unwrap_or_default();
    ensure!(stage.has_sign_in(), "nobody can sign in on stage {}: {why}", stage.name);
    Ok(())
}
