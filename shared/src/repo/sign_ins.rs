//! Sign-ins: who has signed in is written, and gets what the browser has sent before.
//!
//! A person is locked and noted as erased like a visitor, by the hash of the subject, so that a sign-in that arrives after an
//! erasure writes nothing.

use sqlx::MySqlConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    customers, ratings,
    submissions::{self, Delivery},
    visitors,
};
use crate::{
    domain::{Rejection, VisitorId},
    messages::CustomerV1,
};

/// Browsers of a customer of which the shop remembers that the customer has signed in there: those of the latest sign-ins. Each
/// sign-out makes the browser another one.
const BROWSERS: u64 = 100;

/// The result of a sign-in's message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignedIn {
    Now,
    Rejected(Rejection),
    /// An earlier delivery was processed; this one changed nothing.
    AlreadyProcessed,
}

/// Writes who has signed in, links the browser, and gives the customer what that browser has sent before. To be run in one
/// transaction. Of two sign-ins the later counts, in whatever order they arrive.
pub async fn sign_in(
    connection: &mut MySqlConnection,
    submission: Uuid,
    sent_at: OffsetDateTime,
    customer: &CustomerV1,
) -> sqlx::Result<SignedIn> {
    if submissions::enter(connection, submission, "customer", sent_at).await? == Delivery::Duplicate {
        return Ok(SignedIn::AlreadyProcessed);
    }
    if visitors::is_erased(connection, customers::hash_of(customer.subject), customer.signed_in_at).await? {
        submissions::reject(connection, submission, &Rejection::Erased).await?;
        return Ok(SignedIn::Rejected(Rejection::Erased));
    }
    write(connection, customer).await?;
    if let Some(visitor) = customer.visitor {
        link(connection, customer, visitor).await?;
    }
    Ok(SignedIn::Now)
}

async fn write(connection: &mut MySqlConnection, customer: &CustomerV1) -> sqlx::Result<()> {
    let key = customer.email_verified.then(|| customer.email.key().to_vec());
    sqlx::query!(
        r#"
        insert into customers (subject, email, email_key, signed_in_at, created_at)
        values (?, ?, ?, ?, ?)
        on duplicate key update
            email = if(values(signed_in_at) >= signed_in_at, values(email), email),
            email_key = if(values(signed_in_at) >= signed_in_at, values(email_key), email_key),
            created_at = least(created_at, values(created_at)),
            signed_in_at = greatest(signed_in_at, values(signed_in_at))
        "#,
        customer.subject.uuid(),
        customer.email.as_str(),
        key,
        customer.signed_in_at,
        customer.signed_in_at,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Links a browser, unless somebody has signed in there later. The ratings that it had sent by then become the customer's, and
/// so do its orders with the confirmed address of the account. Those of another customer stay with that customer.
async fn link(connection: &mut MySqlConnection, customer: &CustomerV1, visitor: VisitorId) -> sqlx::Result<()> {
    visitors::lock_alone(connection, visitor).await?;
    let subject = customer.subject.uuid();
    sqlx::query!(
        r#"
        insert into customer_visitors (visitor_id, subject, linked_at)
        values (?, ?, ?)
        on duplicate key update
            subject = if(values(linked_at) >= linked_at, values(subject), subject),
            linked_at = greatest(linked_at, values(linked_at))
        "#,
        visitor.0,
        subject,
        customer.signed_in_at,
    )
    .execute(&mut *connection)
    .await?;
    forget_old_browsers(connection, subject).await?;
    if customers::of_visitor(connection, visitor).await? != Some(customer.subject) {
        return Ok(());
    }
    // By that index, so that no rating of others is locked.
    sqlx::query!(
        r#"
        update ratings force index (ratings_visitor)
        set customer = ?
        where visitor_id = ?
          and customer is null
          and sent_at <= ?
        "#,
        subject,
        visitor.0,
        customer.signed_in_at,
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        r#"
        update orders o
        join customers c on c.subject = ?
        set o.customer = c.subject
        where o.visitor_id = ?
          and o.customer is null
          and o.email_key = c.email_key
        "#,
        subject,
        visitor.0,
    )
    .execute(&mut *connection)
    .await?;
    ratings::keep_latest_of_customer(connection, customer.subject).await
}

async fn forget_old_browsers(connection: &mut MySqlConnection, subject: Uuid) -> sqlx::Result<()> {
    let last = sqlx::query_scalar!(
        "select linked_at from customer_visitors where subject = ? order by linked_at desc limit 1 offset ?",
        subject,
        BROWSERS,
    );
    if let Some(last) = last.fetch_optional(&mut *connection).await? {
        sqlx::query!("delete from customer_visitors where subject = ? and linked_at <= ?", subject, last)
            .execute(connection)
            .await?;
    }
    Ok(())
}

#[cfg(test)]
pub(super) mod tests {
    use sqlx::MySqlPool;
    use time::Duration;

    use super::*;
    use crate::{
        domain::{BookId, Email, Language, Outcome, ReviewText, Stars},
        messages::{RatingV1, SignedInV1},
        repo::{
            books,
            fixtures::{book, minute, rating, visitor, writer},
            ratings::Published,
        },
        session::Subject,
    };

    pub fn subject(number: u128) -> Subject {
        Subject::of_uuid(uuid::Builder::from_random_bytes(number.to_be_bytes()).into_uuid())
    }

    /// The sign-in of a person in a browser, so many minutes into the day.
    pub fn signed_in(whose: u128, browser: Option<u128>, at: i64) -> CustomerV1 {
        CustomerV1 {
            subject: subject(whose),
            email: Email::parse(&format!("customer{whose}.{at}@example.org")).unwrap(),
            email_verified: true,
            visitor: browser.map(visitor),
            signed_in_at: minute(at),
        }
    }

    /// Writes that a customer has signed in.
    pub async fn has_signed_in(connection: &mut MySqlConnection, whose: u128) {
        assert_eq!(process(connection, &signed_in(whose, None, 0)).await, SignedIn::Now);
    }

    pub async fn process(connection: &mut MySqlConnection, message: &CustomerV1) -> SignedIn {
        let sent = crate::messages::Submission::customer(message.clone(), message.signed_in_at, None);
        sign_in(connection, sent.id, sent.sent_at, message).await.unwrap()
    }

    pub async fn rate(connection: &mut MySqlConnection, submission: u128, rating: &RatingV1, at: i64) -> Published {
        ratings::publish(connection, Uuid::from_u128(submission), minute(at), rating).await.unwrap()
    }

    /// The rating of a customer whose session was issued at that minute.
    pub fn by(whose: u128, issued: i64, rating: RatingV1) -> RatingV1 {
        RatingV1 { customer: Some(SignedInV1 { subject: subject(whose), issued_at: minute(issued) }), ..rating }
    }

    pub async fn stars_of(connection: &mut MySqlConnection, whose: u128) -> Vec<(BookId, u8)> {
        let own = ratings::of_customer(connection, subject(whose), None, 100).await.unwrap();
        own.items.into_iter().map(|own| (own.book, own.stars)).collect()
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn the_later_of_two_sign_ins_counts_in_whatever_order_they_arrive_and_a_repetition_changes_nothing(
        pool: MySqlPool,
    ) {
        let mut connection = writer(&pool).await;
        let (early, late) = (signed_in(1, None, 0), CustomerV1 { email_verified: false, ..signed_in(1, None, 5) });
        for (number, messages) in [(1, [&early, &late]), (2, [&late, &early])] {
            for message in messages {
                let message = CustomerV1 { subject: subject(number), ..message.clone() };
                assert_eq!(process(&mut connection, &message).await, SignedIn::Now);
                assert_eq!(process(&mut connection, &message).await, SignedIn::AlreadyProcessed);
            }
            let found = customers::find(&mut connection, subject(number)).await.unwrap().unwrap();
            assert_eq!((found.email.as_str(), found.email_verified), ("customer1.5@example.org", false), "{number}");
            assert_eq!((found.created_at, found.signed_in_at), (minute(0), minute(5)));
        }
        assert_eq!(customers::find(&mut connection, subject(3)).await.unwrap(), None);
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn what_a_browser_has_rated_belongs_to_who_signs_in_there_and_keeps_its_owner(pool: MySqlPool) {
        let mut connection = writer(&pool).await;
        let mut books = Vec::new();
        for title in ["Libro 1", "Libro 2", "Libro 3"] {
            books.push(book(&mut connection, title, "Ana", 0).await);
        }
        let [one, two, three] = books[..] else { panic!("three") };
        rate(&mut connection, 1, &rating(one, 7, 4), 0).await;
        assert_eq!(stars_of(&mut connection, 1).await, []);
        process(&mut connection, &signed_in(1, Some(7), 1)).await;
        assert_eq!(stars_of(&mut connection, 1).await, [(one, 4)], "rated before the sign-in");
        rate(&mut connection, 2, &by(1, 1, rating(two, 7, 5)), 2).await;
        assert_eq!(stars_of(&mut connection, 1).await, [(two, 5), (one, 4)], "rated after it");
        rate(&mut connection, 3, &rating(three, 7, 3), 3).await;
        assert_eq!(stars_of(&mut connection, 1).await, [(two, 5), (one, 4)], "rated without the session");

        process(&mut connection, &signed_in(2, Some(7), 5)).await;
        assert_eq!(stars_of(&mut connection, 1).await, [(two, 5), (one, 4)], "another customer takes nothing away");
        assert_eq!(stars_of(&mut connection, 2).await, [(three, 3)]);
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn a_rating_that_arrives_after_the_sign_in_before_which_it_was_sent_is_the_customers(pool: MySqlPool) {
        let mut connection = writer(&pool).await;
        let id = book(&mut connection, "El túnel", "Sabato", 0).await;
        let other = book(&mut connection, "Rayuela", "Cortázar", 0).await;
        process(&mut connection, &signed_in(1, Some(7), 5)).await;
        rate(&mut connection, 1, &rating(id, 7, 4), 4).await;
        rate(&mut connection, 2, &rating(other, 7, 2), 6).await;
        assert_eq!(stars_of(&mut connection, 1).await, [(id, 4)], "not what was sent without a session later");
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn who_has_the_number_of_a_browser_without_a_session_changes_no_rating_of_its_customer(pool: MySqlPool) {
        let mut connection = writer(&pool).await;
        let id = book(&mut connection, "El túnel", "Sabato", 0).await;
        process(&mut connection, &signed_in(1, Some(7), 0)).await;
        process(&mut connection, &signed_in(2, Some(8), 0)).await;
        assert_eq!(rate(&mut connection, 1, &by(1, 0, rating(id, 7, 5)), 1).await, Published::Now);
        for (submission, other) in [(2, rating(id, 7, 1)), (3, by(2, 0, rating(id, 7, 1)))] {
            let refused = rate(&mut connection, submission, &other, 2).await;
            assert_eq!(refused, Published::Rejected(Rejection::OfCustomer), "{other:?}");
        }
        customers::end_sessions(&mut connection, subject(1), minute(3)).await.unwrap();
        let refused = rate(&mut connection, 4, &by(1, 0, rating(id, 7, 1)), 4).await;
        assert_eq!(refused, Published::Rejected(Rejection::OfCustomer), "the session has ended");
        assert_eq!(rate(&mut connection, 5, &by(1, 5, rating(id, 7, 4)), 6).await, Published::Now, "signed in again");
        assert_eq!(stars_of(&mut connection, 1).await, [(id, 4)]);
        let counts = books::find(&mut connection, id).await.unwrap().unwrap().histogram;
        assert_eq!(counts.0, [0, 0, 0, 1, 0]);
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn the_shop_remembers_the_browsers_of_the_latest_hundred_sign_ins(pool: MySqlPool) {
        let mut connection = writer(&pool).await;
        process(&mut connection, &signed_in(2, Some(1_000), 0)).await;
        for browser in 0..103 {
            process(&mut connection, &signed_in(1, Some(browser), browser.try_into().unwrap())).await;
        }
        let of = async |connection: &mut MySqlConnection, browser| {
            customers::of_visitor(connection, visitor(browser)).await.unwrap()
        };
        for (browser, whose) in [(2, None), (3, Some(1)), (102, Some(1)), (1_000, Some(2))] {
            assert_eq!(of(&mut connection, browser).await, whose.map(subject), "{browser}");
        }
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn a_customer_with_two_browsers_counts_once_for_a_book(pool: MySqlPool) {
        let mut connection = writer(&pool).await;
        let id = book(&mut connection, "El túnel", "Sabato", 0).await;
        rate(&mut connection, 1, &rating(id, 7, 2), 0).await;
        rate(&mut connection, 2, &rating(id, 8, 4), 1).await;
        process(&mut connection, &signed_in(1, Some(8), 2)).await;
        process(&mut connection, &signed_in(1, Some(7), 3)).await;
        assert_eq!(stars_of(&mut connection, 1).await, [(id, 4)], "the later of both");
        let counts = books::find(&mut connection, id).await.unwrap().unwrap().histogram;
        assert_eq!(counts.0, [0, 0, 0, 1, 0]);
        let earlier = submissions::outcome(&mut connection, Uuid::from_u128(1)).await.unwrap();
        assert_eq!(earlier, Some(Outcome::Rejected(Rejection::LaterRating)));

        assert_eq!(rate(&mut connection, 3, &by(1, 3, rating(id, 7, 5)), 5).await, Published::Now);
        assert_eq!(stars_of(&mut connection, 1).await, [(id, 5)], "from the other browser");
        let late = rate(&mut connection, 4, &by(1, 2, rating(id, 8, 1)), 4).await;
        assert_eq!(late, Published::Rejected(Rejection::LaterRating));
        let counts = books::find(&mut connection, id).await.unwrap().unwrap().histogram;
        assert_eq!(counts.0, [0, 0, 0, 0, 1]);
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn a_customer_cannot_rate_again_from_another_browser_what_the_shop_has_hidden(pool: MySqlPool) {
        let mut connection = writer(&pool).await;
        let id = book(&mut connection, "El túnel", "Sabato", 0).await;
        process(&mut connection, &signed_in(1, Some(7), 0)).await;
        process(&mut connection, &signed_in(1, Some(8), 0)).await;
        rate(&mut connection, 1, &by(1, 0, rating(id, 7, 1)), 1).await;
        let hidden = ratings::of_visitor(&mut connection, visitor(7)).await.unwrap()[0];
        ratings::hide(&mut connection, hidden, minute(2)).await.unwrap();
        let again = rate(&mut connection, 2, &by(1, 0, rating(id, 8, 5)), 3).await;
        assert_eq!(again, Published::Rejected(Rejection::HiddenBefore));
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn sessions_that_were_issued_before_all_were_ended_are_refused_and_later_ones_count(pool: MySqlPool) {
        let mut connection = writer(&pool).await;
        let valid = async |connection: &mut MySqlConnection, whose, at| {
            customers::session_is_valid(connection, subject(whose), at).await.unwrap()
        };
        assert!(valid(&mut connection, 1, minute(0)).await, "of somebody of whom nothing is known yet");
        customers::end_sessions(&mut connection, subject(1), minute(5) + Duration::milliseconds(500)).await.unwrap();
        customers::end_sessions(&mut connection, subject(1), minute(4)).await.unwrap();
        for (whose, at, counts) in [
            (1, minute(0), false),
            (1, minute(5), false),
            (1, minute(5) + Duration::seconds(1), true),
            (2, minute(0), true),
        ] {
            assert_eq!(valid(&mut connection, whose, at).await, counts, "{whose} {at}");
        }
        customers::end_sessions(&mut connection, subject(2), minute(5) + Duration::days(2)).await.unwrap();
        let rows: i64 = sqlx::query_scalar("select count(*) from sessions_valid_from").fetch_one(&pool).await.unwrap();
        assert_eq!(rows, 1, "a row that no session can need is removed");
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn a_session_that_was_ended_by_itself_is_refused_and_the_others_of_the_person_count(pool: MySqlPool) {
        let mut connection = writer(&pool).await;
        for _ in 0..2 {
            customers::end_session(&mut connection, subject(1), minute(2), minute(3)).await.unwrap();
        }
        for (whose, at, counts) in
            [(1, minute(1), true), (1, minute(2), false), (1, minute(4), true), (2, minute(2), true)]
        {
            let valid = customers::session_is_valid(&mut connection, subject(whose), at).await.unwrap();
            assert_eq!(valid, counts, "{whose} {at}");
        }
        assert!(!customers::forget_ends(&mut connection, minute(3) + Duration::days(2)).await.unwrap());
        let rows: i64 = sqlx::query_scalar("select count(*) from sessions_valid_from").fetch_one(&pool).await.unwrap();
        assert_eq!(rows, 0, "a row that no session can need is removed");
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn a_sign_in_that_arrives_after_its_erasure_writes_nothing(pool: MySqlPool) {
        let mut connection = writer(&pool).await;
        visitors::erase(&mut connection, customers::hash_of(subject(1)), minute(5)).await.unwrap();
        let late = process(&mut connection, &signed_in(1, Some(7), 4)).await;
        assert_eq!(late, SignedIn::Rejected(Rejection::Erased));
        assert_eq!(customers::find(&mut connection, subject(1)).await.unwrap(), None);
        assert_eq!(process(&mut connection, &signed_in(1, Some(7), 6)).await, SignedIn::Now, "signed in again");
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn a_customer_changes_and_deletes_own_ratings_only_and_as_they_were_shown(pool: MySqlPool) {
        use ratings::OwnChange;

        let mut connection = writer(&pool).await;
        let id = book(&mut connection, "El túnel", "Sabato", 0).await;
        process(&mut connection, &signed_in(1, Some(7), 0)).await;
        process(&mut connection, &signed_in(2, Some(8), 0)).await;
        rate(&mut connection, 1, &by(1, 0, rating(id, 7, 2)), 1).await;
        let own = ratings::of_customer(&mut connection, subject(1), None, 9).await.unwrap().items.remove(0);
        let five = (Stars::parse(5).unwrap(), None, Some(ReviewText::parse("¡Bravo!").unwrap()));
        let change = async |connection: &mut MySqlConnection, whose, version, submission| {
            let (submission, five) = ((Uuid::from_u128(submission), minute(2)), five.clone());
            ratings::change_own(connection, subject(whose), own.id, version, submission, five).await.unwrap()
        };
        assert_eq!(change(&mut connection, 2, own.version, 10).await, OwnChange::NotFound, "somebody else's");
        let stranger = ratings::delete_own(&mut connection, subject(2), own.id, own.version).await.unwrap();
        assert_eq!(stranger, OwnChange::NotFound);
        assert_eq!(change(&mut connection, 1, own.version, 11).await, OwnChange::Done);
        assert_eq!(change(&mut connection, 1, own.version, 11).await, OwnChange::Done, "the same form twice");
        let counts = books::find(&mut connection, id).await.unwrap().unwrap().histogram;
        assert_eq!(counts.0, [0, 0, 0, 0, 1]);
        assert!(
            matches!(change(&mut connection, 1, own.version, 12).await, OwnChange::Conflict(now) if now.stars == 5)
        );
        let stale = ratings::delete_own(&mut connection, subject(1), own.id, own.version).await.unwrap();
        assert!(matches!(stale, OwnChange::Conflict(_)), "{stale:?}");
        let now = ratings::of_customer_by_id(&mut connection, subject(1), own.id).await.unwrap().unwrap();
        assert_eq!((now.stars, now.review.as_deref()), (5, Some("¡Bravo!")));
        let deleted = ratings::delete_own(&mut connection, subject(1), own.id, now.version).await.unwrap();
        assert_eq!(deleted, OwnChange::Done);
        let counts = books::find(&mut connection, id).await.unwrap().unwrap().histogram;
        assert_eq!(counts.0, [0, 0, 0, 0, 0]);

        rate(&mut connection, 20, &by(1, 0, rating(id, 7, 1)), 3).await;
        let own = ratings::of_customer(&mut connection, subject(1), None, 9).await.unwrap().items.remove(0);
        ratings::hide(&mut connection, own.id, minute(4)).await.unwrap();
        let hidden = ratings::delete_own(&mut connection, subject(1), own.id, own.version).await.unwrap();
        assert!(matches!(hidden, OwnChange::Conflict(now) if now.is_hidden), "the shop keeps what it has hidden");
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn the_chosen_language_stays_with_the_next_sign_in(pool: MySqlPool) {
        let mut connection = writer(&pool).await;
        let english = Language::parse("en").unwrap();
        assert!(!customers::set_language(&mut connection, subject(1), &english).await.unwrap(), "nobody has signed in");
        process(&mut connection, &signed_in(1, None, 0)).await;
        assert!(customers::set_language(&mut connection, subject(1), &english).await.unwrap());
        assert!(customers::set_language(&mut connection, subject(1), &english).await.unwrap(), "the same once more");
        process(&mut connection, &signed_in(1, None, 1)).await;
        assert_eq!(customers::find(&mut connection, subject(1)).await.unwrap().unwrap().language, Some(english));
    }
}
