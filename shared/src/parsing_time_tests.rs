//! Time that the parsers take for what strangers send, by its size: linear, so that no request or message of the largest size
//! occupies a function.

use std::time::{Duration, Instant};

use time::OffsetDateTime;

use crate::{
    JsonObject,
    domain::{
        Cart, DisplayName, Email, Isbn13, Language, OrderNote, Phone, Search, check_no_card, clean, clean_line,
        without_addresses, words::fold,
    },
    http::{Event, Query, Request},
    messages::{OrderMessage, Submission},
};

const SIZE: usize = 1_000;
const FACTOR: u32 = 16;
/// Linear time grows by the factor, quadratic time by its square. Between them is room for a busy machine.
const MAX_GROWTH: u32 = FACTOR * FACTOR / 3;

type Parser = fn(&str);

#[test]
fn the_time_of_parsing_grows_like_the_text() {
    let parsers: [(&str, Parser); 14] = [
        ("clean", |text| drop(clean(text))),
        ("clean_line", |text| drop(clean_line(text))),
        ("fold", |text| drop(fold(text))),
        ("without_addresses", |text| drop(without_addresses(text))),
        ("check_no_card", |text| _ = check_no_card("note", text)),
        ("name", |text| _ = DisplayName::parse(text)),
        ("email", |text| _ = Email::parse(text)),
        ("phone", |text| _ = Phone::parse(text)),
        ("note", |text| _ = OrderNote::parse(text)),
        ("language", |text| _ = Language::parse(text)),
        ("search", |text| _ = Search::parse(text)),
        ("cart", |text| _ = Cart::parse(text)),
        ("isbn", |text| _ = Isbn13::parse(text)),
        ("isbn in a text", |text| _ = Isbn13::find(text)),
    ];
    let units = [
        "\u{200d}",
        "a\u{200d}",
        "\u{200d}\u{1f469}",
        "\u{301}",
        "\u{2800}",
        "\r",
        "4 ",
        "a@",
        ".1:1:1",
        "-aa",
        "ISBN",
        "(9",
    ];
    for (name, parse) in parsers {
        for unit in units {
            check(&format!("{name} of {unit:?}"), |size| unit.repeat(size), |text| parse(text));
        }
    }
}

#[test]
fn the_time_of_reading_a_body_or_a_message_grows_like_its_size() {
    let now = OffsetDateTime::now_utc();
    let twice = |size: usize| format!("{{{}{}\"x\":0}}", "\"y\":0,".repeat(size), "\"name\":0,".repeat(size));
    check("JSON members", twice, |body| _ = JsonObject::parse(body.as_bytes(), &["name"]));
    check("JSON members, known", twice, |body| _ = JsonObject::parse(body.as_bytes(), &["name", "x", "y"]));
    check("messages of orders", twice, |body| _ = OrderMessage::parse(body, now));
    check("submissions", twice, |body| _ = Submission::parse(body, now));
    let fields = |size: usize| {
        (0..size).flat_map(|at| ["field-".to_owned(), at.to_string(), "=%20x&".to_owned()]).collect::<String>()
    };
    check("form fields", fields, |body| _ = form(body).form());
    let genres = |size: usize| vec![("genre".to_owned(), "poetry".to_owned()); size];
    check("lists in a query", genres, |raw| _ = Query::parse_with_lists(raw, &["genre"], &["genre"]));
}

fn form(body: &str) -> Request {
    let content_type = ("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned());
    let event = Event {
        http_method: "POST".into(),
        headers: Some([content_type].into()),
        body: Some(body.to_owned()),
        ..Event::default()
    };
    Request::from_event(event, "id")
}

/// Of several runs the shortest counts: it has the fewest interruptions. The first that is short enough decides.
fn check<T>(what: &str, input: impl Fn(usize) -> T, read: impl Fn(&T)) {
    let run = |input: &T| {
        let start = Instant::now();
        read(input);
        start.elapsed()
    };
    // A text that is refused by its length takes next to no time, which a clock measures badly.
    let (small, large) = (input(SIZE), input(SIZE * FACTOR as usize));
    let small = (0..10).map(|_| run(&small)).min().unwrap_or_default().max(Duration::from_micros(20));
    let mut shortest = Duration::MAX;
    for _ in 0..10 {
        shortest = shortest.min(run(&large));
        if shortest < small * MAX_GROWTH {
            return;
        }
    }
    panic!("{what}: {small:?} for {SIZE} units, {shortest:?} for {FACTOR} times as many");
}
