//! How MariaDB is configured: RDS's parameter group and the local `my.cnf` are both made from this list.

use crate::database_memory::Memory;
use crate::stage::{Server, Stage};

/// Names and values that RDS certainly takes, as a parameter group of the family `mariadb11.8` and `my.cnf` both spell them.
pub fn settings(stage: &Stage) -> Vec<(&'static str, String)> {
    let mut settings = vec![
        ("character_set_server", "utf8mb4".to_owned()),
        // To a file, from which RDS takes it to CloudWatch; RDS's own default is a table.
        ("log_output", "FILE".to_owned()),
        ("long_query_time", "1".to_owned()),
        ("max_connections", stage.database.max_connections.to_string()),
        ("slow_query_log", "1".to_owned()),
        // What does not fit a column is an error, never cut off.
        ("sql_mode", "STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION".to_owned()),
        // Frozen copies of a function keep their connection; five minutes later it is free again.
        ("wait_timeout", "300".to_owned()),
    ];
    if let Server::Rds(_) = stage.database.server {
        settings.push(("require_secure_transport", "1".to_owned()));
    }
    if let Some(memory) = Memory::of(stage) {
        let bytes = u64::from(memory.buffer_pool) * 1024 * 1024;
        settings.push(("innodb_buffer_pool_size", bytes.to_string()));
    }
    settings
}
