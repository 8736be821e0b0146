//! A headless Chromium, driven over its DevTools protocol through a pipe: no port, no driver program, no library.
//!
//! Messages are JSON between zero bytes, on the browser's descriptors 3 and 4; a shell puts our pipes there. Every wait
//! is for a condition and has a bound. What a page asked for and complained about is kept for the test to look at.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};

use base64ct::{Base64, Encoding};
use serde_json::{Value as Json, json};

/// Longest wait for an answer or a condition.
const PATIENCE: Duration = Duration::from_secs(60);
/// Programs that may be a Chromium.
const PROGRAMS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// A request that a page made.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) url: String,
    pub(crate) headers: String,
    pub(crate) body: String,
}

/// A browser with one page open.
pub(crate) struct Browser {
    child: Child,
    to: ChildStdin,
    from: Receiver<Json>,
    session: String,
    next: u64,
    events: Vec<Json>,
    /// What the page wrote to its console as an error, and what it threw.
    pub(crate) complaints: Vec<String>,
    /// Every request since the browser started.
    pub(crate) asked: Vec<Asked>,
    _profile: tempfile::TempDir,
}

/// A started browser; none, with a word, where there is no Chromium.
///
/// # Panics
/// When there is none although `ORELEDGER_BROWSER=required` asks for it.
pub(crate) fn browser() -> Option<Browser> {
    let program = PROGRAMS.into_iter().find(|program| {
        Command::new(program).arg("--version").output().is_ok_and(|done| done.status.success())
    });
    if program.is_none() {
        let required = std::env::var("ORELEDGER_BROWSER").is_ok_and(|word| word == "required");
        assert!(!required, "ORELEDGER_BROWSER=required, but there is no Chromium");
        eprintln!("LEFT OUT: no page was looked at, for there is no Chromium on this machine");
    }
    program.map(Browser::start)
}

impl Browser {
    fn start(program: &str) -> Self {
        let profile = tempfile::tempdir().expect("a folder");
        let mut child = Command::new("sh")
            .arg("-c")
            .arg("exec \"$0\" \"$@\" 3<&0 4>&1 0</dev/null 1>/dev/null 2>/dev/null")
            .arg(program)
            .args([
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--no-first-run",
                "--remote-debugging-pipe",
            ])
            .args([
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-dev-shm-usage",
            ])
            .args(["--force-prefers-reduced-motion", "--hide-scrollbars", "--lang=en-US"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell");
        let to = child.stdin.take().expect("piped");
        let mut out = BufReader::new(child.stdout.take().expect("piped"));
        let (told, from) = channel();
        // Ends with the browser, whose end of the pipe closes.
        thread::spawn(move || {
            let mut message = Vec::new();
            while out.read_until(0, &mut message).is_ok_and(|read| read > 0) {
                message.pop();
                let Ok(json) = serde_json::from_slice(&message) else { break };
                if told.send(json).is_err() {
                    break;
                }
                message.clear();
            }
        });
        let mut browser = Self {
            child,
            to,
            from,
            session: String::new(),
            next: 0,
            events: Vec::new(),
            complaints: Vec::new(),
            asked: Vec::new(),
            _profile: profile,
        };
        let page = browser.call("Target.createTarget", json!({ "url": "about:blank" }));
        let attach = json!({ "targetId": page["targetId"], "flatten": true });
        let session = browser.call("Target.attachToTarget", attach);
        browser.session = session["sessionId"].as_str().expect("a session").to_owned();
        for domain in ["Page", "Runtime", "Log", "DOM", "Accessibility"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        browser.call("Network.enable", json!({ "maxPostDataSize": 16 << 20 }));
        browser.size(1440, 900);
        browser
    }

    /// Makes a call and waits for its answer.
    pub(crate) fn call(&mut self, method: &str, params: Json) -> Json {
        self.attempt(method, params).unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    /// As [`Browser::call`], for what a page that is being left cannot answer.
    fn attempt(&mut self, method: &str, params: Json) -> Result<Json, Json> {
        self.next += 1;
        let id = self.next;
        let mut message = json!({ "id": id, "method": method, "params": params });
        if !self.session.is_empty() {
            message["sessionId"] = json!(self.session);
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        self.to.write_all(&bytes).and_then(|()| self.to.flush()).expect("the browser reads");
        let until = Instant::now() + PATIENCE;
        loop {
            let mut answer = self.next_message(until, method);
            if answer["id"] == id {
                return match answer["error"].take() {
                    Json::Null => Ok(answer["result"].take()),
                    error => Err(error),
                };
            }
        }
    }

    fn next_message(&mut self, until: Instant, what: &str) -> Json {
        let left = until.saturating_duration_since(Instant::now());
        let message = self.from.recv_timeout(left);
        let message = message.unwrap_or_else(|error| panic!("the browser did not answer {what}: {error}"));
        self.note(&message);
        message
    }

    fn note(&mut self, message: &Json) {
        let params = &message["params"];
        match message["method"].as_str() {
            Some("Network.requestWillBeSent") => {
                let text = |json: &Json| json.as_str().unwrap_or_default().to_owned();
                let (url, body) = (text(&params["request"]["url"]), text(&params["request"]["postData"]));
                let headers = params["request"]["headers"].to_string();
                self.asked.push(Asked { url, headers, body });
            }
            Some("Runtime.exceptionThrown") => self.complaints.push(params["exceptionDetails"].to_string()),
            Some("Runtime.consoleAPICalled") if params["type"] == "error" => {
                self.complaints.push(params["args"].to_string());
            }
            Some("Log.entryAdded") if params["entry"]["level"] == "error" => {
                self.complaints.push(params["entry"].to_string());
            }
            Some(_) => self.events.push(message.clone()),
            None => {}
        }
    }

    /// Requests that went elsewhere than to this address. What stands in a `data:` address goes nowhere.
    pub(crate) fn strangers(&self, url: &str) -> Vec<&Asked> {
        self.asked
            .iter()
            .filter(|asked| !asked.url.starts_with(url) && !asked.url.starts_with("data:"))
            .collect()
    }

    /// Opens an address and waits until it has loaded.
    pub(crate) fn open(&mut self, url: &str) {
        self.events.clear();
        let answer = self.call("Page.navigate", json!({ "url": url }));
        assert!(answer["errorText"].is_null(), "{url}: {}", answer["errorText"]);
        let until = Instant::now() + PATIENCE;
        while !self.events.iter().any(|event| event["method"] == "Page.loadEventFired") {
            self.next_message(until, url);
        }
    }

    /// The value of an expression; promises are waited for.
    pub(crate) fn value(&mut self, expression: &str) -> Json {
        let mut answer = self.call("Runtime.evaluate", evaluate(expression));
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {}", answer["exceptionDetails"]);
        answer["result"]["value"].take()
    }

    /// Waits until an expression is true, on this page or on the one that follows it.
    pub(crate) fn wait(&mut self, expression: &str) {
        let until = Instant::now() + PATIENCE;
        // Between two looks the page may draw; the bound is on the whole.
        let look = format!("new Promise((tell) => setTimeout(() => tell(Boolean({expression})), 20))");
        while !self
            .attempt("Runtime.evaluate", evaluate(&look))
            .is_ok_and(|answer| answer["result"]["value"] == true)
        {
            if Instant::now() >= until {
                let text = self.text("body");
                panic!("waited in vain for {expression}; the page says:\n{text}");
            }
        }
    }

    /// What an element says.
    pub(crate) fn text(&mut self, selector: &str) -> String {
        let text = self.value(&format!("document.querySelector({})?.innerText ?? ''", json!(selector)));
        text.as_str().unwrap_or_default().to_owned()
    }

    /// Puts files into a file input, as its dialogue would.
    pub(crate) fn choose(&mut self, selector: &str, file: &Path) {
        let root = self.call("DOM.getDocument", json!({}));
        let found =
            self.call("DOM.querySelector", json!({ "nodeId": root["root"]["nodeId"], "selector": selector }));
        assert_ne!(found["nodeId"], 0, "{selector} is on the page");
        self.call("DOM.setFileInputFiles", json!({ "files": [file], "nodeId": found["nodeId"] }));
    }

    /// Types into a field, or chooses from a list, as people do: the field is asked for its change.
    pub(crate) fn fill(&mut self, selector: &str, text: &str) {
        let (selector, text) = (json!(selector), json!(text));
        let done = self.value(&format!(
            "(() => {{ const field = document.querySelector({selector}); if (!field) return false; field.focus(); \
             field.value = {text}; if (field.value !== {text}) return false; \
             field.dispatchEvent(new Event('input', {{ bubbles: true }})); \
             field.dispatchEvent(new Event('change', {{ bubbles: true }})); return true; }})()"
        ));
        assert_eq!(done, true, "{selector} takes {text}");
    }

    /// Presses a button or follows a link.
    pub(crate) fn click(&mut self, selector: &str) {
        let chosen = json!(selector);
        let done = self.value(&format!(
            "(() => {{ const it = document.querySelector({chosen}); if (!it || it.disabled) return false; it.click(); return true; }})()"
        ));
        assert_eq!(done, true, "{selector} can be pressed");
    }

    /// Presses a key where the focus is.
    pub(crate) fn press(&mut self, key: &str) {
        let code = match key {
            "Tab" => 9,
            "Enter" => 13,
            _ => 32,
        };
        let text = if key == "Enter" { "\r" } else { "" };
        for kind in ["keyDown", "keyUp"] {
            let text = if kind == "keyDown" { text } else { "" };
            self.call(
                "Input.dispatchKeyEvent",
                json!({ "type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code, "text": text }),
            );
        }
    }

    /// Sets the size of the window, in CSS pixels.
    pub(crate) fn size(&mut self, width: u32, height: u32) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.call("Emulation.setDeviceMetricsOverride", size);
    }

    /// Light or dark.
    pub(crate) fn scheme(&mut self, scheme: &str) {
        let features = json!([
            { "name": "prefers-color-scheme", "value": scheme },
            { "name": "prefers-reduced-motion", "value": "reduce" },
        ]);
        self.call("Emulation.setEmulatedMedia", json!({ "features": features }));
    }

    /// A picture of the whole page, PNG.
    pub(crate) fn picture(&mut self) -> Vec<u8> {
        let answer =
            self.call("Page.captureScreenshot", json!({ "format": "png", "captureBeyondViewport": true }));
        let text = answer["data"].as_str().expect("a picture");
        Base64::decode_vec(text).expect("base64")
    }

    /// Keeps a picture of the page when `ORELEDGER_PICTURES` names a folder for them.
    pub(crate) fn keep_picture(&mut self, name: &str) {
        let Some(folder) = std::env::var_os("ORELEDGER_PICTURES") else { return };
        let picture = self.picture();
        let file = Path::new(&folder).join(format!("{name}.png"));
        fs::create_dir_all(&folder).and_then(|()| fs::write(&file, picture)).expect("room for pictures");
    }
}

fn evaluate(expression: &str) -> Json {
    json!({ "expression": expression, "awaitPromise": true, "returnByValue": true, "userGesture": true })
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Only this child, and its own helpers end with it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
