//! The supported CSV formats, distinguished by their header; docs/catalogue-format.md describes them.

use std::io::{self, Read};

use html_escape::decode_html_entities;
use shared::domain::{
    CatalogueRow, Currency, Genre, Histogram, Invalid, Isbn13, Language, Money, Parsed, Reason, Reference, check_marks,
    clean,
};
use shared::repo::imports::Warning;

use crate::records::{Record, Records};

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
}

/// The rows of a file, read as they are needed.
pub struct Lines<R> {
    records: Records<R>,
    columns: Columns,
    /// The shop's.
    currency: Currency,
}

#[derive(Clone, Copy)]
enum Format {
    /// Our own columns.
    Anaquel,
    /// `books.csv` of goodbooks-10k.
    Goodbooks,
}

const REQUIRED: &[(Format, &[&str])] = &[
    (
        Format::Goodbooks,
        &["book_id", "isbn", "isbn13", "authors", "original_publication_year", "title", "language_code"],
    ),
    (Format::Anaquel, &["reference", "title", "authors"]),
];

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
        records.next().transpose().map_err(unreadable)?;
        Ok(Self { records, columns, currency })
    }

    fn line(&self, record: Record) -> Line {
        let mut warnings = Vec::new();
        let currency = self.currency;
        let decimal_comma = self.records.separator() == b';';
        let row = record.cells.and_then(|cells| {
            let by_column = self.columns.pair(&cells)?;
            let mut cells = Cells { by_column, currency, decimal_comma, line: record.line, warnings: &mut warnings };
            let row = match self.columns.format {
                Format::Anaquel => anaquel(&mut cells),
                Format::Goodbooks => goodbooks(&mut cells),
            };
            row.map_err(|invalid| invalid.to_string())
        });
        Line { number: record.line, row, warnings, text: String::from_utf8_lossy(&record.text).into_owned() }
    }
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

/// Whether a row is blank, as spreadsheets write rows behind the last one: `,,,`.
fn is_blank(cells: &[Vec<u8>]) -> bool {
    cells.iter().all(|cell| std::str::from_utf8(cell).is_ok_and(|cell| clean(cell).is_empty()))
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
                    with --encoding utf-16le"
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
        "the header is of no format that the shop reads: it needs the columns {} (see docs/catalogue-format.md), or those of \
         goodbooks-10k's books.csv; it has {}{hint}",
        REQUIRED[1].1.join(", "),
        if names.iter().all(String::is_empty) { "none".to_owned() } else { short(&names.join(", ")) },
    )
}

/// The beginning of a text of the file, for a message.
fn short(text: &str) -> String {
    clean(text).chars().take(300).collect()
}

fn names(header: &[Vec<u8>]) -> Vec<String> {
    header.iter().map(|name| clean(&String::from_utf8_lossy(name)).to_lowercase()).collect()
}

struct Columns {
    format: Format,
    names: Vec<String>,
}

impl Columns {
    /// The columns by this separator, if their names are those of a format.
    fn of(records: &Records<impl Read>, separator: u8) -> Option<Self> {
        let names = names(&records.peek(separator).ok()?);
        let has = |wanted: &[&str]| wanted.iter().all(|name| names.iter().any(|known| known == name));
        let (format, _) = REQUIRED.iter().find(|(_, wanted)| has(wanted))?;
        Some(Self { format: *format, names })
    }

    fn named_twice(&self) -> Option<&str> {
        let name =
            self.names.iter().enumerate().find(|(at, name)| !name.is_empty() && self.names[..*at].contains(name));
        name.map(|(_, name)| name.as_str())
    }

    /// The cells with the names of their columns.
    fn pair<'a>(&'a self, cells: &'a [Vec<u8>]) -> Result<Vec<(&'a str, &'a [u8])>, String> {
        if cells.len() != self.names.len() {
            return Err(format!("it has {} columns, and the header has {}", cells.len(), self.names.len()));
        }
        Ok(self.names.iter().map(String::as_str).zip(cells.iter().map(Vec::as_slice)).collect())
    }
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
        let text = clean(without_formula(cell.trim()));
        Ok(Some(text).filter(|text| !text.is_empty()))
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
        let title = self.prose("title")?.ok_or_else(|| Invalid::new("title", Reason::Blank))?.replace('\n', " ");
        at_most("title", title, CatalogueRow::MAX_TITLE)
    }

    /// Each author once, in order.
    fn authors(&self, names: impl Fn(&str) -> Vec<String>) -> Parsed<Vec<String>> {
        let mut authors: Vec<String> = Vec::new();
        for name in names(&self.prose("authors")?.unwrap_or_default()) {
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
}

const NOT_UTF_8: &str =
    "is not UTF-8; if the file is Windows-1252, as spreadsheets write it, import it with --encoding windows-1252";

/// The text of `="text"`, with which some programs keep a spreadsheet from changing a number.
fn without_formula(cell: &str) -> &str {
    cell.strip_prefix("=\"").and_then(|rest| rest.strip_suffix('"')).unwrap_or(cell)
}

/// `é` for `&eacute;`, and for `&amp;eacute;`, which was escaped twice.
fn without_entities(text: &str) -> String {
    decode_html_entities(&decode_html_entities(text)).into_owned()
}

fn at_most(field: &str, text: String, max: usize) -> Parsed<String> {
    let count = text.chars().count();
    if count > max {
        return Err(Invalid::new(field, Reason::TooLong { max, length: count }));
    }
    check_marks(field, &text)?;
    Ok(text)
}

fn anaquel(cells: &mut Cells) -> Parsed<CatalogueRow> {
    let description = cells
        .prose("description")
        .and_then(|text| text.map(|text| at_most("description", text, CatalogueRow::MAX_DESCRIPTION)).transpose());
    Ok(CatalogueRow {
        reference: Reference::parse(&cells.get("reference")?.unwrap_or_default())?,
        isbn: cells.optional("isbn", isbn),
        title: cells.title()?,
        authors: cells.authors(|names| names.split(';').map(str::to_owned).collect())?,
        year: cells.optional("year", year),
        language: cells.optional("language", Language::parse_known),
        genres: cells.optional("genres", genres).filter(|slugs| !slugs.is_empty()),
        price: price(cells)?,
        stock: cells.optional("stock", count),
        description: cells.or_warning("description", description),
        stars: None,
    })
}

/// A price in another currency refuses the row, because its amount means something else.
fn price(cells: &mut Cells) -> Parsed<Option<Money>> {
    let (shop, decimal_comma) = (cells.currency, cells.decimal_comma);
    let price = cells.optional("price", |amount| Ok(amount.trim_start_matches('\'').to_owned()));
    let Some(price) = price else { return Ok(None) };
    if let Some(currency) = cells.get("currency")?.filter(|code| Currency::parse(code) != Ok(shop)) {
        let code = shop.code();
        return Err(Invalid::other(
            "currency",
            format!("must be {code}, in which this shop sells (it is {currency:?})"),
        ));
    }
    let written = Money::parse_written(&price, shop, decimal_comma);
    Ok(cells.or_warning("price", written.map(Some)))
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
                *name = format!("{name}, {part}");
            }
            _ => names.push(part.to_owned()),
        }
    }
    names
}

/// A whole number without what spreadsheets put around it: `'9`, `9.0`, `1605,00`. Three zeros may be thousands and stay.
fn whole_number(text: &str) -> &str {
    let text = text.trim_start_matches('\'');
    let zeros = text.split_once(['.', ',']).filter(|(_, zeros)| matches!(*zeros, "0" | "00"));
    zeros.map_or(text, |(whole, _)| whole)
}

/// `1813`, `-750`, and `1813.0` as spreadsheets write it.
fn year(text: &str) -> Parsed<i16> {
    let invalid = |reason| Invalid::other("year", reason);
    match whole_number(text).replace('\u{2212}', "-").parse() {
        Ok(0) => Err(invalid("must not be 0, which is no year: 1 follows -1")),
        Ok(year) if (-5_000..=3_000).contains(&year) => Ok(year),
        _ => Err(invalid("must be a year such as 1605, or -750 before our era")),
    }
}

/// The most copies of a book, or ratings with one number of stars: more than any shop has, and far below what the database
/// can add up. -1 as an unsigned number, a common mistake of exports, is above it.
const MAX_COUNT: u32 = 100_000_000;

fn count(text: &str) -> Parsed<u32> {
    let count = whole_number(text).parse().ok().filter(|count| *count <= MAX_COUNT);
    count.ok_or_else(|| Invalid::other("count", format!("must be a whole number from 0 to {MAX_COUNT}")))
}

/// Slugs such as `science-fiction`, each once, sorted.
fn genres(text: &str) -> Parsed<Vec<String>> {
    let mut slugs: Vec<String> = Vec::new();
    for slug in text.split(';').map(str::trim).filter(|slug| !slug.is_empty()) {
        if Genre::parse(slug).is_err() {
            return Err(Invalid::other("genres", "must be slugs such as science-fiction, separated by semicolons"));
        }
        slugs.push(slug.to_owned());
    }
    slugs.sort();
    slugs.dedup();
    Ok(slugs)
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
        let amount = "must be an amount such as 19.95, with a point and no sign";
        assert_eq!(warnings, [Warning::new(5, "price", "1.005", amount)]);
        let price = |row: usize| read[row].row.as_ref().unwrap().price.clone();
        assert_eq!((price(3), price(4)), (None, Money::parse("2", "EUR").ok()));
    }

    #[test]
    fn a_row_that_is_not_utf_8_costs_only_itself() {
        let read: Vec<Line> =
            lines(b"reference,title,authors\na,T\xff,X\nb,T,X\n").unwrap().collect::<Result<_, _>>().unwrap();
        let reason = read[0].row.as_ref().unwrap_err();
        assert!(reason.starts_with("title: is not UTF-8") && reason.ends_with("--encoding windows-1252"), "{reason}");
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
            ("reference,title,notes,authors,Notes \na,T,,X,\n", "the header has the column notes twice"),
            ("reference,\"title,authors\na,T,X\n", "the header cannot be read: a quote opened on line 1 is not closed"),
            ("PK\u{3}\u{4}rest", "is a spreadsheet or another ZIP file, not CSV"),
            ("r\0e\0f\0", "--encoding utf-16le"),
            ("\u{1b}]0;x\u{7},\u{202e}name\n", "it has ]0;x, name"),
        ] {
            let refused = lines(csv.as_bytes()).err().unwrap();
            assert!(refused.contains(reason), "{csv:?}: {refused}");
        }
        let blank = lines(b"reference,title,authors,,\na,T,X,,\n").unwrap();
        assert_eq!(blank.count(), 1, "columns without a name may be several");
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
            ("price", "$9.95", "must be an amount"),
            ("description", &long, "must have at most 2000 characters"),
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
            ("9.95", "USD", Err("currency: must be EUR, in which this shop sells (it is \"USD\")")),
            ("1500", "JPY", Err("currency: must be EUR, in which this shop sells (it is \"JPY\")")),
            ("9.95", "euro", Err("currency: must be EUR, in which this shop sells (it is \"euro\")")),
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
