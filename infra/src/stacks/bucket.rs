//! Buckets as all of ours are: private, encrypted, reached over TLS only.

use serde_json::Value;
use stratosphere::services::aws::s3;
use stratosphere::value::join;

use super::only_over_tls;
use crate::stage::Stage;
use crate::template::{Id, Template, sub};

/// A pattern for `Fn::Sub`: bucket names are shared by all of AWS, so ours end in account and region.
pub fn name(stage: &Stage, purpose: &str) -> String {
    stage.physical(purpose) + "-${AWS::AccountId}-${AWS::Region}"
}

/// Its ARN, another pattern, for what has to name the bucket before it is made.
pub fn arn(stage: &Stage, purpose: &str) -> String {
    "arn:${AWS::Partition}:s3:::".to_owned() + &name(stage, purpose)
}

/// Encrypted, closed to the public, and with every version of a file until `lifecycle` forgets it.
pub fn private(name: &str) -> s3::Bucket_ {
    s3::Bucket! {
        bucket_name: sub(name),
        bucket_encryption: s3::bucket::BucketEncryption! {
            server_side_encryption_configuration: vec![s3::bucket::ServerSideEncryptionRule! {
                server_side_encryption_by_default: s3::bucket::ServerSideEncryptionByDefault! { sse_algorithm: "AES256" },
            }],
        },
        ownership_controls: s3::bucket::OwnershipControls! {
            rules: vec![s3::bucket::OwnershipControlsRule! { object_ownership: "BucketOwnerEnforced" }],
        },
        public_access_block_configuration: s3::bucket::PublicAccessBlockConfiguration! {
            block_public_acls: true,
            block_public_policy: true,
            ignore_public_acls: true,
            restrict_public_buckets: true,
        },
        versioning_configuration: s3::bucket::VersioningConfiguration! { status: "Enabled" },
    }
}

/// What was replaced or removed goes after a month, what nobody finished uploading after a day.
pub fn lifecycle() -> s3::bucket::Rule_ {
    s3::bucket::Rule! {
        id: "ForgetWhatWasReplaced",
        status: "Enabled",
        noncurrent_version_expiration: s3::bucket::NoncurrentVersionExpiration! { noncurrent_days: 30 },
        abort_incomplete_multipart_upload: s3::bucket::AbortIncompleteMultipartUpload! { days_after_initiation: 1 },
    }
}

/// Adds the bucket and its policy.
pub fn add(template: &mut Template, id: &str, bucket: s3::Bucket_) -> Id {
    add_open_to(template, id, bucket, None)
}

/// The same for a bucket that somebody besides the account's own roles may use, as the statement says.
pub fn add_open_to(
    template: &mut Template,
    id: &str,
    bucket: s3::Bucket_,
    statement: impl IntoIterator<Item = Value>,
) -> Id {
    let bucket = template.add(id, bucket);
    let reason = "Only our functions and people with the right to deploy come in, and CloudTrail can tell who did.";
    template.excuse(bucket, "CKV_AWS_18", reason);
    let objects = join("/", [bucket.att("Arn"), "*".into()]);
    let mut policy = only_over_tls("s3:*", [bucket.att("Arn"), objects]);
    policy["Statement"].as_array_mut().expect("a list").extend(statement);
    template.add(
        format!("{id}Policy"),
        s3::BucketPolicy! {
            bucket: bucket,
            policy_document: policy,
        },
    );
    bucket
}
