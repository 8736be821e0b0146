//! The state as keys and values, for a store that need not know them.
//!
//! | Key | Value |
//! | --- | --- |
//! | `L` ordinal | a lot as it came into being |
//! | `S` ordinal | where it stands |
//! | `K` ordinal | a composition that an assay put in place of the first |
//! | `R` place | an entry of the roster: member, facility, attestation, profile, validators |
//! | `O` leaf | an open offer |
//! | `G` leaf | a proposal that waits for approvals |
//! | `W` leaf | what became of a withdrawn record |
//! | `B` leaf | a value that an assay or a use overwrote |
//! | `C` facility, element, period, scheme | a credit balance |
//! | `D` lot, element, scheme | credits that a lot earned and claims |
//!
//! Numbers in keys are big-endian, so lots and places come back in order. Lots, standings and roster
//! entries are never removed by a committed record.

use alloc::{boxed::Box, sync::Arc, vec::Vec};

use ore_record::{content::ElementContent, v1};
use prost::Message;

use crate::{
    books::{AccountKey, Books, Fate, Line, LineKey, Offer, Prior, Proposal},
    change::Write,
    codec::{Garbled, Read, Reader, Writer},
    lot::{Composition, Description, Lot, Passport, Standing},
    lots::LONGEST_NUMBER,
    roster::{Member, RosterEntry, ValidatorSet},
    text::Text,
};

pub(crate) mod tag {
    pub(crate) const LOT: u8 = b'L';
    pub(crate) const STANDING: u8 = b'S';
    pub(crate) const COMPOSITION: u8 = b'K';
    pub(crate) const ROSTER: u8 = b'R';
    pub(crate) const OFFER: u8 = b'O';
    pub(crate) const PROPOSAL: u8 = b'G';
    pub(crate) const FATE: u8 = b'W';
    pub(crate) const PRIOR: u8 = b'B';
    pub(crate) const ACCOUNT: u8 = b'C';
    pub(crate) const LINE: u8 = b'D';
}

/// A key and its new value; no value removes the key.
pub(crate) type Pair = (Vec<u8>, Option<Vec<u8>>);

/// Why a stored state cannot be taken up. The store then rebuilds it from the log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// A value does not read.
    #[error("the value of state key {} is garbled", Hex(.0))]
    Garbled(Vec<u8>),
    /// A key that no version wrote.
    #[error("state key {} is unknown", Hex(.0))]
    UnknownKey(Vec<u8>),
    /// Places or ordinals are missing or repeated.
    #[error("{what} {at} is missing or comes twice")]
    Gap {
        /// Lots or roster.
        what: &'static str,
        /// The first that is wrong.
        at: u32,
    },
    /// A value points to something that is not there.
    #[error("state key {} points to something that is not there", Hex(.0))]
    Dangling(Vec<u8>),
    /// More leaves than this version can number.
    #[error("{0} leaves, this version numbers 4,294,967,294")]
    TooManyLeaves(usize),
}

struct Hex<'a>(&'a [u8]);

impl core::fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.iter().take(64).try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

pub(crate) fn numbered(tag: u8, number: u32) -> Vec<u8> {
    let mut key = Vec::with_capacity(5);
    key.push(tag);
    key.extend_from_slice(&number.to_be_bytes());
    key
}

/// What a write means to the store. A new lot is two pairs; see [`lot_pairs`].
pub(crate) fn pairs(write: &Write, lots: &mut u32) -> [Option<Pair>; 2] {
    let one = |pair: Pair| [Some(pair), None];
    match write {
        Write::NewLot(lot) => {
            let ordinal = *lots;
            *lots += 1;
            [
                Some((numbered(tag::LOT, ordinal), Some(put_lot(lot)))),
                Some((numbered(tag::STANDING, ordinal), Some(put_standing(&lot.standing)))),
            ]
        }
        // Only ever an undo, which the store never sees.
        Write::DropLot => [None, None],
        Write::Standing(ordinal, standing) => {
            one((numbered(tag::STANDING, *ordinal), Some(put_standing(standing))))
        }
        Write::Composition(ordinal, composition) => {
            let mut out = Writer::default();
            put_composition(&mut out, composition);
            one((numbered(tag::COMPOSITION, *ordinal), Some(out.0)))
        }
        Write::Roster(place, entry) => one((numbered(tag::ROSTER, *place), entry.as_ref().map(put_roster))),
        Write::Offer(leaf, offer) => one((numbered(tag::OFFER, *leaf), offer.as_ref().map(put_offer))),
        Write::Proposal(leaf, proposal) => {
            one((numbered(tag::PROPOSAL, *leaf), proposal.as_ref().map(put_proposal)))
        }
        Write::Fate(leaf, fate) => one((numbered(tag::FATE, *leaf), fate.as_ref().map(put_fate))),
        Write::Prior(leaf, prior) => one((numbered(tag::PRIOR, *leaf), prior.as_ref().map(put_prior))),
        Write::Account(key, balance) => {
            let value = balance.map(|mg| mg.to_be_bytes().to_vec());
            one((account_key(key), value))
        }
        Write::Line(key, line) => one((line_key(key), line.as_ref().map(put_line))),
    }
}

fn put_lot(lot: &Lot) -> Vec<u8> {
    let Passport { id, created_mg, created_ms, created_at, replaces, description } = &lot.passport;
    let Description { author, facility, compound, material, model, item } = &**description;
    let mut out = Writer(Vec::with_capacity(96));
    out.bytes(id.as_bytes())
        .bytes(compound.as_bytes())
        .u64(*created_mg)
        .u64(*created_ms)
        .u32(*created_at)
        .u32(*author)
        .u32(*facility)
        .u32(*replaces)
        .u8(*material as u8)
        .u8(*model as u8)
        .u8(u8::from(*item));
    put_composition(&mut out, &lot.composition);
    out.0
}

/// What is equal in the lot `before` is shared with it.
pub(crate) fn get_lot(
    reader: &mut Reader<'_>,
    before: Option<(&Passport, &Composition)>,
) -> Read<(Passport, Composition)> {
    let (id, compound) = (reader.text()?, reader.text()?);
    let (created_mg, created_ms, created_at) = (reader.u64()?, reader.u64()?, reader.u32()?);
    let (author, facility, replaces) = (reader.u32()?, reader.u32()?, reader.u32()?);
    let (material, model, item) = (reader.choice()?, reader.choice()?, reader.flag()?);
    let composition = get_composition(reader, before.map(|(_, composition)| composition))?;
    let alike = |it: &Description| {
        let Description { compound: its, .. } = it;
        (it.author, it.facility, it.item) == (author, facility, item)
            && (it.material, it.model, &**its) == (material, model, compound)
    };
    let description = match before {
        Some((before, _)) if alike(before) => Arc::clone(&before.description),
        _ => Arc::new(Description { author, facility, compound: compound.into(), material, model, item }),
    };
    if id.len() > LONGEST_NUMBER {
        return Err(Garbled);
    }
    let id = Text::from(id);
    Ok((Passport { id, created_mg, created_ms, created_at, replaces, description }, composition))
}

fn put_standing(standing: &Standing) -> Vec<u8> {
    let Standing {
        remaining_mg,
        taken_mg,
        disposed_mg,
        used_mg,
        shortfall_mg,
        surplus_mg,
        head,
        custodian,
        owner,
        facility,
        offer,
        held_by,
        recalled_by,
        void,
    } = *standing;
    let mut out = Writer(Vec::with_capacity(80));
    for mg in [remaining_mg, taken_mg, disposed_mg, used_mg, shortfall_mg, surplus_mg] {
        out.u64(mg);
    }
    for place in [head, custodian, owner, facility, offer, held_by, recalled_by] {
        out.u32(place);
    }
    out.u8(u8::from(void));
    out.0
}

pub(crate) fn get_standing(reader: &mut Reader<'_>) -> Read<Standing> {
    Ok(Standing {
        remaining_mg: reader.u64()?,
        taken_mg: reader.u64()?,
        disposed_mg: reader.u64()?,
        used_mg: reader.u64()?,
        shortfall_mg: reader.u64()?,
        surplus_mg: reader.u64()?,
        head: reader.u32()?,
        custodian: reader.u32()?,
        owner: reader.u32()?,
        facility: reader.u32()?,
        offer: reader.u32()?,
        held_by: reader.u32()?,
        recalled_by: reader.u32()?,
        void: reader.flag()?,
    })
}

pub(crate) fn put_composition(out: &mut Writer, composition: &[ElementContent]) {
    out.u8(composition.len() as u8);
    for content in composition {
        out.u8(content.element).u8(u8::from(content.measured)).u32(content.ppb).u32(content.uncertainty_ppb);
    }
}

/// The composition `before` itself when it is equal.
pub(crate) fn get_composition(reader: &mut Reader<'_>, before: Option<&Composition>) -> Read<Composition> {
    let length = reader.u8()?;
    let mut again = Reader(reader.0);
    let mut same = |content: &ElementContent| get_content(&mut again).is_ok_and(|it| it == *content);
    match before {
        Some(before) if before.len() == usize::from(length) && before.iter().all(&mut same) => {
            *reader = again;
            Ok(Arc::clone(before))
        }
        _ => (0..length).map(|_| get_content(reader)).collect(),
    }
}

fn get_content(reader: &mut Reader<'_>) -> Read<ElementContent> {
    Ok(ElementContent {
        element: reader.u8()?,
        measured: reader.flag()?,
        ppb: reader.u32()?,
        uncertainty_ppb: reader.u32()?,
    })
}

/// The leaf's own encoding; validators have the height of their first block before it.
fn put_roster(entry: &RosterEntry) -> Vec<u8> {
    let from_height = match entry {
        RosterEntry::Validators(validators) => validators.from_height,
        _ => 0,
    };
    let mut out = Writer::default();
    out.u64(from_height).rest(&entry.leaf());
    out.0
}

pub(crate) fn get_roster(reader: &mut Reader<'_>) -> Read<RosterEntry> {
    use v1::roster_state::Entity;
    let from_height = reader.u64()?;
    let state = v1::RosterState::decode(reader.rest()).map_err(|_| Garbled)?;
    Ok(match state.entity.ok_or(Garbled)? {
        Entity::Member(state) => RosterEntry::Member(Box::new(Member::new(state))),
        Entity::Facility(facility) => RosterEntry::Facility(Box::new(facility)),
        Entity::Attestation(standing) => RosterEntry::Attestation(Box::new(standing)),
        Entity::Profile(profile) => RosterEntry::Profile(Box::new(profile)),
        Entity::Validators(set) => RosterEntry::Validators(Box::new(ValidatorSet { from_height, set })),
    })
}

fn put_offer(offer: &Offer) -> Vec<u8> {
    let mut out = Writer::default();
    out.u32(offer.author)
        .u32(offer.receiver)
        .u8(offer.transfer as u8)
        .u8(offer.purpose as u8)
        .u64(offer.dispatched_ms)
        .u64(offer.expires_ms)
        .u32(offer.lots.len() as u32);
    for lot in &offer.lots {
        out.u32(*lot);
    }
    out.0
}

fn get_offer(reader: &mut Reader<'_>) -> Read<Offer> {
    Ok(Offer {
        author: reader.u32()?,
        receiver: reader.u32()?,
        transfer: reader.choice()?,
        purpose: reader.choice()?,
        dispatched_ms: reader.u64()?,
        expires_ms: reader.u64()?,
        lots: {
            let length = reader.u32()?;
            // The reader ends before a false length could cost anything: no capacity is taken on trust.
            let lots: Read<Vec<u32>> = (0..length).map(|_| reader.u32()).collect();
            lots?.into()
        },
    })
}

fn put_proposal(proposal: &Proposal) -> Vec<u8> {
    let mut out = Writer::default();
    for place in &proposal.approvals {
        out.u32(*place);
    }
    out.0
}

fn get_proposal(reader: &mut Reader<'_>) -> Read<Proposal> {
    let mut approvals = Vec::new();
    while !reader.0.is_empty() {
        approvals.push(reader.u32()?);
    }
    Ok(Proposal { approvals })
}

fn put_fate(fate: &Fate) -> Vec<u8> {
    let mut out = Writer::default();
    out.u32(fate.withdrawn_at).u32(fate.corrected_at);
    out.0
}

fn get_fate(reader: &mut Reader<'_>) -> Read<Fate> {
    Ok(Fate { withdrawn_at: reader.u32()?, corrected_at: reader.u32()? })
}

fn put_prior(prior: &Prior) -> Vec<u8> {
    let mut out = Writer::default();
    match prior {
        Prior::Composition(composition) => put_composition(out.u8(1), composition),
        Prior::Remaining(mg) => {
            out.u8(2).u64(*mg);
        }
    }
    out.0
}

fn get_prior(reader: &mut Reader<'_>) -> Read<Prior> {
    match reader.u8()? {
        1 => Ok(Prior::Composition(get_composition(reader, None)?)),
        2 => Ok(Prior::Remaining(reader.u64()?)),
        _ => Err(Garbled),
    }
}

fn account_key(key: &AccountKey) -> Vec<u8> {
    let mut out = Writer::default();
    out.u8(tag::ACCOUNT).u32(key.facility).u8(key.element).u32(key.period).rest(key.scheme.as_bytes());
    out.0
}

fn line_key(key: &LineKey) -> Vec<u8> {
    let mut out = Writer::default();
    out.u8(tag::LINE).u32(key.lot).u8(key.element).rest(key.scheme.as_bytes());
    out.0
}

fn put_line(line: &Line) -> Vec<u8> {
    let mut out = Writer::default();
    out.u64(line.earned_mg).u64(line.claimed_mg);
    out.0
}

fn scheme(reader: &mut Reader<'_>) -> Read<Box<str>> {
    Ok(core::str::from_utf8(reader.rest()).map_err(|_| Garbled)?.into())
}

/// What is open. `Ok(false)`: an unknown tag.
pub(crate) fn get_book(
    books: &mut Books,
    tag: u8,
    number: u32,
    key: &mut Reader<'_>,
    value: &mut Reader<'_>,
) -> Read<bool> {
    match tag {
        tag::OFFER => drop(books.offers.insert(number, get_offer(value)?)),
        tag::PROPOSAL => drop(books.proposals.insert(number, get_proposal(value)?)),
        tag::FATE => drop(books.fates.insert(number, get_fate(value)?)),
        tag::PRIOR => drop(books.priors.insert(number, get_prior(value)?)),
        tag::ACCOUNT => {
            let (element, period) = (key.u8()?, key.u32()?);
            let account = AccountKey { scheme: scheme(key)?, facility: number, element, period };
            books.accounts.insert(account, value.u64()?);
        }
        tag::LINE => {
            let element = key.u8()?;
            let line = LineKey { lot: number, element, scheme: scheme(key)? };
            books.lines.insert(line, Line { earned_mg: value.u64()?, claimed_mg: value.u64()? });
        }
        _ => return Ok(false),
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use alloc::{string::String, sync::Arc};

    use super::*;
    use crate::lot::NONE;

    #[test]
    fn a_stored_id_that_no_rule_allows_and_no_table_holds_is_garbled() {
        let lot = |length| {
            let id = String::from_utf8(alloc::vec![b'9'; length]).expect("a digit");
            let description = Description {
                author: 0,
                facility: NONE,
                compound: "".into(),
                material: ore_record::v1::MaterialClass::Ore,
                model: ore_record::v1::CustodyModel::IdentityPreserved,
                item: false,
            };
            let passport = Passport {
                id: Text::from(id.as_str()),
                created_mg: 1,
                created_ms: 1,
                created_at: 0,
                replaces: NONE,
                description: Arc::new(description),
            };
            let standing = get_standing(&mut Reader(&[0; 80])).expect("zeros");
            put_lot(&Lot { passport, standing, composition: Composition::default() })
        };
        assert!(get_lot(&mut Reader(&lot(LONGEST_NUMBER)), None).is_ok());
        assert_eq!(get_lot(&mut Reader(&lot(LONGEST_NUMBER + 1)), None).err(), Some(Garbled));
    }
}
