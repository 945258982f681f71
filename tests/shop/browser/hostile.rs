//! Hostile text from visitors is shown as text and does not break a page.

use serde_json::json;
use tokio::sync::OnceCell;

use super::tab::{DESK, PHONE, Tab, in_each};
use crate::{imports, support::Shop};

const SCRIPT: &str = "<script>alert(1)</script><img src=x onerror=alert(2)>";

/// Names and reviews.
fn texts() -> [(String, String); 4] {
    [
        (SCRIPT.to_owned(), format!("{SCRIPT}\"'&amp;")),
        ("\u{202e}txeT".to_owned(), "\u{202e}ألف ليلة وليلة\u{2066} <b>".to_owned()),
        ("👩‍👩‍👧‍👦".repeat(11), "🚀".repeat(4_000)),
        ("W".repeat(80), "W".repeat(4_000)),
    ]
}

/// A text as the shop keeps it: without the characters that reverse what follows.
fn without_controls(text: &str) -> String {
    text.replace(['\u{202e}', '\u{2066}'], "")
}

static BOOK: OnceCell<String> = OnceCell::const_new();

/// The path of a book with all hostile reviews.
pub async fn rated_book(shop: &Shop) -> &'static str {
    BOOK.get_or_init(|| rate_book(shop)).await
}

async fn rate_book(shop: &Shop) -> String {
    let book = imports::new_book(shop).await;
    for (name, review) in texts() {
        let location = shop.rate(book, &json!({ "stars": 1, "name": name, "review": review })).await;
        shop.final_status(&location).await;
    }
    shop.get(&format!("/books/{book}")).await.header("location").to_owned()
}

async fn expect_no_overflow(tab: &Tab<'_>) {
    let wide = tab.evaluate("document.documentElement.scrollWidth").await.as_u64();
    assert!(wide <= Some(tab.look.width.into()), "{:?} px of {:?}", wide, tab.look);
}

#[ignore = "needs a browser"]
#[tokio::test]
async fn hostile_reviews_and_names_show_as_text_within_the_window() {
    in_each(&[DESK, PHONE], async |tab| {
        let book = rated_book(tab.shop).await;
        let ratings = format!("{}/ratings", book.split_once('-').expect("a slug").0);
        for page in [book, &ratings] {
            tab.go(page).await;
            for (name, review) in texts() {
                let shown = format!(
                    "[...document.querySelectorAll('.review')].some((review) =>
                        review.querySelector('blockquote').textContent === {}
                        && review.querySelector('cite').textContent === {})",
                    json!(without_controls(&review)),
                    json!(without_controls(&name))
                );
                assert_eq!(tab.evaluate(&shown).await, true, "{page}: {name}");
            }
            assert_eq!(tab.evaluate("document.querySelectorAll('main script, main img').length").await, 0);
            expect_no_overflow(tab).await;
        }
    })
    .await;
}

#[ignore = "needs a browser"]
#[tokio::test]
async fn hostile_text_is_shown_again_in_its_form_fields() {
    in_each(&[PHONE], async |tab| {
        let [.., (_, long)] = texts();
        tab.go("/contact").await;
        let typed = [("#name", SCRIPT), ("#email", "\"><x@y"), ("#subject", SCRIPT), ("#message", &long)];
        for (field, text) in typed {
            tab.fill(field, text).await;
        }
        tab.evaluate("document.querySelector('.card-form').noValidate = true").await;
        tab.click(".card-form button").await;
        tab.see("#email-error", "ana@example.org").await;
        for (field, text) in typed {
            assert_eq!(tab.value(field).await, text, "{field}");
        }
        expect_no_overflow(tab).await;

        for text in [SCRIPT, &long[..200]] {
            tab.go("/books").await;
            tab.fill("#q", text).await;
            tab.click(".search button").await;
            tab.until("location.search.startsWith('?q=') && document.readyState === 'complete'").await;
            assert_eq!(tab.value("#q").await, text);
            tab.see("h1", text).await;
            expect_no_overflow(tab).await;
        }
    })
    .await;
}
