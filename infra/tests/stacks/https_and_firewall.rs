//! The templates of load balancer, HTTPS, firewall and provisioned concurrency, with and without the optional settings.

use serde_json::{Value, json};

use super::lookup::{properties, resources};
use super::support::{production_in_full, stage, template};
use infra::listener_rules::rules;
use infra::routes::FUNCTIONS;
use infra::stacks::Kind;
use infra::stage::{Https, Stage};

/// Production without domain and firewall.
fn plain() -> Stage {
    Stage { https: Https::None, domain: None, firewall: None, ..stage("prod") }
}

/// The listener of all rules.
fn serving_listener(app: &Value) -> &str {
    let mut listeners: Vec<_> = resources(app, "ElasticLoadBalancingV2::ListenerRule")
        .iter()
        .map(|(_, rule)| &rule["ListenerArn"]["Ref"])
        .collect();
    assert_eq!(listeners.len(), rules(FUNCTIONS).len());
    listeners.dedup();
    let [listener] = listeners[..] else { panic!("rules of several listeners") };
    listener.as_str().unwrap()
}

#[test]
fn without_a_domain_the_shop_uses_http_at_the_load_balancers_name() {
    let app = template(&plain(), Kind::App);
    assert_eq!(serving_listener(&app), "HttpListener");
    let [(_, listener)] = resources(&app, "ElasticLoadBalancingV2::Listener")[..] else { panic!("one listener") };
    assert_eq!((&listener["Port"], &listener["Protocol"]), (&json!(80), &json!("HTTP")));
    assert_eq!(
        listener["DefaultActions"],
        json!([{ "Type": "forward", "TargetGroupArn": { "Ref": "ShowNotFoundTargets" } }])
    );
    let url = json!({ "Fn::Join": ["", ["http://", { "Fn::GetAtt": ["LoadBalancer", "DNSName"] }]] });
    assert_eq!(app["Outputs"]["Url"]["Value"], url);
    for r#type in ["CertificateManager::Certificate", "Route53::RecordSet"] {
        assert!(resources(&app, r#type).is_empty(), "{type}");
    }
}

#[test]
fn with_a_domain_the_shop_uses_https_and_redirects_http() {
    let app = template(&production_in_full(), Kind::App);
    assert_eq!(serving_listener(&app), "HttpsListener");
    assert_eq!(app["Outputs"]["Url"]["Value"], "https://shop.example.org");
    let https = properties(&app, "HttpsListener");
    assert_eq!((&https["Port"], &https["Protocol"]), (&json!(443), &json!("HTTPS")));
    assert_eq!(https["Certificates"], json!([{ "CertificateArn": { "Ref": "Certificate" } }]));
    assert!(https["SslPolicy"].as_str().unwrap().starts_with("ELBSecurityPolicy-TLS13-1-2-Res"));
    assert_eq!(
        https["DefaultActions"],
        json!([{ "Type": "forward", "TargetGroupArn": { "Ref": "ShowNotFoundTargets" } }])
    );

    let http = properties(&app, "HttpListener");
    assert_eq!((&http["Port"], &http["Protocol"]), (&json!(80), &json!("HTTP")));
    let redirect = json!({ "Protocol": "HTTPS", "Host": "shop.example.org", "Port": "443", "StatusCode": "HTTP_301" });
    assert_eq!(http["DefaultActions"], json!([{ "Type": "redirect", "RedirectConfig": redirect }]));
}

#[test]
fn the_dns_record_is_an_alias_of_the_load_balancer_and_its_zone_validates_the_certificate() {
    let app = template(&production_in_full(), Kind::App);
    let record = properties(&app, "Record");
    assert_eq!((&record["Name"], &record["Type"]), (&json!("shop.example.org"), &json!("A")));
    assert_eq!(record["AliasTarget"]["DNSName"], json!({ "Fn::GetAtt": ["LoadBalancer", "DNSName"] }));
    assert_eq!(
        record["AliasTarget"]["HostedZoneId"],
        json!({ "Fn::GetAtt": ["LoadBalancer", "CanonicalHostedZoneID"] })
    );
    let certificate = properties(&app, "Certificate");
    assert_eq!(
        (&certificate["DomainName"], &certificate["ValidationMethod"]),
        (&json!("shop.example.org"), &json!("DNS"))
    );
    let proof = json!([{ "DomainName": "shop.example.org", "HostedZoneId": record["HostedZoneId"] }]);
    assert_eq!(certificate["DomainValidationOptions"], proof);
}

#[test]
fn the_load_balancer_writes_access_logs_that_expire_like_all_logs() {
    for stage in [stage("local"), stage("dev"), production_in_full()] {
        let app = template(&stage, Kind::App);
        let attributes = properties(&app, "LoadBalancer")["LoadBalancerAttributes"].as_array().unwrap();
        let attribute = |key| &attributes.iter().find(|attribute| attribute["Key"] == key).expect(key)["Value"];
        assert_eq!(attribute("access_logs.s3.enabled"), "true");
        assert_eq!(attribute("access_logs.s3.bucket"), &json!({ "Ref": "AccessLogs" }));

        let data = template(&stage, Kind::Data);
        let rule = &properties(&data, "AccessLogs")["LifecycleConfiguration"]["Rules"][0];
        assert_eq!((&rule["Status"], &rule["ExpirationInDays"]), (&json!("Enabled"), &json!(stage.log_retention_days)));
    }
}

#[test]
fn the_load_balancer_has_a_firewall_if_the_stage_enables_it() {
    let app = template(&plain(), Kind::App);
    assert!(resources(&app, "WAFv2::WebACL").is_empty() && resources(&app, "WAFv2::WebACLAssociation").is_empty());

    let app = template(&production_in_full(), Kind::App);
    let association = properties(&app, "FirewallAssociation");
    assert_eq!(association["ResourceArn"], json!({ "Ref": "LoadBalancer" }));
    assert_eq!(association["WebACLArn"], json!({ "Fn::GetAtt": ["Firewall", "Arn"] }));
    let firewall = properties(&app, "Firewall");
    assert_eq!((&firewall["Scope"], &firewall["DefaultAction"]), (&json!("REGIONAL"), &json!({ "Allow": {} })));
}

#[test]
fn the_firewall_limits_each_address_and_allows_a_review_of_4000_emoji() {
    let app = template(&production_in_full(), Kind::App);
    let mut rules = properties(&app, "Firewall")["Rules"].as_array().unwrap().clone();
    rules.sort_by_key(|rule| rule["Priority"].as_i64());
    let [limit, posts, bad_inputs, common] = &rules[..] else { panic!("four rules") };

    assert_eq!(limit["Statement"]["RateBasedStatement"], json!({ "AggregateKeyType": "IP", "Limit": 2000 }));
    let only_posts = json!({ "ByteMatchStatement": {
        "FieldToMatch": { "Method": {} },
        "PositionalConstraint": "EXACTLY",
        "SearchString": "POST",
        "TextTransformations": [{ "Priority": 0, "Type": "NONE" }],
    } });
    assert_eq!(
        posts["Statement"]["RateBasedStatement"],
        json!({ "AggregateKeyType": "IP", "Limit": 50, "ScopeDownStatement": only_posts })
    );
    for rule in [limit, posts] {
        assert_eq!(rule["Action"], json!({ "Block": { "CustomResponse": { "ResponseCode": 429 } } }));
    }

    let group = |rule: &Value| rule["Statement"]["ManagedRuleGroupStatement"].clone();
    for (rule, name) in [(bad_inputs, "AWSManagedRulesKnownBadInputsRuleSet"), (common, "AWSManagedRulesCommonRuleSet")]
    {
        assert_eq!((&group(rule)["VendorName"], &group(rule)["Name"]), (&json!("AWS"), &json!(name)));
        assert_eq!(rule["OverrideAction"], json!({ "None": {} }), "its rules block");
    }
    assert_eq!(group(bad_inputs)["RuleActionOverrides"], json!([]));
    // Rules on bodies would block ordinary reviews with `../`, a web address, `<script`, or 4,000 emoji.
    let bodies = ["SizeRestrictions", "CrossSiteScripting", "GenericLFI", "GenericRFI", "EC2MetaDataSSRF"];
    let counted = bodies.map(|rule| json!({ "Name": format!("{rule}_BODY"), "ActionToUse": { "Count": {} } }));
    assert_eq!(group(common)["RuleActionOverrides"], json!(counted));
}

#[test]
fn the_aliases_of_the_stages_functions_have_provisioned_concurrency() {
    let app = template(&production_in_full(), Kind::App);
    assert_eq!(resources(&app, "ApplicationAutoScaling::ScalableTarget").len(), 1);
    let target = json!({
        "ServiceNamespace": "lambda",
        "ScalableDimension": "lambda:function:ProvisionedConcurrency",
        "ResourceId": "function:anaquel-prod-show-book:live",
        "MinCapacity": 1,
        "MaxCapacity": 10,
    });
    assert_eq!(properties(&app, "ShowBookReady"), &target);
    assert_eq!(app["Resources"]["ShowBookReady"]["DependsOn"], json!(["ShowBookLive"]));
    let policy = properties(&app, "ShowBookReadyPolicy");
    assert_eq!(policy["ScalingTargetId"], json!({ "Ref": "ShowBookReady" }));
    let tracking = json!({
        "PredefinedMetricSpecification": { "PredefinedMetricType": "LambdaProvisionedConcurrencyUtilization" },
        "TargetValue": 0.7,
    });
    assert_eq!(policy["TargetTrackingScalingPolicyConfiguration"], tracking);
}
