//! Dependencies of crates and modules: ARCHITECTURE.md lists those of the crates, layers are respected, and there are no
//! cycles.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

type Graph = BTreeMap<String, BTreeSet<String>>;

/// The dependencies in ARCHITECTURE.md, from rows such as `functions → frontend, shared`.
fn documented() -> Graph {
    let document = fs::read_to_string(Path::new(ROOT).join("ARCHITECTURE.md")).unwrap();
    let rows = document.lines().filter_map(|line| line.split_once(" → "));
    let rows = rows.filter(|(from, _)| from.chars().all(char::is_alphanumeric));
    let names = |text: &str| text.split(',').map(|name| name.trim().to_owned()).collect();
    rows.map(|(from, to)| (from.trim().to_owned(), names(to))).collect()
}

/// The workspace dependencies in the crates' manifests; all functions count as one crate, as dependents and as dependencies.
fn crate_dependencies() -> Graph {
    let manifest = |folder: &Path| -> Option<toml::Table> {
        toml::from_str(&fs::read_to_string(folder.join("Cargo.toml")).ok()?).ok()
    };
    let folders = [
        "shared",
        "frontend",
        "infra",
        "infra/bench",
        "infra/bookstore",
        "infra/generated-catalogue",
        "infra/server",
        "tests",
    ];
    let mut crates: Vec<(String, PathBuf)> =
        folders.map(|folder| (folder.rsplit('/').next().unwrap().to_owned(), Path::new(ROOT).join(folder))).into();
    let functions = fs::read_dir(Path::new(ROOT).join("functions")).unwrap();
    crates.extend(functions.map(|entry| ("functions".to_owned(), entry.unwrap().path())));
    let functions: BTreeSet<String> = fs::read_dir(Path::new(ROOT).join("functions"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    let own = ["shared", "frontend", "infra", "bench", "bookstore", "generated-catalogue", "server", "tests"];
    let known = |dependency: &String| match dependency.as_str() {
        name if functions.contains(name) => Some("functions".to_owned()),
        name => own.contains(&name).then(|| name.to_owned()),
    };
    let mut graph = Graph::new();
    for (name, folder) in crates {
        let manifest = manifest(&folder).unwrap_or_else(|| panic!("{} has no manifest", folder.display()));
        let tables = ["dependencies", "dev-dependencies"].iter().filter_map(|table| manifest.get(*table)?.as_table());
        graph.entry(name).or_default().extend(tables.flat_map(toml::Table::keys).filter_map(known));
    }
    graph.retain(|_, dependencies| !dependencies.is_empty());
    graph
}

/// The modules of a crate by path (`repo::books`), with their code without unit tests.
fn modules(source: &Path) -> BTreeMap<String, String> {
    let mut modules = BTreeMap::new();
    let mut folders = vec![source.to_owned()];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name =
                    path.strip_prefix(source).unwrap().with_extension("").display().to_string().replace('/', "::");
                let name = name.trim_end_matches("::mod").to_owned();
                let text = fs::read_to_string(&path).unwrap();
                let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default().to_owned();
                modules.insert(name, code);
            }
        }
    }
    modules
}

/// Every path of a `use` tree: `a::{b, c::d}` is `a::b` and `a::c::d`.
fn leaves(tree: &str, prefix: &str, found: &mut Vec<String>) {
    let tree = tree.trim();
    let Some((head, rest)) = tree.split_once('{') else {
        let path = tree.split(" as ").next().unwrap_or_default().trim();
        found.push(format!("{prefix}{path}"));
        return;
    };
    let prefix = format!("{prefix}{}", head.trim());
    let (mut depth, mut part) = (0, String::new());
    for c in rest.trim_end_matches('}').chars() {
        depth += match c {
            '{' => 1,
            '}' => -1,
            _ => 0,
        };
        if c == ',' && depth == 0 {
            leaves(&part, &prefix, found);
            part.clear();
        } else {
            part.push(c);
        }
    }
    if !part.trim().is_empty() {
        leaves(&part, &prefix, found);
    }
}

/// The paths that a module uses, from the crate's root.
fn uses(module: &str, code: &str) -> Vec<String> {
    let parent = module.rsplit_once("::").map_or("", |(parent, _)| parent);
    let mut found = Vec::new();
    for statement in code.split("use ").skip(1).filter_map(|rest| rest.split_once(';')).map(|(tree, _)| tree) {
        let mut paths = Vec::new();
        leaves(statement, "", &mut paths);
        found.extend(paths.into_iter().filter_map(|path| {
            let joined = |rest: &str| if parent.is_empty() { rest.to_owned() } else { format!("{parent}::{rest}") };
            path.strip_prefix("crate::").map(str::to_owned).or_else(|| path.strip_prefix("super::").map(joined))
        }));
    }
    found
}

/// The imports between modules. A name that a parent re-exports counts as its child's.
fn imports(source: &Path) -> Graph {
    let modules = modules(source);
    let mut exports = BTreeMap::new();
    for (parent, code) in &modules {
        for statement in code.split("pub use ").skip(1).filter_map(|rest| rest.split_once(';')).map(|(tree, _)| tree) {
            let mut paths = Vec::new();
            leaves(statement, "", &mut paths);
            for path in paths {
                let Some((child, name)) = path.rsplit_once("::") else { continue };
                let child = child.trim_start_matches("self::");
                let full = child.strip_prefix("crate::").map_or_else(|| format!("{parent}::{child}"), str::to_owned);
                exports.insert(format!("{parent}::{name}"), full);
            }
        }
    }
    let resolve = |path: &str| {
        let mut path = path.to_owned();
        loop {
            if let Some(child) = exports.get(&path) {
                return Some(child.clone());
            }
            if modules.contains_key(&path) {
                return Some(path);
            }
            path.truncate(path.rfind("::")?);
        }
    };
    let graph = modules.iter().filter(|(module, _)| *module != "lib" && *module != "main").map(|(module, code)| {
        let targets = uses(module, code).iter().filter_map(|path| resolve(path)).collect::<BTreeSet<_>>();
        // Imports between a module and its children do not count.
        let family = |other: &String| *other == *module || other.starts_with(&format!("{module}::"));
        (module.clone(), targets.into_iter().filter(|other| !family(other)).collect())
    });
    graph.collect()
}

/// The first segment of a module's path.
fn folder(module: &str) -> &str {
    module.split("::").next().unwrap_or_default()
}

/// The modules that are part of a cycle.
fn cycles(graph: &Graph) -> Vec<&String> {
    let reaches_itself = |start: &&String| {
        let (mut seen, mut open) = (BTreeSet::new(), vec![*start]);
        while let Some(module) = open.pop() {
            for next in graph.get(module).into_iter().flatten() {
                if next == *start {
                    return true;
                }
                if seen.insert(next) {
                    open.push(next);
                }
            }
        }
        false
    };
    graph.keys().filter(reaches_itself).collect()
}

#[test]
fn architecture_md_lists_exactly_the_dependencies_of_the_crates() {
    assert_eq!(documented(), crate_dependencies(), "left: ARCHITECTURE.md, right: the manifests");
}

#[test]
fn no_crates_and_no_modules_form_a_cycle() {
    assert_eq!(cycles(&crate_dependencies()), Vec::<&String>::new());
    for crate_ in ["shared", "frontend", "infra", "infra/bench", "infra/bookstore"] {
        let graph = imports(&Path::new(ROOT).join(crate_).join("src"));
        assert!(graph.values().map(BTreeSet::len).sum::<usize>() >= 8, "{crate_} has imports: {graph:?}");
        let cycles = cycles(&graph);
        let imports: Vec<_> = cycles.iter().map(|module| (module, &graph[*module])).collect();
        assert!(cycles.is_empty(), "{crate_}: {imports:#?}");
    }
}

#[test]
fn the_command_is_layered_commands_deploy_aws_local() {
    let graph = imports(&Path::new(ROOT).join("infra/bookstore/src"));
    for (module, targets) in &graph {
        let forbidden: &[&str] = match folder(module) {
            "local" => &["aws", "deploy", "commands", "cli"],
            "aws" => &["deploy", "commands", "cli"],
            "deploy" => &["commands", "cli"],
            "commands" => &["cli"],
            _ => &[],
        };
        for target in targets {
            assert!(!forbidden.contains(&folder(target)), "{module} imports {target}");
        }
    }
}

#[test]
fn in_shared_http_is_independent_of_the_domain_the_domain_of_both_and_sql_of_http() {
    let graph = imports(&Path::new(ROOT).join("shared/src"));
    for (module, targets) in &graph {
        let forbidden: &[&str] = match folder(module) {
            "http" => &["domain", "repo", "messages", "database"],
            "domain" => &["http", "repo", "messages", "database", "error", "api"],
            "repo" => &["http", "api", "error"],
            _ => &[],
        };
        for target in targets {
            assert!(!forbidden.contains(&folder(target)), "{module} imports {target}");
        }
    }
}

#[test]
fn a_cycle_and_a_nested_import_are_detected() {
    let graph = |rows: &[(&str, &[&str])]| -> Graph {
        rows.iter().map(|(from, to)| ((*from).to_owned(), to.iter().map(|to| (*to).to_owned()).collect())).collect()
    };
    assert_eq!(cycles(&graph(&[("a", &["b"]), ("b", &["c"]), ("c", &["a"]), ("d", &["a"])])), ["a", "b", "c"]);
    assert!(cycles(&graph(&[("a", &["b", "c"]), ("b", &["c"])])).is_empty());
    let code = "use std::fmt;\nuse crate::{a::{B, c::D}, e};\nuse super::f::G as H;";
    assert_eq!(uses("x::y", code), ["a::B", "a::c::D", "e", "x::f::G"]);
}
