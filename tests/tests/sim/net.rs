//! The network between the nodes: it delays, loses, repeats and reorders, and notes what everybody signs.
//!
//! What becomes of a frame follows from the seed and from what the frame is (a vote of which height and round, from
//! whom to whom, for the how manieth time), not from the order of events, so that one frame more or less elsewhere
//! changes nothing for the others.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use bytes::Bytes;
use ore_consensus::{
    FrameKind, Inbound, Outbound, Transport, TransportPeer,
    danger_forge::{Ballot, Said, Statement, read},
};
use ore_node::publisher::Inbox;
use tokio::{sync::mpsc, time::Instant};

use crate::{
    dice::{Dice, name},
    plan::Weather,
    tongue::Tongue,
    world::{ORIGIN, World},
};

/// The network; clones are the same network.
#[derive(Clone)]
pub(crate) struct Net(Arc<Mutex<Inner>>);

/// What somebody may say only one of, and all that was said.
pub(crate) type Book = BTreeMap<(String, u64, u32, Ballot), BTreeSet<(Option<[u8; 32]>, Option<u32>)>>;

struct Inner {
    seed: u64,
    weather: Weather,
    /// Member of each process: a twin is a second process of its member.
    names: Vec<usize>,
    members: Vec<String>,
    keys: BTreeMap<String, [u8; 32]>,
    places: BTreeMap<usize, Place>,
    generation: u64,
    /// Directed, between members.
    cut: BTreeSet<(usize, usize)>,
    requests: BTreeMap<u64, Asked>,
    next_request: u64,
    /// How often the same frame was sent from here to there.
    repeated: BTreeMap<u64, u64>,
    tongue: Option<Tongue>,
    book: Book,
    frames: u64,
    began: Instant,
}

/// How far nodes are is told at round times: the engine's own times for it have a jitter that no seed decides.
const STATUS_EVERY_MS: u64 = 250;

struct Place {
    inbound: mpsc::Sender<Inbound>,
    generation: u64,
    /// Where cosignatures of others go.
    inbox: Option<Inbox>,
    /// Where records that others pass on go.
    records: Option<Taker>,
}

/// Takes records from a member.
pub(crate) type Taker = Box<dyn FnMut(&str, Bytes) + Send>;

/// What nodes tell each other beside the engine.
#[derive(Clone)]
pub(crate) enum Beside {
    Cosignature(Vec<u8>),
    Records(Bytes),
}

impl Beside {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Cosignature(bytes) => bytes,
            Self::Records(bytes) => bytes,
        }
    }
}

struct Asked {
    by: usize,
    generation: u64,
    id: u64,
}

/// One frame to one process.
pub(crate) struct Letter {
    pub(crate) to: usize,
    pub(crate) inbound: Inbound,
}

impl Net {
    /// For processes of these members.
    pub(crate) fn new(seed: u64, weather: Weather, world: &World, names: Vec<usize>) -> Self {
        let keys = world.validators().into_iter().map(|entry| (entry.member, entry.public_key)).collect();
        Self(Arc::new(Mutex::new(Inner {
            seed,
            weather,
            names,
            members: world.members.clone(),
            keys,
            places: BTreeMap::new(),
            generation: 0,
            cut: BTreeSet::new(),
            requests: BTreeMap::new(),
            next_request: 0,
            repeated: BTreeMap::new(),
            tongue: None,
            book: Book::new(),
            frames: 0,
            began: Instant::now(),
        })))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().expect("nothing panics while it holds the network")
    }

    pub(crate) fn give_tongue(&self, tongue: Tongue) {
        self.lock().tongue = Some(tongue);
    }

    pub(crate) fn with_tongue(&self, change: impl FnOnce(&mut Tongue)) {
        if let Some(tongue) = self.lock().tongue.as_mut() {
            change(tongue);
        }
    }

    pub(crate) fn cut(&self, from: &BTreeSet<usize>, to: &BTreeSet<usize>) {
        let mut inner = self.lock();
        for from in from {
            inner.cut.extend(to.iter().map(|to| (*from, *to)));
        }
    }

    pub(crate) fn mend(&self) {
        self.lock().cut.clear();
    }

    pub(crate) fn set_weather(&self, weather: Weather) {
        self.lock().weather = weather;
    }

    /// Everything that was signed and sent.
    pub(crate) fn book(&self) -> Book {
        self.lock().book.clone()
    }

    pub(crate) fn frames(&self) -> u64 {
        self.lock().frames
    }

    /// Connects a process; the returned future carries its frames until its engine is gone.
    pub(crate) fn join(&self, process: usize) -> (Transport, impl Future<Output = ()> + Send + use<>) {
        let (transport, TransportPeer { outbound, inbound }) = Transport::channel();
        let generation = {
            let mut inner = self.lock();
            inner.generation += 1;
            let generation = inner.generation;
            let ours = inner.names[process];
            for (other, place) in &inner.places {
                if inner.names[*other] != ours {
                    let peer = inner.members[inner.names[*other]].clone();
                    let _ = inbound.try_send(Inbound::Connected { peer });
                    let peer = inner.members[ours].clone();
                    let _ = place.inbound.try_send(Inbound::Connected { peer });
                }
            }
            inner.places.insert(process, Place { inbound, generation, inbox: None, records: None });
            generation
        };
        (transport, self.clone().carry(process, generation, outbound))
    }

    /// Gives a process the way on which others' cosignatures reach it.
    pub(crate) fn give_inbox(&self, process: usize, inbox: Inbox) {
        if let Some(place) = self.lock().places.get_mut(&process) {
            place.inbox = Some(inbox);
        }
    }

    /// Gives a process the way on which records that others pass on reach it.
    pub(crate) fn give_taker(&self, process: usize, taker: Taker) {
        if let Some(place) = self.lock().places.get_mut(&process) {
            place.records = Some(taker);
        }
    }

    /// Carries what nodes tell each other beside the engine. It may be lost, as everything.
    pub(crate) fn send_beside(&self, from: usize, to: Option<&str>, message: &Beside) {
        let mut inner = self.lock();
        let others: Vec<usize> = inner.places.keys().copied().filter(|n| *n != from).collect();
        for other in others {
            if to.is_some_and(|to| inner.members[inner.names[other]] != to) {
                continue;
            }
            let generation = inner.places[&other].generation;
            if let Some(delay) = inner.fate_beside(from, other, message.bytes()) {
                let (net, message) = (self.clone(), message.clone());
                tokio::spawn(async move {
                    tokio::time::sleep(delay).await;
                    let mut inner = net.lock();
                    let line = (inner.names[from], inner.names[other]);
                    let sender = inner.members[inner.names[from]].clone();
                    let whole = !inner.cut.contains(&line);
                    let place = inner.places.get_mut(&other);
                    let Some(place) = place.filter(|place| whole && place.generation == generation) else {
                        return;
                    };
                    match (message, &place.inbox, &mut place.records) {
                        (Beside::Cosignature(bytes), Some(inbox), _) => drop(inbox.put(&sender, &bytes)),
                        (Beside::Records(bytes), _, Some(take)) => take(&sender, bytes),
                        _ => {}
                    }
                });
            }
        }
    }

    /// Cuts a process off at once, as its end would.
    pub(crate) fn leave(&self, process: usize) {
        let mut inner = self.lock();
        if inner.places.remove(&process).is_some() {
            let ours = inner.names[process];
            let twin = inner.places.keys().any(|other| inner.names[*other] == ours);
            for (other, place) in inner.places.iter().filter(|_| !twin) {
                if inner.names[*other] != ours {
                    let peer = inner.members[ours].clone();
                    let _ = place.inbound.try_send(Inbound::Disconnected { peer });
                }
            }
        }
    }

    async fn carry(self, process: usize, generation: u64, mut outbound: mpsc::Receiver<Outbound>) {
        while let Some(frame) = outbound.recv().await {
            let letters = {
                let mut inner = self.lock();
                if inner.places.get(&process).is_none_or(|place| place.generation != generation) {
                    return;
                }
                inner.post(process, generation, frame)
            };
            for (delay, generation, letter) in letters {
                tokio::spawn(self.clone().deliver(process, delay, generation, letter));
            }
        }
    }

    async fn deliver(self, from: usize, delay: Duration, generation: u64, letter: Letter) {
        tokio::time::sleep(delay).await;
        let inner = self.lock();
        let line = (inner.names[from], inner.names[letter.to]);
        if let Some(place) = inner.places.get(&letter.to)
            && place.generation == generation
            && !inner.cut.contains(&line)
        {
            // A queue that is full loses frames, as a transport that lags does.
            let _ = place.inbound.try_send(letter.inbound);
        }
    }
}

impl Inner {
    /// Notes, lets the dishonest member lie, and decides the fate of each copy.
    fn post(&mut self, from: usize, generation: u64, frame: Outbound) -> Vec<(Duration, u64, Letter)> {
        let mut letters = self.letters(from, generation, frame);
        let ours = self.names[from];
        let liar = self.tongue.as_ref().is_some_and(|tongue| tongue.member() == ours);
        if let Some(tongue) = self.tongue.as_mut() {
            letters = if liar { tongue.speak(letters) } else { tongue.overhear(letters) };
        }
        let mut noted = BTreeSet::new();
        let mut posted = Vec::new();
        for letter in letters {
            if let Inbound::Frame { kind, bytes, .. } = &letter.inbound
                && noted.insert((*kind, bytes.clone()))
            {
                self.note(*kind, bytes);
            }
            for delay in self.fate(from, &letter) {
                let copy = Letter { to: letter.to, inbound: letter.inbound.clone() };
                let generation = self.places.get(&letter.to).map_or(0, |place| place.generation);
                posted.push((delay, generation, copy));
            }
        }
        self.frames += posted.len() as u64;
        posted
    }

    fn processes_of(&self, peer: &str) -> Vec<usize> {
        self.places.keys().copied().filter(|n| self.members[self.names[*n]] == peer).collect()
    }

    fn letters(&mut self, from: usize, generation: u64, frame: Outbound) -> Vec<Letter> {
        let ours = self.names[from];
        let peer = self.members[ours].clone();
        match frame {
            Outbound::Broadcast { kind, bytes } => {
                let others = self.places.keys().copied().filter(|n| self.names[*n] != ours);
                let inbound = || Inbound::Frame { peer: peer.clone(), kind, bytes: bytes.clone() };
                others.map(|to| Letter { to, inbound: inbound() }).collect()
            }
            Outbound::Send { peer: to, kind, bytes } => {
                let inbound = || Inbound::Frame { peer: peer.clone(), kind, bytes: bytes.clone() };
                self.processes_of(&to).into_iter().map(|to| Letter { to, inbound: inbound() }).collect()
            }
            Outbound::Request { peer: to, id, bytes } => {
                let Some(to) = self.processes_of(&to).first().copied() else { return Vec::new() };
                let number = self.next_request;
                self.next_request += 1;
                self.requests.insert(number, Asked { by: from, generation, id });
                vec![Letter { to, inbound: Inbound::Request { peer, id: number, bytes } }]
            }
            Outbound::Response { id, bytes, .. } => {
                let Some(asked) = self.requests.remove(&id) else { return Vec::new() };
                let alive = self.places.get(&asked.by).is_some_and(|p| p.generation == asked.generation);
                let letter = Letter { to: asked.by, inbound: Inbound::Response { id: asked.id, bytes } };
                alive.then_some(letter).into_iter().collect()
            }
            Outbound::CancelRequest { .. } => Vec::new(),
        }
    }

    fn note(&mut self, kind: FrameKind, bytes: &Bytes) {
        let Said::Statement(statement) = read(kind, bytes) else { return };
        let Some(key) = self.keys.get(&statement.member) else { return };
        if statement.is_signed(ORIGIN, key) {
            let Statement { member, height, round, ballot, id, pol_round, .. } = statement;
            self.book.entry((member, height, round, ballot)).or_default().insert((id, pol_round));
        }
    }

    /// One delay for each copy that arrives.
    fn fate(&mut self, from: usize, letter: &Letter) -> Vec<Duration> {
        let (kind, about) = match &letter.inbound {
            Inbound::Frame { kind: FrameKind::Status, bytes, .. }
                if matches!(read(FrameKind::Status, bytes), Said::Else) =>
            {
                return self.fate_of_status(from, letter);
            }
            Inbound::Frame { kind, bytes, .. } => (*kind as u8, about(*kind, bytes)),
            Inbound::Request { .. } => (10, Vec::new()),
            Inbound::Response { .. } => (11, Vec::new()),
            Inbound::Connected { .. } | Inbound::Disconnected { .. } => (12, Vec::new()),
        };
        let what = name(self.seed, &[&[from as u8, letter.to as u8, kind], &about]);
        let again = self.repeated.entry(what).or_insert(0);
        *again += 1;
        let mut dice = Dice::new(name(what, &[&again.to_be_bytes()]));
        let weather = self.weather;
        let line = (self.names[from], self.names[letter.to]);
        // Catch-up runs over calls that are answered or fail, so what it asks is lost with the line alone.
        if self.cut.contains(&line) || (kind < 10 && dice.chance(weather.lost)) {
            return Vec::new();
        }
        let copies = if kind < 10 && dice.chance(weather.twice) { 2 } else { 1 };
        let mut delay = || {
            let base = dice.between(weather.least_ms, weather.most_ms + 1);
            let factor = if dice.chance(weather.late) { 10 } else { 1 };
            // Microseconds from the frame itself keep two arrivals from falling together.
            Duration::from_micros(base * factor * 1000 + dice.below(1000))
        };
        (0..copies).map(|_| delay()).collect()
    }

    fn fate_beside(&mut self, from: usize, to: usize, message: &[u8]) -> Option<Duration> {
        let what = name(self.seed, &[&[from as u8, to as u8, 20], message]);
        let again = self.repeated.entry(what).or_insert(0);
        *again += 1;
        let mut dice = Dice::new(name(what, &[&again.to_be_bytes()]));
        let weather = self.weather;
        let lost = self.cut.contains(&(self.names[from], self.names[to])) || dice.chance(weather.lost);
        (!lost).then(|| Duration::from_millis(dice.between(weather.least_ms, weather.most_ms + 1)))
    }

    fn fate_of_status(&self, from: usize, letter: &Letter) -> Vec<Duration> {
        if self.cut.contains(&(self.names[from], self.names[letter.to])) {
            return Vec::new();
        }
        let now = self.began.elapsed().as_millis() as u64;
        let (weather, link) = (self.weather, 7 * from as u64 + letter.to as u64);
        let due = (now / STATUS_EVERY_MS + 1) * STATUS_EVERY_MS + weather.least_ms + link;
        vec![Duration::from_millis(due - now)]
    }
}

/// What a frame is about, apart from what it says.
fn about(kind: FrameKind, bytes: &Bytes) -> Vec<u8> {
    match read(kind, bytes) {
        Said::Statement(Statement { member, height, round, ballot, .. }) => {
            let numbers = [&height.to_be_bytes()[..], &round.to_be_bytes(), &[ballot as u8]].concat();
            [&numbers[..], member.as_bytes()].concat()
        }
        Said::Body(body) => [&body.height.to_be_bytes()[..], &body.round.to_be_bytes()].concat(),
        Said::Begun(height) => height.to_be_bytes().to_vec(),
        Said::Else => Vec::new(),
    }
}
