//! What an operator asks the `bookstore` command about the stage.

use std::{io, process::Stdio, time::Duration};

use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    imports,
    support::{Shop, bookstore, eventually, park, text, variable},
};

#[ignore = "needs a local stage"]
#[tokio::test]
async fn the_status_shows_stacks_functions_and_queues_and_complains_of_nothing_but_what_is_parked() {
    let _shop = Shop::alone().await;
    let output = bookstore(&["status"]).output().await.unwrap();
    let (shown, complaint) = text(&output);
    for row in ["anaquel-local-app", "show-book", "submissions", "parked"] {
        assert!(shown.lines().any(|line| line.trim_start().starts_with(row)), "{row}: {shown}{complaint}");
    }
    assert!(shown.contains(&variable("ANAQUEL_SHOP")), "{shown}");
    // Other tests park messages.
    let troubles: Vec<&str> =
        complaint.lines().skip(1).filter(|line| !line.contains("the dead-letter queue has")).collect();
    assert!(troubles.is_empty(), "{complaint}");
    assert_eq!(output.status.success(), complaint.is_empty());
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn the_logs_tell_a_request_for_people_and_for_programs() {
    let shop = Shop::open().await;
    let book = imports::new_book(&shop).await;
    let path = format!("/api/books/{book}");
    assert_eq!(shop.get(&path).await.status, 200);

    let output = bookstore(&["logs", "show-book"]).output().await.unwrap();
    let (shown, complaint) = text(&output);
    let line = shown.lines().find(|line| line.contains(&format!("path={path}"))).expect("a line");
    assert!(
        line.contains("show-book") && line.contains("Answered") && line.contains("status=200"),
        "{line}{complaint}"
    );

    let (raw, _) = text(&bookstore(&["logs", "--json"]).output().await.unwrap());
    let lines: Vec<Value> = raw.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let ours = lines.iter().find(|line| line["path"] == json!(path)).unwrap_or_else(|| panic!("no line: {raw}"));
    assert_eq!((&ours["Function"], &ours["Outcome"]), (&json!("anaquel-local-show-book"), &json!("ok")));
    assert!(ours["DatabaseTime"].as_f64().is_some_and(|milliseconds| milliseconds > 0.0), "{ours}");
    assert_eq!(ours["_aws"]["CloudWatchMetrics"][0]["Namespace"], "Anaquel");

    let (_, complaint) = text(&bookstore(&["logs", "show-boko"]).output().await.unwrap());
    assert!(complaint.contains("there is no function `show-boko`") && complaint.contains("show-book"), "{complaint}");
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_request_can_be_followed_from_the_load_balancer_to_the_writers_log() {
    let shop = Shop::open().await;
    let book = imports::new_book(&shop).await;
    let answer = shop.post(&format!("/api/books/{book}/ratings"), &[], &json!({ "stars": 5 })).await;
    assert_eq!(shop.settled(answer.header("location")).await["status"], "published");

    let id = answer.header("x-request-id");
    assert!(id.starts_with("1-"), "a load balancer's trace begins so: {id}");
    // A function's lines come when its invocation ends, which is after the rating was published.
    eventually(Duration::from_secs(10), async || {
        let log = writer_log().await;
        let mut lines = log.lines().filter(|line| line.contains(&format!("\"request_id\":\"{id}\"")));
        if lines.any(|line| line.contains("Rating published")) { Ok(()) } else { Err(format!("{id}: {log}")) }
    })
    .await;
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn what_has_just_been_deployed_differs_in_nothing() {
    let _shop = Shop::alone().await;
    let (shown, complaint) = text(&bookstore(&["diff"]).output().await.unwrap());
    for stack in ["bootstrap", "network", "data", "app"] {
        assert!(shown.contains(&format!("anaquel-local-{stack}: no changes")), "{shown}{complaint}");
    }
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_reader_that_leaves_is_no_error() {
    let _shop = Shop::open().await;
    for command in [&["logs", "--json"][..], &["cost", "--stage", "prod"]] {
        let whole = bookstore(command).output().await.unwrap();
        assert!(whole.status.success() && !whole.stdout.is_empty(), "{command:?} must print something");

        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let child = bookstore(command).stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
        let output = child.wait_with_output().await.unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{command:?}: {}", text(&output).1);
    }
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_stage_is_removed_by_its_name_only() {
    let shop = Shop::open().await;
    let output = bookstore(&["destroy", "--stage", "local", "--confirm", "lokal"]).output().await.unwrap();
    let (shown, complaint) = text(&output);
    assert!(!output.status.success());
    assert!(shown.contains("anaquel-local-imports-") && shown.contains("removed with its messages"), "{shown}");
    assert!(complaint.contains("nothing was removed"), "{complaint}");
    assert_eq!(shop.get("/api/books?limit=1").await.status, 200);
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn what_nobody_touched_has_not_drifted() {
    let _shop = Shop::alone().await;
    let output = bookstore(&["drift"]).output().await.unwrap();
    let (shown, complaint) = text(&output);
    assert!(output.status.success() && shown.contains("has no drift"), "{shown}{complaint}");
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn dead_letters_are_sent_back_when_somebody_says_so_and_an_erased_visitors_are_refused() {
    let shop = Shop::alone().await;
    let book = imports::new_book(&shop).await;
    let rating = |visitor: Uuid, stars: u8| {
        json!({
            "id": Uuid::new_v4(), "kind": "rating.v1", "sent_at": "2026-01-02T03:04:05Z",
            "book": book, "visitor": visitor, "stars": stars,
        })
    };
    let erased = Uuid::new_v4();
    let (kept, late) = (rating(Uuid::new_v4(), 5), rating(erased, 1));
    for letter in [&kept, &late] {
        park(&shop, &letter.to_string(), Some("the version before this did not know it")).await;
    }
    let erase = json!({ "task": "erase-visitor", "visitor": erased });
    shop.invoke_with("anaquel-local-run-staff-task", &erase).await;

    // Nobody answers the question, which is a no.
    let (shown, complaint) = text(&bookstore(&["redrive"]).output().await.unwrap());
    for letter in [&kept, &late] {
        let id = letter["id"].as_str().unwrap();
        let line = shown.lines().find(|line| line.contains(id)).unwrap_or_else(|| panic!("{id}: {shown}{complaint}"));
        assert!(line.contains("rating.v1") && line.contains("the version before this did not know it"), "{line}");
    }
    assert!(shown.contains("They stay where they are."), "{shown}");

    let (shown, complaint) = text(&bookstore(&["redrive", "--yes"]).output().await.unwrap());
    assert!(shown.contains("sent to their source"), "{shown}{complaint}");
    for (letter, outcome) in [(&kept, "Rating published"), (&late, "Rating rejected")] {
        writer_logged(letter["id"].as_str().unwrap(), outcome, 1).await;
    }
    assert_eq!(shop.get(&format!("/api/books/{book}")).await.json()["histogram"], json!([0, 0, 0, 0, 1]));
}

/// The last ten minutes of the writer's log, as JSON lines.
pub async fn writer_log() -> String {
    text(&bookstore(&["logs", "process-submissions", "--json"]).output().await.unwrap()).0
}

/// The writer's log once it has at least `times` lines with this outcome of the submission.
pub async fn writer_logged(submission: &str, outcome: &str, times: usize) -> String {
    eventually(Duration::from_secs(20), async || {
        let log = writer_log().await;
        let found = log.lines().filter(|line| line.contains(submission) && line.contains(outcome)).count();
        if found >= times { Ok(log) } else { Err(format!("{submission}, {outcome}: {log}")) }
    })
    .await
}
