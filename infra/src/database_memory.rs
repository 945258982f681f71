//! How the memory of an RDS instance divides. RDS gives MariaDB's buffer pool three quarters by default, which on a small
//! instance leaves too little for IAM logins: AWS asks for 300 to 1,000 MiB beside everything else
//! (<https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.html>).
//!
//! A change of `max_connections` alone takes effect on the buffer pool at the next restart: MariaDB does not let it grow
//! beyond what it started with.
//!
//! The parts of the system and of the server are estimates: an instance of 1 GiB with IAM logins was seen to swap with a
//! database that took some 250 MiB. docs/first-hour-on-aws.md has the command that shows what is free.

use crate::facts::FACTS;
use crate::stage::{Server, Stage};

/// Operating system, RDS's own processes and its monitoring, in MiB.
const SYSTEM: u32 = 850;
/// MariaDB without its buffer pool and its connections.
const SERVER: u32 = 150;
/// What Performance Insights adds, which switches MariaDB's performance schema on.
const INSIGHTS: u32 = 300;
/// A connection at work.
const CONNECTION: u32 = 1;
/// The least that AWS asks for IAM logins.
pub const LOGINS: u32 = 300;
/// What AWS calls reliable; instances of 4 GiB and more leave so much.
const LOGINS_AT_EASE: u32 = 1_000;
/// The buffer pool grows in steps of this.
const STEP: u32 = 128;

/// In MiB.
#[derive(Debug, PartialEq, Eq)]
pub struct Memory {
    pub total: u32,
    pub server: u32,
    pub connections: u32,
    pub buffer_pool: u32,
    /// For IAM logins.
    pub left: u32,
}

impl Memory {
    /// None where the class has too little, or nobody knows how much it has.
    pub fn of(stage: &Stage) -> Option<Self> {
        let Server::Rds(rds) = &stage.database.server else { return None };
        let total = FACTS.database_class(&rds.class)?.memory_mib;
        let server = SERVER + if rds.has_insights() { INSIGHTS } else { 0 };
        let connections = u32::from(stage.database.max_connections) * CONNECTION;
        let logins = if total < 4_096 { LOGINS } else { LOGINS_AT_EASE };
        let free = total.checked_sub(SYSTEM + server + connections)?;
        let buffer_pool = free.checked_sub(logins)? / STEP * STEP;
        (buffer_pool > 0).then(|| Self { total, server, connections, buffer_pool, left: free - buffer_pool })
    }

    /// The sum as a person checks it.
    pub fn sum(&self) -> String {
        let Self { total, server, connections, buffer_pool, left } = self;
        format!(
            "Of its {total} MiB: {SYSTEM} for the system and RDS, {server} for MariaDB, {connections} for connections, \
             {buffer_pool} for the buffer pool,\nand {left} for IAM logins, which need {LOGINS} to {LOGINS_AT_EASE}."
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory(name: &str, class: &str) -> Option<Memory> {
        let mut stage = Stage::load(name).unwrap();
        let Server::Rds(server) = &mut stage.database.server else { panic!("RDS runs it") };
        class.clone_into(&mut server.class);
        Memory::of(&stage)
    }

    #[test]
    fn the_parts_are_the_whole_and_logins_have_what_aws_asks_for() {
        for (name, class, pool) in [
            ("dev", "db.t4g.small", 640),
            ("dev", "db.t4g.medium", 1_664),
            ("prod", "db.m7g.large", 5_248),
            ("prod", "db.m7g.2xlarge", 29_824),
        ] {
            let memory = memory(name, class).unwrap();
            let parts = SYSTEM + memory.server + memory.connections + memory.buffer_pool + memory.left;
            assert_eq!((parts, memory.buffer_pool), (memory.total, pool), "{class}");
            assert!(memory.left >= LOGINS, "{class}");
        }
    }

    #[test]
    fn an_instance_that_logins_leave_no_buffer_pool_is_too_small() {
        assert_eq!(memory("dev", "db.t4g.micro"), None);
        assert_eq!(memory("prod", "db.t4g.micro"), None);
        assert_eq!(memory("prod", "db.z9.huge"), None, "nobody knows its memory");
    }
}
