//! Ratings and the star counts that follow from them.

mod sets;

use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::{MySqlConnection, types::Json};
use time::{OffsetDateTime, macros::datetime};
use uuid::Uuid;

use super::{
    customers, orders,
    shop_counts::{Change, Counted},
    submissions::{self, Delivery},
    visitors, word_index,
};
use crate::{
    answer_size::encoded_len,
    domain::{
        BookId, Cursor, DisplayName, Histogram, OwnRating, Rejection, Review, ReviewText, Slice, Stars, VisitorId,
        popularity_class,
    },
    messages::RatingV1,
    session::Subject,
    staff::{Period, RatingKey, ReviewFilter, StaffRating},
};

pub use sets::{Sent, publish_all};

/// The result of publishing a rating.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Published {
    Now,
    Rejected(Rejection),
    /// An earlier delivery was processed; this one changed nothing.
    AlreadyProcessed,
}

/// Writes a rating, the book's star counts and the submission's outcome. To be run in one transaction.
///
/// Of two ratings by one visitor the later `sent_at` wins, in whatever order they arrive; the id breaks a tie. The rating of a
/// customer is replaced by the same customer only: the number of a browser can be copied.
pub async fn publish(
    connection: &mut MySqlConnection,
    submission: Uuid,
    sent_at: OffsetDateTime,
    rating: &RatingV1,
) -> sqlx::Result<Published> {
    if submissions::enter(connection, submission, "rating", sent_at).await? == Delivery::Duplicate {
        return Ok(Published::AlreadyProcessed);
    }
    // The customer before the browser, as a sign-in and an erasure lock them.
    let account = rating.customer.map(|session| customers::hash_of(session.subject));
    for who in account.into_iter().chain([rating.visitor]) {
        if visitors::is_erased(connection, who, sent_at).await? {
            return reject(connection, submission, Rejection::Erased).await;
        }
    }
    let customer = customers::of_rating(connection, rating, sent_at).await?;
    replace(connection, submission, sent_at, rating, customer).await
}

async fn replace(
    connection: &mut MySqlConnection,
    submission: Uuid,
    sent_at: OffsetDateTime,
    rating: &RatingV1,
    customer: Option<Subject>,
) -> sqlx::Result<Published> {
    // The book's row is locked first, always: two ratings of one book wait for one another and cannot deadlock.
    let book = sqlx::query_scalar!("select id from books where id = ? for update", rating.book.get())
        .fetch_optional(&mut *connection)
        .await?;
    if book.is_none() {
        return reject(connection, submission, Rejection::NoSuchBook(rating.book)).await;
    }
    let earlier = sqlx::query!(
        r#"
        select
            stars,
            sent_at,
            submission_id as "submission_id: Uuid",
            hidden_at,
            customer as "customer: Uuid"
        from ratings
        where book_id = ?
          and visitor_id = ?
        for update
        "#,
        rating.book.get(),
        rating.visitor.0,
    )
    .fetch_optional(&mut *connection)
    .await?;
    if earlier.as_ref().is_some_and(|earlier| earlier.hidden_at.is_some()) {
        return reject(connection, submission, Rejection::HiddenBefore).await;
    }
    if earlier.as_ref().is_some_and(|earlier| (earlier.sent_at, earlier.submission_id) > (sent_at, submission)) {
        return reject(connection, submission, Rejection::LaterRating).await;
    }
    let owner = earlier.as_ref().and_then(|earlier| earlier.customer);
    if owner.is_some() && owner != customer.map(Subject::uuid) {
        return reject(connection, submission, Rejection::OfCustomer).await;
    }
    if let Some(reason) = replace_elsewhere(connection, submission, sent_at, rating, customer).await? {
        return reject(connection, submission, reason).await;
    }
    if let Some(earlier) = &earlier {
        count_one_less(connection, rating.book, earlier.stars).await?;
    }
    count_one_more(connection, rating.book, rating.stars.get()).await?;
    write(connection, submission, sent_at, rating, customer).await?;
    recount(connection, rating.book).await?;
    Ok(Published::Now)
}

/// Removes the ratings of this book that the customer has sent from other browsers; nothing is removed if one of them counts
/// instead, which is the reason.
async fn replace_elsewhere(
    connection: &mut MySqlConnection,
    submission: Uuid,
    sent_at: OffsetDateTime,
    rating: &RatingV1,
    customer: Option<Subject>,
) -> sqlx::Result<Option<Rejection>> {
    let Some(customer) = customer else { return Ok(None) };
    let others = sqlx::query!(
        r#"
        select
            id,
            sent_at,
            submission_id as "submission_id: Uuid",
            hidden_at
        from ratings
        where customer = ?
          and book_id = ?
          and visitor_id <> ?
        for update
        "#,
        customer.uuid(),
        rating.book.get(),
        rating.visitor.0,
    );
    let others = others.fetch_all(&mut *connection).await?;
    if others.iter().any(|other| other.hidden_at.is_some()) {
        return Ok(Some(Rejection::HiddenBefore));
    }
    if others.iter().any(|other| (other.sent_at, other.submission_id) > (sent_at, submission)) {
        return Ok(Some(Rejection::LaterRating));
    }
    for other in others {
        remove(connection, other.id, &Rejection::LaterRating).await?;
    }
    Ok(None)
}

async fn reject(connection: &mut MySqlConnection, submission: Uuid, reason: Rejection) -> sqlx::Result<Published> {
    submissions::reject(connection, submission, &reason).await?;
    Ok(Published::Rejected(reason))
}

async fn write(
    connection: &mut MySqlConnection,
    submission: Uuid,
    sent_at: OffsetDateTime,
    rating: &RatingV1,
    customer: Option<Subject>,
) -> sqlx::Result<()> {
    let has_bought = orders::has_bought(connection, rating.book, rating.visitor, customer).await?;
    sqlx::query!(
        r#"
        insert into ratings (
            submission_id, book_id, visitor_id, stars, name, review, sent_at, customer, verified_purchase
        )
        values (?, ?, ?, ?, ?, ?, ?, ?, ?)
        on duplicate key update
            submission_id = values(submission_id),
            stars = values(stars),
            name = values(name),
            review = values(review),
            sent_at = values(sent_at),
            customer = coalesce(values(customer), customer),
            verified_purchase = greatest(verified_purchase, values(verified_purchase))
        "#,
        submission,
        rating.book.get(),
        rating.visitor.0,
        rating.stars.get(),
        rating.name.as_ref().map(DisplayName::as_str),
        rating.review.as_ref().map(ReviewText::as_str),
        sent_at,
        customer.map(Subject::uuid),
        has_bought,
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn count_one_more(connection: &mut MySqlConnection, book: BookId, stars: u8) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into star_counts (book_id, stars, given)
        values (?, ?, 1)
        on duplicate key update given = given + 1
        "#,
        book.get(),
        stars,
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn count_one_less(connection: &mut MySqlConnection, book: BookId, stars: u8) -> sqlx::Result<()> {
    sqlx::query!(
        "update star_counts set given = given - 1 where book_id = ? and stars = ? and given > 0",
        book.get(),
        stars,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Updates the book's count and mean from its star counts, and all that follows from them: lists by popularity, the word
/// index and the numbers of the shop. The book counts as changed even if count and mean stay, because the words of its
/// reviews may be others. The star counts are read with a lock, because a plain read in a transaction that has
/// read before returns old values.
async fn recount(connection: &mut MySqlConnection, book: BookId) -> sqlx::Result<()> {
    let row = sqlx::query!(
        r#"
        select
            (select ratings_count from books where id = ?) as ratings_count,
            (select score from books where id = ?) as score,
            json_arrayagg(json_array(stars, least(imported + given, 4294967295))) as "stars: Json<Vec<(usize, u32)>>"
        from star_counts
        where book_id = ?
        for update
        "#,
        book.get(),
        book.get(),
        book.get(),
    )
    .fetch_one(&mut *connection)
    .await?;
    let histogram = Histogram::of_pairs(row.stars.map(|Json(pairs)| pairs));
    let rated = |ratings_count, score| Counted { ratings_count, score, ..Counted::default() };
    let before = rated(row.ratings_count.unwrap_or_default(), row.score.unwrap_or_default());
    let now = rated(u32::try_from(histogram.count()).unwrap_or(u32::MAX), histogram.score());
    sqlx::query!(
        r#"
        update books b
        left join book_authors ba on ba.book_id = b.id
        left join book_genres bg on bg.book_id = b.id
        set b.ratings_count = ?,
            b.score = ?,
            b.updated_at = current_timestamp(3),
            ba.ratings_count = ?,
            bg.ratings_count = ?
        where b.id = ?
        "#,
        now.ratings_count,
        now.score,
        now.ratings_count,
        now.ratings_count,
        book.get(),
    )
    .execute(&mut *connection)
    .await?;
    if popularity_class(before.ratings_count) != popularity_class(now.ratings_count) {
        word_index::move_to_class(connection, book.get(), now.ratings_count).await?;
    }
    let mut change = Change::default();
    change.note(Some(&before), Some(&now));
    change.write(connection).await
}

/// The sort keys of a rating: when it was sent, in microseconds since 1970, and its own id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keys(i64, u64);

impl Keys {
    /// The cursor behind a rating of a list.
    fn of(sent_at: OffsetDateTime, id: u64, list: &str) -> String {
        let micros = i64::try_from(sent_at.unix_timestamp_nanos() / 1_000).unwrap_or(i64::MAX);
        Cursor::new(list.to_owned(), Self(micros, id)).encode()
    }
}

/// The largest size of a review in a response in bytes, including its markup.
fn bytes(review: &Review) -> usize {
    let written = [&review.name, &review.review].into_iter().flatten();
    500 + written.map(|text| encoded_len(text)).sum::<usize>()
}

/// The name of the list that a cursor belongs to.
pub fn list_name(book: BookId) -> String {
    format!("ratings of {book}")
}

/// A slice of a book's ratings, newest first; none if there is no such book.
pub async fn list(
    connection: &mut MySqlConnection,
    book: BookId,
    after: Option<&Cursor<Keys>>,
    limit: u32,
) -> sqlx::Result<Option<Slice<Review>>> {
    let found = sqlx::query_scalar!("select id from books where id = ?", book.get());
    if found.fetch_optional(&mut *connection).await?.is_none() {
        return Ok(None);
    }
    let (sent_at, id) = last_seen(after);
    let rows = sqlx::query_as!(
        Review,
        r#"
        select
            id,
            stars,
            name,
            review,
            sent_at,
            verified_purchase as "verified_purchase: bool"
        from ratings
        where book_id = ?
          and hidden_at is null
          and sent_at <= ?
          and (sent_at < ? or id < ?)
        order by sent_at desc, id desc
        limit ?
        "#,
        book.get(),
        sent_at,
        sent_at,
        id,
        limit + 1,
    )
    .fetch_all(connection)
    .await?;
    Ok(Some(newest_first(rows, limit, &list_name(book))))
}

/// Time and id of the last rating before a slice; the latest possible ones before the first.
fn last_seen(after: Option<&Cursor<Keys>>) -> (OffsetDateTime, u64) {
    let Keys(micros, id) = after.map_or(Keys(i64::MAX, u64::MAX), |cursor| cursor.keys);
    let sent_at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1_000).unwrap_or(LAST_MOMENT);
    (sent_at.min(LAST_MOMENT), id)
}

/// The slice of a list with this name.
fn newest_first(rows: Vec<Review>, limit: u32, list: &str) -> Slice<Review> {
    Slice::within_response(rows, limit, bytes, |last| Keys::of(last.sent_at, last.id, list))
}

/// The name of the list of reviews that a cursor belongs to.
pub fn reviews_name(book: BookId) -> String {
    format!("reviews of {book}")
}

/// A slice of a book's ratings that have a text, newest first: those that people read.
pub async fn reviews(
    connection: &mut MySqlConnection,
    book: BookId,
    after: Option<&Cursor<Keys>>,
    limit: u32,
) -> sqlx::Result<Slice<Review>> {
    let (sent_at, id) = last_seen(after);
    let rows = sqlx::query_as!(
        Review,
        r#"
        select
            id,
            stars,
            name,
            review,
            sent_at,
            verified_purchase as "verified_purchase: bool"
        from ratings
        where book_id = ?
          and shows_words = 1
          and sent_at <= ?
          and (sent_at < ? or id < ?)
        order by sent_at desc, id desc
        limit ?
        "#,
        book.get(),
        sent_at,
        sent_at,
        id,
        limit + 1,
    )
    .fetch_all(connection)
    .await?;
    Ok(newest_first(rows, limit, &reviews_name(book)))
}

/// The rating that a visitor gave a book, for changing it; none if the shop has hidden it.
pub async fn own(connection: &mut MySqlConnection, book: BookId, visitor: VisitorId) -> sqlx::Result<Option<Review>> {
    sqlx::query_as!(
        Review,
        r#"
        select
            id,
            stars,
            name,
            review,
            sent_at,
            verified_purchase as "verified_purchase: bool"
        from ratings
        where book_id = ?
          and visitor_id = ?
          and hidden_at is null
        "#,
        book.get(),
        visitor.0,
    )
    .fetch_optional(connection)
    .await
}

/// The last second that a `timestamp` holds in every version of MariaDB that this runs on.
const LAST_MOMENT: OffsetDateTime = datetime!(2038-01-19 03:14:07 UTC);

/// The newest ratings of a book that have a review.
pub async fn newest_reviews(connection: &mut MySqlConnection, book: BookId, limit: u32) -> sqlx::Result<Vec<Review>> {
    sqlx::query_as!(
        Review,
        r#"
        select
            id,
            stars,
            name,
            review,
            sent_at,
            verified_purchase as "verified_purchase: bool"
        from ratings
        where book_id = ?
          and shows_words = 1
        order by sent_at desc, id desc
        limit ?
        "#,
        book.get(),
        limit,
    )
    .fetch_all(connection)
    .await
}

/// Hides a rating and subtracts it from the book's counts; none if there is no such rating. To be run in one
/// transaction, like the functions below.
pub async fn hide(connection: &mut MySqlConnection, id: u64, at: OffsetDateTime) -> sqlx::Result<Option<StaffRating>> {
    let Some((rating, submission)) = lock(connection, id).await? else { return Ok(None) };
    if rating.hidden_at.is_some() {
        return Ok(Some(rating));
    }
    sqlx::query!("update ratings set hidden_at = ? where id = ?", at, id).execute(&mut *connection).await?;
    submissions::reject(connection, submission, &Rejection::Hidden).await?;
    count_one_less(connection, rating.book, rating.stars).await?;
    recount(connection, rating.book).await?;
    Ok(Some(StaffRating { hidden_at: Some(at), ..rating }))
}

/// Shows a hidden rating again.
pub async fn unhide(connection: &mut MySqlConnection, id: u64) -> sqlx::Result<Option<StaffRating>> {
    let Some((rating, submission)) = lock(connection, id).await? else { return Ok(None) };
    if rating.hidden_at.is_none() {
        return Ok(Some(rating));
    }
    sqlx::query!("update ratings set hidden_at = null where id = ?", id).execute(&mut *connection).await?;
    submissions::publish(connection, submission).await?;
    count_one_more(connection, rating.book, rating.stars).await?;
    recount(connection, rating.book).await?;
    Ok(Some(StaffRating { hidden_at: None, ..rating }))
}

/// Ratings of all books, hidden ones too, newest first.
pub async fn list_for_staff(
    connection: &mut MySqlConnection,
    only_hidden: bool,
    book: Option<BookId>,
    before: Option<RatingKey>,
    limit: u32,
) -> sqlx::Result<Vec<StaffRating>> {
    let before = before.unwrap_or(RatingKey { sent_at: LAST_MOMENT, id: u64::MAX });
    let (sent_at, id) = (before.sent_at, before.id);
    // Each is one range of an index, in its order: a condition that may or may not hold would be checked row by row.
    let ids = match (only_hidden, book.map(BookId::get)) {
        (false, None) => {
            let ids = sqlx::query_scalar!(
                r#"
                select id
                from ratings force index (ratings_sent)
                where sent_at <= ?
                  and (sent_at < ? or id < ?)
                order by sent_at desc, id desc
                limit ?
                "#,
                sent_at,
                sent_at,
                id,
                limit,
            );
            ids.fetch_all(&mut *connection).await?
        }
        (true, None) => {
            let ids = sqlx::query_scalar!(
                r#"
                select id
                from ratings force index (ratings_hidden)
                where is_hidden = 1
                  and sent_at <= ?
                  and (sent_at < ? or id < ?)
                order by sent_at desc, id desc
                limit ?
                "#,
                sent_at,
                sent_at,
                id,
                limit,
            );
            ids.fetch_all(&mut *connection).await?
        }
        (false, Some(book)) => {
            let ids = sqlx::query_scalar!(
                r#"
                select id
                from ratings force index (ratings_newest)
                where book_id = ?
                  and sent_at <= ?
                  and (sent_at < ? or id < ?)
                order by sent_at desc, id desc
                limit ?
                "#,
                book,
                sent_at,
                sent_at,
                id,
                limit,
            );
            ids.fetch_all(&mut *connection).await?
        }
        // Of the hidden ratings or of those of the book, whichever are fewer.
        (true, Some(book)) => {
            let ids = sqlx::query_scalar!(
                r#"
                select id
                from ratings
                where is_hidden = 1
                  and book_id = ?
                  and sent_at <= ?
                  and (sent_at < ? or id < ?)
                order by sent_at desc, id desc
                limit ?
                "#,
                book,
                sent_at,
                sent_at,
                id,
                limit,
            );
            ids.fetch_all(&mut *connection).await?
        }
    };
    of_ids(connection, &ids).await
}

/// Ratings of a visitor, hidden ones too, newest first.
pub async fn list_of_visitor(
    connection: &mut MySqlConnection,
    visitor: VisitorId,
    before: Option<RatingKey>,
    limit: u32,
) -> sqlx::Result<Vec<StaffRating>> {
    let before = before.unwrap_or(RatingKey { sent_at: LAST_MOMENT, id: u64::MAX });
    let ids = sqlx::query_scalar!(
        r#"
        select id
        from ratings force index (ratings_visitor_sent)
        where visitor_id = ?
          and sent_at <= ?
          and (sent_at < ? or id < ?)
        order by sent_at desc, id desc
        limit ?
        "#,
        visitor.0,
        before.sent_at,
        before.sent_at,
        before.id,
        limit,
    );
    let ids = ids.fetch_all(&mut *connection).await?;
    of_ids(connection, &ids).await
}

/// The ratings with these ids, the newest first.
async fn of_ids(connection: &mut MySqlConnection, ids: &[u64]) -> sqlx::Result<Vec<StaffRating>> {
    let rows = sqlx::query!(
        r#"
        select
            r.id,
            r.book_id,
            b.title,
            r.visitor_id as "visitor: Uuid",
            r.stars,
            r.name,
            r.review,
            r.sent_at,
            r.hidden_at
        from json_table(?, '$[*]' columns (id bigint unsigned path '$')) asked
        straight_join ratings r on r.id = asked.id
        straight_join books b on b.id = r.book_id
        order by r.sent_at desc, r.id desc
        "#,
        json!(ids).to_string(),
    );
    let ratings = rows.fetch_all(connection).await?.into_iter().map(|row| StaffRating {
        id: row.id,
        book: row.book_id.into(),
        title: row.title,
        visitor: VisitorId(row.visitor),
        stars: row.stars,
        name: row.name,
        review: row.review,
        sent_at: row.sent_at,
        hidden_at: row.hidden_at,
    });
    Ok(ratings.collect())
}

/// A rating of any book, also a hidden one, which stays as it is until the end of the transaction.
pub async fn find_locked(connection: &mut MySqlConnection, id: u64) -> sqlx::Result<Option<StaffRating>> {
    Ok(lock(connection, id).await?.map(|(rating, _)| rating))
}

/// A rating of any book, also a hidden one.
pub async fn find_for_staff(connection: &mut MySqlConnection, id: u64) -> sqlx::Result<Option<StaffRating>> {
    Ok(of_ids(connection, &[id]).await?.pop())
}

/// The ids of a visitor's ratings.
pub async fn of_visitor(connection: &mut MySqlConnection, visitor: VisitorId) -> sqlx::Result<Vec<u64>> {
    sqlx::query_scalar!("select id from ratings where visitor_id = ?", visitor.0).fetch_all(connection).await
}

/// The name of the list of a customer's ratings that a cursor belongs to.
pub const OWN: &str = "own ratings";

/// A rating of a customer as it is stored.
struct OwnRow {
    id: u64,
    submission: Uuid,
    visitor: Uuid,
    book_id: u32,
    title: String,
    stars: u8,
    name: Option<String>,
    review: Option<String>,
    sent_at: OffsetDateTime,
    hidden_at: Option<OffsetDateTime>,
    verified_purchase: bool,
}

impl From<OwnRow> for OwnRating {
    fn from(row: OwnRow) -> Self {
        Self {
            id: row.id,
            version: row.submission,
            visitor: VisitorId(row.visitor),
            book: row.book_id.into(),
            title: row.title,
            stars: row.stars,
            name: row.name,
            review: row.review,
            sent_at: row.sent_at,
            is_hidden: row.hidden_at.is_some(),
            verified_purchase: row.verified_purchase,
        }
    }
}

/// A slice of a customer's ratings in all browsers, the newest first.
pub async fn of_customer(
    connection: &mut MySqlConnection,
    customer: Subject,
    after: Option<&Cursor<Keys>>,
    limit: u32,
) -> sqlx::Result<Slice<OwnRating>> {
    let (sent_at, id) = last_seen(after);
    let rows = sqlx::query_as!(
        OwnRow,
        r#"
        select
            r.id,
            r.submission_id as "submission: Uuid",
            r.visitor_id as "visitor: Uuid",
            r.book_id,
            b.title,
            r.stars,
            r.name,
            r.review,
            r.sent_at,
            r.hidden_at,
            r.verified_purchase as "verified_purchase: bool"
        from ratings r
        join books b on b.id = r.book_id
        where r.customer = ?
          and r.sent_at <= ?
          and (r.sent_at < ? or r.id < ?)
        order by r.sent_at desc, r.id desc
        limit ?
        "#,
        customer.uuid(),
        sent_at,
        sent_at,
        id,
        limit + 1,
    );
    let rows = rows.fetch_all(connection).await?;
    let bytes = |row: &OwnRow| {
        let written = [&row.name, &row.review].into_iter().flatten().chain([&row.title]);
        1_000 + written.map(|text| encoded_len(text)).sum::<usize>()
    };
    Ok(Slice::within_response(rows, limit, bytes, |last| Keys::of(last.sent_at, last.id, OWN)))
}

/// The ids of the ratings that a customer had sent by then.
pub(super) async fn ids_of_customer(
    connection: &mut MySqlConnection,
    customer: Subject,
    until: OffsetDateTime,
) -> sqlx::Result<Vec<u64>> {
    sqlx::query_scalar!("select id from ratings where customer = ? and sent_at <= ?", customer.uuid(), until)
        .fetch_all(connection)
        .await
}

/// A rating of a customer, by its id; none if it is somebody else's.
pub async fn of_customer_by_id(
    connection: &mut MySqlConnection,
    customer: Subject,
    id: u64,
) -> sqlx::Result<Option<OwnRating>> {
    let row = sqlx::query_as!(
        OwnRow,
        r#"
        select
            r.id,
            r.submission_id as "submission: Uuid",
            r.visitor_id as "visitor: Uuid",
            r.book_id,
            b.title,
            r.stars,
            r.name,
            r.review,
            r.sent_at,
            r.hidden_at,
            r.verified_purchase as "verified_purchase: bool"
        from ratings r
        join books b on b.id = r.book_id
        where r.id = ?
          and r.customer = ?
        "#,
        id,
        customer.uuid(),
    );
    Ok(row.fetch_optional(connection).await?.map(OwnRating::from))
}

/// The result of a customer's change of an own rating.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OwnChange {
    Done,
    /// It is not there, or not the customer's.
    NotFound,
    /// It was changed since the form was shown, or the shop has hidden it; this is how it is now.
    Conflict(OwnRating),
}

/// Replaces a rating of a customer by another one, which gets this id of a submission: the same id once more changes nothing.
/// To be run in one transaction, like the next function.
pub async fn change_own(
    connection: &mut MySqlConnection,
    customer: Subject,
    id: u64,
    version: Uuid,
    (submission, now): (Uuid, OffsetDateTime),
    (stars, name, review): (Stars, Option<DisplayName>, Option<ReviewText>),
) -> sqlx::Result<OwnChange> {
    let own = match locked_own(connection, customer, id, version).await? {
        Ok(own) => own,
        // A repetition of the form finds its own change.
        Err(OwnChange::Conflict(own)) if own.version == submission => return Ok(OwnChange::Done),
        Err(change) => return Ok(change),
    };
    // The clock of the function that accepted the rating may be ahead.
    let sent_at = now.max(own.sent_at);
    let rating = RatingV1 { book: own.book, visitor: own.visitor, customer: None, stars, name, review };
    if submissions::enter(connection, submission, "rating", sent_at).await? == Delivery::Duplicate {
        return Ok(OwnChange::Done);
    }
    Ok(match replace(connection, submission, sent_at, &rating, Some(customer)).await? {
        Published::Now | Published::AlreadyProcessed => OwnChange::Done,
        Published::Rejected(_) => OwnChange::Conflict(own),
    })
}

/// Deletes a rating of a customer.
pub async fn delete_own(
    connection: &mut MySqlConnection,
    customer: Subject,
    id: u64,
    version: Uuid,
) -> sqlx::Result<OwnChange> {
    match locked_own(connection, customer, id, version).await? {
        Ok(own) => Ok(if erase(connection, own.id).await? { OwnChange::Done } else { OwnChange::NotFound }),
        Err(change) => Ok(change),
    }
}

/// The customer's rating, with its book locked, if it is still the version that was shown and not hidden.
async fn locked_own(
    connection: &mut MySqlConnection,
    customer: Subject,
    id: u64,
    version: Uuid,
) -> sqlx::Result<Result<OwnRating, OwnChange>> {
    if of_customer_by_id(connection, customer, id).await?.is_none() {
        return Ok(Err(OwnChange::NotFound));
    }
    if lock(connection, id).await?.is_none() {
        return Ok(Err(OwnChange::NotFound));
    }
    let Some(own) = of_customer_by_id(connection, customer, id).await? else { return Ok(Err(OwnChange::NotFound)) };
    Ok(if own.version == version && !own.is_hidden { Ok(own) } else { Err(OwnChange::Conflict(own)) })
}

/// Removes each rating of a customer for which the customer has sent a later one of the same book from another browser.
pub(super) async fn keep_latest_of_customer(connection: &mut MySqlConnection, customer: Subject) -> sqlx::Result<()> {
    let earlier = sqlx::query_scalar!(
        r#"
        select distinct earlier.id
        from ratings earlier
        join ratings later
            on later.customer = earlier.customer
           and later.book_id = earlier.book_id
           and (later.sent_at, later.submission_id) > (earlier.sent_at, earlier.submission_id)
        where earlier.customer = ?
          and earlier.hidden_at is null
          and later.hidden_at is null
        order by earlier.book_id, earlier.id
        "#,
        customer.uuid(),
    );
    for id in earlier.fetch_all(&mut *connection).await? {
        remove(connection, id, &Rejection::LaterRating).await?;
    }
    Ok(())
}

/// Deletes a rating; false if it is gone already. Its submission stays, so that a late delivery does not write it
/// again.
pub async fn erase(connection: &mut MySqlConnection, id: u64) -> sqlx::Result<bool> {
    remove(connection, id, &Rejection::Erased).await
}

async fn remove(connection: &mut MySqlConnection, id: u64, reason: &Rejection) -> sqlx::Result<bool> {
    let Some((rating, submission)) = lock(connection, id).await? else { return Ok(false) };
    sqlx::query!("delete from ratings where id = ?", id).execute(&mut *connection).await?;
    submissions::reject(connection, submission, reason).await?;
    if rating.hidden_at.is_none() {
        count_one_less(connection, rating.book, rating.stars).await?;
        recount(connection, rating.book).await?;
    }
    Ok(true)
}

/// The ids of the ratings of a filter, the earliest first.
pub async fn chosen(connection: &mut MySqlConnection, filter: &ReviewFilter, limit: u32) -> sqlx::Result<Vec<u64>> {
    let ReviewFilter { visitor, book, sent, hidden } = *filter;
    match hidden {
        None => shown(connection, visitor, book, sent, limit).await,
        Some(period) => hidden_within(connection, filter, period, limit).await,
    }
}

/// It reads no rating that is shown.
async fn hidden_within(
    connection: &mut MySqlConnection,
    filter: &ReviewFilter,
    hidden: Period,
    limit: u32,
) -> sqlx::Result<Vec<u64>> {
    let visitor = filter.visitor.map(|visitor| visitor.0);
    let book = filter.book.map(BookId::get);
    let found = sqlx::query_scalar!(
        r#"
        select id
        from ratings
        where is_hidden = 1
          and hidden_at >= ?
          and hidden_at < ?
          and sent_at >= ?
          and sent_at < ?
          and (? is null or visitor_id = ?)
          and (? is null or book_id = ?)
        order by sent_at, id
        limit ?
        "#,
        hidden.since,
        hidden.until,
        filter.sent.since,
        filter.sent.until,
        visitor,
        visitor,
        book,
        book,
        limit,
    );
    found.fetch_all(connection).await
}

/// The ids of ratings that are shown and were sent within this time, by this visitor if one is given, of this book if one
/// is given.
async fn shown(
    connection: &mut MySqlConnection,
    visitor: Option<VisitorId>,
    book: Option<BookId>,
    sent: Period,
    limit: u32,
) -> sqlx::Result<Vec<u64>> {
    let book = book.map(BookId::get);
    let Some(visitor) = visitor else {
        let found = sqlx::query_scalar!(
            r#"
            select id
            from ratings
            where sent_at >= ?
              and sent_at < ?
              and hidden_at is null
              and (? is null or book_id = ?)
            order by sent_at, id
            limit ?
            "#,
            sent.since,
            sent.until,
            book,
            book,
            limit,
        );
        return found.fetch_all(connection).await;
    };
    let found = sqlx::query_scalar!(
        r#"
        select id
        from ratings
        where visitor_id = ?
          and sent_at >= ?
          and sent_at < ?
          and hidden_at is null
          and (? is null or book_id = ?)
        order by id
        limit ?
        "#,
        visitor.0,
        sent.since,
        sent.until,
        book,
        book,
        limit,
    );
    found.fetch_all(connection).await
}

/// Some ids of ratings with the visitor's number, which earlier versions stored in place of its hash. A hash has version 5
/// in its seventh byte.
pub(super) async fn of_numbers(connection: &mut MySqlConnection) -> sqlx::Result<Vec<u64>> {
    sqlx::query_scalar!("select id from ratings where ord(substring(visitor_id, 7, 1)) not between 80 and 95 limit 500")
        .fetch_all(connection)
        .await
}

/// Replaces a visitor's number by its hash. If an earlier version and this one both wrote for the visitor, the later
/// rating stays, or the one that the staff has hidden.
pub(super) async fn hash_visitor(connection: &mut MySqlConnection, id: u64) -> sqlx::Result<()> {
    let Some((rating, submission)) = lock(connection, id).await? else { return Ok(()) };
    let visitor = rating.visitor.stored();
    let other = sqlx::query!(
        r#"
        select
            id,
            sent_at,
            submission_id as "submission: Uuid",
            hidden_at
        from ratings
        where book_id = ?
          and visitor_id = ?
          and id <> ?
        for update
        "#,
        rating.book.get(),
        visitor.0,
        id,
    );
    if let Some(other) = other.fetch_optional(&mut *connection).await? {
        let rank = (rating.hidden_at.is_some(), rating.sent_at, submission);
        if (other.hidden_at.is_some(), other.sent_at, other.submission) > rank {
            remove(connection, id, &Rejection::LaterRating).await?;
            return Ok(());
        }
        remove(connection, other.id, &Rejection::LaterRating).await?;
    }
    sqlx::query!("update ratings set visitor_id = ? where id = ?", visitor.0, id).execute(connection).await?;
    Ok(())
}

/// A rating with its submission; its book is locked first, as everywhere, then itself.
async fn lock(connection: &mut MySqlConnection, id: u64) -> sqlx::Result<Option<(StaffRating, Uuid)>> {
    let book = sqlx::query_scalar!("select book_id from ratings where id = ?", id);
    let Some(book) = book.fetch_optional(&mut *connection).await? else { return Ok(None) };
    let title = sqlx::query_scalar!("select title from books where id = ? for update", book);
    let Some(title) = title.fetch_optional(&mut *connection).await? else { return Ok(None) };
    let row = sqlx::query!(
        r#"
        select
            id,
            submission_id as "submission: Uuid",
            visitor_id as "visitor: Uuid",
            stars,
            name,
            review,
            sent_at,
            hidden_at
        from ratings
        where id = ?
        for update
        "#,
        id,
    );
    let Some(row) = row.fetch_optional(connection).await? else { return Ok(None) };
    let rating = StaffRating {
        id: row.id,
        book: book.into(),
        title,
        visitor: VisitorId(row.visitor),
        stars: row.stars,
        name: row.name,
        review: row.review,
        sent_at: row.sent_at,
        hidden_at: row.hidden_at,
    };
    Ok(Some((rating, row.submission)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use sqlx::{Connection, MySqlPool};

    use super::*;
    use crate::{
        answer_size::MAX_ANSWER,
        domain::{Histogram, Outcome},
        repo::{
            books,
            fixtures::{book, minute, rating},
        },
    };

    async fn histogram_of(connection: &mut MySqlConnection, id: BookId) -> Histogram {
        books::find(connection, id).await.unwrap().unwrap().histogram
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn a_rating_changes_the_books_counts_and_mean(pool: MySqlPool) {
        let mut connection = pool.acquire().await.unwrap();
        let id = book(&mut connection, "El túnel", "Sabato", 0).await;
        let published = publish(&mut connection, Uuid::from_u128(1), minute(0), &rating(id, 1, 5)).await.unwrap();
        let found = books::find(&mut connection, id).await.unwrap().unwrap();
        assert_eq!(published, Published::Now);
        assert_eq!(found.histogram, Histogram([0, 0, 0, 0, 1]));
        assert_eq!(found.summary.ratings.mean, Some(5.0));
    }

    /// As a catalogue that was imported before its counts had a limit.
    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn the_largest_stored_count_can_be_rated_listed_hidden_and_erased(pool: MySqlPool) {
        let mut connection = pool.acquire().await.unwrap();
        let id = book(&mut connection, "El túnel", "Sabato", 0).await;
        sqlx::query("insert into star_counts (book_id, stars, imported, given) values (?, 5, 4294967295, 0)")
            .bind(id.get())
            .execute(&mut *connection)
            .await
            .unwrap();
        for visitor in [1, 2] {
            let published =
                publish(&mut connection, Uuid::from_u128(visitor), minute(0), &rating(id, visitor, 5)).await;
            assert_eq!(published.unwrap(), Published::Now);
        }
        assert_eq!(histogram_of(&mut connection, id).await, Histogram([0, 0, 0, 0, u32::MAX]));
        assert!(books::published(&mut connection, [id].into_iter()).await.unwrap().contains_key(&id));
        let first = of_visitor(&mut connection, VisitorId(Uuid::from_u128(1))).await.unwrap()[0];
        assert!(hide(&mut connection, first, minute(1)).await.unwrap().is_some());
        assert!(unhide(&mut connection, first).await.unwrap().is_some());
        assert!(erase(&mut connection, first).await.unwrap());
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn reviews_are_the_ratings_with_a_text_and_each_visitor_has_an_own_rating(pool: MySqlPool) {
        let mut connection = pool.acquire().await.unwrap();
        let [id, other] = [
            book(&mut connection, "El túnel", "Sabato", 0).await,
            book(&mut connection, "Rayuela", "Cortázar", 0).await,
        ];
        // Every third has a text.
        for n in 0..9_u8 {
            let review = (n % 3 == 0).then(|| ReviewText::parse(&format!("Reseña {n}")).unwrap());
            let given = RatingV1 { review, ..rating(id, u128::from(n) + 1, 4) };
            publish(&mut connection, Uuid::from_u128(u128::from(n) + 1), minute(n.into()), &given).await.unwrap();
        }
        let mut texts = Vec::new();
        let mut after = None;
        loop {
            let slice = reviews(&mut connection, id, after.as_ref(), 2).await.unwrap();
            texts.extend(slice.items.into_iter().filter_map(|review| review.review));
            let Some(next) = slice.next else { break };
            after = Some(Cursor::decode(&next, &reviews_name(id)).unwrap());
        }
        assert_eq!(texts, ["Reseña 6", "Reseña 3", "Reseña 0"]);

        let visitor = |n| VisitorId(Uuid::from_u128(n));
        let mine = own(&mut connection, id, visitor(1)).await.unwrap().unwrap();
        assert_eq!((mine.stars, mine.review.as_deref()), (4, Some("Reseña 0")));
        assert_eq!(own(&mut connection, other, visitor(1)).await.unwrap(), None);
        assert_eq!(own(&mut connection, id, visitor(99)).await.unwrap(), None);
        hide(&mut connection, mine.id, minute(99)).await.unwrap();
        assert_eq!(own(&mut connection, id, visitor(1)).await.unwrap(), None, "hidden");
        assert_eq!(reviews(&mut connection, id, None, 9).await.unwrap().items.len(), 2, "hidden");
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn a_repeated_delivery_changes_nothing(pool: MySqlPool) {
        let mut connection = pool.acquire().await.unwrap();
        let id = book(&mut connection, "El túnel", "Sabato", 0).await;
        let mut deliver =
            async || publish(&mut connection, Uuid::from_u128(1), minute(0), &rating(id, 1, 5)).await.unwrap();
        assert_eq!(
            [deliver().await, deliver().await, deliver().await],
            [Published::Now, Published::AlreadyProcessed, Published::AlreadyProcessed]
        );
        assert_eq!(histogram_of(&mut connection, id).await, Histogram([0, 0, 0, 0, 1]));
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn a_second_rating_by_one_visitor_replaces_the_first(pool: MySqlPool) {
        let mut connection = pool.acquire().await.unwrap();
        let id = book(&mut connection, "El túnel", "Sabato", 0).await;
        for (submission, visitor, stars) in [(1, 1, 5), (2, 2, 4), (3, 1, 2)] {
            let at = minute(submission);
            let submission = Uuid::from_u128(u128::try_from(submission).unwrap());
            publish(&mut connection, submission, at, &rating(id, visitor, stars)).await.unwrap();
        }
        assert_eq!(histogram_of(&mut connection, id).await, Histogram([0, 1, 0, 1, 0]));
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn the_later_rating_wins_in_whatever_order_they_arrive(pool: MySqlPool) {
        let mut connection = pool.acquire().await.unwrap();
        let id = book(&mut connection, "El túnel", "Sabato", 0).await;
        let later = publish(&mut connection, Uuid::from_u128(2), minute(2), &rating(id, 1, 5)).await.unwrap();
        let earlier = publish(&mut connection, Uuid::from_u128(1), minute(1), &rating(id, 1, 1)).await.unwrap();
        assert_eq!(later, Published::Now);
        assert!(matches!(earlier, Published::Rejected(_)), "{earlier:?}");
        assert_eq!(histogram_of(&mut connection, id).await, Histogram([0, 0, 0, 0, 1]));
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn a_rating_of_no_book_is_rejected_for_good(pool: MySqlPool) {
        let mut connection = pool.acquire().await.unwrap();
        let nowhere = rating(BookId::from(999_999_999), 1, 5);
        let published = publish(&mut connection, Uuid::from_u128(1), minute(0), &nowhere).await.unwrap();
        assert_eq!(published, Published::Rejected(Rejection::NoSuchBook(BookId::from(999_999_999))));
        let again = publish(&mut connection, Uuid::from_u128(1), minute(0), &nowhere).await.unwrap();
        assert_eq!(again, Published::AlreadyProcessed);
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn a_change_that_is_rolled_back_leaves_no_trace_and_can_be_made_again(pool: MySqlPool) {
        let mut connection = pool.acquire().await.unwrap();
        let id = book(&mut connection, "El túnel", "Sabato", 0).await;
        let mut transaction = pool.begin().await.unwrap();
        publish(&mut transaction, Uuid::from_u128(1), minute(0), &rating(id, 1, 5)).await.unwrap();
        transaction.rollback().await.unwrap();
        assert_eq!(histogram_of(&mut connection, id).await, Histogram::default());
        let again = publish(&mut connection, Uuid::from_u128(1), minute(0), &rating(id, 1, 5)).await.unwrap();
        assert_eq!(again, Published::Now);
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn ratings_of_one_book_at_once_are_all_counted(pool: MySqlPool) {
        let id = book(&mut pool.acquire().await.unwrap(), "El túnel", "Sabato", 0).await;
        let ratings = (1..=40_u128).map(|visitor| {
            let pool = pool.clone();
            async move {
                let mut writer = pool.acquire().await.unwrap();
                sqlx::raw_sql(crate::database::WRITER_SESSION).execute(&mut *writer).await.unwrap();
                let mut transaction = writer.begin().await.unwrap();
                let rating = rating(id, visitor, 4);
                publish(&mut transaction, Uuid::from_u128(visitor), minute(0), &rating).await.unwrap();
                transaction.commit().await.unwrap();
            }
        });
        futures_util::future::join_all(ratings).await;
        let mut connection = pool.acquire().await.unwrap();
        assert_eq!(histogram_of(&mut connection, id).await, Histogram([0, 0, 0, 40, 0]));
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn reviews_come_newest_first_without_ratings_that_have_no_text(pool: MySqlPool) {
        let mut connection = pool.acquire().await.unwrap();
        let id = book(&mut connection, "El túnel", "Sabato", 0).await;
        for (n, review) in [(1, Some("Uno")), (2, None), (3, Some("Tres 😀"))] {
            let mut rating = rating(id, n, 4);
            rating.review = review.map(|text| ReviewText::parse(text).unwrap());
            let at = minute(i64::try_from(n).unwrap());
            publish(&mut connection, Uuid::from_u128(n), at, &rating).await.unwrap();
        }
        let reviews = newest_reviews(&mut connection, id, 5).await.unwrap();
        let words: Vec<_> = reviews.iter().filter_map(|review| review.review.as_deref()).collect();
        assert_eq!(words, ["Tres 😀", "Uno"]);
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn pages_of_ratings_give_each_once_newest_first(pool: MySqlPool) {
        let mut connection = pool.acquire().await.unwrap();
        let id = book(&mut connection, "El túnel", "Sabato", 0).await;
        // Some at the same moment, so that only their id tells them apart.
        for n in 1..=7_u128 {
            let at = minute(i64::try_from(n / 3).unwrap());
            let rating = rating(id, n, i64::try_from(n % 5 + 1).unwrap());
            publish(&mut connection, Uuid::from_u128(n), at, &rating).await.unwrap();
        }
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let page = list(&mut connection, id, after.as_ref(), 2).await.unwrap().unwrap();
            seen.extend(page.items.into_iter().map(|review| review.stars));
            let Some(next) = page.next else { break };
            after = Some(Cursor::decode(&next, &list_name(id)).unwrap());
        }
        assert_eq!(seen, [3, 2, 1, 5, 4, 3, 2]);
        assert_eq!(list(&mut connection, BookId::from(999_999_999), None, 2).await.unwrap(), None);
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn the_longest_reviews_are_listed_in_slices_that_fit_into_an_answer(pool: MySqlPool) {
        let mut connection = pool.acquire().await.unwrap();
        let id = book(&mut connection, "El túnel", "Sabato", 0).await;
        for (n, sign) in (1..=100_u128).zip(["😀", "\"", "\\"].into_iter().cycle()) {
            let review = ReviewText::parse(&sign.repeat(ReviewText::MAX)).unwrap();
            let words = RatingV1 { review: Some(review), ..rating(id, n, 5) };
            publish(&mut connection, Uuid::from_u128(n), minute(0), &words).await.unwrap();
        }
        for (name, is_list) in [(list_name(id), true), (reviews_name(id), false)] {
            let (mut seen, mut after) = (BTreeSet::new(), None);
            loop {
                let slice = if is_list {
                    list(&mut connection, id, after.as_ref(), 100).await.unwrap().unwrap()
                } else {
                    reviews(&mut connection, id, after.as_ref(), 100).await.unwrap()
                };
                let answer = serde_json::to_string(&serde_json::to_string(&slice).unwrap()).unwrap();
                assert!(answer.len() < MAX_ANSWER, "{name}: {}", answer.len());
                let before = seen.len() + slice.items.len();
                seen.extend(slice.items.into_iter().map(|review| review.id));
                assert_eq!(seen.len(), before, "{name}: none twice");
                let Some(next) = slice.next else { break };
                after = Some(Cursor::decode(&next, &name).unwrap());
            }
            assert_eq!(seen.len(), 100, "{name}");
        }
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn a_hidden_rating_is_neither_seen_nor_counted_until_it_is_shown_again(pool: MySqlPool) {
        let mut connection = pool.acquire().await.unwrap();
        let id = book(&mut connection, "El túnel", "Sabato", 0).await;
        let submission = Uuid::from_u128(1);
        let words = RatingV1 { review: Some(ReviewText::parse("¡Fuera!").unwrap()), ..rating(id, 1, 1) };
        publish(&mut connection, submission, minute(0), &words).await.unwrap();
        let shown = newest_reviews(&mut connection, id, 5).await.unwrap();

        for _ in 0..2 {
            let hidden = hide(&mut connection, shown[0].id, minute(1)).await.unwrap().unwrap();
            assert_eq!((hidden.title.as_str(), hidden.hidden_at), ("El túnel", Some(minute(1))));
            let found = books::find(&mut connection, id).await.unwrap().unwrap();
            assert_eq!(
                (found.histogram, found.reviews, found.summary.ratings.count),
                (Histogram::default(), vec![], 0)
            );
            assert_eq!(list(&mut connection, id, None, 9).await.unwrap().unwrap().items, []);
            let outcome = submissions::outcome(&mut connection, submission).await.unwrap();
            assert_eq!(outcome, Some(Outcome::Rejected(Rejection::Hidden)));
        }
        for _ in 0..2 {
            assert_eq!(unhide(&mut connection, shown[0].id).await.unwrap().unwrap().hidden_at, None);
            let found = books::find(&mut connection, id).await.unwrap().unwrap();
            assert_eq!((found.histogram, &found.reviews), (Histogram([1, 0, 0, 0, 0]), &shown));
            assert_eq!(submissions::outcome(&mut connection, submission).await.unwrap(), Some(Outcome::Published));
        }
        assert_eq!(hide(&mut connection, 999, minute(1)).await.unwrap(), None);
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn ratings_to_hide_are_found_by_visitor_time_and_book(pool: MySqlPool) {
        let mut connection = pool.acquire().await.unwrap();
        let one = book(&mut connection, "El túnel", "Sabato", 0).await;
        let other = book(&mut connection, "Rayuela", "Cortázar", 0).await;
        for (n, id, visitor) in [(1, one, 1), (2, other, 1), (3, one, 2), (4, one, 3)] {
            let at = minute(n);
            let submission = Uuid::from_u128(u128::try_from(n).unwrap());
            publish(&mut connection, submission, at, &rating(id, visitor, 1)).await.unwrap();
        }
        hide(&mut connection, 4, minute(9)).await.unwrap();
        let ana = Some(VisitorId(Uuid::from_u128(1)));
        for (visitor, book, since, until, limit, ids) in [
            (ana, None, 0, 99, 9, vec![1, 2]),
            (ana, None, 2, 99, 9, vec![2]),
            (ana, Some(one), 0, 99, 9, vec![1]),
            (None, None, 0, 99, 9, vec![1, 2, 3]),
            (None, None, 0, 99, 2, vec![1, 2]),
            (None, None, 2, 3, 9, vec![2]),
            (None, None, 0, 2, 9, vec![1]),
            (ana, None, 0, 2, 9, vec![1]),
            (None, Some(one), 0, 99, 9, vec![1, 3]),
            (Some(VisitorId(Uuid::from_u128(9))), None, 0, 99, 9, vec![]),
        ] {
            let sent = Period { since: minute(since), until: minute(until) };
            let filter = ReviewFilter { visitor, book, sent, hidden: None };
            assert_eq!(chosen(&mut connection, &filter, limit).await.unwrap(), ids);
        }

        hide(&mut connection, 1, minute(20)).await.unwrap();
        let sent = Period { since: minute(0), until: minute(99) };
        for (visitor, book, since, until, ids) in [
            (None, None, 0, 99, vec![1, 4]),
            (None, None, 10, 99, vec![1]),
            (None, None, 9, 20, vec![4]),
            (ana, None, 0, 99, vec![1]),
            (None, Some(other), 0, 99, vec![]),
        ] {
            let hidden = Some(Period { since: minute(since), until: minute(until) });
            let filter = ReviewFilter { visitor, book, sent, hidden };
            assert_eq!(chosen(&mut connection, &filter, 9).await.unwrap(), ids, "{filter:?}");
        }
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn a_visitor_with_a_hidden_rating_cannot_rate_that_book_again(pool: MySqlPool) {
        let mut connection = pool.acquire().await.unwrap();
        let id = book(&mut connection, "El túnel", "Sabato", 0).await;
        publish(&mut connection, Uuid::from_u128(1), minute(0), &rating(id, 1, 1)).await.unwrap();
        let theirs = of_visitor(&mut connection, VisitorId(Uuid::from_u128(1))).await.unwrap();
        hide(&mut connection, theirs[0], minute(1)).await.unwrap();
        let again = publish(&mut connection, Uuid::from_u128(2), minute(2), &rating(id, 1, 5)).await.unwrap();
        assert_eq!(again, Published::Rejected(Rejection::HiddenBefore));
        assert_eq!(histogram_of(&mut connection, id).await, Histogram::default());
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn an_erased_rating_leaves_the_counts_and_is_not_written_again(pool: MySqlPool) {
        let mut connection = pool.acquire().await.unwrap();
        let id = book(&mut connection, "El túnel", "Sabato", 0).await;
        for visitor in [1, 2, 3] {
            publish(&mut connection, Uuid::from_u128(visitor), minute(0), &rating(id, visitor, 5)).await.unwrap();
        }
        let theirs = async |connection: &mut MySqlConnection, visitor| {
            of_visitor(connection, VisitorId(Uuid::from_u128(visitor))).await.unwrap()
        };
        let [plain, hidden] = [theirs(&mut connection, 1).await[0], theirs(&mut connection, 2).await[0]];
        hide(&mut connection, hidden, minute(1)).await.unwrap();
        for rating in [plain, hidden] {
            assert!(erase(&mut connection, rating).await.unwrap());
            assert!(!erase(&mut connection, rating).await.unwrap());
        }
        let late = publish(&mut connection, Uuid::from_u128(1), minute(0), &rating(id, 1, 5)).await.unwrap();
        assert_eq!(late, Published::AlreadyProcessed);
        visitors::erase(&mut connection, VisitorId(Uuid::from_u128(1)), minute(5)).await.unwrap();
        let on_its_way = publish(&mut connection, Uuid::from_u128(9), minute(5), &rating(id, 1, 5)).await.unwrap();
        assert_eq!(on_its_way, Published::Rejected(Rejection::Erased));
        assert_eq!(theirs(&mut connection, 1).await, Vec::<u64>::new());
        assert_eq!(histogram_of(&mut connection, id).await, Histogram([0, 0, 0, 0, 1]));
        let anew = publish(&mut connection, Uuid::from_u128(10), minute(6), &rating(id, 1, 5)).await.unwrap();
        assert_eq!(anew, Published::Now, "who comes back may rate again");
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn the_staff_lists_ratings_of_all_books_newest_first_and_finds_hidden_ones(pool: MySqlPool) {
        let mut connection = pool.acquire().await.unwrap();
        let one = book(&mut connection, "El túnel", "Sabato", 0).await;
        let other = book(&mut connection, "Rayuela", "Cortázar", 0).await;
        // The third replaces the first.
        for (n, id, visitor, at) in [(1, one, 1, 1), (2, other, 1, 2), (3, one, 1, 4), (4, one, 2, 3)] {
            publish(&mut connection, Uuid::from_u128(n), minute(at), &rating(id, visitor, 5)).await.unwrap();
        }
        let mut list = async |hidden, book, before, limit| {
            list_for_staff(&mut connection, hidden, book, before, limit).await.unwrap()
        };
        let seen =
            |ratings: &[StaffRating]| ratings.iter().map(|rating| (rating.book, rating.sent_at)).collect::<Vec<_>>();
        let all = list(false, None, None, 9).await;
        assert_eq!(seen(&all), [(one, minute(4)), (one, minute(3)), (other, minute(2))]);
        assert_eq!(list(false, None, Some(RatingKey::of(&all[0])), 1).await, all[1..2]);
        assert_eq!(list(false, None, Some(RatingKey::of(&all[2])), 9).await, []);
        assert_eq!(list(false, Some(other), None, 9).await, all[2..]);
        assert_eq!(list(true, None, None, 9).await, []);
        hide(&mut connection, all[1].id, minute(9)).await.unwrap();
        let hidden = list_for_staff(&mut connection, true, None, None, 9).await.unwrap();
        assert_eq!((hidden.len(), hidden[0].id, hidden[0].hidden_at), (1, all[1].id, Some(minute(9))));
    }
}
