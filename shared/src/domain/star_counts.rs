//! How many visitors gave a book one to five stars, and the mean that follows.

use schemars::JsonSchema;
use serde::Serialize;

use super::{PRIOR_MEAN, PRIOR_WEIGHT};

/// How many gave one, two, … five stars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Histogram(pub [u32; 5]);

impl Histogram {
    pub fn count(self) -> u64 {
        self.0.into_iter().map(u64::from).sum()
    }

    /// Bayesian mean in millionths of a star: as if `PRIOR_WEIGHT` visitors had given `PRIOR_MEAN` beforehand, so
    /// that one enthusiast does not outrank a thousand contented readers. It is what `sort=rating` orders by.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "1 to 5 million"
    )]
    pub fn score(self) -> u32 {
        let sum: u64 = (1..).zip(self.0).map(|(stars, count)| stars * u64::from(count)).sum();
        let mean = (PRIOR_WEIGHT * PRIOR_MEAN + sum as f64) / (PRIOR_WEIGHT + self.count() as f64);
        (mean * 1e6).round() as u32
    }

    /// From pairs of stars (1 to 5) and how many gave them; a missing pair counts nothing.
    pub fn of_pairs(pairs: Option<Vec<(usize, u32)>>) -> Self {
        let mut histogram = Self::default();
        for (stars, count) in pairs.unwrap_or_default() {
            if let Some(slot) = stars.checked_sub(1).and_then(|index| histogram.0.get_mut(index)) {
                *slot = count;
            }
        }
        histogram
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_enthusiast_does_not_outrank_a_thousand_contented_readers() {
        assert_eq!(Histogram::default().score(), 3_500_000);
        assert_eq!(Histogram([0, 0, 0, 0, 1]).score(), 3_557_692);
        assert!(Histogram([0, 0, 0, 1_000, 0]).score() > Histogram([0, 0, 0, 0, 1]).score());
        assert_eq!(Histogram([0, 0, 0, 0, u32::MAX]).score(), 5_000_000);
    }

    #[test]
    fn pairs_fill_their_places_and_impossible_stars_are_ignored() {
        assert_eq!(Histogram::of_pairs(Some(vec![(5, 2), (1, 7), (0, 9), (6, 9)])), Histogram([7, 0, 0, 0, 2]));
        assert_eq!(Histogram::of_pairs(None), Histogram::default());
    }
}
