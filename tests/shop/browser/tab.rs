//! A browser tab with its own cookies and cache. It clicks, types, and waits for the expected content like a visitor.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::{Instant, sleep},
};

use super::chromium;
use crate::support::Shop;

/// The machine has two cores, which the functions need too.
static TABS: Semaphore = Semaphore::const_new(2);

/// The first cold start of a function reads its binary from disk.
const TIMEOUT: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(20);

/// A visitor's device and settings.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    pub width: u32,
    pub script: bool,
    pub language: &'static str,
}

pub const DESK: Look = Look { width: 1280, script: true, language: "es" };
pub const PHONE: Look = Look { width: 390, ..DESK };

pub struct Tab<'a> {
    pub shop: &'a Shop,
    pub look: Look,
    context: String,
    session: String,
    _permit: SemaphorePermit<'static>,
}

/// The same task on a desktop and on a phone, with and without scripts.
pub async fn in_every_setup(task: impl AsyncFn(&Tab)) {
    let without = |look| Look { script: false, ..look };
    in_each(&[DESK, PHONE, without(DESK), without(PHONE)], task).await;
}

/// The same task in each of these setups.
pub async fn in_each(looks: &[Look], task: impl AsyncFn(&Tab)) {
    let shop = Shop::open().await;
    join_all(looks.iter().map(async |look| {
        let tab = Tab::open(&shop, *look).await;
        task(&tab).await;
        tab.close().await;
    }))
    .await;
}

impl<'a> Tab<'a> {
    pub async fn open(shop: &'a Shop, look: Look) -> Self {
        let permit = TABS.acquire().await.expect("it is never closed");
        let context = ask("Target.createBrowserContext", json!({}), "browserContextId").await;
        let page = json!({ "url": "about:blank", "browserContextId": context });
        let target = ask("Target.createTarget", page, "targetId").await;
        let session = ask("Target.attachToTarget", json!({ "targetId": target, "flatten": true }), "sessionId").await;
        let tab = Self { shop, look, context, session, _permit: permit };
        for domain in ["Page", "Network", "Runtime", "Log"] {
            tab.call(&format!("{domain}.enable"), json!({})).await;
        }
        tab.call("Emulation.setFocusEmulationEnabled", json!({ "enabled": true })).await; // for two tabs at a time
        tab.call("Emulation.setScriptExecutionDisabled", json!({ "value": !look.script })).await;
        tab.call("Network.setExtraHTTPHeaders", json!({ "headers": { "Accept-Language": look.language } })).await;
        tab.resize(look.width, 900).await;
        tab.prefer("light").await;
        tab
    }

    pub async fn resize(&self, width: u32, height: u32) {
        let phone = width < 600;
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": phone });
        self.call("Emulation.setDeviceMetricsOverride", size).await;
    }

    /// Sets the colour scheme and reduced motion: if a page is too late for its view transition, the browser reports
    /// that like a failed script.
    pub async fn prefer(&self, scheme: &str) {
        let features = json!([
            { "name": "prefers-color-scheme", "value": scheme },
            { "name": "prefers-reduced-motion", "value": "reduce" },
        ]);
        self.call("Emulation.setEmulatedMedia", json!({ "features": features })).await;
    }

    pub async fn call(&self, method: &str, params: Value) -> Value {
        let answer = chromium::call(Some(&self.session), method, params).await;
        answer.unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    /// Gives the browser exactly these cookies: `cart=…; visitor=…`.
    pub async fn have_cookies(&self, cookies: &str) {
        self.call("Network.clearBrowserCookies", json!({})).await;
        for (name, value) in cookies.split("; ").filter_map(|cookie| cookie.split_once('=')) {
            let cookie = json!({ "name": name, "value": value, "url": self.shop.url() });
            self.call("Network.setCookie", cookie).await;
        }
    }

    /// Opens a path of the shop and waits until it is loaded.
    pub async fn go(&self, path: &str) {
        let address = format!("{}{path}", self.shop.url());
        let answer = self.call("Page.navigate", json!({ "url": address })).await;
        assert!(answer.get("errorText").is_none(), "{address}: {answer}");
        self.until("location.protocol !== 'about:' && document.readyState === 'complete'").await;
    }

    /// Waits until a page whose path starts with this is loaded.
    pub async fn arrive(&self, path: &str) {
        self.until(&format!("location.pathname.startsWith({}) && document.readyState === 'complete'", json!(path)))
            .await;
    }

    /// Waits until a page in this language is loaded.
    pub async fn arrive_in(&self, language: &str) {
        let language = json!(language);
        self.until(&format!("document.documentElement.lang === {language} && document.readyState === 'complete'"))
            .await;
    }

    pub async fn back(&self) {
        let history = self.call("Page.getNavigationHistory", json!({})).await;
        let current = history["currentIndex"].as_u64().and_then(|index| usize::try_from(index).ok());
        let entry = &history["entries"][current.expect("a page") - 1]["id"];
        self.call("Page.navigateToHistoryEntry", json!({ "entryId": entry })).await;
    }

    /// The status of the current page.
    pub fn status(&self) -> Option<u64> {
        let answers = self.events("Network.responseReceived").filter(|answer| answer["type"] == "Document");
        answers.last().and_then(|answer| answer["response"]["status"].as_u64())
    }

    /// The number of forms that were sent.
    pub fn posts(&self) -> usize {
        self.events("Network.requestWillBeSent").filter(|sent| sent["request"]["method"] == "POST").count()
    }

    // Reading the page.

    /// The value of a JavaScript expression, which may be a promise.
    pub async fn evaluate(&self, expression: &str) -> Value {
        self.try_evaluate(expression).await.unwrap_or_else(|error| panic!("{expression}: {error}"))
    }

    async fn try_evaluate(&self, expression: &str) -> Result<Value, String> {
        let params = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let mut answer = chromium::call(Some(&self.session), "Runtime.evaluate", params).await?;
        match answer.get("exceptionDetails") {
            Some(exception) => Err(exception.to_string()),
            None => Ok(answer["result"]["value"].take()),
        }
    }

    /// Waits until an expression is true. It may fail meanwhile, while pages load.
    pub async fn until(&self, expression: &str) -> Value {
        let deadline = Instant::now() + TIMEOUT;
        loop {
            match self.try_evaluate(expression).await {
                Ok(value) if !matches!(value, Value::Null | Value::Bool(false)) => return value,
                outcome if Instant::now() > deadline => {
                    let page = self.try_evaluate(PAGE).await.unwrap_or_default();
                    panic!("timeout, {:?}: {expression}: {outcome:?}\n{page:#}", self.look);
                }
                _ => sleep(POLL).await,
            }
        }
    }

    /// Waits until one of the elements contains the text.
    pub async fn see(&self, selector: &str, text: &str) {
        let (selector, text) = (json!(selector), json!(text));
        self.until(&format!("[...document.querySelectorAll({selector})].some(e => e.innerText.includes({text}))"))
            .await;
    }

    pub async fn text(&self, selector: &str) -> String {
        let text = self.until(&format!("document.querySelector({}).innerText", json!(selector))).await;
        text.as_str().unwrap_or_default().to_owned()
    }

    pub async fn value(&self, selector: &str) -> String {
        let value = self.evaluate(&format!("document.querySelector({}).value", json!(selector))).await;
        value.as_str().unwrap_or_default().to_owned()
    }

    // Input.

    /// Clicks on an element, which must be visible and not covered.
    pub async fn click(&self, selector: &str) {
        self.click_times(selector, 1).await;
    }

    pub async fn double_click(&self, selector: &str) {
        self.click_times(selector, 2).await;
    }

    async fn click_times(&self, selector: &str, times: u32) {
        let point = self
            .until(&format!(
                "(() => {{
                    const element = document.querySelector({});
                    element.scrollIntoView({{ block: 'center', behavior: 'instant' }});
                    const {{ x, y, width, height }} = element.getClientRects()[0];
                    const point = [x + width / 2, y + height / 2];
                    const hit = document.elementFromPoint(...point);
                    return element.contains(hit) && point;
                }})()",
                json!(selector)
            ))
            .await;
        for count in 1..=times {
            for kind in ["mousePressed", "mouseReleased"] {
                let event =
                    json!({ "type": kind, "x": point[0], "y": point[1], "button": "left", "clickCount": count });
                self.call("Input.dispatchMouseEvent", event).await;
            }
        }
    }

    /// Replaces a field's text by typing.
    pub async fn fill(&self, selector: &str, text: &str) {
        self.click(selector).await;
        self.evaluate(&format!("document.querySelector({}).select()", json!(selector))).await;
        self.write(text).await;
    }

    /// Types into the focused element.
    pub async fn write(&self, text: &str) {
        self.call("Input.insertText", json!({ "text": text })).await;
    }

    pub async fn press(&self, key: &str) {
        let (code, text) = match key {
            "Tab" => (9, ""),
            "Enter" => (13, "\r"),
            "Escape" => (27, ""),
            " " => (32, " "),
            "ArrowRight" => (39, ""),
            "ArrowDown" => (40, ""),
            "ArrowUp" => (38, ""),
            _ => panic!("no such key: {key}"),
        };
        let name = if key == " " { "Space" } else { key };
        for kind in ["keyDown", "keyUp"] {
            let text = if kind == "keyDown" { text } else { "" };
            let event = json!({ "type": kind, "key": key, "code": name, "windowsVirtualKeyCode": code, "text": text });
            self.call("Input.dispatchKeyEvent", event).await;
        }
    }

    /// Selects an option like a click on it. The system draws the list, so the page cannot be clicked there.
    pub async fn choose(&self, selector: &str, value: &str) {
        let (selector, value) = (json!(selector), json!(value));
        let chosen = format!("document.querySelector({selector}).value = {value}");
        assert_eq!(self.evaluate(&format!("{chosen}; document.querySelector({selector}).value")).await, value);
    }

    /// Presses Tab until an element has the focus. Each focused element on the way must show it.
    pub async fn tab_to(&self, selector: &str) {
        for _ in 0..120 {
            self.press("Tab").await;
            self.until(FOCUS_SHOWS).await;
            let reached = format!("document.activeElement.matches({})", json!(selector));
            if self.evaluate(&reached).await == true {
                return;
            }
        }
        panic!("{:?}: {selector} cannot be reached by keyboard", self.look);
    }

    // Closing.

    /// Closes the tab; fails if it had an error that the page does not show.
    pub async fn close(self) {
        self.close_after_upload(None).await;
    }

    /// The same after an upload to this address, the only one outside of the shop.
    pub async fn close_after_upload(self, bucket: Option<&str>) {
        let troubles = self.troubles(bucket);
        assert!(troubles.is_empty(), "{:?}: {troubles:#?}", self.look);
        let context = json!({ "browserContextId": self.context });
        chromium::call(None, "Target.disposeBrowserContext", context).await.expect("it is ours");
    }

    fn troubles(&self, bucket: Option<&str>) -> Vec<String> {
        let shop = self.shop.url();
        let ours =
            |address: &str| ["data:", "about:"].iter().any(|own| address.starts_with(own)) || address.starts_with(shop);
        let mut troubles = Vec::new();
        for sent in self.events("Network.requestWillBeSent") {
            let address = sent["request"]["url"].as_str().unwrap_or_default().to_owned();
            if !ours(&address) && bucket != Some(address.as_str()) {
                troubles.push(format!("a request to another host: {address}"));
            }
        }
        for (event, what) in [
            ("Runtime.exceptionThrown", "a script failed"),
            ("Runtime.consoleAPICalled", "a script logged a message"),
            ("Page.javascriptDialogOpening", "a dialog opened"),
        ] {
            troubles.extend(self.events(event).map(|params| format!("{what}: {params}")));
        }
        // The browser logs a page's own 404 and 422 as network errors; tests check these statuses themselves.
        let entries = self.events("Log.entryAdded").map(|params| params["entry"].clone());
        let errors = entries.filter(|entry| entry["level"] == "error" && entry["source"] != "network");
        troubles.extend(errors.map(|entry| format!("the browser logged an error: {entry}")));
        troubles.extend(self.missing());
        troubles
    }

    /// Resources that a page could not load.
    fn missing(&self) -> impl Iterator<Item = String> {
        let answers = self.events("Network.responseReceived").filter(|answer| answer["type"] != "Document");
        let failed = answers.filter(|answer| answer["response"]["status"].as_u64() >= Some(400));
        failed.map(|answer| format!("missing: {}", answer["response"]["url"]))
    }

    fn events(&self, name: &str) -> impl Iterator<Item = Value> {
        chromium::events(&self.session, name).into_iter()
    }
}

/// The description of a page in a failure.
const PAGE: &str = "({
    address: location.href,
    focus: document.activeElement.outerHTML.slice(0, 200),
    text: document.querySelector('main')?.innerText.slice(0, 500),
})";

/// Whether the focus is visible: by an outline in the window, of the element or of its label.
const FOCUS_SHOWS: &str = "(() => {
    const element = document.activeElement;
    const outlined = (of, part) => {
        const style = getComputedStyle(of, part);
        return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0;
    };
    const { top, bottom } = element.getBoundingClientRect();
    const label = element.closest('label');
    return top < innerHeight && bottom > 0
        && (outlined(element) || outlined(element, '::after') || (label !== null && outlined(label)));
})()";

async fn ask(method: &str, params: Value, wanted: &str) -> String {
    let answer = chromium::call(None, method, params).await.unwrap_or_else(|error| panic!("{method}: {error}"));
    answer[wanted].as_str().unwrap_or_else(|| panic!("{method}: {answer}")).to_owned()
}
