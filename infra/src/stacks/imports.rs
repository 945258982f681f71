//! The bucket for imports: a CSV file put below `incoming/` starts the function that reads it.

use stratosphere::services::aws::{lambda, s3};
use stratosphere::value::AWS_ACCOUNT_ID;

use super::bucket;
use super::wiring::Wiring;
use crate::routes::Function;
use crate::stage::Stage;
use crate::template::{Id, Keep, Template, logical, sub};

pub fn add(template: &mut Template, stage: &Stage, wiring: &Wiring, function: &Function, alias: Id) {
    // What S3 started and Lambda gives up, after two more tries or six hours, comes to rest with the other dead letters.
    let given_up = template.add(
        logical(function.name) + "GivenUp",
        lambda::EventInvokeConfig! {
            function_name: stage.physical(function.name).as_str(),
            qualifier: "live",
            destination_config: lambda::eventinvokeconfig::DestinationConfig! {
                on_failure: lambda::eventinvokeconfig::OnFailure! { destination: wiring.parked },
            },
        },
    );
    template.after(given_up, alias);

    let permission = template.add(
        logical(function.name) + "Permission",
        lambda::Permission! {
            action: "lambda:InvokeFunction",
            function_name: alias,
            principal: "s3.amazonaws.com",
            source_account: AWS_ACCOUNT_ID,
            // By name: the bucket refers to the function, and S3 asks it when the bucket is made.
            source_arn: sub(&bucket::arn(stage, "imports")),
        },
    );
    template.excuse(permission, "W9002", "The bucket has a name before it is made, and an ARN only afterwards.");

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
    template.after(bucket, permission);
    if stage.protect {
        template.keep(bucket, Keep::RetainExceptOnCreate);
    }
    template.output("ImportBucket", bucket);
}
