//! A shopper's query, parsed and turned into a query of the full-text index. User text never becomes syntax of the
//! index's query language, in which `c++`, `(((` or `@5` would be SQL errors.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::{Invalid, Isbn13, Parsed, Reason, clean, spelling, stopwords::is_common, words::fold};

/// A search of at least one word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    text: String,
    words: Vec<String>,
    /// For each word its similar words; empty in a search as it was typed.
    near: Vec<Vec<String>>,
    isbn: Option<Isbn13>,
}

/// How the database finds the hits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueryPlan {
    /// The query has an ISBN.
    Isbn(Isbn13),
    /// In boolean mode: `+garcia__ +marq*`.
    FullText(String),
    /// Only common words, for which the index would return half the shop: matched along the popularity index.
    Common(Vec<String>),
}

impl Search {
    pub const MAX_CHARS: usize = 200;
    const MAX_WORDS: usize = 8;
    /// Longer words are not in the index (`innodb_ft_max_token_size` is 84, and two underscores end each).
    const MAX_WORD_CHARS: usize = 80;
    const MIN_PREFIX_CHARS: usize = 3;

    /// Splits the query into at most eight words; one that has none (`(((`) finds nothing, which is no error.
    pub fn parse(text: &str) -> Parsed<Self> {
        if text.chars().count() > Self::MAX_CHARS {
            return Err(Invalid::new("q", Reason::LongerThan { max: Self::MAX_CHARS }));
        }
        let text = clean(text);
        let words = text
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty() && word.chars().count() <= Self::MAX_WORD_CHARS)
            .map(str::to_lowercase)
            .take(Self::MAX_WORDS)
            .collect();
        Ok(Self { words, near: Vec::new(), isbn: Isbn13::find(&text), text })
    }

    /// The query as it was typed, cleaned.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The plan of the query; none if nothing can match.
    pub fn plan(&self) -> Option<QueryPlan> {
        if let Some(isbn) = &self.isbn {
            return Some(QueryPlan::Isbn(isbn.clone()));
        }
        if self.words.is_empty() {
            return None;
        }
        let rare = self.words.iter().enumerate().filter(|(_, word)| !is_common(word));
        let terms: Vec<String> = rare.map(|(at, word)| self.term(at, word)).collect();
        if terms.is_empty() {
            return Some(QueryPlan::Common(self.words.iter().map(|word| format!(" {word}__")).collect()));
        }
        Some(QueryPlan::FullText(terms.join(" ")))
    }

    fn term(&self, at: usize, word: &str) -> String {
        let typed = if self.is_prefix_match(at) { format!("{word}*") } else { format!("{word}__") };
        match self.near.get(at) {
            Some(near) if !near.is_empty() => format!("+({typed} {}__)", near.join("__ ")),
            _ => format!("+{typed}"),
        }
    }

    /// Whether the word at this position also matches as a prefix: the last one does, because it may not be finished.
    fn is_prefix_match(&self, at: usize) -> bool {
        at + 1 == self.words.len() && is_prefix(&self.words[at])
    }

    fn folded_words(&self) -> Vec<String> {
        self.words.iter().map(|word| fold(word)).collect()
    }

    /// The same search that also accepts similar known words in place of each word; none if no word has any.
    pub fn with_fuzzy_terms(&self, known: &BTreeSet<String>) -> Option<Self> {
        let near: Vec<_> = self.folded_words().iter().map(|word| spelling::nearest(word, known)).collect();
        near.iter().any(|near| !near.is_empty()).then(|| Self { near, ..self.clone() })
    }

    /// How this fuzzy search matched a text: the edit distance of the query, and the corrected query.
    pub fn correction_for(&self, text: &str) -> (usize, String) {
        let found = spelling::words(text);
        let (mut distance, mut meant) = (0, BTreeMap::new());
        for (at, (typed, near)) in self.folded_words().iter().zip(&self.near).enumerate() {
            let begun = self.is_prefix_match(at) && found.iter().any(|word| word.starts_with(typed));
            if begun || found.contains(typed) {
                continue;
            }
            if let Some(word) = near.iter().find(|word| found.contains(*word)) {
                distance += spelling::edit_distance(typed, word);
                meant.insert(self.words[at].as_str(), word.as_str());
            }
        }
        (distance, self.with_corrections(&meant))
    }

    /// The query as it was typed, with some words replaced.
    fn with_corrections(&self, others: &BTreeMap<&str, &str>) -> String {
        let is_sign = |c: char| !c.is_alphanumeric();
        let pieces = self.text.split_inclusive(is_sign).flat_map(|piece| {
            let (word, sign) = piece.split_at(piece.trim_end_matches(is_sign).len());
            let other = others.get(word.to_lowercase().as_str()).copied();
            [other.unwrap_or(word), sign]
        });
        pieces.collect()
    }

    /// The beginning of the `search_text` of a book whose title begins with the whole query.
    pub fn beginning(&self) -> String {
        let mut beginning = self.words.join("__ ");
        if !self.words.last().is_some_and(|word| is_prefix(word)) {
            beginning.push_str("__");
        }
        beginning
    }

    /// The query as typed, if it has signs that the index drops and that distinguish books: C++, C#.
    pub fn literal(&self) -> Option<&str> {
        let plain = |c: char| c.is_alphanumeric() || c.is_whitespace() || ".,;:'’\"¿?¡!()-–_".contains(c);
        self.text.chars().any(|c| !plain(c)).then_some(&self.text)
    }
}

fn is_prefix(word: &str) -> bool {
    word.chars().count() >= Search::MIN_PREFIX_CHARS && !is_common(word)
}

/// The order of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// Titles with the query's odd signs, then texts that begin with all of it, then the most rated.
    Relevance,
    /// Most rated first.
    Popular,
    /// Best Bayesian mean first.
    Rating,
    /// Latest year of publication first.
    Newest,
    Title,
    /// Cheapest first, without a price last.
    Price,
}

impl Sort {
    pub const NAMES: &[(&str, Self)] = &[
        ("relevance", Self::Relevance),
        ("popular", Self::Popular),
        ("rating", Self::Rating),
        ("newest", Self::Newest),
        ("title", Self::Title),
        ("price", Self::Price),
    ];

    pub fn parse(text: &str) -> Parsed<Self> {
        Self::NAMES.iter().find(|(name, _)| *name == text).map(|(_, sort)| *sort).ok_or_else(|| {
            let names: Vec<&str> = Self::NAMES.iter().map(|(name, _)| *name).collect();
            Invalid::new("sort", Reason::NotOneOf(names))
        })
    }

    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, sort)| *sort == self).map_or("relevance", |(name, _)| name)
    }
}

impl JsonSchema for Sort {
    fn schema_name() -> Cow<'static, str> {
        "Sort".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names: Vec<&str> = Self::NAMES.iter().map(|(name, _)| *name).collect();
        json_schema!({ "type": "string", "enum": names })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full_text(query: &str) -> String {
        match Search::parse(query).unwrap().plan() {
            Some(QueryPlan::FullText(terms)) => terms,
            other => panic!("{query}: {other:?}"),
        }
    }

    #[test]
    fn words_are_required_and_the_last_is_a_prefix_from_three_letters_on() {
        assert_eq!(full_text("García  Márq"), "+garcía__ +márq*");
        assert_eq!(full_text("yo robot"), "+yo__ +robot*");
        assert_eq!(full_text("1984"), "+1984*");
        assert_eq!(full_text("robot 2"), "+robot__ +2__");
    }

    #[test]
    fn common_words_are_left_out_while_others_remain() {
        assert_eq!(full_text("The Lord of the Rings"), "+lord__ +rings*");
        assert_eq!(full_text("la casa de"), "+casa__");
        let common = Search::parse("It").unwrap().plan();
        assert_eq!(common, Some(QueryPlan::Common(vec![" it__".into()])));
    }

    #[test]
    fn user_text_never_becomes_syntax_of_the_index() {
        assert_eq!(full_text("C++"), "+c__");
        assert_eq!(full_text("+(foo* -bar) \"baz@5\" ~<>"), "+foo__ +bar__ +baz__ +5__");
        assert_eq!(Search::parse("((( +++ @ ' \" \\").unwrap().plan(), None);
    }

    #[test]
    fn the_beginning_matches_a_title_that_begins_with_the_query() {
        assert_eq!(Search::parse("la casa de").unwrap().beginning(), "la__ casa__ de__");
        assert_eq!(Search::parse("El quij").unwrap().beginning(), "el__ quij");
        assert_eq!(Search::parse("It").unwrap().beginning(), "it__");
    }

    #[test]
    fn signs_that_set_books_apart_are_kept_literally() {
        let literal = |query: &str| Search::parse(query).unwrap().literal().map(str::to_owned);
        assert_eq!(literal(" C++ "), Some("C++".into()));
        assert_eq!(literal("¿Qué me quieres, amor?"), None);
    }

    #[test]
    fn an_isbn_is_looked_up_as_one() {
        assert!(matches!(Search::parse("978-0-618-00221-4").unwrap().plan(), Some(QueryPlan::Isbn(_))));
        assert!(matches!(Search::parse("0618002219").unwrap().plan(), Some(QueryPlan::Isbn(_))));
        assert!(matches!(Search::parse("ISBN-13: 978–0618002214, Hobbit").unwrap().plan(), Some(QueryPlan::Isbn(_))));
    }

    fn with_fuzzy_terms(query: &str, known: &[&str]) -> Option<Search> {
        Search::parse(query).unwrap().with_fuzzy_terms(&known.iter().map(|word| (*word).to_owned()).collect())
    }

    #[test]
    fn a_fuzzy_search_also_matches_similar_words_and_still_requires_all() {
        let known = ["austen", "justin", "jane", "emma", "marquez", "marques"];
        let terms = |query| match with_fuzzy_terms(query, &known).unwrap().plan() {
            Some(QueryPlan::FullText(terms)) => terms,
            other => panic!("{query}: {other:?}"),
        };
        assert_eq!(terms("Jane Austin"), "+jane__ +(austin* austen__ justin__)");
        assert_eq!(terms("Márqez 2 emma"), "+(márqez__ marquez__) +2__ +emma*");
        assert_eq!(with_fuzzy_terms("zzz del quevedo", &known), None);
    }

    #[test]
    fn the_correction_of_a_query_comes_from_the_text_that_it_found() {
        let search = with_fuzzy_terms("C++ el QUIJTOE, de Miguel", &["quijote", "quijotes", "miguela"]).unwrap();
        let found = search.correction_for("El Quijote de C. para Miguel");
        assert_eq!(found, (1, "C++ el quijote, de Miguel".into()));
        let austin = with_fuzzy_terms("jane austin", &["austen", "justin", "jane", "janet"]).unwrap();
        assert_eq!(austin.correction_for("Emma Jane Austen"), (1, "jane austen".into()));
        assert_eq!(austin.correction_for("Janet Justin"), (2, "janet justin".into()));
        assert_eq!(austin.correction_for("Jane Austington"), (0, "jane austin".into()));
    }

    #[test]
    fn a_sort_has_one_name() {
        for (name, sort) in Sort::NAMES {
            assert_eq!(Sort::parse(name).unwrap(), *sort);
            assert_eq!(sort.name(), *name);
        }
        assert!(Sort::parse("random").unwrap_err().to_string().contains("relevance, popular"));
    }
}
