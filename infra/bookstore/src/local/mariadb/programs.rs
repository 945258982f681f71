//! The installed programs of MariaDB and their invocations.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};
use rustix::process::geteuid;

use crate::local::{
    home::{Home, make_private_folder, remove_folder},
    lock::Lock,
    logs,
    packages::{self, Package},
    process::Process,
};

/// Major and minor; the first with the uca1400 collations and a long-term release.
const OLDEST: (u32, u32) = (10, 11);

const PACKAGE: Package = Package {
    name: "MariaDB",
    apt: "mariadb-server-core mariadb-client-core", // the programs without a service that would start
    dnf: "mariadb-server",
    brew: "mariadb",
};

pub struct Programs {
    mariadbd: PathBuf,
    install_db: PathBuf,
}

impl Programs {
    /// Finds them, or installs them.
    pub fn ensure(home: &Home) -> Result<Self> {
        if Self::find().is_none() {
            PACKAGE.install(&home.log("packages")?)?;
        }
        let programs = Self::find().with_context(|| PACKAGE.remedy())?;
        programs.check_version()?;
        Ok(programs)
    }

    fn find() -> Option<Self> {
        Some(Self { mariadbd: packages::find("mariadbd")?, install_db: packages::find("mariadb-install-db")? })
    }

    fn check_version(&self) -> Result<()> {
        let program = self.mariadbd.display();
        let output = Command::new(&self.mariadbd)
            .args(["--no-defaults", "--version"])
            .output()
            .with_context(|| format!("running {program}"))?;
        let (major, minor) = parse_version(&String::from_utf8_lossy(&output.stdout))
            .with_context(|| format!("{program} prints no version"))?;
        let (oldest_major, oldest_minor) = OLDEST;
        ensure!(
            (major, minor) >= OLDEST,
            "{program} is MariaDB {major}.{minor}: upgrade it to {oldest_major}.{oldest_minor} or later and try again"
        );
        Ok(())
    }

    /// The data folder. It is filled under another name and renamed when complete, so it is never incomplete.
    pub fn initialise(&self, home: &Home, folder: &Path) -> Result<PathBuf> {
        let data = folder.join("data");
        let lock = Lock::take(&folder.join("lock"))?; // waits for the installer of a command that was killed
        if data.exists() {
            return Ok(data);
        }
        errln!("Preparing an empty database …");
        remove_folder(&folder.join("draft"))?;
        let mut install = Command::new(&self.install_db);
        install
            .current_dir(folder)
            .env("TMPDIR", temporary(folder)?)
            .args(["--no-defaults", "--skip-test-db", "--skip-name-resolve"])
            .arg("--datadir=./draft") // the program is a script that fails with spaces in a full path
            .args(user_argument());
        logs::run(&mut install, lock.share()?, &home.log("mariadb-install-db")?)?;
        fs::rename(folder.join("draft"), &data).context("moving the new database to its place")?;
        Ok(data)
    }

    /// The command that starts the server on `data` with the options and the set-up in `folder`.
    pub fn server(&self, home: &Home, name: &str, folder: &Path, data: &Path) -> Result<Command> {
        let mut command = Process::command(home, name, &self.mariadbd)?;
        command
            .env("TMPDIR", temporary(folder)?)
            .arg(joined("--defaults-file=", &folder.join("my.cnf"))) // must come first
            .arg(joined("--datadir=", data))
            .arg(joined("--init-file=", &folder.join("setup.sql")))
            .args(user_argument());
        Ok(command)
    }
}

/// A starting server removes the temporary tables that it finds, so each server has its own folder for them: in a shared
/// `/tmp`, the start of one server could make another fail.
fn temporary(folder: &Path) -> Result<PathBuf> {
    let temporary = folder.join("tmp");
    make_private_folder(&temporary)?;
    Ok(temporary)
}

/// The server runs as root only with an explicit option.
fn user_argument() -> Option<&'static str> {
    geteuid().is_root().then_some("--user=root")
}

fn joined(option: &str, path: &Path) -> OsString {
    let mut argument = OsString::from(option);
    argument.push(path);
    argument
}

/// Major and minor from `mariadbd  Ver 10.11.14-MariaDB-0+deb12u2 for debian-linux-gnu on x86_64 (Debian 12)`.
fn parse_version(said: &str) -> Option<(u32, u32)> {
    let mut numbers = said.split_once(" Ver ")?.1.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_read_from_what_the_server_says() {
        let debian = "mariadbd  Ver 10.11.14-MariaDB-0+deb12u2 for debian-linux-gnu on x86_64 (Debian 12)";
        assert_eq!(parse_version(debian), Some((10, 11)));
        assert!((11, 4) > OLDEST && (10, 6) < OLDEST);
        assert_eq!(parse_version("mysqld 8"), None);
    }
}
