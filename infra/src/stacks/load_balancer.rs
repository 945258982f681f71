//! The load balancer: listeners, a rule for each route, and a target group for each function behind it.

use stratosphere::services::aws::elasticloadbalancingv2 as elb;
use stratosphere::services::aws::elasticloadbalancingv2::{listener, listenerrule};
use stratosphere::services::aws::lambda;
use stratosphere::value::{AWS_ACCOUNT_ID, ExpString, join};

use super::{Kind, Stack, domain, firewall};
use crate::listener_rules::{Rule, rules};
use crate::routes::{FUNCTIONS, Function};
use crate::stage::Stage;
use crate::template::{Id, Template, arn, list, logical_id};

/// Idle timeout of a connection in seconds: three times the timeout of HTTP functions.
const IDLE_TIMEOUT: &str = "30";

/// Name of the load balancer: `anaquel-prod`, and `anaquel` on the local stage.
pub fn name(stage: &Stage) -> String {
    if stage.is_local() { "anaquel".to_owned() } else { format!("anaquel-{}", stage.name) }
}

/// Adds the load balancer and its listeners, whose default target is `unmatched`. Returns the listener for the rules.
pub fn add(stack: &mut Stack, stage: &Stage, unmatched: &Function, alias: Id) -> Id {
    let load_balancer = load_balancer(stack, stage);
    let template = &mut stack.template;
    if let Some(settings) = &stage.firewall {
        firewall::add(template, stage, settings, load_balancer);
    }
    let targets = target_group(template, stage, unmatched, alias);
    let forward = listener::Action! { r#type: "forward", target_group_arn: targets };
    let (url, over_http, https) = match stage.domain_in_use() {
        None => (join("", ["http://".into(), load_balancer.att("DNSName")]), forward, None),
        Some(domain) => {
            let https = domain::add(template, domain, load_balancer, forward);
            (domain.url().as_str().into(), domain::redirect(domain), Some(https))
        }
    };
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
    if https.is_none() {
        let no_domain = "A stage without a domain has no certificate, and the command prints a warning about it.";
        template.suppress(http, "CKV_AWS_2", no_domain);
        template.suppress(http, "CKV_AWS_103", no_domain);
    }
    https.unwrap_or(http)
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

/// Adds the listener rules of the function's routes.
pub fn forward(template: &mut Template, stage: &Stage, listener: Id, function: &Function, alias: Id) {
    let targets = target_group(template, stage, function, alias);
    for rule in rules(FUNCTIONS).iter().filter(|rule| rule.function == function.name) {
        add_rule(template, listener, rule, targets);
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

fn add_rule(template: &mut Template, listener: Id, rule: &Rule, targets: Id) {
    let methods = listenerrule::HttpRequestMethodConfig! { values: list(rule.route.methods.iter().copied()) };
    let paths = listenerrule::PathPatternConfig! { values: list([rule.pattern.as_str()]) };
    template.add(
        logical_id(&format!("{}{}", rule.route.methods[0].to_lowercase(), rule.route.path)) + "Rule",
        elb::ListenerRule! {
            listener_arn: listener,
            priority: i32::try_from(rule.priority).expect("at most 50,000"),
            conditions: vec![
                listenerrule::RuleCondition! { field: "http-request-method", http_request_method_config: methods },
                listenerrule::RuleCondition! { field: "path-pattern", path_pattern_config: paths },
            ],
            actions: vec![listenerrule::Action! { r#type: "forward", target_group_arn: targets }],
        },
    );
}
