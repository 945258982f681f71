//! An emulator that checks signatures, policies and codes, as the one of a local stage does not.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Stdio},
};

use crate::support::python_command;

/// It ends with its standard input, should this process not come to end it.
pub struct StrictEmulator {
    pub port: u16,
    child: Child,
}

impl StrictEmulator {
    pub fn start() -> Self {
        let mut child =
            python_command("serve_strict_ministack.py").stderr(Stdio::null()).spawn().expect("Python starts");
        let mut port = String::new();
        BufReader::new(child.stdout.as_mut().expect("a pipe")).read_line(&mut port).unwrap();
        let port = port.trim().parse().expect("the emulator prints its port");
        Self { port, child }
    }
}

impl Drop for StrictEmulator {
    fn drop(&mut self) {
        // It removes its files first.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
