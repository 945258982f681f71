//! Ratings that are written together: read in sets, decided one after another in memory, and written in sets. Outcomes and
//! tables are those of [`publish`](super::publish) for one after another, which a test compares.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use sqlx::MySqlConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::Published;
use crate::{
    domain::{BookId, DisplayName, Histogram, Rejection, ReviewText, VisitorId, popularity_class},
    messages::RatingV1,
    repo::{
        as_stored, customers, microseconds, orders,
        shop_counts::{Change, Counted},
        submissions, visitors, word_index,
    },
    session::Subject,
};

/// A rating as its message brings it.
#[derive(Debug, Clone, Copy)]
pub struct Sent<'a> {
    pub submission: Uuid,
    pub sent_at: OffsetDateTime,
    pub rating: &'a RatingV1,
}

/// Writes ratings as if each were published alone, in this order, and returns the results. To be run in one transaction. It
/// fails for all if one of them cannot be stored, or another writer is in the way.
///
/// Submissions, slots of visitors and books are locked in this order, as for a rating alone, and each kind by its numbers.
pub async fn publish_all(connection: &mut MySqlConnection, sent: &[Sent<'_>]) -> sqlx::Result<Vec<Published>> {
    let mut published = vec![Published::AlreadyProcessed; sent.len()];
    let mut new = entered(connection, sent).await?;
    let mut rejected = BTreeMap::new();

    let erased = erased(connection, &new).await?;
    new.retain(|(place, sent)| {
        let is_erased = erased.contains(place);
        if is_erased {
            published[*place] = Published::Rejected(Rejection::Erased);
            rejected.insert(sent.submission, Rejection::Erased);
        }
        !is_erased
    });
    let asked: Vec<_> = new.iter().map(|(_, sent)| (sent.rating, sent.sent_at)).collect();
    let customers = if asked.is_empty() { Vec::new() } else { customers::of_ratings(connection, &asked).await? };
    let candidates: Vec<Candidate<'_>> = new
        .iter()
        .zip(customers)
        .map(|((place, sent), customer)| Candidate { place: *place, sent: *sent, customer })
        .collect();

    let mut shelf = Shelf::locked(connection, &candidates).await?;
    for candidate in &candidates {
        published[candidate.place] = match shelf.publish(candidate) {
            Ok(()) => Published::Now,
            Err(reason) => {
                rejected.insert(candidate.sent.submission, reason.clone());
                Published::Rejected(reason)
            }
        };
    }
    rejected.extend(shelf.replaced.iter().map(|submission| (*submission, Rejection::LaterRating)));
    shelf.write_ratings(connection).await?;
    submissions::reject_all(connection, &rejected).await?;
    shelf.write_counts(connection).await?;
    Ok(published)
}

/// Enters the submissions. Returns the first delivery of each that has no outcome, with its place.
async fn entered<'a>(connection: &mut MySqlConnection, sent: &[Sent<'a>]) -> sqlx::Result<Vec<(usize, Sent<'a>)>> {
    let mut first = BTreeMap::new();
    for one in sent {
        first.entry(one.submission).or_insert(one.sent_at);
    }
    let mut new = submissions::enter_all(connection, "rating", &first).await?;
    Ok(sent.iter().copied().enumerate().filter(|(_, sent)| new.remove(&sent.submission)).collect())
}

/// The places of ratings that were sent before their customers or visitors were erased.
async fn erased(connection: &mut MySqlConnection, new: &[(usize, Sent<'_>)]) -> sqlx::Result<BTreeSet<usize>> {
    if new.is_empty() {
        return Ok(BTreeSet::new());
    }
    let who = |rating: &RatingV1| {
        let account = rating.customer.map(|session| customers::hash_of(session.subject));
        account.into_iter().chain([rating.visitor])
    };
    let everybody = new.iter().flat_map(|(_, sent)| who(sent.rating)).collect();
    let erasures = visitors::erasures_of(connection, &everybody).await?;
    let is_erased = |sent: &Sent<'_>| {
        who(sent.rating).filter_map(|who| erasures.get(&who)).any(|erased| *erased >= as_stored(sent.sent_at))
    };
    Ok(new.iter().filter(|(_, sent)| is_erased(sent)).map(|(place, _)| *place).collect())
}

/// A rating that is new, with its customer.
struct Candidate<'a> {
    /// In the set.
    place: usize,
    sent: Sent<'a>,
    customer: Option<Subject>,
}

/// The books of a set with the ratings that may be replaced, locked.
struct Shelf<'a> {
    books: BTreeMap<u32, RatedBook>,
    ratings: BTreeMap<(u32, VisitorId), Rating<'a>>,
    /// Rows to delete.
    deleted: Vec<u64>,
    /// Submissions that a later rating from another browser has replaced.
    replaced: Vec<Uuid>,
    /// Ratings that were added, in whose order they get their ids.
    added: usize,
}

/// A book as it was when it was locked, and its star counts as they are now.
struct RatedBook {
    ratings_count: u32,
    score: u32,
    stars: BTreeMap<u8, StarCount>,
    is_changed: bool,
}

#[derive(Default)]
struct StarCount {
    imported: u64,
    given: u64,
    is_changed: bool,
}

/// A rating as it is now.
struct Rating<'a> {
    /// Its row; none of one that the set adds.
    id: Option<u64>,
    /// The number of the addition.
    added: usize,
    submission: Uuid,
    /// As stored.
    sent_at: OffsetDateTime,
    stars: u8,
    is_hidden: bool,
    customer: Option<Subject>,
    /// What the set has written there, the latest at the end.
    written: Vec<Written<'a>>,
}

#[derive(Clone, Copy)]
struct Written<'a> {
    rating: &'a RatingV1,
    customer: Option<Subject>,
}

impl<'a> Shelf<'a> {
    async fn locked(connection: &mut MySqlConnection, candidates: &[Candidate<'_>]) -> sqlx::Result<Self> {
        let mut shelf = Self {
            books: BTreeMap::new(),
            ratings: BTreeMap::new(),
            deleted: Vec::new(),
            replaced: Vec::new(),
            added: 0,
        };
        let books: BTreeSet<u32> = candidates.iter().map(|candidate| candidate.sent.rating.book.get()).collect();
        if !books.is_empty() {
            shelf.lock_books(connection, &books).await?;
        }
        if !shelf.books.is_empty() {
            shelf.lock_ratings(connection, candidates).await?;
            shelf.lock_star_counts(connection).await?;
        }
        Ok(shelf)
    }

    async fn lock_books(&mut self, connection: &mut MySqlConnection, ids: &BTreeSet<u32>) -> sqlx::Result<()> {
        let rows = sqlx::query!(
            r#"
            select
                b.id,
                b.ratings_count,
                b.score
            from json_table(?, '$[*]' columns (id int unsigned path '$')) asked
            straight_join books b on b.id = asked.id
            for update
            "#,
            json!(ids).to_string(),
        );
        for row in rows.fetch_all(connection).await? {
            let book = RatedBook {
                ratings_count: row.ratings_count,
                score: row.score,
                stars: BTreeMap::new(),
                is_changed: false,
            };
            self.books.insert(row.id, book);
        }
        Ok(())
    }

    /// Those of the visitors, and those that their customers have sent from other browsers.
    async fn lock_ratings(
        &mut self,
        connection: &mut MySqlConnection,
        candidates: &[Candidate<'_>],
    ) -> sqlx::Result<()> {
        let of_visitors: BTreeSet<_> = candidates
            .iter()
            .map(|Candidate { sent: Sent { rating, .. }, .. }| {
                (rating.book.get(), rating.visitor.0.simple().to_string())
            })
            .collect();
        let of_customers: BTreeSet<_> = candidates
            .iter()
            .filter_map(|Candidate { sent: Sent { rating, .. }, customer, .. }| {
                Some((rating.book.get(), (*customer)?.uuid().simple().to_string()))
            })
            .collect();
        let rows = sqlx::query_as!(
            RatingRow,
            r#"
            select
                r.id,
                r.book_id,
                r.visitor_id as "visitor: Uuid",
                r.submission_id as "submission: Uuid",
                r.sent_at,
                r.stars,
                r.hidden_at,
                r.customer as "customer: Uuid"
            from json_table(?, '$[*]' columns (
                book_id int unsigned path '$[0]',
                visitor_id char(32) character set ascii path '$[1]'
            )) asked
            straight_join ratings r on r.book_id = asked.book_id and r.visitor_id = unhex(asked.visitor_id)
            for update
            "#,
            json!(of_visitors).to_string(),
        );
        let mut rows = rows.fetch_all(&mut *connection).await?;
        if !of_customers.is_empty() {
            let others = sqlx::query_as!(
                RatingRow,
                r#"
                select
                    r.id,
                    r.book_id,
                    r.visitor_id as "visitor: Uuid",
                    r.submission_id as "submission: Uuid",
                    r.sent_at,
                    r.stars,
                    r.hidden_at,
                    r.customer as "customer: Uuid"
                from json_table(?, '$[*]' columns (
                    book_id int unsigned path '$[0]',
                    customer char(32) character set ascii path '$[1]'
                )) asked
                straight_join ratings r on r.customer = unhex(asked.customer) and r.book_id = asked.book_id
                for update
                "#,
                json!(of_customers).to_string(),
            );
            rows.extend(others.fetch_all(connection).await?);
        }
        self.ratings = rows.into_iter().map(RatingRow::keyed).collect();
        Ok(())
    }

    async fn lock_star_counts(&mut self, connection: &mut MySqlConnection) -> sqlx::Result<()> {
        let rows = sqlx::query!(
            r#"
            select
                s.book_id,
                s.stars,
                s.imported,
                s.given
            from json_table(?, '$[*]' columns (book_id int unsigned path '$')) asked
            straight_join star_counts s on s.book_id = asked.book_id
            for update
            "#,
            json!(self.books.keys().collect::<Vec<_>>()).to_string(),
        );
        for row in rows.fetch_all(connection).await? {
            let count = StarCount { imported: row.imported.into(), given: row.given.into(), is_changed: false };
            if let Some(book) = self.books.get_mut(&row.book_id) {
                book.stars.insert(row.stars, count);
            }
        }
        Ok(())
    }

    /// Publishes a rating in memory. The error is the reason of its rejection.
    fn publish(&mut self, candidate: &Candidate<'a>) -> Result<(), Rejection> {
        let Candidate { sent: Sent { submission, sent_at, rating }, customer, .. } = *candidate;
        let Some(book) = self.books.get_mut(&rating.book.get()) else {
            return Err(Rejection::NoSuchBook(rating.book));
        };
        let key = (rating.book.get(), rating.visitor);
        if let Some(earlier) = self.ratings.get(&key) {
            earlier.yields_to(sent_at, submission)?;
            if earlier.customer.is_some() && earlier.customer != customer {
                return Err(Rejection::OfCustomer);
            }
        }
        let others: Vec<_> = self
            .ratings
            .range((key.0, VisitorId(Uuid::nil()))..=(key.0, VisitorId(Uuid::max())))
            .filter(|(other, row)| **other != key && customer.is_some() && row.customer == customer)
            .collect();
        if others.iter().any(|(_, other)| other.is_hidden) {
            return Err(Rejection::HiddenBefore);
        }
        for (_, other) in &others {
            other.yields_to(sent_at, submission)?;
        }
        let others: Vec<_> = others.into_iter().map(|(other, _)| *other).collect();
        for other in others {
            let Some(other) = self.ratings.remove(&other) else { continue };
            book.count_one_less(other.stars);
            self.deleted.extend(other.id);
            self.replaced.push(other.submission);
        }
        let written = Written { rating, customer };
        let stars = rating.stars.get();
        if let Some(earlier) = self.ratings.get(&key) {
            book.count_one_less(earlier.stars);
        }
        book.count_one_more(stars);
        let now = self.ratings.entry(key).or_insert_with(|| {
            self.added += 1;
            Rating { added: self.added, ..Rating::new() }
        });
        now.submission = submission;
        now.sent_at = as_stored(sent_at);
        now.stars = stars;
        now.customer = customer.or(now.customer);
        now.written.push(written);
        Ok(())
    }

    async fn write_ratings(&self, connection: &mut MySqlConnection) -> sqlx::Result<()> {
        if !self.deleted.is_empty() {
            sqlx::query!(
                r#"
                delete r
                from json_table(?, '$[*]' columns (id bigint unsigned path '$')) gone
                straight_join ratings r on r.id = gone.id
                "#,
                json!(self.deleted).to_string(),
            )
            .execute(&mut *connection)
            .await?;
        }
        let mut written: Vec<_> = self.ratings.iter().filter(|(_, rating)| !rating.written.is_empty()).collect();
        if written.is_empty() {
            return Ok(());
        }
        written.sort_by_key(|(_, rating)| rating.added);
        let asked: Vec<(BookId, VisitorId, Option<Subject>)> = written
            .iter()
            .flat_map(|(_, rating)| &rating.written)
            .map(|Written { rating, customer }| (rating.book, rating.visitor, *customer))
            .collect();
        let bought = orders::who_has_bought(connection, &asked).await?;
        let mut places = 0..;
        let rows = written.iter().map(|(key, rating)| {
            let is_bought: Vec<bool> =
                rating.written.iter().zip(places.by_ref()).map(|(_, place)| bought.contains(&place)).collect();
            rating.row(key, is_bought.contains(&true))
        });
        let rows: Vec<Value> = rows.collect();
        sqlx::query!(
            r#"
            insert into ratings (
                submission_id, book_id, visitor_id, stars, name, review, sent_at, customer, verified_purchase
            )
            select
                unhex(row.submission_id),
                row.book_id,
                unhex(row.visitor_id),
                row.stars,
                row.name,
                row.review,
                timestamp '1970-01-01 00:00:00' + interval row.sent_at microsecond,
                unhex(row.customer),
                row.verified_purchase
            from json_table(?, '$[*]' columns (
                submission_id char(32) character set ascii path '$[0]',
                book_id int unsigned path '$[1]',
                visitor_id char(32) character set ascii path '$[2]',
                stars tinyint unsigned path '$[3]',
                name text character set utf8mb4 path '$[4]',
                review mediumtext character set utf8mb4 path '$[5]',
                sent_at bigint path '$[6]',
                customer char(32) character set ascii path '$[7]',
                verified_purchase tinyint unsigned path '$[8]'
            )) row
            on duplicate key update
                submission_id = values(submission_id),
                stars = values(stars),
                name = values(name),
                review = values(review),
                sent_at = values(sent_at),
                customer = coalesce(values(customer), ratings.customer),
                verified_purchase = greatest(ratings.verified_purchase, values(verified_purchase))
            "#,
            json!(rows).to_string(),
        )
        .execute(connection)
        .await?;
        Ok(())
    }

    /// Writes the star counts and all that follows from them, as a recount of each changed book does.
    async fn write_counts(&self, connection: &mut MySqlConnection) -> sqlx::Result<()> {
        let changed: Vec<_> = self.books.iter().filter(|(_, book)| book.is_changed).collect();
        if changed.is_empty() {
            return Ok(());
        }
        write_star_counts(connection, &changed).await?;
        let rows: Vec<_> = changed
            .iter()
            .map(|(id, book)| {
                let now = book.counted_now();
                json!([id, now.ratings_count, now.score])
            })
            .collect();
        sqlx::query!(
            r#"
            update json_table(?, '$[*]' columns (
                id int unsigned path '$[0]',
                ratings_count int unsigned path '$[1]',
                score int unsigned path '$[2]'
            )) rated
            straight_join books b on b.id = rated.id
            left join book_authors ba on ba.book_id = b.id
            left join book_genres bg on bg.book_id = b.id
            set b.ratings_count = rated.ratings_count,
                b.score = rated.score,
                b.updated_at = current_timestamp(3),
                ba.ratings_count = rated.ratings_count,
                bg.ratings_count = rated.ratings_count
            "#,
            json!(rows).to_string(),
        )
        .execute(&mut *connection)
        .await?;
        let mut moved = BTreeMap::new();
        let mut change = Change::default();
        for (id, book) in changed {
            let (before, now) = (book.counted_before(), book.counted_now());
            if popularity_class(before.ratings_count) != popularity_class(now.ratings_count) {
                moved.insert(*id, now.ratings_count);
            }
            change.note(Some(&before), Some(&now));
        }
        word_index::move_to_classes(connection, &moved).await?;
        change.write(connection).await
    }
}

async fn write_star_counts(connection: &mut MySqlConnection, changed: &[(&u32, &RatedBook)]) -> sqlx::Result<()> {
    let rows = changed.iter().flat_map(|(id, book)| {
        let counts = book.stars.iter().filter(|(_, count)| count.is_changed);
        counts.map(move |(stars, count)| json!([id, stars, count.given]))
    });
    sqlx::query!(
        r#"
        insert into star_counts (book_id, stars, given)
        select
            row.book_id,
            row.stars,
            row.given
        from json_table(?, '$[*]' columns (
            book_id int unsigned path '$[0]',
            stars tinyint unsigned path '$[1]',
            given bigint unsigned path '$[2]'
        )) row
        on duplicate key update given = values(given)
        "#,
        json!(rows.collect::<Vec<_>>()).to_string(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

impl RatedBook {
    fn count_one_less(&mut self, stars: u8) {
        self.is_changed = true;
        if let Some(count) = self.stars.get_mut(&stars).filter(|count| count.given > 0) {
            count.given -= 1;
            count.is_changed = true;
        }
    }

    fn count_one_more(&mut self, stars: u8) {
        self.is_changed = true;
        let count = self.stars.entry(stars).or_default();
        count.given += 1;
        count.is_changed = true;
    }

    fn counted_before(&self) -> Counted {
        Counted { ratings_count: self.ratings_count, score: self.score, ..Counted::default() }
    }

    fn counted_now(&self) -> Counted {
        let shown = |count: &StarCount| u32::try_from(count.imported + count.given).unwrap_or(u32::MAX);
        let pairs = self.stars.iter().map(|(stars, count)| (usize::from(*stars), shown(count)));
        let histogram = Histogram::of_pairs(Some(pairs.collect()));
        let ratings_count = u32::try_from(histogram.count()).unwrap_or(u32::MAX);
        Counted { ratings_count, score: histogram.score(), ..Counted::default() }
    }
}

impl Rating<'_> {
    /// One that is still to be filled in.
    fn new() -> Self {
        Self {
            id: None,
            added: 0,
            submission: Uuid::nil(),
            sent_at: OffsetDateTime::UNIX_EPOCH,
            stars: 0,
            is_hidden: false,
            customer: None,
            written: Vec::new(),
        }
    }

    /// Whether a rating that was sent at this time replaces it, and if not, why.
    fn yields_to(&self, sent_at: OffsetDateTime, submission: Uuid) -> Result<(), Rejection> {
        if self.is_hidden {
            return Err(Rejection::HiddenBefore);
        }
        if (self.sent_at, self.submission) > (sent_at, submission) { Err(Rejection::LaterRating) } else { Ok(()) }
    }

    fn row(&self, (book, visitor): &(u32, VisitorId), is_bought: bool) -> Value {
        let hex = |id: Uuid| id.simple().to_string();
        let rating = self.written.last().map(|written| written.rating);
        json!([
            hex(self.submission),
            book,
            hex(visitor.0),
            self.stars,
            rating.and_then(|rating| rating.name.as_ref()).map(DisplayName::as_str),
            rating.and_then(|rating| rating.review.as_ref()).map(ReviewText::as_str),
            microseconds(self.sent_at),
            self.customer.map(|customer| hex(customer.uuid())),
            u8::from(is_bought),
        ])
    }
}

/// A rating as it is stored.
struct RatingRow {
    id: u64,
    book_id: u32,
    visitor: Uuid,
    submission: Uuid,
    sent_at: OffsetDateTime,
    stars: u8,
    hidden_at: Option<OffsetDateTime>,
    customer: Option<Uuid>,
}

impl RatingRow {
    fn keyed<'a>(self) -> ((u32, VisitorId), Rating<'a>) {
        let rating = Rating {
            id: Some(self.id),
            submission: self.submission,
            sent_at: self.sent_at,
            stars: self.stars,
            is_hidden: self.hidden_at.is_some(),
            customer: self.customer.map(Subject::of_uuid),
            ..Rating::new()
        };
        ((self.book_id, VisitorId(self.visitor)), rating)
    }
}

#[cfg(test)]
mod tests;
