//! The time of imports by `import-catalogue`, of writing the word index again, and of ratings of the imported books. They go
//! into a database of their own, which is removed at the end.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use generated_catalogue::{GeneratedBook, books};
use serde::Serialize;
use serde_json::json;
use shared::{parameters::DatabaseRole, repo::refresh};
use sqlx::{ConnectOptions, Connection, MySqlConnection};

use crate::{
    MeasuredFunction, Parameters,
    drill::WRITER_SESSION,
    host::{Host, Objects, Transport},
    login::login,
    own_database::{create, execute},
    process::FunctionProcess,
    ratings::{self, RatingSpeed},
};

/// The function that is measured.
pub const FUNCTION: &str = "import-catalogue";
/// The books of the first file and of both: targets are five seconds, and the fifteen minutes of Lambda's longest timeout.
pub const FILES: [u32; 2] = [10_000, 200_000];
const DATABASE: &str = "anaquel_bench_imports";
/// Lambda's longest timeout.
const TIMEOUT: Duration = Duration::from_mins(15);
const HEADER: &str = "reference,title,authors,isbn,year,language,genres,price,currency,stock\n";

/// Times of imports, in seconds.
#[derive(Debug, Serialize)]
pub struct ImportSpeed {
    pub files: Vec<ImportedFile>,
    /// Of writing the word index of all these books again, as a migration does.
    pub word_index: f64,
    pub ratings: RatingSpeed,
}

/// A file, imported by one invocation.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct ImportedFile {
    pub books: u32,
    pub seconds: f64,
}

/// Imports a file up to each of these numbers of books.
pub async fn measure(function: &MeasuredFunction, parameters: &Parameters, files: &[u32]) -> Result<ImportSpeed> {
    let mut server = login(parameters, DatabaseRole::Admin)?.connect().await.context("logging in as administrator")?;
    execute(&mut server, "set session wait_timeout = 86400").await?; // it is idle meanwhile
    create(&mut server, DATABASE, parameters).await.context("creating the database of imports")?;
    let measured = import(function, &parameters.with_database(DATABASE), files).await;
    execute(&mut server, format!("drop database {DATABASE}")).await?;
    server.close().await?;
    measured
}

async fn import(function: &MeasuredFunction, parameters: &Parameters, files: &[u32]) -> Result<ImportSpeed> {
    let starts = [0].iter().chain(files);
    let ranges: Vec<_> = starts.zip(files).map(|(first, end)| *first..*end).collect();
    let path = |end: u32| format!("/bench/{}", key(end));
    let objects = ranges.iter().map(|range| (path(range.end), csv(range.clone()).into_bytes())).collect();
    let host = Host::start_with(parameters.clone(), None, Objects::from(Arc::new(objects)), Transport::Plain)?;
    let process = FunctionProcess::start_on(host, function)?;
    let mut imported = Vec::new();
    for range in ranges {
        eprintln!("  {} books …", range.len());
        let response = process.host.invoke_within(&event(range.end), TIMEOUT)?;
        let took = response.with_context(|| format!("no end within {} s", TIMEOUT.as_secs()))?.took;
        imported.push(ImportedFile { books: range.end - range.start, seconds: took.as_secs_f64() });
    }
    drop(process);
    let mut database = login(parameters, DatabaseRole::Admin)?.connect().await?;
    let books: i64 = sqlx::query_scalar("select count(*) from books").fetch_one(&mut database).await?;
    ensure!(Some(books) == files.last().map(|end| i64::from(*end)), "{books} books were imported");
    let word_index = write_word_index(&mut database).await.context("writing the word index")?.as_secs_f64();
    database.close().await?;
    let mut writer = login(parameters, DatabaseRole::Writer)?.connect().await.context("logging in as writer")?;
    execute(&mut writer, WRITER_SESSION).await?;
    let ratings = ratings::measure(&mut writer).await.context("rating books")?;
    writer.close().await?;
    Ok(ImportSpeed { files: imported, word_index, ratings })
}

async fn write_word_index(database: &mut MySqlConnection) -> Result<Duration> {
    for table in ["book_search", "book_words", "words", "word_variants"] {
        execute(database, format!("truncate table {table}")).await?;
    }
    let began = Instant::now();
    refresh::all(database).await?;
    Ok(began.elapsed())
}

fn key(end: u32) -> String {
    format!("incoming/{end}.csv")
}

/// As S3 sends it: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html>.
fn event(end: u32) -> Vec<u8> {
    let object = json!({ "key": key(end), "size": 1, "eTag": "bench", "sequencer": format!("{end:016X}") });
    let record = json!({
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "us-east-1",
        "eventTime": "2026-01-01T00:00:00.000Z",
        "eventName": "ObjectCreated:Put",
        "userIdentity": { "principalId": "bench" },
        "requestParameters": { "sourceIPAddress": "127.0.0.1" },
        "responseElements": {},
        "s3": { "s3SchemaVersion": "1.0", "bucket": { "name": "bench", "arn": "arn:aws:s3:::bench" }, "object": object },
    });
    json!({ "Records": [record] }).to_string().into_bytes()
}

/// A catalogue in the shop's own columns.
fn csv(range: std::ops::Range<u32>) -> String {
    let first = range.start as usize;
    let rows = books(range.end).skip(first).map(|book| row(&book));
    [HEADER.to_owned()].into_iter().chain(rows).collect()
}

fn row(book: &GeneratedBook) -> String {
    let price = book.price_minor.map(|minor| format!("{}.{:02}", minor / 100, minor % 100)).unwrap_or_default();
    let cells = [
        book.reference.clone(),
        book.title.clone(),
        book.authors.join("; "),
        book.isbn.clone().unwrap_or_default(),
        book.year.map(|year| year.to_string()).unwrap_or_default(),
        book.language.clone().unwrap_or_default(),
        book.genres.join("; "),
        price.clone(),
        if price.is_empty() { String::new() } else { "EUR".to_owned() },
        book.stock.to_string(),
    ];
    cells.map(|cell| format!("\"{}\"", cell.replace('"', "\"\""))).join(",") + "\n"
}

#[cfg(test)]
mod tests {
    use shared::app::CURRENCY;

    use super::*;
    use crate::own_database::{built, with_writer};

    #[ignore = "needs MariaDB and the built functions"]
    #[tokio::test]
    async fn files_are_imported_into_a_database_that_is_removed_afterwards() {
        let (measured, databases) = with_writer("anaquel_imports_test", async |parameters| {
            let function = built(FUNCTION, parameters).with_variable(CURRENCY, "EUR".to_owned());
            measure(&function, parameters, &[20, 60]).await
        })
        .await;
        let ImportSpeed { files, ratings, .. } = measured.unwrap();
        let books: Vec<u32> = files.iter().map(|file| file.books).collect();
        assert_eq!(books, [20, 40]);
        assert!(ratings.indexed > 0.0 && ratings.unindexed > 0.0, "{ratings:?}");
        assert!(!databases.contains(&DATABASE.to_owned()), "{databases:?}");
    }
}
