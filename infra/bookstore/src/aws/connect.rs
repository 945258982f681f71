//! A deployed stage with the clients that reach it.

use anyhow::{Result, bail};
use infra::stage::{Server, Stage};

use super::AwsClients;
use crate::local::{Emulator, Home, MariaDb};

/// The stage and clients for it: on AWS, or on this machine while the local stage runs.
///
/// # Errors
/// No AWS account answers, or the local stage does not run.
pub async fn connect(name: &str) -> Result<(Stage, AwsClients)> {
    let stage = Stage::load(name)?;
    if !stage.is_local() {
        let aws = AwsClients::of(&stage).await;
        aws.account().await?;
        return Ok((stage, aws));
    }
    let home = Home::of_shop()?;
    let (Some(port), Some(database)) = (Emulator::running(&home)?, MariaDb::running(&home)?) else {
        bail!("the shop is not running: start it with `cargo bookstore up`");
    };
    let aws = AwsClients::local(&stage, port);
    Ok((with_database_at(stage, database), aws))
}

/// The URL of the local shop while it runs.
pub fn running_url() -> Result<Option<String>> {
    Ok(Emulator::running(&Home::of_shop()?)?.map(local_url))
}

/// The load balancer's name in the emulator, which browsers and curl resolve to this machine by themselves.
pub fn local_url(port: u16) -> String {
    format!("http://anaquel.alb.localhost:{port}/")
}

pub fn with_database_at(mut stage: Stage, port: u16) -> Stage {
    if let Server::External(external) = &mut stage.database.server {
        external.port = port;
    }
    stage
}
