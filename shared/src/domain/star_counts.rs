//! How many readers gave a book one to five stars, and the means that follow.

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

    /// Plain mean in stars, 1.0 to 5.0; none without a rating. It is what people and search engines are shown.
    #[expect(clippy::cast_precision_loss, reason = "sums stay far below 2^52")]
    pub fn mean(self) -> Option<f64> {
        (self.count() > 0).then(|| self.sum() as f64 / self.count() as f64)
    }

    /// All stars together.
    fn sum(self) -> u64 {
        (1..).zip(self.0).map(|(stars, count)| stars * u64::from(count)).sum()
    }

    /// Bayesian mean in millionths of a star: as if `PRIOR_WEIGHT` visitors had given `PRIOR_MEAN` beforehand, so
    /// that one enthusiast does not outrank a thousand contented readers. `sort=rating` and `min_rating` use it, and nobody
    /// is shown it.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "1 to 5 million"
    )]
    pub fn score(self) -> u32 {
        let mean = (PRIOR_WEIGHT * PRIOR_MEAN + self.sum() as f64) / (PRIOR_WEIGHT + self.count() as f64);
        (mean * 1e6).round() as u32
    }

    /// The rest, where a part of it is another histogram.
    #[must_use]
    pub fn without(self, part: Self) -> Self {
        let mut rest = self;
        for (count, part) in rest.0.iter_mut().zip(part.0) {
            *count = count.saturating_sub(part);
        }
        rest
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

/// The plain mean of so many ratings with this [`Histogram::score`], rounded to 0.0001 stars; none without a rating.
/// Lists read score and count of a book, and not its histogram. The sum of the stars is a whole number, so it follows from
/// the rounded score; from a million ratings on, the error of the mean stays below 0.000001.
pub fn mean_of_score(score: u32, count: u32) -> Option<f64> {
    let count = (count > 0).then(|| f64::from(count))?;
    let sum = (f64::from(score) / 1e6 * (PRIOR_WEIGHT + count) - PRIOR_WEIGHT * PRIOR_MEAN).round();
    Some((sum / count * 1e4).round() / 1e4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_without_a_part_is_the_rest_and_never_below_zero() {
        assert_eq!(Histogram([5, 4, 3, 2, 1]).without(Histogram([1, 4, 9, 0, 0])), Histogram([4, 0, 0, 2, 1]));
    }

    #[test]
    fn the_mean_that_is_shown_is_the_plain_one() {
        for (stars, mean) in [
            ([0, 0, 0, 0, 0], None),
            ([0, 0, 0, 1, 0], Some(4.0)),
            ([1, 0, 0, 0, 0], Some(1.0)),
            ([0, 0, 0, 0, 1], Some(5.0)),
            ([1, 0, 0, 0, 1], Some(3.0)),
            ([1, 1, 0, 0, 1], Some(2.6667)),
            ([0, 0, 0, 1_000_000, 1_000_000], Some(4.5)),
            ([66_715, 127_936, 560_092, 1_481_305, 2_706_317], Some(4.342)),
            ([0, 0, 0, 0, u32::MAX], Some(5.0)),
        ] {
            let histogram = Histogram(stars);
            let rounded = histogram.mean().map(|mean| (mean * 1e4).round() / 1e4);
            assert_eq!(rounded, mean, "{stars:?}");
            let count = u32::try_from(histogram.count()).unwrap();
            assert_eq!(mean_of_score(histogram.score(), count), mean, "{stars:?} from its score");
        }
    }

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
