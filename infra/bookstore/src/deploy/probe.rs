//! Probes: one harmless event for each kind of trigger, which a version must answer before it serves.

use infra::routes::{Function, Route, Trigger};
use serde_json::{Value, json};
use shared::staff::StaffTask;

/// The event; `None` for the function that a release invokes anyway.
pub fn event(function: &Function) -> Option<Value> {
    match function.trigger {
        Trigger::Http(routes) => routes.first().map(request),
        Trigger::Unmatched => Some(request(&Route { methods: &["GET"], path: "/", probe: "/nothing", rule_of: None })),
        Trigger::Messages(_) | Trigger::Imports | Trigger::Uploads => Some(json!({ "Records": [] })),
        Trigger::Staff => Some(json!(StaffTask::ListMessages { open: true, before: Some(0) })),
        Trigger::Release => None,
    }
}

/// The probe request of a route, as the load balancer sends it. A POST has no body and so no effect.
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

/// Why the response shows that the function cannot serve; `None` if it can. A 4xx response passes.
pub fn failure(function: &Function, answer: &Value) -> Option<String> {
    if !function.serves_http() {
        return None;
    }
    if answer.get("body").is_some_and(Value::is_null) {
        return Some("its response has the body null, which a load balancer rejects".to_owned());
    }
    match answer["statusCode"].as_u64() {
        Some(status) if status < 500 => None,
        Some(status) => Some(format!("status {status}: {}", answer["body"].as_str().unwrap_or_default())),
        None => Some(format!("no HTTP response: {answer}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use infra::routes::FUNCTIONS;

    #[test]
    fn every_function_except_the_migration_has_a_probe() {
        for function in FUNCTIONS {
            let asked = event(function).is_some();
            assert_eq!(asked, !matches!(function.trigger, Trigger::Release), "{}", function.name);
        }
    }

    #[test]
    fn a_404_passes_the_probe_and_a_503_fails_it() {
        let function = &FUNCTIONS[0];
        assert_eq!(failure(function, &json!({ "statusCode": 404 })), None);
        assert!(failure(function, &json!({ "statusCode": 503, "body": "away" })).is_some());
        assert!(failure(function, &json!({ "errorMessage": "boom" })).is_some());
        assert!(failure(function, &json!({ "statusCode": 200, "body": null })).is_some());
    }
}
