//! The report of a drill, as text and as JSON.

use std::{collections::BTreeMap, fmt::Write as _};

use serde::Serialize;

use super::{checks::Facts, ledger::BookRow};

#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Of the random generators; the times of threads are not repeated by it.
    pub seed: u64,
    /// With the groups of the plan.
    pub parallel: Run,
    /// With one group.
    pub in_order: Run,
    pub control: Control,
}

/// One run of the shop.
#[derive(Debug, Clone, Serialize)]
pub struct Run {
    pub groups: u16,
    pub buyers: u32,
    pub processors: u32,
    /// Processors that were at work at the same time.
    pub most_at_once: u64,
    pub orders_placed: usize,
    pub orders_confirmed: usize,
    pub orders_rejected: usize,
    /// Orders by the state that they are in.
    pub orders_by_state: BTreeMap<String, usize>,
    pub cancellations_asked: usize,
    /// The buyers' cancellations by their outcome.
    pub cancellations_by_effect: BTreeMap<String, usize>,
    /// Actions of the staff that were done.
    pub staff_changed: u32,
    /// Actions of the staff that came after the buyer's cancellation.
    pub staff_refused: u32,
    pub books: [BookRow; 2],
    /// Messages that were delivered again after they were deleted.
    pub duplicates: u64,
    /// Messages that were delivered again while their first consumer was at work.
    pub duplicates_in_flight: u64,
    /// Messages that were returned with a delay of the consumer's own.
    pub delayed: u64,
    pub most_deliveries: u32,
    pub invocations: usize,
    pub processors_killed: u32,
    /// Of them, those between the sending of a mail and the note of it.
    pub processors_killed_at_mail: u32,
    pub invocations_failed: u32,
    pub database_kills: u32,
    /// Messages in the middle of a group that no attempt can process.
    pub poison_sent: usize,
    /// Of them, those in the dead-letter queue.
    pub poison_parked: usize,
    /// Messages that were parked after their fifth own fault, also after a duplicate delivery.
    pub failed_too_often: usize,
    /// Written mails by event, each sent once at least.
    pub mails_by_event: BTreeMap<String, usize>,
    pub mails_sent_again: usize,
    pub seconds: f64,
    pub decided_per_second: f64,
    /// From the acceptance by the queue to the decision, at the median.
    pub waited_ms: f64,
    pub problems: Vec<String>,
}

/// The naive processor.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Control {
    pub orders_placed: usize,
    pub copies: u32,
    pub copies_sold: u32,
}

impl Report {
    /// What does not hold, by run.
    pub fn problems(&self) -> Vec<String> {
        let of = |run: &Run| {
            let groups = run.groups;
            run.problems.iter().map(move |problem| format!("groups = {groups}: {problem}")).collect::<Vec<_>>()
        };
        [of(&self.parallel), of(&self.in_order), self.control.problem().into_iter().collect()].concat()
    }

    pub fn text(&self) -> String {
        let mut text = format!("Oversell drill with seed {}\n\n", self.seed);
        for run in [&self.parallel, &self.in_order] {
            let _ = writeln!(text, "{}", run.text());
        }
        let Control { orders_placed, copies, copies_sold } = self.control;
        let _ = write!(
            text,
            "Control, which reads, checks and writes: {copies_sold} of {copies} copies sold to {orders_placed} orders\n\n{}",
            self.verdict()
        );
        text
    }

    fn verdict(&self) -> String {
        let problems = self.problems();
        if problems.is_empty() {
            return "Exactly the copies that there were have been sold, each order has one outcome, and the control \
                    oversells."
                .to_owned();
        }
        format!("Does not hold:\n  {}", problems.join("\n  "))
    }
}

impl Control {
    /// It must oversell; otherwise the drill does not show that overselling would be noticed.
    fn problem(&self) -> Option<String> {
        let Self { copies, copies_sold, .. } = self;
        (copies_sold <= copies).then(|| {
            format!("the control sold {copies_sold} of {copies} copies: it should oversell; run the drill again with another seed")
        })
    }
}

impl Run {
    /// The report of what was seen in these seconds.
    #[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
    pub fn of(facts: &Facts, buyers: u32, invocations: usize, seconds: f64) -> Self {
        let ledger = &facts.ledger;
        let outcomes = |code: &str| ledger.states.iter().filter(|(_, state)| state == code).count();
        let mut waited: Vec<i64> = ledger.orders.iter().map(|order| order.waited).collect();
        waited.sort_unstable();
        let median = waited.get(waited.len() / 2).copied().unwrap_or_default();
        Self {
            groups: facts.groups,
            buyers,
            processors: facts.processors,
            most_at_once: facts.queue.most_at_once,
            orders_placed: facts.placed.len(),
            orders_confirmed: outcomes("confirmed"),
            orders_rejected: outcomes("rejected"),
            orders_by_state: counted(ledger.orders.iter().map(|order| &order.state)),
            cancellations_asked: facts.cancellations.len(),
            cancellations_by_effect: counted(ledger.cancellations.iter().map(|one| &one.effect)),
            staff_changed: facts.acted.changed,
            staff_refused: facts.acted.refused,
            books: ledger.books,
            duplicates: facts.queue.again_after_deletion,
            duplicates_in_flight: facts.queue.again_in_flight,
            delayed: facts.queue.delayed,
            most_deliveries: facts.queue.most_receives,
            invocations,
            processors_killed: facts.killed,
            processors_killed_at_mail: facts.killed_at_mail,
            invocations_failed: facts.failed,
            database_kills: facts.database_kills,
            poison_sent: facts.poison.len(),
            poison_parked: facts.poison_parked(),
            failed_too_often: facts.failed_too_often,
            mails_by_event: counted(ledger.mails.iter().map(|mail| &mail.event)),
            mails_sent_again: facts.mails_sent_again(),
            seconds,
            decided_per_second: ledger.orders.len() as f64 / seconds.max(f64::EPSILON),
            waited_ms: median as f64 / 1e3,
            problems: facts.problems(),
        }
    }

    fn text(&self) -> String {
        let Self { groups, buyers, processors, invocations, .. } = self;
        let book = |book: &BookRow| {
            let BookRow { copies, sold, left, fewest } = book;
            format!("{sold} of {copies} sold, {left} left, {fewest} at the fewest")
        };
        let [many, few] = &self.books;
        let order = if *groups == 1 && self.problems.is_empty() { ", in the order of acceptance" } else { "" };
        [
            format!(
                "groups = {groups}: {buyers} buyers, {processors} processors, at most {} at work at once",
                self.most_at_once
            ),
            format!(
                "  orders    {} placed: {} confirmed, {} rejected{order}",
                self.orders_placed, self.orders_confirmed, self.orders_rejected
            ),
            format!("  states    {}", listed(&self.orders_by_state)),
            format!("  copies    {}; {}", book(many), book(few)),
            format!("  races     buyers' cancellations: {}", listed(&self.cancellations_by_effect)),
            format!(
                "            actions of the staff: {} done, {} refused after a cancellation",
                self.staff_changed, self.staff_refused
            ),
            format!(
                "  faults    messages delivered again: {}, of them in flight: {}; delayed: {}; most deliveries of one: {}",
                self.duplicates + self.duplicates_in_flight,
                self.duplicates_in_flight,
                self.delayed,
                self.most_deliveries
            ),
            format!(
                "            invocations: {invocations}, killed: {}, of them at a mail: {}, failed: {}; database killed: {}",
                self.processors_killed, self.processors_killed_at_mail, self.invocations_failed, self.database_kills
            ),
            format!(
                "            messages that nothing can process: {}, parked: {}; parked after the fifth own fault: {}",
                self.poison_sent, self.poison_parked, self.failed_too_often
            ),
            format!("  mails     {}; {} sent again", listed(&self.mails_by_event), self.mails_sent_again),
            format!(
                "  speed     {:.0} orders per second in {:.1} s; decided {:.0} ms after acceptance (median)\n",
                self.decided_per_second, self.seconds, self.waited_ms
            ),
        ]
        .join("\n")
    }
}

fn counted<'a>(words: impl Iterator<Item = &'a String>) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for word in words {
        *counts.entry(word.clone()).or_default() += 1;
    }
    counts
}

/// `3 cancelled, 2 shipped`.
fn listed(counts: &BTreeMap<String, usize>) -> String {
    counts.iter().map(|(word, count)| format!("{count} {word}")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_control_that_does_not_oversell_is_a_problem() {
        for (copies_sold, is_problem) in [(110, true), (90, true), (111, false)] {
            let control = Control { orders_placed: 200, copies: 110, copies_sold };
            assert_eq!(control.problem().is_some(), is_problem, "{copies_sold}");
        }
    }

    #[test]
    fn the_text_has_the_problems_of_each_run() {
        let run = |groups, problems: &[&str]| {
            let facts = Facts { groups, ..Facts::default() };
            let problems = problems.iter().map(|problem| (*problem).to_owned()).collect();
            Run { problems, ..Run::of(&facts, 50, 9, 2.0) }
        };
        let control = Control { orders_placed: 200, copies: 110, copies_sold: 150 };
        let report =
            |problems: &[&str]| Report { seed: 7, parallel: run(4, problems), in_order: run(1, &[]), control }.text();
        assert!(report(&[]).contains("seed 7") && report(&[]).ends_with("the control oversells."), "{}", report(&[]));
        assert!(report(&["orders were lost: 7"]).ends_with("Does not hold:\n  groups = 4: orders were lost: 7"));
    }
}
