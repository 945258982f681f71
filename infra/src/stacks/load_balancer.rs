//! The load balancer: listeners, a rule for each route, and a target group for each function behind it.

use stratosphere::services::aws::elasticloadbalancingv2 as elb;
use stratosphere::services::aws::elasticloadbalancingv2::{listener, listenerrule};
use stratosphere::services::aws::lambda;
use stratosphere::value::{AWS_ACCOUNT_ID, ExpString, join};

use super::origin_secret::{HEADER, Part};
use super::{Kind, Stack, distribution, domain, firewall};
use crate::containers::priority;
use crate::listener_rules::{Rule, rules};
use crate::routes::{FUNCTIONS, Function};
use crate::stage::{Https, Stage};
use crate::template::{Id, Template, arn, list, logical_id, sub};

/// Idle timeout of a connection in seconds: three times the timeout of HTTP functions.
const IDLE_TIMEOUT: &str = "30";

/// Name of the load balancer: `anaquel-prod`, and `anaquel` on the local stage.
pub fn name(stage: &Stage) -> String {
    if stage.is_local() { "anaquel".to_owned() } else { format!("anaquel-{}", stage.name) }
}

/// The listener of all rules, and the condition that each of them has behind CloudFront.
pub struct Serving {
    pub listener: Id,
    /// The parameter with the key that the origin secret must contain.
    required: Option<Id>,
    /// The target group for requests without a route.
    pub unmatched: Id,
}

/// Priorities behind those of all routes, whose paths have at least one segment.
const UNMATCHED: i32 = 49_997;
/// The methods that a redirect would turn into GET, each list a rule with its priority: a condition has at most three values.
const STRANGERS_WRITE: [(&str, i32, &[&str]); 2] =
    [("StrangersDeleteRule", 49_998, &["DELETE"]), ("StrangersWriteRule", 50_000, &["PATCH", "POST", "PUT"])];

/// Adds the load balancer and its listeners, whose default target is `unmatched`. Returns the listener for the rules.
pub fn add(stack: &mut Stack, stage: &Stage, unmatched: &Function, alias: Id) -> Serving {
    let load_balancer = load_balancer(stack, stage);
    let required = stage.has_cloudfront().then(|| stack.origin_secret(Part::Required));
    if let Some(settings) = &stage.firewall {
        firewall::add(&mut stack.template, stage, settings, load_balancer, required);
    }
    let targets = target_group(&mut stack.template, stage, unmatched, alias);
    let forward = listener::Action! { r#type: "forward", target_group_arn: targets };
    let (url, over_http, https) = match (stage.https, stage.domain_in_use()) {
        (Https::CloudFront, _) => {
            distribution::add(stack, stage, load_balancer);
            (distribution::url(), redirect_to_distribution(), None)
        }
        (_, Some(domain)) => {
            let https = domain::add(stack, stage, domain, load_balancer, forward);
            (domain.url().as_str().into(), domain::redirect(domain), Some(https))
        }
        (_, None) => (join("", ["http://".into(), load_balancer.att("DNSName")]), forward, None),
    };
    let template = &mut stack.template;
    template.output("Url", url);
    template.output("LoadBalancerName", load_balancer.att("LoadBalancerFullName"));
    let http = template.add(
        "HttpListener",
        elb::Listener! {
            load_balancer_arn: load_balancer,
            port: 80,
            protocol: "HTTP",
            default_actions: vec![over_http],
        },
    );
    if stage.https == Https::None {
        let no_domain = "A stage without HTTPS has no certificate, and the command prints a warning about it.";
        template.suppress(http, "CKV_AWS_2", no_domain);
        template.suppress(http, "CKV_AWS_103", no_domain);
    }
    let serving = Serving { listener: https.unwrap_or(http), required, unmatched: targets };
    if required.is_some() {
        add_rules_of_strangers(template, &serving, targets);
    }
    serving
}

/// Redirects a request without the origin secret to the distribution. `HTTP_302`, because a browser would remember a 301
/// when the stage gets a domain.
fn redirect_to_distribution() -> listener::Action_ {
    listener::Action! {
        r#type: "redirect",
        redirect_config: listener::RedirectConfig! {
            protocol: "HTTPS",
            host: distribution::host(),
            port: "443",
            status_code: "HTTP_302",
        },
    }
}

/// The rules behind those of all routes: with the secret `unmatched` answers, and without it a request that writes is
/// refused, because the redirect would turn it into a GET without its body.
fn add_rules_of_strangers(template: &mut Template, serving: &Serving, unmatched: Id) {
    template.add(
        "UnmatchedRule",
        elb::ListenerRule! {
            listener_arn: serving.listener,
            priority: UNMATCHED,
            conditions: Vec::from_iter(serving.condition()),
            actions: vec![listenerrule::Action! { r#type: "forward", target_group_arn: unmatched }],
        },
    );
    for (id, priority, methods) in STRANGERS_WRITE {
        let writes = listenerrule::HttpRequestMethodConfig! { values: list(methods.iter().copied()) };
        template.add(
            id,
            elb::ListenerRule! {
                listener_arn: serving.listener,
                priority: priority,
                conditions: vec![
                    listenerrule::RuleCondition! { field: "http-request-method", http_request_method_config: writes },
                ],
                actions: vec![listenerrule::Action! {
                    r#type: "fixed-response",
                    fixed_response_config: listenerrule::FixedResponseConfig! {
                        status_code: "403",
                        content_type: "text/plain",
                        message_body: join("", [
                            "Nothing was sent to the shop, whose address is ".into(),
                            distribution::url(),
                            "\n".into(),
                        ]),
                    },
                }],
            },
        );
    }
}

impl Serving {
    /// The condition that a request comes from CloudFront. The wildcards stand for the other keys of the secret.
    pub fn condition(&self) -> Option<listenerrule::RuleCondition_> {
        let required = self.required?;
        Some(listenerrule::RuleCondition! {
            field: "http-header",
            http_header_config: listenerrule::HttpHeaderConfig! {
                http_header_name: HEADER,
                values: vec![sub(&format!("*${{{}}}*", required.name()))],
            },
        })
    }
}

fn load_balancer(stack: &mut Stack, stage: &Stage) -> Id {
    let subnets =
        ["PublicSubnet1", "PublicSubnet2"].map(|name| stack.input(Kind::Network, name, "AWS::EC2::Subnet::Id"));
    let group = stack.input(Kind::Network, "LoadBalancerGroup", "AWS::EC2::SecurityGroup::Id");
    let logs = stack.input(Kind::Data, "AccessLogs", "String");
    let protection = stack.deletion_protection();
    let attributes: [(&str, ExpString); 6] = [
        ("access_logs.s3.bucket", logs.into()),
        ("access_logs.s3.enabled", "true".into()),
        ("deletion_protection.enabled", protection.into()),
        ("idle_timeout.timeout_seconds", IDLE_TIMEOUT.into()),
        // Rejects ambiguous requests, against request smuggling.
        ("routing.http.desync_mitigation_mode", "defensive".into()),
        ("routing.http.drop_invalid_header_fields.enabled", "true".into()),
    ];
    stack.template.add(
        "LoadBalancer",
        elb::LoadBalancer! {
            name: name(stage).as_str(),
            r#type: "application",
            scheme: "internet-facing",
            subnets: list(subnets),
            security_groups: list([group]),
            load_balancer_attributes: Vec::from(attributes.map(|(key, value)| {
                elb::loadbalancer::LoadBalancerAttribute! { key: key, value: value }
            })),
        },
    )
}

/// What scripts of the shop's own pages read from the API, without a token.
pub const ASKED_BY_PAGES: [&str; 3] = ["/api/orders/*", "/api/submissions/*", "/api/suggestions"];

/// Adds the listener rules of the function's routes.
pub fn forward(template: &mut Template, stage: &Stage, serving: &Serving, function: &Function, alias: Id) {
    let targets = target_group(template, stage, function, alias);
    for rule in rules(FUNCTIONS).iter().filter(|rule| rule.function == function.name) {
        let mut patterns = rule.patterns();
        if !stage.has_api_at_load_balancer() {
            let is_page = |pattern: &str| !pattern.starts_with("/api/");
            let is_asked = |pattern: &str| ASKED_BY_PAGES.contains(&pattern) && rule.methods().contains(&"GET");
            patterns.retain(|pattern| is_page(pattern) || is_asked(pattern));
        }
        if !patterns.is_empty() {
            add_rule(template, stage, serving, rule, &patterns, targets);
        }
    }
}

fn target_group(template: &mut Template, stage: &Stage, function: &Function, alias: Id) -> Id {
    let id = logical_id(function.name);
    let name = stage.physical(function.name);
    let permission = template.add(
        format!("{id}Permission"),
        lambda::Permission! {
            action: "lambda:InvokeFunction",
            function_name: alias,
            principal: "elasticloadbalancing.amazonaws.com",
            source_account: AWS_ACCOUNT_ID,
            // By name, which equals the function's, because AWS requires the permission before it creates the target group.
            source_arn: arn("elasticloadbalancing", &format!("targetgroup/${{{id}}}/*")),
        },
    );
    let targets = template.add(
        format!("{id}Targets"),
        elb::TargetGroup! {
            name: name.as_str(),
            target_type: "lambda",
            targets: vec![elb::targetgroup::TargetDescription! { id: alias }],
            health_check_enabled: false,
            target_group_attributes: vec![elb::targetgroup::TargetGroupAttribute! {
                key: "lambda.multi_value_headers.enabled",
                value: "true",
            }],
        },
    );
    template.add_dependency(targets, permission);
    template.output(format!("{id}Targets"), targets);
    targets
}

fn add_rule(template: &mut Template, stage: &Stage, serving: &Serving, rule: &Rule, patterns: &[String], targets: Id) {
    let methods = listenerrule::HttpRequestMethodConfig! { values: list(rule.methods().iter().copied()) };
    let paths = listenerrule::PathPatternConfig! { values: list(patterns.iter().map(String::as_str)) };
    let mut conditions = vec![
        listenerrule::RuleCondition! { field: "http-request-method", http_request_method_config: methods },
        listenerrule::RuleCondition! { field: "path-pattern", path_pattern_config: paths },
    ];
    conditions.extend(serving.condition());
    template.add(
        logical_id(&format!("{}{}", rule.methods()[0].to_lowercase(), rule.first().path)) + "Rule",
        elb::ListenerRule! {
            listener_arn: serving.listener,
            priority: priority(stage, rule, patterns),
            conditions: conditions,
            actions: vec![listenerrule::Action! { r#type: "forward", target_group_arn: targets }],
        },
    );
}
