//! The encoding of a file: UTF-8 unless a byte order mark says UTF-16, or the upload's Content-Type another one.

use std::io::{self, Cursor, Read, Seek};

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use encoding_rs_io::DecodeReaderBytesBuilder;

/// The file in UTF-8. Only a file that is declared as such, or not at all, may still have bytes that are not UTF-8.
pub fn utf8(mut file: impl Read + Seek, content_type: Option<&str>) -> Result<impl Read, String> {
    let declared = content_type.and_then(charset).map(encoding).transpose()?;
    let unreadable = |error: io::Error| format!("the file cannot be read: {error}");
    let mut beginning = Vec::new();
    file.by_ref().take(UTF_8_MARK.len() as u64).read_to_end(&mut beginning).map_err(unreadable)?;
    let is_utf_8 = beginning == UTF_8_MARK;
    if let Some(declared) = declared.filter(|encoding| !is_utf_8 && !is_unicode(encoding)) {
        file.rewind().map_err(unreadable)?;
        if is_utf_8_beyond_ascii(&mut file).map_err(unreadable)? {
            return Err(format!(
                "the file is UTF-8; import it without another encoding (it is declared as {})",
                declared.name()
            ));
        }
        file.seek(io::SeekFrom::Start(beginning.len() as u64)).map_err(unreadable)?;
    }
    Ok(DecodeReaderBytesBuilder::new()
        .encoding(declared.filter(|encoding| *encoding != UTF_8 && !is_utf_8))
        .bom_override(true)
        .strip_bom(true)
        .utf8_passthru(true)
        .build(Cursor::new(beginning).chain(file)))
}

fn is_unicode(encoding: &'static Encoding) -> bool {
    [UTF_8, UTF_16LE, UTF_16BE].contains(&encoding)
}

/// Whether a file is valid UTF-8 throughout and not only ASCII. A text of another encoding is so only by a rare accident,
/// and read in another encoding, a text in UTF-8 becomes `Ã±`.
fn is_utf_8_beyond_ascii(file: &mut impl Read) -> io::Result<bool> {
    const CHUNK: u64 = 64 * 1024;
    let (mut bytes, mut is_ascii) = (Vec::new(), true);
    loop {
        let kept = bytes.len();
        let read = file.by_ref().take(CHUNK).read_to_end(&mut bytes)?;
        is_ascii = is_ascii && bytes[kept..].is_ascii();
        let valid = match str::from_utf8(&bytes) {
            Ok(text) => text.len(),
            // The rest of the last character is in the next chunk.
            Err(error) if error.error_len().is_none() && read > 0 => error.valid_up_to(),
            Err(_) => return Ok(false),
        };
        if read == 0 {
            return Ok(!is_ascii);
        }
        bytes.drain(..valid);
    }
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
        utf8(Cursor::new(file), content_type)?.read_to_end(&mut text).map_err(|error| error.to_string())?;
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
    fn a_file_in_utf_8_that_is_declared_as_another_encoding_is_refused() {
        let far = [&b"a".repeat(64 * 1024 - 1), "ñ,".as_bytes(), &b"b".repeat(200_000)].concat();
        let broken = [far.as_slice(), b"\xf1"].concat();
        for (name, file, is_refused) in [
            ("windows-1252", "Ñandú €".as_bytes(), true),
            ("latin1", "Ñandú".as_bytes(), true),
            ("iso-8859-15", "日本".as_bytes(), true),
            ("macintosh", "Ñandú".as_bytes(), true),
            ("shift_jis", "こころ、夏目漱石".as_bytes(), true),
            ("windows-1252", &far, true),
            ("windows-1252", &broken, false),
            ("windows-1252", "Ñandú\u{f1}".as_bytes(), true),
            ("windows-1252", b"\xc3\xb1 and \xf1", false),
            ("windows-1252", b"only ASCII", false),
            ("windows-1252", b"", false),
            ("windows-1252", b"ends within a character \xc3", false),
            ("windows-1252", "\u{feff}Ñandú".as_bytes(), false),
            ("utf-8", "Ñandú".as_bytes(), false),
        ] {
            let refused = read(file, Some(&format!("text/csv; charset={name}"))).err();
            let begins = |reason: &String| {
                reason.starts_with("the file is UTF-8; import it without another encoding (it is declared as ")
            };
            assert_eq!(refused.as_ref().is_some_and(begins), is_refused, "{name}: {refused:?}");
            assert_eq!(refused.is_some(), is_refused, "{name}");
        }
    }

    #[test]
    fn an_unknown_encoding_is_refused_by_its_name() {
        let error = read(b"", Some("text/csv; charset=ebcdic")).unwrap_err();
        assert!(error.contains("\"ebcdic\" is unknown"), "{error}");
    }
}
