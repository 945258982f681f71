//! What AWS's services answer, so far as functions ask: from memory, so that no emulator is in what is measured.

use serde_json::{Value, json};

use crate::Parameters;

/// None for a call that no function makes when it is measured. Nothing is kept: what is sent to a queue is gone.
pub fn answer(target: &str, body: &[u8], parameters: &Parameters) -> Option<Value> {
    match target {
        "AmazonSSM.GetParameters" => {
            let asked: Value = serde_json::from_slice(body).ok()?;
            let names = asked["Names"].as_array()?.iter().filter_map(Value::as_str);
            let known = names.filter_map(|name| Some(json!({ "Name": name, "Value": parameters.0.get(name)? })));
            Some(json!({ "Parameters": known.collect::<Vec<_>>() }))
        }
        "AmazonSQS.SendMessage" => Some(json!({ "MessageId": "bench" })),
        "AmazonSQS.GetQueueAttributes" => Some(json!({ "Attributes": { "ApproximateNumberOfMessages": "0" } })),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_the_parameters_those_that_are_there_are_given() {
        let parameters = Parameters([("/a/b".to_owned(), "1".to_owned())].into());
        let given = answer("AmazonSSM.GetParameters", br#"{"Names":["/a/b","/a/c"]}"#, &parameters);
        assert_eq!(given, Some(json!({ "Parameters": [{ "Name": "/a/b", "Value": "1" }] })));
        assert_eq!(answer("AmazonSSM.PutParameter", b"{}", &parameters), None);
    }
}
