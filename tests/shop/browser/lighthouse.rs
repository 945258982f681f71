//! Lighthouse's scores of home, list and book on a phone.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::{process::Command, time::Instant};

use super::{chromium, pages::DON_QUIJOTE};
use crate::support::{Shop, variable};

const PAGES: [&str; 3] = ["/", "/books", DON_QUIJOTE];
const CATEGORIES: [&str; 3] = ["accessibility", "best-practices", "seo"];
const MIN_SCORE: f64 = 0.95;

#[ignore = "needs a browser"]
#[tokio::test]
async fn home_list_and_book_score_high_in_accessibility_best_practices_and_seo() {
    let shop = Shop::open().await;
    join_all(PAGES.map(async |path| {
        let only = format!("--only-categories={}", CATEGORIES.join(","));
        let report = audit(&shop, path, &[&only, "--disable-full-page-screenshot"]).await;
        for category in CATEGORIES {
            let score = score(&report, category);
            assert!(score >= MIN_SCORE, "{path}: {category} {score}: {}", failures(&report));
        }
    }))
    .await;
}

/// Prints all scores, twice: as observed, and without the time of the emulator.
///
/// Lighthouse loads the page at full speed and simulates its load on a cheap phone in a slow network, with the median
/// response time of the server. Here most of that is the emulator's. The emulator's time for a function that does almost
/// nothing is measured and subtracted.
#[tokio::test]
#[ignore = "measures speed: run it by hand, on an idle machine"]
async fn lighthouse_grades_with_speed() {
    let shop = Shop::alone().await;
    let emulator = median_time(&shop, "/robots.txt").await;
    println!("\nThe emulator takes {:.0} ms a request.\n", emulator.as_secs_f64() * 1e3);
    println!(
        "{:50}{:>12}{:>14}{:>16}{:>6}{:>9}",
        "", "performance", "accessibility", "best-practices", "seo", "server"
    );
    for path in PAGES {
        shop.get(path).await; // without the cold start
        let times = file("observed.json");
        let seen = audit(&shop, path, &[&format!("--lantern-data-output-path={}", times.display())]).await;
        let mut times: Value = serde_json::from_str(&fs::read_to_string(times).expect("times")).expect("JSON");
        print_scores(path, &seen, &times);

        for time in times["serverResponseTimeByOrigin"].as_object_mut().expect("times by origin").values_mut() {
            *time = json!((time.as_f64().unwrap_or_default() - emulator.as_secs_f64() * 1e3).max(1.0));
        }
        let corrected = file("corrected.json");
        fs::write(&corrected, times.to_string()).expect("a file");
        let option = format!("--precomputed-lantern-data-path={}", corrected.display());
        print_scores(&format!("{path} without it"), &audit(&shop, path, &[&option]).await, &times);
    }
}

fn print_scores(name: &str, report: &Value, times: &Value) {
    let percent = |category| (score(report, category) * 100.0).round();
    let [performance, accessibility, practices, seo] =
        ["performance", "accessibility", "best-practices", "seo"].map(percent);
    let server = times["serverResponseTimeByOrigin"].as_object().and_then(|times| times.values().next()?.as_f64());
    let server = server.unwrap_or_default();
    println!("{name:50}{performance:>12}{accessibility:>14}{practices:>16}{seo:>6}{server:>6.0} ms");
}

async fn median_time(shop: &Shop, path: &str) -> Duration {
    let mut times = Vec::new();
    for _ in 0..21 {
        let started = Instant::now();
        shop.get(path).await;
        times.push(started.elapsed());
    }
    times.sort_unstable();
    times[times.len() / 2]
}

/// Lighthouse's report for a phone, which is its default. It requests Spanish, which search engines get because they
/// request no language.
async fn audit(shop: &Shop, path: &str, options: &[&str]) -> Value {
    let flags: Vec<&str> = chromium::FLAGS.into_iter().chain(chromium::sandbox()).collect();
    let output = Command::new(variable("ANAQUEL_NODE"))
        .arg(Path::new(&variable("ANAQUEL_NODE_MODULES")).join("lighthouse/cli/index.js"))
        .arg(format!("{}{path}", shop.url()))
        .args(["--output=json", "--quiet", "--no-enable-error-reporting"])
        .arg(r#"--extra-headers={"Accept-Language":"es"}"#)
        .arg(format!("--chrome-flags={}", flags.join(" ")))
        .args(options)
        .env("CHROME_PATH", variable("ANAQUEL_CHROMIUM"))
        .stdin(Stdio::null())
        .output()
        .await
        .expect("Lighthouse");
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("no report: {}", String::from_utf8_lossy(&output.stderr)))
}

fn score(report: &Value, category: &str) -> f64 {
    report["categories"][category]["score"].as_f64().unwrap_or_default()
}

fn failures(report: &Value) -> String {
    let audits = report["audits"].as_object().into_iter().flatten();
    let failed = audits.filter(|(_, audit)| audit["score"].as_f64().is_some_and(|score| score < 1.0));
    let lines = failed.map(|(name, audit)| format!("\n{name}: {} {}", audit["explanation"], audit["details"]["items"]));
    lines.collect::<Vec<_>>().concat()
}

fn file(name: &str) -> PathBuf {
    Path::new(&variable("ANAQUEL_SHOP_HOME")).join(name)
}
