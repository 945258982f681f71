//! How a deploy proceeds with a stack, by its status.

use aws_sdk_cloudformation::types::StackStatus;

/// How a deploy proceeds with a stack.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NextStep {
    /// Create it by a change set of type CREATE.
    Create,
    /// Update it by a change set of type UPDATE.
    Update,
    /// Wait, and check again.
    Wait,
    /// Continue the failed rollback, then update.
    Continue,
    /// Remove the rest of a failed creation or removal, then create.
    Remove,
    /// Refuse: only `destroy` can proceed.
    Refuse,
}

/// The only operation that CloudFormation allows in each status:
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html>. The runbook has the same table.
pub fn next_step(status: &StackStatus) -> NextStep {
    match status {
        StackStatus::ReviewInProgress | StackStatus::DeleteComplete => NextStep::Create,
        StackStatus::CreateFailed
        | StackStatus::RollbackComplete
        | StackStatus::RollbackFailed
        | StackStatus::DeleteFailed => NextStep::Remove,
        StackStatus::UpdateRollbackFailed => NextStep::Continue,
        StackStatus::ImportRollbackFailed => NextStep::Refuse,
        StackStatus::CreateComplete
        | StackStatus::UpdateComplete
        | StackStatus::UpdateFailed
        | StackStatus::UpdateRollbackComplete
        | StackStatus::ImportComplete
        | StackStatus::ImportRollbackComplete => NextStep::Update,
        status if status.as_str().ends_with("_IN_PROGRESS") => NextStep::Wait,
        _ => NextStep::Refuse,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// The runbook and `next_step` agree for every status of the SDK.
    #[test]
    fn the_runbook_lists_the_next_step_of_every_status() {
        let runbook = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/runbook.md");
        let runbook = fs::read_to_string(runbook).unwrap();
        let row = |status: &str| runbook.lines().find(|line| line.starts_with(&format!("| `{status}` |")));
        for status in StackStatus::values() {
            let words = match next_step(&StackStatus::from(*status)) {
                NextStep::Create => "creates it",
                NextStep::Update => "changes it",
                NextStep::Wait => "waits",
                NextStep::Continue => "finishes the rollback",
                NextStep::Remove => "removes what is left",
                NextStep::Refuse => "refuses",
            };
            let row = if status.ends_with("_IN_PROGRESS") && *status != "REVIEW_IN_PROGRESS" {
                row("…_IN_PROGRESS")
            } else {
                row(status)
            };
            let row = row.unwrap_or_else(|| panic!("docs/runbook.md has no row for {status}"));
            assert!(row.contains(words), "{status}: {words} is not in {row}");
        }
    }
}
