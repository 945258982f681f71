//! The supported CSV formats, distinguished by their header; docs/catalogue-format.md describes them.

use std::fs::File;

use csv::{ByteRecord, Reader, ReaderBuilder, Terminator};
use shared::domain::{
    CatalogueRow, Genre, Histogram, Invalid, Isbn13, Language, Money, Reason, Reference, check_marks, clean,
};

/// One row of the file.
pub struct Line {
    /// From 1; the header is line 1. A row that spans lines has the number of its first.
    pub number: u32,
    /// The parsed row, or the reason why it is refused.
    pub row: Result<CatalogueRow, String>,
    /// The raw text, for the report of refused rows.
    pub text: String,
}

/// The rows of a file, read as they are needed.
pub struct Lines {
    reader: Reader<File>,
    columns: Columns,
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

impl Lines {
    /// Reads the header; a file that has none of ours is refused as a whole. Lines end in `\n`, the last one too, and a
    /// `\r` before it belongs to no cell.
    pub fn read(file: File) -> Result<Self, String> {
        let mut reader = ReaderBuilder::new().flexible(true).terminator(Terminator::Any(b'\n')).from_reader(file);
        let header = reader.headers().map_err(|error| format!("the header cannot be read: {error}"))?;
        let names: Vec<String> = header.iter().map(|name| name.trim().to_lowercase()).collect();
        let has = |wanted: &[&str]| wanted.iter().all(|name| names.iter().any(|known| known == name));
        let Some((format, _)) = REQUIRED.iter().find(|(_, wanted)| has(wanted)) else {
            return Err(format!(
                "the header is of no format that the shop reads: it needs the columns {} (see docs/catalogue-format.md), \
                 or those of goodbooks-10k's books.csv; it has {}",
                REQUIRED[1].1.join(", "),
                if names.iter().all(String::is_empty) { "none".into() } else { names.join(", ") },
            ));
        };
        Ok(Self { reader, columns: Columns { format: *format, names } })
    }
}

impl Iterator for Lines {
    type Item = csv::Result<Line>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut record = ByteRecord::new();
        loop {
            match self.reader.read_byte_record(&mut record) {
                Ok(false) => return None,
                Ok(true) if record.len() == 1 && record[0].trim_ascii().is_empty() => {} // a blank line
                Ok(true) => break,
                Err(error) => return Some(Err(error)),
            }
        }
        // The reader stands behind the row's own line break.
        let within = record.as_slice().split(|byte| *byte == b'\n').count() - 1;
        let number = self.reader.position().line() - 1 - within as u64;
        let fields: Vec<_> = record.iter().map(String::from_utf8_lossy).collect();
        Some(Ok(Line {
            number: u32::try_from(number).unwrap_or(u32::MAX),
            row: self.columns.row(&record),
            text: fields.join(",").trim_end().to_owned(),
        }))
    }
}

struct Columns {
    format: Format,
    names: Vec<String>,
}

impl Columns {
    fn row(&self, record: &ByteRecord) -> Result<CatalogueRow, String> {
        if record.len() != self.names.len() {
            return Err(format!("it has {} columns, and the header has {}", record.len(), self.names.len()));
        }
        let mut cells = Vec::with_capacity(record.len());
        for (name, cell) in self.names.iter().zip(record) {
            let cell = std::str::from_utf8(cell).map_err(|_| format!("{name}: is not UTF-8"))?;
            cells.push((name.as_str(), clean(cell)));
        }
        let cells = Cells(cells);
        match self.format {
            Format::Anaquel => anaquel(&cells),
            Format::Goodbooks => goodbooks(&cells),
        }
        .map_err(|invalid| invalid.to_string())
    }
}

/// A row's cells by column name.
struct Cells<'a>(Vec<(&'a str, String)>);

impl Cells<'_> {
    /// None where the column is missing or the cell blank.
    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, cell)| cell.as_str()).filter(|cell| !cell.is_empty())
    }

    fn parse<T>(&self, name: &str, parse: impl FnOnce(&str) -> Result<T, Invalid>) -> Result<Option<T>, Invalid> {
        self.get(name).map(parse).transpose().map_err(|invalid| {
            let cell: String = self.get(name).unwrap_or_default().chars().take(80).collect();
            Invalid::other(name, format!("{} (it is {cell:?})", invalid.reason))
        })
    }

    fn title(&self) -> Result<String, Invalid> {
        let title = self.get("title").ok_or_else(|| Invalid::new("title", Reason::Blank))?.replace('\n', " ");
        at_most("title", title, CatalogueRow::MAX_TITLE)
    }

    /// Each author once, in order.
    fn authors(&self, separator: char) -> Result<Vec<String>, Invalid> {
        let mut authors: Vec<String> = Vec::new();
        for name in self.get("authors").unwrap_or_default().split(separator) {
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

fn at_most(field: &str, text: String, max: usize) -> Result<String, Invalid> {
    let count = text.chars().count();
    if count > max {
        return Err(Invalid::new(field, Reason::TooLong { max, length: count }));
    }
    check_marks(field, &text)?;
    Ok(text)
}

fn anaquel(cells: &Cells) -> Result<CatalogueRow, Invalid> {
    let currency = cells.get("currency");
    let price = cells.parse("price", |amount| match currency {
        Some(currency) => Money::parse(amount, currency),
        None => Err(Invalid::other("price", "needs a currency beside it")),
    })?;
    let description = cells.get("description").map(str::to_owned);
    let description =
        description.map(|text| at_most("description", text, CatalogueRow::MAX_DESCRIPTION)).transpose()?;
    Ok(CatalogueRow {
        reference: Reference::parse(cells.get("reference").unwrap_or_default())?,
        isbn: cells.parse("isbn", Isbn13::parse)?,
        title: cells.title()?,
        authors: cells.authors(';')?,
        year: cells.parse("year", year)?,
        language: cells.parse("language", Language::parse)?,
        genres: cells.parse("genres", genres)?.filter(|slugs| !slugs.is_empty()),
        price,
        stock: cells.parse("stock", |text| {
            text.parse().map_err(|_| Invalid::other("stock", "must be a whole number from 0 up"))
        })?,
        description,
        stars: None,
    })
}

/// Facts of a book and how often it got each number of stars; no price, stock or description.
fn goodbooks(cells: &Cells) -> Result<CatalogueRow, Invalid> {
    let id = cells.get("book_id").ok_or_else(|| Invalid::new("book_id", Reason::Blank))?;
    let mut stars = None;
    for (slot, name) in ["ratings_1", "ratings_2", "ratings_3", "ratings_4", "ratings_5"].iter().enumerate() {
        if let Some(count) = cells.parse(name, count)? {
            stars.get_or_insert_with(Histogram::default).0[slot] = count;
        }
    }
    Ok(CatalogueRow {
        reference: Reference::parse(&format!("goodbooks:{id}"))?,
        isbn: cells.parse("isbn", isbn_ten)?,
        title: cells.title()?,
        authors: cells.authors(',')?,
        year: cells.parse("original_publication_year", year)?,
        language: cells.parse("language_code", Language::parse)?,
        genres: None,
        price: None,
        stock: None,
        description: None,
        stars,
    })
}

/// The ten-digit ISBN of goodbooks-10k is the correct one (the other is a float without its last digits), but a
/// spreadsheet has removed its leading zeros.
fn isbn_ten(text: &str) -> Result<Isbn13, Invalid> {
    Isbn13::parse(&format!("{text:0>10}"))
}

/// `1813`, `-750`, and `1813.0` as spreadsheets write it.
fn year(text: &str) -> Result<i16, Invalid> {
    let whole = text.strip_suffix(".0").unwrap_or(text);
    whole
        .parse()
        .ok()
        .filter(|year| (-5_000..=3_000).contains(year))
        .ok_or_else(|| Invalid::other("year", "must be a year such as 1605, or -750 before our era"))
}

fn count(text: &str) -> Result<u32, Invalid> {
    text.parse().map_err(|_| Invalid::other("ratings", "must be a whole number from 0 up"))
}

/// Slugs such as `science-fiction`, each once, sorted.
fn genres(text: &str) -> Result<Vec<String>, Invalid> {
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
    use std::io::{Seek, Write};

    use super::*;

    fn lines(csv: &[u8]) -> Result<Lines, String> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(csv).unwrap();
        file.rewind().unwrap();
        Lines::read(file)
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
        assert_eq!(
            reasons,
            [
                (3, "title: must not be blank"),
                (4, "it has 6 columns, and the header has 5"),
                (5, "price: must be an amount such as 19.95, with a point and no sign (it is \"1.005\")"),
                (6, "price: needs a currency beside it (it is \"2\")"),
            ]
        );
    }

    #[test]
    fn a_row_that_is_not_utf_8_costs_only_itself() {
        let read: Vec<Line> =
            lines(b"reference,title,authors\na,T\xff,X\nb,T,X\n").unwrap().collect::<Result<_, _>>().unwrap();
        assert_eq!(read[0].row.as_ref().unwrap_err(), "title: is not UTF-8");
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
}
