//! The release: new versions beside the old, the migration, one question to each, and only then the aliases move, all of
//! them or none. A failure on the way leaves the old versions serving.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use aws_sdk_lambda::types::{LastUpdateStatus, State};
use infra::{
    routes::{Access, FUNCTIONS, Function, Trigger},
    stage::Stage,
};
use serde_json::Value;
use shared::messages::{MigrationOrder, MigrationReport};

use super::{
    alias::{self, ALIAS, Move},
    package::{Package, Packages},
    probe,
};
use crate::aws::{AwsClients, call, poll_until};

/// A function in a VPC takes its time to become ready the first time.
const READY_WITHIN: Duration = Duration::from_mins(10);
/// What AWS keeps for functions without a reservation.
const UNRESERVED: i32 = 100;

/// A published version on its way to the alias, or one that served before on its way back.
pub struct Candidate {
    pub function: &'static Function,
    /// `anaquel-prod-show-book`
    pub name: String,
    pub version: u64,
}

/// Asks AWS first whether the account may run as many copies at once as the stage reserves.
pub async fn check_account(aws: &AwsClients, stage: &Stage) -> Result<()> {
    if stage.is_local() {
        return Ok(());
    }
    let wanted: i32 = FUNCTIONS.iter().map(|function| i32::from(function.copies(stage))).sum();
    let settings = call(aws.lambda.get_account_settings().send()).await.context("asking for the account's limits")?;
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

/// What helps where the account's free and the stage's own executions are fewer than the stage reserves; none where they
/// suffice. Below Lambda's unreserved part no setting helps: AWS accepts no reservation at all.
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
    let (moves, migration) = prepared.context("nothing new went live, and what served before goes on serving")?;
    alias::move_all(aws, &moves).await?;
    for function in FUNCTIONS {
        stand_down(aws, stage, function).await?;
    }
    Ok(migration)
}

/// All that happens before the first alias moves.
async fn prepare(
    aws: &AwsClients,
    stage: &Stage,
    packages: &Packages,
    bucket: &str,
) -> Result<(Vec<Move>, MigrationReport)> {
    let mut candidates = Vec::new();
    for function in FUNCTIONS {
        candidates.push(publish(aws, stage, function, packages.get(function.name)?, bucket).await?);
    }
    let migration = migrate(aws, stage, &candidates).await?;
    for migrated in &migration.applied {
        outln!("  migrated the database: {migrated}");
    }
    ask_all(aws, &candidates).await?;
    Ok((moves(aws, candidates).await?, migration))
}

/// The aliases that lead elsewhere yet. Who is sent to comes before who sends: a message of a new kind would be parked by
/// an old writer.
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

/// Publishes what `$LATEST` is, after making sure that this is what was built: somebody may have shipped another.
async fn publish(
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
        call(update.send()).await.with_context(|| format!("putting the built code of {name} in place"))?;
        ready(aws, &name, None).await?;
    }
    // The same version again where neither code nor configuration has changed.
    let published = call(aws.lambda.publish_version().function_name(&name).send()).await;
    let version = published.with_context(|| format!("publishing a version of {name}"))?.version;
    let version = version.and_then(|version| version.parse().ok()).context("Lambda names no version")?;
    ready(aws, &name, Some(version)).await?;
    Ok(Candidate { function, name, version })
}

/// Waits until a function, or a version of it, can be invoked.
async fn ready(
    aws: &AwsClients,
    name: &str,
    version: Option<u64>,
) -> Result<aws_sdk_lambda::operation::get_function_configuration::GetFunctionConfigurationOutput> {
    poll_until(&format!("{name} to become ready"), READY_WITHIN, async || {
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

async fn migrate(aws: &AwsClients, stage: &Stage, candidates: &[Candidate]) -> Result<MigrationReport> {
    let migration = candidates.iter().find(|candidate| matches!(candidate.function.trigger, Trigger::Release));
    let migration = migration.context("the table has no function that a release invokes")?;
    let order = MigrationOrder {
        reader_connections: connections(stage, Access::Reader),
        writer_connections: connections(stage, Access::Writer),
    };
    let answer = invoke(aws, migration, &serde_json::to_value(order)?).await.context("migrating the database")?;
    serde_json::from_value(answer).context("migrate-database answers something else")
}

/// Twice the copies of every function that logs in so: the old and the new version during a release.
fn connections(stage: &Stage, access: Access) -> u32 {
    let copies = FUNCTIONS.iter().filter(|function| function.database == Some(access));
    2 * copies.map(|function| u32::from(function.connections(stage))).sum::<u32>()
}

/// Asks each version one harmless question, and tells of all that do not answer.
pub async fn ask_all(aws: &AwsClients, candidates: &[Candidate]) -> Result<()> {
    let mut complaints = Vec::new();
    for candidate in candidates {
        if let Err(error) = ask(aws, candidate).await {
            complaints.push(format!("version {} of {}: {error:#}", candidate.version, candidate.name));
        }
    }
    ensure!(complaints.is_empty(), "these do not answer:\n  {}", complaints.join("\n  "));
    Ok(())
}

async fn ask(aws: &AwsClients, candidate: &Candidate) -> Result<()> {
    let Some(event) = probe::event(candidate.function) else {
        return Ok(());
    };
    let answer = invoke(aws, candidate, &event).await?;
    match probe::complaint(candidate.function, &answer) {
        Some(complaint) => bail!(complaint),
        None => Ok(()),
    }
}

async fn invoke(aws: &AwsClients, candidate: &Candidate, event: &Value) -> Result<Value> {
    let Candidate { name, version, function } = candidate;
    let patience = Duration::from_secs(u64::from(function.timeout_seconds) + 60);
    aws.invoke(name, &version.to_string(), event, patience).await
}

/// The scaling that keeps copies ready leaves them behind, at their price, when a stage asks for it no more.
async fn stand_down(aws: &AwsClients, stage: &Stage, function: &Function) -> Result<()> {
    if !function.serves_http() || stage.concurrency.provisioned.contains_key(function.name) {
        return Ok(());
    }
    let name = stage.physical(function.name);
    let delete = aws.lambda.delete_provisioned_concurrency_config().function_name(&name).qualifier(ALIAS);
    call(delete.send()).await.with_context(|| format!("letting go of what stands ready of {name}"))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_account_is_told_what_helps_and_nothing_that_does_not() {
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
