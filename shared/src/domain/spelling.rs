//! Similar words, found as by <https://github.com/wolfgarbe/SymSpell>: two words that differ in one letter (added, left
//! out, replaced or swapped with the next) have a variant in common.

use std::{collections::BTreeSet, ops::RangeInclusive};

use super::{stopwords::is_common, words::index_terms};

/// Length of the words that are corrected: a shorter one is similar to too many others.
const LETTERS: RangeInclusive<usize> = 4..=32;
/// One wrong letter is allowed for this number of letters.
const LETTERS_A_SLIP: usize = 4;
/// Largest number of similar words for one word.
const MAX_NEAR: usize = 50;

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

/// The known words that are similar to this one, the nearest first.
pub fn nearest(word: &str, known: &BTreeSet<String>) -> Vec<String> {
    if !counts(word) {
        return Vec::new();
    }
    let slips = 1..=word.chars().count() / LETTERS_A_SLIP;
    let near = known.iter().map(|other| (edit_distance(word, other), other));
    let mut near: Vec<_> = near.filter(|(distance, _)| slips.contains(distance)).collect();
    near.sort();
    near.into_iter().take(MAX_NEAR).map(|(_, other)| other.clone()).collect()
}

/// The known words that begin with something similar to this beginning of at least four letters, the nearest first.
pub fn nearest_beginnings(beginning: &str, known: &BTreeSet<String>) -> Vec<String> {
    if !counts(beginning) {
        return Vec::new();
    }
    let mut near: Vec<_> = known.iter().filter(|word| beginning_distance(beginning, word) == 1).collect();
    near.sort_by_key(|word| word.chars().count());
    near.into_iter().take(MAX_NEAR).cloned().collect()
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
        let known = set(&["dostoyevsky", "dostoevsky", "dostoevski", "tolstoi"]);
        assert_eq!(nearest("dostoievsky", &known), ["dostoevsky", "dostoyevsky", "dostoevski"]);
        let known = set(&["emma", "anna", "gemma", "ulises"]);
        assert_eq!(nearest("enma", &known), ["emma"]);
        assert_eq!(nearest("emma", &known), ["gemma"], "the word itself is no slip");
        assert_eq!(nearest("ema", &known), [""; 0]);
    }
}
