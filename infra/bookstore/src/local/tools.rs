//! The tools for Python and Node that the local stage and its tests use, pinned by content (`infra/tools/`), in virtual
//! environments of our own.
//!
//! Node is a Python package too, and npm installs into the same environment. A stamp file beside each environment lists what
//! is installed, by the digest of its lock. It is deleted before a change, so that an environment with an interrupted
//! installation or another lock is created again.

use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use sha2::{Digest, Sha256};

use super::{
    home::{Home, make_private_folder, remove_folder},
    lock::Lock as FileLock,
    logs,
    packages::Package,
};
use Lock::{Npm, PyPi};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tool {
    /// The AWS emulator.
    Ministack,
    /// Builds functions for AWS and deploys single functions.
    CargoLambda,
    /// Checks templates.
    CfnLint,
    /// A second AWS emulator, for tests of NAT gateways.
    Moto,
    /// Tests the running API against its OpenAPI document.
    Schemathesis,
    /// Lays out the picture of a stage.
    Graphviz,
    /// Lints templates by AWS's rules and by our cfn-guard rules.
    CloudFormationValidate,
    /// Lints templates for security.
    Checkov,
    /// Runs Lighthouse, and brings npm for the page checkers.
    Node,
    /// Runs the HTML checker.
    Java,
    /// axe-core (accessibility), the Nu HTML checker, and Lighthouse.
    PageCheckers,
    /// The libraries of the benchmark's function in Python.
    PythonPeer,
}

/// Lock files of a tool and its dependencies; pip and npm verify the hashes.
enum Lock {
    PyPi(&'static str),
    Npm { package: &'static str, lock: &'static str },
}

impl Tool {
    /// In order of installation: npm needs Node.
    pub const ALL: [Self; 12] = [
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
        Self::PageCheckers,
        Self::PythonPeer,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Ministack => "ministack",
            Self::CargoLambda => "cargo-lambda",
            Self::CfnLint => "cfn-lint",
            Self::Moto => "moto",
            Self::Schemathesis => "schemathesis",
            Self::Graphviz => "graphviz",
            Self::CloudFormationValidate => "cloudformation-validate",
            Self::Checkov => "checkov",
            Self::Node => "nodejs",
            Self::Java => "jdk",
            Self::PageCheckers => "page checkers",
            Self::PythonPeer => "python-peer",
        }
    }

    const fn lock(self) -> Lock {
        match self {
            Self::Ministack => PyPi(include_str!("../../../tools/ministack.txt")),
            Self::CargoLambda => PyPi(include_str!("../../../tools/cargo-lambda.txt")),
            Self::CfnLint => PyPi(include_str!("../../../tools/cfn-lint.txt")),
            Self::Moto => PyPi(include_str!("../../../tools/moto.txt")),
            Self::Schemathesis => PyPi(include_str!("../../../tools/schemathesis.txt")),
            Self::Graphviz => PyPi(include_str!("../../../tools/graphviz.txt")),
            Self::CloudFormationValidate => PyPi(include_str!("../../../tools/cloudformation-validate.txt")),
            Self::Checkov => PyPi(include_str!("../../../tools/checkov.txt")),
            Self::Node => PyPi(include_str!("../../../tools/nodejs.txt")),
            Self::Java => PyPi(include_str!("../../../tools/jdk.txt")),
            Self::PythonPeer => PyPi(include_str!("../../../tools/python-peer.txt")),
            Self::PageCheckers => Npm {
                package: include_str!("../../../tools/package.json"),
                lock: include_str!("../../../tools/package-lock.json"),
            },
        }
    }

    /// Its line in a stamp file: name and digest of the lock.
    fn identity(self) -> String {
        let digest = match self.lock() {
            PyPi(lock) => Sha256::digest(lock),
            Npm { package, lock } => Sha256::digest([package, lock].concat()),
        };
        format!("{} {:02x}{:02x}{:02x}{:02x}", self.name(), digest[0], digest[1], digest[2], digest[3])
    }

    /// checkov needs older versions of the emulators' dependencies, so it has its own environment.
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
    /// Installs the missing tools of `wanted`.
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
        self.shared().packages().join("node_modules")
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

    fn ensure(&self, wanted: &[&Tool], lock: &FileLock, home: &Home) -> Result<()> {
        let mut installed = self.installed();
        let missing: Vec<Tool> = wanted.iter().map(|tool| **tool).filter(|tool| !installed.contains(tool)).collect();
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
            let outcome = self.install(tool, lock, &log);
            if outcome.is_ok() {
                installed.push(tool);
            }
            let stamp: Vec<String> = installed.iter().map(|tool| tool.identity()).collect();
            fs::write(&self.stamp, stamp.join("\n")).context("noting which tools are installed")?;
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

    /// The tools in the stamp file; empty if one is unknown or the interpreter is missing.
    fn installed(&self) -> Vec<Tool> {
        let stamp = fs::read_to_string(&self.stamp).unwrap_or_default();
        let of_line = |line: &str| Tool::ALL.into_iter().find(|tool| tool.identity() == line);
        let tools: Option<Vec<_>> = stamp.lines().map(of_line).collect();
        tools.filter(|_| succeeds(self.python().arg("--version"))).unwrap_or_default()
    }

    fn create(&self, lock: &FileLock, log: &Path) -> Result<()> {
        if !python_makes_environments() {
            PYTHON.install(log)?;
            ensure!(python_makes_environments(), "{}", PYTHON.remedy());
        }
        remove_folder(&self.folder)?;
        let mut venv = Command::new("python3");
        venv.args(["-m", "venv"]).arg(&self.folder);
        logs::run(&mut venv, lock.share()?, log)
    }

    fn install(&self, tool: Tool, lock: &FileLock, log: &Path) -> Result<()> {
        let name = tool.name();
        errln!("Installing {name} …");
        let mut install = match tool.lock() {
            PyPi(lock) => self.pip(name, lock)?,
            Npm { package, lock } => self.npm(package, lock)?,
        };
        logs::run(&mut install, lock.share()?, log)
            .with_context(|| format!("{name} could not be installed: check the network"))
    }

    /// Wheels only, because the build tools of source packages are not pinned.
    fn pip(&self, name: &str, lock: &str) -> Result<Command> {
        let file = self.folder.join(name).with_extension("txt");
        fs::write(&file, lock).with_context(|| format!("writing {}", file.display()))?;
        let mut pip = self.python();
        pip.args(["-m", "pip", "install", "--disable-pip-version-check", "--require-hashes", "--no-deps"]);
        pip.args(["--only-binary", ":all:", "--requirement"]).arg(file);
        Ok(pip)
    }

    /// Without install scripts: none of these packages needs them.
    fn npm(&self, package: &str, lock: &str) -> Result<Command> {
        let folder = self.packages();
        for (file, content) in [("package.json", package), ("package-lock.json", lock)] {
            let file = folder.join(file);
            fs::write(&file, content).with_context(|| format!("writing {}", file.display()))?;
        }
        let mut npm = Command::new(self.programs().join("npm"));
        npm.env("PATH", self.path()?)
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--prefix"])
            .arg(&folder)
            .current_dir(&folder);
        Ok(npm)
    }

    /// The folder where npm installs.
    fn packages(&self) -> PathBuf {
        self.folder.join("lib")
    }
}

/// The folder is shared: a second stage waits until the first has installed its tools.
fn lock(path: &Path) -> Result<FileLock> {
    if let Some(lock) = FileLock::try_take(path)? {
        return Ok(lock);
    }
    errln!("Waiting for another `bookstore` that is installing tools …");
    FileLock::take(path)
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
    use std::ffi::OsStr;

    use serde_json::Value;

    use super::*;
    use crate::local::scratch::Scratch;

    /// An environment with `true` as its interpreter, which is enough for `installed`.
    fn tools_with_stamp(scratch: &Scratch, stamp: &str) -> Vec<Tool> {
        let environment = Environment::at(&scratch.home.tools(), SHARED);
        let python = environment.programs().join("python");
        make_private_folder(python.parent().unwrap()).unwrap();
        let _ = std::os::unix::fs::symlink("/bin/true", python);
        fs::write(&environment.stamp, stamp).unwrap();
        environment.installed()
    }

    #[test]
    fn an_environment_counts_only_with_a_stamp_that_names_our_locks() {
        let scratch = Scratch::new();
        let ministack = Tool::Ministack.identity();
        assert_eq!(tools_with_stamp(&scratch, &ministack), [Tool::Ministack]);
        assert!(tools_with_stamp(&scratch, "").is_empty());
        assert!(tools_with_stamp(&scratch, "ministack 00000000").is_empty());
        assert!(tools_with_stamp(&scratch, &format!("{ministack}\nmoto 00000000")).is_empty());
    }

    #[test]
    fn the_emulator_alone_can_sign_the_tokens_of_user_pools() {
        let PyPi(lock) = Tool::Ministack.lock() else { panic!("the emulator is a package of PyPI") };
        assert!(
            lock.contains("\ncryptography=="),
            "without it the keys of a user pool are invented, and nobody signs in"
        );
    }

    #[test]
    fn npm_is_there_before_what_it_installs() {
        let place = |wanted| Tool::ALL.iter().position(|tool| *tool == wanted);
        assert!(place(Tool::Node) < place(Tool::PageCheckers));
    }

    /// `infra/tools/tools.in` has the pins; `lock.py` makes the locks from it.
    #[test]
    fn every_lock_holds_the_pin_of_its_tool_and_hashes_of_all_that_it_installs() {
        let pins = include_str!("../../../tools/tools.in").lines().filter(|line| !line.starts_with('#'));
        let pins: Vec<_> = pins.map(|line| line.split(' ').collect::<Vec<_>>()).collect();
        for tool in Tool::ALL {
            match tool.lock() {
                PyPi(lock) => {
                    let [environment, _, pin, ref others @ ..] =
                        pins.iter().find(|pin| pin[1] == tool.name()).expect("a pin")[..]
                    else {
                        panic!("at least three columns")
                    };
                    for other in others {
                        assert!(lock.contains(&format!("\n{other} \\")), "{other}");
                    }
                    assert_eq!(environment, tool.environment());
                    let (package, version) = pin.split_once("==").unwrap();
                    let package = package.split('[').next().unwrap();
                    assert!(lock.lines().any(|line| {
                        line.strip_prefix(package).is_some_and(|rest| rest.contains(&format!("=={version} ")))
                    }));
                    for requirement in lock.lines().filter(|line| !line.starts_with([' ', '#'])) {
                        assert!(requirement.ends_with('\\'), "{requirement} has no hash");
                    }
                }
                Npm { package, lock } => {
                    let [package, lock] = [package, lock].map(|text| serde_json::from_str::<Value>(text).unwrap());
                    for (path, entry) in lock["packages"].as_object().unwrap() {
                        assert!(path.is_empty() || entry["integrity"].is_string(), "{path} has no hash");
                        assert!(entry.get("resolved").is_none(), "{path} names a registry");
                    }
                    assert_eq!(lock["packages"][""]["dependencies"], package["dependencies"]);
                }
            }
        }
    }

    #[test]
    fn an_environment_whose_interpreter_is_gone_counts_for_nothing() {
        let scratch = Scratch::new();
        let ministack = Tool::Ministack.identity();
        assert_eq!(tools_with_stamp(&scratch, &ministack), [Tool::Ministack]);
        fs::remove_file(scratch.home.tools().join("venv/bin/python")).unwrap();
        std::os::unix::fs::symlink("/nowhere/python", scratch.home.tools().join("venv/bin/python")).unwrap();
        assert!(tools_with_stamp(&scratch, &ministack).is_empty());
    }

    #[test]
    fn what_is_installed_is_only_what_the_locks_name_by_its_hash() {
        let scratch = Scratch::new();
        let environment = Environment::at(&scratch.home.tools(), SHARED);
        make_private_folder(&environment.packages()).unwrap();
        for tool in Tool::ALL {
            let (command, needed, files) = match tool.lock() {
                PyPi(lock) => {
                    let file = environment.folder.join(tool.name()).with_extension("txt");
                    let command = environment.pip(tool.name(), lock).unwrap();
                    (command, &["--require-hashes", "--no-deps", "--only-binary", ":all:"][..], vec![(file, lock)])
                }
                Npm { package, lock } => {
                    let file = |name: &str| environment.packages().join(name);
                    let files = vec![(file("package.json"), package), (file("package-lock.json"), lock)];
                    (environment.npm(package, lock).unwrap(), &["ci", "--ignore-scripts"][..], files)
                }
            };
            let arguments: Vec<_> = command.get_args().collect();
            for argument in needed {
                assert!(arguments.contains(&OsStr::new(argument)), "{tool:?}: {arguments:?} lack {argument}");
            }
            for (file, lock) in files {
                assert_eq!(fs::read_to_string(&file).unwrap(), lock, "{tool:?}");
            }
        }
    }
}
