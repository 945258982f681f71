use sqlx::MySqlPool;

use super::*;
use crate::{
    domain::{AlertToken, ShopOrigin},
    messages::SignedInV1,
    repo::{
        fixtures::{book, minute, visitor, writer},
        orders,
        sign_ins::tests::{has_signed_in, subject},
        stock,
    },
    staff::StockChange,
};

const DAY: i64 = 24 * 60;

/// A book with a price, of which no copy is left.
async fn sold_out(connection: &mut MySqlConnection, title: &str) -> BookId {
    let book = book(connection, title, "x", 0).await;
    sqlx::query("update books set price = 1995, currency = 'EUR', stock = 0 where id = ?")
        .bind(book.get())
        .execute(connection)
        .await
        .unwrap();
    book
}

fn alert(book: BookId, email: &str, whose: u128) -> AlertV1 {
    AlertV1 {
        book,
        visitor: visitor(whose),
        email: Some(Email::parse(email).unwrap()),
        session: None,
        language: Language::parse("es").unwrap(),
        origin: ShopOrigin::try_from("https://shop.example".to_owned()).unwrap(),
        confirm: AlertToken::try_from("confirm".to_owned()).unwrap(),
        end: AlertToken::try_from("end".to_owned()).unwrap(),
    }
}

fn of_customer(book: BookId, whose: u128) -> AlertV1 {
    let session = SignedInV1 { subject: subject(whose), issued_at: minute(1) };
    AlertV1 { email: None, session: Some(session), ..alert(book, "x@example.org", whose) }
}

/// The request of this number.
async fn ask(connection: &mut MySqlConnection, number: u128, at: i64, alert: &AlertV1) -> Noted {
    apply(connection, Uuid::from_u128(number), minute(at), Asked::Request(alert), minute(at)).await.unwrap()
}

async fn confirm_it(connection: &mut MySqlConnection, number: u128, at: i64) -> Noted {
    let submission = Uuid::from_u128(1_000 + number);
    apply(connection, submission, minute(at), Asked::Confirm(Uuid::from_u128(number)), minute(at)).await.unwrap()
}

async fn end_it(connection: &mut MySqlConnection, number: u128, at: i64) -> Noted {
    let submission = Uuid::from_u128(2_000 + number);
    apply(connection, submission, minute(at), Asked::End(Uuid::from_u128(number)), minute(at)).await.unwrap()
}

async fn receive(connection: &mut MySqlConnection, book: BookId, at: i64, copies: StockChange) {
    stock::change(connection, Uuid::new_v4(), book, copies, "x", minute(at)).await.unwrap();
}

/// Hands over what is to be handed over: `confirm ana@example.org`.
async fn mails(connection: &mut MySqlConnection, at: i64) -> Vec<String> {
    let mails = lock_unsent_mails(connection, 1_000).await.unwrap();
    let ids: Vec<u64> = mails.iter().map(|mail| mail.id).collect();
    orders::mark_sent(connection, &ids, minute(at)).await.unwrap();
    let name = |event| if event == AlertEvent::Back { "back" } else { "confirm" };
    mails.iter().map(|mail| format!("{} {}", name(mail.event), mail.to.as_str())).collect()
}

/// The number of mails that a sweep writes.
async fn notified(connection: &mut MySqlConnection, at: i64) -> usize {
    notify(connection, minute(at)).await.unwrap().mails
}

async fn alerts(connection: &mut MySqlConnection) -> i64 {
    sqlx::query_scalar("select count(*) from stock_alerts").fetch_one(connection).await.unwrap()
}

#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn a_guest_confirms_and_gets_one_mail_when_the_book_is_back(pool: MySqlPool) {
    let mut connection = writer(&pool).await;
    let c = &mut *connection;
    let book = sold_out(c, "Nada").await;
    let wish = alert(book, "ana@example.org", 1);
    assert_eq!(ask(c, 1, 0, &wish).await, Noted::Now);
    assert_eq!(ask(c, 1, 0, &wish).await, Noted::AlreadyProcessed, "delivered twice");
    let confirmation = lock_unsent_mails(c, 9).await.unwrap().remove(0);
    assert_eq!(
        (confirmation.title.as_str(), confirmation.confirm.as_str(), confirmation.end.as_str()),
        ("Nada", "confirm", "end")
    );
    assert_eq!(mails(c, 0).await, ["confirm ana@example.org"]);
    receive(c, book, 1, StockChange::Received(1)).await;
    assert_eq!(notified(c, 1).await, 0, "nobody has confirmed");
    receive(c, book, 2, StockChange::Damaged(1)).await;
    for _ in 0..2 {
        assert!(matches!(confirm_it(c, 1, 3).await, Noted::Now | Noted::AlreadyProcessed), "twice");
    }
    assert_eq!(notified(c, 3).await, 0);
    receive(c, book, 4, StockChange::Received(3)).await;
    receive(c, book, 4, StockChange::Received(3)).await;
    assert_eq!(notified(c, 4).await, 1);
    assert_eq!(notified(c, 4).await, 0);
    assert_eq!(mails(c, 4).await, ["back ana@example.org"]);
    receive(c, book, 5, StockChange::Damaged(6)).await;
    receive(c, book, 6, StockChange::Received(1)).await;
    assert_eq!(notified(c, 6).await, 0, "once is enough");
    assert_eq!(mails(c, 6).await, Vec::<String>::new());
}

#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn a_book_that_came_back_before_the_confirmation_is_notified_after_it(pool: MySqlPool) {
    let mut connection = writer(&pool).await;
    let c = &mut *connection;
    let book = sold_out(c, "Nada").await;
    ask(c, 1, 0, &alert(book, "ana@example.org", 1)).await;
    mails(c, 0).await;
    receive(c, book, 1, StockChange::Received(1)).await;
    notify(c, minute(1)).await.unwrap();
    confirm_it(c, 1, 2).await;
    assert_eq!(notified(c, 2).await, 1);
    assert_eq!(mails(c, 2).await, ["back ana@example.org"]);
    // Sold again before somebody else is notified: no mail about a book that is not there.
    let other = sold_out(c, "Otro").await;
    ask(c, 2, 3, &alert(other, "ana@example.org", 1)).await;
    receive(c, other, 3, StockChange::Received(1)).await;
    receive(c, other, 3, StockChange::Damaged(1)).await;
    assert_eq!(notified(c, 3).await, 0);
}

#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn a_mailbox_that_did_not_ask_gets_one_mail_a_day_and_none_for_a_month_after_it_declined(pool: MySqlPool) {
    let mut connection = writer(&pool).await;
    let c = &mut *connection;
    let mut books = Vec::new();
    for title in ["a", "b", "c", "d", "e"] {
        books.push(sold_out(c, title).await);
    }
    // Each from another browser, in whatever way the address is written.
    for (number, at, email) in [
        (1, 0, "eva@example.org"),
        (2, 1, "Eva+libros@Example.org"),
        (3, 2, "eva@example.org"),
        (4, DAY - 1, "eva@example.org"),
    ] {
        let asked = ask(c, number, at, &alert(books[usize::try_from(number).unwrap() - 1], email, number)).await;
        assert_eq!(asked, Noted::Now, "nobody learns whether a mail went out");
    }
    assert_eq!(mails(c, DAY).await, ["confirm eva@example.org"]);
    assert_eq!(ask(c, 5, DAY + 1, &alert(books[1], "eva@example.org", 5)).await, Noted::Now);
    assert_eq!(mails(c, DAY + 1).await, ["confirm eva@example.org"], "the next day");
    assert_eq!(end_it(c, 5, DAY + 2).await, Noted::Now);
    ask(c, 6, DAY * 20, &alert(books[4], "eva@example.org", 6)).await;
    assert_eq!(mails(c, DAY * 20).await, Vec::<String>::new(), "it was somebody else's idea");
    for _ in 0..9 {
        forget(c, minute(DAY * 30)).await.unwrap();
    }
    ask(c, 7, DAY * 33, &alert(books[3], "eva@example.org", 7)).await;
    assert_eq!(mails(c, DAY * 33).await, ["confirm eva@example.org"]);
}

#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn a_confirmation_is_for_the_requests_of_its_browser_and_for_no_others_of_the_mailbox(pool: MySqlPool) {
    let mut connection = writer(&pool).await;
    let c = &mut *connection;
    let (one, two, three) = (sold_out(c, "a").await, sold_out(c, "b").await, sold_out(c, "c").await);
    let ana = "ana@example.org";
    ask(c, 1, 0, &alert(one, ana, 1)).await;
    ask(c, 2, 0, &alert(two, ana, 1)).await;
    ask(c, 3, 0, &alert(three, ana, 2)).await;
    assert_eq!(confirm_it(c, 1, 1).await, Noted::Now);
    let confirmed: Vec<u32> =
        sqlx::query_scalar("select book_id from stock_alerts where is_waiting = 1 order by book_id")
            .fetch_all(&mut *c)
            .await
            .unwrap();
    assert_eq!(confirmed, [one.get(), two.get()], "and not what another browser has asked for");
    // The same browser needs no other confirmation; another one does.
    let four = sold_out(c, "d").await;
    ask(c, 4, 2, &alert(four, ana, 1)).await;
    mails(c, 2).await;
    receive(c, four, 3, StockChange::Received(1)).await;
    assert_eq!(notified(c, 3).await, 1);
    assert_eq!(confirm_it(c, 99, 4).await, Noted::Rejected(Rejection::NoSuchAlert));
}

#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn a_customer_with_a_verified_address_needs_no_confirmation(pool: MySqlPool) {
    let mut connection = writer(&pool).await;
    let c = &mut *connection;
    let book = sold_out(c, "Nada").await;
    assert_eq!(ask(c, 1, 1, &of_customer(book, 1)).await, Noted::Rejected(Rejection::NoVerifiedEmail), "unknown");
    has_signed_in(c, 1).await;
    assert_eq!(ask(c, 2, 1, &of_customer(book, 1)).await, Noted::Now);
    assert_eq!(mails(c, 1).await, Vec::<String>::new());
    receive(c, book, 2, StockChange::Received(1)).await;
    assert_eq!(notified(c, 2).await, 1);
    assert_eq!(mails(c, 2).await.len(), 1);
    sqlx::query("update customers set email_key = null").execute(&mut *c).await.unwrap();
    let other = sold_out(c, "Otro").await;
    assert_eq!(ask(c, 3, 3, &of_customer(other, 1)).await, Noted::Rejected(Rejection::NoVerifiedEmail));
    sqlx::query("update customers set email_key = unhex(sha2('x', 256))").execute(&mut *c).await.unwrap();
    customers::end_sessions(c, subject(1), minute(9)).await.unwrap();
    assert_eq!(ask(c, 4, 9, &of_customer(other, 1)).await, Noted::Rejected(Rejection::NoVerifiedEmail), "ended");
}

#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn what_exceeds_a_limit_is_rejected_and_so_is_a_book_that_is_there(pool: MySqlPool) {
    let mut connection = writer(&pool).await;
    let c = &mut *connection;
    let book = sold_out(c, "Nada").await;
    assert_eq!(
        ask(c, 1, 0, &alert(BookId::from(999_999_999), "a@example.org", 1)).await,
        Noted::Rejected(Rejection::NoSuchBook(BookId::from(999_999_999)))
    );
    for number in 0..MOST_OF_VISITOR {
        let asked = ask(c, 10 + u128::from(number), 0, &alert(book, &format!("a{number}@example.org"), 1)).await;
        assert_eq!(asked, Noted::Now);
    }
    let more = alert(book, "b@example.org", 1);
    assert_eq!(ask(c, 50, 1, &more).await, Noted::Rejected(Rejection::TooManyAlerts));
    assert_eq!(ask(c, 51, 1, &alert(book, "b@example.org", 2)).await, Noted::Now, "of another browser");
    sqlx::query("update alert_mailboxes set mailed_at = now()").execute(&mut *c).await.unwrap();
    let many = "insert into alert_mailboxes (mailbox_key, mailed_at, quiet_until) \
                select unhex(sha2(seq, 256)), ?, ? from seq_1_to_500";
    sqlx::query(many).bind(minute(2)).bind(minute(DAY)).execute(&mut *c).await.unwrap();
    assert_eq!(ask(c, 52, 3, &alert(book, "c@example.org", 3)).await, Noted::Rejected(Rejection::TooManyAlerts));
    receive(c, book, 4, StockChange::Received(1)).await;
    assert_eq!(ask(c, 53, 5, &alert(book, "d@example.org", 4)).await, Noted::Rejected(Rejection::InStock));
}

#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn a_book_that_is_taken_out_of_sale_is_waited_for_although_copies_are_there(pool: MySqlPool) {
    let mut connection = writer(&pool).await;
    let c = &mut *connection;
    let book = sold_out(c, "Nada").await;
    receive(c, book, 1, StockChange::Received(1)).await;
    sqlx::query("update books set withdrawn_at = ?").bind(minute(2)).execute(&mut *c).await.unwrap();
    assert_eq!(ask(c, 1, 3, &alert(book, "a@example.org", 1)).await, Noted::Now);
}

/// Writes alerts of a book, of this address or of as many others.
async fn many(connection: &mut MySqlConnection, count: u32, email: Option<&str>, book: BookId, is_confirmed: bool) {
    let insert = "insert into stock_alerts (request_id, book_id, email, mailbox_key, language, origin, confirm_token, \
                  end_token, visitor_id, created_at, confirmed_at, keep_until) \
                  select unhex(md5(uuid())), ?, \
                  coalesce(?, concat('a', seq, '@example.net')), coalesce(?, unhex(sha2(uuid(), 256))), 'es', \
                  'https://shop.example', 'c', 'e', unhex(md5('v')), ?, ?, ? from seq_1_to_1000 where seq <= ?";
    sqlx::query(insert)
        .bind(book.get())
        .bind(email)
        .bind(email.map(|email| Email::parse(email).unwrap().mailbox_key().to_vec()))
        .bind(minute(0))
        .bind(is_confirmed.then_some(minute(0)))
        .bind(minute(7 * DAY))
        .bind(count)
        .execute(connection)
        .await
        .unwrap();
}

#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn strangers_who_confirm_nothing_leave_room_for_customers_and_for_who_has_confirmed(pool: MySqlPool) {
    let mut connection = writer(&pool).await;
    let c = &mut *connection;
    let (first, book, other) = (sold_out(c, "a").await, sold_out(c, "b").await, sold_out(c, "c").await);
    has_signed_in(c, 1).await;
    ask(c, 2, 0, &alert(first, "eva@example.org", 2)).await;
    confirm_it(c, 2, 0).await;

    many(c, MOST_OF_BOOK, None, book, false).await;
    let too_many = Noted::Rejected(Rejection::TooManyAlerts);
    assert_eq!(ask(c, 10, 1, &alert(book, "leo@example.org", 3)).await, too_many, "a stranger more");
    assert_eq!(ask(c, 11, 1, &of_customer(book, 1)).await, Noted::Now, "a customer");
    assert_eq!(ask(c, 12, 1, &alert(book, "eva@example.org", 2)).await, Noted::Now, "who has confirmed");
    receive(c, book, 2, StockChange::Received(1)).await;
    assert_eq!(notified(c, 2).await, 2);

    // With the address of the customer, for other books.
    many(c, MOST_OF_MAILBOX, Some("customer1.0@example.org"), first, false).await;
    let guest = alert(other, "customer1.0@example.org", 4);
    assert_eq!(ask(c, 20, 3, &guest).await, too_many, "a stranger more");
    assert_eq!(ask(c, 21, 3, &of_customer(other, 1)).await, Noted::Now, "a customer");

    // Those who are known have a limit too.
    many(c, MOST_OF_BOOK, None, other, true).await;
    assert_eq!(ask(c, 30, 4, &alert(other, "eva@example.org", 2)).await, too_many);
}

#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn a_confirmation_counts_for_its_own_address_and_for_no_other_of_the_mailbox(pool: MySqlPool) {
    let mut connection = writer(&pool).await;
    let c = &mut *connection;
    let (one, two, three) = (sold_out(c, "a").await, sold_out(c, "b").await, sold_out(c, "c").await);
    let (ana, other) = ("ana@example.org", "ana+x@example.org");
    // From one browser: for the same book, and for another one.
    ask(c, 1, 0, &alert(one, ana, 1)).await;
    ask(c, 2, 1, &alert(one, other, 1)).await;
    ask(c, 3, 1, &alert(two, other, 1)).await;
    assert_eq!(mails(c, 1).await, ["confirm ana@example.org"], "one mail to the mailbox");
    assert_eq!(confirm_it(c, 1, 2).await, Noted::Now);
    ask(c, 4, DAY + 1, &alert(three, other, 1)).await;
    assert_eq!(mails(c, DAY + 1).await, ["confirm ana+x@example.org"], "it is asked for itself");
    for book in [one, two, three] {
        receive(c, book, DAY + 2, StockChange::Received(1)).await;
    }
    notify(c, minute(DAY + 2)).await.unwrap();
    assert_eq!(mails(c, DAY + 2).await, ["back ana@example.org"]);
    // Its own confirmation counts for all that the browser has asked for with this address.
    assert_eq!(confirm_it(c, 4, DAY + 3).await, Noted::Now);
    notify(c, minute(DAY + 3)).await.unwrap();
    assert_eq!(mails(c, DAY + 3).await, ["back ana+x@example.org"; 3]);
}

#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn a_customer_confirms_nothing_for_another_address_or_for_the_browser_of_a_stranger(pool: MySqlPool) {
    let mut connection = writer(&pool).await;
    let c = &mut *connection;
    let (one, two) = (sold_out(c, "a").await, sold_out(c, "b").await);
    has_signed_in(c, 1).await;
    let (own, other) = ("customer1.0@example.org", "customer1.0+x@example.org");
    // A stranger's browser asks with both addresses first.
    ask(c, 1, 0, &alert(one, own, 9)).await;
    ask(c, 2, 1, &alert(one, other, 9)).await;
    mails(c, 1).await;
    assert_eq!(ask(c, 3, 1, &of_customer(one, 1)).await, Noted::Now);
    assert_eq!(super::of_customer(c, subject(1)).await.unwrap().len(), 1, "it is the customer's");
    ask(c, 4, 2, &alert(two, own, 9)).await;
    for book in [one, two] {
        receive(c, book, 3, StockChange::Received(1)).await;
    }
    notify(c, minute(3)).await.unwrap();
    assert_eq!(mails(c, 3).await, ["back customer1.0@example.org"], "once, for the customer's own request");
}

#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn many_who_wait_are_told_in_bounded_parts_the_first_ones_first(pool: MySqlPool) {
    let mut connection = writer(&pool).await;
    let c = &mut *connection;
    let book = sold_out(c, "Nada").await;
    let many = "insert into stock_alerts (request_id, book_id, email, mailbox_key, language, origin, confirm_token, end_token, \
                visitor_id, created_at, confirmed_at, keep_until) \
                select unhex(md5(seq)), ?, concat('a', seq, '@example.org'), unhex(sha2(seq, 256)), 'es', \
                'https://shop.example', 'c', 'e', unhex(md5('v')), now(), now(), ? from seq_1_to_620";
    sqlx::query(many).bind(book.get()).bind(minute(DAY)).execute(&mut *c).await.unwrap();
    receive(c, book, 1, StockChange::Received(2)).await;
    let other = sold_out(c, "Otro").await;
    receive(c, other, 2, StockChange::Received(2)).await;
    let nobodys = sold_out(c, "Nadie").await;
    ask(c, 1, 0, &alert(nobodys, "eva@example.org", 2)).await;
    let mut parts = Vec::new();
    for _ in 0..12 {
        parts.push(notified(c, 3).await);
    }
    assert_eq!(parts, [&[50; 10][..], &[0, 0]].concat());
    let restocks: i64 = sqlx::query_scalar("select count(*) from restocks").fetch_one(&mut *c).await.unwrap();
    assert_eq!(restocks, 0);
    let mut all = mails(c, 1).await;
    all.retain(|mail| mail.starts_with("back"));
    assert_eq!((all.len(), all[0].as_str(), all[499].as_str()), (500, "back a1@example.org", "back a500@example.org"));
}

#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn what_nobody_needs_any_more_goes_with_its_mails(pool: MySqlPool) {
    let mut connection = writer(&pool).await;
    let c = &mut *connection;
    let (one, two) = (sold_out(c, "a").await, sold_out(c, "b").await);
    ask(c, 1, 0, &alert(one, "ana@example.org", 1)).await;
    ask(c, 2, 0, &alert(two, "eva@example.org", 2)).await;
    confirm_it(c, 2, 0).await;
    for (at, left) in [(7 * DAY, 2), (7 * DAY + 1, 1), (365 * DAY, 1), (365 * DAY + 1, 0)] {
        forget(c, minute(at)).await.unwrap();
        assert_eq!(alerts(c).await, left, "{at}");
    }
    let mails: i64 = sqlx::query_scalar("select count(*) from mails").fetch_one(&mut *c).await.unwrap();
    let mailboxes: i64 = sqlx::query_scalar("select count(*) from alert_mailboxes").fetch_one(&mut *c).await.unwrap();
    assert_eq!((mails, mailboxes), (0, 0));
}

#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn an_alert_that_is_ended_or_erased_is_gone_with_its_mails_and_not_told(pool: MySqlPool) {
    let mut connection = writer(&pool).await;
    let c = &mut *connection;
    let book = sold_out(c, "Nada").await;
    for (number, email) in [(1, "ana@example.org"), (2, "eva@example.org"), (3, "leo@example.org")] {
        ask(c, number, 0, &alert(book, email, number)).await;
        confirm_it(c, number, 0).await;
    }
    for _ in 0..2 {
        assert!(matches!(end_it(c, 1, 1).await, Noted::Now | Noted::AlreadyProcessed));
    }
    assert_eq!(erase_visitor(c, visitor(2)).await.unwrap(), 1);
    assert_eq!(erase_visitor(c, visitor(2)).await.unwrap(), 0);
    receive(c, book, 2, StockChange::Received(1)).await;
    notify(c, minute(2)).await.unwrap();
    assert_eq!(mails(c, 2).await, ["confirm leo@example.org", "back leo@example.org"]);
    visitors::erase(c, visitor(3), minute(9)).await.unwrap();
    let late = ask(c, 4, 8, &alert(book, "leo@example.org", 3)).await;
    assert_eq!(late, Noted::Rejected(Rejection::Erased));
}

#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn who_got_a_mail_that_came_back_gets_no_other_one(pool: MySqlPool) {
    let mut connection = writer(&pool).await;
    let c = &mut *connection;
    let book = sold_out(c, "Nada").await;
    ask(c, 1, 0, &alert(book, "ana@example.org", 1)).await;
    let mail = lock_unsent_mails(c, 1).await.unwrap()[0].id;
    mails(c, 0).await;
    confirm_it(c, 1, 0).await;
    assert!(orders::fail_mail(c, mail, "complaint", minute(1)).await.unwrap());
    receive(c, book, 2, StockChange::Received(1)).await;
    assert_eq!(notified(c, 2).await, 0);
}
