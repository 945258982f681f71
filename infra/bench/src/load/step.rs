//! One step of a load test: requests at one rate for some seconds, and what they and the target showed.

use std::{
    collections::BTreeMap,
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use anyhow::Result;
use rand::rngs::StdRng;
use serde::{Deserialize, Serialize};

use super::{
    arrivals::{Arrivals, wait_until},
    outcome::{CpuTimes, Ending, Observation, Outcome, Target},
    shoppers::{Mix, Samples},
};
use crate::{
    drill::Flag,
    figures::{milliseconds, percentile},
};

/// Between two looks at the target.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// A generator that starts one request in a hundred later than this has measured itself.
const LATE: f64 = 5.0;
/// CPU time that a machine must have left, in percent: with less, the generator has competed with what it measures.
const CPU_LEFT: f64 = 2.0;

/// Fewer requests have no 99th percentile.
const FEWEST: usize = 100;

/// One rate of requests for some seconds.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    pub mix: Mix,
    /// Requests per second.
    pub rate: f64,
    pub seconds: f64,
    /// Of these seconds, the first ones, whose requests do not count.
    pub warm_up: f64,
}

/// Results of one step. Times are in milliseconds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Step {
    /// Requests per second that were intended.
    pub rate: f64,
    /// Requests that count.
    pub requests: usize,
    /// Successful responses per second.
    pub throughput: f64,
    /// Of successful requests: a refusal takes no time.
    pub latency: Latency,
    /// By class of request.
    pub classes: BTreeMap<String, OfClass>,
    /// Requests without success: by status, throttled, or without a response.
    pub errors: BTreeMap<String, usize>,
    /// Starts of environments, also in the seconds before those that count.
    pub cold_starts: u64,
    /// The most environments of each function.
    pub environments: BTreeMap<String, usize>,
    /// The most connections to the database.
    pub connections: u32,
    /// Age of the oldest message at the end, in seconds, and the messages that were not finished.
    pub queue_age: f64,
    pub waiting: usize,
    /// Share of this machine's CPU time in percent; none for a target elsewhere.
    pub cpu: Option<CpuShares>,
    /// Delay of the sending of requests.
    pub lateness: Latency,
    /// Why the figures say nothing about the target; none if they are valid.
    pub invalid: Option<String>,
    /// The targets that were missed, with the figure.
    pub missed: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    pub p50: f64,
    pub p90: f64,
    pub p99: f64,
    pub max: f64,
}

/// Requests of one class.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OfClass {
    pub requests: usize,
    pub failures: usize,
    pub latency: Latency,
}

/// Shares of the machine's CPU time in percent: all cores are 100.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CpuShares {
    pub machine: f64,
    pub database: f64,
    pub generator: f64,
    /// The functions, and what else ran.
    pub functions: f64,
}

/// Limits that a step must keep.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Targets {
    /// Milliseconds of the 99th percentile.
    pub p99: f64,
    /// Requests without success, in percent.
    pub errors: f64,
    /// Seconds that the oldest message may wait.
    pub queue_age: f64,
}

impl Latency {
    pub fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let at = |percent| milliseconds(percentile(&times, percent));
        Self { p50: at(50), p90: at(90), p99: at(99), max: at(100) }
    }
}

impl CpuShares {
    fn between(before: CpuTimes, after: CpuTimes) -> Self {
        let all = after.total.saturating_sub(before.total).as_secs_f64().max(f64::EPSILON);
        let share = |after: Duration, before: Duration| 100.0 * after.saturating_sub(before).as_secs_f64() / all;
        let (machine, database, generator) = (
            share(after.busy, before.busy),
            share(after.database, before.database),
            share(after.generator, before.generator),
        );
        Self { machine, database, generator, functions: (machine - database - generator).max(0.0) }
    }
}

impl Step {
    /// Sends the requests of a step, and waits for all their outcomes.
    ///
    /// # Errors
    /// The samples have nothing for a request of the mix.
    pub fn run(
        pace: &Pace,
        samples: &Samples,
        target: &dyn Target,
        random: &mut StdRng,
        targets: &Targets,
    ) -> Result<Self> {
        let (outcomes, received) = mpsc::channel();
        let over = Flag::default();
        let start = Instant::now();
        let counted_from = start + Duration::from_secs_f64(pace.warm_up);
        let end = start + Duration::from_secs_f64(pace.seconds);
        let before = target.observe();
        let mut lateness = Vec::new();
        let (sent, looks) = thread::scope(|scope| {
            let looking = scope.spawn(|| look(target, counted_from, &over));
            let mut send_all = || -> Result<()> {
                let mut arrivals = Arrivals::from(start, pace.rate);
                loop {
                    let intended = arrivals.next(random);
                    if intended >= end {
                        return Ok(());
                    }
                    let request = samples.draw(pace.mix, random)?;
                    let late = wait_until(intended);
                    target.send(request, intended, &outcomes);
                    if intended >= counted_from {
                        lateness.push(late);
                    }
                }
            };
            let sent = send_all();
            wait_until(end);
            over.set();
            (sent, looking.join())
        });
        sent?;
        drop(outcomes);
        let looks = looks.unwrap_or_default();
        let outcomes: Vec<Outcome> = received.into_iter().filter(|outcome| outcome.intended >= counted_from).collect();
        Ok(Self::of(pace, &outcomes, lateness, &before, &looks).judged(targets))
    }

    fn of(
        pace: &Pace,
        outcomes: &[Outcome],
        lateness: Vec<Duration>,
        before: &Observation,
        looks: &[Observation],
    ) -> Self {
        let (first, last) = (looks.first().cloned().unwrap_or_default(), looks.last().cloned().unwrap_or_default());
        let mut classes: BTreeMap<String, (Vec<Duration>, usize)> = BTreeMap::new();
        let mut errors: BTreeMap<String, usize> = BTreeMap::new();
        for outcome in outcomes {
            let (times, failures) = classes.entry(outcome.class.label().to_owned()).or_default();
            if outcome.is_success() {
                times.push(outcome.took());
            } else {
                *failures += 1;
                *errors.entry(error(&outcome.ending)).or_default() += 1;
            }
        }
        let failures: usize = errors.values().sum();
        let mut environments: BTreeMap<String, usize> = BTreeMap::new();
        for (function, count) in looks.iter().flat_map(|look| &look.environments) {
            let most = environments.entry(function.clone()).or_default();
            *most = (*most).max(*count);
        }
        let requests = outcomes.len();
        Self {
            rate: pace.rate,
            requests,
            throughput: per_second(requests - failures, pace.seconds - pace.warm_up),
            latency: Latency::of(outcomes.iter().filter(|outcome| outcome.is_success()).map(Outcome::took).collect()),
            classes: classes
                .into_iter()
                .map(|(class, (times, failures))| {
                    (class, OfClass { requests: times.len() + failures, failures, latency: Latency::of(times) })
                })
                .collect(),
            errors,
            cold_starts: last.cold_starts.saturating_sub(before.cold_starts),
            environments,
            connections: looks.iter().map(|look| look.connections).max().unwrap_or_default(),
            queue_age: last.queue_age.as_secs_f64(),
            waiting: last.waiting,
            cpu: first.cpu.zip(last.cpu).map(|(before, after)| CpuShares::between(before, after)),
            lateness: Latency::of(lateness),
            invalid: None,
            missed: Vec::new(),
        }
    }

    fn judged(mut self, targets: &Targets) -> Self {
        let errors = self.error_percent();
        let Latency { p99, .. } = self.latency;
        if p99 > targets.p99 {
            self.missed.push(format!("p99 {p99:.0} ms, target {:.0} ms", targets.p99));
        }
        if errors > targets.errors {
            self.missed.push(format!("{errors:.1} % errors, target {:.1} %", targets.errors));
        }
        if self.queue_age > targets.queue_age {
            self.missed.push(format!("oldest message {:.0} s, target {:.0} s", self.queue_age, targets.queue_age));
        }
        let cpu_left = self.cpu.map(|cpu| 100.0 - cpu.machine);
        self.invalid = if self.requests < FEWEST {
            Some(format!("{} requests are too few for a 99th percentile", self.requests))
        } else if self.lateness.p99 > LATE {
            Some(format!("1 % of the requests were sent more than {:.0} ms late", self.lateness.p99))
        } else {
            let left = cpu_left.filter(|left| *left < CPU_LEFT);
            left.map(|left| format!("the generator had no CPU left: {left:.1} % of this machine was idle"))
        };
        self
    }

    /// Requests without success, in percent.
    pub fn error_percent(&self) -> f64 {
        100.0 * per_second(self.errors.values().sum(), per_second(self.requests, 1.0).max(1.0))
    }
}

/// The states of the target from then on, until the step is over.
fn look(target: &dyn Target, from: Instant, over: &Flag) -> Vec<Observation> {
    let mut looks = Vec::new();
    wait_until(from);
    loop {
        looks.push(target.observe());
        if over.is_set() {
            return looks;
        }
        thread::sleep(LOOK_EVERY);
    }
}

fn error(ending: &Ending) -> String {
    match ending {
        Ending::Status(status) => status.to_string(),
        Ending::Throttled => "throttled".to_owned(),
        Ending::Failed(_) => "no response".to_owned(),
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of a step")]
fn per_second(count: usize, seconds: f64) -> f64 {
    count as f64 / seconds
}

#[cfg(test)]
pub mod tests {
    use rand::SeedableRng;

    use super::*;
    use crate::load::{
        outcome::Observation,
        shoppers::{Class, Request, SampledBook},
    };

    pub const TARGETS: Targets = Targets { p99: 100.0, errors: 1.0, queue_age: 10.0 };

    /// A target that answers at once, except in a stall.
    struct Stalling {
        from: Instant,
        until: Instant,
    }

    impl Target for Stalling {
        fn send(&self, request: Request, intended: Instant, outcomes: &mpsc::Sender<Outcome>) {
            let stalls = (self.from..self.until).contains(&intended);
            let ended = if stalls { self.until } else { intended + Duration::from_millis(1) };
            let ending = Ending::Status(request.class.success());
            outcomes.send(Outcome { class: request.class, intended, ended, ending, id: None, is_cold: false }).unwrap();
        }

        fn observe(&self) -> Observation {
            Observation::default()
        }
    }

    fn samples() -> Samples {
        let book = SampledBook { id: 1, title: "Quijote".to_owned(), author: None, genre: None, price: None };
        Samples::of(vec![book], "EUR", "ana@example.org").unwrap()
    }

    #[test]
    fn all_requests_that_came_during_a_stall_have_its_latency() {
        let now = Instant::now();
        let target = Stalling { from: now + Duration::from_millis(400), until: now + Duration::from_millis(600) };
        let pace = Pace { mix: Mix::Browse, rate: 500.0, seconds: 1.0, warm_up: 0.2 };
        let mut random = StdRng::seed_from_u64(1);
        let step = Step::run(&pace, &samples(), &target, &mut random, &TARGETS).unwrap();
        assert!((300..500).contains(&step.requests), "{}", step.requests);
        assert!(step.latency.p50 < 2.0 && step.latency.p90 > 50.0 && step.latency.p99 > 150.0, "{:?}", step.latency);
        assert!(step.missed[0].starts_with("p99 "), "{:?}", step.missed);
    }

    fn outcome(class: Class, ending: Ending) -> Outcome {
        let intended = Instant::now();
        Outcome { class, intended, ended: intended + Duration::from_millis(10), ending, id: None, is_cold: false }
    }

    fn judged(outcomes: &[Outcome], late: Duration, looks: &[Observation]) -> Step {
        let pace = Pace { mix: Mix::Browse, rate: 1.0, seconds: 2.0, warm_up: 0.0 };
        Step::of(&pace, outcomes, vec![late], &Observation::default(), looks).judged(&TARGETS)
    }

    #[test]
    fn a_throttled_request_and_another_status_than_expected_are_errors() {
        let outcomes = vec![
            outcome(Class::Home, Ending::Status(200)),
            outcome(Class::Rating, Ending::Status(202)),
            outcome(Class::Home, Ending::Throttled),
            outcome(Class::Rating, Ending::Status(503)),
        ];
        let outcomes: Vec<Outcome> = outcomes.into_iter().cycle().take(100).collect();
        let step = judged(&outcomes, Duration::ZERO, &[]);
        assert_eq!(step.errors, [("503".to_owned(), 25), ("throttled".to_owned(), 25)].into());
        assert_eq!((step.throughput, step.error_percent()), (25.0, 50.0));
        assert_eq!((step.classes["rating"].requests, step.classes["rating"].failures), (50, 25));
        assert_eq!(step.missed, ["50.0 % errors, target 1.0 %"]);
    }

    #[test]
    fn a_step_whose_generator_was_late_or_had_no_cpu_left_is_invalid() {
        let of = |busy, late| {
            let times = |total, busy| CpuTimes {
                total: Duration::from_secs(total),
                busy: Duration::from_millis(busy),
                ..CpuTimes::default()
            };
            let look = |cpu| Observation { cpu: Some(cpu), ..Observation::default() };
            judged(
                &vec![outcome(Class::Home, Ending::Status(200)); 100],
                late,
                &[look(times(0, 0)), look(times(10, busy))],
            )
        };
        assert_eq!(of(5_000, Duration::from_millis(4)).invalid, None);
        let late = of(5_000, Duration::from_millis(9)).invalid.unwrap();
        assert_eq!(late, "1 % of the requests were sent more than 9 ms late");
        let full = of(9_900, Duration::ZERO).invalid.unwrap();
        assert_eq!(full, "the generator had no CPU left: 1.0 % of this machine was idle");
    }

    #[test]
    fn refusals_do_not_make_the_shop_look_quicker_and_few_requests_have_no_percentile() {
        let slow = outcome(Class::Home, Ending::Status(200));
        let refused = Outcome { ended: slow.intended, ..outcome(Class::Home, Ending::Throttled) };
        let step = judged(&[vec![slow; 50], vec![refused; 60]].concat(), Duration::ZERO, &[]);
        assert!(step.latency.p50 > 9.9 && step.invalid.is_none(), "{step:?}");
        let few = judged(&[outcome(Class::Home, Ending::Status(200))], Duration::ZERO, &[]);
        assert_eq!(few.invalid.as_deref(), Some("1 requests are too few for a 99th percentile"));
    }

    #[test]
    fn a_queue_that_falls_behind_misses_its_target() {
        let look = Observation { queue_age: Duration::from_secs(12), waiting: 3, ..Observation::default() };
        let step = judged(&[outcome(Class::Rating, Ending::Status(202))], Duration::ZERO, &[look]);
        assert_eq!(step.missed, ["oldest message 12 s, target 10 s"]);
    }
}
