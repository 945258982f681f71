//! A background process that outlives the command that started it; later commands find it again.
//!
//! It leads its own process group, so that Ctrl-C in the terminal does not reach it and `stop` ends its children too. Its
//! pid file is a copy of `/proc/<pid>/stat`, written by the process itself before it executes the program: it exists
//! even if the command is killed, and the start time in it identifies the process when a pid is reused.

use std::{
    fs,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::time::{Instant, sleep};

use super::{home::Home, logs, stat::Stat};

const RECORD_AND_BECOME: &str = r#"cp "/proc/$$/stat" "$0" && exec "$@""#;
const POLL: Duration = Duration::from_millis(50);
const KILL_TIMEOUT: Duration = Duration::from_secs(5);
/// `stop` removes the pid file a little after the process has ended.
const STOP_SETTLES: Duration = Duration::from_millis(500);

pub struct Process {
    name: &'static str,
    recorded: Stat,
    home: PathBuf,
    pid_file: PathBuf,
    log: PathBuf,
}

impl Process {
    /// The command that starts `program` as the background process `name`; add arguments and environment.
    pub fn command(home: &Home, name: &str, program: &Path) -> Result<Command> {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", RECORD_AND_BECOME]).arg(pid_file(home, name)?).arg(program);
        Ok(command)
    }

    /// Starts a command made by `Process::command`.
    pub fn spawn(home: &Home, name: &'static str, mut command: Command) -> Result<Self> {
        let log = home.log(name)?;
        let output = logs::begin(&log)?;
        let child = command
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .with_context(|| format!("starting {name}"))?;
        let recorded = Stat::of(Pid::from_child(&child)).with_context(|| format!("reading /proc of {name}"))?;
        Self::new(home, name, recorded)
    }

    /// The process `name` that an earlier command started, or the rest of its group.
    pub fn find(home: &Home, name: &'static str) -> Result<Option<Self>> {
        let record = fs::read_to_string(pid_file(home, name)?).unwrap_or_default();
        let Some(recorded) = Stat::parse(&record) else {
            return Ok(None);
        };
        let process = Self::new(home, name, recorded)?;
        Ok(Some(process).filter(Self::has_members))
    }

    fn new(home: &Home, name: &'static str, recorded: Stat) -> Result<Self> {
        let pid_file = pid_file(home, name)?;
        Ok(Self { name, recorded, home: fs::canonicalize(home.root())?, pid_file, log: home.log(name)? })
    }

    /// Pid and start time, which no other process has.
    pub fn identity(&self) -> String {
        format!("{} {}", self.pid(), self.recorded.started)
    }

    pub fn pid(&self) -> i32 {
        self.recorded.pid.as_raw_nonzero().get()
    }

    pub fn is_alive(&self) -> bool {
        Stat::of(self.recorded.pid).is_some_and(|now| now.alive && now.started == self.recorded.started)
    }

    /// Waits until `ready` returns true.
    ///
    /// # Errors
    /// The process ended, or the timeout is over; the message has the last lines of its log.
    pub async fn wait_until(&self, timeout: Duration, mut ready: impl AsyncFnMut() -> Result<bool>) -> Result<()> {
        let deadline = Instant::now() + timeout;
        while !ready().await? {
            if !self.is_alive() {
                return Err(self.exit_error());
            }
            if Instant::now() > deadline {
                bail!("{} does not answer after {} s; {}", self.name, timeout.as_secs(), logs::end_of(&self.log));
            }
            sleep(POLL).await;
        }
        Ok(())
    }

    /// Waits for the end of the process.
    ///
    /// # Errors
    /// It ended without `stop` of this or another command.
    pub async fn ended(&self) -> Result<()> {
        while self.is_alive() {
            sleep(POLL).await;
        }
        sleep(STOP_SETTLES).await;
        if self.pid_file.exists() { Err(self.exit_error()) } else { Ok(()) }
    }

    fn exit_error(&self) -> anyhow::Error {
        anyhow::anyhow!("{} ended unexpectedly; {}", self.name, logs::end_of(&self.log))
    }

    /// Terminates the process group, and kills it after a timeout.
    pub async fn stop(self, timeout: Duration) -> Result<()> {
        self.signal(Signal::TERM);
        if !self.is_gone_within(timeout).await {
            self.signal(Signal::KILL);
            ensure!(
                self.is_gone_within(KILL_TIMEOUT).await,
                "{} (pid {}) does not end, not even when killed",
                self.name,
                self.recorded.pid
            );
        }
        let _ = fs::remove_file(&self.pid_file);
        Ok(())
    }

    /// Kills the process group, as a crash does: nothing is closed, and the pid file stays.
    pub async fn kill(&self) -> Result<()> {
        self.signal(Signal::KILL);
        ensure!(self.is_gone_within(KILL_TIMEOUT).await, "{} (pid {}) survives SIGKILL", self.name, self.recorded.pid);
        Ok(())
    }

    fn signal(&self, signal: Signal) {
        if self.has_members() {
            let _ = kill_process_group(self.recorded.pid, signal); // it may have ended in the meantime
        }
    }

    async fn is_gone_within(&self, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout;
        while self.has_members() {
            if Instant::now() > deadline {
                return false;
            }
            sleep(POLL).await;
        }
        true
    }

    /// Whether the process or a child of it is alive. Children are identified by process group and working directory, because
    /// the group's number may be reused when its leader has ended.
    fn has_members(&self) -> bool {
        self.is_alive()
            || Stat::all()
                .filter(|stat| stat.alive && stat.group == self.recorded.pid && stat.pid != self.recorded.pid)
                .filter_map(|stat| fs::read_link(format!("/proc/{}/cwd", stat.pid)).ok())
                .any(|folder| folder.starts_with(&self.home))
    }
}

fn pid_file(home: &Home, name: &str) -> Result<PathBuf> {
    Ok(home.folder("run")?.join(name).with_extension("pid"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::scratch::Scratch;

    fn spawn(home: &Home, script: &str) -> Process {
        let mut command = Process::command(home, "sleeper", Path::new("/bin/sh")).unwrap();
        command.args(["-c", script]).current_dir(home.root());
        Process::spawn(home, "sleeper", command).unwrap()
    }

    async fn recorded(home: &Home) -> Process {
        loop {
            match Process::find(home, "sleeper").unwrap() {
                Some(process) => return process,
                None => sleep(POLL).await,
            }
        }
    }

    #[tokio::test]
    async fn a_later_command_finds_the_process_and_ends_it_with_its_children() {
        let scratch = Scratch::new();
        let started = spawn(&scratch.home, "sleep 300 & sleep 300");
        let found = recorded(&scratch.home).await;
        assert_eq!(found.recorded.pid, started.recorded.pid);
        found.stop(KILL_TIMEOUT).await.unwrap();
        assert!(!started.has_members());
        assert!(Process::find(&scratch.home, "sleeper").unwrap().is_none());
    }

    #[tokio::test]
    async fn children_that_survive_their_parent_are_found_and_ended() {
        let scratch = Scratch::new();
        let started = spawn(&scratch.home, "sleep 300 & exit 0");
        while started.is_alive() {
            sleep(POLL).await;
        }
        recorded(&scratch.home).await.stop(KILL_TIMEOUT).await.unwrap();
        assert!(!started.has_members());
    }

    #[tokio::test]
    async fn a_process_that_does_not_listen_is_killed() {
        let scratch = Scratch::new();
        let deaf = spawn(&scratch.home, "trap '' TERM; echo deaf; while :; do sleep 1; done");
        let log = deaf.log.clone();
        let is_deaf = async || Ok(fs::read_to_string(&log)?.contains("deaf"));
        deaf.wait_until(KILL_TIMEOUT, is_deaf).await.unwrap();
        deaf.stop(Duration::from_millis(200)).await.unwrap();
        assert!(Process::find(&scratch.home, "sleeper").unwrap().is_none());
    }

    #[tokio::test]
    async fn a_recycled_pid_is_never_touched() {
        let scratch = Scratch::new();
        let mut stranger = Command::new("sleep").arg("300").process_group(0).spawn().unwrap();
        let mut recorded = Stat::of(Pid::from_child(&stranger)).unwrap();
        recorded.started -= 1;
        Process::new(&scratch.home, "sleeper", recorded).unwrap().stop(KILL_TIMEOUT).await.unwrap();
        assert!(stranger.try_wait().unwrap().is_none(), "the stranger was ended");
        stranger.kill().unwrap();
        stranger.wait().unwrap();
    }

    #[tokio::test]
    async fn an_end_that_was_asked_for_is_told_from_a_crash() {
        let scratch = Scratch::new();
        let asked = spawn(&scratch.home, "sleep 300");
        recorded(&scratch.home).await.stop(KILL_TIMEOUT).await.unwrap();
        asked.ended().await.unwrap();
        let crashed = spawn(&scratch.home, "sleep 300");
        recorded(&scratch.home).await;
        scratch.kill_all();
        crashed.ended().await.unwrap_err();
    }

    #[tokio::test]
    async fn an_early_end_is_noticed_at_once_with_the_reason() {
        let scratch = Scratch::new();
        let process = spawn(&scratch.home, "echo no such setting; exit 1");
        let never = async || Ok(false);
        let failure = process.wait_until(Duration::from_mins(1), never).await.unwrap_err().to_string();
        assert!(failure.contains("no such setting"), "{failure}");
    }
}
