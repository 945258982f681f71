//! The load test of a stage, by its address.

use std::{
    collections::BTreeMap,
    fmt::Write,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::Sender,
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use bench::load::{Course, Ending, Observation, Outcome, Report, Request, SAMPLE, SampledBook, Samples, Target, line};
use infra::{cost, stacks::Kind, stage::Stage};
use serde::Deserialize;
use serde_json::Value;
use shared::{aws::Trust, domain::Author, http::Query, https::HttpsClient};
use tokio::{runtime::Handle, task::spawn_blocking};

use crate::{
    aws::{self, AwsClients, connect_deployed},
    deploy,
    output::confirm,
};

/// Longer than a load balancer and a function take together.
const TIMEOUT: Duration = Duration::from_secs(35);
/// The largest page or list.
const LARGEST_ANSWER: usize = 2_000_000;
/// Requests that may wait for their responses: of a target that answers none, no more are sent.
const MOST_IN_FLIGHT: usize = 1_000;
/// Books of which the authors and genres are read.
const DETAILS: usize = 50;
/// Addresses of orders. Of a stage on AWS the mails go to Amazon's simulator, which takes them without harm to the sender.
/// <https://docs.aws.amazon.com/ses/latest/dg/send-an-email-from-console.html>
const HERE: &str = "load-test-{}@example.org";
const ON_AWS: &str = "success+{}@simulator.amazonses.com";

/// Loads the stage, after a question if it is on AWS.
pub async fn load(name: &str, course: Course, yes: bool) -> Result<Report> {
    let (stage, aws) = connect_deployed(name).await?;
    let url = url(&stage, &aws).await?;
    if !stage.is_local() {
        let question = question(&stage, &course)?;
        confirm(&question, yes, "Nothing was sent")?;
    }
    let client = Arc::new(HttpsClient::trusting(Trust::System, TIMEOUT).reading_up_to(LARGEST_ANSWER));
    let samples = samples(&client, &url, &stage).await.with_context(|| format!("reading books of {url}"))?;
    errln!("Load test of {url} with seed {} …", course.seed);
    let target = Site { client, url: url.clone(), handle: Handle::current(), in_flight: Arc::default() };
    let running = course.clone();
    let steps = spawn_blocking(move || running.run(&samples, &target, |step| errln!("  {}", line(step))));
    let steps = steps.await.context("the load test panicked")??;
    Ok(Report { target: url, course, connection_budget: None, limits: BTreeMap::new(), steps, messages: None })
}

async fn url(stage: &Stage, aws: &AwsClients) -> Result<String> {
    let url = if stage.is_local() {
        aws::running_url()?.context("the shop is not running: start it with `cargo bookstore up`")?
    } else {
        deploy::outputs(aws, stage, Kind::App).await?.remove("Url").context("the stack has no URL")?
    };
    Ok(url.trim_end_matches('/').to_owned())
}

/// The question before a test: its cost, and the traces that it leaves.
///
/// # Errors
/// The stage is protected, and the mix would write to it.
fn question(stage: &Stage, course: &Course) -> Result<String> {
    if stage.protect && course.mix.writes() {
        bail!(
            "stage {0} has `protect = true`, and the mix `{1}` stores ratings or orders, which nobody removes; use `--mix browse` \
             or `--mix search`, or load a stage with other data",
            stage.name,
            course.mix.name()
        );
    }
    let requests = course.most_requests;
    let usd = cost::of_requests(stage, requests)?;
    let mut question = format!(
        "The load test sends up to {requests} requests to stage {}, for about ${usd:.2} beside what the stage costs idle.",
        stage.name
    );
    if course.mix.writes() {
        question.push_str(" It stores ratings, which stay.");
    }
    if course.mix.orders() {
        question.push_str(" Its orders take copies from the stock until they are cancelled, and their mails go to Amazon's simulator.");
    }
    if let Some(firewall) = &stage.firewall {
        _ = write!(
            question,
            " The firewall refuses requests of one address after {} in five minutes.",
            firewall.requests_per_address
        );
    }
    question.push_str(" Send them?");
    Ok(question)
}

/// The shop at an address.
struct Site {
    client: Arc<HttpsClient>,
    url: String,
    handle: Handle,
    in_flight: Arc<AtomicUsize>,
}

impl Target for Site {
    fn send(&self, request: Request, intended: Instant, outcomes: &Sender<Outcome>) {
        let (client, outcomes, in_flight) = (self.client.clone(), outcomes.clone(), self.in_flight.clone());
        let outcome =
            move |class, ending| Outcome { class, intended, ended: Instant::now(), ending, id: None, is_cold: false };
        if in_flight.load(Ordering::Relaxed) >= MOST_IN_FLIGHT {
            let ending = Ending::Failed(format!("{MOST_IN_FLIGHT} requests waited for their responses"));
            _ = outcomes.send(outcome(request.class, ending));
            return;
        }
        in_flight.fetch_add(1, Ordering::Relaxed);
        let url = format!("{}{}", self.url, request.path);
        self.handle.spawn(async move {
            let key = request.key.to_string();
            let headers =
                [("accept-language", "es"), ("content-type", "application/json"), ("idempotency-key", key.as_str())];
            let headers = if request.body.is_some() { headers.as_slice() } else { &headers[..1] };
            let body = request.body.as_ref().map(Value::to_string).unwrap_or_default();
            let sent = client.send(request.method(), &url, headers, body).await;
            let ending =
                sent.map_or_else(|error| Ending::Failed(format!("{error:#}")), |answer| Ending::Status(answer.status));
            in_flight.fetch_sub(1, Ordering::Relaxed);
            _ = outcomes.send(outcome(request.class, ending));
        });
    }

    fn observe(&self) -> Observation {
        Observation::default()
    }
}

#[derive(Deserialize)]
struct List {
    items: Vec<Listed>,
    next: Option<String>,
}

#[derive(Deserialize)]
struct Listed {
    id: u32,
    title: String,
    stock: u32,
    price: Option<Price>,
}

#[derive(Deserialize)]
struct Price {
    minor: u32,
}

#[derive(Deserialize)]
struct Detailed {
    authors: Vec<Author>,
    genres: Vec<String>,
}

/// The most popular books of the shop; the first ones with author and genre.
async fn samples(client: &HttpsClient, url: &str, stage: &Stage) -> Result<Samples> {
    let mut books = Vec::new();
    let mut next = format!("{url}/api/books?limit={}", Query::LIMITS.end());
    loop {
        let list: List = read(client, &next).await?;
        books.extend(list.items.into_iter().map(|Listed { id, title, stock, price }| SampledBook {
            id,
            title,
            author: None,
            genre: None,
            price: price.filter(|_| stock > 0).map(|price| price.minor),
        }));
        match list.next {
            Some(cursor) if books.len() < SAMPLE => {
                next = format!("{url}/api/books?limit={}&cursor={cursor}", Query::LIMITS.end());
            }
            _ => break,
        }
    }
    for book in books.iter_mut().take(DETAILS) {
        let detailed: Detailed = read(client, &format!("{url}/api/books/{}", book.id)).await?;
        book.author = detailed.authors.into_iter().next();
        book.genre = detailed.genres.into_iter().next();
    }
    Samples::of(books, &stage.currency, if stage.is_local() { HERE } else { ON_AWS })
}

async fn read<T: for<'de> Deserialize<'de>>(client: &HttpsClient, url: &str) -> Result<T> {
    let answer = client.get(url).await?;
    ensure!(answer.status == 200, "{url} answered with status {}", answer.status);
    serde_json::from_slice(&answer.body).with_context(|| format!("reading the answer of {url}"))
}

#[cfg(test)]
mod tests {
    use bench::load::{Mix, Targets};

    use super::*;

    fn course(mix: Mix) -> Course {
        Course {
            mix,
            first_rate: 25.0,
            growth: None,
            seconds: 20.0,
            warm_up: 5.0,
            targets: Targets { p99: 500.0, errors: 1.0, queue_age: 30.0 },
            most_steps: 1,
            most_requests: 100_000,
            most_seconds: 60,
            seed: 1,
        }
    }

    #[test]
    fn a_stage_on_aws_is_loaded_after_a_question_with_its_cost_and_what_stays() {
        let dev = Stage::load("dev").unwrap();
        let question = question(&dev, &course(Mix::Mixed)).unwrap();
        assert!(question.contains("up to 100000 requests to stage dev, for about $"), "{question}");
        assert!(
            question.contains("stores ratings, which stay") && question.contains("Amazon's simulator"),
            "{question}"
        );
    }

    #[test]
    fn no_rating_and_no_order_of_a_load_test_is_stored_in_a_protected_stage() {
        let prod = Stage::load("prod").unwrap();
        for mix in [Mix::Rate, Mix::Order, Mix::Mixed] {
            let refusal = question(&prod, &course(mix)).unwrap_err().to_string();
            assert!(refusal.starts_with("stage prod has `protect = true`"), "{refusal}");
        }
        assert!(question(&prod, &course(Mix::Browse)).unwrap().ends_with("Send them?"));
    }
}
