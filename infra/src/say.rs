//! What the command tells and asks. `say!` ends it quietly when nobody reads any more (`bookstore logs | head`), where
//! `println!` would panic. Dying of SIGPIPE instead would also let a broken connection to AWS end a deploy.

use std::{
    fmt::Arguments,
    io::{self, ErrorKind, Write},
    process,
};

use anyhow::Result;

macro_rules! say {
    ($($text:tt)*) => { $crate::say::line(format_args!($($text)*)) };
}

/// What a shell reports of a program that SIGPIPE has ended.
const NOBODY_READS: i32 = 141;

pub fn line(text: Arguments) {
    if let Err(error) = writeln!(io::stdout(), "{text}") {
        if error.kind() != ErrorKind::BrokenPipe {
            eprintln!("bookstore: writing to standard output: {error}");
        }
        process::exit(NOBODY_READS);
    }
}

/// Asks on the terminal; the answer is empty where nobody can answer.
pub fn ask(question: &str) -> Result<String> {
    eprint!("{question} ");
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(answer.trim().to_owned())
}
