//! The folder of one local stage: `.local/<name>/` in the workspace, or `$ANAQUEL_HOME/<name>/`.
//!
//! ```text
//! .local/
//!   tools/            the virtual environment, shared by all stages
//!   shop/
//!     lock            held by the running command; contains its pid
//!     secrets.toml    passwords and the submission key, made once
//!     mariadb/        data, my.cnf, setup.sql, temporary tables
//!     emulator/       its temporary files, new at every start
//!     run/            pid files and chosen ports, and which emulator the shop is deployed to
//!     logs/
//! ```

use std::{
    env,
    fs::{self, DirBuilder, OpenOptions},
    io::Write,
    os::unix::{
        ffi::OsStrExt,
        fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    },
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use rustix::{
    fs::{StatVfs, statvfs},
    process::geteuid,
};
use sha2::{Digest, Sha256};

use super::lock::Lock;

const SPACE_NEEDED_MB: u64 = 1024;

/// Linux keeps the files of this folder in memory.
const MEMORY: &str = "/dev/shm";
/// Several times what the databases of the tests take.
const MEMORY_NEEDED_MB: u64 = 2048;

/// The folder of one local stage.
#[derive(Clone)]
pub struct Home {
    root: PathBuf,
}

impl Home {
    /// The home of the shop that `up` starts, or `ANAQUEL_SHOP_HOME`, which the tests set.
    pub fn of_shop() -> Result<Self> {
        match env::var_os("ANAQUEL_SHOP_HOME") {
            Some(root) => Ok(Self::at(root.into())),
            None => Self::find("shop"),
        }
    }

    /// The home of the stage `name`; creates nothing.
    pub fn find(name: &str) -> Result<Self> {
        let base = match env::var_os("ANAQUEL_HOME") {
            Some(base) => std::path::absolute(base)?,
            None => workspace_root(&env::current_dir()?)?.join(".local"),
        };
        Ok(Self::at(base.join(name)))
    }

    /// The home of a server whose data nobody keeps: in memory if there is space, which needs no disk that others write to. It has
    /// no tools.
    pub fn short_lived(name: &str) -> Result<Self> {
        let on_disk = Self::find(name)?;
        let digest = Sha256::digest(on_disk.root.as_os_str().as_bytes());
        let user = geteuid();
        let folder =
            format!("anaquel-{}-{:02x}{:02x}{:02x}{:02x}", user.as_raw(), digest[0], digest[1], digest[2], digest[3]);
        let in_memory = Self::at(Path::new(MEMORY).join(folder));
        let is_usable = statvfs(MEMORY).is_ok_and(|memory| free_mb(&memory) >= MEMORY_NEEDED_MB)
            && in_memory.folder("").is_ok()
            // Everybody may write to the folder of shared memory.
            && fs::metadata(in_memory.root()).is_ok_and(|folder| folder.uid() == user.as_raw());
        Ok(if is_usable { in_memory } else { on_disk })
    }

    pub fn at(root: PathBuf) -> Self {
        Self { root }
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folder of the tools, shared by all stages.
    pub fn tools(&self) -> PathBuf {
        self.root.with_file_name("tools")
    }

    /// A folder of this home, created if it is missing, readable by its owner only.
    pub fn folder(&self, name: &str) -> Result<PathBuf> {
        let folder = self.root.join(name);
        make_private_folder(&folder)?;
        Ok(folder)
    }

    pub fn log(&self, name: &str) -> Result<PathBuf> {
        Ok(self.folder("logs")?.join(name).with_extension("log"))
    }

    pub fn lock_file(&self) -> Result<PathBuf> {
        Ok(self.folder("")?.join("lock"))
    }

    /// Locks the stage for this process until the lock is dropped; `None` while another process holds it.
    pub fn try_lock(&self) -> Result<Option<Lock>> {
        Lock::try_take(&self.lock_file()?)
    }

    /// The pid of the process that holds the lock.
    pub fn holder(&self) -> Result<Option<i32>> {
        if self.try_lock()?.is_some() {
            return Ok(None);
        }
        Ok(fs::read_to_string(self.lock_file()?)?.trim().parse().ok())
    }

    /// Checks the free disk space before the start.
    pub fn check_space(&self) -> Result<()> {
        let disk = statvfs(self.folder("")?)?;
        let free_mb = free_mb(&disk);
        ensure!(
            free_mb >= SPACE_NEEDED_MB,
            "the disk of {} has {free_mb} MB free; the local stage needs at least {SPACE_NEEDED_MB} MB: free some, or set \
             ANAQUEL_HOME to a folder on another disk",
            self.root.display()
        );
        Ok(())
    }
}

fn free_mb(disk: &StatVfs) -> u64 {
    disk.f_bavail.saturating_mul(disk.f_frsize) / (1024 * 1024)
}

/// Writes a file atomically, readable by its owner only. Returns whether the content changed.
pub fn write_private(path: &Path, content: &str) -> Result<bool> {
    if fs::read_to_string(path).is_ok_and(|old| old == content) {
        return Ok(false);
    }
    let draft = path.with_extension("draft");
    let _ = fs::remove_file(&draft);
    OpenOptions::new()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(&draft)
        .and_then(|mut file| file.write_all(content.as_bytes()))
        .and_then(|()| fs::rename(&draft, path))
        .with_context(|| format!("writing {}", path.display()))?;
    Ok(true)
}

pub fn make_private_folder(folder: &Path) -> Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .with_context(|| format!("creating {}", folder.display()))
}

/// Removes a folder with its content, if it exists.
pub fn remove_folder(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("removing {}", folder.display()))
        }
        _ => Ok(()),
    }
}

fn workspace_root(start: &Path) -> Result<&Path> {
    start
        .ancestors()
        .find(|folder| {
            fs::read_to_string(folder.join("Cargo.toml")).is_ok_and(|manifest| manifest.contains("[workspace]"))
        })
        .context("no workspace here: run this inside the repository, or set ANAQUEL_HOME")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::scratch::Scratch;

    #[test]
    fn a_second_command_on_one_home_is_told_who_is_at_work() {
        let scratch = Scratch::new();
        let held = scratch.home.try_lock().unwrap().unwrap();
        assert!(scratch.home.try_lock().unwrap().is_none());
        assert_eq!(scratch.home.holder().unwrap(), i32::try_from(std::process::id()).ok());
        drop(held);
        assert_eq!(scratch.home.holder().unwrap(), None);
        Lock::take(&scratch.home.root().join("lock")).unwrap();
    }

    #[test]
    fn a_private_file_is_the_owners_alone_and_unchanged_content_is_no_change() {
        use std::os::unix::fs::PermissionsExt;
        let scratch = Scratch::new();
        let path = scratch.home.folder("").unwrap().join("secret");
        assert!(write_private(&path, "one").unwrap());
        assert!(!write_private(&path, "one").unwrap());
        assert!(write_private(&path, "two").unwrap());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_short_lived_home_is_another_one_for_each_folder_and_private() {
        use std::os::unix::fs::PermissionsExt;
        let [one, other] = ["one", "other"].map(|name| Home::short_lived(name).unwrap());
        assert_ne!(one.root(), other.root());
        let mode = |home: &Home| fs::metadata(home.folder("").unwrap()).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&one), mode(&other)), (0o700, 0o700));
        for home in [one, other] {
            remove_folder(home.root()).unwrap();
        }
    }

    #[test]
    fn the_workspace_is_found_from_any_folder_below_it() {
        let here = env::current_dir().unwrap();
        let root = workspace_root(&here).unwrap();
        assert!(root.join("infra/bookstore/src/local").is_dir());
    }
}
