//! Notifications: the SNS topic of alarms and budget, its encryption key, the operator's subscription, and the budget.

use serde_json::{Value, json};
use stratosphere::services::aws::budgets::{self, budget};
use stratosphere::services::aws::{kms, sns};
use stratosphere::value::AWS_ACCOUNT_ID;

use crate::stacks::only_over_tls;
use crate::stage::{Monitoring, Stage};
use crate::template::{Id, Template, arn, list, sub};

/// AWS services that publish to the topic, each with the ARNs of its sources.
fn publishers(stage: &Stage) -> [(&'static str, Value); 2] {
    [
        ("cloudwatch.amazonaws.com", json!(arn("cloudwatch", &format!("alarm:{}", stage.physical("*"))))),
        ("budgets.amazonaws.com", json!(sub("arn:${AWS::Partition}:budgets::${AWS::AccountId}:*"))),
    ]
}

/// Adds the topic with its subscription and budget, and returns the topic.
pub fn add(template: &mut Template, stage: &Stage, monitoring: &Monitoring) -> Id {
    let key = key(template, stage);
    let topic = template.add(
        "Notices",
        sns::Topic! {
            topic_name: stage.physical("notices").as_str(),
            kms_master_key_id: key,
        },
    );
    let policy = template.add(
        "NoticesPolicy",
        sns::TopicPolicy! {
            topics: list([topic]),
            policy_document: policy(stage, topic),
        },
    );
    if let Some(email) = &monitoring.email {
        template.add(
            "NoticesByMail",
            sns::Subscription! {
                topic_arn: topic,
                protocol: "email",
                endpoint: email.as_str(),
            },
        );
    }
    let budget = budget(template, monitoring, topic);
    template.add_dependency(budget, policy);
    topic
}

/// A customer managed key, because alarms cannot use AWS's key for topics. The topic's policy restricts the sources, so
/// the key's policy does not.
/// <https://repost.aws/knowledge-center/cloudwatch-configure-alarm-sns>
fn key(template: &mut Template, stage: &Stage) -> Id {
    let services = publishers(stage).map(|(service, _)| service);
    template.add(
        "NoticesKey",
        kms::Key! {
            description: format!("Encrypts the notifications of stage {}", stage.name).as_str(),
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

fn policy(stage: &Stage, topic: Id) -> Value {
    let mut policy = only_over_tls("sns:Publish", topic);
    let statements = policy["Statement"].as_array_mut().expect("statements");
    statements.extend(publishers(stage).map(|(service, source)| {
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

/// Adds the budget of the whole account. A budget for one stage would need activated cost allocation tags.
fn budget(template: &mut Template, monitoring: &Monitoring, topic: Id) -> Id {
    let notifications = [("ACTUAL", 50.0), ("ACTUAL", 80.0), ("ACTUAL", 100.0), ("FORECASTED", 100.0)];
    let notifications = notifications.map(|(r#type, percent)| -> budget::NotificationWithSubscribers_ {
        budget::NotificationWithSubscribers! {
            notification: budget::Notification! {
                comparison_operator: "GREATER_THAN",
                notification_type: r#type,
                threshold: percent,
                threshold_type: "PERCENTAGE",
            },
            subscribers: vec![budget::Subscriber! { address: topic, subscription_type: "SNS" }],
        }
    });
    template.add(
        "Budget",
        budgets::Budget! {
            budget: budget::BudgetData! {
                // No name, because a change of subscribers or thresholds replaces the budget, which needs another name.
                budget_type: "COST",
                time_unit: "MONTHLY",
                budget_limit: budget::Spend! { amount: monitoring.budget_usd, unit: "USD" },
            },
            notifications_with_subscribers: Vec::from(notifications),
        },
    )
}
