//! One file for each subcommand: its arguments and what it prints.

pub mod accounts;
pub mod bench;
pub mod completions;
pub mod cost;
pub mod deploy;
pub mod destroy;
pub mod diagram;
pub mod diff;
pub mod drift;
pub mod drill;
pub mod files;
pub mod import;
pub mod load;
pub mod logs;
pub mod prepare;
pub mod redrive;
pub mod replay;
pub mod rollback;
pub mod scale;
pub mod sessions;
pub mod shop;
pub mod staff;
pub mod status;
pub mod synth;
pub mod test;
pub mod up;
