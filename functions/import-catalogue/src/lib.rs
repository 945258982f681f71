//! Fed by a bucket: brings a CSV of books into the shop.
//!
//! Rows settle in batches, each in one transaction with the note of how far it came, so an import that dies goes on
//! where it stopped when Lambda delivers the event again. Progress and refused rows are written beside the file.

mod bucket;
mod format;

use std::time::{Duration, Instant};

use anyhow::Context;
use aws_lambda_events::s3::{S3Event, S3EventRecord};
use percent_encoding::percent_decode_str;
use shared::{
    App,
    messages::{ImportProgress, ImportState},
    repo::{
        catalogue::{self, Put},
        imports::{self, Import, Refusal},
    },
};
use sqlx::MySqlConnection;

use bucket::Upload;
use format::{Line, Lines};

/// Rows a transaction: few enough that a rating of one of them does not wait long.
const BATCH: usize = 50;
const BATCH_WITHIN: Duration = Duration::from_secs(30);
const REPORT_EVERY: Duration = Duration::from_millis(500);

pub async fn handle(app: &App, event: S3Event) -> anyhow::Result<()> {
    for record in event.records {
        let (upload, sequencer) = upload(app, &record)?;
        let run = import(app, &upload, &sequencer);
        run.await.with_context(|| format!("importing {}", upload.key()))?;
    }
    Ok(())
}

fn upload(app: &App, record: &S3EventRecord) -> anyhow::Result<(Upload, String)> {
    let bucket = record.s3.bucket.name.as_deref().context("the event names no bucket")?;
    let key = record
        .s3
        .object
        .key
        .as_deref()
        .context("the event names no object")?
        .replace('+', " ");
    let key = percent_decode_str(&key)
        .decode_utf8()
        .context("the object's key is not UTF-8")?
        .into_owned();
    let sequencer = record.s3.object.sequencer.clone().unwrap_or_default();
    Ok((Upload::new(app.sdk(), bucket, key), sequencer))
}

async fn import(app: &App, upload: &Upload, sequencer: &str) -> anyhow::Result<()> {
    let database = app.database();
    let mut import = database
        .write(async |c| imports::open(c, upload.key(), sequencer).await)
        .await?;
    if import.ended {
        tracing::info!(import.id, "This upload was imported before");
        return Ok(());
    }
    tracing::info!(import.id, lines_done = import.lines_done, "Import begins");
    match settle_all(app, upload, &mut import).await {
        Ok(()) => end(app, upload, &import, None).await,
        Err(Stop::File(reason)) => end(app, upload, &import, Some(reason)).await,
        Err(Stop::Other(error)) => {
            let progress = progress(&import, ImportState::Interrupted, Some(format!("{error:#}")));
            if let Err(error) = upload.write_progress(&progress).await {
                tracing::warn!(error = format!("{error:#}"), "Progress not written");
            }
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

async fn settle_all(app: &App, upload: &Upload, import: &mut Import) -> Result<(), Stop> {
    let file = upload.download().await?;
    let mut lines = Lines::read(file).map_err(Stop::File)?.after(import.lines_done);
    let mut reported: Option<Instant> = None;
    loop {
        let batch: Vec<Line> = lines.by_ref().take(BATCH).collect::<Result<_, _>>()?;
        if batch.is_empty() {
            return Ok(());
        }
        let before = import.clone();
        let settling = app
            .database()
            .write_within(BATCH_WITHIN, async |c| settle(c, before.clone(), &batch).await);
        *import = settling.await?;
        if reported.is_none_or(|at| at.elapsed() > REPORT_EVERY) {
            upload
                .write_progress(&progress(import, ImportState::Running, None))
                .await?;
            reported = Some(Instant::now());
        }
    }
}

/// Settles a batch and notes how far the import has come; to be run in one transaction.
async fn settle(connection: &mut MySqlConnection, mut import: Import, batch: &[Line]) -> sqlx::Result<Import> {
    for line in batch {
        let put = match &line.row {
            Ok(row) => catalogue::put(connection, row).await?,
            Err(reason) => Put::Refused(reason.clone()),
        };
        import.counts.note(&put);
        import.lines_done = line.number;
        if let Put::Refused(reason) = put {
            let refusal = Refusal {
                line: line.number,
                reason,
                row: line.text.clone(),
            };
            imports::refuse(connection, import.id, &refusal).await?;
        }
    }
    imports::advance(connection, &import).await?;
    Ok(import)
}

async fn end(app: &App, upload: &Upload, import: &Import, failure: Option<String>) -> anyhow::Result<()> {
    let refusals = app
        .database()
        .read(async |c| imports::refusals(c, import.id).await)
        .await?;
    upload.write_refusals(&refusals).await?;
    let state = if failure.is_some() {
        ImportState::Failed
    } else {
        ImportState::Done
    };
    upload.write_progress(&progress(import, state, failure.clone())).await?;
    app.database()
        .write(async |c| imports::end(c, import.id, failure.as_deref()).await)
        .await?;
    tracing::info!(import.id, counts = ?import.counts, failure, "Import ends");
    Ok(())
}

fn progress(import: &Import, state: ImportState, failure: Option<String>) -> ImportProgress {
    ImportProgress {
        state,
        line: import.lines_done,
        counts: import.counts,
        failure,
    }
}
