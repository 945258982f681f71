//! What earlier stacks made, for functions to be wired to.

use std::collections::BTreeMap;

use shared::parameters::Parameter;
use stratosphere::value::ExpString;

use super::{Kind, Stack};
use crate::routes::{DatabaseRole, FUNCTIONS, Function, Queue};
use crate::stage::{Auth, Stage};
use crate::template::{Id, sub};

/// What earlier stacks made, for functions to be wired to.
pub struct Wiring {
    pub artifacts: Id,
    pub subnets: [Id; 2],
    pub group: Id,
    /// ARNs of the queues.
    pub submissions: Id,
    pub parked: Id,
    /// URL of the queue that takes submissions.
    pub submissions_url: Option<Id>,
    pub rds: Option<Rds>,
}

/// Only where RDS runs the database.
#[derive(Clone, Copy)]
pub struct Rds {
    /// RDS's own id of the instance, which never changes.
    pub resource_id: Id,
    pub master_secret: Id,
    pub host: Id,
    pub port: Id,
}

impl Wiring {
    pub fn take(stack: &mut Stack, stage: &Stage) -> Self {
        Self {
            artifacts: stack.input(Kind::Bootstrap, "ArtifactBucket", "String"),
            subnets: ["AppSubnet1", "AppSubnet2"].map(|name| stack.input(Kind::Network, name, "AWS::EC2::Subnet::Id")),
            group: stack.input(Kind::Network, "FunctionsGroup", "AWS::EC2::SecurityGroup::Id"),
            submissions: stack.input(Kind::Data, "SubmissionsQueueArn", "String"),
            parked: stack.input(Kind::Data, "ParkedQueueArn", "String"),
            rds: (stage.database.auth() == Auth::Iam).then(|| Rds {
                resource_id: stack.input(Kind::Data, "DatabaseResourceId", "String"),
                master_secret: stack.input(Kind::Data, "MasterLoginArn", "String"),
                host: stack.input(Kind::Data, "DatabaseHost", "String"),
                port: stack.input(Kind::Data, "DatabasePort", "String"),
            }),
            submissions_url: (FUNCTIONS.iter().flat_map(|function| function.fallback(stage)))
                .any(|parameter| parameter == Queue::Send.parameter())
                .then(|| stack.input(Kind::Data, "SubmissionsQueueUrl", "String")),
        }
    }

    /// The values of a function's fallback, by short name, as one JSON object; none where it has no fallback.
    pub fn fallback(&self, stage: &Stage, function: &Function) -> Option<ExpString> {
        let value = |parameter: Parameter| {
            let placeholder =
                |id: Option<Id>| format!("${{{}}}", id.expect("an input of what is in a fallback").name());
            match parameter {
                Parameter::DatabaseHost => placeholder(self.rds.map(|rds| rds.host)),
                Parameter::DatabasePort => placeholder(self.rds.map(|rds| rds.port)),
                Parameter::DatabaseName => stage.database.name().to_owned(),
                Parameter::DatabaseAuth => stage.database.auth().as_str().to_owned(),
                Parameter::DatabaseUser(DatabaseRole::Reader) => DatabaseRole::Reader.user(),
                Parameter::SubmissionsQueue => placeholder(self.submissions_url),
                other => panic!("nobody knows the value of {other}"),
            }
        };
        let values: BTreeMap<_, _> =
            function.fallback(stage).into_iter().map(|parameter| (parameter.path(), value(parameter))).collect();
        (!values.is_empty()).then(|| sub(&serde_json::to_string(&values).expect("strings")))
    }
}
