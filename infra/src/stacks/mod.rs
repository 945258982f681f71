//! The CloudFormation stacks of a stage, by lifetime. Outputs of one stack are parameters of later ones.

mod access_logs;
pub mod accounts;
pub mod api_gateway;
mod app;
mod archive;
mod bootstrap;
mod bucket;
mod bucket_event;
pub mod containers;
mod data;
pub mod distribution;
mod domain;
pub mod failover;
mod files;
pub mod firewall;
mod function;
mod imports;
mod instance;
mod load_balancer;
mod mail;
mod names;
mod network;
pub mod operations;
pub mod origin_secret;
mod permissions;
pub mod replicas;
mod sweeps;
pub mod tasks;
mod topic;
pub mod unavailable_page;
mod wiring;

pub use self::bootstrap::{REPOSITORY, repository};
pub use self::mail::MAIL_IDENTITY;
pub use self::names::NAMES;

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde::Serialize;
use serde_json::{Value, json};
use shared::parameters::Parameter;
use stratosphere::services::aws::{logs, ssm};
use stratosphere::value::ExpString;

use self::origin_secret::Part;
use crate::stage::Stage;
use crate::template::{Id, Template, logical_id};

/// One stack with its template.
pub struct Stack {
    pub kind: Kind,
    /// Name of the stage: `prod`.
    pub stage: String,
    /// `anaquel-prod-network`
    pub name: String,
    pub template: Template,
    /// Source of the value of each parameter.
    pub inputs: BTreeMap<&'static str, Input>,
    /// Whether deploy enables termination protection of the stack, and deletion protection of its resources, once the
    /// stage is complete.
    pub protect: bool,
}

/// The stacks that a stage can have, in deploy order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Kind {
    Bootstrap,
    Network,
    Data,
    App,
    ApiGateway,
    Operations,
    /// After the release, which migrates the database for its code.
    Containers,
}

/// Source of a parameter's value.
pub enum Input {
    /// The output of an earlier stack.
    Output { stack: Kind, name: &'static str },
    /// The key of this function's zip in the artifact bucket.
    Code(&'static str),
    /// `true` while deletion protection of the stack's database or load balancer is enabled, otherwise `false`.
    DeletionProtection,
    /// The same in the words of Cognito: `ACTIVE` or `INACTIVE`.
    UserPoolProtection,
    /// A part of the origin secret.
    OriginSecret(Part),
    /// The image of the containers, by its digest.
    Image,
    /// The image before it.
    PreviousImage,
}

/// Name of the parameter with `Input::DeletionProtection`.
pub const DELETION_PROTECTION: &str = "DeletionProtection";
/// Name of the parameter with `Input::UserPoolProtection`.
pub const USER_POOL_PROTECTION: &str = "UserPoolProtection";

/// The value of the parameter `UserPoolProtection`.
pub const fn user_pool_protection(protect: bool) -> &'static str {
    if protect { "ACTIVE" } else { "INACTIVE" }
}

/// All stacks of the stage in deploy order. Fails when a template has an unresolved reference.
pub fn all(stage: &Stage) -> Result<Vec<Stack>> {
    let stacks: Vec<Stack> = Kind::of(stage).map(|kind| kind.stack(stage)).collect();
    for stack in &stacks {
        stack.template.check().with_context(|| format!("stack {}", stack.name))?;
    }
    Ok(stacks)
}

/// A resource policy that denies plain HTTP to everybody.
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

/// Adds a plain-text SSM parameter. `deploy` and `up` write secrets, because CloudFormation cannot create a SecureString.
fn parameter(template: &mut Template, stage: &Stage, parameter: Parameter, value: impl Into<ExpString>) {
    let id = logical_id(parameter.path()) + "Parameter";
    template.add(
        id,
        ssm::Parameter! {
            name: format!("{}/{parameter}", stage.prefix()).as_str(),
            r#type: "String",
            value: value,
        },
    );
}

/// Adds a log group with the stage's retention.
fn log_group(template: &mut Template, stage: &Stage, id: String, name: &str) -> Id {
    let group = template.add(
        id,
        logs::LogGroup! {
            log_group_name: name,
            retention_in_days: stage.log_retention_days,
        },
    );
    let reason = "CloudWatch encrypts with its own key, and a customer key for 1 USD a month would restrict no access that IAM allows.";
    template.suppress(group, "CKV_AWS_158", reason);
    group
}

impl Kind {
    /// All kinds in deploy order.
    pub const ALL: [Self; 7] =
        [Self::Bootstrap, Self::Network, Self::Data, Self::App, Self::ApiGateway, Self::Operations, Self::Containers];

    /// The kinds that the stage has, in deploy order.
    pub fn of(stage: &Stage) -> impl Iterator<Item = Self> + use<> {
        let has_operations = stage.operations || stage.monitoring.is_some();
        let (has_api_gateway, has_containers) = (stage.api_gateway.is_some(), stage.containers.is_some());
        Self::ALL.into_iter().filter(move |kind| match kind {
            Self::ApiGateway => has_api_gateway,
            Self::Containers => has_containers,
            Self::Operations => has_operations,
            _ => true,
        })
    }

    fn stack(self, stage: &Stage) -> Stack {
        match self {
            Self::Bootstrap => bootstrap::stack(stage),
            Self::Network => network::stack(stage),
            Self::Data => data::stack(stage),
            Self::App => app::stack(stage),
            Self::ApiGateway => api_gateway::stack(stage),
            Self::Containers => containers::stack(stage),
            Self::Operations => operations::stack(stage),
        }
    }

    /// Last part of the stack's name, and its template's file name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bootstrap => "bootstrap",
            Self::Network => "network",
            Self::Data => "data",
            Self::App => "app",
            Self::ApiGateway => "api-gateway",
            Self::Containers => "containers",
            Self::Operations => "operations",
        }
    }
}

impl Stack {
    /// A stack with an empty template, described as `about`.
    pub fn new(stage: &Stage, kind: Kind, about: &str) -> Self {
        Self {
            kind,
            stage: stage.name.clone(),
            name: stage.physical(kind.name()),
            template: Template::new(format!("Anaquel, stage {}: {about}", stage.name)),
            inputs: BTreeMap::new(),
            protect: false,
        }
    }

    /// Adds a parameter whose value is the output of the same name of an earlier stack.
    fn input(&mut self, stack: Kind, name: &'static str, r#type: &'static str) -> Id {
        self.inputs.insert(name, Input::Output { stack, name });
        self.template.parameter(name, r#type)
    }

    /// Adds a parameter with a text that a deploy knows.
    fn value(&mut self, name: &'static str, source: Input) -> Id {
        self.inputs.insert(name, source);
        self.template.parameter(name, "String")
    }

    /// The same for one of several outputs, whose names have a number.
    fn numbered_input(&mut self, stack: Kind, name: String) -> Id {
        let id = self.template.parameter(name, "String");
        self.inputs.insert(id.name(), Input::Output { stack, name: id.name() });
        id
    }

    /// Adds a parameter for deletion protection. A deploy enables it after the stage is complete, because a failed creation
    /// must be able to delete its resources.
    fn deletion_protection(&mut self) -> Id {
        self.inputs.insert(DELETION_PROTECTION, Input::DeletionProtection);
        let about = "Deletion protection of the resource; `bookstore deploy` enables it once the stage is complete";
        self.template.boolean_parameter(DELETION_PROTECTION, about, self.protect)
    }

    /// The same for user pools, whose property has words of its own.
    fn user_pool_protection(&mut self) -> Id {
        self.inputs.insert(USER_POOL_PROTECTION, Input::UserPoolProtection);
        let about = "Deletion protection of the user pools; `bookstore deploy` enables it once the stage is complete";
        self.template.choice_parameter(
            USER_POOL_PROTECTION,
            about,
            &["ACTIVE", "INACTIVE"],
            user_pool_protection(self.protect),
        )
    }

    /// Adds a parameter for a part of the origin secret.
    fn origin_secret(&mut self, part: Part) -> Id {
        self.inputs.insert(part.parameter(), Input::OriginSecret(part));
        self.template.secret_parameter(part.parameter(), part.about(), part.pattern())
    }

    /// Adds a parameter whose value is the S3 key of the function's zip.
    fn code(&mut self, name: &str, function: &'static str) -> Id {
        let id = self.template.parameter(name, "String");
        self.inputs.insert(id.name(), Input::Code(function));
        id
    }
}
