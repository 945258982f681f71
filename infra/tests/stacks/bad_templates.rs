//! Templates of production, each made wrong by a small change, and the linter who should find it out.

use serde_json::{Value, json};

use super::linters::Linter;
use infra::stacks::Kind;

/// A small change that makes a good template of production a wrong one.
pub struct BadTemplate {
    pub what: &'static str,
    pub stack: Kind,
    /// Of the template's resources.
    pub change: fn(&mut Value),
    pub linter: Linter,
    pub rule: &'static str,
    pub resource: &'static str,
}

pub const BAD_TEMPLATES: [BadTemplate; 41] = [
    wrong(
        "the database's port is open to the internet",
        Kind::Network,
        Linter::Ours,
        "DATABASE_ADMITS_ONLY_FUNCTIONS",
        "DatabaseGroup",
        |resources| {
            let rule = &mut resources["DatabaseGroup"]["Properties"]["SecurityGroupIngress"][0];
            rule["CidrIp"] = "0.0.0.0/0".into();
            remove(rule, "SourceSecurityGroupId");
        },
    ),
    wrong(
        "functions can be called past the load balancer",
        Kind::Network,
        Linter::Ours,
        "ONLY_THE_LOAD_BALANCER_IS_OPEN",
        "FunctionsGroup",
        |resources| {
            let shoppers = resources["LoadBalancerGroup"]["Properties"]["SecurityGroupIngress"].clone();
            resources["FunctionsGroup"]["Properties"]["SecurityGroupIngress"] = shoppers;
        },
    ),
    wrong(
        "functions can be called over IPv6",
        Kind::Network,
        Linter::Ours,
        "ONLY_THE_LOAD_BALANCER_IS_OPEN",
        "FunctionsGroup",
        |resources| {
            let everybody = json!([{ "IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIpv6": "::/0" }]);
            resources["FunctionsGroup"]["Properties"]["SecurityGroupIngress"] = everybody;
        },
    ),
    wrong(
        "functions leave over IPv6 by a gateway that also lets in",
        Kind::Network,
        Linter::Ours,
        "NOBODY_COMES_IN_TO_FUNCTIONS",
        "App1RouteOverIpv6",
        |resources| {
            let mut route = resources["PublicRouteToInternet"].clone();
            remove(&mut route["Properties"], "DestinationCidrBlock");
            route["Properties"]["DestinationIpv6CidrBlock"] = "::/0".into();
            route["Properties"]["RouteTableId"] = json!({ "Ref": "App1Routes" });
            resources["App1RouteOverIpv6"] = route;
        },
    ),
    wrong(
        "the database has an IPv6 address",
        Kind::Network,
        Linter::Ours,
        "IPV6_IS_FOR_FUNCTIONS",
        "AppSubnet1Ipv6Range",
        |resources| resources["AppSubnet1Ipv6Range"]["Properties"]["SubnetId"] = json!({ "Ref": "DataSubnet1" }),
    ),
    wrong(
        "the database may call anybody",
        Kind::Network,
        Linter::Ours,
        "ONLY_FUNCTIONS_CALL_OUT",
        "DatabaseGroup",
        |resources| remove(&mut resources["DatabaseGroup"]["Properties"], "SecurityGroupEgress"),
    ),
    wrong(
        "the database stands in a public subnet",
        Kind::Network,
        Linter::Ours,
        "DATA_SUBNETS_HAVE_NO_WAY_OUT",
        "DataSubnet1Routes",
        |resources| resources["DataSubnet1Routes"]["Properties"]["RouteTableId"] = json!({ "Ref": "PublicRoutes" }),
    ),
    wrong(
        "the load balancer's group admits SSH",
        Kind::Network,
        Linter::Checkov,
        "CKV_AWS_24",
        "LoadBalancerGroup",
        |resources| {
            let rule = &mut resources["LoadBalancerGroup"]["Properties"]["SecurityGroupIngress"][0];
            rule["FromPort"] = 22.into();
        },
    ),
    wrong("a subnet lies within another", Kind::Network, Linter::CfnLint, "E3060", "PublicSubnet1", |resources| {
        resources["AppSubnet1"]["Properties"]["CidrBlock"] = "172.16.1.128/25".into();
    }),
    wrong(
        "the database can be deleted",
        Kind::Data,
        Linter::Ours,
        "PRODUCTION_DATABASE_IS_HARD_TO_LOSE",
        "Database",
        |resources| resources["Database"]["Properties"]["DeletionProtection"] = false.into(),
    ),
    wrong(
        "a deleted database leaves nothing",
        Kind::Data,
        Linter::Ours,
        "DATABASE_COMES_BACK",
        "Database",
        |resources| resources["Database"]["DeletionPolicy"] = "Delete".into(),
    ),
    wrong(
        "the administrator's password stands in the template",
        Kind::Data,
        Linter::Ours,
        "DATABASE_HAS_NO_PASSWORD",
        "Database",
        |resources| {
            let database = &mut resources["Database"]["Properties"];
            remove(database, "ManageMasterUserPassword");
            database["MasterUserPassword"] = "correct horse battery staple".into();
        },
    ),
    wrong(
        "any group lets callers into the database",
        Kind::Data,
        Linter::Ours,
        "DATABASE_IS_PRIVATE",
        "Database",
        |resources| resources["Database"]["Properties"]["VPCSecurityGroups"] = json!(["sg-0123456789abcdef0"]),
    ),
    wrong(
        "nobody sees slow statements",
        Kind::Data,
        Linter::Ours,
        "DATABASE_TELLS_HOW_IT_IS",
        "Database",
        |resources| resources["Database"]["Properties"]["EnableCloudwatchLogsExports"] = json!(["error"]),
    ),
    wrong(
        "people log in to the database without TLS",
        Kind::Data,
        Linter::Ours,
        "DATABASE_IS_CONFIGURED",
        "DatabaseSettings",
        |resources| resources["DatabaseSettings"]["Properties"]["Parameters"]["require_secure_transport"] = "0".into(),
    ),
    wrong("the database has a public address", Kind::Data, Linter::Checkov, "CKV_AWS_17", "Database", |resources| {
        resources["Database"]["Properties"]["PubliclyAccessible"] = true.into();
    }),
    wrong("the database is not encrypted", Kind::Data, Linter::Checkov, "CKV_AWS_16", "Database", |resources| {
        resources["Database"]["Properties"]["StorageEncrypted"] = false.into();
    }),
    wrong("RDS has no such class", Kind::Data, Linter::CfnLint, "E3025", "Database", |resources| {
        resources["Database"]["Properties"]["DBInstanceClass"] = "db.t4g.nano".into();
    }),
    wrong(
        "the database names a collation that RDS may not allow",
        Kind::Data,
        Linter::Ours,
        "DATABASE_IS_CONFIGURED",
        "DatabaseSettings",
        |resources| {
            let parameters = &mut resources["DatabaseSettings"]["Properties"]["Parameters"];
            parameters["collation_server"] = "utf8mb4_uca1400_ai_ci".into();
        },
    ),
    wrong(
        "addresses of visitors are kept for ever, as versions that nobody sees",
        Kind::Data,
        Linter::Ours,
        "BUCKET_FORGETS_OLD_VERSIONS",
        "AccessLogs",
        |resources| {
            let rules = &mut resources["AccessLogs"]["Properties"]["LifecycleConfiguration"]["Rules"];
            remove(&mut rules[0], "NoncurrentVersionExpiration");
        },
    ),
    wrong("a number is a word", Kind::Data, Linter::Aws, "F3012", "Database", |resources| {
        resources["Database"]["Properties"]["BackupRetentionPeriod"] = "a while".into();
    }),
    wrong("logs are kept for ever", Kind::Data, Linter::Checkov, "CKV_AWS_66", "DatabaseErrorLogs", |resources| {
        remove(&mut resources["DatabaseErrorLogs"]["Properties"], "RetentionInDays");
    }),
    wrong("a queue is not encrypted", Kind::Data, Linter::Ours, "QUEUE_IS_ENCRYPTED", "ParkedQueue", |resources| {
        resources["ParkedQueue"]["Properties"]["SqsManagedSseEnabled"] = false.into();
    }),
    wrong(
        "messages are gone after four days",
        Kind::Data,
        Linter::Ours,
        "QUEUE_KEEPS_MESSAGES_FOR_TWO_WEEKS",
        "SubmissionsQueue",
        |resources| remove(&mut resources["SubmissionsQueue"]["Properties"], "MessageRetentionPeriod"),
    ),
    wrong(
        "what can never be processed is tried for ever",
        Kind::Data,
        Linter::Ours,
        "QUEUE_PARKS_WHAT_FAILS",
        "SubmissionsQueue",
        |resources| remove(&mut resources["SubmissionsQueue"]["Properties"], "RedrivePolicy"),
    ),
    wrong(
        "a queue answers plain HTTP",
        Kind::Data,
        Linter::Ours,
        "QUEUE_REFUSES_PLAIN_HTTP",
        "SubmissionsQueuePolicy", // the only one left
        |resources| remove(resources, "ParkedQueuePolicy"),
    ),
    wrong(
        "a secret is a parameter in plain text",
        Kind::Data,
        Linter::Ours,
        "NO_SECRET_IN_PLAIN_TEXT",
        "DatabaseReaderUserParameter",
        |resources| {
            resources["DatabaseReaderUserParameter"]["Properties"]["Name"] =
                "/anaquel/prod/database/reader/password".into();
        },
    ),
    wrong(
        "a bucket can be made public",
        Kind::Bootstrap,
        Linter::Checkov,
        "CKV_AWS_54",
        "ArtifactBucket",
        |resources| {
            let access = &mut resources["ArtifactBucket"]["Properties"]["PublicAccessBlockConfiguration"];
            access["BlockPublicPolicy"] = false.into();
        },
    ),
    wrong(
        "files in a bucket belong to whoever puts them",
        Kind::Bootstrap,
        Linter::Ours,
        "BUCKET_IS_PRIVATE",
        "ArtifactBucket",
        |resources| remove(&mut resources["ArtifactBucket"]["Properties"], "OwnershipControls"),
    ),
    wrong(
        "a bucket is not encrypted",
        Kind::Bootstrap,
        Linter::Ours,
        "BUCKET_IS_ENCRYPTED",
        "ArtifactBucket",
        |resources| remove(&mut resources["ArtifactBucket"]["Properties"], "BucketEncryption"),
    ),
    wrong(
        "a bucket keeps everything for ever",
        Kind::Bootstrap,
        Linter::Ours,
        "BUCKET_FORGETS",
        "ArtifactBucket",
        |resources| remove(&mut resources["ArtifactBucket"]["Properties"], "LifecycleConfiguration"),
    ),
    wrong(
        "a bucket answers plain HTTP",
        Kind::Bootstrap,
        Linter::Ours,
        "BUCKET_REFUSES_PLAIN_HTTP",
        "ArtifactBucketPolicy",
        |resources| {
            let statement = &mut resources["ArtifactBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"][0];
            statement["Condition"]["Bool"]["aws:SecureTransport"] = "true".into();
        },
    ),
    wrong("a role may do anything", Kind::App, Linter::Checkov, "CKV_AWS_63", "ShowBookRole", |resources| {
        let policy = &mut resources["ShowBookRole"]["Properties"]["Policies"][0]["PolicyDocument"];
        policy["Statement"][0]["Action"] = json!(["*"]);
    }),
    wrong(
        "a role may do all that a service has",
        Kind::App,
        Linter::Ours,
        "ROLE_SAYS_WHAT_IT_ALLOWS",
        "ShowBookRole",
        |resources| {
            let policy = &mut resources["ShowBookRole"]["Properties"]["Policies"][0]["PolicyDocument"];
            policy["Statement"][0]["Action"] = json!(["logs:*"]);
        },
    ),
    wrong(
        "a function runs outside the network",
        Kind::App,
        Linter::Ours,
        "FUNCTION_RUNS_INSIDE_THE_NETWORK",
        "ShowBook",
        |resources| remove(&mut resources["ShowBook"]["Properties"], "VpcConfig"),
    ),
    wrong(
        "a password stands in a function's environment",
        Kind::App,
        Linter::Ours,
        "FUNCTION_IS_CONFIGURED_BY_SSM",
        "ShowBook",
        |resources| {
            resources["ShowBook"]["Properties"]["Environment"]["Variables"]["DATABASE_PASSWORD"] = "hunter2".into();
        },
    ),
    wrong(
        "a function falls back on a password",
        Kind::App,
        Linter::Ours,
        "FALLBACK_HOLDS_NO_SECRET",
        "ShowBook",
        |resources| {
            let variables = &mut resources["ShowBook"]["Properties"]["Environment"]["Variables"];
            variables["ANAQUEL_FALLBACK"] = json!({ "Fn::Sub": "{\"database/reader/password\":\"hunter2\"}" });
        },
    ),
    wrong(
        "a function's logs are kept for ever",
        Kind::App,
        Linter::Ours,
        "FUNCTION_LOGS_FOR_A_WHILE",
        "ShowBookLogs",
        |resources| remove(&mut resources["ShowBookLogs"]["Properties"], "RetentionInDays"),
    ),
    wrong(
        "an update moves an alias past the release",
        Kind::App,
        Linter::Ours,
        "ALIAS_BEGINS_AT_THE_FIRST_VERSION",
        "ShowBookLive",
        |resources| resources["ShowBookLive"]["Properties"]["FunctionVersion"] = "$LATEST".into(),
    ),
    wrong(
        "anybody may call a function",
        Kind::App,
        Linter::Ours,
        "ALIAS_IS_WHAT_IS_CALLED",
        "ShowBookPermission",
        |resources| resources["ShowBookPermission"]["Properties"]["Principal"] = "*".into(),
    ),
    wrong(
        "a bad message takes its neighbours along",
        Kind::App,
        Linter::Ours,
        "BATCH_FAILS_MESSAGE_BY_MESSAGE",
        "ProcessSubmissionsSource",
        |resources| remove(&mut resources["ProcessSubmissionsSource"]["Properties"], "FunctionResponseTypes"),
    ),
];

const fn wrong(
    what: &'static str,
    stack: Kind,
    linter: Linter,
    rule: &'static str,
    resource: &'static str,
    change: fn(&mut Value),
) -> BadTemplate {
    BadTemplate { what, stack, change, linter, rule, resource }
}

fn remove(value: &mut Value, key: &str) {
    value.as_object_mut().unwrap().remove(key).expect("what is to be removed");
}
