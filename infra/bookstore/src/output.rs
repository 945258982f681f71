//! What the command tells and asks. `outln!` goes on quietly when nobody reads any more (`bookstore status | head -1`),
//! where `println!` would panic: what a command has begun to change it brings to its end.

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

/// Whether a command that only shows things, and would go on for ever, may end.
pub fn reader_left() -> bool {
    READER_LEFT.load(Ordering::Relaxed)
}

/// Asks on the terminal; the answer is empty where nobody can answer.
pub fn ask(question: &str) -> Result<String> {
    eprint!("{question} ");
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(answer.trim().to_owned())
}

/// Asks whether to do it; where nobody can answer, the answer is no.
pub fn confirmed(question: &str) -> Result<bool> {
    Ok(matches!(ask(&format!("{question} [y/N]"))?.as_str(), "y" | "Y" | "yes"))
}

pub fn minute(at: OffsetDateTime) -> String {
    at.format(format_description!("[year]-[month]-[day] [hour]:[minute] UTC")).unwrap_or_default()
}

/// What visitors wrote cannot steer the terminal: control characters are shown, not sent.
pub fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { c.escape_default().to_string() } else { c.to_string() }).collect()
}
