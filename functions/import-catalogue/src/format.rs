//! The supported CSV formats, distinguished by their header; docs/catalogue-format.md describes them.

use std::{
    borrow::Cow,
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    io::{self, Read},
};

use html_escape::decode_html_entities;
use shared::domain::{
    CatalogueRow, Currency, Histogram, Invalid, Isbn13, Language, Money, Parsed, Reason, Reference,
    book_facts::{self, genres, line_of, tax_rate, whole_number, year},
    clean,
};
use shared::{repo::imports::Warning, staff::FileColumns};
use time::{
    Date, OffsetDateTime, PrimitiveDateTime, Time,
    format_description::{FormatItem, well_known::Rfc3339},
    macros::{datetime, format_description},
};

use crate::{
    columns::{Columns, Format, Notice, Notices, is_blank, names, with_suggestion},
    records::{Record, Records},
    spreadsheet,
};

/// One row of the file.
pub struct Line {
    /// From 1; the header is line 1. A row that spans lines has the number of its first.
    pub number: u32,
    /// The parsed row, or the reason why it is refused.
    pub row: Result<CatalogueRow, String>,
    /// The optional cells that were left out of the parsed row.
    pub warnings: Vec<Warning>,
    /// The raw text, for the report of refused rows.
    pub text: String,
    /// The cells as they were in the file; none if the row has none.
    pub cells: Option<Vec<Vec<u8>>>,
}

/// The rows of a file, read as they are needed.
pub struct Lines<R> {
    records: Records<R>,
    columns: Columns,
    notices: Notices,
    written: Written,
    /// The shop's.
    currency: Currency,
}

/// What may separate the cells, the most usual first.
const SEPARATORS: &[u8] = b",;\t";

impl<R: Read> Lines<R> {
    /// Reads the header of a file in UTF-8; a file that has none of ours is refused as a whole.
    pub fn read(source: R, currency: Currency) -> Result<Self, String> {
        let unreadable = |error| format!("the file cannot be read: {error}");
        let mut records = Records::new(source).map_err(unreadable)?;
        refuse_other_files(records.beginning())?;
        let declared = declared_separator(&records)?;
        if declared.is_some() {
            records.next().transpose().map_err(unreadable)?;
        }
        while records.peek(b',').is_ok_and(|cells| is_blank(&cells)) {
            if records.next().transpose().map_err(unreadable)?.is_none() {
                break;
            }
        }
        let separators = declared.as_ref().map_or(SEPARATORS, std::slice::from_ref);
        let known = separators.iter().find_map(|separator| Some((*separator, Columns::of(&records, *separator)?)));
        let Some((separator, columns)) = known else {
            return Err(unknown_header(&records, declared));
        };
        if let Some(twice) = columns.named_twice() {
            return Err(format!("the header has the column {twice} twice; remove or rename one of them"));
        }
        records.separate_by(separator);
        let header = records.next().transpose().map_err(unreadable)?;
        let notices = Notices::of_header(&columns, header.map_or(1, |header| header.line));
        Ok(Self { records, columns, notices, written: Written::default(), currency })
    }

    /// What is to be said about the file as a whole, as far as it has been read.
    pub fn notices(&self) -> &[Notice] {
        self.notices.all()
    }

    /// The columns of the file.
    pub fn columns(&self) -> FileColumns {
        let separator = char::from(self.records.separator());
        FileColumns { names: self.columns.names().to_vec(), separator }
    }

    /// Continues behind a line. What is before it is read again, because later rows depend on it.
    pub fn skip_to(&mut self, done: u32) -> io::Result<()> {
        while self.records.line() <= done && self.next().transpose()?.is_some() {}
        Ok(())
    }

    fn line(&mut self, record: Record) -> Line {
        let mut warnings = Vec::new();
        let text = String::from_utf8_lossy(&record.text).into_owned();
        let (row, cells) = match record.cells {
            Ok(cells) => (self.row(record.line, &cells, &mut warnings), Some(cells)),
            Err(reason) => (Err(reason), None),
        };
        Line { number: record.line, row, warnings, text, cells }
    }

    fn row(&mut self, line: u32, cells: &[Vec<u8>], warnings: &mut Vec<Warning>) -> Result<CatalogueRow, String> {
        let by_column = self.columns.pair(cells)?;
        self.notices.note(&self.columns, line, cells);
        let decimal_comma = self.records.separator() == b';';
        let mut cells = Cells { by_column, currency: self.currency, decimal_comma, line, warnings };
        let row = match self.columns.format {
            Format::Anaquel => anaquel(&mut cells),
            Format::Goodbooks => goodbooks(&mut cells),
        };
        let row = row.map_err(|invalid| invalid.to_string())?;
        self.written.add(line, &row)?;
        Ok(row)
    }
}

/// The first line of each reference, so that no later row of the file overwrites it. Hashes suffice, and take 24 bytes for
/// each book.
#[derive(Default)]
struct Written(HashMap<u64, FirstRow>);

struct FirstRow {
    line: u32,
    content: u64,
}

impl Written {
    /// Refuses a row that would write other values for a book that the file has had before.
    fn add(&mut self, line: u32, row: &CatalogueRow) -> Result<(), String> {
        let content = hash(&format!("{row:?}"));
        let reference = row.reference.as_str();
        let first = self.0.entry(hash(reference)).or_insert(FirstRow { line, content });
        if first.content == content {
            return Ok(());
        }
        Err(format!(
            "reference {reference} is already on line {}, with other values; leave one of them out",
            first.line
        ))
    }
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

impl<R: Read> Iterator for Lines<R> {
    type Item = io::Result<Line>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.records.next()? {
                Ok(record) if record.cells.as_ref().is_ok_and(|cells| is_blank(cells)) => {}
                Ok(record) => return Some(Ok(self.line(record))),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

/// Refuses by name what people upload in place of CSV in UTF-8.
fn refuse_other_files(beginning: &[u8]) -> Result<(), String> {
    const BEGINNINGS: [(&[u8], &str); 4] = [
        (b"PK\x03\x04", "a spreadsheet or another ZIP file"),
        (b"\xd0\xcf\x11\xe0", "a spreadsheet of an old Excel"),
        (b"\x1f\x8b", "compressed by gzip"),
        (b"%PDF", "a PDF"),
    ];
    if let Some((_, what)) = BEGINNINGS.iter().find(|(bytes, _)| beginning.starts_with(bytes)) {
        return Err(format!("the file is {what}, not CSV; save it as CSV in UTF-8"));
    }
    if beginning.iter().take(1_000).any(|byte| *byte == 0) {
        return Err(
            "the file has zero bytes; if it is UTF-16 without a byte order mark, save it as UTF-8 or import it \
                    with the encoding utf-16le"
                .to_owned(),
        );
    }
    Ok(())
}

/// The separator of a first line such as `sep=;`, which spreadsheets write and read.
fn declared_separator(records: &Records<impl Read>) -> Result<Option<u8>, String> {
    let Ok(Some(line)) = records.peek(0).map(|line| line.into_iter().next()) else { return Ok(None) };
    let line = String::from_utf8_lossy(&line).trim_start_matches('\u{feff}').to_owned();
    let Some((_, separator)) = line.split_once('=').filter(|(name, _)| name.eq_ignore_ascii_case("sep")) else {
        return Ok(None);
    };
    match separator.as_bytes() {
        [separator] if SEPARATORS.contains(separator) => Ok(Some(*separator)),
        _ => Err(format!("the first line is {:?}; the separator must be a comma, a semicolon or a tab", short(&line))),
    }
}

fn unknown_header(records: &Records<impl Read>, declared: Option<u8>) -> String {
    let by = |separator: u8| records.peek(separator).map(|cells| names(&cells));
    let guesses = [b',', b';', b'\t', b'|', b':'].map(|separator| (separator, by(separator)));
    let sound = guesses.iter().filter_map(|(separator, names)| Some((*separator, names.as_ref().ok()?)));
    let Some((separator, names)) = sound.rev().max_by_key(|(_, names)| names.len()) else {
        let fault = by(declared.unwrap_or(b',')).err().unwrap_or_default();
        return format!("the header cannot be read: {fault}");
    };
    let read = declared.map_or(SEPARATORS.contains(&separator), |declared| declared == separator);
    let hint = if read || names.len() == 1 {
        String::new()
    } else {
        let allowed = declared.map_or("a comma, a semicolon or a tab".to_owned(), |declared| {
            format!("{:?}, as the first line says", char::from(declared))
        });
        format!(". The columns seem to be separated by {:?}; separate them by {allowed}", char::from(separator))
    };
    format!(
        "the header matches neither format: it needs the columns {} (see docs/catalogue-format.md), or those of \
         goodbooks-10k's books.csv; it has {}{hint}",
        Format::required().join(", "),
        if names.iter().all(String::is_empty) { "none".to_owned() } else { short(&listed(names)) },
    )
}

/// The beginning of a text of the file, for a message.
fn short(text: &str) -> String {
    clean(text).chars().take(300).collect()
}

/// The names of a header that lacks some of ours.
fn listed(names: &[String]) -> String {
    let missing: Vec<&str> =
        Format::required().iter().copied().filter(|name| !names.iter().any(|known| known == name)).collect();
    let shown = names.iter().filter(|name| !name.is_empty()).map(|name| with_suggestion(name, &missing));
    shown.collect::<Vec<_>>().join(", ")
}

/// A row's cells by column name.
struct Cells<'a> {
    by_column: Vec<(&'a str, &'a [u8])>,
    currency: Currency,
    /// Whether numbers have a decimal comma, as where semicolons separate the cells.
    decimal_comma: bool,
    line: u32,
    warnings: &'a mut Vec<Warning>,
}

impl Cells<'_> {
    /// None where the column is missing or the cell blank.
    fn get(&self, name: &str) -> Parsed<Option<String>> {
        let cell = self.bytes(name);
        let cell = std::str::from_utf8(cell).map_err(|_| Invalid::other(name, NOT_UTF_8))?;
        let text = clean(&without_formula(cell.trim()));
        match spreadsheet::fault(&text) {
            Some(fault) => Err(Invalid::other(name, fault)),
            None => Ok(Some(text).filter(|text| !text.is_empty())),
        }
    }

    fn bytes(&self, name: &str) -> &[u8] {
        self.by_column.iter().find(|(known, _)| *known == name).map_or(&[], |(_, cell)| cell)
    }

    fn required(&self, name: &str) -> Parsed<String> {
        self.get(name)?.ok_or_else(|| Invalid::new(name, Reason::Blank))
    }

    /// Text for people, in which suppliers' feeds have entities of HTML.
    fn prose(&self, name: &str) -> Parsed<Option<String>> {
        Ok(self.get(name)?.map(|text| clean(&without_entities(&text))).filter(|text| !text.is_empty()))
    }

    /// None where there is no value, or with a warning where it cannot be read: that costs the cell and not the book.
    fn optional<T>(&mut self, name: &str, parse: impl FnOnce(&str) -> Parsed<T>) -> Option<T> {
        let cell = self.get(name);
        self.or_warning(name, cell.and_then(|cell| cell.as_deref().map(parse).transpose()))
    }

    fn or_warning<T>(&mut self, name: &str, value: Parsed<Option<T>>) -> Option<T> {
        value.unwrap_or_else(|invalid| {
            let cell = String::from_utf8_lossy(self.bytes(name)).into_owned();
            self.warnings.push(Warning::new(self.line, name, &cell, &invalid.reason.to_string()));
            None
        })
    }

    fn title(&self) -> Parsed<String> {
        book_facts::title(&self.prose("title")?.ok_or_else(|| Invalid::new("title", Reason::Blank))?)
    }

    /// Each author once, in order.
    fn authors(&self, names: impl Fn(&str) -> Vec<String>) -> Parsed<Vec<String>> {
        let names = names(&self.prose("authors")?.unwrap_or_default());
        for name in &names {
            if let Some(fault) = spreadsheet::fault(&name.split_whitespace().collect::<Vec<_>>().join(" ")) {
                return Err(Invalid::other("authors", format!("names one that {fault}")));
            }
        }
        book_facts::authors(names.iter().map(String::as_str))
    }
}

const NOT_UTF_8: &str =
    "is not UTF-8; if the file is Windows-1252, as spreadsheets write it, import it with the encoding windows-1252";

/// The text of `="text"`, with which some programs keep a spreadsheet from changing a number.
fn without_formula(cell: &str) -> Cow<'_, str> {
    let inside =
        cell.strip_prefix("=\"").and_then(|rest| rest.strip_suffix('"')).map(|text| text.replace("\"\"", "\0"));
    let text = inside.filter(|text| !text.contains('"')).map(|text| text.replace('\0', "\""));
    text.map_or(Cow::Borrowed(cell), Cow::Owned)
}

/// `é` for `&eacute;`, and for `&amp;eacute;`, which was escaped twice.
fn without_entities(text: &str) -> String {
    decode_html_entities(&decode_html_entities(text)).into_owned()
}

fn anaquel(cells: &mut Cells) -> Parsed<CatalogueRow> {
    let description =
        cells.prose("description").and_then(|text| text.as_deref().map(book_facts::description).transpose());
    let (stock, stock_counted_at) = stock(cells);
    let limited = |max: usize| move |text: &str| line_of(text, max);
    Ok(CatalogueRow {
        reference: Reference::parse(&cells.get("reference")?.unwrap_or_default())?,
        isbn: cells.optional("isbn", isbn),
        title: cells.title()?,
        authors: cells.authors(|names| names.split(';').map(str::to_owned).collect())?,
        year: cells.optional("year", year),
        language: cells.optional("language", Language::parse_known),
        genres: cells.optional("genres", genres).filter(|slugs| !slugs.is_empty()),
        price: price(cells, "price")?,
        fixed_price: price(cells, "fixed_price")?,
        stock,
        stock_counted_at,
        tax_rate: cells.optional("vat_rate", tax_rate),
        publisher: cells.optional("publisher", limited(CatalogueRow::MAX_PUBLISHER)),
        publisher_contact: cells.optional("publisher_contact", limited(CatalogueRow::MAX_PUBLISHER_CONTACT)),
        description: cells.or_warning("description", description),
        stars: None,
    })
}

/// A price in another currency refuses the row, because its amount means something else.
fn price(cells: &mut Cells, column: &str) -> Parsed<Option<Money>> {
    let (shop, decimal_comma) = (cells.currency, cells.decimal_comma);
    let price = cells.optional(column, |amount| Ok(amount.trim_start_matches('\'').to_owned()));
    let Some(price) = price else { return Ok(None) };
    let currency = match cells.get("currency") {
        Ok(currency) => currency,
        // An amount without its currency is no price.
        unreadable => return Ok(cells.or_warning("currency", unreadable.map(|_| None))),
    };
    if let Some(currency) = currency.filter(|code| Currency::parse(code) != Ok(shop)) {
        let code = shop.code();
        return Err(Invalid::other("currency", format!("must be {code}, the shop's currency (it is {currency:?})")));
    }
    let written = Money::parse_written(&price, shop, decimal_comma).map_err(|invalid| match invalid.reason {
        Reason::NotAnAmount => Invalid::other("price", not_an_amount(shop)),
        _ => invalid,
    });
    Ok(cells.or_warning(column, written.and_then(book_facts::above_zero).map(Some)))
}

/// Copies, and when they were counted. If that time cannot be read, nobody knows what has been sold since, so the copies are
/// left out as well.
fn stock(cells: &mut Cells) -> (Option<u32>, Option<OffsetDateTime>) {
    let is_counted = cells.get("stock_counted_at").is_ok_and(|cell| cell.is_some());
    let counted_at = cells.optional("stock_counted_at", moment);
    let stock = cells.optional("stock", count).filter(|_| !is_counted || counted_at.is_some());
    (stock, counted_at.filter(|_| stock.is_some()))
}

/// `2026-11-24T18:30:00+01:00`, or without seconds; without an offset it is UTC, and a day alone is its beginning.
fn moment(text: &str) -> Parsed<OffsetDateTime> {
    const LOCAL: [&[FormatItem]; 4] = [
        format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]"),
        format_description!("[year]-[month]-[day]T[hour]:[minute]"),
        format_description!("[year]-[month]-[day] [hour]:[minute]:[second]"),
        format_description!("[year]-[month]-[day] [hour]:[minute]"),
    ];
    let day = || Date::parse(text, format_description!("[year]-[month]-[day]")).ok();
    let local = LOCAL.iter().find_map(|format| PrimitiveDateTime::parse(text, format).ok());
    let local = local.or_else(|| Some(PrimitiveDateTime::new(day()?, Time::MIDNIGHT)));
    let moment = OffsetDateTime::parse(text, &Rfc3339).ok().or_else(|| Some(local?.assume_utc()));
    match moment {
        Some(at) if at < datetime!(2000-01-01 00:00 UTC) || at > OffsetDateTime::now_utc() => {
            Err(Invalid::other("stock_counted_at", "must be a time between the year 2000 and now"))
        }
        Some(at) => Ok(at),
        None => Err(Invalid::other("stock_counted_at", "must be a time such as 2026-11-24T18:30:00+01:00")),
    }
}

fn not_an_amount(currency: Currency) -> String {
    let example = if currency.decimals() == 0 { "1995" } else { "19.95 or 19,95" };
    format!("must be an amount such as {example}, in {}", currency.code())
}

/// Facts of a book and how often it got each number of stars; no price, stock or description.
fn goodbooks(cells: &mut Cells) -> Parsed<CatalogueRow> {
    let id = cells.required("book_id")?;
    Ok(CatalogueRow {
        reference: Reference::parse(&format!("goodbooks:{}", whole_number(&id)))?,
        isbn: cells.optional("isbn", isbn_ten),
        title: cells.title()?,
        authors: cells.authors(names_with_suffixes)?,
        year: cells.optional("original_publication_year", year),
        language: cells.optional("language_code", Language::parse_known),
        genres: None,
        price: None,
        stock: None,
        stock_counted_at: None,
        fixed_price: None,
        tax_rate: None,
        publisher: None,
        publisher_contact: None,
        description: None,
        stars: stars(cells),
    })
}

/// All five counts or none, because a count that cannot be read would change the mean.
fn stars(cells: &mut Cells) -> Option<Histogram> {
    let warnings = cells.warnings.len();
    let names = ["ratings_1", "ratings_2", "ratings_3", "ratings_4", "ratings_5"];
    let counts = names.map(|name| cells.optional(name, count));
    let is_given = counts.iter().any(Option::is_some) && cells.warnings.len() == warnings;
    is_given.then(|| Histogram(counts.map(Option::unwrap_or_default)))
}

fn isbn(text: &str) -> Parsed<Isbn13> {
    if text.to_ascii_uppercase().contains("E+") {
        let rounded = "has lost its last digits in a spreadsheet; give its column there the type text";
        return Err(Invalid::other("isbn", rounded));
    }
    Isbn13::parse(text)
}

/// The ten-digit ISBN of goodbooks-10k is the correct one (the other is a float without its last digits), but a
/// spreadsheet has removed its leading zeros.
fn isbn_ten(text: &str) -> Parsed<Isbn13> {
    isbn(&format!("{:0>10}", whole_number(text)))
}

/// The names of a list with commas, `Jr.` with the name before it.
fn names_with_suffixes(list: &str) -> Vec<String> {
    const SUFFIXES: &str = "jr sr ii iii iv esq md phd dphil dds dd jd ma mba ms msc rn cpa";
    let mut names: Vec<String> = Vec::new();
    for part in list.split(',').map(str::trim) {
        let bare = part.replace('.', "").to_lowercase();
        match names.last_mut() {
            Some(name) if SUFFIXES.split(' ').any(|suffix| suffix == bare) => {
                name.push_str(", ");
                name.push_str(part);
            }
            _ => names.push(part.to_owned()),
        }
    }
    names
}

/// The most copies of a book, or ratings with one number of stars: more than any shop has, and far below what the database
/// can add up. -1 as an unsigned number, a common mistake of exports, is above it.
const MAX_COUNT: u32 = 100_000_000;

fn count(text: &str) -> Parsed<u32> {
    let count = whole_number(text).parse().ok().filter(|count| *count <= MAX_COUNT);
    count.ok_or_else(|| Invalid::other("count", format!("must be a whole number from 0 to {MAX_COUNT}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(csv: &[u8]) -> Result<Lines<&[u8]>, String> {
        Lines::read(csv, Currency::parse("EUR").unwrap())
    }

    fn rows(csv: &str) -> Vec<Line> {
        lines(csv.as_bytes()).unwrap().collect::<Result<_, _>>().unwrap()
    }

    const GOODBOOKS: &str = "book_id,isbn,isbn13,authors,original_publication_year,title,language_code,ratings_1,ratings_2,ratings_3,ratings_4,ratings_5\n";

    #[test]
    fn our_own_columns_may_come_in_any_order_and_optional_ones_may_be_missing() {
        let row =
            &rows("\u{feff}title,authors,reference\n\"El túnel, \"\"1948\"\"\",Ernesto Sabato ;  Nadie,el-tunel\n")[0];
        let parsed = row.row.as_ref().unwrap();
        assert_eq!((row.number, parsed.title.as_str()), (2, "El túnel, \"1948\""));
        assert_eq!(parsed.authors, ["Ernesto Sabato", "Nadie"]);
        assert_eq!((parsed.stock, parsed.genres.clone()), (None, None));
    }

    #[test]
    fn goodbooks_isbns_get_their_zeros_back_and_years_lose_their_point() {
        let row =
            &rows(&format!("{GOODBOOKS}1,439023483,9.78043902348e+12,\"A, B, A\",-750.0,The Iliad,eng,1,2,3,4,5\n"))[0];
        let parsed = row.row.as_ref().unwrap();
        assert_eq!(parsed.isbn.as_ref().unwrap().as_str(), "9780439023481");
        assert_eq!((parsed.year, parsed.authors.len()), (Some(-750), 2));
        assert_eq!(parsed.stars, Some(Histogram([1, 2, 3, 4, 5])));
        assert_eq!(parsed.reference.as_str(), "goodbooks:1");
    }

    #[test]
    fn a_bad_row_is_refused_with_its_line_and_reason_and_others_are_imported() {
        let read = rows(
            "reference,title,authors,price,currency\na,T,X,1.00,EUR\nb,,X,,\nc,T,X,1,5,EUR\nd,T,X,1.005,EUR\ne,T,X,2,\nf,T,X,,\n",
        );
        let reasons: Vec<(u32, &str)> =
            read.iter().filter_map(|line| Some((line.number, line.row.as_ref().err()?.as_str()))).collect();
        assert_eq!(reasons, [(3, "title: must not be blank"), (4, "it has 6 columns, and the header has 5"),]);
        let warnings: Vec<_> = read.iter().flat_map(|line| &line.warnings).cloned().collect();
        let amount = "must be an amount such as 19.95 or 19,95, in EUR";
        assert_eq!(warnings, [Warning::new(5, "price", "1.005", amount)]);
        let price = |row: usize| read[row].row.as_ref().unwrap().price.clone();
        assert_eq!((price(3), price(4)), (None, Money::parse("2", "EUR").ok()));
    }

    #[test]
    fn a_row_that_is_not_utf_8_costs_only_itself() {
        let read: Vec<Line> =
            lines(b"reference,title,authors\na,T\xff,X\nb,T,X\n").unwrap().collect::<Result<_, _>>().unwrap();
        let reason = read[0].row.as_ref().unwrap_err();
        assert!(
            reason.starts_with("title: is not UTF-8") && reason.ends_with("with the encoding windows-1252"),
            "{reason}"
        );
        assert!(read[1].row.is_ok());
    }

    #[test]
    fn an_unknown_header_refuses_the_file_and_lists_the_required_columns() {
        let reason = lines(b"id,name\n1,x\n").err().unwrap();
        assert!(reason.contains("reference, title, authors") && reason.contains("it has id, name"), "{reason}");
        assert!(lines(b"").err().unwrap().contains("it has none"));
    }

    #[test]
    fn lines_are_counted_as_an_editor_counts_them() {
        let numbers = |csv: &str| -> Vec<u32> { rows(csv).iter().map(|line| line.number).collect() };
        assert_eq!(numbers("reference,title,authors\na,\"T\nT\",X\n\nb,T,X\n"), [2, 5]);
        assert_eq!(numbers("reference,title,authors\r\na,T,X\r\n\r\nb,T,\"X\"\r\n"), [2, 4]);
    }

    #[test]
    fn a_carriage_return_belongs_to_no_cell() {
        let read = rows("reference,title,authors\r\na,T,\"X\"\r\nb,T\rT,X\r\n");
        assert_eq!(read[0].row.as_ref().unwrap().authors, ["X"]);
        assert_eq!((read.len(), read[1].row.as_ref().unwrap().title.as_str()), (2, "T T"));
    }

    /// Every sequence of these with at most this length.
    fn sequences<'a>(of: &[&'a str], length: usize) -> Vec<Vec<&'a str>> {
        let mut all = vec![vec![]];
        for _ in 0..length {
            let longer =
                all.iter().flat_map(|rows: &Vec<&str>| of.iter().map(|row| [rows.as_slice(), &[row]].concat()));
            all.extend(longer.collect::<Vec<_>>());
            all.sort();
            all.dedup();
        }
        all
    }

    #[test]
    fn in_any_order_of_rows_all_sound_ones_are_read() {
        const SOUND: [&str; 3] = ["sound-N,T,X", "several-N,\"T\nU\",X", "quoted-N,\"T, U\",\"X\""];
        const REFUSED: [&str; 3] = ["blank-N,,X", "open-N,\"T,X", "stray-N,\"T\"U,X"];
        for rows in sequences(&[SOUND, REFUSED].concat(), 4) {
            for (line_break, end) in [("\n", "\n"), ("\r\n", ""), ("\r", "\r")] {
                let mut csv = "reference,title,authors".to_owned();
                let (mut sound, mut refused) = (Vec::new(), Vec::new());
                for (at, row) in rows.iter().enumerate() {
                    let line = u32::try_from(csv.matches(line_break).count() + 2).unwrap();
                    let row = row.replace('N', &at.to_string());
                    let reference = row.split(',').next().unwrap().to_owned();
                    if row.contains("blank") || row.contains("open") || row.contains("stray") {
                        refused.push(line);
                    } else {
                        sound.push((line, reference));
                    }
                    csv.push_str(line_break);
                    csv.push_str(&row.replace('\n', line_break));
                }
                csv += end;
                let read: Vec<Line> = lines(csv.as_bytes()).unwrap().collect::<Result<_, _>>().unwrap();
                let reference =
                    |line: &Line| Some((line.number, line.row.as_ref().ok()?.reference.as_str().to_owned()));
                assert_eq!(read.iter().filter_map(reference).collect::<Vec<_>>(), sound, "{csv:?}");
                let numbers = read.iter().filter(|line| line.row.is_err()).map(|line| line.number);
                assert_eq!(numbers.collect::<Vec<_>>(), refused, "{csv:?}");
            }
        }
    }

    #[test]
    fn files_of_any_spreadsheet_are_read() {
        for csv in [
            "reference,title,authors,price,currency\na,T,\"X;Y\",\"19,95\",EUR\n",
            "reference;title;authors;price;currency\na;T;\"X;Y\";19,95;EUR\n",
            "reference;title;authors;price;currency\r\na;T;\"X;Y\";19.95;EUR\r\n",
            "reference\ttitle\tauthors\tprice\tcurrency\na\tT\tX;Y\t19,95\teur\n",
            "sep=;\nreference;title;authors;price;currency\na;T;\"X;Y\";19,95;EUR\n",
            "sep=,\r\nreference,title,authors,price,currency\r\na,T,X;Y,19.950,EUR\r\n",
            "\u{feff}SEP=\t\nreference\ttitle\tauthors\tprice\tcurrency\na\tT\tX;Y\t19.95 €\tEUR\n",
            "reference,title,authors,price,currency\ra,T,X;Y,€19.95,EUR\r",
            "\n,,,,\n\"Reference\",\" TITLE\",\"Authors\",\"Price\",\"Currency\"\na,T,X;Y,19.95,EUR\n",
            "reference,title,authors,price,currency\n,,,,\n , , , , \n\u{200b},,,,\na,T,X;Y,19.95,EUR\n,,,,\n",
        ] {
            let read = rows(csv);
            let row = read[0].row.as_ref().unwrap_or_else(|reason| panic!("{csv:?}: {reason}"));
            assert_eq!(
                (read.len(), row.reference.as_str(), row.authors.join("|").as_str()),
                (1, "a", "X|Y"),
                "{csv:?}"
            );
            assert_eq!(row.price.as_ref().map(|price| price.minor), Some(1_995), "{csv:?}");
        }
    }

    #[test]
    fn a_file_that_is_not_read_is_refused_in_words_that_help() {
        for (csv, reason) in [
            ("reference|title|authors\na|T|X\n", "The columns seem to be separated by '|'"),
            ("sep=,\nreference;title;authors\na;T;X\n", "The columns seem to be separated by ';'"),
            ("sep=|\nreference|title|authors\na|T|X\n", "the separator must be a comma, a semicolon or a tab"),
            ("reference,title,authors,title\na,T,X,U\n", "the header has the column title twice"),
            ("reference,title,\"no\ntes\",authors,\"no  tes\"\na,T,,X,\n", "the header has the column no tes twice"),
            ("reference,title,notes,authors,Notes \na,T,,X,\n", "the header has the column notes twice"),
            ("reference,\"title,authors\na,T,X\n", "the header cannot be read: a quote opened on line 1 is not closed"),
            ("PK\u{3}\u{4}rest", "is a spreadsheet or another ZIP file, not CSV"),
            ("r\0e\0f\0", "encoding utf-16le"),
            ("\u{1b}]0;x\u{7},\u{202e}name\n", "it has ]0;x, name"),
        ] {
            let refused = lines(csv.as_bytes()).err().unwrap();
            assert!(refused.contains(reason), "{csv:?}: {refused}");
        }
        let blank = lines(b"reference,title,authors,,\na,T,X,,\n").unwrap();
        assert_eq!(blank.count(), 1, "columns without a name may be several");
    }

    /// The notices about a file that is read to its end.
    fn notices(csv: &str) -> Vec<(u32, String)> {
        let mut lines = lines(csv.as_bytes()).unwrap();
        assert!(lines.by_ref().all(|line| line.is_ok()), "{csv:?}");
        lines.notices().iter().map(|notice| (notice.line, notice.reason.clone())).collect()
    }

    #[test]
    fn columns_that_are_not_read_are_named_once() {
        for (header, expected) in [
            ("reference,title,authors,prize", Some("prize (did you mean price?)")),
            ("reference,title,authors,preço,stok", Some("preço (did you mean price?), stok (did you mean stock?)")),
            ("reference,title,authors,ISBN13", Some("isbn13 (did you mean isbn?)")),
            ("reference,title,authors,Price (EUR)", Some("price (eur) (did you mean price?)")),
            ("reference,title,authors,price,prize", Some("prize")),
            ("reference,title,authors,\"list\n price\",pages", Some("list price (did you mean price?), pages")),
            ("reference,title,authors,pa\u{1b}\u{202e}ges", Some("pages")),
            ("reference,title,authors,ratings_1", Some("ratings_1")),
            ("sep=,\n\nreference,title,authors,x", Some("x")),
            ("Reference , Title,AUTHORS, Isbn,year,language,genres,price,currency,stock,description,", None),
            ("reference,title,authors,,", None),
        ] {
            let line = u32::try_from(header.matches('\n').count() + 1).unwrap();
            let line = if header.starts_with("sep") { line } else { 1 };
            let expected: Vec<_> =
                expected.map(|names| (line, format!("columns not read: {names}"))).into_iter().collect();
            assert_eq!(
                notices(&format!("{header}\na,T,X\nb,T,X\n"))
                    .into_iter()
                    .filter(|(_, reason)| reason.starts_with("columns"))
                    .collect::<Vec<_>>(),
                expected,
                "{header}"
            );
        }
        let real = "book_id,goodreads_book_id,best_book_id,work_id,books_count,isbn,isbn13,authors,original_publication_year,original_title,title,language_code,average_rating,ratings_count,work_ratings_count,work_text_reviews_count,ratings_1,ratings_2,ratings_3,ratings_4,ratings_5,image_url,small_image_url";
        assert_eq!(notices(&format!("{real}\n")), []);
        let priced = "columns not read: price".to_owned();
        assert_eq!(notices(&format!("{real},price\n")), [(1, priced)]);
        let many: Vec<String> = (0..30).map(|n| format!("x{n}")).collect();
        let [(_, reason)] = notices(&format!("reference,title,authors,{}\n", many.join(","))).try_into().unwrap();
        assert!(reason.ends_with("x19, and 10 more"), "{reason}");
    }

    #[test]
    fn a_header_that_lacks_a_column_names_the_one_that_resembles_it() {
        let reason = lines(b"reference,titel,author\n").err().unwrap();
        assert!(
            reason.ends_with("it has reference, titel (did you mean title?), author (did you mean authors?)"),
            "{reason}"
        );
    }

    #[test]
    fn a_row_may_lack_optional_cells_at_its_end() {
        let csv = |row: &str| format!("reference,title,authors,year,stock\n{row}\nb,T,X,1,2\n");
        for (row, expected) in [
            ("a,T,X,1605", Ok((Some(1605), None))),
            ("a,T,X", Ok((None, None))),
            ("a,T", Err("it has 2 columns, and the header has 5")),
            ("a", Err("it has 1 columns, and the header has 5")),
            ("a,T,X,1605,2,3", Err("it has 6 columns, and the header has 5")),
        ] {
            let read = rows(&csv(row)).remove(0).row.map(|row| (row.year, row.stock));
            assert_eq!(read, expected.map_err(str::to_owned), "{row}");
        }
        let short =
            "it has 4 columns, and the header has 5; in this row and others like it, the last ones are read as empty";
        assert_eq!(notices(&(csv("a,T,X,1605") + "c,T,X\n")), [(2, short.to_owned())]);
        let goodbooks = format!("{}\n1,,,X,,T,eng\n", GOODBOOKS.trim_end());
        assert!(rows(&goodbooks).remove(0).row.is_ok());
    }

    #[test]
    fn cells_without_a_name_in_the_header_are_noticed() {
        let nameless = "column 4 has cells, and no name in the header; it is not read";
        for (csv, expected) in [
            ("reference,title,authors,,\na,T,X,,\nb,T,X,9.95,\nc,T,X,1,\n", vec![(3, nameless.to_owned())]),
            ("reference,title,authors,,\na,T,X,,\nb,T,X, ,\u{200b}\n", vec![]),
        ] {
            assert_eq!(notices(csv), expected, "{csv}");
        }
    }

    #[test]
    fn errors_and_formulas_of_a_spreadsheet_are_no_values() {
        for cell in ["#N/A", "#¡VALOR!", "#WERT!", "NULL", "=SUMA(A1:A2)", " #REF! "] {
            for (row, column) in [
                (format!("\"{cell}\",T,X"), "reference"),
                (format!("a,\"{cell}\",X"), "title"),
                (format!("a,T,\"{cell}\""), "authors"),
                (format!("a,T,\"Ana; {cell}\""), "authors"),
            ] {
                let refused = rows(&format!("reference,title,authors\n{row}\n")).remove(0).row.unwrap_err();
                assert!(refused.starts_with(&format!("{column}: ")), "{row}: {refused}");
                let refused = goodbook(&[("book_id", cell)]).row.unwrap_err();
                assert!(refused.starts_with("book_id: "), "{refused}");
            }
            for column in ["isbn", "year", "language", "genres", "stock", "description", "price"] {
                let csv = format!("reference,title,authors,{column}\na,T,X,\"{cell}\"\n");
                let line = rows(&csv).remove(0);
                let row = line.row.unwrap();
                assert_eq!((row.description, row.price), (None, None), "{column} {cell}");
                let [warning] = line.warnings.as_slice() else { panic!("{column} {cell}: {:?}", line.warnings) };
                assert!(warning.column == column && warning.reason.starts_with("is "), "{warning:?}");
            }
            let csv = format!("reference,title,authors,price,currency\na,T,X,9.95,\"{cell}\"\n");
            let line = rows(&csv).remove(0);
            assert_eq!((line.row.unwrap().price, line.warnings[0].column.as_str()), (None, "currency"), "{cell}");
        }
        let equals = rows("reference,title,authors\na,=Love,X\nb,\"=\"\"Text\"\"\",X\n");
        let titles: Vec<_> = equals.iter().map(|line| line.row.as_ref().unwrap().title.as_str()).collect();
        assert_eq!(titles, ["=Love", "Text"]);
    }

    /// A row of goodbooks-10k's format with these values.
    fn goodbook(columns: &[(&str, &str)]) -> Line {
        let names = GOODBOOKS.trim_end().split(',');
        let value = |name| columns.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| *value);
        let defaults = |name| match name {
            "book_id" | "title" | "authors" => "x",
            _ => "",
        };
        let quoted = |value: &str| format!("\"{}\"", value.replace('"', "\"\""));
        let cells = names.map(|name| quoted(if value(name).is_empty() { defaults(name) } else { value(name) }));
        rows(&format!("{GOODBOOKS}{}\n", cells.collect::<Vec<_>>().join(","))).remove(0)
    }

    /// A row with one more column in our own format.
    fn with_cell(column: &str, cell: &str) -> Line {
        let cell = cell.replace('"', "\"\"");
        rows(&format!("reference,title,authors,currency,{column}\na,T,X,EUR,\"{cell}\"\n")).remove(0)
    }

    #[test]
    fn a_rate_of_tax_is_read_in_hundredths_of_a_percent() {
        for (cell, rate) in
            [("4", 400), ("4.0", 400), ("5,5", 550), ("21 %", 2_100), ("10.00", 1_000), ("0", 0), ("100", 10_000)]
        {
            assert_eq!(with_cell("vat_rate", cell).row.unwrap().tax_rate, Some(rate), "{cell}");
        }
        for cell in ["-4", "100.01", "101", "4.125", "four", "%", "1e1", "4..0", ".5"] {
            let line = with_cell("vat_rate", cell);
            assert_eq!((line.row.unwrap().tax_rate, line.warnings.len()), (None, 1), "{cell}");
        }
    }

    #[test]
    fn stock_has_the_time_at_which_it_was_counted_or_counts_for_nothing() {
        let counted = |at: &str, stock: &str| {
            let csv = format!("reference,title,authors,stock,stock_counted_at\na,T,X,{stock},{at}\n");
            let line = rows(&csv).remove(0);
            let row = line.row.unwrap();
            (row.stock, row.stock_counted_at, line.warnings.len())
        };
        for (at, stock, expected) in [
            ("2026-01-02T03:04:05Z", "5", (Some(5), Some(datetime!(2026-01-02 03:04:05 UTC)), 0)),
            ("2026-01-02T03:04:05+01:00", "5", (Some(5), Some(datetime!(2026-01-02 02:04:05 UTC)), 0)),
            ("2026-01-02T03:04", "5", (Some(5), Some(datetime!(2026-01-02 03:04 UTC)), 0)),
            ("2026-01-02 03:04:05", "5", (Some(5), Some(datetime!(2026-01-02 03:04:05 UTC)), 0)),
            ("2026-01-02", "0", (Some(0), Some(datetime!(2026-01-02 00:00 UTC)), 0)),
            ("", "5", (Some(5), None, 0)),
            ("2026-01-02", "", (None, None, 0)),
            ("02/01/2026", "5", (None, None, 1)),
            ("yesterday", "5", (None, None, 1)),
            ("1999-12-31", "5", (None, None, 1)),
            ("2999-01-01", "5", (None, None, 1)),
            ("2026-01-02", "many", (None, None, 1)),
        ] {
            assert_eq!(counted(at, stock), expected, "{at} {stock}");
        }
    }

    #[test]
    fn what_the_law_wants_to_be_known_of_a_book_is_read() {
        let csv = "reference,title,authors,price,fixed_price,publisher,publisher_contact\n\
                   a,T,X,\"19,00\",\"20,00 €\",Editorial Uno,\"Calle 1, Madrid\ninfo@uno.example\"\n";
        let row = rows(csv).remove(0).row.unwrap();
        assert_eq!((row.price.unwrap().minor, row.fixed_price.unwrap().minor), (1_900, 2_000));
        assert_eq!(row.publisher.as_deref(), Some("Editorial Uno"));
        assert_eq!(row.publisher_contact.as_deref(), Some("Calle 1, Madrid info@uno.example"));
        for (column, cell) in [
            ("publisher", "x".repeat(201)),
            ("publisher_contact", "x".repeat(301)),
            ("fixed_price", "cheap".to_owned()),
        ] {
            let line = with_cell(column, &cell);
            let row = line.row.unwrap();
            assert_eq!((row.publisher, row.publisher_contact, row.fixed_price), (None, None, None), "{column}");
            assert_eq!(line.warnings.len(), 1, "{column}");
        }
    }

    #[test]
    fn numbers_are_read_as_spreadsheets_write_them() {
        for (column, cell, expected) in [
            ("stock", "9.0", 9),
            ("stock", "100000000", 100_000_000),
            ("stock", "9,00", 9),
            ("stock", "'9", 9),
            ("stock", "=\"9\"", 9),
            ("year", "1605.00", 1605),
            ("year", "1605.0", 1605),
            ("year", "1605", 1605),
            ("year", "-750.0", -750),
            ("year", "−750", -750),
        ] {
            let row = with_cell(column, cell).row.unwrap();
            let read = row.stock.map(i64::from).or(row.year.map(i64::from));
            assert_eq!(read, Some(expected), "{column} {cell}");
        }
        for isbn in ["=\"9780262033848\"", "'9780262033848", "9780262033848.0", "ISBN 978-0-262-03384-8"] {
            let row = with_cell("isbn", isbn).row.unwrap();
            assert_eq!(row.isbn.unwrap().as_str(), "9780262033848", "{isbn}");
        }
        let bare = rows("reference,title,authors,isbn\na,T,X,=\"9780262033848\"\n").remove(0);
        assert!(bare.row.unwrap().isbn.is_some() && bare.warnings.is_empty());
        let stars = goodbook(&[("ratings_1", "1.0"), ("ratings_5", "7")]).row.unwrap().stars;
        assert_eq!(stars, Some(Histogram([1, 0, 0, 0, 7])));
    }

    #[test]
    fn with_semicolons_between_the_cells_a_point_in_a_price_may_part_thousands() {
        let warnings = |file: &str| format!("{:?}", rows(file).remove(0).warnings);
        let semicolons = warnings("reference;title;authors;price\na;T;X;1.500\n");
        assert!(semicolons.contains("can be read in two ways"), "{semicolons}");
        let commas = warnings("reference,title,authors,price\na,T,X,1.500\n");
        assert!(!commas.contains("can be read in two ways"), "{commas}");
    }

    #[test]
    fn an_optional_cell_that_cannot_be_read_is_left_out_with_a_warning() {
        let long = "x".repeat(2_001);
        for (column, cell, reason) in [
            ("isbn", "9780000000000", "has a wrong check digit"),
            ("isbn", "9.78842E+12", "has lost its last digits in a spreadsheet"),
            ("isbn", "979-0-2600-0043-8", "is an ISMN"),
            ("year", "0", "must not be 0"),
            ("year", "16o5", "must be a year"),
            ("year", "4000", "must be a year"),
            ("stock", "9.5", "must be a whole number"),
            ("stock", "1.000", "must be a whole number"),
            ("stock", "1,000", "must be a whole number"),
            ("stock", "-1", "must be a whole number"),
            ("stock", "4294967295", "must be a whole number from 0 to 100000000"),
            ("stock", "100000001", "must be a whole number from 0 to 100000000"),
            ("stock", "many", "must be a whole number"),
            ("language", "Spanish", "must be a BCP 47 language tag"),
            ("language", "xx", "must be a language of ISO 639"),
            ("genres", "Science Fiction", "must be slugs"),
            ("price", "1.005", "must be an amount"),
            ("price", "1,500", "can be read in two ways"),
            ("price", "$9.95", "must be an amount such as 19.95 or 19,95, in EUR"),
            ("price", "gratis", "must be an amount such as 19.95 or 19,95, in EUR"),
            ("price", "10 $", "must be an amount such as 19.95 or 19,95, in EUR"),
            ("price", "-5", "must be an amount such as 19.95 or 19,95, in EUR"),
            ("description", &long, "must have at most 2000 characters"),
            ("description", "Z\u{316}\u{317}\u{318}\u{319}\u{31c}", "must have at most 4 combining marks"),
            ("publisher", "Z\u{316}\u{317}\u{318}\u{319}\u{31c}", "must have at most 4 combining marks"),
        ] {
            let line = with_cell(column, cell);
            assert!(line.row.is_ok(), "{column} {cell}: {:?}", line.row);
            let [warning] = line.warnings.as_slice() else { panic!("{column} {cell}: {:?}", line.warnings) };
            assert_eq!((warning.line, warning.column.as_str()), (2, column));
            assert!(warning.value == cell.chars().take(200).collect::<String>() && warning.reason.starts_with(reason));
        }
        let line = goodbook(&[("isbn", "439023480"), ("ratings_1", "1"), ("ratings_2", "two")]);
        assert_eq!(line.row.unwrap().stars, None);
        let columns: Vec<&str> = line.warnings.iter().map(|warning| warning.column.as_str()).collect();
        assert_eq!(columns, ["isbn", "ratings_2"]);
    }

    #[test]
    fn a_price_is_in_the_currency_of_the_shop() {
        for (price, currency, expected) in [
            ("9.95", "EUR", Ok(Some(995))),
            ("9.95", "eur", Ok(Some(995))),
            ("9.95", "", Ok(Some(995))),
            ("9.95", "USD", Err("currency: must be EUR, the shop's currency (it is \"USD\")")),
            ("1500", "JPY", Err("currency: must be EUR, the shop's currency (it is \"JPY\")")),
            ("9.95", "euro", Err("currency: must be EUR, the shop's currency (it is \"euro\")")),
            ("", "USD", Ok(None)),
        ] {
            let csv = format!("reference,title,authors,price,currency\na,T,X,{price},{currency}\n");
            let row = rows(&csv).remove(0).row.map(|row| row.price.map(|price| price.minor));
            assert_eq!(row, expected.map_err(str::to_owned), "{price} {currency}");
        }
    }

    #[test]
    fn a_required_cell_that_cannot_be_read_refuses_the_row() {
        for (row, reason) in [
            (",T,X", "reference: must be"),
            ("a b,T,X", "reference: must be"),
            ("a,,X", "title: must not be blank"),
            ("a,\u{200b} \u{feff},X", "title: must not be blank"),
            ("a,T,\u{ad}", "authors: must name at least one"),
            ("a,T,;", "authors: must name at least one"),
            ("a,T&#8203;,&shy;", "authors: must name at least one"),
            ("a,q\u{301}\u{301}\u{301}\u{301}\u{301},X", "title: must have at most 4 combining marks"),
            ("a,T,Ana; Z\u{316}\u{317}\u{318}\u{319}\u{31c}", "authors: must have at most 4 combining marks"),
        ] {
            let line = rows(&format!("reference,title,authors\n{row}\n")).remove(0);
            assert!(line.row.as_ref().unwrap_err().starts_with(reason), "{row}: {:?}", line.row);
        }
    }

    #[test]
    fn entities_of_html_become_their_characters() {
        for (title, authors, expected) in [
            ("Tom &amp; Jerry", "Ent &eacute; Author", ("Tom & Jerry", vec!["Ent é Author"])),
            ("T&#233;", "Jos&#xE9; Uno; Eva", ("Té", vec!["José Uno", "Eva"])),
            ("Tom &amp;amp; Jerry", "Jos&amp;eacute;", ("Tom & Jerry", vec!["José"])),
            ("AT&T & Co", "X", ("AT&T & Co", vec!["X"])),
            ("&lt;b&gt;", "X", ("<b>", vec!["X"])),
            ("&ZeroWidthSpace;Qui&shy;jo&shy;te&#xFEFF;", "Gabriel&#8203; Uno", ("Quijote", vec!["Gabriel Uno"])),
            ("Harry&Tab;Potter&#13;2", "Ana&#9;Ruiz", ("Harry Potter 2", vec!["Ana Ruiz"])),
        ] {
            let row = rows(&format!("reference,title,authors\na,{title},{authors}\n")).remove(0).row.unwrap();
            assert_eq!((row.title.as_str(), row.authors.iter().map(String::as_str).collect()), expected);
        }
    }

    #[test]
    fn a_suffix_belongs_to_the_name_before_it() {
        for (authors, expected) in [
            ("Martin Luther King, Jr.", vec!["Martin Luther King, Jr."]),
            ("Henry Cloud, PhD, John Townsend, Ph.D.", vec!["Henry Cloud, PhD", "John Townsend, Ph.D."]),
            ("A. Dumas, II, B. Uno III, C", vec!["A. Dumas, II", "B. Uno III", "C"]),
            ("Jr., Ana", vec!["Jr.", "Ana"]),
            ("Ana Uno, Eva Dos", vec!["Ana Uno", "Eva Dos"]),
        ] {
            assert_eq!(goodbook(&[("authors", authors)]).row.unwrap().authors, expected);
        }
    }
}
