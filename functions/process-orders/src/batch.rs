//! A batch of a FIFO queue: messages of one group are processed in their order. After the first of a group that is not
//! done, the later ones of that group are returned without an attempt, and other groups continue.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use aws_lambda_events::sqs::SqsMessage;

use crate::message::soon;

/// Seconds until a message is delivered again that was decided, and is missing in the archive.
const AFTER_ARCHIVE_FAULT: u16 = 15;

/// The outcome of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition {
    /// The queue deletes it.
    Done,
    /// It is delivered again, with the later ones of its group: after these seconds, or after the queue's visibility
    /// timeout.
    Retry(Option<u16>),
    /// The database is away: it is delivered again, and the rest of the batch without an attempt.
    RetryRest,
}

/// A message that is delivered again, after so many seconds if not after the visibility timeout.
#[derive(Debug)]
pub struct Returned {
    pub message: SqsMessage,
    pub after: Option<u16>,
}

/// Processes the messages in their order, and begins none later than `limit` after `began`.
pub async fn run(
    messages: Vec<SqsMessage>,
    began: Instant,
    limit: Duration,
    process: impl AsyncFn(&SqsMessage) -> Disposition,
) -> Vec<Returned> {
    let mut returned = Vec::new();
    let mut stopped: BTreeMap<String, Option<u16>> = BTreeMap::new();
    let mut is_away = false;
    for message in messages {
        let group = group_of(&message).to_owned();
        if let Some(after) = stopped.get(&group) {
            let after = *after;
            returned.push(Returned { message, after });
        } else if is_away {
            returned.push(Returned { message, after: None });
        } else if began.elapsed() >= limit {
            // Nothing failed: the group need not wait.
            let after = soon(&message, 0);
            returned.push(Returned { message, after });
        } else {
            match process(&message).await {
                Disposition::Done => {}
                Disposition::Retry(after) => {
                    stopped.insert(group, after);
                    returned.push(Returned { message, after });
                }
                Disposition::RetryRest => {
                    is_away = true;
                    returned.push(Returned { message, after: None });
                }
            }
        }
    }
    returned
}

/// The messages that are returned, with those of the decided ones that are missing in the archive, and all after them in their
/// groups: a queue must not delete a message behind one that it delivers again.
pub fn with_missing(decided: Vec<SqsMessage>, missing: &BTreeSet<String>, returned: Vec<Returned>) -> Vec<Returned> {
    let mut stopped = BTreeSet::new();
    let mut all = Vec::new();
    for message in decided {
        let group = group_of(&message).to_owned();
        let is_missing = missing.contains(message.message_id.as_deref().unwrap_or_default());
        if is_missing || stopped.contains(&group) {
            stopped.insert(group);
            let after = soon(&message, AFTER_ARCHIVE_FAULT);
            all.push(Returned { message, after });
        }
    }
    all.extend(returned);
    all
}

/// The message group. A message without one, which no FIFO queue delivers, is in a group of its own kind.
pub fn group_of(message: &SqsMessage) -> &str {
    message.attributes.get("MessageGroupId").map(String::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use serde_json::json;

    use super::{Disposition::*, *};

    /// Messages named `<group><number>`: `a1` is the first of group `a`.
    fn messages(names: &str) -> Vec<SqsMessage> {
        let message = |name: &str| json!({ "messageId": name, "body": "{}", "attributes": { "MessageGroupId": name[..1], "ApproximateReceiveCount": "3" } });
        names.split(' ').map(|name| serde_json::from_value(message(name)).unwrap()).collect()
    }

    /// What was tried, and what was returned.
    async fn outcome(names: &str, faults: &[(&str, Disposition)]) -> (String, String) {
        let tried = RefCell::new(Vec::new());
        let returned = run(messages(names), Instant::now(), Duration::from_mins(1), async |message| {
            let name = message.message_id.clone().unwrap();
            let fault = faults.iter().find(|(faulty, _)| *faulty == name);
            tried.borrow_mut().push(name);
            fault.map_or(Done, |(_, disposition)| *disposition)
        });
        let shown = |Returned { message, after }: Returned| {
            let after = after.map(|seconds| format!("+{seconds}")).unwrap_or_default();
            message.message_id.unwrap() + &after
        };
        let returned: Vec<String> = returned.await.into_iter().map(shown).collect();
        (tried.into_inner().join(" "), returned.join(" "))
    }

    #[tokio::test]
    async fn a_group_stops_at_its_first_failure_and_other_groups_go_on() {
        for (batch, faults, tried, returned) in [
            ("a1 a2 b1", &[][..], "a1 a2 b1", ""),
            ("a1 a2 a3", &[("a1", Retry(None))], "a1", "a1 a2 a3"),
            ("a1 a2 a3", &[("a2", Retry(Some(2)))], "a1 a2", "a2+2 a3+2"),
            ("a1 b1 a2 b2 a3", &[("a1", Retry(Some(15)))], "a1 b1 b2", "a1+15 a2+15 a3+15"),
            ("a1 b1 a2 b2", &[("a1", Retry(None)), ("b2", Retry(Some(2)))], "a1 b1 b2", "a1 a2 b2+2"),
            ("a1 b1 c1 a2", &[("b1", RetryRest)], "a1 b1", "b1 c1 a2"),
            ("a1 b1 a2 c1", &[("a1", Retry(Some(2))), ("b1", RetryRest)], "a1 b1", "a1+2 b1 a2+2 c1"),
        ] {
            let expected = (tried.to_owned(), returned.to_owned());
            assert_eq!(outcome(batch, faults).await, expected, "{batch} with {faults:?}");
        }
    }

    #[tokio::test]
    async fn no_message_is_begun_after_the_limit() {
        let returned = run(messages("a1 b1"), Instant::now(), Duration::ZERO, async |_| panic!("too late")).await;
        let after: Vec<_> = returned.iter().map(|returned| returned.after).collect();
        assert_eq!(after, [Some(0), Some(0)], "at once, because nothing failed");
    }

    #[test]
    fn what_is_missing_in_the_archive_is_returned_with_those_behind_it_in_its_group() {
        let rest = || vec![Returned { message: messages("a4").remove(0), after: None }];
        for (decided, missing, returned) in [
            ("a1 b1 a2", &[][..], "a4"),
            ("a1 b1 a2", &["a1"], "a1+15 a2+15 a4"),
            ("a1 b1 a2", &["a2"], "a2+15 a4"),
            ("a1 b1 a2 b2", &["b1", "a2"], "b1+15 a2+15 b2+15 a4"),
        ] {
            let missing = missing.iter().map(|id| (*id).to_owned()).collect();
            let all = with_missing(messages(decided), &missing, rest());
            let shown = all.into_iter().map(|Returned { message, after }| {
                let after = after.map(|seconds| format!("+{seconds}")).unwrap_or_default();
                message.message_id.unwrap() + &after
            });
            assert_eq!(shown.collect::<Vec<_>>().join(" "), returned, "{missing:?}");
        }
    }

    #[test]
    fn a_message_is_in_the_group_that_sqs_names() {
        assert_eq!(group_of(&messages("a1")[0]), "a");
        assert_eq!(group_of(&SqsMessage::default()), "");
    }
}
