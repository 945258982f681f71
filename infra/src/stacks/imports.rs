//! The import bucket: a CSV file uploaded below `incoming/` or `previews/` invokes the import function.

use shared::{
    parameters::Parameter,
    staff::{PREVIEW_DAYS, PREVIEWS},
};
use stratosphere::services::aws::s3;

use super::wiring::Wiring;
use super::{bucket, bucket_event, parameter};
use crate::routes::Function;
use crate::stage::Stage;
use crate::template::{Id, RemovalPolicy, Template};

/// Adds the bucket with its notification.
pub fn add(template: &mut Template, stage: &Stage, wiring: &Wiring, function: &Function, alias: Id) {
    let permission = bucket_event::add(template, stage, wiring, function, alias, "imports");
    let mut imports = bucket::private(&bucket::name(stage, "imports"));
    let csv = |prefix| [("prefix", prefix), ("suffix", ".csv")];
    let filters: [&[_]; 2] = [&csv("incoming/"), &csv(PREVIEWS)];
    imports.notification_configuration = Some(bucket_event::notification(alias, &filters));
    let mut lifecycle = bucket::lifecycle();
    lifecycle.expiration_in_days = Some(90);
    let previews = s3::bucket::Rule! {
        id: "ExpirePreviews",
        status: "Enabled",
        prefix: PREVIEWS,
        expiration_in_days: PREVIEW_DAYS,
        noncurrent_version_expiration: s3::bucket::NoncurrentVersionExpiration! { noncurrent_days: 1 },
    };
    imports.lifecycle_configuration = Some(s3::bucket::LifecycleConfiguration! { rules: vec![lifecycle, previews] });
    let bucket = bucket::add(template, "ImportBucket", imports);
    template.add_dependency(bucket, permission);
    if stage.protect {
        template.set_removal_policy(bucket, RemovalPolicy::RetainExceptOnCreate);
    }
    template.output("ImportBucket", bucket);
    parameter(template, stage, Parameter::ImportBucket, bucket);
}
