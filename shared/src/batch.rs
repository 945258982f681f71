//! What the consumers of queues share: the answer to a batch, of which Lambda deletes what is not named, its status, and how
//! often a message was delivered.

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsMessage};

use crate::metrics::InvocationStatus;

/// The answer to a batch: these messages are delivered again, and the queue deletes the others.
pub fn retried(messages: impl IntoIterator<Item = SqsMessage>) -> SqsBatchResponse {
    let mut response = SqsBatchResponse::default();
    for message in messages {
        let mut failure = BatchItemFailure::default();
        failure.item_identifier = message.message_id.unwrap_or_default();
        response.batch_item_failures.push(failure);
    }
    response
}

/// A batch succeeds only if no message of it is delivered again.
pub fn status(batch: &SqsBatchResponse) -> InvocationStatus {
    if batch.batch_item_failures.is_empty() { InvocationStatus::Ok } else { InvocationStatus::Unavailable }
}

/// How often the queue has delivered the message, this time included; also with neighbours that failed, and during
/// outages.
pub fn deliveries(message: &SqsMessage) -> u32 {
    message.attributes.get("ApproximateReceiveCount").and_then(|count| count.parse().ok()).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_answer_names_the_messages_that_are_delivered_again_and_a_batch_with_any_has_not_succeeded() {
        for (ids, is_ok) in [(vec![], true), (vec!["a"], false), (vec!["a", "b"], false)] {
            let messages = ids.iter().map(|id| serde_json::from_value(json!({ "messageId": id })).unwrap());
            let response = retried(messages);
            let failures: Vec<_> = ids.iter().map(|id| json!({ "itemIdentifier": id })).collect();
            assert_eq!(serde_json::to_value(&response).unwrap(), json!({ "batchItemFailures": failures }));
            assert_eq!(matches!(status(&response), InvocationStatus::Ok), is_ok, "{ids:?}");
        }
    }

    #[test]
    fn deliveries_are_those_that_sqs_counted() {
        for (attributes, count) in [
            (json!({ "ApproximateReceiveCount": "5" }), 5),
            (json!({ "ApproximateReceiveCount": "many" }), 1),
            (json!({}), 1),
        ] {
            let message: SqsMessage = serde_json::from_value(json!({ "attributes": attributes })).unwrap();
            assert_eq!(deliveries(&message), count, "{attributes}");
        }
    }
}
