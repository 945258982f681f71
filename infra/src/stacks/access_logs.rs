//! Where the load balancer writes down every request. It is among the data, for it outlives the load balancer, which
//! goes on writing until it is gone.

use serde_json::json;
use stratosphere::services::aws::s3;

use super::bucket;
use crate::stage::Stage;
use crate::template::{Template, sub};

pub fn add(template: &mut Template, stage: &Stage) {
    let mut logs = bucket::private(&bucket::name(stage, "access-logs"));
    logs.lifecycle_configuration = Some(s3::bucket::LifecycleConfiguration! {
        rules: vec![s3::bucket::Rule! {
            // They hold the addresses of visitors.
            id: "ForgetVisitors",
            status: "Enabled",
            expiration_in_days: i32::from(stage.log_retention_days),
            // In a bucket with versions, what has expired is a version that nobody sees, until this removes it.
            noncurrent_version_expiration: s3::bucket::NoncurrentVersionExpiration! { noncurrent_days: 1 },
            abort_incomplete_multipart_upload: s3::bucket::AbortIncompleteMultipartUpload! { days_after_initiation: 1 },
        }],
    });
    // AWS puts the account into the path, so no load balancer of anybody else's writes here.
    let ours = bucket::arn(stage, "access-logs") + "/AWSLogs/${AWS::AccountId}/*";
    let writes = json!({
        "Sid": "LoadBalancerWrites",
        "Effect": "Allow",
        "Principal": { "Service": "logdelivery.elasticloadbalancing.amazonaws.com" },
        "Action": "s3:PutObject",
        "Resource": sub(&ours),
    });
    let bucket = bucket::add_open_to(template, "AccessLogs", logs, [writes]);
    template.output("AccessLogs", bucket);
}
