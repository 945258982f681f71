//! Writes a stage's templates to files, after all checks that need no AWS account.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::limits;
use crate::migrations;
use crate::routes::{self, FUNCTIONS};
use crate::stacks::{self, Stack};
use crate::stage::{Architecture, STAGES, Stage};

/// Folder of the committed golden templates.
const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/golden");

/// Writes the stage's templates into `folder` and returns the files.
pub fn write_stage(stage: &Stage, folder: &Path) -> Result<Vec<PathBuf>> {
    write(&stacks(stage)?, folder)
}

/// The stage's stacks in deploy order. Fails when the stage exceeds a limit or a migration breaks the running version.
pub fn stacks(stage: &Stage) -> Result<Vec<Stack>> {
    limits::check(stage, FUNCTIONS)?;
    migrations::check()?;
    stacks::all(stage)
}

/// Prints warnings about what is valid but risky to standard error.
pub fn warn(stage: &Stage) {
    for warning in [stage.warnings(), limits::warnings(stage, FUNCTIONS)].concat() {
        eprintln!("warning: {warning}");
    }
}

/// Renews the golden templates of every stage, and the list of paths that is made from the route table.
pub fn write_golden() -> Result<()> {
    routes::write_paths_with_methods()?;
    for (name, _) in STAGES {
        write(&golden(name)?, &Path::new(GOLDEN).join(name))?;
    }
    Ok(())
}

/// The stacks for arm64, so that golden templates are the same on every machine.
fn golden(stage: &str) -> Result<Vec<Stack>> {
    let mut stage = Stage::load(stage)?;
    stage.architecture = Architecture::Arm64;
    stacks(&stage)
}

fn write(stacks: &[Stack], folder: &Path) -> Result<Vec<PathBuf>> {
    fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
    let mut files = Vec::new();
    for stack in stacks {
        let file = file(folder, stack);
        fs::write(&file, stack.template.to_json()?).with_context(|| format!("writing {}", file.display()))?;
        files.push(file);
    }
    Ok(files)
}

fn file(folder: &Path, stack: &Stack) -> PathBuf {
    folder.join(stack.kind.name()).with_extension("json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_golden_templates_are_up_to_date() {
        for (name, _) in STAGES {
            for stack in golden(name).unwrap() {
                let file = file(&Path::new(GOLDEN).join(name), &stack);
                let committed = fs::read_to_string(&file).unwrap_or_default();
                assert!(
                    committed == stack.template.to_json().unwrap(),
                    "{} is stale: run `cargo bookstore synth --golden` and review the diff",
                    file.display()
                );
            }
        }
    }
}
