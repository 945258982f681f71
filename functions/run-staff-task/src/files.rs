//! Covers and sample chapters: this function permits an upload, and gives the checked file to a book. It never reads what was
//! uploaded, only the result of checking it.

use anyhow::ensure;
use shared::{
    App,
    domain::{BookId, Credit},
    files_bucket::FilesBucket,
    repo::{books, files},
    staff::FileChange,
    uploads::{BookFile, Checked, MAX_BYTES, Refusal, UploadKey, UploadKind},
};
use time::OffsetDateTime;

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
    let upload = UploadKey::new(kind, OffsetDateTime::now_utc());
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
    let bucket = FilesBucket::of(app).await?;
    let file = match bucket.result(upload).await?.map(|result| result.checked) {
        None => return Ok(FileChange::Pending),
        Some(Checked::Refused(refusal)) => return Ok(FileChange::Refused { refusal }),
        Some(file) => file,
    };
    let giving = bucket.change(
        (upload.kind, Some(&file)),
        async |c| {
            let former = files::find_locked(c, book, upload.kind).await?.flatten();
            Ok((bucket.give(c, book, (&file, credit.as_ref()), now).await?, former))
        },
        |(given, _)| matches!(given, Ok(true)),
    );
    let (given, former) = giving.await?;
    ensure!(given?, "the checked file is no longer kept: upload it again");
    let former = former.filter(|former| former.file.hash() != file.hash());
    tracing::info!(book = %book, checked = ?file, former = former.as_ref().map(BookFile::hash), "File attached");
    let still_in_bucket = match former {
        Some(former) => still_in_bucket(&bucket, upload.kind, &former).await,
        None => None,
    };
    Ok(FileChange::Attached { title, file, still_in_bucket })
}

/// Takes the file away from the book, and removes it from the bucket unless another book has the same one.
pub async fn remove(app: &App, book: &str, kind: UploadKind) -> anyhow::Result<FileChange> {
    let Some((book, title)) = find(app, book).await? else { return Ok(FileChange::NoSuchBook) };
    let bucket = FilesBucket::of(app).await?;
    let removing = app.database().write(async |c| {
        let former = files::find_locked(c, book, kind).await?.flatten();
        files::remove(c, book, kind).await?;
        Ok(former)
    });
    let Some(former) = removing.await? else { return Ok(FileChange::None { title }) };
    tracing::info!(book = %book, former = former.hash(), "File removed");
    let still_in_bucket = still_in_bucket(&bucket, kind, &former).await;
    Ok(FileChange::Removed { title, still_in_bucket })
}

/// Removes a file that the book has lost, and returns its hash if it may still be in the bucket. The change of the book is done all
/// the same.
async fn still_in_bucket(bucket: &FilesBucket<'_>, kind: UploadKind, former: &BookFile) -> Option<String> {
    let is_removed = bucket.remove_unused(kind, &former.file).await;
    (!is_removed).then(|| former.hash().to_owned())
}

/// The book with this ISBN or number, and its title.
async fn find(app: &App, book: &str) -> anyhow::Result<Option<(BookId, String)>> {
    let found = app.database().read(async |c| {
        let Some(id) = books::id_in(c, book).await? else { return Ok(None) };
        Ok(books::titles(c, id.get()..=id.get()).await?.pop())
    });
    Ok(found.await?)
}
