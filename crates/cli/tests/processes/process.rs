//! `oreledger node` as a child process.

use std::{
    collections::VecDeque,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, RecvTimeoutError, channel},
    },
    time::{Duration, Instant},
};

use crate::world::{World, oreledger};

/// Lines of its log that are kept for a message.
const KEPT_LINES: usize = 400;
/// Longest wait for a start or an end.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running node; killed when dropped.
pub(crate) struct NodeProcess {
    child: Child,
    lines: Receiver<String>,
    kept: Arc<Mutex<VecDeque<String>>>,
    accused: Arc<AtomicBool>,
    member: Option<SocketAddr>,
    admin: Option<SocketAddr>,
}

impl NodeProcess {
    /// Starts the process and does not wait for it.
    pub(crate) fn spawn(world: &World) -> Self {
        Self::spawn_by(oreledger(), world)
    }

    /// The same, below another command such as a tracer.
    pub(crate) fn spawn_by(command: Command, world: &World) -> Self {
        Self::spawn_at(command, &world.node().join("node.toml"), &[])
    }

    /// The same, with this configuration and these options.
    pub(crate) fn spawn_at(mut command: Command, config: &Path, options: &[&str]) -> Self {
        command.arg("node").arg("--config").arg(config).args(["--log", "info", "--log-json"]).args(options);
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program runs");
        let (sender, lines) = channel();
        let kept = Arc::new(Mutex::new(VecDeque::new()));
        let keep = Arc::clone(&kept);
        let accused = Arc::new(AtomicBool::new(false));
        let accuse = Arc::clone(&accused);
        let stderr = BufReader::new(child.stderr.take().expect("piped"));
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                if line.contains("signed twice") || line.contains("misbehaviour") {
                    accuse.store(true, Ordering::Relaxed);
                }
                let mut keep = keep.lock().unwrap_or_else(PoisonError::into_inner);
                if keep.len() == KEPT_LINES {
                    keep.pop_front();
                }
                keep.push_back(line.clone());
                drop(keep);
                // Nobody listens once the node is up.
                let _ = sender.send(line);
            }
        });
        Self { child, lines, kept, accused, member: None, admin: None }
    }

    /// Starts the process and waits until it serves.
    pub(crate) fn start(world: &World) -> Self {
        let mut node = Self::spawn(world);
        node.wait_until_up().unwrap_or_else(|why| panic!("node does not start: {why}"));
        node
    }

    /// Waits until it serves; what it said if it ends instead.
    pub(crate) fn wait_until_up(&mut self) -> Result<(), String> {
        let end = Instant::now() + PATIENCE;
        // Each turn takes a line; a process that ends closes the channel.
        loop {
            match self.lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    if let Ok(event) = serde_json::from_str::<serde_json::Value>(&line) {
                        let address =
                            |name: &str| event["fields"][name].as_str().and_then(|text| text.parse().ok());
                        self.member = self.member.or(address("member_addr"));
                        self.admin = self.admin.or(address("admin_addr"));
                    }
                    if line.starts_with("serving at http://") {
                        return Ok(());
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    return Err(format!("still silent after {PATIENCE:?}: {}", self.log()));
                }
                Err(RecvTimeoutError::Disconnected) => {
                    let status = self.child.wait().expect("a child");
                    return Err(format!("{status}: {}", self.log()));
                }
            }
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.member.expect("it is up"))
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has said that a member signed two statements of which it may sign one.
    pub(crate) fn accused(&self) -> bool {
        self.accused.load(Ordering::Relaxed)
    }

    /// What it has logged so far, the end of it.
    pub(crate) fn log(&self) -> String {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().fold(String::new(), |text, line| text + line + "\n")
    }

    /// SIGKILL, and waits until it is gone.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it was running");
        self.child.wait().expect("a child");
    }

    /// Sends a signal by name.
    pub(crate) fn signal(&self, name: &str) {
        signal(self.id(), name);
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return status;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("the node did not end within {PATIENCE:?}: {}", self.log());
    }

    /// SIGTERM, an orderly end, exit code 0.
    pub(crate) fn stop(mut self) {
        self.stop_in_order();
    }

    /// The same, and keeps its place.
    pub(crate) fn stop_in_order(&mut self) {
        self.signal("TERM");
        let status = self.wait();
        assert_eq!(status.code(), Some(0), "an orderly stop: {}", self.log());
    }

    /// Status and body of a page on the admin port.
    pub(crate) fn admin(&self, path: &str) -> (u16, String) {
        let mut connection =
            TcpStream::connect(self.admin.expect("it is up")).expect("the admin port listens");
        connection.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        write!(connection, "GET {path} HTTP/1.1\r\nHost: n\r\nConnection: close\r\n\r\n").expect("sent");
        let mut text = String::new();
        connection.read_to_string(&mut text).expect("text");
        let status = text.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
        (status, text.split("\r\n\r\n").nth(1).unwrap_or_default().to_owned())
    }
}

impl NodeProcess {
    /// A number that it shows on its admin port, by name and labels.
    pub(crate) fn metric(&self, name: &str) -> Option<u64> {
        let text = self.admin("/metrics").1;
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.and_then(|number| number.trim().parse().ok())
    }
}

impl Drop for NodeProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal by name to a process that a test started.
pub(crate) fn signal(process: u32, name: &str) {
    let sent = Command::new("kill").arg(format!("-{name}")).arg(process.to_string()).status();
    assert!(sent.expect("kill is everywhere").success(), "signal {name}");
}
