//! The page that visitors get while the load balancer's region or the shop is away: Route 53 checks `/health`, and leads the shop's name to
//! a distribution of the page that says so. A bucket's own website would not speak HTTPS.

use stratosphere::services::aws::cloudfront;
use stratosphere::services::aws::cloudfront::distribution as parts;
use stratosphere::services::aws::route53::{self, healthcheck, recordset};

use super::distribution::{self, UNAVAILABLE_PATH};
use super::{Kind, Stack};
use crate::stage::{Domain, Stage};
use crate::template::{Id, list};

/// The hosted zone of all distributions.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-route53-aliastarget-1.html>
const CLOUDFRONT_ZONE: &str = "Z2FDTNDATAQYW2";
/// Regions of the checkers, the least number, because each of their requests invokes a function.
const CHECKERS: [&str; 3] = ["eu-west-1", "us-east-1", "us-west-2"];
/// Failed checks until Route 53 leads visitors to the page: a minute and a half.
const FAILURES: i32 = 3;
const INTERVAL_SECONDS: i32 = 30;
/// What S3 answers for a file that is not there, to a reader who may not list the bucket, and `CloudFront` to methods that write.
const NOT_THERE: [i32; 2] = [403, 404];

/// The output of the app stack with the health check.
pub const HEALTH_CHECK: &str = "HealthCheckId";

/// Adds the health check of the shop, which asks the load balancer by its own name.
pub fn add_health_check(stack: &mut Stack, load_balancer: Id) -> Id {
    let config = healthcheck::HealthCheckConfig! {
        r#type: "HTTPS",
        fully_qualified_domain_name: load_balancer.att("DNSName"),
        port: 443,
        resource_path: "/health",
        enable_sni: true,
        request_interval: INTERVAL_SECONDS,
        failure_threshold: FAILURES,
        regions: list(CHECKERS),
    };
    let check = stack.template.add("HealthCheck", route53::HealthCheck! { health_check_config: config });
    stack.template.output(HEALTH_CHECK, check);
    check
}

/// Adds the distribution of the page under the shop's name, and the record that leads to it while the health check fails.
pub fn add_page(stack: &mut Stack, stage: &Stage, domain: &Domain, certificate: Id, primary: Id) {
    let bucket = stack.input(Kind::Data, "UnavailablePageDomain", "String");
    let template = &mut stack.template;
    let access = distribution::origin_access_control(template, stage);
    let away = |code: i32| {
        parts::CustomErrorResponse! {
            error_code: code,
            error_caching_min_ttl: 0.0,
            response_code: 503,
            response_page_path: UNAVAILABLE_PATH,
        }
    };
    let page = template.add(
        "UnavailableDistribution",
        cloudfront::Distribution! {
            distribution_config: parts::DistributionConfig! {
                comment: stage.physical("unavailable").as_str(),
                enabled: true,
                http_version: "http2and3",
                ipv6_enabled: true,
                price_class: "PriceClass_100",
                aliases: list([domain.name.as_str()]),
                origins: vec![distribution::bucket_origin(bucket, access)],
                default_cache_behavior: distribution::page_behavior(),
                custom_error_responses: Vec::from(NOT_THERE.map(away)),
                viewer_certificate: parts::ViewerCertificate! {
                    acm_certificate_arn: certificate,
                    minimum_protocol_version: "TLSv1.2_2021",
                    ssl_support_method: "sni-only",
                },
            },
        },
    );
    let firewall = "It serves one page from a bucket and asks no function.";
    template.suppress(page, "CKV_AWS_68", firewall);
    let logs = "It has visitors only while the shop is away, and their requests have no other answer.";
    template.suppress(page, "CKV_AWS_86", logs);
    let record = template.add(
        "UnavailableRecord",
        route53::RecordSet! {
            hosted_zone_id: domain.zone.as_str(),
            name: domain.name.as_str(),
            r#type: "A",
            failover: "SECONDARY",
            set_identifier: "unavailable",
            alias_target: recordset::AliasTarget! {
                dns_name: page.att("DomainName"),
                hosted_zone_id: CLOUDFRONT_ZONE,
                evaluate_target_health: false,
            },
        },
    );
    template.add_dependency(record, primary);
}
