//! Values for tests of what must hold for every value. They are drawn by the numbers of the runs, so that a test fails because
//! of a change only; `ANAQUEL_CASES` sets how many runs there are.
//!
//! A library for this would change the features of crates that the shop's own code uses, and all of AWS's crates would be
//! compiled a second time for the tests.

use std::{env, ops::RangeInclusive, thread};

use rand::{Rng, SeedableRng, distr::uniform::SampleUniform, rngs::StdRng, seq::IndexedRandom};
use uuid::Uuid;

/// Runs of each test.
const CASES: u64 = 256;

/// Characters that some parser treats in its own way.
const SPECIAL: &str = "\0\t\n\r\u{1b}\u{7f}\u{85} \u{a0}\u{ad}\u{34f}\u{61c}\u{200b}\u{200c}\u{200d}\u{200e}\u{2028}\u{202e}\
    \u{2060}\u{2800}\u{3164}\u{feff}\u{fe0f}\u{20e3}\u{301}\u{338}\u{fdd0}\u{ffff}\u{e0041}éßİıŉ½ﷺ葛ක\u{dca}می👩❤1٣９#%+-–.;:,/\\\"'’\
    <>&=@()[]*Xxisbn";

/// Draws the values of one run.
pub struct Draw {
    random: StdRng,
    number: u64,
}

impl Draw {
    /// Tries what must hold with the values of each run.
    pub fn each(check: impl Fn(&mut Self)) {
        let cases = env::var("ANAQUEL_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(CASES);
        for number in 0..cases {
            check(&mut Self { random: StdRng::seed_from_u64(number), number });
        }
    }

    pub fn of<T>(&mut self) -> T
    where
        rand::distr::StandardUniform: rand::distr::Distribution<T>,
    {
        self.random.random()
    }

    pub fn from<T: SampleUniform + PartialOrd>(&mut self, range: RangeInclusive<T>) -> T {
        self.random.random_range(range)
    }

    pub fn one_of<T: Clone>(&mut self, values: &[T]) -> T {
        values.choose(&mut self.random).cloned().expect("there is one to choose")
    }

    /// True once in so many times.
    pub fn once_in(&mut self, times: u32) -> bool {
        self.random.random_ratio(1, times)
    }

    /// A number up to this one. Early runs have small ones, which are easier to read when they fail.
    pub fn count(&mut self, most: usize) -> usize {
        let most = most.min(2 + usize::try_from(self.number).unwrap_or(most) * most / 64);
        self.from(0..=most)
    }

    pub fn list<T>(&mut self, most: usize, mut one: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..self.count(most)).map(|_| one(self)).collect()
    }

    /// Up to so many characters of an alphabet.
    pub fn word(&mut self, alphabet: &str, most: usize) -> String {
        let alphabet: Vec<char> = alphabet.chars().collect();
        self.list(most, |draw| draw.one_of(&alphabet)).into_iter().collect()
    }

    /// So many decimal digits.
    pub fn digits(&mut self, count: usize) -> String {
        (0..count).map(|_| char::from(self.from(b'0'..=b'9'))).collect()
    }

    pub fn bytes(&mut self, most: usize) -> Vec<u8> {
        self.list(most, Self::of)
    }

    /// Any text, in which the characters that are treated in their own way are more frequent than by chance.
    pub fn text(&mut self) -> String {
        let special: Vec<char> = SPECIAL.chars().collect();
        let one = |draw: &mut Self| match draw.from(0..=3) {
            0 => draw.of(),
            1 => draw.from(' '..='~'),
            _ => draw.one_of(&special),
        };
        self.list(40, one).into_iter().collect()
    }

    /// A random one, as the shop makes them.
    pub fn uuid(&mut self) -> Uuid {
        uuid::Builder::from_random_bytes(self.of()).into_uuid()
    }

    /// The text with another character at one place, or with one more or less.
    pub fn changed(&mut self, text: &str) -> String {
        let mut characters: Vec<char> = text.chars().collect();
        let at = self.from(0..=characters.len() - 1);
        let other = match self.from(0..=4) {
            0 => None,
            1 => Some(self.of()),
            _ => Some(self.one_of(&"0123456789abcdefABCDEFz_-.=".chars().collect::<Vec<_>>())),
        };
        let kept = self.of::<bool>().then_some(characters[at]);
        characters.splice(at..=at, other.into_iter().chain(kept));
        characters.into_iter().collect()
    }
}

impl Drop for Draw {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("run {} of the values has failed", self.number);
        }
    }
}
