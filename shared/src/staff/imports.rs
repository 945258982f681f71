//! Types of the pages about imports: files of books, what they would do, and what they did.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::domain::Counts;

/// Bytes of the largest file that the pages of the staff take. A larger one is imported with the command.
pub const MAX_CATALOGUE_BYTES: u64 = 20_000_000;
/// Rows of the longest file that is previewed, because the books that it changes are kept in memory.
pub const MAX_PREVIEWED_ROWS: u32 = 50_000;
/// Days after which the bucket removes the files of previews.
pub const PREVIEW_DAYS: u16 = 7;

/// Keys of the files that are previewed.
pub const PREVIEWS: &str = "previews/";
/// Keys of the files that are imported after their preview. Each is imported once.
pub const PREVIEWED: &str = "incoming/previewed/";
/// The end of the keys.
const CSV: &str = ".csv";

/// The key of an uploaded file.
pub fn preview_key(upload: impl std::fmt::Display) -> String {
    format!("{PREVIEWS}{upload}{CSV}")
}

/// The key under which the file of a preview is imported.
pub fn previewed_key(preview: u32) -> String {
    format!("{PREVIEWED}{preview}{CSV}")
}

/// The identity of a file among those that were uploaded with one form, and so under one key: its content, and its encoding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileVersion {
    /// S3's tag of the content.
    pub etag: String,
    /// It may declare an encoding.
    pub content_type: String,
}

impl FileVersion {
    /// Characters of a stored type. The form has shorter ones.
    const MAX_TYPE: usize = 200;

    pub fn new(etag: &str, content_type: Option<&str>) -> Self {
        let content_type = content_type.unwrap_or_default().chars().take(Self::MAX_TYPE).collect();
        Self { etag: etag.to_owned(), content_type }
    }
}

/// An import or a preview, as its page shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaffImport {
    pub id: u32,
    pub is_preview: bool,
    pub object_key: String,
    /// The last line that was read.
    pub line: u32,
    pub counts: Counts,
    pub started_at: OffsetDateTime,
    pub ended_at: Option<OffsetDateTime>,
    /// Why the file as a whole is refused.
    pub failure: Option<String>,
    /// About the file as a whole, such as columns that are not read.
    pub notices: Vec<String>,
    /// When the staff had the file of this preview imported.
    pub run_at: Option<OffsetDateTime>,
    /// The file that this preview has read.
    pub version: Option<FileVersion>,
}

impl StaffImport {
    /// Lambda has tried it three times by then.
    const OVERDUE: time::Duration = time::Duration::hours(1);

    /// The name of the file that a command has uploaded. Files of the pages have none.
    pub fn file(&self) -> Option<&str> {
        let name = self.object_key.strip_prefix("incoming/").filter(|_| !self.is_previewed())?;
        // Behind the time of the upload.
        Some(name.split_once("Z-").filter(|(time, _)| time.starts_with("20")).map_or(name, |(_, name)| name))
    }

    /// The preview whose file this import reads.
    pub fn preview(&self) -> Option<u32> {
        self.object_key.strip_prefix(PREVIEWED)?.strip_suffix(CSV)?.parse().ok()
    }

    fn is_previewed(&self) -> bool {
        self.object_key.starts_with(PREVIEWED)
    }

    /// Whether it has not ended, and can be expected to.
    pub fn is_running(&self, now: OffsetDateTime) -> bool {
        self.ended_at.is_none() && now - self.started_at < Self::OVERDUE
    }

    /// Whether it has not ended, and will not.
    pub fn is_stuck(&self, now: OffsetDateTime) -> bool {
        self.ended_at.is_none() && !self.is_running(now)
    }

    /// Whether it is a preview of a file with something to import.
    pub fn can_be_run(&self) -> bool {
        let is_read = self.ended_at.is_some() && self.failure.is_none();
        self.is_preview && is_read && self.version.is_some() && self.counts.added + self.counts.changed > 0
    }
}

/// The effect of a row on a book.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BookChange {
    pub reference: String,
    /// After the import.
    pub title: String,
    pub is_new: bool,
    /// The columns whose value differs; of a new book all that have one.
    pub differences: Vec<Difference>,
}

impl BookChange {
    /// Characters of a value that a page shows.
    const SHOWN: usize = 200;

    /// With values that are not longer than a page shows.
    #[must_use]
    pub fn cut(mut self) -> Self {
        let cut = |value: String| match value.char_indices().nth(Self::SHOWN) {
            Some((end, _)) => format!("{}…", &value[..end]),
            None => value,
        };
        for difference in &mut self.differences {
            difference.before = difference.before.take().map(cut);
            difference.after = difference.after.take().map(cut);
        }
        self
    }

    /// Bytes of its texts.
    pub fn size(&self) -> usize {
        let length = |value: &Option<String>| value.as_ref().map_or(0, String::len);
        let differences = self.differences.iter();
        self.title.len()
            + differences.map(|one| one.column.len() + length(&one.before) + length(&one.after)).sum::<usize>()
    }
}

/// A remark about a row of a file: why it was refused, or why one of its cells was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowRemark {
    pub line: u32,
    /// The column of the cell; none about the whole row.
    pub column: Option<String>,
    /// The row or the cell as it came.
    pub text: String,
    pub reason: String,
}

/// A value of a book that a row would change, by the name of its column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    pub column: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// The columns of a file, for the rows of it that are mended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileColumns {
    pub names: Vec<String>,
    pub separator: char,
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    fn import(object_key: &str) -> StaffImport {
        StaffImport {
            id: 7,
            is_preview: object_key.starts_with(PREVIEWS),
            object_key: object_key.to_owned(),
            line: 2,
            counts: Counts { added: 1, ..Counts::default() },
            started_at: datetime!(2026-11-27 10:00 UTC),
            ended_at: None,
            failure: None,
            notices: Vec::new(),
            run_at: None,
            version: Some(FileVersion::new("\"x\"", None)),
        }
    }

    #[test]
    fn a_file_has_the_name_that_the_command_gave_it_and_a_run_leads_to_its_preview() {
        for (key, file, preview) in [
            ("incoming/2026-11-24T06-39-25.676Z-new.csv", Some("new.csv"), None),
            ("incoming/Zeta-Z-new.csv", Some("Zeta-Z-new.csv"), None),
            (&preview_key("0b0fd2bd"), None, None),
            (&previewed_key(42), None, Some(42)),
            ("incoming/previewed/x.csv", None, None),
        ] {
            assert_eq!((import(key).file(), import(key).preview()), (file, preview), "{key}");
        }
    }

    #[test]
    fn a_preview_is_run_once_it_is_read_and_has_something_to_import() {
        let read = StaffImport { ended_at: Some(datetime!(2026-11-27 10:01 UTC)), ..import("previews/x.csv") };
        let nothing = Counts { unchanged: 9, refused: 2, ..Counts::default() };
        for (import, can_be_run) in [
            (read.clone(), true),
            (import("previews/x.csv"), false),
            (StaffImport { failure: Some("no header".to_owned()), ..read.clone() }, false),
            (StaffImport { counts: nothing, ..read.clone() }, false),
            (StaffImport { version: None, ..read.clone() }, false),
            (StaffImport { is_preview: false, ..read.clone() }, false),
        ] {
            assert_eq!(import.can_be_run(), can_be_run, "{import:?}");
        }
        let (soon, late) = (datetime!(2026-11-27 10:59 UTC), datetime!(2026-11-27 11:01 UTC));
        let begun = import("previews/x.csv");
        assert!(begun.is_running(soon) && !begun.is_stuck(soon) && begun.is_stuck(late) && !read.is_stuck(late));
    }

    #[test]
    fn a_long_value_is_cut_between_two_characters() {
        let long = Some("ñ".repeat(300));
        let differences = vec![Difference { column: "description".to_owned(), before: None, after: long }];
        let change = BookChange { reference: "a".to_owned(), title: "T".to_owned(), is_new: false, differences }.cut();
        assert_eq!(change.differences[0].after, Some(format!("{}…", "ñ".repeat(200))));
        assert_eq!(change.size(), 1 + "description".len() + 400 + 3);
    }
}
