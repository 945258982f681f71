//! Words of titles and names: real ones, and endless invented ones behind them.

/// The words of a list in a file.
pub fn list(text: &'static str) -> Vec<&'static str> {
    text.split_whitespace().collect()
}

/// How invented words of a language sound. Each syllable is a consonant and a vowel and each ending a consonant, so that
/// different numbers give different words.
pub struct Sounds {
    pub consonants: &'static [&'static str],
    pub vowels: &'static [&'static str],
    pub endings: &'static [&'static str],
}

impl Sounds {
    /// The word with this number: of two syllables first, and of more when those are used up.
    pub fn word(&self, number: u32) -> String {
        let syllables = self.consonants.len() * self.vowels.len();
        let (mut number, mut length, mut words) = (number as usize, 2, syllables * syllables);
        while number >= words {
            (number, length, words) = (number - words, length + 1, words * syllables);
        }
        let ending = self.endings[number % self.endings.len()];
        // Neighbours by number are not neighbours by spelling; 7,919 is a prime.
        let mut rest = number * 7_919 % words;
        let mut word = String::new();
        for _ in 0..length {
            let syllable = rest % syllables;
            word.push_str(self.consonants[syllable / self.vowels.len()]);
            word.push_str(self.vowels[syllable % self.vowels.len()]);
            rest /= syllables;
        }
        word + ending
    }
}

/// The word with a capital letter.
pub fn capitalized(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn invented_words_differ() {
        let sounds = Sounds { consonants: &["b", "br", "t"], vowels: &["a", "é"], endings: &["", "n"] };
        let words: HashSet<String> = (0..2_000).map(|number| sounds.word(number)).collect();
        assert_eq!(words.len(), 2_000);
        assert_eq!(capitalized("élan"), "Élan");
    }
}
