//! The alias `live` of each function. Its description lists the versions that it pointed at before, for rollbacks; version
//! numbers alone are not enough, because a version that failed its probe has a number too.

use std::iter;

use anyhow::{Context, Error, Result, anyhow};
use infra::{
    routes::{FUNCTIONS, Trigger},
    stage::Stage,
};

use crate::aws::{AwsClients, call};

/// The alias that the load balancer, queues and events invoke.
pub const ALIAS: &str = "live";
/// Prefix of the description.
const SERVED: &str = "served: ";
/// Number of versions in the description, which holds 256 characters.
const REMEMBERED: usize = 12;

pub struct Move {
    /// `anaquel-prod-show-book`
    pub name: String,
    /// The current and the previous versions, newest first.
    pub served: Vec<u64>,
    pub to: u64,
}

/// The current and the previous versions of an alias, newest first.
pub async fn served(aws: &AwsClients, name: &str) -> Result<Vec<u64>> {
    let alias = call(aws.lambda.get_alias().function_name(name).name(ALIAS).send()).await;
    let alias = alias.with_context(|| format!("reading the alias of {name}"))?;
    let live = alias.function_version().and_then(|version| version.parse().ok());
    let live = live.with_context(|| format!("the alias of {name} points at no version"))?;
    Ok(history(live, &noted(alias.description().unwrap_or_default())))
}

/// The versions that nobody can need any more: older than the current one, not among those that the alias remembers, and not
/// the first, which belongs to the stack. Newer ones may be of a release that continues.
pub fn superseded(served: &[u64], existing: &[u64]) -> Vec<u64> {
    let Some((live, first)) = served.first().zip(existing.iter().min()) else { return Vec::new() };
    let remembered = &served[..served.len().min(REMEMBERED)];
    let is_old = |version: &u64| version < live && version != first && !remembered.contains(version);
    existing.iter().copied().filter(is_old).collect()
}

/// Moves all aliases or none: after a failure, the moved ones are reverted.
pub async fn move_all(aws: &AwsClients, stage: &Stage, moves: &[Move]) -> Result<()> {
    for (moved, Move { name, served, to }) in moves.iter().enumerate() {
        if let Err(error) = lead(aws, name, &history(*to, served)).await {
            return Err(put_back(aws, stage, &moves[..moved], error).await);
        }
        outln!("  {name}: version {to} is live (was {})", served[0]);
    }
    Ok(())
}

/// Reverts the moves in reverse order, so that producers are reverted before consumers.
async fn put_back(aws: &AwsClients, stage: &Stage, moved: &[Move], cause: Error) -> Error {
    let mut stuck = Vec::new();
    for moved in moved.iter().rev() {
        if lead(aws, &moved.name, &moved.served).await.is_err() && has_callers(stage, moved) {
            stuck.push(moved);
        }
    }
    if stuck.is_empty() {
        return cause.context("all aliases were reverted");
    }
    cause.context(anyhow!(not_reverted(stage, &stuck)))
}

/// Whether anything invokes the alias; a deploy invokes `migrate-database` by its version.
fn has_callers(stage: &Stage, moved: &Move) -> bool {
    let function = FUNCTIONS.iter().find(|function| stage.physical(function.name) == moved.name);
    function.is_none_or(|function| !matches!(function.trigger, Trigger::Release))
}

/// The aliases that still point at the new version, with a command for each.
fn not_reverted(stage: &Stage, stuck: &[&Move]) -> String {
    let names: Vec<&str> = stuck.iter().map(|moved| moved.name.as_str()).collect();
    let rollbacks = stuck.iter().filter_map(|Move { name, served, .. }| {
        let function = name.strip_prefix(&stage.physical(""))?;
        Some(format!("`{}`", stage.command(&format!("rollback {function} --to {}", served[0]))))
    });
    format!(
        "the aliases of {} could not be reverted and serve the new version; run {}",
        names.join(", "),
        rollbacks.collect::<Vec<_>>().join(", ")
    )
}

/// Points the alias at the first of `served`.
async fn lead(aws: &AwsClients, name: &str, served: &[u64]) -> Result<()> {
    let update = aws.lambda.update_alias().function_name(name).name(ALIAS).description(note(served));
    call(update.function_version(served[0].to_string()).send())
        .await
        .with_context(|| format!("moving the alias of {name}"))?;
    Ok(())
}

/// The version history when `live` serves; newer versions were rolled back.
fn history(live: u64, served: &[u64]) -> Vec<u64> {
    iter::once(live).chain(served.iter().copied().filter(|version| *version < live)).collect()
}

fn note(served: &[u64]) -> String {
    let versions: Vec<String> = served.iter().take(REMEMBERED).map(u64::to_string).collect();
    format!("{SERVED}{}", versions.join(" "))
}

/// An alias that no release has moved points at the first version.
fn noted(description: &str) -> Vec<u64> {
    let versions = description.strip_prefix(SERVED).unwrap_or("1");
    versions.split(' ').filter_map(|version| version.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_served_is_remembered_through_a_release_a_shipment_and_a_way_back() {
        assert_eq!(history(6, &noted("served: 5 3 2")), [6, 5, 3, 2]);
        // Somebody shipped 7 with cargo-lambda, which notes nothing.
        assert_eq!(history(7, &noted("served: 5 3 2")), [7, 5, 3, 2]);
        assert_eq!(history(3, &noted("served: 5 3 2")), [3, 2]);
        assert_eq!(noted(&note(&[6, 5, 3])), [6, 5, 3]);
    }

    #[test]
    fn an_alias_that_could_not_be_reverted_is_reported_with_the_command_that_does_it() {
        let stage = Stage::load("prod").unwrap();
        let moved = |function| Move { name: stage.physical(function), served: vec![5, 3], to: 6 };
        assert!(has_callers(&stage, &moved("show-book")) && !has_callers(&stage, &moved("migrate-database")));
        assert_eq!(
            not_reverted(&stage, &[&moved("show-book")]),
            "the aliases of anaquel-prod-show-book could not be reverted and serve the new version; run `cargo bookstore \
             rollback show-book --to 5 --stage prod`"
        );
    }

    #[test]
    fn an_alias_that_no_release_has_moved_began_with_the_first_version() {
        assert_eq!(history(1, &noted("")), [1]);
        assert_eq!(history(4, &noted("the 3 that Ana likes")), [4, 1]);
    }

    #[test]
    fn versions_that_no_alias_remembers_are_superseded_except_the_first_and_newer_ones() {
        let twenty: Vec<u64> = (1..=20).collect();
        let served: Vec<u64> = (2..=19).rev().collect();
        for (served, existing, expected) in [
            (&[19, 17, 16][..], &twenty[..], (2..=15).chain([18]).collect::<Vec<_>>()),
            (&served, &twenty, (2..=7).collect()),
            (&[1], &[1, 2], vec![]),
            (&[9], &[4, 6, 9], vec![6]),
            (&[3, 2], &[1, 2, 3, 4], vec![]),
            (&[3], &[], vec![]),
        ] {
            assert_eq!(superseded(served, existing), expected, "{served:?} of {existing:?}");
        }
    }

    #[test]
    fn a_long_history_has_room_in_a_description() {
        let served: Vec<u64> = (0..100).map(|n| 1_000_000_000 - n).collect();
        assert!(note(&served).len() <= 256);
    }
}
