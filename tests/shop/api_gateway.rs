//! API Gateway: the answers of the load balancer, and who gets in with which token.

use std::collections::BTreeMap;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use reqwest::{Method, redirect::Policy};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{
    comparison::{Compared, Way, client_of, difference, requests},
    support::{Answer, Shop, http},
};

/// The sample account of a customer that `up` creates.
const ANA: &str = "ana@anaquel.example.org";
const SUBJECT: &str = "5b1f2a6e-0c3d-4e8f-9a70-1d2c3b4a5968";
const PASSWORD: &str = "anaquel-anaquel";
const CALLBACK: &str = "http://localhost:8123/return";

/// The HTTP API and the client of programs, by the outputs of the stacks.
struct Gateway {
    url: String,
    id: String,
    program: String,
    shop: String,
    pool: String,
}

impl Gateway {
    async fn of(shop: &Shop) -> Self {
        let mut outputs = BTreeMap::new();
        for stack in ["data", "app", "api-gateway"] {
            outputs.extend(shop.outputs(&format!("anaquel-local-{stack}")).await);
        }
        let output = |name: &str| outputs.get(name).cloned().unwrap_or_else(|| panic!("no output {name}"));
        Self {
            url: output("ApiGatewayUrl"),
            id: output("ApiGatewayId"),
            program: output("ProgramsClient"),
            shop: output("CustomersClient"),
            pool: output("CustomersPool"),
        }
    }

    async fn get(&self, path: &str, token: Option<&str>) -> Answer {
        let client = http().no_proxy().build().unwrap();
        let mut request = client.get(format!("{}{path}", self.url));
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        Answer::read(request.send().await.unwrap()).await
    }

    /// The tokens of a program to which Ana has given these scopes.
    async fn tokens(&self, shop: &Shop, scope: &str) -> Value {
        let verifier = "anaquel-".repeat(8);
        let challenge = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(&verifier));
        let form = [
            ("client_id", self.program.as_str()),
            ("redirect_uri", CALLBACK),
            ("response_type", "code"),
            ("scope", scope),
            ("state", "s"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
            ("username", ANA),
            ("password", PASSWORD),
        ];
        let browser = http().redirect(Policy::none()).no_proxy().build().unwrap();
        let sent = browser.post(format!("{}/login", shop.endpoint())).form(&form).send().await.unwrap();
        let location = sent.headers()["location"].to_str().unwrap().to_owned();
        let query = location.strip_prefix(&format!("{CALLBACK}?")).unwrap_or_else(|| panic!("{location}"));
        let code: BTreeMap<_, _> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let form = [
            ("grant_type", "authorization_code"),
            ("client_id", self.program.as_str()),
            ("redirect_uri", CALLBACK),
            ("code", code["code"].as_str()),
            ("code_verifier", &verifier),
        ];
        let got = browser.post(format!("{}/oauth2/token", shop.endpoint())).form(&form).send().await.unwrap();
        got.json().await.unwrap()
    }
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn api_gateway_answers_every_route_of_the_api_as_the_load_balancer_does() {
    let shop = Shop::alone().await;
    let gateway = Gateway::of(&shop).await;
    let client = client_of(&shop);
    let host = shop.url().trim_start_matches("http://").to_owned();
    let mut different = Vec::new();
    // Its own are the preflight, and 401 without a token. Tags and compressed bodies differ by the host in addresses of books.
    let compared = requests().into_iter().filter(|asked| {
        asked.path.starts_with("/api/")
            && !asked.path.starts_with("/api/account")
            && asked.method != Method::OPTIONS
            && !asked.headers.iter().any(|(name, _)| *name == "accept-encoding")
    });
    let all: Vec<_> = compared.collect();
    let address = gateway.url.trim_start_matches("http://").split('/').next().unwrap();
    let without_own = |answer: &mut Compared| {
        let is_own = |name: &str| name.starts_with("access-control-") || matches!(name, "etag" | "x-request-id");
        answer.headers.retain(|name, _| !is_own(name));
        answer.body = answer.body.replace(&host, "HOST").replace(address, "HOST");
    };
    let load_balancer = Way { client: &client, base: shop.url(), host: &host, by: None, without_own: &without_own };
    let by_gateway = Way { base: &gateway.url, host: address, ..load_balancer };
    for asked in &all {
        if let Some(found) = difference(&load_balancer, &by_gateway, asked).await {
            different.push(format!("{asked:?}: load balancer and API Gateway: {found}"));
        }
    }
    assert!(all.len() > 200, "{} requests prove little", all.len());
    let shown = different[..different.len().min(20)].join("\n");
    assert!(different.is_empty(), "{} of {}:\n{shown}", different.len(), all.len());
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn an_account_is_read_with_an_access_token_of_the_shops_programs_and_no_other() {
    let shop = Shop::open().await;
    let gateway = Gateway::of(&shop).await;
    let path = "/api/account/profile";
    let tokens = gateway.tokens(&shop, "openid shop/account").await;
    let access = tokens["access_token"].as_str().unwrap_or_else(|| panic!("{tokens}"));
    let profile = gateway.get(path, Some(access)).await;
    assert_eq!((profile.status, profile.json()["subject"].as_str()), (200, Some(SUBJECT)), "{}", profile.text);

    let other_scope = gateway.tokens(&shop, "openid shop/orders").await;
    let [header, claims, signature] = access.split('.').collect::<Vec<_>>()[..] else { panic!("{access}") };
    let changed = |part: &str, change: fn(&mut Value)| {
        let mut json: Value = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
        change(&mut json);
        BASE64_URL_SAFE_NO_PAD.encode(json.to_string())
    };
    let unsigned = format!("{}.{claims}.", changed(header, |header| header["alg"] = "none".into()));
    let later = format!("{header}.{}.{signature}", changed(claims, |claims| claims["exp"] = 4_000_000_000_u64.into()));
    let other_pool =
        format!("{header}.{}.{signature}", changed(claims, |claims| claims["iss"] = "https://a.example".into()));
    for (what, token, status) in [
        ("none", None, 401),
        ("no token", Some("nothing"), 401),
        ("alg none", Some(unsigned.as_str()), 401),
        ("changed times", Some(later.as_str()), 401),
        ("another pool", Some(other_pool.as_str()), 401),
        ("an id token", tokens["id_token"].as_str(), 403),
        ("another scope", other_scope["access_token"].as_str(), 403),
    ] {
        let answer = gateway.get(path, token).await;
        assert_eq!(answer.status, status, "{what}: {}", answer.text);
    }
}

/// Claims in an event that a function gets, also of another gateway.
#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_function_takes_claims_of_its_own_gateway_only_and_no_id_token() {
    let shop = Shop::open().await;
    let gateway = Gateway::of(&shop).await;
    let event = |id: &str, claims: Value| {
        json!({
            "version": "2.0",
            "rawPath": "/api/account/profile",
            "rawQueryString": "",
            "headers": { "host": "api.example" },
            "requestContext": {
                "apiId": id,
                "authorizer": { "jwt": { "claims": claims, "scopes": ["shop/account"] } },
                "http": { "method": "GET" },
            },
            "isBase64Encoded": false,
        })
    };
    let good = json!({ "sub": SUBJECT, "token_use": "access", "auth_time": "1700000000", "exp": "4000000000" });
    let with = |name: &str, value: &str| {
        let mut claims = good.clone();
        claims[name] = value.into();
        claims
    };
    for (what, event, status) in [
        ("another API", event("other", good.clone()), 401),
        ("no API", event("", good.clone()), 401),
        ("an id token", event(&gateway.id, with("token_use", "id")), 401),
        ("an expired one", event(&gateway.id, with("exp", "1700000001")), 401),
        ("one from the future", event(&gateway.id, with("auth_time", "3900000000")), 401),
        ("no subject", event(&gateway.id, with("sub", "")), 401),
    ] {
        let answer = shop.invoke_with("anaquel-local-show-account", &event).await;
        assert_eq!(answer["statusCode"], status, "{what}: {answer}");
        assert!(answer["multiValueHeaders"].is_null() && answer["headers"].is_object(), "{answer}");
    }
    assert!(!gateway.shop.is_empty() && !gateway.pool.is_empty() && gateway.shop != gateway.program);
}
