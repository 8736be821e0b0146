//! Chain of custody of one lot: who had it, who owned it, where it was, and where the account has gaps.

use alloc::vec::Vec;

use crate::{
    accounts::hands_before,
    journal::{Fact, Word},
    view::View,
};

/// One moment of a lot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Leaf of the record.
    pub leaf: u32,
    /// When, by its author's account.
    pub event_ms: u64,
    /// Who stated it.
    pub author: Word,
    /// Custodian afterwards.
    pub custodian: Word,
    /// Owner afterwards.
    pub owner: Word,
    /// Facility afterwards; empty while on the way.
    pub place: Word,
}

/// What the records leave open between two moments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GapKind {
    /// It appears at another place than where it was last, and no movement was stated.
    Moved {
        /// Where it was.
        from: Word,
        /// Where it appears.
        to: Word,
    },
    /// It was on the way; nobody states who had it but the carrier named, if any.
    OnTheWay {
        /// Carrier, or empty.
        carrier: Word,
    },
    /// An offer that nobody has answered.
    Unanswered {
        /// The named receiver.
        receiver: Word,
    },
    /// The later record tells of an earlier time.
    Backwards,
}

/// A gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// What is open.
    pub kind: GapKind,
    /// Record before it.
    pub after: u32,
    /// Record after it; the same as `after` when none came.
    pub before: u32,
    /// From, event time.
    pub from_ms: u64,
    /// To, event time; the view's present when it is still open.
    pub to_ms: u64,
}

/// The whole timeline of a lot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chain {
    /// Oldest record first.
    pub moments: Vec<Moment>,
    /// In order of the record before each.
    pub gaps: Vec<Gap>,
    /// Whether moments were left out.
    pub complete: bool,
}

/// Where a record says that a lot is when it begins, and where it is when it is done.
#[must_use]
pub fn places(view: &View<'_>, lot: u32, fact: &Fact) -> (Option<Word>, Option<Word>) {
    match fact {
        Fact::Commission(_) => (None, view.journal.lot(lot).map(|lot| lot.facility)),
        Fact::Step(step) if step.outputs.iter().any(|output| output.lot == lot) => {
            (None, view.journal.lot(lot).map(|lot| lot.facility))
        }
        Fact::Step(step) => (Some(step.facility), Some(step.facility)),
        Fact::Ship(ship) if ship.leaves() => (Some(ship.from), Some(Word::EMPTY)),
        // Empty where only ownership passes.
        Fact::Accept(accept) => (None, Some(accept.facility).filter(|facility| !facility.is_empty())),
        Fact::Returned { offer } => match view.entry(*offer).map(|entry| &entry.fact) {
            Some(Fact::Ship(ship)) if ship.leaves() => (None, Some(ship.from)),
            _ => (None, None),
        },
        Fact::Use { facility, .. } => (Some(*facility), Some(*facility)),
        _ => (None, None),
    }
}

/// The timeline of a lot, at most `most` moments.
#[must_use]
pub fn chain(view: &View<'_>, lot: u32, most: usize) -> Chain {
    let mut chain = Chain { complete: true, ..Chain::default() };
    let mut place = Word::EMPTY;
    for (leaf, entry) in view.timeline(lot) {
        if chain.moments.len() >= most {
            chain.complete = false;
            break;
        }
        let (begins, ends) = places(view, lot, &entry.fact);
        let last = chain.moments.last().copied();
        if let Some(last) = last {
            let gap = |kind| Gap {
                kind,
                after: last.leaf,
                before: leaf,
                from_ms: last.event_ms,
                to_ms: entry.event_ms,
            };
            if entry.event_ms < last.event_ms {
                chain.gaps.push(gap(GapKind::Backwards));
            }
            if let Some(to) = begins
                && !place.is_empty()
                && !to.is_empty()
                && to != place
            {
                chain.gaps.push(gap(GapKind::Moved { from: place, to }));
            }
            if let Fact::Accept(accept) = &entry.fact
                && let Some(offer) = view.entry(accept.offer)
                && let Fact::Ship(ship) = &offer.fact
                && ship.from != accept.facility
            {
                chain.gaps.push(Gap {
                    kind: GapKind::OnTheWay { carrier: ship.carrier },
                    after: accept.offer,
                    before: leaf,
                    from_ms: offer.event_ms,
                    to_ms: entry.event_ms,
                });
            }
        }
        if let Fact::Ship(ship) = &entry.fact
            && ship.answer.is_none_or(|(answer, _)| view.entry(answer).is_none())
        {
            chain.gaps.push(Gap {
                kind: GapKind::Unanswered { receiver: ship.receiver },
                after: leaf,
                before: leaf,
                from_ms: entry.event_ms,
                to_ms: view.now_ms().max(entry.event_ms),
            });
        }
        place = ends.unwrap_or(place);
        let (owner, custodian) = hands_before(view, lot, leaf.saturating_add(1)).unwrap_or_default();
        chain.moments.push(Moment {
            leaf,
            event_ms: entry.event_ms,
            author: entry.author,
            custodian,
            owner,
            place,
        });
    }
    chain
}
