//! A deployed stage with the clients that reach it.

use anyhow::{Result, bail};
use infra::stage::{Server, Stage};

use super::AwsClients;
use crate::local::{Emulator, Home, MariaDb};

/// A stage as it is, with its clients: on AWS, or on this machine while the shop is open.
pub async fn connect(name: &str) -> Result<(Stage, AwsClients)> {
    let stage = Stage::load(name)?;
    if !stage.is_local() {
        let aws = AwsClients::of(&stage).await;
        aws.account().await?;
        return Ok((stage, aws));
    }
    let home = Home::of_shop()?;
    let (Some(port), Some(database)) = (Emulator::running(&home)?, MariaDb::running(&home)?) else {
        bail!("the shop is not open: `cargo bookstore up` opens it");
    };
    let aws = AwsClients::local(&stage, port);
    Ok((with_database_at(stage, database), aws))
}

/// Where the shop on this machine is found, while it is open.
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
