//! Checks of the templates against CloudFormation's registry schemas, from the pinned cfn-lint, and against
//! `infra/facts.toml`, which has facts about AWS that schemas do not contain.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde_json::{Value, json};

use super::{
    schemas::{Schema, schemas},
    support::stage,
};
use infra::facts::FACTS;
use infra::limits;
use infra::routes::FUNCTIONS;
use infra::stacks::{Kind, NAMES, Stack, all};
use infra::stage::{STAGES, Stage};

/// The schemas of all types in the templates.
static SCHEMAS: LazyLock<BTreeMap<String, Schema>> =
    LazyLock::new(|| schemas(all_stacks().iter().flat_map(|(_, stack)| types(stack))));

/// Every stack of every stage, without and with the optional settings.
fn all_stacks() -> Vec<(&'static str, Stack)> {
    let stages = STAGES.iter().flat_map(|(name, _)| [(*name, stage(name)), (*name, Stage::in_full(name).unwrap())]);
    stages.flat_map(|(name, stage)| all(&stage).unwrap().into_iter().map(move |stack| (name, stack))).collect()
}

fn types(stack: &Stack) -> Vec<String> {
    stack.template.resources().map(|(_, kind)| kind).collect()
}

fn resources(stack: &Stack) -> BTreeMap<String, Value> {
    let template = serde_json::to_value(&stack.template).unwrap();
    template["Resources"].as_object().unwrap().iter().map(|(id, resource)| (id.clone(), resource.clone())).collect()
}

fn at<'a>(properties: &'a Value, path: &str) -> &'a Value {
    path.split('/').fold(properties, |value, part| &value[part])
}

#[ignore = "needs cfn-lint"]
#[test]
fn every_property_is_in_the_schema_of_its_type_and_is_not_read_only() {
    for (stage, stack) in all_stacks() {
        for (id, resource) in resources(&stack) {
            let schema = &SCHEMAS[resource["Type"].as_str().unwrap()];
            let properties = &resource["Properties"];
            let place = format!("{id} of {stage}/{}", stack.kind.name());
            for name in properties.as_object().unwrap().keys() {
                assert!(schema.properties.contains(name), "{place} has {name}, which its schema lacks");
            }
            for path in &schema.read_only_properties {
                assert!(at(properties, path).is_null(), "{place} sets the read-only property {path}");
            }
            for name in &schema.required {
                assert!(!properties[name].is_null(), "{place} lacks {name}");
            }
        }
    }
}

/// Variants of a stage, each with another value of one setting, as between two deploys.
fn variants(name: &str) -> Vec<(String, Stage)> {
    let stages = [stage(name), Stage::in_full(name).unwrap()];
    let [plain, full] = stages;
    let table: toml::Table = toml::from_str(&Stage::file_in_full(name).unwrap()).unwrap();
    let mut variants = vec![("no optional settings".to_owned(), plain)];
    let mut leaves = Vec::new();
    collect_leaves(&toml::Value::Table(table.clone()), &mut Vec::new(), &mut leaves);
    for (path, value) in leaves {
        for other in others(&path, &value) {
            let mut changed = table.clone();
            set(&mut changed, &path, other.clone());
            let parsed = toml::Value::Table(changed).try_into::<Stage>();
            let changed = parsed.unwrap_or_else(|error| panic!("{} = {other:?}: {error}", path.join(".")));
            variants.push((format!("{} = {other:?}", path.join(".")), Stage { name: full.name.clone(), ..changed }));
        }
    }
    variants
}

fn collect_leaves(value: &toml::Value, path: &mut Vec<String>, leaves: &mut Vec<(Vec<String>, toml::Value)>) {
    match value {
        toml::Value::Table(table) => {
            for (key, value) in table {
                path.push(key.clone());
                collect_leaves(value, path, leaves);
                path.pop();
            }
        }
        value => leaves.push((path.clone(), value.clone())),
    }
}

fn set(table: &mut toml::Table, path: &[String], value: toml::Value) {
    match path {
        [key] => _ = table.insert(key.clone(), value),
        [key, rest @ ..] => set(table.get_mut(key).unwrap().as_table_mut().unwrap(), rest, value),
        [] => {}
    }
}

/// Other values of the setting. A new setting with a text needs a line here.
fn others(path: &[String], value: &toml::Value) -> Vec<toml::Value> {
    let texts: &[&str] = match (path.last().unwrap().as_str(), value) {
        (_, toml::Value::Boolean(switch)) => return vec![(!switch).into()],
        (_, toml::Value::Integer(number)) => return vec![(number + 1).into()],
        ("zones", _) => return vec![toml::Value::Array(vec!["use1-az4".into(), "use1-az6".into()])],
        // A stage never changes its region.
        ("region", _) => &[],
        ("architecture", _) => &["arm64", "host"],
        ("log_level", _) => &["trace"],
        ("currency", _) => &["JPY"],
        ("time_zone", _) => &["Europe/Lisbon"],
        ("egress", _) => &["endpoints", "single-zone-endpoints", "ipv6", "single-nat", "nat-per-zone"],
        ("s3_prefix_list", _) => &["pl-00000000"],
        ("parameter_store", _) => &["standard", "high-throughput"],
        ("https", _) => &["cloudfront", "none"],
        ("name", _) => &["books.example.org"],
        ("zone", _) => &["Z9999999999ABCDEFGHIJ"],
        ("email", _) => &["others@example.org"],
        ("tax_id" | "address" | "phone" | "register" | "place" | "holder", _) => &["another text"],
        ("cors_origins", _) => return vec![toml::Value::Array(vec!["https://other.example.org".into()])],
        ("callback_urls", _) => return vec![toml::Value::Array(vec!["https://other.example.org/return".into()])],
        ("require_token", _) => &["all"],
        ("compute", _) => &["lambda"],
        ("countries", _) => return vec![toml::Value::Array(vec!["FR".into()])],
        ("iban", _) => &["DE89370400440532013000"],
        ("sender", _) => &["others@shop.example.org"],
        ("identity", _) => &["example.org"],
        ("engine_version", _) => &["12.3"],
        ("master_password", _) => &["rds"],
        ("class", _) => &["db.m7g.xlarge"],
        (setting, _) => panic!("no other value for the setting {setting}; add one here"),
    };
    texts.iter().map(|text| (*text).into()).collect()
}

/// Resources that make an update from one stack to the other fail: they must be replaced and keep their name.
fn blocked_replacements(before: &Stack, after: &Stack) -> Vec<String> {
    let (before, after) = (resources(before), resources(after));
    let mut replaced = BTreeSet::new();
    loop {
        let more: Vec<_> = before
            .iter()
            .filter_map(|(id, old)| Some((id, old, after.get(id)?)))
            .filter(|(id, old, new)| !replaced.contains(*id) && must_be_replaced(old, new, &replaced))
            .map(|(id, _, _)| id.clone())
            .collect();
        if more.is_empty() {
            break;
        }
        replaced.extend(more);
    }
    let keeps_its_name = |id: &&String| {
        let (old, new) = (&before[*id], &after[*id]);
        let name = NAMES.iter().find(|(kind, _)| old["Type"] == *kind).map(|(_, name)| *name);
        name.is_some_and(|name| {
            let [old, new] = [old, new].map(|resource| &resource["Properties"][name]);
            !old.is_null() && old == new
        })
    };
    replaced.iter().filter(keeps_its_name).cloned().collect()
}

fn must_be_replaced(old: &Value, new: &Value, replaced: &BTreeSet<String>) -> bool {
    let paths = &SCHEMAS[old["Type"].as_str().unwrap()].create_only_properties;
    paths.iter().any(|path| {
        let [old, new] = [old, new].map(|resource| at(&resource["Properties"], path));
        old != new || replaced.iter().any(|id| refers(new, id))
    })
}

fn refers(value: &Value, id: &str) -> bool {
    value["Ref"] == id || value["Fn::GetAtt"][0] == id
}

/// The test below depends on `NAMES`.
#[ignore = "needs cfn-lint"]
#[test]
fn every_property_with_a_physical_name_is_in_names() {
    let ends = ["Name", "Identifier"];
    for (stage, stack) in all_stacks() {
        for (id, resource) in resources(&stack) {
            let kind = resource["Type"].as_str().unwrap();
            let schema = &SCHEMAS[kind];
            for name in schema.create_only_properties.iter().filter(|path| ends.iter().any(|end| path.ends_with(end))) {
                let value = at(&resource["Properties"], name);
                // A reference is not the resource's own name, and neither are the properties in `others`.
                let own = value.is_string() || value["Fn::Sub"].is_string();
                let others = [
                    ("AWS::ApiGatewayV2::Stage", "StageName"),
                    ("AWS::Lambda::Alias", "Name"),
                    ("AWS::Lambda::EventInvokeConfig", "FunctionName"),
                    ("AWS::RDS::DBInstance", "DBName"),
                    ("AWS::CertificateManager::Certificate", "DomainName"),
                    ("AWS::Route53::RecordSet", "Name"),
                    ("AWS::EC2::VPCEndpoint", "ServiceName"),
                ];
                let is_known = NAMES.contains(&(kind, name)) || others.contains(&(kind, name));
                assert!(!own || is_known, "{id} of {stage}/{} has {name}", stack.kind.name());
            }
        }
    }
}

#[ignore = "needs cfn-lint"]
#[test]
fn no_setting_of_a_stage_replaces_a_resource_with_an_unchanged_name() {
    let mut tried = 0;
    for name in ["dev", "prod"] {
        let before = all(&Stage::in_full(name).unwrap()).unwrap();
        for (change, stage) in variants(name) {
            let after = all(&stage).unwrap();
            for before in &before {
                let Some(after) = after.iter().find(|after| after.kind == before.kind) else { continue };
                for (from, to) in [(before, after), (after, before)] {
                    let blocked = blocked_replacements(from, to);
                    // `zones` is set once, as the stage files state, and a deploy rejects a change before it begins.
                    let subnets = change.starts_with("zones") && blocked.iter().all(|id| id.contains("Subnet"));
                    assert!(blocked.is_empty() || subnets, "{name}, {change}: {blocked:?}");
                    tried += 1;
                }
            }
        }
    }
    assert!(tried > 200, "only {tried} updates were tried");
}

#[ignore = "needs cfn-lint"]
#[test]
fn a_replacement_with_an_unchanged_name_is_detected() {
    let with = |zones: [&str; 2]| {
        let stage = Stage { zones: zones.map(str::to_owned), ..stage("dev") };
        all(&stage).unwrap().into_iter().find(|stack| stack.kind == Kind::Network).unwrap()
    };
    assert_eq!(blocked_replacements(&with(["use1-az1", "use1-az2"]), &with(["use1-az1", "use1-az4"])).len(), 3);
}

/// The facts that a template depends on, by kind and value.
fn facts_used(stack: &Stack) -> BTreeSet<(&'static str, String)> {
    let mut used = BTreeSet::new();
    let mut needs = |kind, value: &Value| {
        let text = value.as_str().map(str::to_owned).or_else(|| value["Fn::Sub"].as_str().map(str::to_owned));
        used.extend(text.map(|text| (kind, text)));
    };
    for resource in resources(stack).values() {
        let properties = &resource["Properties"];
        match resource["Type"].as_str().unwrap() {
            "AWS::RDS::DBInstance" => {
                needs("database class", &properties["DBInstanceClass"]);
                needs("database version", &properties["EngineVersion"]);
                needs("certificate authority of RDS", &properties["CACertificateIdentifier"]);
            }
            "AWS::RDS::DBParameterGroup" => {
                for name in properties["Parameters"].as_object().unwrap().keys() {
                    needs("database setting", &json!(name));
                }
            }
            "AWS::EC2::Subnet" => needs("zone", &properties["AvailabilityZoneId"]),
            "AWS::EC2::VPCEndpoint" => needs("endpoint service", &properties["ServiceName"]),
            "AWS::EC2::SecurityGroup" => {
                for rule in properties["SecurityGroupEgress"].as_array().into_iter().flatten() {
                    needs("prefix list of S3 in us-east-1", &rule["DestinationPrefixListId"]);
                }
            }
            "AWS::ElasticLoadBalancingV2::Listener" => needs("TLS policy", &properties["SslPolicy"]),
            "AWS::IAM::Role" | "AWS::IAM::Group" => {
                for policy in properties["ManagedPolicyArns"].as_array().into_iter().flatten() {
                    needs("managed policy", policy);
                }
            }
            "AWS::Lambda::Function" => needs("runtime", &properties["Runtime"]),
            "AWS::CloudFront::Distribution" => {
                let config = &properties["DistributionConfig"];
                let others = config["CacheBehaviors"].as_array().into_iter().flatten();
                for behavior in others.chain([&config["DefaultCacheBehavior"]]) {
                    for policy in ["CachePolicyId", "OriginRequestPolicyId", "ResponseHeadersPolicyId"] {
                        needs("CloudFront policy", &behavior[policy]);
                    }
                }
            }
            "AWS::CloudFront::Function" => {
                needs("runtime of CloudFront Functions", &properties["FunctionConfig"]["Runtime"]);
            }
            "AWS::WAFv2::WebACL" => {
                for rule in properties["Rules"].as_array().unwrap() {
                    needs("firewall rules", &rule["Statement"]["ManagedRuleGroupStatement"]["Name"]);
                }
            }
            _ => {}
        }
    }
    let bare = |text: String| {
        let text = text.trim_start_matches("com.amazonaws.${AWS::Region}.");
        text.trim_start_matches("arn:${AWS::Partition}:iam::aws:policy/").to_owned()
    };
    used.into_iter().map(|(kind, text)| (kind, bare(text))).collect()
}

fn is_known(kind: &str, value: &str) -> bool {
    match kind {
        "database class" => FACTS.database_class(value).is_some(),
        "database version" => FACTS.has_database_version("mariadb", value),
        "zone" => FACTS.zone(value).is_some_and(|zone| zone.lacks.is_none()),
        _ => FACTS.names.iter().any(|name| name.kind == kind && name.value == value),
    }
}

#[test]
fn every_fact_that_a_template_uses_is_in_facts_toml_with_its_source() {
    let mut kinds = BTreeSet::new();
    for (stage, stack) in all_stacks() {
        for (kind, value) in facts_used(&stack) {
            assert!(
                is_known(kind, &value),
                "infra/facts.toml lacks the {kind} {value} of {stage}/{}",
                stack.kind.name()
            );
            kinds.insert(kind);
        }
    }
    assert_eq!(kinds.len(), 13, "{kinds:?}");
    assert!(!is_known("zone", "use1-az3") && !is_known("runtime", "provided.al2"));
    let of_names = FACTS.names.iter().map(|name| &name.evidence);
    let of_zones = FACTS.zones.iter().map(|zone| &zone.evidence);
    let of_classes = FACTS.database_classes.iter().map(|class| &class.evidence);
    let of_versions = FACTS.database_versions.iter().map(|version| &version.evidence);
    let of_quotas = FACTS.quotas.iter().map(|quota| &quota.evidence);
    for evidence in of_names.chain(of_zones).chain(of_classes).chain(of_versions).chain(of_quotas) {
        assert!(evidence.source.starts_with("https://") && !evidence.checked.is_empty(), "{}", evidence.source);
    }
}

#[test]
fn every_template_is_within_the_quotas() {
    let quota = |name: &str| {
        let found = FACTS.quotas.iter().find(|quota| quota.name == name);
        found.unwrap_or_else(|| panic!("infra/facts.toml lacks the quota of {name}")).value as usize
    };
    assert_eq!(quota("rules of a load balancer"), limits::MAX_RULES);
    assert_eq!(quota("condition values of a listener rule"), limits::MAX_CONDITION_VALUES);
    assert_eq!(quota("values of a condition of a listener rule"), limits::MAX_VALUES_OF_CONDITION);
    assert_eq!(quota("wildcards of a listener rule"), limits::MAX_CONDITION_WILDCARDS);
    assert_eq!(quota("characters of a target group's name"), limits::MAX_TARGET_GROUP_NAME);
    assert_eq!(quota("names in a GetParameters call"), limits::MAX_PARAMETERS);
    for (name, stack) in all_stacks() {
        let json = serde_json::to_string(&stack.template).unwrap();
        let template: Value = serde_json::from_str(&json).unwrap();
        let count = |part: &str| template[part].as_object().map_or(0, serde_json::Map::len);
        for (what, size) in [
            ("bytes of a template in S3", json.len()),
            ("resources of a template", count("Resources")),
            ("parameters of a template", count("Parameters")),
        ] {
            assert!(size <= quota(what), "{size} {what}: {name}/{}", stack.kind.name());
        }
        for (id, rule) in resources(&stack).iter().filter(|(id, _)| id.ends_with("Rule")) {
            let conditions = rule["Properties"]["Conditions"].as_array().into_iter().flatten();
            let configs = conditions.flat_map(|condition| condition.as_object().unwrap().values());
            let of_conditions: Vec<&Vec<Value>> = configs.filter_map(|config| config["Values"].as_array()).collect();
            let most = of_conditions.iter().map(|values| values.len()).max().unwrap_or_default();
            let values: Vec<&Value> = of_conditions.into_iter().flatten().collect();
            let wildcards: usize = values.iter().map(|value| value.to_string().matches('*').count()).sum();
            for (what, count) in [
                ("condition values of a listener rule", values.len()),
                ("values of a condition of a listener rule", most),
                ("wildcards of a listener rule", wildcards),
            ] {
                assert!(count <= quota(what), "{count} {what}: {id} of {name}");
            }
        }
        for (id, resource) in resources(&stack) {
            let properties = &resource["Properties"];
            for (what, value) in [
                ("bytes of a function's environment", &properties["Environment"]["Variables"]),
                ("characters of a role's inline policies", &properties["Policies"]),
            ] {
                let size = if value.is_null() { 0 } else { value.to_string().len() };
                assert!(size <= quota(what), "{size} {what}: {id} of {name}");
            }
        }
    }
    assert!(FUNCTIONS.len() < quota("concurrent executions that Lambda keeps unreserved"));
}
