//! Who misbehaved, how, how often; and the signed bytes that show it, kept on disk.
//!
//! Evidence is written before it is counted, each piece in its own file, named by its digest so that the same
//! piece is kept once. Everything is bounded: a member that misbehaves a thousand times fills no disk.

use std::{
    collections::BTreeMap,
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use ore_consensus::{Candidate, DecidedBlock};
use ore_record::MemberId;
use ore_verify::{Evidence, votes::Statement};
use sha2::{Digest, Sha256};

/// Most pieces of evidence kept of one member and kind.
pub const MAX_PIECES: usize = 32;
/// Most pairs of member and kind that are told apart; later ones count as [`OTHERS`].
const MAX_PAIRS: usize = 1_024;
/// Whoever is one too many to be told apart.
pub const OTHERS: &str = "others";
/// Longest block that a report holds, in bytes.
const MAX_REPORTED_BYTES: usize = 32 << 10;
/// Ending of the files.
const ENDING: &str = "evidence";

/// Kinds of faults, as they are called in files, metrics and answers. Closed.
pub const KINDS: [&str; 10] = [
    "two_roots",
    "against_quorum",
    "double_vote",
    "invalid_block",
    "broken_promise",
    "forged_signature",
    "malformed_checkpoint",
    "not_validator",
    "out_of_turn",
    "fork",
];

/// One kind of fault of one member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultCount {
    /// Who.
    pub member: String,
    /// What; one of [`KINDS`].
    pub kind: &'static str,
    /// How often since this node started, and pieces kept from before.
    pub count: u64,
    /// Names of the pieces of evidence that are kept, for [`Faults::evidence`].
    pub evidence: Vec<String>,
}

#[derive(Debug, Default)]
struct Count {
    count: u64,
    pieces: Vec<String>,
}

/// All faults that this node knows of.
#[derive(Debug, Default)]
pub struct Faults {
    held: Mutex<BTreeMap<(String, &'static str), Count>>,
    dir: Mutex<Option<PathBuf>>,
}

impl Faults {
    /// Keeps evidence below this folder from now on, and counts what is there.
    ///
    /// # Errors
    /// When the folder cannot be made or read.
    pub fn open(&self, dir: &Path) -> io::Result<()> {
        fs::create_dir_all(dir)?;
        let mut held = self.held();
        for entry in fs::read_dir(dir)?.take(MAX_PAIRS * MAX_PIECES) {
            let name = entry?.file_name().to_string_lossy().into_owned();
            let Some((member, kind)) = parse_name(&name) else { continue };
            let count = held.entry((member.to_owned(), kind)).or_default();
            count.count += 1;
            count.pieces.push(name);
        }
        held.values_mut().for_each(|count| count.pieces.sort());
        *self.dir.lock().unwrap_or_else(PoisonError::into_inner) = Some(dir.to_owned());
        Ok(())
    }

    fn held(&self) -> MutexGuard<'_, BTreeMap<(String, &'static str), Count>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a fault and keeps its evidence. An unknown kind is our defect and counts as the last of [`KINDS`].
    pub fn record(&self, member: &str, kind: &str, evidence: Option<&[u8]>) {
        let kind = KINDS.iter().find(|known| **known == kind).copied().unwrap_or("fork");
        let member = MemberId::parse(member).map_or_else(|_| OTHERS.to_owned(), |id| id.to_string());
        let mut held = self.held();
        let full = held.len() >= MAX_PAIRS && !held.contains_key(&(member.clone(), kind));
        let member = if full { OTHERS.to_owned() } else { member };
        let count = held.entry((member.clone(), kind)).or_default();
        count.count += 1;
        let Some(bytes) = evidence else { return };
        let digest = Sha256::digest(bytes);
        let name = format!("{member}.{kind}.{}.{ENDING}", hex(&digest[..12]));
        if count.pieces.contains(&name) || count.pieces.len() >= MAX_PIECES {
            return;
        }
        let dir = self.dir.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(dir) = dir else { return };
        match write(&dir, &name, bytes) {
            Ok(()) => {
                tracing::error!(%member, kind, file = %name, "misbehaviour: evidence is kept");
                count.pieces.push(name);
            }
            Err(error) => tracing::error!(%member, kind, %error, "misbehaviour: evidence cannot be kept"),
        }
    }

    /// Everything, by member and kind.
    #[must_use]
    pub fn list(&self) -> Vec<FaultCount> {
        let count = |((member, kind), count): (&(String, &'static str), &Count)| FaultCount {
            member: member.clone(),
            kind,
            count: count.count,
            evidence: count.pieces.clone(),
        };
        self.held().iter().map(count).collect()
    }

    /// One piece of evidence; `None` for a name that [`Faults::list`] does not give.
    #[must_use]
    pub fn evidence(&self, name: &str) -> Option<Vec<u8>> {
        // Only names that we hold reach the disk: a name from outside is never a path.
        let known = self.held().values().any(|count| count.pieces.iter().any(|piece| piece == name));
        let dir = self.dir.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
        if known { fs::read(dir.join(name)).ok() } else { None }
    }

    /// The metric, in Prometheus' text format.
    pub fn write_metric(&self, text: &mut String) {
        use std::fmt::Write as _;
        text.push_str("# HELP ledger_faults_total Misbehaviour of members, by kind.\n# TYPE ledger_faults_total counter\n");
        for FaultCount { member, kind, count, .. } in self.list() {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "ledger_faults_total{{member=\"{member}\",kind=\"{kind}\"}} {count}");
        }
    }
}

/// Evidence of two votes, once our own verifier accepts it.
#[must_use]
pub fn two_votes(key: Option<[u8; 32]>, statements: Option<[(Vec<u8>, [u8; 64]); 2]>) -> Option<String> {
    let public_key = key?;
    let [first, second] = statements?.map(|(message, signature)| Statement { message, signature });
    ore_verify::votes::same_ballot(&first, &second)?;
    let convinces = first.is_by(&public_key) && second.is_by(&public_key);
    convinces.then(|| Evidence::TwoVotes { public_key, first, second }.to_string())
}

/// A report about an invalid block: this node's word, for the node that is asked why it voted against it. The
/// block is in it when it is short, otherwise its digest.
#[must_use]
pub fn invalid_block(candidate: &Candidate, reason: &str) -> String {
    let Candidate { height, round, proposer, block, .. } = candidate;
    let reason: String = reason.chars().filter(|c| !c.is_control()).take(1_024).collect();
    let mut report = format!(
        "oreledger report v1\nkind invalid-block\nproposer {proposer}\nheight {height}\nround {round}\nreason {reason}\nbytes {}\nsha256 {}\n",
        block.len(),
        hex(&Sha256::digest(block)),
    );
    if block.len() <= MAX_REPORTED_BYTES {
        report.push_str(&format!("block {}\n", hex(block)));
    }
    report
}

/// A report about a block that was decided out of turn: this node's word about a block that every node holds, with the
/// names of those who signed it.
#[must_use]
pub fn out_of_turn(decided: &DecidedBlock, proposer: &str, turns: &str, signed: &str) -> String {
    let DecidedBlock { height, round, id, .. } = decided;
    format!(
        "oreledger report v1\nkind out-of-turn\nproposer {proposer}\nheight {height}\nround {round}\nturns {turns}\nsigned {signed}\nblock {}\n",
        hex(id)
    )
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn parse_name(name: &str) -> Option<(&str, &'static str)> {
    let mut parts = name.split('.');
    let (member, kind, digest, ending) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let kind = KINDS.iter().find(|known| **known == kind)?;
    let good = digest.len() == 24 && ending == ENDING && parts.next().is_none();
    (good && (member == OTHERS || MemberId::parse(member).is_ok())).then_some((member, kind))
}

/// Write, sync, rename, sync the folder: a crash leaves the whole piece or none.
fn write(dir: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let temporary = dir.join(format!("{name}.new"));
    let mut file = fs::File::create(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&temporary, dir.join(name))?;
    fs::File::open(dir)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_outlives_a_restart_and_is_kept_once_and_within_bounds() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let faults = Faults::default();
        faults.open(dir.path()).expect("writable");
        faults.record("refiner-a", "two_roots", Some(b"piece"));
        faults.record("refiner-a", "two_roots", Some(b"piece"));
        for number in 0..2 * MAX_PIECES {
            faults.record("refiner-b", "double_vote", Some(&number.to_be_bytes()));
        }
        faults.record("refiner-a", "forged_signature", None);
        let again = Faults::default();
        again.open(dir.path()).expect("readable");
        let list = again.list();
        let of = |member: &str, kind: &str| list.iter().find(|one| one.member == member && one.kind == kind);
        let piece = &of("refiner-a", "two_roots").expect("kept").evidence;
        assert_eq!(piece.len(), 1, "the same piece is kept once");
        assert_eq!(again.evidence(&piece[0]).as_deref(), Some(&b"piece"[..]));
        assert_eq!(of("refiner-b", "double_vote").map(|one| one.evidence.len()), Some(MAX_PIECES));
        assert_eq!(of("refiner-a", "forged_signature"), None, "a count without evidence is of this process");
    }

    #[test]
    fn a_name_from_outside_is_never_a_path() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        fs::write(dir.path().join("secret"), "x").expect("writable");
        let faults = Faults::default();
        faults.open(&dir.path().join("evidence")).expect("writable");
        assert_eq!(faults.evidence("../secret"), None);
        faults.record("../../etc", "two_roots", Some(b"piece"));
        let list = faults.list();
        assert_eq!(list[0].member, OTHERS, "a name that no member can have makes no file name");
    }
}
