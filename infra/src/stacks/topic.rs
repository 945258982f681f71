//! SNS topics to which only AWS services publish: each with an encryption key and a policy.

use serde_json::{Value, json};
use stratosphere::services::aws::{kms, sns};
use stratosphere::value::AWS_ACCOUNT_ID;

use super::only_over_tls;
use crate::template::{Id, Template, list, sub};

/// Names of a topic's resources.
pub struct Topic<'a> {
    /// Logical id, also of the policy (`<id>Policy`) and the key (`<id>Key`).
    pub id: &'a str,
    pub physical: String,
    /// Description of the key.
    pub encrypts: String,
    /// AWS services that publish to the topic, each with the ARNs of its sources.
    pub publishers: Vec<(&'static str, Value)>,
}

/// Adds the topic with its key and policy, and returns topic and policy. What makes a service publish depends on the
/// policy.
pub fn add(template: &mut Template, names: &Topic) -> (Id, Id) {
    let key = key(template, names);
    let topic = template.add(
        names.id,
        sns::Topic! {
            topic_name: names.physical.as_str(),
            kms_master_key_id: key,
        },
    );
    let policy = template.add(
        format!("{}Policy", names.id),
        sns::TopicPolicy! {
            topics: list([topic]),
            policy_document: policy(names, topic),
        },
    );
    (topic, policy)
}

/// A customer managed key, because other services cannot use AWS's key for topics. The topic's policy restricts the
/// sources, so the key's policy does not.
/// <https://repost.aws/knowledge-center/cloudwatch-configure-alarm-sns>,
/// <https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html>
fn key(template: &mut Template, names: &Topic) -> Id {
    let services: Vec<_> = names.publishers.iter().map(|(service, _)| service).collect();
    template.add(
        format!("{}Key", names.id),
        kms::Key! {
            description: names.encrypts.as_str(),
            enable_key_rotation: true,
            key_policy: json!({
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Sid": "AccountAdministersKey",
                        "Effect": "Allow",
                        "Principal": { "AWS": sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:root") },
                        "Action": "kms:*",
                        "Resource": "*",
                    },
                    {
                        "Sid": "PublishersEncrypt",
                        "Effect": "Allow",
                        "Principal": { "Service": services },
                        "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
                        "Resource": "*",
                    },
                ],
            }),
        },
    )
}

fn policy(names: &Topic, topic: Id) -> Value {
    let mut policy = only_over_tls("sns:Publish", topic);
    let statements = policy["Statement"].as_array_mut().expect("statements");
    statements.extend(names.publishers.iter().map(|(service, source)| {
        json!({
            "Effect": "Allow",
            "Principal": { "Service": service },
            "Action": "sns:Publish",
            "Resource": topic,
            "Condition": {
                "StringEquals": { "aws:SourceAccount": AWS_ACCOUNT_ID },
                "ArnLike": { "aws:SourceArn": source },
            },
        })
    }));
    policy
}
