//! What linters from outside say of the templates: nothing that is not excused, and of wrong ones what is wrong.
//!
//! The linters are cfn-lint, AWS's cloudformation-validate, checkov, and `infra/policies`, which are ours. That they find
//! nothing tells something only because each wrong template here is found out by the one that should.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::thread;

use comfy_table::{Table, presets::NOTHING};
use serde_json::Value;

use super::bad_templates::{BAD_TEMPLATES, BadTemplate};
use super::support::{stage, variable};
use infra::stacks::{Kind, all};
use infra::stage::STAGES;

/// Most excuses that production may have: a rule, a type of resource and a reason each.
const EXCUSES: usize = 15;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Linter {
    CfnLint,
    /// cloudformation-validate, by AWS's rules.
    Aws,
    /// cloudformation-validate, by the rules in `infra/policies`.
    Ours,
    Checkov,
}

/// The rule of a linter, and the resource that it finds fault with.
type Finding = (String, String);
/// By template: `prod/data`.
type Findings = BTreeMap<String, BTreeSet<Finding>>;

/// What every linter found, by template.
struct LintResults {
    cfn_lint: Findings,
    validate: Findings,
    checkov: Findings,
}

static LINT_RESULTS: LazyLock<LintResults> = LazyLock::new(|| {
    let folder = Folder::new();
    for (name, _) in STAGES {
        for stack in all(&stage(name)).unwrap() {
            let template = serde_json::to_value(&stack.template).unwrap();
            let named = format!("{name}/{}", stack.kind.name());
            folder.write(&["validate", "checkov"], &named, &template);
            if name == "prod" {
                let linters = ["cfn-lint", "validate", "checkov"];
                folder.write(&linters, &format!("unexcused/{named}"), &without_excuses(template));
            }
        }
    }
    for wrong in BAD_TEMPLATES {
        let mut template = production(wrong.stack);
        (wrong.change)(&mut template["Resources"]);
        let linter = match wrong.linter {
            Linter::CfnLint => "cfn-lint",
            Linter::Aws | Linter::Ours => "validate",
            Linter::Checkov => "checkov",
        };
        folder.write(&[linter], &wrong.name(), &template);
    }
    thread::scope(|scope| {
        let checkov = scope.spawn(|| checkov(&folder.0.join("checkov")));
        let validate = validate(&folder.0.join("validate"));
        let cfn_lint = cfn_lint(&folder.0.join("cfn-lint"));
        LintResults { cfn_lint, validate, checkov: checkov.join().expect("checkov linters") }
    })
});

impl LintResults {
    fn of(&self, linter: Linter) -> &Findings {
        match linter {
            Linter::CfnLint => &self.cfn_lint,
            Linter::Aws | Linter::Ours => &self.validate,
            Linter::Checkov => &self.checkov,
        }
    }
}

impl BadTemplate {
    fn name(&self) -> String {
        format!("wrong/{}", self.what.replace([' ', '\''], "-"))
    }
}

/// Templates for linters who read files; gone with the tests.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        Self(std::env::temp_dir().join(format!("anaquel-answers-{:016x}", rand::random::<u64>())))
    }

    fn write(&self, linters: &[&str], name: &str, template: &Value) {
        for linter in linters {
            let file = self.0.join(linter).join(name).with_extension("json");
            fs::create_dir_all(file.parent().expect("a folder")).unwrap();
            fs::write(file, serde_json::to_string_pretty(template).unwrap()).unwrap();
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn production(kind: Kind) -> Value {
    let stack =
        all(&stage("prod")).unwrap().into_iter().find(|stack| stack.kind == kind).expect("a stack of each kind");
    serde_json::to_value(&stack.template).unwrap()
}

fn without_excuses(mut template: Value) -> Value {
    for resource in template["Resources"].as_object_mut().unwrap().values_mut() {
        resource.as_object_mut().unwrap().remove("Metadata");
    }
    template
}

/// Standard output of a linter, who ends with another status when it has found something.
fn run_linter(command: &mut Command, linters: &str) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{linters} cannot be started: {error}"));
    assert!(output.stderr.is_empty(), "{linters}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        match entry.path() {
            path if path.is_dir() => files.extend(self::files(&path)),
            path => files.push(path),
        }
    }
    files
}

/// `prod/data` for the file of that name in the folder.
fn name(folder: &Path, file: &Path) -> String {
    file.strip_prefix(folder).unwrap_or(file).with_extension("").display().to_string()
}

fn collect(findings: impl Iterator<Item = (String, Finding)>) -> Findings {
    let mut all = Findings::new();
    for (template, finding) in findings {
        all.entry(template).or_default().insert(finding);
    }
    all
}

fn cfn_lint(folder: &Path) -> Findings {
    let mut command = Command::new(Path::new(&variable("ANAQUEL_PYTHON")).with_file_name("cfn-lint"));
    command.env_clear().args(["--format", "json", "--"]).args(files(folder));
    let found: Value = serde_json::from_str(&run_linter(&mut command, "cfn-lint")).expect("JSON");
    collect(found.as_array().unwrap().iter().map(|finding| {
        let path = finding["Location"]["Path"].as_array().and_then(|path| path.get(1)).and_then(Value::as_str);
        let rule = finding["Rule"]["Id"].as_str().unwrap().to_owned();
        (name(folder, Path::new(finding["Filename"].as_str().unwrap())), (rule, path.unwrap_or("-").to_owned()))
    }))
}

fn validate(folder: &Path) -> Findings {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies/validate.py");
    let mut command = Command::new(variable("ANAQUEL_PYTHON"));
    command.env_clear().arg(script).args(files(folder));
    let found = run_linter(&mut command, "cloudformation-validate");
    collect(found.lines().map(|line| {
        let mut parts = line.splitn(3, ": ");
        let (file, finding) = (parts.next().unwrap(), parts.next().expect("a finding"));
        let (rule, resource) = finding.split_once(' ').expect("a rule and a resource");
        (name(folder, Path::new(file)), (rule.to_owned(), resource.to_owned()))
    }))
}

fn checkov(folder: &Path) -> Findings {
    let mut command = Command::new(variable("ANAQUEL_CHECKOV"));
    command.env_clear().arg("--directory").arg(folder);
    command.args(["--framework", "cloudformation", "--skip-download", "--compact", "--quiet", "--output", "json"]);
    let found: Value = serde_json::from_str(&run_linter(&mut command, "checkov")).expect("JSON");
    assert_eq!(found["summary"]["parsing_errors"], 0);
    collect(found["results"]["failed_checks"].as_array().unwrap().iter().map(|finding| {
        let text = |key: &str| finding[key].as_str().unwrap();
        let resource = text("resource").rsplit('.').next().unwrap().to_owned();
        let file = Path::new(text("file_path").trim_start_matches('/'));
        (name(folder, file), (text("check_id").to_owned(), resource))
    }))
}

/// An excuse in a template of production.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Excuse {
    rule: String,
    r#type: String,
    reason: String,
}

/// With the resources that each stands at, as `data/Database`.
fn excuses() -> BTreeMap<Excuse, BTreeSet<(String, String)>> {
    let mut excuses = BTreeMap::<_, BTreeSet<_>>::new();
    for stack in all(&stage("prod")).unwrap() {
        let template = serde_json::to_value(&stack.template).unwrap();
        for (name, resource) in template["Resources"].as_object().unwrap() {
            for linter in resource["Metadata"].as_object().into_iter().flat_map(|metadata| metadata.values()) {
                for excuse in linter["skip"].as_array().unwrap() {
                    let text = |value: &Value| value.as_str().unwrap().to_owned();
                    let (rule, reason) = (text(&excuse["id"]), text(&excuse["comment"]));
                    let excuse = Excuse { rule, r#type: text(&resource["Type"]), reason };
                    excuses.entry(excuse).or_default().insert((stack.kind.name().to_owned(), name.clone()));
                }
            }
        }
    }
    excuses
}

#[ignore = "needs the linters"]
#[test]
fn the_judges_find_nothing_that_is_not_excused() {
    for findings in [&LINT_RESULTS.validate, &LINT_RESULTS.checkov] {
        let ours = findings.iter().filter(|(name, _)| !name.starts_with("wrong/") && !name.starts_with("unexcused/"));
        let unexcused: Vec<_> = ours.collect();
        assert!(unexcused.is_empty(), "{unexcused:#?}");
    }
}

#[ignore = "needs the linters"]
#[test]
fn production_has_few_excuses_and_each_is_needed_and_says_why() {
    let excuses = excuses();
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(["rule", "type", "resources", "reason"]);
    for (Excuse { rule, r#type, reason }, resources) in &excuses {
        table.add_row([rule, r#type, &resources.len().to_string(), reason]);
        assert!(reason.ends_with('.') && reason.matches(['.', ';', '!']).count() == 1, "not one sentence: {reason}");
        let linter = match &rule[..2] {
            "CK" => Linter::Checkov,
            "E3" => Linter::CfnLint,
            _ => Linter::Ours,
        };
        for (stack, resource) in resources {
            let found = &LINT_RESULTS.of(linter)[&format!("unexcused/prod/{stack}")];
            assert!(found.contains(&(rule.clone(), resource.clone())), "{resource} needs no excuse from {rule}");
        }
    }
    eprintln!("{table}\n{} excuses", excuses.len());
    assert!(excuses.len() <= EXCUSES, "{} excuses", excuses.len());
}

#[ignore = "needs the linters"]
#[test]
fn each_wrong_template_is_found_out_by_the_judge_that_should() {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(["wrong", "found out by", "rule", "at"]);
    let mut overlooked = Vec::new();
    for wrong in BAD_TEMPLATES {
        let found = LINT_RESULTS.of(wrong.linter).get(&wrong.name());
        let finding = (wrong.rule.to_owned(), wrong.resource.to_owned());
        if !found.is_some_and(|found| found.contains(&finding)) {
            overlooked.push(format!("{}: {:?} finds {found:?}", wrong.what, wrong.linter));
        }
        table.add_row([wrong.what, &format!("{:?}", wrong.linter), wrong.rule, wrong.resource]);
    }
    eprintln!("{table}");
    assert!(overlooked.is_empty(), "{}", overlooked.join("\n"));
}

/// A rule that finds nothing might as well not be there.
#[test]
fn every_rule_of_ours_finds_out_a_wrong_template() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
    let files = files(&folder).into_iter().filter(|file| file.extension() == Some(OsStr::new("guard")));
    let text: String = files.map(|file| fs::read_to_string(file).unwrap()).collect();
    let rules: BTreeSet<_> = text.lines().filter_map(|line| line.strip_prefix("rule ")?.split(' ').next()).collect();
    let proven: BTreeSet<_> =
        BAD_TEMPLATES.iter().filter(|wrong| wrong.linter == Linter::Ours).map(|wrong| wrong.rule).collect();
    assert_eq!(rules, proven);
}
