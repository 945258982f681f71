//! Sets beside the same ratings one by one.

use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection, MySqlPool};

use super::*;
use crate::{
    messages::SignedInV1,
    repo::{
        fixtures::{book, minute, rating, visitor, writer},
        ratings::{hide, publish, unhide},
        sign_ins::tests::{process, signed_in, subject},
    },
};

/// Everything that a rating changes. Ids of ratings are compared by their order, because they have gaps.
const TABLES: [&str; 8] = [
    "select concat_ws('|', hex(id), kind, outcome, reason, sent_at) from submissions order by id",
    "select concat_ws('|', rank() over (order by id), book_id, hex(visitor_id), hex(submission_id), stars,
                      coalesce(name, '-'), coalesce(review, '-'), sent_at, coalesce(hidden_at, '-'),
                      coalesce(hex(customer), '-'), verified_purchase)
     from ratings order by id",
    "select concat_ws('|', book_id, stars, imported, given) from star_counts order by book_id, stars",
    "select concat_ws('|', id, ratings_count, score, updated_at > '2026-01-01') from books order by id",
    "select concat_ws('|', book_id, author_id, ratings_count) from book_authors order by book_id, author_id",
    "select concat_ws('|', word, place, book_id) from book_words order by word, place, book_id",
    "select concat_ws('|', book_id, place, source, terms) from book_search order by book_id",
    "select concat_ws('|', kind, value, books) from shop_counts where books > 0 order by kind, value",
];

async fn tables(connection: &mut MySqlConnection) -> Vec<Vec<String>> {
    let mut tables = Vec::new();
    for sql in TABLES {
        tables.push(sqlx::query_scalar(sql).fetch_all(&mut *connection).await.unwrap());
    }
    tables
}

/// Pseudorandom numbers (splitmix64), the same in each run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }

    fn chance(&mut self, of: u64) -> bool {
        self.below(of) == 0
    }
}

/// A rating of few books by few visitors and customers, at one of few times, so that most of a set meet each other.
struct Message {
    submission: Uuid,
    sent_at: OffsetDateTime,
    rating: RatingV1,
}

impl Message {
    fn random(random: &mut Random, books: &[BookId]) -> Self {
        let book = books[usize::try_from(random.below(books.len() as u64)).unwrap()];
        let stars = i64::try_from(1 + random.below(5)).unwrap();
        let mut rating = rating(book, u128::from(1 + random.below(6)), stars);
        if random.chance(3) {
            let whose = u128::from(1 + random.below(3));
            let issued_at = minute(i64::try_from(random.below(8)).unwrap());
            rating.customer = Some(SignedInV1 { subject: subject(whose), issued_at });
        }
        rating.name = random.chance(2).then(|| DisplayName::parse("Ana \u{1f4da} \"N\"").unwrap());
        rating.review = random.chance(2).then(|| ReviewText::parse(&format!("Línea\n\\{}", random.below(9))).unwrap());
        // Nanoseconds are more than a column keeps.
        let sent_at = minute(i64::try_from(random.below(12)).unwrap())
            + time::Duration::nanoseconds(i64::try_from(random.below(3) * 700).unwrap());
        Self { submission: Uuid::from_u128(u128::from(1 + random.below(400))), sent_at, rating }
    }

    fn sent(&self) -> Sent<'_> {
        Sent { submission: self.submission, sent_at: self.sent_at, rating: &self.rating }
    }
}

/// Four books at the borders of classes of popularity, customers with browsers, purchases, and what has ended or was erased.
async fn shop(connection: &mut MySqlConnection) -> Vec<BookId> {
    let mut books = Vec::new();
    for (title, ratings) in [("El túnel", 0), ("Rayuela", 5), ("La mar", 7), ("Nada", 11)] {
        books.push(book(connection, title, "Ana María", ratings).await);
    }
    for (whose, browser, at) in [(1, Some(1), 3), (1, Some(2), 6), (2, Some(3), 4), (3, None, 0)] {
        process(connection, &signed_in(whose, browser, at)).await;
    }
    customers::end_sessions(connection, subject(3), minute(2)).await.unwrap();
    customers::end_session(connection, subject(1), minute(5), minute(6)).await.unwrap();
    visitors::erase(connection, visitor(5), minute(4)).await.unwrap();
    let (of_visitor, of_customer) = (visitor(2).0.simple(), subject(2).uuid().simple());
    for sql in [
        format!(
            "insert into orders (id, visitor_id, customer, state, delivery, payment, currency, language, fingerprint,
                                 placed_at, decided_at)
             values (unhex(md5(1)), unhex('{of_visitor}'), null, 'shipped', 'ship', 'bank_transfer', 'EUR', 'es',
                     repeat('x', 32), now(6), now(6)),
                    (unhex(md5(2)), null, unhex('{of_customer}'), 'delivered', 'ship', 'bank_transfer', 'EUR', 'es',
                     repeat('x', 32), now(6), now(6)),
                    (unhex(md5(3)), unhex(md5('v')), null, 'collected', 'collect', 'bank_transfer', 'EUR', 'es',
                     repeat('x', 32), now(6), now(6))"
        ),
        format!(
            "update orders set email_key = (select email_key from customers where subject = unhex('{}'))
             where id = unhex(md5(3))",
            subject(1).uuid().simple()
        ),
        "insert into order_lines (order_number, position, book_id, title, quantity, unit_price)
         select o.number, b.id, b.id, 'Libro', 1, 100 from orders o join books b on b.id % 2 = o.number % 2"
            .to_owned(),
    ] {
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *connection).await.unwrap();
    }
    books
}

#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn ratings_in_sets_end_as_the_same_ratings_one_by_one(pool: MySqlPool) {
    let mut connection = writer(&pool).await;
    let mut books = shop(&mut connection).await;
    books.push(999.into());
    let mut random = Random(18);
    let mut seen = BTreeSet::new();
    for round in 0..150 {
        sqlx::query("update books set updated_at = '2020-01-01'").execute(&mut *connection).await.unwrap();
        let messages: Vec<_> = (0..=random.below(12)).map(|_| Message::random(&mut random, &books)).collect();
        let sent: Vec<_> = messages.iter().map(Message::sent).collect();

        // Both from the same state: the set is taken back.
        let mut transaction = connection.begin().await.unwrap();
        let in_set = publish_all(&mut transaction, &sent).await.unwrap();
        let after_set = tables(&mut transaction).await;
        transaction.rollback().await.unwrap();

        let mut alone = Vec::new();
        for message in &messages {
            let mut transaction = connection.begin().await.unwrap();
            let one = publish(&mut transaction, message.submission, message.sent_at, &message.rating).await;
            transaction.commit().await.unwrap();
            alone.push(one.unwrap());
        }
        assert_eq!(in_set, alone, "round {round}");
        for (set, one) in after_set.iter().zip(tables(&mut connection).await) {
            assert_eq!(*set, one, "round {round}");
        }
        seen.extend(alone.iter().map(|outcome| format!("{outcome:?}")));
        if random.chance(4) {
            change_a_rating(&mut connection, &mut random).await;
        }
    }
    for outcome in ["Now", "AlreadyProcessed", "NoSuchBook", "LaterRating", "HiddenBefore", "OfCustomer", "Erased"] {
        assert!(seen.iter().any(|seen| seen.contains(outcome)), "{outcome} is not among {seen:?}");
    }
    let bought: i64 = sqlx::query_scalar("select count(*) from ratings where verified_purchase = 1")
        .fetch_one(&mut *connection)
        .await
        .unwrap();
    assert!(bought > 0, "no purchase is among the ratings");
}

/// The staff hides a rating or shows it again.
async fn change_a_rating(connection: &mut MySqlConnection, random: &mut Random) {
    let ids: Vec<(u64, bool)> =
        sqlx::query_as("select id, is_hidden from ratings order by id").fetch_all(&mut *connection).await.unwrap();
    let (id, is_hidden) = ids[usize::try_from(random.below(ids.len() as u64)).unwrap()];
    if is_hidden {
        unhide(connection, id).await.unwrap();
    } else {
        hide(connection, id, minute(20)).await.unwrap();
    }
}

#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn a_set_with_a_rating_that_cannot_be_stored_writes_none(pool: MySqlPool) {
    let mut connection = writer(&pool).await;
    let (id, full) =
        (book(&mut connection, "El túnel", "Sabato", 0).await, book(&mut connection, "Rayuela", "Cortázar", 0).await);
    sqlx::query("insert into star_counts (book_id, stars, given) values (?, 5, 4294967295)")
        .bind(full.get())
        .execute(&mut *connection)
        .await
        .unwrap();
    let before = tables(&mut connection).await;
    let ratings = [rating(id, 1, 5), rating(full, 1, 5)];
    let sent: Vec<_> = (1..)
        .zip(&ratings)
        .map(|(n, rating)| Sent { submission: Uuid::from_u128(n), sent_at: minute(0), rating })
        .collect();
    let mut transaction = connection.begin().await.unwrap();
    let error = publish_all(&mut transaction, &sent).await.unwrap_err();
    transaction.rollback().await.unwrap();
    assert!(matches!(crate::database::Error::from(error), crate::database::Error::Unstorable(_)));
    assert_eq!(tables(&mut connection).await, before);
}

/// Sets of the same books in opposite orders, beside ratings alone, and the same submissions in several places at once.
#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn consumers_that_write_sets_at_once_lose_and_double_nothing(pool: MySqlPool) {
    let mut connection = writer(&pool).await;
    let mut books = Vec::new();
    for n in 0..5 {
        books.push(book(&mut connection, &format!("Libro {n}"), "Ana", 0).await);
    }
    let options = connection_options(&pool);
    let mut consumers = tokio::task::JoinSet::new();
    for consumer in 0..4_u128 {
        let (options, books) = (options.clone(), books.clone());
        consumers.spawn(async move {
            let mut connection = MySqlConnection::connect_with(&options).await.unwrap();
            sqlx::raw_sql(crate::database::WRITER_SESSION).execute(&mut connection).await.unwrap();
            for round in 0..20_u128 {
                // Consumers 0 and 1 have the same submissions, as after a delivery that was repeated too early.
                let who = (consumer / 2) * 1_000 + round * 10;
                let mut ratings: Vec<_> = (0..10_u128)
                    .map(|n| {
                        (Uuid::from_u128(1 + who + n), rating(books[usize::try_from(n % 5).unwrap()], 1 + who + n, 4))
                    })
                    .collect();
                if consumer % 2 == 1 {
                    ratings.reverse();
                }
                write_patiently(&mut connection, &ratings).await;
            }
        });
    }
    let all = tokio::time::timeout(Duration::from_mins(1), consumers.join_all()).await;
    assert!(all.is_ok(), "they wait for each other");
    let given: Vec<(u32, i64)> = sqlx::query_as(
        "select b.ratings_count, (select count(*) from ratings r where r.book_id = b.id) from books b order by b.id",
    )
    .fetch_all(&mut *connection)
    .await
    .unwrap();
    assert_eq!(given, [(80, 80); 5]);
    let counted: Vec<u32> =
        sqlx::query_scalar("select given from star_counts where stars = 4").fetch_all(&mut *connection).await.unwrap();
    assert_eq!(counted, [80; 5]);
}

fn connection_options(pool: &MySqlPool) -> sqlx::mysql::MySqlConnectOptions {
    pool.connect_options().as_ref().clone()
}

/// As a consumer writes them: in a set, and one by one if the set fails, again after a conflict of locks.
async fn write_patiently(connection: &mut MySqlConnection, ratings: &[(Uuid, RatingV1)]) {
    let sent: Vec<_> = ratings
        .iter()
        .map(|(submission, rating)| Sent { submission: *submission, sent_at: minute(0), rating })
        .collect();
    let mut transaction = connection.begin().await.unwrap();
    if publish_all(&mut transaction, &sent).await.is_ok() {
        return transaction.commit().await.unwrap();
    }
    transaction.rollback().await.unwrap();
    for Sent { submission, sent_at, rating } in sent {
        loop {
            let mut transaction = connection.begin().await.unwrap();
            if publish(&mut transaction, submission, sent_at, rating).await.is_ok() {
                transaction.commit().await.unwrap();
                break;
            }
            transaction.rollback().await.unwrap();
        }
    }
}

#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn a_repeated_set_changes_nothing_and_of_one_submission_in_a_set_the_first_counts(pool: MySqlPool) {
    let mut connection = writer(&pool).await;
    let id = book(&mut connection, "El túnel", "Sabato", 0).await;
    let ratings = [rating(id, 1, 5), rating(id, 1, 1), rating(id, 2, 3)];
    let submissions = [1, 1, 2].map(Uuid::from_u128);
    let sent: Vec<_> = submissions
        .into_iter()
        .zip(&ratings)
        .map(|(submission, rating)| Sent { submission, sent_at: minute(0), rating })
        .collect();
    let first = publish_all(&mut connection, &sent).await.unwrap();
    assert_eq!(first, [Published::Now, Published::AlreadyProcessed, Published::Now]);
    let before = tables(&mut connection).await;
    assert_eq!(publish_all(&mut connection, &sent).await.unwrap(), vec![Published::AlreadyProcessed; 3]);
    assert_eq!(tables(&mut connection).await, before);
    let stars: Vec<u8> =
        sqlx::query_scalar("select stars from ratings order by id").fetch_all(&mut *connection).await.unwrap();
    assert_eq!(stars, [5, 3]);
    assert_eq!(publish_all(&mut connection, &[]).await.unwrap(), []);
}
