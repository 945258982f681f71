//! A change set as a person reads it.

use aws_sdk_cloudformation::types::{ChangeAction, Replacement, ResourceChange};
use comfy_table::{Table, presets::NOTHING};

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

    #[test]
    fn a_replacement_is_told_from_a_change() {
        let change = |replacement: Replacement| {
            let target = ResourceTargetDefinition::builder().name("MemorySize").build();
            ResourceChange::builder()
                .action(ChangeAction::Modify)
                .logical_resource_id("ShowBook")
                .resource_type("AWS::Lambda::Function")
                .replacement(replacement)
                .details(ResourceChangeDetail::builder().target(target).build())
                .build()
        };
        let text = table(&[change(Replacement::True), change(Replacement::False)]);
        assert!(text.contains("! replace") && text.contains("~ change"), "{text}");
        assert!(text.contains("Lambda::Function") && text.contains("MemorySize"), "{text}");
    }
}
