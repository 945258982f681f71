//! Hostile documents, each made here, with the reason for which it is refused.

use std::io::Write;

use flate2::{Compression, write::ZlibEncoder};
use shared::uploads::{ActiveContent, FileType, MAX_BYTES, MAX_OBJECT_BYTES, Refusal};

use super::check;
use crate::hostile::{Case, assert_refused};

const CATALOG: &str = "<< /Type /Catalog /Pages 2 0 R >>";
const PAGES: &str = "<< /Type /Pages /Kids [3 0 R] /Count 1 >>";
const PAGE: &str = "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 400 600] /Contents 4 0 R >>";

/// A document of these objects, numbered from 1.
fn pdf(objects: &[&[u8]]) -> Vec<u8> {
    let mut file = b"%PDF-1.7\n%\xE2\xE3\xCF\xD3\n".to_vec();
    let mut places = Vec::new();
    for (number, object) in (1..).zip(objects) {
        places.push(file.len());
        writeln!(file, "{number} 0 obj").unwrap();
        file.extend(*object);
        file.extend(b"\nendobj\n");
    }
    let table = file.len();
    write!(file, "xref\n0 {}\n0000000000 65535 f \n", places.len() + 1).unwrap();
    for place in &places {
        writeln!(file, "{place:010} 00000 n ").unwrap();
    }
    write!(file, "trailer\n<< /Size {} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n", places.len() + 1).unwrap();
    file
}

fn stream(entries: &str, data: &[u8]) -> Vec<u8> {
    let head = format!("<< {entries} /Length {} >>\nstream\n", data.len());
    [head.as_bytes(), data, b"\nendstream"].concat()
}

fn deflated(data: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

/// A document with one page and this further object.
fn with(object: &[u8]) -> Vec<u8> {
    let contents = stream("/Filter /FlateDecode", &deflated(b"BT (Call me Ishmael.) Tj ET"));
    pdf(&[CATALOG.as_bytes(), PAGES.as_bytes(), PAGE.as_bytes(), &contents, object])
}

/// A stream of compressed objects.
fn compressed(entries: &str, objects: &str) -> Vec<u8> {
    stream(&format!("{entries} /N 1 /First 4"), &deflated(format!("9 0 {objects}").as_bytes()))
}

fn page_tree(count: u32, pages: u32) -> Vec<u8> {
    let tree = format!("<< /Type /Pages /Kids [] /Count {count} >>");
    let pages = vec![PAGE.as_bytes(); pages as usize];
    pdf(&[&[CATALOG.as_bytes(), tree.as_bytes()][..], &pages].concat())
}

fn active(content: ActiveContent) -> Refusal {
    Refusal::Active { content }
}

const SCRIPT: &str = "<< /S /JavaScript /JS (app.alert\\(1\\)) >>";
/// Entries of a stream of compressed objects.
const TYPED: &str = "/Type /ObjStm /Filter /FlateDecode";

fn cases<const N: usize>(files: [(&str, Vec<u8>, Refusal); N]) -> Vec<Case> {
    files.map(|(name, file, reason)| Case::new(name, file, reason)).into()
}

/// All files of this module that are refused.
pub fn hostile() -> Vec<Case> {
    [no_whole_documents(), with_scripts(), with_other_active_content()].concat()
}

#[test]
fn a_file_that_is_no_whole_document_is_refused_with_its_reason() {
    for case in no_whole_documents() {
        assert_refused(&case, check);
    }
}

fn no_whole_documents() -> Vec<Case> {
    let good = with(b"null");
    let zip = [&good, b"PK\x05\x06".as_slice(), &[0; 18]].concat();
    cases([
        ("an empty file", vec![], Refusal::Empty),
        ("a file that is too large", vec![b' '; MAX_BYTES + 1], Refusal::TooManyBytes { bytes: 20_000_001 }),
        ("a JPEG", b"\xFF\xD8\xFF\xE0".to_vec(), Refusal::NotAPdf { is: FileType::Jpeg }),
        ("a web page with the beginning of a PDF", b"<html>%PDF-1.7".to_vec(), Refusal::NotAPdf { is: FileType::Html }),
        (
            "a document with text before its header",
            [b"\n", &good[..]].concat(),
            Refusal::NotAPdf { is: FileType::Unknown },
        ),
        ("a document with no end", good[..good.len() - 7].to_vec(), Refusal::Truncated),
        ("a document with half of its bytes", good[..good.len() / 2].to_vec(), Refusal::Truncated),
        ("a document with a ZIP behind its end", zip, Refusal::TrailingBytes { bytes: 22 }),
        (
            "a document with a script behind its end",
            [&good, b"<script>".as_slice()].concat(),
            Refusal::TrailingBytes { bytes: 8 },
        ),
        ("a document with only header and end", b"%PDF-1.7\n%%EOF\n".to_vec(), Refusal::Damaged),
        ("a document with a table elsewhere", replaced(&good, b"startxref\n", b"startxref\n1"), Refusal::Damaged),
        (
            "a document with a table nowhere",
            replaced(&good, b"startxref\n", b"startxref\n99999999999999999999"),
            Refusal::Damaged,
        ),
        ("a document with a password", replaced(&good, b"/Root", b"/Encrypt 9 0 R /Root"), Refusal::Encrypted),
        (
            "a document with a password in other letters",
            replaced(&good, b"/Root", b"/#45ncr#79pt 9 0 R /Root"),
            Refusal::Encrypted,
        ),
        ("a document with no pages", page_tree(0, 0), Refusal::NoPages),
        ("a document with no page tree", pdf(&[CATALOG.as_bytes(), PAGE.as_bytes()]), Refusal::NoPages),
        ("a document with too many pages", page_tree(101, 101), Refusal::TooManyPages { pages: 101 }),
        ("a document with more pages stated than there are", page_tree(3, 2), Refusal::Damaged),
    ])
}

#[test]
fn a_hidden_script_is_refused() {
    for case in with_scripts() {
        assert_refused(&case, check);
    }
}

fn with_scripts() -> Vec<Case> {
    use ActiveContent::Script;
    let good = with(b"null");
    let bomb = {
        let data = deflated(&vec![b' '; MAX_OBJECT_BYTES]);
        let stream = stream(&format!("{TYPED} /N 1 /First 4"), &data);
        pdf(&[CATALOG.as_bytes(), PAGES.as_bytes(), PAGE.as_bytes(), &stream, &stream])
    };
    // Not compressed, so that the end of the stream is among the data. Read to the end of the file, many of these would take
    // minutes.
    let continued = {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::none());
        encoder.write_all(b"9 0 null\nendstream\nendobj\n9 0 obj\n<< >>\nstream\n").unwrap();
        with(&stream(&format!("{TYPED} /N 1 /First 4"), &encoder.finish().unwrap()))
    };
    let hidden_in =
        |before: &str, hidden: &[u8], after: &str| with(&[before.as_bytes(), hidden, after.as_bytes()].concat());
    cases([
        ("a document with a script", with(SCRIPT.as_bytes()), active(Script)),
        ("a document with a script in other letters", with(b"<< /S /J#61vaScr#69pt /J#53 (x) >>"), active(Script)),
        ("a document with scripts by name", with(b"<< /Names << /JavaScript 9 0 R >> >>"), active(Script)),
        ("a document with a script on a key", with(b"<< /AA << /K << /JS (x) >> >> >>"), active(Script)),
        ("a document with a script in a compressed object", with(&compressed(TYPED, SCRIPT)), active(Script)),
        (
            "a document with a script in a compressed object without type",
            with(&compressed("/Filter [/FlateDecode]", SCRIPT)),
            active(Script),
        ),
        ("a document with a script in a comment", hidden_in("null % ", SCRIPT.as_bytes(), "\n"), active(Script)),
        ("a document with a script in a string", hidden_in("(", SCRIPT.as_bytes(), ")"), active(Script)),
        (
            "a document with a script in a stream",
            with(&stream("", format!("9 0 obj {SCRIPT}").as_bytes())),
            active(Script),
        ),
        (
            "a document with a script in an earlier version",
            [&with(SCRIPT.as_bytes())[..], &good].concat(),
            active(Script),
        ),
        (
            "a document with compressed objects in a stream",
            with(&stream("", &[b"9 0 obj ", &compressed(TYPED, SCRIPT)[..]].concat())),
            Refusal::UnreadableObjects,
        ),
        (
            "a document with compressed objects in a string",
            hidden_in("(", b"9 0 obj << /N 1 /First 4 >> stream", ")"),
            Refusal::UnreadableObjects,
        ),
        (
            "a document with compressed objects of two types",
            with(&compressed("/Type /ObjStm /Type /XObject /Filter /FlateDecode", SCRIPT)),
            active(Script),
        ),
        (
            "a document with compressed objects in another code",
            with(&stream("/Type /ObjStm /Filter /ASCIIHexDecode /N 1 /First 4", b"3c3c3e3e>")),
            Refusal::UnreadableObjects,
        ),
        (
            "a document with compressed objects in two codes",
            with(&compressed("/Type /ObjStm /Filter [/ASCIIHexDecode /FlateDecode]", SCRIPT)),
            Refusal::UnreadableObjects,
        ),
        (
            "a document with compressed objects with a predictor",
            with(&compressed(&format!("{TYPED} /DecodeParms << /Predictor 12 >>"), SCRIPT)),
            Refusal::UnreadableObjects,
        ),
        (
            "a document with compressed objects that are damaged",
            with(&stream(&format!("{TYPED} /N 1 /First 4"), b"\x78\x9C\xFF\xFF")),
            Refusal::UnreadableObjects,
        ),
        (
            "a document with compressed objects that are not compressed",
            with(&stream("/Type /ObjStm /N 1 /First 4", b"9 0 null")),
            Refusal::UnreadableObjects,
        ),
        ("a document with a bomb", bomb, Refusal::TooManyObjectBytes),
        ("a document with compressed objects that continue behind their end", continued, Refusal::UnreadableObjects),
    ])
}

#[test]
fn active_content_is_refused_by_its_kind() {
    for case in with_other_active_content() {
        assert_refused(&case, check);
    }
}

fn with_other_active_content() -> Vec<Case> {
    use ActiveContent::{AttachedFile, Form, Launch, Multimedia, OtherFile};
    cases([
        ("a document with a program", with(b"<< /S /Launch /F (cmd.exe) >>"), active(Launch)),
        ("a document with an attached file", with(&stream("/Type /EmbeddedFile", b"MZ")), active(AttachedFile)),
        (
            "a document with an attached file by reference",
            with(b"<< /Type /Filespec /EF << /F 9 0 R >> >>"),
            active(AttachedFile),
        ),
        ("a document with attached files by name", with(b"<< /EmbeddedFiles 9 0 R >>"), active(AttachedFile)),
        (
            "a document with a link to a file on a server",
            with(b"<< /S /GoToR /F (\\\\\\\\server\\\\a.pdf) >>"),
            active(OtherFile),
        ),
        ("a document with a link to an attached file", with(b"<< /S /GoToE >>"), active(OtherFile)),
        ("a document with a form that is sent", with(b"<< /S /SubmitForm /F (https://example.org) >>"), active(Form)),
        ("a document with a form that is filled", with(b"<< /S /ImportData >>"), active(Form)),
        ("a document with a form of XML", with(b"<< /AcroForm << /XFA 9 0 R >> >>"), active(Form)),
        ("a document with a video", with(b"<< /Subtype /RichMedia >>"), active(Multimedia)),
        ("a document with a script of a video", with(b"<< /S /Rendition /OP 0 >>"), active(Multimedia)),
        ("a document with a film", with(b"<< /S /Movie >>"), active(Multimedia)),
        ("a document with a sound", with(b"<< /S /Sound >>"), active(Multimedia)),
        ("a document with a model in three dimensions", with(b"<< /Type /Annot /Subtype /3D >>"), active(Multimedia)),
        ("a document with a model with a script", with(b"<< /OnInstantiate 9 0 R >>"), active(Multimedia)),
        ("a document with the data of a model in U3D", with(&stream("/Subtype /U3D", b"U3D\0")), active(Multimedia)),
        ("a document with the data of a model in PRC", with(&stream("/Subtype /PRC", b"PRC")), active(Multimedia)),
        (
            "a document with a model in a compressed object",
            with(&compressed(TYPED, "<< /Subtype /#33D >>")),
            active(Multimedia),
        ),
    ])
}

/// The file with the bytes in place of their last occurrence.
fn replaced(file: &[u8], bytes: &[u8], by: &[u8]) -> Vec<u8> {
    let at = file.windows(bytes.len()).rposition(|window| window == bytes).unwrap();
    [&file[..at], by, &file[at + bytes.len()..]].concat()
}

#[test]
fn an_object_nested_a_million_times_is_read() {
    let deep = ["[".repeat(1_000_000), "<<".repeat(1_000_000)].concat();
    assert_eq!(check(&with(deep.as_bytes())).map(|sample| sample.pages), Ok(1));
}

#[test]
fn a_document_that_only_shows_pages_is_accepted() {
    let tree = b"<< /Type /Pages /Kids [3 0 R 4 0 R] /Count 2 >>";
    let objects = format!("9 0 10 60 {PAGE} {PAGE}");
    let in_streams = stream("/Type /ObjStm /Filter /FlateDecode /N 2 /First 10", &deflated(objects.as_bytes()));
    // Compressed data may contain any bytes, also those of short names.
    let image = stream("/Subtype /Image", b"\x00/JS(\x00/EF<\xFF");
    for (name, file, pages) in [
        ("one page", with(b"null"), 1),
        ("a link", with(b"<< /S /URI /URI (https://example.org/javascript) >>"), 1),
        ("a place in the document", with(b"<< /S /GoTo /D [3 0 R /Fit] >>"), 1),
        ("names that resemble others", with(b"<< /JavaScripts 1 /Launcher 2 /MoviePoster 3 /JSX 4 >>"), 1),
        ("an image", with(&image), 1),
        ("compressed objects", pdf(&[CATALOG.as_bytes(), tree, &in_streams]), 2),
        ("an outline", with(b"<< /Type /Outlines /First 9 0 R /Last 9 0 R /Count 1 >>"), 1),
        ("a second version", [with(b"null"), with(b"true")].concat(), 1),
        ("a hundred pages", page_tree(100, 100), 100),
    ] {
        let sample = check(&file).unwrap_or_else(|refusal| panic!("a document with {name}: {refusal}"));
        assert_eq!((sample.pages, sample.bytes as usize), (pages, file.len()), "a document with {name}");
    }
}

#[test]
fn a_table_of_objects_may_be_a_stream() {
    let mut file = b"%PDF-1.5\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n".to_vec();
    write!(file, "2 0 obj\n{PAGES}\nendobj\n3 0 obj\n{PAGE}\nendobj\n").unwrap();
    let table = file.len();
    let stream = stream("/Type /XRef /Size 5 /W [1 2 1] /Root 1 0 R /Filter /FlateDecode", &deflated(&[0; 20]));
    file.extend([b"4 0 obj\n", &stream[..], b"\nendobj\n"].concat());
    write!(file, "startxref\r\n{table}\r\n%%EOF\r\n").unwrap();
    assert_eq!(check(&file).map(|sample| sample.pages), Ok(1));
}
