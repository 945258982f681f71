//! Changes of messages and reviews by the staff on its pages. Each change is recorded in its transaction, and happens once for
//! each form; a form that is no longer true changes nothing, and what was typed into it is recorded too.

use sqlx::MySqlConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    audit::{self, Deed},
    contact,
    contact_replies::{self, NewReply},
    ratings,
};
use crate::{
    domain::{HideReason, Language, ReplyText},
    staff::{About, AuditEntry, Bookseller, ReviewsOf},
};

/// Rows of the record with which a version is made. The pages show as many.
pub const NEWEST: u32 = 20;

/// A form about a message or a review.
#[derive(Debug, Clone, Copy)]
pub struct Sent<'a> {
    pub who: &'a Bookseller,
    /// The id of the message or the review.
    pub id: u64,
    /// As the form showed it.
    pub version: &'a str,
    /// The same if it is sent twice.
    pub change: Uuid,
}

/// The effect of a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// By this delivery of the form, or by one before.
    Done,
    /// Somebody has changed it since the form was shown.
    ChangedSince,
    NoSuchThing,
}

/// Marks a message as answered, or opens it again. To be run in one transaction, like the function below.
pub async fn change_message(
    connection: &mut MySqlConnection,
    sent: Sent<'_>,
    answers: bool,
    now: OffsetDateTime,
) -> sqlx::Result<Outcome> {
    let Some(message) = contact::find_locked(connection, sent.id).await? else { return Ok(Outcome::NoSuchThing) };
    let about = About::Message(sent.id);
    let deed =
        Deed { action: if answers { "answered" } else { "reopen" }, about, outcome: AuditEntry::DONE, detail: None };
    let is_possible = message.answered_at.is_some() != answers;
    let outcome = enter(connection, sent, deed, |log| is_possible && message.version(log) == sent.version, now).await?;
    if outcome == Entered::First {
        if answers {
            contact::mark_answered(connection, sent.id, now).await?;
        } else {
            contact::reopen(connection, sent.id).await?;
        }
    }
    Ok(outcome.into())
}

/// Answers a message by mail, whether it was answered before or not, and marks it as answered. The text is kept with the message
/// and not in the record, which is not removed with it.
pub async fn reply(
    connection: &mut MySqlConnection,
    sent: Sent<'_>,
    (text, language, is_copied): (&ReplyText, &Language, bool),
    now: OffsetDateTime,
) -> sqlx::Result<Outcome> {
    let Some(message) = contact::find_locked(connection, sent.id).await? else { return Ok(Outcome::NoSuchThing) };
    let about = About::Message(sent.id);
    let deed = Deed { action: "reply", about, outcome: AuditEntry::DONE, detail: None };
    let outcome = enter(connection, sent, deed, |log| message.version(log) == sent.version, now).await?;
    if outcome == Entered::First {
        let reply = NewReply { message: sent.id, text, language, is_copied, source: sent.change };
        contact_replies::write(connection, reply, now).await?;
        contact::mark_answered(connection, sent.id, now).await?;
    }
    Ok(outcome.into())
}

/// Hides a review for a reason, or shows it again without one.
pub async fn change_review(
    connection: &mut MySqlConnection,
    sent: Sent<'_>,
    reason: Option<&HideReason>,
    now: OffsetDateTime,
) -> sqlx::Result<Outcome> {
    let Some(review) = ratings::find_locked(connection, sent.id).await? else { return Ok(Outcome::NoSuchThing) };
    let action = if reason.is_some() { "hide" } else { "unhide" };
    let detail = reason.map(HideReason::as_str);
    let deed = Deed { action, about: About::Review(sent.id), outcome: AuditEntry::DONE, detail };
    let is_possible = review.hidden_at.is_some() != reason.is_some();
    let outcome = enter(connection, sent, deed, |log| is_possible && review.version(log) == sent.version, now).await?;
    if outcome == Entered::First {
        if reason.is_some() {
            ratings::hide(connection, sent.id, now).await?;
        } else {
            ratings::unhide(connection, sent.id).await?;
        }
    }
    Ok(outcome.into())
}

/// The ids of the reviews of a visitor that a form is about, the earliest first, and one more than are counted at most.
pub async fn reviews_of(connection: &mut MySqlConnection, of: ReviewsOf) -> sqlx::Result<Vec<u64>> {
    ratings::chosen(connection, &of.filter(), ReviewsOf::MOST + 1).await
}

/// Hides one of many reviews for a reason, or shows it again without one; false if it was so before. The first of many has the id of
/// the form.
pub async fn change_one_of(
    connection: &mut MySqlConnection,
    (who, change): (&Bookseller, Option<Uuid>),
    id: u64,
    reason: Option<&HideReason>,
    now: OffsetDateTime,
) -> sqlx::Result<bool> {
    let Some(review) = ratings::find_locked(connection, id).await? else { return Ok(false) };
    if review.hidden_at.is_some() == reason.is_some() {
        return Ok(false);
    }
    let action = if reason.is_some() { "hide" } else { "unhide" };
    let detail = reason.map(HideReason::as_str);
    let deed = Deed { action, about: About::Review(id), outcome: AuditEntry::DONE, detail };
    match change {
        Some(change) => audit::note_change(connection, who, deed, change, now).await?,
        None => audit::note(connection, who, deed, now).await?,
    }
    if reason.is_some() {
        ratings::hide(connection, id, now).await?;
    } else {
        ratings::unhide(connection, id).await?;
    }
    Ok(true)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Entered {
    First,
    Before,
    ChangedSince,
}

impl From<Entered> for Outcome {
    fn from(entered: Entered) -> Self {
        match entered {
            Entered::First | Entered::Before => Self::Done,
            Entered::ChangedSince => Self::ChangedSince,
        }
    }
}

/// Records a deed about something that is locked, unless the same form has done it before; if the form is no longer true, as an
/// attempt.
async fn enter(
    connection: &mut MySqlConnection,
    sent: Sent<'_>,
    deed: Deed<'_>,
    is_true: impl FnOnce(&[AuditEntry]) -> bool,
    now: OffsetDateTime,
) -> sqlx::Result<Entered> {
    if audit::has_change(connection, sent.change).await? {
        return Ok(Entered::Before);
    }
    if is_true(&audit::about(connection, deed.about, NEWEST).await?) {
        audit::note_change(connection, sent.who, deed, sent.change, now).await?;
        return Ok(Entered::First);
    }
    let attempt = Deed { outcome: AuditEntry::CHANGED_SINCE, ..deed };
    audit::note(connection, sent.who, attempt, now).await?;
    Ok(Entered::ChangedSince)
}

#[cfg(test)]
mod tests {
    use sqlx::{Connection, MySqlPool, pool::PoolConnection};

    use super::*;
    use crate::{
        domain::{Email, VisitorId},
        repo::fixtures::{book, minute, rating},
        session::Subject,
    };

    fn bookseller(number: u128) -> Bookseller {
        Bookseller {
            subject: Subject::of_uuid(Uuid::from_u128(number)),
            email: Email::parse(&format!("staff{number}@shop.example")).unwrap(),
        }
    }

    async fn writer(pool: &MySqlPool) -> PoolConnection<sqlx::MySql> {
        let mut connection = pool.acquire().await.unwrap();
        sqlx::raw_sql(crate::database::WRITER_SESSION).execute(&mut *connection).await.unwrap();
        connection
    }

    /// The id of a new review.
    async fn review(connection: &mut MySqlConnection) -> u64 {
        let book = book(connection, "El túnel", "Sabato", 0).await;
        ratings::publish(connection, Uuid::from_u128(1), minute(0), &rating(book, 1, 1)).await.unwrap();
        ratings::of_visitor(connection, VisitorId(Uuid::from_u128(1))).await.unwrap()[0]
    }

    async fn version_of_review(connection: &mut MySqlConnection, id: u64) -> String {
        let log = audit::about(connection, About::Review(id), NEWEST).await.unwrap();
        ratings::find_for_staff(connection, id).await.unwrap().unwrap().version(&log)
    }

    async fn version_of_message(connection: &mut MySqlConnection, id: u64) -> String {
        let log = audit::about(connection, About::Message(id), NEWEST).await.unwrap();
        contact::find(connection, id).await.unwrap().unwrap().version(&log)
    }

    async fn record(connection: &mut MySqlConnection, about: About) -> Vec<(String, String, Option<String>)> {
        let entries = audit::about(connection, about, NEWEST).await.unwrap().into_iter().rev();
        entries.map(|entry| (entry.action, entry.outcome, entry.detail)).collect()
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn a_review_is_hidden_once_and_a_second_reason_for_it_is_refused_and_kept(pool: MySqlPool) {
        let c = &mut *writer(&pool).await;
        let id = review(c).await;
        let version = version_of_review(c, id).await;
        let (ana, eva) = (bookseller(1), bookseller(2));
        let reason = |text| HideReason::parse(text).unwrap();
        let sent = |who, change| Sent { who, id, version: &version, change: Uuid::from_u128(change) };
        for _ in 0..2 {
            let hidden = change_review(c, sent(&ana, 1), Some(&reason("an advertisement")), minute(1)).await.unwrap();
            assert_eq!(hidden, Outcome::Done);
        }
        for (who, change) in [(&eva, 2), (&ana, 3)] {
            let late = change_review(c, sent(who, change), Some(&reason("an insult")), minute(2)).await.unwrap();
            assert_eq!(late, Outcome::ChangedSince, "also of who has hidden it");
        }
        let entry = |outcome: &str, detail: &str| ("hide".to_owned(), outcome.to_owned(), Some(detail.to_owned()));
        let refused = entry("changed-since", "an insult");
        let expected = [entry("done", "an advertisement"), refused.clone(), refused];
        assert_eq!(record(c, About::Review(id)).await, expected);

        let now = version_of_review(c, id).await;
        let again = Sent { who: &eva, id, version: &now, change: Uuid::from_u128(4) };
        assert_eq!(change_review(c, again, None, minute(3)).await.unwrap(), Outcome::Done);
        let of_before = change_review(c, sent(&eva, 5), Some(&reason("late")), minute(4)).await.unwrap();
        assert_eq!(of_before, Outcome::ChangedSince, "it is shown as it was then, and was hidden between");
        assert_eq!(ratings::find_for_staff(c, id).await.unwrap().unwrap().hidden_at, None);
        let none = Sent { id: id + 1, ..again };
        assert_eq!(change_review(c, none, None, minute(5)).await.unwrap(), Outcome::NoSuchThing);
        assert_eq!(record(c, About::Review(id + 1)).await, []);
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn a_form_about_a_message_that_was_answered_and_opened_since_changes_nothing(pool: MySqlPool) {
        let c = &mut *writer(&pool).await;
        contact::receive(c, Uuid::from_u128(1), minute(0), &contact::tests::message(1)).await.unwrap();
        let id = contact::of_visitor(c, VisitorId(Uuid::from_u128(1))).await.unwrap()[0];
        let shown = version_of_message(c, id).await;
        let (ana, eva) = (bookseller(1), bookseller(2));
        let sent = |who, change| Sent { who, id, version: &shown, change: Uuid::from_u128(change) };
        assert_eq!(change_message(c, sent(&ana, 1), true, minute(1)).await.unwrap(), Outcome::Done);
        let answered = version_of_message(c, id).await;
        let reopening = Sent { who: &ana, id, version: &answered, change: Uuid::from_u128(2) };
        assert_eq!(change_message(c, reopening, false, minute(2)).await.unwrap(), Outcome::Done);
        assert_eq!(change_message(c, sent(&eva, 3), true, minute(3)).await.unwrap(), Outcome::ChangedSince);
        assert_eq!(contact::find(c, id).await.unwrap().unwrap().answered_at, None);
        let outcomes: Vec<_> = record(c, About::Message(id)).await.into_iter().map(|(_, outcome, _)| outcome).collect();
        assert_eq!(outcomes, ["done", "done", "changed-since"]);
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn an_answer_that_is_sent_twice_is_one_mail_and_another_answer_to_what_has_changed_is_refused(
        pool: MySqlPool,
    ) {
        let c = &mut *writer(&pool).await;
        contact::receive(c, Uuid::from_u128(1), minute(0), &contact::tests::message(1)).await.unwrap();
        let id = contact::of_visitor(c, VisitorId(Uuid::from_u128(1))).await.unwrap()[0];
        let shown = version_of_message(c, id).await;
        let (ana, eva) = (bookseller(1), bookseller(2));
        let sent = |who, change| Sent { who, id, version: &shown, change: Uuid::from_u128(change) };
        let (text, language) = (ReplyText::parse("Sí.").unwrap(), Language::parse("es").unwrap());
        for _ in 0..2 {
            let done = reply(c, sent(&ana, 1), (&text, &language, true), minute(1)).await.unwrap();
            assert_eq!(done, Outcome::Done);
        }
        let late = reply(c, sent(&eva, 2), (&text, &language, false), minute(2)).await.unwrap();
        assert_eq!(late, Outcome::ChangedSince);
        assert_eq!(contact::find(c, id).await.unwrap().unwrap().answered_at, Some(minute(1)));
        let mails = contact_replies::lock_unsent_mails(c, 9).await.unwrap();
        assert_eq!(mails.iter().map(|mail| mail.is_copy).collect::<Vec<_>>(), [false, true]);
        assert_eq!(contact_replies::of_message(c, id, 9).await.unwrap().len(), 1);
        // Once more, by a form that shows the first answer.
        let now = version_of_message(c, id).await;
        let again = Sent { who: &eva, id, version: &now, change: Uuid::from_u128(3) };
        assert_eq!(reply(c, again, (&text, &language, false), minute(3)).await.unwrap(), Outcome::Done);
        assert_eq!(contact_replies::of_message(c, id, 9).await.unwrap().len(), 2);
        let answers = [minute(1), minute(3)].map(|written| ("Sí.".to_owned(), written)).to_vec();
        let of_messages = contact_replies::of_messages(c, &[id, id + 1]).await.unwrap();
        assert_eq!(of_messages, [(id, answers)].into(), "as the customer's export has them");
        let recorded = record(c, About::Message(id)).await;
        let entry = |outcome: &str| ("reply".to_owned(), outcome.to_owned(), None);
        assert_eq!(recorded, [entry("done"), entry("changed-since"), entry("done")], "without the text");
        let none = Sent { id: id + 1, ..again };
        assert_eq!(reply(c, none, (&text, &language, false), minute(4)).await.unwrap(), Outcome::NoSuchThing);
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn all_reviews_of_a_visitor_are_hidden_and_shown_again_except_those_that_came_since(pool: MySqlPool) {
        let c = &mut *writer(&pool).await;
        let visitor = VisitorId(Uuid::from_u128(1));
        for (submission, whose, at) in [(1, 1, 0), (2, 1, 1), (3, 1, 9), (4, 2, 0)] {
            let book = book(c, &format!("Libro {submission}"), "Sabato", 0).await;
            ratings::publish(c, Uuid::from_u128(submission), minute(at), &rating(book, whose, 1)).await.unwrap();
        }
        let (ana, reason) = (bookseller(1), HideReason::parse("forged").unwrap());
        let of = ReviewsOf { visitor, hides: true, until: minute(5) };
        let ids = reviews_of(c, of).await.unwrap();
        assert_eq!(ids.len(), 2);
        for (at, id) in ids.iter().enumerate() {
            let by = (&ana, (at == 0).then_some(Uuid::from_u128(9)));
            assert!(change_one_of(c, by, *id, Some(&reason), minute(6)).await.unwrap());
            assert!(!change_one_of(c, by, *id, Some(&reason), minute(6)).await.unwrap(), "hidden already");
        }
        assert!(audit::has_change(c, Uuid::from_u128(9)).await.unwrap());
        assert!(reviews_of(c, of).await.unwrap().is_empty());
        let all = ratings::list_of_visitor(c, visitor, None, 9).await.unwrap();
        let shown: Vec<_> = all.iter().map(|review| (review.sent_at, review.hidden_at.is_some())).collect();
        assert_eq!(shown, [(minute(9), false), (minute(1), true), (minute(0), true)]);
        let undo = ReviewsOf { hides: false, until: minute(7), ..of };
        assert_eq!(reviews_of(c, undo).await.unwrap(), ids);
        for id in &ids {
            assert!(change_one_of(c, (&ana, None), *id, None, minute(8)).await.unwrap());
        }
        assert!(reviews_of(c, undo).await.unwrap().is_empty());
        let actions: Vec<_> = record(c, About::Review(ids[0])).await.into_iter().map(|(action, ..)| action).collect();
        assert_eq!(actions, ["hide", "unhide"]);
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn a_form_that_is_sent_twice_at_once_finds_its_own_change(pool: MySqlPool) {
        let (mut first, mut second) = (writer(&pool).await, writer(&pool).await);
        let id = review(&mut first).await;
        let version = version_of_review(&mut first, id).await;
        let (ana, reason) = (bookseller(1), HideReason::parse("an advertisement").unwrap());
        let sent = Sent { who: &ana, id, version: &version, change: Uuid::from_u128(1) };
        let mut transaction = first.begin().await.unwrap();
        assert_eq!(change_review(&mut transaction, sent, Some(&reason), minute(1)).await.unwrap(), Outcome::Done);
        let again = async {
            let mut transaction = second.begin().await.unwrap();
            let outcome = change_review(&mut transaction, sent, Some(&reason), minute(1)).await.unwrap();
            transaction.commit().await.unwrap();
            outcome
        };
        let commit = async {
            tokio::time::sleep(std::time::Duration::from_millis(300)).await;
            transaction.commit().await.unwrap();
        };
        assert_eq!(tokio::join!(again, commit).0, Outcome::Done);
        assert_eq!(record(&mut first, About::Review(id)).await.len(), 1);
    }
}
