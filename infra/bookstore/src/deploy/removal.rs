//! Removal of a stage or of one stack: what goes, what stays, and in which order.

use anyhow::{Context, Result, bail, ensure};
use aws_sdk_cloudformation::types::{ResourceStatus, StackResourceSummary, StackStatus};
use aws_sdk_s3::{
    error::ProvideErrorMetadata,
    types::{Delete, ObjectIdentifier},
};
use infra::{
    stacks::{Kind, MAIL_IDENTITY},
    stage::{Stage, command},
};
use serde_json::Value;

use super::{
    DataLoss, DeployedStack, Interaction, change::HOLD_DATA, describe, left_over::LeftOver, secrets, stack_events,
};
use crate::{
    aws::{AwsClients, call, explained},
    output::table,
};

/// Everything that exists of a stage.
pub struct Found {
    /// In order of removal: the last deployed first.
    stacks: Vec<StackRemoval>,
    /// Names of the `SecureString` parameters that a deploy created.
    secrets: Vec<String>,
    left_over: LeftOver,
    /// The identity of SES that was there before the stage, and stays.
    existing_identity: Option<String>,
}

struct StackRemoval {
    name: String,
    /// The stack's id, which CloudFormation accepts also after the removal.
    id: String,
    locked: bool,
    /// Whether its creation succeeded.
    complete: bool,
    resources: Vec<Resource>,
}

struct Resource {
    /// Physical id.
    id: String,
    kind: String,
    fate: RemovalAction,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum RemovalAction {
    Delete,
    /// Removed after a final snapshot.
    Snapshot,
    Retain,
}

pub async fn find(aws: &AwsClients, stage: &Stage) -> Result<Found> {
    let mut stacks = Vec::new();
    for kind in Kind::ALL.into_iter().rev() {
        let name = stage.physical(kind.name());
        if let Some(found) = describe::describe(aws, &name).await? {
            stacks.push(StackRemoval::read(aws, &found).await?);
        }
    }
    let left_over = LeftOver::find(aws, stage).await?;
    let existing_identity = stage.mail.as_ref().filter(|mail| mail.existing_identity).map(|mail| mail.identity.clone());
    Ok(Found { stacks, secrets: secrets::existing(aws, stage).await?, left_over, existing_identity })
}

/// Refuses a stage that was deployed with `protect = true`: RDS and the load balancer have deletion protection of their
/// own, which only a deploy without it removes. An incomplete stage is not protected yet and has no data.
pub fn refuse_protected(stage: &Stage, found: &Found) -> Result<()> {
    let name = &stage.name;
    let is_locked = found.stacks.iter().any(|stack| stack.locked);
    let serves = found.stacks.iter().any(|stack| stack.complete && stack.name == stage.physical(Kind::App.name()));
    ensure!(
        !(is_locked || stage.protect && serves),
        "{name} is protected: set protect = false in infra/stages/{name}.toml and run `{}` first",
        stage.deploy_command()
    );
    // They use the network and resources of the data stack, so the removal would fail half-way.
    let abandoned = &found.left_over.instances;
    ensure!(abandoned.is_empty(), "nothing was removed: {}", removal_of_abandoned(stage, abandoned));
    Ok(())
}

/// The commands that remove instances from before a restore.
fn removal_of_abandoned(stage: &Stage, instances: &[String]) -> String {
    let removals = instances.iter().map(|name| {
        format!(
            "{name} belongs to no stack since a restore; when its data is no longer needed, run `aws rds modify-db-instance \
             --no-deletion-protection --db-instance-identifier {name}` and `aws rds delete-db-instance \
             --db-instance-identifier {name} --final-db-snapshot-identifier {name}-last`"
        )
    });
    let removals: Vec<String> = removals.collect();
    format!("{}; then run `{}` again", removals.join("; "), stage.command("destroy"))
}

/// Removes the rest of a stack after a failed creation or removal.
///
/// # Errors
/// The stack still has data that an earlier removal could not delete, and `data_loss` forbids that.
pub async fn remove_left_over(
    aws: &AwsClients,
    stage: &str,
    found: &DeployedStack,
    interaction: Interaction,
    data_loss: DataLoss,
) -> Result<()> {
    let removal = StackRemoval::read(aws, found).await?;
    let holding: Vec<&str> = (removal.resources.iter())
        .filter(|resource| resource.fate != RemovalAction::Retain && HOLD_DATA.contains(&resource.kind.as_str()))
        .map(|resource| resource.id.as_str())
        .collect();
    let removal_failed = found.stack_status() == Some(&StackStatus::DeleteFailed);
    ensure!(
        !removal_failed || data_loss == DataLoss::Allow || holding.is_empty(),
        "{}: an earlier removal left {}; finish it with `{}`, or deploy with --allow-replacement",
        removal.name,
        holding.join(", "),
        command(stage, "destroy")
    );
    remove_stack(aws, &removal, interaction).await.with_context(|| format!("{} was not removed", removal.name))
}

impl StackRemoval {
    async fn read(aws: &AwsClients, found: &DeployedStack) -> Result<Self> {
        let name = found.stack_name().unwrap_or_default().to_owned();
        let id = found.stack_id().unwrap_or(&name).to_owned();
        let locked = found.enable_termination_protection().unwrap_or_default() || describe::is_protected(found);
        let complete = describe::is_updatable(found);
        // A stack in review has no template yet.
        let is_empty = found.stack_status() == Some(&StackStatus::ReviewInProgress);
        let resources = if is_empty { Vec::new() } else { resources(aws, &id).await? };
        Ok(Self { name, id, locked, complete, resources })
    }

    /// Names of the buckets that are removed with the stack.
    fn buckets(&self) -> impl Iterator<Item = &str> {
        let removed =
            |resource: &&Resource| resource.kind == "AWS::S3::Bucket" && resource.fate == RemovalAction::Delete;
        self.resources.iter().filter(removed).map(|resource| resource.id.as_str())
    }
}

/// The resources of a stack, each with the removal action of its own template.
async fn resources(aws: &AwsClients, name: &str) -> Result<Vec<Resource>> {
    let template = call(aws.cloudformation.get_template().stack_name(name).send()).await;
    let template = template.with_context(|| format!("reading the template of {name}"))?.template_body;
    let template: Value = serde_json::from_str(template.as_deref().unwrap_or_default()).with_context(|| {
        format!("the template of {name} is not JSON, so this command did not deploy it: remove the stack by hand")
    })?;

    let resources = describe::resources(aws, name).await?;
    Ok(resources.into_iter().map(|resource| Resource::new(resource, &template)).collect())
}

impl Found {
    /// One line for each stack, and one for each resource that has data or is retained.
    pub fn table(&self) -> String {
        let mut rows = Vec::new();
        for stack in &self.stacks {
            let gone = stack.resources.iter().filter(|resource| resource.fate != RemovalAction::Retain).count();
            let fate = format!("removed with {gone} of its {} resources", stack.resources.len());
            rows.push([stack.name.clone(), "stack".to_owned(), fate]);
            for resource in &stack.resources {
                if let Some(fate) = resource.description() {
                    // The physical id of a queue is its URL.
                    let name = resource.id.rsplit('/').next().unwrap_or_default();
                    rows.push([
                        format!("  {name}"),
                        resource.kind.trim_start_matches("AWS::").to_owned(),
                        fate.to_owned(),
                    ]);
                }
            }
        }
        let removed = |name: &String, kind: &str| [name.clone(), kind.to_owned(), "removed".to_owned()];
        rows.extend(self.secrets.iter().map(|name| removed(name, "SSM::Parameter")));
        rows.extend(self.left_over.names().map(|name| removed(name, "logs that RDS created")));
        let retained = "retained, because existing_identity is true";
        rows.extend(self.existing_identity.iter().map(|identity| {
            [identity.clone(), MAIL_IDENTITY.trim_start_matches("AWS::").to_owned(), retained.to_owned()]
        }));
        table(&["", "type", "action"], rows).to_string()
    }

    pub fn is_nothing(&self) -> bool {
        self.stacks.is_empty() && self.secrets.is_empty() && self.left_over.is_nothing()
    }
}

impl Resource {
    fn new(summary: StackResourceSummary, template: &Value) -> Self {
        let logical = summary.logical_resource_id.unwrap_or_default();
        let kind = summary.resource_type.unwrap_or_default();
        // A resource that the stack failed to create, or released, does not belong to it.
        let foreign = matches!(
            summary.resource_status,
            Some(ResourceStatus::CreateFailed | ResourceStatus::DeleteSkipped | ResourceStatus::ImportFailed)
        );
        let fate = match template["Resources"].get(&logical) {
            Some(ours) if !foreign => fate(&kind, ours["DeletionPolicy"].as_str()),
            _ => RemovalAction::Retain,
        };
        Self { id: summary.physical_resource_id.unwrap_or_default(), kind, fate }
    }

    /// The action in words, if the resource has data or is retained.
    fn description(&self) -> Option<&'static str> {
        match (self.fate, self.kind.as_str()) {
            (RemovalAction::Retain, _) => Some("retained"),
            (RemovalAction::Snapshot, _) => Some("removed after a final snapshot, which is retained"),
            (RemovalAction::Delete, "AWS::S3::Bucket") => Some("removed with all versions of all objects"),
            (RemovalAction::Delete, "AWS::SQS::Queue") => Some("removed with its messages"),
            (RemovalAction::Delete, kind) => HOLD_DATA.contains(&kind).then_some("removed with its data"),
        }
    }
}

fn fate(kind: &str, policy: Option<&str>) -> RemovalAction {
    match policy {
        // A version is retained in updates, and Lambda deletes it with its function.
        _ if kind == "AWS::Lambda::Version" => RemovalAction::Delete,
        Some("Retain" | "RetainExceptOnCreate") => RemovalAction::Retain,
        Some("Snapshot") => RemovalAction::Snapshot,
        _ => RemovalAction::Delete,
    }
}

/// Removes what was found and stops at the first failure, so that the network outlives the database.
pub async fn remove(aws: &AwsClients, stage: &Stage, found: Found, interaction: Interaction) -> Result<()> {
    let names: Vec<&str> = found.stacks.iter().map(|stack| stack.name.as_str()).collect();
    let mut left_over = found.left_over;
    for (removed, removal) in found.stacks.iter().enumerate() {
        remove_stack(aws, removal, interaction).await.with_context(|| {
            format!(
                "{} was not removed; remaining stacks: {}; fix the cause and run `{}` again",
                removal.name,
                names[removed..].join(", "),
                stage.command("destroy")
            )
        })?;
        // Now, because the instance's id is known from this stack's outputs only.
        if removal.name == stage.physical(Kind::Data.name()) {
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

async fn remove_stack(aws: &AwsClients, removal: &StackRemoval, interaction: Interaction) -> Result<()> {
    outln!("Removing {} …", removal.name);
    if interaction != Interaction::Quiet
        && removal.resources.iter().any(|resource| resource.kind == "AWS::Lambda::Function")
    {
        outln!("AWS takes up to 40 minutes to release the network interfaces of functions.");
    }
    if interaction != Interaction::Quiet
        && removal.resources.iter().any(|resource| resource.kind == "AWS::CloudFront::Distribution")
    {
        outln!("AWS takes some minutes to disable and remove the distribution.");
    }
    stack_events::until_idle(aws, &removal.id).await?;
    // Read again: the operation that was in progress may have removed or protected it.
    let found = describe::describe(aws, &removal.id).await?;
    let Some(found) = found.filter(|found| found.stack_status() != Some(&StackStatus::DeleteComplete)) else {
        return Ok(());
    };
    let removal = StackRemoval::read(aws, &found).await?;
    ensure!(!removal.locked, "it was protected in the meantime");
    attempts(async || delete(aws, &removal, interaction).await, async || holds_objects(aws, &removal).await).await
}

/// Attempts at the removal of a stack while its buckets get new objects.
const ATTEMPTS: usize = 3;

/// Repeats a removal that failed while a bucket has objects again: CloudFront delivers access logs for hours after its
/// last request. The error of the last attempt is returned, and that of one with another cause.
async fn attempts(
    mut delete: impl AsyncFnMut() -> Result<()>,
    mut holds_objects: impl AsyncFnMut() -> Result<bool>,
) -> Result<()> {
    for _ in 1..ATTEMPTS {
        let Err(error) = delete().await else { return Ok(()) };
        if !holds_objects().await? {
            return Err(error);
        }
        outln!("Objects arrived in a bucket meanwhile: emptying it again.");
    }
    delete().await
}

async fn delete(aws: &AwsClients, removal: &StackRemoval, interaction: Interaction) -> Result<()> {
    // CloudFormation deletes empty buckets only.
    for bucket in removal.buckets() {
        empty(aws, bucket).await.with_context(|| format!("emptying {bucket}"))?;
    }
    let newest = stack_events::newest(aws, &removal.id).await?;
    call(aws.cloudformation.delete_stack().stack_name(&removal.id).send()).await?;
    stack_events::until_removed(aws, &removal.id, newest.as_deref(), interaction).await
}

async fn holds_objects(aws: &AwsClients, removal: &StackRemoval) -> Result<bool> {
    for bucket in removal.buckets() {
        match aws.s3.list_object_versions().bucket(bucket).max_keys(1).send().await {
            Ok(page) if page.versions().is_empty() && page.delete_markers().is_empty() => {}
            Ok(_) => return Ok(true),
            Err(error) if error.code() == Some("NoSuchBucket") => {}
            Err(error) => return Err(explained(error)).with_context(|| format!("listing the objects of {bucket}")),
        }
    }
    Ok(false)
}

/// Deletes all versions of all objects, a thousand per call.
async fn empty(aws: &AwsClients, bucket: &str) -> Result<()> {
    loop {
        let page = match aws.s3.list_object_versions().bucket(bucket).send().await {
            Ok(page) => page,
            Err(error) if error.code() == Some("NoSuchBucket") => return Ok(()),
            Err(error) => return Err(explained(error)),
        };
        let versions = page.versions().iter().map(|version| (version.key(), version.version_id()));
        let markers = page.delete_markers().iter().map(|marker| (marker.key(), marker.version_id()));
        let mut removal = Vec::new();
        for (key, version) in versions.chain(markers) {
            let key = key.context("S3 returned a version without a key")?;
            removal.push(ObjectIdentifier::builder().key(key).set_version_id(version.map(str::to_owned)).build()?);
        }
        if removal.is_empty() {
            return Ok(());
        }
        let delete = Delete::builder().set_objects(Some(removal)).quiet(true).build()?;
        let deleted = call(aws.s3.delete_objects().bucket(bucket).delete(delete).send()).await?;
        if let Some(error) = deleted.errors().first() {
            bail!("{}: {}", error.key().unwrap_or_default(), error.message().unwrap_or("AWS gave no reason"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_from_before_a_restore_is_reported_with_the_commands_that_remove_it() {
        let mut left_over = LeftOver::default();
        left_over.instances.push("anaquel-prod-database".to_owned());
        let found = Found { stacks: Vec::new(), secrets: Vec::new(), left_over, existing_identity: None };
        let refusal = refuse_protected(&Stage::load("prod").unwrap(), &found).unwrap_err().to_string();
        assert!(refusal.starts_with("nothing was removed: anaquel-prod-database belongs to no stack"), "{refusal}");
        assert!(refusal.contains("--final-db-snapshot-identifier anaquel-prod-database-last`"), "{refusal}");
        assert!(refusal.ends_with("; then run `cargo bookstore destroy --stage prod` again"), "{refusal}");
    }

    #[test]
    fn an_identity_of_ses_that_was_there_before_the_stage_is_listed_as_retained() {
        let existing_identity = Some("shop.example.org".to_owned());
        let found =
            Found { stacks: Vec::new(), secrets: Vec::new(), left_over: LeftOver::default(), existing_identity };
        let row = found.table().lines().find(|line| line.contains("shop.example.org")).map(str::to_owned).unwrap();
        assert!(row.contains("SES::EmailIdentity") && row.contains("retained, because"), "{row}");
        assert!(found.is_nothing(), "it is not the stage's");
    }

    /// How each attempt ends, whether a bucket has objects after it, and the attempts that follow from that.
    #[tokio::test]
    async fn a_removal_is_repeated_while_objects_arrive_in_a_bucket_and_three_times_at_most() {
        for (ends, refilled, made, removed) in [
            (vec![true], vec![], 1, true),
            (vec![false, true], vec![true], 2, true),
            (vec![false, false, true], vec![true, true], 3, true),
            (vec![false, false, false], vec![true, true], 3, false),
            (vec![false, true], vec![false], 1, false),
        ] {
            let (mut ends, mut refilled, mut count) = (ends.into_iter(), refilled.into_iter(), 0);
            let delete = async || {
                count += 1;
                ensure!(ends.next().unwrap(), "attempt {count} failed");
                Ok(())
            };
            let outcome = attempts(delete, async || Ok(refilled.next().unwrap())).await;
            assert_eq!((count, outcome.is_ok()), (made, removed));
            assert!(outcome.err().is_none_or(|error| error.to_string() == format!("attempt {made} failed")));
        }
    }

    #[test]
    fn the_removal_action_follows_from_the_policy_and_a_version_is_deleted_with_its_function() {
        for (kind, policy, expected) in [
            ("AWS::S3::Bucket", Some("RetainExceptOnCreate"), RemovalAction::Retain),
            ("AWS::S3::Bucket", None, RemovalAction::Delete),
            ("AWS::RDS::DBInstance", Some("Snapshot"), RemovalAction::Snapshot),
            ("AWS::SQS::Queue", Some("Delete"), RemovalAction::Delete),
            ("AWS::Lambda::Version", Some("Retain"), RemovalAction::Delete),
        ] {
            assert_eq!(fate(kind, policy), expected, "{kind} {policy:?}");
        }
    }
}
