//! Statistics of measurements.

use std::time::Duration;

use serde::Serialize;

/// Median and 99th percentile, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Figures {
    pub median: f64,
    pub p99: f64,
}

impl Figures {
    /// Statistics of at least one measurement.
    pub fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self { median: milliseconds(percentile(&times, 50)), p99: milliseconds(percentile(&times, 99)) }
    }
}

/// Median in milliseconds.
pub fn median(times: Vec<Duration>) -> f64 {
    Figures::of(times).median
}

/// The duration in milliseconds.
pub fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// Nearest-rank percentile: the smallest measurement that at least `percent` % of all do not exceed.
fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(milliseconds: impl Iterator<Item = u64>) -> Vec<Duration> {
        milliseconds.map(Duration::from_millis).collect()
    }

    #[test]
    fn half_do_not_exceed_the_median_and_one_in_a_hundred_exceeds_the_99th_percentile() {
        assert_eq!(Figures::of(times((1..=1_000).rev())), Figures { median: 500.0, p99: 990.0 });
    }

    #[test]
    fn the_99th_percentile_of_few_measurements_is_the_slowest() {
        assert_eq!(Figures::of(times([3, 1, 2].into_iter())), Figures { median: 2.0, p99: 3.0 });
        assert_eq!(Figures::of(times([7].into_iter())), Figures { median: 7.0, p99: 7.0 });
    }
}
