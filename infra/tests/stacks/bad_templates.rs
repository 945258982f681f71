//! Negative fixtures for the linters: templates of production with one mistake each, and the linter that must detect it.

use serde_json::{Value, json};

use super::linters::Linter;
use infra::stacks::Kind;

/// A change that introduces one mistake into a template of production.
pub struct BadTemplate {
    pub mistake: &'static str,
    pub stack: Kind,
    /// Changes the template's resources.
    pub change: fn(&mut Value),
    /// Detects the mistake, with this rule at this resource.
    pub linter: Linter,
    pub rule: &'static str,
    pub resource: &'static str,
}

pub const BAD_TEMPLATES: [BadTemplate; 53] = [
    bad(
        "the database's port is open to the internet",
        Kind::Network,
        Linter::Policies,
        "DATABASE_ADMITS_ONLY_FUNCTIONS",
        "DatabaseGroup",
        |resources| {
            let rule = &mut resources["DatabaseGroup"]["Properties"]["SecurityGroupIngress"][0];
            rule["CidrIp"] = "0.0.0.0/0".into();
            remove(rule, "SourceSecurityGroupId");
        },
    ),
    bad(
        "functions can be called without the load balancer",
        Kind::Network,
        Linter::Policies,
        "ONLY_THE_LOAD_BALANCER_IS_OPEN",
        "FunctionsGroup",
        |resources| {
            let shoppers = resources["LoadBalancerGroup"]["Properties"]["SecurityGroupIngress"].clone();
            resources["FunctionsGroup"]["Properties"]["SecurityGroupIngress"] = shoppers;
        },
    ),
    bad(
        "functions can be called over IPv6",
        Kind::Network,
        Linter::Policies,
        "ONLY_THE_LOAD_BALANCER_IS_OPEN",
        "FunctionsGroup",
        |resources| {
            let everybody = json!([{ "IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIpv6": "::/0" }]);
            resources["FunctionsGroup"]["Properties"]["SecurityGroupIngress"] = everybody;
        },
    ),
    bad(
        "the IPv6 gateway of functions admits incoming connections",
        Kind::Network,
        Linter::Policies,
        "FUNCTIONS_HAVE_NO_INTERNET_GATEWAY",
        "App1RouteOverIpv6",
        |resources| {
            let mut route = resources["PublicRouteToInternet"].clone();
            remove(&mut route["Properties"], "DestinationCidrBlock");
            route["Properties"]["DestinationIpv6CidrBlock"] = "::/0".into();
            route["Properties"]["RouteTableId"] = json!({ "Ref": "App1Routes" });
            resources["App1RouteOverIpv6"] = route;
        },
    ),
    bad(
        "the database has an IPv6 address",
        Kind::Network,
        Linter::Policies,
        "IPV6_IS_FOR_FUNCTIONS",
        "AppSubnet1Ipv6Range",
        |resources| resources["AppSubnet1Ipv6Range"]["Properties"]["SubnetId"] = json!({ "Ref": "DataSubnet1" }),
    ),
    bad(
        "the database can connect to any address",
        Kind::Network,
        Linter::Policies,
        "ONLY_FUNCTIONS_CALL_OUT",
        "DatabaseGroup",
        |resources| remove(&mut resources["DatabaseGroup"]["Properties"], "SecurityGroupEgress"),
    ),
    bad(
        "the database is in a public subnet",
        Kind::Network,
        Linter::Policies,
        "DATA_SUBNETS_HAVE_NO_EGRESS",
        "DataSubnet1Routes",
        |resources| resources["DataSubnet1Routes"]["Properties"]["RouteTableId"] = json!({ "Ref": "PublicRoutes" }),
    ),
    bad(
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
    bad("a subnet overlaps another", Kind::Network, Linter::CfnLint, "E3060", "PublicSubnet1", |resources| {
        resources["AppSubnet1"]["Properties"]["CidrBlock"] = "172.16.1.128/25".into();
    }),
    bad(
        "the database can be deleted",
        Kind::Data,
        Linter::Policies,
        "PRODUCTION_DATABASE_IS_HARD_TO_LOSE",
        "Database",
        |resources| resources["Database"]["Properties"]["DeletionProtection"] = false.into(),
    ),
    bad(
        "a deleted database leaves no snapshot",
        Kind::Data,
        Linter::Policies,
        "DATABASE_IS_RECOVERABLE",
        "Database",
        |resources| resources["Database"]["DeletionPolicy"] = "Delete".into(),
    ),
    bad(
        "the administrator's password is in the template",
        Kind::Data,
        Linter::Policies,
        "DATABASE_HAS_NO_PASSWORD",
        "Database",
        |resources| {
            let database = &mut resources["Database"]["Properties"];
            remove(database, "ManageMasterUserPassword");
            database["MasterUserPassword"] = "correct horse battery staple".into();
        },
    ),
    bad(
        "the database has an unknown security group",
        Kind::Data,
        Linter::Policies,
        "DATABASE_IS_PRIVATE",
        "Database",
        |resources| resources["Database"]["Properties"]["VPCSecurityGroups"] = json!(["sg-0123456789abcdef0"]),
    ),
    bad(
        "slow statements are not logged",
        Kind::Data,
        Linter::Policies,
        "DATABASE_IS_MONITORED",
        "Database",
        |resources| resources["Database"]["Properties"]["EnableCloudwatchLogsExports"] = json!(["error"]),
    ),
    bad(
        "the database accepts logins without TLS",
        Kind::Data,
        Linter::Policies,
        "DATABASE_IS_CONFIGURED",
        "DatabaseSettings",
        |resources| resources["DatabaseSettings"]["Properties"]["Parameters"]["require_secure_transport"] = "0".into(),
    ),
    bad("the database has a public address", Kind::Data, Linter::Checkov, "CKV_AWS_17", "Database", |resources| {
        resources["Database"]["Properties"]["PubliclyAccessible"] = true.into();
    }),
    bad("the database is not encrypted", Kind::Data, Linter::Checkov, "CKV_AWS_16", "Database", |resources| {
        resources["Database"]["Properties"]["StorageEncrypted"] = false.into();
    }),
    bad("RDS has no such class", Kind::Data, Linter::CfnLint, "E3025", "Database", |resources| {
        resources["Database"]["Properties"]["DBInstanceClass"] = "db.t4g.nano".into();
    }),
    bad(
        "the parameter group has a collation that RDS may not allow",
        Kind::Data,
        Linter::Policies,
        "DATABASE_IS_CONFIGURED",
        "DatabaseSettings",
        |resources| {
            let parameters = &mut resources["DatabaseSettings"]["Properties"]["Parameters"];
            parameters["collation_server"] = "utf8mb4_uca1400_ai_ci".into();
        },
    ),
    bad(
        "visitors' IP addresses are kept for ever, in noncurrent versions",
        Kind::Data,
        Linter::Policies,
        "BUCKET_EXPIRES_OLD_VERSIONS",
        "AccessLogs",
        |resources| {
            let rules = &mut resources["AccessLogs"]["Properties"]["LifecycleConfiguration"]["Rules"];
            remove(&mut rules[0], "NoncurrentVersionExpiration");
        },
    ),
    bad("a text instead of a number", Kind::Data, Linter::Aws, "F3012", "Database", |resources| {
        resources["Database"]["Properties"]["BackupRetentionPeriod"] = "a while".into();
    }),
    bad("logs are kept for ever", Kind::Data, Linter::Checkov, "CKV_AWS_66", "DatabaseErrorLogs", |resources| {
        remove(&mut resources["DatabaseErrorLogs"]["Properties"], "RetentionInDays");
    }),
    bad("a queue is not encrypted", Kind::Data, Linter::Policies, "QUEUE_IS_ENCRYPTED", "ParkedQueue", |resources| {
        resources["ParkedQueue"]["Properties"]["SqsManagedSseEnabled"] = false.into();
    }),
    bad(
        "messages expire after four days",
        Kind::Data,
        Linter::Policies,
        "QUEUE_KEEPS_MESSAGES_FOR_TWO_WEEKS",
        "SubmissionsQueue",
        |resources| remove(&mut resources["SubmissionsQueue"]["Properties"], "MessageRetentionPeriod"),
    ),
    bad(
        "permanent failures are retried for ever",
        Kind::Data,
        Linter::Policies,
        "QUEUE_HAS_A_DEAD_LETTER_QUEUE",
        "SubmissionsQueue",
        |resources| remove(&mut resources["SubmissionsQueue"]["Properties"], "RedrivePolicy"),
    ),
    bad(
        "sweeps are sent to a queue that requires a deduplication id",
        Kind::Data,
        Linter::Policies,
        "FIFO_QUEUE_HAS_HIGH_THROUGHPUT",
        "OrdersQueue",
        |resources| resources["OrdersQueue"]["Properties"]["ContentBasedDeduplication"] = false.into(),
    ),
    bad(
        "a queue accepts plain HTTP",
        Kind::Data,
        Linter::Policies,
        "QUEUE_REFUSES_PLAIN_HTTP",
        "BouncesParkedQueuePolicy", // the first one left
        |resources| remove(resources, "ParkedQueuePolicy"),
    ),
    bad(
        "a secret is a parameter in plain text",
        Kind::Data,
        Linter::Policies,
        "NO_SECRET_IN_PLAIN_TEXT",
        "DatabaseReaderUserParameter",
        |resources| {
            resources["DatabaseReaderUserParameter"]["Properties"]["Name"] =
                "/anaquel/prod/database/reader/password".into();
        },
    ),
    bad("a bucket can be made public", Kind::Bootstrap, Linter::Checkov, "CKV_AWS_54", "ArtifactBucket", |resources| {
        let access = &mut resources["ArtifactBucket"]["Properties"]["PublicAccessBlockConfiguration"];
        access["BlockPublicPolicy"] = false.into();
    }),
    bad(
        "objects in a bucket belong to the account that uploads them",
        Kind::Bootstrap,
        Linter::Policies,
        "BUCKET_IS_PRIVATE",
        "ArtifactBucket",
        |resources| remove(&mut resources["ArtifactBucket"]["Properties"], "OwnershipControls"),
    ),
    bad(
        "a bucket is not encrypted",
        Kind::Bootstrap,
        Linter::Policies,
        "BUCKET_IS_ENCRYPTED",
        "ArtifactBucket",
        |resources| remove(&mut resources["ArtifactBucket"]["Properties"], "BucketEncryption"),
    ),
    bad(
        "a bucket keeps all objects for ever",
        Kind::Bootstrap,
        Linter::Policies,
        "BUCKET_EXPIRES",
        "ArtifactBucket",
        |resources| remove(&mut resources["ArtifactBucket"]["Properties"], "LifecycleConfiguration"),
    ),
    bad(
        "a bucket accepts plain HTTP",
        Kind::Bootstrap,
        Linter::Policies,
        "BUCKET_REFUSES_PLAIN_HTTP",
        "ArtifactBucketPolicy",
        |resources| {
            let statement = &mut resources["ArtifactBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"][0];
            statement["Condition"]["Bool"]["aws:SecureTransport"] = "true".into();
        },
    ),
    bad("strangers join the staff", Kind::Data, Linter::Policies, "STAFF_IS_INVITED", "StaffPool", |resources| {
        resources["StaffPool"]["Properties"]["AdminCreateUserConfig"]["AllowAdminCreateUserOnly"] = false.into();
    }),
    bad(
        "the staff needs no second factor",
        Kind::Data,
        Linter::Policies,
        "STAFF_NEEDS_A_SECOND_FACTOR",
        "StaffPool",
        |resources| resources["StaffPool"]["Properties"]["MfaConfiguration"] = "OPTIONAL".into(),
    ),
    bad(
        "the staff needs no second factor after the loss of its first pool",
        Kind::Data,
        Linter::Policies,
        "STAFF_NEEDS_A_SECOND_FACTOR",
        "StaffPool",
        |resources| {
            let pool = &mut resources["StaffPool"]["Properties"];
            pool["UserPoolName"] = "anaquel-prod-staff-2".into();
            pool["MfaConfiguration"] = "OFF".into();
        },
    ),
    bad(
        "the user pool of production can be deleted",
        Kind::Data,
        Linter::Policies,
        "PRODUCTION_USER_POOL_IS_HARD_TO_LOSE",
        "CustomersPool",
        |resources| remove(&mut resources["CustomersPool"]["Properties"], "DeletionProtection"),
    ),
    bad(
        "an account is recovered by a telephone number",
        Kind::Data,
        Linter::Policies,
        "ACCOUNT_IS_RECOVERED_BY_MAIL",
        "CustomersPool",
        |resources| {
            let recovery = &mut resources["CustomersPool"]["Properties"]["AccountRecoverySetting"];
            recovery["RecoveryMechanisms"][0]["Name"] = "verified_phone_number".into();
        },
    ),
    bad(
        "a program may sign in with a password",
        Kind::App,
        Linter::Policies,
        "CLIENT_USES_CODES_ONLY",
        "CustomersClient",
        |resources| {
            // Production has no clients of its pools before it has HTTPS.
            resources["CustomersClient"] = json!({
                "Type": "AWS::Cognito::UserPoolClient",
                "Properties": {
                    "UserPoolId": { "Ref": "CustomersPool" },
                    "AllowedOAuthFlows": ["code"],
                    "ExplicitAuthFlows": ["ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_PASSWORD_AUTH"],
                    "PreventUserExistenceErrors": "ENABLED",
                    "EnableTokenRevocation": true,
                },
            });
        },
    ),
    bad("a role allows all actions", Kind::App, Linter::Checkov, "CKV_AWS_63", "ShowBookRole", |resources| {
        let policy = &mut resources["ShowBookRole"]["Properties"]["Policies"][0]["PolicyDocument"];
        policy["Statement"][0]["Action"] = json!(["*"]);
    }),
    bad(
        "a role allows all actions of a service",
        Kind::App,
        Linter::Policies,
        "ROLE_LISTS_ITS_ACTIONS",
        "ShowBookRole",
        |resources| {
            let policy = &mut resources["ShowBookRole"]["Properties"]["Policies"][0]["PolicyDocument"];
            policy["Statement"][0]["Action"] = json!(["logs:*"]);
        },
    ),
    bad(
        "a function runs outside the VPC",
        Kind::App,
        Linter::Policies,
        "FUNCTION_RUNS_INSIDE_THE_VPC",
        "ShowBook",
        |resources| remove(&mut resources["ShowBook"]["Properties"], "VpcConfig"),
    ),
    bad(
        "a password is in a function's environment",
        Kind::App,
        Linter::Policies,
        "FUNCTION_IS_CONFIGURED_BY_SSM",
        "ShowBook",
        |resources| {
            resources["ShowBook"]["Properties"]["Environment"]["Variables"]["DATABASE_PASSWORD"] = "hunter2".into();
        },
    ),
    bad(
        "the fallback of a function contains a password",
        Kind::App,
        Linter::Policies,
        "FALLBACK_HOLDS_NO_SECRET",
        "ShowBook",
        |resources| {
            let variables = &mut resources["ShowBook"]["Properties"]["Environment"]["Variables"];
            variables["ANAQUEL_FALLBACK"] = json!({ "Fn::Sub": "{\"database/reader/password\":\"hunter2\"}" });
        },
    ),
    bad(
        "a function's logs are kept for ever",
        Kind::App,
        Linter::Policies,
        "FUNCTION_LOGS_EXPIRE",
        "ShowBookLogs",
        |resources| remove(&mut resources["ShowBookLogs"]["Properties"], "RetentionInDays"),
    ),
    bad(
        "an update of the template moves an alias",
        Kind::App,
        Linter::Policies,
        "ALIAS_STARTS_AT_THE_FIRST_VERSION",
        "ShowBookLive",
        |resources| resources["ShowBookLive"]["Properties"]["FunctionVersion"] = "$LATEST".into(),
    ),
    bad(
        "anybody can invoke a function",
        Kind::App,
        Linter::Policies,
        "PERMISSIONS_ARE_FOR_THE_ALIAS",
        "ShowBookPermission",
        |resources| resources["ShowBookPermission"]["Properties"]["Principal"] = "*".into(),
    ),
    bad(
        "one failed message fails its batch",
        Kind::App,
        Linter::Policies,
        "BATCH_REPORTS_SINGLE_FAILURES",
        "ProcessSubmissionsSource",
        |resources| remove(&mut resources["ProcessSubmissionsSource"]["Properties"], "FunctionResponseTypes"),
    ),
    bad(
        "visitors may use plain HTTP at CloudFront",
        Kind::App,
        Linter::Policies,
        "DISTRIBUTION_USES_HTTPS",
        "Distribution",
        |resources| distribution(resources)["DefaultCacheBehavior"]["ViewerProtocolPolicy"] = "allow-all".into(),
    ),
    bad("CloudFront caches pages", Kind::App, Linter::Policies, "PAGES_ARE_NOT_CACHED", "Distribution", |resources| {
        let cached = distribution(resources)["CacheBehaviors"][0]["CachePolicyId"].clone();
        distribution(resources)["DefaultCacheBehavior"]["CachePolicyId"] = cached;
    }),
    bad(
        "CloudFront shows one visitor's error to others",
        Kind::App,
        Linter::Policies,
        "PAGES_ARE_NOT_CACHED",
        "Distribution",
        |resources| distribution(resources)["CustomErrorResponses"][2]["ErrorCachingMinTTL"] = 10.into(),
    ),
    bad(
        "a route can be called without CloudFront",
        Kind::App,
        Linter::Policies,
        "STRANGERS_ARE_NOT_SERVED",
        "GetHealthRule",
        |resources| {
            let conditions = resources["GetHealthRule"]["Properties"]["Conditions"].as_array_mut().unwrap();
            conditions.retain(|condition| condition["Field"] != "http-header");
        },
    ),
    bad(
        "unknown paths are served without CloudFront",
        Kind::App,
        Linter::Policies,
        "STRANGERS_ARE_NOT_SERVED",
        "HttpListener",
        |resources| {
            let forward = resources["UnmatchedRule"]["Properties"]["Actions"].clone();
            resources["HttpListener"]["Properties"]["DefaultActions"] = forward;
        },
    ),
];

const fn bad(
    mistake: &'static str,
    stack: Kind,
    linter: Linter,
    rule: &'static str,
    resource: &'static str,
    change: fn(&mut Value),
) -> BadTemplate {
    BadTemplate { mistake, stack, change, linter, rule, resource }
}

fn distribution(resources: &mut Value) -> &mut Value {
    &mut resources["Distribution"]["Properties"]["DistributionConfig"]
}

fn remove(value: &mut Value, key: &str) {
    value.as_object_mut().unwrap().remove(key).expect("the key to remove");
}
