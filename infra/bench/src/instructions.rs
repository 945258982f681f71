//! Instructions of a request, counted by valgrind: unlike times, they are nearly the same on every run and on a busy machine.
//!
//! Two processes serve the requests of a case, one of them more often; the difference is that of the further requests, without
//! the start. Valgrind offers no hardware instructions for SHA, so signatures count more than they cost.

use std::{fs, process::Command};

use anyhow::{Context, Result, ensure};
use serde::Serialize;
use tempfile::NamedTempFile;

use crate::{
    BenchPlan, MeasuredFunction, Parameters,
    cases::{self, Case},
    host::{Host, Objects, Transport},
    measure::invoke,
    process::FunctionProcess,
    table,
};

/// Requests of the two processes.
const FEW: u64 = 50;
const MANY: u64 = 250;

/// Instructions of one case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Instructions {
    pub function: String,
    pub request: &'static str,
    /// Of one request.
    pub count: u64,
}

/// Counts the instructions of all cases of the plan's functions.
///
/// # Errors
/// valgrind is missing, or a function returns another status than expected.
pub async fn count(plan: &BenchPlan) -> Result<Vec<Instructions>> {
    let mut counts = vec![of_case(&plan.hello, &plan.parameters, &cases::hello())?];
    for function in &plan.functions {
        eprintln!("Counting the instructions of {} …", function.name);
        for case in cases::named(&function.name, &plan.parameters).await? {
            counts.push(of_case(function, &plan.parameters, &case).with_context(|| function.name.clone())?);
        }
    }
    Ok(counts)
}

pub fn print(counts: &[Instructions]) -> String {
    let mut table = table::table(&["", "", "instructions, M"]);
    for Instructions { function, request, count } in counts {
        #[expect(clippy::cast_precision_loss, reason = "shown with three decimals")]
        table.add_row([function.clone(), (*request).to_owned(), format!("{:.3}", *count as f64 / 1e6)]);
    }
    format!("{table}\n\nOf one request, in millions, counted by valgrind, which offers no instructions for SHA.")
}

fn of_case(function: &MeasuredFunction, parameters: &Parameters, case: &Case) -> Result<Instructions> {
    let [few, many] = [FEW, MANY].map(|requests| of_requests(function, parameters, case, requests));
    let count = many?.checked_sub(few?).context("more requests took fewer instructions")? / (MANY - FEW);
    Ok(Instructions { function: function.name.clone(), request: case.request, count })
}

/// Instructions of a process with so many requests, from its start to its end.
fn of_requests(function: &MeasuredFunction, parameters: &Parameters, case: &Case, requests: u64) -> Result<u64> {
    let log = NamedTempFile::new().context("making a file for the output of valgrind")?;
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]);
    valgrind.arg(format!("--log-file={}", log.path().display())).arg(&function.binary);
    // Without TLS, whose handshake is part of the start alone.
    let host = Host::start_with(parameters.clone(), None, Objects::default(), Transport::Plain)?;
    let mut process = FunctionProcess::start_command(host, function, valgrind)?;
    for _ in 0..requests {
        invoke(&process, case)?;
    }
    process.terminate()?;
    let log = fs::read_to_string(log.path())?;
    counted(&log).with_context(|| format!("valgrind has not counted: {log}"))
}

/// The number after `I refs:`, whose digits are in groups.
fn counted(log: &str) -> Result<u64> {
    let refs = log.lines().find_map(|line| line.split_once("refs:")).context("no count")?.1;
    let digits: String = refs.chars().filter(char::is_ascii_digit).collect();
    ensure!(!digits.is_empty(), "no count");
    Ok(digits.parse()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_read_from_the_output_of_valgrind() {
        let log = "==7== Process terminating with default action of signal 15 (SIGTERM)\n==7==\n==7== I   refs:      12,345,678\n";
        assert_eq!(counted(log).unwrap(), 12_345_678);
        assert!(counted("==7== Memcheck").is_err());
    }
}
