//! The files that a private MariaDB starts with: its options, the set-up of its users, and a certificate, because RDS speaks TLS.

use std::{fmt::Write, net::Ipv4Addr, path::Path};

use anyhow::{Context, Result};
use rcgen::{CertificateParams, KeyPair};

use super::{ADMIN, DATABASE};
use crate::local::{home::write_private, secrets::Secrets};

/// Privileges of the RDS master user, by "Master user account privileges" in the RDS user guide: no SUPER, no FILE.
const MASTER_USER_PRIVILEGES: &str = "select, insert, update, delete, create, drop, reload, process, references, index, \
     alter, show databases, create temporary tables, lock tables, execute, replication client, create view, \
     show view, create routine, alter routine, create user, event, trigger, replication slave";

/// Whether a server has replicas or is one.
pub enum Role {
    Alone,
    Primary,
    /// By its number.
    Replica(u16),
}

impl Role {
    fn options(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Alone => Vec::new(),
            Self::Primary => vec![
                ("server_id", "1".to_owned()),
                ("log_bin", "binlog".to_owned()),
                // A replica that was away for longer is copied again.
                ("binlog_expire_logs_seconds", "86400".to_owned()),
            ],
            Self::Replica(number) => vec![
                ("server_id", (number + 1).to_string()),
                ("read_only", "1".to_owned()),
                ("relay_log", "relay".to_owned()),
                ("skip_slave_start", "1".to_owned()),
            ],
        }
    }
}

/// In the folder of the server, beside that of its data.
const CERTIFICATE: &str = "certificate.pem";
const KEY: &str = "key.pem";

/// Writes all files. Returns whether the content of one changed.
pub fn write(folder: &Path, settings: &[(&str, String)], role: &Role, port: u16, secrets: &Secrets) -> Result<bool> {
    write_certificate(folder)?;
    let options_changed = write_private(&folder.join("my.cnf"), &options(settings, role, port))?;
    let setup_changed = write_private(&folder.join("setup.sql"), &setup(secrets))?;
    Ok(options_changed || setup_changed)
}

/// Keeps the certificate that is there: clients on this machine do not check it.
fn write_certificate(folder: &Path) -> Result<()> {
    let (certificate, key) = (folder.join(CERTIFICATE), folder.join(KEY));
    if certificate.exists() && key.exists() {
        return Ok(());
    }
    let pair = KeyPair::generate().context("making a key")?;
    let signed = CertificateParams::new([Ipv4Addr::LOCALHOST.to_string()])?.self_signed(&pair);
    write_private(&key, &pair.serialize_pem())?;
    write_private(&certificate, &signed.context("making a certificate")?.pem())?;
    Ok(())
}

/// The stage's settings, then our own, which override them. Paths are relative to the data folder, because a
/// socket's name has at most 107 bytes.
fn options(settings: &[(&str, String)], role: &Role, port: u16) -> String {
    let port = port.to_string();
    // The working directory of the server is that of its data.
    let [certificate, key] = [CERTIFICATE, KEY].map(|file| format!("../{file}"));
    let private = [
        ("port", port.as_str()),
        ("bind_address", "127.0.0.1"),
        ("socket", "mariadb.sock"),
        ("pid_file", "mariadb.pid"),
        ("skip_name_resolve", "1"),
        ("ssl_cert", certificate.as_str()),
        ("ssl_key", key.as_str()),
        ("innodb_buffer_pool_size", "256M"),
        ("innodb_flush_log_at_trx_commit", "2"),
        // On by default in the newer servers that RDS runs; `loose` for those that do not know it.
        ("loose_innodb_snapshot_isolation", "ON"),
    ];
    let given = settings.iter().map(|(name, value)| (*name, value.as_str()));
    let mut file = "# Written at every start.\n[mariadbd]\n".to_owned();
    let of_role = role.options();
    for (name, value) in given.chain(private).chain(of_role.iter().map(|(name, value)| (*name, value.as_str()))) {
        let _ = writeln!(file, "{name} = {value}");
    }
    file
}

/// One statement per line, as the server requires; each can run any number of times. The anonymous users of a
/// fresh server are deleted, because they shadow `user@'%'` on loopback.
fn setup(secrets: &Secrets) -> String {
    let Secrets { root, admin, .. } = secrets;
    format!(
        "delete from mysql.global_priv where User = '';\n\
         flush privileges;\n\
         create user if not exists root@'127.0.0.1';\n\
         alter user root@'127.0.0.1' identified by '{root}';\n\
         grant all on *.* to root@'127.0.0.1' with grant option;\n\
         create database if not exists {DATABASE} character set utf8mb4 collate utf8mb4_uca1400_ai_ci;\n\
         create user if not exists {ADMIN}@'%';\n\
         alter user {ADMIN}@'%' identified by '{admin}';\n\
         grant {MASTER_USER_PRIVILEGES} on *.* to {ADMIN}@'%' with grant option;\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_options_come_last_because_the_last_one_wins() {
        let file = options(&[("innodb_buffer_pool_size", "8G".to_owned())], &Role::Alone, 3307);
        let size_of = |line: &str| line.strip_prefix("innodb_buffer_pool_size = ").map(str::to_owned);
        assert_eq!(file.lines().filter_map(size_of).collect::<Vec<_>>(), ["8G", "256M"]);
        assert!(file.contains("port = 3307\n"));
    }
}
