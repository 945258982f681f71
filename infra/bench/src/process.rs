//! A function's process: started as Lambda starts it, asked what it cost, ended when it is dropped.

use std::{
    fs, io,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};

use crate::{Function, Parameters, host::Host};

pub struct Running {
    pub host: Host,
    /// From the spawn to the first question for an event.
    pub start: Duration,
    child: Child,
}

impl Running {
    /// Starts it below a host of its own, and waits until it asks for its first event.
    pub fn start(function: &Function, parameters: &Parameters) -> Result<Self> {
        let host = Host::start(parameters.clone())?;
        let mut command = Command::new(&function.binary);
        command.env_clear().envs(&function.environment).envs(environment(function, &host));
        let began = Instant::now();
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("starting {}", function.binary.display()))?;
        // Its log is read and dropped, by a thread that does nothing else: a full pipe would hold it up.
        if let Some(mut log) = child.stdout.take() {
            thread::spawn(move || io::copy(&mut log, &mut io::sink()));
        }
        let mut running = Self { host, start: Duration::ZERO, child };
        running.start = running.host.ready()?.duration_since(began);
        Ok(running)
    }

    /// Time on a processor so far, of all its threads.
    pub fn cpu(&self) -> Result<Duration> {
        let mut nanoseconds = 0;
        for thread in fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let schedule = fs::read_to_string(thread?.path().join("schedstat"))?;
            let spent = schedule.split(' ').next().unwrap_or_default();
            nanoseconds += spent.parse::<u64>().context("/proc tells no time of a thread")?;
        }
        Ok(Duration::from_nanos(nanoseconds))
    }

    /// The most memory that it has held at once, in bytes.
    pub fn peak_memory(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let number = line.and_then(|line| line.split_whitespace().next());
        let kibibytes: Option<u64> = number.and_then(|number| number.parse().ok());
        kibibytes.map(|kibibytes| kibibytes * 1024).context("/proc tells no peak of memory")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What Lambda tells every function.
fn environment(function: &Function, host: &Host) -> [(&'static str, String); 10] {
    [
        ("AWS_LAMBDA_RUNTIME_API", host.address.to_string()),
        ("AWS_ENDPOINT_URL", format!("http://{}", host.address)),
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

    use shared::parameters::Parameter;

    use super::*;
    use crate::cases;

    #[ignore = "needs the built functions"]
    #[test]
    fn a_real_function_starts_below_the_host_and_answers() {
        let binaries = std::env::var("ANAQUEL_BINARIES").expect("`cargo bookstore test` runs this");
        let names =
            [Parameter::SubmissionsQueue, Parameter::SubmissionKey].map(|name| format!("/anaquel/local/{name}"));
        let function = Function {
            name: "submit-rating".to_owned(),
            binary: PathBuf::from(binaries).join("submit-rating"),
            zip_bytes: 0,
            environment: [("ANAQUEL_PARAMETERS".to_owned(), names.join(","))].into(),
        };
        let key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".to_owned();
        let values = names.into_iter().zip(["http://queue".to_owned(), key]);
        let running = Running::start(&function, &Parameters(values.collect())).unwrap();

        let answer = running.host.invoke(&cases::rating().event).unwrap();
        let answer: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(answer["statusCode"], 202, "{answer}");
        assert!(running.cpu().unwrap() > Duration::ZERO && running.peak_memory().unwrap() > 1_000_000);
    }
}
