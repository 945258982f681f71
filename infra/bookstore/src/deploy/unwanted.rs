//! Stacks that a stage has no longer, because a section of its file is gone.

use anyhow::{Context, Result};
use infra::{stacks::Kind, stage::Stage};

use super::{DataLoss, Interaction, containers, describe, removal, stack};
use crate::{aws::AwsClients, output::confirm};

/// The kinds of stacks that the stage has no longer. That of operations stays: the caller may have a role in it.
pub fn unwanted(stage: &Stage) -> impl Iterator<Item = Kind> {
    let wanted: Vec<Kind> = Kind::of(stage).collect();
    Kind::ALL.into_iter().rev().filter(move |kind| *kind != Kind::Operations && !wanted.contains(kind))
}

/// Removes the stacks of a complete stage that its file has no longer, such as that of API Gateway, before the others change: what
/// uses a resource goes before it.
///
/// # Errors
/// The removal is declined, or fails.
pub async fn remove(aws: &AwsClients, stage: &Stage, interaction: Interaction, data_loss: DataLoss) -> Result<()> {
    for kind in unwanted(stage) {
        let name = stage.physical(kind.name());
        let Some(found) = describe::describe(aws, &name).await? else { continue };
        if kind == Kind::Containers {
            containers::check_removal(aws, stage).await?;
        }
        outln!("\n{name}: infra/stages/{}.toml has nothing of this stack any longer", stage.name);
        let is_quiet = interaction != Interaction::Confirm;
        confirm("Remove it?", is_quiet, &format!("nothing was changed in {name}"))?;
        if found.enable_termination_protection().unwrap_or_default() {
            stack::set_termination_protection(aws, &name, false).await?;
        }
        let found = describe::describe(aws, &name).await?.context("the stack has just been removed")?;
        removal::remove_left_over(aws, &stage.name, &found, interaction, data_loss).await?;
    }
    Ok(())
}
