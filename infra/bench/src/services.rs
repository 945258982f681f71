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
        "AmazonSQS.ChangeMessageVisibilityBatch" => {
            let request: Value = serde_json::from_slice(body).ok()?;
            let changed = request["Entries"].as_array()?.iter().map(|entry| json!({ "Id": entry["Id"] }));
            Some(json!({ "Successful": changed.collect::<Vec<_>>(), "Failed": [] }))
        }
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

    #[test]
    fn each_entry_of_a_batch_of_visibility_timeouts_is_changed() {
        let call = json!({ "QueueUrl": "q", "Entries": [{ "Id": "0" }, { "Id": "1" }] }).to_string();
        let changed = respond("AmazonSQS.ChangeMessageVisibilityBatch", call.as_bytes(), &Parameters::default());
        assert_eq!(changed, Some(json!({ "Successful": [{ "Id": "0" }, { "Id": "1" }], "Failed": [] })));
    }
}
