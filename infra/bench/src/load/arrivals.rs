//! Arrivals of an open model: requests come at random times, whether or not earlier ones were answered. Their latency counts
//! from the intended start, so that a target that stalls is seen in all requests that came meanwhile.
//! <https://www.usenix.org/legacy/event/nsdi06/tech/full_papers/schroeder/schroeder.pdf>

use std::{
    thread,
    time::{Duration, Instant},
};

use rand::{Rng, rngs::StdRng};

/// Random times with exponential gaps: a Poisson process.
pub struct Arrivals {
    next: Instant,
    /// Requests per second.
    rate: f64,
}

impl Arrivals {
    pub fn from(start: Instant, rate: f64) -> Self {
        Self { next: start, rate }
    }

    /// The time of the next arrival.
    pub fn next(&mut self, random: &mut StdRng) -> Instant {
        let gap = -(1.0 - random.random::<f64>()).ln() / self.rate;
        self.next += Duration::from_secs_f64(gap);
        self.next
    }
}

/// Waits until then, and returns how much later it is.
pub fn wait_until(intended: Instant) -> Duration {
    let now = Instant::now();
    if intended > now {
        thread::sleep(intended - now);
    }
    intended.elapsed()
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn as_many_arrive_as_the_rate_says_and_in_irregular_gaps() {
        let (start, mut random) = (Instant::now(), StdRng::seed_from_u64(1));
        let mut arrivals = Arrivals::from(start, 100.0);
        let times: Vec<Instant> = (0..10_000).map(|_| arrivals.next(&mut random)).collect();
        let took = (times[9_999] - start).as_secs_f64();
        assert!((95.0..105.0).contains(&took), "{took}");
        let gaps = times.windows(2).map(|pair| (pair[1] - pair[0]).as_secs_f64());
        let short = gaps.filter(|gap| *gap < 0.01).count();
        assert!((6_100..6_550).contains(&short), "63 % of the gaps are below the mean: {short}");
    }
}
