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
