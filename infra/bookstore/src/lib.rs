//! The `bookstore` command: deploys and runs the shop, on AWS and on this machine.

#![warn(clippy::print_stdout, reason = "it panics when the reader has closed the pipe: use `outln!`")]

#[macro_use]
mod output;

pub mod aws;
pub mod cli;
mod commands;
pub mod deploy;
mod local;
mod random;
