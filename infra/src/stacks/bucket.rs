//! S3 buckets with the settings that all buckets of the shop share: private, encrypted, TLS only.

use serde_json::Value;
use stratosphere::services::aws::s3;
use stratosphere::value::join;

use super::only_over_tls;
use crate::stage::Stage;
use crate::template::{Id, Template, sub};

/// Name of a bucket, as a `Fn::Sub` pattern. Bucket names are global, so it ends with account and region.
pub fn name(stage: &Stage, purpose: &str) -> String {
    stage.physical(purpose) + "-${AWS::AccountId}-${AWS::Region}"
}

/// ARN of a bucket, as a `Fn::Sub` pattern, for policies that name the bucket before it exists.
pub fn arn(stage: &Stage, purpose: &str) -> String {
    "arn:${AWS::Partition}:s3:::".to_owned() + &name(stage, purpose)
}

/// An encrypted, versioned bucket without public access.
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

/// Deletes noncurrent versions after 30 days and incomplete uploads after a day.
pub fn lifecycle() -> s3::bucket::Rule_ {
    s3::bucket::Rule! {
        id: "ExpireNoncurrentVersions",
        status: "Enabled",
        noncurrent_version_expiration: s3::bucket::NoncurrentVersionExpiration! { noncurrent_days: 30 },
        abort_incomplete_multipart_upload: s3::bucket::AbortIncompleteMultipartUpload! { days_after_initiation: 1 },
    }
}

/// Adds the bucket and its policy, which requires TLS.
pub fn add(template: &mut Template, id: &str, bucket: s3::Bucket_) -> Id {
    add_with_statements(template, id, bucket, None)
}

/// Adds the bucket and its policy, with further statements that grant access to AWS services.
pub fn add_with_statements(
    template: &mut Template,
    id: &str,
    bucket: s3::Bucket_,
    statements: impl IntoIterator<Item = Value>,
) -> Id {
    let bucket = template.add(id, bucket);
    let reason = "Only the shop's functions and people with deploy permissions have access, which only a trail with data events \
         would record.";
    template.suppress(bucket, "CKV_AWS_18", reason);
    let objects = join("/", [bucket.att("Arn"), "*".into()]);
    let mut policy = only_over_tls("s3:*", [bucket.att("Arn"), objects]);
    policy["Statement"].as_array_mut().expect("a list").extend(statements);
    template.add(
        format!("{id}Policy"),
        s3::BucketPolicy! {
            bucket: bucket,
            policy_document: policy,
        },
    );
    bucket
}
