//! The operators' commands: status, logs, diff, drift, redrive, destroy.

use std::{io, process::Stdio, time::Duration};

use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    imports,
    support::{Shop, bookstore, eventually, send_dead_letter, text, variable},
};

#[ignore = "needs a local stage"]
#[tokio::test]
async fn the_status_shows_stacks_functions_and_queues_and_reports_only_dead_letters() {
    let _shop = Shop::alone().await;
    let output = bookstore(&["status"]).output().await.unwrap();
    let (stdout, stderr) = text(&output);
    for row in ["anaquel-local-app", "show-book", "submissions", "dead-letter queue"] {
        assert!(stdout.lines().any(|line| line.trim_start().starts_with(row)), "{row}: {stdout}{stderr}");
    }
    assert!(stdout.contains(&variable("ANAQUEL_SHOP_URL")), "{stdout}");
    // Other tests send messages to the dead-letter queue.
    let troubles: Vec<&str> = stderr.lines().skip(1).filter(|line| !line.contains("the dead-letter queue ")).collect();
    assert!(troubles.is_empty(), "{stderr}");
    assert_eq!(output.status.success(), stderr.is_empty());
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn the_logs_show_a_request_as_text_and_as_json() {
    let shop = Shop::open().await;
    let book = imports::new_book(&shop).await;
    let path = format!("/api/books/{book}");
    assert_eq!(shop.get(&path).await.status, 200);

    let output = bookstore(&["logs", "show-book"]).output().await.unwrap();
    let (stdout, stderr) = text(&output);
    let line = stdout.lines().find(|line| line.contains(&format!("path={path}"))).expect("a line");
    assert!(line.contains("show-book") && line.contains("Answered") && line.contains("status=200"), "{line}{stderr}");

    let (raw, _) = text(&bookstore(&["logs", "--json"]).output().await.unwrap());
    let lines: Vec<Value> = raw.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let ours = lines.iter().find(|line| line["path"] == json!(path)).unwrap_or_else(|| panic!("no line: {raw}"));
    assert_eq!((&ours["Function"], &ours["Outcome"]), (&json!("anaquel-local-show-book"), &json!("ok")));
    assert!(ours["DatabaseTime"].as_f64().is_some_and(|milliseconds| milliseconds > 0.0), "{ours}");
    assert_eq!(ours["_aws"]["CloudWatchMetrics"][0]["Namespace"], "Anaquel");

    let (_, stderr) = text(&bookstore(&["logs", "show-boko"]).output().await.unwrap());
    assert!(stderr.contains("there is no function `show-boko`") && stderr.contains("show-book"), "{stderr}");
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_request_id_leads_from_the_load_balancer_to_the_writers_log() {
    let shop = Shop::open().await;
    let book = imports::new_book(&shop).await;
    let answer = shop.post(&format!("/api/books/{book}/ratings"), &[], &json!({ "stars": 5 })).await;
    assert_eq!(shop.final_status(answer.header("location")).await["status"], "published");

    let id = answer.header("x-request-id");
    assert!(id.starts_with("1-"), "not a trace id of a load balancer: {id}");
    // The log arrives at the end of the invocation, after the rating is published.
    eventually(Duration::from_secs(10), async || {
        let log = writer_log().await;
        let mut lines = log.lines().filter(|line| line.contains(&format!("\"request_id\":\"{id}\"")));
        if lines.any(|line| line.contains("Rating published")) { Ok(()) } else { Err(format!("{id}: {log}")) }
    })
    .await;
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_stage_that_was_just_deployed_has_no_changes() {
    let _shop = Shop::alone().await;
    let (stdout, stderr) = text(&bookstore(&["diff"]).output().await.unwrap());
    for stack in ["bootstrap", "network", "data", "app"] {
        assert!(stdout.contains(&format!("anaquel-local-{stack}: no changes")), "{stdout}{stderr}");
    }
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_closed_pipe_is_no_error() {
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
    let (stdout, stderr) = text(&output);
    assert!(!output.status.success());
    assert!(stdout.contains("anaquel-local-imports-") && stdout.contains("removed with its messages"), "{stdout}");
    assert!(stderr.contains("nothing was removed"), "{stderr}");
    let (_, stderr) = text(&bookstore(&["destroy", "--stage", "local"]).output().await.unwrap());
    let [prompt, error] = stderr.trim().lines().collect::<Vec<_>>()[..] else { panic!("two lines: {stderr}") };
    assert!(prompt.ends_with("to remove it: "), "{stderr}");
    assert!(error.starts_with("bookstore: nothing was removed: standard input is closed"), "{stderr}");
    assert_eq!(shop.get("/api/books?limit=1").await.status, 200);
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_stage_without_manual_changes_has_no_drift() {
    let _shop = Shop::alone().await;
    let output = bookstore(&["drift"]).output().await.unwrap();
    let (stdout, stderr) = text(&output);
    assert!(output.status.success() && stdout.contains("has no drift"), "{stdout}{stderr}");
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_redrive_needs_confirmation_and_messages_of_an_erased_visitor_are_rejected() {
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
        send_dead_letter(&shop, "parked", &letter.to_string(), Some("the version before this did not know it")).await;
    }
    let erase = json!({ "task": "erase-visitor", "visitor": erased });
    shop.invoke_with("anaquel-local-run-staff-task", &erase).await;

    // Without a terminal nobody can confirm.
    let declined = bookstore(&["redrive"]).output().await.unwrap();
    let (stdout, stderr) = text(&declined);
    for letter in [&kept, &late] {
        let id = letter["id"].as_str().unwrap();
        let line = stdout.lines().find(|line| line.contains(id)).unwrap_or_else(|| panic!("{id}: {stdout}{stderr}"));
        assert!(line.contains("rating.v1") && line.contains("the version before this did not know it"), "{line}");
    }
    assert!(!declined.status.success() && stderr.contains("nothing was sent: standard input is closed"), "{stderr}");

    let (stdout, stderr) = text(&bookstore(&["redrive", "--yes"]).output().await.unwrap());
    assert!(stdout.contains("sent to their source"), "{stdout}{stderr}");
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
