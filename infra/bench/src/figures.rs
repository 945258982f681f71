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

/// Durations of one piece of work each.
#[derive(Debug, Clone, Default)]
pub struct Times(Vec<Duration>);

impl Times {
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds the time of so many pieces together.
    pub fn add(&mut self, took: Duration, pieces: usize) {
        self.0.push(took / u32::try_from(pieces).unwrap_or(u32::MAX));
    }

    /// Pieces of work in a second, by the time of all together.
    #[expect(clippy::cast_precision_loss, reason = "shown without decimals")]
    pub fn per_second(&self) -> f64 {
        let total: Duration = self.0.iter().sum();
        self.0.len() as f64 / total.as_secs_f64().max(f64::EPSILON)
    }

    pub fn figures(self) -> Figures {
        Figures::of(self.0)
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
pub fn percentile(sorted: &[Duration], percent: usize) -> Duration {
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
    fn the_speed_is_that_of_all_pieces_together() {
        let mut times = Times::new();
        times.add(Duration::from_millis(100), 10);
        times.add(Duration::from_millis(300), 10);
        assert!((times.per_second() - 50.0).abs() < 1e-9);
        assert_eq!(times.figures(), Figures { median: 10.0, p99: 30.0 });
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
