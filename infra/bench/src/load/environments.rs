//! Execution environments of functions, as Lambda runs them: each serves one request at a time, a request that finds none idle
//! starts one, and beyond the reserved concurrency requests are throttled.
//! <https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html>

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Display,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
        mpsc::{self, Receiver, Sender},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::Value;
use shared::parameters::{Parameter, Queue};
use uuid::Uuid;

use super::{
    outcome::{Ending, Outcome},
    queues::{LoadQueue, event},
    shoppers::Request,
};
use crate::{
    MeasuredFunction, Parameters, cases,
    drill::{Flag, returned},
    host::{Host, Objects, Observer, Reaction, Transport},
    process::FunctionProcess,
};

/// The part of a queue's URL that is its name.
pub fn queue_name(url: &str) -> &str {
    url.rsplit('/').next().unwrap_or(url)
}

/// The queues of a load test.
pub struct Queues {
    received: Vec<(Queue, String, LoadQueue)>,
    /// Messages to other queues, which nobody receives.
    parked: Mutex<Vec<String>>,
}

impl Queues {
    /// Queues with consumers, by their URLs in the parameters.
    ///
    /// # Errors
    /// A URL is missing.
    pub fn of(queues: impl Iterator<Item = Queue>, parameters: &Parameters) -> Result<Self> {
        let named = |queue| {
            let url = parameters.get(Parameter::Queue(queue))?;
            anyhow::Ok((queue, queue_name(url).to_owned(), LoadQueue::default()))
        };
        Ok(Self { received: queues.map(named).collect::<Result<_>>()?, parked: Mutex::default() })
    }

    pub fn each(&self) -> impl Iterator<Item = &LoadQueue> {
        self.received.iter().map(|(_, _, queue)| queue)
    }

    /// The queue with its name on AWS.
    ///
    /// # Errors
    /// It has no consumer.
    pub fn get(&self, queue: Queue) -> Result<(&str, &LoadQueue)> {
        let found = self.received.iter().find(|(known, _, _)| *known == queue);
        let (_, name, messages) = found.with_context(|| format!("queue {} has no consumer", queue.name()))?;
        Ok((name, messages))
    }

    /// Bodies of messages that were sent to a queue without consumer.
    pub fn parked(&self) -> Vec<String> {
        self.parked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Deliveries that consumers have returned.
    pub fn returned(&self) -> u64 {
        self.each().map(|queue| queue.depth(Instant::now()).returned).sum()
    }

    /// Messages that were delivered in another order than they came.
    pub fn shuffled(&self) -> u64 {
        self.each().map(|queue| queue.depth(Instant::now()).shuffled).sum()
    }

    /// Messages that were delivered again after they were deleted.
    pub fn duplicated(&self) -> u64 {
        self.each().map(|queue| queue.depth(Instant::now()).duplicated).sum()
    }

    /// Stores what the functions send, unless `intercept` has another reaction.
    pub fn observer(self: &Arc<Self>, intercept: Option<Observer>) -> Observer {
        let queues = self.clone();
        Arc::new(move |target, body| {
            let reaction = intercept.as_ref().map_or(Reaction::Answer, |intercept| intercept(target, body));
            if target == "AmazonSQS.SendMessage" && reaction == Reaction::Answer {
                queues.accept(body);
            }
            reaction
        })
    }

    fn accept(&self, call: &[u8]) {
        let call: Value = serde_json::from_slice(call).unwrap_or_default();
        let name = queue_name(call["QueueUrl"].as_str().unwrap_or_default());
        let body = call["MessageBody"].as_str().unwrap_or_default().to_owned();
        match self.received.iter().find(|(_, known, _)| known == name) {
            Some((_, _, queue)) => queue.send(call["MessageGroupId"].as_str(), body, Instant::now()),
            None => self.parked.lock().unwrap_or_else(PoisonError::into_inner).push(body),
        }
    }
}

/// Shared by all environments of a test.
#[derive(Clone)]
pub struct Surroundings {
    pub parameters: Parameters,
    pub observer: Observer,
    pub processes: Arc<Processes>,
}

/// The processes that run, by process id.
#[derive(Default)]
pub struct Processes(Mutex<BTreeMap<u32, String>>);

impl Processes {
    /// Process ids with the names of the functions.
    pub fn all(&self) -> Vec<(u32, String)> {
        self.lock().iter().map(|(pid, name)| (*pid, name.clone())).collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u32, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A process that is among those that run.
struct Environment {
    process: FunctionProcess,
    processes: Arc<Processes>,
}

impl Environment {
    fn start(function: &MeasuredFunction, surroundings: &Surroundings) -> Result<Self> {
        let Surroundings { parameters, observer, processes } = surroundings;
        let host = Host::start_with(parameters.clone(), Some(observer.clone()), Objects::default(), Transport::Plain)?;
        let process = FunctionProcess::start_on(host, function)?;
        processes.lock().insert(process.pid(), function.name.clone());
        Ok(Self { process, processes: processes.clone() })
    }
}

impl Environment {
    /// None if its process has ended.
    fn alive(mut self) -> Option<Self> {
        (!self.process.has_ended()).then_some(self)
    }
}

impl Drop for Environment {
    fn drop(&mut self) {
        self.processes.lock().remove(&self.process.pid());
    }
}

/// A request for an environment, with the environment.
struct Job {
    request: Request,
    intended: Instant,
    outcomes: Sender<Outcome>,
    environment: Sender<Job>,
}

/// The environments of one HTTP function.
pub struct Pool {
    function: MeasuredFunction,
    surroundings: Surroundings,
    /// Reserved concurrency.
    most: usize,
    timeout: Duration,
    idle: Mutex<Vec<Sender<Job>>>,
    running: AtomicUsize,
    cold_starts: AtomicU64,
}

impl Pool {
    pub fn new(function: MeasuredFunction, most: usize, timeout: Duration, surroundings: Surroundings) -> Self {
        Self {
            function,
            surroundings,
            most,
            timeout,
            idle: Mutex::default(),
            running: AtomicUsize::default(),
            cold_starts: AtomicU64::default(),
        }
    }

    pub fn environments(&self) -> usize {
        self.running.load(Ordering::Relaxed)
    }

    pub fn cold_starts(&self) -> u64 {
        self.cold_starts.load(Ordering::Relaxed)
    }

    /// Serves the request with the environment that was idle last, or with a new one.
    pub fn send(self: &Arc<Self>, request: Request, intended: Instant, outcomes: &Sender<Outcome>) {
        let class = request.class;
        let without_response =
            |ending| Outcome { class, intended, ended: Instant::now(), ending, id: None, is_cold: false };
        let idle = self.idle().pop();
        let environment = match idle {
            Some(environment) => environment,
            None if self.environments() < self.most => self.start(),
            None => {
                _ = outcomes.send(without_response(Ending::Throttled));
                return;
            }
        };
        let job = Job { request, intended, outcomes: outcomes.clone(), environment: environment.clone() };
        if environment.send(job).is_err() {
            _ = outcomes.send(without_response(Ending::Failed("the environment has ended".to_owned())));
        }
    }

    /// A thread that starts the environment at its first job.
    fn start(self: &Arc<Self>) -> Sender<Job> {
        self.running.fetch_add(1, Ordering::Relaxed);
        let (sender, jobs) = mpsc::channel();
        let pool = self.clone();
        thread::spawn(move || {
            pool.work(&jobs);
            pool.running.fetch_sub(1, Ordering::Relaxed);
        });
        sender
    }

    /// Serves jobs until one fails, or the pool forgets the environment.
    fn work(&self, jobs: &Receiver<Job>) {
        let mut running = None;
        while let Ok(job) = jobs.recv() {
            // Lambda starts the process again that has ended without an invocation.
            running = running.take().and_then(Environment::alive);
            let is_cold = running.is_none();
            if is_cold {
                self.cold_starts.fetch_add(1, Ordering::Relaxed);
            }
            let Served { ending, id } = self.serve(&mut running, &job.request);
            let Job { request: Request { class, .. }, intended, outcomes, environment } = job;
            let is_over = matches!(ending, Ending::Failed(_));
            if !is_over {
                self.idle().push(environment);
            }
            _ = outcomes.send(Outcome { class, intended, ended: Instant::now(), ending, id, is_cold });
            if is_over {
                return;
            }
        }
    }

    fn serve(&self, environment: &mut Option<Environment>, request: &Request) -> Served {
        let started = match environment.take() {
            Some(environment) => Ok(environment),
            None => Environment::start(&self.function, &self.surroundings),
        };
        let served = started.and_then(|running| {
            let host = &environment.insert(running).process.host;
            let response = host.invoke_within(&cases::of_request(request), self.timeout)?;
            let response = response.with_context(|| format!("no response within {} s", self.timeout.as_secs()))?;
            HttpResponse::of(&response.body)
        });
        served.map_or_else(
            |error| Served { ending: Ending::Failed(format!("{error:#}")), id: None },
            |response| match (response.status_code, response.id()) {
                // Such a request could not be looked for after a drill.
                (202, None) => Served { ending: Ending::Failed("202 without an id".to_owned()), id: None },
                (status, id) => Served { id, ending: Ending::Status(status) },
            },
        )
    }

    /// Ends the environments that are idle, and those at work after their request.
    pub fn stop(&self) {
        self.idle().clear();
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Sender<Job>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ending of a request, and the id of a submission or an order that was received.
struct Served {
    ending: Ending,
    id: Option<Uuid>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HttpResponse {
    status_code: u16,
    body: Option<String>,
}

impl HttpResponse {
    fn of(response: &[u8]) -> Result<Self> {
        let text = || format!("no HTTP response: {}", String::from_utf8_lossy(&response[..response.len().min(200)]));
        serde_json::from_slice(response).with_context(text)
    }

    /// The id of a rating or an order that was received.
    fn id(&self) -> Option<Uuid> {
        #[derive(Deserialize)]
        struct Received {
            id: Uuid,
        }
        let body = self.body.as_ref().filter(|_| self.status_code == 202)?;
        Some(serde_json::from_str::<Received>(body).ok()?.id)
    }
}

/// One environment of a queue's consumer.
pub struct Consumer<'a> {
    pub function: &'a MeasuredFunction,
    pub surroundings: &'a Surroundings,
    pub queue: &'a LoadQueue,
    /// Name of the queue.
    pub name: &'a str,
    pub timeout: Duration,
}

impl Consumer<'_> {
    /// Processes batches until the load test is over. A failure starts another environment, as Lambda does.
    pub fn work(&self, running: &AtomicUsize, over: &Flag) {
        let mut process = None;
        while !over.is_set() {
            let batch = self.queue.receive(Instant::now());
            if batch.is_empty() {
                thread::sleep(Duration::from_millis(5));
                continue;
            }
            let returned = self.invoke(&mut process, running, &event(&batch, self.name));
            if let Err(error) = &returned {
                eprintln!("  {}: {error:#}", self.function.name);
                if process.take().is_some() {
                    running.fetch_sub(1, Ordering::Relaxed);
                }
            }
            self.queue.complete(&batch, returned.as_ref().ok(), Instant::now());
        }
    }

    fn invoke(
        &self,
        process: &mut Option<Environment>,
        running: &AtomicUsize,
        event: &impl Display,
    ) -> Result<BTreeSet<Uuid>> {
        if process.is_none() {
            *process = Some(Environment::start(self.function, self.surroundings)?);
            running.fetch_add(1, Ordering::Relaxed);
        }
        let Environment { process, .. } = process.as_ref().context("it was started")?;
        let response = process.host.invoke_within(event.to_string().as_bytes(), self.timeout)?;
        returned(&response.with_context(|| format!("no response within {} s", self.timeout.as_secs()))?.body)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rustix::process::{Pid, Signal, kill_process};
    use serde_json::json;

    use super::*;
    use crate::{load::Class, own_database::built};

    fn rating() -> Request {
        let body = Some(json!({ "stars": 5 }));
        Request { class: Class::Rating, path: "/api/books/1/ratings".to_owned(), body, key: Uuid::from_u128(1) }
    }

    fn pool(most: usize) -> Arc<Pool> {
        let values = [(Parameter::Queue(Queue::Submissions), "http://queue"), (Parameter::SubmissionKey, KEY)];
        let named = |(name, value): (Parameter, &str)| (format!("/anaquel/local/{name}"), value.to_owned());
        let parameters = Parameters(values.map(named).into());
        let surroundings = Surroundings {
            parameters: parameters.clone(),
            observer: Arc::new(|_, _| Reaction::Answer),
            processes: Arc::default(),
        };
        Arc::new(Pool::new(built("submit-rating", &parameters), most, Duration::from_secs(10), surroundings))
    }

    const KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

    fn answered(received: &Receiver<Outcome>) -> Outcome {
        received.recv_timeout(Duration::from_secs(30)).expect("an outcome")
    }

    #[ignore = "needs the built functions"]
    #[test]
    fn a_process_that_was_killed_while_idle_starts_again_without_an_error() {
        let pool = pool(1);
        let (outcomes, received) = mpsc::channel();
        let send = || {
            pool.send(rating(), Instant::now(), &outcomes);
            let Outcome { ending, is_cold, id, .. } = answered(&received);
            assert_eq!((ending, id.is_some()), (Ending::Status(202), true));
            is_cold
        };
        assert!(send());
        assert!(!send());
        let [(pid, _)] = &pool.surroundings.processes.all()[..] else { panic!("one process") };
        kill_process(Pid::from_raw(pid.cast_signed()).unwrap(), Signal::KILL).unwrap();
        while !fs::read_to_string(format!("/proc/{pid}/stat")).unwrap().contains(") Z ") {
            thread::sleep(Duration::from_millis(5));
        }
        assert!(send());
        assert_eq!((pool.cold_starts(), pool.environments()), (2, 1));
    }

    #[ignore = "needs the built functions"]
    #[test]
    fn beyond_the_reserved_concurrency_requests_are_throttled() {
        let pool = pool(1);
        let (outcomes, received) = mpsc::channel();
        for _ in 0..2 {
            pool.send(rating(), Instant::now(), &outcomes);
        }
        let endings = [(); 2].map(|()| answered(&received).ending);
        assert_eq!(endings, [Ending::Throttled, Ending::Status(202)]);
    }
}
