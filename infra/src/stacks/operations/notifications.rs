//! Who is told: a topic that alarms and the budget write to, and the operator's address that hears it.

use serde_json::{Value, json};
use stratosphere::services::aws::budgets::{self, budget};
use stratosphere::services::aws::{kms, sns};
use stratosphere::value::AWS_ACCOUNT_ID;

use crate::stacks::only_over_tls;
use crate::stage::{Stage, Watch};
use crate::template::{Id, Template, arn, list, sub};

/// Those that write to the topic by themselves, and for what of ours.
fn writers(stage: &Stage) -> [(&'static str, Value); 2] {
    [
        ("cloudwatch.amazonaws.com", json!(arn("cloudwatch", &format!("alarm:{}", stage.physical("*"))))),
        ("budgets.amazonaws.com", json!(sub("arn:${AWS::Partition}:budgets::${AWS::AccountId}:*"))),
    ]
}

pub fn add(template: &mut Template, stage: &Stage, watch: &Watch) -> Id {
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
    if let Some(email) = &watch.email {
        template.add(
            "NoticesByMail",
            sns::Subscription! {
                topic_arn: topic,
                protocol: "email",
                endpoint: email.as_str(),
            },
        );
    }
    let budget = budget(template, watch, topic);
    template.after(budget, policy);
    topic
}

/// One of our own, for alarms cannot use the one that AWS keeps for topics. It follows the topic's policy whose words it
/// encrypts, so it need not say again which alarms.
/// <https://repost.aws/knowledge-center/cloudwatch-configure-alarm-sns>
fn key(template: &mut Template, stage: &Stage) -> Id {
    let services = writers(stage).map(|(service, _)| service);
    template.add(
        "NoticesKey",
        kms::Key! {
            description: format!("Encrypts what stage {} tells its operators", stage.name).as_str(),
            enable_key_rotation: true,
            key_policy: json!({
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Sid": "TheAccountDecides",
                        "Effect": "Allow",
                        "Principal": { "AWS": sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:root") },
                        "Action": "kms:*",
                        "Resource": "*",
                    },
                    {
                        "Sid": "WhoeverWritesEncrypts",
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
    statements.extend(writers(stage).map(|(service, source)| {
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

/// Of the account: what belongs to which stage AWS only knows where the account has activated tags for it.
fn budget(template: &mut Template, watch: &Watch, topic: Id) -> Id {
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
                // No name: other subscribers or thresholds replace the budget, and CloudFormation replaces none under its name.
                budget_type: "COST",
                time_unit: "MONTHLY",
                budget_limit: budget::Spend! { amount: watch.budget_usd, unit: "USD" },
            },
            notifications_with_subscribers: Vec::from(notifications),
        },
    )
}
