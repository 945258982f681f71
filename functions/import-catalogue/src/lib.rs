//! Fed by a bucket: brings a CSV of books into the shop.
//!
//! Rows settle in batches, each in one transaction with the note of how far it came, so an import that dies goes on
//! where it stopped when Lambda delivers the event again. Progress and refused rows are written beside the file while it
//! runs.

mod bucket;
mod format;

use std::time::{Duration, Instant};

use anyhow::Context;
use aws_config::SdkConfig;
use aws_lambda_events::s3::{S3Event, S3EventRecord};
use percent_encoding::percent_decode_str;
use shared::{
    App, database,
    messages::{ImportProgress, ImportState},
    repo::{
        catalogue::{self, Put},
        genres,
        imports::{self, Import, Refusal},
        spelling,
    },
};
use sqlx::MySqlConnection;

use bucket::{Report, Upload};
use format::{Line, Lines};

/// Rows a transaction: few enough that a rating of one of them does not wait long.
const BATCH: usize = 50;
const BATCH_WITHIN: Duration = Duration::from_secs(30);
/// A batch that the database does not take is tried again after this, then after twice that, and so on.
const PAUSE: Duration = Duration::from_millis(500);
const TRIES: u32 = 8;
const TELL_EVERY: Duration = Duration::from_millis(500);
const REPORT_EVERY: Duration = Duration::from_secs(10);
/// S3 takes longer keys; nobody needs them, and the database has no room for them.
const MAX_KEY: usize = 500;

pub async fn handle(app: &App, event: S3Event) -> anyhow::Result<()> {
    let sdk = shared::aws::patient_sdk_config();
    for record in event.records {
        let (upload, sequencer) = upload(&sdk, &record)?;
        if upload.key().chars().count() > MAX_KEY {
            tracing::error!(key = upload.key(), "Not imported: the object's key has more than {MAX_KEY} characters");
            continue;
        }
        let run = import(app, &upload, &sequencer);
        run.await.with_context(|| format!("importing {}", upload.key()))?;
    }
    Ok(())
}

fn upload(sdk: &SdkConfig, record: &S3EventRecord) -> anyhow::Result<(Upload, String)> {
    let bucket = record.s3.bucket.name.as_deref().context("the event names no bucket")?;
    let key = record.s3.object.key.as_deref().context("the event names no object")?.replace('+', " ");
    let key = percent_decode_str(&key).decode_utf8().context("the object's key is not UTF-8")?.into_owned();
    let sequencer = record.s3.object.sequencer.clone().unwrap_or_default();
    Ok((Upload::new(sdk, bucket, key), sequencer))
}

async fn import(app: &App, upload: &Upload, sequencer: &str) -> anyhow::Result<()> {
    let import = app.database().write(async |c| imports::open(c, upload.key(), sequencer).await).await?;
    if import.ended {
        tracing::info!(import.id, "This upload was imported before");
        return Ok(());
    }
    tracing::info!(import.id, rows_done = import.counts.rows(), "Import begins");
    let mut teller =
        Teller { app, upload, report: Report::new()?, reported: 0, told_at: None, reported_at: Instant::now() };
    let mut import = import;
    match settle_all(app, upload, &mut import, &mut teller).await {
        Ok(()) => teller.end(&import, None).await,
        Err(Stop::File(reason)) => teller.end(&import, Some(reason)).await,
        Err(Stop::Other(error)) => {
            teller.interrupted(&import, &error).await;
            Err(error)
        }
    }
}

/// Why an import does not come to its end.
enum Stop {
    /// The file as a whole cannot be read, ever.
    File(String),
    /// It may go on later.
    Other(anyhow::Error),
}

impl<E: Into<anyhow::Error>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Other(error.into())
    }
}

async fn settle_all(app: &App, upload: &Upload, import: &mut Import, teller: &mut Teller<'_>) -> Result<(), Stop> {
    let file = upload.download().await?;
    let mut lines = Lines::read(file).map_err(Stop::File)?.skip(import.counts.rows() as usize);
    loop {
        let batch: Vec<Line> = lines.by_ref().take(BATCH).collect::<Result<_, _>>()?;
        if batch.is_empty() {
            return Ok(());
        }
        *import = settle_patiently(app, import, &batch).await?;
        teller.tell(import).await;
    }
}

/// A deadlock, a failover: what passes within a minute or two does not interrupt the import.
async fn settle_patiently(app: &App, import: &Import, batch: &[Line]) -> database::Result<Import> {
    let mut pause = PAUSE;
    for _ in 1..TRIES {
        match app.database().write_within(BATCH_WITHIN, async |c| settle(c, import, batch).await).await {
            Err(database::Error::Away(error) | database::Error::Busy(error)) => {
                tracing::warn!(error = format!("{error:#}"), "Batch is tried again");
            }
            settled => return settled,
        }
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
    app.database().write_within(BATCH_WITHIN, async |c| settle(c, import, batch).await).await
}

/// Settles a batch and notes how far the import has come; to be run in one transaction.
async fn settle(connection: &mut MySqlConnection, before: &Import, batch: &[Line]) -> sqlx::Result<Import> {
    let mut import = before.clone();
    for line in batch {
        let put = match &line.row {
            Ok(row) => catalogue::put(connection, row).await?,
            Err(reason) => Put::Refused(reason.clone()),
        };
        import.counts.note(&put);
        import.lines_done = line.number;
        if let Put::Refused(reason) = put {
            imports::refuse(connection, import.id, &Refusal::new(line.number, &reason, &line.text)).await?;
        }
    }
    spelling::learn(connection, batch.iter().filter_map(|line| line.row.as_ref().ok())).await?;
    imports::advance(connection, before, &import).await?;
    Ok(import)
}

/// Tells those who wait beside the file how it goes. What cannot be told while it runs is only logged.
struct Teller<'a> {
    app: &'a App,
    upload: &'a Upload,
    report: Report,
    /// The last line that is in the report.
    reported: u32,
    told_at: Option<Instant>,
    reported_at: Instant,
}

impl Teller<'_> {
    async fn tell(&mut self, import: &Import) {
        if self.told_at.is_some_and(|at| at.elapsed() < TELL_EVERY) {
            return;
        }
        self.told_at = Some(Instant::now());
        self.write(&progress(import, ImportState::Running, None)).await;
        if self.reported_at.elapsed() > REPORT_EVERY {
            self.reported_at = Instant::now();
            if let Err(error) = self.report(import).await {
                tracing::warn!(error = format!("{error:#}"), "Refused rows not reported yet");
            }
        }
    }

    async fn interrupted(&self, import: &Import, error: &anyhow::Error) {
        self.write(&progress(import, ImportState::Interrupted, Some(format!("{error:#}")))).await;
    }

    /// Ends the import: first what is told of it, so that an end that is noted has been told.
    async fn end(mut self, import: &Import, failure: Option<String>) -> anyhow::Result<()> {
        self.report(import).await?;
        self.app.database().write_within(BATCH_WITHIN, async |c| genres::recount(c).await).await?;
        let state = if failure.is_some() { ImportState::Failed } else { ImportState::Done };
        self.upload.write_progress(&progress(import, state, failure.clone())).await?;
        self.app.database().write(async |c| imports::end(c, import.id, failure.as_deref()).await).await?;
        tracing::info!(import.id, counts = ?import.counts, failure, "Import ends");
        Ok(())
    }

    async fn write(&self, progress: &ImportProgress) {
        if let Err(error) = self.upload.write_progress(progress).await {
            tracing::warn!(error = format!("{error:#}"), "Progress not written");
        }
    }

    /// Writes the report with what has been refused since the last time.
    async fn report(&mut self, import: &Import) -> anyhow::Result<()> {
        const PAGE: u32 = 500;
        loop {
            let after = self.reported;
            let page = self.app.database().read(async |c| imports::refusals(c, import.id, after, PAGE).await).await?;
            let Some(last) = page.last() else { break };
            self.reported = last.line;
            self.report.add(&page)?;
        }
        self.upload.write_refusals(&self.report).await
    }
}

fn progress(import: &Import, state: ImportState, failure: Option<String>) -> ImportProgress {
    ImportProgress { state, line: import.lines_done, counts: import.counts, failure }
}
