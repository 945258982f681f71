//! Ratings published per second by one `process-submissions`, beside the same work in sets on the same server. All write to a
//! database of their own, which is removed at the end.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde::Serialize;
use serde_json::{Value, json};
use shared::{
    domain::{Stars, VisitorId},
    messages::{Content, RatingV1, Submission},
    parameters::DatabaseRole,
    repo::{
        ratings::{self, Published, Sent},
        refresh,
    },
};
use sqlx::{ConnectOptions, Connection, MySqlConnection};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    MeasuredFunction, Parameters,
    drill::{BATCH, Delivery, WRITER_SESSION, event},
    figures::{Figures, Times},
    login::login,
    own_database::{create, execute},
    process::FunctionProcess,
};

/// The function that is measured.
pub const FUNCTION: &str = "process-submissions";
const DATABASE: &str = "anaquel_bench_ratings";
/// Part of the speed of bare sets that the function must reach.
pub const TARGET: f64 = 0.5;
/// Rounds before the measurement, which fill the caches.
const WARM_UP: u32 = 5;
/// Rounds of a measurement, if the time suffices.
pub const ROUNDS: u32 = 300;
/// Time limit for all rounds.
const TIME_LIMIT: Duration = Duration::from_secs(15);
/// A book is not rated again before all others are, as in a shop with many books.
const BOOKS: u32 = 1_000;

/// The speed of one writer of ratings. Sets have ten.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct PublishingSpeed {
    /// Batches of ten ratings, as from a queue with a backlog.
    pub batches: Speed,
    /// Batches of one rating, as from a queue without one.
    pub singles: Speed,
    /// The transaction of a set on an open connection.
    pub sets: Speed,
    /// The least that writes such ratings in sets, on an open connection.
    pub bare: Speed,
}

#[derive(Debug, Clone, Copy, Serialize)]
pub struct Speed {
    pub ratings_per_second: f64,
    /// Of one rating, in milliseconds; in a set of ten, the tenth part.
    pub rating: Figures,
}

impl PublishingSpeed {
    /// The function's speed, as a part of that of bare sets.
    pub fn part_of_bare(&self) -> f64 {
        self.batches.ratings_per_second / self.bare.ratings_per_second.max(f64::EPSILON)
    }

    pub fn meets_target(&self) -> bool {
        self.part_of_bare() >= TARGET
    }
}

/// Publishes ratings in turns by the function and on an open connection: 31 ratings in each round.
pub async fn measure(function: &MeasuredFunction, parameters: &Parameters, rounds: u32) -> Result<PublishingSpeed> {
    let mut server = login(parameters, DatabaseRole::Admin)?.connect().await.context("logging in as administrator")?;
    create(&mut server, DATABASE, parameters).await.context("creating the database of ratings")?;
    let measured = publish(function, &parameters.with_database(DATABASE), rounds).await;
    execute(&mut server, format!("drop database {DATABASE}")).await?;
    server.close().await?;
    measured
}

async fn publish(function: &MeasuredFunction, parameters: &Parameters, rounds: u32) -> Result<PublishingSpeed> {
    let mut database = login(parameters, DatabaseRole::Writer)?.connect().await.context("logging in as writer")?;
    execute(&mut database, WRITER_SESSION).await?;
    add_books(&mut database).await?;
    let process = FunctionProcess::start(function, parameters)?;
    let mut ratings = Ratings { sent: 0 };
    let [mut batches, mut singles, mut sets, mut bare] = [const { Times::new() }; 4];
    let began = Instant::now();
    for round in 0..WARM_UP + rounds {
        if round == WARM_UP {
            [batches, singles, sets, bare] = [const { Times::new() }; 4];
        }
        if began.elapsed() > TIME_LIMIT {
            break;
        }
        batches.add(invoke(&process, &ratings.batch(BATCH)?)?, BATCH);
        singles.add(invoke(&process, &ratings.batch(1)?)?, 1);
        sets.add(publish_set(&mut database, &ratings.next(BATCH)?).await?, BATCH);
        bare.add(write_bare(&mut database, &ratings.next(BATCH)?).await?, BATCH);
    }
    let published: i64 = sqlx::query_scalar("select count(*) from ratings").fetch_one(&mut database).await?;
    ensure!(published == i64::from(ratings.sent), "{published} of {} ratings were published", ratings.sent);
    database.close().await?;
    let speed = |times: Times| Speed { ratings_per_second: times.per_second(), rating: times.figures() };
    Ok(PublishingSpeed { batches: speed(batches), singles: speed(singles), sets: speed(sets), bare: speed(bare) })
}

/// Books with two authors and two genres each, in the word index, and with so many ratings that few change their class.
async fn add_books(database: &mut MySqlConnection) -> Result<()> {
    for sql in [
        format!(
            "insert into books (reference, title, byline, year, language, price, currency, stock)
             select concat('r', seq), concat('Libro ', seq), concat('Author ', seq % 100), 2000, 'es', 1000, 'EUR', 1
             from seq_1_to_{BOOKS}"
        ),
        "insert into star_counts (book_id, stars, imported)
         select b.id, s.seq, 50 + (b.id * 7 + s.seq) % 400 from books b join seq_1_to_5 s"
            .to_owned(),
        "insert into authors (name) select concat('Author ', seq) from seq_0_to_99".to_owned(),
        "insert into book_authors (book_id, position, author_id)
         select b.id, s.seq, a.id
         from books b
         join seq_0_to_1 s
         join authors a on a.name = concat('Author ', (b.id + s.seq) % 100)"
            .to_owned(),
        "insert into genres (slug) select concat('genre-', seq) from seq_0_to_9".to_owned(),
        "insert into book_genres (book_id, genre_id)
         select b.id, g.id
         from books b
         join seq_0_to_1 s
         join genres g on g.slug = concat('genre-', (b.id + s.seq) % 10)"
            .to_owned(),
        counts_of("select id from books"),
    ] {
        execute(database, sql).await?;
    }
    refresh::all(database).await?;
    execute(database, "analyze table books, star_counts, book_authors, book_genres, ratings, submissions").await
}

/// Sets count and score of books by their star counts.
fn counts_of(books: &str) -> String {
    format!(
        "update books b
         join (
             select
                 book_id,
                 sum(imported + given) as count,
                 sum(stars * (imported + given)) as stars
             from star_counts
             where book_id in ({books})
             group by book_id
         ) counted on counted.book_id = b.id
         left join book_authors ba on ba.book_id = b.id
         left join book_genres bg on bg.book_id = b.id
         set b.ratings_count = counted.count,
             b.score = round((87.5 + counted.stars) / (25 + counted.count) * 1e6),
             b.updated_at = current_timestamp(3),
             ba.ratings_count = counted.count,
             bg.ratings_count = counted.count"
    )
}

/// New ratings, each by another visitor.
struct Ratings {
    sent: u32,
}

impl Ratings {
    fn next(&mut self, ratings: usize) -> Result<Vec<Submission>> {
        (0..ratings).map(|_| self.one()).collect()
    }

    fn one(&mut self) -> Result<Submission> {
        self.sent += 1;
        let content = Content::Rating(RatingV1 {
            book: (self.sent * 7 % BOOKS + 1).into(),
            visitor: VisitorId::of_number(Uuid::from_u128(self.sent.into())),
            customer: None,
            stars: Stars::parse(i64::from(self.sent % 5 + 1))?,
            name: None,
            review: None,
        });
        let now = OffsetDateTime::now_utc();
        Ok(Submission { id: Uuid::new_v4(), sent_at: now, request_id: None, content })
    }

    fn batch(&mut self, ratings: usize) -> Result<Vec<u8>> {
        let mut batch = Vec::new();
        for submission in self.next(ratings)? {
            batch.push(Delivery {
                id: submission.id,
                group: String::new(),
                body: serde_json::to_string(&submission)?,
                sequence: self.sent.into(),
                receives: 1,
                receipt: self.sent.into(),
            });
        }
        Ok(event(&batch).to_string().into_bytes())
    }
}

fn invoke(process: &FunctionProcess, event: &[u8]) -> Result<Duration> {
    let response = process.host.invoke(event)?;
    let answer: Value = serde_json::from_slice(&response.body)?;
    ensure!(answer == json!({ "batchItemFailures": [] }), "the function returned messages: {answer}");
    Ok(response.took)
}

/// The ratings of submissions; all of them are ratings.
fn rated(submissions: &[Submission]) -> impl Iterator<Item = Sent<'_>> {
    submissions.iter().filter_map(|submission| match &submission.content {
        Content::Rating(rating) => Some(Sent { submission: submission.id, sent_at: submission.sent_at, rating }),
        _ => None,
    })
}

async fn publish_set(database: &mut MySqlConnection, submissions: &[Submission]) -> Result<Duration> {
    let sent: Vec<_> = rated(submissions).collect();
    let began = Instant::now();
    let mut transaction = database.begin().await?;
    let published = ratings::publish_all(&mut transaction, &sent).await?;
    transaction.commit().await?;
    let took = began.elapsed();
    ensure!(published.iter().all(|published| *published == Published::Now), "{published:?}");
    Ok(took)
}

/// Without a look at anything that may be there: neither submissions nor ratings before, no erasure, no customer, no purchase;
/// without the word index and the numbers of the shop.
async fn write_bare(database: &mut MySqlConnection, submissions: &[Submission]) -> Result<Duration> {
    let sent: Vec<_> = rated(submissions).collect();
    let rows = |row: &dyn Fn(&Sent<'_>) -> String| sent.iter().map(row).collect::<Vec<_>>().join(", ");
    let hex = |id: Uuid| id.simple().to_string();
    let mut books: Vec<u32> = sent.iter().map(|sent| sent.rating.book.get()).collect();
    books.sort_unstable();
    let books = books.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let statements = [
        "begin".to_owned(),
        format!(
            "insert into submissions (id, kind, outcome, sent_at) values {}",
            rows(&|sent| format!("(x'{}', 'rating', 'published', now(6))", hex(sent.submission)))
        ),
        format!("select id from books where id in ({books}) order by id for update"),
        format!(
            "insert into ratings (submission_id, book_id, visitor_id, stars, sent_at) values {}",
            rows(&|Sent { submission, rating, .. }| format!(
                "(x'{}', {}, x'{}', {}, now(6))",
                hex(*submission),
                rating.book,
                hex(rating.visitor.0),
                rating.stars.get()
            ))
        ),
        format!(
            "insert into star_counts (book_id, stars, given) values {} on duplicate key update given = given + 1",
            rows(&|Sent { rating, .. }| format!("({}, {}, 1)", rating.book, rating.stars.get()))
        ),
        counts_of(&books),
        "commit".to_owned(),
    ];
    let began = Instant::now();
    for sql in statements {
        execute(database, sql).await?;
    }
    Ok(began.elapsed())
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    };

    use shared::parameters::{Parameter, Queue};

    use super::*;
    use crate::{
        host::Reaction,
        own_database::{built, with_writer},
    };

    #[test]
    fn the_target_is_half_the_speed_of_bare_sets() {
        let speed = |ratings_per_second| Speed { ratings_per_second, rating: Figures { median: 1.0, p99: 1.0 } };
        let measured = |batches| PublishingSpeed {
            batches: speed(batches),
            singles: speed(1.0),
            sets: speed(1.0),
            bare: speed(4_000.0),
        };
        assert!(measured(2_000.0).meets_target() && !measured(1_999.0).meets_target());
    }

    #[ignore = "needs MariaDB and the built functions"]
    #[tokio::test]
    async fn a_writer_of_ratings_is_measured_in_a_database_that_is_removed_afterwards() {
        let (measured, databases) = with_writer("anaquel_ratings_test", async |parameters| {
            measure(&built(FUNCTION, parameters), parameters, 3).await
        })
        .await;
        let PublishingSpeed { batches, singles, sets, bare } = measured.unwrap();
        for speed in [batches, singles, sets, bare] {
            assert!(speed.ratings_per_second > 0.0 && speed.rating.median <= speed.rating.p99, "{speed:?}");
        }
        assert!(!databases.contains(&DATABASE.to_owned()), "{databases:?}");
    }

    /// The outcome of each message is the same as without its neighbours.
    #[ignore = "needs MariaDB and the built functions"]
    #[tokio::test]
    async fn a_batch_with_a_rating_that_cannot_be_stored_publishes_the_others_and_parks_that_one() {
        const NAME: &str = "anaquel_bench_neighbours";
        let (tested, _) = with_writer("anaquel_neighbours_test", async |parameters| {
            let mut server = login(parameters, DatabaseRole::Admin)?.connect().await?;
            create(&mut server, NAME, parameters).await?;
            let tested = with_neighbours(&built(FUNCTION, parameters), &parameters.with_database(NAME)).await;
            execute(&mut server, format!("drop database {NAME}")).await?;
            tested
        })
        .await;
        tested.unwrap();
    }

    async fn with_neighbours(function: &MeasuredFunction, parameters: &Parameters) -> Result<()> {
        let mut database = login(parameters, DatabaseRole::Writer)?.connect().await?;
        add_books(&mut database).await?;
        // The book of the second rating can have no more ratings of its stars.
        let mut ratings = Ratings { sent: 0 };
        let mut submissions = ratings.next(4)?;
        let full: Vec<_> = rated(&submissions).map(|sent| sent.rating.clone()).collect();
        execute(&mut database, format!("update star_counts set given = 4294967295 where book_id = {}", full[1].book))
            .await?;
        // The fourth is the first once more.
        submissions[3] = submissions[0].clone();
        let parked = Arc::new(Mutex::new(Vec::new()));
        let observed = parked.clone();
        let queue = parameters.get(Parameter::Queue(Queue::DeadLetters))?.to_owned();
        let process = FunctionProcess::start_observed(
            function,
            parameters,
            Some(Arc::new(move |target, body| {
                let call: Value = serde_json::from_slice(body).unwrap_or_default();
                if target == "AmazonSQS.SendMessage" && call["QueueUrl"] == queue.as_str() {
                    let body = call["MessageBody"].as_str().unwrap_or_default().to_owned();
                    observed.lock().unwrap().push(body);
                }
                Reaction::Answer
            })),
        )?;
        let records: Vec<_> = submissions
            .iter()
            .map(|submission| serde_json::to_string(submission).unwrap())
            .chain(["not a submission".to_owned()])
            .map(|body| json!({ "messageId": Uuid::new_v4(), "body": body, "eventSource": "aws:sqs" }))
            .collect();
        invoke(&process, json!({ "Records": records }).to_string().as_bytes())?;
        let parked = parked.lock().unwrap().clone();
        assert_eq!(parked.len(), 2, "{parked:?}");
        assert!(parked.iter().any(|body| body.contains(&submissions[1].id.to_string())), "{parked:?}");
        assert!(parked.contains(&"not a submission".to_owned()));
        let published: Vec<Uuid> =
            sqlx::query_scalar("select submission_id from ratings order by id").fetch_all(&mut database).await?;
        assert_eq!(published, [submissions[0].id, submissions[2].id]);
        database.close().await?;
        Ok(())
    }

    /// What is written stays, and comes again until it is archived.
    #[ignore = "needs MariaDB and the built functions"]
    #[tokio::test]
    async fn while_s3_is_away_ratings_are_written_and_their_messages_stay_in_the_queue() {
        const NAME: &str = "anaquel_bench_archive";
        let (tested, _) = with_writer("anaquel_archive_test", async |parameters| {
            let mut server = login(parameters, DatabaseRole::Admin)?.connect().await?;
            create(&mut server, NAME, parameters).await?;
            let tested = without_s3(&built(FUNCTION, parameters), &parameters.with_database(NAME)).await;
            execute(&mut server, format!("drop database {NAME}")).await?;
            tested
        })
        .await;
        tested.unwrap();
    }

    async fn without_s3(function: &MeasuredFunction, parameters: &Parameters) -> Result<()> {
        let mut database = login(parameters, DatabaseRole::Writer)?.connect().await?;
        add_books(&mut database).await?;
        let submissions = Ratings { sent: 0 }.next(3)?;
        // S3 takes the second message and no other.
        let is_away = Arc::new(AtomicBool::new(true));
        let (seen, second) = (is_away.clone(), submissions[1].id.simple().to_string());
        let written = Arc::new(Mutex::new(Vec::new()));
        let observed = written.clone();
        let process = FunctionProcess::start_observed(
            function,
            parameters,
            Some(Arc::new(move |target, _| {
                if !target.starts_with("PUT /archive/submissions/") {
                    return Reaction::Answer;
                }
                if seen.load(Ordering::Relaxed) && !target.contains(&second) {
                    return Reaction::Refuse(503, "SlowDown");
                }
                observed.lock().unwrap().push(target.to_owned());
                Reaction::Answer
            })),
        )?;
        let records: Vec<_> = submissions
            .iter()
            .map(|submission| json!({ "messageId": submission.id, "body": serde_json::to_string(submission).unwrap() }))
            .collect();
        let event = json!({ "Records": records }).to_string().into_bytes();
        let answer: Value = serde_json::from_slice(&process.host.invoke(&event)?.body)?;
        let returned = answer["batchItemFailures"].as_array().unwrap();
        let mut returned: Vec<_> = returned.iter().map(|failure| failure["itemIdentifier"].clone()).collect();
        returned.sort_by_key(ToString::to_string);
        let mut expected = [json!(submissions[0].id), json!(submissions[2].id)];
        expected.sort_by_key(ToString::to_string);
        assert_eq!(returned, expected);
        let published: i64 = sqlx::query_scalar("select count(*) from ratings").fetch_one(&mut database).await?;
        assert_eq!(published, 3, "nobody waits for S3");

        is_away.store(false, Ordering::Relaxed);
        invoke(&process, &event)?;
        let published: i64 = sqlx::query_scalar("select count(*) from ratings").fetch_one(&mut database).await?;
        assert_eq!(published, 3, "none is doubled");
        let written = written.lock().unwrap().clone();
        for submission in &submissions {
            let id = submission.id.simple().to_string();
            assert!(written.iter().any(|start| start.contains(&id)), "{id}: {written:?}");
        }
        database.close().await?;
        Ok(())
    }
}
