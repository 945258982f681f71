//! Lint results of all templates: no findings without a suppression, and each bad template is detected.
//!
//! The linters are cfn-lint, AWS's cloudformation-validate with its own rules and with those of `infra/policies`, and
//! checkov. The bad templates prove that an empty result is meaningful.

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
use infra::stage::{STAGES, Stage};

/// The maximum number of suppressions in production, each with a rule, a resource type and a reason.
const MAX_SUPPRESSIONS: usize = 15;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Linter {
    CfnLint,
    /// cloudformation-validate with AWS's rules.
    Aws,
    /// cloudformation-validate with the rules in `infra/policies`.
    Policies,
    Checkov,
}

/// Rule and resource.
type Finding = (String, String);
/// By template: `prod/data`.
type Findings = BTreeMap<String, BTreeSet<Finding>>;

/// The findings of each linter.
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
            folder.write(&["cfn-lint", "validate", "checkov"], &named, &template);
            if name == "prod" {
                let linters = ["cfn-lint", "validate", "checkov"];
                folder.write(&linters, &format!("unsuppressed/{named}"), &without_suppressions(template));
            }
        }
    }
    for (name, _) in STAGES {
        for stack in all(&Stage::in_full(name).unwrap()).unwrap() {
            let template = serde_json::to_value(&stack.template).unwrap();
            folder.write(&["cfn-lint"], &format!("{name}-in-full/{}", stack.kind.name()), &template);
        }
    }
    for bad in BAD_TEMPLATES {
        let mut template = production(bad.stack);
        (bad.change)(&mut template["Resources"]);
        let linter = match bad.linter {
            Linter::CfnLint => "cfn-lint",
            Linter::Aws | Linter::Policies => "validate",
            Linter::Checkov => "checkov",
        };
        folder.write(&[linter], &bad.name(), &template);
    }
    thread::scope(|scope| {
        let checkov = scope.spawn(|| checkov(&folder.0.join("checkov")));
        let validate = validate(&folder.0.join("validate"));
        let cfn_lint = cfn_lint(&folder.0.join("cfn-lint"));
        LintResults { cfn_lint, validate, checkov: checkov.join().expect("checkov runs") }
    })
});

impl LintResults {
    fn of(&self, linter: Linter) -> &Findings {
        match linter {
            Linter::CfnLint => &self.cfn_lint,
            Linter::Aws | Linter::Policies => &self.validate,
            Linter::Checkov => &self.checkov,
        }
    }
}

impl BadTemplate {
    fn name(&self) -> String {
        format!("bad/{}", self.mistake.replace([' ', '\''], "-"))
    }
}

/// A temporary folder with templates, because linters read files.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        Self(std::env::temp_dir().join(format!("anaquel-linted-{:016x}", rand::random::<u64>())))
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

fn without_suppressions(mut template: Value) -> Value {
    for resource in template["Resources"].as_object_mut().unwrap().values_mut() {
        resource.as_object_mut().unwrap().remove("Metadata");
    }
    template
}

/// Standard output of a linter. Its exit status is ignored, because it depends on the findings.
fn run_linter(command: &mut Command, linter: &str) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{linter} cannot be started: {error}"));
    assert!(output.stderr.is_empty(), "{linter}: {}", String::from_utf8_lossy(&output.stderr));
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

/// Name of a template by its file in the folder: `prod/data`.
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

/// Suppressions in production with the same rule, type and reason.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Suppression {
    rule: String,
    r#type: String,
    reason: String,
}

/// All suppressions in production, with the stack and name of each resource.
fn suppressions() -> BTreeMap<Suppression, BTreeSet<(String, String)>> {
    let mut suppressions = BTreeMap::<_, BTreeSet<_>>::new();
    for stack in all(&stage("prod")).unwrap() {
        let template = serde_json::to_value(&stack.template).unwrap();
        for (name, resource) in template["Resources"].as_object().unwrap() {
            for linter in resource["Metadata"].as_object().into_iter().flat_map(|metadata| metadata.values()) {
                for suppression in linter["skip"].as_array().unwrap() {
                    let text = |value: &Value| value.as_str().unwrap().to_owned();
                    let (rule, reason) = (text(&suppression["id"]), text(&suppression["comment"]));
                    let suppression = Suppression { rule, r#type: text(&resource["Type"]), reason };
                    suppressions.entry(suppression).or_default().insert((stack.kind.name().to_owned(), name.clone()));
                }
            }
        }
    }
    suppressions
}

#[ignore = "needs the linters"]
#[test]
fn the_linters_have_no_findings_without_a_suppression() {
    for findings in [&LINT_RESULTS.cfn_lint, &LINT_RESULTS.validate, &LINT_RESULTS.checkov] {
        let of_stages = findings.iter().filter(|(name, _)| {
            let name = name.as_str();
            !name.starts_with("bad/") && !name.starts_with("unsuppressed/")
        });
        let unsuppressed: Vec<_> = of_stages.collect();
        assert!(unsuppressed.is_empty(), "{unsuppressed:#?}");
    }
}

#[ignore = "needs the linters"]
#[test]
fn production_has_few_suppressions_and_each_is_needed_and_has_a_reason() {
    let suppressions = suppressions();
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(["rule", "type", "resources", "reason"]);
    for (Suppression { rule, r#type, reason }, resources) in &suppressions {
        table.add_row([rule, r#type, &resources.len().to_string(), reason]);
        assert!(reason.ends_with('.') && reason.matches(['.', ';', '!']).count() == 1, "not one sentence: {reason}");
        let linter = match &rule[..2] {
            "CK" => Linter::Checkov,
            "E3" => Linter::CfnLint,
            _ => Linter::Policies,
        };
        for (stack, resource) in resources {
            let found = &LINT_RESULTS.of(linter)[&format!("unsuppressed/prod/{stack}")];
            assert!(found.contains(&(rule.clone(), resource.clone())), "{resource} needs no suppression of {rule}");
        }
    }
    eprintln!("{table}\n{} suppressions", suppressions.len());
    assert!(suppressions.len() <= MAX_SUPPRESSIONS, "{} suppressions", suppressions.len());
}

#[ignore = "needs the linters"]
#[test]
fn each_bad_template_is_detected_by_its_linter() {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(["mistake", "detected by", "rule", "resource"]);
    let mut undetected = Vec::new();
    for bad in BAD_TEMPLATES {
        let found = LINT_RESULTS.of(bad.linter).get(&bad.name());
        let finding = (bad.rule.to_owned(), bad.resource.to_owned());
        if !found.is_some_and(|found| found.contains(&finding)) {
            undetected.push(format!("{}: {:?} finds {found:?}", bad.mistake, bad.linter));
        }
        table.add_row([bad.mistake, &format!("{:?}", bad.linter), bad.rule, bad.resource]);
    }
    eprintln!("{table}");
    assert!(undetected.is_empty(), "{}", undetected.join("\n"));
}

/// A rule without a bad template is not known to detect anything.
#[test]
fn every_rule_in_policies_has_a_bad_template() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
    let files = files(&folder).into_iter().filter(|file| file.extension() == Some(OsStr::new("guard")));
    let text: String = files.map(|file| fs::read_to_string(file).unwrap()).collect();
    let rules: BTreeSet<_> = text.lines().filter_map(|line| line.strip_prefix("rule ")?.split(' ').next()).collect();
    let detected: BTreeSet<_> =
        BAD_TEMPLATES.iter().filter(|bad| bad.linter == Linter::Policies).map(|bad| bad.rule).collect();
    assert_eq!(rules, detected);
}
