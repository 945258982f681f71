//! The archive of decided messages, a replay into a database of an earlier time, and the erasure of archived messages.

use std::{collections::BTreeSet, time::Duration};

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, MySqlConnection};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use uuid::Uuid;

use crate::{
    cart::cookie,
    imports, order_queue,
    orders::{after, order, place},
    staff::task,
    support::{Shop, bookstore, eventually, text, variable},
};

const BACKUP: &str = "anaquel_replay_test";
const WITHIN: Duration = Duration::from_mins(1);

async fn root() -> MySqlConnection {
    MySqlConnection::connect(&variable("DATABASE_URL")).await.unwrap()
}

async fn execute(database: &mut MySqlConnection, sql: String) {
    sqlx::raw_sql(AssertSqlSafe(sql.clone())).execute(database).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
}

/// Each table of the shop with the columns that are written.
async fn tables(database: &mut MySqlConnection) -> Vec<(String, String)> {
    let columns = "select t.table_name, group_concat(concat('`', c.column_name, '`') separator ', ')
         from information_schema.tables t
         join information_schema.columns c using (table_schema, table_name)
         where t.table_schema = 'anaquel'
           and t.table_type = 'BASE TABLE'
           and c.is_generated = 'NEVER'
         group by t.table_name";
    sqlx::query_as(columns).fetch_all(database).await.unwrap()
}

/// The shop as it is now, apart.
async fn back_up(database: &mut MySqlConnection) {
    execute(database, format!("drop database if exists {BACKUP}")).await;
    execute(database, format!("create database {BACKUP}")).await;
    for (table, columns) in tables(database).await {
        execute(database, format!("create table {BACKUP}.{table} like anaquel.{table}")).await;
        let copy = format!("insert into {BACKUP}.{table} ({columns}) select {columns} from anaquel.{table}");
        execute(database, copy).await;
    }
}

/// The shop as it was then: what was written since is gone.
async fn restore(database: &mut MySqlConnection) {
    let tables = tables(database).await;
    let mut transaction = database.begin().await.unwrap();
    execute(&mut transaction, "set foreign_key_checks = 0".to_owned()).await;
    for (table, columns) in tables {
        execute(&mut transaction, format!("delete from anaquel.{table}")).await;
        let copy = format!("insert into anaquel.{table} ({columns}) select {columns} from {BACKUP}.{table}");
        execute(&mut transaction, copy).await;
    }
    transaction.commit().await.unwrap();
    execute(database, "set foreign_key_checks = 1".to_owned()).await;
    execute(database, format!("drop database {BACKUP}")).await;
}

/// The keys of the archive.
async fn archived(shop: &Shop) -> BTreeSet<String> {
    let ssm = aws_sdk_ssm::Client::new(&shop.sdk());
    let bucket = ssm.get_parameter().name("/anaquel/local/archive/bucket").send().await.unwrap();
    let bucket = bucket.parameter.unwrap().value.unwrap();
    let config = aws_sdk_s3::config::Builder::from(&shop.sdk()).force_path_style(true).build();
    let s3 = aws_sdk_s3::Client::from_conf(config);
    let mut keys = BTreeSet::new();
    let mut continuation = None;
    loop {
        let page = s3.list_objects_v2().bucket(&bucket).set_continuation_token(continuation).send().await.unwrap();
        keys.extend(page.contents().iter().filter_map(|object| object.key()).map(str::to_owned));
        continuation = page.next_continuation_token;
        if continuation.is_none() {
            return keys;
        }
    }
}

/// Waits until the archive has a message with this in its key.
async fn is_archived(shop: &Shop, part: &str) {
    eventually(WITHIN, async || {
        let keys = archived(shop).await;
        if keys.iter().any(|key| key.contains(part)) { Ok(()) } else { Err(format!("no {part} in {keys:?}")) }
    })
    .await;
}

fn hex(id: &str) -> String {
    id.replace('-', "")
}

async fn histogram(shop: &Shop, book: u64) -> Value {
    shop.get(&format!("/api/books/{book}")).await.json()["histogram"].clone()
}

async fn count(database: &mut MySqlConnection, sql: &str) -> i64 {
    sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(database).await.unwrap()
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn what_a_restored_database_lacks_is_replayed_and_nothing_is_doubled() {
    let shop = Shop::alone().await;
    let book = imports::book_on_sale(&shop, 9).await;
    // Before the backup: the replay brings it once more, without an effect.
    let before = shop.rate(book, &json!({ "stars": 1 })).await;
    shop.final_status(&before).await;
    let mut database = root().await;
    back_up(&mut database).await;
    let since = OffsetDateTime::now_utc().format(&Rfc3339).unwrap();

    let subject = format!("Replayed {}", Uuid::new_v4());
    let rated = shop.rate(book, &json!({ "stars": 5, "review": "Una reseña 📚" })).await;
    let message = json!({ "name": "Ana", "email": "ana@example.org", "subject": subject, "message": "Hola" });
    let contact = shop.post("/api/contact", &[], &message).await.header("location").to_owned();
    let placed = place(&shop, &Uuid::new_v4().to_string(), "", &order(book, 2, 1_995)).await;
    let (location, visitor) = (placed.header("location").to_owned(), cookie(&placed, "visitor"));
    let decided = after(&shop, &location, "received", &visitor).await;
    assert_eq!(decided["status"], "confirmed", "{decided}");
    for submission in [&rated, &contact] {
        shop.final_status(submission).await;
        is_archived(&shop, &hex(submission.rsplit('/').next().unwrap())).await;
    }
    is_archived(&shop, &hex(location.rsplit('/').next().unwrap())).await;

    restore(&mut database).await;
    assert_eq!(histogram(&shop, book).await, json!([1, 0, 0, 0, 0]), "the later rating is gone");
    assert_eq!(shop.get(&format!("/api/books/{book}")).await.json()["stock"], 9, "and the order");

    let dry = bookstore(&["replay", "--since", &since, "--dry-run"]).output().await.unwrap();
    let (stdout, stderr) = text(&dry);
    assert!(dry.status.success() && stdout.contains("Nothing was sent."), "{stdout}{stderr}");
    let declined = bookstore(&["replay", "--since", &since]).output().await.unwrap();
    let (stdout, stderr) = text(&declined);
    assert!(!declined.status.success() && stderr.contains("nothing was sent: standard input is closed"), "{stderr}");
    assert!(stdout.contains("submissions") && stdout.contains("orders.fifo"), "{stdout}");

    // Twice, as after an interruption.
    for _ in 0..2 {
        let replayed = bookstore(&["replay", "--since", &since, "--yes"]).output().await.unwrap();
        let (stdout, stderr) = text(&replayed);
        assert!(replayed.status.success() && stdout.contains("messages sent."), "{stdout}{stderr}");
        for submission in [&rated, &contact] {
            assert_eq!(shop.final_status(submission).await["status"], "published");
        }
        let again = after(&shop, &location, "received", &visitor).await;
        for part in ["status", "lines", "total", "charged", "contact"] {
            assert_eq!(again[part], decided[part], "{part}: {again}");
        }
    }
    order_queue::sweep(&shop).await;
    assert_eq!(histogram(&shop, book).await, json!([1, 0, 0, 0, 1]));
    assert_eq!(shop.get(&format!("/api/books/{book}")).await.json()["stock"], 7);
    let messages = format!("select count(*) from anaquel.contact_messages where subject = '{subject}'");
    assert_eq!(count(&mut database, &messages).await, 1);
    let ratings = format!("select count(*) from anaquel.ratings where book_id = {book}");
    assert_eq!(count(&mut database, &ratings).await, 2);
    let lines = format!("select count(*) from anaquel.order_lines where book_id = {book}");
    assert_eq!(count(&mut database, &lines).await, 1);
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn the_archived_messages_of_an_erased_visitor_are_removed_and_later_ones_are_not_archived() {
    let shop = Shop::open().await;
    let book = imports::new_book(&shop).await;
    let path = format!("/api/books/{book}/ratings");
    let answer = shop.post(&path, &[], &json!({ "stars": 5 })).await;
    let visitor = cookie(&answer, "visitor");
    let rated = answer.header("location").to_owned();
    shop.final_status(&rated).await;
    let key = hex(rated.rsplit('/').next().unwrap());
    is_archived(&shop, &key).await;

    let number = visitor.trim_start_matches("visitor=").split('.').next().unwrap().to_owned();
    task(&shop, json!({ "task": "erase-visitor", "visitor": number })).await;
    // Late, as from a queue that was long.
    let late = Uuid::new_v4();
    let body = json!({
        "id": late, "kind": "rating.v1", "sent_at": "2026-01-02T03:04:05Z", "book": book, "visitor": number, "stars": 1,
    });
    let event = json!({ "Records": [{ "messageId": Uuid::new_v4(), "body": body.to_string() }] });
    let answer = shop.invoke_with("anaquel-local-process-submissions", &event).await;
    assert_eq!(answer, json!({ "batchItemFailures": [] }));
    eventually(Duration::from_mins(3), async || {
        let keys = archived(&shop).await;
        if keys.iter().any(|found| found.contains(&key)) { Err(format!("{key} is in the archive")) } else { Ok(()) }
    })
    .await;
    assert!(!archived(&shop).await.iter().any(|found| found.contains(&late.simple().to_string())), "{late}");
}
