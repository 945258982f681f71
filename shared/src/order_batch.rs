//! Deadlines of a batch of the order queue. They are here, and not in `process-orders`, because synth compares them with
//! the function's timeout: if Lambda stops an invocation, the attempt at a message counts as a fault of its own.

use std::time::Duration;

use crate::{aws, database};

/// No message is begun after this.
pub const BEGIN_WITHIN: Duration = Duration::from_secs(3);
/// No attempt at a message is repeated after this: the queue delivers it again after seconds.
pub const REPEAT_WITHIN: Duration = Duration::from_secs(5);
/// No further part of a sweep is begun after this, counted from the attempt.
pub const SWEEP_WITHIN: Duration = Duration::from_secs(2);
/// The archive is not begun after this: what it lacks is delivered again.
pub const ARCHIVE_WITHIN: Duration = Duration::from_secs(8);
/// No mails are handed over after this.
pub const MAILS_WITHIN: Duration = Duration::from_secs(5);
/// Timeout of the transaction that hands over mails. A call to SQS takes some 20 ms, and fails after two seconds.
pub const MAILS_TRANSACTION: Duration = Duration::from_secs(5);

/// The longest time of an invocation, in which everything takes as long as its own timeout allows.
pub fn longest() -> Duration {
    let change = database::CONNECTING + database::WORK_TIMEOUT;
    let counted = BEGIN_WITHIN + change;
    let last_attempt = counted.max(REPEAT_WITHIN);
    // A part of a sweep that begins just in time.
    let decided = last_attempt + SWEEP_WITHIN + change;
    // It is parked, and its faults are forgotten; everything else takes less.
    let messages = decided + aws::CALL_TIMEOUT + change;
    let archived = ARCHIVE_WITHIN + change + aws::ARCHIVED_WITHIN;
    let mails = MAILS_WITHIN + database::CONNECTING + MAILS_TRANSACTION;
    // One call changes the visibility of all messages that are returned.
    messages.max(archived).max(mails) + aws::CALL_TIMEOUT
}
