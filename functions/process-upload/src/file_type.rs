//! The type of a file by its first bytes.

use shared::uploads::FileType;

/// Types with the bytes at the beginning of their files.
const SIGNATURES: &[(&[u8], FileType)] = &[
    (b"\xFF\xD8\xFF", FileType::Jpeg),
    (b"\x89PNG\r\n\x1A\n", FileType::Png),
    (b"GIF87a", FileType::Gif),
    (b"GIF89a", FileType::Gif),
    (b"II*\0", FileType::Tiff),
    (b"MM\0*", FileType::Tiff),
    (b"BM", FileType::Bmp),
    (b"\0\0\x01\0", FileType::Icon),
    (b"\xFF\x0A", FileType::JpegXl),
    (b"\0\0\0\x0CJXL ", FileType::JpegXl),
    (b"\0\0\0\x0CjP  ", FileType::Jpeg2000),
    (b"\xFF\x4F\xFF\x51", FileType::Jpeg2000),
    (b"8BPS", FileType::Photoshop),
    (b"%PDF-", FileType::Pdf),
    (b"%!PS", FileType::PostScript),
    (b"PK\x03\x04", FileType::Zip),
    (b"PK\x05\x06", FileType::Zip),
    (b"MZ", FileType::Program),
    (b"\x7FELF", FileType::Program),
    (b"#!", FileType::Program),
];

/// How far a text is searched for its first element.
const TEXT: usize = 1_024;

/// The type of the file.
pub fn of(bytes: &[u8]) -> FileType {
    let signature = SIGNATURES.iter().find(|(signature, _)| bytes.starts_with(signature));
    signature.map(|(_, file_type)| *file_type).or_else(|| container(bytes)).unwrap_or_else(|| markup(bytes))
}

/// Types that name themselves behind the length of their first part.
fn container(bytes: &[u8]) -> Option<FileType> {
    match (bytes.get(..4)?, bytes.get(4..8)?, bytes.get(8..12)?) {
        (b"RIFF", _, b"WEBP") => Some(FileType::WebP),
        (_, b"ftyp", b"avif" | b"avis") => Some(FileType::Avif),
        (_, b"ftyp", b"heic" | b"heix" | b"hevc" | b"heim" | b"heis" | b"mif1" | b"msf1") => Some(FileType::Heic),
        _ => None,
    }
}

/// SVG or HTML, which may begin with comments and declarations.
fn markup(bytes: &[u8]) -> FileType {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(TEXT)]).to_ascii_lowercase();
    if !text.trim_start_matches(['\u{FEFF}', ' ', '\t', '\r', '\n']).starts_with('<') {
        return FileType::Unknown;
    }
    if text.contains("<svg") { FileType::Svg } else { FileType::Html }
}
