//! Our envelope over stratosphere's typed resources: it adds what the crate's own template lacks
//! (`DependsOn`, deletion policies, typed parameters, excuses) and checks that every reference leads somewhere.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, ensure};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};
use stratosphere::resource_specification::ResourceTypeName;
use stratosphere::template::ToResource;
use stratosphere::value::{ExpString, get_att};

/// The name of a resource or parameter inside its template. Plain it is a `Ref`.
#[derive(Clone, Copy)]
pub struct Id(&'static str);

impl Id {
    /// Names live as long as the process, which ends soon: so an `Id` is `Copy`, and reads like a variable.
    fn new(name: String) -> Self {
        Self(name.leak())
    }

    pub fn name(self) -> &'static str {
        self.0
    }

    /// A `Fn::GetAtt`.
    pub fn att(self, attribute: &str) -> ExpString {
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

/// A `Fn::Sub`; `pattern` may name pseudo parameters, such as `${AWS::Region}`.
pub fn sub(pattern: &str) -> ExpString {
    ExpString::Sub { pattern: pattern.to_owned() }
}

/// The ARN of something in the stack's own account and region.
pub fn arn(service: &str, thing: &str) -> ExpString {
    sub(&format!("arn:${{AWS::Partition}}:{service}:${{AWS::Region}}:${{AWS::AccountId}}:{thing}"))
}

/// stratosphere's lists hold expressions only; this turns anything that can be one into such a list.
pub fn list<T: Into<ExpString>>(items: impl IntoIterator<Item = T>) -> Vec<ExpString> {
    items.into_iter().map(Into::into).collect()
}

/// The name that a thing has inside a template: `show-book` is `ShowBook`.
pub fn logical(name: &str) -> String {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.flat_map(|word| [word[..1].to_uppercase(), word[1..].to_owned()]).collect()
}

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

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Parameter {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    default: Option<String>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    allowed_values: &'static [&'static str],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Resource {
    r#type: ResourceTypeName<'static>,
    properties: Map<String, Value>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    depends_on: BTreeSet<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deletion_policy: Option<Keep>,
    #[serde(skip_serializing_if = "Option::is_none")]
    update_replace_policy: Option<Keep>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    metadata: BTreeMap<&'static str, Skipped>,
}

/// Suppressions of one linter, in the forms that checkov and cfn-lint read.
#[derive(Default, Serialize)]
struct Skipped {
    skip: Vec<Excuse>,
    #[serde(skip_serializing_if = "Option::is_none")]
    config: Option<Ignored>,
}

#[derive(Default, Serialize)]
struct Ignored {
    ignore_checks: Vec<&'static str>,
}

#[derive(Serialize)]
struct Excuse {
    id: &'static str,
    comment: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Output {
    value: ExpString,
}

/// What becomes of a resource that leaves the stack, by deletion or by replacement.
#[derive(Clone, Copy, Serialize)]
pub enum Keep {
    Delete,
    Retain,
    /// But for a creation that fails: it leaves nothing behind that the next would stumble over.
    RetainExceptOnCreate,
    Snapshot,
}

impl Template {
    pub fn new(description: String) -> Self {
        Self {
            version: "2010-09-09",
            description,
            parameters: BTreeMap::new(),
            resources: BTreeMap::new(),
            outputs: BTreeMap::new(),
        }
    }

    pub fn parameter(&mut self, name: impl Into<String>, r#type: &'static str) -> Id {
        let id = Id::new(name.into());
        self.parameters.insert(id.0, Parameter { r#type, description: None, default: None, allowed_values: &[] });
        id
    }

    /// A parameter that is `true` or `false`.
    pub fn switch(&mut self, name: &'static str, description: &'static str, default: bool) -> Id {
        let parameter = Parameter {
            r#type: "String",
            description: Some(description),
            default: Some(default.to_string()),
            allowed_values: &["true", "false"],
        };
        self.parameters.insert(name, parameter);
        Id(name)
    }

    #[expect(clippy::needless_pass_by_value, reason = "resources are written out where they are added")]
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
        let before = self.resources.insert(id.0, resource);
        assert!(before.is_none(), "two resources are called {}", id.0);
        id
    }

    /// `id` is made only once `other` is there; for what no reference says.
    pub fn after(&mut self, id: Id, other: Id) {
        self.resource(id).depends_on.insert(other.0);
    }

    /// The resource stays when another replaces it, and goes with the stack.
    pub fn keep_when_replaced(&mut self, id: Id) {
        let resource = self.resource(id);
        resource.deletion_policy = Some(Keep::Delete);
        resource.update_replace_policy = Some(Keep::Retain);
    }

    pub fn keep(&mut self, id: Id, keep: Keep) {
        let resource = self.resource(id);
        resource.deletion_policy = Some(keep);
        resource.update_replace_policy = Some(match keep {
            Keep::RetainExceptOnCreate => Keep::Retain,
            other => other,
        });
    }

    /// Why a judge's rule does not hold for this resource, in one sentence.
    pub fn excuse(&mut self, id: Id, rule: &'static str, reason: &'static str) {
        let judge = match rule {
            rule if rule.starts_with("CKV") => "checkov",
            rule if rule.starts_with("E3") => "cfn-lint",
            _ => "cloudformation-validate",
        };
        let skipped = self.resource(id).metadata.entry(judge).or_default();
        if judge == "cfn-lint" {
            skipped.config.get_or_insert_default().ignore_checks.push(rule);
        }
        skipped.skip.push(Excuse { id: rule, comment: reason });
    }

    pub fn output(&mut self, name: impl Into<String>, value: impl Into<ExpString>) {
        let value = value.into();
        self.outputs.insert(Id::new(name.into()).0, Output { value });
    }

    /// Name and type of each resource.
    pub fn resources(&self) -> impl Iterator<Item = (&'static str, String)> {
        self.resources.iter().map(|(name, resource)| (*name, resource.r#type.to_string()))
    }

    pub fn has_output(&self, name: &str) -> bool {
        self.outputs.contains_key(name)
    }

    /// Refuses a reference to what is not in the template.
    pub fn check(&self) -> Result<()> {
        let missing = Vec::from_iter(self.missing()?).join(", ");
        ensure!(missing.is_empty(), "the template refers to what it does not hold: {missing}");
        Ok(())
    }

    fn missing(&self) -> Result<BTreeSet<String>> {
        let mut names = BTreeSet::new();
        collect_references(&serde_json::to_value(self)?, &mut names);
        names.retain(|name| !self.knows(name));
        Ok(names)
    }

    /// Says a property of a resource anew; `null` says it no more.
    pub fn set(&mut self, resource: &str, property: &str, value: Value) {
        let properties = &mut self.resources.get_mut(resource).expect("a resource of that name").properties;
        match value {
            Value::Null => _ = properties.remove(property),
            value => _ = properties.insert(property.to_owned(), value),
        }
    }

    /// Removes what mentions `text`, and all that refers to it.
    pub fn leave_out(&mut self, text: &str) {
        self.retain(|part| !part.to_string().contains(text));
        loop {
            let missing = self.missing().unwrap();
            if missing.is_empty() {
                return;
            }
            self.retain(|part| {
                let mut names = BTreeSet::new();
                collect_references(part, &mut names);
                names.is_disjoint(&missing)
            });
        }
    }

    fn retain(&mut self, keep: impl Fn(&Value) -> bool) {
        self.resources.retain(|_, resource| keep(&serde_json::to_value(resource).unwrap()));
        self.outputs.retain(|_, output| keep(&serde_json::to_value(output).unwrap()));
    }

    /// The template as it is deployed, the same for the same input.
    pub fn to_json(&self) -> Result<String> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    fn knows(&self, name: &str) -> bool {
        self.resources.contains_key(name) || self.parameters.contains_key(name) || name.starts_with("AWS::")
    }

    fn resource(&mut self, id: Id) -> &mut Resource {
        self.resources.get_mut(id.0).expect("an Id comes from `add`")
    }
}

/// Every name that a `Ref`, `Fn::GetAtt`, `Fn::Sub` or `DependsOn` below `value` mentions.
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

/// `${Name}` and `${Name.Attribute}` of a `Fn::Sub`; `${!Name}` is left as `${Name}`, for others to fill in.
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
    fn references_to_resources_and_parameters_are_fine() {
        let mut template = Template::new(String::new());
        let name = template.parameter("Name", "String");
        let first = template.add("First", parameter(name));
        let second = template.add("Second", parameter(first.att("Value")));
        template.add("Third", parameter(sub("${First}-${Second.Value}-${AWS::Region}-${!aws:username}")));
        template.after(second, first);
        template.check().unwrap();
    }

    #[test]
    fn what_is_left_out_takes_along_all_that_needs_it() {
        let mut template = Template::new(String::new());
        let first = template.add("First", parameter("the old one"));
        let second = template.add("Second", parameter(first.att("Value")));
        let third = template.add("Third", parameter("another"));
        let fourth = template.add("Fourth", parameter("one more"));
        template.after(third, second);
        template.output("Third", third);
        template.output("Fourth", fourth);
        template.leave_out("the old one");
        assert!(template.resources().map(|(name, _)| name).eq(["Fourth"]));
        assert!(template.has_output("Fourth") && !template.has_output("Third"));
    }

    #[test]
    fn references_to_what_is_not_there_are_all_named() {
        let mut other = Template::new(String::new());
        let [absent, gone, lost] = ["Absent", "Gone", "Lost"].map(|name| other.add(name, parameter("")));

        let mut template = Template::new(String::new());
        let first = template.add("First", parameter(absent));
        template.add("Second", parameter(gone.att("Value")));
        template.add("Third", parameter(sub("${Nowhere.Value}")));
        template.after(first, lost);
        assert_eq!(
            template.check().unwrap_err().to_string(),
            "the template refers to what it does not hold: Absent, Gone, Lost, Nowhere"
        );
    }
}
