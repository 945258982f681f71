//! Similar words, found as by <https://github.com/wolfgarbe/SymSpell>: two words that differ in one letter (added, left
//! out, replaced or swapped with the next) have a variant in common.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    ops::RangeInclusive,
};

use super::{stopwords::is_common, words::index_terms};

/// Length of the words that are corrected: a shorter one is similar to too many others.
const LETTERS: RangeInclusive<usize> = 4..=32;
/// One wrong letter is allowed for this number of letters.
const LETTERS_A_SLIP: usize = 4;
/// Beginnings up to this length are only corrected where two letters are swapped: another letter makes another word.
const SHORT_BEGINNING: usize = 4;
/// Largest number of similar words for one word.
const MAX_NEAR: usize = 50;
/// The fewest letters of a part of a joined word.
const MIN_PART: usize = 2;
/// The largest number of words that a joined one is parted into.
const MAX_PARTS: usize = 6;

/// The words of the catalogue that a search could have meant, each with the number of its books.
pub type Known = BTreeMap<String, u32>;

/// The words of a text that can be corrections, folded, joined forms among them.
pub fn words(text: &str) -> BTreeSet<String> {
    index_terms(text).into_iter().filter(|word| counts(word)).collect()
}

/// Whether a word is corrected, and can be a correction.
pub fn counts(word: &str) -> bool {
    LETTERS.contains(&word.chars().count()) && word.chars().all(char::is_alphabetic) && !is_common(word)
}

/// The word, and the word without each of its letters.
pub fn variants(word: &str) -> BTreeSet<String> {
    let without = |(at, letter): (usize, char)| [&word[..at], &word[at + letter.len_utf8()..]].concat();
    word.char_indices().map(without).chain([word.to_owned()]).collect()
}

/// The known words that are similar to this one: the nearest first, and of those the most frequent.
pub fn nearest(word: &str, known: &Known) -> Vec<String> {
    if !counts(word) {
        return Vec::new();
    }
    let slips = 1..=word.chars().count() / LETTERS_A_SLIP;
    let near = known.iter().map(|(other, books)| (edit_distance(word, other), Reverse(books), other));
    let mut near: Vec<_> = near.filter(|(distance, ..)| slips.contains(distance)).collect();
    near.sort();
    near.into_iter().take(MAX_NEAR).map(|(.., other)| other.clone()).collect()
}

/// The known words that begin with something similar to this beginning of at least four letters: the shortest first, and of
/// those the most frequent.
pub fn nearest_beginnings(beginning: &str, known: &Known) -> Vec<String> {
    if !counts(beginning) {
        return Vec::new();
    }
    let is_short = beginning.chars().count() <= SHORT_BEGINNING;
    let is_near =
        |word: &str| if is_short { begins_swapped(beginning, word) } else { beginning_distance(beginning, word) == 1 };
    let mut near: Vec<_> = known.iter().filter(|(word, _)| is_near(word)).collect();
    near.sort_by_key(|(word, books)| (word.chars().count(), Reverse(**books)));
    near.into_iter().take(MAX_NEAR).map(|(word, _)| word.clone()).collect()
}

/// Whether a word begins with this beginning, except that two neighbouring letters are swapped.
fn begins_swapped(beginning: &str, word: &str) -> bool {
    let start: String = word.chars().take(beginning.chars().count()).collect();
    let letters = |text: &str| {
        let mut letters: Vec<char> = text.chars().collect();
        letters.sort_unstable();
        letters
    };
    edit_distance(beginning, &start) == 1 && letters(beginning) == letters(&start)
}

/// The words that a word could be joined from, to be looked up: its parts of two letters and more that begin or end it, or
/// all of them.
pub fn parts(word: &str, all: bool) -> BTreeSet<String> {
    let letters: Vec<char> = word.chars().collect();
    if letters.len() < 2 * MIN_PART || !LETTERS.contains(&letters.len()) {
        return BTreeSet::new();
    }
    let ends = |start: usize| (start + MIN_PART..=letters.len()).map(move |end| start..end);
    let ranges = (0..letters.len()).flat_map(ends);
    let wanted = ranges.filter(|range| all || range.start == 0 || range.end == letters.len());
    wanted.map(|range| letters[range].iter().collect()).collect()
}

/// The known words that are this word when they are joined: the fewest first, and for each number of them the way whose rarest
/// word is the most frequent.
pub fn parted(word: &str, known: &Known) -> Vec<String> {
    let letters: Vec<char> = word.chars().collect();
    // The best way to each place with so many words: the number of books of its rarest word, and the words.
    let mut best: BTreeMap<(usize, usize), (u32, String)> = BTreeMap::from([((0, 0), (u32::MAX, String::new()))]);
    for end in MIN_PART..=letters.len() {
        for start in 0..=end - MIN_PART {
            let part: String = letters[start..end].iter().collect();
            let Some(books) = known.get(&part).filter(|books| **books > 0) else { continue };
            for words in 0..MAX_PARTS {
                let Some((rarest, before)) = best.get(&(start, words)) else { continue };
                let way = ((*rarest).min(*books), format!("{before} {part}").trim_start().to_owned());
                let place = best.entry((end, words + 1)).or_insert_with(|| way.clone());
                if way.0 > place.0 {
                    *place = way;
                }
            }
        }
    }
    (2..=MAX_PARTS).filter_map(|words| best.remove(&(letters.len(), words))).map(|(_, way)| way).collect()
}

/// The edit distance of a beginning and the most similar beginning of a word.
pub fn beginning_distance(beginning: &str, word: &str) -> usize {
    let length = beginning.chars().count();
    let starts = (length.saturating_sub(1)..=length + 1).map(|length| word.chars().take(length).collect::<String>());
    starts.map(|start| edit_distance(beginning, &start)).min().unwrap_or(length)
}

/// Optimal string alignment distance: letters added, left out, replaced, or swapped with the next.
pub fn edit_distance(word: &str, other: &str) -> usize {
    strsim::osa_distance(word, other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(words: &[&str]) -> BTreeSet<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    fn known(words: &[(&str, u32)]) -> Known {
        words.iter().map(|(word, books)| ((*word).to_owned(), *books)).collect()
    }

    #[test]
    fn words_are_folded_and_the_short_the_common_and_the_numbers_left_out() {
        let title = "El otoño del patriarca, 2.ª ed. from García Márquez (1975) x86asm";
        assert_eq!(words(title), set(&["garcia", "marquez", "otono", "patriarca"]));
        assert_eq!(words(&"a".repeat(33)), set(&[]));
    }

    #[test]
    fn a_slip_of_one_letter_has_a_variant_in_common_with_the_word() {
        let quijote = variants("quijote");
        for slip in ["quijote", "quijot", "quijotte", "quixote", "quijtoe", "uqijote", "wuijote"] {
            assert!(!variants(slip).is_disjoint(&quijote), "{slip}");
        }
        assert!(variants("quevedo").is_disjoint(&quijote));
        assert_eq!(variants("añil"), set(&["ail", "añi", "añl", "añil", "ñil"]));
    }

    #[test]
    fn the_nearest_come_first_and_short_words_allow_one_wrong_letter() {
        let words = known(&[("dostoyevsky", 1), ("dostoevsky", 1), ("dostoevski", 9), ("tolstoi", 9)]);
        assert_eq!(nearest("dostoievsky", &words), ["dostoevsky", "dostoyevsky", "dostoevski"]);
        let words = known(&[("emma", 1), ("anna", 1), ("gemma", 1), ("ulises", 1)]);
        assert_eq!(nearest("enma", &words), ["emma"]);
        assert_eq!(nearest("emma", &words), ["gemma"], "the word itself is no slip");
        assert_eq!(nearest("ema", &words), [""; 0]);
    }

    #[test]
    fn of_words_that_are_as_near_the_most_frequent_comes_first() {
        let words = known(&[("tolstoj", 1), ("tolstoy", 5), ("tolstaya", 9)]);
        assert_eq!(nearest("tolstoi", &words), ["tolstoy", "tolstoj"]);
        let words = known(&[("nina", 2), ("dino", 3), ("nicola", 99), ("nine", 1)]);
        assert_eq!(nearest("nino", &words), ["dino", "nina", "nine"]);
    }

    #[test]
    fn a_short_beginning_is_only_corrected_where_letters_are_swapped() {
        let words = known(&[("nicola", 9), ("gabaldon", 9), ("germs", 9), ("quijote", 1), ("quijotada", 1)]);
        for (beginning, expected) in [
            ("nino", &[][..]),
            ("gabo", &[]),
            ("grrm", &[]),
            ("qiuj", &["quijote", "quijotada"]),
            ("qiujo", &["quijote", "quijotada"]),
            ("quijt", &["quijote", "quijotada"]),
            ("quixot", &["quijote", "quijotada"]),
        ] {
            assert_eq!(nearest_beginnings(beginning, &words), expected, "{beginning}");
        }
    }

    #[test]
    fn a_joined_word_is_parted_into_known_ones() {
        let words = known(&[
            ("harry", 20),
            ("potter", 9),
            ("le", 5),
            ("guin", 3),
            ("leg", 1),
            ("van", 9),
            ("gogh", 1),
            ("gone", 4),
            ("with", 90),
            ("the", 90),
            ("wind", 7),
            ("wit", 1),
            ("ha", 0),
        ]);
        for (word, expected) in [
            ("harrypotter", &["harry potter"][..]),
            ("leguin", &["le guin"]),
            ("vangogh", &["van gogh"]),
            ("gonewiththewind", &["gone with the wind"]),
            ("harry", &[]),
            ("harrypot", &[]),
            ("va", &[]),
        ] {
            assert_eq!(parted(word, &words), expected, "{word}");
            assert!(
                expected.iter().flat_map(|way| way.split(' ')).all(|part| parts(word, true).contains(part)),
                "{word}"
            );
        }
        assert_eq!(parts("abcd", false), set(&["ab", "abc", "abcd", "bcd", "cd"]));
    }
}
