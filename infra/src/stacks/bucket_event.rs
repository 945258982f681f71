//! A function that the objects of a bucket invoke: the notification, the permission for S3, and the destination of failures.

use stratosphere::services::aws::{lambda, s3};
use stratosphere::value::AWS_ACCOUNT_ID;

use super::bucket;
use super::wiring::Wiring;
use crate::routes::{Function, Queue};
use crate::stage::Stage;
use crate::template::{Id, Template, logical_id, sub};

/// Adds the destination of failures, and the permission to invoke the function, which is returned: the bucket depends on it.
pub fn add(
    template: &mut Template,
    stage: &Stage,
    wiring: &Wiring,
    function: &Function,
    alias: Id,
    purpose: &str,
) -> Id {
    // After two retries or six hours, Lambda sends the event of a failed invocation to their dead-letter queue.
    let failure_destination = template.add(
        logical_id(function.name) + "GivenUp",
        lambda::EventInvokeConfig! {
            function_name: stage.physical(function.name).as_str(),
            qualifier: "live",
            destination_config: lambda::eventinvokeconfig::DestinationConfig! {
                on_failure: lambda::eventinvokeconfig::OnFailure! { destination: wiring.queue(Queue::ImportDeadLetters) },
            },
        },
    );
    template.add_dependency(failure_destination, alias);

    let permission = template.add(
        logical_id(function.name) + "Permission",
        lambda::Permission! {
            action: "lambda:InvokeFunction",
            function_name: alias,
            principal: "s3.amazonaws.com",
            source_account: AWS_ACCOUNT_ID,
            // By name, because the bucket refers to the function, and S3 tests the permission when the bucket is created.
            source_arn: sub(&bucket::arn(stage, purpose)),
        },
    );
    template.suppress(
        permission,
        "W9002",
        "The bucket is created after this permission, so its ARN is not available and the permission uses its name.",
    );
    permission
}

/// The notification about new objects whose keys have the parts of one of these filters: `prefix`, `suffix`.
pub fn notification(alias: Id, filters: &[&[(&str, &str)]]) -> s3::bucket::NotificationConfiguration_ {
    let rule = |&(name, value): &(&str, &str)| -> s3::bucket::FilterRule_ {
        s3::bucket::FilterRule! { name: name, value: value }
    };
    let configuration = |filter: &&[(&str, &str)]| -> s3::bucket::LambdaConfiguration_ {
        s3::bucket::LambdaConfiguration! {
            event: "s3:ObjectCreated:*",
            function: alias,
            filter: s3::bucket::NotificationFilter! {
                s3_key: s3::bucket::S3KeyFilter! { rules: filter.iter().map(rule).collect::<Vec<_>>() },
            },
        }
    };
    s3::bucket::NotificationConfiguration! {
        lambda_configurations: filters.iter().map(configuration).collect::<Vec<_>>(),
    }
}
