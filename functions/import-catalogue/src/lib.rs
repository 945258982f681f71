//! Triggered by the import bucket: imports a CSV file of books.
//!
//! Rows are processed in batches, each in one transaction with the import's progress, so that an interrupted import
//! continues after its last batch when Lambda delivers the event again. Progress, refused rows and
//! warnings are written beside the file while it runs.

mod bucket;
mod columns;
pub mod encoding;
pub mod format;
mod preview;
#[cfg(test)]
mod property_tests;
#[cfg(test)]
mod real_books_tests;
mod records;
mod spreadsheet;

use std::{
    env,
    io::Read,
    time::{Duration, Instant},
};

use anyhow::Context;
use aws_config::SdkConfig;
use aws_lambda_events::s3::{S3Event, S3EventRecord};
use percent_encoding::percent_decode_str;
use shared::{
    App,
    app::CURRENCY,
    database,
    domain::Currency,
    messages::{ImportProgress, ImportState},
    repo::{
        catalogue::{self, Landing, Put},
        genres,
        imports::{self, Import, Refusal, Warning},
    },
    staff::{PREVIEWED, PREVIEWS},
};
use sqlx::MySqlConnection;
use time::OffsetDateTime;

use bucket::{Report, Upload};
use columns::Notice;
use format::{Line, Lines};

/// Rows in one transaction: no more, because a rating of one of these books waits for its end.
const BATCH: usize = 500;
const BATCH_WITHIN: Duration = Duration::from_secs(30);
/// The pause before the first retry of a batch; it doubles with each retry.
const PAUSE: Duration = Duration::from_millis(500);
const ATTEMPTS: u32 = 8;
const PROGRESS_EVERY: Duration = Duration::from_millis(500);
const REPORT_EVERY: Duration = Duration::from_secs(10);
/// Characters of the reason for which an import has stopped.
const MAX_FAILURE: usize = 1_000;
/// S3 allows longer keys; the column of the database does not.
const MAX_KEY: usize = 500;
/// In place of S3's own number of a version, for files that are imported once.
const ONCE: &str = "once";

pub async fn handle(app: &App, event: S3Event) -> anyhow::Result<()> {
    let sdk = shared::aws::patient_sdk_config();
    for record in event.records {
        let (upload, sequencer) = upload(&sdk, &record)?;
        if upload.key().chars().count() > MAX_KEY {
            tracing::error!(key = upload.key(), "Import refused: the object's key has more than {MAX_KEY} characters");
            continue;
        }
        let run = async {
            if upload.key().starts_with(PREVIEWS) {
                preview::preview(app, &upload, &sequencer).await
            } else {
                import(app, &upload, &sequencer).await
            }
        };
        run.await.with_context(|| format!("importing {}", upload.key()))?;
    }
    Ok(())
}

fn upload(sdk: &SdkConfig, record: &S3EventRecord) -> anyhow::Result<(Upload, String)> {
    let bucket = record.s3.bucket.name.as_deref().context("the event names no bucket")?;
    let key = record.s3.object.key.as_deref().context("the event names no object")?.replace('+', " ");
    let key = percent_decode_str(&key).decode_utf8().context("the object's key is not UTF-8")?.into_owned();
    // A preview is run once, however often its file is copied here.
    let is_once = key.starts_with(PREVIEWED);
    let sequencer = if is_once { ONCE.to_owned() } else { record.s3.object.sequencer.clone().unwrap_or_default() };
    Ok((Upload::new(sdk, bucket, key), sequencer))
}

async fn import(app: &App, upload: &Upload, sequencer: &str) -> anyhow::Result<()> {
    let import = app.database().write(async |c| imports::open(c, upload.key(), sequencer).await).await?;
    if import.ended {
        tracing::info!(import.id, "Upload was already imported");
        return Ok(());
    }
    tracing::info!(import.id, rows_done = import.counts.rows(), "Import started");
    let mut reporter = ProgressReporter {
        app,
        upload,
        notices: Vec::new(),
        refused: Report::new()?,
        refused_to: 0,
        warned: Report::new()?,
        warned_to: (0, String::new()),
        progress_at: None,
        reported_at: Instant::now(),
    };
    let mut import = import;
    match import_all(app, upload, &mut import, &mut reporter).await {
        Ok(()) => reporter.end(&import, None).await,
        Err(Stop::File(reason)) => reporter.end(&import, Some(reason)).await,
        Err(Stop::Other(error)) => {
            reporter.interrupted(&import, &error).await;
            Err(error)
        }
    }
}

/// Why an import stops before its end.
enum Stop {
    /// The file cannot be read; no retry can succeed.
    File(String),
    /// A retry may succeed.
    Other(anyhow::Error),
}

impl<E: Into<anyhow::Error>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Other(error.into())
    }
}

async fn import_all(
    app: &App,
    upload: &Upload,
    import: &mut Import,
    reporter: &mut ProgressReporter<'_>,
) -> Result<(), Stop> {
    let file = upload.download().await?;
    let text = encoding::utf8(file.file, Some(&file.version.content_type)).map_err(Stop::File)?;
    let mut lines = Lines::read(text, currency()?).map_err(Stop::File)?;
    lines.skip_to(import.lines_done)?;
    describe(app, import.id, &lines).await?;
    loop {
        let batch: Vec<Line> = lines.by_ref().take(BATCH).collect::<Result<_, _>>()?;
        reporter.note(lines.notices())?;
        if batch.is_empty() {
            return describe(app, import.id, &lines).await.map_err(Stop::Other);
        }
        *import = import_batch_with_retry(app, import, &batch).await?;
        reporter.report_progress(import).await;
    }
}

/// Keeps the columns of the file, and what is to be said about it so far.
async fn describe(app: &App, import: u32, lines: &Lines<impl Read>) -> anyhow::Result<()> {
    let (columns, notices) = (lines.columns(), shown(lines.notices()));
    with_retry(app, async |c| imports::describe(c, import, &columns, &notices).await).await?;
    Ok(())
}

/// Notices as people read them.
fn shown(notices: &[Notice]) -> Vec<String> {
    notices.iter().map(|notice| format!("line {}: {}", notice.line, notice.reason)).collect()
}

/// The currency of the shop, from the stage's settings.
fn currency() -> anyhow::Result<Currency> {
    let code = env::var(CURRENCY).with_context(|| format!("{CURRENCY} is not set: deploy the stage again"))?;
    Currency::parse(&code).context(CURRENCY)
}

async fn import_batch_with_retry(app: &App, import: &Import, batch: &[Line]) -> database::Result<Import> {
    with_retry(app, async |c| import_batch(c, import, batch).await).await
}

/// Retries the work on a batch, so that a deadlock or a failover of a minute or two does not interrupt the import.
async fn with_retry<T>(app: &App, work: impl AsyncFn(&mut MySqlConnection) -> sqlx::Result<T>) -> database::Result<T> {
    let mut pause = PAUSE;
    for _ in 1..ATTEMPTS {
        match app.database().write_within(BATCH_WITHIN, &work).await {
            Err(database::Error::Away(error) | database::Error::Busy(error)) => {
                tracing::warn!(error = format!("{error:#}"), "Retrying the batch");
            }
            result => return result,
        }
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
    app.database().write_within(BATCH_WITHIN, &work).await
}

/// Imports a batch and stores the import's progress. To be run in one transaction.
async fn import_batch(connection: &mut MySqlConnection, before: &Import, batch: &[Line]) -> sqlx::Result<Import> {
    let mut import = before.clone();
    let rows: Vec<_> = batch.iter().filter_map(|line| Some((line.number, line.row.as_ref().ok()?))).collect();
    let landings = catalogue::put_all(connection, import.id, &rows, OffsetDateTime::now_utc()).await?;
    let noted = note(&mut import, batch, landings);
    noted.store(connection, before, &import).await?;
    Ok(import)
}

/// The remarks about a batch, which are stored beside its books.
struct Noted {
    refusals: Vec<Refusal>,
    warnings: Vec<Warning>,
}

/// Counts the rows of a batch by their effects, which are given for those that can be read.
fn note(import: &mut Import, batch: &[Line], landings: Vec<Landing>) -> Noted {
    let mut landings = landings.into_iter();
    let mut noted = Noted { refusals: Vec::new(), warnings: Vec::new() };
    for line in batch {
        let Landing { put, ignored_stock } = match &line.row {
            Ok(_) => landings.next().expect("one for each row"),
            Err(reason) => Landing { put: Put::Refused(reason.clone()), ignored_stock: None },
        };
        import.counts.note(&put);
        import.lines_done = line.number;
        if let Put::Refused(reason) = put {
            let refusal = Refusal::new(line.number, &reason, &line.text);
            noted.refusals.push(match &line.cells {
                Some(cells) => refusal.with_cells(cells),
                None => refusal,
            });
        } else {
            noted.warnings.extend_from_slice(&line.warnings);
            let stock = line.row.as_ref().ok().and_then(|row| row.stock).unwrap_or_default().to_string();
            noted.warnings.extend(ignored_stock.map(|reason| Warning::new(line.number, "stock", &stock, reason)));
        }
    }
    import.counts.warnings += u32::try_from(noted.warnings.len()).unwrap_or(u32::MAX);
    noted
}

impl Noted {
    /// Stores it with the progress of the import.
    async fn store(&self, connection: &mut MySqlConnection, before: &Import, import: &Import) -> sqlx::Result<()> {
        imports::refuse(connection, import.id, &self.refusals).await?;
        imports::warn(connection, import.id, &self.warnings).await?;
        imports::advance(connection, before, import).await
    }
}

/// Writes progress, refused rows and warnings beside the file. A failure while the import runs is only logged.
struct ProgressReporter<'a> {
    app: &'a App,
    upload: &'a Upload,
    notices: Vec<Notice>,
    refused: Report,
    /// The last line in the report of refused rows.
    refused_to: u32,
    warned: Report,
    /// The last line and column in the report of warnings.
    warned_to: (u32, String),
    progress_at: Option<Instant>,
    reported_at: Instant,
}

impl ProgressReporter<'_> {
    /// Takes the notices that are new, for progress and report.
    fn note(&mut self, all: &[Notice]) -> anyhow::Result<()> {
        let new = &all[self.notices.len()..];
        self.warned.add(new)?;
        self.notices.extend_from_slice(new);
        Ok(())
    }

    fn progress(&self, import: &Import, state: ImportState, failure: Option<String>) -> ImportProgress {
        let failure = failure.map(|failure| failure.chars().take(MAX_FAILURE).collect());
        let notices = shown(&self.notices);
        ImportProgress { state, line: import.lines_done, counts: import.counts, notices, failure }
    }

    async fn report_progress(&mut self, import: &Import) {
        if self.progress_at.is_some_and(|at| at.elapsed() < PROGRESS_EVERY) {
            return;
        }
        self.progress_at = Some(Instant::now());
        self.write(&self.progress(import, ImportState::Running, None)).await;
        if self.reported_at.elapsed() > REPORT_EVERY {
            self.reported_at = Instant::now();
            if let Err(error) = self.report(import).await {
                tracing::warn!(error = format!("{error:#}"), "Reports not written");
            }
        }
    }

    async fn interrupted(&self, import: &Import, error: &anyhow::Error) {
        self.write(&self.progress(import, ImportState::Interrupted, Some(format!("{error:#}")))).await;
    }

    /// Ends the import. Its final progress is written before the end is stored, so that a stored end was always
    /// reported.
    async fn end(mut self, import: &Import, failure: Option<String>) -> anyhow::Result<()> {
        self.report(import).await?;
        self.app.database().write_within(BATCH_WITHIN, async |c| genres::recount(c).await).await?;
        let state = if failure.is_some() { ImportState::Failed } else { ImportState::Done };
        self.upload.write_progress(&self.progress(import, state, failure.clone())).await?;
        self.app.database().write(async |c| imports::end(c, import.id, failure.as_deref()).await).await?;
        tracing::info!(import.id, counts = ?import.counts, failure, "Import finished");
        Ok(())
    }

    async fn write(&self, progress: &ImportProgress) {
        if let Err(error) = self.upload.write_progress(progress).await {
            tracing::warn!(error = format!("{error:#}"), "Progress not written");
        }
    }

    /// Adds what was refused and left out since the last time, and writes the reports.
    async fn report(&mut self, import: &Import) -> anyhow::Result<()> {
        const PAGE: u32 = 500;
        let database = self.app.database();
        loop {
            let after = self.refused_to;
            let page = database.read(async |c| imports::refusals(c, import.id, after, PAGE).await).await?;
            let Some(last) = page.last() else { break };
            self.refused_to = last.line;
            self.refused.add(&page)?;
        }
        loop {
            let (line, column) = self.warned_to.clone();
            let page = database.read(async |c| imports::warnings(c, import.id, (line, &column), PAGE).await).await?;
            let Some(last) = page.last() else { break };
            self.warned_to = (last.line, last.column.clone());
            self.warned.add(&page)?;
        }
        self.upload.write_report("refused.jsonl", &self.refused).await?;
        self.upload.write_report("warnings.jsonl", &self.warned).await
    }
}

#[cfg(test)]
mod tests {
    use shared::domain::Counts;
    use sqlx::MySqlPool;

    use super::*;

    const CSV: &str = "reference,title,authors,isbn,year,language,price\n\
        a,Tom &amp; Jerry,Jos&eacute; Uno; Eva,=\"9780262033848\",1605.00,kor,\"19,95 €\"\n\
        b,\"never closed,X,,,,\n\
        c,T\tU,X,9780000000000,0,zh-hant,9.950\n\
        d,,X,,,,\n\
        ,,,,,,\n\
        e,\"T\nU\",\"X\",,,xx,\n\
        f,T,X,,,,\n";

    type Book = (String, String, String, Option<String>, Option<i16>, Option<String>, Option<u32>);

    /// Imports the file as one upload, in batches of this size, each read as by a retry.
    async fn import(connection: &mut MySqlConnection, csv: &str, sequencer: &str, batch_size: usize) -> Import {
        loop {
            let import = imports::open(connection, "books.csv", sequencer).await.unwrap();
            let mut lines = Lines::read(csv.as_bytes(), Currency::parse("EUR").unwrap()).unwrap();
            lines.skip_to(import.lines_done).unwrap();
            let batch: Vec<Line> = lines.take(batch_size).collect::<Result<_, _>>().unwrap();
            if batch.is_empty() {
                return import;
            }
            import_batch(connection, &import, &batch).await.unwrap();
        }
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "shared::MIGRATIONS")]
    async fn an_interrupted_import_processes_each_row_once_and_a_second_one_changes_nothing(pool: MySqlPool) {
        let mut connection = pool.acquire().await.unwrap();
        let first = import(&mut connection, CSV, "1", 1).await.counts;
        assert_eq!(first, Counts { added: 4, refused: 2, warnings: 3, ..Counts::default() });
        let books = "select reference, title, byline, isbn, year, language, price from books order by reference";
        let books: Vec<Book> = sqlx::query_as(books).fetch_all(&pool).await.unwrap();
        let [tom, warned, ..] = books.as_slice() else { panic!("{books:?}") };
        assert_eq!(
            (tom.1.as_str(), tom.2.as_str(), tom.4, tom.6),
            ("Tom & Jerry", "José Uno, Eva", Some(1605), Some(1995))
        );
        assert_eq!((tom.3.as_deref(), tom.5.as_deref()), (Some("9780262033848"), Some("ko")));
        assert_eq!((warned.1.as_str(), warned.3.as_deref(), warned.4, warned.6), ("T U", None, None, Some(995)));
        for (sequencer, batch_size) in [("2", 100), ("3", 2)] {
            let again = import(&mut connection, CSV, sequencer, batch_size).await.counts;
            assert_eq!(again, Counts { unchanged: 4, refused: 2, warnings: 3, ..Counts::default() });
        }
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "shared::MIGRATIONS")]
    async fn a_second_row_of_a_reference_is_refused_also_after_an_interruption(pool: MySqlPool) {
        const CSV: &str = "reference,title,authors,price\n\
            dr-1,Dracula,Bram Stoker,9.95\n\
            dr-1,Drácula,Bram Stoker,9.95\n\
            dr-1,Dracula,Bram Stoker,\"9,95 €\"\n\
            dr-2,,Bram Stoker,\n\
            ,,,\n\
            dr-2,\"The\nJewel\",Bram Stoker,\n\
            DR-2,Other,Bram Stoker,\n\
            dr-2,The Jewel,Bram Stoker,5\n";
        let mut connection = pool.acquire().await.unwrap();
        for (run, batch_size) in [1, 2, 3, 100].into_iter().enumerate() {
            let import = import(&mut connection, CSV, &run.to_string(), batch_size).await;
            let (added, unchanged) = if run == 0 { (3, 1) } else { (0, 4) };
            assert_eq!(import.counts, Counts { added, unchanged, refused: 3, ..Counts::default() }, "{batch_size}");
            let refused = imports::refusals(&mut connection, import.id, 0, 10).await.unwrap();
            let refused: Vec<_> = refused.iter().map(|refusal| (refusal.line, refusal.reason.as_str())).collect();
            let expected = [
                (3, "reference dr-1 is already on line 2, with other values; leave one of them out"),
                (5, "title: must not be blank"),
                (10, "reference dr-2 is already on line 7, with other values; leave one of them out"),
            ];
            assert_eq!(refused, expected, "{batch_size}");
            let title = sqlx::query_scalar("select title from books where reference = 'dr-1'");
            assert_eq!(title.fetch_one(&pool).await.ok(), Some("Dracula".to_owned()));
        }
    }
}
