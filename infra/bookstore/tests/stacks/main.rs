//! The stacks as our own deploy makes them on emulators, and the command as its documents describe it.

mod change_sets;
mod database_changes;
mod documents;
mod emulators;
mod https;
mod reachability;
mod responses;
#[path = "../../../tests/stacks/support.rs"]
mod support;
mod user_pools;
