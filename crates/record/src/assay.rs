//! Two parties exchange assays without either seeing the other's first: commit, then reveal.

use sha2::{Digest, Sha256};

use alloc::vec::Vec;

use prost::Message;

use crate::{
    RecordId,
    v1::{Assay, LotRef},
};

/// Context of an assay commitment.
pub const ASSAY_CONTEXT: &[u8] = b"\0oreledger/assay/v1\0";

/// Why a reveal does not open a commitment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadReveal {
    /// The earlier record commits to nothing.
    #[error("the record that is revealed holds no commitment of 32 bytes")]
    NoCommitment,
    /// A reveal carries its salt.
    #[error("the reveal has a salt of {0} bytes, not 32")]
    Salt(usize),
    /// Of another lot or session.
    #[error("the reveal is about another lot or session than the commitment")]
    OtherSubject,
    /// Other results than those committed to.
    #[error("the results and the salt do not give the committed hash")]
    OtherResults,
}

/// SHA-256 of context, salt and the canonical assay with commitment, reveals, salt and head left out.
#[must_use]
pub fn commitment(assay: &Assay, salt: &[u8]) -> [u8; 32] {
    let bare = Assay {
        lot: assay.lot.as_ref().map(|lot| LotRef { lot: lot.lot.clone(), head: Vec::new() }),
        commitment: Vec::new(),
        reveals: Vec::new(),
        salt: Vec::new(),
        ..assay.clone()
    };
    let mut hash = Sha256::new();
    hash.update(ASSAY_CONTEXT);
    hash.update(salt);
    hash.update(bare.encode_to_vec());
    hash.finalize().into()
}

/// The event that commits to an assay and shows nothing of it but lot and session. `salt` is 32 fresh random bytes.
#[must_use]
pub fn commit(assay: &Assay, salt: &[u8; 32]) -> Assay {
    Assay {
        lot: assay.lot.clone(),
        session: assay.session.clone(),
        commitment: commitment(assay, salt).to_vec(),
        ..Assay::default()
    }
}

/// The event that opens a commitment. The lot's head is the one of the day, not of the commitment's.
#[must_use]
pub fn reveal(assay: Assay, salt: &[u8; 32], committed: RecordId) -> Assay {
    Assay { commitment: Vec::new(), reveals: committed.as_bytes().to_vec(), salt: salt.to_vec(), ..assay }
}

/// Checks that a reveal opens the commitment that it names.
///
/// # Errors
/// [`BadReveal`].
pub fn opens(committed: &Assay, reveal: &Assay) -> Result<(), BadReveal> {
    if committed.commitment.len() != 32 {
        return Err(BadReveal::NoCommitment);
    }
    if reveal.salt.len() != 32 {
        return Err(BadReveal::Salt(reveal.salt.len()));
    }
    let lot = |assay: &Assay| assay.lot.as_ref().map(|lot| lot.lot.clone());
    if lot(committed) != lot(reveal) || committed.session != reveal.session {
        return Err(BadReveal::OtherSubject);
    }
    if commitment(reveal, &reveal.salt).as_slice() != committed.commitment {
        return Err(BadReveal::OtherResults);
    }
    Ok(())
}
