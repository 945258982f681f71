//! The facts of a book, by the rules of the catalogue format: for the rows of a file and for what the staff types.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    BookId, CatalogueRow, Currency, Genre, Invalid, Isbn13, Language, Money, Parsed, Reason, check_marks, clean,
    clean_line,
};

/// All facts of a book that a catalogue can set, except copies and ratings. Unlike in a row of a catalogue, none means that the
/// book has no such fact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BookFacts {
    pub title: String,
    /// In the cover's order, each once, at least one.
    pub authors: Vec<String>,
    pub isbn: Option<Isbn13>,
    pub price: Option<Money>,
    /// The price that the publisher has fixed: minor units of the currency of the price, or else of the shop.
    pub fixed_price: Option<u32>,
    /// Hundredths of a percent; none is the rate of the shop.
    pub tax_rate: Option<u16>,
    /// Slugs, sorted.
    pub genres: Vec<String>,
    pub language: Option<Language>,
    pub year: Option<i16>,
    pub publisher: Option<String>,
    pub publisher_contact: Option<String>,
    pub description: Option<String>,
}

/// A fact before and after a change, as text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FactChange {
    /// Its field: `price`.
    pub field: String,
    /// Empty without a value.
    pub before: String,
    pub after: String,
}

/// The field of the genres that have no box of their own.
const GENRES: &str = "genres";
/// Authors and genres on one line.
const SEPARATOR: &str = "; ";

impl BookFacts {
    /// Reads the fields of a form, with all that is wrong with them. A genre is a field of its own, `genre-poetry`, or one of
    /// the slugs in `genres`.
    pub fn parse(
        typed: &BTreeMap<String, String>,
        currency: Currency,
        decimal_comma: bool,
    ) -> Result<Self, Vec<Invalid>> {
        let mut invalid = Vec::new();
        let mut fields = Fields { typed, invalid: &mut invalid };
        let money = |amount: &str| Money::parse_written(amount, currency, decimal_comma).and_then(above_zero);
        let title = fields.required("title", title);
        let authors = fields.required("authors", |names| authors(names.split([';', '\n'])));
        let isbn = fields.optional("isbn", Isbn13::parse);
        let price = fields.optional("price", money);
        let fixed_price = fields.optional("fixed_price", money).map(|price| price.minor);
        let tax_rate = fields.optional("vat_rate", tax_rate);
        let listed = fields.optional(GENRES, genres).unwrap_or_default();
        let language = fields.optional("language", Language::parse_known);
        let year = fields.optional("year", year);
        let publisher = fields.optional("publisher", |text| line_of(text, CatalogueRow::MAX_PUBLISHER));
        let publisher_contact =
            fields.optional("publisher_contact", |text| line_of(text, CatalogueRow::MAX_PUBLISHER_CONTACT));
        let description = fields.optional("description", description);
        if let (Some(price), Some(fixed)) = (&price, fixed_price)
            && !keeps_fixed_price(price.minor, fixed)
        {
            fields.invalid.push(Invalid::new("price", Reason::OutsideFixedPrice));
        }
        let ticked = typed.keys().filter_map(|name| Genre::parse(name.strip_prefix("genre-")?).ok());
        let mut genres: Vec<String> = ticked.map(|genre| genre.0).chain(listed).collect();
        genres.sort();
        genres.dedup();
        let genres = few_enough(genres).map_err(|too_many| fields.invalid.push(too_many)).unwrap_or_default();
        match (title, authors) {
            (Some(title), Some(authors)) if invalid.is_empty() => Ok(Self {
                title,
                authors,
                isbn,
                price,
                fixed_price,
                tax_rate,
                genres,
                language,
                year,
                publisher,
                publisher_contact,
                description,
            }),
            _ => Err(invalid),
        }
    }

    /// Each fact by its field, as it can be typed; empty without a value.
    pub fn fields(&self, shop: Currency) -> [(&'static str, String); 12] {
        let of_price = self.price.as_ref().and_then(|price| Currency::parse(&price.currency).ok()).unwrap_or(shop);
        // A price of the time when the shop had another currency.
        let unit = if of_price == shop { String::new() } else { format!(" {}", of_price.code()) };
        let amount = |minor: Option<u32>| minor.map(|minor| of_price.plain(minor) + &unit).unwrap_or_default();
        let text = |text: Option<&String>| text.cloned().unwrap_or_default();
        [
            ("title", self.title.clone()),
            ("authors", self.authors.join(SEPARATOR)),
            ("isbn", self.isbn.as_ref().map(|isbn| isbn.as_str().to_owned()).unwrap_or_default()),
            ("price", amount(self.price.as_ref().map(|price| price.minor))),
            ("fixed_price", amount(self.fixed_price)),
            ("vat_rate", self.tax_rate.map(percent).unwrap_or_default()),
            (GENRES, self.genres.join(SEPARATOR)),
            ("language", self.language.as_ref().map(|language| language.as_str().to_owned()).unwrap_or_default()),
            ("year", self.year.map(|year| year.to_string()).unwrap_or_default()),
            ("publisher", text(self.publisher.as_ref())),
            ("publisher_contact", text(self.publisher_contact.as_ref())),
            ("description", text(self.description.as_ref())),
        ]
    }

    /// The facts that differ, with their values.
    pub fn changes(before: Option<&Self>, after: &Self, shop: Currency) -> Vec<FactChange> {
        let before = before.map(|facts| facts.fields(shop));
        let after = after.fields(shop).into_iter().enumerate();
        after
            .map(|(at, (field, after))| {
                let before = before.as_ref().map(|fields| fields[at].1.clone()).unwrap_or_default();
                FactChange { field: field.to_owned(), before, after }
            })
            .filter(|change| change.before != change.after)
            .collect()
    }
}

/// Text that a bookseller types or scans to find a book.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sought {
    Isbn(Isbn13),
    /// The shop's own number; it may be a word of a title as well.
    Number(BookId),
    Words,
}

impl Sought {
    /// # Errors
    /// It is an ISBN of which a digit is mistyped.
    pub fn parse(text: &str) -> Parsed<Self> {
        let text = text.trim();
        match Isbn13::parse(text) {
            Ok(isbn) => return Ok(Self::Isbn(isbn)),
            Err(invalid) if matches!(invalid.reason, Reason::WrongCheckDigit { .. }) => return Err(invalid),
            Err(_) => {}
        }
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
        Ok(BookId::parse(text).filter(|_| is_number).map_or(Self::Words, Self::Number))
    }
}

/// The fields of a form, and what is wrong with them.
struct Fields<'a> {
    typed: &'a BTreeMap<String, String>,
    invalid: &'a mut Vec<Invalid>,
}

impl Fields<'_> {
    /// None where nothing was typed, or what cannot be read.
    fn optional<T>(&mut self, name: &str, parse: impl FnOnce(&str) -> Parsed<T>) -> Option<T> {
        let text = clean(self.typed.get(name)?);
        if text.is_empty() {
            return None;
        }
        let parsed = parse(&text);
        parsed.map_err(|invalid| self.invalid.push(Invalid { field: name.to_owned(), ..invalid })).ok()
    }

    fn required<T>(&mut self, name: &str, parse: impl FnOnce(&str) -> Parsed<T>) -> Option<T> {
        let known = self.invalid.len();
        let value = self.optional(name, parse);
        if value.is_none() && self.invalid.len() == known {
            self.invalid.push(Invalid::new(name, Reason::Blank));
        }
        value
    }
}

/// Whether a book may be sold at this price: where the publisher has fixed one, the discount is at most five percent (Ley
/// 10/2007, article 9).
pub fn keeps_fixed_price(price: u32, fixed: u32) -> bool {
    price <= fixed && u64::from(price) * 100 >= u64::from(fixed) * 95
}

/// A text of at most so many characters.
pub fn at_most(field: &str, text: String, max: usize) -> Parsed<String> {
    let count = text.chars().count();
    if count > max {
        return Err(Invalid::new(field, Reason::TooLong { max, length: count }));
    }
    check_marks(field, &text)?;
    Ok(text)
}

/// The same on one line, of a field that the caller names.
pub fn line_of(text: &str, max: usize) -> Parsed<String> {
    at_most("", text.replace('\n', " "), max)
}

pub fn title(text: &str) -> Parsed<String> {
    at_most("title", clean_line(text), CatalogueRow::MAX_TITLE)
}

pub fn description(text: &str) -> Parsed<String> {
    at_most("description", text.to_owned(), CatalogueRow::MAX_DESCRIPTION)
}

/// Each author once, in order.
pub fn authors<'a>(names: impl Iterator<Item = &'a str>) -> Parsed<Vec<String>> {
    let mut authors: Vec<String> = Vec::new();
    for name in names {
        let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
        if !name.is_empty() && !authors.contains(&name) {
            authors.push(at_most("authors", name, CatalogueRow::MAX_AUTHOR)?);
        }
    }
    match authors.len() {
        0 => Err(Invalid::other("authors", "must name at least one")),
        count if count > CatalogueRow::MAX_AUTHORS => Err(Invalid::other(
            "authors",
            format!("must name at most {}, and names {count}", CatalogueRow::MAX_AUTHORS),
        )),
        _ => Ok(authors),
    }
}

/// A whole number without what spreadsheets put around it: `'9`, `9.0`, `1605,00`. Three zeros may be thousands and stay.
pub fn whole_number(text: &str) -> &str {
    let text = text.trim_start_matches('\'');
    let zeros = text.split_once(['.', ',']).filter(|(_, zeros)| matches!(*zeros, "0" | "00"));
    zeros.map_or(text, |(whole, _)| whole)
}

/// `1813`, `-750`, and `1813.0` as spreadsheets write it.
pub fn year(text: &str) -> Parsed<i16> {
    let invalid = |reason| Invalid::other("year", reason);
    match whole_number(text).replace('\u{2212}', "-").parse() {
        Ok(0) => Err(invalid("must not be 0, which is no year: 1 follows -1")),
        Ok(year) if (-5_000..=3_000).contains(&year) => Ok(year),
        _ => Err(invalid("must be a year such as 1605, or -750 before our era")),
    }
}

/// Percent, such as `4`, `10.5` or `21 %`, in hundredths of a percent.
pub fn tax_rate(text: &str) -> Parsed<u16> {
    let invalid = || Invalid::other("vat_rate", "must be a percentage from 0 to 100 such as 4 or 5.5");
    let number = text.trim_start_matches('\'').trim_end_matches('%').trim().replace(',', ".");
    let (whole, fraction) = number.split_once('.').unwrap_or((&number, "0"));
    let fraction = fraction.trim_end_matches('0');
    let is_number = [whole, fraction].iter().all(|part| part.bytes().all(|b| b.is_ascii_digit()));
    if whole.is_empty() || !is_number || fraction.len() > 2 {
        return Err(invalid());
    }
    let rate: u32 = format!("{whole}{fraction:0<2}").parse().map_err(|_| invalid())?;
    u16::try_from(rate).ok().filter(|rate| *rate <= 10_000).ok_or_else(invalid)
}

/// `5.5` of 550.
fn percent(rate: u16) -> String {
    let (whole, fraction) = (rate / 100, rate % 100);
    if fraction == 0 {
        return whole.to_string();
    }
    format!("{whole}.{fraction:02}").trim_end_matches('0').to_owned()
}

/// Slugs such as `science-fiction`, each once, sorted.
pub fn genres(text: &str) -> Parsed<Vec<String>> {
    let mut slugs: Vec<String> = Vec::new();
    for slug in text.split(';').map(str::trim).filter(|slug| !slug.is_empty()) {
        if Genre::parse(slug).is_err() {
            return Err(Invalid::other(GENRES, "must be slugs such as science-fiction, separated by semicolons"));
        }
        slugs.push(slug.to_owned());
    }
    slugs.sort();
    slugs.dedup();
    few_enough(slugs)
}

fn few_enough(genres: Vec<String>) -> Parsed<Vec<String>> {
    let (count, most) = (genres.len(), CatalogueRow::MAX_GENRES);
    if count > most {
        return Err(Invalid::other(GENRES, format!("must be at most {most}, and are {count}")));
    }
    Ok(genres)
}

/// The price of a book that is sold. Suppliers write 0 where they know none.
pub fn above_zero(price: Money) -> Parsed<Money> {
    if price.minor == 0 {
        return Err(Invalid::other("price", "must be more than 0, because no book is given away"));
    }
    Ok(price)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(fields: &[(&str, &str)]) -> BTreeMap<String, String> {
        fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn parse(fields: &[(&str, &str)]) -> Result<BookFacts, Vec<Invalid>> {
        BookFacts::parse(&typed(fields), Currency::EUR, false)
    }

    const ALL: [(&str, &str); 14] = [
        ("title", " Don Quijote\nde la Mancha "),
        ("authors", "Miguel de  Cervantes; Nadie;Nadie"),
        ("isbn", "84-204-6728-6"),
        ("price", "19,00 €"),
        ("fixed_price", "20"),
        ("vat_rate", "5,50 %"),
        ("genre-classics", "yes"),
        ("genre-poetry", "yes"),
        ("genres", "new-weird; classics"),
        ("language", "spa"),
        ("year", "1605"),
        ("publisher", "Editorial Uno"),
        ("publisher_contact", "Calle Uno 1; info@uno.example"),
        ("description", "Un hidalgo.\nY su escudero."),
    ];

    #[test]
    fn what_the_staff_types_is_read_and_written_back_as_it_can_be_typed() {
        let facts = parse(&ALL).unwrap();
        let fields = facts.fields(Currency::EUR);
        assert_eq!(
            fields.each_ref().map(|(_, value)| value.as_str()),
            [
                "Don Quijote de la Mancha",
                "Miguel de Cervantes; Nadie",
                "9788420467283",
                "19.00",
                "20.00",
                "5.5",
                "classics; new-weird; poetry",
                "es",
                "1605",
                "Editorial Uno",
                "Calle Uno 1; info@uno.example",
                "Un hidalgo.\nY su escudero.",
            ]
        );
        let again: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(parse(&again), Ok(facts.clone()));
        // A price of another currency does not pass for one of the shop.
        assert_eq!(facts.fields(Currency::parse("USD").unwrap())[3].1, "19.00 EUR");
    }

    #[test]
    fn a_blank_field_is_no_fact_and_title_and_authors_must_be_there() {
        let facts = parse(&[("title", "T"), ("authors", "A"), ("price", " "), ("description", "\u{200b}")]).unwrap();
        let blank = facts.fields(Currency::EUR).iter().filter(|(_, value)| value.is_empty()).count();
        assert_eq!((blank, facts.price, facts.description), (10, None, None));
        let missing = parse(&[("title", " "), ("authors", " ; ")]).unwrap_err();
        let fields: Vec<&str> = missing.iter().map(|invalid| invalid.field.as_str()).collect();
        assert_eq!((fields, &missing[0].reason), (vec!["title", "authors"], &Reason::Blank));
    }

    #[test]
    fn everything_that_is_wrong_is_named_by_its_field() {
        let wrong = [
            ("title", "T"),
            ("authors", "A"),
            ("isbn", "9788420467284"),
            ("price", "mucho"),
            ("fixed_price", "-1"),
            ("vat_rate", "101"),
            ("genres", "Poesía"),
            ("language", "klingon"),
            ("year", "0"),
        ];
        let invalid = parse(&wrong).unwrap_err();
        let fields: Vec<&str> = invalid.iter().map(|invalid| invalid.field.as_str()).collect();
        assert_eq!(fields, ["isbn", "price", "fixed_price", "vat_rate", "genres", "language", "year"]);
        assert_eq!(invalid[0].reason, Reason::WrongCheckDigit { digits: 13 });
        let long = "x".repeat(CatalogueRow::MAX_TITLE + 1);
        assert!(matches!(
            parse(&[("title", &long), ("authors", "A")]).unwrap_err()[..],
            [Invalid { reason: Reason::TooLong { max: 500, length: 501 }, .. }]
        ));
        for (price, is_refused) in [("18.99", true), ("19.00", false), ("20.00", false), ("20.01", true)] {
            let fields = [("title", "T"), ("authors", "A"), ("price", price), ("fixed_price", "20")];
            let reasons: Vec<Reason> =
                parse(&fields).err().into_iter().flatten().map(|invalid| invalid.reason).collect();
            assert_eq!(reasons, if is_refused { vec![Reason::OutsideFixedPrice] } else { vec![] }, "{price}");
        }
    }

    #[test]
    fn texts_authors_genres_and_years_are_accepted_up_to_their_limits() {
        for (length, is_accepted) in [(CatalogueRow::MAX_TITLE, true), (CatalogueRow::MAX_TITLE + 1, false)] {
            assert_eq!(title(&"é".repeat(length)).is_ok(), is_accepted, "{length} characters");
        }
        for (count, is_accepted) in [(0, false), (1, true), (CatalogueRow::MAX_AUTHORS, true), (101, false)] {
            let names: Vec<String> = (0..count).map(|number| format!("A {number}")).collect();
            assert_eq!(authors(names.iter().map(String::as_str)).is_ok(), is_accepted, "{count} authors");
        }
        for (count, is_accepted) in [(CatalogueRow::MAX_GENRES, true), (CatalogueRow::MAX_GENRES + 1, false)] {
            let slugs: Vec<String> = (0..count).map(|number| format!("genre-{number}")).collect();
            assert_eq!(genres(&slugs.join(";")).is_ok(), is_accepted, "{count} genres");
        }
        for (text, expected) in [
            ("-5000", Some(-5_000)),
            ("-5001", None),
            ("3000", Some(3_000)),
            ("3001", None),
            ("0", None),
            ("\u{2212}750", Some(-750)),
            ("1813.0", Some(1_813)),
        ] {
            assert_eq!(year(text).ok(), expected, "{text}");
        }
    }

    #[test]
    fn a_tax_rate_is_a_percentage_with_at_most_two_decimals() {
        for (text, rate) in
            [("4", 400), ("10.5", 1_050), ("5,55", 555), ("21 %", 2_100), ("0", 0), ("5.500", 550), ("100", 10_000)]
        {
            assert_eq!(tax_rate(text), Ok(rate), "{text}");
        }
        for text in ["", "%", ".5", "+4", "-4", "4.+5", "5.555", "1.234", "100.01", "4 5", "1e1", "99999999999"] {
            assert!(tax_rate(text).is_err(), "{text}");
        }
        for (rate, text) in [(0, "0"), (400, "4"), (1_000, "10"), (1_050, "10.5"), (555, "5.55"), (505, "5.05")] {
            assert_eq!(percent(rate), text);
        }
    }

    #[test]
    fn a_change_names_each_fact_that_differs() {
        let before = parse(&ALL).unwrap();
        let after = BookFacts { price: None, title: "Quijote".into(), ..before.clone() };
        let change = |field: &str, before: &str, after: &str| FactChange {
            field: field.into(),
            before: before.into(),
            after: after.into(),
        };
        assert_eq!(
            BookFacts::changes(Some(&before), &after, Currency::EUR),
            [change("title", "Don Quijote de la Mancha", "Quijote"), change("price", "19.00", "")]
        );
        assert_eq!(BookFacts::changes(Some(&before), &before, Currency::EUR), []);
        assert_eq!(BookFacts::changes(None, &before, Currency::EUR).len(), 12);
    }

    #[test]
    fn what_is_scanned_or_typed_is_an_isbn_a_number_of_the_shop_or_words() {
        let isbn = || Sought::Isbn(Isbn13::parse("9788420467283").unwrap());
        for (text, expected) in [
            ("9788420467283", isbn()),
            (" 978-84-204-6728-3\n", isbn()),
            ("8420467286", isbn()),
            ("ISBN 84-204-6728-6", isbn()),
            ("53", Sought::Number(53.into())),
            ("1984", Sought::Number(1984.into())),
            ("053", Sought::Words),
            ("53-don-quijote", Sought::Words),
            ("99999999999", Sought::Words),
            ("quijote", Sought::Words),
            ("9788420467283 quijote", Sought::Words),
        ] {
            assert_eq!(Sought::parse(text), Ok(expected), "{text}");
        }
        for (text, digits) in [("9788420467284", 13), ("978-84-204-6728-4", 13), ("8420467287", 10)] {
            assert_eq!(Sought::parse(text).unwrap_err().reason, Reason::WrongCheckDigit { digits }, "{text}");
        }
    }
}
