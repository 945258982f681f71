//! The process of a measured function.

use std::{
    fs, io,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};

use crate::{
    MeasuredFunction, Parameters,
    host::{Host, Objects, Observer, Transport},
};

/// A running function with its host; killed on drop.
pub struct FunctionProcess {
    pub host: Host,
    /// Cold start: from the spawn to the first request for an event.
    pub cold_start: Duration,
    /// CPU time of the cold start.
    pub start_cpu: Duration,
    child: Child,
}

impl FunctionProcess {
    /// Starts the function with its own host, and waits for its first request for an event.
    pub fn start(function: &MeasuredFunction, parameters: &Parameters) -> Result<Self> {
        Self::start_on(Host::start(parameters.clone())?, function)
    }

    /// The same with an observer of its calls to AWS services.
    pub fn start_observed(
        function: &MeasuredFunction,
        parameters: &Parameters,
        observer: Option<Observer>,
    ) -> Result<Self> {
        Self::start_on(Host::start_with(parameters.clone(), observer, Objects::default(), Transport::Plain)?, function)
    }

    /// The same on a host of its own.
    pub fn start_on(host: Host, function: &MeasuredFunction) -> Result<Self> {
        let mut command = Command::new(&function.binary);
        command.args(&function.arguments);
        Self::start_command(host, function, command)
    }

    /// The same by a command that runs the function.
    pub fn start_command(host: Host, function: &MeasuredFunction, mut command: Command) -> Result<Self> {
        command.env_clear().envs(&function.environment).envs(environment(function, &host));
        if let Some(certificates) = host.certificates() {
            command.env("SSL_CERT_FILE", certificates);
        }
        let began = Instant::now();
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("starting {}", command.get_program().display()))?;
        // A thread discards the log, because a full pipe would block the function.
        if let Some(mut log) = child.stdout.take() {
            thread::spawn(move || io::copy(&mut log, &mut io::sink()));
        }
        let mut process = Self { host, cold_start: Duration::ZERO, start_cpu: Duration::ZERO, child };
        process.cold_start = process.host.wait_until_ready()?.duration_since(began);
        process.start_cpu = process.cpu()?;
        Ok(process)
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether the process has ended.
    pub fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Ends the process with a signal that it, or the program that runs it, can catch, and waits for its end.
    pub fn terminate(&mut self) -> Result<()> {
        let pid = Pid::from_raw(i32::try_from(self.child.id())?).context("the function has no process id")?;
        kill_process(pid, Signal::TERM).context("ending the function")?;
        self.child.wait()?;
        Ok(())
    }

    /// CPU time of all its threads so far.
    pub fn cpu(&self) -> Result<Duration> {
        let threads = fs::read_dir(format!("/proc/{}/task", self.child.id()))?;
        threads.map(|thread| cpu_of_thread(&thread?.path())).sum()
    }

    /// Peak resident memory in bytes.
    pub fn peak_memory(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let number = line.and_then(|line| line.split_whitespace().next());
        let kibibytes: Option<u64> = number.and_then(|number| number.parse().ok());
        kibibytes.map(|kibibytes| kibibytes * 1024).context("/proc has no peak memory")
    }
}

/// CPU time of the calling thread so far.
pub fn cpu_of_this_thread() -> Result<Duration> {
    cpu_of_thread(Path::new("/proc/thread-self"))
}

/// CPU time of the thread with this folder of `/proc`.
pub fn cpu_of_thread(folder: &Path) -> Result<Duration> {
    let schedule = fs::read_to_string(folder.join("schedstat"))?;
    let nanoseconds = schedule.split(' ').next().unwrap_or_default().parse();
    Ok(Duration::from_nanos(nanoseconds.context("/proc has no CPU time of a thread")?))
}

impl Drop for FunctionProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The environment variables that Lambda sets for every function.
fn environment(function: &MeasuredFunction, host: &Host) -> [(&'static str, String); 10] {
    [
        ("AWS_LAMBDA_RUNTIME_API", host.address.to_string()),
        ("AWS_ENDPOINT_URL", host.endpoint()),
        ("AWS_REGION", "us-east-1".to_owned()),
        ("AWS_ACCESS_KEY_ID", "test".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
        ("AWS_LAMBDA_FUNCTION_NAME", function.name.clone()),
        ("AWS_LAMBDA_FUNCTION_VERSION", "1".to_owned()),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256".to_owned()),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "bench".to_owned()),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "bench".to_owned()),
    ]
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use shared::parameters::{Parameter, Queue};

    use super::*;
    use crate::cases;

    #[ignore = "needs the built functions"]
    #[test]
    fn a_real_function_starts_on_the_host_and_responds() {
        let binaries =
            std::env::var("ANAQUEL_BINARIES").expect("ANAQUEL_BINARIES is not set: run `cargo bookstore test`");
        let names = [Parameter::Queue(Queue::Submissions), Parameter::SubmissionKey]
            .map(|name| format!("/anaquel/local/{name}"));
        let function = MeasuredFunction {
            name: "submit-rating".to_owned(),
            binary: PathBuf::from(binaries).join("submit-rating"),
            arguments: Vec::new(),
            zip_bytes: 0,
            environment: [("ANAQUEL_PARAMETERS".to_owned(), names.join(","))].into(),
        };
        let key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".to_owned();
        let values = names.into_iter().zip(["http://queue".to_owned(), key]);
        let process = FunctionProcess::start(&function, &Parameters(values.collect())).unwrap();

        let response = process.host.invoke(&cases::rating().event).unwrap();
        let response: serde_json::Value = serde_json::from_slice(&response.body).unwrap();
        assert_eq!(response["statusCode"], 202, "{response}");
        assert!(process.cpu().unwrap() > Duration::ZERO && process.peak_memory().unwrap() > 1_000_000);
    }
}
