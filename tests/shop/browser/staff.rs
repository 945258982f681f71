//! The pages of the staff with something on each.

use serde_json::json;
use shared::session::Subject;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{cart, contact, imports, staff_pages, support::Shop};

/// The session of a bookseller, and the pages of an order, a message and a review.
pub struct Desk {
    pub cookies: String,
    pub order: String,
    pub message: String,
    pub review: String,
}

pub async fn desk(shop: &Shop) -> Desk {
    let ana = Subject::of_uuid(Uuid::new_v4());
    let cookies = staff_pages::bookseller_with(shop, ana, "ana@shop.example", OffsetDateTime::now_utc()).await;
    let order = format!("/staff/orders/{}", staff_pages::ordered(shop, 2).await);

    let subject = format!("¿Abren el domingo? {}", &Uuid::new_v4().to_string()[..8]);
    let message = json!({
        "name": "Luz Casas",
        "email": "luz@example.org",
        "subject": subject,
        "message": "Buenos días:\n¿abren este domingo?\nMuchas gracias.",
    });
    let sent = shop.post("/api/contact", &[], &message).await;
    shop.final_status(sent.header("location")).await;
    assert_eq!(contact::with_subject(shop, &subject.clone().into()).await, 1);
    let message = link_before(shop, &cookies, "/staff/messages", &subject).await;

    let book = imports::new_book(shop).await;
    let words = format!("Compren en otra parte {}", &Uuid::new_v4().to_string()[..8]);
    let sent = shop.rate(book, &json!({ "stars": 1, "name": "Luz", "review": words })).await;
    shop.final_status(&sent).await;
    let review = link_before(shop, &cookies, "/staff/reviews", &words).await;
    Desk { cookies, order, message, review }
}

/// The last link of a list, to one of its pages, before these words.
async fn link_before(shop: &Shop, cookies: &str, list: &str, words: &str) -> String {
    let page = cart::page(shop, list, cookies).await.text;
    let (before, _) = page.split_once(words).unwrap_or_else(|| panic!("{list} is without {words}: {page}"));
    let link = before.rsplit_once(&format!("href=\"{list}/")).expect("a link").1;
    format!("{list}/{}", link.split('"').next().expect("an address"))
}
