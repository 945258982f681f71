//! `bookstore import`: uploads a CSV of books to the import bucket and follows the import.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use aws_sdk_s3::{operation::get_object::GetObjectError, primitives::ByteStream};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use infra::{stacks::Kind, stage::Stage};
use serde_json::{Value, json};
use shared::{
    domain::Counts,
    messages::{ImportProgress, ImportState},
};
use time::{OffsetDateTime, macros::format_description};

use crate::{
    arguments,
    aws::{AwsClients, call, connect_deployed, explained},
    deploy,
    output::{Report, counted},
};

#[derive(Args)]
pub struct Import {
    /// CSV file of books (docs/catalogue-format.md)
    file: PathBuf,
    /// Stage to import into
    #[arg(long, default_value = "local", value_parser = arguments::stage(), hide_possible_values = true)]
    stage: String,
    /// Encoding of a file that is neither UTF-8 nor begins with a byte order mark, such as windows-1252
    #[arg(long, value_name = "NAME")]
    encoding: Option<String>,
}

/// Longest time without progress. Lambda retries an interrupted import after up to two minutes.
const PROGRESS_TIMEOUT: Duration = Duration::from_mins(5);
/// Number of refused rows and of warnings that are printed; the reports have all.
const SHOWN: usize = 10;

pub async fn run(args: &Import) -> Result<Report> {
    let (stage, aws) = connect_deployed(&args.stage).await?;
    let outputs = deploy::outputs(&aws, &stage, Kind::App).await?;
    let bucket = outputs
        .get("ImportBucket")
        .with_context(|| format!("stage {} has no import bucket: run `{}`", stage.name, stage.deploy_command()))?;
    let progress = import(&aws, &stage, bucket, &args.file, args.encoding.as_deref()).await?;
    Ok(Report::of(json!({
        "file": args.file,
        "rows": progress.counts.rows(),
        "counts": progress.counts,
        "notices": progress.notices,
    })))
}

/// Uploads the file and waits until every row is imported or refused.
pub async fn import(
    aws: &AwsClients,
    stage: &Stage,
    bucket: &str,
    file: &Path,
    encoding: Option<&str>,
) -> Result<ImportProgress> {
    let lines = lines(file)?;
    let name = file.file_name().and_then(|name| name.to_str()).context("the file needs a name")?;
    let key = object_key(name)?;
    let body = ByteStream::from_path(file).await.with_context(|| format!("reading {}", file.display()))?;
    let put = aws.s3.put_object().bucket(bucket).key(&key).content_type(content_type(encoding)).body(body);
    call(put.send()).await.with_context(|| format!("uploading {}", file.display()))?;

    let progress = follow(aws, stage, bucket, &key, lines).await?;
    outln!("{}", summary(&progress, name)?);
    if progress.counts.refused > 0 {
        print_report(aws, bucket, &key, "refused", refusal).await?;
    }
    if let Some(warnings) = warnings(&progress, name) {
        outln!("{warnings}");
        print_report(aws, bucket, &key, "warnings", warning).await?;
    }
    Ok(progress)
}

/// The function reads the encoding from the object's Content-Type.
fn content_type(encoding: Option<&str>) -> String {
    encoding.map_or("text/csv".to_owned(), |name| format!("text/csv; charset={name}"))
}

/// A new key for each upload, so that the report beside it belongs to one import. Only `.csv` starts an import.
fn object_key(name: &str) -> Result<String> {
    let now = OffsetDateTime::now_utc();
    let stamp =
        now.format(format_description!("[year]-[month]-[day]T[hour]-[minute]-[second].[subsecond digits:3]Z"))?;
    let stem = name.strip_suffix(".csv").unwrap_or(name);
    Ok(format!("incoming/{stamp}-{stem}.csv"))
}

fn lines(file: &Path) -> Result<u64> {
    let opened = File::open(file).with_context(|| format!("opening {}", file.display()))?;
    let mut lines = 0;
    for line in BufReader::new(opened).split(b'\n') {
        line.with_context(|| format!("reading {}", file.display()))?;
        lines += 1;
    }
    Ok(lines)
}

async fn follow(aws: &AwsClients, stage: &Stage, bucket: &str, key: &str, lines: u64) -> Result<ImportProgress> {
    let style = ProgressStyle::with_template("{bar:40} line {pos} of {len}  {msg}")?;
    let bar = ProgressBar::new(lines).with_style(style);
    let mut last: Option<ImportProgress> = None;
    let mut moved_at = Instant::now();
    loop {
        tokio::time::sleep(Duration::from_millis(250)).await;
        let progress = read_progress(aws, bucket, key).await?;
        if progress == last {
            if moved_at.elapsed() > PROGRESS_TIMEOUT {
                let failure = last.and_then(|progress| progress.failure).unwrap_or("no message".to_owned());
                bail!(
                    "the import makes no progress ({failure}): see `{}`; the file is s3://{bucket}/{key}",
                    stage.command("logs import-catalogue")
                );
            }
            continue;
        }
        moved_at = Instant::now();
        last.clone_from(&progress);
        let Some(progress) = progress else { continue };
        bar.set_position(u64::from(progress.line));
        match progress.state {
            ImportState::Running => bar.set_message(""),
            ImportState::Interrupted => bar.set_message("interrupted; Lambda retries it"),
            ImportState::Done | ImportState::Failed => {
                bar.finish_and_clear();
                return Ok(progress);
            }
        }
    }
}

async fn read_progress(aws: &AwsClients, bucket: &str, key: &str) -> Result<Option<ImportProgress>> {
    let Some(bytes) = read(aws, bucket, &format!("{key}.progress.json")).await? else {
        return Ok(None);
    };
    serde_json::from_slice(&bytes).map(Some).context("the import's progress cannot be read")
}

async fn read(aws: &AwsClients, bucket: &str, key: &str) -> Result<Option<Vec<u8>>> {
    match aws.s3.get_object().bucket(bucket).key(key).send().await {
        Ok(object) => Ok(Some(object.body.collect().await?.to_vec())),
        Err(error) if error.as_service_error().is_some_and(GetObjectError::is_no_such_key) => Ok(None),
        Err(error) => Err(explained(error)).with_context(|| format!("reading {key}")),
    }
}

/// The number of rows by outcome, and what is to be said about the file as a whole; or why it was refused.
fn summary(progress: &ImportProgress, name: &str) -> Result<String> {
    if progress.state == ImportState::Failed {
        bail!("{name} was not imported: {}", progress.failure.as_deref().unwrap_or_default());
    }
    let Counts { added, changed, unchanged, refused, .. } = progress.counts;
    let rows = counted(progress.counts.rows() as usize, "row");
    let counts = format!("{name}: {rows}: {added} new, {changed} changed, {unchanged} unchanged, {refused} refused");
    let notices = progress.notices.iter().map(|notice| format!("{name}: {notice}"));
    Ok([counts].into_iter().chain(notices).collect::<Vec<_>>().join("\n"))
}

fn warnings(progress: &ImportProgress, name: &str) -> Option<String> {
    match progress.counts.warnings {
        0 => None,
        1 => Some(format!("{name}: 1 optional cell could not be read and was ignored")),
        many => Some(format!("{name}: {many} optional cells could not be read and were ignored")),
    }
}

/// Prints the first entries of a report, and where all of them are.
async fn print_report(
    aws: &AwsClients,
    bucket: &str,
    key: &str,
    name: &str,
    describe: impl Fn(&Value) -> Option<String>,
) -> Result<()> {
    let report = format!("{key}.{name}.jsonl");
    let text = read(aws, bucket, &report).await?.unwrap_or_default();
    let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let entries: Vec<Value> = lines
        .map(serde_json::from_slice)
        .collect::<Result<_, _>>()
        .with_context(|| format!("{report} cannot be read"))?;
    let entries: Vec<String> =
        entries.iter().filter_map(|entry| Some(format!("  line {}: {}", entry["line"], describe(entry)?))).collect();
    for entry in entries.iter().take(SHOWN) {
        outln!("{entry}");
    }
    if entries.len() > SHOWN {
        outln!("  and {} more", entries.len() - SHOWN);
    }
    outln!("  all, with the original text: s3://{bucket}/{report}");
    Ok(())
}

fn refusal(entry: &Value) -> Option<String> {
    entry["reason"].as_str().map(str::to_owned)
}

/// `isbn: has a wrong check digit (it is "9780000000000")`; none for a notice about the file, which has no column.
fn warning(entry: &Value) -> Option<String> {
    let (column, reason) = (entry["column"].as_str()?, entry["reason"].as_str()?);
    Some(format!("{column}: {reason} (it is {})", entry["value"]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_upload_starts_an_import_whatever_the_file_is_called() {
        for name in ["books.csv", "books", "libros de año.csv"] {
            let key = object_key(name).unwrap();
            let stem = key.strip_suffix(".csv").unwrap();
            assert!(key.starts_with("incoming/20") && !stem.contains(".csv"), "{key}");
        }
    }

    #[test]
    fn a_warning_names_column_reason_and_value() {
        let entry = serde_json::json!({ "line": 4, "column": "year", "value": "0", "reason": "must not be 0" });
        assert_eq!(warning(&entry).as_deref(), Some("year: must not be 0 (it is \"0\")"));
        let notice = serde_json::json!({ "line": 1, "reason": "columns not read: prize" });
        assert_eq!(warning(&notice), None);
    }

    #[test]
    fn the_end_of_an_import_is_printed_with_its_notices_and_a_refusal_without_numbers() {
        for (progress, expected) in [
            (json!({ "warnings": 0 }), "a.csv: 3 rows: 1 new, 1 changed, 0 unchanged, 1 refused"),
            (
                json!({ "warnings": 1, "notices": ["line 1: columns not read: prize (did you mean price?)"] }),
                "a.csv: 3 rows: 1 new, 1 changed, 0 unchanged, 1 refused\n\
                 a.csv: line 1: columns not read: prize (did you mean price?)\n\
                 a.csv: 1 optional cell could not be read and was ignored",
            ),
            (
                json!({ "warnings": 2 }),
                "a.csv: 3 rows: 1 new, 1 changed, 0 unchanged, 1 refused\n\
                 a.csv: 2 optional cells could not be read and were ignored",
            ),
        ] {
            let mut all = json!({ "state": "done", "line": 4, "added": 1, "changed": 1, "unchanged": 0, "refused": 1 });
            all.as_object_mut().unwrap().extend(progress.as_object().unwrap().clone());
            let progress: ImportProgress = serde_json::from_value(all).unwrap();
            let lines: Vec<String> =
                [summary(&progress, "a.csv").ok(), warnings(&progress, "a.csv")].into_iter().flatten().collect();
            assert_eq!(lines.join("\n"), expected);
        }
        let refused = json!({ "state": "failed", "line": 0, "added": 0, "changed": 0, "unchanged": 0, "refused": 0,
            "failure": "the file is a PDF, not CSV; save it as CSV in UTF-8" });
        let refused = summary(&serde_json::from_value(refused).unwrap(), "x.pdf").map_err(|error| error.to_string());
        let reason = "x.pdf was not imported: the file is a PDF, not CSV; save it as CSV in UTF-8";
        assert_eq!(refused, Err(reason.to_owned()), "without numbers of rows");
    }
}
