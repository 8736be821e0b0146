//! The engine's write-ahead log actor over [`WalFile`], and the rule for when it may stay silent.
//!
//! A log protects others from hearing two things from one member. In a height that this member decides
//! alone, and in heights below what the log has seen (a node restored from an old copy), nothing that it
//! signs is sent at all; then nothing is written either. See [`Voice`].

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use malachite::app::consensus::Input;
use malachite::app::engine::wal::Msg;
use ractor::{Actor, ActorProcessingErr, ActorRef};

use super::codec::{LogEntry, decode_log_entry, encode_log_body, encode_log_input};
use super::vocabulary::{Address, Body, Height, Ledger};
use crate::device::LogDevice;
use crate::wal_file::{WalError, WalFile};

/// Whether what this member signs leaves the process, at the height in progress.
#[derive(Debug, Default)]
pub(crate) struct Voice(AtomicBool);

impl Voice {
    pub(crate) fn set(&self, heard: bool) {
        self.0.store(heard, Ordering::SeqCst);
    }

    pub(crate) fn is_heard(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// The log, shared by the engine's actor and the driver, which puts bodies into it.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    member: Address,
    file: Arc<Mutex<WalFile>>,
    voice: Arc<Voice>,
    failure: Arc<Mutex<Option<String>>>,
    device: Option<Arc<dyn LogDevice>>,
}

impl Log {
    pub(crate) fn new(
        member: &str,
        file: WalFile,
        voice: Arc<Voice>,
        device: Option<Arc<dyn LogDevice>>,
    ) -> Self {
        let member = Address::new(member);
        Self { member, file: Arc::new(Mutex::new(file)), voice, failure: Arc::default(), device }
    }

    fn file(&self) -> MutexGuard<'_, WalFile> {
        // A panic while it was held cannot leave half a change: every field is set after its write.
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Height of what is on disk.
    pub(crate) fn height(&self) -> Option<u64> {
        self.file().height()
    }

    pub(crate) fn syncs(&self) -> u64 {
        self.file().syncs()
    }

    /// Bodies that the last process logged for this height.
    ///
    /// # Errors
    /// An entry whose checksum holds but which this version cannot read.
    pub(crate) fn bodies(&self, height: u64) -> Result<Vec<Body>, super::codec::BadFrame> {
        let mut bodies = Vec::new();
        for entry in self.file().found(height) {
            if let LogEntry::Body(body) = decode_log_entry(entry)? {
                bodies.push(body);
            }
        }
        Ok(bodies)
    }

    /// Logs a body before anything is said about it; durable with the first vote or proposal that follows.
    pub(crate) fn append_body(&self, body: &Body) -> Result<(), WalError> {
        if !self.voice.is_heard() {
            return Ok(());
        }
        let mut file = self.file();
        file.begin(body.height.0);
        file.append(body.height.0, &encode_log_body(body), false).inspect_err(|e| self.note(e))
    }

    /// Why the engine hangs, if it is because of this log.
    pub(crate) fn failure(&self) -> Option<String> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn begin(&self, height: Height) -> Vec<io::Result<Input<Ledger>>> {
        if !self.voice.is_heard() {
            return Vec::new();
        }
        let found = {
            let mut file = self.file();
            file.begin(height.0);
            file.found(height.0)
        };
        found.into_iter().filter_map(input_of).collect()
    }

    fn append(&self, height: Height, input: &Input<Ledger>) -> Result<(), WalError> {
        if !self.voice.is_heard() {
            return Ok(());
        }
        let Some(entry) = encode_log_input(input) else {
            return Ok(());
        };
        let ours = match input {
            Input::Vote(vote) => vote.message.member == self.member,
            Input::Proposal(proposal) => proposal.message.member == self.member,
            _ => false,
        };
        self.file().append(height.0, &entry, ours).inspect_err(|e| self.note(e))
    }

    /// Off the reactor: a device may take many milliseconds.
    async fn sync(&self) -> Result<(), WalError> {
        if !self.voice.is_heard() {
            return Ok(());
        }
        if let Some(device) = &self.device {
            if self.file().owes() {
                tokio::time::sleep(device.flush_takes()).await;
                self.file().flushed_by(device.as_ref());
            }
            return Ok(());
        }
        let log = self.clone();
        let synced = tokio::task::spawn_blocking(move || log.file().sync()).await;
        match synced {
            Ok(result) => result.inspect_err(|e| self.note(e)),
            // The runtime is shutting down: nothing may be said any more.
            Err(e) => Err(WalError::Io {
                doing: "sync",
                path: "(runtime stopped)".into(),
                source: io::Error::other(e),
            }),
        }
    }

    fn note(&self, error: &WalError) {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        let cause = std::error::Error::source(error).map(|c| format!(": {c}")).unwrap_or_default();
        failure.get_or_insert_with(|| format!("{error}{cause}"));
    }
}

fn input_of(entry: Bytes) -> Option<io::Result<Input<Ledger>>> {
    match decode_log_entry(entry) {
        Ok(LogEntry::Input(input)) => Some(Ok(*input)),
        Ok(LogEntry::Body(_)) => None,
        Err(e) => Some(Err(io::Error::new(io::ErrorKind::InvalidData, e))),
    }
}

/// The actor that the engine talks to.
pub(crate) struct LogActor;

#[ractor::async_trait]
impl Actor for LogActor {
    type Msg = Msg<Ledger>;
    type State = (Log, Option<Height>);
    type Arguments = Log;

    async fn pre_start(&self, _: ActorRef<Self::Msg>, log: Log) -> Result<Self::State, ActorProcessingErr> {
        Ok((log, None))
    }

    /// Every message is answered, also when it failed: the engine then hangs rather than speak. An
    /// asker that is gone needs no answer.
    async fn handle(
        &self,
        _: ActorRef<Self::Msg>,
        message: Self::Msg,
        (log, current): &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            Msg::StartedHeight(height, reply) => {
                let entries = if *current == Some(height) { Vec::new() } else { log.begin(height) };
                *current = Some(height);
                let _ = reply.send(Ok(entries));
            }
            // Only for members without a vote, who write nothing. A restart of a height by itself is never
            // asked for: it would forget what was said.
            Msg::Reset(height, reply) => {
                *current = Some(height);
                let _ = reply.send(Ok(()));
            }
            Msg::Append(height, input, reply) => {
                let _ = reply.send(log.append(height, &input).map_err(Into::into));
            }
            Msg::Flush(reply) => {
                let _ = reply.send(log.sync().await.map_err(Into::into));
            }
            Msg::Dump => {}
        }
        Ok(())
    }
}
