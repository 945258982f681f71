//! An exclusive file lock, which the kernel releases when the holding processes end.

use std::{
    fs::{File, OpenOptions},
    io::Write,
    path::Path,
    process::Stdio,
};

use anyhow::{Context, Result};
use rustix::{
    fs::{FlockOperation, flock},
    io::Errno,
};

pub struct Lock {
    file: File,
}

impl Lock {
    /// `None` if another process holds it; the file then contains its pid.
    pub fn try_take(path: &Path) -> Result<Option<Self>> {
        let file = open(path)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Self::signed(file).map(Some),
            Err(Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(error).with_context(|| format!("locking {}", path.display())),
        }
    }

    /// Waits for as long as another process holds it.
    pub fn take(path: &Path) -> Result<Self> {
        let file = open(path)?;
        flock(&file, FlockOperation::LockExclusive).with_context(|| format!("locking {}", path.display()))?;
        Self::signed(file)
    }

    /// The lock as standard input of a child, so that it lasts until the child ends too, even if this process is killed.
    pub fn share(&self) -> Result<Stdio> {
        Ok(self.file.try_clone()?.into())
    }

    fn signed(mut file: File) -> Result<Self> {
        file.set_len(0)?;
        writeln!(file, "{}", std::process::id())?;
        Ok(Self { file })
    }
}

fn open(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    options.open(path).with_context(|| format!("opening {}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::local::scratch::Scratch;

    #[test]
    fn a_lock_shared_with_a_child_outlasts_its_first_holder() {
        let scratch = Scratch::new();
        let path = scratch.home.folder("").unwrap().join("lock");
        let lock = Lock::take(&path).unwrap();
        let mut child = Command::new("sleep").arg("300").stdin(lock.share().unwrap()).spawn().unwrap();
        drop(lock);
        assert!(Lock::try_take(&path).unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
        Lock::take(&path).unwrap();
    }
}
