//! The components of the server, as `CycloneDX` lists them: the crates that it is linked from.
//! <https://cyclonedx.org/docs/1.6/json/>

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::cargo;

/// The list for a target, without a time or a serial number, so that it is the same for the same crates.
///
/// # Errors
/// `cargo metadata` fails.
pub async fn components(root: &Path, target: &str) -> Result<Value> {
    let mut cargo = cargo::cargo_command();
    cargo.args(["metadata", "--format-version", "1", "--locked", "--filter-platform", target]).current_dir(root);
    let output = cargo.output().await.context("cargo could not be started")?;
    ensure!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr).trim());
    of_metadata(&serde_json::from_slice(&output.stdout)?)
}

fn of_metadata(metadata: &Value) -> Result<Value> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let id = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let packages: BTreeMap<String, Value> =
        list(&metadata["packages"]).into_iter().map(|package| (id(&package["id"]), package)).collect();
    let uses: BTreeMap<String, Vec<String>> = list(&metadata["resolve"]["nodes"])
        .into_iter()
        .map(|node| {
            (
                id(&node["id"]),
                list(&node["deps"]).iter().filter(|used| is_linked(used)).map(|used| id(&used["pkg"])).collect(),
            )
        })
        .collect();
    let root = packages.iter().find(|(_, package)| package["name"] == "server").map(|(id, _)| id.clone());
    let root = root.context("the workspace has no crate `server`")?;
    let mut linked = BTreeSet::new();
    let mut waiting = vec![root.clone()];
    while let Some(next) = waiting.pop() {
        if !is_macro(&packages[&next]) && linked.insert(next.clone()) {
            waiting.extend(uses.get(&next).into_iter().flatten().cloned());
        }
    }
    let purl = |id: &String| {
        let package = &packages[id];
        format!(
            "pkg:cargo/{}@{}",
            package["name"].as_str().unwrap_or_default(),
            package["version"].as_str().unwrap_or_default()
        )
    };
    let component = |id: &String| {
        let package = &packages[id];
        let mut component = json!({
            "type": if *id == root { "application" } else { "library" },
            "bom-ref": purl(id),
            "name": package["name"],
            "version": package["version"],
            "purl": purl(id),
        });
        if let Some(license) = package["license"].as_str() {
            // Crates of long ago separate alternatives with a slash.
            component["licenses"] = json!([{ "expression": license.replace('/', " OR ").replace("  ", " ") }]);
        }
        component
    };
    let depends_on = |id: &String| {
        let listed = uses.get(id).into_iter().flatten().filter(|used| linked.contains(*used));
        listed.map(purl).collect::<BTreeSet<_>>()
    };
    Ok(json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": { "component": component(&root) },
        "components": linked.iter().filter(|id| **id != root).map(component).collect::<Vec<_>>(),
        "dependencies": linked.iter().map(|id| json!({ "ref": purl(id), "dependsOn": depends_on(id) })).collect::<Vec<_>>(),
    }))
}

/// Whether the dependency is in the program, in contrast to those of tests and of build scripts.
fn is_linked(used: &Value) -> bool {
    used["dep_kinds"].as_array().is_none_or(|kinds| kinds.iter().any(|kind| kind["kind"].is_null()))
}

/// Whether the crate runs in the compiler alone.
fn is_macro(package: &Value) -> bool {
    let targets = package["targets"].as_array().into_iter().flatten();
    targets.filter_map(|target| target["kind"].as_array()).flatten().any(|kind| kind == "proc-macro")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crates_that_are_linked_are_listed_and_those_of_tests_builds_and_macros_are_not() {
        let package = |name: &str| json!({ "id": name, "name": name, "version": "1.0.0", "license": "MIT/Apache-2.0" });
        let mut packages = ["server", "used", "deep", "test", "script", "derive"].map(package);
        packages[5]["targets"] = json!([{ "kind": ["proc-macro"] }]);
        let uses = |name: &str, kind: Value| json!({ "pkg": name, "dep_kinds": [{ "kind": kind }] });
        let metadata = json!({
            "packages": packages,
            "resolve": { "nodes": [
                { "id": "server", "deps": [uses("used", Value::Null), uses("test", "dev".into())] },
                { "id": "used", "deps": [uses("deep", Value::Null), uses("derive", Value::Null), uses("script", "build".into())] },
                { "id": "derive", "deps": [uses("test", Value::Null)] },
                { "id": "deep", "deps": [] },
            ] },
        });
        let list = of_metadata(&metadata).unwrap();
        let names: Vec<_> =
            list["components"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["deep", "used"]);
        assert_eq!(list["components"][0]["licenses"][0]["expression"], "MIT OR Apache-2.0");
        assert_eq!(list["metadata"]["component"]["purl"], "pkg:cargo/server@1.0.0");
        assert_eq!(list["dependencies"][1]["dependsOn"], json!(["pkg:cargo/used@1.0.0"]));
        assert_eq!(list["dependencies"][2]["dependsOn"], json!(["pkg:cargo/deep@1.0.0"]));
    }
}
