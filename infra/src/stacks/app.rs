//! What serves shoppers: the functions, the load balancer in front of them and the bucket for imports.

use super::{Kind, Stack, function, imports, load_balancer};
use crate::routes::{FUNCTIONS, Function, Trigger};
use crate::stage::{Auth, Stage};
use crate::template::Id;

/// What earlier stacks made, for functions to be wired to.
pub struct Wiring {
    pub artifacts: Id,
    pub subnets: [Id; 2],
    pub group: Id,
    /// ARNs of the queues.
    pub submissions: Id,
    pub parked: Id,
    pub rds: Option<Rds>,
}

/// Only where RDS runs the database.
#[derive(Clone, Copy)]
pub struct Rds {
    /// RDS's own id of the instance, which never changes.
    pub resource_id: Id,
    pub master_secret: Id,
}

pub fn stack(stage: &Stage) -> Stack {
    let mut stack = Stack::new(stage, Kind::App, "functions, load balancer and imports");
    // The last that is locked, so also the last that is unlocked: a stage is unprotected as a whole or not at all.
    stack.termination_protection = stage.protect;
    let wiring = Wiring::take(&mut stack, stage);
    let (unmatched, others): (Vec<&Function>, _) =
        FUNCTIONS.iter().partition(|function| matches!(function.trigger, Trigger::Unmatched));
    let [unmatched] = unmatched[..] else { panic!("one function answers what no route takes") };
    let alias = function::add(&mut stack, stage, &wiring, unmatched);
    let listener = load_balancer::add(&mut stack, stage, unmatched, alias);
    for function in others {
        let alias = function::add(&mut stack, stage, &wiring, function);
        match function.trigger {
            Trigger::Http(_) => load_balancer::forward(&mut stack.template, stage, listener, function, alias),
            Trigger::Submissions => function::consume(&mut stack.template, stage, &wiring, function, alias),
            Trigger::Imports => imports::add(&mut stack.template, stage, &wiring, function, alias),
            Trigger::Unmatched | Trigger::Staff | Trigger::Release => {}
        }
    }
    stack
}

impl Wiring {
    fn take(stack: &mut Stack, stage: &Stage) -> Self {
        Self {
            artifacts: stack.input(Kind::Bootstrap, "ArtifactBucket", "String"),
            subnets: ["AppSubnet1", "AppSubnet2"].map(|name| stack.input(Kind::Network, name, "AWS::EC2::Subnet::Id")),
            group: stack.input(Kind::Network, "FunctionsGroup", "AWS::EC2::SecurityGroup::Id"),
            submissions: stack.input(Kind::Data, "SubmissionsQueueArn", "String"),
            parked: stack.input(Kind::Data, "ParkedQueueArn", "String"),
            rds: (stage.database.auth() == Auth::Iam).then(|| Rds {
                resource_id: stack.input(Kind::Data, "DatabaseResourceId", "String"),
                master_secret: stack.input(Kind::Data, "MasterLoginArn", "String"),
            }),
        }
    }
}
