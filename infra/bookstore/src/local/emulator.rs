//! The AWS emulator: ministack, as a process of this user that only this machine can reach.
//!
//! It keeps everything in memory, so each start is an empty account. Its environment is the list in `environment`, which
//! functions inherit instead of the operator's environment.

use std::{
    env,
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    path::Path,
    time::Duration,
};

use anyhow::Result;

use super::{
    home::{Home, make_private_folder, remove_folder},
    ports,
    process::Process,
    tools::Tools,
};

/// Region of the emulator's account.
pub const REGION: &str = "us-east-1";

const NAME: &str = "emulator";
const START_TIMEOUT: Duration = Duration::from_mins(1);
const STOP_TIMEOUT: Duration = Duration::from_secs(10);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);

/// Starts ministack with `TCP_NODELAY` on its Runtime API. It writes the headers of an event and its body separately; without
/// the option, the second write waits for the function's delayed acknowledgement, about 40 ms for each request.
///
/// It also accepts the id of an account, which Cognito chooses itself. The emulator forgets its accounts when it stops, and the
/// database does not forget what a sample account has.
const PROGRAM: &str = "import runpy, socketserver
from ministack.services import cognito
socketserver.StreamRequestHandler.disable_nagle_algorithm = True
refusal = cognito._new_user_error
cognito._new_user_error = lambda pool, name, given: refusal(pool, name, {k: v for k, v in given.items() if k != 'sub'})
runpy.run_module('ministack', run_name='__main__', alter_sys=True)";

pub struct Emulator {
    process: Process,
    pub port: u16,
}

impl Emulator {
    /// Starts an emulator on `port`, or keeps a healthy one, unless a new one is requested.
    pub async fn start(home: &Home, tools: &Tools, port: u16, fresh: bool) -> Result<Self> {
        if let Some(emulator) = Self::healthy(home)?.filter(|emulator| emulator.port == port && !fresh) {
            return Ok(emulator);
        }
        if Self::stop(home).await? {
            errln!("Stopped the running emulator; the messages in its queues are lost.");
        }
        ports::require_free(port)?;
        errln!("Starting the AWS emulator …");
        let folder = home.folder(NAME)?;
        let temporary = folder.join("tmp"); // contains the functions' unpacked binaries
        remove_folder(&temporary)?;
        make_private_folder(&temporary)?;
        ports::note(home, NAME, port)?;

        let mut command = Process::command(home, NAME, &tools.program("python"))?;
        command.args(["-c", PROGRAM]).current_dir(&folder).env_clear().envs(environment(&folder, port));
        let process = Process::spawn(home, NAME, command)?;
        process.wait_until(START_TIMEOUT, async || Ok(is_healthy(port))).await?;
        Ok(Self { process, port })
    }

    /// Stops the emulator of `home` with its functions. Returns whether there was one.
    pub async fn stop(home: &Home) -> Result<bool> {
        let Some(process) = Process::find(home, NAME)? else {
            return Ok(false);
        };
        process.stop(STOP_TIMEOUT).await?;
        Ok(true)
    }

    /// The emulator of `home`, if it runs and answers.
    pub fn healthy(home: &Home) -> Result<Option<Self>> {
        let process = Process::find(home, NAME)?.filter(Process::is_alive);
        let (Some(process), Some(port)) = (process, ports::noted(home, NAME)?) else {
            return Ok(None);
        };
        Ok(is_healthy(port).then_some(Self { process, port }))
    }

    /// Pid and start time, which no other process has.
    pub fn identity(&self) -> String {
        self.process.identity()
    }

    pub fn pid(&self) -> i32 {
        self.process.pid()
    }

    /// The port of the emulator of `home`, while it runs.
    pub fn running(home: &Home) -> Result<Option<u16>> {
        let is_alive = Process::find(home, NAME)?.is_some_and(|process| process.is_alive());
        Ok(ports::noted(home, NAME)?.filter(|_| is_alive))
    }

    /// Waits for its end, as `Process::ended` does.
    pub async fn ended(&self) -> Result<()> {
        self.process.ended().await
    }

    /// The value of `AWS_ENDPOINT_URL`.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

fn environment(folder: &Path, port: u16) -> Vec<(&'static str, String)> {
    let inherited = ["PATH", "HOME"].map(|name| (name, env::var(name).unwrap_or_default()));
    let inside = |name: &str| folder.join(name).display().to_string();
    let ours = [
        ("LANG", "C.UTF-8".to_owned()),
        ("PYTHONDONTWRITEBYTECODE", "1".to_owned()),
        ("TMPDIR", inside("tmp")),
        // Loopback only, with one host name in all queue URLs.
        ("BIND_HOST", "127.0.0.1".to_owned()),
        ("GATEWAY_PORT", port.to_string()),
        ("MINISTACK_HOST", "127.0.0.1".to_owned()),
        ("MINISTACK_REGION", REGION.to_owned()),
        ("S3_DATA_DIR", inside("s3")),
        // AWS's default; the emulator's own default falls to 16 on machines with little memory.
        ("LAMBDA_ACCOUNT_CONCURRENCY", "1000".to_owned()),
        // Idle execution environments, each with a database connection, end after a minute.
        ("LAMBDA_WARM_TTL_SECONDS", "60".to_owned()),
        // No further listeners, and no Docker access, which would remove containers of this machine.
        ("IOT_MTLS_ENABLED", "0".to_owned()),
        ("SFTP_ENABLED", "0".to_owned()),
        ("DOCKER_HOST", format!("unix://{}", inside("no-docker.sock"))),
    ];
    // Inherited by the functions.
    inherited.into_iter().chain(ours).chain(client_environment(port)).collect()
}

/// Settings of programs that call the emulator at this port.
pub fn client_environment(port: u16) -> [(&'static str, String); 4] {
    [
        ("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{port}")),
        ("AWS_ACCESS_KEY_ID", "test".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
        ("AWS_DEFAULT_REGION", REGION.to_owned()),
    ]
}

fn is_healthy(port: u16) -> bool {
    let ask = || -> std::io::Result<bool> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut stream = TcpStream::connect_timeout(&address, ANSWER_TIMEOUT)?;
        stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
        stream.write_all(b"GET /_ministack/health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer.starts_with("HTTP/1.1 200"))
    };
    ask().unwrap_or(false)
}
