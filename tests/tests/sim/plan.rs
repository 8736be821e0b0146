//! What a seed stands for: how many members, which faults, when, and who lies.

use std::{collections::BTreeSet, fmt};

use ore_record::rules::Rules;

use crate::dice::Dice;

/// How frames travel.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Weather {
    pub(crate) least_ms: u64,
    pub(crate) most_ms: u64,
    /// In a thousand.
    pub(crate) lost: u64,
    pub(crate) twice: u64,
    /// Frames that take ten times as long, and so arrive after later ones.
    pub(crate) late: u64,
}

impl Weather {
    /// A good line, which a simulation ends with.
    pub(crate) const FAIR: Self = Self { least_ms: 1, most_ms: 5, lost: 0, twice: 0, late: 0 };
}

/// Something that happens to the consortium.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// The process is killed; its disk keeps what was written.
    Kill(usize),
    /// The operator stops it; what was not decided is forgotten.
    Stop(usize),
    /// The machine loses power; its disk keeps what was flushed.
    PowerCut(usize),
    /// All at once.
    KillAll,
    Start(usize),
    /// Frames from the first to the second are lost.
    Cut(BTreeSet<usize>, BTreeSet<usize>),
    /// All lines work again.
    Mend,
    /// A flush takes so long from now on, milliseconds.
    Disk(usize, u64),
    /// For planted bugs: every folder is put back to what [`Act::Copy`] saw, then everybody starts.
    RestoreAll,
    /// For planted bugs: every folder is copied.
    Copy,
}

/// How the dishonest member lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Vice {
    /// Runs twice with one key: two votes, two valid blocks.
    Twins,
    /// Votes for one thing here and for another there.
    DoubleVotes,
    /// Sends two blocks for one round.
    TwoBodies,
    /// Sends its block to some and its proposal to all.
    Withholds,
    /// Sends noise in every kind of frame, requests and answers included.
    Garbage,
    /// Sends again what anybody sent earlier.
    Replays,
    /// Proposes a block with a record whose signature is false.
    FalseSignature,
    /// Proposes a block with a record that the rules refuse.
    FalseRecord,
    /// Proposes a block with another tree root.
    FalseTree,
    /// Proposes a block with another state root, consistently.
    FalseState,
    /// Proposes a block that names another member as its proposer.
    FalseProposer,
}

pub(crate) const VICES: [Vice; 11] = [
    Vice::Twins,
    Vice::DoubleVotes,
    Vice::TwoBodies,
    Vice::Withholds,
    Vice::Garbage,
    Vice::Replays,
    Vice::FalseSignature,
    Vice::FalseRecord,
    Vice::FalseTree,
    Vice::FalseState,
    Vice::FalseProposer,
];

/// A defect that is put in on purpose, so that a test can show that it is found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Planted {
    #[default]
    Nothing,
    /// Nodes forget their write-ahead log when they restart.
    ForgottenLog,
    /// Stores lose blocks that were acknowledged.
    LostBlocks,
    /// Honest members vote for every block without looking at it.
    UncheckedBlocks,
    /// The lines are never mended.
    NoHealing,
    /// A member stores certificates with two signatures swapped.
    SwappedSignatures,
    /// A member publishes a checkpoint that it alone signed.
    LoneCheckpoint,
    /// A member stores another block than the decided one.
    OtherBlock,
}

/// Everything that a seed decides.
#[derive(Clone)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) members: usize,
    pub(crate) weather: Weather,
    /// In order of time, milliseconds after the start.
    pub(crate) acts: Vec<(u64, Act)>,
    /// When everything is mended, everybody started and the weather fair.
    pub(crate) heal_ms: u64,
    pub(crate) liar: Option<(usize, Vice)>,
    /// Records that are submitted before and during the faults.
    pub(crate) records: u64,
    /// How far each member's clock is ahead, milliseconds.
    pub(crate) clocks_ms: Vec<u64>,
    /// When the members vote for the newest rules, milliseconds after the start.
    pub(crate) votes_ms: Option<u64>,
    pub(crate) planted: Planted,
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}: {} members, {:?}", self.seed, self.members, self.weather)?;
        writeln!(f, "  liar {:?}, planted {:?}, healed at {} ms", self.liar, self.planted, self.heal_ms)?;
        writeln!(f, "  founded under {:?}, votes at {:?} ms", self.rules(), self.votes_ms)?;
        self.acts.iter().try_for_each(|(at, act)| writeln!(f, "  {at:>6} ms {act:?}"))
    }
}

impl Plan {
    /// The world of a seed.
    pub(crate) fn of(seed: u64) -> Self {
        let mut dice = Dice::new(seed ^ 0x0bad_5eed);
        let members = if dice.chance(100) { 7 } else { 4 };
        let faulty = (members - 1) / 3;
        let liar = dice.chance(500).then(|| (dice.below(members as u64) as usize, *dice.pick(&VICES)));
        let weather = weather(&mut dice);
        let heal_ms = dice.between(5_000, 12_000);
        let acts = acts(&mut dice, members, faulty, heal_ms);
        let clocks_ms = (0..members).map(|_| dice.below(400)).collect();
        let (records, planted) = (dice.between(16, 40), Planted::Nothing);
        // Half of those that are founded under the first rules.
        let votes_ms = seed.is_multiple_of(4).then(|| dice.between(500, heal_ms));
        Self { seed, members, weather, acts, heal_ms, liar, records, clocks_ms, votes_ms, planted }
    }

    /// Nothing happens but work.
    pub(crate) fn calm(seed: u64) -> Self {
        let clocks_ms = vec![0; 4];
        let weather = Weather { most_ms: 20, ..Weather::FAIR };
        let (acts, liar, planted) = (Vec::new(), None, Planted::Nothing);
        let (heal_ms, records, votes_ms) = (3_000, 20, None);
        Self { seed, members: 4, weather, acts, heal_ms, liar, records, clocks_ms, votes_ms, planted }
    }

    pub(crate) fn with(mut self, planted: Planted) -> Self {
        self.planted = planted;
        self
    }

    /// By which rules the ledger is founded: every other seed by the newest.
    pub(crate) fn rules(&self) -> Rules {
        if self.seed.is_multiple_of(2) { Rules::V1 } else { Rules::NEWEST }
    }

    /// Members that say nothing false.
    pub(crate) fn honest(&self) -> Vec<usize> {
        (0..self.members).filter(|n| self.liar.is_none_or(|(liar, _)| liar != *n)).collect()
    }
}

fn weather(dice: &mut Dice) -> Weather {
    match dice.below(4) {
        0 => Weather { least_ms: 1, most_ms: 20, ..Weather::FAIR },
        1 => Weather { least_ms: 5, most_ms: 120, late: 30, twice: 20, ..Weather::FAIR },
        2 => Weather { least_ms: 1, most_ms: 60, lost: dice.between(5, 80), late: 20, twice: 20 },
        _ => Weather { least_ms: 20, most_ms: 250, lost: dice.between(5, 30), late: 50, twice: 50 },
    }
}

/// Most of the time at most a third is down or cut off; now and then everybody is.
fn acts(dice: &mut Dice, members: usize, faulty: usize, heal_ms: u64) -> Vec<(u64, Act)> {
    let mut acts = Vec::new();
    let mut at = dice.between(300, 1_500);
    while at + 1_000 < heal_ms {
        let lasts = dice.between(300, 5_000).min(heal_ms - at - 100);
        let some = |dice: &mut Dice, count: usize| -> BTreeSet<usize> {
            (0..count).map(|_| dice.below(members as u64) as usize).collect()
        };
        match dice.below(10) {
            0..=2 => {
                let stopped = dice.chance(400);
                for n in some(dice, faulty) {
                    acts.push((at, if stopped { Act::Stop(n) } else { Act::Kill(n) }));
                    acts.push((at + lasts, Act::Start(n)));
                }
            }
            3 | 4 => {
                for n in some(dice, 1 + faulty) {
                    acts.push((at, Act::PowerCut(n)));
                    acts.push((at + dice.between(1, lasts), Act::Start(n)));
                }
            }
            5 => {
                acts.push((at, Act::KillAll));
                acts.extend((0..members).map(|n| (at + dice.between(1, 800), Act::Start(n))));
            }
            6 | 7 => {
                let from = some(dice, members / 2);
                let to: BTreeSet<_> = (0..members).filter(|n| !from.contains(n)).collect();
                acts.push((at, Act::Cut(from.clone(), to.clone())));
                // Half of them one way only.
                if dice.chance(500) {
                    acts.push((at, Act::Cut(to, from)));
                }
                acts.push((at + lasts, Act::Mend));
            }
            _ => {
                let n = dice.below(members as u64) as usize;
                acts.push((at, Act::Disk(n, dice.between(5, 1_500))));
                acts.push((at + lasts, Act::Disk(n, 0)));
            }
        }
        at += dice.between(200, 4_000);
    }
    acts.sort_by_key(|(at, _)| *at);
    acts
}
