//! `/staff/books/{id}/files`: the cover and the sample chapter of a book. A browser uploads a file to the bucket by a form that is
//! signed here, and comes back to the page of that upload, which shows the result of the check and gives the file to the book.

use std::collections::BTreeMap;

use frontend::{
    Form, PageContext,
    pages::{StaffFiles, StaffNotice, StaffUpload, UploadState},
    pairs,
};
use shared::{
    ApiError, App, Reply, Request, Result,
    domain::{Book, BookId, Credit, FactChange, Invalid},
    files_bucket::FilesBucket,
    presigned_form::{ContentType, PresignedForm, Upload},
    repo::{
        audit::{self, Deed},
        books, files,
        moderation::NEWEST,
    },
    staff::{About, AuditEntry},
    uploads::{BookFile, Checked, CoverName, MAX_BYTES, UploadKey, UploadKind},
};
use time::OffsetDateTime;

use crate::SignedIn;

/// The stored type of an upload. A form without a script cannot send that of the file, and nothing depends on it.
const CONTENT_TYPE: ContentType<'static> = ContentType::Exactly("application/octet-stream");

pub async fn files(app: &App, request: &Request, who: &SignedIn, book: BookId) -> Result<Reply> {
    if request.is_read() {
        return show(app, request, who, book, None).await;
    }
    let typed = request.form()?;
    if !who.is_own_form(&typed) {
        return show(app, request, who, book, Some(StaffNotice::Expired)).await;
    }
    let kind = match (field(&typed, "do"), field(&typed, "kind")) {
        ("remove", "cover") => UploadKind::Cover,
        ("remove", "sample") => UploadKind::Sample,
        _ => return Err(Invalid::other("do", "must be an action of the page").into()),
    };
    match change(app, who, book, (kind, field(&typed, "version")), None).await? {
        None => Ok(Reply::see_other(&address(book))),
        notice => show(app, request, who, book, notice).await,
    }
}

/// `/staff/covers/{name}`: a checked cover, which is public only when a book has it.
pub async fn checked_cover(app: &App, request: &Request) -> Result<Reply> {
    let name = CoverName::parse(request.segment(2)).ok_or(ApiError::NotFound)?;
    let jpeg = FilesBucket::of(app).await?.checked_cover(&name).await.map_err(ApiError::Unavailable)?;
    Ok(Reply::own_image("image/jpeg", jpeg.ok_or(ApiError::NotFound)?))
}

/// The page of an upload, to which the bucket sends the browser, with the tag of the file. Anybody can write another tag there, so
/// the page only waits for the result with it.
pub async fn upload(app: &App, request: &Request, who: &SignedIn, book: BookId, upload: UploadKey) -> Result<Reply> {
    let query = request.page_query(&["etag"])?;
    let etag = query.get("etag").unwrap_or_default();
    let is_waited_for = upload.is_waited_for(OffsetDateTime::now_utc());
    let result = FilesBucket::of(app).await?.result(upload).await.map_err(ApiError::Unavailable)?;
    let checked = result.filter(|result| !is_waited_for || result.is_of(etag)).map(|result| result.checked);
    let of_upload = OfUpload { app, request, who, book, upload, etag, is_waited_for, checked: checked.as_ref() };
    if request.is_read() {
        return of_upload.show(200, Form::default(), None).await;
    }
    let typed = request.form()?;
    let values = pairs(&typed);
    let form = Form { typed: &values, ..Form::default() };
    if !who.is_own_form(&typed) {
        return of_upload.show(409, form, Some(StaffNotice::Expired)).await;
    }
    // The file that the page has shown: the same form may have uploaded another one since.
    let hash = Some(field(&typed, "hash"));
    let file = match &checked {
        Some(file @ (Checked::Cover(_) | Checked::Sample(_))) if field(&typed, "do") == "use" => {
            if file.hash() != hash {
                let page = of_upload.show(409, form, Some(StaffNotice::Changed)).await?;
                note_changed_since(app, who, book, upload.kind).await?;
                return Ok(page);
            }
            file
        }
        _ => return of_upload.show(409, form, Some(StaffNotice::Changed)).await,
    };
    let credit = Some(field(&typed, "credit")).filter(|credit| !credit.trim().is_empty());
    let credit = match credit.map(Credit::parse).transpose() {
        Ok(credit) => credit,
        Err(invalid) => return of_upload.show(422, Form { invalid: &[invalid], ..form }, None).await,
    };
    let version = field(&typed, "version");
    match change(app, who, book, (upload.kind, version), Some((file, credit.as_ref()))).await? {
        None => Ok(Reply::see_other(&address(book))),
        // The book has the file, which the page of its files shows.
        notice @ Some(StaffNotice::StillInBucket) => show(app, request, who, book, notice).await,
        notice => of_upload.show(409, form, notice).await,
    }
}

fn field<'a>(typed: &'a BTreeMap<String, String>, name: &str) -> &'a str {
    typed.get(name).map_or("", String::as_str)
}

fn address(book: BookId) -> String {
    format!("/staff/books/{book}/files")
}

/// A book with what the staff did with it.
struct Found {
    book: Book,
    log: Vec<AuditEntry>,
    /// The last changes of the cover and of the sample chapter.
    last_changes: [u64; 2],
}

async fn find(app: &App, id: BookId) -> Result<Found> {
    let reading = app.database().read(async |c| {
        let log = audit::about(c, About::Book(id), NEWEST).await?;
        let mut last_changes = [0; 2];
        for (last, kind) in last_changes.iter_mut().zip([UploadKind::Cover, UploadKind::Sample]) {
            *last = audit::last_change(c, id, &actions(kind)).await?;
        }
        Ok(books::find(c, id).await?.map(|book| Found { book, log, last_changes }))
    });
    reading.await?.ok_or(ApiError::NotFound)
}

/// The actions that give a book such a file, and that take it away.
fn actions(kind: UploadKind) -> [&'static str; 2] {
    match kind {
        UploadKind::Cover => ["cover", "cover-removed"],
        UploadKind::Sample => ["sample", "sample-removed"],
    }
}

async fn show(
    app: &App,
    request: &Request,
    who: &SignedIn,
    id: BookId,
    notice: Option<StaffNotice<'_>>,
) -> Result<Reply> {
    let Found { book, log, last_changes } = find(app, id).await?;
    let bucket = FilesBucket::of(app).await?;
    let cover_form = form_of(app, request, &bucket.name, (id, UploadKind::Cover)).await?;
    let sample_form = form_of(app, request, &bucket.name, (id, UploadKind::Sample)).await?;
    let (context, key) = (PageContext::of(request), who.form_key());
    let page = StaffFiles {
        view: context.view(),
        book: &book,
        cover_form: &cover_form,
        sample_form: &sample_form,
        log: &log,
        last_changes,
        key: &key,
        notice,
    };
    context.reply_sending_to(cover_form.origin(), status(notice), &page)
}

/// The status of the page of files with this notice.
fn status(notice: Option<StaffNotice<'_>>) -> u16 {
    match notice {
        // The book is as the form asked for.
        None | Some(StaffNotice::StillInBucket) => 200,
        Some(_) => 409,
    }
}

/// A form that uploads one file under a new key.
async fn form_of(
    app: &App,
    request: &Request,
    bucket: &str,
    (book, kind): (BookId, UploadKind),
) -> anyhow::Result<PresignedForm> {
    let upload = UploadKey::new(kind, OffsetDateTime::now_utc());
    let return_to = request.absolute(&format!("{}/{}", address(book), upload.segments()));
    let upload = Upload {
        bucket,
        key: &upload.key(),
        content_type: CONTENT_TYPE,
        // The page of the upload says that an empty file is empty; S3's would not.
        size: 0..=MAX_BYTES as u64,
        metadata: &[],
        return_to: &return_to,
    };
    PresignedForm::new(app.sdk(), &upload, OffsetDateTime::now_utc()).await
}

/// An upload with all that its page needs.
struct OfUpload<'a> {
    app: &'a App,
    request: &'a Request,
    who: &'a SignedIn,
    book: BookId,
    upload: UploadKey,
    etag: &'a str,
    is_waited_for: bool,
    checked: Option<&'a Checked>,
}

impl OfUpload<'_> {
    async fn show(&self, status: u16, form: Form<'_>, notice: Option<StaffNotice<'_>>) -> Result<Reply> {
        let Found { book, last_changes, .. } = find(self.app, self.book).await?;
        let [of_cover, of_sample] = last_changes;
        let last_change = if self.upload.kind == UploadKind::Cover { of_cover } else { of_sample };
        let state = match self.checked {
            None if self.is_waited_for => UploadState::Pending,
            None => UploadState::Unknown,
            Some(Checked::Refused(refusal)) => UploadState::Refused(refusal),
            Some(Checked::Cover(files)) => UploadState::Cover(files),
            Some(Checked::Sample(sample)) => UploadState::Sample(sample),
        };
        let context = PageContext::of(self.request).with_parameters(&["etag"]);
        let key = self.who.form_key();
        let page = StaffUpload {
            view: context.view(),
            book: &book,
            upload: self.upload,
            etag: self.etag,
            last_change,
            state,
            form,
            key: &key,
            notice,
        };
        context.reply(status, &page)
    }
}

/// The outcome of a change.
enum Changed {
    /// With the file that the book had before.
    Done(Option<BookFile>),
    /// The form has done it before.
    Already,
    /// The book has another file by now than the form showed.
    Otherwise,
    /// The bucket keeps the checked file no longer.
    Gone,
    Unavailable(anyhow::Error),
}

/// Gives the book a file, or takes its own away without one, and records it; or returns why nothing was done, or not all. A form
/// that is sent twice finds its own change.
async fn change(
    app: &App,
    who: &SignedIn,
    book: BookId,
    (kind, version): (UploadKind, &str),
    new: Option<(&Checked, Option<&Credit>)>,
) -> Result<Option<StaffNotice<'static>>> {
    let (now, about, bucket) = (OffsetDateTime::now_utc(), About::Book(book), FilesBucket::of(app).await?);
    let [given, taken] = actions(kind);
    let action = if new.is_some() { given } else { taken };
    let credit = new.and_then(|(_, credit)| credit).map(Credit::as_str);
    let after = new.and_then(|(file, _)| Some((file.hash()?, credit)));
    let (hash, words) = after.map_or(("", ""), |(hash, credit)| (hash, credit.unwrap_or_default()));
    let of_book = book.get().to_be_bytes();
    let parts = [action.as_bytes(), &of_book, version.as_bytes(), hash.as_bytes(), words.as_bytes()];
    let form = who.change_id(&parts);
    let has_it = |changed: &Option<Changed>| matches!(changed, Some(Changed::Done(_) | Changed::Already));
    let of_new = (kind, new.map(|(file, _)| file));
    let changing = bucket.change(
        of_new,
        async |c| {
            let Some(current) = files::find_locked(c, book, kind).await? else { return Ok(None) };
            if audit::has_change(c, form).await? {
                return Ok(Some(Changed::Already));
            }
            let deed = Deed { action, about, outcome: AuditEntry::DONE, detail: credit };
            let before = current.as_ref().map(|file| (file.hash(), file.credit.as_deref()));
            let last_change = audit::last_change(c, book, &[given, taken]).await?;
            if BookFile::version(before, last_change) != version || after.is_none() && before.is_none() {
                if before == after {
                    return Ok(Some(Changed::Already));
                }
                audit::note(c, &who.bookseller, Deed { outcome: AuditEntry::CHANGED_SINCE, ..deed }, now).await?;
                return Ok(Some(Changed::Otherwise));
            }
            match new {
                Some(file) => match bucket.give(c, book, file, now).await? {
                    Ok(true) => {}
                    Ok(false) => {
                        audit::note(c, &who.bookseller, Deed { outcome: AuditEntry::FILE_GONE, ..deed }, now).await?;
                        return Ok(Some(Changed::Gone));
                    }
                    Err(error) => return Ok(Some(Changed::Unavailable(error))),
                },
                None => _ = files::remove(c, book, kind).await?,
            }
            audit::note_changes(c, &who.bookseller, deed, (form, &differences(given, before, after)), now).await?;
            Ok(Some(Changed::Done(current)))
        },
        has_it,
    );
    match changing.await?.ok_or(ApiError::NotFound)? {
        Changed::Done(former) => {
            let former = former.filter(|former| after.is_none_or(|(hash, _)| hash != former.hash()));
            match former {
                Some(former) if !bucket.remove_unused(kind, &former.file).await => Ok(Some(StaffNotice::StillInBucket)),
                _ => Ok(None),
            }
        }
        Changed::Already => Ok(None),
        Changed::Otherwise => Ok(Some(StaffNotice::Changed)),
        Changed::Gone => Ok(Some(StaffNotice::FileGone)),
        Changed::Unavailable(error) => Err(ApiError::Unavailable(error)),
    }
}

/// Records the attempt to use another file than the one that was uploaded last.
async fn note_changed_since(app: &App, who: &SignedIn, book: BookId, kind: UploadKind) -> Result<()> {
    let ([action, _], about, now) = (actions(kind), About::Book(book), OffsetDateTime::now_utc());
    let deed = Deed { action, about, outcome: AuditEntry::CHANGED_SINCE, detail: None };
    Ok(app.database().write(async |c| audit::note(c, &who.bookseller, deed, now).await).await?)
}

/// The facts that the change of a file changes: its hash, which is part of its name, and its credit.
fn differences(
    field: &str,
    before: Option<(&str, Option<&str>)>,
    after: Option<(&str, Option<&str>)>,
) -> Vec<FactChange> {
    let facts = |file: Option<(&str, Option<&str>)>| {
        let (hash, credit) = file.unwrap_or_default();
        [hash, credit.unwrap_or_default()].map(str::to_owned)
    };
    let changes = [field, "credit"].into_iter().zip(facts(before).into_iter().zip(facts(after)));
    let changes = changes.map(|(field, (before, after))| FactChange { field: field.to_owned(), before, after });
    changes.filter(|change| change.before != change.after).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_record_has_the_file_and_its_credit_before_and_after() {
        let (sur, norte) = (Some(("a", Some("Sur"))), Some(("a", Some("Norte"))));
        for (before, after, expected) in [
            (None, sur, vec![("cover", "", "a"), ("credit", "", "Sur")]),
            (sur, norte, vec![("credit", "Sur", "Norte")]),
            (norte, Some(("b", Some("Norte"))), vec![("cover", "a", "b")]),
            (sur, None, vec![("cover", "a", ""), ("credit", "Sur", "")]),
        ] {
            let changes = differences("cover", before, after);
            let changes: Vec<_> = changes
                .iter()
                .map(|change| (change.field.as_str(), change.before.as_str(), change.after.as_str()))
                .collect();
            assert_eq!(changes, expected);
        }
    }
}
