//! A stage's templates with resolved references and intrinsic functions, as CloudFormation resolves them in an example
//! account.

use serde_json::{Map, Value};

use infra::stacks::{Input, Kind, Stack, all, user_pool_protection};
use infra::stage::Stage;

pub const ACCOUNT: &str = "111122223333";
pub const DATABASE_ID: &str = "db-ABCDEFGHIJKLMNOPQRSTUVWXY";
pub const MASTER_SECRET: &str = "arn:aws:secretsmanager:us-east-1:111122223333:secret:rds!db-0a1b2c-d3e4f5";

/// RDS's id of a replica by its logical id.
pub fn replica_id(name: &str) -> String {
    format!("db-{}", name.to_uppercase())
}

/// The templates of one stage.
pub struct ResolvedTemplates {
    pub stage: Stage,
    stacks: Vec<(Stack, Value)>,
}

impl ResolvedTemplates {
    pub fn of(stage: Stage) -> Self {
        let stacks = all(&stage).unwrap().into_iter();
        let stacks = stacks.map(|stack| {
            let template = serde_json::to_value(&stack.template).unwrap();
            (stack, template)
        });
        Self { stacks: stacks.collect(), stage }
    }

    pub fn template(&self, kind: Kind) -> &Value {
        &self.stack(kind).1
    }

    /// The resources of every stack, unresolved.
    pub fn resources(&self) -> impl Iterator<Item = (Kind, &Value)> + Clone {
        self.stacks.iter().flat_map(|(stack, template)| {
            template["Resources"].as_object().unwrap().values().map(|resource| (stack.kind, resource))
        })
    }

    /// The resolved properties of a resource.
    pub fn properties(&self, kind: Kind, name: &str) -> Value {
        self.resolve(kind, &self.template(kind)["Resources"][name]["Properties"])
    }

    fn stack(&self, kind: Kind) -> &(Stack, Value) {
        self.stacks.iter().find(|(stack, _)| stack.kind == kind).expect("a stack of each kind")
    }

    fn resolve(&self, kind: Kind, value: &Value) -> Value {
        match value {
            Value::Array(items) => items.iter().map(|item| self.resolve(kind, item)).collect(),
            Value::Object(map) => self
                .call(kind, map)
                .unwrap_or_else(|| map.iter().map(|(key, value)| (key.clone(), self.resolve(kind, value))).collect()),
            plain => plain.clone(),
        }
    }

    /// The value of an intrinsic function; none if `map` is a plain object.
    fn call(&self, kind: Kind, map: &Map<String, Value>) -> Option<Value> {
        let (function, argument) = map.iter().next()?;
        Some(
            match (function.as_str(), argument) {
                ("Ref", Value::String(name)) => self.reference(kind, name),
                ("Fn::GetAtt", Value::Array(path)) => {
                    self.attribute(kind, path[0].as_str().unwrap(), path[1].as_str().unwrap())
                }
                ("Fn::Sub", Value::String(pattern)) => self.substitute(kind, pattern),
                ("Fn::Join", Value::Array(arguments)) => {
                    let parts = self.resolve(kind, &arguments[1]);
                    let parts: Vec<_> = parts.as_array().unwrap().iter().map(|part| part.as_str().unwrap()).collect();
                    parts.join(arguments[0].as_str().unwrap())
                }
                (other, _) => {
                    assert!(!other.starts_with("Fn::"), "{other} is not supported here");
                    return None;
                }
            }
            .into(),
        )
    }

    fn substitute(&self, kind: Kind, pattern: &str) -> String {
        let mut parts = pattern.split("${");
        let mut text = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (name, rest) = part.split_once('}').expect("a closing brace");
            match name.strip_prefix('!') {
                Some(literal) => text.extend(["${", literal, "}"]),
                None => text += &self.reference(kind, name),
            }
            text += rest;
        }
        text
    }

    fn reference(&self, kind: Kind, name: &str) -> String {
        let (stack, template) = self.stack(kind);
        match name {
            "AWS::Partition" => return "aws".to_owned(),
            "AWS::Region" => return self.stage.region.clone(),
            "AWS::AccountId" => return ACCOUNT.to_owned(),
            "AWS::StackName" => return stack.name.clone(),
            _ => {}
        }
        if let Some(input) = stack.inputs.get(name) {
            return match input {
                Input::Output { stack, name } => self.output(*stack, name),
                Input::Code(function) => format!("{function}.zip"),
                Input::DeletionProtection => stack.protect.to_string(),
                Input::UserPoolProtection => user_pool_protection(stack.protect).to_owned(),
                Input::OriginSecret(part) => part.of("0.1.2").to_owned(),
                Input::Image | Input::PreviousImage => format!("registry/server@sha256:{}", "0".repeat(64)),
            };
        }
        let properties = &template["Resources"][name]["Properties"];
        match template["Resources"][name]["Type"].as_str().expect("a resource") {
            "AWS::Lambda::Alias" => {
                let function = self.text(kind, &properties["FunctionName"]);
                format!(
                    "{}:{}",
                    self.arn("lambda", &format!("function:{function}")),
                    self.text(kind, &properties["Name"])
                )
            }
            "AWS::Lambda::Function" => self.text(kind, &properties["FunctionName"]),
            "AWS::S3::Bucket" => self.text(kind, &properties["BucketName"]),
            "AWS::SNS::Topic" => self.arn("sns", &self.text(kind, &properties["TopicName"])),
            "AWS::SQS::Queue" => format!("https://queue/{}", self.text(kind, &properties["QueueName"])),
            "AWS::SecretsManager::Secret" => MASTER_SECRET.to_owned(),
            // An id that AWS generates.
            _ => format!("{}-{name}", stack.name),
        }
    }

    fn attribute(&self, kind: Kind, name: &str, attribute: &str) -> String {
        let resource = &self.template(kind)["Resources"][name];
        let property = |key: &str| self.text(kind, &resource["Properties"][key]);
        match (resource["Type"].as_str().expect("a resource"), attribute) {
            ("AWS::IAM::Role", "Arn") => format!("arn:aws:iam::{ACCOUNT}:role/{}", property("RoleName")),
            ("AWS::Logs::LogGroup", "Arn") => self.arn("logs", &format!("log-group:{}:*", property("LogGroupName"))),
            ("AWS::RDS::DBInstance", "DbiResourceId") if name == "Database" => DATABASE_ID.to_owned(),
            ("AWS::RDS::DBInstance", "DbiResourceId") => replica_id(name),
            ("AWS::RDS::DBInstance", "Endpoint.Address") => name.to_lowercase(),
            ("AWS::RDS::DBInstance", "Endpoint.Port") => "3306".to_owned(),
            ("AWS::RDS::DBInstance", "MasterUserSecret.SecretArn") => MASTER_SECRET.to_owned(),
            ("AWS::S3::Bucket", "Arn") => format!("arn:aws:s3:::{}", property("BucketName")),
            ("AWS::SQS::Queue", "Arn") => self.arn("sqs", &property("QueueName")),
            (other, attribute) => panic!("{attribute} of {other} is not supported here"),
        }
    }

    fn output(&self, kind: Kind, name: &str) -> String {
        self.text(kind, &self.template(kind)["Outputs"][name]["Value"])
    }

    fn text(&self, kind: Kind, value: &Value) -> String {
        self.resolve(kind, value).as_str().expect("a text").to_owned()
    }

    fn arn(&self, service: &str, resource: &str) -> String {
        format!("arn:aws:{service}:{}:{ACCOUNT}:{resource}", self.stage.region)
    }
}
