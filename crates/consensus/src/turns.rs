//! Whose turn it is: every height goes round the set, and so do the rounds of one height.
//!
//! Members that propose nothing are asked last, so that a dead one does not cost the others its timeout at each of its
//! turns. Who that is follows from committed headers alone, in which each proposer names itself and nobody else
//! ([`crate::Candidate::turns`]): all nodes agree on it, and a member is put last only by what it left undone. To keep
//! an honest member's block from being decided in its round takes more than a third of the power, or the network; a
//! word of another member against it counts for nothing.
//!
//! Nobody is left out: whoever is put last still has its round at every height, and now and then a roll call asks those
//! who are silent before the others, from which a member that is back is heard again.
//!
//! The order is a rule of the ledger: it follows the version of the rules ([`Rules`]) that is in force at the height.

use std::collections::{BTreeSet, VecDeque};

use ore_record::rules::Rules;

use crate::certificate::ValidatorEntry;

/// Plain turns in which a member must have been heard: two, so that one late block puts nobody last.
const TURNS_HEARD: usize = 2;
/// Every so many times round the set is a roll call.
const ROLL_CALL: u64 = 64;

/// How many of the newest headers matter to a set of this many members.
#[must_use]
pub const fn headers_that_matter(members: usize) -> usize {
    TURNS_HEARD * members
}

/// Whom the headers of one term name as their proposers: what the turns of the next height follow from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heard {
    /// First height that the set of this term decides.
    from_height: u64,
    /// Oldest first, at most [`headers_that_matter`].
    proposers: VecDeque<String>,
}

impl Heard {
    /// Nobody yet, in a term that begins with this height.
    #[must_use]
    pub const fn since(from_height: u64) -> Self {
        Self { from_height, proposers: VecDeque::new() }
    }

    /// The set of a term that began with this height decides next: of another term, nobody was heard.
    pub fn enter(&mut self, from_height: u64) {
        if self.from_height != from_height {
            *self = Self::since(from_height);
        }
    }

    /// A block was decided in this term, by a set of so many members; its header names `proposer`.
    pub fn name(&mut self, proposer: String, members: usize) {
        self.proposers.push_back(proposer);
        while self.proposers.len() > headers_that_matter(members) {
            self.proposers.pop_front();
        }
    }

    /// Those named, oldest first.
    #[must_use]
    pub fn proposers(&self) -> Vec<String> {
        self.proposers.iter().cloned().collect()
    }

    /// Whose turn it was until a block was decided that names `proposer`: `None` if it was its own.
    ///
    /// `set`: those who decided it, sorted by name; `decided`: its height, and the round in which it was decided.
    #[must_use]
    pub fn out_of_turn(
        &self,
        rules: Rules,
        set: &[ValidatorEntry],
        decided: (u64, u32),
        proposer: &str,
    ) -> Option<Vec<String>> {
        let (height, round) = decided;
        let asked = up_to(rules, set, height, &self.proposers(), round);
        (!asked.contains(&proposer)).then(|| asked.into_iter().map(str::to_owned).collect())
    }
}

/// The order in which the members of a set, sorted by name, propose at `height`: places in the set, round by round.
///
/// `proposers`: whom the headers before this height name, oldest first, those of this set only. While fewer than
/// [`headers_that_matter`] are known, nobody is put last.
#[must_use]
pub fn order(rules: Rules, set: &[ValidatorEntry], height: u64, proposers: &[String]) -> Vec<usize> {
    debug_assert!(set.is_sorted_by(|one, next| one.member < next.member), "turns go by name");
    let count = set.len();
    let first = (height % count.max(1) as u64) as usize;
    let plain = (0..count).map(|turn| (first + turn) % count);
    let newest = proposers.len().checked_sub(headers_that_matter(count)).map(|from| &proposers[from..]);
    let roll_call = (height / count.max(1) as u64).is_multiple_of(ROLL_CALL);
    let Some(newest) = newest.filter(|_| !roll_call || rules > Rules::V1) else { return plain.collect() };
    let newest: BTreeSet<&str> = newest.iter().map(String::as_str).collect();
    let is_asked = |place: &usize| newest.contains(&*set[*place].member) || roll_call && *place == first;
    let (asked, last): (Vec<_>, Vec<_>) = plain.partition(is_asked);
    [asked, last].concat()
}

/// Members of a set, sorted by name, whose turn it was in the first rounds of `height`, up to and with `round`: a block
/// that was decided in this round names one of them.
#[must_use]
pub fn up_to<'a>(
    rules: Rules,
    set: &'a [ValidatorEntry],
    height: u64,
    proposers: &[String],
    round: u32,
) -> Vec<&'a str> {
    let order = order(rules, set, height, proposers);
    let rounds = order.len().min((round as usize).saturating_add(1));
    order[..rounds].iter().map(|place| set[*place].member.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: [Rules; 2] = [Rules::V1, Rules::V2];

    fn set(members: usize) -> Vec<ValidatorEntry> {
        let entry = |n| ValidatorEntry { member: format!("m{n}"), public_key: [0; 32], power: 1 };
        (0..members).map(entry).collect()
    }

    /// Lives through heights in which some members are dead; gives the rounds that each took.
    fn rounds(rules: Rules, members: usize, heights: u64, dead: impl Fn(u64, usize) -> bool) -> Vec<u64> {
        let (set, mut proposers) = (set(members), Vec::new());
        let mut rounds = Vec::new();
        for height in 1..=heights {
            let order = order(rules, &set, height, &proposers);
            let round = order.iter().position(|place| !dead(height, *place)).expect("somebody lives");
            proposers.push(set[order[round]].member.clone());
            rounds.push(round as u64);
        }
        rounds
    }

    #[test]
    fn while_all_propose_heights_and_rounds_go_round_the_set() {
        for rules in BOTH {
            let (set, mut proposers) = (set(4), Vec::new());
            for height in 1..1_000 {
                let order = order(rules, &set, height, &proposers);
                assert_eq!(order, (0..4).map(|n| (height as usize + n) % 4).collect::<Vec<_>>());
                proposers.push(set[order[0]].member.clone());
            }
        }
    }

    #[test]
    fn a_dead_member_costs_a_round_at_a_roll_call_and_at_two_turns_before_it_is_known() {
        let heights = 4 * ROLL_CALL * 10;
        for rules in BOTH {
            let lost: u64 = rounds(rules, 4, heights, |_, place| place == 2).into_iter().sum();
            // Ten roll calls, and two turns more at the start.
            assert!((11..=13).contains(&lost), "{lost} rounds lost in {heights} heights");
        }
    }

    #[test]
    fn two_dead_of_seven_cost_no_more_than_their_roll_calls() {
        let heights = 7 * ROLL_CALL * 10;
        let lost = |rules| -> u64 {
            rounds(rules, 7, heights, |_, place| place == 2 || place == 3).into_iter().sum()
        };
        // Each roll call costs three: two where the first of them is asked, one where the second is, and so at the start.
        assert!((33..=39).contains(&lost(Rules::V1)), "{} rounds lost in {heights} heights", lost(Rules::V1));
        // One for each of them, apart from the start, where nobody is known to be silent.
        assert!((23..=29).contains(&lost(Rules::V2)), "{} rounds lost in {heights} heights", lost(Rules::V2));
    }

    #[test]
    fn the_second_version_asks_one_silent_member_a_height_at_a_roll_call() {
        let set = set(7);
        // Nobody has heard of the third and the fourth; the next roll call begins.
        let proposers: Vec<String> = (0..14).map(|n| format!("m{}", [0, 1, 4, 5, 6][n % 5])).collect();
        let height = 7 * ROLL_CALL + 2;
        assert_eq!(order(Rules::V1, &set, height, &proposers), [2, 3, 4, 5, 6, 0, 1]);
        assert_eq!(order(Rules::V2, &set, height, &proposers), [2, 4, 5, 6, 0, 1, 3]);
        assert_eq!(order(Rules::V2, &set, height + 1, &proposers), [3, 4, 5, 6, 0, 1, 2]);
        assert_eq!(order(Rules::V2, &set, height + 2, &proposers), [4, 5, 6, 0, 1, 2, 3]);
        for rules in BOTH {
            let between = height - 7;
            assert_eq!(order(rules, &set, between, &proposers), [4, 5, 6, 0, 1, 2, 3], "{rules:?}");
        }
    }

    #[test]
    fn a_decided_block_names_one_of_those_who_were_asked_by_then() {
        let (set, proposers) = (set(4), ["m0", "m1", "m3"].repeat(3));
        let proposers: Vec<String> = proposers.into_iter().map(str::to_owned).collect();
        let named = |round| up_to(Rules::V1, &set, 4 * ROLL_CALL - 2, &proposers, round);
        assert_eq!(named(0), ["m3"]);
        assert_eq!(named(1), ["m3", "m0"]);
        assert_eq!(named(3), ["m3", "m0", "m1", "m2"]);
        assert_eq!(named(u32::MAX), named(3), "nobody twice");
    }

    #[test]
    fn a_term_hears_its_own_members_only_and_forgets_the_oldest() {
        let mut heard = Heard::since(7);
        for number in 0..9 {
            heard.enter(7);
            heard.name(format!("m{number}"), 4);
        }
        assert_eq!(heard.proposers(), ["m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8"]);
        heard.enter(30);
        assert_eq!(heard, Heard::since(30));
    }

    #[test]
    fn a_member_that_is_back_has_its_turns_again_after_the_next_roll_call() {
        let back_at = 4 * ROLL_CALL + 40;
        let (set, mut proposers) = (set(4), Vec::new());
        let mut own_turns = Vec::new();
        for height in 1..4 * ROLL_CALL * 4 {
            let order = order(Rules::V1, &set, height, &proposers);
            let alive = |place: &&usize| **place != 2 || height >= back_at;
            let place = *order.iter().find(alive).expect("somebody lives");
            own_turns.extend((place == 2).then_some(height));
            proposers.push(set[place].member.clone());
        }
        let next_roll_call = 2 * 4 * ROLL_CALL;
        assert_eq!(own_turns.first(), Some(&(next_roll_call + 2)), "not before it is called");
        assert!(
            own_turns.windows(2).all(|pair| pair[1] == pair[0] + 4),
            "and then as everybody: {own_turns:?}"
        );
    }

    #[test]
    fn everybody_has_a_round_at_every_height() {
        let set = set(5);
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        for proposers in [names(&[]), names(&["m1"; 10]), names(&["m1", "m9"]), names(&["gone"; 30])] {
            for height in 0..400 {
                for rules in BOTH {
                    let mut order = order(rules, &set, height, &proposers);
                    order.sort_unstable();
                    assert_eq!(order, [0, 1, 2, 3, 4]);
                }
            }
        }
    }

    #[test]
    fn one_missed_turn_puts_nobody_last() {
        // In each stretch of two times round, the third member was heard once.
        let proposers: Vec<String> = (0..8).map(|n| format!("m{}", if n == 2 { 3 } else { n % 4 })).collect();
        let height = 4 * ROLL_CALL + 8;
        assert_eq!(order(Rules::V1, &set(4), height + 2, &proposers), [2, 3, 0, 1]);
    }

    #[test]
    fn an_empty_set_has_no_turns() {
        assert_eq!(order(Rules::V1, &[], 3, &["m1".to_owned()]), Vec::<usize>::new());
    }
}
