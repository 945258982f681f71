//! The encoding of a file: UTF-8 unless a byte order mark says UTF-16, or the upload's Content-Type another one.

use std::io::{Cursor, Read};

use encoding_rs::{Encoding, UTF_8};
use encoding_rs_io::DecodeReaderBytesBuilder;

/// The file in UTF-8. Only a file that is declared as such, or not at all, may still have bytes that are not UTF-8.
pub fn utf8(mut file: impl Read, content_type: Option<&str>) -> Result<impl Read, String> {
    let declared = content_type.and_then(charset).map(encoding).transpose()?;
    let mut beginning = Vec::new();
    let read = file.by_ref().take(UTF_8_MARK.len() as u64).read_to_end(&mut beginning);
    read.map_err(|error| format!("the file cannot be read: {error}"))?;
    let is_utf_8 = beginning == UTF_8_MARK;
    Ok(DecodeReaderBytesBuilder::new()
        .encoding(declared.filter(|encoding| *encoding != UTF_8 && !is_utf_8))
        .bom_override(true)
        .strip_bom(true)
        .utf8_passthru(true)
        .build(Cursor::new(beginning).chain(file)))
}

/// The byte order mark of UTF-8.
const UTF_8_MARK: &[u8] = b"\xef\xbb\xbf";

/// `windows-1252` of `text/csv; charset=windows-1252`.
fn charset(content_type: &str) -> Option<&str> {
    content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"'))
    })
}

/// By its name in the Encoding Standard of WHATWG, which browsers use.
fn encoding(name: &str) -> Result<&'static Encoding, String> {
    Encoding::for_label(name.as_bytes())
        .ok_or_else(|| format!("the encoding {name:?} is unknown; name one such as utf-8, windows-1252 or utf-16le"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(file: &[u8], content_type: Option<&str>) -> Result<Vec<u8>, String> {
        let mut text = Vec::new();
        utf8(file, content_type)?.read_to_end(&mut text).map_err(|error| error.to_string())?;
        Ok(text)
    }

    #[test]
    fn a_file_is_read_by_its_byte_order_mark_or_by_what_is_declared() {
        let utf_16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
        let big_endian = |text: &str| text.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<u8>>();
        let windows = Some("text/csv; charset=windows-1252");
        for (file, content_type) in [
            ("Ñandú €".as_bytes().to_vec(), None),
            ("Ñandú €".as_bytes().to_vec(), Some("text/csv; charset=utf-8")),
            ("\u{feff}Ñandú €".as_bytes().to_vec(), None),
            ("\u{feff}Ñandú €".as_bytes().to_vec(), windows),
            (utf_16("\u{feff}Ñandú €"), None),
            (big_endian("\u{feff}Ñandú €"), None),
            (utf_16("\u{feff}Ñandú €"), windows),
            (utf_16("Ñandú €"), Some("text/csv;charset=UTF-16LE")),
            (b"\xd1and\xfa \x80".to_vec(), windows),
            (b"\xd1and\xfa \x80".to_vec(), Some("text/csv; header=present; Charset=\"CP1252\"")),
            (b"\xd1and\xfa \xa4".to_vec(), Some("text/csv; charset=iso-8859-15")),
            (b"\x84and\x9c \xdb".to_vec(), Some("text/csv; charset=macintosh")),
        ] {
            assert_eq!(read(&file, content_type).as_deref(), Ok("Ñandú €".as_bytes()), "{content_type:?}");
        }
    }

    #[test]
    fn other_bytes_without_a_declaration_stay_as_they_are() {
        assert_eq!(read(b"\xd1and\xfa", Some("text/csv")).unwrap(), b"\xd1and\xfa");
    }

    #[test]
    fn an_unknown_encoding_is_refused_by_its_name() {
        let error = read(b"", Some("text/csv; charset=ebcdic")).unwrap_err();
        assert!(error.contains("\"ebcdic\" is unknown"), "{error}");
    }
}
