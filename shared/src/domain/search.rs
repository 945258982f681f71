//! A shopper's query as conditions on the word index.

use std::{borrow::Cow, cmp::Reverse, collections::BTreeSet, ops::Range};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::{
    Invalid, Isbn13, Parsed, Reason, clean_line,
    search_entry::{SearchEntry, title_key, title_words, truncated},
    spelling::{self, Known},
    stopwords::is_common,
    words::{Group, groups, signs, unspaced_pairs},
};

/// A search; one that has neither words nor signs finds nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    text: String,
    groups: Vec<Group>,
    /// For each of [`Self::units`] its similar words; empty in a search as it was typed.
    near: Vec<Vec<String>>,
    /// Whether abbreviated names are beginnings of words.
    is_loose: bool,
    isbn: Option<Isbn13>,
}

/// A condition on the terms of a book: one of the alternatives holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition(pub Vec<Alternative>);

impl Condition {
    /// The word, if the condition is a single whole one.
    pub fn single_word(&self) -> Option<&str> {
        match &self.0[..] {
            [alternative] => match &alternative[..] {
                [Term { word, extent: Extent::Whole }] => Some(word),
                _ => None,
            },
            _ => None,
        }
    }

    fn holds_for(&self, text: &SearchEntry) -> bool {
        let holds = |term: &Term| {
            let begins = || text.terms.iter().any(|known| known.starts_with(&term.word));
            text.terms.contains(&term.word) || (term.extent != Extent::Whole && begins())
        };
        self.0.iter().any(|alternative| alternative.iter().all(holds))
    }
}

/// All these terms are among those of a book.
pub type Alternative = Vec<Term>;

/// A term of the word index.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Term {
    pub word: String,
    pub extent: Extent,
}

/// Which terms of a book a term of a search stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Extent {
    /// Itself.
    Whole,
    /// All that begin with it.
    Beginning,
    /// All that begin with it, as an abbreviated name: too many to look for, so that another word must find the book.
    Abbreviation,
}

/// What a search could have meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Correction {
    /// The edit distance of the query; 0 for the same one.
    pub distance: usize,
    /// The words that are not those of the query.
    pub words: Vec<String>,
    pub query: String,
}

/// A word of the query as a correction replaces it.
struct Unit<'a> {
    word: &'a str,
    range: Range<usize>,
}

impl Search {
    pub const MAX_CHARS: usize = 200;
    const MAX_GROUPS: usize = 8;
    const MIN_BEGINNING_CHARS: usize = 3;
    /// Queries with other blanks that are tried.
    const MAX_RESPACED: usize = 4;

    /// Reads at most eight words; a query that has none (`(((`) finds nothing, which is no error.
    pub fn parse(text: &str) -> Parsed<Self> {
        if text.chars().count() > Self::MAX_CHARS {
            return Err(Invalid::new("q", Reason::LongerThan { max: Self::MAX_CHARS }));
        }
        let text = clean_line(text);
        let groups = groups(&text).into_iter().take(Self::MAX_GROUPS).collect();
        Ok(Self { groups, near: Vec::new(), is_loose: false, isbn: Isbn13::find(&text), text })
    }

    /// The same search with abbreviated names as beginnings of words, for one that finds nothing: `g orwell` is *George
    /// Orwell*. None if that makes no difference.
    pub fn loosened(&self) -> Option<Self> {
        let loose = Self { is_loose: true, ..self.clone() };
        (self.near.is_empty() && loose.conditions() != self.conditions()).then_some(loose)
    }

    /// The query as it was typed, cleaned.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The number that the query has, if it has one: where a book has it, nothing else counts.
    pub fn isbn(&self) -> Option<&Isbn13> {
        self.isbn.as_ref()
    }

    /// All must hold for a book to be a hit; none if nothing can be found. Common words are no condition while others
    /// remain.
    pub fn conditions(&self) -> Vec<Condition> {
        if self.groups.is_empty() {
            let signs = signs(&self.text).map(|signs| vec![Term::whole(&signs)]);
            return signs.map(|signs| Condition(vec![signs])).into_iter().collect();
        }
        let conditions = if self.near.is_empty() { self.typed() } else { self.fuzzy() };
        let is_rare = conditions.iter().any(|(is_common, _)| !is_common);
        conditions
            .into_iter()
            .filter(|(is_common, _)| !(is_rare && *is_common))
            .map(|(_, condition)| condition)
            .collect()
    }

    /// A condition for each group, and whether it is a common word.
    fn typed(&self) -> Vec<(bool, Condition)> {
        let is_long = |group: &Group| group.words.iter().any(|word| word.folded.chars().count() > 1);
        let is_abbreviated = |group: &Group| self.is_loose && group.words.iter().all(|word| word.is_dotted);
        let is_name = |group: &Group| is_long(group) && !is_common(group.form()) && !is_abbreviated(group);
        let has_name = self.groups.iter().any(is_name);
        let conditions = self.groups.iter().enumerate().map(|(at, group)| {
            let is_last = at + 1 == self.groups.len();
            let mut alternatives = alternatives(group, is_last);
            let shorter = group.without_common_ends();
            alternatives.extend(shorter.iter().flat_map(|group| self::alternatives(group, is_last)));
            if has_name {
                self.abbreviate(group, &mut alternatives);
            }
            (group.words.len() == 1 && is_common(group.form()), Condition(alternatives))
        });
        conditions.collect()
    }

    /// Takes a letter with a dot as the beginning of a name (`G. Orwell`); in a loose search also one without, each of
    /// several initials, and other words with a dot.
    fn abbreviate(&self, group: &Group, alternatives: &mut Vec<Alternative>) {
        let abbreviated = || group.words.iter().map(|word| Term::abbreviation(&word.folded)).collect();
        match group.single_letter() {
            Some(letter) if letter.is_dotted || self.is_loose => *alternatives = vec![abbreviated()],
            None if self.is_loose && group.words.iter().all(|word| word.is_dotted) => alternatives.push(abbreviated()),
            _ => {}
        }
    }

    /// A condition for each unit, which its similar words also satisfy.
    fn fuzzy(&self) -> Vec<(bool, Condition)> {
        let units = self.units();
        let conditions = units.iter().enumerate().map(|(at, unit)| {
            let near = self.near.get(at).into_iter().flatten().map(|word| vec![Term::whole(word)]);
            let alternatives = [alternative(&[unit.word], at + 1 == units.len())].into_iter().chain(near);
            (is_common(unit.word), Condition(alternatives.collect()))
        });
        conditions.collect()
    }

    fn units(&self) -> Vec<Unit<'_>> {
        self.groups.iter().flat_map(units_of).collect()
    }

    /// The same search that also accepts similar known words in place of each word; none if no word has any.
    pub fn with_fuzzy_terms(&self, known: &Known) -> Option<Self> {
        let units = self.units();
        let nearest = |at: usize, word: &str| {
            let mut near = spelling::nearest(word, known);
            if at + 1 == units.len() {
                let longer = spelling::nearest_beginnings(word, known);
                near.extend(longer.into_iter().filter(|word| !near.contains(word)).collect::<Vec<_>>());
            }
            near
        };
        let near: Vec<Vec<String>> = units.iter().enumerate().map(|(at, unit)| nearest(at, unit.word)).collect();
        near.iter().any(|near| !near.is_empty()).then(|| Self { near, ..self.clone() })
    }

    /// The words that neighbours of this query would be if they were joined, and those that its words could be joined from,
    /// to be looked up.
    pub fn words_by_blanks(&self) -> BTreeSet<String> {
        let units = self.units();
        let joined = units.windows(2).map(|two| [two[0].word, two[1].word].concat());
        let parts = units.iter().flat_map(|unit| spelling::parts(unit.word, units.len() == 1));
        joined.chain(parts).map(|word| truncated(&word)).collect()
    }

    /// The query with two neighbours joined, or one word parted, where that makes known words; the ways with the most
    /// frequent words first, at most [`Self::MAX_RESPACED`].
    pub fn respaced(&self, known: &Known) -> Vec<String> {
        let units = self.units();
        let replaced =
            |range: Range<usize>, words: &str| [&self.text[..range.start], words, &self.text[range.end..]].concat();
        let books = |word: &str| known.get(word).copied().unwrap_or_default();
        let joined = units.windows(2).filter_map(|two| {
            let word = [two[0].word, two[1].word].concat();
            let range = two[0].range.start..two[1].range.end;
            (books(&word) > 0).then(|| (books(&word), replaced(range, &word)))
        });
        let parted = units.iter().flat_map(|unit| {
            let ways = spelling::parted(unit.word, known);
            let rarest = |way: &str| way.split(' ').map(books).min().unwrap_or_default();
            ways.into_iter().map(|way| (rarest(&way), replaced(unit.range.clone(), &way))).collect::<Vec<_>>()
        });
        let mut queries: Vec<(u32, String)> = joined.chain(parted).collect();
        queries.sort_by_key(|(books, _)| Reverse(*books));
        queries.into_iter().map(|(_, query)| query).take(Self::MAX_RESPACED).collect()
    }

    /// The variants of the last word, which may be a mistyped beginning; none if it is too short to be corrected.
    pub fn variants_of_beginning(&self) -> BTreeSet<String> {
        let last = self.groups.last().map(Group::form).filter(|word| spelling::counts(word));
        last.map(spelling::variants).unwrap_or_default()
    }

    /// How this fuzzy search matched a text: the edit distance of the query, the words that are in the place of others, and
    /// the corrected query.
    pub fn correction_for(&self, text: &str) -> Correction {
        let found = spelling::words(text);
        let units = self.units();
        let (mut distance, mut words, mut corrected, mut done) = (0, Vec::new(), String::new(), 0);
        for (at, (unit, near)) in units.iter().zip(&self.near).enumerate() {
            let is_last = at + 1 == units.len();
            let is_begun = is_last && is_beginning(unit.word) && found.iter().any(|word| word.starts_with(unit.word));
            if is_begun || found.contains(unit.word) {
                continue;
            }
            if let Some(word) = near.iter().find(|word| found.contains(*word)) {
                distance += match spelling::edit_distance(unit.word, word) {
                    whole if is_last => whole.min(spelling::beginning_distance(unit.word, word)),
                    whole => whole,
                };
                corrected.push_str(&self.text[done..unit.range.start]);
                corrected.push_str(word);
                words.push(word.clone());
                done = unit.range.end;
            }
        }
        corrected.push_str(&self.text[done..]);
        Correction { distance, words, query: corrected }
    }

    /// See [`title_key`]: a book with this key has the query as its title.
    pub fn title_key(&self) -> String {
        title_key(&self.text)
    }

    /// See [`title_words`]: a title that begins so begins with the whole words of the query.
    pub fn title_words(&self) -> String {
        title_words(&self.text)
    }

    /// Conditions that hold for books which have all words of the query as they were typed, common ones as well, and none
    /// only as a beginning.
    pub fn whole_words(&self) -> Vec<Condition> {
        let mut conditions: Vec<Condition> = self.typed().into_iter().map(|(_, condition)| condition).collect();
        let terms = conditions.iter_mut().flat_map(|Condition(alternatives)| alternatives).flatten();
        for term in terms.filter(|term| term.extent == Extent::Beginning) {
            term.extent = Extent::Whole;
        }
        conditions
    }

    /// Whether a text has all words of the query as the index finds them, common ones as well. Common words alone name
    /// nothing.
    pub fn finds(&self, text: &SearchEntry) -> bool {
        self.finds_as_typed(text) || self.loosened().is_some_and(|loose| loose.finds_as_typed(text))
    }

    fn finds_as_typed(&self, text: &SearchEntry) -> bool {
        let conditions = self.typed();
        conditions.iter().any(|(is_common, _)| !is_common)
            && conditions.iter().all(|(_, condition)| condition.holds_for(text))
    }

    /// Whether the index finds a book with this entry: by the conditions, which leave common words out.
    pub fn is_found_in(&self, text: &SearchEntry) -> bool {
        let conditions = self.conditions();
        !conditions.is_empty() && conditions.iter().all(|condition| condition.holds_for(text))
    }

    /// The query as typed, if it has signs that the index drops and that distinguish books: C++, C#.
    pub fn literal(&self) -> Option<&str> {
        let plain = |c: char| c.is_alphanumeric() || c.is_whitespace() || ".,;:'’\"¿?¡!()-–_".contains(c);
        self.text.chars().any(|c| !plain(c)).then_some(&self.text)
    }
}

impl Term {
    fn whole(word: &str) -> Self {
        Self { word: truncated(word), extent: Extent::Whole }
    }

    fn abbreviation(word: &str) -> Self {
        Self { word: truncated(word), extent: Extent::Abbreviation }
    }
}

/// A group as one word, as its parts, as its words, and as its pairs of letters.
fn alternatives(group: &Group, is_last: bool) -> Vec<Alternative> {
    let words: Vec<&str> = group.words.iter().map(|word| word.folded.as_str()).collect();
    let parts = group.parts();
    let parts: Vec<&str> = parts.iter().map(Group::form).collect();
    let mut alternatives = vec![alternative(&[group.form()], is_last)];
    if parts.len() > 1 {
        alternatives.push(alternative(&parts, is_last));
    }
    if words.len() > 1 && words != parts && group.may_be_parted() {
        alternatives.push(alternative(&words, is_last));
    }
    let pairs = unspaced_pairs(group.form());
    alternatives.extend(pairs.map(|pairs| pairs.iter().map(|pair| Term::whole(pair)).collect()));
    alternatives
}

/// The words of a group that are corrected each on its own: those that a dash parts.
fn units_of(group: &Group) -> Vec<Unit<'_>> {
    match group.as_written()[..] {
        [word] => vec![Unit { word, range: group.range() }],
        _ => group.words.iter().map(|word| Unit { word: &word.folded, range: word.range.clone() }).collect(),
    }
}

/// All these words; the last may be a beginning if it is the last of the query.
fn alternative(words: &[&str], is_last: bool) -> Alternative {
    let mut terms: Vec<Term> = words.iter().map(|word| Term::whole(word)).collect();
    if let Some(term) = terms.last_mut().filter(|term| is_last && is_beginning(&term.word)) {
        term.extent = Extent::Beginning;
    }
    terms
}

/// Whether a word at the end of a query may not be finished.
fn is_beginning(word: &str) -> bool {
    word.chars().count() >= Search::MIN_BEGINNING_CHARS && !is_common(word)
}

/// The order of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// The title that is the query, titles that begin with its whole words, books that have its whole words, and those that
    /// have words that begin so; among each the most rated first.
    Relevance,
    /// Most rated first.
    Popular,
    /// Most copies sold in the last thirty days first.
    Bestsellers,
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
        ("bestsellers", Self::Bestsellers),
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

    /// Conditions as text: `garcia & (marq*|x y)`.
    fn conditions(query: &str) -> String {
        shown(&Search::parse(query).unwrap())
    }

    fn shown(search: &Search) -> String {
        let term = |term: &Term| match term.extent {
            Extent::Whole => term.word.clone(),
            Extent::Beginning => format!("{}*", term.word),
            Extent::Abbreviation => format!("{}.", term.word),
        };
        let alternative = |terms: &Alternative| terms.iter().map(term).collect::<Vec<_>>().join(" ");
        let conditions: Vec<String> = search
            .conditions()
            .iter()
            .map(|Condition(alternatives)| alternatives.iter().map(alternative).collect::<Vec<_>>().join("|"))
            .collect();
        conditions.join(" & ")
    }

    #[test]
    fn all_words_are_conditions_and_the_last_may_be_a_beginning_from_three_letters_on() {
        assert_eq!(conditions("García  Márq"), "garcia & marq*");
        assert_eq!(conditions("yo robot"), "yo & robot*");
        assert_eq!(conditions("1984"), "1984*");
        assert_eq!(conditions("robot 2"), "robot & 2");
    }

    #[test]
    fn common_words_are_no_condition_while_others_remain() {
        assert_eq!(conditions("The Lord of the Rings"), "lord & rings*");
        assert_eq!(conditions("la casa de"), "casa");
        assert_eq!(conditions("It"), "it");
        assert_eq!(conditions("que me"), "que & me");
    }

    #[test]
    fn joined_words_are_also_found_parted_and_parted_ones_joined() {
        assert_eq!(conditions("don't panic"), "dont & panic*");
        assert_eq!(conditions("spider-man"), "spiderman*|spider man*");
        assert_eq!(conditions("plant's-eye view"), "plantseye|plants eye & view*");
        assert_eq!(conditions("J. R. R. Tolkien"), "jrr|j r r & tolkien*");
        assert_eq!(conditions("JRR Tolkien"), "jrr & tolkien*");
        assert_eq!(conditions("战争与和平"), "战争与和平*|战争 争与 与和 和平");
    }

    #[test]
    fn initials_beside_a_word_of_one_letter_are_words_of_their_own() {
        for (query, expected) in [
            ("harry potter y j. k. rowling", "harry & potter & jk|j k & rowling*"),
            ("harry potter y jk rowling", "harry & potter & jk & rowling*"),
            ("harry potter y j k rowling", "harry & potter & yjk|y j k|jk|j k & rowling*"),
            ("hobbit a j.r.r. tolkien", "hobbit & jrr|j r r & tolkien*"),
            ("ps i love you", "ps & love"),
            ("p.s. i love you", "ps|p s & love"),
            ("1,000 places", "1000|1 000 & places*"),
        ] {
            assert_eq!(conditions(query), expected, "{query}");
        }
    }

    #[test]
    fn abbreviated_names_are_beginnings_of_words() {
        let loosened = |query: &str| Search::parse(query).unwrap().loosened().map(|search| shown(&search));
        for (query, typed, loose) in [
            ("g. orwell", "g. & orwell*", None),
            ("Kafka, F.", "kafka & f.", None),
            ("a. christie", "christie*", None),
            ("g orwell", "g & orwell*", Some("g. & orwell*")),
            ("Kafka, F", "kafka & f", Some("kafka & f.")),
            ("G. G. Márquez", "gg|g g & marquez*", Some("gg|g g|g. g. & marquez*")),
            ("Alex. Dumas", "alex & dumas*", Some("alex|alex. & dumas*")),
            ("García Márquez, G. Cien años", "garcia & marquez & g. & cien & anos*", None),
            ("George Orwell", "george & orwell*", None),
            ("S.", "s", None),
            ("J.R.R.", "jrr*|j r r", None),
            ("x", "x", None),
            ("robot 2", "robot & 2", None),
            ("9780618002214", "9780618002214*", None),
        ] {
            assert_eq!((conditions(query).as_str(), loosened(query).as_deref()), (typed, loose), "{query}");
        }
    }

    #[test]
    fn a_name_is_found_by_all_words_of_the_query_in_any_order() {
        let finds = |query: &str, name: &str| Search::parse(query).unwrap().finds(&SearchEntry::of(name, ""));
        for (query, name) in [
            ("jrr tolk", "J.R.R. Tolkien"),
            ("garcia marquez", "Gabriel García Márquez"),
            ("Márquez, Gabriel", "Gabriel García Márquez"),
            ("ciencia", "Ciencia ficción"),
            ("obrien", "Tim O’Brien"),
            ("Orwell, G.", "George Orwell"),
            ("g orwell", "George Orwell"),
            ("村上春樹", "村上 春樹"),
        ] {
            assert!(finds(query, name), "{query}: {name}");
        }
        for (query, name) in [
            ("tolkien hobbit", "J.R.R. Tolkien"),
            ("", "Ana"),
            ("$", "Ana"),
            ("an", "Ana"),
            ("de", "Miguel de Cervantes"),
        ] {
            assert!(!finds(query, name), "{query}: {name}");
        }
    }

    #[test]
    fn signs_find_a_title_of_signs_and_nothing_else() {
        assert_eq!(conditions("$"), "$");
        assert_eq!(conditions("C++"), "c");
        assert_eq!(conditions("+(foo* -bar) \"baz@5\" ~<>"), "foo & bar & baz & 5");
        assert!(Search::parse(" \u{200b} ").unwrap().conditions().is_empty());
    }

    #[test]
    fn signs_that_set_books_apart_are_kept_literally() {
        let literal = |query: &str| Search::parse(query).unwrap().literal().map(str::to_owned);
        assert_eq!(literal(" C++ "), Some("C++".into()));
        assert_eq!(literal("¿Qué me quieres, amor?"), None);
    }

    #[test]
    fn an_isbn_is_looked_up_as_one() {
        for query in ["978-0-618-00221-4", "0618002219", "ISBN-13: 978–0618002214, Hobbit"] {
            assert!(Search::parse(query).unwrap().isbn().is_some(), "{query}");
        }
    }

    fn with_fuzzy_terms(query: &str, known: &[&str]) -> Option<Search> {
        Search::parse(query).unwrap().with_fuzzy_terms(&known.iter().map(|word| ((*word).to_owned(), 1)).collect())
    }

    #[test]
    fn a_fuzzy_search_also_accepts_similar_words_and_still_requires_all() {
        let known = ["austen", "justin", "jane", "emma", "marquez", "marques"];
        let terms = |query| shown(&with_fuzzy_terms(query, &known).unwrap());
        assert_eq!(terms("Jane Austin"), "jane & austin*|austen|justin");
        assert_eq!(terms("Márqez 2 emma"), "marqez|marquez & 2 & emma*");
        assert_eq!(with_fuzzy_terms("zzz del quevedo", &known), None);
    }

    fn correction(search: &Search, text: &str) -> (usize, String) {
        let Correction { distance, query, .. } = search.correction_for(text);
        (distance, query)
    }

    #[test]
    fn a_beginning_with_a_slip_is_similar_to_longer_words() {
        let search = with_fuzzy_terms("el qiujo", &["quijote", "quijotada", "quiosco"]).unwrap();
        assert_eq!(correction(&search, "Don Quijote"), (1, "el quijote".into()));
    }

    #[test]
    fn the_correction_of_a_query_comes_from_the_text_that_it_found() {
        let search = with_fuzzy_terms("C++ el QUIJTOE, de Miguel", &["quijote", "quijotes", "miguela"]).unwrap();
        let found = correction(&search, "El Quijote de C. para Miguel");
        assert_eq!(found, (1, "C++ el quijote, de Miguel".into()));
        let austin = with_fuzzy_terms("jane austin", &["austen", "justin", "jane", "janet"]).unwrap();
        assert_eq!(correction(&austin, "Emma Jane Austen"), (1, "jane austen".into()));
        assert_eq!(correction(&austin, "Janet Justin"), (2, "janet justin".into()));
        assert_eq!(correction(&austin, "Jane Janet Austen"), (1, "jane austen".into()));
        assert_eq!(correction(&austin, "Jane Austington"), (0, "jane austin".into()));
        let joined = with_fuzzy_terms("the spidrman-returns", &["spiderman", "returns"]).unwrap();
        assert_eq!(correction(&joined, "Spiderman Returns"), (1, "the spiderman-returns".into()));
    }

    #[test]
    fn neighbours_are_joined_and_words_parted_where_that_makes_known_words() {
        let known = [("mockingbird", 2), ("hitchhikers", 3), ("monte", 9), ("cristo", 4), ("mon", 1), ("bird", 5)];
        let known: Known = known.map(|(word, books)| (word.to_owned(), books)).into();
        for (query, expected) in [
            ("To kill a mocking bird", &["To kill a mockingbird"][..]),
            ("hitch hiker's guide", &["hitchhikers guide"]),
            ("«El conde de Montecristo»", &["«El conde de monte cristo»"]),
            ("mockingbird", &[]),
            ("monte cristo", &[]),
            ("", &[]),
        ] {
            let search = Search::parse(query).unwrap();
            assert_eq!(search.respaced(&known), expected, "{query}");
            let looked_up = search.words_by_blanks();
            assert!(expected.is_empty() || known.keys().any(|word| looked_up.contains(word)), "{query}: {looked_up:?}");
        }
    }

    #[test]
    fn a_query_has_at_most_200_characters_and_is_kept_clean() {
        assert!(Search::parse(&"é".repeat(200)).is_ok());
        assert_eq!(Search::parse(&"é".repeat(201)).unwrap_err().reason, Reason::LongerThan { max: 200 });
        let search = Search::parse(" El\u{200b} Túnel\n").unwrap();
        assert_eq!(search.text(), "El Túnel");
        assert_eq!((search.title_key(), search.title_words()), (title_key("El Túnel"), title_words("El Túnel")));
        assert!(!search.title_key().is_empty() && !search.title_words().is_empty());
    }

    #[test]
    fn a_condition_of_one_whole_word_is_that_word() {
        let words = |query: &str| {
            let conditions = Search::parse(query).unwrap().conditions();
            conditions.iter().map(|condition| condition.single_word().map(str::to_owned)).collect::<Vec<_>>()
        };
        for (query, expected) in [
            ("robot 2", vec![Some("robot"), Some("2")]),
            ("lord rings", vec![Some("lord"), None]),
            ("spider-man 2", vec![None, Some("2")]),
            ("g. orwell 2", vec![None, Some("orwell"), Some("2")]),
        ] {
            assert_eq!(
                words(query),
                expected.iter().map(|word| word.map(str::to_owned)).collect::<Vec<_>>(),
                "{query}"
            );
        }
    }

    #[test]
    fn a_word_by_itself_is_parted_everywhere_and_the_last_one_varies() {
        let looked_up = |query: &str| Search::parse(query).unwrap().words_by_blanks();
        assert_eq!(looked_up("montecristo"), spelling::parts("montecristo", true));
        let beside = looked_up("el montecristo");
        assert!(spelling::parts("montecristo", false).is_subset(&beside), "{beside:?}");
        assert_eq!(beside.len(), spelling::parts("montecristo", false).len() + spelling::parts("el", false).len() + 1);
        let variants = |query: &str| Search::parse(query).unwrap().variants_of_beginning();
        assert_eq!(variants("don quijot"), spelling::variants("quijot"));
        assert!(!variants("don quijot").is_empty());
        assert!(variants("quijote x").is_empty() && variants("").is_empty());
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
