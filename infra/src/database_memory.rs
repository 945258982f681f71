//! Division of an RDS instance's memory. By default RDS gives MariaDB's buffer pool three quarters, which on a small
//! instance leaves too little for IAM logins: AWS recommends 300 to 1,000 MiB of free memory for them
//! (<https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.html>).
//!
//! After a change of `max_connections` alone, the buffer pool grows at the next restart: MariaDB does not extend it beyond
//! its size at the start.
//!
//! `SYSTEM` and `SERVER` are estimates: an instance of 1 GiB with IAM logins was observed to swap with a database that
//! used some 250 MiB. docs/first-hour-on-aws.md has the command that shows the free memory.

use crate::facts::FACTS;
use crate::stage::{Server, Stage};

/// Operating system, RDS's own processes and its monitoring, in MiB.
const SYSTEM: u32 = 850;
/// MariaDB without its buffer pool and its connections, in MiB.
const SERVER: u32 = 150;
/// Addition for Performance Insights, which enables MariaDB's performance schema, in MiB.
const INSIGHTS: u32 = 300;
/// One active connection, in MiB.
const CONNECTION: u32 = 1;
/// AWS's minimum for IAM logins, in MiB.
pub const LOGINS: u32 = 300;
/// AWS's recommendation for IAM logins, in MiB; kept free on instances of 4 GiB and more.
const RECOMMENDED_LOGINS: u32 = 1_000;
/// Granularity of the buffer pool, in MiB.
const STEP: u32 = 128;

/// Parts of an instance's memory, in MiB.
#[derive(Debug, PartialEq, Eq)]
pub struct Memory {
    pub total: u32,
    /// MariaDB without buffer pool and connections.
    pub server: u32,
    pub connections: u32,
    pub buffer_pool: u32,
    /// Free memory, for IAM logins.
    pub logins: u32,
}

impl Memory {
    /// The division for the stage's instance class; none where the class is unknown or too small, and without RDS.
    pub fn of(stage: &Stage) -> Option<Self> {
        let Server::Rds(rds) = &stage.database.server else { return None };
        let total = FACTS.database_class(&rds.class)?.memory_mib;
        let server = SERVER + if rds.has_insights() { INSIGHTS } else { 0 };
        let connections = u32::from(stage.database.max_connections) * CONNECTION;
        let min_logins = if total < 4_096 { LOGINS } else { RECOMMENDED_LOGINS };
        let free = total.checked_sub(SYSTEM + server + connections)?;
        let buffer_pool = free.checked_sub(min_logins)? / STEP * STEP;
        (buffer_pool > 0).then(|| Self { total, server, connections, buffer_pool, logins: free - buffer_pool })
    }

    /// A sentence with all parts, for the cost report.
    pub fn summary(&self) -> String {
        let Self { total, server, connections, buffer_pool, logins } = self;
        format!(
            "Memory of the instance: {total} MiB = {SYSTEM} system and RDS + {server} MariaDB + {connections} connections \
             + {buffer_pool} buffer pool + {logins} IAM logins (AWS recommends {LOGINS} to {RECOMMENDED_LOGINS})."
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory(name: &str, class: &str) -> Option<Memory> {
        let mut stage = Stage::load(name).unwrap();
        let Server::Rds(server) = &mut stage.database.server else { panic!("no RDS instance") };
        class.clone_into(&mut server.class);
        Memory::of(&stage)
    }

    #[test]
    fn the_parts_add_up_and_iam_logins_have_the_minimum() {
        for (name, class, pool) in [
            ("dev", "db.t4g.small", 640),
            ("dev", "db.t4g.medium", 1_664),
            ("prod", "db.m7g.large", 5_120),
            ("prod", "db.m7g.2xlarge", 29_696),
        ] {
            let memory = memory(name, class).unwrap();
            let parts = SYSTEM + memory.server + memory.connections + memory.buffer_pool + memory.logins;
            assert_eq!((parts, memory.buffer_pool), (memory.total, pool), "{class}");
            assert!(memory.logins >= LOGINS, "{class}");
        }
    }

    #[test]
    fn an_instance_without_memory_for_a_buffer_pool_is_too_small() {
        assert_eq!(memory("dev", "db.t4g.micro"), None);
        assert_eq!(memory("prod", "db.t4g.micro"), None);
        assert_eq!(memory("prod", "db.z9.huge"), None, "an unknown class");
    }
}
