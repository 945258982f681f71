//! How a deploy proceeds with a stack, by its status.

use aws_sdk_cloudformation::types::StackStatus;

/// How a deploy proceeds with a stack, by its state.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NextStep {
    /// Make it by a change set of type CREATE.
    Create,
    /// Change it by a change set of type UPDATE.
    Update,
    /// Wait, and look again.
    Wait,
    /// Finish the rollback that failed, then change it.
    Continue,
    /// Remove what a failed creation or removal has left, then make it.
    Remove,
    /// Nothing: only `destroy` gets further.
    Refuse,
}

/// CloudFormation takes no other operation in each state:
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

    /// Both tell an operator the same of every state that CloudFormation has.
    #[test]
    fn the_runbook_says_of_every_state_what_a_deploy_does() {
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
