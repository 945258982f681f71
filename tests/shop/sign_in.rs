//! Signing in and out, by the pages of the user pool in the emulator and with the sample account of a customer.

use std::{collections::BTreeMap, time::Duration};

use aws_sdk_cognitoidentityprovider::types::{AttributeType, MessageActionType};
use reqwest::{Method, redirect::Policy};
use serde_json::json;
use shared::{
    domain::SubmissionKey,
    messages::Submission,
    session::{Pool, PublicKeys, Session, Subject},
    sign_in::{Attempt, Provider},
};
use sqlx::{AssertSqlSafe, Connection, MySqlConnection};
use time::OffsetDateTime;

use crate::{
    account::{api, hidden},
    cart::{cookie, page, send},
    imports,
    mails::queue,
    support::{Answer, Shop, bookstore, eventually, http, text, variable},
};

/// Until a queue and its consumer have done their part.
const WITHIN: Duration = Duration::from_mins(1);

/// The sample account that `up` creates, by its e-mail address and its subject.
const ANA: (&str, &str) = ("ana@anaquel.example.org", "5b1f2a6e-0c3d-4e8f-9a70-1d2c3b4a5968");
const PASSWORD: &str = "anaquel-anaquel";

/// An attempt that has come back from the user pool.
struct Returned {
    /// The cookie of the attempt.
    attempt: String,
    /// The address with code and state, below the shop's.
    address: String,
}

/// Begins an attempt and fills in the pool's form.
async fn returned(shop: &Shop, back: &str) -> Returned {
    returned_as(shop, ANA.0, back).await.expect("a code")
}

/// The same with another account; none if the pool refuses it.
async fn returned_as(shop: &Shop, email: &str, back: &str) -> Option<Returned> {
    let (attempt, asked) = begun(shop, back).await;
    let address = logged_in(shop, email, asked).await?;
    Some(Returned { attempt, address })
}

/// Begins an attempt: its cookie, and the parameters with which it leads to the pool's page.
async fn begun(shop: &Shop, back: &str) -> (String, BTreeMap<String, String>) {
    begun_at(shop, Pool::Customers, back).await
}

async fn begun_at(shop: &Shop, pool: Pool, back: &str) -> (String, BTreeMap<String, String>) {
    let begun = page(shop, &format!("{}?return={back}", pool.sign_in()), "").await;
    assert_eq!(begun.status, 303, "{}", begun.text);
    let location = begun.header("location");
    let query = location.strip_prefix(&format!("{}/oauth2/authorize?", shop.endpoint())).expect("the pool's page");
    (cookie(&begun, "sign-in"), form_urlencoded::parse(query.as_bytes()).into_owned().collect())
}

/// Fills in the pool's form: the address of the return, below the shop's; none if the pool refuses the account.
async fn logged_in(shop: &Shop, email: &str, asked: BTreeMap<String, String>) -> Option<String> {
    let typed = [("username", email), ("password", PASSWORD)].map(|(name, value)| (name.into(), value.into()));
    let form: BTreeMap<String, String> = asked.into_iter().chain(typed).collect();
    let browser = http().redirect(Policy::none()).no_proxy().build().unwrap();
    let sent = browser.post(format!("{}/login", shop.endpoint())).form(&form).send().await.unwrap();
    let headers = sent.headers().clone();
    let location = headers.get("location")?.to_str().unwrap();
    let address = location.strip_prefix(shop.url()).unwrap_or_else(|| panic!("not back at the shop: {location}"));
    Some(address.to_owned())
}

/// The session in a cookie, as functions read it.
async fn session(shop: &Shop, cookie: &str) -> Option<Session> {
    let ssm = aws_sdk_ssm::Client::new(&shop.sdk());
    let keys = ssm.get_parameter().name("/anaquel/local/session/public-keys").send().await.unwrap();
    let keys = PublicKeys::parse(keys.parameter().unwrap().value().unwrap()).unwrap();
    keys.session("local", cookie.strip_prefix("session=")?, OffsetDateTime::now_utc())
}

fn cookies(answer: &Answer) -> Vec<&str> {
    answer.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).collect()
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_customer_signs_in_at_the_user_pool_comes_back_to_the_page_and_signs_out() {
    let shop = Shop::open().await;
    let out = page(&shop, "/books?q=quijote", "").await;
    assert!(out.text.contains("href=\"/sign-in?return=%2Fbooks%3Fq%3Dquijote\""), "{}", out.text);

    let Returned { attempt, address } = returned(&shop, "%2Fbooks%3Fq%3Dquijote").await;
    let back = page(&shop, &address, &attempt).await;
    assert_eq!((back.status, back.header("location")), (303, "/books?q=quijote"), "{}", back.text);
    assert_eq!(back.header("cache-control"), "no-store");
    let issued = cookie(&back, "session");
    assert_eq!(cookie(&back, "sign-in"), "sign-in=");
    for set in cookies(&back) {
        assert!(set.contains("; HttpOnly") && set.contains("; SameSite=Lax") && set.contains("; Path=/"), "{set}");
    }
    let known = session(&shop, &issued).await.expect("a session");
    assert_eq!((known.subject, known.pool), (Subject::parse(ANA.1).unwrap(), Pool::Customers));

    let inside = page(&shop, "/books?q=quijote", &issued).await;
    assert!(inside.text.contains("href=\"/account\"") && !inside.text.contains("/sign-in?"), "{}", inside.text);
    assert_eq!(inside.header("cache-control"), "private, no-cache");

    let account = page(&shop, "/account", &issued).await;
    assert!(account.text.contains("<a href=\"/sign-out\""), "{}", account.text);
    let ask = page(&shop, "/sign-out", &issued).await;
    assert!(ask.status == 200 && ask.text.contains("action=\"/sign-out\""), "{}", ask.text);
    let browser = format!("{issued}; visitor=c56a4180-65aa-42ec-a945-5fd21dec0538");
    let left = send(&shop, "/sign-out", &browser, &[("key", "x")]).await;
    let next = left.header("refresh").strip_prefix("0; url=").expect("the pool's sign-out").to_owned();
    assert_eq!(left.status, 200, "{}", left.text);
    assert!(next.starts_with(&format!("{}/logout?client_id=", shop.endpoint())), "{next}");
    for name in ["session", "visitor", "cart", "order"] {
        assert_eq!(cookie(&left, name), format!("{name}="));
    }
    assert!(!left.text.contains("href=\"/account\""), "{}", left.text);
    let asked = http().redirect(Policy::none()).no_proxy().build().unwrap().get(&next).send().await.unwrap();
    assert_eq!(asked.headers()["location"], format!("{}/sign-out", shop.url()));
    assert!(page(&shop, "/sign-out", "").await.text.contains("You have signed out"));
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn the_staff_signs_in_at_its_own_pool_and_becomes_no_customer_and_the_other_way_round() {
    let shop = Shop::open().await;
    let (attempt, asked) = begun_at(&shop, Pool::Staff, "%2Fstaff%2Forders").await;
    let address = logged_in(&shop, "librera@anaquel.example.org", asked).await.expect("a code");
    assert!(address.starts_with("/staff/sign-in/return?"), "{address}");
    let at_customers = address.replacen("/staff", "", 1);
    assert_eq!(page(&shop, &at_customers, &attempt).await.status, 400, "the attempt of another pool");
    let back = page(&shop, &address, &attempt).await;
    assert_eq!((back.status, back.header("location")), (303, "/staff/orders"), "{}", back.text);
    let issued = cookie(&back, "staff-session");
    let set: Vec<&str> = cookies(&back).iter().filter_map(|set| set.split('=').next()).collect();
    assert_eq!(set, ["staff-session", "sign-in"], "neither a visitor nor a customer");

    let start = page(&shop, "/staff", &issued).await;
    assert!(start.status == 200 && start.text.contains("librera@anaquel.example.org"), "{}", start.text);
    assert_eq!(page(&shop, "/account", &issued).await.status, 303);
    let mut root = MySqlConnection::connect(&variable("DATABASE_URL")).await.unwrap();
    let rows = "select count(*) from anaquel.customers where email = 'librera@anaquel.example.org'";
    let rows: i64 = sqlx::query_scalar(rows).fetch_one(&mut root).await.unwrap();
    assert_eq!(rows, 0);

    let Returned { attempt, address } = returned(&shop, "%2F").await;
    let at_staff = format!("/staff{address}");
    assert_eq!(page(&shop, &at_staff, &attempt).await.status, 400, "the attempt of another pool");
    let session = cookie(&page(&shop, &address, &attempt).await, "session");
    assert_eq!(page(&shop, "/staff", &session).await.status, 404);
    let in_other_cookie = session.replacen("session", "staff-session", 1);
    assert_eq!(page(&shop, "/staff", &in_other_cookie).await.status, 404);

    let both = format!("{issued}; {session}");
    let left = send(&shop, "/staff/sign-out", &both, &[("key", "x")]).await;
    assert_eq!((left.status, cookie(&left, "staff-session")), (200, "staff-session=".to_owned()), "{}", left.text);
    assert_eq!(cookies(&left).len(), 1, "the session of the customer stays");
    let next = left.header("refresh").strip_prefix("0; url=").expect("the pool's sign-out").to_owned();
    let asked = http().redirect(Policy::none()).no_proxy().build().unwrap().get(&next).send().await.unwrap();
    assert_eq!(asked.headers()["location"], format!("{}/staff/sign-out", shop.url()));
    assert!(page(&shop, "/staff/sign-out", "").await.text.contains("You have signed out"));
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn what_a_customer_sends_from_a_browser_that_the_shop_has_not_seen_before_is_in_the_account() {
    let shop = Shop::open().await;
    let book = imports::new_book(&shop).await;
    let Returned { attempt, address } = returned(&shop, "/account").await;
    let back = page(&shop, &address, &attempt).await;
    let browser = format!("{}; {}", cookie(&back, "session"), cookie(&back, "visitor"));

    let path = format!("/api/books/{book}/ratings");
    let sent = shop.post(&path, &[("cookie", &browser)], &json!({ "stars": 4 })).await;
    assert_eq!(shop.final_status(sent.header("location")).await["status"], "published");
    let own = api(&shop, "ratings", &browser).await.json();
    assert!(own["items"].as_array().unwrap().iter().any(|rating| rating["book"] == book), "{own}");

    let Returned { attempt, address } = returned(&shop, "/account").await;
    let known = cookie(&back, "visitor");
    let again = page(&shop, &address, &format!("{attempt}; {known}")).await;
    assert_eq!(cookie(&again, "visitor"), known, "the browser stays the visitor that it was");
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_sign_in_counts_once_and_only_in_the_browser_that_began_it() {
    let shop = Shop::open().await;
    let Returned { attempt, address } = returned(&shop, "/books").await;
    let another = returned(&shop, "/books").await;
    let state = another.address.split("state=").nth(1).and_then(|rest| rest.split('&').next()).unwrap();
    let own = address.split("state=").nth(1).and_then(|rest| rest.split('&').next()).unwrap();
    for (name, address, cookie, status, expected) in [
        ("no cookie", address.clone(), "", 400, "Let’s start again"),
        ("the cookie of another attempt", address.clone(), another.attempt.as_str(), 400, "Let’s start again"),
        ("the state of another attempt", address.replace(own, state), &attempt, 400, "Let’s start again"),
        ("no state", address.replace("state=", "x="), &attempt, 400, "Let’s start again"),
        ("a changed cookie", address.clone(), &attempt.replace('.', "A."), 400, "Let’s start again"),
        ("another code", format!("/sign-in/return?code=x&state={own}"), &attempt, 400, "This sign-in has been used"),
        (
            "refused",
            format!("/sign-in/return?error=access_denied&state={own}"),
            &attempt,
            403,
            "You have not signed in",
        ),
        ("no code", format!("/sign-in/return?state={own}"), &attempt, 400, "Let’s start again"),
    ] {
        let answer = page(&shop, &address, cookie).await;
        assert_eq!(answer.status, status, "{name}: {}", answer.text);
        assert!(answer.text.contains(expected), "{name}: {}", answer.text);
        assert!(cookies(&answer).iter().all(|cookie| !cookie.starts_with("session=v")), "{name}");
        assert_eq!(answer.header("cache-control"), "no-store", "{name}");
    }
    let first = page(&shop, &address, &attempt).await;
    assert_eq!(first.status, 303, "{}", first.text);
    let again = page(&shop, &address, &attempt).await;
    assert!(again.status == 400 && again.text.contains("This sign-in has been used"), "{}", again.text);
    // Loaded again in the browser, which has lost the cookie of the attempt and has a session.
    let loaded = page(&shop, &address, &cookie(&first, "session")).await;
    assert_eq!((loaded.status, loaded.header("location")), (303, "/account"));
}

/// The pages of the pool may have a session from before, which no end of the shop's sessions ends.
#[ignore = "needs a local stage"]
#[tokio::test]
async fn every_sign_in_asks_for_the_password_and_a_login_from_before_the_attempt_does_not_count() {
    let shop = Shop::open().await;
    let (_, mut asked) = begun(&shop, "/books").await;
    assert_eq!(asked["prompt"], "login");
    let ssm = aws_sdk_ssm::Client::new(&shop.sdk());
    let key = ssm.get_parameter().name("/anaquel/local/submission-key").with_decryption(true).send().await.unwrap();
    let key = SubmissionKey::parse(key.parameter().unwrap().value().unwrap()).unwrap();
    // For an attempt that begins later, the login of now is an earlier one.
    for (minutes, status, expected) in [(1, 303, ""), (10, 400, "Let’s start again")] {
        let begins = OffsetDateTime::now_utc() + time::Duration::minutes(minutes);
        let attempt = Attempt::begin(Pool::Customers, "/books", begins);
        asked.extend([
            ("state".to_owned(), attempt.state.to_string()),
            ("nonce".to_owned(), attempt.nonce.to_string()),
            ("code_challenge".to_owned(), attempt.challenge()),
        ]);
        let address = logged_in(&shop, ANA.0, asked.clone()).await.expect("a code");
        let back = page(&shop, &address, &format!("sign-in={}", attempt.seal(&key))).await;
        assert!(back.status == status && back.text.contains(expected), "{minutes}: {} {}", back.status, back.text);
        let has_session = cookies(&back).iter().any(|cookie| cookie.starts_with("session=v"));
        assert_eq!(has_session, status == 303, "{minutes}");
    }
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn no_other_site_signs_anybody_out_and_no_changed_session_is_one() {
    let shop = Shop::open().await;
    let Returned { attempt, address } = returned(&shop, "/").await;
    let issued = cookie(&page(&shop, &address, &attempt).await, "session");
    let headers = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("origin", "https://evil.example"),
        ("cookie", issued.as_str()),
    ];
    let refused = shop.send(Method::POST, "/sign-out", &headers, Some("key=x".into())).await;
    assert_eq!((refused.status, cookies(&refused).len()), (403, 0));
    assert!(page(&shop, "/sign-out", &issued).await.text.contains("action=\"/sign-out\""));
    // The last character has only two bits of the signature.
    let (signed, signature) = issued.rsplit_once('.').unwrap();
    let first = if signature.starts_with('A') { 'B' } else { 'A' };
    let changed = format!("{signed}.{first}{}", &signature[1..]);
    for cookie in
        [changed, issued.replace("v1.", "v0."), "session=".to_owned(), format!("session={}", "x".repeat(3_000))]
    {
        let shown = page(&shop, "/sign-out", &cookie).await;
        assert!(shown.status == 200 && shown.text.contains("You have signed out"), "{cookie}");
    }
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn the_log_of_a_sign_in_has_neither_code_nor_token_nor_address() {
    let shop = Shop::alone().await;
    let Returned { attempt, address } = returned(&shop, "/").await;
    let code = address.split("code=").nth(1).and_then(|rest| rest.split('&').next()).unwrap().to_owned();
    let issued = cookie(&page(&shop, &address, &attempt).await, "session");
    page(&shop, &address, &attempt).await;
    let (log, _) = text(&bookstore(&["logs", "sign-in", "--json"]).output().await.unwrap());
    assert!(log.contains("Session issued"), "{log}");
    let token = issued.split('.').nth(2).unwrap();
    for secret in [code.as_str(), token, &attempt["sign-in=".len()..], ANA.0, "eyJ"] {
        assert!(!log.contains(secret), "{secret}: {log}");
    }
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn the_staff_is_invited_listed_and_removed() {
    let shop = Shop::alone().await;
    let staff = async |arguments: &[&str]| {
        let output = bookstore(&[&["staff"], arguments].concat()).output().await.unwrap();
        let (stdout, stderr) = text(&output);
        (output.status.success(), stdout + &stderr)
    };
    let email = format!("{}@example.org", uuid::Uuid::new_v4());
    let (is_invited, said) = staff(&["add", &email]).await;
    assert!(is_invited && said.contains("is invited"), "{said}");
    assert!(staff(&["add", &email]).await.0, "an invitation can be repeated");
    let (_, listed) = staff(&["list"]).await;
    assert!(listed.lines().any(|line| line.contains(&email) && line.contains("invited")), "{listed}");
    assert!(listed.contains("librera@anaquel.example.org"), "{listed}");
    // As a removal leaves it that fails half-way.
    let cognito = aws_sdk_cognitoidentityprovider::Client::new(&shop.sdk());
    let pool = pool_id(&shop, Pool::Staff).await;
    cognito.admin_disable_user().user_pool_id(pool).username(&email).send().await.unwrap();
    let (_, listed) = staff(&["list"]).await;
    assert!(listed.lines().any(|line| line.contains(&email) && line.contains("disabled")), "{listed}");
    let (_, listed) = staff(&["list", "--json"]).await;
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    let accounts = listed["result"]["accounts"].as_array().unwrap();
    assert!(accounts.iter().any(|account| account["email"] == email && account["state"] == "disabled"), "{listed}");
    let (is_invited, said) = staff(&["add", &email]).await;
    assert!(!is_invited && said.contains("has a disabled account"), "{said}");
    let (is_removed, said) = staff(&["remove", &email]).await;
    assert!(!is_removed && said.contains("nothing was removed"), "{said}");
    let (is_removed, said) = staff(&["remove", &email, "--yes"]).await;
    assert!(is_removed, "{said}");
    let (is_known, said) = staff(&["remove", &email, "--yes"]).await;
    assert!(!is_known && said.contains("has no account of the staff"), "{said}");
    drop(shop);
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_registration_that_nobody_has_confirmed_gives_its_address_free_and_a_confirmed_one_does_not() {
    let shop = Shop::open().await;
    let customers = async |arguments: &[&str]| {
        let output = bookstore(&[&["customers", "remove-unconfirmed"], arguments].concat()).output().await.unwrap();
        let (stdout, stderr) = text(&output);
        (output.status.success(), stdout + &stderr)
    };
    let cognito = aws_sdk_cognitoidentityprovider::Client::new(&shop.sdk());
    let email = format!("{}@example.org", uuid::Uuid::new_v4());
    let sign_up = async || {
        let client = provider(&shop, Pool::Customers).await.client;
        cognito.sign_up().client_id(client).username(&email).password(PASSWORD).send().await.is_ok()
    };
    assert!(sign_up().await);
    assert!(!sign_up().await, "the address is taken");
    let (is_done, said) = customers(&["--yes"]).await;
    assert!(is_done && said.contains("No registration waits"), "it may still be confirmed: {said}");
    let (is_done, said) = customers(&["--email", &email]).await;
    assert!(!is_done && said.contains("nothing was removed"), "{said}");
    let (is_done, said) = customers(&["--email", &email, "--yes"]).await;
    assert!(is_done && said.contains("1 registration removed"), "{said}");
    let (is_done, said) = customers(&["--email", &email, "--yes"]).await;
    assert!(!is_done && said.contains("nobody has registered"), "{said}");
    assert!(sign_up().await, "the address is free");
    let (is_done, said) = customers(&["--email", ANA.0, "--yes"]).await;
    assert!(!is_done && said.contains("is confirmed"), "{said}");
}

async fn provider(shop: &Shop, pool: Pool) -> Provider {
    let ssm = aws_sdk_ssm::Client::new(&shop.sdk());
    let provider = ssm.get_parameter().name(format!("/anaquel/local/sign-in/{}", pool.name())).send().await.unwrap();
    Provider::parse(provider.parameter().unwrap().value().unwrap()).unwrap()
}

async fn pool_id(shop: &Shop, pool: Pool) -> String {
    provider(shop, pool).await.pool_id().expect("a pool").to_owned()
}

/// A new account in the pool of customers, with the password of the samples; its subject.
async fn registered(shop: &Shop, email: &str) -> String {
    let pool = pool_id(shop, Pool::Customers).await;
    let cognito = aws_sdk_cognitoidentityprovider::Client::new(&shop.sdk());
    let verified = AttributeType::builder().name("email_verified").value("true").build().unwrap();
    let create = cognito.admin_create_user().user_pool_id(&pool).username(email).user_attributes(verified);
    let create = create.temporary_password(PASSWORD).message_action(MessageActionType::Suppress);
    let created = create.send().await.unwrap();
    let password = cognito.admin_set_user_password().user_pool_id(&pool).username(email).password(PASSWORD);
    password.permanent(true).send().await.unwrap();
    created.user.unwrap().username.unwrap()
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn who_erases_the_account_cannot_sign_in_to_it_any_more_and_registers_as_somebody_else() {
    let shop = Shop::open().await;
    let email = format!("{}@example.org", uuid::Uuid::new_v4());
    let subject = registered(&shop, &email).await;
    let sign_in = async || returned_as(&shop, &email, "/account").await;
    let Returned { attempt, address } = sign_in().await.expect("a code");
    let first = cookie(&page(&shop, &address, &attempt).await, "session");
    eventually(WITHIN, async || {
        let profile = api(&shop, "profile", &first).await;
        if profile.json()["email"] == email { Ok(()) } else { Err(profile.text) }
    })
    .await;
    let second = sign_in().await.expect("a code");
    let second = cookie(&page(&shop, &second.address, &second.attempt).await, "session");

    let asked = page(&shop, "/account/erase/confirm", &first).await;
    let erased = send(&shop, "/account/erase", &first, &[("key", hidden(&asked, "key"))]).await;
    assert!(erased.status == 200 && erased.text.contains("deletes your access"), "{}", erased.text);
    eventually(WITHIN, async || match sign_in().await {
        Some(_) => Err("the pool still knows the account".to_owned()),
        None => Ok(()),
    })
    .await;
    for session in [&first, &second] {
        assert_eq!(api(&shop, "profile", session).await.status, 401);
    }

    let another = registered(&shop, &email).await;
    assert_ne!(another, subject);
    let Returned { attempt, address } = sign_in().await.expect("a code");
    let session = cookie(&page(&shop, &address, &attempt).await, "session");
    assert_eq!(api(&shop, "profile", &session).await.json()["subject"], another);
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn what_a_customer_began_between_the_erasure_and_the_deletion_of_the_account_goes_with_it() {
    let shop = Shop::open().await;
    let email = format!("{}@example.org", uuid::Uuid::new_v4());
    let subject = Subject::parse(&registered(&shop, &email).await).unwrap();
    // Asked for a minute ago, and only now does the message arrive.
    let asked_at = OffsetDateTime::now_utc() - time::Duration::minutes(1);
    let Returned { attempt, address } = returned_as(&shop, &email, "/account").await.expect("a code");
    let session = cookie(&page(&shop, &address, &attempt).await, "session");
    eventually(WITHIN, async || {
        let profile = api(&shop, "profile", &session).await;
        if profile.json()["email"] == email { Ok(()) } else { Err(profile.text) }
    })
    .await;

    let body = serde_json::to_string(&Submission::erasure(subject, asked_at, None)).unwrap();
    let sqs = aws_sdk_sqs::Client::new(&shop.sdk());
    for _ in 0..2 {
        sqs.send_message().queue_url(queue(&shop, "erasures")).message_body(&body).send().await.unwrap();
    }
    eventually(WITHIN, async || {
        let profile = api(&shop, "profile", &session).await;
        if profile.status == 401 { Ok(()) } else { Err(profile.text) }
    })
    .await;
    eventually(WITHIN, async || {
        let mut root = MySqlConnection::connect(&variable("DATABASE_URL")).await.unwrap();
        let rows = sqlx::query_scalar("select count(*) from anaquel.customers where email = ?").bind(&email);
        match rows.fetch_one(&mut root).await.unwrap() {
            0_i64 => Ok(()),
            rows => Err(format!("{rows} rows")),
        }
    })
    .await;
    let parked = sqs.receive_message().queue_url(queue(&shop, "erasures-parked")).max_number_of_messages(10);
    let parked = parked.send().await.unwrap().messages.unwrap_or_default();
    assert!(parked.iter().all(|message| message.body.as_deref() != Some(&body)), "{parked:?}");
}

/// Neither what Cognito has issued nor the session itself is anywhere but in the cookie.
#[ignore = "needs a local stage"]
#[tokio::test]
async fn no_page_and_no_table_has_a_token_a_code_or_a_session() {
    let shop = Shop::open().await;
    let email = format!("{}@example.org", uuid::Uuid::new_v4());
    registered(&shop, &email).await;
    let Returned { attempt, address } = returned_as(&shop, &email, "/account").await.expect("a code");
    let code = address.split("code=").nth(1).and_then(|rest| rest.split('&').next()).unwrap().to_owned();
    let back = page(&shop, &address, &attempt).await;
    let session = cookie(&back, "session");
    eventually(WITHIN, async || {
        let profile = api(&shop, "profile", &session).await;
        if profile.json()["email"] == email { Ok(()) } else { Err(profile.text) }
    })
    .await;
    // The first characters of each JWT's header, as Cognito and its emulator write it.
    let secrets = ["eyJhbGci", "eyJraWQi", &code, session.rsplit('.').next().unwrap()];
    let mut shown = vec![back.text];
    for path in ["/account", "/account/data", "/account/erase", "/api/account/data", "/books/53", "/cart", "/sign-out"]
    {
        shown.push(page(&shop, path, &session).await.text);
    }
    for (text, secret) in shown.iter().flat_map(|text| secrets.iter().map(move |secret| (text, secret))) {
        assert!(!text.contains(secret), "{secret} in {text}");
    }

    let mut root = MySqlConnection::connect(&variable("DATABASE_URL")).await.unwrap();
    let columns = "select cast(table_name as char), cast(column_name as char) from information_schema.columns \
                   where table_schema = 'anaquel' and data_type in ('char', 'varchar', 'text', 'mediumtext', 'longtext')";
    let columns: Vec<(String, String)> = sqlx::query_as(columns).fetch_all(&mut root).await.unwrap();
    assert!(columns.iter().any(|(table, column)| table == "customers" && column == "email"), "{columns:?}");
    for (table, column) in columns {
        for secret in secrets {
            let sql = format!("select count(*) from anaquel.`{table}` where `{column}` like binary ?");
            let found: i64 = sqlx::query_scalar(AssertSqlSafe(sql))
                .bind(format!("%{}%", secret.replace('_', "\\_")))
                .fetch_one(&mut root)
                .await
                .unwrap();
            assert_eq!(found, 0, "{secret} in {table}.{column}");
        }
    }
}
