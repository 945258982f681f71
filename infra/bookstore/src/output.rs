//! Output and prompts. `outln!` ignores a closed pipe (`bookstore status | head -1`) and a terminal that went away, where
//! `println!` would panic: a command completes the change that it has begun.
//!
//! Every line passes `visible`, so that no text from outside (a visitor's, AWS's, a file's) can control the terminal.

use std::{
    borrow::Cow,
    fmt::Arguments,
    io::{self, ErrorKind, Write},
    sync::atomic::{AtomicBool, Ordering},
};

use anyhow::{Result, bail, ensure};
use comfy_table::{Table, presets::NOTHING};
use serde_json::{Value, json};
use shared::domain::words::is_ignorable;
use time::{OffsetDateTime, macros::format_description};

/// A line for people: on standard output, or on standard error when standard output is for JSON.
macro_rules! outln {
    ($($text:tt)*) => { $crate::output::line(format_args!($($text)*)) };
}

/// A line on standard error.
macro_rules! errln {
    ($($text:tt)*) => { $crate::output::error_line(format_args!($($text)*)) };
}

static READER_LEFT: AtomicBool = AtomicBool::new(false);
static STDOUT_IS_JSON: AtomicBool = AtomicBool::new(false);

/// The result of a command: text for people, JSON for programs.
#[derive(Debug, Default)]
pub struct Report {
    pub text: String,
    pub json: Value,
    /// What is wrong with what the command found; the command fails with it after it has printed the rest.
    pub problem: Option<String>,
}

impl Report {
    pub fn new(text: impl Into<String>, json: Value) -> Self {
        Self { text: text.into(), json, problem: None }
    }

    /// For commands that print their progress as text themselves.
    pub fn of(json: Value) -> Self {
        Self::new("", json)
    }

    pub fn with_problem(self, problem: Option<String>) -> Self {
        Self { problem, ..self }
    }
}

/// Keeps standard output for the JSON document of `print_json`.
pub fn reserve_stdout_for_json() {
    STDOUT_IS_JSON.store(true, Ordering::Relaxed);
}

/// Prints the report, with the error if there is one, and returns whether the command succeeded.
pub fn finish(command: &str, result: Result<Report>) -> bool {
    let (report, error) = match result {
        Ok(report) => {
            let problem = report.problem.clone();
            (report, problem)
        }
        Err(error) => (Report::default(), Some(format!("{error:#}"))),
    };
    if STDOUT_IS_JSON.load(Ordering::Relaxed) {
        print_json(&json!({ "command": command, "result": report.json, "error": error }));
    } else if !report.text.is_empty() {
        outln!("{}", report.text);
    }
    if let Some(error) = &error {
        errln!("bookstore: {error}");
    }
    error.is_none()
}

fn print_json(document: &Value) {
    // `Value` with an alternate format is indented.
    write_line(io::stdout(), &escaped_json(&format!("{document:#}")));
}

pub fn line(text: Arguments) {
    let text = text.to_string();
    if STDOUT_IS_JSON.load(Ordering::Relaxed) {
        write_line(io::stderr(), &visible(&text));
    } else {
        write_line(io::stdout(), &visible(&text));
    }
}

pub fn error_line(text: Arguments) {
    _ = writeln!(io::stderr(), "{}", visible(&text.to_string()));
}

fn write_line(mut stream: impl Write, text: &str) {
    if let Err(error) = writeln!(stream, "{text}") {
        let first = !READER_LEFT.swap(true, Ordering::Relaxed);
        if first && error.kind() != ErrorKind::BrokenPipe {
            errln!("bookstore: writing to standard output: {error}");
        }
    }
}

/// Whether standard output is closed, so that a command that follows logs may end.
pub fn reader_left() -> bool {
    READER_LEFT.load(Ordering::Relaxed)
}

/// Prompts on standard error; returns the trimmed answer, or `None` if standard input is closed.
pub fn ask(question: &str) -> Result<Option<String>> {
    _ = write!(io::stderr(), "{} ", visible(question));
    let mut answer = String::new();
    if io::stdin().read_line(&mut answer)? == 0 {
        errln!(""); // what follows begins a line of its own
        return Ok(None);
    }
    Ok(Some(answer.trim().to_owned()))
}

/// Asks for confirmation unless `--yes` was passed.
///
/// # Errors
/// The answer is not yes; the message begins with `nothing_done`.
pub fn confirm(question: &str, yes: bool, nothing_done: &str) -> Result<()> {
    if yes {
        return Ok(());
    }
    match ask(&format!("{question} [y/N]"))? {
        Some(answer) => ensure!(is_yes(&answer), "{nothing_done}: the answer was not `y` or `yes`"),
        None => bail!("{nothing_done}: standard input is closed, so nobody can confirm; use --yes to confirm"),
    }
    Ok(())
}

fn is_yes(answer: &str) -> bool {
    ["y", "yes"].contains(&answer.to_lowercase().as_str())
}

/// A number with its noun: `1 review`, `3 reviews`.
pub fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

pub fn minute(at: OffsetDateTime) -> String {
    at.format(format_description!("[year]-[month]-[day] [hour]:[minute] UTC")).unwrap_or_default()
}

/// A table without borders; its cells are `plain`.
pub fn table<Row>(header: &[&str], rows: impl IntoIterator<Item = Row>) -> Table
where
    Row: IntoIterator,
    Row::Item: AsRef<str>,
{
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(header.to_vec());
    for row in rows {
        table.add_row(row.into_iter().map(|cell| plain(cell.as_ref())));
    }
    table
}

/// One line of text from outside: all characters that are not visible are escaped, line breaks too.
pub fn plain(text: &str) -> String {
    escaped(text, is_hidden, |c| c.escape_default().to_string()).into_owned()
}

/// Lines of text: as `plain`, except for line breaks and tabs.
fn visible(text: &str) -> Cow<'_, str> {
    escaped(text, |c| is_hidden(c) && !matches!(c, '\n' | '\t'), |c| c.escape_default().to_string())
}

/// JSON permits characters that control a terminal, except those below U+0020; in a string they can all be escaped.
pub fn escaped_json(document: &str) -> String {
    let units = |c: char| {
        let units = c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect::<Vec<_>>();
        units.concat()
    };
    escaped(document, |c| is_hidden(c) && !c.is_ascii_whitespace(), units).into_owned()
}

fn escaped(text: &str, hidden: impl Fn(char) -> bool, escape: impl Fn(char) -> String) -> Cow<'_, str> {
    if !text.contains(&hidden) {
        return text.into();
    }
    text.chars().map(|c| if hidden(c) { escape(c) } else { c.to_string() }).collect()
}

/// Characters that a reader does not see and a terminal may obey: controls, marks of direction (bidi), characters without
/// width, separators of lines and annotations, and fillers.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || is_ignorable(c)
        || matches!(c,
            '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{2028}' | '\u{2029}' | '\u{3164}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}')
}

#[cfg(test)]
mod tests {
    use super::*;

    const HIDDEN: [(&str, &str); 9] = [
        ("a\u{1b}[2Jb", "a\\u{1b}[2Jb"),
        ("a\u{9b}2Jb", "a\\u{9b}2Jb"),
        ("\r\u{8}\u{7f}", "\\r\\u{8}\\u{7f}"),
        ("ana\u{202e}@example.org", "ana\\u{202e}@example.org"),
        ("\u{2066}a\u{2069}\u{61c}\u{200f}", "\\u{2066}a\\u{2069}\\u{61c}\\u{200f}"),
        ("gar\u{ad}c\u{200b}ia\u{feff}", "gar\\u{ad}c\\u{200b}ia\\u{feff}"),
        ("\u{e0041}\u{fe0f}", "\\u{e0041}\\u{fe0f}"),
        ("a\u{2028}b\u{2029}", "a\\u{2028}b\\u{2029}"),
        ("\u{3164}\u{fff9}", "\\u{3164}\\u{fff9}"),
    ];

    #[test]
    fn characters_that_nobody_sees_are_escaped_in_text() {
        for (text, expected) in HIDDEN {
            assert_eq!(plain(text), expected);
            assert_eq!(visible(text), expected);
        }
        assert_eq!(plain("a\nb\tc"), "a\\nb\\tc");
        for seen in ["Ana María «¿Qué?»", "日本語\u{3000}مرحبا", "e\u{301} 😀 \u{a0}€"] {
            assert_eq!((plain(seen).as_str(), visible(seen).as_ref()), (seen, seen));
        }
        assert_eq!(visible("a\nb\tc"), "a\nb\tc");
    }

    #[test]
    fn characters_that_nobody_sees_are_escaped_in_json_which_stays_the_same_document() {
        for (text, _) in HIDDEN {
            let document = json!({ "text": text, text: [1, "a\nb"] });
            let printed = escaped_json(&format!("{document:#}"));
            assert!(!printed.chars().any(|c| is_hidden(c) && c != '\n'), "{printed:?}");
            assert_eq!(serde_json::from_str::<Value>(&printed).unwrap(), document);
        }
    }

    #[test]
    fn cells_of_a_table_stay_on_their_line() {
        let table = table(&["name"], [["a\nb\u{1b}[2J"]]).to_string();
        assert_eq!(table.lines().count(), 2, "{table}");
        assert!(table.contains("a\\nb\\u{1b}[2J"), "{table}");
    }

    #[test]
    fn a_noun_has_its_plural() {
        assert_eq!([0, 1, 2].map(|count| counted(count, "rating")), ["0 ratings", "1 rating", "2 ratings"]);
    }

    #[test]
    fn only_a_yes_confirms() {
        for (answer, yes) in [("y", true), ("Y", true), ("YES", true), ("", false), ("n", false), ("yep", false)] {
            assert_eq!(is_yes(answer), yes, "{answer}");
        }
    }
}
