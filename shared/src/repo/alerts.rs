//! Alerts: who wants a mail when a book is back. They are requested, confirmed and ended by messages, and answered by sweeps, each
//! in one transaction. Locks are taken in the order books, restocks, mailboxes, alerts.

use std::collections::BTreeSet;

use sqlx::MySqlConnection;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{
    customers,
    submissions::{self, Delivery},
    unsent_mails, visitors,
};
use crate::{
    alert_link::AlertLink,
    domain::{AlertEvent, AlertMail, BookId, Email, Language, OwnAlert, Rejection, VisitorId},
    messages::AlertV1,
    session::Subject,
};

/// Alerts of one mailbox that wait, and as many again that nobody has confirmed.
pub const MOST_OF_MAILBOX: u32 = 50;
/// Requests of one visitor within a day.
pub const MOST_OF_VISITOR: u32 = 20;
/// Alerts of one book that wait, and as many again that nobody has confirmed.
pub const MOST_OF_BOOK: u32 = 1_000;
/// Mails within a day that ask for a confirmation.
pub const MOST_CONFIRMATIONS: u32 = 500;
/// Alerts that a sweep notifies: with one each five minutes, 600 mails an hour.
const NOTIFIED_AT_ONCE: u32 = 50;
/// Restocked books that a sweep looks at. Hardly anybody waits for most of them.
const RESTOCKS_AT_ONCE: u32 = 50;
/// Alerts that are notified because of one restock. The others wait for the next, because by then the copies are probably gone.
pub const NOTIFIED_OF_RESTOCK: u16 = 500;
/// Rows that a sweep removes.
const REMOVED_AT_ONCE: u32 = 100;

/// How long no other mail asks the same mailbox for a confirmation.
const QUIET: Duration = Duration::DAY;
/// The same after somebody has ended an alert without confirming it: it was somebody else's idea.
const QUIET_AFTER_REFUSAL: Duration = Duration::days(30);
/// How long a request waits for its confirmation, like its link.
const KEEP_UNCONFIRMED: Duration = AlertLink::TO_CONFIRM;
const KEEP_WAITING: Duration = Duration::days(365);
/// For bounces.
const KEEP_NOTIFIED: Duration = Duration::days(7);

/// The outcome of a message about an alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Noted {
    Now,
    AlreadyProcessed,
    Rejected(Rejection),
}

/// The request of a message.
#[derive(Debug, Clone, Copy)]
pub enum Asked<'a> {
    Request(&'a AlertV1),
    /// By the id of the request.
    Confirm(Uuid),
    /// By the id of the request.
    End(Uuid),
}

/// Does what a message asks for, once.
pub async fn apply(
    connection: &mut MySqlConnection,
    submission: Uuid,
    sent_at: OffsetDateTime,
    asked: Asked<'_>,
    now: OffsetDateTime,
) -> sqlx::Result<Noted> {
    let kind = if let Asked::Confirm(_) = asked { "alert-confirmation" } else { "alert" };
    if submissions::enter(connection, submission, kind, sent_at).await? == Delivery::Duplicate {
        return Ok(Noted::AlreadyProcessed);
    }
    let rejection = match asked {
        Asked::Request(alert) => request(connection, submission, sent_at, alert, now).await?,
        Asked::Confirm(request) => confirm(connection, request, now).await?,
        Asked::End(request) => {
            end(connection, request, now).await?;
            None
        }
    };
    let Some(rejection) = rejection else { return Ok(Noted::Now) };
    submissions::reject(connection, submission, &rejection).await?;
    Ok(Noted::Rejected(rejection))
}

/// Stores the request of an alert. It needs no confirmation if it comes from a customer, or if the same address has confirmed
/// one of the same browser; otherwise a mail asks for one, unless the mailbox is to be left alone for now. The sender learns
/// nothing about the mailbox.
async fn request(
    connection: &mut MySqlConnection,
    submission: Uuid,
    sent_at: OffsetDateTime,
    alert: &AlertV1,
    now: OffsetDateTime,
) -> sqlx::Result<Option<Rejection>> {
    if visitors::is_erased(connection, alert.visitor, sent_at).await? {
        return Ok(Some(Rejection::Erased));
    }
    let (email, customer) = match (&alert.session, &alert.email) {
        (Some(session), _) => {
            if visitors::is_erased(connection, customers::hash_of(session.subject), sent_at).await? {
                return Ok(Some(Rejection::Erased));
            }
            let found = customers::find(connection, session.subject).await?.filter(|customer| customer.email_verified);
            let is_signed_in = customers::is_signed_in(connection, session).await?;
            let Some(found) = found.filter(|_| is_signed_in) else { return Ok(Some(Rejection::NoVerifiedEmail)) };
            (found.email, Some(session.subject))
        }
        (None, Some(email)) => (email.clone(), None),
        (None, None) => return Ok(Some(Rejection::NoVerifiedEmail)),
    };
    // Copies that come now wait for this transaction, or it sees them.
    match locked_stock(connection, alert.book).await? {
        None => return Ok(Some(Rejection::NoSuchBook(alert.book))),
        Some(0) => {}
        Some(_) => return Ok(Some(Rejection::InStock)),
    }
    let mailbox = email.mailbox_key();
    let is_quiet = lock_mailbox(connection, &mailbox, now).await?;
    let is_known = customer.is_some() || has_confirmed(connection, &mailbox, &email, alert.visitor).await?;
    if let Some(earlier) = of_address(connection, &mailbox, &email, alert.book).await? {
        match earlier {
            Earlier { is_waiting: true, .. } => return Ok(None),
            Earlier { is_notified: false, id, .. } if is_known => {
                take_over(connection, id, alert.visitor, customer).await?;
                confirm_rows(connection, &[id], now).await?;
                return Ok(None);
            }
            // The link of the earlier mail counts.
            Earlier { is_notified: false, .. } if is_quiet => return Ok(None),
            Earlier { id, .. } => remove(connection, &[id]).await?,
        }
    }
    let needs_mail = !is_known && !is_quiet;
    if is_too_much(connection, &mailbox, alert, is_known, needs_mail, now).await? {
        return Ok(Some(Rejection::TooManyAlerts));
    }
    let keep = if is_known { KEEP_WAITING } else { KEEP_UNCONFIRMED };
    let inserted = sqlx::query!(
        r#"
        insert into stock_alerts (
            request_id, book_id, email, mailbox_key, language, origin, confirm_token, end_token, visitor_id, customer,
            created_at, confirmed_at, keep_until
        )
        values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        "#,
        submission,
        alert.book.get(),
        email.as_str(),
        &mailbox[..],
        alert.language.as_str(),
        alert.origin.as_str(),
        alert.confirm.as_str(),
        alert.end.as_str(),
        alert.visitor.0,
        customer.map(Subject::uuid),
        now,
        is_known.then_some(now),
        now + keep,
    );
    let id = inserted.execute(&mut *connection).await?.last_insert_id();
    if needs_mail {
        write_mails(connection, &[id], AlertEvent::Confirm, now).await?;
        sqlx::query!(
            "update alert_mailboxes set mailed_at = ?, quiet_until = ? where mailbox_key = ?",
            now,
            now + QUIET,
            &mailbox[..],
        )
        .execute(connection)
        .await?;
    }
    Ok(None)
}

/// Confirms the address of an alert: for this one, and for others that the same browser has requested for the same address.
async fn confirm(
    connection: &mut MySqlConnection,
    request: Uuid,
    now: OffsetDateTime,
) -> sqlx::Result<Option<Rejection>> {
    let rows = sqlx::query!(
        r#"
        select
            a.id,
            a.book_id,
            a.email,
            a.confirmed_at,
            asked.email as asked
        from stock_alerts asked
        straight_join stock_alerts a on a.mailbox_key = asked.mailbox_key
        where asked.request_id = ?
          and (a.id = asked.id or (a.visitor_id = asked.visitor_id and a.confirmed_at is null))
        order by a.book_id
        "#,
        request,
    );
    let rows = rows.fetch_all(&mut *connection).await?;
    if rows.is_empty() {
        return Ok(Some(Rejection::NoSuchAlert));
    }
    let open: Vec<_> =
        rows.iter().filter(|row| row.confirmed_at.is_none() && is_same_address(&row.email, &row.asked)).collect();
    for row in &open {
        // It may be back since the request.
        if locked_stock(connection, row.book_id.into()).await?.is_some_and(|stock| stock > 0) {
            note_restocks(connection, &BTreeSet::from([row.book_id]), now).await?;
        }
    }
    confirm_rows(connection, &open.iter().map(|row| row.id).collect::<Vec<_>>(), now).await?;
    Ok(None)
}

/// Ends an alert, and removes all that is stored with it. Ending one that is gone is no failure.
async fn end(connection: &mut MySqlConnection, request: Uuid, now: OffsetDateTime) -> sqlx::Result<()> {
    let found = sqlx::query!(
        r#"
        select
            id,
            mailbox_key as "mailbox_key!: Vec<u8>",
            confirmed_at
        from stock_alerts
        where request_id = ?
        "#,
        request,
    );
    let Some(found) = found.fetch_optional(&mut *connection).await? else { return Ok(()) };
    if found.confirmed_at.is_none() {
        sqlx::query!(
            "update alert_mailboxes set quiet_until = greatest(quiet_until, ?) where mailbox_key = ?",
            now + QUIET_AFTER_REFUSAL,
            found.mailbox_key,
        )
        .execute(&mut *connection)
        .await?;
    }
    remove(connection, &[found.id]).await
}

/// Notes books of which copies came after there were none, with the movement that brought them.
pub(super) async fn note_restocks(
    connection: &mut MySqlConnection,
    books: &BTreeSet<u32>,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    if books.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        r#"
        insert into restocks (book_id, restocked_at)
        select asked.id, ?
        from json_table(?, '$[*]' columns (id int unsigned path '$')) asked
        on duplicate key update
            restocked_at = values(restocked_at),
            notified = 0
        "#,
        now,
        serde_json::json!(books).to_string(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// What a sweep has notified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Notified {
    pub mails: usize,
    /// Whether there are restocked books that this call has not looked at, though it could have notified more.
    pub more: bool,
}

/// Writes the mails to some who wait for books that were restocked, the first restock first.
pub async fn notify(connection: &mut MySqlConnection, now: OffsetDateTime) -> sqlx::Result<Notified> {
    let restocks = sqlx::query!(
        "select book_id, notified from restocks order by restocked_at, book_id limit ? for update skip locked",
        RESTOCKS_AT_ONCE,
    );
    let restocks = restocks.fetch_all(&mut *connection).await?;
    if restocks.is_empty() {
        return Ok(Notified { mails: 0, more: false });
    }
    let books: Vec<u32> = restocks.iter().map(|restock| restock.book_id).collect();
    // A statement after the lock, so that it sees who has confirmed until then. Who got a mail that came back gets no other one.
    let waiting = sqlx::query!(
        r#"
        select
            a.id,
            a.book_id
        from json_table(?, '$[*]' columns (place for ordinality, id int unsigned path '$')) asked
        straight_join books b on b.id = asked.id
        straight_join stock_alerts a on a.book_id = b.id
        where b.stock > 0
          and b.withdrawn_at is null
          and a.is_waiting = 1
          and not exists (select 1 from mails m where m.alert_id = a.id and m.failed_at is not null)
        order by asked.place, a.id
        limit ?
        "#,
        serde_json::json!(books).to_string(),
        NOTIFIED_AT_ONCE,
    );
    let waiting = waiting.fetch_all(&mut *connection).await?;
    // Behind the last book that is notified, there is nothing known of the others.
    let is_cut = waiting.len() == NOTIFIED_AT_ONCE as usize;
    let last = waiting.last().filter(|_| is_cut).map(|last| last.book_id);
    let (mut notified, mut done) = (Vec::new(), Vec::new());
    for restock in &restocks {
        let left = NOTIFIED_OF_RESTOCK.saturating_sub(restock.notified);
        let of_book = waiting.iter().filter(|alert| alert.book_id == restock.book_id).map(|alert| alert.id);
        let of_book: Vec<u64> = of_book.take(left.into()).collect();
        let count = u16::try_from(of_book.len()).unwrap_or(u16::MAX);
        notified.extend(of_book);
        if last != Some(restock.book_id) || count == left {
            done.push(restock.book_id);
        } else {
            sqlx::query!("update restocks set notified = notified + ? where book_id = ?", count, restock.book_id)
                .execute(&mut *connection)
                .await?;
        }
        if last == Some(restock.book_id) {
            break;
        }
    }
    if !notified.is_empty() {
        mark_notified(connection, &notified, now).await?;
        write_mails(connection, &notified, AlertEvent::Back, now).await?;
    }
    sqlx::query!(
        r#"
        delete r
        from json_table(?, '$[*]' columns (id int unsigned path '$')) asked
        straight_join restocks r on r.book_id = asked.id
        "#,
        serde_json::json!(done).to_string(),
    )
    .execute(connection)
    .await?;
    let more = !is_cut && restocks.len() == RESTOCKS_AT_ONCE as usize;
    Ok(Notified { mails: notified.len(), more })
}

async fn mark_notified(connection: &mut MySqlConnection, ids: &[u64], now: OffsetDateTime) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update json_table(?, '$[*]' columns (id bigint unsigned path '$')) asked
        straight_join stock_alerts a on a.id = asked.id
        set a.notified_at = ?,
            a.keep_until = ?
        "#,
        serde_json::json!(ids).to_string(),
        now,
        now + KEEP_NOTIFIED,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Removes some of what nobody needs any more; whether there may be more.
pub async fn forget(connection: &mut MySqlConnection, now: OffsetDateTime) -> sqlx::Result<bool> {
    sqlx::query!(
        "delete from alert_mailboxes where quiet_until < ? order by quiet_until limit ?",
        now - QUIET,
        REMOVED_AT_ONCE,
    )
    .execute(&mut *connection)
    .await?;
    let old = sqlx::query_scalar!(
        "select id from stock_alerts where keep_until < ? order by keep_until limit ? for update skip locked",
        now,
        REMOVED_AT_ONCE,
    );
    let old = old.fetch_all(&mut *connection).await?;
    remove(connection, &old).await?;
    Ok(old.len() == REMOVED_AT_ONCE as usize)
}

/// Locks the oldest mails about alerts that were not handed over and that no other transaction has locked.
pub async fn lock_unsent_mails(connection: &mut MySqlConnection, limit: u32) -> sqlx::Result<Vec<AlertMail>> {
    let locked = unsent_mails::lock(connection, &AlertEvent::ALL.map(AlertEvent::code), limit).await?;
    let rows = sqlx::query!(
        r#"
        select
            m.id,
            m.event = 'alert-back' as "is_back!: bool",
            a.email,
            a.language as "language: String",
            a.book_id,
            b.title,
            b.byline,
            a.origin as "origin: String",
            a.confirm_token as "confirm_token: String",
            a.end_token as "end_token: String"
        from json_table(?, '$[*]' columns (id bigint unsigned path '$')) asked
        straight_join mails m on m.id = asked.id
        straight_join stock_alerts a on a.id = m.alert_id
        straight_join books b on b.id = a.book_id
        order by m.id
        "#,
        serde_json::json!(locked).to_string(),
    );
    let mails = rows.fetch_all(connection).await?.into_iter().filter_map(|row| {
        Some(AlertMail {
            id: row.id,
            event: if row.is_back { AlertEvent::Back } else { AlertEvent::Confirm },
            to: Email::parse(&row.email).ok()?,
            language: Language::parse(&row.language).ok()?,
            book: row.book_id.into(),
            title: row.title,
            byline: row.byline,
            origin: row.origin,
            confirm: row.confirm_token,
            end: row.end_token,
        })
    });
    Ok(mails.collect())
}

/// Removes all alerts that came from a browser; returns their number.
pub async fn erase_visitor(connection: &mut MySqlConnection, visitor: VisitorId) -> sqlx::Result<usize> {
    let ids = sqlx::query_scalar!("select id from stock_alerts where visitor_id = ? for update", visitor.0);
    let ids = ids.fetch_all(&mut *connection).await?;
    remove(connection, &ids).await?;
    Ok(ids.len())
}

/// Removes all alerts that a customer had requested by then.
pub(super) async fn erase_customer(
    connection: &mut MySqlConnection,
    subject: Subject,
    until: OffsetDateTime,
) -> sqlx::Result<()> {
    let ids = sqlx::query_scalar!(
        "select id from stock_alerts where customer = ? and created_at <= ? for update",
        subject.uuid(),
        until,
    );
    let ids = ids.fetch_all(&mut *connection).await?;
    remove(connection, &ids).await
}

/// The alerts of a customer, the earliest first.
pub async fn of_customer(connection: &mut MySqlConnection, subject: Subject) -> sqlx::Result<Vec<OwnAlert>> {
    let rows = sqlx::query!(
        r#"
        select
            a.book_id,
            b.title,
            a.created_at,
            a.notified_at
        from stock_alerts a
        straight_join books b on b.id = a.book_id
        where a.customer = ?
        order by a.id
        "#,
        subject.uuid(),
    );
    let alerts = rows.fetch_all(connection).await?.into_iter().map(|row| OwnAlert {
        book: row.book_id.into(),
        title: row.title,
        requested_at: row.created_at,
        notified_at: row.notified_at,
    });
    Ok(alerts.collect())
}

/// An alert of the same address for the same book.
struct Earlier {
    id: u64,
    is_waiting: bool,
    is_notified: bool,
}

async fn of_address(
    connection: &mut MySqlConnection,
    mailbox: &[u8; 32],
    email: &Email,
    book: BookId,
) -> sqlx::Result<Option<Earlier>> {
    let of_mailbox = sqlx::query!(
        r#"
        select
            id,
            email,
            is_waiting = 1 as "is_waiting!: bool",
            notified_at is not null as "is_notified!: bool"
        from stock_alerts
        where mailbox_key = ?
          and book_id = ?
        for update
        "#,
        &mailbox[..],
        book.get(),
    );
    let found =
        of_mailbox.fetch_all(connection).await?.into_iter().find(|row| is_same_address(&row.email, email.as_str()));
    Ok(found.map(|row| Earlier { id: row.id, is_waiting: row.is_waiting, is_notified: row.is_notified }))
}

/// Whether two stored addresses are one. Those of one mailbox may differ: at a host without subaddresses, `ana+x@` is somebody
/// else than `ana@`, who has not confirmed what the other has.
fn is_same_address(one: &str, other: &str) -> bool {
    Email::parse(one).is_ok_and(|one| Email::parse(other).is_ok_and(|other| one.is_same(&other)))
}

/// Makes an alert that nobody has confirmed the alert of somebody whose address is known. The browser that had requested it
/// may be a stranger's, for which nothing is confirmed.
async fn take_over(
    connection: &mut MySqlConnection,
    id: u64,
    visitor: VisitorId,
    customer: Option<Subject>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update stock_alerts set visitor_id = ?, customer = ? where id = ?",
        visitor.0,
        customer.map(Subject::uuid),
        id,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Requests of one mailbox wait for one another. Returns whether no mail may ask it for a confirmation now.
async fn lock_mailbox(connection: &mut MySqlConnection, mailbox: &[u8; 32], now: OffsetDateTime) -> sqlx::Result<bool> {
    sqlx::query!("insert ignore into alert_mailboxes (mailbox_key, quiet_until) values (?, ?)", &mailbox[..], now,)
        .execute(&mut *connection)
        .await?;
    let quiet_until =
        sqlx::query_scalar!("select quiet_until from alert_mailboxes where mailbox_key = ? for update", &mailbox[..]);
    Ok(quiet_until.fetch_one(connection).await? > now)
}

/// Whether the owner of the address has confirmed an alert that this browser had requested.
async fn has_confirmed(
    connection: &mut MySqlConnection,
    mailbox: &[u8; 32],
    email: &Email,
    visitor: VisitorId,
) -> sqlx::Result<bool> {
    let confirmed = sqlx::query_scalar!(
        r#"
        select distinct email
        from stock_alerts
        where mailbox_key = ?
          and visitor_id = ?
          and confirmed_at is not null
        "#,
        &mailbox[..],
        visitor.0,
    );
    Ok(confirmed.fetch_all(connection).await?.iter().any(|confirmed| is_same_address(confirmed, email.as_str())))
}

/// Whether one more would exceed a limit. Alerts that nobody has confirmed have their own, because anybody can request them with
/// made-up addresses: they keep no place from somebody whose address is known. It counts without locks, so requests at the same
/// time may exceed it by their number, except that of a mailbox.
async fn is_too_much(
    connection: &mut MySqlConnection,
    mailbox: &[u8; 32],
    alert: &AlertV1,
    is_known: bool,
    needs_mail: bool,
    now: OffsetDateTime,
) -> sqlx::Result<bool> {
    let day = now - Duration::DAY;
    let counts = sqlx::query!(
        r#"
        select
            (select count(*) from (
                select 1 from stock_alerts where mailbox_key = ? and is_waiting = 1 limit ?
            ) a) as "of_mailbox!: i64",
            (select count(*) from (
                select 1 from stock_alerts where mailbox_key = ? and confirmed_at is null limit ?
            ) b) as "unconfirmed_of_mailbox!: i64",
            (select count(*) from (
                select 1 from stock_alerts where visitor_id = ? and created_at > ? limit ?
            ) c) as "of_visitor!: i64",
            (select count(*) from (
                select 1 from stock_alerts where book_id = ? and is_waiting = 1 limit ?
            ) d) as "of_book!: i64",
            (select count(*) from (
                select 1 from stock_alerts where book_id = ? and is_waiting = 0 and confirmed_at is null limit ?
            ) e) as "unconfirmed_of_book!: i64",
            (select count(*) from (
                select 1 from alert_mailboxes where mailed_at > ? limit ?
            ) f) as "confirmations!: i64"
        "#,
        &mailbox[..],
        MOST_OF_MAILBOX,
        &mailbox[..],
        MOST_OF_MAILBOX,
        alert.visitor.0,
        day,
        MOST_OF_VISITOR,
        alert.book.get(),
        MOST_OF_BOOK,
        alert.book.get(),
        MOST_OF_BOOK,
        day,
        MOST_CONFIRMATIONS,
    );
    let counts = counts.fetch_one(connection).await?;
    let (of_mailbox, of_book) = (i64::from(MOST_OF_MAILBOX), i64::from(MOST_OF_BOOK));
    let is_too_much_unconfirmed = counts.unconfirmed_of_mailbox >= of_mailbox || counts.unconfirmed_of_book >= of_book;
    Ok(counts.of_mailbox >= of_mailbox
        || counts.of_visitor >= i64::from(MOST_OF_VISITOR)
        || counts.of_book >= of_book
        || (!is_known && is_too_much_unconfirmed)
        || (needs_mail && counts.confirmations >= i64::from(MOST_CONFIRMATIONS)))
}

/// Copies of a book, which nobody changes until the end of the transaction; none if there is no such book.
async fn locked_stock(connection: &mut MySqlConnection, book: BookId) -> sqlx::Result<Option<u32>> {
    let found = sqlx::query!(
        r#"
        select
            stock,
            withdrawn_at is not null as "is_withdrawn!: bool"
        from books
        where id = ?
        lock in share mode
        "#,
        book.get(),
    );
    // One that the staff has taken out of sale is waited for until it is put back.
    Ok(found.fetch_optional(connection).await?.map(|book| if book.is_withdrawn { 0 } else { book.stock }))
}

async fn confirm_rows(connection: &mut MySqlConnection, ids: &[u64], now: OffsetDateTime) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update json_table(?, '$[*]' columns (id bigint unsigned path '$')) asked
        straight_join stock_alerts a on a.id = asked.id
        set a.confirmed_at = ?,
            a.keep_until = ?
        where a.confirmed_at is null
        "#,
        serde_json::json!(ids).to_string(),
        now,
        now + KEEP_WAITING,
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn write_mails(
    connection: &mut MySqlConnection,
    alerts: &[u64],
    event: AlertEvent,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into mails (alert_id, event, source, created_at)
        select a.id, ?, a.request_id, ?
        from json_table(?, '$[*]' columns (id bigint unsigned path '$')) asked
        straight_join stock_alerts a on a.id = asked.id
        order by a.id
        "#,
        event.code(),
        now,
        serde_json::json!(alerts).to_string(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Removes alerts with their mails.
async fn remove(connection: &mut MySqlConnection, ids: &[u64]) -> sqlx::Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let ids = serde_json::json!(ids).to_string();
    sqlx::query!(
        r#"
        delete m
        from json_table(?, '$[*]' columns (id bigint unsigned path '$')) asked
        straight_join mails m on m.alert_id = asked.id
        "#,
        ids,
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        r#"
        delete a
        from json_table(?, '$[*]' columns (id bigint unsigned path '$')) asked
        straight_join stock_alerts a on a.id = asked.id
        "#,
        ids,
    )
    .execute(connection)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests;
