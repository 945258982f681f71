//! A home for one test, removed with its processes at the end of the test.

use std::{env, fs, path::PathBuf, process::Command};

use super::home::{Home, remove_folder};

pub struct Scratch {
    base: PathBuf,
    pub home: Home,
}

impl Scratch {
    pub fn new() -> Self {
        let base = env::temp_dir().join(format!("anaquel-{:016x}", rand::random::<u64>()));
        let home = Home::at(base.join("test"));
        Self { base, home }
    }

    /// Simulates a crash: the pid files stay.
    pub fn kill_all(&self) {
        for entry in fs::read_dir(self.home.root().join("run")).into_iter().flatten().flatten() {
            let record = fs::read_to_string(entry.path()).unwrap_or_default();
            if let Some((pid, _)) = record.split_once(" (") {
                let _ = Command::new("kill").args(["-9", "--", &format!("-{pid}")]).output();
            }
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        self.kill_all();
        let _ = remove_folder(&self.base);
    }
}
