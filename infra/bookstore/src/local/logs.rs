//! Log files of started programs, whose last lines are part of error messages.

use std::{
    fs::{self, File, OpenOptions},
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};

const LINES_SHOWN: usize = 8;
const ERRORS_SHOWN: usize = 3;

/// Runs `command` with its output in `log`.
///
/// # Errors
/// The command failed; the message has the last lines of the log.
pub fn run(command: &mut Command, input: Stdio, log: &Path) -> Result<()> {
    let output =
        OpenOptions::new().create(true).append(true).open(log).with_context(|| format!("opening {}", log.display()))?;
    let program = command.get_program().display().to_string();
    let status = command
        .stdin(input)
        .stdout(output.try_clone()?)
        .stderr(output)
        .status()
        .with_context(|| format!("running {program}"))?;
    if !status.success() {
        bail!("{program} failed ({status}); {}", end_of(log));
    }
    Ok(())
}

/// Creates an empty log file; the previous one is kept beside it.
pub fn begin(log: &Path) -> Result<File> {
    let _ = fs::rename(log, log.with_extension("log.old"));
    File::create(log).with_context(|| format!("creating {}", log.display()))
}

/// The last lines of `log` under its name, for the end of an error message; an error line further up is repeated.
pub fn end_of(log: &Path) -> String {
    let content = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&content);
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let (before, last) = lines.split_at(lines.len().saturating_sub(LINES_SHOWN));
    let mut shown: Vec<&str> = Vec::new();
    if !last.iter().any(is_error) {
        shown.extend(before.iter().rev().filter(|line| is_error(line)).take(ERRORS_SHOWN));
        shown.reverse();
    }
    shown.extend(last);
    format!("{} ends with:\n  {}", log.display(), shown.join("\n  "))
}

fn is_error(line: &&str) -> bool {
    line.to_ascii_lowercase().contains("error")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::scratch::Scratch;

    #[test]
    fn a_failed_command_shows_its_last_lines_and_where_the_rest_is() {
        let scratch = Scratch::new();
        let log = scratch.home.log("installer").unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "for i in 1 2 3 4 5 6 7 8 9; do echo line $i; done; exit 3"]);
        let failure = run(&mut command, Stdio::null(), &log).unwrap_err().to_string();
        assert!(failure.contains("exit status: 3"), "{failure}");
        assert!(failure.contains(log.to_str().unwrap()), "{failure}");
        assert!(failure.ends_with("line 9") && !failure.contains("line 1\n"), "{failure}");
    }

    #[test]
    fn an_error_far_from_the_end_is_shown_too() {
        let scratch = Scratch::new();
        let log = scratch.home.log("installer").unwrap();
        let advice = "please read the manual\n".repeat(20);
        fs::write(&log, format!("starting\nERROR 1051: unknown table\n{advice}")).unwrap();
        let end = end_of(&log);
        assert!(end.contains("ERROR 1051") && !end.contains("starting"), "{end}");
    }
}
