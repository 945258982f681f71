//! The templates of load balancer, HTTPS, firewall and provisioned concurrency, with and without the optional settings.

use serde_json::{Value, json};

use super::lookup::{properties, resources};
use super::support::{production_in_full, stage, template};
use infra::listener_rules::rules;
use infra::routes::FUNCTIONS;
use infra::stacks::{Kind, distribution::UNAVAILABLE_PAGE};
use infra::stage::{Domain, Https, Stage};

/// Production without domain and firewall.
fn plain() -> Stage {
    Stage { https: Https::None, domain: None, firewall: None, ..stage("prod") }
}

/// Production behind CloudFront, with a firewall.
fn behind_cloudfront() -> Stage {
    Stage { https: Https::CloudFront, ..stage("prod") }
}

/// The part of the distribution's configuration.
fn distribution<'a>(app: &'a Value, part: &str) -> &'a Value {
    &properties(app, "Distribution")["DistributionConfig"][part]
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
        // What expires in a bucket with versions stays as an earlier version until this deletes it.
        assert_eq!(rule["NoncurrentVersionExpiration"], json!({ "NoncurrentDays": 1 }));
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

/// The rule of this web ACL answers 429 with a page in both languages, and states when to try again.
fn says_when_to_try_again(firewall: &Value, rule: &Value) {
    let response = &rule["Action"]["Block"]["CustomResponse"];
    assert_eq!(response["ResponseCode"], 429);
    let headers = json!([{ "Name": "retry-after", "Value": "300" }, { "Name": "cache-control", "Value": "no-store" }]);
    assert_eq!(response["ResponseHeaders"], headers);
    let body = &firewall["CustomResponseBodies"][response["CustomResponseBodyKey"].as_str().unwrap()];
    assert_eq!(body["ContentType"], "TEXT_HTML");
    let content = body["Content"].as_str().unwrap();
    for text in ["lang=\"es\"", "Espera cinco minutos", "lang=\"en\"", "Wait\nfive minutes"] {
        assert!(content.contains(text), "{text}: {content}");
    }
    // https://docs.aws.amazon.com/waf/latest/developerguide/limits.html
    assert!(content.len() <= 4_096, "{} bytes", content.len());
}

#[test]
fn the_firewall_limits_each_address_and_blocks_no_review_and_no_search_for_its_words() {
    let app = template(&production_in_full(), Kind::App);
    let firewall = properties(&app, "Firewall");
    let mut rules = firewall["Rules"].as_array().unwrap().clone();
    rules.sort_by_key(|rule| rule["Priority"].as_i64());
    let [limit, posts, covers, bad_inputs, common] = &rules[..] else { panic!("five rules") };

    for (rule, most) in [(limit, 2_000), (posts, 50), (covers, 48_000)] {
        let counting = &rule["Statement"]["RateBasedStatement"];
        assert_eq!((&counting["AggregateKeyType"], &counting["Limit"]), (&json!("IP"), &json!(most)));
        says_when_to_try_again(firewall, rule);
    }

    let group = |rule: &Value| rule["Statement"]["ManagedRuleGroupStatement"].clone();
    for (rule, name) in [(bad_inputs, "AWSManagedRulesKnownBadInputsRuleSet"), (common, "AWSManagedRulesCommonRuleSet")]
    {
        assert_eq!((&group(rule)["VendorName"], &group(rule)["Name"]), (&json!("AWS"), &json!(name)));
        assert_eq!(rule["OverrideAction"], json!({ "None": {} }), "its rules block");
    }
    assert_eq!(group(bad_inputs)["RuleActionOverrides"], json!([]));
    let overrides = group(common)["RuleActionOverrides"].clone();
    let counted: Vec<&Value> = overrides.as_array().unwrap().iter().map(|rule| &rule["Name"]).collect();
    assert!(overrides.as_array().unwrap().iter().all(|rule| rule["ActionToUse"] == json!({ "Count": {} })));
    for (request, rule) in [
        ("a review of 4,000 emoji", "SizeRestrictions_BODY"),
        ("a review with `<script`", "CrossSiteScripting_BODY"),
        ("a review with `../`", "GenericLFI_BODY"),
        ("a review with a web address", "GenericRFI_BODY"),
        ("a review with 169.254.169.254", "EC2MetaDataSSRF_BODY"),
        ("isbn= with 100 numbers", "SizeRestrictions_QUERYSTRING"),
        ("q=<script>", "CrossSiteScripting_QUERYARGUMENTS"),
        ("q=../", "GenericLFI_QUERYARGUMENTS"),
        ("q=http://192.0.2.1/", "GenericRFI_QUERYARGUMENTS"),
        ("q=169.254.169.254", "EC2MetaDataSSRF_QUERYARGUMENTS"),
        ("q=php.ini", "RestrictedExtensions_QUERYARGUMENTS"),
    ] {
        assert!(counted.contains(&&json!(rule)), "{request} would be blocked by {rule}");
    }
    assert_eq!(counted.len(), 11, "every other rule blocks");
}

/// Whether people can sign in decides about the pages of the pools, which browsers call past the load balancer.
#[test]
fn the_user_pools_have_a_firewall_with_limits_that_the_shops_own_calls_do_not_reach() {
    let without = |stage: &Stage| {
        let app = template(stage, Kind::App);
        assert!(app["Resources"]["AccountsFirewall"].is_null(), "{}", stage.name);
    };
    without(&behind_cloudfront());
    without(&plain());
    without(&Stage { firewall: None, ..production_in_full() });

    let app = template(&production_in_full(), Kind::App);
    for (association, pool) in
        [("CustomersFirewallAssociation", "CustomersPool"), ("StaffFirewallAssociation", "StaffPool")]
    {
        let association = properties(&app, association);
        let arn =
            format!("arn:${{AWS::Partition}}:cognito-idp:${{AWS::Region}}:${{AWS::AccountId}}:userpool/${{{pool}}}");
        assert_eq!(association["ResourceArn"], json!({ "Fn::Sub": arn }));
        assert_eq!(association["WebACLArn"], json!({ "Fn::GetAtt": ["AccountsFirewall", "Arn"] }));
    }
    let firewall = properties(&app, "AccountsFirewall");
    assert_eq!((&firewall["Scope"], &firewall["DefaultAction"]), (&json!("REGIONAL"), &json!({ "Allow": {} })));
    let rules = firewall["Rules"].as_array().unwrap();
    for (rule, limit) in rules.iter().zip([2_000, 150, 6_000]) {
        let counting = &rule["Statement"]["RateBasedStatement"];
        // Browsers call the pools directly, so the address is that of the connection.
        assert_eq!((&counting["AggregateKeyType"], &counting["Limit"]), (&json!("IP"), &json!(limit)));
        says_when_to_try_again(firewall, rule);
        let scope = &counting["ScopeDownStatement"];
        for (method, path, is_counted) in [
            ("POST", "/login", limit != 6_000),
            ("POST", "/oauth2/token", limit == 6_000),
            ("GET", "/oauth2/authorize", limit == 2_000),
        ] {
            assert_eq!(matches(scope, method, path), is_counted, "{method} {path} of {limit}");
        }
    }
    let [_, _, _, bad_inputs] = &rules[..] else { panic!("a CAPTCHA, or the common rules, would refuse sign-ins") };
    let group = &bad_inputs["Statement"]["ManagedRuleGroupStatement"]["Name"];
    assert_eq!(group, "AWSManagedRulesKnownBadInputsRuleSet");
}

#[test]
fn behind_cloudfront_every_rule_requires_the_origin_secret_and_strangers_are_redirected_or_refused() {
    let app = template(&behind_cloudfront(), Kind::App);
    let from_cloudfront = json!({
        "Field": "http-header",
        "HttpHeaderConfig": {
            "HttpHeaderName": "x-anaquel-origin",
            "Values": [{ "Fn::Sub": "*${OriginSecretRequired}*" }],
        },
    });
    let all = resources(&app, "ElasticLoadBalancingV2::ListenerRule");
    assert_eq!(all.len(), rules(FUNCTIONS).len() + 3);
    let mut last: Vec<_> = all.iter().filter_map(|(name, rule)| Some((rule["Priority"].as_i64()?, *name))).collect();
    last.sort_unstable();
    let of_strangers = [(49_998, "StrangersDeleteRule"), (50_000, "StrangersWriteRule")];
    assert_eq!(last[last.len() - 3..], [&[(49_997, "UnmatchedRule")], &of_strangers[..]].concat());
    let is_of_strangers = |name| of_strangers.iter().any(|(_, other)| *other == name);
    for (name, rule) in all {
        let is_guarded = rule["Conditions"].as_array().unwrap().contains(&from_cloudfront);
        let forwards = rule["Actions"][0]["Type"] == "forward";
        assert_eq!((is_guarded, forwards), (!is_of_strangers(name), !is_of_strangers(name)), "{name}");
        assert_eq!(rule["ListenerArn"], json!({ "Ref": "HttpListener" }), "{name}");
    }

    let mut refused = Vec::new();
    for (_, name) in of_strangers {
        let writes = properties(&app, name);
        assert_eq!(writes["Actions"][0]["FixedResponseConfig"]["StatusCode"], "403");
        refused.extend(writes["Conditions"][0]["HttpRequestMethodConfig"]["Values"].as_array().unwrap());
    }
    assert_eq!(refused, ["DELETE", "PATCH", "POST", "PUT"], "a redirect would turn them into GET");
    let redirect = json!({
        "Protocol": "HTTPS",
        "Host": { "Fn::GetAtt": ["Distribution", "DomainName"] },
        "Port": "443",
        "StatusCode": "HTTP_302",
    });
    let others = &properties(&app, "HttpListener")["DefaultActions"];
    assert_eq!(others, &json!([{ "Type": "redirect", "RedirectConfig": redirect }]));
}

#[test]
fn the_origin_secret_is_in_no_template_and_an_empty_one_is_refused() {
    let app = template(&behind_cloudfront(), Kind::App);
    for (name, pattern) in [
        ("OriginSecretSent", r"^[0-9a-f]{32}\.[0-9a-f]{32}\.[0-9a-f]{32}$"),
        ("OriginSecretRequired", "^[0-9a-f]{32}$"),
    ] {
        let parameter = &app["Parameters"][name];
        assert_eq!((&parameter["NoEcho"], &parameter["AllowedPattern"]), (&json!(true), &json!(pattern)), "{name}");
        assert!(parameter["Default"].is_null(), "{name}");
    }
    assert!(!app["Outputs"].to_string().contains("OriginSecret"), "CloudFormation shows outputs");
    let origin = &distribution(&app, "Origins")[0];
    let header = json!([{ "HeaderName": "x-anaquel-origin", "HeaderValue": { "Ref": "OriginSecretSent" } }]);
    assert_eq!(origin["OriginCustomHeaders"], header);
}

/// What each kind of request meets at the edge: the cache, and what the origin gets of it.
#[test]
fn only_assets_are_cached_and_the_functions_get_everything_that_a_browser_sends() {
    const CACHING_DISABLED: &str = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad";
    const CACHING_OPTIMIZED: &str = "658327ea-f89d-4fab-a63d-7e88639e58f6";
    const ALL_VIEWER: &str = "216adef6-5c7f-47e4-b989-5492eafa07d3";
    let app = template(&behind_cloudfront(), Kind::App);
    let others = distribution(&app, "CacheBehaviors").as_array().unwrap().iter();
    let behaviors = others.chain([distribution(&app, "DefaultCacheBehavior")]);
    let found: Vec<_> = behaviors
        .map(|behavior| {
            assert_eq!(behavior["ViewerProtocolPolicy"], "redirect-to-https");
            let text = |name: &str| behavior[name].as_str().unwrap_or("-").to_owned();
            let names = ["PathPattern", "TargetOriginId", "CachePolicyId", "OriginRequestPolicyId"].map(text);
            let methods = behavior["AllowedMethods"].as_array().unwrap().len();
            (names, methods, behavior["FunctionAssociations"].is_array())
        })
        .collect();
    let expected = [
        (["/assets/*", "load-balancer", CACHING_OPTIMIZED, ALL_VIEWER], 7, true),
        (["/covers/*", "load-balancer", CACHING_OPTIMIZED, ALL_VIEWER], 7, true),
        (["/unavailable.html", "unavailable-page", CACHING_OPTIMIZED, "-"], 2, false),
        (["-", "load-balancer", CACHING_DISABLED, ALL_VIEWER], 7, true),
    ];
    assert_eq!(found, expected.map(|(names, methods, runs)| (names.map(str::to_owned), methods, runs)));
}

#[test]
fn no_error_is_cached_and_the_page_replaces_only_errors_that_no_function_answers() {
    let app = template(&behind_cloudfront(), Kind::App);
    let responses = distribution(&app, "CustomErrorResponses").as_array().unwrap();
    let codes: Vec<_> = responses.iter().map(|response| response["ErrorCode"].as_i64().unwrap()).collect();
    assert_eq!(codes, [400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504], "all that CloudFront caches");
    for response in responses {
        assert_eq!(response["ErrorCachingMinTTL"].as_f64(), Some(0.0), "{response}");
        let is_away = [502, 504].contains(&response["ErrorCode"].as_i64().unwrap());
        let page = is_away.then_some(("/unavailable.html", 503));
        let shown = response["ResponsePagePath"].as_str().zip(response["ResponseCode"].as_i64());
        assert_eq!(shown, page, "{response}");
    }
}

#[test]
fn the_function_at_the_edge_overwrites_the_visitors_address() {
    let app = template(&behind_cloudfront(), Kind::App);
    let function = properties(&app, "ViewerAddress");
    assert_eq!(
        (&function["AutoPublish"], &function["FunctionConfig"]["Runtime"]),
        (&json!(true), &json!("cloudfront-js-2.0"))
    );
    let code = function["FunctionCode"].as_str().unwrap();
    assert!(code.contains("request.headers['x-anaquel-viewer-address'] = { value: event.viewer.ip };"), "{code}");
}

#[test]
fn behind_cloudfront_the_firewall_counts_the_visitors_address_and_only_with_the_origin_secret() {
    let app = template(&behind_cloudfront(), Kind::App);
    let from_cloudfront = json!({ "ByteMatchStatement": {
        "FieldToMatch": { "SingleHeader": { "Name": "x-anaquel-origin" } },
        "PositionalConstraint": "CONTAINS",
        "SearchString": { "Ref": "OriginSecretRequired" },
        "TextTransformations": [{ "Priority": 0, "Type": "NONE" }],
    } });
    let rules = properties(&app, "Firewall")["Rules"].as_array().unwrap();
    let limits: Vec<_> = rules.iter().filter(|rule| !rule["Action"]["Block"].is_null()).collect();
    assert_eq!(limits.len(), 3);
    for rule in limits {
        let counting = &rule["Statement"]["RateBasedStatement"];
        assert_eq!(counting["AggregateKeyType"], "FORWARDED_IP");
        let address = json!({ "HeaderName": "x-anaquel-viewer-address", "FallbackBehavior": "NO_MATCH" });
        assert_eq!(counting["ForwardedIPConfig"], address);
        assert_eq!(counting["ScopeDownStatement"]["AndStatement"]["Statements"][0], from_cloudfront);
    }
}

/// Whether a statement of the firewall holds for a request. The origin secret is there.
fn matches(statement: &Value, method: &str, path: &str) -> bool {
    let (kind, content) = statement.as_object().unwrap().iter().next().unwrap();
    match kind.as_str() {
        "AndStatement" => {
            content["Statements"].as_array().unwrap().iter().all(|statement| matches(statement, method, path))
        }
        "NotStatement" => !matches(&content["Statement"], method, path),
        "ByteMatchStatement" => match content["FieldToMatch"].as_object().unwrap().keys().next().unwrap().as_str() {
            "Method" => content["SearchString"] == method,
            "UriPath" if content["PositionalConstraint"] == "STARTS_WITH" => {
                path.starts_with(content["SearchString"].as_str().unwrap())
            }
            "UriPath" => content["SearchString"] == path,
            "SingleHeader" => true,
            other => panic!("{other}"),
        },
        other => panic!("{other}"),
    }
}

#[test]
fn the_limits_count_what_reaches_a_queue_and_neither_a_cart_nor_the_staff_and_covers_by_themselves() {
    let direct = Stage { https: Https::Domain, ..production_in_full() };
    for stage in [direct, behind_cloudfront()] {
        let app = template(&stage, Kind::App);
        let rules = properties(&app, "Firewall")["Rules"].as_array().unwrap();
        let counts = |name: &str, method: &str, path: &str| {
            let rule = rules.iter().find(|rule| rule["Name"] == name).unwrap();
            matches(&rule["Statement"]["RateBasedStatement"]["ScopeDownStatement"], method, path)
        };
        for (method, path, is_counted) in [
            ("POST", "/checkout", true),
            ("POST", "/api/orders", true),
            ("POST", "/orders/x/cancel", true),
            ("POST", "/books/53/ratings", true),
            ("POST", "/contact", true),
            ("POST", "/cart/", true),
            ("POST", "/staff", true),
            ("POST", "/staff/stock", false),
            ("POST", "/cart", false),
            ("GET", "/cart", false),
            ("GET", "/books", false),
        ] {
            assert_eq!(counts("PostsPerAddress", method, path), is_counted, "{method} {path}");
            assert!(counts("RequestsPerAddress", method, path), "{method} {path}");
            assert!(!counts("CoversPerAddress", method, path), "{method} {path}");
        }
        let cover = "/covers/0a1b2c3d4e5f60718293a4b5c6d7e8f9-320.jpg";
        assert!(counts("CoversPerAddress", "GET", cover) && !counts("RequestsPerAddress", "GET", cover));
    }
}

#[test]
fn behind_cloudfront_functions_and_output_have_its_address() {
    let app = template(&behind_cloudfront(), Kind::App);
    let url = json!({ "Fn::Join": ["", ["https://", { "Fn::GetAtt": ["Distribution", "DomainName"] }]] });
    assert_eq!(app["Outputs"]["Url"]["Value"], url);
    let origin = |function: &str| &properties(&app, function)["Environment"]["Variables"]["ANAQUEL_ORIGIN"];
    assert_eq!(origin("ShowBook"), &url);
    assert!(origin("ProcessSubmissions").is_null());
    for other in [plain(), production_in_full()] {
        let app = template(&other, Kind::App);
        let of_page = ["UnavailableDistribution"];
        let names: Vec<&str> = resources(&app, "CloudFront::Distribution").into_iter().map(|(name, _)| name).collect();
        assert!(names.is_empty() || names == of_page, "{names:?}");
        assert!(app["Parameters"]["OriginSecretSent"].is_null());
    }
}

#[test]
fn only_cloudfront_reads_the_page_and_only_its_log_delivery_writes_logs() {
    let data = template(&behind_cloudfront(), Kind::Data);
    let statement = |bucket: &str, sid: &str| {
        let document = &properties(&data, bucket)["PolicyDocument"]["Statement"];
        document.as_array().unwrap().iter().find(|statement| statement["Sid"] == sid).cloned()
    };
    let reads = statement("UnavailablePagePolicy", "CloudFrontReads").expect("a statement");
    assert_eq!(
        (&reads["Action"], &reads["Principal"]),
        (&json!("s3:GetObject"), &json!({ "Service": "cloudfront.amazonaws.com" }))
    );
    let of_account = json!({ "Fn::Sub": "arn:${AWS::Partition}:cloudfront::${AWS::AccountId}:distribution/*" });
    assert_eq!(reads["Condition"]["ArnLike"]["aws:SourceArn"], of_account);
    let origin = &distribution(&template(&behind_cloudfront(), Kind::App), "Origins")[1].clone();
    assert_eq!(origin["OriginAccessControlId"], json!({ "Ref": "UnavailablePageAccess" }));

    let logs = statement("AccessLogsPolicy", "CloudFrontLogsAreDelivered").expect("a statement");
    assert_eq!(logs["Action"], "s3:PutObject");
    assert_eq!(logs["Condition"]["StringEquals"]["aws:SourceAccount"], json!({ "Ref": "AWS::AccountId" }));
}

/// CloudFront's log deliveries and metrics exist in one region only.
#[test]
fn a_stage_in_another_region_has_a_distribution_without_logs_and_alarm() {
    for (region, expected) in [("us-east-1", true), ("eu-west-1", false)] {
        let stage = Stage { region: region.to_owned(), ..behind_cloudfront() };
        let app = template(&stage, Kind::App);
        assert_eq!(resources(&app, "CloudFront::Distribution").len(), 1, "{region}");
        for kind in ["Logs::DeliverySource", "Logs::DeliveryDestination", "Logs::Delivery"] {
            assert_eq!(resources(&app, kind).len(), usize::from(expected), "{kind} in {region}");
        }
        let alarm = &template(&stage, Kind::Operations)["Resources"]["Cloudfront5xxAlarm"];
        assert_eq!(alarm.is_object(), expected, "{region}");
    }
}

#[test]
fn cloudfront_calls_a_port_that_the_load_balancer_serves_and_its_group_admits() {
    let app = template(&behind_cloudfront(), Kind::App);
    let origin = &distribution(&app, "Origins")[0];
    assert_eq!(origin["DomainName"], json!({ "Fn::GetAtt": ["LoadBalancer", "DNSName"] }));
    let custom = &origin["CustomOriginConfig"];
    assert_eq!(custom["OriginProtocolPolicy"], "http-only", "the load balancer has no certificate");
    assert_eq!(custom["HTTPPort"], properties(&app, "HttpListener")["Port"]);
    let network = template(&behind_cloudfront(), Kind::Network);
    let admitted = properties(&network, "LoadBalancerGroup")["SecurityGroupIngress"].as_array().unwrap();
    assert!(admitted.iter().any(|rule| rule["FromPort"] == custom["HTTPPort"] && rule["CidrIp"] == "0.0.0.0/0"));
    // A connection that the load balancer closes first would fail a request.
    let attributes = properties(&app, "LoadBalancer")["LoadBalancerAttributes"].as_array().unwrap();
    let idle = attributes.iter().find(|attribute| attribute["Key"] == "idle_timeout.timeout_seconds").unwrap();
    let idle: i64 = idle["Value"].as_str().unwrap().parse().unwrap();
    assert!(custom["OriginKeepaliveTimeout"].as_i64().unwrap() < idle);
}

#[test]
fn the_page_needs_no_other_file_and_is_in_both_languages() {
    let page = UNAVAILABLE_PAGE;
    for (text, expected) in [
        ("<html lang=\"es\">", true),
        ("<section lang=\"en\">", true),
        ("Volvemos enseguida", true),
        ("Back soon", true),
        ("<meta name=\"viewport\"", true),
        ("<script", false),
        (" src=", false),
        ("<link", false),
        ("url(", false),
        ("http://", false),
        ("https://", false),
    ] {
        assert_eq!(page.contains(text), expected, "{text}");
    }
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

/// Visitors get the page under the shop's own name and over HTTPS, and the check asks what serves the shop, not its name.
#[test]
fn a_failover_leads_the_shops_name_to_the_page_and_checks_the_load_balancer() {
    let full = Stage::in_full("prod").unwrap();
    let app = template(&full, Kind::App);
    let check = &properties(&app, "HealthCheck")["HealthCheckConfig"];
    assert_eq!(check["FullyQualifiedDomainName"], json!({ "Fn::GetAtt": ["LoadBalancer", "DNSName"] }));
    assert_eq!((check["Type"].as_str(), check["ResourcePath"].as_str()), (Some("HTTPS"), Some("/health")));
    let records: Vec<_> =
        resources(&app, "Route53::RecordSet").into_iter().filter(|(_, record)| !record["Failover"].is_null()).collect();
    let of_kind = |kind: &str| records.iter().find(|(_, record)| record["Failover"] == kind).unwrap().1;
    let (primary, secondary) = (of_kind("PRIMARY"), of_kind("SECONDARY"));
    assert_eq!((records.len(), &primary["Name"], &primary["Type"]), (2, &secondary["Name"], &secondary["Type"]));
    assert_ne!(primary["SetIdentifier"], secondary["SetIdentifier"]);
    assert_eq!(primary["HealthCheckId"], json!({ "Ref": "HealthCheck" }));
    assert_eq!(secondary["AliasTarget"]["DNSName"], json!({ "Fn::GetAtt": ["UnavailableDistribution", "DomainName"] }));
    let page = &properties(&app, "UnavailableDistribution")["DistributionConfig"];
    assert_eq!(page["Aliases"], json!([full.domain.as_ref().unwrap().name]));
    assert_eq!(page["ViewerCertificate"]["AcmCertificateArn"], json!({ "Ref": "Certificate" }));
    for response in page["CustomErrorResponses"].as_array().unwrap() {
        assert_eq!(
            (&response["ResponseCode"], &response["ResponsePagePath"]),
            (&json!(503), &json!("/unavailable.html"))
        );
    }

    // The record is of the same kind without the page, so that either can follow the other.
    let domain = full.domain.clone().map(|domain| Domain { failover: false, ..domain });
    let without = template(&Stage { domain, ..full }, Kind::App);
    let record = properties(&without, "Record");
    assert_eq!((&record["Failover"], &record["SetIdentifier"]), (&primary["Failover"], &primary["SetIdentifier"]));
    assert!(record["HealthCheckId"].is_null() && resources(&without, "Route53::HealthCheck").is_empty());
}
