//! In-memory responses of AWS services, so that measurements contain no emulator.

use serde_json::{Value, json};

use crate::Parameters;

/// The response to a call with this `X-Amz-Target`; none for actions that no measured function calls. Messages are dropped.
pub fn respond(target: &str, body: &[u8], parameters: &Parameters) -> Option<Value> {
    match target {
        "AmazonSSM.GetParameters" => {
            let request: Value = serde_json::from_slice(body).ok()?;
            let names = request["Names"].as_array()?.iter().filter_map(Value::as_str);
            let found = names.filter_map(|name| Some(json!({ "Name": name, "Value": parameters.0.get(name)? })));
            Some(json!({ "Parameters": found.collect::<Vec<_>>() }))
        }
        "AmazonSQS.SendMessage" => Some(json!({ "MessageId": "bench" })),
        "AmazonSQS.ChangeMessageVisibility" => Some(json!({})),
        "AmazonSQS.GetQueueAttributes" => Some(json!({ "Attributes": { "ApproximateNumberOfMessages": "0" } })),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn get_parameters_returns_the_existing_ones() {
        let parameters = Parameters([("/a/b".to_owned(), "1".to_owned())].into());
        let found = respond("AmazonSSM.GetParameters", br#"{"Names":["/a/b","/a/c"]}"#, &parameters);
        assert_eq!(found, Some(json!({ "Parameters": [{ "Name": "/a/b", "Value": "1" }] })));
        assert_eq!(respond("AmazonSSM.PutParameter", b"{}", &parameters), None);
    }
}
