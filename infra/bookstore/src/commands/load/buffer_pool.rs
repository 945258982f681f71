//! The buffer pool of the local server during a load test: that of the stage whose limits the functions have, because it decides
//! how many reads wait for the disk.

use std::fs;

use anyhow::{Context, Result};
use infra::{database_memory::Memory, stage::Stage};
use sqlx::{AssertSqlSafe, Connection, MySqlConnection};

use crate::local::{Home, MariaDb};

/// The part of this machine's free memory that it may take.
const PART: u64 = 2;

/// A changed size, and the one before.
pub struct BufferPool {
    root_url: String,
    before: u64,
}

impl BufferPool {
    /// Sets the size that `limits` has on AWS, or half of the free memory if that is less. A stage that is not on RDS keeps that
    /// of the local server.
    ///
    /// # Errors
    /// The local server does not run, or refuses.
    pub async fn of(limits: &Stage) -> Result<Option<Self>> {
        let Some(memory) = Memory::of(limits) else { return Ok(None) };
        let root_url = MariaDb::running_root_url(&Home::of_shop()?)?.context("the local database does not run")?;
        let mut root = MySqlConnection::connect(&root_url).await.context("logging in to the local database")?;
        let before: u64 = sqlx::query_scalar("select @@innodb_buffer_pool_size").fetch_one(&mut root).await?;
        let size = (u64::from(memory.buffer_pool) << 20).min(free_memory()? / PART);
        set(&mut root, size).await?;
        root.close().await?;
        Ok(Some(Self { root_url, before }))
    }

    /// Sets the size of before.
    pub async fn reset(self) -> Result<()> {
        let mut root = MySqlConnection::connect(&self.root_url).await.context("logging in to the local database")?;
        set(&mut root, self.before).await?;
        Ok(root.close().await?)
    }
}

async fn set(root: &mut MySqlConnection, size: u64) -> Result<()> {
    let sql = format!("set global innodb_buffer_pool_size = {size}");
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(root).await.context("changing the size of the buffer pool")?;
    Ok(())
}

/// Bytes of memory that programs can still get.
fn free_memory() -> Result<u64> {
    let text = fs::read_to_string("/proc/meminfo").context("reading /proc/meminfo")?;
    free_of(&text).context("/proc/meminfo has no MemAvailable")
}

fn free_of(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_memory_is_that_which_programs_can_get() {
        let meminfo = "MemTotal:       24000 kB\nMemFree:         1000 kB\nMemAvailable:    2000 kB\n";
        assert_eq!(free_of(meminfo), Some(2_048_000));
        assert_eq!(free_of("MemTotal: 1 kB"), None);
    }
}
