//! Inputs of the app stack: resources of earlier stacks that functions use.

use std::collections::BTreeMap;

use shared::parameters::Parameter;
use stratosphere::value::ExpString;

use super::{Kind, Stack, bucket, data, replicas};
use crate::routes::{FUNCTIONS, Function, Queue};
use crate::stage::{DatabaseLogin, Stage};
use crate::template::{Id, sub};

/// Parameters of the app stack for resources of earlier stacks.
pub struct Wiring {
    /// Name of the artifact bucket.
    pub artifacts: Id,
    pub subnets: [Id; 2],
    /// Security group of the functions.
    pub group: Id,
    /// ARNs of the queues.
    queues: BTreeMap<Queue, Id>,
    /// Id of the customers' user pool, where people can sign in.
    pub customers: Option<Id>,
    /// URL of the submission queue, where a fallback contains it.
    submissions_url: Option<Id>,
    /// Only with RDS.
    pub rds: Option<Rds>,
}

/// The RDS instance.
pub struct Rds {
    /// RDS's immutable id of the instance, which IAM policies use.
    pub resource_id: Id,
    /// ARN of the administrator's secret.
    pub master_secret: Id,
    host: Id,
    port: Id,
    /// The same ids of the replicas.
    pub replicas: Vec<Id>,
    /// Addresses of the replicas, if there are some.
    replica_endpoints: Option<Id>,
}

impl Wiring {
    /// Adds the parameters to the stack.
    pub fn new(stack: &mut Stack, stage: &Stage) -> Self {
        Self {
            artifacts: stack.input(Kind::Bootstrap, "ArtifactBucket", "String"),
            subnets: ["AppSubnet1", "AppSubnet2"].map(|name| stack.input(Kind::Network, name, "AWS::EC2::Subnet::Id")),
            group: stack.input(Kind::Network, "FunctionsGroup", "AWS::EC2::SecurityGroup::Id"),
            queues: Queue::ALL
                .into_iter()
                .map(|queue| (queue, stack.input(Kind::Data, data::arn_output(queue), "String")))
                .collect(),
            customers: stage.has_sign_in().then(|| stack.input(Kind::Data, "CustomersPool", "String")),
            rds: (stage.database.auth() == DatabaseLogin::Iam).then(|| Rds {
                resource_id: stack.input(Kind::Data, "DatabaseResourceId", "String"),
                master_secret: stack.input(Kind::Data, "MasterLoginArn", "String"),
                host: stack.input(Kind::Data, "DatabaseHost", "String"),
                port: stack.input(Kind::Data, "DatabasePort", "String"),
                replicas: (1..=stage.database.replicas)
                    .map(|number| stack.numbered_input(Kind::Data, replicas::resource_id_output(number)))
                    .collect(),
                replica_endpoints: (stage.database.replicas > 0)
                    .then(|| stack.input(Kind::Data, replicas::ENDPOINTS, "String")),
            }),
            submissions_url: (FUNCTIONS.iter().flat_map(|function| function.fallback(stage)))
                .any(|parameter| parameter == Parameter::Queue(Queue::Submissions))
                .then(|| stack.input(Kind::Data, "SubmissionsQueueUrl", "String")),
        }
    }

    /// ARN of the queue.
    pub fn queue(&self, queue: Queue) -> Id {
        self.queues[&queue]
    }

    /// The function's fallback: its parameters' values by short name, as one JSON object. None without a fallback.
    pub fn fallback(&self, stage: &Stage, function: &Function) -> Option<ExpString> {
        let rds = self.rds.as_ref();
        let value = |parameter: Parameter| {
            let placeholder = |id: Option<Id>| format!("${{{}}}", id.expect("an input for each fallback value").name());
            match parameter {
                Parameter::DatabaseHost => placeholder(rds.map(|rds| rds.host)),
                Parameter::DatabasePort => placeholder(rds.map(|rds| rds.port)),
                Parameter::DatabaseReplicas => placeholder(rds.and_then(|rds| rds.replica_endpoints)),
                Parameter::DatabaseName => stage.database.name().to_owned(),
                Parameter::DatabaseAuth => stage.database.auth().as_str().to_owned(),
                Parameter::DatabaseUser(role) if role.is_reader() => role.user(),
                Parameter::FilesBucket => bucket::name(stage, "files"),
                Parameter::ImportBucket => bucket::name(stage, "imports"),
                Parameter::ArchiveBucket => bucket::name(stage, "archive"),
                Parameter::Queue(Queue::Submissions) => placeholder(self.submissions_url),
                other => panic!("no fallback value for the parameter {other}"),
            }
        };
        let values: BTreeMap<_, _> =
            function.fallback(stage).into_iter().map(|parameter| (parameter.path(), value(parameter))).collect();
        (!values.is_empty()).then(|| sub(&serde_json::to_string(&values).expect("strings")))
    }
}
