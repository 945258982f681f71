//! What must hold after a drill, by what the buyers sent, what the queues have, and what the database has.

use std::collections::{BTreeMap, BTreeSet};

use shared::parameters::Queue;
use uuid::Uuid;

use super::{
    aws::{SentMail, queue_url},
    buyers::Placed,
    ledger::Ledger,
    queue::Counts,
    staff::Acted,
};

/// With so many orders for each copy of the first and of the second book, none is left, although some orders are cancelled: a
/// quarter of the orders is for the first one alone, and three quarters are for one copy of the second.
const SELL_OUT: [usize; 2] = [10, 5];
/// With so many orders, cancellations also come after the handing over.
const RACES: usize = 500;
/// So many processors work at once where there are as many processors and groups.
const AT_ONCE: u64 = 4;
/// Examples in one message.
const SHOWN: usize = 5;
/// States that are mailed, each by an event of the same name, and the withdrawal from a contract.
const MAILED: [&str; 6] = ["cancelled", "confirmed", "ready", "rejected", "shipped", "withdrawn"];

/// Everything that a drill has seen.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    pub groups: u16,
    pub placed: Vec<Placed>,
    /// Ids of cancellation messages.
    pub cancellations: Vec<Uuid>,
    pub ledger: Ledger,
    pub acted: Acted,
    /// Mails that were sent to the queue of mails.
    pub mailed: Vec<SentMail>,
    /// Numbers of the invocations that have lost the note of the mails that they sent, so that another one sends them again.
    pub may_send_again: BTreeSet<u64>,
    /// What was sent elsewhere, and what was delivered too often.
    pub parked: Vec<String>,
    /// Bodies of messages that are to be parked.
    pub poison: Vec<String>,
    /// Messages that were parked after their last own fault.
    pub failed_too_often: usize,
    pub queue: Counts,
    pub processors: u32,
    pub killed: u32,
    /// Of the killed processors, those at a mail.
    pub killed_at_mail: u32,
    pub failed: u32,
    pub database_kills: u32,
    pub database_kills_planned: u32,
}

impl Facts {
    /// What does not hold, each with examples; empty after a good run.
    pub fn problems(&self) -> Vec<String> {
        let checks = [
            self.lost(),
            self.unknown(),
            self.undecided(),
            self.handed_over_and_cancelled(),
            self.copies(),
            self.left_over(),
            self.rejected_without_need(),
            self.ignored(),
            self.unsent(),
            self.events_and_mails(),
            self.sent_again(),
            self.parked(),
            self.poison(),
            self.stopped_late(),
            self.order(),
            self.faults(),
            self.races(),
        ];
        let violations = self.ledger.violations.iter().map(|violation| format!("verify: {violation}"));
        checks.into_iter().flatten().chain(violations).collect()
    }

    fn rejected(&self) -> usize {
        self.ledger.states.iter().filter(|(_, state)| state == "rejected").count()
    }

    fn lost(&self) -> Option<String> {
        let decided: BTreeSet<Uuid> = self.ledger.orders.iter().map(|order| order.id).collect();
        let lost = self.placed.iter().map(|placed| placed.order.uuid()).filter(|id| !decided.contains(id));
        problem("orders were placed and have no outcome", lost)
    }

    fn unknown(&self) -> Option<String> {
        let placed: BTreeSet<Uuid> = self.placed.iter().map(|placed| placed.order.uuid()).collect();
        let unknown = self.ledger.orders.iter().filter(|order| !placed.contains(&order.id));
        problem("orders are in the database that nobody placed", unknown.map(|order| order.number))
    }

    fn undecided(&self) -> Option<String> {
        let mut outcomes: BTreeMap<u32, u32> = self.ledger.orders.iter().map(|order| (order.number, 0)).collect();
        for (number, _) in self.ledger.states.iter().filter(|(_, state)| state == "confirmed" || state == "rejected") {
            *outcomes.entry(*number).or_default() += 1;
        }
        let wrong = outcomes.into_iter().filter(|(_, count)| *count != 1);
        problem("orders have not exactly one outcome", wrong.map(|(number, count)| format!("{number} has {count}")))
    }

    /// Of buyer and staff, one has won.
    fn handed_over_and_cancelled(&self) -> Option<String> {
        let in_state = |state: &str| -> BTreeSet<u32> {
            self.ledger.states.iter().filter(|(_, code)| code == state).map(|(number, _)| *number).collect()
        };
        let both: Vec<u32> = in_state("shipped").intersection(&in_state("cancelled")).copied().collect();
        problem("orders were shipped and cancelled", both.into_iter())
    }

    fn copies(&self) -> Option<String> {
        let wrong = self.ledger.books.iter().filter(|book| book.sold + book.left != i64::from(book.copies));
        problem(
            "books have another number of copies sold and left than there were",
            wrong.map(|book| format!("{} of {} sold, {} left", book.sold, book.copies, book.left)),
        )
    }

    /// A shop that sells nothing would keep every other promise.
    fn left_over(&self) -> Option<String> {
        let wanted = self.ledger.books.iter().zip(SELL_OUT);
        let wanted = wanted.filter(|(book, orders)| self.placed.len() >= orders * book.copies as usize);
        let kept = wanted.filter(|(book, _)| book.fewest > 0);
        problem(
            "books were never sold out, with enough orders for all copies",
            kept.map(|(book, _)| format!("{} of {} left at the fewest", book.fewest, book.copies)),
        )
    }

    fn rejected_without_need(&self) -> Option<String> {
        let rejected = self.ledger.orders.iter().filter(|order| order.state == "rejected");
        let wrong = rejected.filter(|order| !self.ledger.had_to_reject(order));
        problem(
            "orders were rejected that could have been sold",
            wrong.map(|order| {
                format!("{} ({})", order.number, order.rejection.as_deref().unwrap_or("without a reason"))
            }),
        )
    }

    fn ignored(&self) -> Option<String> {
        let known: BTreeSet<&Uuid> = self.ledger.cancellations.iter().map(|cancellation| &cancellation.id).collect();
        let ignored = self.cancellations.iter().filter(|id| !known.contains(id));
        problem("cancellations were sent and not processed", ignored)
    }

    fn unsent(&self) -> Option<String> {
        let mailed: BTreeSet<u64> = self.mailed.iter().map(|mail| mail.id).collect();
        let due = self.ledger.mails.iter().filter(|mail| !mail.is_held_back);
        let unsent = due.filter(|mail| mail.is_unsent || !mailed.contains(&mail.id));
        problem(
            "mails were written and not sent",
            unsent.map(|mail| format!("{} of order {}", mail.event, mail.number)),
        )
    }

    fn events_and_mails(&self) -> Option<String> {
        let mut difference: BTreeMap<(u32, &str), i32> = BTreeMap::new();
        for (number, state) in self.ledger.states.iter().filter(|(_, state)| MAILED.contains(&state.as_str())) {
            *difference.entry((*number, state)).or_default() -= 1;
        }
        for mail in &self.ledger.mails {
            *difference.entry((mail.number, &mail.event)).or_default() += 1;
        }
        let wrong = difference.into_iter().filter(|(_, difference)| *difference != 0);
        problem(
            "events have not exactly one mail",
            wrong.map(|((number, event), difference)| format!("{event} of order {number}: {}", difference + 1)),
        )
    }

    /// A mail is sent once, and once more for each crash between its sending and the note of it.
    fn sent_again(&self) -> Option<String> {
        let mut sendings: BTreeMap<u64, u32> = BTreeMap::new();
        for mail in self.mailed.iter().filter(|mail| !self.may_send_again.contains(&mail.invocation)) {
            *sendings.entry(mail.id).or_default() += 1;
        }
        let wrong = sendings.into_iter().filter(|(_, count)| *count > 1);
        problem("mails were sent again without a crash", wrong.map(|(id, count)| format!("{id}: {count} times")))
    }

    /// Sendings of mails that were sent before.
    pub fn mails_sent_again(&self) -> usize {
        self.mailed.len() - self.mailed.iter().map(|mail| mail.id).collect::<BTreeSet<_>>().len()
    }

    /// Only poison is parked, and no neighbour of it.
    fn parked(&self) -> Option<String> {
        let is_poison = |text: &&String| self.poison.iter().any(|body| is_parked(text, body));
        let others = self.parked.iter().filter(|text| !is_poison(text));
        problem("messages were parked or sent to a wrong queue", others.map(|text| shortened(text)))
    }

    /// All of it, at once or after its fifth own fault.
    fn poison(&self) -> Option<String> {
        let left = self.poison.iter().filter(|body| !self.parked.iter().any(|text| is_parked(text, body)));
        problem("messages that no attempt can process were not parked", left.map(|text| shortened(text)))
    }

    /// Poison that was parked, the number of messages.
    pub fn poison_parked(&self) -> usize {
        self.poison.iter().filter(|body| self.parked.iter().any(|text| is_parked(text, body))).count()
    }

    fn stopped_late(&self) -> Option<String> {
        let count = self.queue.out_of_order;
        (count > 0).then(|| format!("{count} messages were processed after an earlier one of their group was returned"))
    }

    /// With one group, orders are decided as they were accepted.
    fn order(&self) -> Option<String> {
        let numbers = if self.groups > 1 { Vec::new() } else { self.decided_early() };
        problem("orders were decided before one that was accepted earlier", numbers.into_iter())
    }

    /// Numbers of orders that were decided before one that was accepted earlier.
    fn decided_early(&self) -> Vec<u32> {
        let sequences: BTreeMap<Uuid, u64> =
            self.placed.iter().map(|placed| (placed.order.uuid(), placed.sequence)).collect();
        let decided: Vec<_> =
            self.ledger.orders.iter().map(|order| (order.number, sequences.get(&order.id).copied())).collect();
        decided.windows(2).filter(|pair| pair[0].1 > pair[1].1).map(|pair| pair[0].0).collect()
    }

    /// A drill without faults shows nothing.
    fn faults(&self) -> Option<String> {
        let could_be_four = u64::from(self.groups.min(self.processors.try_into().unwrap_or(u16::MAX))) >= AT_ONCE;
        let missing = [
            ("no processor was killed", self.killed == 0),
            ("no order was rejected, so that there were copies for all", self.rejected() == 0),
            ("no message was delivered again", self.queue.again_after_deletion + self.queue.again_in_flight == 0),
            ("no mail was sent again after a crash", self.mails_sent_again() == 0),
            ("no message failed at each attempt", self.failed_too_often == 0),
            ("no message was delayed by its consumer", self.queue.delayed == 0),
            ("the database was killed less often than planned", self.database_kills < self.database_kills_planned),
            ("no order overtook one of another group", self.groups > 1 && self.decided_early().is_empty()),
            ("fewer than four processors were at work at once", could_be_four && self.queue.most_at_once < AT_ONCE),
        ];
        problem(
            "faults did not happen",
            missing.into_iter().filter_map(|(text, is_missing)| is_missing.then_some(text)),
        )
    }

    /// Of buyer and staff, each was first at times.
    fn races(&self) -> Option<String> {
        let is_none = |effect: &str| !self.ledger.cancellations.iter().any(|one| one.effect == effect);
        let missing = [
            ("no order was handed over or cancelled by the staff", self.acted.changed == 0),
            ("no order was cancelled by its buyer", is_none("cancelled")),
            ("no buyer cancelled after the handing over", self.placed.len() >= RACES && is_none("withdrawn")),
        ];
        problem(
            "races did not take place",
            missing.into_iter().filter_map(|(text, is_missing)| is_missing.then_some(text)),
        )
    }
}

/// `orders …: a, b, c`; none without examples.
fn problem<T: ToString>(what: &str, examples: impl Iterator<Item = T>) -> Option<String> {
    let examples: Vec<String> = examples.map(|example| example.to_string()).collect();
    let shown = examples.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    let more = if examples.len() > SHOWN { format!(", … ({} in all)", examples.len()) } else { String::new() };
    (!examples.is_empty()).then(|| format!("{what}: {shown}{more}"))
}

/// Whether a text is this body, with the address of the orders' dead-letter queue in front.
fn is_parked(text: &str, body: &str) -> bool {
    text.strip_suffix(body).is_some_and(|queue| queue == format!("{}: ", queue_url(Queue::OrderDeadLetters)))
}

fn shortened(text: &str) -> String {
    text.chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use shared::domain::{OrderId, SubmissionKey};

    use super::*;
    use crate::drill::ledger::{BookRow, CancellationRow, LineRow, MailRow, OrderRow};

    fn order_id(number: u8) -> OrderId {
        let key = SubmissionKey::parse(&format!("{}=", "A".repeat(43))).unwrap();
        key.order_id(Uuid::from_u128(1), &[number])
    }

    fn order_row(number: u8, state: &str) -> OrderRow {
        let rejection = (state == "rejected").then(|| "lines".to_owned());
        OrderRow { number: number.into(), id: order_id(number).uuid(), state: state.to_owned(), rejection, waited: 1 }
    }

    fn state(number: u32, state: &str) -> (u32, String) {
        (number, state.to_owned())
    }

    fn mail(id: u64, number: u32, event: &str) -> MailRow {
        MailRow { id, number, event: event.to_owned(), is_unsent: false, is_held_back: false }
    }

    fn parked(body: &str) -> String {
        format!("{}: {body}", queue_url(Queue::OrderDeadLetters))
    }

    /// Two orders of the only copies: one was sold and cancelled, the other rejected.
    fn good() -> Facts {
        let cancellation = Uuid::from_u128(7);
        let ledger = Ledger {
            orders: vec![order_row(1, "cancelled"), order_row(2, "rejected")],
            states: vec![
                state(1, "received"),
                state(1, "confirmed"),
                state(1, "cancelled"),
                state(2, "received"),
                state(2, "rejected"),
            ],
            mails: vec![mail(1, 1, "confirmed"), mail(2, 2, "rejected"), mail(3, 1, "cancelled")],
            lines: vec![
                LineRow { number: 2, quantity: 1, reason: None },
                LineRow { number: 2, quantity: 2, reason: Some("out-of-stock:1".to_owned()) },
            ],
            books: [
                BookRow { copies: 3, sold: 2, left: 1, fewest: 1 },
                BookRow { copies: 1, sold: 1, left: 0, fewest: 0 },
            ],
            cancellations: vec![CancellationRow {
                id: cancellation,
                order: order_id(1).uuid(),
                effect: "cancelled".to_owned(),
            }],
            violations: Vec::new(),
        };
        Facts {
            groups: 1,
            placed: [1, 2].map(|number| Placed { order: order_id(number), sequence: number.into() }).to_vec(),
            cancellations: vec![cancellation],
            ledger,
            acted: Acted { changed: 1, refused: 0 },
            mailed: [(3, 8), (1, 9), (2, 9), (3, 9)].map(|(id, invocation)| SentMail { id, invocation }).to_vec(),
            may_send_again: [8].into(),
            queue: Counts { again_in_flight: 1, delayed: 1, ..Counts::default() },
            parked: vec![parked("poison"), parked("poison")],
            poison: vec!["poison".to_owned()],
            failed_too_often: 1,
            processors: 4,
            killed: 1,
            database_kills: 1,
            database_kills_planned: 1,
            ..Facts::default()
        }
    }

    #[test]
    fn a_good_run_has_no_problems() {
        assert_eq!(good().problems(), Vec::<String>::new());
        let mut in_groups = good();
        in_groups.groups = 4;
        in_groups.queue.most_at_once = 4;
        in_groups.placed[0].sequence = 9;
        assert_eq!(in_groups.problems(), Vec::<String>::new(), "groups are decided beside one another");
    }

    #[test]
    fn an_order_that_was_cancelled_before_it_came_is_rejected_rightly() {
        let mut facts = good();
        facts.ledger.orders[1].rejection = Some("cancelled".to_owned());
        facts.ledger.lines.clear();
        let early = Uuid::from_u128(8);
        facts.cancellations.push(early);
        let effect = "rejected cancelled".to_owned();
        facts.ledger.cancellations.push(CancellationRow { id: early, order: order_id(2).uuid(), effect });
        assert_eq!(facts.problems(), Vec::<String>::new());
    }

    #[test]
    fn each_broken_promise_is_found() {
        type Break = fn(&mut Facts);
        let cases: Vec<(&str, Break)> = vec![
            ("orders were placed and have no outcome", |f| drop(f.ledger.orders.pop())),
            ("orders are in the database that nobody placed", |f| f.placed.truncate(1)),
            ("orders have not exactly one outcome: 2 has 0", |f| drop(f.ledger.states.pop())),
            ("orders have not exactly one outcome: 2 has 2", |f| f.ledger.states.push(state(2, "confirmed"))),
            ("orders were shipped and cancelled: 1", |f| f.ledger.states.push(state(1, "shipped"))),
            ("copies sold and left than there were: 3 of 3 sold, 1 left", |f| f.ledger.books[0].sold += 1),
            ("copies sold and left than there were: 1 of 1 sold, -1 left", |f| f.ledger.books[1].left -= 1),
            ("books were never sold out, with enough orders for all copies: 1 of 1 left at the fewest", |f| {
                f.ledger.books[1].fewest = 1;
                f.placed.extend([f.placed[0]; 3]);
            }),
            ("orders were rejected that could have been sold: 2 (lines)", |f| f.ledger.lines[1].quantity = 1),
            ("orders were rejected that could have been sold: 2 (lines)", |f| f.ledger.lines.truncate(1)),
            ("orders were rejected that could have been sold: 2 (lines)", |f| {
                f.ledger.lines[0].reason = Some("price-above:1500 EUR".to_owned());
            }),
            ("orders were rejected that could have been sold: 2 (not-selling)", |f| {
                f.ledger.orders[1].rejection = Some("not-selling".to_owned());
            }),
            ("orders were rejected that could have been sold: 2 (cancelled)", |f| {
                f.ledger.orders[1].rejection = Some("cancelled".to_owned());
            }),
            ("cancellations were sent and not processed", |f| f.ledger.cancellations.clear()),
            ("mails were written and not sent: rejected of order 2", |f| f.ledger.mails[1].is_unsent = true),
            ("mails were written and not sent: confirmed of order 1", |f| f.mailed.retain(|mail| mail.id != 1)),
            ("events have not exactly one mail: confirmed of order 1: 2", |f| {
                f.ledger.mails.push(mail(3, 1, "confirmed"));
            }),
            ("events have not exactly one mail: cancelled of order 1: 0", |f| drop(f.ledger.mails.pop())),
            ("events have not exactly one mail: withdrawn of order 1: 0", |f| {
                f.ledger.states.push(state(1, "withdrawn"));
            }),
            ("mails were sent again without a crash: 3: 2 times", |f| f.may_send_again.clear()),
            ("mails were sent again without a crash: 1: 2 times", |f| f.mailed.push(f.mailed[1])),
            ("faults did not happen: no mail was sent again", |f| f.mailed.retain(|mail| mail.invocation != 8)),
            ("messages were parked or sent to a wrong queue: orders: {}", |f| f.parked.push("orders: {}".to_owned())),
            ("messages were parked or sent to a wrong queue: https", |f| f.parked.push(parked("a neighbour"))),
            ("messages were parked or sent to a wrong queue: elsewhere", |f| {
                f.parked.push("elsewhere: poison".to_owned());
            }),
            ("messages that no attempt can process were not parked: poison", |f| f.parked.clear()),
            ("faults did not happen: no message failed at each attempt", |f| f.failed_too_often = 0),
            ("faults did not happen: no message was delayed", |f| f.queue.delayed = 0),
            ("2 messages were processed after an earlier one", |f| f.queue.out_of_order = 2),
            ("orders were decided before one that was accepted earlier: 1", |f| f.placed[0].sequence = 3),
            ("faults did not happen: no processor was killed", |f| f.killed = 0),
            ("faults did not happen: no order was rejected", |f| f.ledger.states.truncate(3)),
            ("faults did not happen: no message was delivered again", |f| f.queue = Counts::default()),
            ("faults did not happen: the database was killed less often", |f| f.database_kills_planned = 2),
            ("faults did not happen: no order overtook one of another group", |f| f.groups = 2),
            ("fewer than four processors were at work at once", |f| {
                f.groups = 4;
                f.queue.most_at_once = 3;
            }),
            ("races did not take place: no order was handed over", |f| f.acted.changed = 0),
            ("races did not take place: no order was cancelled by its buyer", |f| {
                f.ledger.cancellations[0].effect = "refused not-from".to_owned();
            }),
            ("races did not take place: no buyer cancelled after the handing over", |f| {
                f.placed.extend([f.placed[0]; 498]);
            }),
            ("verify: stock", |f| f.ledger.violations.push("stock".to_owned())),
        ];
        for (expected, break_it) in cases {
            let mut facts = good();
            break_it(&mut facts);
            let problems = facts.problems();
            assert!(problems.iter().any(|problem| problem.contains(expected)), "{expected}: {problems:?}");
        }
    }
}
