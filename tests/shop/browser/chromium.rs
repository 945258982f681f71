//! Chromium, started once for all tests and controlled over a pipe with the `DevTools` protocol.
//!
//! This needs no driver program and no port: the browser ends with the pipe, and the pipe with the tests.

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

/// Chromium reads the protocol from descriptor 3 and writes it to 4; a shell connects our pipes to them.
const BECOME_WITH_PIPES: &str = r#"exec "$0" "$@" 3<&0 4>&1 </dev/null >&2"#;

/// No welcome page, no updates, no background requests.
pub const FLAGS: [&str; 8] = [
    "--headless=new",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
];

/// Long, for a busy machine; an answer takes milliseconds.
const TIMEOUT: Duration = Duration::from_mins(1);

/// The events that tests use; there are many more.
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
    /// The events in `KEPT` of each session, from its start.
    events: Mutex<HashMap<String, Vec<Value>>>,
}

/// Calls a method of the browser, or of one session.
pub async fn call(session: Option<&str>, method: &str, params: Value) -> Result<Value, String> {
    let mut answer = BROWSER.call(session, method, params).await;
    match answer.get("error") {
        Some(error) => Err(error["message"].as_str().unwrap_or_default().to_owned()),
        None => Ok(answer["result"].take()),
    }
}

/// Parameters of all events with this name, in order.
pub fn events(session: &str, name: &str) -> Vec<Value> {
    let events = held(&BROWSER.events);
    let events = events.get(session).into_iter().flatten().filter(|event| event["method"] == name);
    events.map(|event| event["params"].clone()).collect()
}

/// Chromium refuses to run its sandbox as root, as tests in a container do. It opens only our own pages.
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
            .args(FLAGS)
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

    /// Delivers answers to their callers and stores events, until the browser ends; then it releases all callers.
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
        let answer = timeout(TIMEOUT, answer).await.unwrap_or_else(|_| panic!("Chromium does not answer {method}"));
        answer.expect("Chromium has ended: see chromium.log in the state directory of the tests")
    }

    fn write(&self, message: &Value) {
        let written = held(&self.pipe).write_all(format!("{message}\0").as_bytes());
        written.expect("Chromium does not run");
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("poisoned")
}
