//! What a book is found by: the form in which the word index holds its title and authors.

use std::collections::BTreeSet;

use super::words::{groups, index_terms, signs};

/// The longest term of the index, in characters; longer ones are truncated, in the index and in a query.
pub const MAX_TERM_CHARS: usize = 64;

/// A book in the word index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchEntry {
    /// See [`title_words`].
    pub title: String,
    /// See [`title_key`].
    pub title_key: String,
    /// All terms of title and authors.
    pub terms: BTreeSet<String>,
}

impl SearchEntry {
    /// The version of the definition: another one makes the index be built again.
    pub const VERSION: u32 = 3;
    const MAX_TERMS_CHARS: usize = 4_000;

    pub fn of(title: &str, authors: &str) -> Self {
        let mut length = 1;
        let terms = index_terms(title).into_iter().chain(index_terms(authors)).map(|term| truncated(&term));
        let terms: BTreeSet<String> = terms.collect();
        let fits = |term: &String| {
            length += term.chars().count() + 1;
            length <= Self::MAX_TERMS_CHARS
        };
        Self { title: title_words(title), title_key: title_key(title), terms: terms.into_iter().filter(fits).collect() }
    }

    /// The terms with a blank around each, as the database keeps them.
    pub fn terms_text(&self) -> String {
        self.terms.iter().fold(" ".to_owned(), |text, term| text + term + " ")
    }
}

/// The term as the index holds it.
pub fn truncated(term: &str) -> String {
    term.chars().take(MAX_TERM_CHARS).collect()
}

/// The folded words of a title without its series in brackets, with a blank around each: ` dont make me think `. At most
/// 500 characters.
pub fn title_words(title: &str) -> String {
    let mut text = String::from(" ");
    for word in title_parts(title) {
        if text.chars().count() + word.chars().count() + 1 > 500 {
            break;
        }
        text.push_str(&word);
        text.push(' ');
    }
    text
}

/// The words of a title without its series, joined: the same for *Catch-22*, *Catch 22* and *Catch22*. At most 100
/// characters; empty for a title without words and signs.
pub fn title_key(title: &str) -> String {
    title_parts(title).concat().chars().take(100).collect()
}

/// One word, joined where apostrophes, dots or dashes part it, for each group; the signs of a title that has no words.
fn title_parts(title: &str) -> Vec<String> {
    let title = without_series(title);
    let words: Vec<String> =
        groups(title).into_iter().map(|group| group.joined.unwrap_or_else(|| group.words[0].folded.clone())).collect();
    if words.is_empty() { signs(title).into_iter().collect() } else { words }
}

/// `Dune (Dune Chronicles, #1)` without what is in the brackets at its end, unless nothing else remains.
fn without_series(title: &str) -> &str {
    let trimmed = title.trim_end();
    let open = trimmed.ends_with(')').then(|| trimmed.rfind('(')).flatten();
    match open.map(|open| trimmed[..open].trim_end()) {
        Some(rest) if !groups(rest).is_empty() => rest,
        _ => trimmed,
    }
}

/// The class of popularity of a book: 0 for the most popular, 63 for the least. A class is half an octave of the number of
/// ratings, so that a rating rarely moves a book to another; 0 to 3 ratings are one class.
pub fn popularity_class(ratings: u32) -> u8 {
    let half_octaves = (f64::from(ratings.max(4)) / 4.0).log2() * 2.0;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 60")]
    let above = half_octaves.floor() as u8;
    63 - above
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;

    /// Without another version, books that are in the shop already keep the entries of the definition before.
    #[test]
    fn another_definition_of_words_has_another_version() {
        let entries = [
            ("Don't Make Me Think", "Steve Krug"),
            ("I'm a Stranger Here Myself", "Bill Bryson"),
            ("If Chins Could Kill: Confessions of a B-Movie Actor", "Bruce Campbell"),
            ("The Botany of Desire: A Plant's-Eye View of the World", "Michael Pollan"),
            ("A History of God: The 4,000-Year Quest", "Karen Armstrong"),
            ("J. R. R. Tolkien y J.-P. Sartre (Catch-22, #1)", "J.R.R. Tolkien, Ursula K. Le Guin"),
            ("Œuvres complètes, 8½, Straße, col·lecció", "Jo Nesbø, İpek Çalışlar"),
            ("战争与和平 村上 春樹", "한 강"),
            ("הֲפִיכָה الأَيَّام गोदान", "प्रेमचंद"),
            ("$ ?", ""),
        ];
        let all = entries.map(|(title, authors)| format!("{:?}", SearchEntry::of(title, authors))).concat();
        let digest = Sha256::digest(all.as_bytes());
        let digest = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]);
        assert_eq!(
            (SearchEntry::VERSION, digest),
            (3, 2_631_932_433),
            "raise VERSION if what a text is found by has changed"
        );
    }

    #[test]
    fn a_title_has_one_key_however_its_words_are_parted() {
        for title in ["Catch-22", "Catch 22", "catch22", "Catch–22 (Catch, #1)"] {
            assert_eq!(title_key(title), "catch22", "{title}");
        }
        assert_eq!(title_key("Don't Make Me Think"), title_key("dont make me think"));
        assert_eq!(title_words("Don’t Make Me Think!"), " dont make me think ");
        assert_eq!(title_words("It"), " it ");
    }

    #[test]
    fn a_series_in_brackets_is_not_part_of_the_title() {
        assert_eq!(title_words("Dune (Dune Chronicles #1)"), " dune ");
        assert_eq!(title_words("(untitled)"), " untitled ");
        assert_eq!(title_words("Love (and Other Words) Again"), " love and other words again ");
        assert_eq!(title_key("?"), "?");
        assert_eq!(title_key("$ (Money)"), "money", "brackets that hold the only word are kept");
    }

    #[test]
    fn an_entry_fits_its_columns() {
        let entry = SearchEntry::of(&"palabra larguísima ".repeat(26), &"Ñ".repeat(500));
        assert!(entry.title.chars().count() <= 500 && entry.title_key.chars().count() <= 100);
        assert!(entry.terms.iter().all(|term| term.chars().count() <= MAX_TERM_CHARS));
        let syllables: String = ('\u{ac00}'..).take(500).collect();
        assert!(SearchEntry::of(&syllables, "").terms_text().chars().count() <= 4_000);
    }

    #[test]
    fn authors_and_titles_do_not_make_words_together() {
        let entry = SearchEntry::of("Plan B", "A. Author");
        assert!(!entry.terms.contains("ba") && entry.terms.contains("b") && entry.terms.contains("a"));
        assert_eq!(SearchEntry::of("It", "Stephen King").terms_text(), " it king stephen ");
    }

    #[test]
    fn a_class_of_popularity_is_half_an_octave() {
        let classes = [0, 3, 4, 5, 6, 8, 11, 12, 1_000_000, u32::MAX].map(popularity_class);
        assert_eq!(classes, [63, 63, 63, 63, 62, 61, 61, 60, 28, 4]);
    }
}
