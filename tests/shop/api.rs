//! `docs/openapi.json` against a running shop.

use std::{process::Stdio, time::Duration};

use serde_json::{Value, json};
use tokio::process::Command;

use crate::support::{Shop, variable};

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/openapi.json");
const CONFIGURATION: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/schemathesis.toml");

#[ignore = "needs a local stage and schemathesis"]
#[tokio::test]
async fn every_operation_behaves_as_the_document_describes() {
    let shop = Shop::alone().await;
    let output = Command::new(variable("ANAQUEL_SCHEMATHESIS"))
        .args(["--no-color", "--config-file", CONFIGURATION, "run", DOCUMENT, "--url", &shop.address()])
        .stdin(Stdio::null())
        .output()
        .await
        .expect("schemathesis");
    let report = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{report}{}", String::from_utf8_lossy(&output.stderr));
    println!("{report}");

    // It sends many ratings; wait for them, so that later tests do not.
    let last = shop.rate(1, &json!({ "stars": 5 })).await;
    shop.final_status_within(&last, Duration::from_mins(2)).await;
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn the_document_names_every_parameter_of_a_list() {
    let shop = Shop::open().await;
    for (path, operations) in document()["paths"].as_object().unwrap() {
        let parameters = operations["get"]["parameters"].as_array().into_iter().flatten();
        let names: Vec<_> = parameters.filter(|p| p["in"] == "query").filter_map(|p| p["name"].as_str()).collect();
        // What belongs to a customer is refused to everybody else before anything is read.
        if names.is_empty() || path.starts_with("/api/account") {
            continue;
        }
        let problem = shop.get(&format!("{}?unknown=1", path.replace("{id}", "1"))).await.json();
        let detail = problem["detail"].as_str().unwrap();
        assert_eq!(detail.split_once("known are ").map(|(_, known)| known), Some(names.join(", ").as_str()), "{path}");
    }
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn the_example_of_the_document_is_a_book_of_the_shop() {
    let shop = Shop::open().await;
    let content = &document()["paths"]["/api/books/{id}"]["get"]["responses"]["200"]["content"];
    let example = content["application/json"]["example"].as_object().unwrap().clone();
    let book = shop.get(&format!("/api/books/{}", example["id"])).await.json();
    // Ratings change, and with them the time; the address has the stage's origin. A new shop has no pictures and no chapters.
    let changing = ["ratings", "histogram", "reviews", "updated_at", "url", "cover", "sample"];
    for (field, value) in example.iter().filter(|(field, _)| !changing.contains(&field.as_str())) {
        assert_eq!(&book[field], value, "{field}");
    }
}

fn document() -> Value {
    serde_json::from_str(&std::fs::read_to_string(DOCUMENT).expect("docs/openapi.json")).expect("JSON")
}
