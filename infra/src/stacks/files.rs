//! The bucket of files: covers and sample chapters. An upload below `uploads/` invokes the function that checks it, and writes what
//! the shop would serve below `checked/`; when a book has a file, it is copied to `covers/` or `samples/`.

use shared::parameters::Parameter;
use stratosphere::services::aws::s3;

use super::wiring::Wiring;
use super::{bucket, bucket_event, parameter};
use crate::routes::Function;
use crate::stage::Stage;
use crate::template::{Id, RemovalPolicy, Template};

/// Days for which uploads, checked files and results are kept: the time for a second look at a refused file. S3 counts from the
/// next midnight.
const KEEP_UPLOADS_DAYS: i32 = 3;

/// Adds the bucket with its notification.
pub fn add(template: &mut Template, stage: &Stage, wiring: &Wiring, function: &Function, alias: Id) {
    let permission = bucket_event::add(template, stage, wiring, function, alias, "files");
    let mut files = bucket::private(&bucket::name(stage, "files"));
    files.notification_configuration = Some(bucket_event::notification(alias, &[&[("prefix", "uploads/")]]));
    // Files that the shop serves, below `covers/` and `samples/`, are kept until no book has them any more.
    let expire = |id: &str, prefix: &str| -> s3::bucket::Rule_ {
        s3::bucket::Rule! {
            id: id,
            status: "Enabled",
            prefix: prefix,
            expiration_in_days: KEEP_UPLOADS_DAYS,
            // In a versioned bucket, expiration only makes an object noncurrent; this deletes it.
            noncurrent_version_expiration: s3::bucket::NoncurrentVersionExpiration! { noncurrent_days: 1 },
        }
    };
    // With what is left of a removed file once its versions have expired.
    let mut removed = bucket::lifecycle();
    removed.expired_object_delete_marker = Some(true.into());
    let rules = vec![
        removed,
        expire("ExpireUploads", "uploads/"),
        expire("ExpireChecked", "checked/"),
        expire("ExpireResults", "results/"),
    ];
    files.lifecycle_configuration = Some(s3::bucket::LifecycleConfiguration! { rules: rules });
    let bucket = bucket::add(template, "FilesBucket", files);
    template.add_dependency(bucket, permission);
    if stage.protect {
        template.set_removal_policy(bucket, RemovalPolicy::RetainExceptOnCreate);
    }
    template.output("FilesBucket", bucket);
    parameter(template, stage, Parameter::FilesBucket, bucket);
}
