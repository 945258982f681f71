//! The wishlist in a browser: the key of its forms, which are on pages of functions that know no customer, and a cookie with
//! its newest books, so that these pages offer to remove them. Neither authorises anything by itself.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use crate::{
    Request,
    domain::BookId,
    session::{Subject, unverified_subject},
};

/// Books in the cookie. Later pages of the list offer to add what is on it already, which changes nothing.
pub const MOST_IN_COOKIE: usize = 100;

/// The hidden value of the forms. It follows from the session's cookie, so that each page can show it, and no other site has
/// it. None for who has not signed in.
pub fn form_key(request: &Request) -> Option<String> {
    let session = request.cookie(Request::SESSION_COOKIE)?;
    let digest = Sha256::new().chain_update(b"form of a wishlist\0").chain_update(session).finalize();
    Some(BASE64_URL_SAFE_NO_PAD.encode(&digest[..18]))
}

/// The value of the cookie with the newest books of this customer.
pub fn to_cookie(whose: Subject, newest: &[BookId]) -> String {
    let ids = newest.iter().take(MOST_IN_COOKIE).map(ToString::to_string);
    [mark(whose)].into_iter().chain(ids).collect::<Vec<_>>().join(".")
}

/// The books of the cookie; none if it is of another customer than the session.
pub fn newest(request: &Request) -> Vec<BookId> {
    let whose = request.cookie(Request::SESSION_COOKIE).and_then(unverified_subject);
    let Some((whose, cookie)) = whose.zip(request.cookie(Request::WISHLIST_COOKIE)) else { return Vec::new() };
    let mut parts = cookie.split('.');
    if parts.next() != Some(&mark(whose)) {
        return Vec::new();
    }
    parts.take(MOST_IN_COOKIE).filter_map(BookId::parse).collect()
}

/// Distinguishes the customers of one browser.
fn mark(whose: Subject) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(&Sha256::digest(whose.uuid().as_bytes())[..6])
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use time::OffsetDateTime;
    use uuid::Uuid;

    use super::*;
    use crate::session::{Pool, PrivateKey};

    fn session(whose: Subject) -> String {
        let key = PrivateKey::parse(&format!("{}=", "A".repeat(43))).unwrap();
        key.issue("dev", whose, Pool::Customers, OffsetDateTime::UNIX_EPOCH)
    }

    fn request(cookies: &str) -> Request {
        let event = json!({ "httpMethod": "GET", "path": "/books", "headers": { "cookie": cookies } });
        Request::from_event(serde_json::from_value(event).unwrap(), "id")
    }

    #[test]
    fn a_page_knows_the_newest_wishes_of_who_has_signed_in_and_of_nobody_else() {
        let (ana, eva) = (Subject::of_uuid(Uuid::from_u128(1)), Subject::of_uuid(Uuid::from_u128(2)));
        let books: Vec<BookId> = (1..=120).map(BookId::from).collect();
        let cookie = to_cookie(ana, &books);
        for (cookies, expected) in [
            (format!("session={}; wishlist={cookie}", session(ana)), 100),
            (format!("session={}; wishlist={cookie}", session(eva)), 0),
            (format!("wishlist={cookie}"), 0),
            (format!("session={}", session(ana)), 0),
            (format!("session=x; wishlist={cookie}"), 0),
            (format!("session={}; wishlist={}.7.x.0", session(ana), &cookie[..8]), 1),
        ] {
            assert_eq!(newest(&request(&cookies)).len(), expected, "{cookies}");
        }
    }

    #[test]
    fn the_key_of_a_form_follows_from_the_session() {
        let key = |cookies: &str| form_key(&request(cookies));
        assert_eq!(key("visitor=x"), None);
        assert_eq!(key("session=a"), key("visitor=x; session=a"));
        assert_ne!(key("session=a"), key("session=b"));
    }
}
