//! Files that booksellers upload for a book: covers and sample chapters. Their limits, the result of checking one, and
//! the reasons for which one is refused.

use std::{fmt, ops::RangeInclusive};

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};
use uuid::{Builder, Uuid};

/// Bytes of an uploaded file.
pub const MAX_BYTES: usize = 20 * MB;
/// Pixels of an uploaded cover.
pub const MAX_PIXELS: u64 = 40_000_000;
/// Width of an uploaded cover, in pixels.
pub const MIN_WIDTH: u32 = 200;
/// How many times as high as wide a cover is at most, and the other way round.
pub const MAX_ASPECT: u32 = 3;
/// Scans of a progressive JPEG. Programs write about ten; each costs the time of the whole image.
pub const MAX_SCANS: u32 = 64;
/// Bytes of an image's colour profile. Those of printers have up to two million.
pub const MAX_PROFILE_BYTES: usize = 4 * MB;
/// Bytes of a cover in one of its widths. A load balancer takes a megabyte from a function, in Base64.
pub const MAX_SERVED_COVER: usize = MB / 2;
/// Pages of a sample chapter.
pub const MAX_PAGES: u32 = 100;
/// Bytes of a sample chapter's compressed objects. They have no text and no images, which are streams of their own.
pub const MAX_OBJECT_BYTES: usize = 32 * MB;

/// Widths in which a cover is served, in pixels. A narrower original has fewer: it is never enlarged.
pub const WIDTHS: [u32; 3] = [160, 320, 640];

/// The widths that a file of a cover can have.
const SERVED_WIDTHS: RangeInclusive<u32> = 1..=WIDTHS[WIDTHS.len() - 1];

/// Hexadecimal digits of the hash in a file's name: 128 bits.
pub const HASH_DIGITS: usize = 32;

/// How long after its key an upload is waited for: ten minutes until it is sent, and six of three attempts to check it, with the
/// pauses between them.
const WAITED_FOR: Duration = Duration::minutes(20);

const MB: usize = 1_000_000;

/// The purpose of an uploaded file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UploadKind {
    Cover,
    Sample,
}

/// The place of an upload in the bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UploadKey {
    pub kind: UploadKind,
    pub id: Uuid,
}

impl UploadKey {
    /// A new key, whose id has the time.
    pub fn new(kind: UploadKind, now: OffsetDateTime) -> Self {
        let milliseconds = u64::try_from(now.unix_timestamp_nanos() / 1_000_000).unwrap_or_default();
        let [_, _, _, _, _, _, random @ ..] = Uuid::new_v4().into_bytes();
        Self { kind, id: Builder::from_unix_timestamp_millis(milliseconds, &random).into_uuid() }
    }

    /// Whether the file of this key may still be on its way, or being checked. Not of a key that nobody has made.
    pub fn is_waited_for(self, now: OffsetDateTime) -> bool {
        let made_at = self.id.get_timestamp().and_then(|time| {
            let (seconds, _) = time.to_unix();
            OffsetDateTime::from_unix_timestamp(i64::try_from(seconds).ok()?).ok()
        });
        // The clocks of two functions differ a little.
        made_at.is_some_and(|made_at| (made_at - Duration::MINUTE..made_at + WAITED_FOR).contains(&now))
    }

    /// Parses a key such as `uploads/covers/019a…`; none for another object's.
    pub fn parse(key: &str) -> Option<Self> {
        let (folder, id) = key.strip_prefix("uploads/")?.split_once('/')?;
        let kind = [UploadKind::Cover, UploadKind::Sample].into_iter().find(|kind| kind.folder() == folder)?;
        let upload = Self { kind, id: Uuid::try_parse(id).ok()? };
        (upload.key() == key).then_some(upload)
    }

    /// Parses the last two parts of a page's path: `covers`, and the id.
    pub fn of_segments(folder: &str, id: &str) -> Option<Self> {
        Self::parse(&format!("uploads/{folder}/{id}"))
    }

    /// Those two parts.
    pub fn segments(self) -> String {
        format!("{}/{}", self.kind.folder(), self.id)
    }

    /// The key of the uploaded file, which expires after some days.
    pub fn key(self) -> String {
        format!("uploads/{}", self.segments())
    }

    /// The key of the result of checking it, which expires too.
    pub fn result_key(self) -> String {
        format!("results/{}.json", self.segments())
    }
}

impl UploadKind {
    const fn folder(self) -> &'static str {
        match self {
            Self::Cover => "covers",
            Self::Sample => "samples",
        }
    }
}

/// The key of a served cover in one of its widths; with a slash in front, its path.
pub fn cover_key(hash: &str, width: u32) -> String {
    format!("covers/{hash}-{width}.jpg")
}

/// Whether the text can be the hash in a file's name.
fn is_hash(text: &str) -> bool {
    text.len() == HASH_DIGITS && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// The last part of a cover's path: `HASH-320.jpg`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoverName {
    hash: String,
    width: u32,
}

impl CoverName {
    /// Parses a name; none if no cover can have it.
    pub fn parse(name: &str) -> Option<Self> {
        let (hash, width) = name.strip_suffix(".jpg")?.split_once('-')?;
        let width = width.parse().ok().filter(|width| SERVED_WIDTHS.contains(width))?;
        let parsed = Self { hash: hash.to_owned(), width };
        (is_hash(hash) && parsed.key().ends_with(&format!("/{name}"))).then_some(parsed)
    }

    pub fn key(&self) -> String {
        cover_key(&self.hash, self.width)
    }
}

/// The key of a served sample chapter.
pub fn sample_key(hash: &str) -> String {
    format!("samples/{hash}.pdf")
}

/// The key of a checked file that no book has so far, which expires after some days. Nobody but the staff sees it there.
pub fn checked_key(served: &str) -> String {
    format!("checked/{served}")
}

/// The result of checking an upload, and which file under its key was checked: the same form can be sent with another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadResult {
    /// The tag that S3 gave the file, without quotes; empty if that is unknown.
    #[serde(default)]
    pub etag: String,
    #[serde(flatten)]
    pub checked: Checked,
}

impl UploadResult {
    /// Parses the result of an upload of this kind. The function that writes results decodes files of strangers, so nothing in one
    /// is trusted: its hash becomes part of public pages and of keys.
    ///
    /// # Errors
    /// No check of such an upload ends like that.
    pub fn parse(json: &[u8], kind: UploadKind) -> anyhow::Result<Self> {
        let result: Self = serde_json::from_slice(json).context("the result of an upload cannot be read")?;
        if let Some(hash) = result.checked.hash() {
            ensure!(is_hash(hash), "the result of an upload has no hash of {HASH_DIGITS} hexadecimal digits: {hash:?}");
        }
        match &result.checked {
            Checked::Cover(cover) => {
                ensure!(kind == UploadKind::Cover, "the result of a sample chapter is a cover");
                ensure!(cover.is_complete(), "the sizes of a cover do not follow from its widest: {:?}", cover.sizes);
            }
            Checked::Sample(sample) => {
                ensure!(kind == UploadKind::Sample, "the result of a cover is a sample chapter");
                ensure!(sample.is_within_limits(), "a sample chapter is beyond the limits: {sample:?}");
            }
            Checked::Refused(_) => {}
        }
        Ok(result)
    }

    /// Whether it is about the file that has this tag, quoted or not. An unknown one is that of any.
    pub fn is_of(&self, etag: &str) -> bool {
        let etag = bare_etag(etag);
        etag.is_empty() || self.etag.is_empty() || etag == self.etag
    }
}

/// A tag as S3 writes it into a header or an address, without its quotes.
pub fn bare_etag(etag: &str) -> &str {
    etag.trim_matches('"')
}

/// The result of checking an upload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum Checked {
    Cover(CoverFiles),
    Sample(SampleFile),
    Refused(Refusal),
}

impl Checked {
    /// The hash of the files; none of a refused upload.
    pub fn hash(&self) -> Option<&str> {
        match self {
            Self::Cover(cover) => Some(&cover.hash),
            Self::Sample(sample) => Some(&sample.hash),
            Self::Refused(_) => None,
        }
    }

    /// The keys of the files that the shop serves; none of a refused upload.
    pub fn keys(&self) -> Vec<String> {
        match self {
            Self::Cover(cover) => cover.sizes.iter().map(|size| cover_key(&cover.hash, size.width)).collect(),
            Self::Sample(sample) => vec![sample_key(&sample.hash)],
            Self::Refused(_) => Vec::new(),
        }
    }
}

/// The file that a book has, with what the staff typed about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BookFile {
    pub file: Checked,
    pub credit: Option<String>,
}

impl BookFile {
    /// The value that a form brings back which showed this file of a book, or none. It has the row of the record with the last change of
    /// such a file, or 0, because a file that was used and taken away is as it was before.
    pub fn version(file: Option<(&str, Option<&str>)>, last_change: u64) -> String {
        let (hash, credit) = file.unwrap_or_default();
        let changed = if last_change == 0 { String::new() } else { last_change.to_string() };
        format!("{changed} {hash} {}", credit.unwrap_or_default()).trim().to_owned()
    }

    pub fn hash(&self) -> &str {
        self.file.hash().unwrap_or_default()
    }

    pub fn is(&self, hash: &str, credit: Option<&str>) -> bool {
        self.hash() == hash && self.credit.as_deref() == credit
    }
}

/// A cover in each width.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CoverFiles {
    /// The hash of the content, which is part of the addresses.
    pub hash: String,
    /// Narrowest first; at least one.
    pub sizes: Vec<Size>,
}

impl CoverFiles {
    /// The files of a cover whose widest has this size.
    pub fn new(hash: String, widest: Size) -> Self {
        Self { hash, sizes: widest.of_cover() }
    }

    /// Whether there are the files that follow from the widest, which is one that the shop serves.
    fn is_complete(&self) -> bool {
        let Size { width, height } = self.widest();
        SERVED_WIDTHS.contains(&width)
            && (1..=MAX_ASPECT * width).contains(&height)
            && self.sizes == self.widest().of_cover()
    }

    /// The size of the widest file.
    pub fn widest(&self) -> Size {
        self.sizes.last().copied().unwrap_or(Size { width: 0, height: 0 })
    }
}

/// Width and height in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Size {
    pub width: u32,
    pub height: u32,
}

/// The cover of a book, as pages show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cover {
    pub files: CoverFiles,
    /// The maker of the picture.
    pub credit: Option<String>,
}

impl Cover {
    /// Address and size of each file, narrowest first.
    pub fn addresses(&self) -> impl DoubleEndedIterator<Item = (String, Size)> {
        self.files.sizes.iter().map(|size| (format!("/{}", cover_key(&self.files.hash, size.width)), *size))
    }
}

impl Size {
    /// The sizes in which the shop serves an image of this size, narrowest first.
    pub fn of_cover(self) -> Vec<Self> {
        let widest = self.with_width(self.width.min(WIDTHS[WIDTHS.len() - 1]));
        let narrower = WIDTHS.into_iter().filter(|width| *width < widest.width).map(|width| widest.with_width(width));
        narrower.chain([widest]).collect()
    }

    /// The size in the same proportions with this width.
    #[must_use]
    pub fn with_width(self, width: u32) -> Self {
        let rounded = u64::from(self.height) * u64::from(width) + u64::from(self.width) / 2;
        let height = rounded / u64::from(self.width.max(1));
        Self { width, height: u32::try_from(height).unwrap_or(u32::MAX).max(1) }
    }
}

/// A sample chapter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SampleFile {
    /// The hash of the content, which is part of the address.
    pub hash: String,
    pub bytes: u32,
    pub pages: u32,
}

impl SampleFile {
    fn is_within_limits(&self) -> bool {
        (1..=MAX_PAGES).contains(&self.pages) && self.bytes as usize <= MAX_BYTES
    }
}

/// The reason for which an uploaded file is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Refusal {
    Empty,
    TooManyBytes {
        bytes: u64,
    },
    /// No image that the shop can read.
    NotACover {
        is: FileType,
    },
    NotAPdf {
        is: FileType,
    },
    /// The file ends before its image or document does.
    Truncated,
    /// Something follows the end of the image or document: the file may be of two types at once.
    TrailingBytes {
        bytes: u64,
    },
    Damaged,
    TooManyPixels {
        width: u32,
        height: u32,
    },
    TooNarrow {
        width: u32,
    },
    /// A banner, or a strip.
    TooLong {
        width: u32,
        height: u32,
    },
    Animated,
    /// The colours of a printing press.
    Cmyk,
    /// A lossless, hierarchical or arithmetic JPEG, which browsers do not show either.
    UnusualJpeg,
    TooManyScans {
        scans: u32,
    },
    /// A colour profile beyond the limit, which would be read into memory as a whole.
    LargeProfile,
    Encrypted,
    NoPages,
    TooManyPages {
        pages: u32,
    },
    Active {
        content: ActiveContent,
    },
    /// Compressed objects that cannot be read, and therefore not be checked.
    UnreadableObjects,
    TooManyObjectBytes,
}

/// Something in a document that acts when it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActiveContent {
    Script,
    Launch,
    AttachedFile,
    OtherFile,
    Form,
    Multimedia,
}

/// The type of a file by its content, whatever its name says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileType {
    Jpeg,
    Png,
    #[serde(rename = "webp")]
    WebP,
    Gif,
    Tiff,
    Bmp,
    Icon,
    Heic,
    Avif,
    JpegXl,
    Jpeg2000,
    Photoshop,
    Svg,
    Html,
    Pdf,
    PostScript,
    /// Also the documents of office programs, EPUB and Java programs.
    Zip,
    Program,
    Unknown,
}

impl FileType {
    /// The type in the words of people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Jpeg => "a JPEG image",
            Self::Png => "a PNG image",
            Self::WebP => "a WebP image",
            Self::Gif => "a GIF image",
            Self::Tiff => "a TIFF image",
            Self::Bmp => "a BMP image",
            Self::Icon => "an icon",
            Self::Heic => "a HEIC image",
            Self::Avif => "an AVIF image",
            Self::JpegXl => "a JPEG XL image",
            Self::Jpeg2000 => "a JPEG 2000 image",
            Self::Photoshop => "a Photoshop file",
            Self::Svg => "an SVG drawing",
            Self::Html => "a web page",
            Self::Pdf => "a PDF",
            Self::PostScript => "a PostScript file",
            Self::Zip => "a ZIP file or a document in one",
            Self::Program => "a program",
            Self::Unknown => "of an unknown type",
        }
    }
}

impl ActiveContent {
    /// The content in the words of people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Script => "a script",
            Self::Launch => "a command that starts a program",
            Self::AttachedFile => "an attached file",
            Self::OtherFile => "a link that opens another file",
            Self::Form => "a form that sends data",
            Self::Multimedia => "sound, video or another active object",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "the file is empty"),
            Self::TooManyBytes { bytes } => write!(
                f,
                "the file has {bytes} bytes; the maximum is {MAX_BYTES} ({} MB): save it with a lower quality or in a \
                 smaller size",
                MAX_BYTES / MB
            ),
            Self::NotACover { is } => {
                write!(f, "the file is {}; a cover is a JPEG, PNG or WebP image: export it as one", is.name())
            }
            Self::NotAPdf { is } => write!(f, "the file is {}; a sample chapter is a PDF: export it as one", is.name()),
            Self::Truncated => write!(f, "the file ends too early: copy or download it again"),
            Self::TrailingBytes { bytes } => write!(
                f,
                "{bytes} bytes follow the end of the image or document: open it and save it under a new name, which leaves \
                 them out"
            ),
            Self::Damaged => write!(f, "the file is damaged: open it and save it under a new name"),
            Self::TooManyPixels { width, height } => write!(
                f,
                "the image has {width} × {height} pixels; the maximum is {} million: save it in a smaller size",
                MAX_PIXELS / 1_000_000
            ),
            Self::TooNarrow { width } => {
                write!(f, "the image is {width} pixels wide; the minimum is {MIN_WIDTH}: take a larger one")
            }
            Self::TooLong { width, height } => write!(
                f,
                "the image has {width} × {height} pixels; a cover is at most {MAX_ASPECT} times as high as wide, or as wide \
                 as high: cut it"
            ),
            Self::Animated => write!(f, "the image moves; save one of its pictures"),
            Self::Cmyk => write!(f, "the image has the colours of a printing press (CMYK): export it as RGB"),
            Self::UnusualJpeg => {
                write!(f, "the JPEG is lossless, hierarchical or arithmetic, which browsers cannot show: save it again")
            }
            Self::TooManyScans { scans } => {
                write!(f, "the JPEG has {scans} scans; the maximum is {MAX_SCANS}: save it again")
            }
            Self::LargeProfile => write!(
                f,
                "the image has a colour profile of more than {} MB: save it without one",
                MAX_PROFILE_BYTES / MB
            ),
            Self::Encrypted => write!(f, "the PDF is encrypted or has a password: save it without"),
            Self::NoPages => write!(f, "the PDF has no page"),
            Self::TooManyPages { pages } => {
                write!(f, "the PDF has {pages} pages; the maximum is {MAX_PAGES}: export fewer")
            }
            Self::Active { content } => {
                write!(f, "the PDF has {}: print it to a new PDF, which leaves it out", content.name())
            }
            Self::UnreadableObjects => {
                write!(f, "the PDF has compressed objects that cannot be checked: print it to a new PDF")
            }
            Self::TooManyObjectBytes => write!(
                f,
                "the PDF has compressed objects of more than {} MB: print it to a new PDF",
                MAX_OBJECT_BYTES / MB
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_refusal_states_the_value_the_limit_and_the_fix() {
        for (refusal, text) in [
            (Refusal::TooNarrow { width: 120 }, "the image is 120 pixels wide; the minimum is 200: take a larger one"),
            (
                Refusal::NotACover { is: FileType::Gif },
                "the file is a GIF image; a cover is a JPEG, PNG or WebP image: export it as one",
            ),
            (
                Refusal::TooManyPixels { width: 8_000, height: 8_000 },
                "the image has 8000 × 8000 pixels; the maximum is 40 million: save it in a smaller size",
            ),
        ] {
            assert_eq!(refusal.to_string(), text);
        }
    }

    #[test]
    fn only_keys_of_uploads_are_parsed() {
        let id = "019ac4a0-0000-7000-8000-000000000000";
        for kind in [UploadKind::Cover, UploadKind::Sample] {
            let made = UploadKey::new(kind, OffsetDateTime::now_utc());
            assert_eq!(UploadKey::parse(&made.key()), Some(made));
            let upload = UploadKey { kind, id: Uuid::try_parse(id).unwrap() };
            assert_eq!(UploadKey::parse(&upload.key()), Some(upload));
            assert!(UploadKey::parse(&upload.result_key()).is_none());
            let (folder, id) =
                upload.segments().split_once('/').map(|(folder, id)| (folder.to_owned(), id.to_owned())).unwrap();
            assert_eq!(UploadKey::of_segments(&folder, &id), Some(upload));
            assert_eq!(UploadKey::of_segments(&folder, "../1"), None);
        }
        let upper = id.to_uppercase();
        for key in [
            format!("uploads/{id}"),
            format!("uploads/books/{id}"),
            format!("uploads/covers/{id}/x"),
            format!("uploads/covers/{upper}"),
            format!("/uploads/covers/{id}"),
            "uploads/covers/../covers".to_owned(),
            cover_key("0a1b", 160),
        ] {
            assert!(UploadKey::parse(&key).is_none(), "{key}");
        }
    }

    #[test]
    fn an_upload_is_waited_for_as_long_as_it_can_come_and_be_checked() {
        let now = OffsetDateTime::now_utc();
        let [one, other] = [(), ()].map(|()| UploadKey::new(UploadKind::Cover, now));
        assert_ne!(one, other);
        for (minutes, expected) in [(-2, false), (0, true), (19, true), (20, false), (4_000, false)] {
            assert_eq!(one.is_waited_for(now + Duration::minutes(minutes)), expected, "{minutes}");
        }
        let invented = UploadKey { kind: UploadKind::Cover, id: Uuid::new_v4() };
        assert!(!invented.is_waited_for(now));
    }

    #[test]
    fn a_result_is_of_the_file_with_its_tag() {
        let checked = Checked::Refused(Refusal::Empty);
        let result = UploadResult { etag: "0a1b".to_owned(), checked: checked.clone() };
        for (etag, expected) in [("\"0a1b\"", true), ("0a1b", true), ("", true), ("0a1c", false)] {
            assert_eq!(result.is_of(etag), expected, "{etag}");
        }
        let written = serde_json::to_value(&result).unwrap();
        assert_eq!(written, json!({ "etag": "0a1b", "result": "refused", "reason": "empty" }));
        assert_eq!(serde_json::from_value::<UploadResult>(written).unwrap(), result);
        let earlier: UploadResult = serde_json::from_value(json!({ "result": "refused", "reason": "empty" })).unwrap();
        assert!(earlier.checked == checked && earlier.is_of("0a1c"));
    }

    #[test]
    fn another_credit_is_another_version_and_so_is_no_file_after_a_change() {
        let files = [None, Some(("a", None)), Some(("a", Some("Sur"))), Some(("a", Some("Norte"))), Some(("b", None))];
        let versions = files.into_iter().flat_map(|file| [0, 7].map(|change| BookFile::version(file, change)));
        let versions: std::collections::BTreeSet<String> = versions.collect();
        assert!(versions.len() == 10 && versions.contains(""), "{versions:?}");
    }

    #[test]
    fn the_sizes_of_a_cover_follow_from_the_widest() {
        for (original, expected) in [
            ((3_001, 4_500), vec![(160, 240), (320, 480), (640, 960)]),
            ((500, 750), vec![(160, 240), (320, 480), (500, 750)]),
            ((320, 320), vec![(160, 160), (320, 320)]),
            ((1_000, 1), vec![(160, 1), (320, 1), (640, 1)]),
        ] {
            let sizes = Size { width: original.0, height: original.1 }.of_cover();
            assert_eq!(sizes.iter().map(|size| (size.width, size.height)).collect::<Vec<_>>(), expected);
            assert_eq!(CoverFiles::new(String::new(), *sizes.last().unwrap()).sizes, sizes);
        }
    }

    #[test]
    fn only_names_that_a_cover_can_have_are_parsed() {
        let hash = "0a1b2c3d4e5f60718293a4b5c6d7e8f9";
        for width in [160, 320, 500, 640] {
            let name = CoverName::parse(&format!("{hash}-{width}.jpg")).unwrap();
            assert_eq!(name.key(), cover_key(hash, width));
        }
        for name in [
            String::new(),
            "none".to_owned(),
            format!("{hash}.jpg"),
            format!("{hash}-641.jpg"),
            format!("{hash}-0.jpg"),
            format!("{hash}-0160.jpg"),
            format!("{hash}-+160.jpg"),
            format!("{hash}-160.png"),
            format!("{hash}-160.jpg/x"),
            format!("{}-160.jpg", hash.to_uppercase()),
            format!("{}-160.jpg", &hash[1..]),
            format!("../covers/{hash}-160.jpg"),
            format!("{}%2e-160.jpg", &hash[3..]),
        ] {
            assert_eq!(CoverName::parse(&name), None, "{name}");
        }
    }

    #[test]
    fn a_result_that_no_check_has_written_is_refused() {
        let hash = "0a1b2c3d4e5f60718293a4b5c6d7e8f9";
        let sizes =
            json!([{ "width": 160, "height": 240 }, { "width": 320, "height": 480 }, { "width": 500, "height": 750 }]);
        let cover = |hash: &str, sizes: Value| json!({ "etag": "0a", "result": "cover", "hash": hash, "sizes": sizes });
        let sample = |hash: &str, bytes: u32, pages: u32| json!({ "etag": "0a", "result": "sample", "hash": hash, "bytes": bytes, "pages": pages });
        let parse = |json: &Value, kind| UploadResult::parse(json.to_string().as_bytes(), kind);
        let good = [
            (cover(hash, sizes.clone()), UploadKind::Cover),
            (cover(hash, json!([{ "width": 120, "height": 360 }])), UploadKind::Cover),
            (sample(hash, 20_000_000, 100), UploadKind::Sample),
            (json!({ "result": "refused", "reason": "empty" }), UploadKind::Cover),
            (json!({ "result": "refused", "reason": "empty" }), UploadKind::Sample),
        ];
        for (json, kind) in &good {
            let parsed = parse(json, *kind).unwrap();
            assert_eq!(parsed.checked, serde_json::from_value(json.clone()).unwrap());
        }
        let script = "\"><script src=//x.example></script>";
        for (json, kind) in [
            (good[0].0.clone(), UploadKind::Sample),
            (good[2].0.clone(), UploadKind::Cover),
            (cover(script, sizes.clone()), UploadKind::Cover),
            (cover(&hash.to_uppercase(), sizes.clone()), UploadKind::Cover),
            (cover(&hash[1..], sizes.clone()), UploadKind::Cover),
            (cover("", sizes), UploadKind::Cover),
            (cover(hash, json!([])), UploadKind::Cover),
            (cover(hash, json!([{ "width": 500, "height": 750 }])), UploadKind::Cover),
            (cover(hash, json!([{ "width": 0, "height": 0 }])), UploadKind::Cover),
            (cover(hash, json!([{ "width": 100, "height": 301 }])), UploadKind::Cover),
            (
                cover(
                    hash,
                    json!([{ "width": 160, "height": 240 }, { "width": 320, "height": 480 },
                { "width": 640, "height": 960 }, { "width": 641, "height": 960 }]),
                ),
                UploadKind::Cover,
            ),
            (cover(hash, json!([{ "width": 160, "height": 9 }, { "width": 320, "height": 480 }])), UploadKind::Cover),
            (sample(script, 9_000, 1), UploadKind::Sample),
            (sample(hash, 9_000, 0), UploadKind::Sample),
            (sample(hash, 9_000, 101), UploadKind::Sample),
            (sample(hash, 20_000_001, 1), UploadKind::Sample),
            (json!({ "result": "x" }), UploadKind::Sample),
        ] {
            assert!(parse(&json, kind).is_err(), "{kind:?} {json}");
        }
    }

    #[test]
    fn a_result_is_read_as_it_was_written() {
        let refused = Checked::Refused(Refusal::Active { content: ActiveContent::Script });
        let written = serde_json::to_value(&refused).unwrap();
        assert_eq!(written, json!({ "result": "refused", "reason": "active", "content": "script" }));
        assert_eq!(serde_json::from_value::<Checked>(written).unwrap(), refused);
        let cover = CoverFiles { hash: "0a1b".to_owned(), sizes: vec![Size { width: 160, height: 240 }] };
        let cover = Checked::Cover(cover);
        assert_eq!(serde_json::from_value::<Checked>(serde_json::to_value(&cover).unwrap()).unwrap(), cover);
    }
}
