//! `/staff/imports`: files of books are uploaded, previewed and imported; what earlier imports did, and the rows that they refused.
//!
//! The browser sends a file to the bucket. `import-catalogue` reads it there, as a preview that changes nothing; the form below the
//! preview copies the same file to the folder of imports.

use std::collections::BTreeMap;

use anyhow::Context;
use aws_sdk_s3::{
    Client,
    config::{Builder, timeout::TimeoutConfig},
    error::ProvideErrorMetadata,
    types::MetadataDirective,
};
use frontend::{
    PageContext,
    pages::{ImportNotice, StaffImportPage, StaffImports, StaffUploaded},
};
use shared::{
    ApiError, App, Reply, Request, Result,
    aws::explained,
    domain::{Cursor, Invalid},
    presigned_form::{ContentType, PresignedForm, Upload},
    repo::{
        audit::{self, Deed},
        imports::{self, Refusal, Warning},
        moderation::NEWEST,
    },
    staff::{
        About, AuditEntry, BookChange, Bookseller, FileVersion, MAX_CATALOGUE_BYTES, RowRemark, StaffImport,
        preview_key, previewed_key,
    },
};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{PAGE, SignedIn, mended_rows, next_address, slice};

/// The name of the list that a cursor belongs to.
const IMPORTS: &str = "staff-imports";
/// Refused rows and warnings that a page shows.
const SHOWN: u32 = 100;
/// The type of every file, also of those with an encoding of their own behind it.
const CSV: &str = "text/csv";
/// The statuses for a file that is not there: without permission to list keys, S3 denies it.
const IS_GONE: [u16; 2] = [403, 404];
/// A copy of the largest file takes less than a second.
const COPIED_WITHIN: std::time::Duration = std::time::Duration::from_secs(5);

pub async fn list(app: &App, request: &Request, who: &SignedIn) -> Result<Reply> {
    let query = request.page_query(&["cursor"])?;
    let before = query.get("cursor").map(|text| Cursor::<u32>::decode(text, IMPORTS)).transpose()?;
    let before = before.map_or(u32::MAX, |cursor| cursor.keys);
    let mut found = app.database().read(async |c| imports::list(c, before, PAGE + 1).await).await?;
    let cursor = slice(&mut found).map(|import| Cursor::new(IMPORTS, import.id).encode());
    let next = next_address("/staff/imports", &[], cursor);
    let form = form(app, request, who).await?;
    let context = PageContext::of(request).with_parameters(&["cursor"]);
    let now = OffsetDateTime::now_utc();
    let page = StaffImports { view: context.view(), form: &form, imports: &found, now, next: next.as_deref() };
    context.reply_sending_to(form.origin(), 200, &page)
}

/// The form with which this person uploads one file.
async fn form(app: &App, request: &Request, who: &SignedIn) -> Result<PresignedForm> {
    let upload = who.new_upload();
    let upload = Upload {
        bucket: &bucket(app).await?,
        key: &preview_key(upload),
        content_type: ContentType::Beginning(CSV),
        size: 1..=MAX_CATALOGUE_BYTES,
        metadata: &[(Bookseller::METADATA, &who.bookseller.to_metadata())],
        return_to: &request.absolute(&format!("/staff/imports/uploads/{upload}")),
    };
    Ok(PresignedForm::new(app.sdk(), &upload, OffsetDateTime::now_utc()).await?)
}

async fn bucket(app: &App) -> anyhow::Result<String> {
    app.config().await?.import_bucket.clone().context("the bucket of catalogues was not granted")
}

/// The page after an upload, until the preview has begun.
pub async fn uploaded(app: &App, request: &Request, who: &SignedIn, upload: Uuid) -> Result<Reply> {
    if !who.is_upload(upload) {
        return Err(ApiError::NotFound);
    }
    let key = preview_key(upload);
    let reading = app.database().read(async |c| match imports::find_by_key(c, &key).await? {
        Some(id) => imports::find(c, id).await,
        None => Ok(None),
    });
    if let Some(newest) = reading.await? {
        // A form that is sent again with another file has the same key, and the preview of that file begins later.
        let uploaded = version(app, &key).await.map_err(ApiError::Unavailable)?;
        if uploaded.is_none() || uploaded == newest.version {
            return Ok(Reply::see_other(&format!("/staff/imports/{}", newest.id)));
        }
    }
    let context = PageContext::of(request);
    context.reply(200, &StaffUploaded { view: context.view() })
}

/// The file that was uploaded last under this key; none if the bucket has removed it.
async fn version(app: &App, key: &str) -> anyhow::Result<Option<FileVersion>> {
    let object = match s3(app).head_object().bucket(bucket(app).await?).key(key).send().await {
        Ok(object) => object,
        Err(error) if error.raw_response().is_some_and(|answer| IS_GONE.contains(&answer.status().as_u16())) => {
            return Ok(None);
        }
        Err(error) => return Err(explained(error).context(format!("looking up {key}"))),
    };
    let etag = object.e_tag().unwrap_or_default();
    Ok(Some(FileVersion::new(etag, object.content_type())))
}

/// An import or a preview with all that its page shows.
struct Found {
    import: StaffImport,
    changes: Vec<(u32, BookChange)>,
    refused: Vec<RowRemark>,
    ignored: Vec<RowRemark>,
    /// The import of the file of this preview.
    run: Option<StaffImport>,
    has_changed_since: bool,
    log: Vec<AuditEntry>,
}

async fn find(app: &App, id: u32) -> Result<Found> {
    let reading = app.database().read(async |c| {
        let Some(import) = imports::find(c, id).await? else { return Ok(None) };
        let own_key = previewed_key(id);
        let run = if import.is_preview { imports::find_by_key(c, &own_key).await? } else { None };
        let run = match run {
            Some(run) => imports::find(c, run).await?,
            None => None,
        };
        Ok(Some(Found {
            changes: imports::changes(c, id).await?,
            refused: imports::refusals(c, id, 0, SHOWN).await?.into_iter().map(about_row).collect(),
            ignored: imports::warnings(c, id, (0, ""), SHOWN).await?.into_iter().map(about_cell).collect(),
            has_changed_since: import.is_preview && imports::has_changed_since(c, id, &own_key).await?,
            log: audit::about(c, About::Import(id), NEWEST).await?,
            run,
            import,
        }))
    });
    reading.await?.ok_or(ApiError::NotFound)
}

/// With the beginning of the row.
fn about_row(refusal: Refusal) -> RowRemark {
    let Refusal { line, reason, row, .. } = refusal;
    RowRemark { line, column: None, text: row.chars().take(200).collect(), reason }
}

fn about_cell(warning: Warning) -> RowRemark {
    let Warning { line, column, value, reason } = warning;
    RowRemark { line, column: Some(column), text: value, reason }
}

pub async fn import(app: &App, request: &Request, who: &SignedIn, id: u32) -> Result<Reply> {
    if request.is_read() {
        return show(app, request, who, id, None).await;
    }
    let typed = request.form()?;
    if !who.is_own_form(&typed) {
        return show(app, request, who, id, Some(ImportNotice::Expired)).await;
    }
    check(&typed)?;
    match run(app, who, id).await? {
        None => Ok(Reply::see_other(&format!("/staff/imports/{id}"))),
        Some(notice) => show(app, request, who, id, Some(notice)).await,
    }
}

fn check(typed: &BTreeMap<String, String>) -> Result<(), Invalid> {
    let is_known = typed.get("do").is_some_and(|action| action == "import");
    if is_known { Ok(()) } else { Err(Invalid::other("do", "must be an action of the page")) }
}

/// The page of the import as it is now: 409 with a notice.
async fn show(app: &App, request: &Request, who: &SignedIn, id: u32, notice: Option<ImportNotice>) -> Result<Reply> {
    let Found { import, changes, refused, ignored, run, has_changed_since, log } = find(app, id).await?;
    let (context, key) = (PageContext::of(request), who.form_key());
    let page = StaffImportPage {
        view: context.view(),
        import: &import,
        changes: &changes,
        refused: &refused,
        ignored: &ignored,
        run: run.as_ref(),
        has_changed_since,
        now: OffsetDateTime::now_utc(),
        log: &log,
        key: &key,
        notice,
    };
    context.reply(if notice.is_some() { 409 } else { 200 }, &page)
}

/// Has the file of a preview imported, and records it; or returns why not. A form that is sent twice copies the file twice, and it
/// is imported once.
async fn run(app: &App, who: &SignedIn, id: u32) -> Result<Option<ImportNotice>> {
    let (now, about) = (OffsetDateTime::now_utc(), About::Import(id));
    let deed = |outcome: &'static str| Deed { action: "import", about, outcome, detail: None };
    let beginning = app.database().write(async |c| {
        let Some(import) = imports::find(c, id).await? else { return Ok(None) };
        if !import.can_be_run() {
            return Ok(Some((import, false)));
        }
        let is_done = imports::find_by_key(c, &previewed_key(id)).await?.is_some();
        if !is_done && imports::note_run(c, id, Some(now)).await? {
            audit::note(c, &who.bookseller, deed("done"), now).await?;
        }
        Ok(Some((import, !is_done)))
    });
    let (import, is_to_copy) = beginning.await?.ok_or(ApiError::NotFound)?;
    if !import.can_be_run() {
        return Ok(Some(ImportNotice::Nothing));
    }
    if !is_to_copy {
        return Ok(None);
    }
    let notice = match copy(app, &import).await {
        Ok(Copied::Done) => return Ok(None),
        Ok(Copied::Gone) => Ok(ImportNotice::Gone),
        Ok(Copied::Replaced) => Ok(ImportNotice::Replaced),
        Err(error) => Err(ApiError::Unavailable(error)),
    };
    let outcome = match notice {
        Ok(ImportNotice::Gone) => AuditEntry::FILE_GONE,
        Ok(_) => "file-replaced",
        Err(_) => "unavailable",
    };
    let ending = app.database().write(async |c| {
        imports::note_run(c, id, None).await?;
        audit::note(c, &who.bookseller, deed(outcome), now).await
    });
    ending.await?;
    notice.map(Some)
}

enum Copied {
    Done,
    /// The bucket has removed the file.
    Gone,
    /// The same form was sent again since with another file.
    Replaced,
}

/// Copies the file that the preview has read to the folder of imports.
async fn copy(app: &App, preview: &StaffImport) -> anyhow::Result<Copied> {
    let bucket = bucket(app).await?;
    let version = preview.version.as_ref().context("the preview has no tag of its file")?;
    let copy = s3(app).copy_object().bucket(&bucket).key(previewed_key(preview.id));
    let copy = copy.copy_source(format!("{bucket}/{}", preview.object_key)).copy_source_if_match(&version.etag);
    // The same content may have been uploaded again since, to be read in another encoding.
    let copy = copy.metadata_directive(MetadataDirective::Replace).content_type(&version.content_type);
    let Err(error) = copy.send().await else { return Ok(Copied::Done) };
    let code = error.code().map(str::to_owned);
    match code.as_deref() {
        // Only who may list keys learns that there is none.
        Some("NoSuchKey" | "AccessDenied") => {
            tracing::warn!(error = format!("{:#}", explained(error)), "The file of a preview is gone");
            Ok(Copied::Gone)
        }
        Some("PreconditionFailed") => Ok(Copied::Replaced),
        _ => Err(explained(error).context(format!("copying {}", preview.object_key))),
    }
}

fn s3(app: &App) -> Client {
    let sdk = app.sdk();
    let timeouts = TimeoutConfig::builder().operation_timeout(COPIED_WITHIN).build();
    let config = Builder::from(sdk)
        .timeout_config(timeouts)
        // An endpoint of one's own has no name for each bucket.
        .force_path_style(sdk.endpoint_url().is_some())
        // S3 has a gateway endpoint on every stage, which is a way of IPv4.
        .use_dual_stack(false);
    Client::from_conf(config.build())
}

/// The refused rows as a file that is mended and uploaded.
pub async fn refused(app: &App, id: u32) -> Result<Reply> {
    const SLICE: u32 = 200;
    let reading = app.database().read(async |c| {
        if imports::find(c, id).await?.is_none() {
            return Ok(None);
        }
        let mut file = mended_rows::File::new(imports::columns(c, id).await?);
        let mut after = 0;
        loop {
            let rows = imports::refusals(c, id, after, SLICE).await?;
            let Some(last) = rows.last() else { return Ok(Some(file)) };
            after = last.line;
            if !rows.iter().all(|row| file.add(row)) {
                return Ok(Some(file));
            }
        }
    });
    let file = reading.await?.ok_or(ApiError::NotFound)?;
    let name = format!("refused-{id}.csv");
    Ok(Reply::text("text/csv; charset=utf-8", file.into_text()).saved_as(&name))
}
