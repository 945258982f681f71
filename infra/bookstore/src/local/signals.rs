//! The signals that ask a command to end: Ctrl-C (SIGINT), `kill` and `timeout` (SIGTERM), and a closed terminal (SIGHUP).

use std::{fs, future::pending};

use anyhow::{Context, Result};
use tokio::signal::unix::{Signal, SignalKind, signal};

pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
    /// `None` under `nohup`, which asks to ignore it.
    hangup: Option<Signal>,
}

impl Signals {
    /// Receives the signals that arrive from now on.
    pub fn listen() -> Result<Self> {
        let listen = |kind| signal(kind).context("listening for signals");
        let hangup = if ignores_hangup() { None } else { Some(listen(SignalKind::hangup())?) };
        Ok(Self { interrupt: listen(SignalKind::interrupt())?, terminate: listen(SignalKind::terminate())?, hangup })
    }

    /// The number of the next signal.
    pub async fn next(&mut self) -> i32 {
        let hangup = async {
            match &mut self.hangup {
                Some(hangup) => _ = hangup.recv().await,
                None => pending().await,
            }
        };
        let kind = tokio::select! {
            _ = self.interrupt.recv() => SignalKind::interrupt(),
            _ = self.terminate.recv() => SignalKind::terminate(),
            () = hangup => SignalKind::hangup(),
        };
        kind.as_raw_value()
    }
}

/// Whether this process was started with SIGHUP ignored.
fn ignores_hangup() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
}

#[cfg(test)]
mod tests {
    use std::{
        env,
        io::{BufRead, BufReader},
        process::{Child, Command, Stdio},
        time::Duration,
    };

    use rustix::process::{Pid, Signal as Sent, kill_process};
    use tokio::time::timeout;

    use super::*;

    const THIS_TEST: &str = "local::signals::tests::each_signal_that_asks_for_an_end_is_noticed";
    /// Set in a copy of this program that waits for signals, so that the one which runs the tests keeps its own.
    const WAITS: &str = "ANAQUEL_TEST_WAITS_FOR_SIGNALS";

    /// A copy of this program that waits for signals, started by a shell after `before`.
    fn waiting(before: &str) -> Child {
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", &format!("{before}\nexec \"$0\" --exact {THIS_TEST} --nocapture")]);
        shell.arg(env::current_exe().unwrap()).env(WAITS, "yes").stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = shell.spawn().unwrap();
        let lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
        assert!(lines.map_while(Result::ok).any(|line| line.contains("waits")), "it does not wait for signals");
        child
    }

    fn send(child: &Child, signal: Sent) {
        kill_process(Pid::from_child(child), signal).unwrap();
    }

    #[tokio::test]
    async fn each_signal_that_asks_for_an_end_is_noticed() {
        if env::var_os(WAITS).is_some() {
            let mut signals = Signals::listen().unwrap();
            outln!("it waits");
            let noticed = timeout(Duration::from_secs(20), signals.next()).await;
            std::process::exit(noticed.unwrap_or_default());
        }
        let mut cases = vec![("", Sent::INT), ("", Sent::TERM)];
        // Ignored by `nohup`, which is how an operator keeps the shop running after the terminal is closed.
        if !ignores_hangup() {
            cases.push(("", Sent::HUP));
        }
        for (before, signal) in cases {
            let mut child = waiting(before);
            send(&child, signal);
            assert_eq!(child.wait().unwrap().code(), Some(signal.as_raw()), "{signal:?}");
        }
        let mut child = waiting("trap '' HUP");
        send(&child, Sent::HUP);
        send(&child, Sent::TERM);
        assert_eq!(child.wait().unwrap().code(), Some(Sent::TERM.as_raw()), "a hangup that is ignored ends nothing");
    }
}
