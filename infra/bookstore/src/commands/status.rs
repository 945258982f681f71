//! `bookstore status`: the status of a stage on one screen. It fails with a list of what is missing or stuck.

use anyhow::{Context, Result, bail};
use aws_sdk_cloudformation::primitives::{DateTime, DateTimeFormat};
use aws_sdk_lambda::{
    operation::get_function_configuration::{GetFunctionConfigurationError, GetFunctionConfigurationOutput},
    types::State,
};
use aws_sdk_sns::{error::ProvideErrorMetadata, types::Subscription};
use aws_sdk_sqs::{operation::get_queue_url::GetQueueUrlError, types::QueueAttributeName};
use clap::Args;
use comfy_table::Table;
use infra::{
    containers::Service,
    routes::{FUNCTIONS, Queue},
    stacks::{self, Kind},
    stage::Stage,
};
use serde_json::{Value, json};

use crate::{
    arguments,
    aws::{self, AwsClients, call, connect, explained},
    deploy::{self, DeployedStack, alias::ALIAS, containers, describe},
    output::{self, Report, counted},
};

#[derive(Args)]
pub struct Status {
    /// Stage to show
    #[arg(long, default_value = "local", value_parser = arguments::stage(), hide_possible_values = true)]
    stage: String,
}

/// One resource that should exist.
struct Row {
    cells: Vec<String>,
    /// The problem, if there is one.
    trouble: Option<String>,
}

const MISSING: &str = "missing";
/// What the table calls a queue.
const fn title(queue: Queue) -> &'static str {
    match queue {
        Queue::Submissions => "submissions",
        Queue::DeadLetters => "dead-letter queue",
        Queue::Orders => "orders",
        Queue::OrderDeadLetters => "dead-letter queue of orders",
        Queue::Mails => "mails",
        Queue::MailDeadLetters => "dead-letter queue of mails",
        Queue::Bounces => "bounces",
        Queue::BounceDeadLetters => "dead-letter queue of bounces",
        Queue::Erasures => "erasures",
        Queue::ErasureDeadLetters => "dead-letter queue of erasures",
        Queue::ImportDeadLetters => "dead-letter queue of imports",
    }
}

const STACK: [&str; 4] = ["stack", "status", "changed", "protection"];
const FUNCTION: [&str; 5] = ["function", "live", "code", "changed", "state"];
const SERVICE: [&str; 4] = ["service", "healthy tasks", "least", "most"];
const QUEUE: [&str; 4] = ["queue", "waiting", "in flight", "delayed"];
/// Columns of numbers.
const NUMBERS: [&str; 7] = ["live", "waiting", "in flight", "delayed", "healthy tasks", "least", "most"];

pub async fn run(args: &Status) -> Result<Report> {
    let (stage, aws) = connect(&args.stage).await?;
    let stacks = stacks(&aws, &stage).await?;
    if stacks.iter().all(|stack| stack.cells[1] == MISSING) {
        bail!("nothing is deployed: run `{}`", stage.deploy_command());
    }
    let functions = functions(&aws, &stage).await?;
    let services = services(&aws, &stage).await?;
    let mut queues = Vec::new();
    for known in Queue::ALL {
        queues.push(queue(&aws, &stage, known).await?);
    }

    let url = url(&aws, &stage).await?;
    let unheard = unheard(&aws, &stage).await?;
    let rows = [&stacks, &functions, &services, &queues].into_iter().flatten();
    let troubles: Vec<&str> = rows.filter_map(|row| row.trouble.as_deref()).chain(unheard.as_deref()).collect();
    let problem = format!("stage {} has problems:\n  {}", stage.name, troubles.join("\n  "));
    let text = format!(
        "Stage {} in {}, {}\n\n{}\n\n{}\n\n{}{}",
        stage.name,
        stage.region,
        url.as_deref().unwrap_or("no URL"),
        table(&STACK, &stacks),
        table(&FUNCTION, &functions),
        if services.is_empty() { String::new() } else { format!("{}\n\n", table(&SERVICE, &services)) },
        table(&QUEUE, &queues)
    );
    let json = json!({
        "stage": stage.name,
        "region": stage.region,
        "url": url,
        "stacks": objects(&STACK, &stacks),
        "functions": objects(&FUNCTION, &functions),
        "services": objects(&SERVICE, &services),
        "queues": objects(&QUEUE, &queues),
        "problems": troubles,
    });
    Ok(Report::new(text, json).with_problem((!troubles.is_empty()).then_some(problem)))
}

/// Why alarms and budget of a monitored stage reach nobody.
async fn unheard(aws: &AwsClients, stage: &Stage) -> Result<Option<String>> {
    if stage.monitoring.is_none() {
        return Ok(None);
    }
    let operations = stage.physical(Kind::Operations.name());
    let topics = describe::resources_of_type(aws, &operations, "AWS::SNS::Topic").await?;
    // A missing stack is reported already.
    let Some(topic) = topics.first() else { return Ok(None) };
    let mut subscriptions = Vec::new();
    let mut pages = aws.sns.list_subscriptions_by_topic().topic_arn(topic).into_paginator().send();
    while let Some(page) = pages.next().await {
        match page {
            Ok(page) => subscriptions.extend(page.subscriptions.unwrap_or_default()),
            // Others than administrators may see the rest.
            Err(error) if error.code() == Some("AuthorizationError") => return Ok(None),
            Err(error) => return Err(explained(error)).context("listing who is notified of alarms"),
        }
    }
    Ok(silence(stage, &subscriptions))
}

/// What is wrong with the subscriptions; SNS gives those that nobody confirmed a word in place of an ARN.
fn silence(stage: &Stage, subscriptions: &[Subscription]) -> Option<String> {
    let is_confirmed =
        |subscription: &&Subscription| subscription.subscription_arn().is_some_and(|arn| arn.starts_with("arn:"));
    let (confirmed, pending): (Vec<_>, Vec<_>) = subscriptions.iter().partition(is_confirmed);
    let pending: Vec<&str> = pending.iter().filter_map(|subscription| subscription.endpoint()).collect();
    let reached = if confirmed.is_empty() { "nobody" } else { "not all" };
    if !pending.is_empty() {
        return Some(format!(
            "alarms reach {reached}: {} did not confirm the subscription; follow the link in the mail of AWS \
             Notifications (`aws sns subscribe` sends it again)",
            pending.join(", ")
        ));
    }
    confirmed.is_empty().then(|| {
        format!("alarms reach nobody: set `email` in [monitoring] of infra/stages/{}.toml and deploy", stage.name)
    })
}

async fn url(aws: &AwsClients, stage: &Stage) -> Result<Option<String>> {
    if stage.is_local() {
        return aws::running_url();
    }
    Ok(deploy::outputs(aws, stage, Kind::App).await.ok().and_then(|mut outputs| outputs.remove("Url")))
}

async fn stacks(aws: &AwsClients, stage: &Stage) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for deployed in stacks::all(stage)? {
        let name = &deployed.name;
        rows.push(stack(stage, name, deployed.protect, describe::describe(aws, name).await?.as_ref()));
    }
    Ok(rows)
}

fn stack(stage: &Stage, name: &str, protect: bool, found: Option<&DeployedStack>) -> Row {
    let Some(found) = found else {
        return Row::missing(name, 3);
    };
    let status = found.stack_status().map_or("", |status| status.as_str());
    let changed = found.last_updated_time().or(found.creation_time()).map(second).unwrap_or_default();
    let locked = found.enable_termination_protection().unwrap_or_default();
    let is_protected = locked && describe::is_protected(found);
    let trouble = stuck(name, status).or_else(|| {
        let forgotten = protect && !is_protected;
        forgotten.then(|| {
            format!("{name} is not protected yet: run `{}`, which protects it at the end", stage.deploy_command())
        })
    });
    let protection = if is_protected { "protected" } else { "" };
    Row { cells: vec![name.to_owned(), status.to_owned(), changed, protection.to_owned()], trouble }
}

/// A rolled back change leaves a working stack; a rolled back creation does not.
fn stuck(name: &str, status: &str) -> Option<String> {
    let serves =
        ["CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE"].contains(&status);
    let moves = status.ends_with("_IN_PROGRESS") && status != "REVIEW_IN_PROGRESS";
    (!serves && !moves).then(|| format!("{name} is stuck: {status}"))
}

/// The services of containers, with the tasks that the load balancer finds healthy.
async fn services(aws: &AwsClients, stage: &Stage) -> Result<Vec<Row>> {
    let Some(settings) = &stage.containers else { return Ok(Vec::new()) };
    let row = |(service, healthy): (Service, usize)| {
        let range = service.tasks(settings);
        let least = usize::from(range.min);
        let trouble = (healthy < least).then(|| {
            format!(
                "{} has {} of at least {least}: `{}` shows why",
                service.name(),
                counted(healthy, "healthy task"),
                containers::logs_command(stage)
            )
        });
        let cells = [service.name().to_owned(), healthy.to_string(), range.min.to_string(), range.max.to_string()];
        Row { cells: cells.into(), trouble }
    };
    Ok(containers::healthy(aws, stage).await?.into_iter().map(row).collect())
}

async fn functions(aws: &AwsClients, stage: &Stage) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for function in FUNCTIONS {
        let asked = aws.lambda.get_function_configuration().function_name(stage.physical(function.name));
        rows.push(match asked.qualifier(ALIAS).send().await {
            Ok(live) => function_row(function.name, &live),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(GetFunctionConfigurationError::is_resource_not_found_exception) =>
            {
                Row::missing(function.name, 4)
            }
            Err(error) => return Err(explained(error)).with_context(|| format!("describing {}", function.name)),
        });
    }
    Ok(rows)
}

fn function_row(name: &str, live: &GetFunctionConfigurationOutput) -> Row {
    let state = live.state().map_or("", |state| state.as_str());
    let cells = vec![
        name.to_owned(),
        live.version().unwrap_or_default().to_owned(),
        live.code_sha256().unwrap_or_default().chars().take(12).collect(),
        live.last_modified().unwrap_or_default().chars().take(19).chain(['Z']).collect(),
        state.to_owned(),
    ];
    let failed = live.state() == Some(&State::Failed);
    let reason = live.state_reason().unwrap_or("Lambda gave no reason");
    Row { cells, trouble: failed.then(|| format!("{name} cannot run: {reason}")) }
}

async fn queue(aws: &AwsClients, stage: &Stage, queue: Queue) -> Result<Row> {
    let name = queue.name();
    let url = match aws.sqs.get_queue_url().queue_name(stage.physical(name)).send().await {
        Ok(found) => found.queue_url.context("SQS returned no URL")?,
        Err(error) if error.as_service_error().is_some_and(GetQueueUrlError::is_queue_does_not_exist) => {
            return Ok(Row::missing(title(queue), 3));
        }
        Err(error) => return Err(explained(error)).with_context(|| format!("looking up the queue {name}")),
    };
    let counts = [
        QueueAttributeName::ApproximateNumberOfMessages,
        QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
        QueueAttributeName::ApproximateNumberOfMessagesDelayed,
    ];
    let asked = aws.sqs.get_queue_attributes().queue_url(url).set_attribute_names(Some(counts.to_vec()));
    let answer = call(asked.send()).await.with_context(|| format!("reading the attributes of the queue {name}"))?;
    let count = |name| answer.attributes().and_then(|all| all.get(name)).map_or("?", String::as_str);
    let cells: Vec<String> = [title(queue)].into_iter().chain(counts.iter().map(count)).map(str::to_owned).collect();
    let has_dead_letters = queue.dead_letters().is_none() && cells[1] != "0";
    let trouble = has_dead_letters.then(|| {
        let messages = counted(cells[1].parse().unwrap_or_default(), "message");
        format!("the {} has {messages}: `{}` lists them", title(queue), stage.command("redrive"))
    });
    Ok(Row { cells, trouble })
}

impl Row {
    fn missing(name: &str, further: usize) -> Self {
        let mut cells = vec![name.to_owned(), MISSING.to_owned()];
        cells.resize(1 + further, String::new());
        Self { cells, trouble: Some(format!("{name} is missing")) }
    }
}

fn table(header: &[&str], rows: &[Row]) -> Table {
    output::table(header, rows.iter().map(|row| &row.cells))
}

/// The rows for programs: one object each, named by the header, with null for an empty cell.
fn objects(header: &[&str], rows: &[Row]) -> Vec<Value> {
    let value = |name: &str, cell: &str| match cell {
        "" | MISSING => Value::Null,
        number if NUMBERS.contains(&name) => number.parse::<u64>().map_or(Value::Null, Value::from),
        text => text.into(),
    };
    let object = |row: &Row| {
        let cells = header.iter().zip(&row.cells).map(|(name, cell)| (name.replace(' ', "_"), value(name, cell)));
        cells.chain([("missing".to_owned(), (row.cells[1] == MISSING).into())]).collect()
    };
    rows.iter().map(object).collect()
}

fn second(at: &DateTime) -> String {
    DateTime::from_secs(at.secs()).fmt(DateTimeFormat::DateTime).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudformation::types::{Parameter, StackStatus};

    use super::*;

    #[test]
    fn a_stack_is_stuck_where_it_neither_serves_nor_moves() {
        for (status, is_stuck) in [
            ("CREATE_COMPLETE", false),
            ("UPDATE_IN_PROGRESS", false),
            ("UPDATE_ROLLBACK_COMPLETE", false),
            ("REVIEW_IN_PROGRESS", true),
            ("ROLLBACK_COMPLETE", true),
            ("UPDATE_ROLLBACK_FAILED", true),
            ("DELETE_FAILED", true),
        ] {
            assert_eq!(stuck("it", status).is_some(), is_stuck, "{status}");
        }
    }

    #[test]
    fn alarms_that_reach_nobody_are_a_trouble() {
        let stage = Stage::load("prod").unwrap();
        let subscription =
            |arn: &str, endpoint: &str| Subscription::builder().subscription_arn(arn).endpoint(endpoint).build();
        let ana = || subscription("arn:aws:sns:us-east-1:111122223333:anaquel-prod-notices:1", "ana@example.org");
        let ben = || subscription("PendingConfirmation", "ben@example.org");
        for (subscriptions, expected) in [
            (vec![], Some("alarms reach nobody: set `email` in [monitoring] of infra/stages/prod.toml and deploy")),
            (
                vec![ben()],
                Some("alarms reach nobody: ben@example.org did not confirm the subscription; follow the link"),
            ),
            (vec![ana(), ben()], Some("alarms reach not all: ben@example.org did not confirm")),
            (vec![ana()], None),
        ] {
            let found = silence(&stage, &subscriptions);
            assert_eq!(found.is_some(), expected.is_some(), "{found:?}");
            assert!(expected.is_none_or(|expected| found.as_ref().unwrap().starts_with(expected)), "{found:?}");
        }
    }

    #[test]
    fn a_stack_that_should_be_protected_and_is_not_yet_is_a_trouble() {
        let found = |parameter: &str, locked| {
            let parameter = Parameter::builder().parameter_key("DeletionProtection").parameter_value(parameter).build();
            let stack = DeployedStack::builder().stack_name("it").stack_status(StackStatus::CreateComplete);
            let stack = stack.creation_time(DateTime::from_secs(0)).enable_termination_protection(locked);
            stack.parameters(parameter).build()
        };
        for (parameter, locked, protect, cell, troubled) in [
            ("true", true, true, "protected", false),
            ("false", false, true, "", true),
            ("true", false, true, "", true),
            ("false", false, false, "", false),
        ] {
            let row = stack(&Stage::load("prod").unwrap(), "it", protect, Some(&found(parameter, locked)));
            assert_eq!(
                (row.cells[3].as_str(), row.trouble.is_some()),
                (cell, troubled),
                "{parameter} {locked} {protect}"
            );
        }
    }

    #[test]
    fn programs_get_numbers_and_null_for_what_is_missing() {
        let row = |cells: &[&str]| Row { cells: cells.iter().map(|cell| (*cell).to_owned()).collect(), trouble: None };
        let rows = [row(&["submissions", "2", "0", "?"]), Row::missing(title(Queue::DeadLetters), 3)];
        let expected = json!([
            { "queue": "submissions", "waiting": 2, "in_flight": 0, "delayed": null, "missing": false },
            { "queue": "dead-letter queue", "waiting": null, "in_flight": null, "delayed": null, "missing": true },
        ]);
        assert_eq!(json!(objects(&QUEUE, &rows)), expected);
    }

    #[test]
    fn a_function_that_cannot_run_is_told_with_its_reason() {
        let function =
            |state| GetFunctionConfigurationOutput::builder().state(state).state_reason("no such key").build();
        let trouble = function_row("show-book", &function(State::Failed)).trouble;
        assert_eq!(trouble.unwrap(), "show-book cannot run: no such key");
        assert_eq!(function_row("show-book", &function(State::Inactive)).trouble, None);
    }
}
