//! Stop words: too common in titles to search for alone.

/// Words that stand in a large part of all titles, in Spanish and English.
const COMMON: [&str; 49] = [
    "a", "al", "an", "and", "as", "at", "by", "con", "de", "del", "e", "el", "en", "for", "from", "how", "i", "in",
    "is", "it", "la", "las", "lo", "los", "me", "mi", "my", "no", "not", "o", "of", "on", "or", "para", "por", "que",
    "s", "se", "sin", "su", "the", "to", "u", "un", "una", "with", "y", "you", "your",
];

pub(super) fn is_common(word: &str) -> bool {
    COMMON.binary_search(&word).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_common_words_are_sorted_for_the_binary_search() {
        assert!(COMMON.is_sorted());
        assert!(is_common("the") && !is_common("quijote"));
    }
}
