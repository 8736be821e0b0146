//! Whose turn it is: every height goes round the set, and so do the rounds of one height.
//!
//! Members that propose nothing are asked last, so that a dead one does not cost the others its timeout at each of its
//! turns. Who that is follows from committed headers alone, in which each proposer names itself and nobody else
//! ([`crate::Candidate::turns`]): all nodes agree on it, and a member is put last only by what it left undone. To keep
//! an honest member's block from being decided in its round takes more than a third of the power, or the network; a
//! word of another member against it counts for nothing.
//!
//! Nobody is left out: whoever is put last still has its round at every height, and now and then a roll call asks all
//! in their plain order, from which a member that is back is heard again.

use std::collections::BTreeSet;

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

/// The order in which the members of a set, sorted by name, propose at `height`: places in the set, round by round.
///
/// `proposers`: whom the headers before this height name, oldest first, those of this set only. While fewer than
/// [`headers_that_matter`] are known, nobody is put last.
#[must_use]
pub fn order(set: &[ValidatorEntry], height: u64, proposers: &[String]) -> Vec<usize> {
    let count = set.len();
    let first = (height % count.max(1) as u64) as usize;
    let plain = (0..count).map(|turn| (first + turn) % count);
    let newest = proposers.len().checked_sub(headers_that_matter(count)).map(|from| &proposers[from..]);
    let roll_call = (height / count.max(1) as u64).is_multiple_of(ROLL_CALL);
    let Some(newest) = newest.filter(|_| !roll_call) else { return plain.collect() };
    let newest: BTreeSet<&str> = newest.iter().map(String::as_str).collect();
    let (heard, silent): (Vec<_>, Vec<_>) = plain.partition(|place| newest.contains(&*set[*place].member));
    [heard, silent].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(members: usize) -> Vec<ValidatorEntry> {
        let entry = |n| ValidatorEntry { member: format!("m{n}"), public_key: [0; 32], power: 1 };
        (0..members).map(entry).collect()
    }

    /// Lives through heights in which some members are dead; gives the rounds that each took.
    fn rounds(members: usize, heights: u64, dead: impl Fn(u64, usize) -> bool) -> Vec<u64> {
        let (set, mut proposers) = (set(members), Vec::new());
        let mut rounds = Vec::new();
        for height in 1..=heights {
            let order = order(&set, height, &proposers);
            let round = order.iter().position(|place| !dead(height, *place)).expect("somebody lives");
            proposers.push(set[order[round]].member.clone());
            rounds.push(round as u64);
        }
        rounds
    }

    #[test]
    fn while_all_propose_heights_and_rounds_go_round_the_set() {
        let (set, mut proposers) = (set(4), Vec::new());
        for height in 1..1_000 {
            let order = order(&set, height, &proposers);
            assert_eq!(order, (0..4).map(|n| (height as usize + n) % 4).collect::<Vec<_>>());
            proposers.push(set[order[0]].member.clone());
        }
    }

    #[test]
    fn a_dead_member_costs_a_round_at_a_roll_call_and_at_two_turns_before_it_is_known() {
        let heights = 4 * ROLL_CALL * 10;
        let lost: u64 = rounds(4, heights, |_, place| place == 2).into_iter().sum();
        // Ten roll calls, and two turns more at the start.
        assert!((11..=13).contains(&lost), "{lost} rounds lost in {heights} heights");
    }

    #[test]
    fn two_dead_of_seven_cost_no_more_than_their_roll_calls() {
        let heights = 7 * ROLL_CALL * 10;
        let lost: u64 = rounds(7, heights, |_, place| place == 2 || place == 3).into_iter().sum();
        // Each roll call costs three: one where the first of them is asked, two where both are, and so at the start.
        assert!((33..=39).contains(&lost), "{lost} rounds lost in {heights} heights");
    }

    #[test]
    fn a_member_that_is_back_has_its_turns_again_after_the_next_roll_call() {
        let back_at = 4 * ROLL_CALL + 40;
        let (set, mut proposers) = (set(4), Vec::new());
        let mut own_turns = Vec::new();
        for height in 1..4 * ROLL_CALL * 4 {
            let order = order(&set, height, &proposers);
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
                let mut order = order(&set, height, &proposers);
                order.sort_unstable();
                assert_eq!(order, [0, 1, 2, 3, 4]);
            }
        }
    }

    #[test]
    fn one_missed_turn_puts_nobody_last() {
        // In each stretch of two times round, the third member was heard once.
        let proposers: Vec<String> = (0..8).map(|n| format!("m{}", if n == 2 { 3 } else { n % 4 })).collect();
        let height = 4 * ROLL_CALL + 8;
        assert_eq!(order(&set(4), height + 2, &proposers), [2, 3, 0, 1]);
    }

    #[test]
    fn an_empty_set_has_no_turns() {
        assert_eq!(order(&[], 3, &["m1".to_owned()]), Vec::<usize>::new());
    }
}
