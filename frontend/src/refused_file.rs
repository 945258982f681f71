//! Why an uploaded file is refused, in the language of the bookseller.

use shared::uploads::{
    ActiveContent, FileType, MAX_ASPECT, MAX_BYTES, MAX_OBJECT_BYTES, MAX_PAGES, MAX_PIXELS, MAX_PROFILE_BYTES,
    MAX_SCANS, MIN_WIDTH, Refusal,
};

use crate::{Locale, format};

/// The reason with its value, its limit and the fix.
pub fn reason(locale: Locale, refusal: &Refusal) -> String {
    let number = |number: u32| format::number(locale, number.into()).into();
    let megabytes = |bytes: usize| format::bytes(locale, bytes as u64).into();
    let pixels = |width: u32, height: u32| format!("{width} × {height}").into();
    match refusal {
        Refusal::Empty => locale.text("refused-empty"),
        Refusal::TooManyBytes { bytes } => {
            let sizes = [("size", format::bytes(locale, *bytes).into()), ("max", megabytes(MAX_BYTES))];
            locale.text_with("refused-bytes", sizes)
        }
        Refusal::NotACover { is } => locale.text_with("refused-not-a-cover", [("is", file_type(locale, *is).into())]),
        Refusal::NotAPdf { is } => locale.text_with("refused-not-a-pdf", [("is", file_type(locale, *is).into())]),
        Refusal::Truncated => locale.text("refused-truncated"),
        Refusal::TrailingBytes { bytes } => locale.text_with("refused-trailing", [("bytes", (*bytes).into())]),
        Refusal::Damaged => locale.text("refused-damaged"),
        Refusal::TooManyPixels { width, height } => {
            let max = MAX_PIXELS / 1_000_000;
            locale.text_with("refused-pixels", [("size", pixels(*width, *height)), ("max", max.into())])
        }
        Refusal::TooNarrow { width } => {
            locale.text_with("refused-narrow", [("width", number(*width)), ("min", number(MIN_WIDTH))])
        }
        Refusal::TooLong { width, height } => {
            locale.text_with("refused-long", [("size", pixels(*width, *height)), ("max", number(MAX_ASPECT))])
        }
        Refusal::Animated => locale.text("refused-animated"),
        Refusal::Cmyk => locale.text("refused-cmyk"),
        Refusal::UnusualJpeg => locale.text("refused-unusual"),
        Refusal::TooManyScans { scans } => {
            locale.text_with("refused-scans", [("scans", number(*scans)), ("max", number(MAX_SCANS))])
        }
        Refusal::LargeProfile => locale.text_with("refused-large-profile", [("max", megabytes(MAX_PROFILE_BYTES))]),
        Refusal::Encrypted => locale.text("refused-encrypted"),
        Refusal::NoPages => locale.text("refused-no-pages"),
        Refusal::TooManyPages { pages } => {
            locale.text_with("refused-pages", [("pages", number(*pages)), ("max", number(MAX_PAGES))])
        }
        Refusal::Active { content } => locale.text_with("refused-active", [("has", active(locale, *content).into())]),
        Refusal::UnreadableObjects => locale.text("refused-objects"),
        Refusal::TooManyObjectBytes => locale.text_with("refused-object-bytes", [("max", megabytes(MAX_OBJECT_BYTES))]),
    }
}

/// The type of a file: "an SVG drawing".
fn file_type(locale: Locale, is: FileType) -> String {
    locale.text(match is {
        FileType::Jpeg => "file-jpeg",
        FileType::Png => "file-png",
        FileType::WebP => "file-webp",
        FileType::Gif => "file-gif",
        FileType::Tiff => "file-tiff",
        FileType::Bmp => "file-bmp",
        FileType::Icon => "file-icon",
        FileType::Heic => "file-heic",
        FileType::Avif => "file-avif",
        FileType::JpegXl => "file-jpeg-xl",
        FileType::Jpeg2000 => "file-jpeg-2000",
        FileType::Photoshop => "file-photoshop",
        FileType::Svg => "file-svg",
        FileType::Html => "file-html",
        FileType::Pdf => "file-pdf",
        FileType::PostScript => "file-postscript",
        FileType::Zip => "file-zip",
        FileType::Program => "file-program",
        FileType::Unknown => "file-unknown",
    })
}

/// The active content of a document: "a script".
fn active(locale: Locale, content: ActiveContent) -> String {
    locale.text(match content {
        ActiveContent::Script => "active-script",
        ActiveContent::Launch => "active-launch",
        ActiveContent::AttachedFile => "active-attached",
        ActiveContent::OtherFile => "active-other-file",
        ActiveContent::Form => "active-form",
        ActiveContent::Multimedia => "active-multimedia",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_has_value_limit_and_fix_in_both_languages() {
        for (refusal, es, en) in [
            (
                Refusal::TooNarrow { width: 120 },
                "La imagen mide 120 píxeles de ancho y el mínimo es 200. Busca una mayor.",
                "The image is 120 pixels wide; the minimum is 200. Take a larger one.",
            ),
            (
                Refusal::TooManyBytes { bytes: 20_000_001 },
                "El archivo ocupa 20,1 MB y el máximo es 20,0 MB. Guárdalo con menos calidad o más pequeño.",
                "The file has 20.1 MB; the maximum is 20.0 MB. Save it with a lower quality or in a smaller size.",
            ),
            (
                Refusal::NotACover { is: FileType::Svg },
                "El archivo es un dibujo SVG, y una cubierta es una imagen JPEG, PNG o WebP. Expórtalo así.",
                "The file is an SVG drawing; a cover is a JPEG, PNG or WebP image. Export it as one.",
            ),
            (
                Refusal::Active { content: ActiveContent::Script },
                "El PDF lleva un programa (script). Imprímelo en un PDF nuevo, que no lo lleva.",
                "The PDF has a script. Print it to a new PDF, which leaves it out.",
            ),
        ] {
            let plain = |locale| reason(locale, &refusal).replace('\u{a0}', " ");
            assert_eq!((plain(Locale::Es).as_str(), plain(Locale::En).as_str()), (es, en));
        }
    }
}
