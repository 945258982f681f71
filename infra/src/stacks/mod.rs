//! The stage as CloudFormation stacks, by lifetime. What one stack puts out, a later one takes in.

mod access_logs;
mod app;
mod bootstrap;
mod bucket;
mod data;
mod domain;
mod firewall;
mod function;
mod imports;
mod load_balancer;
mod names;
mod network;
pub mod operations;
mod permissions;
mod wiring;

pub use self::names::NAMES;

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde::Serialize;
use serde_json::{Value, json};
use stratosphere::services::aws::logs;

use crate::stage::Stage;
use crate::template::{Id, Template};

pub struct Stack {
    pub kind: Kind,
    /// `anaquel-prod-network`
    pub name: String,
    pub template: Template,
    /// Where the template's parameters get their values.
    pub inputs: BTreeMap<&'static str, Input>,
    /// Whether it is locked against deletion once the stage is complete, and so is what it holds that AWS can lock.
    pub protect: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Kind {
    Bootstrap,
    Network,
    Data,
    App,
    Operations,
}

pub enum Input {
    /// The output of an earlier stack.
    Output { stack: Kind, name: &'static str },
    /// The key of a function's zip in the artifact bucket.
    Code(&'static str),
    /// `true` while the stack's database or load balancer is locked against deletion, else `false`.
    DeletionProtection,
}

/// The parameter of that meaning.
pub const DELETION_PROTECTION: &str = "DeletionProtection";

/// In the order in which they are deployed.
pub fn all(stage: &Stage) -> Result<Vec<Stack>> {
    let stacks: Vec<Stack> = Kind::of(stage).map(|kind| kind.stack(stage)).collect();
    for stack in &stacks {
        stack.template.check().with_context(|| format!("stack {}", stack.name))?;
    }
    Ok(stacks)
}

/// A resource's own policy, which refuses plain HTTP to everybody.
fn only_over_tls(actions: &str, resources: impl Serialize) -> Value {
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Sid": "OnlyOverTls",
            "Effect": "Deny",
            "Principal": "*",
            "Action": actions,
            "Resource": resources,
            "Condition": { "Bool": { "aws:SecureTransport": "false" } },
        }],
    })
}

/// A log group that forgets after as many days as the stage says.
fn log_group(template: &mut Template, stage: &Stage, id: String, name: &str) -> Id {
    let group = template.add(
        id,
        logs::LogGroup! {
            log_group_name: name,
            retention_in_days: stage.log_retention_days,
        },
    );
    let reason = "CloudWatch encrypts with a key of its own, and ours, for 1 USD a month, would keep out nobody whom IAM lets in.";
    template.excuse(group, "CKV_AWS_158", reason);
    group
}

impl Kind {
    /// In the order in which they are deployed.
    pub const ALL: [Self; 5] = [Self::Bootstrap, Self::Network, Self::Data, Self::App, Self::Operations];

    /// Those that the stage has, in the same order.
    pub fn of(stage: &Stage) -> impl Iterator<Item = Self> + use<> {
        let looked_after = stage.operations || stage.watch.is_some();
        Self::ALL.into_iter().filter(move |kind| looked_after || *kind != Self::Operations)
    }

    fn stack(self, stage: &Stage) -> Stack {
        match self {
            Self::Bootstrap => bootstrap::stack(stage),
            Self::Network => network::stack(stage),
            Self::Data => data::stack(stage),
            Self::App => app::stack(stage),
            Self::Operations => operations::stack(stage),
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Bootstrap => "bootstrap",
            Self::Network => "network",
            Self::Data => "data",
            Self::App => "app",
            Self::Operations => "operations",
        }
    }
}

impl Stack {
    pub fn new(stage: &Stage, kind: Kind, about: &str) -> Self {
        Self {
            kind,
            name: stage.physical(kind.name()),
            template: Template::new(format!("Anaquel, stage {}: {about}", stage.name)),
            inputs: BTreeMap::new(),
            protect: false,
        }
    }

    /// A parameter that gets the output of the same name of an earlier stack.
    fn input(&mut self, stack: Kind, name: &'static str, r#type: &'static str) -> Id {
        self.inputs.insert(name, Input::Output { stack, name });
        self.template.parameter(name, r#type)
    }

    /// A parameter that locks what the stack holds against deletion. A deploy switches it on after the stage is complete:
    /// a creation that fails must be able to delete what it has made.
    fn deletion_protection(&mut self) -> Id {
        self.inputs.insert(DELETION_PROTECTION, Input::DeletionProtection);
        let about = "Locks the resource against deletion; `bookstore deploy` switches it on once the stage is complete";
        self.template.switch(DELETION_PROTECTION, about, self.protect)
    }

    /// A parameter that gets the key of the function's zip.
    fn code(&mut self, name: &str, function: &'static str) -> Id {
        let id = self.template.parameter(name, "String");
        self.inputs.insert(id.name(), Input::Code(function));
        id
    }
}
