//! `bookstore server`: the server for containers on this machine, with the database, queues and parameters of the local shop.

use std::{env, os::unix::process::CommandExt, path::PathBuf, process::Command};

use anyhow::{Context, Result, bail};
use clap::Args;
use infra::containers::{CONNECTIONS, PORT, Service};

use super::bench::build;
use crate::{
    arguments,
    aws::connect,
    cargo,
    local::{Emulator, Home, client_environment},
};

#[derive(Args)]
pub struct Server {
    /// What it serves: pages, or the API with the health check
    #[arg(long, default_value = "pages", value_parser = ["pages", "api"])]
    service: String,
    /// Port that it listens on
    #[arg(long, default_value = "8080", allow_hyphen_values = true, value_parser = arguments::port)]
    port: u16,
    /// Connections to the database that it opens at most
    #[arg(long, default_value = "16", value_parser = clap::value_parser!(u16).range(1..=200))]
    connections: u16,
}

/// A development build, where one is given; the tests do so.
const BUILT: &str = "ANAQUEL_SERVER";

/// Becomes the server, so that signals reach it.
pub async fn run(args: &Server) -> Result<()> {
    let (stage, _) = connect("local").await?;
    let port = Emulator::running(&Home::of_shop()?)?.context("the shop has ended")?;
    let program = if let Some(built) = env::var_os(BUILT) {
        PathBuf::from(built)
    } else {
        let (root, target) = cargo::workspace().await?;
        build(&root, &["server"], &[]).await?;
        target.join("release/server")
    };
    let mut environment = Service::parse(&args.service)?.environment(&stage)?;
    environment.insert(PORT, args.port.to_string());
    environment.insert(CONNECTIONS, args.connections.to_string());
    environment.insert("AWS_REGION", stage.region.clone());
    environment.extend(client_environment(port));
    let error = Command::new(program).envs(environment).exec();
    bail!("starting the server: {error}")
}
