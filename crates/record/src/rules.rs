//! Versions of the rules by which a block is judged.
//!
//! A ledger begins with version 1. Its validators decide when the next one begins, by a `ChangeValidators` that states
//! it: more than two thirds of them approve, and every block from two heights later on is judged by it, on every node
//! and in every check of the log, while the blocks before keep the version of their height. A program that does not know
//! a version judges no block by another in its stead: it stops, and says what to install.
//!
//! What changed, and where it is judged:
//!
//! | Version | Since then | Where |
//! | --- | --- | --- |
//! | 1 | at a roll call all members propose in their plain order | `turns` of ore-consensus |
//! | 2 | at a roll call only the member whose turn it plainly is comes before those that are heard; other silent ones stay last | the same |

/// A version of the rules that this program knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rules {
    /// What a ledger begins with.
    V1 = 1,
    /// A roll call asks one silent member a height.
    V2 = 2,
}

impl Rules {
    /// The newest that this program knows.
    pub const NEWEST: Self = Self::V2;

    /// The rules of a version.
    #[must_use]
    pub const fn of(version: u32) -> Option<Self> {
        match version {
            1 => Some(Self::V1),
            2 => Some(Self::V2),
            _ => None,
        }
    }

    /// The version's number.
    #[must_use]
    pub const fn version(self) -> u32 {
        self as u32
    }
}

/// A version of the rules that whoever judges does not know. For the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "from height {from_height} on the members judge blocks by version {version} of the rules, and this program knows \
     no newer one than version {known}: nothing is lost and nothing is damaged; install a program that knows version \
     {version} and start it with the same folder"
)]
pub struct UnknownRules {
    /// First height with it.
    pub from_height: u64,
    /// The version.
    pub version: u32,
    /// The newest that is known here.
    pub known: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_version_up_to_the_newest_is_known_by_its_number_and_none_else() {
        let newest = Rules::NEWEST.version();
        for version in 1..=newest {
            assert_eq!(Rules::of(version).map(Rules::version), Some(version));
        }
        assert_eq!((Rules::of(0), Rules::of(newest + 1)), (None, None));
    }

    #[test]
    fn whoever_runs_too_old_a_program_reads_what_to_do() {
        let unknown = UnknownRules { from_height: 12, version: 3, known: 2 };
        assert_eq!(
            alloc::format!("{unknown}"),
            "from height 12 on the members judge blocks by version 3 of the rules, and this program knows no newer one \
             than version 2: nothing is lost and nothing is damaged; install a program that knows version 3 and start \
             it with the same folder"
        );
    }
}
