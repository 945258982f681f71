//! MariaDB's configuration, for RDS's parameter group and the local `my.cnf`.

use crate::database_memory::Memory;
use crate::stage::{Server, Stage};

/// Names and values of MariaDB's settings, in the spelling that both `my.cnf` and RDS's parameter groups accept.
pub fn settings(stage: &Stage) -> Vec<(&'static str, String)> {
    let mut settings = vec![
        ("character_set_server", "utf8mb4".to_owned()),
        // RDS sends log files to CloudWatch, but its default is a table.
        ("log_output", "FILE".to_owned()),
        ("long_query_time", "1".to_owned()),
        ("max_connections", stage.database.max_connections.to_string()),
        ("slow_query_log", "1".to_owned()),
        // A value that does not fit its column is an error and is never truncated.
        ("sql_mode", "STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION".to_owned()),
        // A frozen execution environment keeps its connection; MariaDB closes it after five minutes.
        ("wait_timeout", "300".to_owned()),
    ];
    if let Server::Rds(_) = stage.database.server {
        settings.push(("require_secure_transport", "1".to_owned()));
    }
    if stage.database.replicas > 0 {
        // It writes the heartbeat by which a replica's lag is seen.
        settings.push(("event_scheduler", "ON".to_owned()));
    }
    if let Some(memory) = Memory::of(stage) {
        let bytes = u64::from(memory.buffer_pool) * 1024 * 1024;
        settings.push(("innodb_buffer_pool_size", bytes.to_string()));
    }
    settings
}
