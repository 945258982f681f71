//! Customers, the browsers in which they have signed in, and from when the sessions of a person count.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use sqlx::MySqlConnection;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::as_stored;
use crate::{
    domain::{Customer, Email, Language, VisitorId},
    messages::{OrderV1, RatingV1, SignedInV1},
    session::Subject,
};

/// Longer than any session lasts.
const KEEP_END_OF_SESSIONS: Duration = Duration::days(1);
/// Rows of ended sessions that are removed at once.
const REMOVED_AT_ONCE: u32 = 100;

/// The stored form of a person in tables that outlive an erasure.
pub(super) fn hash_of(subject: Subject) -> VisitorId {
    VisitorId::of_number(subject.uuid())
}

/// The customer of a rating: the one of its session, or who has signed in later in the browser that sent it. The browser alone
/// is no proof: others use it too, and its number can be copied.
pub(super) async fn of_rating(
    connection: &mut MySqlConnection,
    rating: &RatingV1,
    sent_at: OffsetDateTime,
) -> sqlx::Result<Option<Subject>> {
    if let Some(session) = &rating.customer
        && is_signed_in(connection, session).await?
    {
        return Ok(Some(session.subject));
    }
    let found = sqlx::query_scalar!(
        r#"select subject as "subject: Uuid" from customer_visitors where visitor_id = ? and linked_at >= ?"#,
        rating.visitor.0,
        sent_at,
    );
    Ok(found.fetch_optional(connection).await?.map(Subject::of_uuid))
}

/// The customers of several ratings, each as [`of_rating`] finds it.
pub(super) async fn of_ratings(
    connection: &mut MySqlConnection,
    ratings: &[(&RatingV1, OffsetDateTime)],
) -> sqlx::Result<Vec<Option<Subject>>> {
    let sessions: Vec<SignedInV1> = ratings.iter().filter_map(|(rating, _)| rating.customer).collect();
    let ends = ends_of_sessions(connection, &sessions).await?;
    let counts = |session: &SignedInV1| {
        let hashes = [hash_of(session.subject), hash_of_session(session.subject, session.issued_at)];
        !hashes.iter().filter_map(|hash| ends.get(hash)).any(|end| *end >= as_stored(session.issued_at))
    };
    let visitors: BTreeSet<VisitorId> = ratings.iter().map(|(rating, _)| rating.visitor).collect();
    let found = sqlx::query!(
        r#"
        select
            v.visitor_id as "visitor_id: Uuid",
            v.subject as "subject: Uuid",
            v.linked_at
        from json_table(?, '$[*]' columns (visitor_id char(32) character set ascii path '$')) asked
        straight_join customer_visitors v on v.visitor_id = unhex(asked.visitor_id)
        "#,
        json!(visitors.iter().map(|visitor| visitor.0.simple().to_string()).collect::<Vec<_>>()).to_string(),
    );
    let linked = found.fetch_all(connection).await?.into_iter();
    let linked: BTreeMap<Uuid, _> = linked.map(|row| (row.visitor_id, (row.subject, row.linked_at))).collect();
    let of_browser = |(rating, sent_at): &(&RatingV1, OffsetDateTime)| {
        let (subject, linked_at) = linked.get(&rating.visitor.0)?;
        (*linked_at >= as_stored(*sent_at)).then(|| Subject::of_uuid(*subject))
    };
    let of = |rating: &(&RatingV1, OffsetDateTime)| {
        rating.0.customer.filter(&counts).map(|session| session.subject).or_else(|| of_browser(rating))
    };
    Ok(ratings.iter().map(of).collect())
}

/// From when sessions count again of those people and sessions that have ended.
async fn ends_of_sessions(
    connection: &mut MySqlConnection,
    sessions: &[SignedInV1],
) -> sqlx::Result<BTreeMap<VisitorId, OffsetDateTime>> {
    if sessions.is_empty() {
        return Ok(BTreeMap::new());
    }
    let hashes = |session: &SignedInV1| [hash_of(session.subject), hash_of_session(session.subject, session.issued_at)];
    let hashes: BTreeSet<String> = sessions.iter().flat_map(hashes).map(|hash| hash.0.simple().to_string()).collect();
    let found = sqlx::query!(
        r#"
        select
            s.subject_hash as "subject_hash: Uuid",
            s.valid_from
        from json_table(?, '$[*]' columns (hash char(32) character set ascii path '$')) asked
        straight_join sessions_valid_from s on s.subject_hash = unhex(asked.hash)
        "#,
        json!(hashes).to_string(),
    );
    let rows = found.fetch_all(connection).await?.into_iter();
    Ok(rows.map(|row| (VisitorId(row.subject_hash), row.valid_from)).collect())
}

/// Who has signed in last in a browser.
pub(super) async fn of_visitor(connection: &mut MySqlConnection, visitor: VisitorId) -> sqlx::Result<Option<Subject>> {
    let found = sqlx::query_scalar!(
        r#"select subject as "subject: Uuid" from customer_visitors where visitor_id = ?"#,
        visitor.0
    );
    Ok(found.fetch_optional(connection).await?.map(Subject::of_uuid))
}

/// The customer; none before the message of the first sign-in is processed.
pub async fn find(connection: &mut MySqlConnection, subject: Subject) -> sqlx::Result<Option<Customer>> {
    let row = sqlx::query!(
        r#"
        select
            email,
            email_key is not null as "email_verified!: bool",
            language as "language: String",
            signed_in_at,
            created_at
        from customers
        where subject = ?
        "#,
        subject.uuid(),
    );
    let Some(row) = row.fetch_optional(connection).await? else { return Ok(None) };
    let email = Email::parse(&row.email).map_err(|error| sqlx::Error::Decode(error.to_string().into()))?;
    Ok(Some(Customer {
        email,
        email_verified: row.email_verified,
        language: row.language.and_then(|tag| Language::parse(&tag).ok()),
        signed_in_at: row.signed_in_at,
        created_at: row.created_at,
    }))
}

/// The stored form of one session.
fn hash_of_session(subject: Subject, issued_at: OffsetDateTime) -> VisitorId {
    let at = u128::try_from(issued_at.unix_timestamp()).unwrap_or_default();
    VisitorId::of_number(Uuid::from_u128(subject.uuid().as_u128() ^ at))
}

/// Whether a session that was issued at this time still counts: neither all of the person were ended since, nor this one. Sessions
/// have whole seconds: one of the second in which all were ended is refused as well.
pub async fn session_is_valid(
    connection: &mut MySqlConnection,
    subject: Subject,
    issued_at: OffsetDateTime,
) -> sqlx::Result<bool> {
    let ended = sqlx::query_scalar!(
        "select 1 as one from sessions_valid_from where subject_hash in (?, ?) and valid_from >= ? limit 1",
        hash_of(subject).0,
        hash_of_session(subject, issued_at).0,
        issued_at,
    );
    Ok(ended.fetch_optional(connection).await?.is_none())
}

/// Whether the session of a message still counts.
pub(super) async fn is_signed_in(connection: &mut MySqlConnection, session: &SignedInV1) -> sqlx::Result<bool> {
    session_is_valid(connection, session.subject, session.issued_at).await
}

/// The customer of an order: the one of its session, or the last one of its browser if the address of the order is the confirmed
/// address of that account. The browser alone is no proof: others use it too, and its number can be copied.
pub(super) async fn of_order(connection: &mut MySqlConnection, order: &OrderV1) -> sqlx::Result<Option<Subject>> {
    if let Some(session) = &order.customer
        && is_signed_in(connection, session).await?
    {
        return Ok(Some(session.subject));
    }
    let Some(subject) = of_visitor(connection, order.visitor).await? else { return Ok(None) };
    Ok(has_confirmed(connection, subject, &order.contact.email).await?.then_some(subject))
}

/// The customer of a session, if this is the confirmed address of the account.
pub(super) async fn who_orders_with(
    connection: &mut MySqlConnection,
    session: Option<&SignedInV1>,
    email: &Email,
) -> sqlx::Result<Option<Subject>> {
    let Some(session) = session else { return Ok(None) };
    if !is_signed_in(connection, session).await? {
        return Ok(None);
    }
    Ok(has_confirmed(connection, session.subject, email).await?.then_some(session.subject))
}

/// Whether this is the confirmed address of an account.
async fn has_confirmed(connection: &mut MySqlConnection, subject: Subject, email: &Email) -> sqlx::Result<bool> {
    let found = sqlx::query_scalar!(
        "select 1 as one from customers where subject = ? and email_key = ?",
        subject.uuid(),
        &email.key()[..],
    );
    Ok(found.fetch_optional(connection).await?.is_some())
}

/// Ends the session of a person that was issued at this time.
pub async fn end_session(
    connection: &mut MySqlConnection,
    subject: Subject,
    issued_at: OffsetDateTime,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert ignore into sessions_valid_from (subject_hash, valid_from) values (?, ?)",
        hash_of_session(subject, issued_at).0,
        now.max(issued_at),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Removes some ends of sessions that no session can be older than. Returns whether more remain.
pub async fn forget_ends(connection: &mut MySqlConnection, now: OffsetDateTime) -> sqlx::Result<bool> {
    let removed = sqlx::query!(
        "delete from sessions_valid_from where valid_from < ? order by valid_from limit ?",
        now - KEEP_END_OF_SESSIONS,
        REMOVED_AT_ONCE,
    );
    Ok(removed.execute(connection).await?.rows_affected() == u64::from(REMOVED_AT_ONCE))
}

/// Ends all sessions of a person that were issued until now.
pub async fn end_sessions(connection: &mut MySqlConnection, subject: Subject, now: OffsetDateTime) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into sessions_valid_from (subject_hash, valid_from)
        values (?, ?)
        on duplicate key update valid_from = greatest(valid_from, values(valid_from))
        "#,
        hash_of(subject).0,
        now,
    )
    .execute(&mut *connection)
    .await?;
    forget_ends(connection, now).await.map(drop)
}

/// Stores the language of the pages; false where there is no such customer yet.
pub async fn set_language(
    connection: &mut MySqlConnection,
    subject: Subject,
    language: &Language,
) -> sqlx::Result<bool> {
    let changed =
        sqlx::query!("update customers set language = ? where subject = ?", language.as_str(), subject.uuid());
    Ok(changed.execute(connection).await?.rows_affected() > 0)
}
