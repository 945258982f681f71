//! The schedule that sends sweeps to the order queue: they expire orders that are due, and hand over mails.

use serde_json::json;
use stratosphere::services::aws::scheduler::schedule::{FlexibleTimeWindow, RetryPolicy, SqsParameters, Target};
use stratosphere::services::aws::{iam, scheduler};
use stratosphere::value::AWS_ACCOUNT_ID;

use super::permissions::{allow, policy_document};
use super::wiring::Wiring;
use crate::routes::Queue;
use crate::stage::Stage;
use crate::template::{Template, arn};

/// Scheduler's group of schedules that name none.
const GROUP: &str = "schedule-group/default";
/// The message group of sweeps: one of their own, so that an order that fails holds up none.
const MESSAGE_GROUP: &str = "sweeps";

/// Adds the schedule and its role.
pub fn add(template: &mut Template, stage: &Stage, wiring: &Wiring) {
    let queue = wiring.queue(Queue::Orders);
    let role = template.add(
        "SweepRole",
        iam::Role! {
            description: "Sends sweeps to the order queue",
            assume_role_policy_document: json!({
                "Version": "2012-10-17",
                "Statement": [{
                    "Effect": "Allow",
                    "Principal": { "Service": "scheduler.amazonaws.com" },
                    "Action": "sts:AssumeRole",
                    // Scheduler names the group of the schedule here, not the schedule:
                    // <https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html>.
                    "Condition": {
                        "StringEquals": { "aws:SourceAccount": AWS_ACCOUNT_ID },
                        "ArnEquals": { "aws:SourceArn": arn("scheduler", GROUP) },
                    },
                }],
            }),
            policies: vec![iam::role::Policy! {
                policy_name: "send-sweeps",
                policy_document: policy_document(&[allow(&["sqs:SendMessage"], queue)]),
            }],
        },
    );
    // The time makes each body another one: the queue drops a body that it has had within five minutes, as Scheduler sends
    // no deduplication id. A second attempt at the same time has the same body.
    let sweep = json!({ "kind": "sweep.v1", "scheduled_at": "<aws.scheduler.scheduled-time>" });
    template.add(
        "Sweep",
        scheduler::Schedule! {
            name: stage.physical("sweep").as_str(),
            description: "Expires orders that are due, and hands over mails that were not sent",
            schedule_expression: rate(stage.orders.sweep_minutes).as_str(),
            flexible_time_window: FlexibleTimeWindow! { mode: "OFF" },
            target: Target! {
                arn: queue,
                role_arn: role.att("Arn"),
                input: sweep.to_string().as_str(),
                sqs_parameters: SqsParameters! { message_group_id: MESSAGE_GROUP },
                // The next sweep does the same.
                retry_policy: RetryPolicy! { maximum_retry_attempts: 0.0 },
            },
        },
    );
}

/// Scheduler's expression: `rate(1 minute)`, `rate(5 minutes)`.
fn rate(minutes: u16) -> String {
    let unit = if minutes == 1 { "minute" } else { "minutes" };
    format!("rate({minutes} {unit})")
}
