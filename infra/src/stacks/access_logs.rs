//! The bucket for the access logs of the load balancer and of CloudFront. It is part of the data stack, because it must
//! exist until both are deleted.

use serde_json::json;
use stratosphere::services::aws::s3;

use super::{bucket, distribution};
use crate::stage::Stage;
use crate::template::{Template, sub};

/// Adds the bucket, which expires access logs with the stage's log retention.
pub fn add(template: &mut Template, stage: &Stage) {
    let mut logs = bucket::private(&bucket::name(stage, "access-logs"));
    logs.lifecycle_configuration = Some(s3::bucket::LifecycleConfiguration! {
        rules: vec![s3::bucket::Rule! {
            // Access logs contain visitors' IP addresses.
            id: "ExpireAccessLogs",
            status: "Enabled",
            expiration_in_days: i32::from(stage.log_retention_days),
            // In a versioned bucket, expiration only makes an object noncurrent; this deletes it.
            noncurrent_version_expiration: s3::bucket::NoncurrentVersionExpiration! { noncurrent_days: 1 },
            abort_incomplete_multipart_upload: s3::bucket::AbortIncompleteMultipartUpload! { days_after_initiation: 1 },
        }],
    });
    // The path contains the account, so load balancers of other accounts cannot write here.
    let own_path = bucket::arn(stage, "access-logs") + "/AWSLogs/${AWS::AccountId}/*";
    let statement = json!({
        "Sid": "LoadBalancerWrites",
        "Effect": "Allow",
        "Principal": { "Service": "logdelivery.elasticloadbalancing.amazonaws.com" },
        "Action": "s3:PutObject",
        "Resource": sub(&own_path),
    });
    let delivery = stage.has_cloudfront().then(|| distribution::allow_log_delivery(&own_path));
    let statements = [statement].into_iter().chain(delivery);
    let bucket = bucket::add_with_statements(template, "AccessLogs", logs, statements);
    template.output("AccessLogs", bucket);
}
