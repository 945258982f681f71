//! Programs of the operating system: their paths and their installation.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result};
use rustix::process::geteuid;

use super::{
    home::{Home, make_private_folder},
    logs,
};

/// Folders of servers that may not be in PATH.
const MORE_FOLDERS: [&str; 6] =
    ["/usr/sbin", "/usr/libexec", "/usr/local/sbin", "/usr/local/bin", "/usr/local/libexec", "/opt/homebrew/bin"];

/// The full path of an installed program.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(MORE_FOLDERS.iter().map(PathBuf::from))
        .map(|folder| folder.join(program))
        .find(|candidate| candidate.is_file())
}

/// A package to install, by its name in each package manager.
pub struct Package {
    pub name: &'static str,
    pub apt: &'static str,
    pub dnf: &'static str,
    pub brew: &'static str,
}

/// The browser for the tests, under any of its names.
pub fn chromium(home: &Home) -> Result<PathBuf> {
    const CHROMIUM: Package = Package { name: "Chromium", apt: "chromium", dnf: "chromium", brew: "chromium" };
    let installed = || ["chromium", "chromium-browser", "google-chrome"].into_iter().find_map(find);
    if installed().is_none() {
        CHROMIUM.install(&home.log("packages")?)?;
    }
    installed().with_context(|| CHROMIUM.remedy())
}

/// A registry of images, for the tests. It is unpacked into the tools and not installed, because its package starts a service.
pub fn registry(home: &Home) -> Result<PathBuf> {
    const REGISTRY: Package =
        Package { name: "a registry of images", apt: "docker-registry", dnf: "distribution", brew: "distribution" };
    let folder = home.tools().join("registry");
    let unpacked = folder.join("usr/bin/docker-registry");
    let found = || ["docker-registry", "registry"].into_iter().find_map(find);
    if let Some(program) = found().or_else(|| unpacked.is_file().then(|| unpacked.clone())) {
        return Ok(program);
    }
    let (Some(apt), Some(dpkg)) = (find("apt-get"), find("dpkg-deb")) else { anyhow::bail!("{}", REGISTRY.remedy()) };
    errln!("Downloading {} …", REGISTRY.name);
    make_private_folder(&folder)?;
    let log = home.log("packages")?;
    if let Some(apt) = unattended_apt() {
        logs::run(apt().arg("update"), Stdio::null(), &log).with_context(|| REGISTRY.remedy())?;
    }
    let mut download = Command::new(apt);
    download.args(["download", REGISTRY.apt]).current_dir(&folder);
    logs::run(&mut download, Stdio::null(), &log).with_context(|| REGISTRY.remedy())?;
    let is_package = |path: &PathBuf| path.extension().is_some_and(|end| end == "deb");
    let package = fs::read_dir(&folder)?.filter_map(|file| Some(file.ok()?.path())).find(is_package);
    let package = package.context("apt-get downloaded nothing")?;
    logs::run(Command::new(dpkg).arg("--extract").arg(package).arg(&folder), Stdio::null(), &log)?;
    Ok(unpacked)
}

/// The program that counts instructions.
pub fn valgrind(home: &Home) -> Result<PathBuf> {
    const VALGRIND: Package = Package { name: "valgrind", apt: "valgrind", dnf: "valgrind", brew: "valgrind" };
    if find("valgrind").is_none() {
        VALGRIND.install(&home.log("packages")?)?;
    }
    find("valgrind").with_context(|| VALGRIND.remedy())
}

impl Package {
    /// Installs the package if no password is needed.
    ///
    /// # Errors
    /// A password is needed; the message has the command to run.
    pub fn install(&self, log: &Path) -> Result<()> {
        let Some(apt) = unattended_apt() else { anyhow::bail!("{}", self.remedy()) };
        errln!("Installing {} …", self.name);
        logs::run(apt().arg("update"), Stdio::null(), log)
            .and_then(|()| {
                let install = ["install", "--yes", "--no-install-recommends"];
                logs::run(apt().args(install).args(self.apt.split(' ')), Stdio::null(), log)
            })
            .with_context(|| self.remedy())
    }

    pub fn remedy(&self) -> String {
        let Self { name, apt, dnf, brew } = self;
        let command = if find("apt-get").is_some() {
            format!("run `sudo apt-get install {apt}`")
        } else if find("dnf").is_some() {
            format!("run `sudo dnf install {dnf}`")
        } else if find("brew").is_some() {
            format!("run `brew install {brew}`")
        } else {
            "install it with this system's package manager".to_owned()
        };
        format!("{name} is missing: {command} and try again")
    }
}

/// Non-interactive `apt-get` commands, for root or with password-less sudo.
fn unattended_apt() -> Option<impl Fn() -> Command> {
    let apt = find("apt-get")?;
    let is_root = geteuid().is_root();
    if !is_root && !sudo_needs_no_password() {
        return None;
    }
    Some(move || {
        let mut command = Command::new(if is_root { "env" } else { "sudo" });
        if !is_root {
            command.args(["-n", "env"]);
        }
        command.arg("DEBIAN_FRONTEND=noninteractive").arg(&apt);
        command
    })
}

fn sudo_needs_no_password() -> bool {
    let mut sudo = Command::new("sudo");
    sudo.args(["-n", "true"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    sudo.status().is_ok_and(|status| status.success())
}
