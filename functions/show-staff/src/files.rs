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
    domain::{Book, BookId, Credit, Invalid},
    files_bucket::FilesBucket,
    presigned_form::{ContentType, PresignedForm, Upload},
    repo::{
        audit::{self, Deed},
        books, files,
        moderation::NEWEST,
    },
    staff::{About, AuditEntry},
    uploads::{Checked, MAX_BYTES, UploadKey, UploadKind},
};
use time::OffsetDateTime;
use uuid::Uuid;

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
    if change(app, who, book, (kind, field(&typed, "version")), None).await? {
        return Ok(Reply::see_other(&address(book)));
    }
    show(app, request, who, book, Some(StaffNotice::Changed)).await
}

/// The page of an upload, to which the bucket sends the browser.
pub async fn upload(app: &App, request: &Request, who: &SignedIn, book: BookId, upload: UploadKey) -> Result<Reply> {
    let checked = FilesBucket::of(app).await?.result(upload).await.map_err(ApiError::Unavailable)?;
    let of_upload = OfUpload { app, request, who, book, upload, checked: checked.as_ref() };
    if request.is_read() {
        return of_upload.show(200, Form::default(), None).await;
    }
    let typed = request.form()?;
    let values = pairs(&typed);
    let form = Form { typed: &values, ..Form::default() };
    if !who.is_own_form(&typed) {
        return of_upload.show(409, form, Some(StaffNotice::Expired)).await;
    }
    let file = match &checked {
        Some(file @ (Checked::Cover(_) | Checked::Sample(_))) if field(&typed, "do") == "use" => file,
        _ => return of_upload.show(409, form, Some(StaffNotice::Changed)).await,
    };
    let credit = Some(field(&typed, "credit")).filter(|credit| !credit.trim().is_empty());
    let credit = match credit.map(Credit::parse).transpose() {
        Ok(credit) => credit,
        Err(invalid) => return of_upload.show(422, Form { invalid: &[invalid], ..form }, None).await,
    };
    let version = field(&typed, "version");
    if change(app, who, book, (upload.kind, version), Some((file, credit.as_ref()))).await? {
        return Ok(Reply::see_other(&address(book)));
    }
    of_upload.show(409, form, Some(StaffNotice::Changed)).await
}

fn field<'a>(typed: &'a BTreeMap<String, String>, name: &str) -> &'a str {
    typed.get(name).map_or("", String::as_str)
}

fn address(book: BookId) -> String {
    format!("/staff/books/{book}/files")
}

/// The book with what the staff did with it.
async fn find(app: &App, book: BookId) -> Result<(Book, Vec<AuditEntry>)> {
    let reading = app.database().read(async |c| {
        let log = audit::about(c, About::Book(book), NEWEST).await?;
        Ok(books::find(c, book).await?.map(|book| (book, log)))
    });
    reading.await?.ok_or(ApiError::NotFound)
}

async fn show(
    app: &App,
    request: &Request,
    who: &SignedIn,
    id: BookId,
    notice: Option<StaffNotice<'_>>,
) -> Result<Reply> {
    let (book, log) = find(app, id).await?;
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
        key: &key,
        notice,
    };
    context.reply_sending_to(cover_form.origin(), if notice.is_some() { 409 } else { 200 }, &page)
}

/// A form that uploads one file under a new key.
async fn form_of(
    app: &App,
    request: &Request,
    bucket: &str,
    (book, kind): (BookId, UploadKind),
) -> anyhow::Result<PresignedForm> {
    let upload = UploadKey { kind, id: Uuid::new_v4() };
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
    checked: Option<&'a Checked>,
}

impl OfUpload<'_> {
    async fn show(&self, status: u16, form: Form<'_>, notice: Option<StaffNotice<'_>>) -> Result<Reply> {
        let (book, _) = find(self.app, self.book).await?;
        let state = match self.checked {
            None => UploadState::Pending,
            Some(Checked::Refused(refusal)) => UploadState::Refused(refusal),
            Some(Checked::Cover(files)) => UploadState::Cover(files),
            Some(Checked::Sample(sample)) => UploadState::Sample(sample),
        };
        let (context, key) = (PageContext::of(self.request), self.who.form_key());
        let page =
            StaffUpload { view: context.view(), book: &book, upload: self.upload, state, form, key: &key, notice };
        context.reply(status, &page)
    }
}

/// Gives the book a file, or takes its own away without one, and records it; false if the book has another file by now than the
/// form showed. A form that is sent twice finds its own change.
async fn change(
    app: &App,
    who: &SignedIn,
    book: BookId,
    (kind, version): (UploadKind, &str),
    new: Option<(&Checked, Option<&Credit>)>,
) -> Result<bool> {
    let (now, about) = (OffsetDateTime::now_utc(), About::Book(book));
    let action = match (kind, new.is_some()) {
        (UploadKind::Cover, true) => "cover",
        (UploadKind::Cover, false) => "cover-removed",
        (UploadKind::Sample, true) => "sample",
        (UploadKind::Sample, false) => "sample-removed",
    };
    let hash = new.and_then(|(file, _)| file.hash()).unwrap_or_default();
    let detail = new.and_then(|(_, credit)| credit).map(Credit::as_str);
    let changing = app.database().write(async |c| {
        let Some(current) = files::find_locked(c, book, kind).await? else { return Ok(None) };
        if current != version {
            return Ok(Some(current == hash));
        }
        match new {
            Some((Checked::Cover(cover), credit)) => files::put_cover(c, book, cover, credit, now).await?,
            Some((Checked::Sample(sample), _)) => files::put_sample(c, book, sample, now).await?,
            Some((Checked::Refused(_), _)) | None => _ = files::remove(c, book, kind).await?,
        }
        audit::note(c, &who.bookseller, Deed { action, about, outcome: "done", detail }, now).await?;
        Ok(Some(true))
    });
    changing.await?.ok_or(ApiError::NotFound)
}
