//! Ports of the loopback interface: free ones, remembered ones, and the process that uses one.

use std::{fs, net::TcpListener, path::PathBuf};

use anyhow::{Context, Result, bail};

use super::{home::Home, stat::Stat};

/// The state of a listening socket in `/proc/net/tcp`.
const LISTEN: &str = "0A";

pub fn is_free(port: u16) -> bool {
    TcpListener::bind(("127.0.0.1", port)).is_ok()
}

pub fn any_free() -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("looking for a free port")?;
    Ok(listener.local_addr()?.port())
}

/// The remembered port of `name`.
pub fn noted(home: &Home, name: &str) -> Result<Option<u16>> {
    Ok(fs::read_to_string(file(home, name)?).ok().and_then(|note| note.trim().parse().ok()))
}

pub fn note(home: &Home, name: &str, port: u16) -> Result<()> {
    let file = file(home, name)?;
    fs::write(&file, format!("{port}\n")).with_context(|| format!("writing {}", file.display()))
}

/// The remembered port of `name` if it is free, otherwise a new one, which is remembered.
pub fn kept(home: &Home, name: &str) -> Result<u16> {
    if let Some(port) = noted(home, name)?.filter(|port| is_free(*port)) {
        return Ok(port);
    }
    let port = any_free()?;
    note(home, name, port)?;
    Ok(port)
}

fn file(home: &Home, name: &str) -> Result<PathBuf> {
    Ok(home.folder("run")?.join(name).with_extension("port"))
}

/// Checks that the port is free.
///
/// # Errors
/// It is in use; the message names the process.
pub fn require_free(port: u16) -> Result<()> {
    if is_free(port) {
        return Ok(());
    }
    let holder = holder(port).map_or_else(String::new, |holder| format!(" by {holder}"));
    bail!("port {port} is in use{holder}: stop that process, or choose another port with `--port N`")
}

/// Name and pid of the process that listens on `port`, as far as `/proc` lets this user see it.
fn holder(port: u16) -> Option<String> {
    let tables: String =
        ["/proc/net/tcp", "/proc/net/tcp6"].iter().filter_map(|table| fs::read_to_string(table).ok()).collect();
    let sockets: Vec<String> =
        listening_inodes(&tables, port).into_iter().map(|inode| format!("socket:[{inode}]")).collect();
    Stat::all().map(|stat| stat.pid).find_map(|pid| {
        let open_files = fs::read_dir(format!("/proc/{pid}/fd")).ok()?.flatten();
        let mut targets = open_files.filter_map(|file| fs::read_link(file.path()).ok());
        targets.find(|target| sockets.iter().any(|socket| target.as_os_str() == socket.as_str()))?;
        let name = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
        Some(format!("{} (pid {pid})", name.trim()))
    })
}

/// The inodes of the sockets that listen on `port`, from a table in the format of `/proc/net/tcp`.
fn listening_inodes(table: &str, port: u16) -> Vec<&str> {
    let suffix = format!(":{port:04X}");
    table
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .filter(|fields| fields.get(1).is_some_and(|local| local.ends_with(&suffix)) && fields.get(3) == Some(&LISTEN))
        .filter_map(|fields| fields.get(9).copied())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::scratch::Scratch;

    #[test]
    fn an_occupied_port_is_refused_with_the_name_of_its_holder() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let refusal = require_free(listener.local_addr().unwrap().port()).unwrap_err().to_string();
        assert!(refusal.contains(&format!("(pid {})", std::process::id())), "{refusal}");
        assert!(refusal.contains("--port N"), "{refusal}");
    }

    #[test]
    fn a_port_is_kept_while_it_is_free_and_replaced_when_it_is_not() {
        let Scratch { home, .. } = &Scratch::new();
        let first = kept(home, "some").unwrap();
        assert_eq!(kept(home, "some").unwrap(), first);
        let _taken = TcpListener::bind(("127.0.0.1", first)).unwrap();
        assert_ne!(kept(home, "some").unwrap(), first);
    }

    #[test]
    fn a_note_that_is_no_port_counts_as_none() {
        let Scratch { home, .. } = &Scratch::new();
        for (note, port) in [("4566\n", Some(4566)), ("", None), ("70000", None), ("half a no", None)] {
            fs::write(file(home, "some").unwrap(), note).unwrap();
            assert_eq!(noted(home, "some").unwrap(), port, "{note:?}");
        }
    }

    #[test]
    fn only_listening_sockets_on_that_very_port_count() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
             0: 0100007F:11D6 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1001 1\n\
             1: 0100007F:11D6 0100007F:D431 01 00000000:00000000 00:00000000 00000000     0        0 1002 1\n\
             2: 0100007F:11D7 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1003 1\n";
        assert_eq!(listening_inodes(table, 4566), ["1001"]);
    }
}
