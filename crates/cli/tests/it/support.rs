//! Running the command, and a ledger for it to talk to.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

/// The command with an environment that is the same everywhere.
pub(crate) fn oreledger(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_oreledger"));
    command.current_dir(folder).env("NO_COLOR", "1").env_remove("COLUMNS").stdin(Stdio::null());
    for name in ["HOME", "URL", "TRUST", "MEMBER", "KEY", "PASSPHRASE", "LOG", "TOKEN", "TLS_CA"] {
        command.env_remove(format!("ORELEDGER_{name}"));
    }
    command
}

/// Runs to the end.
pub(crate) fn run(folder: &Path, arguments: &[&str]) -> Output {
    oreledger(folder).args(arguments).output().expect("the command runs")
}

/// Runs to the end, which must be a success; stdout.
pub(crate) fn ok(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    assert!(output.status.success(), "{arguments:?}\n{}{}", out(&output), err(&output));
    out(&output)
}

pub(crate) fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub(crate) fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Asks a process to end, as Ctrl-C does, and waits for it.
pub(crate) fn interrupt(child: &mut Child) -> std::process::ExitStatus {
    let id = child.id().to_string();
    let sent = Command::new("kill").args(["-INT", &id]).status().expect("kill is there");
    assert!(sent.success());
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        if let Some(status) = child.try_wait().expect("the process can be asked") {
            return status;
        }
        assert!(Instant::now() < end, "the process does not stop within a minute");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Reads a stream until a line holds a text; the lines read.
pub(crate) fn read_until(reader: &mut impl BufRead, text: &str) -> String {
    let mut all = String::new();
    loop {
        let mut line = String::new();
        let read = reader.read_line(&mut line).expect("the stream can be read");
        assert!(read > 0, "the stream ended before {text:?}:\n{all}");
        all.push_str(&line);
        if line.contains(text) {
            return all;
        }
    }
}

/// A ledger of three members on this machine, stopped when dropped.
pub(crate) struct TestLedger {
    pub(crate) folder: tempfile::TempDir,
    node: Child,
    pub(crate) url: String,
}

impl TestLedger {
    /// mine-a (AU), refiner-a (JP) and mine-b (BR), each with a facility `<member>/site`.
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        ok(
            folder.path(),
            &[
                "init",
                "ledger",
                "--origin",
                "test.example/metals",
                "--unencrypted",
                "--listen",
                "127.0.0.1:0",
                "--admin-listen",
                "127.0.0.1:0",
                "--founder",
                "mine-a:AU:miner+concentrator:Mine A",
                "--founder",
                "refiner-a:JP:refiner:Refiner A",
                "--founder",
                "mine-b:BR:miner:Mine B",
            ],
        );
        let mut node = oreledger(folder.path())
            .args(["node", "--config", "ledger/node.toml", "--log", "error"])
            .stderr(Stdio::piped())
            .spawn()
            .expect("the node starts");
        let mut errors = BufReader::new(node.stderr.take().expect("piped"));
        let line = read_until(&mut errors, "serving at");
        let url = line.split_whitespace().find(|word| word.starts_with("http")).expect("an address");
        let url = url.trim_end_matches(';').to_owned();
        // Somebody must read what the node says, or it would wait for us.
        std::thread::spawn(move || std::io::copy(&mut errors, &mut std::io::sink()));
        let ledger = Self { folder, node, url };
        for (member, kind, country) in
            [("mine-a", "mine", "AU"), ("refiner-a", "refinery", "JP"), ("mine-b", "mine", "BR")]
        {
            let site = format!("{member}/site");
            ledger.ok(&[
                "facility",
                "register",
                &site,
                "--name",
                "Site",
                "--kind",
                kind,
                "--country",
                country,
                "--latitude",
                "-21.0",
                "--longitude",
                "118.9",
                "--as",
                member,
                "--yes",
                "--wait",
                "integrated",
            ]);
        }
        ledger
    }

    fn arguments<'a>(&'a self, arguments: &[&'a str]) -> Vec<&'a str> {
        [arguments, &["--home", "ledger", "--ledger", &self.url]].concat()
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = oreledger(self.folder.path());
        command.args(self.arguments(arguments));
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        run(self.folder.path(), &self.arguments(arguments))
    }

    pub(crate) fn ok(&self, arguments: &[&str]) -> String {
        ok(self.folder.path(), &self.arguments(arguments))
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).expect("the folder can be written");
        path
    }
}

impl Drop for TestLedger {
    fn drop(&mut self) {
        let _ = self.node.kill();
        let _ = self.node.wait();
    }
}
