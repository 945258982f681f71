//! `bookstore covers` and `samples`: files of books. A file is uploaded to the bucket, where a function checks it, and then given
//! to the book.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use clap::{Args, Subcommand};
use serde_json::json;
use shared::{
    aws::Trust,
    domain::BookId,
    https::HttpsClient,
    presigned_link::error_code,
    staff::{FileChange, StaffAnswer, StaffFile, StaffTask},
    uploads::{Checked, CoverFiles, SampleFile, UploadKind},
};
use uuid::Uuid;

use super::staff::{Staff, UNEXPECTED_RESPONSE, Whose, ask};
use crate::output::{Report, counted, minute, plain};

/// For the upload of the largest file over a slow line.
const UPLOAD_TIMEOUT: Duration = Duration::from_mins(5);
/// Lambda tries three times to check a file, for a minute each, and waits one minute and two between them.
const CHECK_TIMEOUT: Duration = Duration::from_mins(7);
const CHECK_EVERY: Duration = Duration::from_millis(500);

#[derive(Args)]
pub struct Covers {
    #[command(subcommand)]
    action: CoverAction,
}

#[derive(Subcommand)]
enum CoverAction {
    /// Upload a JPEG, PNG or WebP image, and give it to a book in place of the cover that it has
    Add {
        #[command(flatten)]
        book: OneBook,
        /// The image, at least 200 pixels wide
        file: PathBuf,
        /// The maker of the picture, as the page of the book names them
        #[arg(long)]
        credit: Option<String>,
        #[command(flatten)]
        whose: Whose,
    },
    /// Take the cover away from a book, which is then shown with a drawn one
    Remove {
        #[command(flatten)]
        book: OneBook,
        #[command(flatten)]
        whose: Whose,
    },
    /// List the books with a cover
    List {
        #[command(flatten)]
        whose: Whose,
    },
}

#[derive(Args)]
pub struct Samples {
    #[command(subcommand)]
    action: SampleAction,
}

#[derive(Subcommand)]
enum SampleAction {
    /// Upload a PDF of at most 100 pages, and give it to a book in place of the sample chapter that it has
    Add {
        #[command(flatten)]
        book: OneBook,
        /// The PDF, without scripts, attachments and passwords
        file: PathBuf,
        #[command(flatten)]
        whose: Whose,
    },
    /// Take the sample chapter away from a book
    Remove {
        #[command(flatten)]
        book: OneBook,
        #[command(flatten)]
        whose: Whose,
    },
    /// List the books with a sample chapter
    List {
        #[command(flatten)]
        whose: Whose,
    },
}

#[derive(Args)]
struct OneBook {
    /// ISBN, or the id of the book
    #[arg(value_name = "ISBN")]
    isbn: String,
}

pub async fn covers(args: &Covers) -> Result<Report> {
    match &args.action {
        CoverAction::Add { book, file, credit, whose } => {
            add(whose, UploadKind::Cover, &book.isbn, file, credit.clone()).await
        }
        CoverAction::Remove { book, whose } => remove(whose, UploadKind::Cover, &book.isbn).await,
        CoverAction::List { whose } => list(whose, UploadKind::Cover).await,
    }
}

pub async fn samples(args: &Samples) -> Result<Report> {
    match &args.action {
        SampleAction::Add { book, file, whose } => add(whose, UploadKind::Sample, &book.isbn, file, None).await,
        SampleAction::Remove { book, whose } => remove(whose, UploadKind::Sample, &book.isbn).await,
        SampleAction::List { whose } => list(whose, UploadKind::Sample).await,
    }
}

async fn add(whose: &Whose, kind: UploadKind, book: &str, file: &Path, credit: Option<String>) -> Result<Report> {
    let content = fs::read(file).with_context(|| format!("reading {}", file.display()))?;
    let staff = Staff::connect(whose).await?;
    let bytes = content.len() as u64;
    let (upload, url) = match change(staff.ask(StaffTask::BeginUpload { kind, bytes }).await?)? {
        FileChange::Begun { upload, url } => (upload, url),
        FileChange::Refused { refusal } => bail!("{}: {refusal}", file.display()),
        _ => bail!(UNEXPECTED_RESPONSE),
    };
    let answer =
        HttpsClient::trusting(Trust::System, UPLOAD_TIMEOUT).put(&url, content).await.context("uploading the file")?;
    ensure!(answer.status == 200, "S3 refused the upload with status {}{}", answer.status, code(&answer.body));
    match checked(&staff, kind, book, upload, credit).await? {
        FileChange::Attached { title, file, still_in_bucket } => {
            let text = format!("{}: {}{}", plain(&title), describe(&file), left(still_in_bucket.as_deref()));
            Ok(Report::new(text, json!({ "title": title, "file": file, "still_in_bucket": still_in_bucket })))
        }
        FileChange::Refused { refusal } => bail!("{}: {refusal}", file.display()),
        FileChange::NoSuchBook => bail!("there is no book {book}"),
        _ => bail!(UNEXPECTED_RESPONSE),
    }
}

/// Gives the file to the book as soon as it is checked.
async fn checked(
    staff: &Staff,
    kind: UploadKind,
    book: &str,
    upload: Uuid,
    credit: Option<String>,
) -> Result<FileChange> {
    let began = Instant::now();
    loop {
        let task = StaffTask::AttachFile { kind, book: book.to_owned(), upload, credit: credit.clone() };
        let change = change(staff.ask(task).await?)?;
        if change != FileChange::Pending {
            return Ok(change);
        }
        ensure!(
            began.elapsed() < CHECK_TIMEOUT,
            "the file was not checked within {} minutes: see `{}`",
            CHECK_TIMEOUT.as_secs() / 60,
            staff.command("logs process-upload")
        );
        tokio::time::sleep(CHECK_EVERY).await;
    }
}

async fn remove(whose: &Whose, kind: UploadKind, book: &str) -> Result<Report> {
    let what = name(kind);
    match change(ask(whose, StaffTask::RemoveFile { kind, book: book.to_owned() }).await?)? {
        FileChange::Removed { title, still_in_bucket } => {
            let text = format!("{} has no {what} any more.{}", plain(&title), left(still_in_bucket.as_deref()));
            Ok(Report::new(text, json!({ "title": title, "still_in_bucket": still_in_bucket })))
        }
        FileChange::None { title } => bail!("{} has no {what}", plain(&title)),
        FileChange::NoSuchBook => bail!("there is no book {book}"),
        _ => bail!(UNEXPECTED_RESPONSE),
    }
}

async fn list(whose: &Whose, kind: UploadKind) -> Result<Report> {
    let staff = Staff::connect(whose).await?;
    let mut files: Vec<StaffFile> = Vec::new();
    loop {
        let after: Option<BookId> = files.last().map(|file| file.book);
        let StaffAnswer::Files(slice) = staff.ask(StaffTask::ListFiles { kind, after }).await? else {
            bail!(UNEXPECTED_RESPONSE)
        };
        if slice.is_empty() {
            break;
        }
        files.extend(slice);
    }
    let line = |StaffFile { book, title, file, credit, added_at }: &StaffFile| {
        let credit = credit.as_deref().map(|credit| format!("  {}", plain(credit))).unwrap_or_default();
        format!("{book}  {}  {}  {}{credit}", minute(*added_at), plain(title), describe(file))
    };
    let lines: Vec<String> = files.iter().map(line).collect();
    let text = if lines.is_empty() { format!("No book has a {}.", name(kind)) } else { lines.join("\n") };
    Ok(Report::new(text, json!({ "files": files })))
}

fn change(answer: StaffAnswer) -> Result<FileChange> {
    let StaffAnswer::File(change) = answer else { bail!(UNEXPECTED_RESPONSE) };
    Ok(change)
}

/// The code with which S3 explains its status, behind a colon.
fn code(answer: &[u8]) -> String {
    error_code(answer).map(|code| format!(": {}", plain(code))).unwrap_or_default()
}

/// A line about a file that the book has lost and that could not be removed from the bucket.
fn left(still_in_bucket: Option<&str>) -> String {
    still_in_bucket.map_or_else(String::new, |hash| {
        format!(
            "\nThe file {} that the book had could not be removed from the bucket, where visitors may still find it: see \
             \"Take a file down\" in docs/runbook.md",
            plain(hash)
        )
    })
}

const fn name(kind: UploadKind) -> &'static str {
    match kind {
        UploadKind::Cover => "cover",
        UploadKind::Sample => "sample chapter",
    }
}

/// `640 × 960 pixels`, `12 pages, 840 KB`
fn describe(file: &Checked) -> String {
    match file {
        Checked::Cover(cover) => widest(cover),
        Checked::Sample(SampleFile { bytes, pages, .. }) => {
            format!("{}, {} KB", counted(*pages as usize, "page"), bytes.div_ceil(1_000))
        }
        Checked::Refused(refusal) => refusal.to_string(),
    }
}

fn widest(cover: &CoverFiles) -> String {
    let size = cover.widest();
    format!("{} × {} pixels", size.width, size.height)
}

#[cfg(test)]
mod tests {
    use shared::uploads::Size;

    use super::*;

    #[test]
    fn a_refused_upload_has_the_code_of_s3() {
        assert_eq!(code(b"<Error><Code>RequestTimeTooSkewed</Code></Error>"), ": RequestTimeTooSkewed");
        assert_eq!(code(b""), "");
    }

    #[test]
    fn a_file_that_stays_in_the_bucket_is_named_with_the_section_that_says_what_to_do() {
        let text = left(Some(&"a".repeat(32)));
        assert!(text.starts_with(&format!("\nThe file {} ", "a".repeat(32))), "{text}");
        let runbook = include_str!("../../../../docs/runbook.md");
        let section = text.split('"').nth(1).unwrap();
        assert!(runbook.contains(&format!("\n## {section}\n")), "{text}");
        assert_eq!(left(None), "");
    }

    #[test]
    fn a_file_is_described_by_its_size() {
        let cover = CoverFiles::new("a".repeat(32), Size { width: 640, height: 960 });
        assert_eq!(describe(&Checked::Cover(cover)), "640 × 960 pixels");
        let sample = |pages| Checked::Sample(SampleFile { hash: "a".repeat(32), bytes: 1_001, pages });
        assert_eq!(describe(&sample(1)), "1 page, 2 KB");
        assert_eq!(describe(&sample(12)), "12 pages, 2 KB");
    }
}
