//! The columns of the supported formats: which a file has, which of them are read, and what is said about the others.

use std::{collections::BTreeSet, io::Read};

use serde::Serialize;
use shared::domain::{clean, spelling::edit_distance, words::fold};

use crate::records::Records;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Our own columns.
    Anaquel,
    /// `books.csv` of goodbooks-10k.
    Goodbooks,
}

/// The names of a format's columns.
struct Names {
    /// The header must have them.
    header: &'static [&'static str],
    /// A row is refused without one of these cells.
    cells: &'static [&'static str],
    optional: &'static [&'static str],
    /// Known, and not read on purpose.
    ignored: &'static [&'static str],
}

impl Format {
    fn names(self) -> Names {
        match self {
            Self::Anaquel => Names {
                header: &["reference", "title", "authors"],
                cells: &["reference", "title", "authors"],
                optional: &[
                    "isbn",
                    "year",
                    "language",
                    "genres",
                    "price",
                    "currency",
                    "fixed_price",
                    "vat_rate",
                    "stock",
                    "stock_counted_at",
                    "description",
                    "publisher",
                    "publisher_contact",
                ],
                ignored: &[],
            },
            Self::Goodbooks => Names {
                header: &[
                    "book_id",
                    "isbn",
                    "isbn13",
                    "authors",
                    "original_publication_year",
                    "title",
                    "language_code",
                ],
                cells: &["book_id", "title", "authors"],
                optional: &[
                    "isbn",
                    "original_publication_year",
                    "language_code",
                    "ratings_1",
                    "ratings_2",
                    "ratings_3",
                    "ratings_4",
                    "ratings_5",
                ],
                ignored: &[
                    "isbn13",
                    "goodreads_book_id",
                    "best_book_id",
                    "work_id",
                    "books_count",
                    "original_title",
                    "average_rating",
                    "ratings_count",
                    "work_ratings_count",
                    "work_text_reviews_count",
                    "image_url",
                    "small_image_url",
                ],
            },
        }
    }

    /// The columns that a header of our own must have.
    pub fn required() -> &'static [&'static str] {
        Self::Anaquel.names().header
    }
}

/// What is said once about a file, at the line where it was seen first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Notice {
    pub line: u32,
    pub reason: String,
}

pub struct Columns {
    pub format: Format,
    names: Vec<String>,
}

impl Columns {
    /// The columns by this separator, if their names are those of a format.
    pub fn of(records: &Records<impl Read>, separator: u8) -> Option<Self> {
        let names = names(&records.peek(separator).ok()?);
        let has = |wanted: &[&str]| wanted.iter().all(|name| names.iter().any(|known| known == name));
        let format = [Format::Goodbooks, Format::Anaquel].into_iter().find(|format| has(format.names().header))?;
        Some(Self { format, names })
    }

    pub fn names(&self) -> &[String] {
        &self.names
    }

    pub fn named_twice(&self) -> Option<&str> {
        let name =
            self.names.iter().enumerate().find(|(at, name)| !name.is_empty() && self.names[..*at].contains(name));
        name.map(|(_, name)| name.as_str())
    }

    /// The cells with the names of their columns. Those that are missing at the end count as blank, unless the row needs
    /// one of them.
    pub fn pair<'a>(&'a self, cells: &'a [Vec<u8>]) -> Result<Vec<(&'a str, &'a [u8])>, String> {
        let missing = self.names.get(cells.len()..).unwrap_or_default();
        let is_needed = |name: &String| self.format.names().cells.contains(&name.as_str());
        if cells.len() > self.names.len() || missing.iter().any(is_needed) {
            return Err(format!("it has {} columns, and the header has {}", cells.len(), self.names.len()));
        }
        Ok(self.names.iter().map(String::as_str).zip(cells.iter().map(Vec::as_slice)).collect())
    }

    /// About columns that are not read, in the header on this line.
    pub fn unread(&self, line: u32) -> Option<Notice> {
        const SHOWN: usize = 20;
        let Names { cells, optional, ignored, .. } = self.format.names();
        let is_known = |name: &&String| [cells, optional, ignored].concat().contains(&name.as_str());
        let unread: Vec<&String> = self.names.iter().filter(|name| !name.is_empty() && !is_known(name)).collect();
        if unread.is_empty() {
            return None;
        }
        let missing: Vec<&str> =
            optional.iter().copied().filter(|name| !self.names.iter().any(|known| known == name)).collect();
        let mut listed: Vec<String> = unread.iter().take(SHOWN).map(|name| with_suggestion(name, &missing)).collect();
        if unread.len() > SHOWN {
            listed.push(format!("and {} more", unread.len() - SHOWN));
        }
        Some(Notice { line, reason: format!("columns not read: {}", listed.join(", ")) })
    }

    /// About cells of a row without a column that has a name, or columns without a cell.
    fn irregular(&self, line: u32, cells: &[Vec<u8>]) -> Vec<(&'static str, Notice)> {
        let mut notices = Vec::new();
        if cells.len() < self.names.len() {
            let reason = format!(
                "it has {} columns, and the header has {}; in this row and others like it, the last ones are read as empty",
                cells.len(),
                self.names.len()
            );
            notices.push(("short", Notice { line, reason }));
        }
        let nameless = self.names.iter().zip(cells).position(|(name, cell)| name.is_empty() && !is_blank_cell(cell));
        if let Some(at) = nameless {
            let reason = format!("column {} has cells, and no name in the header; it is not read", at + 1);
            notices.push(("nameless", Notice { line, reason }));
        }
        notices
    }
}

/// The notices about a file, each kind once.
#[derive(Default)]
pub struct Notices {
    given: Vec<Notice>,
    kinds: BTreeSet<&'static str>,
}

impl Notices {
    pub fn of_header(columns: &Columns, line: u32) -> Self {
        Self { given: columns.unread(line).into_iter().collect(), kinds: BTreeSet::new() }
    }

    pub fn note(&mut self, columns: &Columns, line: u32, cells: &[Vec<u8>]) {
        for (kind, notice) in columns.irregular(line, cells) {
            if self.kinds.insert(kind) {
                self.given.push(notice);
            }
        }
    }

    pub fn all(&self) -> &[Notice] {
        &self.given
    }
}

/// The names in a header, on one line each and in small letters.
pub fn names(header: &[Vec<u8>]) -> Vec<String> {
    let words = |name: &Vec<u8>| clean(&String::from_utf8_lossy(name)).to_lowercase();
    header.iter().map(|name| words(name).split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

/// Whether a row is blank, as spreadsheets write rows behind the last one: `,,,`.
pub fn is_blank(cells: &[Vec<u8>]) -> bool {
    cells.iter().all(|cell| is_blank_cell(cell))
}

fn is_blank_cell(cell: &[u8]) -> bool {
    std::str::from_utf8(cell).is_ok_and(|cell| clean(cell).is_empty())
}

/// `prize (did you mean price?)`
pub fn with_suggestion(name: &str, candidates: &[&'static str]) -> String {
    let shown: String = name.chars().take(60).collect();
    match suggestion(name, candidates) {
        Some(candidate) => format!("{shown} (did you mean {candidate}?)"),
        None => shown,
    }
}

/// Names of our columns in other languages and programs.
const SYNONYMS: [(&str, &str); 11] = [
    ("isbn", "ean gtin"),
    ("year", "año ano anno annee jahr published publication"),
    ("language", "idioma lengua lang langue sprache lingua"),
    ("genres", "genre género gênero categoría categoria category categories tema materia subject subjects"),
    ("price", "precio preço preis prix prezzo preu pvp rrp amount"),
    ("currency", "moneda divisa moeda währung devise valuta"),
    ("stock", "existencias cantidad unidades quantity qty inventory bestand copies estoque"),
    ("description", "descripción descrição sinopsis resumen summary blurb synopsis"),
    ("title", "título titre titel titolo"),
    ("authors", "author autor autora autores auteur auteurs autore autori writer"),
    ("reference", "referencia referência référence referenz ref sku código code"),
];

/// The column that a name most probably means.
fn suggestion(name: &str, candidates: &[&'static str]) -> Option<&'static str> {
    let name = fold(name);
    let words: Vec<&str> = name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let synonyms = |candidate: &str| SYNONYMS.iter().find(|(known, _)| *known == candidate).map_or("", |(_, all)| all);
    let is_named = |candidate: &str| {
        let begins = words.first().is_some_and(|word| word.starts_with(candidate));
        begins || words.contains(&candidate) || fold(synonyms(candidate)).split(' ').any(|known| words.contains(&known))
    };
    let distance = |candidate: &str| edit_distance(&words.concat(), candidate);
    let slips = |candidate: &str| if candidate.len() < 5 { 1 } else { 2 };
    let near = candidates.iter().copied().filter(|candidate| distance(candidate) <= slips(candidate));
    candidates
        .iter()
        .copied()
        .find(|candidate| is_named(candidate))
        .or_else(|| near.min_by_key(|candidate| distance(candidate)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_or_foreign_name_leads_to_the_column() {
        let all = [Format::Anaquel.names().cells, Format::Anaquel.names().optional].concat();
        for (name, expected) in [
            ("prize", Some("price")),
            ("preço", Some("price")),
            ("precio", Some("price")),
            ("price (eur)", Some("price")),
            ("list price", Some("price")),
            ("price_eur", Some("price")),
            ("prices", Some("price")),
            ("pri ce", Some("price")),
            ("stok", Some("stock")),
            ("stocks", Some("stock")),
            ("en stock", Some("stock")),
            ("isbn13", Some("isbn")),
            ("isbn-13", Some("isbn")),
            ("ibsn", Some("isbn")),
            ("ean", Some("isbn")),
            ("langauge", Some("language")),
            ("año", Some("year")),
            ("género", Some("genres")),
            ("descripcion", Some("description")),
            ("titel", Some("title")),
            ("autor", Some("authors")),
            ("pages", None),
            ("shelf", None),
            ("notes", None),
            ("cover", None),
            ("series", None),
            ("weight", None),
            ("format", None),
        ] {
            assert_eq!(suggestion(name, &all), expected, "{name}");
        }
    }
}
