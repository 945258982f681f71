//! A change set as a person reads it.

use aws_sdk_cloudformation::types::{ChangeAction, Replacement, ResourceChange};
use comfy_table::{Table, presets::NOTHING};

/// Types whose content a template cannot make again. Deletion policies do not tell them: a function's first version is
/// retained and holds nothing, a queue is not and holds what shoppers have sent.
pub const HOLD_DATA: [&str; 3] = ["AWS::RDS::DBInstance", "AWS::S3::Bucket", "AWS::SQS::Queue"];

/// Why these changes must not be made unasked: each resource that holds data and would be removed, or replaced by an
/// empty one. None where all data stays.
pub fn refusal(changes: &[ResourceChange]) -> Option<String> {
    let losses: Vec<String> = changes.iter().filter_map(loss).collect();
    (!losses.is_empty()).then(|| {
        format!(
            "what these hold would be lost\n  {}\nsave what is in them, then deploy with --allow-replacement",
            losses.join("\n  ")
        )
    })
}

/// CloudFormation's "conditional" and "dynamic" mean that it knows only once it is at work, which is too late.
fn loss(change: &ResourceChange) -> Option<String> {
    let kind = change.resource_type().filter(|kind| HOLD_DATA.contains(kind))?;
    let fate = match (change.action(), change.replacement()) {
        (Some(ChangeAction::Add | ChangeAction::Import), _)
        | (Some(ChangeAction::Modify), Some(Replacement::False)) => return None,
        (Some(ChangeAction::Remove), _) => "would be removed".to_owned(),
        (_, Some(Replacement::True)) => format!("would be replaced, because of {}", details(change)),
        _ => format!("may be replaced, because of {}", details(change)),
    };
    let name = change.physical_resource_id().unwrap_or_default();
    let kind = kind.trim_start_matches("AWS::");
    Some(format!("{} ({kind} {name}) {fate}", change.logical_resource_id().unwrap_or_default()))
}

/// One line a resource: what happens to it, and what of it changes.
pub fn table(changes: &[ResourceChange]) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(["", "resource", "type", "what changes"]);
    for change in changes {
        table.add_row([
            sign(change),
            change.logical_resource_id().unwrap_or_default().to_owned(),
            change.resource_type().unwrap_or_default().trim_start_matches("AWS::").to_owned(),
            details(change),
        ]);
    }
    table.to_string()
}

fn sign(change: &ResourceChange) -> String {
    let replaced = change.replacement() == Some(&Replacement::True);
    match change.action() {
        Some(ChangeAction::Add) => "+ add",
        Some(ChangeAction::Remove) => "- remove",
        Some(ChangeAction::Modify) if replaced => "! replace",
        Some(ChangeAction::Modify) => "~ change",
        _ => "?",
    }
    .to_owned()
}

/// The properties that change, by CloudFormation's names.
fn details(change: &ResourceChange) -> String {
    let mut names: Vec<String> = change
        .details()
        .iter()
        .filter_map(|detail| detail.target())
        .map(|target| target.name().unwrap_or(target.attribute().map_or("", |attribute| attribute.as_str())).to_owned())
        .filter(|name| !name.is_empty())
        .collect();
    names.sort();
    names.dedup();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudformation::types::{ResourceChangeDetail, ResourceTargetDefinition};

    use super::*;
    use crate::{
        stacks,
        stage::{STAGES, Stage},
    };

    fn change(kind: &str, action: ChangeAction, replacement: Option<Replacement>, property: &str) -> ResourceChange {
        let target = ResourceTargetDefinition::builder().name(property).build();
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
        let queue = |action, replacement| refusal(&[change("AWS::SQS::Queue", action, replacement, "QueueName")]);
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
        assert_eq!(refusal(&harmless), None);
    }

    #[test]
    fn what_a_template_keeps_counts_as_data() {
        for (name, _) in STAGES {
            for stack in stacks::all(&Stage::load(name).unwrap()).unwrap() {
                let template = serde_json::to_value(&stack.template).unwrap();
                for (id, resource) in template["Resources"].as_object().unwrap() {
                    let kind = resource["Type"].as_str().unwrap();
                    let is_kept = resource.get("DeletionPolicy").is_some() && kind != "AWS::Lambda::Version";
                    assert!(!is_kept || HOLD_DATA.contains(&kind), "{id} of {}", stack.name);
                }
            }
        }
    }

    #[test]
    fn a_replacement_is_told_from_a_change() {
        let change =
            |replacement| change("AWS::Lambda::Function", ChangeAction::Modify, Some(replacement), "MemorySize");
        let text = table(&[change(Replacement::True), change(Replacement::False)]);
        assert!(text.contains("! replace") && text.contains("~ change"), "{text}");
        assert!(text.contains("Lambda::Function") && text.contains("MemorySize"), "{text}");
    }
}
