//! Production with HTTPS, firewall and provisioned concurrency, and a stage behind CloudFront, deployed to the emulator.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{Read, Write},
    net::TcpStream,
};

use bookstore::{
    aws::{AwsClients, call},
    deploy::{
        DataLoss, Interaction, describe::describe, origin_secret, secrets, stack::apply, unavailable_page::upload,
    },
};
use infra::{
    stacks::{
        Input, Kind, Stack, all,
        origin_secret::{KEY, Part, rotated},
        unavailable_page,
    },
    stage::{Https, Stage},
};
use stratosphere::services::aws::{
    elasticloadbalancingv2::{self as elb, listenerrule},
    route53,
};

use crate::{
    emulators::{NO_LOG_DELIVERY, NO_LOGIN_STYLE, NO_WEB_ACL_ASSOCIATION, ORIGIN_SECRET},
    support::{production_in_full, stage, variable},
};

/// What the emulator's CloudFormation refuses.
const LEFT_OUT: [(&str, &str); 4] = [
    ("AWS::Route53::HealthCheck", "an unknown type: no check of the shop"),
    NO_WEB_ACL_ASSOCIATION,
    NO_LOGIN_STYLE,
    ("AWS::ApplicationAutoScaling::ScalableTarget", "an unknown type: no provisioned concurrency"),
];

/// Production in full below the emulator of the tests, with the functions of the tests' own stage, and with a zone for
/// its name.
#[ignore = "needs the emulators"]
#[tokio::test]
async fn production_in_full_is_created_and_redirects_http_to_https() {
    let endpoint = variable("ANAQUEL_ENDPOINT");
    let port = endpoint.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
    let mut stage = Stage { name: "edge".to_owned(), ..production_in_full() };
    let aws = AwsClients::local(&stage, port);
    stage.domain.as_mut().unwrap().zone = zone(&aws, &stage).await;

    let inputs = page_of_the_absent_shop(&aws, &stage).await;
    let mut stack = all(&stage).unwrap().into_iter().find(|stack| stack.kind == Kind::App).unwrap();
    for (text, why) in LEFT_OUT {
        let refusal = deploy(&aws, &stack, &inputs).await.expect_err(why);
        assert!(format!("{refusal:#}").contains(text), "{refusal:#}");
        // The record stays.
        stack.template.set("Record", "HealthCheckId", serde_json::Value::Null);
        stack.template.leave_out(text);
    }
    // The stack gets the user pools of the tests' own stage, which have their domains.
    stack.template.leave_out("AWS::Cognito::UserPoolDomain");
    let outputs = deploy(&aws, &stack, &inputs).await.unwrap();
    assert_eq!(outputs["Url"], "https://shop.example.org");

    let made = aws.cloudformation.list_stack_resources().stack_name(&stack.name).into_paginator().items().send();
    let made = made.try_collect().await.unwrap();
    let made = made.into_iter().filter(|made| made.physical_resource_id().is_some_and(|id| !id.is_empty()));
    let made: BTreeSet<String> = made.filter_map(|made| made.logical_resource_id).collect();
    assert!(stack.template.resources().map(|(name, _)| name).eq(made.iter().map(String::as_str)), "{made:?}");

    let answer = call_at(port, "anaquel-edge.alb.localhost", "GET", "/books?q=quijote", &[]);
    assert_eq!((answer.status, answer.header("location")), (301, "https://shop.example.org:443/books?q=quijote"));
}

/// Paths of rules that the test adds, below the shop's own priorities: they show what the load balancer gets.
const TRUE_ADDRESS: &str = "/edge/true";
const FORGED_ADDRESS: &str = "/edge/forged";

#[ignore = "needs the emulators"]
#[tokio::test]
async fn a_stage_behind_cloudfront_serves_its_visitors_over_https_and_redirects_strangers() {
    let endpoint = variable("ANAQUEL_ENDPOINT");
    let port = endpoint.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
    let stage = Stage { name: "cdn".to_owned(), https: Https::CloudFront, ..stage("dev") };
    let aws = AwsClients::local(&stage, port);
    let mut inputs = page_of_the_absent_shop(&aws, &stage).await;
    let mut stack = all(&stage).unwrap().into_iter().find(|stack| stack.kind == Kind::App).unwrap();
    for (text, why) in [NO_LOG_DELIVERY, NO_LOGIN_STYLE] {
        let refusal = deploy(&aws, &stack, &inputs).await.expect_err(why);
        assert!(format!("{refusal:#}").contains(text), "{refusal:#}");
        stack.template.leave_out(text);
    }
    // The stack gets the user pools of the tests' own stage, which have their domains.
    stack.template.leave_out("AWS::Cognito::UserPoolDomain");
    // What the load balancer gets as the visitor's address, and answers of an origin that is away or has content.
    answer_if(&mut stack, 1, TRUE_ADDRESS, Some("127.0.0.1"), "200", "true address");
    answer_if(&mut stack, 2, FORGED_ADDRESS, Some("203.0.113.9"), "200", "forged address");
    for (priority, path, status) in [(3, "/edge/502", "502"), (4, "/edge/504", "504"), (5, "/edge/503", "503")] {
        answer_if(&mut stack, priority, path, None, status, "content of the origin");
    }
    let outputs = deploy(&aws, &stack, &inputs).await.unwrap();
    register(&aws, &outputs, &["ShowAbout", "ServeAssets", "ShowNotFound"]).await;
    let shop = outputs["DistributionHost"].as_str();
    assert_eq!(outputs["Url"], format!("https://{shop}"));

    let visit = |method: &str, path: &str, headers: &[(&str, &str)]| {
        call_at(port, shop, method, path, &[headers, &[("x-forwarded-proto", "https")]].concat())
    };
    let stranger = |method: &str, path: &str, headers: &[(&str, &str)]| {
        call_at(port, "anaquel-cdn.alb.localhost", method, path, headers)
    };

    // A visitor, by HTTPS.
    let page = visit("GET", "/about?lang=en", &[]);
    assert_eq!((page.status, page.header("strict-transport-security")), (200, "max-age=31536000"), "{}", page.text);
    let cookie = page.header("set-cookie");
    assert!(cookie.starts_with("__Host-") && cookie.ends_with("; Secure"), "{cookie}");
    assert!(page.text.contains(&format!("https://{shop}/about")), "absolute addresses are those of the distribution");
    let missing = visit("GET", "/nothing-here", &[]);
    assert_eq!(missing.status, 404, "{}", missing.text);
    let plain = call_at(port, shop, "GET", "/about", &[]);
    assert_eq!((plain.status, plain.header("location")), (301, &*format!("https://{shop}/about")));

    // Assets may be kept, by their headers; pages may not, by the policy that the template's tests check.
    let asset = page.text.split(['"', '\'']).find(|text| text.starts_with("/assets/")).expect("an asset");
    assert_eq!(visit("GET", asset, &[]).header("cache-control"), "public, max-age=31536000, immutable");

    // A stranger, with and without forged headers.
    let redirected = format!("https://{shop}:443/about?x=1");
    let [first, current, _] = ORIGIN_SECRET.split('.').collect::<Vec<_>>()[..] else { panic!("three keys") };
    for headers in [
        &[][..],
        &[("cloudfront-forwarded-proto", "https"), ("x-forwarded-proto", "https")],
        &[("x-anaquel-viewer-address", "203.0.113.9")],
        &[("x-anaquel-origin", "")],
        &[("x-anaquel-origin", "*")],
        &[("x-anaquel-origin", first)],
    ] {
        let answer = stranger("GET", "/about?x=1", headers);
        assert_eq!((answer.status, answer.header("location")), (302, &*redirected), "{headers:?}");
    }
    for method in ["POST", "PUT", "PATCH", "DELETE"] {
        let refused = stranger(method, "/contact", &[]);
        assert_eq!(refused.status, 403, "{method}");
        assert!(refused.text.contains(&format!("https://{shop}")), "{}", refused.text);
    }
    assert_eq!(stranger("GET", "/about", &[("x-anaquel-origin", current)]).status, 200, "the secret opens it");

    // A visitor cannot choose the own address.
    for forged in [&[][..], &[("x-anaquel-viewer-address", "203.0.113.9")]] {
        assert_eq!(visit("GET", TRUE_ADDRESS, forged).text, "true address", "{forged:?}");
        assert_eq!(visit("GET", FORGED_ADDRESS, forged).status, 404, "{forged:?}");
    }

    // The page replaces what no function answers, and nothing else.
    for (path, status, text) in [
        ("/edge/502", 503, "Volvemos enseguida"),
        ("/edge/504", 503, "Volvemos enseguida"),
        ("/edge/503", 503, "content of the origin"),
        ("/unavailable.html", 200, "Back soon"),
    ] {
        let answer = visit("GET", path, &[]);
        assert_eq!(answer.status, status, "{path}");
        assert!(answer.text.contains(text), "{path}: {}", answer.text);
    }

    // Visitors notice no rotation, and two of them shut out a secret that leaked.
    let mut secret = ORIGIN_SECRET.to_owned();
    for (key, leaked_opens) in [("3", true), ("4", false)] {
        secret = rotated(&secret, &key.repeat(KEY));
        inputs.extend([Part::Sent, Part::Required].map(|part| (part.parameter(), part.of(&secret).to_owned())));
        deploy(&aws, &stack, &inputs).await.unwrap();
        assert_eq!(visit("GET", "/about", &[]).status, 200);
        let answer = stranger("GET", "/about", &[("x-anaquel-origin", ORIGIN_SECRET)]);
        assert_eq!(answer.status, if leaked_opens { 200 } else { 302 }, "{key}");
    }
}

#[ignore = "needs the emulators"]
#[tokio::test]
async fn an_origin_secret_is_made_once_and_a_rotation_is_stored_only_after_the_stack_has_it() {
    let endpoint = variable("ANAQUEL_ENDPOINT");
    let port = endpoint.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
    let stage = Stage { name: "secret".to_owned(), ..stage("dev") };
    let aws = AwsClients::local(&stage, port);
    let name = origin_secret::name(&stage);
    _ = aws.ssm.delete_parameter().name(&name).send().await;
    let value = async |rotate| origin_secret::for_deploy(&aws, &stage, rotate).await.unwrap();
    let stored = async || origin_secret::stored(&aws, &stage).await.map(|secret| secret.reveal().to_owned());

    let missing = stored().await.unwrap_err().to_string();
    assert!(missing.contains(&name) && missing.contains("cargo bookstore deploy --stage secret"), "{missing}");
    let first = value(false).await.value.reveal().to_owned();
    assert_eq!((stored().await.unwrap(), value(false).await.value.reveal().to_owned()), (first.clone(), first.clone()));

    let rotation = value(true).await;
    let kept = first.split_once('.').unwrap().1;
    assert!(rotation.value.reveal().starts_with(kept), "the current and the next key stay");
    assert_eq!(stored().await.unwrap(), first, "the stack does not have the rotated one yet");
    rotation.store(&aws, &stage).await.unwrap();
    assert_eq!(stored().await.unwrap(), rotation.value.reveal());
    assert!(secrets::existing(&aws, &stage).await.unwrap().contains(&name), "`destroy` removes it");
    secrets::remove(&aws, vec![name]).await.unwrap();
}

/// The bucket with the page, and the inputs of the app stack that the tests' own stage does not have.
async fn page_of_the_absent_shop(aws: &AwsClients, stage: &Stage) -> BTreeMap<&'static str, String> {
    let mut stack = Stack::new(stage, Kind::Data, "a page");
    unavailable_page::add(&mut stack.template, stage);
    // The emulator's CloudFront calls the bucket over plain HTTP, which the policy denies; AWS's uses the visitor's HTTPS.
    let template = serde_json::to_value(&stack.template).unwrap();
    let mut policy = template["Resources"]["UnavailablePagePolicy"]["Properties"]["PolicyDocument"].clone();
    policy["Statement"].as_array_mut().unwrap().retain(|statement| statement["Sid"] != "OnlyOverTls");
    stack.template.set("UnavailablePagePolicy", "PolicyDocument", policy);
    let none = BTreeMap::new();
    let outputs = apply(aws, &stack, None, &none, Interaction::Quiet, DataLoss::Forbid).await.unwrap();
    upload(aws, &outputs["UnavailablePageBucket"]).await.unwrap();
    BTreeMap::from([("UnavailablePageDomain", outputs["UnavailablePageDomain"].clone())])
}

/// Adds a rule that answers a path, only to requests with this address in the header.
fn answer_if(stack: &mut Stack, priority: i32, path: &str, address: Option<&str>, status: &str, body: &str) {
    let mut conditions = vec![listenerrule::RuleCondition! {
        field: "path-pattern",
        path_pattern_config: listenerrule::PathPatternConfig! { values: vec![path.into()] },
    }];
    conditions.extend(address.map(|address| {
        listenerrule::RuleCondition! {
            field: "http-header",
            http_header_config: listenerrule::HttpHeaderConfig! {
                http_header_name: "x-anaquel-viewer-address",
                values: vec![address.into()],
            },
        }
    }));
    let answer = listenerrule::FixedResponseConfig! {
        status_code: status,
        content_type: "text/plain",
        message_body: body,
    };
    let rule = elb::ListenerRule! {
        priority: priority,
        conditions: conditions,
        actions: vec![listenerrule::Action! { r#type: "fixed-response", fixed_response_config: answer }],
    };
    let id = stack.template.add(format!("Test{priority}Rule"), rule);
    stack.template.set(id.name(), "ListenerArn", serde_json::json!({ "Ref": "HttpListener" }));
}

/// Registers functions as targets, which the emulator's CloudFormation does not do.
async fn register(aws: &AwsClients, outputs: &BTreeMap<String, String>, functions: &[&str]) {
    for function in functions {
        let alias = &outputs[&format!("{function}Live")];
        let target = aws_sdk_elasticloadbalancingv2::types::TargetDescription::builder().id(alias).build();
        let group = &outputs[&format!("{function}Targets")];
        call(aws.elb.register_targets().target_group_arn(group).targets(target).send()).await.unwrap();
    }
}

/// A zone for `example.org`, and its id.
async fn zone(aws: &AwsClients, stage: &Stage) -> String {
    let mut stack = Stack::new(stage, Kind::Bootstrap, "a zone");
    let zone = stack.template.add("Zone", route53::HostedZone! { name: "example.org" });
    stack.template.output("Zone", zone);
    apply(aws, &stack, None, &BTreeMap::new(), Interaction::Quiet, DataLoss::Forbid)
        .await
        .unwrap()
        .remove("Zone")
        .unwrap()
}

/// With these inputs, and the others of the tests' own stage, which has no database on RDS.
async fn deploy(
    aws: &AwsClients,
    stack: &Stack,
    inputs: &BTreeMap<&'static str, String>,
) -> anyhow::Result<BTreeMap<String, String>> {
    let local = describe(aws, "anaquel-local-app").await?.expect("the tests' own stage");
    let values = local
        .parameters()
        .iter()
        .filter_map(|parameter| Some((parameter.parameter_key()?, parameter.parameter_value()?)));
    let values: BTreeMap<_, _> = values.collect();
    let value = |name: &str, input: &Input| match input {
        Input::OriginSecret(part) => part.of(ORIGIN_SECRET).to_owned(),
        _ => (*values.get(name).unwrap_or(&"rds")).to_owned(),
    };
    let mut parameters: BTreeMap<_, _> = stack.inputs.iter().map(|(name, input)| (*name, value(name, input))).collect();
    parameters.extend(inputs.clone());
    // Its consumers would take the messages of the tests' own stage.
    for queue in parameters.values_mut().filter(|value| value.starts_with("arn:aws:sqs:")) {
        *queue = queue.replace("anaquel-local-", &format!("anaquel-{}-", stack.stage));
    }
    let bucket = values["ArtifactBucket"].to_owned();
    apply(aws, stack, Some(&bucket), &parameters, Interaction::Quiet, DataLoss::Forbid).await
}

struct Answer {
    status: u16,
    head: String,
    text: String,
}

impl Answer {
    /// The first header of that name, or nothing.
    fn header(&self, name: &str) -> &str {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(known, _)| known.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value)
    }
}

/// The answer as it comes, without following it.
fn call_at(port: u16, host: &str, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let lines: Vec<String> = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let lines = lines.concat();
    let request =
        format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\n{lines}Content-Length: 0\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let answer = String::from_utf8_lossy(&bytes).into_owned();
    let (head, text) = answer.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    Answer { status, head: head.to_owned(), text: text.to_owned() }
}
