//! Four processes under load, killed and stopped at random, all at once included; one of them unplugged; lines that
//! are slow, lossy or work one way only. They end with one log, nobody has signed twice, and callers saw retries alone.

use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use ore_store::{Store, StoreOptions, silent};

use crate::{
    callers::Callers,
    four::{Four, MEMBERS},
    image::Image,
    process::{NodeProcess, signal},
    world::{Dice, ORIGIN, say, setting, turn, until},
};

/// Seconds of chaos without being asked for another number.
const SECONDS: u64 = 20;

/// What becomes of a node for a while.
#[derive(Clone, Copy, PartialEq)]
enum Fate {
    Killed,
    Stopped,
}

/// Waits until all nodes hold equally many entries, at least so many.
fn level(nodes: &[NodeProcess], least: u64) -> u64 {
    let entries = |node: &NodeProcess| node.metric("ledger_integrated_entries");
    let what = "four nodes with equally many entries";
    until(what, || {
        let first = entries(&nodes[0])?;
        (first >= least && nodes.iter().all(|node| entries(node) == Some(first))).then_some(first)
    })
}

/// Stops all and holds their disks against each other and against every acknowledgement.
pub(crate) fn agree(four: &Four, callers: &Callers, nodes: Vec<NodeProcess>) -> u64 {
    let acks = callers.acks();
    let newest = acks.keys().max().copied().unwrap_or(0);
    level(&nodes, newest + 1);
    for (n, node) in nodes.into_iter().enumerate() {
        assert!(!node.accused(), "{} saw somebody sign twice: {}", MEMBERS[n], node.log());
        node.stop();
    }
    let mut digests = BTreeSet::new();
    for (n, member) in MEMBERS.iter().enumerate() {
        four.assert_clean(n);
        let (store, _) =
            Store::open(&four.data(n), &StoreOptions::new(ORIGIN), &silent).expect("a stopped node's store");
        let reader = store.reader();
        let size = reader.size();
        digests.insert((size.get(), reader.root_at(size).expect("its own size").to_string()));
        for (leaf, record) in &acks {
            let entry = reader.entry(*leaf).expect("readable");
            assert!(
                entry.is_some_and(|entry| entry == record.entry()),
                "{member} has something else at leaf {leaf}, which was acknowledged"
            );
        }
    }
    assert_eq!(digests.len(), 1, "one log: {digests:?}");
    digests.first().map_or(0, |(size, _)| *size)
}

fn start_all(four: &Four, callers: &Callers) -> Vec<NodeProcess> {
    let mut nodes: Vec<_> = (0..4).map(|n| four.spawn(n)).collect();
    for (n, node) in nodes.iter_mut().enumerate() {
        node.wait_until_up().unwrap_or_else(|why| panic!("{} does not start: {why}", MEMBERS[n]));
        callers.learn(n, node);
    }
    nodes
}

/// Waits until so many more records are acknowledged.
pub(crate) async fn more(callers: &Callers, count: usize) {
    let from = callers.acknowledged();
    let end = Instant::now() + Duration::from_secs(60);
    while callers.acknowledged() < from + count {
        assert!(Instant::now() < end, "{count} more acknowledgements did not come within a minute");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn four_nodes_killed_and_stopped_at_random_under_load_end_with_one_log() {
    let _turn = turn().await;
    let (started, mut dice) = (Instant::now(), Dice::cast("chaos"));
    let lasts = Duration::from_secs(setting("ORELEDGER_CHAOS_S", SECONDS));
    let four = Arc::new(Four::on_loopback());
    let callers = Callers::new(&four);
    let mut nodes = start_all(&four, &callers);
    let calling = callers.start();
    more(&callers, 20).await;
    let (mut turns, mut kills, mut stops, mut all_at_once) = (0_u64, 0_u64, 0_u64, 0_u64);
    while started.elapsed() < lasts || all_at_once < 2 {
        // The third and the sixth of every six turns are for all at once.
        turns += 1;
        let all = turns.is_multiple_of(3);
        let fate = if all && turns.is_multiple_of(2) || !all && dice.roll(2) == 0 {
            Fate::Stopped
        } else {
            Fate::Killed
        };
        let subset = if all { 15 } else { 1 + dice.roll(14) };
        let some: Vec<usize> = (0..4).filter(|n| subset >> n & 1 == 1).collect();
        all_at_once += u64::from(all);
        for n in &some {
            assert!(!nodes[*n].accused(), "{} saw somebody sign twice", MEMBERS[*n]);
            match fate {
                Fate::Killed => nodes[*n].kill(),
                Fate::Stopped => signal(nodes[*n].id(), "STOP"),
            }
        }
        tokio::time::sleep(Duration::from_millis(dice.roll(1_500))).await;
        for n in &some {
            match fate {
                Fate::Killed => {
                    kills += 1;
                    nodes[*n] = four.spawn(*n);
                }
                Fate::Stopped => {
                    stops += 1;
                    signal(nodes[*n].id(), "CONT");
                }
            }
        }
        if fate == Fate::Killed {
            for n in &some {
                let up = nodes[*n].wait_until_up();
                up.unwrap_or_else(|why| panic!("{} does not start again: {why}", MEMBERS[*n]));
                callers.learn(*n, &nodes[*n]);
            }
        }
        // Sometimes the next blow comes before they have found each other.
        if dice.roll(3) > 0 {
            more(&callers, 1 + dice.roll(20) as usize).await;
        }
    }
    more(&callers, 20).await;
    callers.end(calling).await;
    let size = agree(&four, &callers, nodes);
    say(&format!(
        "chaos: {kills} kills and {stops} stops in {turns} turns, {all_at_once} of them all four at once; {} records \
         acknowledged, {} retries, one log of {size} entries, nobody signed twice; {:.1} s",
        callers.acknowledged(),
        callers.retries.load(Ordering::Relaxed),
        started.elapsed().as_secs_f64()
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_four_loses_its_power_and_nobody_else_notices() {
    let _turn = turn().await;
    let (started, mut dice) = (Instant::now(), Dice::cast("power cut of one"));
    let four = Arc::new(Four::on_loopback());
    let Some(mut image) = Image::make("power cut of one", four.beside("image-0"), 96, &four.data(3)) else {
        return;
    };
    let callers = Callers::new(&four);
    let mut nodes = start_all(&four, &callers);
    let calling = callers.start();
    let cuts = 3;
    for cut in 1..=cuts {
        more(&callers, 10 + dice.roll(60) as usize).await;
        tokio::time::sleep(Duration::from_micros(dice.roll(15_000))).await;
        image.cut_power();
        nodes[3].kill();
        // Three are enough.
        more(&callers, 20).await;
        image.replace_by_copy(four.beside(&format!("image-{cut}")));
        nodes[3] = four.start(3);
        callers.learn(3, &nodes[3]);
    }
    more(&callers, 20).await;
    callers.end(calling).await;
    let size = agree(&four, &callers, nodes);
    image.unmount();
    say(&format!(
        "power cut of one: {cuts} cuts, {} records acknowledged, {} retries, one log of {size} entries; {:.1} s",
        callers.acknowledged(),
        callers.retries.load(Ordering::Relaxed),
        started.elapsed().as_secs_f64()
    ));
}

/// Four networks of their own and the callers', joined by a bridge; taken down when dropped.
struct Lines {
    mark: String,
    /// The bridge's stand-in while lines are bad and the kernel has no netem.
    switch: Option<Child>,
}

fn ip(arguments: &str) -> Result<(), String> {
    run("ip", arguments)
}

fn run(program: &str, arguments: &str) -> Result<(), String> {
    match Command::new(program).args(arguments.split(' ')).output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => {
            Err(format!("{program} {arguments}: {}", String::from_utf8_lossy(&output.stderr).trim()))
        }
        Err(error) => Err(format!("{program}: {error}")),
    }
}

impl Lines {
    fn make() -> Result<Self, String> {
        let lines = Self { mark: format!("or{}", std::process::id() % 100_000), switch: None };
        let mark = &lines.mark;
        ip(&format!("link add {mark}b type bridge"))?;
        ip(&format!("link set {mark}b up"))?;
        ip(&format!("link add {mark}c type veth peer name {mark}v4"))?;
        ip(&format!("addr add 10.77.113.254/24 dev {mark}c"))?;
        ip(&format!("link set {mark}c up"))?;
        ip(&format!("link set {mark}v4 master {mark}b up"))?;
        for n in 0..4 {
            ip(&format!("netns add {mark}n{n}"))?;
            ip(&format!("link add {mark}v{n} type veth peer name eth0 netns {mark}n{n}"))?;
            ip(&format!("link set {mark}v{n} master {mark}b up"))?;
            ip(&format!("-n {mark}n{n} addr add {} dev eth0", Self::address(n).ip().to_string() + "/24"))?;
            ip(&format!("-n {mark}n{n} link set lo up"))?;
            ip(&format!("-n {mark}n{n} link set eth0 up"))?;
        }
        Ok(lines)
    }

    fn address(n: usize) -> SocketAddr {
        SocketAddr::from(([10, 77, 113, n as u8 + 1], 8722))
    }

    fn below(&self, n: usize) -> Vec<String> {
        ["ip", "netns", "exec", &format!("{}n{n}", self.mark)].map(str::to_owned).to_vec()
    }

    /// 100 ms and one frame in a hundred lost on what each node sends; says by whom.
    fn make_bad(&mut self) -> Result<&'static str, String> {
        let by_kernel = (0..4).try_for_each(|n| {
            let inside = format!("netns exec {}n{n} tc", self.mark);
            run("ip", &format!("{inside} qdisc add dev eth0 root netem delay 100ms loss 1%"))
        });
        match by_kernel {
            Ok(()) => Ok("netem"),
            Err(why) => self.stand_in().map(|()| "a switch of ours").map_err(|ours| format!("{why}; {ours}")),
        }
    }

    /// Takes the lines off the bridge and passes their frames on by a program.
    fn stand_in(&mut self) -> Result<(), String> {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/processes/bad_lines.py");
        let ends = [4, 0, 1, 2, 3].map(|n| format!("{}v{n}", self.mark));
        let started = Command::new("python3")
            .args([script, "0.1", "0.01"])
            .args(&ends)
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("python3: {error}"))?;
        let switch = self.switch.insert(started);
        let mut ready = String::new();
        let said = switch.stdout.take().ok_or("no output")?;
        BufReader::new(said).read_line(&mut ready).map_err(|error| error.to_string())?;
        if ready.trim() != "ready" {
            return Err("the switch did not start".to_owned());
        }
        ends.iter().try_for_each(|end| ip(&format!("link set {end} nomaster")))
    }

    fn make_good(&mut self) -> Result<(), String> {
        if self.switch.is_none() {
            return (0..4).try_for_each(|n| {
                run("ip", &format!("netns exec {}n{n} tc qdisc del dev eth0 root", self.mark))
            });
        }
        (0..5).try_for_each(|n| ip(&format!("link set {}v{n} master {}b", self.mark, self.mark)))?;
        self.end_switch();
        Ok(())
    }

    fn end_switch(&mut self) {
        if let Some(mut switch) = self.switch.take() {
            let _ = switch.kill();
            let _ = switch.wait();
        }
    }

    /// What the first sends to the second goes nowhere; the other way works.
    fn cut(&self, from: usize, to: usize) -> Result<(), String> {
        ip(&format!("-n {}n{from} route add blackhole {}/32", self.mark, Self::address(to).ip()))
    }

    fn mend(&self, from: usize, to: usize) -> Result<(), String> {
        ip(&format!("-n {}n{from} route del blackhole {}/32", self.mark, Self::address(to).ip()))
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        self.end_switch();
        for n in 0..4 {
            let _ = ip(&format!("netns del {}n{n}", self.mark));
        }
        let _ = ip(&format!("link del {}c", self.mark));
        let _ = ip(&format!("link del {}b", self.mark));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_that_are_slow_lossy_or_one_way_delay_four_nodes_and_divide_nobody() {
    let _turn = turn().await;
    let (started, mut dice) = (Instant::now(), Dice::cast("lines"));
    let mut lines = match Lines::make() {
        Ok(lines) => lines,
        Err(why) => return say(&format!("lines: LEFT OUT, networks of their own need root: {why}")),
    };
    let addresses = [0, 1, 2, 3].map(Lines::address);
    let four = Arc::new(Four::at(addresses, [0, 1, 2, 3].map(|n| lines.below(n))));
    let callers = Callers::new(&four);
    let nodes = start_all(&four, &callers);
    let calling = callers.start();
    more(&callers, 20).await;
    let (fast, from) = (started.elapsed(), Instant::now());
    let bad = match lines.make_bad() {
        Ok(by) => {
            more(&callers, 40).await;
            lines.make_good().expect("as it was made");
            let took = from.elapsed().as_secs_f64();
            format!("40 records in {took:.1} s with 100 ms and 1 % loss by {by}")
        }
        Err(why) => {
            say(&format!("lines: delay and loss LEFT OUT, {why}"));
            "no delay".to_owned()
        }
    };
    let mut cuts = 0;
    for _ in 0..4 {
        // A member whose words do not reach two others, which it hears.
        let from = dice.roll(4) as usize;
        let others: Vec<usize> = (1..3).map(|step| (from + step) % 4).collect();
        for to in &others {
            lines.cut(from, *to).expect("a route");
            cuts += 1;
        }
        tokio::time::sleep(Duration::from_millis(500 + dice.roll(2_000))).await;
        more(&callers, 5).await;
        for to in &others {
            lines.mend(from, *to).expect("the same route");
        }
        more(&callers, 5).await;
    }
    callers.end(calling).await;
    let size = agree(&four, &callers, nodes);
    say(&format!(
        "lines: {:.1} s to begin, {bad}, {cuts} lines cut one way; {} records acknowledged, {} retries, one log of \
         {size} entries; {:.1} s",
        fast.as_secs_f64(),
        callers.acknowledged(),
        callers.retries.load(Ordering::Relaxed),
        started.elapsed().as_secs_f64()
    ));
}
