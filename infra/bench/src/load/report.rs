//! The report of a load test: text, and what it concludes.

use std::{collections::BTreeMap, fmt::Write};

use comfy_table::Table;
use serde::{Deserialize, Serialize};

use super::{
    Course,
    step::{CpuShares, Step},
};

/// CPU time of a machine, in percent, from which it counts as full.
const FULL: f64 = 95.0;

/// A load test with all its steps.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Report {
    /// Name of the target.
    pub target: String,
    pub course: Course,
    /// Connections to the database that the functions of the stage may hold; none for a target elsewhere.
    pub connection_budget: Option<u32>,
    /// The most environments by function; empty for a target elsewhere.
    pub limits: BTreeMap<String, usize>,
    pub steps: Vec<Step>,
    /// None for a target elsewhere.
    pub messages: Option<Messages>,
}

/// Messages of a whole test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Messages {
    /// By the queues.
    pub accepted: u64,
    /// By the consumers. The others still waited when the test ended.
    pub finished: u64,
    /// Ratings and orders that have got an outcome in the database.
    pub decided: u64,
}

impl Report {
    /// The fastest valid step that met its targets.
    pub fn carried(&self) -> Option<&Step> {
        self.steps.iter().rfind(|step| step.is_met())
    }

    /// The valid step at which a target was missed.
    pub fn bend(&self) -> Option<&Step> {
        self.steps.last().filter(|step| step.invalid.is_none() && !step.missed.is_empty())
    }

    /// The resources that are full in a step.
    pub fn full(&self, step: &Step) -> Vec<String> {
        let mut full = Vec::new();
        if step.errors.contains_key("throttled") {
            let at_limit = self.limits.iter().filter(|(name, limit)| step.environments.get(*name) == Some(limit));
            let names: Vec<String> = at_limit.map(|(name, limit)| format!("{name} ({limit})")).collect();
            full.push(format!("reserved concurrency: {}", names.join(", ")));
        }
        if let Some(cpu) = step.cpu.filter(|cpu| cpu.machine >= FULL) {
            let CpuShares { machine, database, functions, generator } = cpu;
            full.push(format!(
                "CPU of this machine: {machine:.0} %, of which the database {database:.0}, the functions {functions:.0}, the \
                 generator {generator:.0}"
            ));
        }
        if let Some(budget) = self.connection_budget.filter(|budget| step.connections >= *budget) {
            full.push(format!("connections to the database: {} of {budget}", step.connections));
        }
        if step.queue_age > self.course.targets.queue_age {
            full.push(format!("consumers: {} messages wait", step.waiting));
        }
        full
    }

    /// Promises that were broken, whatever the target carries.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if let Some(Messages { finished, decided, .. }) = self.messages
            && decided < finished
        {
            problems.push(format!("{finished} messages were finished, and {decided} have an outcome"));
        }
        if let Some(budget) = self.connection_budget {
            let over = self.steps.iter().filter(|step| step.connections > budget);
            problems.extend(over.map(|step| {
                format!("{} connections at {:.0} requests/s, above the budget of {budget}", step.connections, step.rate)
            }));
        }
        problems
    }

    pub fn text(&self) -> String {
        let Course { mix, seconds, warm_up, seed, targets, .. } = &self.course;
        let mut text = format!(
            "{}\nmix {}, steps of {seconds:.0} s of which {warm_up:.0} s do not count, seed {seed}\n\
             targets: p99 {:.0} ms, errors {:.1} %, oldest message {:.0} s\n\n",
            self.target,
            mix.name(),
            targets.p99,
            targets.errors,
            targets.queue_age,
        );
        _ = writeln!(text, "{}", self.table());
        for line in self.conclusions() {
            _ = write!(text, "\n{line}");
        }
        text
    }

    /// Sentences about the whole test.
    pub fn conclusions(&self) -> Vec<String> {
        let mut lines = Vec::new();
        lines.push(self.carried().map_or("No valid step met the targets.".to_owned(), |step| {
            format!("Carried: {:.0} requests per second ({:.0} answered).", step.rate, step.throughput)
        }));
        let full = |step: &Step| match &self.full(step)[..] {
            [] => "nothing that this test can see".to_owned(),
            full => full.join("; "),
        };
        if let Some(step) = self.bend() {
            let why = step.missed.join("; ");
            lines.push(format!("It bends at {:.0} requests per second: {why}. Full: {}.", step.rate, full(step)));
        } else if let Some((step, invalid)) = self.steps.last().and_then(|step| Some((step, step.invalid.as_ref()?))) {
            let rate = step.rate;
            lines.push(format!(
                "The generator was the limit at {rate:.0} requests per second: {invalid}. Full: {}.",
                full(step)
            ));
        } else {
            lines.push("No target was missed: the test ended at its bounds.".to_owned());
        }
        if let Some(Messages { accepted, finished, decided }) = self.messages {
            lines.push(format!("Messages: {accepted} accepted, {finished} finished, {decided} with an outcome."));
        }
        lines
    }

    fn table(&self) -> Table {
        let mut table = crate::table::table(&HEADER);
        for step in &self.steps {
            table.add_row(cells(step, self.connection_budget));
        }
        table
    }
}

pub const HEADER: [&str; 13] = [
    "rate",
    "answered/s",
    "p50",
    "p90",
    "p99",
    "max",
    "errors",
    "cold",
    "environments",
    "connections",
    "queue",
    "CPU",
    "verdict",
];

/// One line of the table of steps.
pub fn cells(step: &Step, budget: Option<u32>) -> Vec<String> {
    let environments: usize = step.environments.values().sum();
    let known = |number: usize| if number == 0 { String::new() } else { number.to_string() };
    let verdict = match (&step.invalid, step.missed.is_empty()) {
        (Some(_), _) => "invalid",
        (None, true) => "pass",
        (None, false) => "missed",
    };
    vec![
        format!("{:.0}", step.rate),
        format!("{:.1}", step.throughput),
        format!("{:.1}", step.latency.p50),
        format!("{:.1}", step.latency.p90),
        format!("{:.1}", step.latency.p99),
        format!("{:.0}", step.latency.max),
        format!("{:.2} %", step.error_percent()),
        known(usize::try_from(step.cold_starts).unwrap_or(usize::MAX)),
        known(environments),
        budget.map_or(String::new(), |budget| format!("{}/{budget}", step.connections)),
        format!("{:.1} s", step.queue_age),
        step.cpu.map_or(String::new(), |cpu| format!("{:.0} %", cpu.machine)),
        verdict.to_owned(),
    ]
}

/// A step in one line, for the progress of a test.
pub fn line(step: &Step) -> String {
    let why: Vec<String> = step.missed.iter().cloned().chain(step.invalid.clone()).collect();
    format!(
        "{:.0} requests/s: p50 {:.1} ms, p99 {:.1} ms, {:.2} % errors{}",
        step.rate,
        step.latency.p50,
        step.latency.p99,
        step.error_percent(),
        if why.is_empty() { String::new() } else { format!(" ({})", why.join("; ")) }
    )
}

impl Step {
    /// Whether it is valid and missed no target.
    pub fn is_met(&self) -> bool {
        self.invalid.is_none() && self.missed.is_empty()
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::load::{
        Mix,
        step::{Latency, tests::TARGETS},
    };

    pub fn step(rate: f64) -> Step {
        let latency = Latency { p50: 2.0, p90: 4.0, p99: 9.0, max: 20.0 };
        Step {
            rate,
            requests: 1_000,
            throughput: rate,
            latency,
            classes: BTreeMap::new(),
            errors: BTreeMap::new(),
            cold_starts: 3,
            environments: [("list-books".to_owned(), 15)].into(),
            connections: 20,
            queue_age: 0.2,
            waiting: 1,
            cpu: Some(CpuShares { machine: 60.0, database: 30.0, generator: 5.0, functions: 25.0 }),
            lateness: latency,
            invalid: None,
            missed: Vec::new(),
        }
    }

    pub fn report(steps: Vec<Step>) -> Report {
        let course = Course {
            mix: Mix::Mixed,
            first_rate: 50.0,
            growth: Some(1.5),
            seconds: 20.0,
            warm_up: 5.0,
            targets: TARGETS,
            most_steps: 10,
            most_requests: 100_000,
            most_seconds: 600,
            seed: 1,
        };
        let limits = [("list-books".to_owned(), 15), ("show-book".to_owned(), 15)].into();
        let target = "a test".to_owned();
        Report {
            target,
            course,
            connection_budget: Some(100),
            limits,
            steps,
            messages: Some(Messages { accepted: 10, finished: 10, decided: 10 }),
        }
    }

    #[test]
    fn the_last_valid_step_is_what_the_target_carries_and_the_next_one_says_why_it_bends() {
        let throttled = Step {
            missed: vec!["3.0 % errors, target 1.0 %".to_owned()],
            errors: [("throttled".to_owned(), 30)].into(),
            ..step(150.0)
        };
        let report = report(vec![step(50.0), step(100.0), throttled]);
        let text = report.text();
        assert!(text.contains("Carried: 100 requests per second"), "{text}");
        let bend = "It bends at 150 requests per second: 3.0 % errors, target 1.0 %. Full: reserved concurrency: list-books (15).";
        assert!(text.contains(bend), "{text}");
    }

    #[test]
    fn an_invalid_step_carries_nothing() {
        let late = Step { invalid: Some("late".to_owned()), ..step(100.0) };
        let report = report(vec![late]);
        let text = report.text();
        assert!(text.contains("No valid step met the targets."), "{text}");
        assert!(text.contains("The generator was the limit at 100 requests per second: late."), "{text}");
    }

    #[test]
    fn a_lost_message_and_too_many_connections_are_problems() {
        let many = Step { connections: 101, ..step(50.0) };
        let messages = Some(Messages { accepted: 12, finished: 10, decided: 9 });
        let report = Report { messages, ..report(vec![many]) };
        assert_eq!(
            report.problems(),
            [
                "10 messages were finished, and 9 have an outcome",
                "101 connections at 50 requests/s, above the budget of 100"
            ]
        );
    }
}
