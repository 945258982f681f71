//! Chromium, started once for all tests and spoken to over a pipe in the protocol of its developer tools.
//!
//! There is no driver program between and no port to find: the browser ends when the pipe does, which is when the
//! tests do, however they end.

use std::{
    collections::HashMap,
    fs::{self, File},
    io::{BufRead, BufReader, Read, Write},
    os::unix::fs::MetadataExt,
    path::Path,
    process::{ChildStdin, Command, Stdio},
    sync::{
        Arc, LazyLock, Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{sync::oneshot, time::timeout};

use crate::support::variable;

/// The protocol comes in on descriptor 3 and goes out on 4; a shell puts our pipes there.
const BECOME_WITH_PIPES: &str = r#"exec "$0" "$@" 3<&0 4>&1 </dev/null >&2"#;

/// Nothing but what a test asks for: no welcome, no updates, no word to anybody.
pub const QUIET: [&str; 8] = [
    "--headless=new",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
];

/// Long, for a machine with more to do; an answer takes milliseconds.
const PATIENCE: Duration = Duration::from_mins(1);

/// The events that anybody asks for; there are many more.
const KEPT: [&str; 6] = [
    "Log.entryAdded",
    "Network.requestWillBeSent",
    "Network.responseReceived",
    "Page.javascriptDialogOpening",
    "Runtime.consoleAPICalled",
    "Runtime.exceptionThrown",
];

static BROWSER: LazyLock<Arc<Browser>> = LazyLock::new(Browser::start);

struct Browser {
    pipe: Mutex<ChildStdin>,
    calls: AtomicU64,
    callers: Mutex<HashMap<u64, oneshot::Sender<Value>>>,
    /// What happened in each session, from its start, of `KEPT`.
    events: Mutex<HashMap<String, Vec<Value>>>,
}

/// Calls a method of the browser's, or of one session.
pub async fn call(session: Option<&str>, method: &str, params: Value) -> Result<Value, String> {
    let mut answer = BROWSER.call(session, method, params).await;
    match answer.get("error") {
        Some(error) => Err(error["message"].as_str().unwrap_or_default().to_owned()),
        None => Ok(answer["result"].take()),
    }
}

/// What events of this name told, in their order.
pub fn events(session: &str, name: &str) -> Vec<Value> {
    let events = held(&BROWSER.events);
    let events = events.get(session).into_iter().flatten().filter(|event| event["method"] == name);
    events.map(|event| event["params"].clone()).collect()
}

/// Chromium refuses to run its sandbox as root, which is what tests in a container are. It meets our own pages only.
pub fn sandbox() -> Option<&'static str> {
    let root = fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
    root.then_some("--no-sandbox")
}

impl Browser {
    fn start() -> Arc<Self> {
        let home = Path::new(&variable("ANAQUEL_SHOP_HOME")).join("chromium");
        _ = fs::remove_dir_all(&home);
        fs::create_dir_all(&home).expect("a folder for the browser");
        let mut child = Command::new("/bin/sh")
            .args(["-c", BECOME_WITH_PIPES, &variable("ANAQUEL_CHROMIUM")])
            .args(QUIET)
            .args(sandbox())
            .args(["--remote-debugging-pipe", &format!("--user-data-dir={}", home.display())])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(home.with_extension("log")).expect("a log file"))
            .spawn()
            .expect("Chromium");
        let (input, output) = child.stdin.take().zip(child.stdout.take()).expect("both are piped");
        let browser = Arc::new(Self {
            pipe: Mutex::new(input),
            calls: AtomicU64::default(),
            callers: Mutex::default(),
            events: Mutex::default(),
        });
        let listener = Arc::clone(&browser);
        thread::spawn(move || {
            listener.listen(output);
            _ = child.wait();
        });
        browser
    }

    /// Hands answers to their callers and keeps events, until the browser ends: then nobody waits any longer.
    fn listen(&self, output: impl Read) {
        for message in BufReader::new(output).split(0).map_while(Result::ok) {
            let message: Value = serde_json::from_slice(&message).expect("the protocol is JSON");
            if let Some(caller) = message["id"].as_u64().and_then(|call| held(&self.callers).remove(&call)) {
                _ = caller.send(message);
            } else if let Some(session) = message["sessionId"].as_str()
                && message["method"].as_str().is_some_and(|name| KEPT.contains(&name))
            {
                held(&self.events).entry(session.to_owned()).or_default().push(message);
            }
        }
        held(&self.callers).clear();
    }

    async fn call(&self, session: Option<&str>, method: &str, params: Value) -> Value {
        let id = self.calls.fetch_add(1, Ordering::Relaxed);
        let (caller, answer) = oneshot::channel();
        held(&self.callers).insert(id, caller);
        let mut message = json!({ "id": id, "method": method, "params": params });
        if let Some(session) = session {
            message["sessionId"] = session.into();
        }
        self.write(&message);
        let answer = timeout(PATIENCE, answer).await.unwrap_or_else(|_| panic!("Chromium does not answer {method}"));
        answer.expect("Chromium has ended: see chromium.log in the home of the tests")
    }

    fn write(&self, message: &Value) {
        let written = held(&self.pipe).write_all(format!("{message}\0").as_bytes());
        written.expect("Chromium must run");
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("nobody panics with it")
}
