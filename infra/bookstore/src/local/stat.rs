//! What we need to know of any process on this machine: the one line in `/proc/<pid>/stat`.

use std::fs;

use rustix::process::Pid;

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stat {
    pub pid: Pid,
    /// Neither gone nor a zombie that only waits for its parent to notice.
    pub alive: bool,
    pub group: Pid,
    /// In clock ticks since the machine started (field 22).
    pub started: u64,
}

impl Stat {
    pub fn of(pid: Pid) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    /// Every process that this user can see.
    pub fn all() -> impl Iterator<Item = Self> {
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        entries.filter_map(|entry| Self::of(Pid::from_raw(entry.file_name().to_str()?.parse().ok()?)?))
    }

    /// The second field is the program's name in parentheses, which may itself hold spaces and parentheses.
    pub fn parse(line: &str) -> Option<Self> {
        let (head, tail) = line.rsplit_once(") ")?;
        let fields_from_third: Vec<&str> = tail.split(' ').collect();
        Some(Self {
            pid: Pid::from_raw(head.split(' ').next()?.parse().ok()?)?,
            alive: !matches!(*fields_from_third.first()?, "Z" | "X"),
            group: Pid::from_raw(fields_from_third.get(2)?.parse().ok()?)?,
            started: fields_from_third.get(19)?.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_name_with_spaces_and_parentheses_does_not_confuse_the_parser() {
        let line = "42 (a) b (c) S 1 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987654 100 200\n";
        let pid = |raw| Pid::from_raw(raw).unwrap();
        assert_eq!(Stat::parse(line), Some(Stat { pid: pid(42), alive: true, group: pid(7), started: 987_654 }));
        assert_eq!(Stat::parse(""), None);
        assert_eq!(Stat::parse("42 (torn) S 1"), None);
    }
}
