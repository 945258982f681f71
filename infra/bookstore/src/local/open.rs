//! Whether the shop is open: deployed completely, and still served by the same emulator.

use std::{fs, path::PathBuf};

use anyhow::{Context, Result};

use super::{Emulator, MariaDb, home::Home};

/// A shop that shoppers can use.
pub struct OpenShop {
    pub port: u16,
    /// Pid of the command that keeps it open; of the emulator, if it was detached.
    pub pid: i32,
    pub detached: bool,
}

impl OpenShop {
    pub fn find(home: &Home) -> Result<Option<Self>> {
        let Some(emulator) = Emulator::healthy(home)? else { return Ok(None) };
        let noted = fs::read_to_string(note(home)?).unwrap_or_default();
        if noted != emulator.identity() || MariaDb::running(home)?.is_none() {
            return Ok(None);
        }
        let holder = home.holder()?;
        Ok(Some(Self { port: emulator.port, pid: holder.unwrap_or(emulator.pid()), detached: holder.is_none() }))
    }

    /// Notes that the deploy to this emulator is complete.
    pub fn note(home: &Home, emulator: &Emulator) -> Result<()> {
        let file = note(home)?;
        fs::write(&file, emulator.identity()).with_context(|| format!("writing {}", file.display()))
    }

    pub fn forget(home: &Home) -> Result<()> {
        _ = fs::remove_file(note(home)?); // there may be none
        Ok(())
    }
}

fn note(home: &Home) -> Result<PathBuf> {
    Ok(home.folder("run")?.join("open"))
}
