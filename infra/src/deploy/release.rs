//! The release: new versions beside the old, the migration, one question to each, and only then the aliases move.
//! A failure on the way leaves the old versions serving.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use aws_sdk_lambda::types::{LastUpdateStatus, State};
use serde_json::Value;
use shared::messages::{MigrationOrder, MigrationReport};

use super::{
    package::{Package, Packages},
    probe,
};
use crate::{
    cloud::{Cloud, said, until},
    routes::{Access, FUNCTIONS, Function, Trigger},
    stage::Stage,
};

/// What everything calls.
pub const ALIAS: &str = "live";
/// A function in a VPC takes its time to become ready the first time.
const READY_WITHIN: Duration = Duration::from_mins(10);
/// What AWS keeps for functions without a reservation.
const UNRESERVED: i32 = 100;

/// A published version on its way to the alias.
struct Candidate {
    function: &'static Function,
    /// `anaquel-prod-show-book`
    name: String,
    version: String,
}

/// Asks AWS first whether the account may run as many copies at once as the stage reserves.
pub async fn check_account(cloud: &Cloud, stage: &Stage) -> Result<()> {
    if stage.is_local() {
        return Ok(());
    }
    let wanted: i32 = FUNCTIONS.iter().filter_map(|function| function.copies(stage)).map(i32::from).sum();
    let settings = said(cloud.lambda.get_account_settings().send()).await.context("asking for the account's limits")?;
    let free = settings.account_limit().and_then(|limit| limit.unreserved_concurrent_executions).unwrap_or_default();
    let mut ours = 0;
    for function in FUNCTIONS {
        let reserved =
            cloud.lambda.get_function_concurrency().function_name(stage.physical(function.name)).send().await;
        ours += reserved.ok().and_then(|answer| answer.reserved_concurrent_executions).unwrap_or_default();
    }
    let missing = wanted + UNRESERVED - (free + ours);
    ensure!(
        missing <= 0,
        "stage {} reserves {wanted} copies of functions at once, AWS keeps {UNRESERVED} free, and this account has \
         {missing} too few: ask AWS for more (`aws service-quotas request-service-quota-increase --service-code lambda \
         --quota-code L-B99A9384 --desired-value …`), or lower [concurrency] in infra/stages/{}.toml",
        stage.name,
        stage.name,
    );
    Ok(())
}

pub async fn release(cloud: &Cloud, stage: &Stage, packages: &Packages, bucket: &str) -> Result<MigrationReport> {
    say!("Releasing …");
    let mut candidates = Vec::new();
    for function in FUNCTIONS {
        candidates.push(publish(cloud, stage, function, packages.get(function.name)?, bucket).await?);
    }
    let migration = migrate(cloud, stage, &candidates).await?;
    for migrated in &migration.applied {
        say!("  migrated the database: {migrated}");
    }
    for candidate in &candidates {
        ask(cloud, candidate).await.with_context(|| {
            format!(
                "the new version {} of {} does not answer; the old ones go on serving",
                candidate.version, candidate.name
            )
        })?;
    }
    for candidate in &candidates {
        go_live(cloud, candidate).await?;
    }
    Ok(migration)
}

/// Publishes what `$LATEST` is, after making sure that this is what was built: somebody may have shipped another.
async fn publish(
    cloud: &Cloud,
    stage: &Stage,
    function: &'static Function,
    package: &Package,
    bucket: &str,
) -> Result<Candidate> {
    let name = stage.physical(function.name);
    let latest = ready(cloud, &name, None).await?;
    if latest.code_sha256() != Some(&package.sha256) {
        let update = cloud.lambda.update_function_code().function_name(&name).s3_bucket(bucket).s3_key(&package.key);
        said(update.send()).await.with_context(|| format!("putting the built code of {name} in place"))?;
        ready(cloud, &name, None).await?;
    }
    // The same version again where neither code nor configuration has changed.
    let published = said(cloud.lambda.publish_version().function_name(&name).send()).await;
    let version = published.with_context(|| format!("publishing a version of {name}"))?.version;
    let version = version.context("Lambda names no version")?;
    ready(cloud, &name, Some(&version)).await?;
    Ok(Candidate { function, name, version })
}

/// Waits until a function, or a version of it, can be invoked.
async fn ready(
    cloud: &Cloud,
    name: &str,
    version: Option<&str>,
) -> Result<aws_sdk_lambda::operation::get_function_configuration::GetFunctionConfigurationOutput> {
    until(&format!("{name} to become ready"), READY_WITHIN, async || {
        let asked =
            cloud.lambda.get_function_configuration().function_name(name).set_qualifier(version.map(str::to_owned));
        let found = said(asked.send()).await.with_context(|| format!("looking at {name}"))?;
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

async fn migrate(cloud: &Cloud, stage: &Stage, candidates: &[Candidate]) -> Result<MigrationReport> {
    let migration = candidates.iter().find(|candidate| matches!(candidate.function.trigger, Trigger::Release));
    let migration = migration.context("the table has no function that a release invokes")?;
    let order = MigrationOrder {
        reader_connections: connections(stage, Access::Reader),
        writer_connections: connections(stage, Access::Writer),
    };
    let answer = invoke(cloud, migration, &serde_json::to_value(order)?).await.context("migrating the database")?;
    serde_json::from_value(answer).context("migrate-database answers something else")
}

/// Twice the copies of every function that logs in so: the old and the new version during a release.
fn connections(stage: &Stage, access: Access) -> u32 {
    let copies = FUNCTIONS.iter().filter(|function| function.database == Some(access));
    2 * copies.filter_map(|function| function.copies(stage)).map(u32::from).sum::<u32>()
}

async fn ask(cloud: &Cloud, candidate: &Candidate) -> Result<()> {
    let Some(event) = probe::event(candidate.function) else {
        return Ok(());
    };
    let answer = invoke(cloud, candidate, &event).await?;
    match probe::complaint(candidate.function, &answer) {
        Some(complaint) => bail!(complaint),
        None => Ok(()),
    }
}

async fn invoke(cloud: &Cloud, candidate: &Candidate, event: &Value) -> Result<Value> {
    let Candidate { name, version, function } = candidate;
    let patience = Duration::from_secs(u64::from(function.timeout_seconds) + 60);
    cloud.invoke(name, version, event, patience).await
}

async fn go_live(cloud: &Cloud, candidate: &Candidate) -> Result<()> {
    let Candidate { name, version, .. } = candidate;
    let current = said(cloud.lambda.get_alias().function_name(name).name(ALIAS).send()).await;
    if current.with_context(|| format!("looking at the alias of {name}"))?.function_version() == Some(version) {
        return Ok(());
    }
    let update = cloud.lambda.update_alias().function_name(name).name(ALIAS).function_version(version);
    said(update.send()).await.with_context(|| format!("moving the alias of {name}"))?;
    say!("  {name}: version {version} is live");
    Ok(())
}
