//! A sample chapter: checks that the uploaded file is a PDF that only shows pages.
//!
//! It is served as it is, as an attachment. Readers of PDF differ in the objects that they find in a damaged or forged file,
//! so the names of active content are searched in all bytes, also in those of strings, comments and streams, and in all
//! compressed objects. A file whose compressed objects cannot all be read is refused, and so is an innocent one with such a
//! name in its text.

mod lexer;
#[cfg(test)]
mod tests;
#[cfg(test)]
pub use tests::hostile;

use std::{collections::BTreeSet, io::Read};

use flate2::read::ZlibDecoder;
use shared::uploads::{ActiveContent, FileType, MAX_BYTES, MAX_OBJECT_BYTES, MAX_PAGES, Refusal, SampleFile};

use lexer::{Lexer, Token};

type Result<T> = std::result::Result<T, Refusal>;

/// Names of active content. Names of three or fewer characters occur by chance in compressed data; no reader acts on them
/// without one of these.
const ACTIVE: &[(&[u8], ActiveContent)] = &[
    (b"JavaScript", ActiveContent::Script),
    (b"Launch", ActiveContent::Launch),
    (b"EmbeddedFile", ActiveContent::AttachedFile),
    (b"EmbeddedFiles", ActiveContent::AttachedFile),
    (b"FileAttachment", ActiveContent::AttachedFile),
    (b"GoToE", ActiveContent::OtherFile),
    (b"GoToR", ActiveContent::OtherFile),
    (b"SubmitForm", ActiveContent::Form),
    (b"ImportData", ActiveContent::Form),
    (b"XFA", ActiveContent::Form),
    (b"RichMedia", ActiveContent::Multimedia),
    (b"Rendition", ActiveContent::Multimedia),
    (b"Movie", ActiveContent::Multimedia),
    (b"Sound", ActiveContent::Multimedia),
    // The script of a model in three dimensions.
    (b"OnInstantiate", ActiveContent::Multimedia),
];
/// Names that are searched outside of streams only, and in compressed objects.
const SHORT: &[(&[u8], ActiveContent)] = &[
    (b"JS", ActiveContent::Script),
    (b"EF", ActiveContent::AttachedFile),
    // A model in three dimensions: the annotation, and both types of its data.
    (b"3D", ActiveContent::Multimedia),
    (b"U3D", ActiveContent::Multimedia),
    (b"PRC", ActiveContent::Multimedia),
];

/// Names in the dictionary of a stream of compressed objects. Some readers need no `/Type` there.
const COMPRESSED: [&[u8]; 2] = [b"ObjStm", b"First"];

/// Checks the document.
pub fn check(bytes: &[u8]) -> Result<SampleFile> {
    if bytes.is_empty() {
        return Err(Refusal::Empty);
    }
    if bytes.len() > MAX_BYTES {
        return Err(Refusal::TooManyBytes { bytes: bytes.len() as u64 });
    }
    let is = crate::file_type::of(bytes);
    if is != FileType::Pdf {
        return Err(Refusal::NotAPdf { is });
    }
    search(bytes)?;
    ends_with_the_file(bytes)?;
    let pages = Objects::of(bytes)?.pages()?;
    let length = u32::try_from(bytes.len()).map_err(|_| Refusal::TooManyBytes { bytes: bytes.len() as u64 })?;
    Ok(SampleFile { hash: crate::hash([bytes]), bytes: length, pages })
}

/// The last lines of a PDF: `startxref`, the place of a table of objects, and `%%EOF`.
fn ends_with_the_file(bytes: &[u8]) -> Result<()> {
    const END: &[u8] = b"%%EOF";
    let end = bytes.windows(END.len()).rposition(|window| window == END).ok_or(Refusal::Truncated)?;
    let behind = bytes[end + END.len()..].trim_ascii_start();
    if !behind.is_empty() {
        return Err(Refusal::TrailingBytes { bytes: behind.len() as u64 });
    }
    let before = bytes[..end].trim_ascii_end();
    let digits = before.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let (before, place) = before.split_at(before.len() - digits);
    let place = std::str::from_utf8(place).ok().and_then(|place| place.parse::<usize>().ok());
    let table = place.filter(|_| before.trim_ascii_end().ends_with(b"startxref")).and_then(|place| bytes.get(place..));
    let mut table = Lexer { bytes: table.ok_or(Refusal::Damaged)?, at: 0 };
    let words = [table.next(), table.next(), table.next()];
    let is_object = matches!(words[2], Some(Token::Word(b"obj")));
    if matches!(words[0], Some(Token::Word(b"xref"))) || is_object { Ok(()) } else { Err(Refusal::Damaged) }
}

/// Searches all bytes for names of active content, and for encryption.
fn search(bytes: &[u8]) -> Result<()> {
    let mut found = None;
    for at in slashes(bytes) {
        let (name, _) = lexer::name(&bytes[at + 1..]);
        if name == b"Encrypt" {
            return Err(Refusal::Encrypted);
        }
        found = found.or(ACTIVE.iter().find(|(active, _)| *active == name));
    }
    refuse(found)
}

fn refuse(found: Option<&(&[u8], ActiveContent)>) -> Result<()> {
    found.map_or(Ok(()), |(_, content)| Err(Refusal::Active { content: *content }))
}

fn slashes(bytes: &[u8]) -> impl Iterator<Item = usize> {
    bytes.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at)
}

/// Facts from the objects of a document.
#[derive(Default)]
struct Objects {
    /// `/Count` of the root of the page tree, as last written.
    count: Option<u32>,
    /// Pages that are in the file, also earlier versions of one.
    pages: u32,
    /// Names of `COMPRESSED` in the objects of the file.
    compressed: usize,
    /// Bytes of the compressed objects.
    inflated: usize,
}

/// The entries of an object's dictionary that matter. Those of dictionaries inside of it are not noted.
#[derive(Default)]
struct Entries {
    key: Option<Vec<u8>>,
    kind: Option<Vec<u8>>,
    filters: Vec<Vec<u8>>,
    count: Option<u32>,
    keys: BTreeSet<Vec<u8>>,
}

impl Objects {
    fn of(bytes: &[u8]) -> Result<Self> {
        let mut objects = Self::default();
        objects.read(bytes, true)?;
        // One more is in bytes that are no object here, and may be one for a reader.
        let all = slashes(bytes).filter(|at| is_compressed(&lexer::name(&bytes[at + 1..]).0)).count();
        if all == objects.compressed { Ok(objects) } else { Err(Refusal::UnreadableObjects) }
    }

    /// The number of pages.
    fn pages(&self) -> Result<u32> {
        match self.count.unwrap_or_default() {
            0 => Err(Refusal::NoPages),
            pages if pages > MAX_PAGES => Err(Refusal::TooManyPages { pages }),
            pages if pages > self.pages => Err(Refusal::Damaged),
            pages => Ok(pages),
        }
    }

    /// Reads the objects in these bytes: of the file, or of a stream of compressed objects.
    fn read(&mut self, bytes: &[u8], is_file: bool) -> Result<()> {
        let mut lexer = Lexer { bytes, at: 0 };
        let (mut depth, mut entries) = (0_usize, Entries::default());
        while let Some(token) = lexer.next() {
            match token {
                Token::Word(b"obj") => (depth, entries) = (0, Entries::default()),
                Token::Word(b"stream") if is_file => {
                    let data = data_of_stream(bytes, lexer.at);
                    lexer.at = end_of_stream(bytes, data);
                    if entries.is_object_stream() {
                        // Of each byte once: not of the rest of the file for each of many streams.
                        self.read_compressed(&entries, &bytes[data..lexer.at])?;
                    }
                }
                Token::DictionaryStart | Token::ArrayStart => {
                    if depth == 0 {
                        entries = Entries::default();
                    }
                    depth += 1;
                }
                Token::DictionaryEnd | Token::ArrayEnd => {
                    depth = depth.saturating_sub(1);
                    if depth == 1 {
                        entries.key = None;
                    }
                    if depth == 0 {
                        self.note(&entries);
                    }
                }
                Token::Name(name) => {
                    refuse(SHORT.iter().find(|(active, _)| *active == name))?;
                    self.compressed += usize::from(is_file && is_compressed(&name));
                    entries.name(name, depth);
                }
                Token::Word(word) => entries.word(word, depth),
                Token::Text => {
                    if depth == 1 {
                        entries.key = None;
                    }
                }
            }
        }
        Ok(())
    }

    fn note(&mut self, entries: &Entries) {
        match entries.kind.as_deref() {
            Some(b"Page") => self.pages += 1,
            Some(b"Pages") if !entries.has(b"Parent") => self.count = entries.count,
            _ => {}
        }
    }

    fn read_compressed(&mut self, entries: &Entries, data: &[u8]) -> Result<()> {
        if entries.filters != [b"FlateDecode"] || entries.has(b"DecodeParms") || entries.has(b"DP") {
            return Err(Refusal::UnreadableObjects);
        }
        let mut objects = Vec::new();
        let limit = MAX_OBJECT_BYTES - self.inflated;
        let read = ZlibDecoder::new(data).take(limit as u64 + 1).read_to_end(&mut objects);
        if objects.len() > limit {
            return Err(Refusal::TooManyObjectBytes);
        }
        read.map_err(|_| Refusal::UnreadableObjects)?;
        self.inflated += objects.len();
        search(&objects)?;
        self.read(&objects, false)
    }
}

fn is_compressed(name: &[u8]) -> bool {
    COMPRESSED.contains(&name)
}

impl Entries {
    fn has(&self, key: &[u8]) -> bool {
        self.keys.contains(key)
    }

    fn is_object_stream(&self) -> bool {
        self.kind.as_deref() == Some(b"ObjStm") || self.has(b"First") && self.has(b"N")
    }

    fn name(&mut self, name: Vec<u8>, depth: usize) {
        match (self.key.take(), depth) {
            (None, 1) => {
                self.keys.insert(name.clone());
                self.key = Some(name);
            }
            (Some(key), 1) if key == b"Type" => self.kind = Some(name),
            (Some(key), 1) if key == b"Filter" || key == b"F" => self.filters.push(name),
            // An array of filters; its end ends the entry.
            (Some(key), 2) if key == b"Filter" || key == b"F" => {
                self.filters.push(name);
                self.key = Some(key);
            }
            (key, 2..) => self.key = key,
            _ => {}
        }
    }

    fn word(&mut self, word: &[u8], depth: usize) {
        if depth != 1 {
            return;
        }
        if self.key.take_if(|key| key == b"Count").is_some() {
            self.count = std::str::from_utf8(word).ok().and_then(|word| word.parse().ok());
        }
        // `12 0 R` is three words of one value; none of them is a key.
        self.key = None;
    }
}

/// The first byte of a stream's data: behind the line break that follows the word.
fn data_of_stream(bytes: &[u8], at: usize) -> usize {
    match bytes.get(at..) {
        Some([b'\r', b'\n', ..]) => at + 2,
        Some([b'\r' | b'\n', ..]) => at + 1,
        _ => at,
    }
}

/// The end of the stream, by its closing word: a wrong length cannot hide an object.
fn end_of_stream(bytes: &[u8], data: usize) -> usize {
    const END: &[u8] = b"endstream";
    let end = bytes.get(data..).and_then(|rest| rest.windows(END.len()).position(|window| window == END));
    end.map_or(bytes.len(), |end| data + end + END.len())
}
