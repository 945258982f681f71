//! What must hold for every value, tried with drawn ones: no text of a stranger panics, what is written is read as it was, and
//! what somebody has changed does not count.

use std::{collections::BTreeMap, fmt::Debug};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use time::{Duration, OffsetDateTime, macros::datetime};
use unicode_normalization::UnicodeNormalization;
use uuid::Uuid;

use crate::{
    ApiError, JsonObject, Reply, Request,
    answer_size::MAX_WRITTEN,
    domain::{
        BookId, Cart, CartLine, Currency, Cursor, DisplayName, Email, Fingerprint, Isbn13, Language, MessageText,
        Money, OrderNote, OrderNumber, Phone, ReviewText, Search, Slice, SubmissionKey, VisitorCookie, VisitorId,
        check_no_card, check_no_link, clean, clean_line, is_default_ignorable, spelling::Known, unlinked, words,
    },
    draw::Draw,
    http::{Event, Query, weighted},
    session::{Pool, PrivateKey, PublicKeys, Subject},
};

const NOW: OffsetDateTime = datetime!(2026-03-03 10:00:30 UTC);
const LETTERS: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// 32 bytes in base64, of which the last is this digit.
fn key(last: &str) -> String {
    format!("{}{last}=", "A".repeat(42))
}

mod numbers {
    use super::*;

    /// Digits of an ISBN with hyphens or blanks somewhere between them.
    fn parted(draw: &mut Draw, digits: &str) -> String {
        let mark = draw.one_of(&["-", " ", "–"]);
        let mut parted = digits.to_owned();
        for _ in 0..draw.count(4) {
            let places: Vec<usize> = parted.char_indices().map(|(at, _)| at).skip(1).collect();
            parted.insert_str(draw.one_of(&places), mark);
        }
        parted
    }

    #[test]
    fn one_check_digit_of_ten_makes_an_isbn_which_is_read_in_each_usual_form() {
        Draw::each(|draw| {
            let prefix = draw.one_of(&["978", "9791", "9792", "9798", "9799"]);
            let body = format!("{prefix}{}", draw.digits(12 - prefix.len()));
            let sound: Vec<String> =
                (0..10).map(|check| format!("{body}{check}")).filter(|text| Isbn13::parse(text).is_ok()).collect();
            let [digits] = &sound[..] else { panic!("{body}: {sound:?}") };
            let weights = [1, 3].into_iter().cycle();
            let sum: u32 = digits.bytes().zip(weights).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
            assert_eq!(sum % 10, 0, "{digits}");
            let parted = parted(draw, digits);
            for form in [
                digits.clone(),
                parted.clone(),
                format!("ISBN: {parted}"),
                format!("ISBN-13 {digits}"),
                format!("=\"{digits}\""),
                format!("{digits}.0"),
                format!("{parted} (pbk.)"),
            ] {
                let read = Isbn13::parse(&form).ok();
                assert_eq!(read.as_ref().map(Isbn13::as_str), Some(digits.as_str()), "{form}");
                assert_eq!(Isbn13::find(&form), read, "{form}");
            }
        });
    }

    #[test]
    fn one_check_digit_of_eleven_makes_an_isbn_of_ten_digits() {
        Draw::each(|draw| {
            let body = draw.digits(9);
            let read: Vec<Isbn13> =
                "0123456789X".chars().filter_map(|check| Isbn13::parse(&format!("{body}{check}")).ok()).collect();
            let [isbn] = &read[..] else { panic!("{body}: {read:?}") };
            assert_eq!(isbn.as_str()[..12], format!("978{body}"));
            assert_eq!(Isbn13::parse(isbn.as_str()).as_ref(), Ok(isbn));
        });
    }

    #[test]
    fn what_is_found_in_a_text_is_an_isbn() {
        Draw::each(|draw| {
            let (text, digits) = (draw.text(), draw.word("0123456789xX -", 20));
            for text in [format!("{text}{digits}"), format!("{digits}{text}"), text] {
                if let Some(found) = Isbn13::find(&text) {
                    assert_eq!(Isbn13::parse(found.as_str()), Ok(found), "{text:?}");
                }
            }
        });
    }

    #[test]
    fn an_amount_is_read_as_it_is_printed_and_as_people_write_it() {
        Draw::each(|draw| {
            let minor: u32 = if draw.of() { draw.of() } else { draw.from(0..=100_000) };
            let code = draw.one_of(&["EUR", "USD", "JPY", "KWD", "CHF", "MXN", "XAF", "TND"]);
            let currency = Currency::parse(code).unwrap();
            let (money, plain) = (Money::new(minor, currency), currency.plain(minor));
            assert_eq!(money.to_string(), format!("{plain} {code}"));
            assert_eq!(Money::parse(&plain, code), Ok(money.clone()));
            assert_eq!(serde_json::from_str::<Money>(&serde_json::to_string(&money).unwrap()).unwrap(), money);
            let (whole, fraction) = plain.split_once('.').unwrap_or((&plain, ""));
            let grouped = |mark: char, point: char| {
                let ends_group = |at: usize| at > 0 && (whole.len() - at).is_multiple_of(3);
                let digits = whole.chars().enumerate();
                let marked = digits.flat_map(|(at, digit)| ends_group(at).then_some(mark).into_iter().chain([digit]));
                marked.chain([point]).chain(fraction.chars()).collect::<String>()
            };
            let mut forms =
                vec![(plain.clone(), false), (format!("{plain} {code}"), false), (format!("{code} {plain}"), false)];
            // A mark with three digits behind it could part thousands.
            if fraction.len() == 2 {
                forms.extend([
                    (format!("{plain}0"), false),
                    (plain.replace('.', ","), true),
                    (grouped('.', ','), true),
                    (grouped(',', '.'), false),
                    (grouped(' ', ','), true),
                    (grouped('’', '.'), false),
                ]);
            }
            for (written, decimal_comma) in forms {
                assert_eq!(Money::parse_written(&written, currency, decimal_comma), Ok(money.clone()), "{written}");
            }
        });
    }

    #[test]
    fn an_amount_beyond_what_a_price_can_be_is_refused_and_never_wraps() {
        Draw::each(|draw| {
            let beyond = draw.from(u64::from(u32::MAX) + 1..=u64::MAX);
            let plain = format!("{}.{:02}", beyond / 100, beyond % 100);
            assert!(Money::parse(&plain, "EUR").is_err(), "{plain}");
            assert!(Money::parse_written(&plain, Currency::EUR, false).is_err(), "{plain}");
        });
    }

    #[test]
    fn the_number_of_a_card_is_found_in_each_usual_form() {
        Draw::each(|draw| {
            // Visa: sixteen digits from 4, of which the last makes the sum of Luhn a multiple of ten.
            // No 7, because an ISBN among the digits would be of no card.
            let body = format!("4{}", draw.digits(14).replace('7', "1"));
            let value = |(at, digit): (usize, u8)| match u32::from(digit - b'0') * if at % 2 == 0 { 2 } else { 1 } {
                value @ 10.. => value - 9,
                value => value,
            };
            let check = (10 - body.bytes().enumerate().map(value).sum::<u32>() % 10) % 10;
            let mark = draw.one_of(&["", " ", "-", ".", "_", "\u{a0}", "\u{200b}"]);
            let mut typed = format!("{} ", draw.word("abc ", 9));
            for digit in format!("{body}{check}").chars() {
                typed.push(digit);
                if draw.once_in(3) {
                    typed.push_str(mark);
                }
            }
            assert!(check_no_card("note", &typed).is_err(), "{typed}");
            let wrong = format!("{body}{}", (check + 1) % 10);
            assert!(check_no_card("note", &wrong).is_ok(), "{wrong}");
        });
    }

    #[test]
    fn the_number_of_an_order_is_read_as_people_type_it() {
        Draw::each(|draw| {
            let number = draw.from(1..=u32::MAX);
            for typed in [number.to_string(), format!(" #{number} "), format!("# {number}"), format!("{number}.")] {
                assert_eq!(OrderNumber::parse(&typed), Some(OrderNumber(number)), "{typed}");
            }
        });
    }
}

mod lists {
    use super::*;

    #[test]
    fn a_cursor_is_read_for_its_own_list_and_refused_for_another() {
        Draw::each(|draw| {
            let (list, other) = (draw.text(), draw.text());
            let score: Option<i64> = if draw.of() { Some(draw.of()) } else { None };
            let cursor = Cursor::new(list.clone(), (draw.text(), draw.of::<u32>(), score));
            let sent = cursor.encode();
            assert!(sent.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)), "{sent}");
            if other != list {
                assert!(Cursor::<(String, u32, Option<i64>)>::decode(&sent, &other).is_err(), "{list:?} {other:?}");
            }
            assert_eq!(Cursor::decode(&sent, &list), Ok(cursor));
        });
    }

    #[test]
    fn what_is_no_cursor_is_a_bad_request() {
        Draw::each(|draw| {
            for text in [draw.text(), draw.word("ABCabc019-_", 60)] {
                let error = ApiError::from(Cursor::<(String, u32)>::decode(&text, "title").unwrap_err());
                assert_eq!(error.status(), 400);
                let problem = serde_json::to_value(error.problem("id")).unwrap();
                assert_eq!(problem["errors"][0]["code"], "not_a_cursor", "{text:?}");
            }
        });
    }

    #[test]
    fn the_pages_of_a_list_have_each_row_once_and_fit_into_an_answer() {
        Draw::each(|draw| {
            let limit = draw.from(1..=8_u32);
            let rows =
                draw.list(40, |draw| if draw.of() { draw.from(0..=100) } else { draw.from(0..=2 * MAX_WRITTEN) });
            let rows: Vec<(usize, usize)> = rows.into_iter().enumerate().collect();
            let (mut seen, mut after) = (Vec::new(), 0);
            loop {
                let asked = rows[after..].iter().take(limit as usize + 1).copied().collect();
                let page: Slice<(usize, usize)> =
                    Slice::within_response(asked, limit, |row: &(usize, usize)| row.1, |row| row.0.to_string());
                let bytes: usize = page.items.iter().map(|row| row.1).sum();
                assert!(page.items.len() <= limit as usize);
                assert!(bytes <= MAX_WRITTEN || page.items.len() == 1, "{bytes} bytes");
                seen.extend(page.items);
                let Some(next) = page.next else { break };
                after = next.parse::<usize>().unwrap() + 1;
            }
            assert_eq!(seen, rows);
        });
    }
}

mod cookies {
    use super::*;

    /// A cookie that looks like a cart.
    fn like_a_cart(draw: &mut Draw) -> String {
        let id = if draw.once_in(4) { draw.text() } else { draw.uuid().to_string() };
        let parts = draw.list(70, |draw| match draw.from(0..=5) {
            0 => format!("t{}", draw.word("0123456789", 21)),
            1 => draw.word("0123456789:", 12),
            _ => format!("{}:{}:{}", draw.from(0..=90), draw.from(0..=300), draw.word("0123456789", 11)),
        });
        [vec![id], parts].concat().join(".")
    }

    fn check(cart: &Cart) {
        let mut books: Vec<BookId> = cart.lines().iter().map(|line| line.book).collect();
        books.sort_unstable();
        books.dedup();
        assert_eq!(books.len(), cart.lines().len(), "each book once: {cart:?}");
        assert!(books.len() <= Cart::MAX_LINES);
        assert!(cart.lines().iter().all(|line| (1..=Cart::MAX_COPIES).contains(&line.quantity)), "{cart:?}");
        let written = cart.to_cookie(Uuid::max());
        assert!(written.len() <= Cart::MAX_COOKIE, "{} bytes", written.len());
        let read = Cart::parse(&written);
        assert_eq!((read.changed(), read.lines()), (cart.changed(), cart.lines()));
    }

    #[test]
    fn any_cookie_is_a_cart_within_its_limits() {
        Draw::each(|draw| {
            for value in [draw.text(), like_a_cart(draw)] {
                check(&Cart::parse(&value));
                check(&Cart::parse(&value.repeat(draw.from(2..=50))));
            }
        });
    }

    #[test]
    fn a_cart_adds_sets_removes_and_merges_like_a_list_of_books() {
        Draw::each(|draw| {
            let (mut cart, mut expected) = (Cart::default(), BTreeMap::<u32, u8>::new());
            for _ in 0..draw.count(40) {
                let line =
                    CartLine { book: draw.from(1..=12).into(), quantity: draw.from(0..=30), price_seen: draw.of() };
                let before = expected.get(&line.book.get()).copied().unwrap_or_default();
                let quantity = match draw.from(0..=3) {
                    0 => {
                        _ = cart.add(line);
                        before.saturating_add(line.quantity)
                    }
                    1 => {
                        _ = cart.set(line);
                        line.quantity
                    }
                    2 => {
                        cart.remove(line.book);
                        0
                    }
                    _ => {
                        _ = cart.merge(&[line]);
                        before.max(line.quantity)
                    }
                };
                match quantity.min(Cart::MAX_COPIES) {
                    0 => _ = expected.remove(&line.book.get()),
                    quantity => _ = expected.insert(line.book.get(), quantity),
                }
            }
            check(&cart);
            let quantities: BTreeMap<u32, u8> =
                cart.lines().iter().map(|line| (line.book.get(), line.quantity)).collect();
            assert_eq!(quantities, expected);
            assert_eq!(cart.copies(), expected.values().map(|copies| u32::from(*copies)).sum::<u32>());
        });
    }

    #[test]
    fn the_carts_of_two_browsers_become_one_whatever_their_clocks_say() {
        Draw::each(|draw| {
            let stored = Cart::parse(&like_a_cart(draw)).or_with_id(draw.uuid());
            let followed = Cart::parse(&like_a_cart(draw)).following(stored.clone(), draw.of());
            check(&followed);
            assert_eq!(followed.clone().following(stored.clone(), draw.of()), followed);
            let changed = followed.clone().changed_at(draw.of());
            assert_eq!(changed.clone().following(followed, draw.of()), changed, "a change is kept");
        });
    }

    #[test]
    fn nobody_can_make_a_visitors_cookie_older() {
        let (own, other) = (SubmissionKey::parse(&key("A")).unwrap(), SubmissionKey::parse(&key("E")).unwrap());
        Draw::each(|draw| {
            let cookie = VisitorCookie::new(draw.uuid(), NOW - Duration::minutes(draw.from(1..=1_000_000)));
            let sent = own.write_cookie(&cookie);
            assert_eq!(own.read_cookie(&sent, NOW), Some(cookie));
            assert_eq!(VisitorId::of_cookie(&sent), Some(cookie.visitor()));
            assert_eq!(other.read_cookie(&sent, NOW), Some(VisitorCookie::new(cookie.number, NOW)));
            let forged = draw.changed(&sent);
            if let Some(read) = own.read_cookie(&forged, NOW).filter(|_| forged != sent) {
                assert_eq!(read, VisitorCookie::new(read.number, NOW), "{forged}");
            }
        });
    }

    #[test]
    fn a_session_counts_as_it_was_signed_and_in_no_other_form() {
        let (own, other) = (PrivateKey::parse(&key("A")).unwrap(), PrivateKey::parse(&key("E")).unwrap());
        let keys = PublicKeys::new(own.public(), None);
        Draw::each(|draw| {
            let (who, pool) = (Subject::of_uuid(draw.uuid()), draw.one_of(&Pool::ALL));
            let sent = own.issue("dev", who, pool, NOW);
            let session = keys.session("dev", &sent, NOW).unwrap();
            assert_eq!((session.subject, session.pool, session.issued_at), (who, pool, NOW));
            assert_eq!(keys.session("prod", &sent, NOW), None);
            assert_eq!(keys.session("dev", &other.issue("dev", who, pool, NOW), NOW), None);
            let forged = draw.changed(&sent);
            if forged != sent {
                assert_eq!(keys.session("dev", &forged, NOW), None, "{forged}");
                assert_eq!(keys.staff_session("dev", &forged, NOW), None, "{forged}");
            }
        });
    }

    #[test]
    fn what_the_shop_seals_is_read_and_what_was_changed_is_not() {
        let own = SubmissionKey::parse(&key("A")).unwrap();
        Draw::each(|draw| {
            let text = draw.text();
            let sealed = own.seal(&text);
            assert_eq!(own.unseal(&sealed), Some(text.clone()));
            let forged = draw.changed(&sealed);
            assert!(forged == sealed || own.unseal(&forged).is_none(), "{forged}");
            let parts = [draw.bytes(9), draw.bytes(9)];
            let id = own.derive(&[&parts[0], &parts[1]]);
            assert_eq!(own.verify(&id.to_string()), Some(id));
            let forged = draw.changed(&id.to_string());
            assert!(forged.eq_ignore_ascii_case(&id.to_string()) || own.verify(&forged).is_none(), "{forged}");
            let order = own.order_id(id.uuid(), text.as_bytes());
            assert_eq!(own.verify_order(&order.to_string()), Some(order));
            assert_eq!(own.verify(&order.to_string()), None);
        });
    }
}

mod texts {
    use super::*;

    /// Every value that is read from a text is read again from its stored form.
    fn check<T: PartialEq + Debug>(text: &str, parse: impl Fn(&str) -> Option<T>, stored: impl Fn(&T) -> &str) {
        if let Some(read) = parse(text) {
            assert_eq!(parse(stored(&read)).as_ref(), Some(&read), "{text:?}");
        }
    }

    #[test]
    fn clean_text_is_composed_trimmed_without_controls_and_stays_when_it_is_cleaned_again() {
        Draw::each(|draw| {
            let text = draw.text();
            for (clean, has_lines) in [(clean as fn(&str) -> String, true), (clean_line, false)] {
                let kept = clean(&text);
                assert_eq!(clean(&kept), kept, "{text:?}");
                assert_eq!(kept.nfc().collect::<String>(), kept, "{text:?}");
                assert_eq!(kept.trim(), kept, "{text:?}");
                assert!(kept.chars().all(|c| !c.is_control() || (has_lines && c == '\n')), "{text:?}: {kept:?}");
                assert!(kept.is_empty() || !kept.chars().all(is_default_ignorable), "{text:?}: {kept:?}");
            }
        });
    }

    #[test]
    fn what_was_accepted_once_is_accepted_again_as_it_is_stored() {
        Draw::each(|draw| {
            let text = draw.text();
            check(&text, |text| DisplayName::parse(text).ok(), DisplayName::as_str);
            check(&text, |text| ReviewText::parse(text).ok(), ReviewText::as_str);
            check(&text, |text| MessageText::parse(text).ok(), MessageText::as_str);
            check(&text, |text| OrderNote::parse(text).ok(), OrderNote::as_str);
            let email = format!("{}@{}.{}", draw.word("abé.+1-", 8), draw.word("abé-.", 8), draw.word("abc", 4));
            for text in [text, email] {
                check(&text, |text| Email::parse(text).ok(), Email::as_str);
                if let Ok(email) = Email::parse(&text) {
                    let (_, domain) =
                        email.to_ascii().rsplit_once('@').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
                    assert!(domain.is_ascii() && email.is_same(&email), "{text:?}");
                }
            }
            let tag = format!("{}-{}", draw.word(LETTERS, 3), draw.word("abcABC019-_", 12));
            for text in [draw.text(), tag] {
                check(&text, |text| Language::parse(text).ok(), Language::as_str);
                check(&text, |text| Language::parse_known(text).ok(), Language::as_str);
            }
            check(&draw.word("+(0123456789 ./-)", 28), |text| Phone::parse(text).ok(), Phone::as_str);
        });
    }

    #[test]
    fn the_pieces_of_a_text_are_the_text_and_words_have_no_blanks() {
        Draw::each(|draw| {
            let text = draw.text();
            let pieces: Vec<_> = words::pieces(&text).collect();
            assert_eq!(pieces.iter().map(|piece| piece.text).collect::<String>(), text);
            assert!(pieces.windows(2).all(|pair| pair[0].is_word != pair[1].is_word), "{pieces:?}");
            let has_blank = |word: &String| word.is_empty() || word.contains(char::is_whitespace);
            assert!(!words::words(&text).iter().any(has_blank), "{text:?}");
        });
    }

    #[test]
    fn a_query_of_any_words_is_searched_parted_joined_and_corrected() {
        Draw::each(|draw| {
            for query in [draw.text(), draw.word("abcy. '-,1é", 30)] {
                let search = Search::parse(&query).unwrap();
                let typed = words::words(&query).into_iter().chain(search.words_by_blanks());
                let known: Known = typed.flat_map(|word| [format!("{word}a"), word]).map(|word| (word, 1)).collect();
                for respaced in search.respaced(&known) {
                    assert!(!Search::parse(&respaced).unwrap().conditions().is_empty(), "{query:?}: {respaced:?}");
                }
                let fuzzy = search.with_fuzzy_terms(&known);
                let found = draw.word("abcy. '-,1é", 30);
                _ = fuzzy.map(|fuzzy| (fuzzy.conditions(), fuzzy.correction_for(&found), fuzzy.correction_for(&query)));
                _ = (search.loosened(), search.whole_words(), search.variants_of_beginning(), search.literal());
            }
        });
    }

    #[test]
    fn a_text_for_a_mail_is_the_same_to_a_reader_and_has_no_link() {
        const BREAK: char = '\u{200c}';
        Draw::each(|draw| {
            let scheme = draw.one_of(&["", "https://", "mailto:", "www."]);
            let sign = draw.one_of(&[".", "@", "。", "．", "/"]);
            let link = format!("{scheme}{}{sign}{}.com", draw.word("abc", 8), draw.word("abc.", 8));
            let text = format!("{}{link}", draw.text().replace(BREAK, ""));
            let shown = unlinked(&text);
            assert_eq!(shown.replace(BREAK, ""), text);
            for part in shown.split(BREAK) {
                assert!(check_no_link("name", part).is_ok(), "{part:?} of {shown:?}");
            }
        });
    }

    #[test]
    fn a_fingerprint_is_read_as_it_is_written() {
        Draw::each(|draw| {
            let fingerprint = Fingerprint::of(&draw.bytes(40));
            let text = fingerprint.to_string();
            assert_eq!(Fingerprint::parse(&text), Some(fingerprint));
            let changed = draw.changed(&text);
            assert!(changed == text || Fingerprint::parse(&changed) != Some(fingerprint), "{changed}");
        });
    }
}

mod requests {
    use super::*;

    const NAMES: &[&str] = &["q", "limit", "author", "cursor"];
    const FORM: &str = "application/x-www-form-urlencoded";

    /// As a browser writes a query or a form.
    fn encoded(text: &str) -> String {
        utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
    }

    fn event(draw: &mut Draw) -> Event {
        let headers = [
            "host",
            "cookie",
            "origin",
            "content-type",
            "content-encoding",
            "accept-encoding",
            "x-amzn-trace-id",
            "x-forwarded-proto",
            "if-none-match",
            "sec-fetch-site",
        ];
        let values = ["https", "gzip;q=0.5, *", FORM, "application/json", "Root=1-a", "shop.example", "cross-site"];
        let header = |draw: &mut Draw| {
            let name = if draw.once_in(5) { draw.text() } else { draw.one_of(&headers).to_owned() };
            let value = |draw: &mut Draw| if draw.of() { draw.text() } else { draw.one_of(&values).to_owned() };
            (name, draw.list(2, value))
        };
        let method =
            if draw.once_in(8) { draw.text() } else { draw.one_of(&["GET", "HEAD", "POST", "PUT"]).to_owned() };
        let path = format!("/{}", draw.word("/ab%2Fé\\.<> ", 20));
        Event {
            http_method: method,
            path: if draw.once_in(8) { draw.text() } else { path },
            multi_value_query_string_parameters: Some(
                draw.list(4, |draw| (draw.text(), draw.list(2, Draw::text))).into_iter().collect(),
            ),
            multi_value_headers: Some(draw.list(8, header).into_iter().collect()),
            body: if draw.once_in(8) { None } else { Some(draw.text()) },
            is_base64_encoded: draw.once_in(4),
            ..Event::default()
        }
    }

    #[test]
    fn no_event_panics_and_each_error_has_an_answer_that_a_load_balancer_takes() {
        Draw::each(|draw| {
            let shop = draw.of::<bool>().then_some("https://shop.example");
            let request = Request::from_event(event(draw), "lambda-id").of_shop(shop);
            let origin = request.origin().unwrap_or_default();
            assert!(origin.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".:/-".contains(&byte)), "{origin}");
            assert!((1..=64).contains(&request.id.len()));
            assert!(request.location("/books").starts_with("/books"));
            for location in [request.location("/books"), request.with_cursor("abc")] {
                assert!(!location.contains(|c: char| c.is_control() || " \"<>\\^`{|}".contains(c)), "{location:?}");
            }
            if let Some(path) = request.path_without_needless_slashes() {
                assert!(path.starts_with('/') && !path.contains("//"), "{path}");
            }
            let errors = [
                request.check(false).err(),
                request.query(NAMES).err(),
                request.page_query(NAMES).err(),
                request.form().err(),
                request.json(NAMES).err(),
            ];
            for error in errors.into_iter().flatten() {
                let response = Reply::problem(&error, &request.id).finish(&request);
                assert!(matches!(response.status(), 400..=422), "{}", response.status());
                let json: serde_json::Value = serde_json::from_str(response.to_json().unwrap().get()).unwrap();
                assert!(json.get("body").is_none_or(serde_json::Value::is_string), "{json}");
            }
        });
    }

    #[test]
    fn a_parameter_and_a_field_are_read_as_they_were_typed() {
        Draw::each(|draw| {
            let (value, other) = (draw.text(), draw.text());
            let raw = [("q".to_owned(), encoded(&value)), ("author".to_owned(), encoded(&other))];
            let query = Query::parse(&raw, NAMES).unwrap();
            let typed = |text: &str| Some(text.to_owned()).filter(|text| !text.trim().is_empty());
            assert_eq!(query.get("q").map(str::to_owned), typed(&value));
            assert_eq!(Query::of_page(&raw, NAMES).unwrap().in_order_of(NAMES), query.in_order_of(NAMES));
            let form = Event {
                multi_value_headers: Some([("content-type".into(), vec![FORM.into()])].into()),
                body: Some(format!("q={}&author={}", encoded(&value), encoded(&other).replace("%20", "+"))),
                ..Event::default()
            };
            let fields = Request::from_event(form, "id").form().unwrap();
            assert_eq!((fields.get("q").cloned(), fields.get("author").cloned()), (typed(&value), typed(&other)));
        });
    }

    #[test]
    fn the_limit_of_a_list_is_read_or_refused_by_its_name() {
        Draw::each(|draw| {
            for value in [draw.text(), draw.word("0123+-", 4)] {
                let query = Query::parse(&[("limit".to_owned(), encoded(&value))], NAMES).unwrap();
                match query.limit() {
                    Ok(limit) => assert!(Query::LIMITS.contains(&limit), "{value:?}"),
                    Err(invalid) => assert_eq!(invalid.field, "limit"),
                }
            }
        });
    }

    #[test]
    fn a_list_with_weights_is_read_as_it_was_written() {
        Draw::each(|draw| {
            let items = draw.list(6, |draw| (format!("a{}", draw.word(LETTERS, 8)), draw.from(0..=1_000_u16)));
            let space = draw.one_of(&["", " ", "\t"]);
            let write = |(name, weight): &(String, u16)| {
                format!("{space}{name}{space};{space}q={}.{:03}", weight / 1_000, weight % 1_000)
            };
            let list = items.iter().map(write).collect::<Vec<_>>().join(",");
            let read: Vec<(&str, f32)> = weighted(&list).collect();
            assert_eq!(read.len(), items.len(), "{list}");
            for ((name, weight), (written, thousandths)) in read.into_iter().zip(&items) {
                assert_eq!(name, written);
                assert!((weight * 1_000.0 - f32::from(*thousandths)).abs() < 0.01, "{list}");
            }
            let text = draw.text();
            for (name, weight) in weighted(&text) {
                assert!(!name.is_empty() && name.trim() == name && (0.0..=1.0).contains(&weight), "{text:?}");
            }
        });
    }

    #[test]
    fn a_body_is_read_as_json_or_refused_with_few_errors() {
        Draw::each(|draw| {
            let values = ["1", "null", "\"a\"", "[]", "{\"a\":1,\"a\":2}", "[{\"q\":1.5}]"];
            let members = draw.list(40, |draw| format!("\"{}\":{}", draw.word("abq", 2), draw.one_of(&values)));
            let like = format!("{{{}}}", members.join(","));
            for body in [draw.bytes(60), draw.text().into_bytes(), like.clone().into_bytes()] {
                match JsonObject::parse(&body, NAMES) {
                    Ok((_, invalid)) => assert!(invalid.len() <= ApiError::MOST_ERRORS),
                    Err(error) => assert!(matches!(error.status(), 400 | 422), "{error}"),
                }
            }
            assert!(JsonObject::parse(like.as_bytes(), NAMES).is_ok(), "{like}");
        });
    }
}
