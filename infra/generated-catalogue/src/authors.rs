//! Authors: most have few books, a few have hundreds, and one has a hundredth of all.

use std::collections::HashSet;

use crate::{
    random::Random,
    words::{self, Sounds, capitalized},
};

/// The author of one book in a hundred.
pub const PROLIFIC_AUTHOR: &str = "Anonymous";
const PROLIFIC_SHARE: f64 = 0.01;

/// Distinguishes the random numbers of an author from those of a book.
const PURPOSE: u32 = 2;

/// Makes names.
pub struct Names {
    given: Vec<&'static str>,
    family: Vec<&'static str>,
}

const SOUNDS: Sounds = Sounds {
    consonants: &[
        "b", "br", "c", "d", "f", "g", "gr", "h", "k", "l", "m", "n", "p", "r", "s", "st", "t", "v", "w", "z",
    ],
    vowels: &["a", "e", "i", "o", "u"],
    endings: &["", "n", "s", "ck", "ld", "r", "tt"],
};

impl Names {
    pub fn new() -> Self {
        Self {
            given: words::list(include_str!("words/given_names.txt")),
            family: words::list(include_str!("words/family_names.txt")),
        }
    }

    /// The authors of a book, one to three, in order.
    pub fn of_book(&self, random: &mut Random) -> Vec<String> {
        if random.chance(PROLIFIC_SHARE) {
            return vec![PROLIFIC_AUTHOR.to_owned()];
        }
        let count = match random.unit() {
            share if share <= 0.8 => 1,
            share if share <= 0.95 => 2,
            _ => 3,
        };
        let names = (0..count).map(|_| self.name(random.rank(2_000.0, 0.5)));
        let mut seen = HashSet::new();
        names.filter(|name| seen.insert(name.clone())).collect()
    }

    /// The name of an author. Different authors may share a name, and then count as one.
    fn name(&self, author: u32) -> String {
        let random = &mut Random::of(PURPOSE, author);
        let family = self.family(random);
        match random.unit() {
            share if share <= 0.06 => format!("{}. {}. {family}", initial(random), initial(random)),
            share if share <= 0.12 => format!("{0}.{1}.{1}. {family}", initial(random), initial(random)),
            share if share <= 0.30 => format!("{} {}. {family}", self.given(random), initial(random)),
            share if share <= 0.45 => format!("{} {family} {}", self.given(random), self.family(random)),
            _ => format!("{} {family}", self.given(random)),
        }
    }

    fn given(&self, random: &mut Random) -> &'static str {
        let rank = random.rank(25.0, 1.0) as usize;
        self.given.get(rank).copied().unwrap_or_else(|| random.pick(&self.given))
    }

    fn family(&self, random: &mut Random) -> String {
        let rank = random.rank(60.0, 0.4);
        match self.family.get(rank as usize) {
            Some(name) => (*name).to_owned(),
            None => capitalized(&SOUNDS.word(rank)),
        }
    }
}

fn initial(random: &mut Random) -> char {
    char::from(b'A' + u8::try_from(random.below(26)).unwrap_or_default())
}
