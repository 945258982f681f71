//! `bookstore logs`: the functions' logs, merged by time and formatted for people.

use std::{collections::BTreeMap, fmt::Write, time::Duration};

use anyhow::{Context, Result, bail};
use aws_sdk_cloudwatchlogs::{operation::filter_log_events::FilterLogEventsError, types::FilteredLogEvent};
use clap::Args;
use infra::{
    containers::Service,
    routes::{self, FUNCTIONS},
    stage::Stage,
};
use serde_json::{Map, Value};
use shared::metrics::{INVOCATIONS, NEW_MESSAGES};
use time::{OffsetDateTime, macros::format_description};

use crate::{
    arguments,
    aws::{AwsClients, connect_deployed, explained},
    output,
};

#[derive(Args)]
#[command(after_help = "With --json it prints the original lines of the functions, one document each.")]
pub struct Logs {
    /// Function whose log to show, such as `show-book` [default: all]
    #[arg(value_parser = arguments::function(), hide_possible_values = true)]
    function: Option<String>,
    /// Show the services of containers, in place of functions
    #[arg(long, conflicts_with = "function")]
    containers: bool,
    /// Stage to show
    #[arg(long, default_value = "local", value_parser = arguments::stage(), hide_possible_values = true)]
    stage: String,
    /// Age of the oldest line: 90s, 10m, 2h or 3d
    #[arg(long, default_value = "10m", allow_hyphen_values = true, value_parser = arguments::age)]
    since: Duration,
    /// Continue until Ctrl-C
    #[arg(long)]
    follow: bool,
}

/// Pause between rounds of one call for each function; CloudWatch allows five of these calls per second.
const PAUSE: Duration = Duration::from_secs(2);
/// A line may become visible this long after a younger one.
const LATE: Duration = Duration::from_secs(30);

/// One log line of a function.
struct Line {
    at: i64,
    function: &'static str,
    text: String,
}

/// Reads log groups incrementally.
struct Reader<'a> {
    aws: &'a AwsClients,
    stage: &'a Stage,
    /// Names of functions or services with their log groups.
    groups: Vec<(&'static str, String)>,
    /// Milliseconds since 1970.
    from: i64,
    /// Ids of lines since `from` that were returned already; the interval is read again for late lines.
    seen: BTreeMap<String, i64>,
}

pub async fn run(args: &Logs, json: bool) -> Result<()> {
    let functions = functions(args.function.as_deref())?;
    let (stage, aws) = connect_deployed(&args.stage).await?;
    let since = OffsetDateTime::now_utc() - args.since;
    let groups = if args.containers {
        Service::ALL.map(|service| (service.name(), service.log_group(&stage))).into()
    } else {
        functions.iter().map(|name| (*name, format!("/aws/lambda/{}", stage.physical(name)))).collect()
    };
    let mut reader = Reader::new(&aws, &stage, groups, since);
    loop {
        for line in reader.read().await? {
            if let Some(text) = if json { raw(&line) } else { rendered(&line) } {
                outln!("{text}");
            }
        }
        if !args.follow || output::reader_left() {
            return Ok(());
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn functions(wanted: Option<&str>) -> Result<Vec<&'static str>> {
    match wanted {
        Some(name) => Ok(vec![routes::find(name)?.name]),
        None => Ok(FUNCTIONS.iter().map(|function| function.name).collect()),
    }
}

impl<'a> Reader<'a> {
    fn new(aws: &'a AwsClients, stage: &'a Stage, groups: Vec<(&'static str, String)>, since: OffsetDateTime) -> Self {
        Self { aws, stage, groups, from: since.unix_timestamp().max(0) * 1_000, seen: BTreeMap::new() }
    }

    fn are_services(&self) -> bool {
        self.groups.iter().all(|(name, _)| Service::ALL.iter().any(|service| service.name() == *name))
    }

    /// New lines, oldest first.
    async fn read(&mut self) -> Result<Vec<Line>> {
        let mut lines = Vec::new();
        let mut missing = 0;
        for (function, group) in &self.groups {
            let Some(events) = events(self.aws, group, self.from).await? else {
                missing += 1;
                continue;
            };
            for event in events {
                let at = event.timestamp.unwrap_or_default();
                if self.seen.insert(id(&event), at).is_none() {
                    lines.push(Line { at, function, text: event.message.unwrap_or_default() });
                }
            }
        }
        if missing == self.groups.len() {
            let what = if self.are_services() { "containers" } else { "functions" };
            bail!("there are no log groups of {what}, so none is deployed: run `{}`", self.stage.deploy_command());
        }
        lines.sort_by_key(|line| line.at); // stable: lines of the same millisecond stay in order
        if let Some(newest) = lines.last() {
            let late = i64::try_from(LATE.as_millis()).unwrap_or_default();
            self.from = self.from.max(newest.at - late);
            self.seen.retain(|_, at| *at >= self.from);
        }
        Ok(lines)
    }
}

/// The lines since `from`; `None` if the log group does not exist.
async fn events(aws: &AwsClients, group: &str, from: i64) -> Result<Option<Vec<FilteredLogEvent>>> {
    let mut events = Vec::new();
    let mut pages = aws.logs.filter_log_events().log_group_name(group).start_time(from).into_paginator().send();
    while let Some(page) = pages.next().await {
        match page {
            Ok(page) => events.extend(page.events.unwrap_or_default()),
            Err(error)
                if error.as_service_error().is_some_and(FilterLogEventsError::is_resource_not_found_exception) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(explained(error)).with_context(|| format!("reading {group}")),
        }
    }
    Ok(Some(events))
}

/// CloudWatch's event id; the emulator has none.
fn id(event: &FilteredLogEvent) -> String {
    let stream = event.log_stream_name().unwrap_or_default();
    let content = || format!("{stream} {:?} {}", event.timestamp, event.message().unwrap_or_default());
    event.event_id().map_or_else(content, str::to_owned)
}

fn raw(line: &Line) -> Option<String> {
    let text = line.text.trim_end();
    text.starts_with('{').then(|| output::escaped_json(text))
}

/// Time, level, function, message and fields; Lambda's platform lines without their empty fields.
fn rendered(line: &Line) -> Option<String> {
    let text = line.text.trim_end();
    if text.starts_with("START ") || text.starts_with("END ") {
        return None;
    }
    let mut fields: Map<String, Value> = serde_json::from_str(text).unwrap_or_default();
    let level = take(&mut fields, "level");
    let message = if fields.is_empty() { text.to_owned() } else { take(&mut fields, "message") };
    let mut text = format!("{}  {level:<5}  {:<width$}  {message}", time_of(line), line.function, width = width());
    if let Some(Value::Object(span)) = fields.remove("span") {
        fields.extend(span.into_iter().filter(|(name, _)| name != "name"));
    }
    for for_programs in ["target", "_aws", INVOCATIONS, NEW_MESSAGES] {
        fields.remove(for_programs);
    }
    if FUNCTIONS.iter().any(|function| function.name == line.function) {
        // It is in the line already; that of a service is one of many.
        fields.remove("Function");
    }
    for (name, value) in fields {
        let _ = write!(text, "  {name}={}", plain(&value));
    }
    // Lambda's own lines have tabs between their parts.
    Some(output::plain(&text.replace('\t', " ")))
}

fn take(fields: &mut Map<String, Value>, name: &str) -> String {
    fields.remove(name).and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// A string without spaces or quotes as it is, everything else as JSON.
fn plain(value: &Value) -> String {
    let is_plain = |text: &&str| !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || c == '"');
    value.as_str().filter(is_plain).map_or_else(|| value.to_string(), str::to_owned)
}

fn time_of(line: &Line) -> String {
    let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(line.at) * 1_000_000);
    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
    at.ok().and_then(|at| at.format(format).ok()).unwrap_or_default()
}

fn width() -> usize {
    FUNCTIONS.iter().map(|function| function.name.len()).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Line {
        Line { at: 1_795_510_368_186, function: "show-book", text: text.to_owned() }
    }

    #[test]
    fn a_line_of_ours_is_told_with_its_fields_and_the_request_it_belongs_to() {
        let text = r#"{"level":"INFO","message":"Answered","status":200,"target":"shared::lambda","span":{"path":"/api/books","name":"request"}}"#;
        let text = rendered(&line(text)).unwrap();
        assert!(text.starts_with("2026-11-24T08:52:48.186Z  INFO   show-book "), "{text}");
        assert!(text.ends_with("  Answered  path=/api/books  status=200"), "{text}");
    }

    #[test]
    fn the_line_that_ends_a_request_is_told_without_what_only_cloudwatch_reads() {
        let text = r#"{"level":"INFO","message":"Answered","status":200,"Function":"anaquel-dev-show-book","Invocations":1,"DatabaseTime":0.4,"_aws":{"Timestamp":1}}"#;
        assert!(rendered(&line(text)).unwrap().ends_with("  Answered  DatabaseTime=0.4  status=200"));
    }

    #[test]
    fn lines_of_lambda_are_told_as_they_are_and_begin_and_end_not_at_all() {
        assert!(
            rendered(&line("REPORT RequestId: 1\tDuration: 3 ms\n")).unwrap().ends_with("RequestId: 1 Duration: 3 ms")
        );
        assert_eq!(rendered(&line("START RequestId: 1 Version: 1")), None);
        assert_eq!(raw(&line("REPORT RequestId: 1")), None);
    }

    #[test]
    fn what_a_shopper_sent_cannot_steer_the_terminal() {
        let text = rendered(&line(r#"{"level":"INFO","message":"a\u001b[2Jb","path":"/\u001b[2J\u202e"}"#)).unwrap();
        assert!(text.contains("a\\u{1b}[2Jb") && text.ends_with(r"path=/\u{1b}[2J\u{202e}"), "{text:?}");
        assert_eq!(raw(&line("{\"path\":\"/\u{9b}2J\u{202e}\"}")).unwrap(), r#"{"path":"/\u009b2J\u202e"}"#);
    }

    #[test]
    fn an_unknown_function_is_told_the_nearest_one_or_all() {
        let complaint = |name| functions(Some(name)).unwrap_err().to_string();
        assert_eq!(complaint("show-boko"), "there is no function `show-boko`; did you mean `show-book`?");
        assert!(complaint("checkout").contains("show-book, "), "{}", complaint("checkout"));
    }
}
