//! The `bookstore` command: deploys and runs the shop, on AWS and on this machine.

#![warn(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "they panic when the pipe or terminal is closed: use `outln!` or `errln!`"
)]

#[macro_use]
mod output;

mod arguments;
pub mod aws;
mod cargo;
pub mod cli;
mod commands;
pub mod deploy;
pub mod image;
mod local;
mod random;
