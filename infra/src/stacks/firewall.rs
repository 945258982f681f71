//! AWS WAF at the load balancer: a limit of requests for each address, and the rules that AWS keeps for everybody.

use serde_json::json;
use stratosphere::services::aws::wafv2;
use stratosphere::services::aws::wafv2::webacl;

use crate::stage::{Firewall, Stage};
use crate::template::{Id, Template};

/// Rules of AWS's that look at bodies and would answer 403 to ordinary reviews and messages: one of 4,000 emoji is a form
/// of 48 KB, and the first takes 8 KB; the others take `../`, an address of a site, or `<script` in a review of a book on
/// programming for an attack. What is written is text here, and escaped wherever it is shown.
/// <https://docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-baseline.html>
pub const REFUSES_ORDINARY_TEXT: [&str; 5] =
    ["SizeRestrictions_BODY", "CrossSiteScripting_BODY", "GenericLFI_BODY", "GenericRFI_BODY", "EC2MetaDataSSRF_BODY"];

pub fn add(template: &mut Template, stage: &Stage, firewall: &Firewall, load_balancer: Id) {
    let name = stage.physical("firewall");
    let rules = vec![
        limit(firewall),
        managed("AWSManagedRulesKnownBadInputsRuleSet", 1, Vec::new()),
        managed("AWSManagedRulesCommonRuleSet", 2, Vec::from(REFUSES_ORDINARY_TEXT.map(only_counts))),
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

/// First, so that a flood costs no rules; over the last five minutes, which is what AWS takes where nothing is said.
fn limit(firewall: &Firewall) -> webacl::Rule_ {
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

/// A group of AWS's rules, which block what they match but for the exceptions.
fn managed(group: &str, priority: i32, exceptions: Vec<webacl::RuleActionOverride_>) -> webacl::Rule_ {
    webacl::Rule! {
        name: group,
        priority: priority,
        override_action: webacl::OverrideAction! { none: json!({}) },
        statement: webacl::Statement! {
            managed_rule_group_statement: webacl::ManagedRuleGroupStatement! {
                vendor_name: "AWS",
                name: group,
                rule_action_overrides: exceptions,
            },
        },
        visibility_config: visible(group),
    }
}

fn only_counts(rule: &str) -> webacl::RuleActionOverride_ {
    webacl::RuleActionOverride! {
        name: rule,
        action_to_use: webacl::RuleAction! { count: webacl::CountAction! {} },
    }
}

/// Counted in CloudWatch under this name, with samples of the requests for three hours.
fn visible(name: &str) -> webacl::VisibilityConfig_ {
    webacl::VisibilityConfig! {
        metric_name: name,
        cloud_watch_metrics_enabled: true,
        sampled_requests_enabled: true,
    }
}
