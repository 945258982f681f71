//! The import bucket: a CSV file uploaded below `incoming/` invokes the import function.

use stratosphere::services::aws::{lambda, s3};
use stratosphere::value::AWS_ACCOUNT_ID;

use super::bucket;
use super::wiring::Wiring;
use crate::routes::{Function, Queue};
use crate::stage::Stage;
use crate::template::{Id, RemovalPolicy, Template, logical_id, sub};

/// Adds the bucket with its notification, the permission to invoke the function, and the destination for failures.
pub fn add(template: &mut Template, stage: &Stage, wiring: &Wiring, function: &Function, alias: Id) {
    // After two retries or six hours, Lambda sends the event of a failed import to its dead-letter queue.
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
            source_arn: sub(&bucket::arn(stage, "imports")),
        },
    );
    template.suppress(
        permission,
        "W9002",
        "The bucket is created after this permission, so its ARN is not available and the permission uses its name.",
    );

    let mut imports = bucket::private(&bucket::name(stage, "imports"));
    imports.notification_configuration = Some(s3::bucket::NotificationConfiguration! {
        lambda_configurations: vec![s3::bucket::LambdaConfiguration! {
            event: "s3:ObjectCreated:*",
            function: alias,
            filter: s3::bucket::NotificationFilter! {
                s3_key: s3::bucket::S3KeyFilter! {
                    rules: vec![
                        s3::bucket::FilterRule! { name: "prefix", value: "incoming/" },
                        s3::bucket::FilterRule! { name: "suffix", value: ".csv" },
                    ],
                },
            },
        }],
    });
    let mut lifecycle = bucket::lifecycle();
    lifecycle.expiration_in_days = Some(90);
    imports.lifecycle_configuration = Some(s3::bucket::LifecycleConfiguration! { rules: vec![lifecycle] });
    let bucket = bucket::add(template, "ImportBucket", imports);
    template.add_dependency(bucket, permission);
    if stage.protect {
        template.set_removal_policy(bucket, RemovalPolicy::RetainExceptOnCreate);
    }
    template.output("ImportBucket", bucket);
}
