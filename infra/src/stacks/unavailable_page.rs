//! The private bucket of the page that CloudFront shows while the load balancer is away. Every stage on AWS has it, also
//! without a distribution, so that a change of `https` removes no bucket.

use serde_json::json;
use stratosphere::services::aws::s3;

use super::bucket;
use crate::stage::Stage;
use crate::template::{Template, sub};

/// Adds the bucket, which only CloudFront may read, for distributions of this account.
pub fn add(template: &mut Template, stage: &Stage) {
    let mut page = bucket::private(&bucket::name(stage, "unavailable-page"));
    page.lifecycle_configuration = Some(s3::bucket::LifecycleConfiguration! { rules: vec![bucket::lifecycle()] });
    let objects = bucket::arn(stage, "unavailable-page") + "/*";
    let distributions = "arn:${AWS::Partition}:cloudfront::${AWS::AccountId}:distribution/*";
    let statement = json!({
        "Sid": "CloudFrontReads",
        "Effect": "Allow",
        "Principal": { "Service": "cloudfront.amazonaws.com" },
        "Action": "s3:GetObject",
        "Resource": sub(&objects),
        "Condition": { "ArnLike": { "aws:SourceArn": sub(distributions) } },
    });
    let bucket = bucket::add_with_statements(template, "UnavailablePage", page, [statement]);
    template.output("UnavailablePageBucket", bucket);
    template.output("UnavailablePageDomain", bucket.att("RegionalDomainName"));
}
