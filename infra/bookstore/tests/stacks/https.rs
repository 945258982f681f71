//! Production with HTTPS, firewall and provisioned concurrency, deployed to the emulator.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{Read, Write},
    net::TcpStream,
};

use bookstore::{
    aws::AwsClients,
    deploy::{DataLoss, Interaction, describe::describe, stack::apply},
};
use infra::{
    stacks::{Kind, Stack, all},
    stage::Stage,
};
use stratosphere::services::aws::route53;

use crate::{
    emulators::NO_WEB_ACL_ASSOCIATION,
    support::{production_in_full, variable},
};

/// What the emulator's CloudFormation refuses.
const LEFT_OUT: [(&str, &str); 2] = [
    NO_WEB_ACL_ASSOCIATION,
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

    let mut stack = all(&stage).unwrap().into_iter().find(|stack| stack.kind == Kind::App).unwrap();
    for (text, why) in LEFT_OUT {
        let refusal = deploy(&aws, &stack).await.expect_err(why);
        assert!(format!("{refusal:#}").contains(text), "{refusal:#}");
        stack.template.leave_out(text);
    }
    let outputs = deploy(&aws, &stack).await.unwrap();
    assert_eq!(outputs["Url"], "https://shop.example.org");

    let made = aws.cloudformation.list_stack_resources().stack_name(&stack.name).into_paginator().items().send();
    let made = made.try_collect().await.unwrap();
    let made = made.into_iter().filter(|made| made.physical_resource_id().is_some_and(|id| !id.is_empty()));
    let made: BTreeSet<String> = made.filter_map(|made| made.logical_resource_id).collect();
    assert!(stack.template.resources().map(|(name, _)| name).eq(made.iter().map(String::as_str)), "{made:?}");

    let answer = get(port, "anaquel-edge.alb.localhost", "/books?q=quijote");
    assert!(answer.starts_with("HTTP/1.1 301"), "{answer}");
    let location = "https://shop.example.org:443/books?q=quijote";
    assert!(answer.lines().any(|line| line.to_lowercase() == format!("location: {location}")), "{answer}");
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

/// With the parameters of the tests' own stage, which has no database on RDS.
async fn deploy(aws: &AwsClients, stack: &Stack) -> anyhow::Result<BTreeMap<String, String>> {
    let local = describe(aws, "anaquel-local-app").await?.expect("the tests' own stage");
    let values = local
        .parameters()
        .iter()
        .filter_map(|parameter| Some((parameter.parameter_key()?, parameter.parameter_value()?)));
    let values: BTreeMap<_, _> = values.collect();
    let mut parameters: BTreeMap<_, _> =
        stack.inputs.keys().map(|name| (*name, values.get(name).unwrap_or(&"rds").to_string())).collect();
    // Its writer would take the submissions of the tests' own stage.
    let queue = parameters.get_mut("SubmissionsQueueArn").expect("the writer's queue");
    *queue = queue.replace("anaquel-local-", "anaquel-edge-");
    let bucket = values["ArtifactBucket"].to_owned();
    apply(aws, stack, Some(&bucket), &parameters, Interaction::Quiet, DataLoss::Forbid).await
}

/// The answer as it comes, without following it.
fn get(port: u16, host: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}
