//! A CloudFormation template over stratosphere's typed resources. It adds what stratosphere's own template lacks
//! (`DependsOn`, removal policies, typed parameters, linter suppressions) and checks that every reference resolves.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, ensure};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};
use stratosphere::resource_specification::ResourceTypeName;
use stratosphere::template::ToResource;
use stratosphere::value::{ExpString, get_att};

/// The logical ID of a resource or the name of a parameter of one template. Converted to an expression it is a `Ref`.
#[derive(Clone, Copy)]
pub struct Id(&'static str);

impl Id {
    /// Leaks the name, so that an `Id` is `Copy`; the process is short-lived.
    fn new(name: String) -> Self {
        Self(name.leak())
    }

    /// The logical ID as text.
    pub fn name(self) -> &'static str {
        self.0
    }

    /// `Fn::GetAtt` of this resource's attribute.
    pub(crate) fn att(self, attribute: &str) -> ExpString {
        get_att(self.0, attribute)
    }
}

impl From<Id> for ExpString {
    fn from(id: Id) -> Self {
        Self::Ref(id.0.into())
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        ExpString::from(*self).serialize(serializer)
    }
}

/// `Fn::Sub`; `pattern` may contain pseudo parameters, such as `${AWS::Region}`.
pub(crate) fn sub(pattern: &str) -> ExpString {
    ExpString::Sub { pattern: pattern.to_owned() }
}

/// ARN of a resource in the stack's own account and region.
pub fn arn(service: &str, resource: &str) -> ExpString {
    sub(&format!("arn:${{AWS::Partition}}:{service}:${{AWS::Region}}:${{AWS::AccountId}}:{resource}"))
}

/// A list of expressions, as stratosphere's properties take it.
pub fn list<T: Into<ExpString>>(items: impl IntoIterator<Item = T>) -> Vec<ExpString> {
    items.into_iter().map(Into::into).collect()
}

/// Logical ID for a name: `ShowBook` for `show-book`.
pub fn logical_id(name: &str) -> String {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.flat_map(|word| [word[..1].to_uppercase(), word[1..].to_owned()]).collect()
}

/// The template of one stack, in construction.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Template {
    #[serde(rename = "AWSTemplateFormatVersion")]
    version: &'static str,
    description: String,
    parameters: BTreeMap<&'static str, Parameter>,
    resources: BTreeMap<&'static str, Resource>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    outputs: BTreeMap<&'static str, Output>,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Parameter {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    default: Option<String>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    allowed_values: &'static [&'static str],
    #[serde(skip_serializing_if = "Option::is_none")]
    allowed_pattern: Option<&'static str>,
    /// Whether CloudFormation shows asterisks instead of the value.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    no_echo: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Resource {
    r#type: ResourceTypeName<'static>,
    properties: Map<String, Value>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    depends_on: BTreeSet<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deletion_policy: Option<RemovalPolicy>,
    #[serde(skip_serializing_if = "Option::is_none")]
    update_replace_policy: Option<RemovalPolicy>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    metadata: BTreeMap<&'static str, Suppressions>,
}

/// Suppressions of one linter on one resource, in the formats of checkov (`skip`) and cfn-lint (`config`).
#[derive(Default, Serialize)]
struct Suppressions {
    skip: Vec<Suppression>,
    #[serde(skip_serializing_if = "Option::is_none")]
    config: Option<CfnLintConfig>,
}

#[derive(Default, Serialize)]
struct CfnLintConfig {
    ignore_checks: Vec<&'static str>,
}

#[derive(Serialize)]
struct Suppression {
    id: &'static str,
    comment: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Output {
    value: ExpString,
}

/// CloudFormation's `DeletionPolicy` and `UpdateReplacePolicy` of a resource.
#[derive(Clone, Copy, Serialize)]
pub(crate) enum RemovalPolicy {
    Delete,
    Retain,
    /// Retained, except after a failed creation, whose remains would block the next one.
    RetainExceptOnCreate,
    Snapshot,
}

impl Template {
    /// An empty template.
    pub fn new(description: String) -> Self {
        Self {
            version: "2010-09-09",
            description,
            parameters: BTreeMap::new(),
            resources: BTreeMap::new(),
            outputs: BTreeMap::new(),
        }
    }

    /// Adds a parameter without a default.
    pub fn parameter(&mut self, name: impl Into<String>, r#type: &'static str) -> Id {
        let id = Id::new(name.into());
        self.parameters.insert(id.0, Parameter { r#type, ..Parameter::default() });
        id
    }

    /// Adds a parameter whose value CloudFormation does not show, with the pattern that the value must match.
    pub fn secret_parameter(&mut self, name: &'static str, description: &'static str, pattern: &'static str) -> Id {
        let parameter = Parameter {
            r#type: "String",
            description: Some(description),
            allowed_pattern: Some(pattern),
            no_echo: true,
            ..Parameter::default()
        };
        self.parameters.insert(name, parameter);
        Id(name)
    }

    /// Adds a parameter whose values are `true` and `false`.
    pub fn boolean_parameter(&mut self, name: &'static str, description: &'static str, default: bool) -> Id {
        self.choice_parameter(name, description, &["true", "false"], if default { "true" } else { "false" })
    }

    /// Adds a parameter whose value is one of these.
    pub fn choice_parameter(
        &mut self,
        name: &'static str,
        description: &'static str,
        values: &'static [&'static str],
        default: &str,
    ) -> Id {
        let parameter = Parameter {
            r#type: "String",
            description: Some(description),
            default: Some(default.to_owned()),
            allowed_values: values,
            ..Parameter::default()
        };
        self.parameters.insert(name, parameter);
        Id(name)
    }

    /// Adds a resource. Panics when the template already has one of this name.
    #[expect(clippy::needless_pass_by_value, reason = "callers construct the resource in the call")]
    pub fn add<R: ToResource>(&mut self, name: impl Into<String>, resource: R) -> Id {
        let id = Id::new(name.into());
        let resource = Resource {
            r#type: R::RESOURCE_TYPE_NAME,
            properties: resource.to_resource_properties(),
            depends_on: BTreeSet::new(),
            deletion_policy: None,
            update_replace_policy: None,
            metadata: BTreeMap::new(),
        };
        let previous = self.resources.insert(id.0, resource);
        assert!(previous.is_none(), "two resources have the logical ID {}", id.0);
        id
    }

    /// `DependsOn`: CloudFormation creates `id` after `dependency`. Needed where no reference implies it.
    pub fn add_dependency(&mut self, id: Id, dependency: Id) {
        self.resource(id).depends_on.insert(dependency.0);
    }

    /// Retains the resource when it is replaced, and deletes it with the stack.
    pub(crate) fn retain_on_replacement(&mut self, id: Id) {
        let resource = self.resource(id);
        resource.deletion_policy = Some(RemovalPolicy::Delete);
        resource.update_replace_policy = Some(RemovalPolicy::Retain);
    }

    /// Sets the resource's policy for deletion and for replacement.
    pub(crate) fn set_removal_policy(&mut self, id: Id, policy: RemovalPolicy) {
        let resource = self.resource(id);
        resource.deletion_policy = Some(policy);
        resource.update_replace_policy = Some(match policy {
            RemovalPolicy::RetainExceptOnCreate => RemovalPolicy::Retain,
            other => other,
        });
    }

    /// Suppresses a linter rule on this resource. `reason` is one sentence; the rule's name determines the linter.
    pub(crate) fn suppress(&mut self, id: Id, rule: &'static str, reason: &'static str) {
        let linter = match rule {
            rule if rule.starts_with("CKV") => "checkov",
            rule if rule.starts_with("E3") => "cfn-lint",
            _ => "cloudformation-validate",
        };
        let suppressions = self.resource(id).metadata.entry(linter).or_default();
        if linter == "cfn-lint" {
            suppressions.config.get_or_insert_default().ignore_checks.push(rule);
        }
        suppressions.skip.push(Suppression { id: rule, comment: reason });
    }

    /// Adds an output, which later stacks can take as an input.
    pub fn output(&mut self, name: impl Into<String>, value: impl Into<ExpString>) {
        let value = value.into();
        self.outputs.insert(Id::new(name.into()).0, Output { value });
    }

    /// Logical ID and type of each resource.
    pub fn resources(&self) -> impl Iterator<Item = (&'static str, String)> {
        self.resources.iter().map(|(name, resource)| (*name, resource.r#type.to_string()))
    }

    /// Whether the template has an output of this name.
    pub fn has_output(&self, name: &str) -> bool {
        self.outputs.contains_key(name)
    }

    /// Fails when a reference names no resource or parameter of the template.
    pub fn check(&self) -> Result<()> {
        let unresolved = Vec::from_iter(self.unresolved_references()?).join(", ");
        ensure!(unresolved.is_empty(), "unresolved references in the template: {unresolved}");
        Ok(())
    }

    fn unresolved_references(&self) -> Result<BTreeSet<String>> {
        let mut names = BTreeSet::new();
        collect_references(&serde_json::to_value(self)?, &mut names);
        names.retain(|name| !self.defines(name));
        Ok(names)
    }

    /// Sets a property of a resource; `null` removes it. Panics when there is no such resource.
    pub fn set(&mut self, resource: &str, property: &str, value: Value) {
        let properties = &mut self.resources.get_mut(resource).expect("a resource of that name").properties;
        match value {
            Value::Null => _ = properties.remove(property),
            value => _ = properties.insert(property.to_owned(), value),
        }
    }

    /// Removes each resource and output that contains `text`, and everything that refers to them. Tests use it for
    /// resources that an emulator does not support.
    pub fn leave_out(&mut self, text: &str) {
        self.retain(|part| !part.to_string().contains(text));
        loop {
            let unresolved = self.unresolved_references().unwrap();
            if unresolved.is_empty() {
                return;
            }
            self.retain(|part| {
                let mut names = BTreeSet::new();
                collect_references(part, &mut names);
                names.is_disjoint(&unresolved)
            });
        }
    }

    fn retain(&mut self, keep: impl Fn(&Value) -> bool) {
        self.resources.retain(|_, resource| keep(&serde_json::to_value(resource).unwrap()));
        self.outputs.retain(|_, output| keep(&serde_json::to_value(output).unwrap()));
    }

    /// The template as JSON, byte for byte the same for the same input.
    pub fn to_json(&self) -> Result<String> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    fn defines(&self, name: &str) -> bool {
        self.resources.contains_key(name) || self.parameters.contains_key(name) || name.starts_with("AWS::")
    }

    fn resource(&mut self, id: Id) -> &mut Resource {
        self.resources.get_mut(id.0).expect("an Id comes from `add`")
    }
}

/// Collects every name in a `Ref`, `Fn::GetAtt`, `Fn::Sub` or `DependsOn` below `value`.
fn collect_references(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect_references(item, names)),
        Value::Object(map) => {
            for (key, value) in map {
                match (key.as_str(), value) {
                    ("Ref", Value::String(name)) => _ = names.insert(name.clone()),
                    ("Fn::GetAtt", Value::Array(path)) => names.extend(path[0].as_str().map(str::to_owned)),
                    ("Fn::Sub", Value::String(pattern)) => names.extend(placeholders(pattern)),
                    ("DependsOn", Value::Array(others)) => {
                        names.extend(others.iter().filter_map(Value::as_str).map(str::to_owned));
                    }
                    _ => collect_references(value, names),
                }
            }
        }
        _ => {}
    }
}

/// The names in `${Name}` and `${Name.Attribute}` of a `Fn::Sub`. `${!Name}` is a literal `${Name}` and is skipped.
fn placeholders(pattern: &str) -> impl Iterator<Item = String> {
    let names = pattern.split("${").skip(1).filter_map(|rest| rest.split(['}', '.']).next());
    names.filter(|name| !name.starts_with('!')).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use stratosphere::services::aws::ssm;

    use super::*;

    fn parameter(value: impl Into<ExpString>) -> ssm::Parameter_ {
        ssm::Parameter! { r#type: "String", value: value }
    }

    #[test]
    fn references_to_resources_and_parameters_resolve() {
        let mut template = Template::new(String::new());
        let name = template.parameter("Name", "String");
        let first = template.add("First", parameter(name));
        let second = template.add("Second", parameter(first.att("Value")));
        template.add("Third", parameter(sub("${First}-${Second.Value}-${AWS::Region}-${!aws:username}")));
        template.add_dependency(second, first);
        template.check().unwrap();
    }

    #[test]
    fn leaving_out_a_resource_removes_its_dependents() {
        let mut template = Template::new(String::new());
        let first = template.add("First", parameter("the old one"));
        let second = template.add("Second", parameter(first.att("Value")));
        let third = template.add("Third", parameter("another"));
        let fourth = template.add("Fourth", parameter("one more"));
        template.add_dependency(third, second);
        template.output("Third", third);
        template.output("Fourth", fourth);
        template.leave_out("the old one");
        assert!(template.resources().map(|(name, _)| name).eq(["Fourth"]));
        assert!(template.has_output("Fourth") && !template.has_output("Third"));
    }

    #[test]
    fn all_unresolved_references_are_reported() {
        let mut other = Template::new(String::new());
        let [absent, gone, lost] = ["Absent", "Gone", "Lost"].map(|name| other.add(name, parameter("")));

        let mut template = Template::new(String::new());
        let first = template.add("First", parameter(absent));
        template.add("Second", parameter(gone.att("Value")));
        template.add("Third", parameter(sub("${Nowhere.Value}")));
        template.add_dependency(first, lost);
        assert_eq!(
            template.check().unwrap_err().to_string(),
            "unresolved references in the template: Absent, Gone, Lost, Nowhere"
        );
    }
}
