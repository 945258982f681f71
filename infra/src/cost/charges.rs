//! What each type of resource is charged for. A new type gets an arm of `of`, or a line in `FREE`.

use serde_json::Value;

use super::usage::{HOURS, METRICS, MONITORED_GB, POLLS, STORED_GB, Usage};
use crate::routes::FUNCTIONS;

/// So much a month of something that has a price.
pub struct Charge {
    /// What it is charged for, as a person says it.
    pub what: String,
    /// Its name in `infra/prices.toml`.
    pub price: String,
    /// Units a month.
    pub amount: f64,
    /// Whether it grows with the requests.
    pub grows: bool,
}

/// Types that cost nothing by themselves.
const FREE: [&str; 35] = [
    "ApplicationAutoScaling::ScalingPolicy",
    "Budgets::Budget",
    "CertificateManager::Certificate",
    "EC2::EgressOnlyInternetGateway",
    "EC2::InternetGateway",
    "EC2::Route",
    "EC2::RouteTable",
    "EC2::SecurityGroup",
    "EC2::Subnet",
    "EC2::SubnetCidrBlock",
    "EC2::SubnetRouteTableAssociation",
    "EC2::VPC",
    "EC2::VPCCidrBlock",
    "EC2::VPCGatewayAttachment",
    "ElasticLoadBalancingV2::Listener",
    "ElasticLoadBalancingV2::ListenerRule",
    "ElasticLoadBalancingV2::TargetGroup",
    "IAM::Group",
    "IAM::ManagedPolicy",
    "IAM::Policy",
    "IAM::Role",
    "Lambda::Alias",
    "Lambda::EventInvokeConfig",
    "Lambda::Permission",
    "Lambda::Version",
    "RDS::DBParameterGroup",
    "RDS::DBSubnetGroup",
    "Route53::RecordSet",
    "S3::BucketPolicy",
    "SNS::Subscription",
    "SNS::Topic",
    "SNS::TopicPolicy",
    "SQS::QueuePolicy",
    "SSM::Parameter",
    "WAFv2::WebACLAssociation",
];

/// The charges for a resource of this type; `None` where nobody has said what it costs.
pub fn of(kind: &str, properties: &Value, usage: &Usage) -> Option<Vec<Charge>> {
    Some(match kind {
        "ApplicationAutoScaling::ScalableTarget" => vec![ready(properties, usage)],
        "CloudWatch::Alarm" => vec![fixed("alarms", "alarm", metrics_of(properties))],
        "CloudWatch::Dashboard" => vec![fixed("dashboards", "dashboard", 1.0)],
        "EC2::EIP" => vec![fixed("public addresses", "public-address", HOURS)],
        "EC2::NatGateway" => vec![
            fixed("NAT gateways", "nat-gateway", HOURS),
            grows("data through NAT", "nat-gateway-data", usage.called_gb() / usage.gateways),
        ],
        "EC2::VPCEndpoint" => endpoint(properties, usage),
        "ElasticLoadBalancingV2::LoadBalancer" => load_balancer(properties, usage),
        "KMS::Key" => vec![fixed("keys", "key", 1.0)],
        "Lambda::EventSourceMapping" => vec![
            fixed("polls of the queue", "queue-request", POLLS / MILLION),
            grows("messages received", "queue-request", usage.submissions() / MILLION),
        ],
        "Lambda::Function" => function(properties, usage),
        "Logs::LogGroup" => logs(properties, usage),
        "RDS::DBInstance" => database(properties),
        "S3::Bucket" => vec![fixed("storage", "s3-storage", STORED_GB)],
        "SQS::Queue" => queue(properties, usage),
        "WAFv2::WebACL" => vec![
            fixed("firewall", "firewall", 1.0),
            fixed("its rules", "firewall-rule", length(&properties["Rules"])),
            grows("requests looked at", "firewall-request", usage.requests / MILLION),
        ],
        free if FREE.contains(&free) => Vec::new(),
        _ => return None,
    })
}

const MILLION: f64 = 1_000_000.0;

fn fixed(what: &str, price: &str, amount: f64) -> Charge {
    Charge { what: what.to_owned(), price: price.to_owned(), amount, grows: false }
}

fn grows(what: &str, price: &str, amount: f64) -> Charge {
    Charge { grows: true, ..fixed(what, price, amount) }
}

fn endpoint(properties: &Value, usage: &Usage) -> Vec<Charge> {
    let zones = length(&properties["SubnetIds"]);
    if zones == 0.0 {
        return Vec::new(); // A gateway in the route tables.
    }
    let carries_messages = properties["ServiceName"].to_string().contains(".sqs");
    let data = if carries_messages { usage.called_gb() } else { 0.0 };
    vec![
        fixed("interface endpoints", "endpoint", zones * HOURS),
        grows("data through endpoints", "endpoint-data", data),
    ]
}

fn load_balancer(properties: &Value, usage: &Usage) -> Vec<Charge> {
    let public = properties["Scheme"] == "internet-facing";
    let addresses = if public { length(&properties["Subnets"]) } else { 0.0 };
    vec![
        fixed("load balancer", "load-balancer", HOURS),
        fixed("public addresses", "public-address", addresses * HOURS),
        grows("capacity units", "load-balancer-unit", usage.unit_hours()),
        grows("data to the internet", "internet", usage.answers_gb()),
    ]
}

fn function(properties: &Value, usage: &Usage) -> Vec<Charge> {
    let name = text(&properties["FunctionName"]);
    let gb = number(&properties["MemorySize"]) / 1024.0;
    let architecture = text(&properties["Architectures"][0]);
    let traced = if properties["TracingConfig"]["Mode"] == "Active" { usage.traces(name) } else { 0.0 };
    vec![
        grows("requests", "lambda-request", usage.events(name) / MILLION),
        grows("time", &format!("lambda-{architecture}"), usage.seconds(name) * gb),
        grows("metrics", "metric", usage.busy(name) * METRICS),
        grows("parameters read", "parameter", usage.parameters_read(name) / MILLION),
        grows("traces", "trace", traced / MILLION),
    ]
}

/// An alarm is paid by what it looks at: an expression has several metrics.
fn metrics_of(alarm: &Value) -> f64 {
    let queries = alarm["Metrics"].as_array().into_iter().flatten();
    let metrics = queries.filter(|query| query["MetricStat"].is_object()).count();
    super::usage::float(metrics.max(1) as u64)
}

/// A log group has its function's name at the end of its own.
fn logs(properties: &Value, usage: &Usage) -> Vec<Charge> {
    let function = text(&properties["LogGroupName"]).rsplit('/').next().unwrap_or_default();
    let gb = usage.log_gb(function);
    let months = number(&properties["RetentionInDays"]) * 24.0 / HOURS;
    vec![grows("logs taken in", "log", gb), grows("logs kept", "log-kept", gb * months)]
}

/// A standby in another zone costs what the first does, storage too. Backups up to the storage's size are free.
fn database(properties: &Value) -> Vec<Charge> {
    let class = text(&properties["DBInstanceClass"]);
    let (copies, times) = if properties["MultiAZ"] == true { (2.0, "2 × ") } else { (1.0, "") };
    let storage = text(&properties["StorageType"]);
    let mut charges = vec![
        fixed(&format!("{times}{class}"), &format!("rds-{class}"), copies * HOURS),
        fixed(
            &format!("{times}storage, {storage}"),
            &format!("rds-storage-{storage}"),
            copies * number(&properties["AllocatedStorage"]),
        ),
    ];
    if properties["MonitoringInterval"].as_u64().is_some_and(|seconds| seconds > 0) {
        charges.push(fixed("Enhanced Monitoring's logs", "log", copies * MONITORED_GB));
    }
    if properties["ManageMasterUserPassword"] == true {
        charges.push(fixed("master secret", "secret", 1.0));
    }
    charges
}

/// Copies that stand ready before anybody asks: as many as always do.
fn ready(properties: &Value, usage: &Usage) -> Charge {
    let name = text(&properties["ResourceId"]).split(':').nth(1).unwrap_or_default();
    let function = FUNCTIONS.iter().find(|function| name.ends_with(&format!("-{}", function.name)));
    let gb = function.map_or(0.0, |function| f64::from(function.memory_mb) / 1024.0);
    let seconds = HOURS * 3_600.0 * number(&properties["MinCapacity"]);
    fixed("copies that stand ready", &format!("lambda-ready-{}", usage.architecture), seconds * gb)
}

/// Each message is sent and deleted; what is parked is too little to count.
fn queue(properties: &Value, usage: &Usage) -> Vec<Charge> {
    if properties["RedrivePolicy"].is_null() {
        return Vec::new();
    }
    vec![grows("messages sent and deleted", "queue-request", 2.0 * usage.submissions() / MILLION)]
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// CloudFormation takes numbers as texts too.
fn number(value: &Value) -> f64 {
    value.as_f64().or_else(|| value.as_str()?.parse().ok()).unwrap_or_default()
}

fn length(value: &Value) -> f64 {
    super::usage::float(value.as_array().map_or(0, Vec::len) as u64)
}
