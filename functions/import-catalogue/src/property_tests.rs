//! What must hold for every file, tried with drawn ones: bytes are read or refused row by row, cells are read as they were
//! written, and an interrupted import continues as if it had not been.

use std::{
    fmt::Write as _,
    io::{Cursor, Read},
};

use shared::domain::{Currency, clean_line};

use crate::{
    encoding,
    format::{Line, Lines},
    records::Records,
};

#[path = "../../../shared/src/draw.rs"]
#[allow(dead_code, reason = "other tests draw other values")]
mod draw;

use draw::Draw;

fn read(file: &[u8]) -> Option<Vec<Line>> {
    Lines::read(file, Currency::EUR).ok().map(|lines| lines.map(Result::unwrap).collect())
}

fn described(line: &Line) -> (u32, String, String, usize) {
    (line.number, format!("{:?}", line.row), line.text.clone(), line.warnings.len())
}

fn quoted(cell: &str) -> String {
    format!("\"{}\"", cell.replace('"', "\"\""))
}

/// Bytes, of which those that mean something in a file are more frequent than by chance.
fn bytes(draw: &mut Draw) -> Vec<u8> {
    draw.list(200, |draw| match draw.from(0..=3) {
        0 => draw.of(),
        1 => draw.from(b'0'..=b'z'),
        _ => draw.one_of(b"\"\"\n\n\r,,;\t=\0\xc3\xa9\xff#"),
    })
}

#[test]
fn any_bytes_behind_a_header_are_rows_in_order_that_are_read_or_refused() {
    Draw::each(|draw| {
        let (end, separator) = (draw.one_of(&["\n", "\r\n", "\r"]), draw.one_of(&[",", ";", "\t"]));
        let header = ["reference", "title", "authors", "price"].join(separator);
        let file = [header.as_bytes(), end.as_bytes(), &bytes(draw)].concat();
        let Some(rows) = read(&file) else { return };
        assert!(rows.windows(2).all(|pair| pair[0].number < pair[1].number));
        for row in &rows {
            assert!(row.number > 1 && row.row.as_ref().err().is_none_or(|reason| !reason.is_empty()));
        }
        let is_filled = |line: &&[u8]| line.iter().any(u8::is_ascii_alphanumeric);
        let filled = file.split(|byte| b"\r\n".contains(byte)).skip(1).any(|line| is_filled(&line));
        assert!(!filled || !rows.is_empty(), "{}", String::from_utf8_lossy(&file));
    });
}

#[test]
fn an_import_that_continues_behind_any_row_reads_the_rest_as_the_first_time() {
    Draw::each(|draw| {
        let file = [b"reference,title,authors,price\n", bytes(draw).as_slice()].concat();
        let Some(all) = read(&file).filter(|rows| !rows.is_empty()) else { return };
        let done = draw.from(0..=all.len() - 1);
        let mut again = Lines::read(file.as_slice(), Currency::EUR).unwrap();
        again.skip_to(all[done].number).unwrap();
        let rest: Vec<_> = again.map(|line| described(&line.unwrap())).collect();
        assert_eq!(rest, all[done + 1..].iter().map(described).collect::<Vec<_>>());
    });
}

#[test]
fn cells_in_quotes_are_read_as_they_were_written() {
    Draw::each(|draw| {
        let (end, separator) = (draw.one_of(&["\n", "\r\n", "\r"]), draw.one_of(&[',', ';', '\t']));
        let rows = draw.list(8, |draw| {
            let first = draw.word("ab,;\t\r\né\"", 12);
            [vec![first], draw.list(4, |draw| draw.word("ab,;\t\r\né\"", 12))].concat()
        });
        let line =
            |row: &Vec<String>| row.iter().map(|cell| quoted(cell)).collect::<Vec<_>>().join(&separator.to_string());
        // The first line break decides whether a carriage return by itself ends a line.
        let lines: Vec<String> = [end.to_owned()].into_iter().chain(rows.iter().map(|row| line(row) + end)).collect();
        let mut records = Records::new(Cursor::new(format!("x{}", lines.concat()))).unwrap();
        records.separate_by(u8::try_from(separator).unwrap());
        let text = |cell: Vec<u8>| String::from_utf8(cell).unwrap();
        let read: Vec<Vec<String>> =
            records.skip(1).map(|record| record.unwrap().cells.unwrap().into_iter().map(text).collect()).collect();
        assert_eq!(read, rows);
    });
}

#[test]
fn lines_in_are_books_and_refused_rows() {
    Draw::each(|draw| {
        let rows = draw.list(20, |draw| {
            let author = if draw.once_in(4) { String::new() } else { draw.word("Ab ", 9) };
            (draw.word("Aé ,;\"\n", 20), author, draw.from(1..=9_999_u32))
        });
        let mut file = "reference;title;authors;price\n".to_owned();
        for (at, (title, author, cents)) in rows.iter().enumerate() {
            let price = format!("{},{:02}", cents / 100, cents % 100);
            let _ = writeln!(file, "r-{at};{};{};{price}", quoted(title), quoted(author));
        }
        let read = read(file.as_bytes()).unwrap();
        assert_eq!(read.len(), rows.len());
        for (line, (title, author, cents)) in read.iter().zip(&rows) {
            let is_whole = !author.trim().is_empty() && !clean_line(title).is_empty();
            assert_eq!(line.row.is_ok(), is_whole, "{title:?} by {author:?}: {:?}", line.row);
            if let Ok(book) = &line.row {
                assert_eq!(book.price.as_ref().map(|price| price.minor), Some(*cents));
            }
        }
    });
}

#[test]
fn a_text_in_any_declared_encoding_is_the_text() {
    Draw::each(|draw| {
        let text = draw.word("ab,\"\n áéíóúñ¿¡€", 60);
        let utf_16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let (windows, _, _) = encoding_rs::WINDOWS_1252.encode(&text);
        if !windows.is_ascii() && str::from_utf8(&windows).is_ok() {
            // By accident it is also a text in UTF-8, and refused.
            return;
        }
        for (file, declared) in [
            (text.as_bytes(), None),
            (utf_16.as_slice(), Some("text/csv; charset=utf-16le")),
            (&windows, Some("text/csv; charset=windows-1252")),
        ] {
            let mut read = String::new();
            encoding::utf8(Cursor::new(file), declared).unwrap().read_to_string(&mut read).unwrap();
            assert_eq!(read, text, "{declared:?}");
        }
    });
}
