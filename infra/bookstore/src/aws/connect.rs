//! A deployed stage with the clients that reach it.

use anyhow::{Result, bail, ensure};
use aws_sdk_cloudformation::{error::ProvideErrorMetadata, types::StackStatus};
use infra::{
    stacks::Kind,
    stage::{Server, Stage},
};

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
    Ok((running_at(stage, port, database, MariaDb::running_replicas(&home)?), aws))
}

/// The same for a command that needs a stage that was deployed.
///
/// # Errors
/// Also that CloudFormation has no such stage. Somebody without the permission to look gets the error of the task.
pub async fn connect_deployed(name: &str) -> Result<(Stage, AwsClients)> {
    let (stage, aws) = connect(name).await?;
    if !stage.is_local() {
        check_deployed(&stage, &aws).await?;
    }
    Ok((stage, aws))
}

async fn check_deployed(stage: &Stage, aws: &AwsClients) -> Result<()> {
    let app = stage.physical(Kind::App.name());
    let found = aws.cloudformation.describe_stacks().stack_name(app).send().await;
    let is_missing = match found {
        Ok(found) => found.stacks().iter().all(|stack| stack.stack_status().is_some_and(is_without_resources)),
        // CloudFormation has no specific code for it.
        Err(error) => error.message().is_some_and(|message| message.contains("does not exist")),
    };
    ensure!(!is_missing, "stage {} is not deployed: run `{}`", stage.name, stage.deploy_command());
    Ok(())
}

/// Whether a stack was never created completely.
fn is_without_resources(status: &StackStatus) -> bool {
    matches!(status, StackStatus::ReviewInProgress | StackStatus::RollbackComplete | StackStatus::DeleteComplete)
}

/// The URL of the local shop while it runs.
pub fn running_url() -> Result<Option<String>> {
    Ok(Emulator::running(&Home::of_shop()?)?.map(local_url))
}

/// The load balancer's name in the emulator, which browsers and curl resolve to this machine by themselves.
pub fn local_url(port: u16) -> String {
    format!("http://anaquel.alb.localhost:{port}/")
}

/// The local stage, with the ports of the emulator, of the database and of its replicas.
pub fn running_at(stage: Stage, port: u16, database: u16, replicas: Vec<u16>) -> Stage {
    let mut stage = Stage { port, ..stage };
    stage.database.replicas = u16::try_from(replicas.len()).unwrap_or_default();
    if let Server::External(external) = &mut stage.database.server {
        external.port = database;
        external.replica_ports = replicas;
    }
    stage
}

#[cfg(test)]
mod tests {
    use std::{
        io::{BufRead, BufReader, Write},
        net::TcpListener,
        thread,
    };

    use super::*;

    /// Clients of a server that gives one answer.
    fn answering(status: u16, body: &'static str) -> AwsClients {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || {
            let mut reader = BufReader::new(listener.accept().unwrap().0);
            let mut line = String::new();
            while reader.read_line(&mut line).unwrap() > 2 {
                line.clear();
            }
            let head = format!("HTTP/1.1 {status} Answer\r\nConnection: close\r\nContent-Length: {}", body.len());
            write!(reader.get_mut(), "{head}\r\n\r\n{body}").unwrap();
        });
        AwsClients::local(&Stage::load("local").unwrap(), port)
    }

    #[tokio::test]
    async fn a_stage_that_is_not_deployed_is_called_so_before_a_command_looks_for_its_resources() {
        let complete = "<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>it</StackName>\
            <CreationTime>2026-01-01T00:00:00Z</CreationTime><StackStatus>UPDATE_COMPLETE</StackStatus></member></Stacks>\
            </DescribeStacksResult></DescribeStacksResponse>";
        let review = "<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>it</StackName>\
            <CreationTime>2026-01-01T00:00:00Z</CreationTime><StackStatus>REVIEW_IN_PROGRESS</StackStatus></member></Stacks>\
            </DescribeStacksResult></DescribeStacksResponse>";
        let missing = "<ErrorResponse><Error><Type>Sender</Type><Code>ValidationError</Code><Message>Stack with id \
            anaquel-dev-app does not exist</Message></Error></ErrorResponse>";
        let denied = "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>not authorized</Message>\
            </Error></ErrorResponse>";
        let dev = Stage::load("dev").unwrap();
        for ((status, body), error) in [
            ((200, complete), None),
            ((200, review), Some("stage dev is not deployed: run `cargo bookstore deploy --stage dev`")),
            ((400, missing), Some("stage dev is not deployed: run `cargo bookstore deploy --stage dev`")),
            ((403, denied), None),
        ] {
            let found = check_deployed(&dev, &answering(status, body)).await.err().map(|error| error.to_string());
            assert_eq!(found.as_deref(), error, "{body}");
        }
    }
}
