//! Who asks, once that is known, and which lots it may see.

use std::sync::Arc;

use ore_custody::{Custody, Lot, Member};
use ore_record::v1::Role;
use ore_wire::{status, token::Share};
use tonic::Status;

/// Roles that come with the whole ledger: those who work and trade metal check each other through it, and those
/// who oversee them check all of it. What is left sees the lots that concern it.
const SEES_EVERYTHING: &[Role] = &[
    Role::Miner,
    Role::Trader,
    Role::Concentrator,
    Role::Refiner,
    Role::Manufacturer,
    Role::Recycler,
    Role::Certifier,
    Role::Auditor,
    Role::Authority,
];

/// How much of the ledger a member's roles show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    /// Every lot and the whole log.
    Everything,
    /// The lots that it made, holds, owns or was offered.
    Own,
}

impl Sight {
    /// By its roles.
    #[must_use]
    pub fn of(member: &Member) -> Self {
        if member.roles.any(SEES_EVERYTHING) { Self::Everything } else { Self::Own }
    }
}

/// Who makes a call, as far as the node knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    /// Somebody without a token; `reads` where the operator opened the ledger to everybody.
    Nobody {
        /// Whether it may read.
        reads: bool,
    },
    /// A member.
    Member {
        /// Its id.
        id: Arc<str>,
        /// How much it sees.
        sight: Sight,
    },
    /// The bearer of a share link.
    Share {
        /// Member that gave it.
        issuer: Arc<str>,
        /// What it names.
        share: Share,
    },
}

impl Caller {
    /// Who made this request. A request that the layer has not seen shows nobody anything.
    #[must_use]
    pub fn of<T>(request: &tonic::Request<T>) -> Self {
        request.extensions().get().cloned().unwrap_or(Self::Nobody { reads: false })
    }

    /// Whether it may see this lot.
    ///
    /// # Errors
    /// `PERMISSION_DENIED`; the same whether there is such a lot or not.
    pub fn may_see(&self, custody: &Custody, lot: &str) -> Result<(), Status> {
        let concerns = |member: &str| custody.lot(lot).is_some_and(|lot| concerns(custody, &lot, member));
        match self {
            Self::Nobody { reads: true } | Self::Member { sight: Sight::Everything, .. } => Ok(()),
            Self::Member { id, .. } if concerns(id) => Ok(()),
            Self::Member { .. } => {
                Err(status::denied("ROLE", "the roles of this member show it the lots that concern it"))
            }
            Self::Share { share, .. } if share.lot != lot => {
                Err(status::denied("SHARE", "the share link is for another lot"))
            }
            // Who has neither made the lot nor has it any more cannot show it to others.
            Self::Share { issuer, .. } if concerns(issuer) => Ok(()),
            Self::Share { .. } => {
                Err(status::denied("SHARE", "whoever gave this share link has no say in the lot any more"))
            }
            Self::Nobody { reads: false } => Err(status::denied("NO_TOKEN", "nobody is known to ask")),
        }
    }

    /// The member whose lots alone are listed for it; nothing: all.
    #[must_use]
    pub fn only_own(&self) -> Option<&str> {
        match self {
            Self::Member { id, sight: Sight::Own } => Some(id),
            _ => None,
        }
    }

    /// The tree size that an answer to it stands at, given the one it asked for.
    ///
    /// # Errors
    /// `PERMISSION_DENIED` when a share link's bearer asks for another size than the link names.
    pub fn as_of(&self, asked: u64) -> Result<u64, Status> {
        match self {
            Self::Share { share, .. } if asked == 0 || asked == share.tree_size => Ok(share.tree_size),
            Self::Share { .. } => Err(status::denied("SHARE", "the share link is for another tree size")),
            _ => Ok(asked),
        }
    }
}

/// Whether a member made a lot, has it, owns it, or was offered it.
pub(crate) fn concerns(custody: &Custody, lot: &Lot, member: &str) -> bool {
    let Some(place) = custody.roster_index_of_member(member) else { return false };
    let offered = custody.offer_of(lot).is_some_and(|offer| offer.receiver == place);
    offered || [lot.passport.author, lot.standing.custodian, lot.standing.owner].contains(&place)
}
