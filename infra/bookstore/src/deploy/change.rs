//! Evaluation of change sets: which to refuse, and their table for people.

use std::collections::BTreeSet;

use anyhow::Result;
use aws_sdk_cloudformation::types::{ChangeAction, Replacement, RequiresRecreation, ResourceChange};
use infra::{
    stacks::{NAMES, replicas},
    template::Template,
};
use serde_json::{Value, json};

use crate::output;

/// Types with data that a template cannot restore. Deletion policies do not identify them: a function's first version is
/// retained without data, and a queue is not retained and holds submissions.
pub const HOLD_DATA: [&str; 4] =
    ["AWS::Cognito::UserPool", "AWS::RDS::DBInstance", "AWS::S3::Bucket", "AWS::SQS::Queue"];

/// Reason to refuse changes that lose data: each resource with data that would be removed or replaced. `None` if all data
/// stays. `promoted` are replicas that RDS has made instances of their own.
pub fn refusal(changes: &[ResourceChange], promoted: &BTreeSet<String>) -> Option<String> {
    let losses: Vec<String> = changes.iter().filter_map(|change| loss(change, promoted)).collect();
    (!losses.is_empty()).then(|| {
        format!(
            "these resources would lose their data\n  {}\nback it up, then deploy with --allow-replacement",
            losses.join("\n  ")
        )
    })
}

/// Properties of a database whose change AWS's schema calls a conditional replacement, and that RDS's handler always
/// changes in place: it does not look at them where it decides that a resource must be replaced
/// (`ImmutabilityHelper.isChangeMutable` of
/// <https://github.com/aws-cloudformation/aws-cloudformation-resource-providers-rds>, aws-rds-dbinstance).
const DATABASE_IN_PLACE: [&str; 5] = [
    "AutoMinorVersionUpgrade",
    "BackupRetentionPeriod",
    "DBParameterGroupName",
    "MultiAZ",
    "PreferredMaintenanceWindow",
];

/// Whether all properties with a conditional replacement are known to change in place.
fn is_in_place(change: &ResourceChange) -> bool {
    let mut targets = change.details().iter().filter_map(|detail| detail.target()).peekable();
    change.resource_type() == Some("AWS::RDS::DBInstance")
        && change.replacement() == Some(&Replacement::Conditional)
        && targets.peek().is_some()
        && targets.all(|target| {
            let never = target.requires_recreation() == Some(&RequiresRecreation::Never);
            never || target.name().is_some_and(|name| DATABASE_IN_PLACE.contains(&name))
        })
}

/// Types with a deletion protection property, which the parameters `DeletionProtection` and `UserPoolProtection` set.
const LOCKABLE: [&str; 3] =
    ["AWS::Cognito::UserPool", "AWS::ElasticLoadBalancingV2::LoadBalancer", "AWS::RDS::DBInstance"];

/// Whether the changes create one of these, also as a replacement.
pub fn makes_lockable(changes: &[ResourceChange]) -> bool {
    changes.iter().any(|change| {
        let creates = match change.action() {
            Some(ChangeAction::Add) => true,
            Some(ChangeAction::Modify) => change.replacement() != Some(&Replacement::False) && !is_in_place(change),
            _ => false,
        };
        creates && !is_replica(change) && change.resource_type().is_some_and(|kind| LOCKABLE.contains(&kind))
    })
}

/// Reason why CloudFormation would fail half-way: a replacement under an unchanged explicit name. `None` if there is none.
pub fn same_name(template: &Template, changes: &[ResourceChange]) -> Result<Option<String>> {
    let template = serde_json::to_value(template)?;
    let stuck = changes.iter().find_map(|change| {
        let id = change.logical_resource_id()?;
        let (_, name) = NAMES.iter().find(|(kind, _)| change.resource_type() == Some(kind))?;
        let named = &template["Resources"][id]["Properties"][name];
        let renamed =
            change.details().iter().filter_map(|detail| detail.target()?.name()).any(|changed| changed == *name);
        let replaced = change.replacement() == Some(&Replacement::True) && !named.is_null() && !renamed;
        replaced.then(|| (id, *name, details(change)))
    });
    Ok(stuck.map(|(id, name, why)| {
        let fix = match name {
            "DBInstanceIdentifier" => "raise `generation` in the stage's file".to_owned(),
            // Its pool was replaced.
            "Domain" => "raise `generation` of its user pool below [accounts] in the stage's file".to_owned(),
            _ => format!("revert the change of {why}, or give the resource another name"),
        };
        format!(
            "{id} would be replaced, because of {why}, and CloudFormation cannot replace a resource whose name ({name}) \
             stays the same; {fix}"
        )
    }))
}

/// A replica of the database by the template. RDS may have made it an instance of its own, because the primary is lost.
fn is_replica(change: &ResourceChange) -> bool {
    change.logical_resource_id().is_some_and(|id| id.starts_with(replicas::PREFIX))
}

/// The instances of the changed replicas.
pub fn changed_replicas(changes: &[ResourceChange]) -> impl Iterator<Item = &str> {
    changes.iter().filter(|change| is_replica(change)).filter_map(ResourceChange::physical_resource_id)
}

/// With "conditional" and "dynamic" CloudFormation decides on a replacement during execution, which is too late.
fn loss(change: &ResourceChange, promoted: &BTreeSet<String>) -> Option<String> {
    let kind = change.resource_type().filter(|kind| HOLD_DATA.contains(kind))?;
    // It holds nothing that the primary lacks.
    if is_replica(change) && change.physical_resource_id().is_none_or(|instance| !promoted.contains(instance)) {
        return None;
    }
    let fate = match (change.action(), change.replacement()) {
        (Some(ChangeAction::Add | ChangeAction::Import), _)
        | (Some(ChangeAction::Modify), Some(Replacement::False)) => return None,
        (Some(ChangeAction::Modify), _) if is_in_place(change) => return None,
        (Some(ChangeAction::Remove), _) => "would be removed".to_owned(),
        (_, Some(Replacement::True)) => format!("would be replaced, because of {}", details(change)),
        _ => format!("may be replaced, because of {}", details(change)),
    };
    let name = change.physical_resource_id().unwrap_or_default();
    let kind = kind.trim_start_matches("AWS::");
    Some(format!("{} ({kind} {name}) {fate}", change.logical_resource_id().unwrap_or_default()))
}

/// A table with one line for each resource: action, name, type and changed properties.
pub fn table(changes: &[ResourceChange]) -> String {
    let row = |change| {
        [
            sign(change).to_owned(),
            change.logical_resource_id().unwrap_or_default().to_owned(),
            change.resource_type().unwrap_or_default().trim_start_matches("AWS::").to_owned(),
            details(change),
        ]
    };
    output::table(&["", "resource", "type", "what changes"], changes.iter().map(row)).to_string()
}

/// The changes for programs, with the words of the table.
pub fn json(changes: &[ResourceChange]) -> Value {
    let object = |change: &ResourceChange| {
        json!({
            "action": sign(change).trim_start_matches(|c: char| !c.is_alphabetic()),
            "resource": change.logical_resource_id(),
            "type": change.resource_type(),
            "properties": properties(change),
        })
    };
    changes.iter().map(object).collect()
}

fn sign(change: &ResourceChange) -> &'static str {
    let replaced = change.replacement() == Some(&Replacement::True);
    match change.action() {
        Some(ChangeAction::Add) => "+ add",
        Some(ChangeAction::Remove) => "- remove",
        Some(ChangeAction::Modify) if replaced => "! replace",
        Some(ChangeAction::Modify) => "~ change",
        _ => "?",
    }
}

/// The changed properties, by CloudFormation's names.
fn details(change: &ResourceChange) -> String {
    properties(change).join(", ")
}

fn properties(change: &ResourceChange) -> Vec<String> {
    let mut names: Vec<String> = change
        .details()
        .iter()
        .filter_map(|detail| detail.target())
        .map(|target| target.name().unwrap_or(target.attribute().map_or("", |attribute| attribute.as_str())).to_owned())
        .filter(|name| !name.is_empty())
        .collect();
    names.sort();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudformation::types::{ResourceChangeDetail, ResourceTargetDefinition};

    use super::*;
    use infra::stacks;
    use infra::stage::{STAGES, Stage};

    fn change(kind: &str, action: ChangeAction, replacement: Option<Replacement>, property: &str) -> ResourceChange {
        let recreation = match replacement {
            Some(Replacement::True) => RequiresRecreation::Always,
            Some(Replacement::Conditional) => RequiresRecreation::Conditionally,
            _ => RequiresRecreation::Never,
        };
        let target = ResourceTargetDefinition::builder().name(property).requires_recreation(recreation).build();
        ResourceChange::builder()
            .action(action)
            .logical_resource_id("It")
            .physical_resource_id("it-1")
            .resource_type(kind)
            .set_replacement(replacement)
            .details(ResourceChangeDetail::builder().target(target).build())
            .build()
    }

    #[test]
    fn data_that_would_or_may_be_lost_is_a_refusal_that_says_why() {
        use ChangeAction::{Modify, Remove};
        let queue = |action, replacement| {
            refusal(&[change("AWS::SQS::Queue", action, replacement, "QueueName")], &BTreeSet::new())
        };
        let replaced = queue(Modify, Some(Replacement::True)).unwrap();
        assert!(replaced.contains("It (SQS::Queue it-1) would be replaced, because of QueueName"), "{replaced}");
        let conditional = queue(Modify, Some(Replacement::Conditional)).unwrap();
        assert!(conditional.contains("may be replaced, because of QueueName"), "{conditional}");
        assert!(queue(Modify, None).unwrap().contains("may be replaced"));
        assert!(queue(Remove, None).unwrap().contains("would be removed"));
    }

    #[test]
    fn what_keeps_its_data_or_has_none_is_no_reason_to_refuse() {
        use ChangeAction::{Add, Modify, Remove};
        let harmless = [
            change("AWS::SQS::Queue", Add, None, ""),
            change("AWS::RDS::DBInstance", Modify, Some(Replacement::False), "DBInstanceClass"),
            change("AWS::Lambda::Function", Modify, Some(Replacement::True), "FunctionName"),
            change("AWS::Lambda::Version", Remove, None, ""),
        ];
        assert_eq!(refusal(&harmless, &BTreeSet::new()), None);
        let removed = |id: &str, promoted: &[&str]| {
            let mut change = change("AWS::RDS::DBInstance", Remove, None, "");
            change.logical_resource_id = Some(id.to_owned());
            refusal(&[change], &promoted.iter().map(ToString::to_string).collect()).is_some()
        };
        assert!(removed("Database", &[]));
        assert!(!removed("DatabaseReplica1", &["it-2"]), "a replica holds nothing that the primary lacks");
        assert!(removed("DatabaseReplica1", &["it-1"]), "the primary is lost, and this one has what is left");
    }

    #[test]
    fn what_a_template_keeps_counts_as_data() {
        for (name, _) in STAGES {
            for stack in stacks::all(&Stage::load(name).unwrap()).unwrap() {
                let template = serde_json::to_value(&stack.template).unwrap();
                for (id, resource) in template["Resources"].as_object().unwrap() {
                    let kind = resource["Type"].as_str().unwrap();
                    let policy = resource["DeletionPolicy"].as_str();
                    let is_kept = policy.is_some_and(|policy| policy != "Delete") && kind != "AWS::Lambda::Version";
                    assert!(!is_kept || HOLD_DATA.contains(&kind), "{id} of {}", stack.name);
                }
            }
        }
    }

    #[test]
    fn a_replacement_under_the_same_name_is_refused_and_one_under_another_is_not() {
        use ChangeAction::Modify;
        let stage = Stage::load("prod").unwrap();
        let template =
            |kind| stacks::all(&stage).unwrap().into_iter().find(|stack| stack.kind == kind).unwrap().template;
        let refused = |kind, id: &str, r#type: &str, replacement, property: &str| {
            let mut change = change(r#type, Modify, Some(replacement), property);
            change.logical_resource_id = Some(id.to_owned());
            same_name(&template(kind), &[change]).unwrap()
        };
        let database = |replacement, property: &str| {
            refused(stacks::Kind::Data, "Database", "AWS::RDS::DBInstance", replacement, property)
        };
        let refusal = database(Replacement::True, "StorageEncrypted").unwrap();
        assert!(refusal.contains("because of StorageEncrypted") && refusal.contains("raise `generation`"), "{refusal}");
        assert_eq!(database(Replacement::True, "DBInstanceIdentifier"), None);
        assert_eq!(database(Replacement::False, "MultiAZ"), None);
        let pages = Stage::in_full("prod").unwrap();
        let pages = stacks::all(&pages).unwrap().into_iter().find(|stack| stack.kind == stacks::Kind::App).unwrap();
        let mut change = change("AWS::Cognito::UserPoolDomain", Modify, Some(Replacement::True), "UserPoolId");
        change.logical_resource_id = Some("CustomersDomain".to_owned());
        let refusal = same_name(&pages.template, &[change]).unwrap().unwrap();
        assert!(refusal.contains("raise `generation` of its user pool below [accounts]"), "{refusal}");
        let zone =
            refused(stacks::Kind::Network, "AppSubnet1", "AWS::EC2::Subnet", Replacement::True, "AvailabilityZoneId");
        let zone = zone.unwrap();
        assert!(zone.contains("a resource whose name (CidrBlock) stays the same"), "{zone}");
        assert!(zone.ends_with("revert the change of AvailabilityZoneId, or give the resource another name"), "{zone}");
        let unnamed =
            refused(stacks::Kind::Data, "DatabaseSettings", "AWS::RDS::DBParameterGroup", Replacement::True, "Family");
        assert_eq!(unnamed, None);
    }

    #[test]
    fn a_replacement_and_a_change_are_listed_differently() {
        let change =
            |replacement| change("AWS::Lambda::Function", ChangeAction::Modify, Some(replacement), "MemorySize");
        let text = table(&[change(Replacement::True), change(Replacement::False)]);
        assert!(text.contains("! replace") && text.contains("~ change"), "{text}");
        assert!(text.contains("Lambda::Function") && text.contains("MemorySize"), "{text}");
    }
}
