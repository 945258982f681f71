//! How much the server reads for each query of a request path that is no list, on ten thousand books and two thousand
//! ratings of one: a bounded part, whatever the optimizer thinks of the statement. Lists and searches are in `bounds.rs`.

use sqlx::{MySqlConnection, MySqlPool};
use time::macros::date;
use uuid::Uuid;

use super::{
    authors,
    books::{self, Listing},
    catalogue::edit::{self, SeenBook},
    contact,
    fixtures::{minute, rating, sent},
    genres, ratings, recommendations, refresh, search_misses, spelling, stock, submissions,
};
use crate::{
    domain::{BookFacts, BookId, Cursor, Filter, Isbn13, Search, Sort, SubmissionKey},
    staff::RatingKey,
};

/// Ten thousand books; a hundredth in Galician, a thousandth in stock, a thousandth of one genre.
async fn ten_thousand_books(connection: &mut MySqlConnection) {
    for sql in [
        "insert into books (reference, title, byline, year, language, price, currency, stock, ratings_count, score)
         select concat('r', seq), concat('Libro ', seq, elt(seq % 4 + 1, ' de la mar', ' of the sea', ' it', '')),
                concat('Author ', seq % 500), 1500 + seq % 500, if(seq % 100 = 0, 'gl', 'es'), seq % 3000, 'EUR',
                if(seq % 1000 = 0, 3, 0), seq * 7 % 10000, 3000000 + seq * 13 % 1900000
         from seq_1_to_10000",
        "insert into genres (slug) values ('rare'), ('common')",
        "insert into book_genres (book_id, genre_id)
         select b.id, g.id from books b join genres g on g.slug = if(b.id % 1000 = 0, 'rare', 'common')",
        "insert into authors (name) select concat('Author ', seq) from seq_0_to_499",
        "insert into book_authors (book_id, position, author_id)
         select b.id, 0, a.id from books b join authors a on a.name = b.byline",
    ] {
        sqlx::raw_sql(sql).execute(&mut *connection).await.unwrap();
    }
    refresh::all(connection).await.unwrap();
    let analyze = "analyze table books, genres, book_genres, authors, book_authors, book_search, book_words, words";
    sqlx::raw_sql(analyze).execute(connection).await.unwrap();
}

/// Rows and index entries that the server read on this connection since the last time it was asked.
pub(super) async fn rows_read(connection: &mut MySqlConnection) -> u64 {
    let read = "select cast(sum(variable_value) as unsigned) from information_schema.session_status \
                where variable_name like 'Handler\\_read%'";
    let read = sqlx::query_scalar(read).fetch_one(&mut *connection).await.unwrap();
    sqlx::raw_sql("flush status").execute(connection).await.unwrap();
    read
}

#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn the_window_and_what_goes_with_a_book_read_a_bounded_part(pool: MySqlPool) {
    let mut connection = pool.acquire().await.unwrap();
    ten_thousand_books(&mut connection).await;
    let popular = BookId::from(7);
    two_thousand_ratings(&mut connection, popular).await;
    their_other_ratings(&mut connection).await;

    rows_read(&mut connection).await;
    recommendations::window(&mut connection, date!(2026 - 11 - 24), 6).await.unwrap();
    assert_read(&mut connection, 700, "the window").await;
    genres::list(&mut connection).await.unwrap();
    assert_read(&mut connection, 10, "the genres").await;
    authors::find(&mut connection, 7.into()).await.unwrap();
    assert_read(&mut connection, 2, "an author").await;
    recommendations::also_liked(&mut connection, popular, 6).await.unwrap();
    // Measured: 5,707, most of it for counting 1,200 likings of 200 readers.
    assert_read(&mut connection, 6_000, "what readers of a popular book liked as well").await;
}

#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn one_book_and_its_ratings_are_read_without_looking_at_the_others(pool: MySqlPool) {
    let mut connection = pool.acquire().await.unwrap();
    ten_thousand_books(&mut connection).await;
    let [popular, quiet] = [BookId::from(7), BookId::from(8)];
    two_thousand_ratings(&mut connection, popular).await;
    let isbn = Isbn13::parse("9780306406157").unwrap();

    // The first one opens tables whose statistics the server then reads.
    books::find(&mut connection, popular).await.unwrap().unwrap();
    rows_read(&mut connection).await;
    books::find(&mut connection, popular).await.unwrap().unwrap();
    assert_read(&mut connection, 40, "a book that thousands rated and ten reviewed").await;
    books::find(&mut connection, quiet).await.unwrap().unwrap();
    assert_read(&mut connection, 20, "a book that nobody rated").await;
    books::id_of(&mut connection, &isbn).await.unwrap();
    assert_read(&mut connection, 2, "a book by its ISBN").await;
    let id = SubmissionKey::parse(&format!("{}=", "A".repeat(43))).unwrap().random();
    submissions::find(&mut connection, id).await.unwrap();
    assert_read(&mut connection, 2, "a submission").await;

    ratings::reviews(&mut connection, popular, None, 24).await.unwrap();
    assert_read(&mut connection, 60, "the reviews").await;
    ratings::own(&mut connection, popular, crate::domain::VisitorId(Uuid::from_u128(3))).await.unwrap();
    assert_read(&mut connection, 2, "a visitor's own rating").await;

    let mut after = None;
    for page in 0..3 {
        let list = ratings::list(&mut connection, popular, after.as_ref(), 24).await.unwrap().unwrap();
        assert_read(&mut connection, 60, &format!("page {page} of the ratings")).await;
        after = Some(Cursor::decode(&list.next.unwrap(), &ratings::list_name(popular)).unwrap());
    }
}

#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn what_visitors_send_is_written_without_looking_at_what_others_sent(pool: MySqlPool) {
    let mut connection = pool.acquire().await.unwrap();
    ten_thousand_books(&mut connection).await;
    let book = BookId::from(7);
    two_thousand_ratings(&mut connection, book).await;

    // The first one opens tables whose statistics the server then reads.
    ratings::publish(&mut connection, Uuid::from_u128(10_000), minute(9_000), &rating(book, 4, 5)).await.unwrap();
    rows_read(&mut connection).await;
    for submission in [10_001, 10_002] {
        let submission = Uuid::from_u128(submission);
        ratings::publish(&mut connection, submission, minute(9_000), &rating(book, 3, 5)).await.unwrap();
        // Measured: 53. Its lists by popularity, the word index and the counts of the shop follow.
        assert_read(&mut connection, 60, "a rating").await;
    }
    for submission in [10_003, 10_004] {
        let submission = Uuid::from_u128(submission);
        rows_read(&mut connection).await;
        contact::receive(&mut connection, submission, minute(0), &contact::tests::message(1)).await.unwrap();
    }
    assert_read(&mut connection, 20, "a message to the shop").await;
}

/// The newest ones are shown and answered, so that one who looks for others among them reads all.
#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn what_the_staff_sees_of_reviews_and_messages_reads_no_more_the_more_there_are(pool: MySqlPool) {
    let mut connection = pool.acquire().await.unwrap();
    let c = &mut *connection;
    ten_thousand_books(c).await;
    two_thousand_ratings(c, BookId::from(7)).await;
    their_other_ratings(c).await;
    for sql in [
        "update ratings set hidden_at = sent_at where id % 20 = 0 and id <= 1600",
        "insert into contact_messages (submission_id, name, email, subject, message, sent_at, answered_at)
         select id, 'Ana', 'ana@example.org', 'Un libro', 'Hola', sent_at, if(rank <= 80, null, now(6))
         from (select id, sent_at, row_number() over (order by id) as rank from submissions) s",
        "analyze table ratings, contact_messages",
    ] {
        sqlx::raw_sql(sql).execute(&mut *c).await.unwrap();
    }

    rows_read(c).await;
    for (only_hidden, book, slices) in
        [(false, None, 3), (true, None, 2), (false, Some(BookId::from(7)), 3), (true, Some(BookId::from(7)), 2)]
    {
        let mut before = None;
        for slice in 1..=slices {
            let found = ratings::list_for_staff(c, only_hidden, book, before, 50).await.unwrap();
            assert_eq!(found.len(), if only_hidden && slice == 2 { 30 } else { 50 });
            assert_read(c, 500, &format!("slice {slice} of hidden: {only_hidden}, book: {book:?}")).await;
            before = found.last().map(RatingKey::of);
        }
    }
    let visitor = crate::domain::VisitorId(Uuid::from_u128(3));
    assert_eq!(ratings::list_of_visitor(c, visitor, None, 50).await.unwrap().len(), 7);
    assert_read(c, 60, "the ratings of a visitor").await;
    for (open, slices) in [(Some(true), 2), (Some(false), 3), (None, 3)] {
        let mut before = u64::MAX;
        for slice in 1..=slices {
            let found = contact::list(c, open, before, 50).await.unwrap();
            assert_eq!(found.len(), if open == Some(true) && slice == 2 { 30 } else { 50 });
            assert_read(c, 60, &format!("slice {slice} of messages, open: {open:?}")).await;
            before = found.last().map_or(0, |message| message.id);
        }
    }
    assert_eq!(contact::count_open(c, 50).await.unwrap(), 50);
    assert_read(c, 110, "the number of open messages").await;
}

#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn a_part_of_the_sitemap_is_one_range_of_ids(pool: MySqlPool) {
    let mut connection = pool.acquire().await.unwrap();
    ten_thousand_books(&mut connection).await;
    rows_read(&mut connection).await;
    let last = (books::last_id(&mut connection).await.unwrap(), authors::last_id(&mut connection).await.unwrap());
    assert_read(&mut connection, 6, "the last ids").await;
    assert!(last.0 >= 10_000 && last.1 >= 500, "{last:?}");
    assert_eq!(books::titles(&mut connection, 4_001..=4_500).await.unwrap().len(), 500);
    assert_read(&mut connection, 510, "five hundred books").await;
    assert_eq!(authors::within(&mut connection, 1..=100).await.unwrap().len(), 100);
    assert_read(&mut connection, 310, "a hundred authors").await;
}

#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn what_was_meant_is_found_without_looking_through_the_dictionary(pool: MySqlPool) {
    let mut connection = pool.acquire().await.unwrap();
    ten_thousand_books(&mut connection).await;
    let others = "insert into word_variants (variant, word) select md5(seq), md5(-seq) from seq_1_to_100000";
    sqlx::raw_sql(others).execute(&mut *connection).await.unwrap();
    sqlx::raw_sql("analyze table word_variants").execute(&mut *connection).await.unwrap();

    // Measured: 416 for the second, whose words are looked up as joined from two each. The last sorts a thousand hits twice.
    for (query, meant, bound) in [
        ("librro 77", Some("libro 77"), 900),
        ("oscuridad silencio tinieblas medianoche laberinto mariposa invierno relámpago", None, 450),
        ("libor", Some("libro"), 40_000),
    ] {
        let listing = Listing::new(Some(Search::parse(query).unwrap()), Filter::default(), Sort::Relevance, 24);
        let found = books::list(&mut connection, &listing).await.unwrap();
        rows_read(&mut connection).await;
        let offered = spelling::did_you_mean(&mut connection, &listing, &found).await.unwrap();
        assert_eq!(offered.as_deref(), meant);
        assert_read(&mut connection, bound, &format!("what was meant by {query:?}")).await;
    }
}

#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn a_search_that_finds_something_pays_nothing_for_those_that_do_not(pool: MySqlPool) {
    let mut connection = pool.acquire().await.unwrap();
    ten_thousand_books(&mut connection).await;
    let listing = Listing::new(Some(Search::parse("libro 77").unwrap()), Filter::default(), Sort::Relevance, 24);
    let found = books::list(&mut connection, &listing).await.unwrap();
    rows_read(&mut connection).await;
    spelling::did_you_mean(&mut connection, &listing, &found).await.unwrap();
    // Asking counts itself.
    assert_read(&mut connection, 1, "what was found").await;
}

#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn what_the_staff_reads_and_writes_of_books_is_a_bounded_part(pool: MySqlPool) {
    let mut connection = pool.acquire().await.unwrap();
    ten_thousand_books(&mut connection).await;
    // A thousandth has three copies; of these, some have sold the same.
    sqlx::raw_sql("update books set sold = id % 3 where stock = 3 or id % 50 = 0")
        .execute(&mut *connection)
        .await
        .unwrap();
    sqlx::raw_sql("analyze table books").execute(&mut *connection).await.unwrap();

    rows_read(&mut connection).await;
    for copies in [0, 1, 3] {
        let mut after = None;
        for page in 0..3 {
            let books = stock::copies_left(&mut connection, copies, after, 5).await.unwrap();
            assert_read(&mut connection, 45, &format!("page {page} of the books with {copies} copies")).await;
            let Some(last) = books.last() else { break };
            let next = Some((last.sold, last.id.get()));
            assert!(after.is_none_or(|before| next < Some(before)), "{next:?} after {after:?}");
            after = next;
        }
    }
    search_misses::list(&mut connection, 100).await.unwrap();
    assert_read(&mut connection, 10, "searches that found nothing").await;

    let book = BookId::from(7);
    // The first one opens a table whose statistics the server then reads.
    edit::find(&mut connection, book).await.unwrap();
    rows_read(&mut connection).await;
    let before = edit::find(&mut connection, book).await.unwrap().unwrap();
    assert_read(&mut connection, 30, "a book for the staff").await;
    let facts = BookFacts { title: "Libro de la mar".into(), ..before.facts.clone() };
    // The first one opens tables whose statistics the server then reads.
    let seen = SeenBook { id: book, version: &before.version() };
    edit::change(&mut connection, sent(1), seen, &facts, minute(0)).await.unwrap();
    let changed = edit::find(&mut connection, book).await.unwrap().unwrap();
    rows_read(&mut connection).await;
    let seen = SeenBook { id: book, version: &changed.version() };
    let done = edit::change(&mut connection, sent(2), seen, &before.facts, minute(0)).await.unwrap();
    assert!(matches!(done, edit::Edited::Done { .. }), "{done:?}");
    assert_read(&mut connection, 200, "a change of a title").await;
}

/// Ratings of one book by as many visitors; the ten oldest with words.
async fn two_thousand_ratings(connection: &mut MySqlConnection, book: BookId) {
    for sql in [
        "insert into submissions (id, kind, outcome, sent_at)
         select unhex(lpad(hex(seq), 32, '0')), 'rating', 'published', '2026-01-02 03:04:05' from seq_1_to_2000"
            .to_owned(),
        format!(
            "insert into ratings (submission_id, book_id, visitor_id, stars, review, sent_at)
             select unhex(lpad(hex(seq), 32, '0')), {book}, unhex(lpad(hex(seq), 32, '0')), seq % 5 + 1,
                    if(seq <= 10, 'Bien', null), timestampadd(minute, seq, '2026-01-02 03:04:05')
             from seq_1_to_2000"
        ),
        "analyze table ratings, submissions".to_owned(),
    ] {
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut *connection).await.unwrap();
    }
}

/// Six books more that each of the two thousand visitors liked, a thousand books in all.
async fn their_other_ratings(connection: &mut MySqlConnection) {
    for sql in [
        "insert into submissions (id, kind, outcome, sent_at)
         select unhex(lpad(hex(seq), 32, '0')), 'rating', 'published', '2026-01-02 03:04:05' from seq_10001_to_22000",
        "insert into ratings (submission_id, book_id, visitor_id, stars, sent_at)
         select unhex(lpad(hex(seq), 32, '0')), 1000 + (seq - 10001) % 1000, unhex(lpad(hex(1 + (seq - 10001) div 6), 32, '0')),
                5, '2026-01-02 03:04:05'
         from seq_10001_to_22000",
        "analyze table ratings, submissions",
    ] {
        sqlx::raw_sql(sql).execute(&mut *connection).await.unwrap();
    }
}

async fn assert_read(connection: &mut MySqlConnection, bound: u64, what: &str) {
    let read = rows_read(connection).await;
    assert!(read <= bound, "{read} rows for {what}, more than {bound}");
}
