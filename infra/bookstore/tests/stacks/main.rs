//! The stacks as our own deploy makes them on emulators, and the command as its documents describe it.

mod change_sets;
mod database_changes;
mod documents;
mod emulators;
mod https;
mod presigned_forms;
mod reachability;
mod responses;
mod strict_emulator;
#[path = "../../../tests/stacks/support.rs"]
mod support;
mod user_pools;
