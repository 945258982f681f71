//! Charges of each resource type. A new type needs an arm in `of`, or a line in `FREE`.

use serde_json::Value;

use super::usage::{HOURS, METRICS, MONITORING_LOGS_GB, POLLS, STORED_GB, Usage};
use crate::routes::{FUNCTIONS, Queue, Trigger};
use crate::stacks::firewall::OF_ACCOUNTS;
use crate::template::logical_id;

/// A monthly quantity of something with a price.
pub struct Charge {
    /// Purpose, for the report: `data through NAT`.
    pub purpose: String,
    /// Name of the price in `infra/prices.toml`.
    pub price: String,
    /// Units in a month.
    pub amount: f64,
    /// Whether it grows with the requests, in contrast to idle cost.
    pub usage_based: bool,
}

/// Types without charges.
const FREE: [&str; 52] = [
    // Its requests are charges of its stage.
    "ApiGatewayV2::Api",
    "ApiGatewayV2::Authorizer",
    "ApiGatewayV2::Integration",
    "ApiGatewayV2::Route",
    "ApplicationAutoScaling::ScalingPolicy",
    "Budgets::Budget",
    "CertificateManager::Certificate",
    // Its invocations are charges of the distribution.
    "CloudFront::Function",
    "CloudFront::OriginAccessControl",
    "Cognito::ManagedLoginBranding",
    "Cognito::UserPoolClient",
    "Cognito::UserPoolDomain",
    "Cognito::UserPoolResourceServer",
    // Their processors and memory are charges of the services.
    "ECS::Cluster",
    "ECS::TaskDefinition",
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
    // AWS delivers CloudFront's access logs to a bucket without a charge.
    "Logs::Delivery",
    "Logs::DeliveryDestination",
    "Logs::DeliverySource",
    "RDS::DBParameterGroup",
    "RDS::DBSubnetGroup",
    "Route53::RecordSet",
    "S3::BucketPolicy",
    "SES::ConfigurationSetEventDestination",
    "SES::EmailIdentity",
    "SNS::Subscription",
    "SNS::Topic",
    "SNS::TopicPolicy",
    "SQS::QueuePolicy",
    "SSM::Parameter",
    "WAFv2::WebACLAssociation",
];

/// The charges of a resource; `None` for an unknown type.
pub fn of(kind: &str, properties: &Value, usage: &Usage) -> Option<Vec<Charge>> {
    Some(match kind {
        // In place of the load balancer, not of the function; how many programs ask is assumed.
        "ApiGatewayV2::Stage" => {
            vec![per_use("requests of programs", "api-gateway-request", usage.requests * THROUGH_GATEWAY / MILLION)]
        }
        "ApplicationAutoScaling::ScalableTarget" if properties["ServiceNamespace"] == "lambda" => {
            vec![provisioned_concurrency(properties, usage)]
        }
        // More tasks than the least number are charges of traffic that `scale` computes.
        "ApplicationAutoScaling::ScalableTarget" => Vec::new(),
        // Every request runs the function at the edge, and the load balancer's own answers leave through CloudFront.
        "CloudFront::Distribution" if is_failover(properties) => Vec::new(),
        "CloudFront::Distribution" => vec![
            per_use("requests", "cloudfront-request", usage.requests / MILLION),
            per_use("function at the edge", "cloudfront-function", usage.requests / MILLION),
            per_use("data to the internet", "cloudfront-data", usage.responses_gb()),
        ],
        "CloudWatch::Alarm" => vec![fixed("alarms", "alarm", metrics_of(properties))],
        "CloudWatch::Dashboard" => vec![fixed("dashboards", "dashboard", 1.0)],
        "Cognito::UserPool" => user_pool(properties, usage),
        "ECR::Repository" => vec![fixed("storage of images", "image-storage", IMAGES_GB)],
        "ECS::Service" => tasks(properties, usage),
        "EC2::EIP" => vec![fixed("public addresses", "public-address", HOURS)],
        "EC2::NatGateway" => vec![
            fixed("NAT gateways", "nat-gateway", HOURS),
            per_use("data through NAT", "nat-gateway-data", usage.aws_requests_gb() / usage.gateways),
        ],
        "Route53::HealthCheck" => {
            vec![fixed("health checks", "health-check", 1.0), fixed("their HTTPS", "health-check-https", 1.0)]
        }
        "EC2::VPCEndpoint" => endpoint(properties, usage),
        "ElasticLoadBalancingV2::LoadBalancer" => load_balancer(properties, usage),
        "KMS::Key" => vec![fixed("keys", "key", 1.0)],
        "Lambda::EventSourceMapping" => source(properties, usage),
        "Lambda::Function" => function(properties, usage),
        "Logs::LogGroup" => logs(properties, usage),
        "RDS::DBInstance" => database(properties, usage),
        "S3::Bucket" => storage(properties, usage),
        "SES::ConfigurationSet" => vec![per_use("mails", "mail", usage.messages(Queue::Mails) / 1_000.0)],
        "SQS::Queue" => queue(properties, usage),
        "SecretsManager::Secret" => vec![fixed("master secret", "secret", 1.0)],
        "Scheduler::Schedule" => vec![fixed("sweeps", "schedule", invocations(properties) / MILLION)],
        "WAFv2::WebACL" => web_acl(properties, usage),
        free if FREE.contains(&free) => Vec::new(),
        _ => return None,
    })
}

const MILLION: f64 = 1_000_000.0;
/// Part of all requests that comes through API Gateway, where a stage has it: an assumption.
const THROUGH_GATEWAY: f64 = 0.1;

fn fixed(purpose: &str, price: &str, amount: f64) -> Charge {
    Charge { purpose: purpose.to_owned(), price: price.to_owned(), amount, usage_based: false }
}

fn per_use(purpose: &str, price: &str, amount: f64) -> Charge {
    Charge { usage_based: true, ..fixed(purpose, price, amount) }
}

/// A distribution under the shop's own name, which nobody asks while the shop is there.
fn is_failover(distribution: &Value) -> bool {
    length(&distribution["DistributionConfig"]["Aliases"]) > 0.0
}

/// Images of the last deploys, compressed.
const IMAGES_GB: f64 = 0.2;

/// The least number of tasks, all month.
fn tasks(properties: &Value, usage: &Usage) -> Vec<Charge> {
    let name = text(&properties["ServiceName"]);
    let Some((tasks, settings)) = usage.tasks(name) else { return Vec::new() };
    let hours = tasks * HOURS;
    let price = |what: &str| format!("fargate-{what}-{}", usage.architecture);
    let mut charges = vec![
        fixed("vCPUs of tasks", &price("vcpu"), hours * f64::from(settings.cpu) / 1024.0),
        fixed("memory of tasks", &price("gb"), hours * f64::from(settings.memory_mb) / 1024.0),
    ];
    charges.push(per_use("metrics", "metric", usage.active_share(name) * usage.functions_in(name) * METRICS));
    charges
}

fn endpoint(properties: &Value, usage: &Usage) -> Vec<Charge> {
    let zones = length(&properties["SubnetIds"]);
    if zones == 0.0 {
        return Vec::new(); // A gateway endpoint, which is free.
    }
    let carries_messages = properties["ServiceName"].to_string().contains(".sqs");
    let data = if carries_messages { usage.aws_requests_gb() } else { 0.0 };
    vec![
        fixed("interface endpoints", "endpoint", zones * HOURS),
        per_use("data through endpoints", "endpoint-data", data),
    ]
}

fn load_balancer(properties: &Value, usage: &Usage) -> Vec<Charge> {
    let public = properties["Scheme"] == "internet-facing";
    let addresses = if public { length(&properties["Subnets"]) } else { 0.0 };
    vec![
        fixed("load balancer", "load-balancer", HOURS),
        fixed("public addresses", "public-address", addresses * HOURS),
        per_use("capacity units", "load-balancer-unit", usage.capacity_unit_hours()),
        // Data to CloudFront is free.
        per_use("data to the internet", "internet", if usage.has_cloudfront { 0.0 } else { usage.responses_gb() }),
    ]
}

/// AWS charges a user in each month in which something is done with the account. The staff are too few to count.
fn user_pool(properties: &Value, usage: &Usage) -> Vec<Charge> {
    // A later generation has its number behind the name.
    let name = text(&properties["UserPoolName"]).trim_end_matches(|c: char| c.is_ascii_digit() || c == '-');
    let is_of_customers = name.ends_with("-customers");
    if is_of_customers { vec![per_use("active customers", "active-user", usage.customers())] } else { Vec::new() }
}

fn web_acl(properties: &Value, usage: &Usage) -> Vec<Charge> {
    let is_of_accounts = text(&properties["Name"]).ends_with(OF_ACCOUNTS);
    let requests = if is_of_accounts { usage.requests_of_sign_ins() } else { usage.requests };
    vec![
        fixed("web ACL", "firewall", 1.0),
        fixed("web ACL rules", "firewall-rule", length(&properties["Rules"])),
        per_use("requests inspected", "firewall-request", requests / MILLION),
    ]
}

/// The bucket of one page of a few kilobytes costs nothing. Of requests, only those for covers are many; sample
/// chapters are few and large.
fn storage(properties: &Value, usage: &Usage) -> Vec<Charge> {
    let name = properties["BucketName"].to_string();
    if name.contains("-unavailable-page-") {
        return Vec::new();
    }
    if name.contains("-archive-") {
        return vec![
            per_use("archived messages", "s3-write", usage.archived() / MILLION),
            per_use("storage of archived messages", "s3-storage", usage.archived_gb()),
        ];
    }
    let storage = fixed("storage", "s3-storage", STORED_GB);
    if !name.contains("-files-") {
        return vec![storage];
    }
    let covers = per_use("covers read", "s3-read", usage.covers_read() / MILLION);
    // CloudFront is not in between.
    vec![storage, covers, per_use("sample chapters to the internet", "internet", usage.samples_gb())]
}

fn function(properties: &Value, usage: &Usage) -> Vec<Charge> {
    let name = text(&properties["FunctionName"]);
    let gb = number(&properties["MemorySize"]) / 1024.0;
    let architecture = text(&properties["Architectures"][0]);
    let traced = if properties["TracingConfig"]["Mode"] == "Active" { usage.traces(name) } else { 0.0 };
    vec![
        per_use("requests", "lambda-request", usage.events(name) / MILLION),
        per_use("duration", &format!("lambda-{architecture}"), usage.seconds(name) * gb),
        per_use("metrics", "metric", usage.active_share(name) * METRICS),
        per_use("parameters read", "parameter", usage.parameters_read(name) / MILLION),
        per_use("traces", "trace", traced / MILLION),
    ]
}

/// AWS charges an alarm for each of its metrics; an expression has several.
fn metrics_of(alarm: &Value) -> f64 {
    let queries = alarm["Metrics"].as_array().into_iter().flatten();
    let metrics = queries.filter(|query| query["MetricStat"].is_object()).count();
    super::usage::float(metrics.max(1) as u64)
}

/// The name of a log group ends with its function's name.
fn logs(properties: &Value, usage: &Usage) -> Vec<Charge> {
    let function = text(&properties["LogGroupName"]).rsplit('/').next().unwrap_or_default();
    let gb = usage.log_gb(function);
    let months = number(&properties["RetentionInDays"]) * 24.0 / HOURS;
    vec![per_use("log ingestion", "log", gb), per_use("log storage", "log-kept", gb * months)]
}

/// A standby in another zone costs the same as the primary, including storage. Backups up to the size of the storage are free.
/// A replica takes the size of its storage from the primary.
fn database(properties: &Value, usage: &Usage) -> Vec<Charge> {
    let class = text(&properties["DBInstanceClass"]);
    let (instances, times) = if properties["MultiAZ"] == true { (2.0, "2 × ") } else { (1.0, "") };
    let storage = text(&properties["StorageType"]);
    let mut charges = vec![
        fixed(&format!("{times}{class}"), &format!("rds-{class}"), instances * HOURS),
        fixed(
            &format!("{times}storage, {storage}"),
            &format!("rds-storage-{storage}"),
            instances
                * if properties["AllocatedStorage"].is_null() {
                    usage.database_gb
                } else {
                    number(&properties["AllocatedStorage"])
                },
        ),
    ];
    if properties["MonitoringInterval"].as_u64().is_some_and(|seconds| seconds > 0) {
        charges.push(fixed("Enhanced Monitoring logs", "log", instances * MONITORING_LOGS_GB));
    }
    if properties["ManageMasterUserPassword"] == true {
        charges.push(fixed("master secret", "secret", 1.0));
    }
    charges
}

/// Provisioned concurrency at its minimum.
fn provisioned_concurrency(properties: &Value, usage: &Usage) -> Charge {
    let name = text(&properties["ResourceId"]).split(':').nth(1).unwrap_or_default();
    let function = FUNCTIONS.iter().find(|function| name.ends_with(&format!("-{}", function.name)));
    let gb = function.map_or(0.0, |function| f64::from(function.memory_mb) / 1024.0);
    let seconds = HOURS * 3_600.0 * number(&properties["MinCapacity"]);
    fixed("provisioned concurrency", &format!("lambda-provisioned-{}", usage.architecture), seconds * gb)
}

/// Each message is sent and deleted. Dead letters are too few to count.
fn queue(properties: &Value, usage: &Usage) -> Vec<Charge> {
    let name = text(&properties["QueueName"]);
    let queue = Queue::ALL.into_iter().find(|queue| name.ends_with(&format!("-{}", queue.name())));
    let messages = queue.map_or(0.0, |queue| usage.messages(queue));
    vec![per_use(&purpose("messages sent and deleted", queue), price_of_requests(queue), 2.0 * messages / MILLION)]
}

/// A consumer polls its queue also while that is empty.
fn source(properties: &Value, usage: &Usage) -> Vec<Charge> {
    let alias = text(&properties["FunctionName"]["Ref"]);
    let consumer = FUNCTIONS.iter().find(|function| alias == logical_id(function.name) + "Live");
    let queue = match consumer.map(|function| function.trigger) {
        Some(Trigger::Messages(queue)) => Some(queue),
        _ => None,
    };
    let messages = queue.map_or(0.0, |queue| usage.messages(queue));
    vec![
        fixed(&purpose("queue polling", queue), price_of_requests(queue), POLLS / MILLION),
        per_use(&purpose("messages received", queue), price_of_requests(queue), messages / MILLION),
    ]
}

/// Invocations of a schedule in a month, by its rate in minutes.
fn invocations(properties: &Value) -> f64 {
    let rate = text(&properties["ScheduleExpression"]).trim_start_matches("rate(");
    let minutes: f64 = rate.split(' ').next().and_then(|minutes| minutes.parse().ok()).unwrap_or(1.0);
    HOURS * 60.0 / minutes
}

/// Charges with one purpose share a line and its price, so those of FIFO queues have a purpose of their own.
fn purpose(purpose: &str, queue: Option<Queue>) -> String {
    if queue.is_some_and(Queue::is_fifo) { format!("{purpose}, FIFO") } else { purpose.to_owned() }
}

fn price_of_requests(queue: Option<Queue>) -> &'static str {
    if queue.is_some_and(Queue::is_fifo) { "fifo-queue-request" } else { "queue-request" }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// A number, which CloudFormation also accepts as a string.
fn number(value: &Value) -> f64 {
    value.as_f64().or_else(|| value.as_str()?.parse().ok()).unwrap_or_default()
}

fn length(value: &Value) -> f64 {
    super::usage::float(value.as_array().map_or(0, Vec::len) as u64)
}
