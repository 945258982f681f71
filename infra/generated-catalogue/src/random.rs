//! Pseudo-random numbers by `SplitMix64`: no dependency, and the same numbers in every version of the project.
//!
//! <https://prng.di.unimi.it/splitmix64.c>

/// A sequence of numbers.
pub struct Random(u64);

impl Random {
    /// The sequence of one subject (such as a book) for one purpose; different ones are independent.
    pub fn of(purpose: u32, subject: u32) -> Self {
        let mut random = Self(u64::from(purpose) << 32 | u64::from(subject));
        Self(random.next())
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number above 0 and at most 1.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    pub fn unit(&mut self) -> f64 {
        ((self.next() >> 11) + 1) as f64 / (1_u64 << 53) as f64
    }

    /// A number below `limit`, or 0 for a limit of 0.
    pub fn below(&mut self, limit: u32) -> u32 {
        (((self.next() >> 32) * u64::from(limit)) >> 32) as u32
    }

    pub fn chance(&mut self, share: f64) -> bool {
        self.unit() <= share
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(u32::try_from(from.len()).unwrap_or(u32::MAX)) as usize]
    }

    /// A rank by the law of Zipf and Mandelbrot, from 0 and without an upper end: the probability of a rank falls with
    /// its power `-(exponent + 1)`, except among the first, whose number is about `flatness`.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a conversion saturates")]
    pub fn rank(&mut self, flatness: f64, exponent: f64) -> u32 {
        (flatness * (self.unit().powf(-1.0 / exponent) - 1.0)) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_the_published_ones_and_lie_in_their_ranges() {
        // The first of the reference implementation with the seed 1234567.
        assert_eq!(Random(1_234_567).next(), 6_457_827_717_110_365_317);
        let mut random = Random::of(1, 2);
        for _ in 0..10_000 {
            let unit = random.unit();
            assert!(unit > 0.0 && unit <= 1.0 && random.below(3) < 3);
        }
        assert_ne!(Random::of(1, 2).next(), Random::of(2, 1).next());
    }

    #[test]
    fn low_ranks_are_frequent_and_high_ones_occur() {
        let mut random = Random::of(1, 1);
        let ranks: Vec<u32> = (0..10_000).map(|_| random.rank(30.0, 0.5)).collect();
        let first = ranks.iter().filter(|rank| **rank == 0).count();
        assert!((100..250).contains(&first), "{first}");
        assert!(ranks.iter().any(|rank| *rank > 100_000));
    }
}
