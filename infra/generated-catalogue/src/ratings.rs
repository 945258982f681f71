//! Popularity and star counts.

use crate::random::Random;

/// The largest number of ratings.
const MOST: f64 = 3_000_000.0;
/// Books with more ratings are counted by shares, because a draw for each rating would take too long.
const DRAWN: u32 = 40;
/// The prior of the shop's Bayesian mean: so many visitors gave so many stars.
const PRIOR: (f64, f64) = (25.0, 3.5);

/// How many gave one, two, … five stars: a long tail of books with 0 to 3 ratings, and a few with a million.
pub fn stars(index: u32, random: &mut Random) -> [u32; 5] {
    let count = bestseller(index).unwrap_or_else(|| count(random));
    // The mean of two draws, so that very good and very bad books are rare.
    let quality = 0.55 + 0.44 * f64::midpoint(random.unit(), random.unit());
    if count > DRAWN { by_shares(count, quality) } else { drawn(count, quality, random) }
}

/// The number of ratings of twenty books, so that a small catalogue has bestsellers as well.
fn bestseller(index: u32) -> Option<u32> {
    let rank = index.checked_sub(250)? / 450;
    (index % 450 == 250 && rank < 20).then(|| 4_000_000 / (rank + 2))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to MOST")]
fn count(random: &mut Random) -> u32 {
    match random.unit() {
        share if share <= 0.40 => 0,
        share if share <= 0.55 => 1,
        share if share <= 0.64 => 2,
        share if share <= 0.70 => 3,
        _ => (4.0 * random.unit().powf(-1.15)).min(MOST) as u32,
    }
}

fn drawn(count: u32, quality: f64, random: &mut Random) -> [u32; 5] {
    let mut stars = [0; 5];
    for _ in 0..count {
        let more = (0..4).filter(|_| random.chance(quality)).count();
        stars[more] += 1;
    }
    stars
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a part of a u32")]
fn by_shares(count: u32, quality: f64) -> [u32; 5] {
    let binomial = [1.0, 4.0, 6.0, 4.0, 1.0];
    let mut stars = [0; 5];
    for (more, ways) in (0..).zip(binomial) {
        let share = ways * quality.powi(more) * (1.0 - quality).powi(4 - more);
        stars[more as usize] = (f64::from(count) * share) as u32;
    }
    stars[3] += count - stars.iter().sum::<u32>();
    stars
}

/// The shop's Bayesian mean in millionths of a star.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1 to 5 million")]
pub fn score(stars: [u32; 5]) -> u32 {
    let (weight, mean) = PRIOR;
    let sum: f64 =
        [1.0, 2.0, 3.0, 4.0, 5.0].into_iter().zip(stars).map(|(value, count)| value * f64::from(count)).sum();
    let count: f64 = stars.into_iter().map(f64::from).sum();
    ((weight * mean + sum) / (weight + count) * 1e6).round() as u32
}
