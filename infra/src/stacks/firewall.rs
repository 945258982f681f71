//! AWS WAF in front of the load balancer: a request limit for each IP address, and AWS's managed rule groups.

use serde_json::json;
use stratosphere::services::aws::wafv2;
use stratosphere::services::aws::wafv2::webacl;

use crate::stage::{Firewall, Stage};
use crate::template::{Id, Template};

/// Managed rules on request bodies with false positives for ordinary reviews and messages: a form of 4,000 emoji has 48 KB
/// and the size limit is 8 KB; the others match `../`, a web address, or `<script` in a review of a programming book. The
/// shop treats all bodies as text and escapes them on every page.
/// <https://docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-baseline.html>
const COUNTED_RULES: [&str; 5] =
    ["SizeRestrictions_BODY", "CrossSiteScripting_BODY", "GenericLFI_BODY", "GenericRFI_BODY", "EC2MetaDataSSRF_BODY"];

/// Adds the web ACL and its association with the load balancer.
pub fn add(template: &mut Template, stage: &Stage, firewall: &Firewall, load_balancer: Id) {
    let name = stage.physical("firewall");
    let rules = vec![
        request_limit(firewall),
        managed("AWSManagedRulesKnownBadInputsRuleSet", 1, Vec::new()),
        managed("AWSManagedRulesCommonRuleSet", 2, Vec::from(COUNTED_RULES.map(count_only))),
    ];
    let acl = template.add(
        "Firewall",
        wafv2::WebACL! {
            name: name.as_str(),
            scope: "REGIONAL",
            default_action: webacl::DefaultAction! { allow: webacl::AllowAction! {} },
            rules: rules,
            visibility_config: visible(&name),
        },
    );
    template.add(
        "FirewallAssociation",
        wafv2::WebACLAssociation! {
            resource_arn: load_balancer,
            web_acl_arn: acl.att("Arn"),
        },
    );
}

/// Evaluated first, so that a flood is blocked before other rules run. The window is AWS's default of five minutes.
fn request_limit(firewall: &Firewall) -> webacl::Rule_ {
    let name = "RequestsPerAddress";
    webacl::Rule! {
        name: name,
        priority: 0,
        action: webacl::RuleAction! {
            block: webacl::BlockAction! { custom_response: webacl::CustomResponse! { response_code: 429 } },
        },
        statement: webacl::Statement! {
            rate_based_statement: webacl::RateBasedStatement! {
                aggregate_key_type: "IP",
                limit: firewall.requests_per_address,
            },
        },
        visibility_config: visible(name),
    }
}

/// An AWS managed rule group that blocks, with overrides for single rules.
fn managed(group: &str, priority: i32, overrides: Vec<webacl::RuleActionOverride_>) -> webacl::Rule_ {
    webacl::Rule! {
        name: group,
        priority: priority,
        override_action: webacl::OverrideAction! { none: json!({}) },
        statement: webacl::Statement! {
            managed_rule_group_statement: webacl::ManagedRuleGroupStatement! {
                vendor_name: "AWS",
                name: group,
                rule_action_overrides: overrides,
            },
        },
        visibility_config: visible(group),
    }
}

/// The rule counts matches and does not block.
fn count_only(rule: &str) -> webacl::RuleActionOverride_ {
    webacl::RuleActionOverride! {
        name: rule,
        action_to_use: webacl::RuleAction! { count: webacl::CountAction! {} },
    }
}

/// CloudWatch metrics under this name, and samples of the requests for three hours.
fn visible(name: &str) -> webacl::VisibilityConfig_ {
    webacl::VisibilityConfig! {
        metric_name: name,
        cloud_watch_metrics_enabled: true,
        sampled_requests_enabled: true,
    }
}
