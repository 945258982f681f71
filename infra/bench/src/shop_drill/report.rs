//! The report of the shop's drill.

use std::{collections::BTreeMap, fmt::Write};

use serde::{Deserialize, Serialize};

use super::{
    ShopDrill,
    checks::Facts,
    timeline::{Effect, Second, Timeline},
};
use crate::table::table;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Report {
    pub seed: u64,
    /// Seconds from the first request to the last response.
    pub seconds: f64,
    /// Ratings and orders that shoppers were answered 202 with.
    pub submissions: usize,
    pub orders: usize,
    /// Messages that the queues have accepted, and that consumers have finished.
    pub messages: (u64, u64),
    /// Messages that were delivered again after they were deleted.
    pub duplicated: u64,
    pub mails: u64,
    pub lost: usize,
    pub doubled: usize,
    pub statuses: BTreeMap<String, usize>,
    pub effects: Vec<Effect>,
    pub by_second: Vec<Second>,
    /// Broken promises.
    pub problems: Vec<String>,
}

impl Report {
    pub(super) fn of(drill: &ShopDrill, facts: &Facts, timeline: &Timeline, messages: (u64, u64), mails: u64) -> Self {
        let mut problems = facts.problems();
        let (accepted, finished) = messages;
        if accepted != finished {
            problems.push(format!("{accepted} messages were accepted, and {finished} finished"));
        }
        for (what, got, wanted) in [
            ("submissions", facts.ratings.len(), drill.size.submissions),
            ("orders", facts.orders.len(), drill.size.orders),
        ] {
            if got < wanted {
                problems.push(format!("only {got} {what} were accepted, of {wanted}"));
            }
        }
        let effects = timeline.effects();
        for effect in effects
            .iter()
            .filter(|effect| effect.caused == 0 && effect.failed_reads.count() + effect.failed_writes.count() == 0)
        {
            problems.push(format!("the fault `{}` had no effect", effect.fault.label()));
        }
        if mails < facts.mails {
            problems.push(format!("{} mails were handed over, and {mails} reached SES", facts.mails));
        }
        let last = timeline.outcomes.iter().map(|outcome| outcome.ended).max();
        Self {
            seed: drill.seed,
            seconds: last.map_or(0.0, |last| (last - timeline.began).as_secs_f64()),
            submissions: facts.ratings.len(),
            orders: facts.orders.len(),
            messages,
            duplicated: facts.duplicated,
            mails,
            lost: facts.lost(),
            doubled: facts.doubled(),
            statuses: timeline.statuses(),
            effects,
            by_second: timeline.seconds(),
            problems,
        }
    }

    pub fn text(&self) -> String {
        let mut table =
            table(&["fault", "lasted", "hits", "failed reads", "during", "failed writes", "during", "recovered after"]);
        for effect in &self.effects {
            table.add_row([
                effect.fault.label().to_owned(),
                format!("{:.1} s", effect.lasted),
                effect.caused.to_string(),
                effect.failed_reads.to_string(),
                format!("{:.1} s", effect.reads_failed_for),
                effect.failed_writes.to_string(),
                format!("{:.1} s", effect.writes_failed_for),
                format!("{:.1} s", effect.recovered_after),
            ]);
        }
        let statuses: Vec<String> = self.statuses.iter().map(|(status, count)| format!("{status}: {count}")).collect();
        let (accepted, finished) = self.messages;
        let mut text = format!(
            "{table}\n\nRequests: {}.\n{} submissions and {} orders were answered 202, through {} faults in {:.0} s.\n\
             Messages: {accepted} accepted, {finished} finished, {} delivered again after they were deleted; {} mails sent.\n\
             Lost: {}. Doubled: {}.",
            statuses.join(", "),
            self.submissions,
            self.orders,
            self.effects.len(),
            self.seconds,
            self.duplicated,
            self.mails,
            self.lost,
            self.doubled,
        );
        text += &self.failures_by_second();
        for problem in &self.problems {
            _ = write!(text, "\nPROBLEM: {problem}");
        }
        text
    }

    /// A table of the seconds in which requests failed; empty if none did.
    fn failures_by_second(&self) -> String {
        let mut table = table(&["second", "reads", "failed reads", "writes", "failed writes"]);
        for (number, second) in self.by_second.iter().enumerate() {
            if second.failed_reads.count() + second.failed_writes.count() > 0 {
                table.add_row([
                    number.to_string(),
                    second.reads.to_string(),
                    second.failed_reads.to_string(),
                    second.writes.to_string(),
                    second.failed_writes.to_string(),
                ]);
            }
        }
        if table.is_empty() { String::new() } else { format!("\n\nSeconds in which requests failed:\n{table}") }
    }
}
