//! What each fuzz target does with its bytes, and what must hold then. `tests/corpus.rs` does the same with the committed
//! corpus, so that what was found once stays a test.

use std::io::Cursor;

use import_catalogue::{
    encoding,
    format::{Line, Lines},
};
use shared::{
    JsonObject, Reply, Request,
    answer_size::MAX_ANSWER,
    domain::{Cart, Currency, Isbn13, SubmissionKey, VisitorCookie, VisitorId},
    http::Event,
    session::{PrivateKey, PublicKeys, unverified_subject},
    wishlist,
};
use time::{OffsetDateTime, macros::datetime};
use uuid::Uuid;

/// Reads bytes, and panics where a rule is broken.
pub type Target = fn(&[u8]);

/// Each target by its name, which is that of its corpus.
pub const TARGETS: [(&str, Target); 5] =
    [("event", event), ("csv", csv), ("isbn", isbn), ("cookie", cookie), ("session", session)];

const NOW: OffsetDateTime = datetime!(2026-03-03 10:00:30 UTC);
const NAMES: &[&str] = &["q", "limit", "cursor", "author", "genre", "lines"];

/// An event of a load balancer: it is read, and every error has an answer that a load balancer takes.
pub fn event(bytes: &[u8]) {
    let Ok(event) = serde_json::from_slice::<Event>(bytes) else { return };
    let request = Request::from_event(event, "lambda-id");
    let errors = [
        request.check(false).err(),
        request.query(NAMES).err(),
        request.query_with_lists(NAMES, &["genre"]).err(),
        request.page_query(NAMES).err(),
        request.form().err(),
        request.json(NAMES).err(),
        JsonObject::parse(request.body(), NAMES).err(),
    ];
    _ = (
        request.path(),
        request.preferred_encoding(&["gzip"]),
        wishlist::newest(&request),
        wishlist::form_key(&request),
    );
    assert!(request.location("/books").starts_with("/books"));
    assert!(!request.location("/books").contains(|c: char| c.is_control() || " <>\"\\".contains(c)));
    if let Some(origin) = request.origin() {
        assert!(origin.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".:/-".contains(&byte)), "{origin}");
    }
    for error in errors.into_iter().flatten() {
        let response = Reply::problem(&error, &request.id).finish(&request);
        assert!(matches!(response.status(), 400..=499), "{error}");
        let json = response.to_json().expect("an answer that is small enough");
        assert!(json.get().len() < MAX_ANSWER / 2);
    }
}

/// A file of books. Its first byte chooses how it is declared. Each row is read or refused once, in its order, and an import
/// that continues behind any row reads the same rest.
pub fn csv(bytes: &[u8]) {
    let Some((declared, file)) = bytes.split_first() else { return };
    let content_type = match declared % 4 {
        0 => Some("text/csv; charset=windows-1252"),
        1 => Some("text/csv; charset=utf-16le"),
        _ => None,
    };
    let Some(all) = lines(file, content_type, 0) else { return };
    assert!(all.windows(2).all(|pair| pair[0].number < pair[1].number));
    assert!(
        all.iter()
            .all(|line| line.text.len() <= 3 * 8_000 && line.row.as_ref().err().is_none_or(|why| !why.is_empty()))
    );
    if let Some(done) = all.get(all.len() / 2) {
        let rest = lines(file, content_type, done.number).expect("the same file can be read again");
        let described = |line: &Line| (line.number, format!("{:?}", line.row), line.text.clone(), line.warnings.len());
        let expected: Vec<_> = all.iter().filter(|line| line.number > done.number).map(described).collect();
        assert_eq!(rest.iter().map(described).collect::<Vec<_>>(), expected);
    }
}

/// The rows behind a line; none if the file is refused as a whole.
fn lines(file: &[u8], content_type: Option<&str>, done: u32) -> Option<Vec<Line>> {
    let text = encoding::utf8(Cursor::new(file), content_type).ok()?;
    let mut lines = Lines::read(text, Currency::EUR).ok()?;
    lines.skip_to(done).ok()?;
    let rows = lines.by_ref().collect::<Result<_, _>>().ok();
    _ = (lines.notices(), lines.columns());
    rows
}

/// An ISBN that is read has thirteen digits, of which the last is right.
pub fn isbn(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for isbn in [Isbn13::parse(&text).ok(), Isbn13::find(&text)].into_iter().flatten() {
        let digits = isbn.as_str();
        let weights = [1, 3].into_iter().cycle();
        let sum: u32 = digits.bytes().zip(weights).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
        assert!(digits.len() == 13 && sum.is_multiple_of(10) && digits.starts_with("97"), "{digits}");
        assert_eq!(Isbn13::parse(digits).as_ref(), Ok(&isbn));
    }
}

/// Any cookie is a cart within its limits, which is read again as it is written, and nobody makes a visitor older.
pub fn cookie(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let cart = Cart::parse(&text);
    let written = cart.to_cookie(Uuid::max());
    assert!(written.len() <= Cart::MAX_COOKIE && cart.lines().len() <= Cart::MAX_LINES);
    assert_eq!(Cart::parse(&written).lines(), cart.lines());
    assert!(cart.lines().iter().all(|line| (1..=Cart::MAX_COPIES).contains(&line.quantity)));
    let key = SubmissionKey::parse(KEY).expect("a key of 32 bytes");
    if let Some(visitor) = key.read_cookie(&text, NOW) {
        let is_new = visitor == VisitorCookie::new(visitor.number, NOW);
        assert!(is_new || key.write_cookie(&visitor) == text, "{text}");
        assert_eq!(VisitorId::of_cookie(&text), Some(visitor.visitor()));
    }
    _ = (VisitorId::parse(&text), key.verify(&text), key.verify_order(&text));
}

/// A session that counts is byte for byte one that the shop has issued.
pub fn session(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let key = PrivateKey::parse(KEY).expect("a key of 32 bytes");
    let keys = PublicKeys::new(key.public(), None);
    let staff = keys.staff_session("dev", &text, NOW);
    let issued = match (&staff, keys.session("dev", &text, NOW)) {
        (Some(staff), _) => {
            key.issue_to_staff("dev", staff.session.subject, staff.email.clone(), staff.session.issued_at)
        }
        (None, Some(session)) => key.issue("dev", session.subject, session.pool, session.issued_at),
        (None, None) => text.to_string(),
    };
    assert_eq!(issued, text);
    _ = (unverified_subject(&text), PublicKeys::parse(&text), PrivateKey::parse(&text));
}

/// 32 bytes of zero in base64.
const KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
