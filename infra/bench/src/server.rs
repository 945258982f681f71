//! Servers under load: the shop's for containers, and one in Python with the same data. Clients send the next request when the
//! last one is answered, so a server gets as many as it takes.

use std::{
    fs, io,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};

use crate::{
    figures::{Figures, milliseconds},
    http::Connection,
    process::cpu_of_thread,
    table,
};

/// A server program.
#[derive(Clone, Serialize, Deserialize)]
pub struct MeasuredServer {
    pub name: String,
    pub binary: PathBuf,
    pub arguments: Vec<String>,
    pub environment: Vec<(String, String)>,
    pub port: u16,
    /// Names and paths of the requests; the first one is answered as soon as the server is ready.
    pub requests: Vec<(String, String)>,
}

/// One request of one server.
#[derive(Serialize)]
pub struct Load {
    pub server: String,
    pub request: String,
    pub per_second: f64,
    pub times: Figures,
    /// Milliseconds of processor time for each request, of all processes of the server.
    pub cpu: f64,
    /// Peak resident memory of all its processes so far, in MB.
    pub memory_mb: f64,
}

/// Clients at once.
const CLIENTS: usize = 16;
const WARM_UP: Duration = Duration::from_secs(1);
const LASTING: Duration = Duration::from_secs(6);
const START_TIMEOUT: Duration = Duration::from_secs(20);

/// # Errors
/// A server does not start, or answers with another status than 200.
pub fn measure(servers: &[MeasuredServer]) -> Result<Vec<Load>> {
    let mut loads = Vec::new();
    for server in servers {
        let running = Running::start(server).with_context(|| format!("starting {}", server.name))?;
        for (name, path) in &server.requests {
            let load = running.load(path).with_context(|| format!("{name} of {}", server.name))?;
            loads.push(Load { server: server.name.clone(), request: name.clone(), ..load });
        }
    }
    Ok(loads)
}

pub fn print(loads: &[Load]) -> String {
    let mut table = table::table(&["server", "request", "a second", "median", "p99", "CPU", "memory"]);
    for load in loads {
        table.add_row([
            load.server.clone(),
            load.request.clone(),
            format!("{:.0}", load.per_second),
            format!("{:.1}", load.times.median),
            format!("{:.1}", load.times.p99),
            format!("{:.3}", load.cpu),
            format!("{:.1} MB", load.memory_mb),
        ]);
    }
    format!(
        "{table}\n{CLIENTS} clients, each with one request at a time, for {} s. Times in milliseconds; CPU is that of the server's \
         processes for each request. Clients and database use the same processors.",
        LASTING.as_secs()
    )
}

struct Running {
    child: Child,
    address: SocketAddr,
}

impl Running {
    fn start(server: &MeasuredServer) -> Result<Self> {
        let mut command = Command::new(&server.binary);
        command.args(&server.arguments).env_clear().envs(server.environment.iter().cloned());
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let running = Self { child, address: SocketAddr::from((Ipv4Addr::LOCALHOST, server.port)) };
        let path = server.requests.first().map_or("/", |(_, path)| path.as_str());
        let deadline = Instant::now() + START_TIMEOUT;
        while let Err(error) = Client::new(running.address).and_then(|mut client| client.get(path)) {
            ensure!(Instant::now() < deadline, "no answer to {path}: {error}");
            thread::sleep(Duration::from_millis(50));
        }
        Ok(running)
    }

    fn load(&self, path: &str) -> Result<Load> {
        self.clients(path, WARM_UP)?;
        let (before, began) = (self.cpu()?, Instant::now());
        let times = self.clients(path, LASTING)?;
        let (took, cpu) = (began.elapsed(), self.cpu()?.saturating_sub(before));
        let count = u32::try_from(times.len().max(1))?;
        Ok(Load {
            server: String::new(),
            request: String::new(),
            per_second: f64::from(count) / took.as_secs_f64(),
            cpu: milliseconds(cpu) / f64::from(count),
            memory_mb: self.memory_mb()?,
            times: Figures::of(times),
        })
    }

    fn clients(&self, path: &str, lasting: Duration) -> Result<Vec<Duration>> {
        let until = Instant::now() + lasting;
        let address = self.address;
        let client = || -> io::Result<Vec<Duration>> {
            let (mut client, mut times) = (Client::new(address)?, Vec::new());
            while Instant::now() < until {
                let began = Instant::now();
                client.get(path)?;
                times.push(began.elapsed());
            }
            Ok(times)
        };
        thread::scope(|scope| {
            let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(client)).collect();
            let mut all = Vec::new();
            for client in clients {
                all.extend(client.join().expect("a client does not panic")?);
            }
            Ok(all)
        })
    }

    /// Of all processes of the server so far.
    fn cpu(&self) -> Result<Duration> {
        let mut total = Duration::ZERO;
        for process in processes(self.child.id()) {
            for thread in fs::read_dir(format!("/proc/{process}/task"))? {
                total += cpu_of_thread(&thread?.path())?;
            }
        }
        Ok(total)
    }

    fn memory_mb(&self) -> Result<f64> {
        let mut kibibytes = 0;
        for process in processes(self.child.id()) {
            let status = fs::read_to_string(format!("/proc/{process}/status"))?;
            let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
            kibibytes += line.trim().trim_end_matches(" kB").parse::<u32>()?;
        }
        Ok(f64::from(kibibytes) * 1024.0 / 1e6)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            _ = kill_process(pid, Signal::TERM);
        }
        _ = self.child.wait();
    }
}

/// The process and its children.
fn processes(pid: u32) -> Vec<u32> {
    let children = Path::new("/proc").join(format!("{pid}/task/{pid}/children"));
    let children = fs::read_to_string(children).unwrap_or_default();
    [pid].into_iter().chain(children.split_whitespace().filter_map(|child| child.parse().ok())).collect()
}

struct Client {
    connection: Connection,
    address: SocketAddr,
}

impl Client {
    fn new(address: SocketAddr) -> io::Result<Self> {
        Ok(Self { connection: Connection::to(address)?, address })
    }

    /// Asks for the path, on a new connection if the server has closed this one after the last answer.
    fn get(&mut self, path: &str) -> io::Result<()> {
        let line = format!("GET {path} HTTP/1.1");
        self.connection.write(&[&line, "host: shop"], b"")?;
        let answer = self.connection.read()?.ok_or(io::ErrorKind::UnexpectedEof)?;
        if !answer.start.contains(" 200") {
            return Err(io::Error::other(format!("{path}: {}", answer.start)));
        }
        if answer.header("connection").eq_ignore_ascii_case("close") {
            self.connection = Connection::to(self.address)?;
        }
        Ok(())
    }
}
