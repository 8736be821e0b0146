//! The demo, served for a browser: one node with the demo's ledger, and its members' keys.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use serde_json::json;

use crate::chromium::Browser;

/// A demo that serves until it is dropped.
pub(crate) struct Demo {
    child: Child,
    folder: tempfile::TempDir,
    /// Address of its node.
    pub(crate) url: String,
}

fn program() -> PathBuf {
    option_env!("CARGO_BIN_EXE_oreledger").map_or_else(
        || std::env::var_os("ORELEDGER_BIN").map_or_else(PathBuf::new, PathBuf::from),
        PathBuf::from,
    )
}

impl Demo {
    /// Tells the story and serves it.
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut child = Command::new(program())
            .args(["demo", "--nodes", "1", "--port", "0", "--dir"])
            .arg(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the demo starts");
        let mut told = BufReader::new(child.stderr.take().expect("piped")).lines();
        let serving = told.by_ref().map_while(Result::ok).any(|line| line.contains("serving until"));
        assert!(serving, "the demo ended before it served");
        // What it says later must not fill the pipe.
        std::thread::spawn(move || told.for_each(drop));
        let url =
            fs::read_to_string(folder.path().join("ledger.url")).expect("its address").trim().to_owned();
        Self { child, folder, url }
    }

    /// A file of the demo's folder.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Key file of a member.
    pub(crate) fn key(&self, member: &str) -> PathBuf {
        self.file(&format!("members/{member}.pem"))
    }

    /// Runs the command line with this demo, and returns what it prints.
    pub(crate) fn run(&self, args: &[&str]) -> String {
        let done = Command::new(program()).args(args).arg("--home").arg(self.folder.path()).output();
        let done = done.expect("the command starts");
        assert!(done.status.success(), "{args:?}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8_lossy(&done.stdout).trim().to_owned()
    }

    /// Opens a session by the page for it, with a token of the member's key.
    pub(crate) fn sign_in(&self, browser: &mut Browser, member: &str) {
        let token = self.run(&["token", "--as", member]);
        browser.call("Network.clearBrowserCookies", json!({}));
        browser.open(&format!("{}/session?lang=en", self.url));
        browser.fill("#token", &token);
        browser.click("main form button[type=submit]");
        browser.wait(&format!("document.querySelector('.who')?.innerText.includes({})", json!(member)));
    }

    /// Opens a page of the node and waits until its script, if it has one, is ready.
    pub(crate) fn open(&self, browser: &mut Browser, path: &str) {
        browser.open(&format!("{}{path}", self.url));
        browser.wait(
            "[...document.querySelectorAll('#entry, #verify')].every((it) => it.dataset.ready === 'yes')",
        );
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether the node has pages of this route; which those are is for `ore-web` to say.
pub(crate) fn served(route: &str) -> bool {
    ore_web::ROUTES.contains(&route)
}

/// The whole of a file.
pub(crate) fn bytes(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
