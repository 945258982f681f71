//! The view of shoppers, second by second, and the time until the shop recovered from each fault.

use std::{
    collections::BTreeMap,
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

/// Requests that were sent within one second.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Second {
    pub reads: u32,
    pub failed_reads: u32,
    pub writes: u32,
    pub failed_writes: u32,
}

/// One fault as shoppers saw it, until the next one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Effect {
    pub fault: Fault,
    /// Seconds that it lasted.
    pub lasted: f64,
    /// Calls refused, processes killed, connections closed, messages changed, and messages that consumers have returned.
    pub caused: u64,
    pub failed_reads: usize,
    pub failed_writes: usize,
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
            *failed += u32::from(!outcome.is_success());
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
            failed_reads: reads.len(),
            failed_writes: writes.len(),
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
            let status = match &outcome.ending {
                Ending::Status(status) => status.to_string(),
                Ending::Throttled => "throttled".to_owned(),
                Ending::Failed(_) => "no response".to_owned(),
            };
            *statuses.entry(status).or_default() += 1;
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
        assert_eq!((first.failed_reads, first.failed_writes), (2, 1));
        let close = |value: f64, expected: f64| (value - expected).abs() < 1e-6;
        assert!(close(first.reads_failed_for, 2.3) && close(first.recovered_after, 0.5), "{first:?}");
        assert_eq!((effects[1].failed_reads, effects[1].recovered_after), (1, 0.0));
    }

    #[test]
    fn each_second_has_its_reads_and_writes() {
        let seconds = timeline().seconds();
        assert_eq!(seconds[1], Second { reads: 1, failed_reads: 1, writes: 1, failed_writes: 0 });
        assert_eq!(seconds.len(), 10);
    }
}
