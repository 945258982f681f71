//! Output and prompts. `outln!` ignores a closed pipe (`bookstore status | head -1`), where `println!` would panic: a command
//! completes the change that it has begun.

use std::{
    fmt::Arguments,
    io::{self, ErrorKind, Write},
    sync::atomic::{AtomicBool, Ordering},
};

use anyhow::Result;
use time::{OffsetDateTime, macros::format_description};

macro_rules! outln {
    ($($text:tt)*) => { $crate::output::line(format_args!($($text)*)) };
}

static READER_LEFT: AtomicBool = AtomicBool::new(false);

pub fn line(text: Arguments) {
    if let Err(error) = writeln!(io::stdout(), "{text}") {
        let first = !READER_LEFT.swap(true, Ordering::Relaxed);
        if first && error.kind() != ErrorKind::BrokenPipe {
            eprintln!("bookstore: writing to standard output: {error}");
        }
    }
}

/// Whether standard output is closed, so that a command that follows logs may end.
pub fn reader_left() -> bool {
    READER_LEFT.load(Ordering::Relaxed)
}

/// Prompts on the terminal; returns the trimmed answer, empty without a terminal.
pub fn ask(question: &str) -> Result<String> {
    eprint!("{question} ");
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(answer.trim().to_owned())
}

/// Prompts for yes or no; no without a terminal.
pub fn confirmed(question: &str) -> Result<bool> {
    Ok(matches!(ask(&format!("{question} [y/N]"))?.as_str(), "y" | "Y" | "yes"))
}

pub fn minute(at: OffsetDateTime) -> String {
    at.format(format_description!("[year]-[month]-[day] [hour]:[minute] UTC")).unwrap_or_default()
}

/// Escapes control characters, so that visitors' text cannot control the terminal.
pub fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { c.escape_default().to_string() } else { c.to_string() }).collect()
}
