//! Covers and sample chapters: this function permits an upload, and gives the checked file to a book. It never reads what was
//! uploaded, only the result of checking it.

use shared::{
    App,
    domain::{BookId, Credit},
    files_bucket::FilesBucket,
    repo::{books, files},
    staff::FileChange,
    uploads::{Checked, MAX_BYTES, Refusal, UploadKey, UploadKind},
};
use time::OffsetDateTime;
use uuid::Uuid;

/// Permits the upload of one file of this length under a new key: not of a longer one, and not under another key.
pub async fn begin(app: &App, kind: UploadKind, bytes: u64) -> anyhow::Result<FileChange> {
    let refusal = match bytes {
        0 => Some(Refusal::Empty),
        bytes if bytes > MAX_BYTES as u64 => Some(Refusal::TooManyBytes { bytes }),
        _ => None,
    };
    if let Some(refusal) = refusal {
        return Ok(FileChange::Refused { refusal });
    }
    let upload = UploadKey { kind, id: Uuid::new_v4() };
    let url = FilesBucket::of(app).await?.to_upload(upload, bytes).await?;
    Ok(FileChange::Begun { upload: upload.id, url })
}

/// Gives the book the file of the upload.
pub async fn attach(
    app: &App,
    book: &str,
    upload: UploadKey,
    credit: Option<&str>,
    now: OffsetDateTime,
) -> anyhow::Result<FileChange> {
    let Some((book, title)) = find(app, book).await? else { return Ok(FileChange::NoSuchBook) };
    let credit = credit.filter(|credit| !credit.trim().is_empty()).map(Credit::parse).transpose()?;
    let file = match FilesBucket::of(app).await?.result(upload).await? {
        None => return Ok(FileChange::Pending),
        Some(Checked::Refused(refusal)) => return Ok(FileChange::Refused { refusal }),
        Some(file) => file,
    };
    let attached = app.database().write(async |c| match &file {
        Checked::Cover(cover) => files::put_cover(c, book, cover, credit.as_ref(), now).await,
        Checked::Sample(sample) => files::put_sample(c, book, sample, now).await,
        Checked::Refused(_) => Ok(()),
    });
    attached.await?;
    tracing::info!(checked = ?file, "File attached");
    Ok(FileChange::Attached { title, file })
}

/// Takes the file away from the book. The bucket keeps it, because another book may have the same one, and pages in caches
/// still show it.
pub async fn remove(app: &App, book: &str, kind: UploadKind) -> anyhow::Result<FileChange> {
    let Some((book, title)) = find(app, book).await? else { return Ok(FileChange::NoSuchBook) };
    let had_one = app.database().write(async |c| files::remove(c, book, kind).await).await?;
    Ok(if had_one { FileChange::Removed { title } } else { FileChange::None { title } })
}

/// The book with this ISBN or number, and its title.
async fn find(app: &App, book: &str) -> anyhow::Result<Option<(BookId, String)>> {
    let found = app.database().read(async |c| {
        let Some(id) = books::id_in(c, book).await? else { return Ok(None) };
        Ok(books::titles(c, id.get()..=id.get()).await?.pop())
    });
    Ok(found.await?)
}
