//! The demo's consortium: one process a node, each with its own folder, keys and ledger.
//!
//! A node ends when its standard input does, so none outlives the demo, however the demo ends.

use std::{
    fs,
    io::{BufRead, BufReader, Write as _},
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use ore_node::{Consortium, NodeKeys, genesis};
use ore_record::v1;
use tokio::sync::oneshot;

use crate::{
    failure::Failure,
    verbs::{init::Founder, init::first_block, node::broken},
};

/// In the demo folder: a folder a node.
pub(crate) const NODES_FOLDER: &str = "nodes";
/// In a node's folder: what it says to its operator.
const LOG: &str = "node.log";
/// Longest time until a node serves, its catching up not counted.
const START: Duration = Duration::from_secs(60);
/// Longest time for an orderly stop, a little more than the node's own.
const STOP: Duration = Duration::from_secs(15);

/// Nodes of several organisations.
pub(crate) struct Fleet {
    nodes: Vec<Node>,
}

/// One of them.
struct Node {
    member: String,
    home: PathBuf,
    url: String,
    process: Option<Child>,
}

/// A free port of the loopback; taken by whoever comes first, which is rarely anybody else.
fn free() -> Result<SocketAddr, Failure> {
    TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr()).map_err(|e| broken(&e))
}

/// Makes a folder for each founder's node. Each makes its own keys; what they share is public.
pub(crate) fn make(
    dir: &Path,
    origin: &str,
    founders: &[Founder],
    facilities: Vec<(usize, v1::Facility)>,
) -> Result<(), Failure> {
    let mut nodes = Vec::new();
    for founder in founders {
        let keys = NodeKeys::generate().map_err(|error| broken(&error))?;
        nodes.push((founder.member.id.as_str(), keys, free()?));
    }
    let validators =
        nodes.iter().map(|(member, keys, peer)| keys.validator(member, &peer.to_string())).collect();
    let genesis = first_block(origin, founders, facilities, validators)?;
    let consortium =
        Consortium::of_genesis(origin, genesis.id, &genesis.validators).map_err(|error| broken(&error))?;
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    for (member, keys, peer) in &nodes {
        let home = dir.join(NODES_FOLDER).join(member);
        genesis::install(&home, &genesis, &consortium, keys, member, any, any)
            .map_err(|error| broken(&error))?;
        set(&home.join("node.toml"), "peer_listen", &peer.to_string())?;
        open(&home.join("node.toml"))?;
    }
    let trust = dir.join(crate::context::TRUST_FILE);
    fs::write(&trust, consortium.to_text()).map_err(|e| Failure::file("write", &trust, &e))
}

/// Opens a node of the demo to every reader, so that a browser shows its pages at once: what it tells is made up, and
/// it listens on the loopback alone.
pub(crate) fn open(path: &Path) -> Result<(), Failure> {
    set(path, "read", "everybody")
}

/// Sets one field of a node's configuration.
fn set(path: &Path, field: &str, value: &str) -> Result<(), Failure> {
    let text = fs::read_to_string(path).map_err(|e| Failure::file("read", path, &e))?;
    let line = format!("{field} = \"{value}\"");
    let is_field = |line: &&str| line.split('=').next().is_some_and(|name| name.trim() == field);
    let mut lines: Vec<&str> = text.lines().filter(|line| !is_field(line)).collect();
    lines.push(&line);
    fs::write(path, lines.join("\n") + "\n").map_err(|e| Failure::file("write", path, &e))
}

impl Fleet {
    /// Starts every node of a demo folder; the first takes `port` when it is asked for, or when it is free.
    pub(crate) async fn start(dir: &Path, asked: Option<u16>, default: u16) -> Result<Self, Failure> {
        let folder = dir.join(NODES_FOLDER);
        let entries = fs::read_dir(&folder).map_err(|e| Failure::file("read", &folder, &e))?;
        let mut members: Vec<String> = entries
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter(|member| folder.join(member).join("node.toml").exists())
            .collect();
        members.sort();
        // The one by whose node the demo reads comes first.
        members.sort_by_key(|member| member != crate::story::cast::READER);
        let mut fleet = Self { nodes: Vec::new() };
        let mut urls = Vec::new();
        for member in members {
            let home = folder.join(&member);
            if fleet.nodes.is_empty() {
                let free = TcpListener::bind(("127.0.0.1", default)).is_ok();
                let port = asked.unwrap_or(if free { default } else { 0 });
                set(&home.join("node.toml"), "listen", &format!("127.0.0.1:{port}"))?;
            }
            let mut node = Node { member, home, url: String::new(), process: None };
            urls.push(node.launch()?);
            fleet.nodes.push(node);
        }
        for (node, url) in fleet.nodes.iter_mut().zip(urls) {
            node.serving(url).await?;
        }
        Ok(fleet)
    }

    /// How many.
    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Where the first one listens.
    pub(crate) fn url(&self) -> &str {
        self.nodes.first().map_or("", |node| &node.url)
    }

    /// Member, address and folder of each.
    pub(crate) fn nodes(&self) -> impl Iterator<Item = (&str, &str, &Path)> {
        self.nodes.iter().map(|node| (node.member.as_str(), node.url.as_str(), node.home.as_path()))
    }

    /// Kills the last one, as a power cut would: it has no time for anything.
    pub(crate) fn kill_last(&mut self) -> Option<&str> {
        let node = self.nodes.last_mut()?;
        let mut process = node.process.take()?;
        process.kill().and_then(|()| process.wait()).ok()?;
        Some(&node.member)
    }

    /// Starts the last one again.
    pub(crate) async fn start_last(&mut self) -> Result<(), Failure> {
        let Some(node) = self.nodes.last_mut() else { return Ok(()) };
        let url = node.launch()?;
        node.serving(url).await
    }

    /// Stops all of them in order.
    pub(crate) async fn stop(mut self) -> Result<(), Failure> {
        for node in &mut self.nodes {
            drop(node.process.as_mut().and_then(|process| process.stdin.take()));
        }
        for node in &mut self.nodes {
            node.ended().await?;
        }
        Ok(())
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        for node in &mut self.nodes {
            if let Some(mut process) = node.process.take() {
                // It may have ended by itself.
                let _ = process.kill();
                let _ = process.wait();
            }
        }
    }
}

impl Node {
    /// Starts the process. The answer is its address, as soon as it says it.
    fn launch(&mut self) -> Result<oneshot::Receiver<String>, Failure> {
        let program = std::env::current_exe().map_err(|error| broken(&error))?;
        let log = self.home.join(LOG);
        let mut file = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&log)
            .map_err(|e| Failure::file("write", &log, &e))?;
        let mut process = Command::new(program)
            .args(["node", "--while-stdin-is-open", "--log", "warn", "--config"])
            .arg(self.home.join("node.toml"))
            .env("NO_COLOR", "1")
            .env_remove("ORELEDGER_LOG")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| broken(&error))?;
        let said = process.stderr.take();
        self.process = Some(process);
        let (tell, told) = oneshot::channel();
        // Ends with the process: somebody must read what it says, or it would wait for us.
        std::thread::spawn(move || {
            let mut tell = Some(tell);
            for line in said.map(BufReader::new).into_iter().flat_map(BufRead::lines).map_while(Result::ok) {
                let _ = writeln!(file, "{line}");
                let url = line.split_whitespace().find(|word| word.starts_with("http://"));
                if let (true, Some(url)) = (line.contains("serving at"), url)
                    && let Some(tell) = tell.take()
                {
                    let _ = tell.send(url.trim_end_matches(';').to_owned());
                }
            }
        });
        Ok(told)
    }

    async fn serving(&mut self, url: oneshot::Receiver<String>) -> Result<(), Failure> {
        match tokio::time::timeout(START, url).await {
            Ok(Ok(url)) => {
                self.url = url;
                Ok(())
            }
            Ok(Err(_)) | Err(_) => Err(Failure::refused(
                format_args!("the node of {} did not start", self.member),
                format_args!("{} says why", self.home.join(LOG).display()),
            )),
        }
    }

    /// Waits for the end that it was asked for.
    async fn ended(&mut self) -> Result<(), Failure> {
        let Some(mut process) = self.process.take() else { return Ok(()) };
        let waiting = tokio::time::Instant::now();
        // Until it has ended, or took too long.
        loop {
            match process.try_wait() {
                Ok(Some(status)) if status.success() => return Ok(()),
                Ok(None) if waiting.elapsed() < STOP => {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                ended => {
                    let _ = process.kill();
                    let _ = process.wait();
                    let how = match ended {
                        Ok(Some(status)) => status.to_string(),
                        _ => format!("not within {STOP:?}"),
                    };
                    return Err(Failure::refused(
                        format_args!("the node of {} did not stop in order: {how}", self.member),
                        format_args!(
                            "{} says why; nothing acknowledged is lost",
                            self.home.join(LOG).display()
                        ),
                    ));
                }
            }
        }
    }
}
