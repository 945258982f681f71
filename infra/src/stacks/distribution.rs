//! CloudFront in front of the load balancer: HTTPS under CloudFront's own name, and a cache for assets and covers at the edge.
//! docs/decisions/0017-https-without-a-domain.md has the reasons.

use serde_json::json;
use stratosphere::services::aws::cloudfront::{self, distribution as parts};
use stratosphere::services::aws::logs;
use stratosphere::value::{ExpString, join};

use super::origin_secret::{HEADER, Part};
use super::{Kind, Stack};
use crate::stage::{CLOUDFRONT_REGION, Stage};
use crate::template::{Id, Template, list, sub};

/// The header with the visitor's address. The function at the edge overwrites what a visitor writes there.
pub const VIEWER_ADDRESS: &str = "x-anaquel-viewer-address";

/// Path of the page for visitors while the origin is away, in the bucket and at the distribution.
pub const UNAVAILABLE_PATH: &str = "/unavailable.html";

/// The page itself: no script, no other file, both languages.
pub const UNAVAILABLE_PAGE: &str = include_str!("unavailable.html");
/// The output of the app stack with the distribution's host name.
pub const HOST: &str = "DistributionHost";
const ALL_METHODS: [&str; 7] = ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"];

/// Logical ID of the distribution.
const DISTRIBUTION: &str = "Distribution";

const LOAD_BALANCER: &str = "load-balancer";
const BUCKET: &str = "unavailable-page";

/// AWS's managed policies, by id:
/// <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-cache-policies.html>.
const CACHING_DISABLED: &str = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad";
const CACHING_OPTIMIZED: &str = "658327ea-f89d-4fab-a63d-7e88639e58f6";
/// All headers with `Host`, all cookies, the whole query:
/// <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-origin-request-policies.html>.
const ALL_VIEWER: &str = "216adef6-5c7f-47e4-b989-5492eafa07d3";
/// HSTS, `nosniff`, no framing: <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-response-headers-policies.html>.
const SECURITY_HEADERS: &str = "67f7725c-6f97-4210-82d7-5512b31e9d03";

/// The errors that CloudFront would keep for ten seconds, and show to everybody, whatever cookie or language they came
/// from: <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/HTTPStatusCodes.html>.
const ERRORS: [i32; 11] = [400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504];
/// Errors that no function answers, so that the page replaces no answer of the shop: its own 500 and 503 have content.
const ORIGIN_IS_AWAY: [i32; 2] = [502, 504];

/// The fields of the access log. Cookies are left out.
const LOGGED: [&str; 17] = [
    "date",
    "time",
    "c-ip",
    "cs-method",
    "cs(Host)",
    "cs-uri-stem",
    "cs-uri-query",
    "sc-status",
    "cs(Referer)",
    "cs(User-Agent)",
    "x-edge-location",
    "x-edge-result-type",
    "x-edge-request-id",
    "sc-bytes",
    "time-taken",
    "ssl-protocol",
    "cs-protocol-version",
];

/// The shop's address at the distribution.
pub fn url() -> ExpString {
    join("", ["https://".into(), host()])
}

/// The distribution's host name.
pub fn host() -> ExpString {
    stratosphere::value::get_att(DISTRIBUTION, "DomainName")
}

/// Adds the distribution, whose origin is the load balancer.
pub fn add(stack: &mut Stack, stage: &Stage, load_balancer: Id) {
    let sent = stack.origin_secret(Part::Sent);
    let bucket = stack.input(Kind::Data, "UnavailablePageDomain", "String");
    let template = &mut stack.template;
    let access = origin_access_control(template, stage);
    let function = viewer_address(template, stage);
    let distribution = template.add(
        DISTRIBUTION,
        cloudfront::Distribution! {
            distribution_config: parts::DistributionConfig! {
                comment: stage.physical("shop").as_str(),
                enabled: true,
                http_version: "http2and3",
                ipv6_enabled: true,
                // Edges in Europe and North America, which cost the least; visitors elsewhere reach them too.
                price_class: "PriceClass_100",
                origins: vec![load_balancer_origin(load_balancer, sent), bucket_origin(bucket, access)],
                default_cache_behavior: parts::DefaultCacheBehavior! {
                    target_origin_id: LOAD_BALANCER,
                    viewer_protocol_policy: "redirect-to-https",
                    allowed_methods: list(ALL_METHODS),
                    cached_methods: list(["GET", "HEAD"]),
                    cache_policy_id: CACHING_DISABLED,
                    origin_request_policy_id: ALL_VIEWER,
                    function_associations: vec![at_viewer_request(function)],
                },
                cache_behaviors: vec![
                    immutable("/assets/*", function),
                    immutable("/covers/*", function),
                    parts::CacheBehavior! {
                        path_pattern: UNAVAILABLE_PATH,
                        target_origin_id: BUCKET,
                        viewer_protocol_policy: "redirect-to-https",
                        allowed_methods: list(["GET", "HEAD"]),
                        cached_methods: list(["GET", "HEAD"]),
                        cache_policy_id: CACHING_OPTIMIZED,
                        response_headers_policy_id: SECURITY_HEADERS,
                        compress: true,
                    },
                ],
                custom_error_responses: Vec::from(ERRORS.map(error_response)),
                viewer_certificate: parts::ViewerCertificate! { cloud_front_default_certificate: true },
            },
        },
    );
    let firewall = "The firewall of a stage is at the load balancer, where it sees every request to a function.";
    template.suppress(distribution, "CKV_AWS_68", firewall);
    let logs = "The access logs have a log delivery of their own, which checkov does not know.";
    template.suppress(distribution, "CKV_AWS_86", logs);
    let version = "With its default certificate CloudFront ignores a minimum version of TLS.";
    template.suppress(distribution, "CKV_AWS_174", version);
    template.output("DistributionId", distribution);
    template.output(HOST, host());
    if stage.region == CLOUDFRONT_REGION {
        access_logs(stack, stage, distribution);
    }
}

/// How the page is served where nothing else is.
pub(super) fn page_behavior() -> parts::DefaultCacheBehavior_ {
    parts::DefaultCacheBehavior! {
        target_origin_id: BUCKET,
        viewer_protocol_policy: "redirect-to-https",
        allowed_methods: list(["GET", "HEAD"]),
        cached_methods: list(["GET", "HEAD"]),
        cache_policy_id: CACHING_OPTIMIZED,
        response_headers_policy_id: SECURITY_HEADERS,
        compress: true,
    }
}

fn load_balancer_origin(load_balancer: Id, sent: Id) -> parts::Origin_ {
    parts::Origin! {
        id: LOAD_BALANCER,
        domain_name: load_balancer.att("DNSName"),
        // With AWS's three attempts of ten seconds a visitor would wait half a minute for the page that says so.
        connection_attempts: 2,
        connection_timeout: 5,
        custom_origin_config: parts::CustomOriginConfig! {
            http_port: 80,
            origin_protocol_policy: "http-only",
            // The load balancer closes an idle connection after 30 seconds.
            origin_keepalive_timeout: 25,
            origin_read_timeout: 30,
        },
        origin_custom_headers: vec![parts::OriginCustomHeader! { header_name: HEADER, header_value: sent }],
    }
}

pub(super) fn bucket_origin(bucket: Id, access: Id) -> parts::Origin_ {
    parts::Origin! {
        id: BUCKET,
        domain_name: bucket,
        origin_access_control_id: access,
        // Required, and empty with an origin access control.
        s3_origin_config: parts::S3OriginConfig! { origin_access_identity: "" },
    }
}

/// CloudFront signs its requests to the bucket.
pub(super) fn origin_access_control(template: &mut Template, stage: &Stage) -> Id {
    template.add(
        "UnavailablePageAccess",
        cloudfront::OriginAccessControl! {
            origin_access_control_config: cloudfront::originaccesscontrol::OriginAccessControlConfig! {
                name: stage.physical("unavailable-page").as_str(),
                origin_access_control_origin_type: "s3",
                signing_behavior: "always",
                signing_protocol: "sigv4",
            },
        },
    )
}

/// The function at the edge that writes the visitor's address into a header. AWS's own `CloudFront-Viewer-Address` also
/// has the port, which AWS WAF does not accept in an address.
fn viewer_address(template: &mut Template, stage: &Stage) -> Id {
    let name = stage.physical("viewer-address");
    let code = format!(
        "function handler(event) {{\n  var request = event.request;\n  request.headers['{VIEWER_ADDRESS}'] = \
         {{ value: event.viewer.ip }};\n  return request;\n}}\n"
    );
    template.add(
        "ViewerAddress",
        cloudfront::Function! {
            name: name.as_str(),
            auto_publish: true,
            function_code: code.as_str(),
            function_config: cloudfront::function::FunctionConfig! {
                comment: "Overwrites a header with the visitor's address",
                runtime: "cloudfront-js-2.0",
            },
        },
    )
}

/// Paths whose names contain a hash of their content, so that they never change.
fn immutable(paths: &str, function: Id) -> parts::CacheBehavior_ {
    parts::CacheBehavior! {
        path_pattern: paths,
        target_origin_id: LOAD_BALANCER,
        viewer_protocol_policy: "redirect-to-https",
        // The function answers the others with 405.
        allowed_methods: list(ALL_METHODS),
        cached_methods: list(["GET", "HEAD"]),
        cache_policy_id: CACHING_OPTIMIZED,
        origin_request_policy_id: ALL_VIEWER,
        compress: true,
        function_associations: vec![at_viewer_request(function)],
    }
}

fn at_viewer_request(function: Id) -> parts::FunctionAssociation_ {
    parts::FunctionAssociation! { event_type: "viewer-request", function_arn: function.att("FunctionARN") }
}

/// No error is cached, and the page replaces the errors of an origin that is away.
fn error_response(code: i32) -> parts::CustomErrorResponse_ {
    let mut response = parts::CustomErrorResponse! { error_code: code };
    response.error_caching_min_ttl = Some(0.0);
    if ORIGIN_IS_AWAY.contains(&code) {
        response.response_code = Some(503);
        response.response_page_path = Some(UNAVAILABLE_PATH.into());
    }
    response
}

/// Delivers the access logs to the bucket of the load balancer's access logs, as JSON. The load balancer's own logs have
/// the address of an edge instead of the visitor's, and nothing of what is answered from the cache.
fn access_logs(stack: &mut Stack, stage: &Stage, distribution: Id) {
    let template = &mut stack.template;
    let name = stage.physical("cloudfront");
    let arn =
        format!("arn:${{AWS::Partition}}:cloudfront::${{AWS::AccountId}}:distribution/${{{}}}", distribution.name());
    let source = template.add(
        "DistributionLogSource",
        logs::DeliverySource! { name: name.as_str(), log_type: "ACCESS_LOGS", resource_arn: sub(&arn) },
    );
    let destination = template.add(
        "DistributionLogDestination",
        logs::DeliveryDestination! {
            name: name.as_str(),
            output_format: "json",
            destination_resource_arn: sub("arn:${AWS::Partition}:s3:::${AccessLogs}"),
        },
    );
    template.add(
        "DistributionLogDelivery",
        logs::Delivery! {
            delivery_source_name: source,
            delivery_destination_arn: destination.att("Arn"),
            record_fields: list(LOGGED),
        },
    );
}

/// Statement of a bucket's policy: CloudFront's log delivery of this account may write there.
pub(super) fn allow_log_delivery(own_path: &str) -> serde_json::Value {
    json!({
        "Sid": "CloudFrontLogsAreDelivered",
        "Effect": "Allow",
        "Principal": { "Service": "delivery.logs.amazonaws.com" },
        "Action": "s3:PutObject",
        "Resource": sub(own_path),
        "Condition": {
            "StringEquals": {
                "aws:SourceAccount": stratosphere::value::AWS_ACCOUNT_ID,
                "s3:x-amz-acl": "bucket-owner-full-control",
            },
            "ArnLike": {
                "aws:SourceArn": sub(&format!("arn:${{AWS::Partition}}:logs:{CLOUDFRONT_REGION}:${{AWS::AccountId}}:delivery-source:*")),
            },
        },
    })
}
