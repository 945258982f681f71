//! One harmless event for each kind of trigger: a version that answers it can serve.

use infra::routes::{Function, Route, Trigger};
use serde_json::{Value, json};
use shared::staff::StaffTask;

/// None for what a release invokes anyway.
pub fn event(function: &Function) -> Option<Value> {
    match function.trigger {
        Trigger::Http(routes) => routes.first().map(request),
        Trigger::Unmatched => Some(request(&Route { methods: &["GET"], path: "/", probe: "/nothing" })),
        Trigger::Submissions | Trigger::Imports => Some(json!({ "Records": [] })),
        Trigger::Staff => Some(json!(StaffTask::ListMessages { open: true, before: Some(0) })),
        Trigger::Release => None,
    }
}

/// As the load balancer sends it. What posts comes without a body, and so changes nothing.
pub fn request(route: &Route) -> Value {
    let (path, query) = route.probe.split_once('?').unwrap_or((route.probe, ""));
    let query: serde_json::Map<String, Value> =
        query.split('&').filter_map(|pair| pair.split_once('=')).map(|(k, v)| (k.to_owned(), json!([v]))).collect();
    json!({
        "requestContext": { "elb": { "targetGroupArn": "release" } },
        "httpMethod": route.methods[0],
        "path": path,
        "multiValueQueryStringParameters": query,
        "multiValueHeaders": { "host": ["release"], "user-agent": ["bookstore deploy"] },
        "body": "",
        "isBase64Encoded": false,
    })
}

/// Why the answer shows that the function cannot serve; none where it can. A 4xx is an answer.
pub fn complaint(function: &Function, answer: &Value) -> Option<String> {
    if !function.serves_http() {
        return None;
    }
    if answer.get("body").is_some_and(Value::is_null) {
        return Some("its answer has a body of null, which a load balancer takes for a broken one".to_owned());
    }
    match answer["statusCode"].as_u64() {
        Some(status) if status < 500 => None,
        Some(status) => Some(format!("it answers {status}: {}", answer["body"].as_str().unwrap_or_default())),
        None => Some(format!("it gives no HTTP answer: {answer}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use infra::routes::FUNCTIONS;

    #[test]
    fn every_function_but_the_migration_can_be_asked() {
        for function in FUNCTIONS {
            let asked = event(function).is_some();
            assert_eq!(asked, !matches!(function.trigger, Trigger::Release), "{}", function.name);
        }
    }

    #[test]
    fn a_404_is_an_answer_and_a_503_is_none() {
        let function = &FUNCTIONS[0];
        assert_eq!(complaint(function, &json!({ "statusCode": 404 })), None);
        assert!(complaint(function, &json!({ "statusCode": 503, "body": "away" })).is_some());
        assert!(complaint(function, &json!({ "errorMessage": "boom" })).is_some());
        assert!(complaint(function, &json!({ "statusCode": 200, "body": null })).is_some());
    }
}
