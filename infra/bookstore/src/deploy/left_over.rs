//! Resources of a stage's databases outside its stacks: instances from before a restore, their log groups, and the log
//! streams of Enhanced Monitoring in a log group that RDS creates for the whole account and region.

use anyhow::{Context, Result, ensure};
use aws_sdk_cloudwatchlogs::operation::describe_log_streams::DescribeLogStreamsError;
use infra::{
    stacks::Kind,
    stage::{Restore, Server, Stage},
};

use super::describe;
use crate::aws::{AwsClients, call, explained};

/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Monitoring.OS.CloudWatchLogs.html>
const MONITORING: &str = "RDSOSMetrics";

#[derive(Default)]
pub struct LeftOver {
    /// Names of instances that belong to no stack any more.
    pub instances: Vec<String>,
    log_groups: Vec<String>,
    /// Log streams of Enhanced Monitoring, named after the instance's resource id; a standby has its own.
    log_streams: Vec<String>,
}

impl LeftOver {
    pub async fn find(aws: &AwsClients, stage: &Stage) -> Result<Self> {
        if let Server::External(_) = stage.database.server {
            return Ok(Self::default());
        }
        Ok(Self {
            instances: abandoned(aws, stage).await?,
            log_groups: log_groups(aws, &log_prefix(stage)).await?,
            log_streams: log_streams(aws, stage).await?,
        })
    }

    pub fn is_nothing(&self) -> bool {
        self.log_groups.is_empty() && self.log_streams.is_empty()
    }

    pub fn names(&self) -> impl Iterator<Item = &String> {
        self.log_groups.iter().chain(&self.log_streams)
    }

    /// Deletes the logs, and the log group of Enhanced Monitoring with its last stream.
    pub async fn remove(&self, aws: &AwsClients) -> Result<()> {
        for stream in &self.log_streams {
            let delete = aws.logs.delete_log_stream().log_group_name(MONITORING).log_stream_name(stream);
            gone(delete.send().await.map(drop).map_err(explained)).with_context(|| format!("removing {stream}"))?;
        }
        if !self.log_streams.is_empty() {
            let left = aws.logs.describe_log_streams().log_group_name(MONITORING).limit(1).send();
            if call(left).await.context("reading the log streams of Enhanced Monitoring")?.log_streams().is_empty() {
                delete_log_group(aws, MONITORING).await?;
            }
        }
        for group in &self.log_groups {
            delete_log_group(aws, group).await?;
        }
        Ok(())
    }
}

/// Deletes log groups that would make the creation of the instance's log groups fail: RDS recreates them while it deletes an
/// instance, and a rolled back restore may leave them.
pub async fn clear_log_groups(aws: &AwsClients, stage: &Stage) -> Result<()> {
    let Server::Rds(server) = &stage.database.server else { return Ok(()) };
    let instance = stage.physical(&server.instance());
    if instances(aws, stage).await?.contains(&instance) {
        return Ok(());
    }
    let own = describe::resources_of_type(aws, &stage.physical(Kind::Data.name()), "AWS::Logs::LogGroup").await?;
    for group in log_groups(aws, &format!("/aws/rds/instance/{instance}/")).await? {
        if !own.contains(&group) {
            outln!("Deleting {group}, left by a deleted instance …");
            delete_log_group(aws, &group).await?;
        }
    }
    Ok(())
}

/// Refuses a restore into less storage than the source has, which RDS would refuse after a quarter of an hour; and one together with
/// replicas: until the last of them exists, or for good if one fails, no function may log in to the restored database.
pub async fn check_restore(aws: &AwsClients, stage: &Stage) -> Result<()> {
    let Server::Rds(server) = &stage.database.server else { return Ok(()) };
    let Some(restore) = &server.restore else { return Ok(()) };
    if instances(aws, stage).await?.contains(&stage.physical(&server.instance())) {
        return Ok(()); // Restored already, and its storage may have grown.
    }
    let replicas = stage.database.replicas;
    ensure!(
        replicas == 0,
        "replicas is {replicas}; a restore needs 0, because functions may log in to the restored database only when all its \
         replicas exist: set it to 0, and back in a later deploy"
    );
    let (what, size) = match restore {
        Restore::Instance { name, .. } => {
            let found = call(aws.rds.describe_db_instances().db_instance_identifier(name).send()).await;
            let found = found.with_context(|| format!("describing the instance {name}"))?;
            (name, found.db_instances().first().and_then(|instance| instance.allocated_storage))
        }
        Restore::Snapshot(name) => {
            let found = call(aws.rds.describe_db_snapshots().db_snapshot_identifier(name).send()).await;
            let found = found.with_context(|| format!("describing the snapshot {name}"))?;
            (name, found.db_snapshots().first().and_then(|snapshot| snapshot.allocated_storage))
        }
        Restore::AutomatedBackups { resource_id, .. } => {
            let asked = aws.rds.describe_db_instance_automated_backups().dbi_resource_id(resource_id);
            let found = call(asked.send()).await.with_context(|| format!("describing the backups of {resource_id}"))?;
            (resource_id, found.db_instance_automated_backups().first().and_then(|backup| backup.allocated_storage))
        }
    };
    let size = size.with_context(|| format!("there is no {what} to restore from"))?;
    let (first, most) = (i32::from(server.storage_gb), i32::from(server.max_storage_gb));
    ensure!(
        first >= size && most * 10 >= first * 11,
        "{what} has {size} GB; storage_gb is {first} and max_storage_gb {most}: a restore needs at least {size}, and a tenth \
         more to grow"
    );
    Ok(())
}

async fn delete_log_group(aws: &AwsClients, group: &str) -> Result<()> {
    let delete = aws.logs.delete_log_group().log_group_name(group).send().await;
    gone(delete.map(drop).map_err(explained)).with_context(|| format!("removing {group}"))
}

/// Ignores the error that the resource does not exist.
fn gone(removed: Result<()>) -> Result<()> {
    removed.or_else(|error| if format!("{error:#}").contains("ResourceNotFound") { Ok(()) } else { Err(error) })
}

fn log_prefix(stage: &Stage) -> String {
    format!("/aws/rds/instance/{}", stage.physical("database"))
}

async fn log_groups(aws: &AwsClients, prefix: &str) -> Result<Vec<String>> {
    let mut groups = Vec::new();
    let mut pages = aws.logs.describe_log_groups().log_group_name_prefix(prefix).into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.map_err(explained).context("listing the database's log groups")?;
        groups.extend(page.log_groups.unwrap_or_default().into_iter().filter_map(|group| group.log_group_name));
    }
    // With a slash, or with the hyphen of a later generation, so that no other prefix matches.
    groups.retain(|group| prefix.ends_with('/') || group[prefix.len()..].starts_with(['/', '-']));
    Ok(groups)
}

/// Names of the existing instances of all generations.
async fn instances(aws: &AwsClients, stage: &Stage) -> Result<Vec<String>> {
    let first = stage.physical("database");
    let mut names = Vec::new();
    let mut pages = aws.rds.describe_db_instances().into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.map_err(explained).context("listing the stage's databases")?;
        let found = page.db_instances.unwrap_or_default().into_iter().filter_map(|found| found.db_instance_identifier);
        names.extend(found.filter(|name| is_generation(name, &first)));
    }
    Ok(names)
}

fn is_generation(name: &str, first: &str) -> bool {
    let number = name.strip_prefix(first).map(|rest| rest.strip_prefix('-').unwrap_or(rest));
    number.is_some_and(|number| name == first || number.parse::<u16>().is_ok())
}

/// Instances that belong to no stack any more: a protected one outlives the restore that replaced it.
async fn abandoned(aws: &AwsClients, stage: &Stage) -> Result<Vec<String>> {
    let own = describe::resources_of_type(aws, &stage.physical(Kind::Data.name()), "AWS::RDS::DBInstance").await?;
    Ok(instances(aws, stage).await?.into_iter().filter(|name| !own.contains(name)).collect())
}

async fn log_streams(aws: &AwsClients, stage: &Stage) -> Result<Vec<String>> {
    let Some(data) = describe::describe(aws, &stage.physical(Kind::Data.name())).await? else { return Ok(Vec::new()) };
    let outputs = describe::outputs(&data).into_iter();
    // Of the database and of its replicas.
    let instances =
        outputs.filter(|(name, id)| name.ends_with("ResourceId") && name.starts_with("Database") && !id.is_empty());
    let mut streams = Vec::new();
    for (_, instance) in instances {
        streams.extend(log_streams_of(aws, instance).await?);
    }
    Ok(streams)
}

async fn log_streams_of(aws: &AwsClients, instance: String) -> Result<Vec<String>> {
    let asked = aws.logs.describe_log_streams().log_group_name(MONITORING).log_stream_name_prefix(instance).send();
    match asked.await {
        Ok(found) => Ok(found.log_streams().iter().filter_map(|stream| stream.log_stream_name.clone()).collect()),
        Err(error)
            if error.as_service_error().is_some_and(DescribeLogStreamsError::is_resource_not_found_exception) =>
        {
            Ok(Vec::new())
        }
        Err(error) => Err(explained(error)).context("reading the log streams of Enhanced Monitoring"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_instances_of_this_stage_count_whatever_their_generation() {
        let counts = |name: &str| is_generation(name, "anaquel-dev-database");
        assert!(
            counts("anaquel-dev-database") && counts("anaquel-dev-database-2") && counts("anaquel-dev-database-10")
        );
        assert!(
            !counts("anaquel-dev-database-copy")
                && !counts("anaquel-dev2-database")
                && !counts("anaquel-dev-databases")
        );
    }
}
