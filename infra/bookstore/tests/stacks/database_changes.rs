//! Which changes of a database's settings a deploy makes in place, and which it refuses, by the registry schema.

use std::{collections::BTreeSet, sync::LazyLock};

use aws_sdk_cloudformation::types::{
    ChangeAction, Replacement, RequiresRecreation, ResourceChange, ResourceChangeDetail, ResourceTargetDefinition,
};
use bookstore::deploy::change::{refusal, same_name};
use infra::{
    stacks::{Kind, all},
    stage::{Rds, Restore, Server, Stage},
};
use serde_json::{Value, json};

use crate::support::{python, stage, template};

/// The registry schema of a database, by type.
static SCHEMA: LazyLock<Value> =
    LazyLock::new(|| python("schemas.py", &json!({ "region": "us-east-1", "types": ["AWS::RDS::DBInstance"] })));

/// The change set that CloudFormation would make for the database, by the registry's schema.
fn change_of_database(before: &Value, after: &Value, parameter_group_is_replaced: bool) -> Option<ResourceChange> {
    let schema = &SCHEMA["AWS::RDS::DBInstance"];
    let lists = |key: &str, name: &str| schema[key].as_array().unwrap().iter().any(|path| path == name);
    let [before, after] = [before, after].map(|template| template["Resources"]["Database"]["Properties"].clone());
    let names: BTreeSet<_> = [&before, &after].iter().flat_map(|it| it.as_object().unwrap().keys()).cloned().collect();
    let changed = names
        .into_iter()
        .filter(|name| before[name] != after[name] || parameter_group_is_replaced && name == "DBParameterGroupName");
    let details: Vec<_> = changed
        .map(|name| {
            let recreation = if lists("createOnlyProperties", &name) {
                RequiresRecreation::Always
            } else if lists("conditionalCreateOnlyProperties", &name) {
                RequiresRecreation::Conditionally
            } else {
                RequiresRecreation::Never
            };
            let target = ResourceTargetDefinition::builder().name(name).requires_recreation(recreation).build();
            ResourceChangeDetail::builder().target(target).build()
        })
        .collect();
    let needs = |wanted: RequiresRecreation| {
        details.iter().any(|detail| detail.target().unwrap().requires_recreation() == Some(&wanted))
    };
    let replacement = if needs(RequiresRecreation::Always) {
        Replacement::True
    } else if needs(RequiresRecreation::Conditionally) {
        Replacement::Conditional
    } else {
        Replacement::False
    };
    let change = ResourceChange::builder().action(ChangeAction::Modify).replacement(replacement);
    let change = change.logical_resource_id("Database").resource_type("AWS::RDS::DBInstance");
    (!details.is_empty()).then(|| change.set_details(Some(details)).build())
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Effect {
    InPlace,
    /// Only with `--allow-replacement`.
    Replaced,
    /// Not even so.
    Impossible,
}

#[ignore = "needs cfn-lint"]
#[test]
fn usual_changes_of_a_database_are_made_in_place_and_others_refused() {
    type Change = fn(&mut Stage);
    fn rds(stage: &mut Stage) -> &mut Rds {
        let Server::Rds(server) = &mut stage.database.server else { panic!("RDS runs it") };
        server
    }
    let table: [(&str, Change, Effect); 13] = [
        ("a standby", |stage| rds(stage).multi_az = true, Effect::InPlace),
        ("more days of backups", |stage| rds(stage).backup_days = 7, Effect::InPlace),
        ("a larger class", |stage| rds(stage).class = "db.t4g.medium".to_owned(), Effect::InPlace),
        ("more storage", |stage| rds(stage).storage_gb = 30, Effect::InPlace),
        ("more room to grow", |stage| rds(stage).max_storage_gb = 80, Effect::InPlace),
        ("another major version", |stage| rds(stage).engine_version = "12.3".to_owned(), Effect::InPlace),
        ("a minor version", |stage| rds(stage).engine_version = "11.9".to_owned(), Effect::InPlace),
        ("more connections", |stage| stage.database.max_connections = 90, Effect::InPlace),
        ("protection", |stage| stage.protect = true, Effect::InPlace),
        ("another instance", |stage| rds(stage).generation = 2, Effect::Replaced),
        (
            "a restored instance",
            |stage| {
                rds(stage).generation = 2;
                rds(stage).restore = Some(Restore::Snapshot("last".to_owned()));
            },
            Effect::Replaced,
        ),
        (
            "an instance restored under the same name",
            |stage| rds(stage).restore = Some(Restore::Snapshot("last".to_owned())),
            Effect::Impossible,
        ),
        ("nothing", |_| {}, Effect::InPlace),
    ];
    for (what, change, expected) in table {
        let dev = stage("dev");
        let mut other = stage("dev");
        change(&mut other);
        // Both directions: on and off again.
        let ways =
            if expected == Effect::InPlace { vec![(&dev, &other), (&other, &dev)] } else { vec![(&dev, &other)] };
        for (from, to) in ways {
            let [before, after] = [from, to].map(|stage| template(stage, Kind::Data));
            let family = |template: &Value| template["Resources"]["DatabaseSettings"]["Properties"]["Family"].clone();
            let change = change_of_database(&before, &after, family(&before) != family(&after));
            let changes: Vec<_> = change.into_iter().collect();
            let stack = all(to).unwrap().into_iter().find(|stack| stack.kind == Kind::Data).unwrap();
            let outcome = match (same_name(&stack.template, &changes).unwrap(), refusal(&changes, &BTreeSet::new())) {
                (Some(_), _) => Effect::Impossible,
                (None, Some(_)) => Effect::Replaced,
                (None, None) => Effect::InPlace,
            };
            assert_eq!(outcome, expected, "{what}: {changes:?}");
        }
    }
}
