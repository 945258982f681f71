//! Ratings through the queue: each is counted once and gets an outcome.

use std::time::Duration;

use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    imports,
    support::{Shop, eventually},
};

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_rating_is_published_within_five_seconds_and_changes_the_mean() {
    let shop = Shop::open().await;
    let book = imports::new_book(&shop).await;
    let before = shop.get(&format!("/api/books/{book}")).await.json();
    let location = shop.rate(book, &json!({ "stars": 5, "name": "Ana", "review": "¡Qué libro! 😀 <b>" })).await;
    assert_eq!(shop.final_status(&location).await["status"], "published");

    let after = shop.get(&format!("/api/books/{book}")).await.json();
    assert_eq!(after["ratings"]["count"].as_u64(), before["ratings"]["count"].as_u64().map(|count| count + 1));
    assert_ne!(after["ratings"]["mean"], before["ratings"]["mean"]);
    assert_eq!(after["reviews"][0]["review"], "¡Qué libro! 😀 <b>");
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_rating_of_no_book_is_rejected_with_the_reason() {
    let shop = Shop::open().await;
    let location = shop.rate(999_999_999, &json!({ "stars": 5 })).await;
    let status = shop.final_status(&location).await;
    assert_eq!((&status["status"], &status["code"]), (&json!("rejected"), &json!("no_such_book")));
    assert_eq!(status["reason"], "There is no book 999999999.");
}

/// Ids of the ratings in one slice of the list, and the cursor of the next; the answer must fit a load balancer.
async fn page_of_ratings(shop: &Shop, path: &str, cursor: Option<&str>) -> (Vec<u64>, Option<String>) {
    let limit = path.starts_with("/api").then_some(("limit", "100"));
    let query: Vec<_> = limit.into_iter().chain(cursor.map(|cursor| ("cursor", cursor))).collect();
    let answer = shop.invoke("anaquel-local-list-ratings", "GET", path, &query).await;
    assert_eq!(answer["statusCode"], 200, "{answer}");
    let size = answer.to_string().len();
    assert!(size <= 1_000_000, "{size} bytes of {path}");
    let body = answer["body"].as_str().unwrap();
    if path.starts_with("/api") {
        let page: Value = serde_json::from_str(body).unwrap();
        let ids = page["items"].as_array().unwrap().iter().map(|item| item["id"].as_u64().unwrap());
        return (ids.collect(), page["next"].as_str().map(str::to_owned));
    }
    // The name of each rating contains its number.
    let names = body.split(">Nº ").skip(1);
    let numbers = names.map(|name| name.split('<').next().unwrap().parse().expect("a number"));
    let next = body.split_once("rel=\"next\"").and_then(|(_, rest)| rest.split_once("cursor="));
    let next = next.map(|(_, rest)| rest.split(['"', '&']).next().unwrap().to_owned());
    (numbers.collect(), next)
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn the_longest_reviews_fit_into_answers_and_none_is_lost_or_repeated() {
    let shop = Shop::open().await;
    let book = imports::new_book(&shop).await;
    let longest = ["😀", "😀", "😀", "😀", "<", "\"", "\\"].map(|character| character.repeat(4_000));
    stream::iter(0..107)
        .for_each_concurrent(10, async |number| {
            let review = &longest[number % longest.len()];
            let rating = json!({ "stars": 3, "name": format!("Nº {number}"), "review": review });
            let location = shop.rate(book, &rating).await;
            shop.final_status_within(&location, Duration::from_secs(30)).await;
        })
        .await;
    for path in [format!("/api/books/{book}/ratings"), format!("/books/{book}/ratings")] {
        let (mut all, mut cursor, mut pages) = (Vec::new(), None, 0);
        loop {
            let (ids, next) = page_of_ratings(&shop, &path, cursor.as_deref()).await;
            all.extend(ids);
            pages += 1;
            let Some(next) = next else { break };
            cursor = Some(next);
        }
        let number = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!((number, all.len()), (107, 107), "{path}");
        assert!(pages > 2, "{path} has {pages} pages");
    }
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_second_rating_by_the_same_browser_replaces_the_first() {
    let shop = Shop::open().await;
    let book = imports::new_book(&shop).await;
    let cookie = format!("visitor={}", Uuid::new_v4());
    for stars in [1, 4] {
        let path = format!("/api/books/{book}/ratings");
        let answer = shop.post(&path, &[("cookie", &cookie)], &json!({ "stars": stars })).await;
        assert_eq!(shop.final_status(answer.header("location")).await["status"], "published");
    }
    let book = shop.get(&format!("/api/books/{book}")).await.json();
    assert_eq!(book["histogram"], json!([0, 0, 0, 1, 0]));
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_retry_with_its_idempotency_key_counts_once() {
    let shop = Shop::open().await;
    let book = imports::new_book(&shop).await;
    let path = format!("/api/books/{book}/ratings");
    let key = Uuid::new_v4().to_string();
    let send = async |stars: u8| shop.post(&path, &[("idempotency-key", &key)], &json!({ "stars": stars })).await;
    let (first, again, other) = (send(5).await, send(5).await, send(4).await);
    assert_eq!(first.header("location"), again.header("location"));
    assert_eq!(first.header("set-cookie"), again.header("set-cookie"));
    assert_ne!(first.header("location"), other.header("location"));
    shop.final_status(first.header("location")).await;
    shop.final_status(other.header("location")).await;
    let counts = shop.get(&format!("/api/books/{book}")).await.json();
    assert_eq!(counts["histogram"], json!([0, 0, 0, 1, 1]));
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn ten_retries_at_once_are_one_submission_and_one_rating() {
    let shop = Shop::open().await;
    let book = imports::new_book(&shop).await;
    let path = format!("/api/books/{book}/ratings");
    let key = Uuid::new_v4().to_string();
    let (headers, rating) = ([("idempotency-key", key.as_str())], json!({ "stars": 5 }));
    let answers = futures_util::future::join_all((0..10).map(|_| shop.post(&path, &headers, &rating))).await;
    let mut locations: Vec<&str> = answers.iter().map(|answer| answer.header("location")).collect();
    locations.dedup();
    let [location] = locations[..] else { panic!("one submission, not {locations:?}") };
    assert_eq!(shop.final_status(location).await["status"], "published");
    // A later rating is published after all ten.
    let last = shop.rate(book, &json!({ "stars": 1 })).await;
    shop.final_status(&last).await;
    assert_eq!(shop.get(&format!("/api/books/{book}")).await.json()["histogram"], json!([1, 0, 0, 0, 1]));
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn of_two_ratings_in_the_wrong_order_the_later_one_counts() {
    let shop = Shop::open().await;
    let book = imports::new_book(&shop).await;
    let visitor = Uuid::new_v4();
    // One batch, in an order that the queue may deliver.
    let record = |sent_at: &str, stars: u8| {
        let rating = json!({
            "id": Uuid::new_v4(), "kind": "rating.v1", "sent_at": sent_at,
            "book": book, "visitor": visitor, "stars": stars,
        });
        json!({ "messageId": Uuid::new_v4(), "body": rating.to_string() })
    };
    let later_first = json!({ "Records": [record("2026-01-02T00:00:02Z", 5), record("2026-01-02T00:00:01Z", 1)] });
    let answer = shop.invoke_with("anaquel-local-process-submissions", &later_first).await;
    assert_eq!(answer, json!({ "batchItemFailures": [] }));
    assert_eq!(shop.get(&format!("/api/books/{book}")).await.json()["histogram"], json!([0, 0, 0, 0, 1]));
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn the_ratings_of_a_book_are_listed_newest_first_in_slices() {
    let shop = Shop::open().await;
    let book = imports::new_book(&shop).await;
    for stars in [1, 2, 3] {
        let location = shop.rate(book, &json!({ "stars": stars })).await;
        shop.final_status(&location).await;
    }
    let path = format!("/api/books/{book}/ratings?limit=2");
    let first = shop.get(&path).await.json();
    let stars = |page: &Value| -> Vec<u64> {
        page["items"].as_array().unwrap().iter().map(|rating| rating["stars"].as_u64().unwrap()).collect()
    };
    assert_eq!(stars(&first), [3, 2]);
    let second = shop.get(&format!("{path}&cursor={}", first["next"].as_str().unwrap())).await.json();
    assert_eq!((stars(&second), &second["next"]), (vec![1], &Value::Null));

    assert_eq!(shop.get("/api/books/999999999/ratings").await.status, 404);
    assert_eq!(shop.get(&format!("{path}&page=2")).await.status, 400);
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn every_invalid_field_of_a_rating_is_named() {
    let shop = Shop::open().await;
    let rating = json!({ "stars": 9, "name": "x".repeat(81), "review": "a".repeat(4_001) });
    let answer = shop.post("/api/books/1/ratings", &[], &rating).await;
    assert_eq!(answer.status, 422);
    let problem = answer.json();
    let fields: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|error| &error["field"]).collect();
    assert_eq!(fields, ["stars", "name", "review"]);
    for (rating, pointer) in [
        (json!({ "stars": 5, "starz": 5 }), "#/starz"),
        (json!({ "stars": 5, "name": 3 }), "#/name"),
        (json!([5]), "#"),
    ] {
        let answer = shop.post("/api/books/1/ratings", &[], &rating).await;
        let problem = answer.json();
        assert_eq!((answer.status, &problem["errors"][0]["pointer"]), (422, &pointer.into()), "{problem}");
    }
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn an_id_that_the_shop_did_not_create_is_a_404() {
    let shop = Shop::open().await;
    for id in ["made-up", "00000000-0000-8000-8000-000000000000", &Uuid::new_v4().to_string()] {
        assert_eq!(shop.get(&format!("/api/submissions/{id}")).await.status, 404, "{id}");
    }
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn five_hundred_ratings_twenty_at_a_time_are_all_counted_once() {
    let shop = Shop::alone().await;
    let book = imports::new_book(&shop).await;
    let locations: Vec<String> = stream::iter(0..500)
        .map(|n| {
            let shop = &shop;
            async move { shop.rate(book, &json!({ "stars": n % 5 + 1 })).await }
        })
        .buffer_unordered(20)
        .collect()
        .await;
    let count = async || shop.get(&format!("/api/books/{book}")).await.json();
    eventually(Duration::from_mins(2), async || {
        let counted = count().await;
        if counted["ratings"]["count"].as_u64() >= Some(500) { Ok(()) } else { Err(counted["ratings"].to_string()) }
    })
    .await;
    let statuses = stream::iter(&locations).map(|location| shop.final_status(location)).buffer_unordered(20);
    statuses.for_each(async |status| assert_eq!(status["status"], "published")).await;
    let counted = count().await;
    assert_eq!(counted["histogram"], json!([100, 100, 100, 100, 100]));
    assert_eq!(counted["ratings"]["count"], 500);
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn garbage_goes_to_the_dead_letter_queue_with_its_reason_and_its_neighbours_are_processed() {
    let shop = Shop::open().await;
    let sqs = aws_sdk_sqs::Client::new(&shop.sdk());
    let url = |name: &str| format!("{}/000000000000/{name}", shop.endpoint());
    let book = imports::new_book(&shop).await;
    let rating = |stars: u8| {
        json!({
            "id": Uuid::new_v4(), "kind": "rating.v1", "sent_at": "2026-01-02T03:04:05Z",
            "book": book, "visitor": Uuid::new_v4(), "stars": stars,
        })
    };
    let unknown = json!({ "id": Uuid::new_v4(), "kind": "rating.v9", "sent_at": "2026-01-02T03:04:05Z" });
    let mark = Uuid::new_v4().to_string();
    let bodies = [
        rating(2).to_string(),
        format!("garbage {mark}"),
        rating(3).to_string(),
        unknown.to_string(),
        rating(2).to_string(),
    ];
    let entries = bodies
        .iter()
        .enumerate()
        .map(|(n, body)| SendMessageBatchRequestEntry::builder().id(n.to_string()).message_body(body).build().unwrap());
    let batch =
        sqs.send_message_batch().queue_url(url("anaquel-local-submissions")).set_entries(Some(entries.collect()));
    batch.send().await.unwrap();

    let mut reasons = Vec::new();
    while reasons.len() < 2 {
        let receive = sqs.receive_message().queue_url(url("anaquel-local-parked")).wait_time_seconds(10);
        let received = receive.message_attribute_names("All").max_number_of_messages(10).send().await.unwrap();
        assert!(!received.messages().is_empty(), "no garbage in the dead-letter queue within ten seconds");
        for message in received.messages() {
            let body = message.body().unwrap_or_default();
            if body.contains(&mark) || body.contains("rating.v9") {
                let reason = message.message_attributes().and_then(|attributes| attributes.get("reason"));
                reasons.push(reason.and_then(|reason| reason.string_value()).unwrap_or_default().to_owned());
            }
        }
    }
    assert!(
        reasons.iter().all(|reason| reason.contains("not a submission that this version understands")),
        "{reasons:?}"
    );

    eventually(Duration::from_secs(5), async || {
        let histogram = shop.get(&format!("/api/books/{book}")).await.json()["histogram"].clone();
        if histogram == json!([0, 2, 1, 0, 0]) { Ok(()) } else { Err(histogram.to_string()) }
    })
    .await;
}
