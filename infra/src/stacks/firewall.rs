//! AWS WAF in front of the load balancer: a request limit for each IP address, and AWS's managed rule groups. Behind
//! CloudFront the address is that of a header, which counts only together with the origin secret: otherwise a stranger
//! could use up the limit of another address. And AWS WAF in front of the user pools, whose pages browsers call directly.

use std::collections::BTreeMap;

use serde_json::json;
use stratosphere::services::aws::wafv2;
use stratosphere::services::aws::wafv2::webacl;

use super::distribution::VIEWER_ADDRESS;
use super::origin_secret::HEADER;
use crate::stage::{Firewall, Stage};
use crate::template::{Id, Template, arn, logical_id};
use shared::session::Pool;

/// Managed rules on what people write, with false positives for ordinary requests. In bodies, reviews and messages: a form of
/// 4,000 emoji has 48 KB and the size limit is 8 KB; the others match `../`, a web address, or `<script` in a review of a
/// programming book. In queries, searches for the same, and lists of numbers: a hundred ISBNs exceed the limit of 2,048 bytes.
/// The shop treats all of it as text: it is a parameter of SQL, names no file and no address, and is escaped on every page.
/// <https://docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-baseline.html>
const COUNTED_RULES: [&str; 11] = [
    "SizeRestrictions_BODY",
    "CrossSiteScripting_BODY",
    "GenericLFI_BODY",
    "GenericRFI_BODY",
    "EC2MetaDataSSRF_BODY",
    "SizeRestrictions_QUERYSTRING",
    "CrossSiteScripting_QUERYARGUMENTS",
    "GenericLFI_QUERYARGUMENTS",
    "GenericRFI_QUERYARGUMENTS",
    "EC2MetaDataSSRF_QUERYARGUMENTS",
    "RestrictedExtensions_QUERYARGUMENTS",
];

/// Covers have a limit of their own: a list asks for one for each of its books, once in a year for each browser.
const COVERS: &str = "/covers/";
const COVERS_OF_A_PAGE: i32 = 24;
/// A bookseller who receives a delivery sends a form for each title, from the same address as the shop's customers. Without a session these
/// forms reach no database.
const STAFF: &str = "/staff/";

/// Name of the web ACL of the user pools, without the stage.
pub const OF_ACCOUNTS: &str = "accounts-firewall";
/// POST requests of one sign-in: the address, the password, and the code of a mail or an app.
const POSTS_OF_A_SIGN_IN: i32 = 3;
/// Here `sign-in` exchanges codes for tokens. It calls from few addresses of Lambda's for all customers.
const TOKEN_ENDPOINT: &str = "/oauth2/token";
/// Requests to it from one address in five minutes, 20 a second: the shop's own stay below, and one address does not use up the
/// account's quota of 120 a second, which all pools share. Blocked requests do not count there.
/// <https://docs.aws.amazon.com/cognito/latest/developerguide/quotas.html>
const TOKENS_PER_ADDRESS: i32 = 6_000;

/// The answer to a request above a limit, in both languages, because AWS WAF knows none of them: one key for all rules of a web
/// ACL. On the pages of the user pools, Cognito shows it to the first request of a visitor and a text of its own to later ones,
/// with the same status and headers. The managed rules keep AWS's bare 403, because a web ACL customizes no rule group.
/// <https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-waf.html>,
/// <https://docs.aws.amazon.com/waf/latest/developerguide/waf-custom-request-response.html>
const TOO_MANY_REQUESTS: (&str, &str) = ("too-many-requests", include_str!("too_many_requests.html"));
/// Seconds in which a rate-based rule counts: AWS's default.
const WINDOW: &str = "300";

/// Adds the web ACL and its association with the load balancer. `required` is the key of CloudFront's requests, if
/// CloudFront is in front.
pub fn add(template: &mut Template, stage: &Stage, firewall: &Firewall, load_balancer: Id, required: Option<Id>) {
    let name = stage.physical("firewall");
    let rules = vec![
        rate_limit("RequestsPerAddress", 0, firewall.requests_per_address, vec![not(is_below(COVERS))], required),
        rate_limit(
            "PostsPerAddress",
            1,
            firewall.posts_per_address,
            vec![is_post(), not(is_cart()), not(is_below(STAFF))],
            required,
        ),
        rate_limit(
            "CoversPerAddress",
            2,
            COVERS_OF_A_PAGE * firewall.requests_per_address,
            vec![is_below(COVERS)],
            required,
        ),
        managed("AWSManagedRulesKnownBadInputsRuleSet", 3, Vec::new()),
        managed("AWSManagedRulesCommonRuleSet", 4, Vec::from(COUNTED_RULES.map(count_only))),
    ];
    let acl = web_acl(template, "Firewall", &name, rules);
    template.add(
        "FirewallAssociation",
        wafv2::WebACLAssociation! {
            resource_arn: load_balancer,
            web_acl_arn: acl.att("Arn"),
        },
    );
}

/// Adds the web ACL of the user pools and its association with each of them: too many passwords, codes and registrations from
/// an address are refused before Cognito reads them. It has no rules on what people write: Cognito passes on neither names nor
/// passwords, and the rest of its bodies and queries is its own protocol. A CAPTCHA would break the set-up of a second factor.
/// <https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-waf.html>,
/// <https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-settings-mfa-totp.html>
pub fn add_for_accounts(template: &mut Template, stage: &Stage, firewall: &Firewall, pools: [(Pool, Id); 2]) {
    let name = stage.physical(OF_ACCOUNTS);
    let others = || not(is_path(TOKEN_ENDPOINT));
    let posts = POSTS_OF_A_SIGN_IN * firewall.posts_per_address;
    let rules = vec![
        rate_limit("RequestsPerAddress", 0, firewall.requests_per_address, vec![others()], None),
        rate_limit("PostsPerAddress", 1, posts, vec![is_post(), others()], None),
        rate_limit("TokensPerAddress", 2, TOKENS_PER_ADDRESS, vec![is_path(TOKEN_ENDPOINT)], None),
        managed("AWSManagedRulesKnownBadInputsRuleSet", 3, Vec::new()),
    ];
    let acl = web_acl(template, "AccountsFirewall", &name, rules);
    for (pool, id) in pools {
        template.add(
            logical_id(&stage.user_pool(pool)) + "FirewallAssociation",
            wafv2::WebACLAssociation! {
                resource_arn: arn("cognito-idp", &format!("userpool/${{{}}}", id.name())),
                web_acl_arn: acl.att("Arn"),
            },
        );
    }
}

/// Adds a web ACL that lets through every request that no rule refuses.
fn web_acl(template: &mut Template, id: &str, name: &str, rules: Vec<webacl::Rule_>) -> Id {
    template.add(
        id,
        wafv2::WebACL! {
            name: name,
            scope: "REGIONAL",
            default_action: webacl::DefaultAction! { allow: webacl::AllowAction! {} },
            custom_response_bodies: BTreeMap::from([(
                TOO_MANY_REQUESTS.0.to_owned(),
                webacl::CustomResponseBody! { content: TOO_MANY_REQUESTS.1, content_type: "TEXT_HTML" },
            )]),
            rules: rules,
            visibility_config: visible(name),
        },
    )
}

/// A limit for each address, of the requests that match all statements. Evaluated first, so that a flood is blocked before other rules
/// run.
fn rate_limit(
    name: &str,
    priority: i32,
    limit: i32,
    counted: Vec<webacl::Statement_>,
    required: Option<Id>,
) -> webacl::Rule_ {
    let key = if required.is_some() { "FORWARDED_IP" } else { "IP" };
    let mut counting = webacl::RateBasedStatement! { aggregate_key_type: key, limit: limit };
    // The function at the edge always writes a valid address. Should it not, nobody is blocked.
    counting.forwarded_ip_config = required.map(|_| {
        Box::new(webacl::ForwardedIPConfiguration! { header_name: VIEWER_ADDRESS, fallback_behavior: "NO_MATCH" })
    });
    let scope = required.map(comes_from_cloudfront).into_iter().chain(counted).collect();
    counting.scope_down_statement = all_of(scope).map(Box::new);
    webacl::Rule! {
        name: name,
        priority: priority,
        action: webacl::RuleAction! {
            block: webacl::BlockAction! { custom_response: too_many_requests() },
        },
        statement: webacl::Statement! {
            rate_based_statement: counting,
        },
        visibility_config: visible(name),
    }
}

fn too_many_requests() -> webacl::CustomResponse_ {
    let header = |(name, value): (&str, &str)| webacl::CustomHTTPHeader! { name: name, value: value };
    webacl::CustomResponse! {
        response_code: 429,
        custom_response_body_key: TOO_MANY_REQUESTS.0,
        response_headers: Vec::from([("retry-after", WINDOW), ("cache-control", "no-store")].map(header)),
    }
}

/// Requests that match all statements; none if there are no statements. AWS requires at least two for an `And`.
fn all_of(mut statements: Vec<webacl::Statement_>) -> Option<webacl::Statement_> {
    if statements.len() < 2 {
        return statements.pop();
    }
    Some(webacl::Statement! { and_statement: webacl::AndStatement! { statements: statements } })
}

fn not(statement: webacl::Statement_) -> webacl::Statement_ {
    webacl::Statement! { not_statement: webacl::NotStatement! { statement: Box::new(statement) } }
}

/// Changes of the cart. They are in a cookie and reach neither queue nor database, and a shopper makes many of them.
fn is_cart() -> webacl::Statement_ {
    is_path("/cart")
}

fn is_path(path: &str) -> webacl::Statement_ {
    path_matches("EXACTLY", path)
}

fn is_below(path: &str) -> webacl::Statement_ {
    path_matches("STARTS_WITH", path)
}

fn path_matches(constraint: &str, path: &str) -> webacl::Statement_ {
    webacl::Statement! {
        byte_match_statement: webacl::ByteMatchStatement! {
            field_to_match: webacl::FieldToMatch! { uri_path: json!({}) },
            positional_constraint: constraint,
            search_string: path,
            text_transformations: vec![webacl::TextTransformation! { priority: 0, r#type: "NONE" }],
        },
    }
}

/// Requests with the origin secret.
fn comes_from_cloudfront(required: Id) -> webacl::Statement_ {
    webacl::Statement! {
        byte_match_statement: webacl::ByteMatchStatement! {
            field_to_match: webacl::FieldToMatch! { single_header: webacl::SingleHeader! { name: HEADER } },
            positional_constraint: "CONTAINS",
            search_string: required,
            text_transformations: vec![webacl::TextTransformation! { priority: 0, r#type: "NONE" }],
        },
    }
}

/// Requests that write: the shop has no other method for it.
fn is_post() -> webacl::Statement_ {
    webacl::Statement! {
        byte_match_statement: webacl::ByteMatchStatement! {
            field_to_match: webacl::FieldToMatch! { method: json!({}) },
            positional_constraint: "EXACTLY",
            search_string: "POST",
            text_transformations: vec![webacl::TextTransformation! { priority: 0, r#type: "NONE" }],
        },
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
