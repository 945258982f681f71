//! What every function of the local stage answers to the events of AWS's load balancer, as the JSON that leaves it.

use std::{env, time::Duration};

use serde_json::{Value, json};

use bookstore::{
    aws::AwsClients,
    deploy::{alias::ALIAS, probe},
};
use infra::{
    routes::{FUNCTIONS, Trigger},
    stage::Stage,
};

const TIMEOUT: Duration = Duration::from_mins(1);

/// Every method and probe path of the route table, with the function behind it.
fn requests() -> Vec<(&'static str, Value)> {
    let mut requests = Vec::new();
    for function in FUNCTIONS {
        match function.trigger {
            Trigger::Http(routes) => requests.extend(routes.iter().map(|route| (function.name, probe::request(route)))),
            Trigger::Unmatched => requests.extend(probe::event(function).map(|event| (function.name, event))),
            _ => {}
        }
    }
    requests
}

async fn invoke(aws: &AwsClients, stage: &Stage, function: &str, event: &Value) -> Value {
    let answer = aws.invoke(&stage.physical(function), ALIAS, event, TIMEOUT).await;
    let answer = answer.unwrap_or_else(|error| panic!("{function} {event}: {error:#}"));
    assert_eq!(refusal(&answer), None, "{function} {event}");
    answer
}

/// What a load balancer would refuse of an answer.
fn refusal(answer: &Value) -> Option<String> {
    let object = answer.as_object()?;
    let known = ["statusCode", "statusDescription", "multiValueHeaders", "isBase64Encoded", "body"];
    let unknown = object.keys().find(|key| !known.contains(&key.as_str()));
    let lists = object["multiValueHeaders"].as_object()?.values();
    let are_lists =
        lists.flat_map(|values| values.as_array().cloned().unwrap_or(vec![Value::Null])).all(|v| v.is_string());
    if let Some(key) = unknown {
        return Some(format!("an unknown key {key}"));
    }
    if !are_lists || object.get("body").is_some_and(|body| !body.is_string()) {
        return Some(format!("headers or a body of another type: {answer}"));
    }
    (answer.to_string().len() > 1_000_000).then(|| "more than 1 MB".to_owned())
}

fn with_headers(event: &Value, headers: &[(&str, &str)]) -> Value {
    let mut event = event.clone();
    for (name, value) in headers {
        event["multiValueHeaders"][*name] = json!([value]);
    }
    event
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn head_and_a_conditional_get_of_every_route_leave_without_a_body() {
    let stage = Stage::load("local").unwrap();
    let endpoint = env::var("ANAQUEL_ENDPOINT").expect("`cargo bookstore test` runs this");
    let aws = AwsClients::local(&stage, endpoint.rsplit(':').next().unwrap().parse().unwrap());
    let (mut heads, mut not_modified) = (0, 0);
    for (function, event) in requests() {
        for encoding in ["identity", "gzip", "br"] {
            let event = with_headers(&event, &[("accept-encoding", encoding)]);
            let got = invoke(&aws, &stage, function, &event).await;
            assert!(got["body"].is_string(), "{function}: {got}");
            if event["httpMethod"] != "GET" {
                continue;
            }

            let mut head = event.clone();
            head["httpMethod"] = "HEAD".into();
            let head = invoke(&aws, &stage, function, &head).await;
            assert_eq!(head["statusCode"], got["statusCode"], "{function} {event}");
            assert_eq!(head.get("body"), None, "{function} {event}");
            let header = |answer: &Value, name: &str| answer["multiValueHeaders"][name].clone();
            for name in ["content-type", "vary", "content-encoding", "cache-control"] {
                assert_eq!(header(&head, name), header(&got, name), "{name} of {function} {event}");
            }
            assert!(header(&head, "content-length")[0].is_string(), "{function} {head}");
            heads += 1;

            // What check-health measures is another each time, and so is the key in a form.
            let stays = !["check-health", "submit-contact"].contains(&function);
            let Some(tag) = got["multiValueHeaders"]["etag"][0].as_str().filter(|_| stays) else {
                continue;
            };
            assert_eq!(header(&head, "etag")[0], tag, "{function} {event}");
            let again = invoke(&aws, &stage, function, &with_headers(&event, &[("if-none-match", tag)])).await;
            assert_eq!((&again["statusCode"], again.get("body")), (&json!(304), None), "{function} {event}");
            not_modified += 1;
        }
    }
    assert!(heads >= 60 && not_modified >= 30, "{heads} times HEAD, {not_modified} times 304");
}
