//! From a plan to a report: everything happens, is healed, and is written down.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use ore_consensus::ValidatorEntry;
use ore_custody::Custody;
use ore_node::faults::FaultCount;
use ore_record::rules::Rules;
use tokio::{task::JoinSet, time::Instant};

use crate::{
    app::Journal,
    clients::{Ack, Client, Known, newest},
    cluster::Cluster,
    dice::Dice,
    net::{Book, Net},
    plan::{Act, Plan, Planted, Vice, Weather},
    tongue::Tongue,
    world::World,
};

/// Longest time from healing to the end, under virtual time.
const SETTLES_WITHIN: Duration = Duration::from_secs(240);
const CLIENTS: u64 = 3;

/// A block as it is stored, and what the ledger said of its height.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    /// First height of the set that decided it.
    pub(crate) term: u64,
    pub(crate) rules: Rules,
    pub(crate) header: Bytes,
    pub(crate) certificate: Bytes,
    pub(crate) entries: Vec<Bytes>,
}

/// What one honest member holds at the end.
#[derive(Debug)]
pub(crate) struct Holding {
    pub(crate) member: String,
    /// From genesis.
    pub(crate) blocks: Vec<Stored>,
    pub(crate) journal: Journal,
    /// What fsck says of its folder.
    pub(crate) damage: Option<String>,
    /// Whom it holds what against, from its last life.
    pub(crate) faults: Vec<FaultCount>,
}

/// Everything that the invariants are held against.
pub(crate) struct Report {
    pub(crate) plan: Plan,
    pub(crate) validators: Vec<ValidatorEntry>,
    pub(crate) policy: ore_checkpoint::Policy,
    pub(crate) honest: Vec<Holding>,
    pub(crate) known: Known,
    pub(crate) book: Book,
    /// What the dishonest member's processes made durable; they too store only what is certified.
    pub(crate) liars: Vec<Journal>,
    /// Newest height when everything was healed.
    pub(crate) healed_at: u64,
    /// Whether all honest members came to the same end in time.
    pub(crate) settled: bool,
    pub(crate) frames: u64,
    pub(crate) virtual_ms: u64,
}

impl Report {
    /// Names of the members that never lie.
    pub(crate) fn honest_names(&self) -> Vec<&str> {
        self.honest.iter().map(|holding| holding.member.as_str()).collect()
    }

    /// Name of the member that lies; empty if none does.
    pub(crate) fn liar_name(&self) -> String {
        let names: Vec<_> = self.validators.iter().map(|validator| validator.member.clone()).collect();
        self.plan.liar.map(|(liar, _)| names[liar].clone()).unwrap_or_default()
    }

    /// Ids of the blocks that the most advanced honest member holds.
    pub(crate) fn decided(&self) -> Vec<[u8; 32]> {
        let longest = self.honest.iter().max_by_key(|holding| holding.blocks.len());
        let ids = |holding: &Holding| {
            holding.blocks.iter().map(|block| ore_record::state::block_id(&block.header)).collect()
        };
        longest.map(ids).unwrap_or_default()
    }

    pub(crate) fn acks(&self) -> &[Ack] {
        &self.known.acks
    }
}

/// Lives through a plan, on a reactor of its own under virtual time.
pub(crate) fn live(plan: &Plan) -> Report {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .expect("a reactor");
    runtime.block_on(happen(plan.clone()))
}

async fn happen(plan: Plan) -> Report {
    let world = World::new(plan.members, plan.rules());
    let validators = world.validators();
    let mut names: Vec<usize> = (0..plan.members).collect();
    if let Some((liar, Vice::Twins)) = plan.liar {
        names.push(liar);
    }
    let net = Net::new(plan.seed, plan.weather, &world, names.clone());
    if let Some((liar, vice)) = plan.liar {
        net.give_tongue(Tongue::new(&world, liar, vice, plan.seed));
    }
    let mut cluster = Cluster::new(plan.clone(), world, net, &names);
    for n in 0..cluster.count() {
        cluster.start(n).await;
    }
    let known = Arc::new(Mutex::new(Known::default()));
    let healed = Arc::new(AtomicBool::new(false));
    let mut clients = start_clients(&cluster, &plan, &known, &healed);
    for (at, act) in &plan.acts {
        tokio::time::sleep_until(cluster.began() + Duration::from_millis(*at)).await;
        perform(&mut cluster, act).await;
    }
    tokio::time::sleep_until(cluster.began() + Duration::from_millis(plan.heal_ms)).await;
    if plan.planted != Planted::NoHealing {
        heal(&mut cluster).await;
        if plan.planted == Planted::LoneCheckpoint {
            cluster.publish_alone(plan.honest()[0]);
        }
        healed.store(true, Ordering::Relaxed);
    }
    let healed_at = newest(&cluster.doors);
    let settled = tokio::time::timeout(SETTLES_WITHIN, settle(&cluster, &plan, &mut clients, &known));
    let settled = settled.await.is_ok();
    clients.abort_all();
    report(cluster, plan, validators, &known, healed_at, settled).await
}

fn start_clients(
    cluster: &Cluster,
    plan: &Plan,
    known: &Arc<Mutex<Known>>,
    healed: &Arc<AtomicBool>,
) -> JoinSet<()> {
    let mut clients = JoinSet::new();
    let records = plan.records.div_ceil(CLIENTS);
    let client = |number: u64| Client {
        member: cluster.world.members[number as usize % plan.members].clone(),
        number,
        records,
        pause_ms: 2 * plan.heal_ms / records,
        dice: Dice::new(plan.seed.wrapping_mul(31) + number),
        doors: Arc::clone(&cluster.doors),
        known: Arc::clone(known),
        began: cluster.began(),
        honest: plan.honest(),
        healed: Arc::clone(healed),
    };
    for number in 0..CLIENTS {
        clients.spawn(client(number).work());
    }
    if let Some(at_ms) = plan.votes_ms {
        let change = cluster.world.change_of(Rules::NEWEST);
        clients.spawn(client(CLIENTS).vote(at_ms, cluster.world.members.clone(), change));
    }
    clients
}

async fn perform(cluster: &mut Cluster, act: &Act) {
    // A twin shares its member's fate at the socket, not its machine.
    match act {
        Act::Kill(n) => cluster.kill(*n).await,
        Act::Stop(n) => cluster.stop(*n).await,
        Act::PowerCut(n) => cluster.cut_power(*n).await,
        Act::KillAll => {
            for n in 0..cluster.count() {
                cluster.kill(n).await;
            }
        }
        Act::Start(n) => cluster.start(*n).await,
        Act::Cut(from, to) => cluster.net.cut(from, to),
        Act::Mend => cluster.net.mend(),
        Act::Disk(n, takes_ms) => cluster.slow_disk(*n, *takes_ms),
        Act::Copy => cluster.copy_all(),
        Act::RestoreAll => cluster.restore_all().await,
    }
}

async fn heal(cluster: &mut Cluster) {
    cluster.net.mend();
    cluster.net.set_weather(Weather::FAIR);
    for n in 0..cluster.count() {
        cluster.slow_disk(n, 0);
        cluster.start(n).await;
    }
}

/// All programs have their answers, and all honest members hold the same and have published it.
async fn settle(cluster: &Cluster, plan: &Plan, clients: &mut JoinSet<()>, known: &Mutex<Known>) {
    while let Some(ended) = clients.join_next().await {
        ended.expect("a program does not panic");
    }
    let height = |n: &usize| cluster.door(*n).map_or(0, |door| door.ledger.newest.borrow().height);
    // Whoever answered may be a block ahead of the others.
    let answered = {
        let known = known.lock().expect("nothing panics there");
        known.acks.iter().map(|ack| ack.place.height).max().unwrap_or(0)
    };
    loop {
        let heights: Vec<u64> = plan.honest().iter().map(height).collect();
        let published = |n: &usize| {
            let published = |door: crate::cluster::Door| {
                door.ledger.published.borrow().tree_size == door.ledger.tree_size()
            };
            cluster.door(*n).is_some_and(published)
        };
        let level = heights.iter().all(|height| *height == heights[0] && *height >= answered);
        if level && plan.honest().iter().all(published) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn report(
    mut cluster: Cluster,
    plan: Plan,
    validators: Vec<ValidatorEntry>,
    known: &Mutex<Known>,
    healed_at: u64,
    settled: bool,
) -> Report {
    let virtual_ms = Instant::now().duration_since(cluster.began()).as_millis() as u64;
    let mut blocks = BTreeMap::new();
    for n in plan.honest() {
        // Without healing some do not run; what they hold is on their disks.
        cluster.start(n).await;
        let door = cluster.door(n).expect("started");
        let custody = door.ledger.custody.read().await;
        blocks.insert(n, (blocks_of(&door.ledger.reader, &custody), door.ledger.faults.list()));
    }
    for n in 0..cluster.count() {
        cluster.kill(n).await;
    }
    let asked = plan.seed as usize % plan.honest().len();
    let mut honest = Vec::new();
    for (place, n) in plan.honest().into_iter().enumerate() {
        let damage = if place == asked { fsck(&mut cluster, n).await } else { None };
        let (blocks, faults) = blocks.remove(&n).unwrap_or_default();
        honest.push(Holding {
            member: cluster.world.members[n].clone(),
            blocks,
            faults,
            journal: std::mem::take(&mut *cluster.journal(n).lock().expect("nothing panics there")),
            damage,
        });
    }
    let liars = (0..cluster.count()).filter(|n| !plan.honest().contains(n));
    let liars = liars.map(|n| std::mem::take(&mut *cluster.journal(n).lock().expect("nothing panics there")));
    let liars = liars.collect();
    let (book, frames) = (cluster.net.book(), cluster.net.frames());
    let known = std::mem::take(&mut *known.lock().expect("nothing panics there"));
    let policy = cluster.world.consortium.policy().expect("our own policy");
    Report { plan, validators, policy, honest, known, book, liars, healed_at, settled, frames, virtual_ms }
}

fn blocks_of(reader: &ore_store::Reader, custody: &Custody) -> Vec<Stored> {
    let newest = reader.newest().map_or(0, |(header, _)| header.height);
    let block = |height| {
        let block = reader.block(height).expect("a readable log").expect("every height up to the newest");
        Stored {
            term: custody.validators_at(height).map_or(0, |set| set.from_height),
            rules: custody.rules_at(height, Rules::NEWEST).expect("rules that this program knows"),
            header: block.header,
            certificate: block.certificate,
            entries: block.entries,
        }
    };
    (0..=newest).map(block).collect()
}

/// Recomputes everything from the bytes of one member's folder: records, rules, trees, state roots.
async fn fsck(cluster: &mut Cluster, process: usize) -> Option<String> {
    let options = ore_store::FsckOptions {
        genesis: Some(cluster.world.genesis.id),
        after_crash: true,
        signs: false,
        ..ore_store::FsckOptions::default()
    };
    for _ in 0..10_000 {
        match ore_store::fsck(cluster.data(process), &options, &ore_store::silent) {
            Ok(report) => return report.damage.map(|damage| damage.to_string()),
            Err(ore_store::StoreError::Locked { .. }) => tokio::time::sleep(Duration::from_millis(1)).await,
            Err(error) => return Some(error.to_string()),
        }
    }
    Some("the folder is never let go".into())
}
