//! The documents keep up with the code: their paths, links and names of code exist, their lists are complete, and their
//! words are plain.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use infra::{
    cost,
    routes::{FUNCTIONS, Trigger},
    scale,
    stacks::all,
    stage::{STAGES, Stage},
};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// Words that hide a term of the field, or are hard for international readers; with what to write instead.
const BANNED: &[(&str, &str)] = &[
    ("anew", "again"),
    ("nought", "0"),
    ("reckon", "estimate, compute"),
    ("reckons", "estimates, computes"),
    ("reckoned", "estimated, computed"),
    ("lest", "so that … not"),
    ("mightiest", "most privileged"),
    ("spoilt", "damaged"),
    ("whoever", "the caller, the person who"),
    ("wherever", "everywhere, if"),
    ("says not why", "gave no reason"),
    ("way out", "egress option"),
    ("ways out", "egress options"),
    ("but for", "except"),
    ("stand ready", "provisioned concurrency"),
    ("stands ready", "provisioned concurrency"),
    ("stand down", "delete the provisioned concurrency"),
    ("lead back", "roll back"),
    ("led back", "rolled back"),
    ("dealt with", "processed, handled"),
    ("what became of", "the outcome of"),
    ("what becomes of", "the outcome of"),
    ("comes to rest", "goes to the dead-letter queue"),
    ("nobody comes", "idle"),
    ("in vain", "without success"),
    ("letting go", "deleting"),
    ("obituary", "exit error"),
    ("doomed", "to be removed"),
    ("unpanicked", "catch_panic"),
    ("told", "reported, printed, documented"),
    ("excuse", "suppression"),
    ("excuses", "suppressions"),
    ("excused", "suppressed"),
    ("judge", "linter, policy engine"),
    ("judges", "linters"),
    ("judged", "linted, checked"),
    ("mend", "fix"),
    ("mends", "fixes"),
    ("found out", "detected"),
    ("finds out", "detects"),
    ("tells", "reports, prints, shows"),
    ("bears", "tolerates, supports"),
    ("goes on", "continues"),
    ("go on", "continue"),
    ("given up", "stopped, timed out"),
    ("gave up", "stopped, timed out"),
    ("besides", "also"),
    ("so far as", "if"),
    ("hears", "receives"),
    ("lies", "is"),
    ("laid", "put"),
];

fn read(path: impl AsRef<Path>) -> String {
    let path = Path::new(ROOT).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(ROOT).join(folder)];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                found.push(path);
            }
        }
    }
    found
}

/// Every document, by its path from the root.
fn documents() -> BTreeMap<String, String> {
    let in_docs = files("docs", "md").into_iter().map(|path| path.strip_prefix(ROOT).unwrap().to_owned());
    let at_root = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"].map(PathBuf::from);
    in_docs.chain(at_root).map(|path| (path.display().to_string(), read(&path))).collect()
}

/// The spans between backticks of a line, and the rest.
fn spans(line: &str) -> (Vec<&str>, String) {
    let parts: Vec<&str> = line.split('`').collect();
    let code = parts.iter().skip(1).step_by(2).copied().collect();
    let prose = parts.iter().step_by(2).copied().collect::<Vec<_>>().join(" … ");
    (code, prose)
}

/// The lines of a document outside of code blocks.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut in_block = false;
    text.lines().enumerate().filter_map(move |(number, line)| {
        let is_fence = line.trim_start().starts_with("```");
        in_block ^= is_fence;
        (!in_block && !is_fence).then_some((number + 1, line))
    })
}

/// `a/{b,c}.rs` is `a/b.rs` and `a/c.rs`.
fn expanded(path: &str) -> Vec<String> {
    match (path.find('{'), path.find('}')) {
        (Some(open), Some(close)) if open < close => path[open + 1..close]
            .split(',')
            .flat_map(|name| expanded(&format!("{}{}{}", &path[..open], name.trim(), &path[close + 1..])))
            .collect(),
        _ => vec![path.to_owned()],
    }
}

/// Whether words are in a text as whole words, in any case.
fn contains(text: &str, words: &str) -> bool {
    let text = text.to_lowercase();
    let is_letter = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    text.match_indices(words).any(|(at, _)| {
        !is_letter(text[..at].chars().next_back()) && !is_letter(text[at + words.len()..].chars().next())
    })
}

#[test]
fn every_path_in_the_documents_exists() {
    let roots = ["shared/", "infra/", "frontend/", "functions/", "tests/", "docs/", ".ci/", ".cargo/"];
    let mut seen = 0;
    for (document, text) in documents() {
        if document == "CHANGELOG.md" {
            continue;
        }
        for (number, line) in lines(&text) {
            for span in spans(line).0 {
                // `file.rs` as such, `nn_name.sql` and `<name>` are patterns.
                let is_path =
                    roots.iter().any(|root| span.starts_with(root)) && !span.contains([' ', '<', '*', '…', '$']);
                if !is_path || span.contains("nn_") || document == "CONTRIBUTING.md" && span.contains("wish") {
                    continue;
                }
                for path in expanded(span.split(['#', ':']).next().unwrap()) {
                    assert!(Path::new(ROOT).join(&path).exists(), "{document}:{number}: there is no {path}");
                    seen += 1;
                }
            }
        }
    }
    assert!(seen > 100, "only {seen} paths found");
}

/// The folders with code.
const CODE: [&str; 5] = ["shared", "frontend", "functions", "infra", "tests"];

/// The words of a text that could be identifiers.
fn identifiers(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

/// The parts of `name`, `Type::name`, `value.name` or `name(…)`; none for a file, a command or other text.
fn quoted_name(span: &str) -> Vec<&str> {
    let name = span.split('(').next().unwrap();
    let is_name =
        |part: &str| part.starts_with(|c: char| c.is_alphabetic() || c == '_') && identifiers(part).eq([part]);
    let parts: Vec<&str> = name.split("::").flat_map(|part| part.split('.')).collect();
    let is_file = !span.contains('(') && Path::new(name).extension().is_some_and(|extension| extension.len() <= 4);
    if parts.iter().all(|part| is_name(part)) && !is_file { parts } else { Vec::new() }
}

#[test]
fn every_name_of_code_in_the_documents_exists() {
    let sources = CODE.into_iter().flat_map(|folder| {
        ["rs", "toml", "py", "sql", "html", "ftl", "guard"]
            .into_iter()
            .flat_map(move |extension| files(folder, extension))
    });
    let sources = sources.filter(|path| !path.ends_with("tests/documents.rs"));
    let sources: Vec<String> = sources.map(|path| fs::read_to_string(path).unwrap()).collect();
    let known: BTreeSet<&str> = sources.iter().flat_map(|source| identifiers(source)).collect();
    let (mut missing, mut seen) = (Vec::new(), 0);
    for (document, text) in documents().iter().filter(|(document, _)| *document != "CHANGELOG.md") {
        for (number, line) in lines(text) {
            for span in spans(line).0 {
                // A single word may be of any language; the states of a stack are CloudFormation's.
                let is_code = span.contains('_') || span.contains("::") || span.contains('(');
                if !is_code || span.starts_with("IMPORT_ROLLBACK_") {
                    continue;
                }
                let name = quoted_name(span);
                seen += usize::from(!name.is_empty());
                missing.extend(
                    name.iter().any(|part| !known.contains(part)).then(|| format!("{document}:{number}: {span}")),
                );
            }
        }
    }
    assert!(missing.is_empty(), "no code has these names:\n{}", missing.join("\n"));
    assert!(seen > 100, "only {seen} names found");
}

#[test]
fn every_name_that_a_document_finds_in_a_file_is_there() {
    let sources: Vec<PathBuf> = CODE.into_iter().flat_map(|folder| files(folder, "rs")).collect();
    let (mut missing, mut seen) = (Vec::new(), 0);
    for (document, text) in documents().iter().filter(|(document, _)| *document != "CHANGELOG.md") {
        for (number, line) in lines(text) {
            let parts: Vec<&str> = line.split('`').collect();
            for window in parts[1..].windows(3).step_by(2).filter(|window| [" in ", " ("].contains(&window[1])) {
                let (name, file) = (quoted_name(window[0]), window[2]);
                let is_rust = Path::new(file).extension().is_some_and(|extension| extension == "rs");
                let Some(name) = name.last().filter(|_| is_rust) else { continue };
                let in_file = |path: &&PathBuf| path.ends_with(file);
                let is_there =
                    |path: &PathBuf| identifiers(&fs::read_to_string(path).unwrap()).any(|word| word == *name);
                seen += 1;
                if !sources.iter().filter(in_file).any(is_there) {
                    missing.push(format!("{document}:{number}: {} is not in {file}", window[0]));
                }
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
    assert!(seen > 15, "only {seen} names found");
}

#[test]
fn a_name_is_recognised_by_its_form() {
    assert_eq!(quoted_name("Wiring::fallback"), ["Wiring", "fallback"]);
    assert_eq!(quoted_name("template.suppress(id, \"A\")"), ["template", "suppress"]);
    for other in ["config.rs", "infra/src/routes.rs", "cargo build", "--stage", "…_BODY", "11.8"] {
        assert_eq!(quoted_name(other), [""; 0], "{other}");
    }
}

#[test]
fn every_link_between_documents_leads_to_a_file_and_a_heading() {
    let documents = documents();
    let anchors = |text: &str| -> BTreeSet<String> {
        let headings =
            lines(text).filter_map(|(_, line)| line.strip_prefix('#')).map(|line| line.trim_start_matches('#'));
        let anchor = |heading: &str| -> String {
            let kept = heading.trim().to_lowercase().replace(' ', "-");
            kept.chars().filter(|c| c.is_alphanumeric() || "-_".contains(*c)).collect()
        };
        headings.map(anchor).collect()
    };
    let mut seen = 0;
    for (document, text) in &documents {
        let folder = Path::new(document).parent().unwrap();
        for (number, line) in lines(text) {
            for target in spans(line).1.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
                if target.contains("://") {
                    continue;
                }
                let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
                let path = if file.is_empty() { PathBuf::from(document) } else { folder.join(file) };
                let full = Path::new(ROOT).join(&path);
                assert!(full.exists(), "{document}:{number}: {target} leads nowhere");
                if !anchor.is_empty() {
                    let text = fs::read_to_string(full).unwrap();
                    assert!(anchors(&text).contains(anchor), "{document}:{number}: {target} has no such heading");
                }
                seen += 1;
            }
        }
    }
    assert!(seen > 50, "only {seen} links found");
}

#[test]
fn every_function_is_in_the_map_and_every_route_of_the_api_in_the_readme_and_the_guide() {
    let architecture = read("ARCHITECTURE.md");
    let map = architecture.split("```").nth(1).expect("the map");
    let (readme, guide) = (read("README.md"), read("docs/api.md"));
    for function in FUNCTIONS {
        assert!(contains(map, function.name), "ARCHITECTURE.md's map lacks {}", function.name);
        let Trigger::Http(routes) = function.trigger else { continue };
        for route in routes.iter().filter(|route| route.path.starts_with("/api/") || route.path == "/health") {
            for method in route.methods.iter().filter(|method| **method != "HEAD") {
                let row = format!("| `{method} {}` |", route.path);
                assert!(readme.contains(&row), "README.md's table of the API lacks {row}");
                let route = format!("{method} {}", route.path);
                assert!(guide.contains(&route), "docs/api.md lacks {route}");
            }
        }
    }
}

#[test]
fn the_readmes_first_deploy_has_the_resources_of_the_local_stage() {
    let readme = read("README.md");
    for stack in all(&Stage::load("local").unwrap()).unwrap() {
        let line = format!("{}: {} to change", stack.name, stack.template.resources().count());
        assert!(readme.contains(&line), "README.md, \"Quick start\": it is now `{line}`");
    }
}

#[test]
fn the_printed_costs_of_a_stage_are_those_that_the_command_prints() {
    let report = cost::Report::of(&Stage::load("dev").unwrap(), 0).unwrap().text(false).unwrap();
    let printed: Vec<&str> = report.lines().map(str::trim_end).collect();
    let total = printed.iter().position(|line| line.starts_with(" Total")).unwrap();
    let expected = format!("$ cargo bookstore cost --stage dev\n{}\n", printed[..=total].join("\n"));
    assert!(read("docs/costs.md").contains(&expected), "docs/costs.md should have:\n{expected}");
}

#[test]
fn the_printed_limits_of_each_stage_are_those_that_the_command_prints() {
    let document = read("docs/scaling.md");
    for (name, _) in STAGES {
        assert!(document.contains(&format!("\n## {name}\n")), "docs/scaling.md has no section for the stage {name}");
        let stage = Stage::load(name).unwrap();
        if stage.is_local() {
            continue;
        }
        let report = scale::Report::of(&stage, scale::REQUESTS_PER_MONTH, scale::BOOKS).text(false);
        let printed: Vec<&str> = report.lines().map(str::trim_end).collect();
        let expected = format!("```console\n$ cargo bookstore scale --stage {name}\n{}\n```\n", printed.join("\n"));
        assert!(document.contains(&expected), "docs/scaling.md should have:\n{expected}");
    }
}

#[test]
fn the_readme_is_short_enough_to_be_read() {
    let lines = read("README.md").lines().count();
    assert!(lines <= 130, "README.md has {lines} lines; move details into docs/");
}

#[test]
fn documents_and_doc_comments_are_in_plain_words() {
    let mut found = Vec::new();
    let mut check = |place: String, text: &str| {
        for (banned, instead) in BANNED {
            if contains(text, banned) {
                found.push(format!("{place}: `{banned}`; write: {instead}"));
            }
        }
    };
    for (document, text) in documents() {
        for (number, line) in lines(&text) {
            // The last column of the glossary has the words that were used before.
            let line =
                if document.ends_with("glossary.md") { line.rsplitn(3, '|').nth(2).unwrap_or(line) } else { line };
            check(format!("{document}:{number}"), &spans(line).1);
        }
    }
    let mut comments = 0;
    for path in CODE.into_iter().flat_map(|folder| files(folder, "rs")) {
        let place = path.strip_prefix(ROOT).unwrap().display().to_string();
        for (number, line) in fs::read_to_string(&path).unwrap().lines().enumerate() {
            // What clap prints as help is a doc comment too.
            let line = line.trim_start();
            let Some(comment) = line.strip_prefix("///").or_else(|| line.strip_prefix("//!")) else { continue };
            check(format!("{place}:{}", number + 1), &spans(comment).1);
            comments += 1;
        }
    }
    assert!(comments > 1_000, "only {comments} lines of doc comments found");
    assert!(found.is_empty(), "{} banned words:\n{}", found.len(), found.join("\n"));
}

#[test]
fn a_banned_word_is_found_as_a_word_and_in_any_case() {
    assert!(contains("Told by SQS", "told") && contains("say it anew.", "anew") && contains("is a way out", "way out"));
    assert!(!contains("untold stories", "told") && !contains("toldness", "told") && !contains("re_told", "told"));
    assert_eq!(spans("a `told` b"), (vec!["told"], "a  …  b".to_owned()));
    assert_eq!(expanded("a/{b,c}/d.{x,y}"), ["a/b/d.x", "a/b/d.y", "a/c/d.x", "a/c/d.y"]);
}

/// Columns by table, as the migrations make them.
fn tables() -> BTreeMap<String, Vec<String>> {
    let mut tables: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in files("shared/migrations", "sql") {
        let sql = read(&file);
        let statement: Vec<&str> = sql.lines().filter(|line| !line.starts_with("--")).collect();
        let name = |words: &str| statement[0].strip_prefix(words)?.split_whitespace().next().map(str::to_owned);
        if let Some(table) = name("create table ") {
            let is_column = |word: &&str| {
                word.chars().all(|c| c.is_ascii_lowercase() || c == '_')
                    && !["primary", "unique", "key", "constraint", "fulltext", "index", "foreign", "check"]
                        .contains(word)
            };
            // Columns are indented by one step, and the rest of a long one by more.
            let lines = statement[1..].iter().filter(|line| line.starts_with("    ") && !line.starts_with("     "));
            let columns = lines.filter_map(|line| line.split_whitespace().next()).filter(is_column);
            tables.insert(table, columns.map(str::to_owned).collect());
        } else if let Some(table) = name("alter table ") {
            let added = statement.iter().filter_map(|line| line.trim().strip_prefix("add column "));
            let columns = added.filter_map(|line| line.split_whitespace().next()).map(str::to_owned);
            tables.entry(table).or_default().extend(columns);
        }
    }
    tables
}

/// Names of the fields in a macro's arguments: `error = …`, `%reason`, `submission.id = …`, and short forms.
fn fields(arguments: &str) -> Vec<String> {
    let (mut depth, mut in_text, mut parts) = (0, false, vec![String::new()]);
    for c in arguments.chars() {
        match c {
            '"' => in_text = !in_text,
            '(' | '{' | '[' if !in_text => depth += 1,
            ')' | '}' | ']' if !in_text => depth -= 1,
            _ => {}
        }
        match c {
            ',' if depth == 0 && !in_text => parts.push(String::new()),
            c => parts.last_mut().unwrap().push(c),
        }
    }
    let names =
        parts.iter().map(|part| part.split('=').next().unwrap_or_default().trim().trim_start_matches(['%', '?']));
    names.filter(|name| !name.is_empty() && !name.starts_with('"')).map(str::to_owned).collect()
}

/// The text from an opening parenthesis to the closing one.
fn in_parentheses(text: &str) -> &str {
    let mut depth = 0;
    let end = text.find(|c| {
        depth += i32::from(c == '(') - i32::from(c == ')');
        depth < 0
    });
    &text[..end.unwrap_or(text.len())]
}

fn log_fields() -> BTreeSet<String> {
    let macros = ["tracing::error!(", "tracing::warn!(", "tracing::info!(", "tracing::debug!(", "info_span!("];
    let mut found = BTreeSet::new();
    for file in ["functions", "shared/src", "frontend/src"].into_iter().flat_map(|folder| files(folder, "rs")) {
        let source = read(&file);
        for (at, name) in macros.iter().flat_map(|name| source.match_indices(name)) {
            found.extend(fields(in_parentheses(&source[at + name.len()..])));
        }
    }
    found
}

#[test]
fn the_runbook_lists_every_table_log_field_queue_and_bucket_that_may_have_personal_data() {
    let runbook = read("docs/runbook.md");
    let section = runbook.split("\n## ").find(|section| section.starts_with("Personal data")).expect("a section");
    let listed: BTreeSet<&str> = section.lines().flat_map(|line| spans(line).0).collect();
    let line_of = |start: &str| section.lines().find(|line| line.starts_with(start)).expect("a line of the section");
    let without_data = spans(line_of("No personal data")).0;
    let mut missing = Vec::new();
    for (table, columns) in tables() {
        let row = section.lines().find(|line| line.starts_with('|') && line.contains(&format!("database, `{table}`")));
        match row {
            Some(row) => missing.extend(
                columns
                    .iter()
                    .filter(|column| !spans(row).0.contains(&column.as_str()))
                    .map(|c| format!("{table}.{c}")),
            ),
            None if !without_data.contains(&table.as_str()) || columns.contains(&"visitor_id".to_owned()) => {
                missing.push(table);
            }
            None => {}
        }
    }
    for path in files("infra/golden/prod", "json") {
        let template: serde_json::Value = serde_json::from_str(&read(&path)).unwrap();
        let resources = template["Resources"].as_object().unwrap();
        let holders = ["AWS::Cognito::UserPool", "AWS::S3::Bucket", "AWS::SQS::Queue"];
        let holders = resources.iter().filter(|(_, resource)| holders.iter().any(|kind| resource["Type"] == *kind));
        missing.extend(holders.map(|(name, _)| name.clone()).filter(|name| !listed.contains(name.as_str())));
    }
    assert!(missing.is_empty(), "docs/runbook.md, \"Personal data\", does not list {missing:?}");
    let line = line_of("Fields of the functions' logs");
    let in_runbook: BTreeSet<String> = spans(line).0.into_iter().map(str::to_owned).collect();
    assert_eq!(
        in_runbook,
        log_fields(),
        "the fields of the logs in docs/runbook.md, \"Personal data\", and in the code"
    );
}
