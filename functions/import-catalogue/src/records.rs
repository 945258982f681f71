//! The records of a CSV file by RFC 4180, strictly. Libraries read what it forbids somehow and melt rows together; here it
//! costs its own record, and reading continues at the next line.

use std::io::{self, Read};

/// Bytes of the longest record. A longer one has a quote that is not closed, or is no text.
pub const MAX_RECORD: usize = 64 * 1024;
/// Bytes of a record's text for the report: 2,000 characters of any script.
const MAX_TEXT: usize = 8_000;
/// Bytes in memory: some records, so that few are moved.
const BUFFER: usize = 4 * MAX_RECORD;

pub struct Record {
    /// Where it starts, from 1.
    pub line: u32,
    /// What is in the cells, without the quotes around; or why it cannot be parted into cells.
    pub cells: Result<Vec<Vec<u8>>, String>,
    /// Its beginning as it stands in the file, without the line break at its end; of a record without cells, that of its
    /// first line.
    pub text: Vec<u8>,
}

/// Reads one record after the other, in constant memory.
pub struct Records<R> {
    source: R,
    buffer: Vec<u8>,
    /// Where the next record starts in the buffer.
    start: usize,
    /// Whether the source has no more.
    ended: bool,
    line: u32,
    separator: u8,
    /// Whether a carriage return by itself ends a line, as on old Macs; otherwise it belongs to a cell.
    returns: bool,
}

impl<R: Read> Records<R> {
    pub fn new(source: R) -> io::Result<Self> {
        let mut records =
            Self { source, buffer: Vec::new(), start: 0, ended: false, line: 1, separator: b',', returns: false };
        records.fill()?;
        let first = records.buffer.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
        records.returns =
            first.is_some_and(|at| records.buffer[at] == b'\r' && records.buffer.get(at + 1) != Some(&b'\n'));
        Ok(records)
    }

    /// The beginning of the file.
    pub fn beginning(&self) -> &[u8] {
        &self.buffer
    }

    pub fn separate_by(&mut self, separator: u8) {
        self.separator = separator;
    }

    pub fn separator(&self) -> u8 {
        self.separator
    }

    /// The line of the next record.
    pub fn line(&self) -> u32 {
        self.line
    }

    /// The cells of the next record by another separator; the record stays.
    pub fn peek(&self, separator: u8) -> Result<Vec<Vec<u8>>, String> {
        self.cells(separator).0
    }

    /// Holds at least a whole record, or the rest of the file.
    fn fill(&mut self) -> io::Result<()> {
        if self.ended || self.buffer.len() - self.start > MAX_RECORD + 1 {
            return Ok(());
        }
        self.buffer.drain(..self.start);
        self.start = 0;
        let room = BUFFER - self.buffer.len();
        let read = self.source.by_ref().take(room as u64).read_to_end(&mut self.buffer)?;
        self.ended = read < room;
        Ok(())
    }

    /// The cells of the next record, and its length with the line break.
    fn cells(&self, separator: u8) -> (Result<Vec<Vec<u8>>, String>, usize) {
        let rest = &self.buffer[self.start..];
        // With room for the line break.
        let bytes = &rest[..rest.len().min(MAX_RECORD + 2)];
        let is_whole = self.ended && bytes.len() == rest.len();
        let mut scan = Scan { bytes, at: 0, is_whole, separator, returns: self.returns };
        let cells = scan.record().map_err(|fault| {
            let opened = self.line + self.line_breaks(&bytes[..scan.at]);
            fault.describe(opened)
        });
        (cells, scan.at)
    }

    fn read(&mut self) -> io::Result<Option<Record>> {
        self.fill()?;
        if self.start == self.buffer.len() {
            return Ok(None);
        }
        let (cells, length) = self.cells(self.separator);
        let line = self.line;
        if cells.is_err() {
            // Not behind the record: an open quote has taken lines that are sound.
            let text = self.beginning_of_line().to_owned();
            self.skip_line()?;
            return Ok(Some(Record { line, cells, text }));
        }
        let bytes = &self.buffer[self.start..self.start + length];
        let text = without_line_break(&bytes[..length.min(MAX_TEXT)]).to_owned();
        self.line += self.line_breaks(bytes);
        self.start += length;
        Ok(Some(Record { line, cells, text }))
    }

    fn beginning_of_line(&self) -> &[u8] {
        let rest = &self.buffer[self.start..];
        let end = self.line_end(rest).unwrap_or(rest.len());
        without_line_break(&rest[..end.min(MAX_TEXT)])
    }

    fn skip_line(&mut self) -> io::Result<()> {
        loop {
            self.fill()?;
            let rest = &self.buffer[self.start..];
            match self.line_end(rest) {
                Some(end) => {
                    self.start += end;
                    self.line += 1;
                    return Ok(());
                }
                None if self.ended => {
                    self.start = self.buffer.len();
                    return Ok(());
                }
                // The last byte may be the first of a line break.
                None => self.start = self.buffer.len() - 1,
            }
        }
    }

    /// Where the first line ends, with its line break.
    fn line_end(&self, bytes: &[u8]) -> Option<usize> {
        let at = bytes.iter().position(|byte| *byte == b'\n' || (self.returns && *byte == b'\r'))?;
        match (bytes[at], bytes.get(at + 1)) {
            (b'\r', Some(b'\n')) => Some(at + 2),
            (b'\r', None) if !self.ended => None,
            _ => Some(at + 1),
        }
    }

    fn line_breaks(&self, bytes: &[u8]) -> u32 {
        let ends = bytes.iter().enumerate().filter(|(at, byte)| match byte {
            b'\n' => !self.returns || *at == 0 || bytes[at - 1] != b'\r',
            b'\r' => self.returns,
            _ => false,
        });
        u32::try_from(ends.count()).unwrap_or(u32::MAX)
    }
}

impl<R: Read> Iterator for Records<R> {
    type Item = io::Result<Record>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

fn without_line_break(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|byte| !matches!(byte, b'\r' | b'\n'));
    &bytes[..end.map_or(0, |end| end + 1)]
}

/// Why a record cannot be parted into cells.
enum Fault {
    OpenQuote,
    OpenQuoteBeyondLimit,
    TextBehindQuote { backslash: bool },
    QuoteInside,
    BeyondLimit,
}

impl Fault {
    /// `line` is that of the cell.
    fn describe(self, line: u32) -> String {
        const LIMIT: usize = MAX_RECORD / 1024;
        match self {
            Self::OpenQuote => format!("a quote opened on line {line} is not closed"),
            Self::OpenQuoteBeyondLimit => format!("a quote opened on line {line} is not closed within {LIMIT} KB"),
            Self::TextBehindQuote { backslash: false } => {
                format!("a quote opened on line {line} is not closed, or a quote inside its cell is not doubled")
            }
            Self::TextBehindQuote { backslash: true } => {
                format!("the cell on line {line} has a quote behind a backslash; double the quote instead")
            }
            Self::QuoteInside => format!(
                "a cell on line {line} has a quote and does not begin with one; put the cell in quotes, and double those \
                 inside"
            ),
            Self::BeyondLimit => {
                format!("the row has more than {LIMIT} KB on line {line}; is a quote open, or a line break missing?")
            }
        }
    }
}

/// Parts the record at the beginning of the bytes.
struct Scan<'a> {
    bytes: &'a [u8],
    /// The next byte; after a fault, the beginning of its cell.
    at: usize,
    /// Whether the bytes are all that the file has.
    is_whole: bool,
    separator: u8,
    returns: bool,
}

impl Scan<'_> {
    fn record(&mut self) -> Result<Vec<Vec<u8>>, Fault> {
        let mut cells = Vec::new();
        loop {
            let (cell, end) = if self.bytes.get(self.at) == Some(&b'"') { self.quoted()? } else { self.unquoted()? };
            cells.push(cell);
            if self.bytes.get(end) == Some(&self.separator) {
                self.at = end + 1;
                continue;
            }
            if end == self.bytes.len() && !self.is_whole {
                return Err(Fault::BeyondLimit);
            }
            self.at = end + self.line_break(end);
            return Ok(cells);
        }
    }

    /// The cell and its end.
    fn quoted(&self) -> Result<(Vec<u8>, usize), Fault> {
        let mut cell = Vec::new();
        let mut at = self.at + 1;
        loop {
            let Some(length) = self.bytes[at..].iter().position(|byte| *byte == b'"') else {
                return Err(if self.is_whole { Fault::OpenQuote } else { Fault::OpenQuoteBeyondLimit });
            };
            cell.extend_from_slice(&self.bytes[at..at + length]);
            at += length + 1;
            if self.bytes.get(at) != Some(&b'"') {
                break;
            }
            cell.push(b'"');
            at += 1;
        }
        if self.ends_cell(at) {
            return Ok((cell, at));
        }
        Err(Fault::TextBehindQuote { backslash: cell.ends_with(b"\\") })
    }

    /// The cell and its end. `="978…"` is how some programs write a number that a spreadsheet should not change.
    fn unquoted(&self) -> Result<(Vec<u8>, usize), Fault> {
        let length = (self.at..self.bytes.len()).take_while(|at| !self.ends_cell(*at)).count();
        let cell = &self.bytes[self.at..self.at + length];
        let inside = cell.strip_prefix(b"=\"").and_then(|rest| rest.strip_suffix(b"\"")).unwrap_or(cell);
        if inside.contains(&b'"') {
            return Err(Fault::QuoteInside);
        }
        Ok((cell.to_owned(), self.at + length))
    }

    fn ends_cell(&self, at: usize) -> bool {
        at == self.bytes.len() || self.bytes[at] == self.separator || self.line_break(at) > 0
    }

    /// Length of the line break at a place; 0 if there is none.
    fn line_break(&self, at: usize) -> usize {
        match (self.bytes.get(at), self.bytes.get(at + 1)) {
            (Some(b'\n'), _) => 1,
            (Some(b'\r'), Some(b'\n')) => 2,
            (Some(b'\r'), None) if self.is_whole => 1,
            (Some(b'\r'), _) if self.returns => 1,
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Line and cells of each record, or why there are none.
    fn records(csv: &str) -> Vec<(u32, Result<Vec<String>, String>)> {
        let text = |cell: Vec<u8>| String::from_utf8(cell).unwrap();
        let record = |record: Record| (record.line, record.cells.map(|cells| cells.into_iter().map(text).collect()));
        Records::new(csv.as_bytes()).unwrap().map(|read| record(read.unwrap())).collect()
    }

    #[test]
    fn what_rfc_4180_allows_is_read() {
        for (csv, expected) in [
            ("a,b\nc,d", vec![(1, vec!["a", "b"]), (2, vec!["c", "d"])]),
            ("a,b\r\nc,d\r\n", vec![(1, vec!["a", "b"]), (2, vec!["c", "d"])]),
            ("a,b\rc,d\r", vec![(1, vec!["a", "b"]), (2, vec!["c", "d"])]),
            ("a\n\nb\n", vec![(1, vec!["a"]), (2, vec![""]), (3, vec!["b"])]),
            ("\"a,\"\"b\"\"\",\"\"\n", vec![(1, vec!["a,\"b\"", ""])]),
            ("\"a\nb\",c\nd,e", vec![(1, vec!["a\nb", "c"]), (3, vec!["d", "e"])]),
            ("\"a\r\nb\",c\r\nd,e", vec![(1, vec!["a\r\nb", "c"]), (3, vec!["d", "e"])]),
            ("x\r\"a\rb\",c\rd,e", vec![(1, vec!["x"]), (2, vec!["a\rb", "c"]), (4, vec!["d", "e"])]),
            ("x\na\rb,c\n", vec![(1, vec!["x"]), (2, vec!["a\rb", "c"])]),
            ("=\"978\",b\n", vec![(1, vec!["=\"978\"", "b"])]),
            (",", vec![(1, vec!["", ""])]),
            ("\"a\"", vec![(1, vec!["a"])]),
            ("", vec![]),
        ] {
            let read: Vec<_> = records(csv).into_iter().map(|(line, cells)| (line, cells.unwrap())).collect();
            let expected: Vec<(u32, Vec<String>)> = expected
                .into_iter()
                .map(|(line, cells)| (line, cells.into_iter().map(str::to_owned).collect()))
                .collect();
            assert_eq!(read, expected, "{csv:?}");
        }
    }

    #[test]
    fn what_rfc_4180_forbids_is_refused_by_its_line() {
        for (csv, line, reason) in [
            ("x\na,\"b", 2, "a quote opened on line 2 is not closed"),
            ("x\na,\"b\n", 2, "a quote opened on line 2 is not closed"),
            ("x\n\"a\nb\",\"c\n", 2, "a quote opened on line 3 is not closed"),
            ("x\n\"a\"b,c\n", 2, "a quote opened on line 2 is not closed, or a quote inside its cell is not doubled"),
            ("x\n\"a\" ,c\n", 2, "a quote opened on line 2 is not closed, or a quote inside its cell is not doubled"),
            (
                "x\n\"a \\\"b\\\" c\",d\n",
                2,
                "the cell on line 2 has a quote behind a backslash; double the quote instead",
            ),
            ("x\na,b\"c\"\n", 2, "a cell on line 2 has a quote and does not begin with one"),
            ("x\na, \"b\"\n", 2, "a cell on line 2 has a quote and does not begin with one"),
            ("x\na,b\"\n", 2, "a cell on line 2 has a quote and does not begin with one"),
            ("x\n=\"a\"b\",c\n", 2, "a cell on line 2 has a quote and does not begin with one"),
        ] {
            let refused = records(csv).into_iter().find_map(|(line, cells)| Some((line, cells.err()?))).unwrap();
            assert!(refused.0 == line && refused.1.starts_with(reason), "{csv:?}: {refused:?}");
        }
    }

    #[test]
    fn reading_goes_on_at_the_line_behind_an_open_quote() {
        let read = records("a,\"b,c\nd,\"e\",f\ng,\"h\ni,j,k\n");
        let sound: Vec<_> =
            read.iter().filter_map(|(line, cells)| Some((*line, cells.as_ref().ok()?[0].as_str()))).collect();
        assert_eq!(sound, [(2, "d"), (4, "i")]);
        assert_eq!(read.len(), 4);
    }

    #[test]
    fn a_record_beyond_the_limit_is_refused_and_the_next_ones_are_read() {
        let long = "x".repeat(MAX_RECORD * 9 + 7);
        for first in [format!("{long},b"), format!("a,\"{long}\",b"), format!("a,\"{long}"), ",".repeat(MAX_RECORD * 5)]
        {
            for line_break in ["\n", "\r\n", "\r"] {
                let read = records(&["x", &first, "c,d", "\"e\",f"].join(line_break));
                let reason = read[1].1.as_ref().unwrap_err();
                assert!(reason.contains("64 KB") && reason.contains("quote"), "{reason}");
                let lines: Vec<_> = read.iter().map(|(line, _)| *line).collect();
                assert_eq!((lines, read[2].1.is_ok(), read[3].1.is_ok()), (vec![1, 2, 3, 4], true, true));
            }
        }
        let longest = "x".repeat(MAX_RECORD);
        assert_eq!(records(&format!("{longest}\r\n{longest}")).iter().filter(|(_, cells)| cells.is_ok()).count(), 2);
    }

    #[test]
    fn records_are_the_same_wherever_the_buffer_ends() {
        let row = "a,\"b \"\"c\"\"\nd\",e\r\n";
        let many = row.repeat(3 * BUFFER / row.len());
        let read = records(&many);
        assert!(read.iter().all(|(_, cells)| cells.as_ref().is_ok_and(|cells| cells[1] == "b \"c\"\nd")));
        let last = u32::try_from(2 * read.len() - 1).unwrap();
        assert_eq!((read.len(), read.last().unwrap().0), (3 * BUFFER / row.len(), last));
    }

    #[test]
    fn memory_does_not_grow_with_a_line() {
        let mut read = Records::new(io::repeat(b'"').take(100_000_000).chain(&b"\na,b\n"[..])).unwrap();
        let first = read.next().unwrap().unwrap();
        assert!(first.cells.is_err() && first.text.len() <= MAX_TEXT);
        // The function has 256 MB; a line of the file has 100.
        assert!(read.buffer.capacity() <= 1_048_576, "{}", read.buffer.capacity());
        assert_eq!(read.next().unwrap().unwrap().cells.unwrap().len(), 2);
    }
}
