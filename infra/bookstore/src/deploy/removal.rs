//! Removal of a stage or of one stack: what goes, what stays, and in which order.

use anyhow::{Context, Result, bail, ensure};
use aws_sdk_cloudformation::types::{ResourceStatus, StackResourceSummary, StackStatus};
use aws_sdk_s3::{
    error::ProvideErrorMetadata,
    types::{Delete, ObjectIdentifier},
};
use comfy_table::{Table, presets::NOTHING};
use infra::{stacks::Kind, stage::Stage};
use serde_json::Value;

use super::{
    DataLoss, DeployedStack, Interaction, change::HOLD_DATA, describe, left_over::LeftOver, secrets, stack_events,
};
use crate::aws::{AwsClients, call, explained};

/// What there is of a stage.
pub struct Found {
    /// The last one first.
    stacks: Vec<Doomed>,
    /// Names of the `SecureString`s that a deploy has put.
    secrets: Vec<String>,
    left_over: LeftOver,
}

struct Doomed {
    name: String,
    /// It still leads to the stack when that is gone.
    id: String,
    locked: bool,
    /// Whether its creation ended well.
    complete: bool,
    resources: Vec<Resource>,
}

struct Resource {
    /// By which AWS knows it.
    id: String,
    kind: String,
    fate: Fate,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fate {
    Goes,
    /// A copy is made before it goes.
    Snapshot,
    Stays,
}

pub async fn find(aws: &AwsClients, stage: &Stage) -> Result<Found> {
    let mut stacks = Vec::new();
    for kind in Kind::ALL.into_iter().rev() {
        let name = stage.physical(kind.name());
        if let Some(found) = describe::describe(aws, &name).await? {
            stacks.push(Doomed::read(aws, &found).await?);
        }
    }
    let left_over = LeftOver::find(aws, stage).await?;
    Ok(Found { stacks, secrets: secrets::there(aws, stage).await?, left_over })
}

/// What was deployed with `protect = true` stays so until it is deployed without: RDS and the load balancer have locks of
/// their own. A stage that has never been complete has no lock yet, and nothing to lose.
pub fn refuse_protected(stage: &Stage, found: &Found) -> Result<()> {
    let name = &stage.name;
    let is_locked = found.stacks.iter().any(|stack| stack.locked);
    let serves = found.stacks.iter().any(|stack| stack.complete && stack.name == stage.physical(Kind::App.name()));
    ensure!(
        !(is_locked || stage.protect && serves),
        "{name} is protected: set protect = false in infra/stages/{name}.toml and deploy first"
    );
    // They hold on to the network and to what the data stack has, so the removal would get stuck half-way.
    let abandoned = &found.left_over.instances;
    ensure!(
        abandoned.is_empty(),
        "{} remained from before a restore, in no stack: once nobody misses anything in it, `aws rds modify-db-instance \
         --no-deletion-protection --db-instance-identifier NAME` and `aws rds delete-db-instance --db-instance-identifier \
         NAME --final-db-snapshot-identifier NAME-last`",
        abandoned.join(", ")
    );
    Ok(())
}

/// Removes what a failed creation or removal has left of a stack. It refuses where that would take data along which an
/// earlier removal could not.
pub async fn remove_left_over(
    aws: &AwsClients,
    found: &DeployedStack,
    interaction: Interaction,
    data_loss: DataLoss,
) -> Result<()> {
    let doomed = Doomed::read(aws, found).await?;
    let holding: Vec<&str> = (doomed.resources.iter())
        .filter(|resource| resource.fate != Fate::Stays && HOLD_DATA.contains(&resource.kind.as_str()))
        .map(|resource| resource.id.as_str())
        .collect();
    let removal_failed = found.stack_status() == Some(&StackStatus::DeleteFailed);
    ensure!(
        !removal_failed || data_loss == DataLoss::Allow || holding.is_empty(),
        "{}: an earlier removal left {}; finish it with `cargo bookstore destroy`, or deploy with --allow-replacement",
        doomed.name,
        holding.join(", ")
    );
    remove_stack(aws, &doomed, interaction).await.with_context(|| format!("{} is not removed", doomed.name))
}

impl Doomed {
    async fn read(aws: &AwsClients, found: &DeployedStack) -> Result<Self> {
        let name = found.stack_name().unwrap_or_default().to_owned();
        let id = found.stack_id().unwrap_or(&name).to_owned();
        let locked = found.enable_termination_protection().unwrap_or_default() || describe::is_protected(found);
        let complete = describe::is_made(found);
        // A stack that waits for its first change set has no template either.
        let is_empty = found.stack_status() == Some(&StackStatus::ReviewInProgress);
        let resources = if is_empty { Vec::new() } else { resources(aws, &id).await? };
        Ok(Self { name, id, locked, complete, resources })
    }
}

/// The resources of a stack, each with what its own template says becomes of it.
async fn resources(aws: &AwsClients, name: &str) -> Result<Vec<Resource>> {
    let template = call(aws.cloudformation.get_template().stack_name(name).send()).await;
    let template = template.with_context(|| format!("reading the template of {name}"))?.template_body;
    let template: Value = serde_json::from_str(template.as_deref().unwrap_or_default())
        .with_context(|| format!("the template of {name} is not ours, so nobody knows what should stay"))?;

    let resources = describe::resources(aws, name).await?;
    Ok(resources.into_iter().map(|resource| Resource::new(resource, &template)).collect())
}

impl Found {
    /// A line a stack, and one for each thing that somebody could miss.
    pub fn table(&self) -> String {
        let mut table = Table::new();
        table.load_style(NOTHING).set_header(["", "type", "what becomes of it"]);
        for stack in &self.stacks {
            let gone = stack.resources.iter().filter(|resource| resource.fate != Fate::Stays).count();
            let fate = format!("removed with {gone} of its {} resources", stack.resources.len());
            table.add_row([&stack.name, "stack", &fate]);
            for resource in &stack.resources {
                if let Some(fate) = resource.told() {
                    // A queue's id is its URL.
                    let name = resource.id.rsplit('/').next().unwrap_or_default();
                    table.add_row([&format!("  {name}"), resource.kind.trim_start_matches("AWS::"), fate]);
                }
            }
        }
        for name in &self.secrets {
            table.add_row([name, "SSM::Parameter", "removed"]);
        }
        for name in self.left_over.names() {
            table.add_row([name, "logs that RDS has made", "removed"]);
        }
        table.to_string()
    }

    pub fn is_nothing(&self) -> bool {
        self.stacks.is_empty() && self.secrets.is_empty() && self.left_over.is_nothing()
    }
}

impl Resource {
    fn new(summary: StackResourceSummary, template: &Value) -> Self {
        let logical = summary.logical_resource_id.unwrap_or_default();
        let kind = summary.resource_type.unwrap_or_default();
        // What it could not make, or has let go, is somebody else's.
        let foreign = matches!(
            summary.resource_status,
            Some(ResourceStatus::CreateFailed | ResourceStatus::DeleteSkipped | ResourceStatus::ImportFailed)
        );
        let fate = match template["Resources"].get(&logical) {
            Some(ours) if !foreign => fate(&kind, ours["DeletionPolicy"].as_str()),
            _ => Fate::Stays,
        };
        Self { id: summary.physical_resource_id.unwrap_or_default(), kind, fate }
    }

    /// In words, where it holds data or stays.
    fn told(&self) -> Option<&'static str> {
        match (self.fate, self.kind.as_str()) {
            (Fate::Stays, _) => Some("stays"),
            (Fate::Snapshot, _) => Some("removed, after a last snapshot that stays"),
            (Fate::Goes, "AWS::S3::Bucket") => Some("removed with all versions of all files"),
            (Fate::Goes, "AWS::SQS::Queue") => Some("removed with its messages"),
            (Fate::Goes, kind) => HOLD_DATA.contains(&kind).then_some("removed with all that is in it"),
        }
    }
}

fn fate(kind: &str, policy: Option<&str>) -> Fate {
    match policy {
        // Its version is retained, but goes with the function.
        _ if kind == "AWS::Lambda::Version" => Fate::Goes,
        Some("Retain" | "RetainExceptOnCreate") => Fate::Stays,
        Some("Snapshot") => Fate::Snapshot,
        _ => Fate::Goes,
    }
}

/// Removes what was found. The network stays for as long as the database does, because the first failure ends it.
pub async fn remove(aws: &AwsClients, stage: &Stage, found: Found, interaction: Interaction) -> Result<()> {
    let names: Vec<&str> = found.stacks.iter().map(|stack| stack.name.as_str()).collect();
    let mut left_over = found.left_over;
    for (removed, doomed) in found.stacks.iter().enumerate() {
        remove_stack(aws, doomed, interaction).await.with_context(|| {
            format!(
                "{} is not removed, so there remain {}; once that is settled, run `cargo bookstore destroy --stage {}` again",
                doomed.name,
                names[removed..].join(", "),
                stage.name
            )
        })?;
        // At once: without the stack nobody knows the instance's id.
        if doomed.name == stage.physical(Kind::Data.name()) {
            left_over.remove(aws).await?;
            left_over = LeftOver::default();
        }
    }
    left_over.remove(aws).await?;
    if !found.secrets.is_empty() {
        secrets::remove(aws, found.secrets).await?;
    }
    outln!("Stage {} is removed.", stage.name);
    Ok(())
}

async fn remove_stack(aws: &AwsClients, doomed: &Doomed, interaction: Interaction) -> Result<()> {
    outln!("Removing {} …", doomed.name);
    if interaction != Interaction::Quiet
        && doomed.resources.iter().any(|resource| resource.kind == "AWS::Lambda::Function")
    {
        outln!("AWS takes up to 40 minutes to give back the network interfaces of functions.");
    }
    stack_events::until_settled(aws, &doomed.id).await?;
    // Anew: what was under way may have removed it, or protected it.
    let found = describe::describe(aws, &doomed.id).await?;
    let Some(found) = found.filter(|found| found.stack_status() != Some(&StackStatus::DeleteComplete)) else {
        return Ok(());
    };
    let doomed = Doomed::read(aws, &found).await?;
    ensure!(!doomed.locked, "it has been protected meanwhile");
    // CloudFormation removes empty buckets only.
    for bucket in doomed.resources.iter().filter(|resource| resource.kind == "AWS::S3::Bucket") {
        if bucket.fate == Fate::Goes {
            empty(aws, &bucket.id).await.with_context(|| format!("emptying {}", bucket.id))?;
        }
    }
    let newest = stack_events::newest(aws, &doomed.id).await?;
    call(aws.cloudformation.delete_stack().stack_name(&doomed.id).send()).await?;
    stack_events::until_removed(aws, &doomed.id, newest.as_deref(), interaction).await
}

/// Removes all versions of all files, a thousand at a time.
async fn empty(aws: &AwsClients, bucket: &str) -> Result<()> {
    loop {
        let page = match aws.s3.list_object_versions().bucket(bucket).send().await {
            Ok(page) => page,
            Err(error) if error.code() == Some("NoSuchBucket") => return Ok(()),
            Err(error) => return Err(explained(error)),
        };
        let versions = page.versions().iter().map(|version| (version.key(), version.version_id()));
        let markers = page.delete_markers().iter().map(|marker| (marker.key(), marker.version_id()));
        let mut doomed = Vec::new();
        for (key, version) in versions.chain(markers) {
            let key = key.context("a file has no name")?;
            doomed.push(ObjectIdentifier::builder().key(key).set_version_id(version.map(str::to_owned)).build()?);
        }
        if doomed.is_empty() {
            return Ok(());
        }
        let delete = Delete::builder().set_objects(Some(doomed)).quiet(true).build()?;
        let deleted = call(aws.s3.delete_objects().bucket(bucket).delete(delete).send()).await?;
        if let Some(error) = deleted.errors().first() {
            bail!("{}: {}", error.key().unwrap_or_default(), error.message().unwrap_or("AWS says not why"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_follows_from_the_policy_and_a_version_goes_with_its_function() {
        for (kind, policy, expected) in [
            ("AWS::S3::Bucket", Some("RetainExceptOnCreate"), Fate::Stays),
            ("AWS::S3::Bucket", None, Fate::Goes),
            ("AWS::RDS::DBInstance", Some("Snapshot"), Fate::Snapshot),
            ("AWS::SQS::Queue", Some("Delete"), Fate::Goes),
            ("AWS::Lambda::Version", Some("Retain"), Fate::Goes),
        ] {
            assert_eq!(fate(kind, policy), expected, "{kind} {policy:?}");
        }
    }
}
