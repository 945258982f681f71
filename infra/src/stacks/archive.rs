//! The archive of messages that were decided, from which a restored database gets what it lacks. It is part of the data stack,
//! because it must outlast the functions.

use shared::{
    archive::{KEEP_DAYS, KEEP_VERSIONS_DAYS},
    parameters::Parameter,
};
use stratosphere::services::aws::s3;

use super::{bucket, parameter};
use crate::stage::Stage;
use crate::template::{RemovalPolicy, Template};

/// Adds the bucket.
pub fn add(template: &mut Template, stage: &Stage) {
    let mut archive = bucket::private(&bucket::name(stage, "archive"));
    let (days, days_of_versions) = (i32::from(KEEP_DAYS), i32::from(KEEP_VERSIONS_DAYS));
    archive.lifecycle_configuration = Some(s3::bucket::LifecycleConfiguration! {
        rules: vec![
            s3::bucket::Rule! {
                // Messages have all that visitors typed.
                id: "ExpireMessages",
                status: "Enabled",
                expiration_in_days: days,
            },
            // Apart, because S3 refuses an expiration beside the removal of the markers that it leaves.
            s3::bucket::Rule! {
                id: "RemoveVersionsAndMarkers",
                status: "Enabled",
                expired_object_delete_marker: true,
                // In a versioned bucket, expiration only makes an object noncurrent.
                noncurrent_version_expiration: s3::bucket::NoncurrentVersionExpiration! { noncurrent_days: days_of_versions },
                abort_incomplete_multipart_upload: s3::bucket::AbortIncompleteMultipartUpload! { days_after_initiation: 1 },
            },
        ],
    });
    let bucket = bucket::add(template, "ArchiveBucket", archive);
    if stage.protect {
        template.set_removal_policy(bucket, RemovalPolicy::RetainExceptOnCreate);
    }
    template.output("ArchiveBucket", bucket);
    parameter(template, stage, Parameter::ArchiveBucket, bucket);
}
