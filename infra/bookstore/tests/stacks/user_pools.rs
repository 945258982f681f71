//! The user pools on an emulator that checks codes, tokens and signatures: accounts of customers and of the staff through
//! Cognito's API, from the first password to the next one, and the code flow through the pages of a pool.
//!
//! The emulator is stricter here than in the local stage, and AWS is stricter still. What only AWS does is checked as a
//! setting of the pool:
//!
//! - In a pool without self-registration, AWS refuses `SignUp` with `NotAuthorizedException`.
//!   <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_AdminCreateUserConfigType.html>
//! - Where a second factor is required, AWS answers a password without one with the challenge `MFA_SETUP`, and no tokens; its
//!   pages ask for it as well. The emulator gives tokens, with which the second factor is set up, and its pages know none.
//!   <https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-settings-mfa.html>
//! - With `CaseSensitive: false`, addresses in another case of letters are one account; the emulator makes two.
//!   <https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-case-sensitivity.html>
//! - On AWS each code is another one, and expires. The emulator's are `123456` and `654321` for ever, so the tests read them
//!   from the mails and do not compare two.
//! - AWS compares the new password of an invitation with the policy also in the API; the emulator only in its pages.

use std::{
    collections::BTreeMap,
    time::{SystemTime, UNIX_EPOCH},
};

use aws_sdk_cognitoidentityprovider::{
    error::ProvideErrorMetadata,
    operation::{initiate_auth::InitiateAuthOutput, respond_to_auth_challenge::RespondToAuthChallengeOutput},
    types::{
        AttributeType, AuthFlowType, ChallengeNameType, ExplicitAuthFlowsType, PreventUserExistenceErrorTypes,
        UserPoolMfaType,
    },
};
use base64::{
    Engine,
    prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD},
};
use reqwest::{Client, redirect::Policy};
use ring::hmac;
use serde_json::Value;
use sha2::{Digest, Sha256};

use bookstore::{
    aws::AwsClients,
    deploy::{DataLoss, Interaction, stack::apply},
};
use infra::stacks::{Input, Kind, Stack, USER_POOL_PROTECTION, accounts, user_pool_protection};
use infra::stage::Stage;

use crate::{
    http,
    strict_emulator::StrictEmulator,
    support::{stage, template},
};

const CUSTOMER: &str = "ana@example.org";
const BOOKSELLER: &str = "librera@example.org";
const PASSWORD: &str = "una contraseña larga";
const NEXT_PASSWORD: &str = "otra contraseña larga";
const TOO_SHORT: &str = "demasiado!1";

/// Both pools of a stage with the shop as their client, and a client of each with which a test can send passwords.
struct Pools {
    emulator: StrictEmulator,
    aws: AwsClients,
    ids: BTreeMap<String, String>,
    return_to: String,
}

impl Pools {
    async fn deploy() -> Self {
        let emulator = StrictEmulator::start();
        let stage = stage("local");
        let aws = AwsClients::local(&stage, emulator.port);
        let return_to = format!("http://anaquel.alb.localhost:{}/sign-in/return", stage.port);
        let mut pools = Self { emulator, aws, ids: BTreeMap::new(), return_to };
        pools.apply(&stage, DataLoss::Forbid).await.unwrap();
        pools
    }

    async fn apply(&mut self, stage: &Stage, data_loss: DataLoss) -> anyhow::Result<()> {
        let mut data = Stack::new(stage, Kind::Data, "user pools");
        accounts::add_pools(&mut data, stage, None);
        let mut app = Stack::new(stage, Kind::App, "the shop as a client");
        accounts::add_clients(&mut app, stage);
        for (stack, kind) in [(&data, Kind::Data), (&app, Kind::App)] {
            let added = serde_json::to_value(&stack.template).unwrap();
            let whole = template(stage, kind);
            for (name, resource) in added["Resources"].as_object().unwrap() {
                assert_eq!(*resource, whole["Resources"][name], "{name} is not the stage's own");
            }
        }
        let protection = BTreeMap::from([(USER_POOL_PROTECTION, user_pool_protection(false).to_owned())]);
        let mut ids = apply(&self.aws, &data, None, &protection, Interaction::Quiet, data_loss).await?;
        let inputs = app.inputs.iter().map(|(name, input)| match input {
            Input::Output { name: output, .. } => (*name, ids[*output].clone()),
            _ => panic!("{name} is no output of the data stack"),
        });
        let inputs = inputs.collect();
        ids.extend(apply(&self.aws, &app, None, &inputs, Interaction::Quiet, data_loss).await?);
        for pool in ["Customers", "Staff"] {
            let client = self.aws.cognito.create_user_pool_client().user_pool_id(&ids[&format!("{pool}Pool")]);
            let client = client.client_name("a test").explicit_auth_flows(ExplicitAuthFlowsType::AllowUserPasswordAuth);
            let client = client.prevent_user_existence_errors(PreventUserExistenceErrorTypes::Enabled);
            let client = client.send().await.unwrap().user_pool_client.and_then(|client| client.client_id).unwrap();
            ids.insert(format!("{pool}TestClient"), client);
        }
        self.ids = ids;
        Ok(())
    }

    /// The answer to a password, or the code of the error.
    async fn sign_in(&self, client: &str, email: &str, password: &str) -> Result<InitiateAuthOutput, String> {
        let request = self.aws.cognito.initiate_auth().auth_flow(AuthFlowType::UserPasswordAuth);
        let request = request.client_id(&self.ids[client]).auth_parameters("USERNAME", email);
        outcome(request.auth_parameters("PASSWORD", password).send().await)
    }

    async fn sign_up(&self, email: &str, password: &str) -> Result<(), String> {
        let attribute = AttributeType::builder().name("email").value(email).build().unwrap();
        let request = self.aws.cognito.sign_up().client_id(&self.ids["CustomersClient"]).username(email);
        outcome(request.password(password).user_attributes(attribute).send().await).map(|_| ())
    }

    async fn confirm(&self, code: &str) -> Result<(), String> {
        let request = self.aws.cognito.confirm_sign_up().client_id(&self.ids["CustomersClient"]);
        outcome(request.username(CUSTOMER).confirmation_code(code).send().await).map(|_| ())
    }

    /// A customer with an account that can sign in.
    async fn register(&self) {
        self.sign_up(CUSTOMER, PASSWORD).await.unwrap();
        self.confirm(&code_in(&self.last_mail(CUSTOMER).await)).await.unwrap();
    }

    async fn set_password(&self, code: &str, password: &str) -> Result<(), String> {
        let request = self.aws.cognito.confirm_forgot_password().client_id(&self.ids["CustomersClient"]);
        let request = request.username(CUSTOMER).confirmation_code(code).password(password);
        outcome(request.send().await).map(|_| ())
    }

    /// The answer to a challenge, or the code of the error.
    async fn respond(
        &self,
        challenge: ChallengeNameType,
        to: &InitiateAuthOutput,
        response: (&str, &str),
    ) -> Result<RespondToAuthChallengeOutput, String> {
        let request = self.aws.cognito.respond_to_auth_challenge().client_id(&self.ids["StaffTestClient"]);
        let request = request.challenge_name(challenge).set_session(to.session.clone());
        let request = request.challenge_responses("USERNAME", BOOKSELLER).challenge_responses(response.0, response.1);
        outcome(request.send().await)
    }

    fn address(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.emulator.port)
    }

    /// The text of the newest mail to this address.
    async fn last_mail(&self, to: &str) -> String {
        let mails = browser().get(self.address("/_ministack/ses/messages")).send().await.unwrap();
        let mails: Value = mails.json().await.unwrap();
        let mut mails = mails["messages"].as_object().unwrap().values().flat_map(|mails| mails.as_array().unwrap());
        let last = mails.rfind(|mail| mail["To"][0] == to).expect("a mail");
        last["BodyText"].as_str().unwrap().to_owned()
    }
}

/// Follows no redirect.
fn browser() -> Client {
    http().redirect(Policy::none()).no_proxy().build().unwrap()
}

fn outcome<T, E: ProvideErrorMetadata + std::fmt::Debug>(result: Result<T, E>) -> Result<T, String> {
    result.map_err(|error| error.code().map_or_else(|| format!("{error:?}"), str::to_owned))
}

/// The code of six digits in a mail.
fn code_in(mail: &str) -> String {
    let words = mail.split(|c: char| !c.is_ascii_digit());
    words.into_iter().find(|word| word.len() == 6).unwrap_or_else(|| panic!("no code in {mail}")).to_owned()
}

fn other_than(code: &str) -> &'static str {
    if code == "000000" { "000001" } else { "000000" }
}

/// The code of an authenticator app at this time, by RFC 6238 with a step of 30 seconds.
fn totp(secret: &[u8], unix_seconds: u64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let hash = hmac::sign(&key, &(unix_seconds / 30).to_be_bytes());
    let hash = hash.as_ref();
    let at = usize::from(hash[hash.len() - 1] & 0x0f);
    let number = u32::from_be_bytes(hash[at..at + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}

/// Base32 by RFC 4648, as apps read it from a QR code.
fn from_base32(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let (mut bits, mut count) = (0u32, 0);
    for letter in text.trim_end_matches('=').bytes() {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'2'..=b'7' => letter - b'2' + 26,
            _ => panic!("no base32: {text}"),
        };
        bits = bits << 5 | u32::from(value);
        count += 5;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count & 0xff) as u8);
            bits &= (1 << count) - 1;
        }
    }
    bytes
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// A code that the app shows neither now nor within some minutes.
fn wrong_totp(secret: &[u8]) -> String {
    let near: Vec<String> = (0..20).map(|step| totp(secret, now() + 30 * step - 300)).collect();
    (0..100).map(|number| format!("{number:06}")).find(|code| !near.contains(code)).unwrap()
}

#[test]
fn the_second_factor_of_the_tests_is_that_of_the_rfc() {
    // Appendix B of RFC 6238, whose codes have eight digits.
    for (time, code) in
        [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924"), (20_000_000_000, "353130")]
    {
        assert_eq!(totp(b"12345678901234567890", time), code, "{time}");
    }
    assert_eq!(from_base32("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"), b"12345678901234567890");
}

#[ignore = "needs a strict emulator"]
#[tokio::test]
async fn a_customer_registers_confirms_the_address_signs_in_and_replaces_a_forgotten_password() {
    let pools = Pools::deploy().await;
    for (email, password, refusal) in
        [("ana", PASSWORD, "InvalidParameterException"), (CUSTOMER, TOO_SHORT, "InvalidPasswordException")]
    {
        assert_eq!(pools.sign_up(email, password).await.unwrap_err(), refusal, "{email}");
    }
    pools.sign_up(CUSTOMER, PASSWORD).await.unwrap();
    assert_eq!(pools.sign_up(CUSTOMER, PASSWORD).await.unwrap_err(), "UsernameExistsException");
    let sign_in = async |password| pools.sign_in("CustomersTestClient", CUSTOMER, password).await;
    assert_eq!(sign_in(PASSWORD).await.unwrap_err(), "UserNotConfirmedException");

    let code = code_in(&pools.last_mail(CUSTOMER).await);
    assert_eq!(pools.confirm(other_than(&code)).await.unwrap_err(), "CodeMismatchException");
    assert_eq!(sign_in(PASSWORD).await.unwrap_err(), "UserNotConfirmedException");
    pools.confirm(&code).await.unwrap();
    assert_eq!(pools.confirm(&code).await.unwrap_err(), "NotAuthorizedException", "a code counts once");
    assert!(sign_in(PASSWORD).await.unwrap().authentication_result.is_some());
    let factors = pools.aws.cognito.get_user_pool_mfa_config().user_pool_id(&pools.ids["CustomersPool"]);
    assert_eq!(factors.send().await.unwrap().mfa_configuration, Some(UserPoolMfaType::Off));
    // Both in the same words, so that nobody learns who has an account.
    let wrong = sign_in(NEXT_PASSWORD).await.unwrap_err();
    let unknown = pools.sign_in("CustomersTestClient", "nadie@example.org", PASSWORD).await;
    assert_eq!((wrong.as_str(), unknown.unwrap_err().as_str()), ("NotAuthorizedException", "NotAuthorizedException"));

    let forgot = async |email: &str| {
        let request = pools.aws.cognito.forgot_password().client_id(&pools.ids["CustomersClient"]);
        outcome(request.username(email).send().await).map(|_| ())
    };
    forgot(CUSTOMER).await.unwrap();
    forgot("nadie@example.org").await.expect("by the shop's client nobody learns who has an account");
    let code = code_in(&pools.last_mail(CUSTOMER).await);
    for (code, password, refusal) in
        [(other_than(&code), NEXT_PASSWORD, "CodeMismatchException"), (&code, TOO_SHORT, "InvalidPasswordException")]
    {
        assert_eq!(pools.set_password(code, password).await.unwrap_err(), refusal);
        assert!(sign_in(PASSWORD).await.is_ok(), "{refusal}: the password stays");
    }
    pools.set_password(&code, NEXT_PASSWORD).await.unwrap();
    assert_eq!(pools.set_password(&code, PASSWORD).await.unwrap_err(), "ExpiredCodeException", "a code counts once");
    assert_eq!(sign_in(PASSWORD).await.unwrap_err(), "NotAuthorizedException");
    assert!(sign_in(NEXT_PASSWORD).await.unwrap().authentication_result.is_some());
}

#[ignore = "needs a strict emulator"]
#[tokio::test]
async fn who_is_invited_to_the_staff_changes_the_password_and_signs_in_with_a_second_factor_only() {
    let pools = Pools::deploy().await;
    let cognito = &pools.aws.cognito;
    let pool = &pools.ids["StaffPool"];
    let described = cognito.describe_user_pool().user_pool_id(pool).send().await.unwrap().user_pool.unwrap();
    assert!(described.admin_create_user_config.unwrap().allow_admin_create_user_only, "nobody registers");
    assert_eq!(described.username_configuration.map(|names| names.case_sensitive), Some(false));
    let factors = cognito.get_user_pool_mfa_config().user_pool_id(pool).send().await.unwrap();
    assert_eq!(factors.mfa_configuration, Some(UserPoolMfaType::On));
    assert!(factors.software_token_mfa_configuration.is_some_and(|token| token.enabled));
    assert!(factors.sms_mfa_configuration.is_none());

    let (invitation, own) = ("invitacion-2026", "la mía, que es larga");
    let invite = async |password: &str| {
        let attribute = |name: &str, value: &str| AttributeType::builder().name(name).value(value).build().unwrap();
        let request = cognito.admin_create_user().user_pool_id(pool).username(BOOKSELLER).temporary_password(password);
        let request = request.desired_delivery_mediums("EMAIL".into());
        let request = request.user_attributes(attribute("email", BOOKSELLER));
        outcome(request.user_attributes(attribute("email_verified", "true")).send().await).map(|_| ())
    };
    assert_eq!(invite("trece-letras!").await.unwrap_err(), "InvalidPasswordException");
    invite(invitation).await.unwrap();
    assert!(pools.last_mail(BOOKSELLER).await.contains(invitation));
    let sign_in = async |password| pools.sign_in("StaffTestClient", BOOKSELLER, password).await;
    assert_eq!(
        pools.sign_in("CustomersTestClient", BOOKSELLER, invitation).await.unwrap_err(),
        "NotAuthorizedException",
        "an account of one pool is unknown in the other"
    );

    let first = sign_in(invitation).await.unwrap();
    assert_eq!(first.challenge_name, Some(ChallengeNameType::NewPasswordRequired));
    assert!(first.authentication_result.is_none());
    let changed = pools.respond(ChallengeNameType::NewPasswordRequired, &first, ("NEW_PASSWORD", own)).await.unwrap();
    assert_eq!(sign_in(invitation).await.unwrap_err(), "NotAuthorizedException");

    let token = changed.authentication_result.and_then(|tokens| tokens.access_token).expect("see the file's comment");
    let secret = cognito.associate_software_token().access_token(&token).send().await.unwrap().secret_code.unwrap();
    let secret = from_base32(&secret);
    let verify = async |code: &str| {
        outcome(cognito.verify_software_token().access_token(&token).user_code(code).send().await).map(|_| ())
    };
    assert_eq!(verify(&wrong_totp(&secret)).await.unwrap_err(), "EnableSoftwareTokenMFAException");
    verify(&totp(&secret, now())).await.unwrap();

    let asked = sign_in(own).await.unwrap();
    assert_eq!(asked.challenge_name, Some(ChallengeNameType::SoftwareTokenMfa));
    assert!(asked.authentication_result.is_none(), "a password alone opens nothing");
    let respond = async |code: &str| {
        let response = ("SOFTWARE_TOKEN_MFA_CODE", code);
        pools.respond(ChallengeNameType::SoftwareTokenMfa, &asked, response).await
    };
    assert_eq!(respond(&wrong_totp(&secret)).await.unwrap_err(), "CodeMismatchException");
    assert!(respond(&totp(&secret, now())).await.unwrap().authentication_result.is_some());
}

#[ignore = "needs a strict emulator"]
#[tokio::test]
async fn a_lost_pool_is_followed_by_a_new_one_with_its_pages_and_the_other_pool_keeps_its_accounts() {
    let mut pools = Pools::deploy().await;
    pools.register().await;
    let lost = pools.ids.clone();
    let pool = &lost["CustomersPool"];
    let described = pools.aws.cognito.describe_user_pool().user_pool_id(pool).send().await.unwrap();
    let pages = described.user_pool.and_then(|pool| pool.domain).expect("pages");
    // By hand, as Cognito requires it: a pool with pages cannot be deleted.
    pools.aws.cognito.delete_user_pool_domain().domain(&pages).user_pool_id(pool).send().await.unwrap();
    pools.aws.cognito.delete_user_pool().user_pool_id(pool).send().await.unwrap();

    let mut next = stage("local");
    next.accounts.customers.generation = 2;
    let refusal = pools.apply(&next, DataLoss::Forbid).await.unwrap_err().to_string();
    assert!(refusal.contains("CustomersPool (Cognito::UserPool ") && refusal.contains("would be removed"), "{refusal}");
    pools.apply(&next, DataLoss::Allow).await.unwrap();
    for (name, is_new) in
        [("CustomersPool", true), ("CustomersClient", true), ("StaffPool", false), ("StaffClient", false)]
    {
        assert_eq!(pools.ids[name] != lost[name], is_new, "{name}");
    }
    let described = pools.aws.cognito.describe_user_pool().user_pool_id(&pools.ids["CustomersPool"]);
    let described = described.send().await.unwrap().user_pool.unwrap();
    assert!(described.domain.is_some_and(|new| new != pages && new.contains("-customers-2-")));
    // The account is gone, and its address can be registered again.
    let sign_in = async |pools: &Pools| pools.sign_in("CustomersTestClient", CUSTOMER, PASSWORD).await;
    assert_eq!(sign_in(&pools).await.unwrap_err(), "NotAuthorizedException");
    pools.register().await;
    assert!(sign_in(&pools).await.unwrap().authentication_result.is_some());
}

#[ignore = "needs a strict emulator"]
#[tokio::test]
async fn by_the_shops_own_client_a_code_with_its_verifier_is_the_only_way_in_and_counts_once() {
    let pools = Pools::deploy().await;
    pools.register().await;
    for flow in [AuthFlowType::UserPasswordAuth, AuthFlowType::UserSrpAuth] {
        for (client, email) in [("CustomersClient", CUSTOMER), ("StaffClient", BOOKSELLER)] {
            let request = pools.aws.cognito.initiate_auth().auth_flow(flow.clone()).client_id(&pools.ids[client]);
            let request = request.auth_parameters("USERNAME", email).auth_parameters("PASSWORD", PASSWORD);
            let refusal = outcome(request.auth_parameters("SRP_A", "a1").send().await).unwrap_err();
            assert_eq!(refusal, "InvalidParameterException", "{flow} of {client}");
        }
    }

    let verifier = "a-verifier-of-the-test-with-at-least-43-characters";
    let challenge = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(verifier));
    let client = pools.ids["CustomersClient"].as_str();
    let asked: BTreeMap<&str, &str> = [
        ("response_type", "code"),
        ("client_id", client),
        ("redirect_uri", &pools.return_to),
        ("scope", "openid email"),
        ("state", "the-state"),
        ("nonce", "the-nonce"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ]
    .into();
    let with = |name, value| {
        let mut changed = asked.clone();
        changed.insert(name, value);
        changed
    };
    let page = async |query: &BTreeMap<&str, &str>| {
        browser().get(pools.address("/oauth2/authorize")).query(query).send().await.unwrap()
    };
    assert_eq!(page(&asked).await.status(), 200);
    for (name, value) in [("redirect_uri", "https://evil.example/"), ("response_type", "token"), ("client_id", "x")] {
        assert_eq!(page(&with(name, value)).await.status(), 400, "{name}={value}");
    }
    for (name, value) in [("code_challenge_method", "plain"), ("scope", "openid email phone")] {
        let back = page(&with(name, value)).await;
        let location = back.headers()["location"].to_str().unwrap();
        assert!(location.starts_with(&format!("{}?error=", pools.return_to)), "{name}={value}: {location}");
    }

    let login = async |password| {
        let mut form = with("username", CUSTOMER);
        form.insert("password", password);
        browser().post(pools.address("/login")).form(&form).send().await.unwrap()
    };
    let refused = login(NEXT_PASSWORD).await;
    assert!(refused.status() == 200 && !refused.headers().contains_key("location"), "a wrong password");
    let back = login(PASSWORD).await;
    let back = back.headers()["location"].to_str().unwrap().to_owned();
    let query = back.strip_prefix(&format!("{}?", pools.return_to)).expect("the shop's address");
    let query: BTreeMap<_, _> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    assert_eq!(query["state"], "the-state");

    let exchange = async |name, value| {
        let mut form = BTreeMap::from([
            ("grant_type", "authorization_code"),
            ("client_id", client),
            ("code", &query["code"]),
            ("redirect_uri", &pools.return_to),
            ("code_verifier", verifier),
        ]);
        form.insert(name, value);
        let answer = browser().post(pools.address("/oauth2/token")).form(&form).send().await.unwrap();
        let status = answer.status().as_u16();
        (status, answer.json::<Value>().await.unwrap())
    };
    for (name, value) in [
        ("code_verifier", "another-verifier-with-at-least-43-characters-too"),
        ("code_verifier", ""),
        ("redirect_uri", "https://evil.example/"),
        ("client_id", pools.ids["StaffClient"].as_str()),
    ] {
        let (status, answer) = exchange(name, value).await;
        assert_eq!((status, answer["error"].as_str()), (400, Some("invalid_grant")), "{name}={value}");
    }
    let (status, tokens) = exchange("grant_type", "authorization_code").await;
    assert_eq!(status, 200, "{tokens}");
    let claims = tokens["id_token"].as_str().unwrap().split('.').nth(1).unwrap();
    let claims = BASE64_URL_SAFE_NO_PAD.decode(claims).or_else(|_| BASE64_STANDARD_NO_PAD.decode(claims)).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    assert_eq!((&claims["nonce"], &claims["aud"]), (&"the-nonce".into(), &client.into()));
    let (status, answer) = exchange("grant_type", "authorization_code").await;
    assert_eq!((status, answer["error"].as_str()), (400, Some("invalid_grant")), "a code counts once");
}
