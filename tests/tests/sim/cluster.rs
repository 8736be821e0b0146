//! The processes of a consortium: started, killed, unplugged and started again on what their disks still hold.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use ore_checkpoint::{Checkpoint, Cosigner, KeyName, NoteSigner, SignedCheckpoint, UnixSeconds};
use ore_consensus::{Engine, EngineConfig, EngineError, WalError};
use ore_node::{
    Config,
    admission::Admission,
    consortium,
    deciders::Deciders,
    gossip::{self, Listener},
    ledger::{Ledger, Newest, Published},
    pool::Pool,
    publisher::Publisher,
    recovery::{self, OpenError},
    sequencer::{Clock, Sequencer, Settings, lock},
};
use ore_peer::SideFrame;
use ore_record::rules::Rules;
use ore_store::{Store, StoreError};
use tokio::{sync::mpsc, task::JoinHandle, time::Instant};

use crate::{
    app::{Journal, SlowDisk, Watched},
    net::{Beside, Net},
    plan::{Plan, Planted},
    world::{ORIGIN, START_MS, World},
};

/// Room for records that wait, and for their bytes.
const POOL_RECORDS: usize = 1_000;
const POOL_BYTES: usize = 8 << 20;

/// What a client of a running process sees.
#[derive(Clone)]
pub(crate) struct Door {
    pub(crate) admission: Arc<Admission>,
    pub(crate) ledger: Arc<Ledger>,
}

struct Life {
    door: Door,
    store: Arc<Mutex<Store>>,
    engine: Engine,
    driver: JoinHandle<()>,
    publishing: Vec<JoinHandle<()>>,
}

/// One process: a member's node, or its twin.
struct Process {
    member: usize,
    config: Config,
    disk: Arc<SlowDisk>,
    journal: Arc<Mutex<Journal>>,
    life: Option<Life>,
    starts: u32,
}

/// Doors of the processes that run, for clients.
pub(crate) type Doors = Arc<Mutex<BTreeMap<usize, Door>>>;

/// All processes.
pub(crate) struct Cluster {
    pub(crate) world: World,
    pub(crate) net: Net,
    pub(crate) doors: Doors,
    plan: Plan,
    processes: Vec<Process>,
    copies: Option<PathBuf>,
    began: Instant,
}

/// Milliseconds since 1970 in the simulated world.
pub(crate) fn now_ms(began: Instant) -> u64 {
    START_MS + began.elapsed().as_millis() as u64
}

impl Cluster {
    /// Nobody runs yet. `names`: the member of each process.
    pub(crate) fn new(plan: Plan, world: World, net: Net, names: &[usize]) -> Self {
        let process = |(process, member): (usize, &usize)| Process {
            member: *member,
            config: world.install(process, *member),
            disk: Arc::default(),
            journal: Arc::default(),
            life: None,
            starts: 0,
        };
        let processes = names.iter().enumerate().map(process).collect();
        let (doors, copies, began) = (Doors::default(), None, Instant::now());
        Self { world, net, doors, plan, processes, copies, began }
    }

    pub(crate) fn began(&self) -> Instant {
        self.began
    }

    pub(crate) fn count(&self) -> usize {
        self.processes.len()
    }

    pub(crate) fn door(&self, process: usize) -> Option<Door> {
        self.processes[process].life.as_ref().map(|life| life.door.clone())
    }

    pub(crate) fn journal(&self, process: usize) -> Arc<Mutex<Journal>> {
        Arc::clone(&self.processes[process].journal)
    }

    pub(crate) fn data(&self, process: usize) -> &Path {
        &self.processes[process].config.data
    }

    pub(crate) fn slow_disk(&self, process: usize, takes_ms: u64) {
        self.processes[process].disk.set(takes_ms);
    }

    /// Starts a process that does not run.
    pub(crate) async fn start(&mut self, process: usize) {
        if self.processes[process].life.is_some() {
            return;
        }
        self.processes[process].starts += 1;
        let wal = self.processes[process].config.data.join("wal");
        if self.plan.planted == Planted::ForgottenLog && self.processes[process].starts > 1 {
            let _ = std::fs::remove_dir_all(&wal);
        }
        let opened = self.open(process).await;
        let config = &self.processes[process].config;
        let deciders = Deciders::of(&opened.custody, &opened.store.reader(), opened.tip.next_height())
            .expect("a readable log");
        let newest = Newest {
            height: opened.tip.height.unwrap_or_default(),
            tree_size: opened.tip.frontier.size().get(),
            time_ms: opened.tip.time_ms,
        };
        let (genesis, member) = (self.world.genesis.id, config.member.clone());
        let (reader, origin) = (opened.store.reader(), ORIGIN.to_owned());
        let ledger =
            Arc::new(Ledger::new(origin, genesis, member, opened.custody, opened.graph, reader, newest));
        let store = Arc::new(Mutex::new(opened.store));
        if self.plan.liar.is_some_and(|(liar, _)| liar == process) {
            let store = Arc::downgrade(&store);
            let tree: crate::tongue::TreeWith = Arc::new(move |leaves| {
                let store = store.upgrade();
                let with = store.map(|store| lock(&store).tree_with(leaves));
                with.map_or((0, ore_merkle::RootHash::from_bytes([0; 32])), |(size, root)| (size.get(), root))
            });
            self.net.with_tongue(|tongue| tongue.tree = Some(tree));
        }
        let publisher = self.publisher(process, &ledger, &store);
        let pool = Arc::new(Pool::default());
        let (health, metrics) = (Arc::clone(&ledger.health), Arc::clone(&ledger.metrics));
        let admission =
            Arc::new(Admission::new(Arc::clone(&pool), health, metrics, POOL_RECORDS, POOL_BYTES, 1_000));
        let (began, ahead) = (self.began, self.plan.clocks_ms[self.processes[process].member]);
        let settings = Settings {
            member: config.member.clone(),
            block_records: 1_000,
            heartbeat: Duration::from_secs(600),
            clock: Clock::of(move || now_ms(began) + ahead),
            newest_rules: Rules::NEWEST,
        };
        let mut engine_config = EngineConfig::new(
            ORIGIN,
            &config.member,
            self.world.keys[self.processes[process].member].consensus,
            wal,
        );
        engine_config.device = Some(self.processes[process].disk.clone());
        let door = Door { admission, ledger: Arc::clone(&ledger) };
        let passing_on = self.pass_on(process, &door, &pool);
        let (its_store, its_pool) = (Arc::clone(&store), Arc::clone(&pool));
        let sequencer =
            Sequencer::new(settings, ledger, its_store, its_pool, opened.tip, (deciders, opened.rules));
        let app = Watched {
            inner: sequencer,
            journal: self.journal(process),
            disk: self.processes[process].disk.clone(),
            planted: self.planted_in(process),
        };
        let taker = Listener::new(
            Arc::clone(&door.admission),
            pool,
            Arc::clone(&door.ledger),
            POOL_RECORDS,
            POOL_BYTES,
        );
        self.run(process, engine_config, app, door.clone(), store).await;
        self.take_records(process, taker, door.admission);
        if let Some(life) = self.processes[process].life.as_mut() {
            life.publishing.extend(passing_on);
        }
        if let Some(publisher) = publisher {
            self.publish(process, publisher);
        }
    }

    /// The node's own way of telling the others what its members hand in.
    fn pass_on(&self, process: usize, door: &Door, pool: &Arc<Pool>) -> [JoinHandle<()>; 2] {
        pool.share();
        let (fresh, verified) = mpsc::channel(gossip::FRESH);
        door.admission.pass_on_to(fresh);
        let (outbound, mut leaving) = mpsc::channel(1_024);
        let passing_on = gossip::pass_on(verified, outbound, Arc::clone(&door.ledger), Arc::clone(pool));
        let net = self.net.clone();
        let carrying = async move {
            while let Some((to, frame)) = leaving.recv().await {
                if let SideFrame::Records(bytes) = frame {
                    net.send_beside(process, to.as_deref(), &Beside::Records(bytes));
                }
            }
        };
        [tokio::spawn(passing_on), tokio::spawn(carrying)]
    }

    /// What the others tell it: verified where it arrives, for a simulation has one thread.
    fn take_records(&self, process: usize, mut taker: Listener, admission: Arc<Admission>) {
        let take = move |from: &str, bytes| {
            taker.take(from, bytes);
            admission.verify_waiting();
        };
        self.net.give_taker(process, Box::new(take));
    }

    /// The node's own publisher, under virtual time; a twin has none.
    fn publisher(
        &self,
        process: usize,
        ledger: &Arc<Ledger>,
        store: &Arc<Mutex<Store>>,
    ) -> Option<Arc<Publisher>> {
        let member = self.processes[process].member;
        if process != member {
            return None;
        }
        let (ledger, store) = (Arc::clone(ledger), Arc::clone(store));
        let (consortium, keys) = (&self.world.consortium, &self.world.keys[member]);
        let (name, interval) = (&self.world.members[member], Duration::from_millis(50));
        let publisher =
            Publisher::new(ledger, store, consortium, name, keys, interval).expect("a policy and keys");
        let began = self.began;
        let publisher = Arc::new(publisher.with_clock(Clock::of(move || now_ms(began))));
        publisher.resume();
        Some(publisher)
    }

    /// Connects a publisher, runs it, and notes what it publishes.
    fn publish(&mut self, process: usize, publisher: Arc<Publisher>) {
        let net = self.net.clone();
        let outbound = move |to: Option<String>, message: Vec<u8>| {
            net.send_beside(process, to.as_deref(), &Beside::Cosignature(message));
        };
        let inbox = publisher.connect(Box::new(outbound));
        self.net.give_inbox(process, inbox);
        let (journal, failing) = (self.journal(process), self.journal(process));
        let Some(life) = self.processes[process].life.as_mut() else { return };
        let mut published = life.door.ledger.published.subscribe();
        life.publishing.push(tokio::spawn(async move {
            if let Err(error) = publisher.run().await {
                failing.lock().expect("nothing panics there").failures.push(error.to_string());
            }
        }));
        life.publishing.push(tokio::spawn(async move {
            published.mark_changed();
            while published.changed().await.is_ok() {
                let note = published.borrow_and_update().note.clone();
                let notes = &mut journal.lock().expect("nothing panics there").notes;
                if !note.is_empty() && notes.last() != Some(&note) {
                    notes.push(note);
                }
            }
        }));
    }

    /// For a planted bug: a checkpoint that nobody else signed.
    pub(crate) fn publish_alone(&self, process: usize) {
        let Some(door) = self.door(process) else { return };
        let name = KeyName::new(ORIGIN).expect("a good name");
        let keys = &self.world.keys[process];
        let size = door.ledger.reader.size();
        let root = door.ledger.reader.root_at(size).expect("its own size");
        let body = Checkpoint::new(&name, size, root);
        let cosigner = consortium::cosigner_name(ORIGIN, &self.world.members[process]);
        let cosigner = Cosigner::new(KeyName::new(&cosigner).expect("a good name"), &keys.cosigner);
        let time = UnixSeconds::new(START_MS / 1000).expect("a year of this age");
        let lines =
            vec![NoteSigner::new(name, &keys.log).sign(&body.to_text()), cosigner.cosign(&body, time)];
        let signed = SignedCheckpoint::new(body, lines).expect("two good lines");
        let (tree_size, note) = (size.get(), signed.to_string().into());
        door.ledger.published.send_replace(Published { tree_size, note, checkpoint: Some(Arc::new(signed)) });
    }

    /// Some defects are everybody's, some are one member's.
    fn planted_in(&self, process: usize) -> Planted {
        let honest = self.plan.honest();
        match self.plan.planted {
            planted @ Planted::UncheckedBlocks if honest.contains(&self.processes[process].member) => planted,
            planted @ (Planted::SwappedSignatures | Planted::OtherBlock) if honest[0] == process => planted,
            _ => Planted::Nothing,
        }
    }

    /// Opens what the disk holds, once a former self has let go of it.
    async fn open(&self, process: usize) -> recovery::Opened {
        let config = &self.processes[process].config;
        for _ in 0..10_000 {
            match recovery::open(config, &self.world.consortium) {
                Ok(opened) => return opened,
                Err(OpenError::Store(StoreError::Locked { .. })) => {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                Err(error) => panic!("{error:?}"),
            }
        }
        panic!("the ledger of process {process} is never let go");
    }

    async fn run(
        &mut self,
        process: usize,
        config: EngineConfig,
        app: Watched,
        door: Door,
        store: Arc<Mutex<Store>>,
    ) {
        // The write-ahead log of a former self is let go when its actors have ended.
        wait_for_log(&config.wal_dir).await;
        let (transport, carry) = self.net.join(process);
        tokio::spawn(carry);
        let journal = self.journal(process);
        match Engine::start(config, app, transport).await {
            Ok((engine, driver)) => {
                let driver = tokio::spawn(async move {
                    if let Err(error) = driver.run().await {
                        journal.lock().expect("nothing panics there").failures.push(error.to_string());
                    }
                });
                self.doors.lock().expect("nothing panics there").insert(process, door.clone());
                let publishing = Vec::new();
                self.processes[process].life = Some(Life { door, store, engine, driver, publishing });
            }
            Err(EngineError::Wal(WalError::InUse { .. })) => panic!("the log was free a moment ago"),
            Err(error) => panic!("process {process} does not start: {error}"),
        }
    }

    /// Ends a process between two instructions.
    pub(crate) async fn kill(&mut self, process: usize) {
        self.net.leave(process);
        self.doors.lock().expect("nothing panics there").remove(&process);
        if let Some(Life { door, store, engine, driver, publishing }) = self.processes[process].life.take() {
            driver.abort();
            let _ = driver.await;
            end_all(publishing).await;
            drop((door, store, engine));
        }
    }

    /// Ends a process as its operator does: the engine stops, then the store is closed with the graph as it is.
    pub(crate) async fn stop(&mut self, process: usize) {
        self.doors.lock().expect("nothing panics there").remove(&process);
        let Some(Life { door, store, engine, driver, publishing }) = self.processes[process].life.take()
        else {
            return;
        };
        engine.shutdown().await;
        let _ = driver.await;
        self.net.leave(process);
        end_all(publishing).await;
        let closed = {
            let store = lock(&store);
            store.flush().and_then(|()| store.save_graph(&door.ledger.graph()))
        };
        if let Err(error) = closed {
            let journal = self.journal(process);
            journal.lock().expect("nothing panics there").failures.push(format!("close: {error}"));
        }
    }

    /// As [`Cluster::kill`], and what was not flushed is gone.
    pub(crate) async fn cut_power(&mut self, process: usize) {
        let ran = self.processes[process].life.is_some();
        self.kill(process).await;
        if ran {
            let wal = self.processes[process].config.data.join("wal");
            wait_for_log(&wal).await;
            self.processes[process].disk.cut_power(&wal.join("height.wal"));
        }
    }

    /// For a planted bug: remembers every disk as it is.
    pub(crate) fn copy_all(&mut self) {
        let copies = self.world.place(99);
        for (n, process) in self.processes.iter().enumerate() {
            copy_dir(&process.config.data, &copies.join(n.to_string()));
        }
        self.copies = Some(copies);
    }

    /// For a planted bug: every disk is as it was when copied.
    pub(crate) async fn restore_all(&mut self) {
        for n in 0..self.count() {
            self.kill(n).await;
        }
        let copies = self.copies.clone().expect("copied before");
        for n in 0..self.count() {
            wait_for_log(&self.data(n).join("wal")).await;
            // The store's own thread ends with the store.
            drop(self.open(n).await);
            std::fs::remove_dir_all(self.data(n)).expect("a folder of ours");
            copy_dir(&copies.join(n.to_string()), self.data(n));
            self.start(n).await;
        }
    }
}

async fn wait_for_log(folder: &Path) {
    for _ in 0..10_000 {
        let Ok(file) = std::fs::File::open(folder.join("height.wal")) else { return };
        if rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive).is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("the write-ahead log in {} is never let go", folder.display());
}

fn copy_dir(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a writable folder");
    for entry in std::fs::read_dir(from).expect("a folder of ours") {
        let entry = entry.expect("a readable folder");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a file's kind").is_dir() {
            copy_dir(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("a readable file");
        }
    }
}

async fn end_all(tasks: Vec<JoinHandle<()>>) {
    for task in tasks {
        task.abort();
        let _ = task.await;
    }
}
