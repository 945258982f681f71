//! Refused rows as a CSV file, in which people correct them: the columns of the file that they came from, and behind them line and
//! reason, which an import does not read.
//!
//! Spreadsheets run a cell that begins with `=`, `+`, `-` or `@` as a formula. In this file such a cell is written `="text"`, which
//! shows the text, and which an import reads as the text.

use shared::{repo::imports::Refusal, staff::FileColumns};

/// Bytes of the largest file: JSON escapes quotes and line breaks, and a load balancer takes less than a megabyte of it.
const MAX: usize = 600_000;
/// Characters of the longest text in a formula of Excel.
const MAX_TEXT: usize = 255;
/// Behind the columns of the file.
const MORE: [&str; 3] = ["refused_line", "refused_reason", "refused_row"];

pub struct File {
    columns: FileColumns,
    text: String,
}

impl File {
    /// A file with the header. Without columns it has the raw rows only.
    pub fn new(columns: Option<FileColumns>) -> Self {
        let columns = columns.unwrap_or(FileColumns { names: Vec::new(), separator: ',' });
        // By the byte order mark, spreadsheets know that it is UTF-8.
        let mut file = Self { columns, text: "\u{feff}".to_owned() };
        let names: Vec<String> = file.columns.names.iter().cloned().chain(MORE.map(str::to_owned)).collect();
        file.text += &file.line(&names);
        file
    }

    /// Adds a row; false if there is no room.
    pub fn add(&mut self, refusal: &Refusal) -> bool {
        let width = self.columns.names.len();
        let cells = refusal.cells().filter(|cells| cells.len() <= width);
        // A row that cannot be parted into the columns is there as it came.
        let raw = if cells.is_none() { refusal.row.clone() } else { String::new() };
        let mut cells = cells.unwrap_or_default();
        cells.resize(width, String::new());
        cells.extend([refusal.line.to_string(), refusal.reason.clone(), raw]);
        let line = self.line(&cells);
        let fits = self.text.len() + line.len() <= MAX;
        if fits {
            self.text += &line;
        }
        fits
    }

    pub fn into_text(self) -> String {
        self.text
    }

    fn line(&self, cells: &[String]) -> String {
        let separator = self.columns.separator;
        let cells: Vec<String> = cells.iter().map(|cell| quoted(&harmless(cell), separator)).collect();
        cells.join(&separator.to_string()) + "\r\n"
    }
}

/// A cell that no spreadsheet runs.
fn harmless(cell: &str) -> String {
    let begins = |c: char| matches!(c, '=' | '+' | '-' | '@' | '\t' | '\r' | '＝' | '＋' | '－' | '＠');
    if !cell.starts_with(begins) || is_text(cell) {
        return cell.to_owned();
    }
    if cell.chars().count() <= MAX_TEXT {
        return format!("=\"{}\"", cell.replace('"', "\"\""));
    }
    format!("'{cell}")
}

/// Whether a cell is a text in a formula already: `="9788420467283"`.
fn is_text(cell: &str) -> bool {
    let inside = cell.strip_prefix("=\"").and_then(|rest| rest.strip_suffix('"'));
    inside.is_some_and(|inside| !inside.replace("\"\"", "").contains('"'))
}

/// By RFC 4180.
fn quoted(cell: &str, separator: char) -> String {
    let needs_quotes = cell.contains([separator, '"', '\r', '\n']) || cell.trim() != cell;
    if needs_quotes { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(separator: char) -> FileColumns {
        FileColumns { names: vec!["reference".to_owned(), "title".to_owned(), "price".to_owned()], separator }
    }

    fn refusal(line: u32, reason: &str, cells: &[&str]) -> Refusal {
        let cells: Vec<Vec<u8>> = cells.iter().map(|cell| cell.as_bytes().to_vec()).collect();
        Refusal::new(line, reason, "as it came").with_cells(&cells)
    }

    #[test]
    fn rows_keep_the_columns_and_the_separator_of_their_file_and_say_why_they_were_refused() {
        let mut file = File::new(Some(columns(';')));
        assert!(file.add(&refusal(3, "title: must not be blank", &["a", "", "1,5"])));
        assert!(file.add(&refusal(4, "x; y", &["b", "Uno \"dos\"\ntres"])));
        assert!(file.add(&Refusal::new(5, "a quote opened on line 5 is not closed", "c;\"d")));
        assert_eq!(
            file.into_text(),
            "\u{feff}reference;title;price;refused_line;refused_reason;refused_row\r\n\
             a;;1,5;3;title: must not be blank;\r\n\
             b;\"Uno \"\"dos\"\"\ntres\";;4;\"x; y\";\r\n\
             ;;;5;a quote opened on line 5 is not closed;\"c;\"\"d\"\r\n"
        );
    }

    #[test]
    fn no_cell_is_a_formula_and_the_import_reads_the_text() {
        for (cell, written) in [
            ("=cmd|' /C calc'!A0", "=\"=cmd|' /C calc'!A0\""),
            ("+34 600 000 000", "=\"+34 600 000 000\""),
            ("-5", "=\"-5\""),
            ("@SUM(A1)", "=\"@SUM(A1)\""),
            ("\t=1", "=\"\t=1\""),
            ("=HYPERLINK(\"x\")&\"y\"", "=\"=HYPERLINK(\"\"x\"\")&\"\"y\"\"\""),
            ("=\"978\"", "=\"978\""),
            ("=\"a\"&cmd|\"b\"", "=\"=\"\"a\"\"&cmd|\"\"b\"\"\""),
            ("1984", "1984"),
            ("a=b", "a=b"),
            ("", ""),
        ] {
            assert_eq!(harmless(cell), written, "{cell}");
        }
        let long = format!("={}", "x".repeat(300));
        assert_eq!(harmless(&long), format!("'{long}"));
        let names = vec!["=evil()".to_owned()];
        let file = File::new(Some(FileColumns { names, separator: ',' })).into_text();
        assert!(file.starts_with("\u{feff}\"=\"\"=evil()\"\"\","), "{file}");
    }

    #[test]
    fn a_file_with_too_many_rows_ends_with_the_last_that_fits() {
        let mut file = File::new(None);
        let row = Refusal::new(7, &"r".repeat(500), &"x".repeat(2_000));
        let count = (0..10_000).take_while(|_| file.add(&row)).count();
        let text = file.into_text();
        assert!(count > 200 && text.len() <= MAX && text.ends_with("\r\n"), "{count}");
    }
}
