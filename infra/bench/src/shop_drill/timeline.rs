//! The view of shoppers, second by second, and the time until the shop recovered from each fault.

use std::{
    collections::BTreeMap,
    fmt,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

use super::faults::Fault;
use crate::load::{Ending, Outcome};

/// One fault, from its beginning to its end.
#[derive(Debug, Clone, Copy)]
pub struct Episode {
    pub fault: Fault,
    pub from: Instant,
    pub until: Instant,
    /// Hits of the fault, and messages that consumers have returned.
    pub caused: u64,
}

pub struct Timeline {
    pub began: Instant,
    pub outcomes: Vec<Outcome>,
    pub episodes: Vec<Episode>,
}

/// Failed requests by their status: `503`, or `throttled` or `no response` without one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failures(BTreeMap<String, usize>);

impl Failures {
    fn add(&mut self, ending: &Ending) {
        *self.0.entry(status(ending)).or_default() += 1;
    }

    pub fn count(&self) -> usize {
        self.0.values().sum()
    }

    /// Without those for which the host had no execution environment left.
    pub fn answered(&self) -> usize {
        self.count() - self.0.get(THROTTLED).copied().unwrap_or(0)
    }
}

impl<'o> FromIterator<&'o Ending> for Failures {
    fn from_iter<I: IntoIterator<Item = &'o Ending>>(endings: I) -> Self {
        let mut failures = Self::default();
        endings.into_iter().for_each(|ending| failures.add(ending));
        failures
    }
}

/// As in `3: 2 × 503, 1 × throttled`.
impl fmt::Display for Failures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let statuses: Vec<String> = self.0.iter().map(|(status, count)| format!("{count} × {status}")).collect();
        match self.count() {
            0 => f.write_str("0"),
            count => write!(f, "{count}: {}", statuses.join(", ")),
        }
    }
}

const THROTTLED: &str = "throttled";

fn status(ending: &Ending) -> String {
    match ending {
        Ending::Status(status) => status.to_string(),
        Ending::Throttled => THROTTLED.to_owned(),
        Ending::Failed(_) => "no response".to_owned(),
    }
}

/// Requests that were sent within one second.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Second {
    pub reads: u32,
    pub failed_reads: Failures,
    pub writes: u32,
    pub failed_writes: Failures,
}

/// One fault as shoppers saw it, until the next one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Effect {
    pub fault: Fault,
    /// Seconds that it lasted.
    pub lasted: f64,
    /// Calls refused, processes killed, connections closed, messages changed, and messages that consumers have returned.
    pub caused: u64,
    pub failed_reads: Failures,
    pub failed_writes: Failures,
    /// Seconds from the first failed read to the end of the last one; 0 if none failed.
    pub reads_failed_for: f64,
    pub writes_failed_for: f64,
    /// Seconds from the end of the fault to the last failure.
    pub recovered_after: f64,
}

impl Timeline {
    /// By second from the beginning.
    pub fn seconds(&self) -> Vec<Second> {
        let mut seconds = Vec::new();
        for outcome in &self.outcomes {
            let second = usize::try_from(outcome.intended.saturating_duration_since(self.began).as_secs()).unwrap_or(0);
            if seconds.len() <= second {
                seconds.resize(second + 1, Second::default());
            }
            let (count, failed) = match &mut seconds[second] {
                Second { writes, failed_writes, .. } if outcome.class.is_write() => (writes, failed_writes),
                Second { reads, failed_reads, .. } => (reads, failed_reads),
            };
            *count += 1;
            if !outcome.is_success() {
                failed.add(&outcome.ending);
            }
        }
        seconds
    }

    pub fn effects(&self) -> Vec<Effect> {
        let ends = self.episodes.iter().skip(1).map(|episode| Some(episode.from)).chain([None]);
        self.episodes.iter().zip(ends).map(|(episode, next)| self.effect(episode, next)).collect()
    }

    fn effect(&self, episode: &Episode, next: Option<Instant>) -> Effect {
        let is_within = |at: Instant| at >= episode.from && next.is_none_or(|next| at < next);
        let failed: Vec<&Outcome> =
            self.outcomes.iter().filter(|outcome| is_within(outcome.intended) && !outcome.is_success()).collect();
        let (writes, reads): (Vec<&Outcome>, Vec<&Outcome>) =
            failed.iter().copied().partition(|outcome| outcome.class.is_write());
        let last = failed.iter().map(|outcome| outcome.ended).max();
        Effect {
            fault: episode.fault,
            caused: episode.caused,
            lasted: (episode.until - episode.from).as_secs_f64(),
            failed_reads: reads.iter().map(|outcome| &outcome.ending).collect(),
            failed_writes: writes.iter().map(|outcome| &outcome.ending).collect(),
            reads_failed_for: span(&reads),
            writes_failed_for: span(&writes),
            recovered_after: last
                .map_or(Duration::ZERO, |last| last.saturating_duration_since(episode.until))
                .as_secs_f64(),
        }
    }

    /// Statuses of all responses, with their counts, and requests without one.
    pub fn statuses(&self) -> BTreeMap<String, usize> {
        let mut statuses = BTreeMap::new();
        for outcome in &self.outcomes {
            *statuses.entry(status(&outcome.ending)).or_default() += 1;
        }
        statuses
    }
}

/// Seconds from the first of these requests to the end of the last one.
fn span(outcomes: &[&Outcome]) -> f64 {
    let first = outcomes.iter().map(|outcome| outcome.intended).min();
    let last = outcomes.iter().map(|outcome| outcome.ended).max();
    first.zip(last).map_or(0.0, |(first, last)| (last - first).as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::Class;

    fn outcome(began: Instant, class: Class, at: u64, took: u64, status: u16) -> Outcome {
        let intended = began + Duration::from_millis(at);
        let ended = intended + Duration::from_millis(took);
        Outcome { class, intended, ended, ending: Ending::Status(status), id: None, is_cold: false }
    }

    fn timeline() -> Timeline {
        let began = Instant::now();
        let at = |milliseconds| began + Duration::from_millis(milliseconds);
        Timeline {
            began,
            outcomes: vec![
                outcome(began, Class::Home, 100, 10, 200),
                outcome(began, Class::Rating, 1_100, 10, 202),
                outcome(began, Class::Home, 1_200, 300, 503),
                outcome(began, Class::Book, 2_500, 1_000, 503),
                outcome(began, Class::Order, 2_600, 10, 503),
                outcome(began, Class::Home, 9_000, 10, 503),
            ],
            episodes: vec![
                Episode { fault: Fault::DatabaseKilled, from: at(1_000), until: at(3_000), caused: 0 },
                Episode { fault: Fault::QueuesAway, from: at(8_000), until: at(9_500), caused: 3 },
            ],
        }
    }

    #[test]
    fn a_fault_has_the_failures_until_the_next_one() {
        let effects = timeline().effects();
        let first = &effects[0];
        assert_eq!((first.failed_reads.to_string().as_str(), first.failed_writes.count()), ("2: 2 × 503", 1));
        let close = |value: f64, expected: f64| (value - expected).abs() < 1e-6;
        assert!(close(first.reads_failed_for, 2.3) && close(first.recovered_after, 0.5), "{first:?}");
        assert_eq!((effects[1].failed_reads.count(), effects[1].recovered_after), (1, 0.0));
    }

    #[test]
    fn failures_have_their_statuses() {
        let endings = [Ending::Throttled, Ending::Status(503), Ending::Failed("reset".into()), Ending::Status(503)];
        let failures: Failures = endings.iter().collect();
        assert_eq!(failures.to_string(), "4: 2 × 503, 1 × no response, 1 × throttled");
        assert_eq!((failures.answered(), Failures::default().to_string().as_str()), (3, "0"));
    }

    #[test]
    fn each_second_has_its_reads_and_writes() {
        let seconds = timeline().seconds();
        let failed_reads = [Ending::Status(503)].iter().collect();
        assert_eq!(seconds[1], Second { reads: 1, failed_reads, writes: 1, failed_writes: Failures::default() });
        assert_eq!(seconds.len(), 10);
    }
}
