//! Notifications: the SNS topic of alarms and budget, its encryption key, the operator's subscription, and the budget.

use serde_json::json;
use stratosphere::services::aws::budgets::{self, budget};
use stratosphere::services::aws::sns;

use crate::stacks::topic::{self, Topic};
use crate::stage::{Monitoring, Stage};
use crate::template::{Id, Template, arn, sub};

/// Adds the topic with its subscription and budget, and returns the topic.
pub fn add(template: &mut Template, stage: &Stage, monitoring: &Monitoring) -> Id {
    let names = Topic {
        id: "Notices",
        physical: stage.physical("notices"),
        encrypts: format!("Encrypts the notifications of stage {}", stage.name),
        publishers: vec![
            ("cloudwatch.amazonaws.com", json!(arn("cloudwatch", &format!("alarm:{}", stage.physical("*"))))),
            ("budgets.amazonaws.com", json!(sub("arn:${AWS::Partition}:budgets::${AWS::AccountId}:*"))),
        ],
    };
    let (topic, policy) = topic::add(template, &names);
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
