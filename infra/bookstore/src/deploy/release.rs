//! The release: new versions beside the old ones, the migration, a probe of each version, and only then the aliases move,
//! either all or none. After a failure the previous versions still serve.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use aws_sdk_lambda::{
    operation::get_function_configuration::GetFunctionConfigurationError,
    types::{LastUpdateStatus, State},
};
use infra::{
    containers::Service,
    routes::{DatabaseRole, FUNCTIONS, Function, Trigger},
    stage::Stage,
};
use serde_json::Value;
use shared::{
    config::PARAMETERS,
    messages::{MigrationOrder, MigrationReport},
};

use super::{
    alias::{self, ALIAS, Move},
    package::{Package, Packages},
    probe,
};
use crate::aws::{AwsClients, call, explained, poll_until};

/// The first network interface of a function in a VPC takes minutes.
const READY_TIMEOUT: Duration = Duration::from_mins(10);
/// Concurrent executions that AWS keeps for functions without a reservation.
const UNRESERVED: i32 = 100;

/// A version that an alias may be pointed at.
pub struct Candidate {
    pub function: &'static Function,
    /// `anaquel-prod-show-book`
    pub name: String,
    pub version: u64,
}

/// Checks the account's limit of concurrent executions against the stage's reservations.
///
/// # Errors
/// The limit is too low.
pub async fn check_account(aws: &AwsClients, stage: &Stage) -> Result<()> {
    if stage.is_local() {
        return Ok(());
    }
    let wanted: i32 = FUNCTIONS.iter().map(|function| i32::from(function.max_concurrency(stage))).sum();
    let settings = call(aws.lambda.get_account_settings().send()).await.context("reading the account's limits")?;
    let free = settings.account_limit().and_then(|limit| limit.unreserved_concurrent_executions).unwrap_or_default();
    let mut ours = 0;
    for function in FUNCTIONS {
        let reserved = aws.lambda.get_function_concurrency().function_name(stage.physical(function.name)).send().await;
        ours += reserved.ok().and_then(|answer| answer.reserved_concurrent_executions).unwrap_or_default();
    }
    let limit = settings.account_limit().map_or(0, |limit| limit.concurrent_executions);
    match advice(stage, wanted, free + ours, limit) {
        Some(advice) => bail!(advice),
        None => Ok(()),
    }
}

/// What to do if the account has fewer concurrent executions than the stage reserves; `None` if they suffice. Below Lambda's
/// unreserved part AWS accepts no reservation at all.
fn advice(stage: &Stage, wanted: i32, available: i32, limit: i32) -> Option<String> {
    let missing = wanted + UNRESERVED - available;
    if missing <= 0 {
        return None;
    }
    let least = i32::try_from(FUNCTIONS.len()).unwrap_or_default();
    let lower = if available - UNRESERVED >= least {
        format!(", or lower [concurrency] in infra/stages/{}.toml", stage.name)
    } else {
        "; no [concurrency] is low enough".to_owned()
    };
    Some(format!(
        "stage {} reserves {wanted} concurrent executions, Lambda keeps {UNRESERVED} unreserved, and this account, whose \
         limit is {limit}, has {missing} too few. Ask AWS for more (`aws service-quotas request-service-quota-increase \
         --service-code lambda --quota-code L-B99A9384 --desired-value {}`){lower}",
        stage.name,
        (limit + missing).max(1_000),
    ))
}

pub async fn release(aws: &AwsClients, stage: &Stage, packages: &Packages, bucket: &str) -> Result<MigrationReport> {
    outln!("Releasing …");
    let prepared = prepare(aws, stage, packages, bucket).await;
    let (moves, migration) = prepared.context("release aborted; the previous versions still serve")?;
    alias::move_all(aws, stage, &moves).await?;
    // Until the aliases moved, the previous versions have written, perhaps without all that the new ones read.
    let revokes = !needs_login_of_before(aws, stage).await?;
    migrate(aws, stage, ALIAS, revokes).await?;
    for function in FUNCTIONS {
        delete_provisioned_concurrency(aws, stage, function).await?;
    }
    tidy(aws, stage, packages, bucket).await;
    Ok(migration)
}

/// Deletes versions and packages that nothing needs any more, because Lambda stores at most 75 GB of versions in a region.
/// The release is complete, so a failure is only printed; the next one tries again.
async fn tidy(aws: &AwsClients, stage: &Stage, packages: &Packages, bucket: &str) {
    for function in FUNCTIONS {
        let name = stage.physical(function.name);
        if let Err(error) = delete_superseded(aws, &name).await {
            outln!("  old versions of {name} stay until the next release: {error:#}");
        }
    }
    if let Err(error) = packages.delete_others(aws, bucket).await {
        outln!("  old packages stay until the next release: {error:#}");
    }
}

async fn delete_superseded(aws: &AwsClients, name: &str) -> Result<()> {
    let mut existing = Vec::new();
    let mut pages = aws.lambda.list_versions_by_function().function_name(name).into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.map_err(explained).with_context(|| format!("listing the versions of {name}"))?;
        let versions = page.versions().iter().filter_map(|version| version.version()?.parse::<u64>().ok());
        existing.extend(versions);
    }
    let served = alias::served(aws, name).await?;
    for version in alias::superseded(&served, &existing) {
        let delete = aws.lambda.delete_function().function_name(name).qualifier(version.to_string());
        call(delete.send()).await.with_context(|| format!("deleting version {version} of {name}"))?;
    }
    Ok(())
}

/// Everything before the first alias moves.
async fn prepare(
    aws: &AwsClients,
    stage: &Stage,
    packages: &Packages,
    bucket: &str,
) -> Result<(Vec<Move>, MigrationReport)> {
    let mut candidates = Vec::new();
    for function in FUNCTIONS {
        candidates.push(create_version(aws, stage, function, packages.get(function.name)?, bucket).await?);
    }
    let function = migrating_function()?;
    let migrating = candidates.iter().find(|candidate| candidate.function.name == function.name);
    let migrating = migrating.with_context(|| format!("{} has no new version", function.name))?;
    let migration = migrate(aws, stage, &migrating.version.to_string(), false).await?;
    for migrated in &migration.applied {
        outln!("  applied migration: {migrated}");
    }
    probe_all(aws, &candidates).await?;
    Ok((moves(aws, candidates).await?, migration))
}

/// The aliases to move, consumers before producers: an old consumer would send messages of a new kind to the dead-letter
/// queue.
async fn moves(aws: &AwsClients, mut candidates: Vec<Candidate>) -> Result<Vec<Move>> {
    candidates.sort_by_key(|candidate| candidate.function.serves_http());
    let mut moves = Vec::new();
    for Candidate { name, version, .. } in candidates {
        let served = alias::served(aws, &name).await?;
        if served[0] != version {
            moves.push(Move { name, served, to: version });
        }
    }
    Ok(moves)
}

/// Creates a version of `$LATEST` after making sure that it has the built code; a developer may have shipped another.
async fn create_version(
    aws: &AwsClients,
    stage: &Stage,
    function: &'static Function,
    package: &Package,
    bucket: &str,
) -> Result<Candidate> {
    let name = stage.physical(function.name);
    let latest = ready(aws, &name, None).await?;
    if latest.code_sha256() != Some(&package.sha256) {
        let update = aws.lambda.update_function_code().function_name(&name).s3_bucket(bucket).s3_key(&package.key);
        call(update.send()).await.with_context(|| format!("updating the code of {name}"))?;
        ready(aws, &name, None).await?;
    }
    // Returns the existing version if neither code nor configuration changed.
    let published = call(aws.lambda.publish_version().function_name(&name).send()).await;
    let version = published.with_context(|| format!("creating a version of {name}"))?.version;
    let version = version.and_then(|version| version.parse().ok()).context("Lambda returned no version")?;
    ready(aws, &name, Some(version)).await?;
    Ok(Candidate { function, name, version })
}

/// Waits until a function, or a version of it, is active.
async fn ready(
    aws: &AwsClients,
    name: &str,
    version: Option<u64>,
) -> Result<aws_sdk_lambda::operation::get_function_configuration::GetFunctionConfigurationOutput> {
    poll_until(&format!("the start of {name}"), READY_TIMEOUT, async || {
        let asked = aws.lambda.get_function_configuration().function_name(name);
        let asked = asked.set_qualifier(version.map(|version| version.to_string()));
        let found = call(asked.send()).await.with_context(|| format!("looking at {name}"))?;
        if found.state() == Some(&State::Failed) || found.last_update_status() == Some(&LastUpdateStatus::Failed) {
            let reasons = [found.state_reason(), found.last_update_status_reason()];
            bail!("{name} cannot run: {}", reasons.into_iter().flatten().collect::<Vec<_>>().join("; "));
        }
        let pending = found.state() == Some(&State::Pending);
        let updating = found.last_update_status() == Some(&LastUpdateStatus::InProgress);
        Ok((!pending && !updating).then_some(found))
    })
    .await
}

/// Migrates the schema, and refreshes the search entries of all books, in as many invocations as that takes.
async fn migrate(aws: &AwsClients, stage: &Stage, qualifier: &str, revokes: bool) -> Result<MigrationReport> {
    let mut order = MigrationOrder {
        reader_connections: connections(stage, DatabaseRole::Reader),
        order_reader_connections: connections(stage, DatabaseRole::OrderReader),
        bounce_writer_connections: connections(stage, DatabaseRole::BounceWriter),
        account_connections: connections(stage, DatabaseRole::Account),
        staff_connections: connections(stage, DatabaseRole::Staff),
        writer_connections: connections(stage, DatabaseRole::Writer),
        revokes,
        has_replicas: stage.database.replicas > 0,
        refresh_after: 0,
    };
    let mut applied = Vec::new();
    loop {
        let report = order_migration(aws, stage, qualifier, order).await.context("migrating the database")?;
        applied.extend(report.applied);
        let Some(book) = report.refreshed_to else {
            return Ok(MigrationReport { applied, ..report });
        };
        outln!("  refreshed the search entries of the books up to number {book}");
        order.refresh_after = book;
    }
}

async fn order_migration(
    aws: &AwsClients,
    stage: &Stage,
    qualifier: &str,
    order: MigrationOrder,
) -> Result<MigrationReport> {
    let function = migrating_function()?;
    let name = stage.physical(function.name);
    let answer = invoke(aws, function, &name, qualifier, &serde_json::to_value(order)?).await?;
    serde_json::from_value(answer).context("unexpected response of migrate-database")
}

fn migrating_function() -> Result<&'static Function> {
    let function = FUNCTIONS.iter().find(|function| matches!(function.trigger, Trigger::Release));
    function.context("the route table has no function that a release invokes")
}

/// The fewest connections of a database user of the local stage: the emulator starts an execution environment for each call,
/// no matter how many are reserved, so that several commands at once need more than on AWS.
const LEAST_ON_ONE_MACHINE: u32 = 40;

/// Connections of all functions with this database user, twice: for the old and the new version during a release. A
/// function that had it before has it once.
fn connections(stage: &Stage, access: DatabaseRole) -> u32 {
    let times = |function: &Function| {
        let now = if function.database == Some(access) { 2 } else { 0 };
        now + u32::from(function.database_before == Some(access))
    };
    let of_functions: u32 =
        FUNCTIONS.iter().map(|function| times(function) * u32::from(function.connections(stage))).sum();
    let all = of_functions + of_tasks(stage, access);
    if stage.is_local() { LEAST_ON_ONE_MACHINE.max(all) } else { all }
}

/// Connections of all tasks of services with this database user, twice as well.
fn of_tasks(stage: &Stage, access: DatabaseRole) -> u32 {
    let Some(settings) = &stage.containers else { return 0 };
    let has_user = |service: &Service| service.functions().any(|function| function.database == Some(access));
    let tasks = Service::ALL.into_iter().filter(has_user).map(|service| u32::from(service.tasks(settings).max));
    2 * tasks.sum::<u32>() * u32::from(settings.connections)
}

/// Versions that serve, or serve after a `rollback` without `--to`.
const NEEDED: usize = 2;

/// Whether a version that serves, or that a rollback returns to, logs in to the database as the user that its function had
/// before. That user keeps its grants until then.
async fn needs_login_of_before(aws: &AwsClients, stage: &Stage) -> Result<bool> {
    for function in FUNCTIONS.iter().filter(|function| function.database_before.is_some()) {
        let name = stage.physical(function.name);
        for version in alias::served(aws, &name).await?.into_iter().take(NEEDED) {
            if is_of_before(aws, stage, function, &name, version).await? {
                outln!(
                    "  {name}: version {version}, to which a rollback returns, logs in to the database as the user of before; \
                     no user loses a permission until the next release of {name}"
                );
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// Refuses a version whose database user has lost the grants that it needs.
///
/// # Errors
/// It logs in as the user that the function had before, and later versions have served since.
pub async fn check_login(
    aws: &AwsClients,
    stage: &Stage,
    function: &Function,
    version: u64,
    served: &[u64],
) -> Result<()> {
    let name = stage.physical(function.name);
    let is_needed = served.iter().take(NEEDED).any(|needed| *needed == version);
    ensure!(
        is_needed || !is_of_before(aws, stage, function, &name, version).await?,
        "version {version} of {name} logs in to the database as a user that the function no longer needs; roll back to a \
         later one"
    );
    Ok(())
}

/// Whether the version reads the parameters of the login that its function had before.
async fn is_of_before(aws: &AwsClients, stage: &Stage, function: &Function, name: &str, version: u64) -> Result<bool> {
    let before = function.parameters_before(stage);
    if before.is_empty() {
        return Ok(false);
    }
    let asked = aws.lambda.get_function_configuration().function_name(name).qualifier(version.to_string());
    let found = match asked.send().await {
        Ok(found) => found,
        Err(error)
            if error.as_service_error().is_some_and(GetFunctionConfigurationError::is_resource_not_found_exception) =>
        {
            return Ok(false);
        }
        Err(error) => return Err(explained(error)).with_context(|| format!("reading version {version} of {name}")),
    };
    let variables = found.environment.and_then(|environment| environment.variables).unwrap_or_default();
    let parameters = variables.get(PARAMETERS).map(String::as_str).unwrap_or_default();
    Ok(reads_any(parameters, &before))
}

/// Whether one of these names is in the value of `ANAQUEL_PARAMETERS`.
fn reads_any(parameters: &str, names: &[String]) -> bool {
    parameters.split(',').any(|name| names.iter().any(|known| known == name))
}

/// Whether a function has this version.
pub async fn version_exists(aws: &AwsClients, name: &str, version: u64) -> Result<bool> {
    let asked = aws.lambda.get_function_configuration().function_name(name).qualifier(version.to_string());
    match asked.send().await {
        Ok(_) => Ok(true),
        Err(error)
            if error.as_service_error().is_some_and(GetFunctionConfigurationError::is_resource_not_found_exception) =>
        {
            Ok(false)
        }
        Err(error) => Err(explained(error)).with_context(|| format!("reading version {version} of {name}")),
    }
}

/// Probes each version.
///
/// # Errors
/// All versions that failed, each with its cause.
pub async fn probe_all(aws: &AwsClients, candidates: &[Candidate]) -> Result<()> {
    let mut failures = Vec::new();
    for candidate in candidates {
        if let Err(error) = ask(aws, candidate).await {
            failures.push(format!("version {} of {}: {error:#}", candidate.version, candidate.name));
        }
    }
    ensure!(failures.is_empty(), "these versions failed their probe:\n  {}", failures.join("\n  "));
    Ok(())
}

async fn ask(aws: &AwsClients, candidate: &Candidate) -> Result<()> {
    let Some(event) = probe::event(candidate.function) else {
        return Ok(());
    };
    let Candidate { function, name, version } = candidate;
    let answer = invoke(aws, function, name, &version.to_string(), &event).await?;
    match probe::failure(candidate.function, &answer) {
        Some(failure) => bail!(failure),
        None => Ok(()),
    }
}

async fn invoke(aws: &AwsClients, function: &Function, name: &str, qualifier: &str, event: &Value) -> Result<Value> {
    let timeout = Duration::from_secs(u64::from(function.timeout_seconds) + 60);
    aws.invoke(name, qualifier, event, timeout).await
}

/// Deletes provisioned concurrency that the stage does not configure any more; Application Auto Scaling leaves it behind, at
/// its price.
async fn delete_provisioned_concurrency(aws: &AwsClients, stage: &Stage, function: &Function) -> Result<()> {
    if !function.serves_http() || stage.concurrency.provisioned.contains_key(function.name) {
        return Ok(());
    }
    let name = stage.physical(function.name);
    let delete = aws.lambda.delete_provisioned_concurrency_config().function_name(&name).qualifier(ALIAS);
    call(delete.send()).await.with_context(|| format!("deleting the provisioned concurrency of {name}"))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_of_before_is_known_by_the_parameters_of_its_login() {
        for name in ["local", "dev", "prod"] {
            let stage = Stage::load(name).unwrap();
            let note_bounces = FUNCTIONS.iter().find(|function| function.name == "note-bounces").unwrap();
            let show_book = FUNCTIONS.iter().find(|function| function.name == "show-book").unwrap();
            let before = note_bounces.parameters_before(&stage);
            for (function, is_of_before) in [
                (*note_bounces, false),
                (Function { database: Some(DatabaseRole::Writer), database_before: None, ..*note_bounces }, true),
            ] {
                let parameters = function.parameters(&stage).join(",");
                assert_eq!(reads_any(&parameters, &before), is_of_before, "{name}: {parameters}");
            }
            assert!(show_book.parameters_before(&stage).is_empty(), "its login has not changed");
        }
    }

    /// While the alias moves, both versions hold connections, and those of before are other users' connections.
    #[test]
    fn a_database_user_may_hold_the_connections_of_old_and_new_versions() {
        let stage = Stage::load("prod").unwrap();
        for (role, connections_of_prod) in
            [(DatabaseRole::OrderReader, 50), (DatabaseRole::Reader, 342), (DatabaseRole::BounceWriter, 4)]
        {
            assert_eq!(connections(&stage, role), connections_of_prod, "{role:?}");
        }
    }

    #[test]
    fn a_small_account_gets_advice_that_helps() {
        let stage = Stage::load("dev").unwrap();
        assert_eq!(advice(&stage, 60, 160, 1_000), None);
        let new = advice(&stage, 60, 10, 10).unwrap();
        assert!(new.contains("limit is 10") && new.contains("--desired-value 1000"), "{new}");
        assert!(new.contains("no [concurrency] is low enough") && !new.contains("infra/stages"), "{new}");
        let used = advice(&stage, 60, 150, 1_000).unwrap();
        assert!(
            used.contains("has 10 too few") && used.contains("or lower [concurrency] in infra/stages/dev.toml"),
            "{used}"
        );
    }
}
