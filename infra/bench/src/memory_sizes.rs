//! Times of requests with the processor share that Lambda gives each memory size: a function of 1,769 MB has one whole processor,
//! a smaller one its part of it. <https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html>
//!
//! The share is a quota of a control group, so that a request which needs more than its part of a period waits for the next.
//! AWS documents no period; the one here is an assumption. Requests come one at a time, after a pause of more than a period:
//! a request of a shopper finds an environment that has rested.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{self, Command},
    thread,
    time::Duration,
};

use anyhow::{Context, Result};
use serde::Serialize;

use crate::{
    BenchPlan, MeasuredFunction, Parameters,
    cases::{self, Case},
    figures::{Figures, median},
    host::{Host, Objects, Transport},
    measure::invoke,
    process::FunctionProcess,
    table,
};

/// Memory sizes in MB, the last of them with a whole processor.
pub const SIZES: [u16; 5] = [128, 256, 512, 1_024, WHOLE_PROCESSOR];
const WHOLE_PROCESSOR: u16 = 1_769;
const PERIOD: Duration = Duration::from_millis(20);
const PAUSE: Duration = Duration::from_millis(25);
const STARTS: usize = 5;
const CALLS: usize = 150;
/// Where Linux has control groups: in version 2 all in one folder, in version 1 those of the processor in their own.
const CONTROL_GROUPS: &str = "/sys/fs/cgroup";

/// Times of one case with each of `SIZES`, in milliseconds.
#[derive(Debug, Clone, Serialize)]
pub struct OfSizes {
    pub function: String,
    pub request: &'static str,
    pub sizes: Vec<OfSize>,
}

#[derive(Debug, Clone, Serialize)]
pub struct OfSize {
    pub memory_mb: u16,
    /// Median of cold starts.
    pub start: f64,
    pub times: Figures,
}

/// Measures all cases of the plan's functions.
///
/// # Errors
/// The user may not make control groups, or a function returns another status than expected.
pub async fn measure(plan: &BenchPlan) -> Result<Vec<OfSizes>> {
    let mut measured = Vec::new();
    for function in &plan.functions {
        eprintln!("Measuring {} with {} memory sizes …", function.name, SIZES.len());
        for case in cases::named(&function.name, &plan.parameters).await? {
            let of_size = |size| of_size(size, function, &plan.parameters, &case);
            let sizes = SIZES.into_iter().map(of_size).collect::<Result<_>>();
            let sizes = sizes.with_context(|| format!("{}, {}", function.name, case.request))?;
            measured.push(OfSizes { function: function.name.clone(), request: case.request, sizes });
        }
    }
    Ok(measured)
}

pub fn print(measured: &[OfSizes]) -> String {
    let mut table = table::table(&["", "", "memory", "start", "median", "p99", "p99 / median"]);
    for OfSizes { function, request, sizes } in measured {
        for OfSize { memory_mb, start, times } in sizes {
            table.add_row([
                function.clone(),
                (*request).to_owned(),
                format!("{memory_mb} MB"),
                format!("{start:.1}"),
                format!("{:.2}", times.median),
                format!("{:.2}", times.p99),
                format!("{:.1}", times.p99 / times.median),
            ]);
        }
    }
    format!(
        "{table}\n\nTimes in milliseconds, of requests with pauses. A function has its part of {WHOLE_PROCESSOR} MB as the part of a processor, in \
         periods of {} ms.",
        PERIOD.as_millis()
    )
}

fn of_size(memory_mb: u16, function: &MeasuredFunction, parameters: &Parameters, case: &Case) -> Result<OfSize> {
    let group = ControlGroup::new(memory_mb)?;
    let start = || {
        let host = Host::start_with(parameters.clone(), None, Objects::default(), Transport::Tls)?;
        FunctionProcess::start_command(host, function, group.command(&function.binary))
    };
    let mut starts = Vec::new();
    for _ in 0..STARTS {
        starts.push(start()?.cold_start);
        thread::sleep(PAUSE);
    }
    let process = start()?;
    let mut times = Vec::new();
    for call in 0..=CALLS {
        thread::sleep(PAUSE);
        let took = invoke(&process, case)?;
        // The first one is the end of the start.
        if call > 0 {
            times.push(took);
        }
    }
    Ok(OfSize { memory_mb, start: median(starts), times: Figures::of(times) })
}

/// A control group with a quota of the processor; removed on drop.
struct ControlGroup(PathBuf);

impl ControlGroup {
    fn new(memory_mb: u16) -> Result<Self> {
        let root = Path::new(CONTROL_GROUPS);
        let is_unified = root.join("cgroup.controllers").exists();
        let parent = if is_unified { root.to_owned() } else { root.join("cpu") };
        let group = Self(parent.join(format!("anaquel-bench-{}-{memory_mb}", process::id())));
        let made = fs::create_dir(&group.0);
        made.with_context(|| format!("making the control group {}: run the benchmark as root", group.0.display()))?;
        let period = PERIOD.as_micros();
        let quota = period * u128::from(memory_mb) / u128::from(WHOLE_PROCESSOR);
        if is_unified {
            group.write("cpu.max", &format!("{quota} {period}"))?;
        } else {
            group.write("cpu.cfs_period_us", &period.to_string())?;
            group.write("cpu.cfs_quota_us", &quota.to_string())?;
        }
        Ok(group)
    }

    fn write(&self, file: &str, value: &str) -> Result<()> {
        let file = self.0.join(file);
        fs::write(&file, value).with_context(|| format!("writing {value} to {}", file.display()))
    }

    /// A command that enters the group before it runs the program.
    fn command(&self, program: &Path) -> Command {
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", "echo $$ > \"$1\" && exec \"$2\"", "sh"]).arg(self.0.join("cgroup.procs")).arg(program);
        shell
    }
}

impl Drop for ControlGroup {
    fn drop(&mut self) {
        // The kernel needs a moment after the end of its last process.
        for _ in 0..50 {
            if fs::remove_dir(&self.0).is_ok() {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
        eprintln!("  the control group {} is left", self.0.display());
    }
}
