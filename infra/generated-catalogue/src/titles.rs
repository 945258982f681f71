//! Titles, with the word frequencies of real ones: few words in very many titles, and very many in one.

use crate::{languages::Language, random::Random, words::capitalized};

/// A title of one book in a hundred: the largest tie of a list by title.
pub const TIED_TITLE: &str = "Poems";
const TIED_SHARE: f64 = 0.01;

/// The first words of a language's list are about equally frequent.
const FLATNESS: f64 = 40.0;
/// With it, titles and names of a million books have about 260,000 different words.
const EXPONENT: f64 = 0.47;

impl Language {
    /// A title.
    pub fn title(&self, random: &mut Random) -> String {
        if random.chance(TIED_SHARE) {
            return TIED_TITLE.to_owned();
        }
        let mut title = self.filled(random.pick(self.patterns), random);
        if random.chance(0.12) {
            title = format!("{title}: {}", self.filled("* *", random));
        }
        if random.chance(0.08) {
            let series = self.filled(random.pick(self.series), random);
            title = format!("{title} ({series}, #{})", random.below(9) + 1);
        }
        title
    }

    /// The pattern with words in place of `*` and names in place of `~`.
    fn filled(&self, pattern: &str, random: &mut Random) -> String {
        let mut favourite = self.favourite(random);
        let mut text = String::with_capacity(40);
        for c in pattern.chars() {
            match c {
                '*' => text.push_str(&favourite.take().map_or_else(|| self.word(random), str::to_owned)),
                '~' => text.push_str(&capitalized(&self.sounds.word(random.rank(2_000.0, EXPONENT)))),
                other => text.push(other),
            }
        }
        if self.capitals { with_capitals(&text) } else { capitalized(&text) }
    }

    fn favourite(&self, random: &mut Random) -> Option<&'static str> {
        let mut rest = random.unit();
        self.favourites.iter().find_map(|favourite| {
            rest -= favourite.share;
            (rest <= 0.0).then_some(favourite.word)
        })
    }

    fn word(&self, random: &mut Random) -> String {
        let rank = random.rank(FLATNESS, EXPONENT);
        match self.words.get(rank as usize) {
            Some(word) => (*word).to_owned(),
            None => self.sounds.word(rank),
        }
    }
}

/// Capital letters for all words except short ones, as publishers set titles in English.
fn with_capitals(title: &str) -> String {
    let small =
        |word: &str| matches!(word, "a" | "an" | "and" | "by" | "for" | "in" | "of" | "on" | "the" | "to" | "with");
    let words = title.split(' ').map(|word| if small(word) { word.to_owned() } else { capitalized(word) });
    capitalized(&words.collect::<Vec<_>>().join(" "))
}
