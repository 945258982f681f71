//! The CPU time of this machine, of the database and of the load test itself, from `/proc`.

use std::{fs, process, time::Duration};

use anyhow::{Context, Result};

use super::outcome::CpuTimes;

/// Milliseconds of a tick: Linux counts the CPU time of `/proc` in hundredths of a second on all its platforms.
/// <https://docs.kernel.org/filesystems/proc.html>
const TICK: u64 = 10;

/// CPU times so far. `database` is the process id of the server, if it runs here.
pub fn cpu_times(database: Option<u32>) -> Result<CpuTimes> {
    let stat = fs::read_to_string("/proc/stat").context("reading /proc/stat")?;
    let (total, busy) = of_machine(&stat).context("/proc/stat has an unknown form")?;
    let of = |pid: u32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        of_process(&stat).unwrap_or_default()
    };
    Ok(CpuTimes { total, busy, database: database.map(of).unwrap_or_default(), generator: of(process::id()) })
}

fn ticked(ticks: u64) -> Duration {
    Duration::from_millis(ticks * TICK)
}

/// All time, and the time that is neither idle nor waits for a disk. Time in guests is part of user time.
fn of_machine(stat: &str) -> Option<(Duration, Duration)> {
    let ticks: Vec<u64> =
        stat.lines().next()?.split_whitespace().skip(1).take(8).map(str::parse).collect::<Result<_, _>>().ok()?;
    let (idle, waiting) = (*ticks.get(3)?, *ticks.get(4)?);
    let total: u64 = ticks.iter().sum();
    Some((ticked(total), ticked(total - idle - waiting)))
}

/// User and system time. The name of a process may contain spaces and parentheses.
fn of_process(stat: &str) -> Option<Duration> {
    let (_, fields) = stat.rsplit_once(')')?;
    let ticks: Vec<u64> = fields.split_whitespace().skip(11).take(2).filter_map(|field| field.parse().ok()).collect();
    Some(ticked(ticks.iter().sum()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn busy_time_is_all_but_idle_time_and_waits_for_the_disk() {
        let stat = "cpu  100 5 50 800 40 1 4 0 0 0\ncpu0 1 2 3 4 5 6 7 8 9 10\n";
        assert_eq!(of_machine(stat), Some((Duration::from_secs(10), Duration::from_millis(1_600))));
        assert_eq!(of_machine("intr 1"), None);
    }

    #[test]
    fn the_time_of_a_process_is_read_behind_its_name() {
        let stat = "123 (a (b) c) S 1 1 1 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 5 0 100 1 1";
        assert_eq!(of_process(stat), Some(Duration::from_secs(3)));
    }

    #[test]
    fn this_process_has_used_time_of_this_machine() {
        let times = cpu_times(None).unwrap();
        assert!(
            times.total > times.busy && times.busy >= times.generator && times.database == Duration::ZERO,
            "{times:?}"
        );
    }
}
