//! The state of custody, and the only two ways to change it: `commit` and `undo`.

use alloc::{boxed::Box, collections::BTreeMap, vec::Vec};
use core::mem;

use ore_merkle::DenseTree;
use ore_record::{
    RecordId,
    rules::{Rules, UnknownRules},
    v1,
};

use crate::{
    books::{Books, Offer, Proposal},
    change::{Change, Undo, Write},
    lot::{Lot, NONE, Place, Standing},
    lots::LotTable,
    names::{Names, RecordIndex},
    roster::{Member, NameKind, RosterEntry, ValidatorSet},
};

/// Who holds which lot, who may sign what, and what is open, after the records so far.
#[derive(Clone)]
pub struct Custody {
    pub(crate) origin: Box<str>,
    pub(crate) records: RecordIndex,
    pub(crate) lots: LotTable,
    pub(crate) lot_names: Names,
    pub(crate) roster: Vec<RosterEntry>,
    /// By [`NameKind`].
    pub(crate) roster_names: [Names; 3],
    /// Place of the profile in the roster, or [`NONE`].
    pub(crate) profile_at: Place,
    /// Places of the sets of validators, in order.
    pub(crate) validators_at: Vec<Place>,
    pub(crate) member_count: u32,
    pub(crate) books: Books,
    pub(crate) head_tree: DenseTree,
    pub(crate) roster_tree: DenseTree,
    /// Lots and roster entries whose leaf is stale, possibly repeated.
    pub(crate) dirty_lots: Vec<u32>,
    pub(crate) dirty_roster: Vec<Place>,
}

impl Custody {
    /// A ledger without records.
    #[must_use]
    pub fn new(origin: &str) -> Self {
        Self {
            origin: origin.into(),
            records: RecordIndex::default(),
            lots: LotTable::default(),
            lot_names: Names::default(),
            roster: Vec::new(),
            roster_names: Default::default(),
            profile_at: NONE,
            validators_at: Vec::new(),
            member_count: 0,
            books: Books::default(),
            head_tree: DenseTree::new(),
            roster_tree: DenseTree::new(),
            dirty_lots: Vec::new(),
            dirty_roster: Vec::new(),
        }
    }

    /// Applies a change that was decided on exactly this state.
    ///
    /// # Panics
    /// When the change was decided on another state: that is a mistake of the calling program.
    pub fn commit(&mut self, change: Change) -> Undo {
        assert_eq!(
            change.leaf as usize,
            self.records.len(),
            "a change is committed to the state it was decided on"
        );
        let shared = self.lots.shared_lens();
        let Change { leaf, id, mut writes, .. } = change;
        for write in &mut writes {
            *write = self.apply(mem::replace(write, Write::DropLot));
        }
        self.records.push(id);
        Undo { leaf, writes, shared }
    }

    /// Gives the seal of a block its leaf; it changes nothing else.
    ///
    /// # Panics
    /// When `leaf_index` is not the next leaf.
    pub fn seal(&mut self, seal_id: RecordId, leaf_index: u64) -> Undo {
        assert_eq!(leaf_index, self.records.len() as u64, "a seal takes the next leaf");
        self.records.push(seal_id);
        Undo { leaf: leaf_index as u32, writes: Vec::new(), shared: self.lots.shared_lens() }
    }

    /// Takes the newest commit or seal back, exactly.
    ///
    /// # Panics
    /// When it is not the newest.
    pub fn undo(&mut self, undo: Undo) {
        assert_eq!(undo.leaf as usize + 1, self.records.len(), "commits are undone newest first");
        self.records.pop();
        for write in undo.writes.into_iter().rev() {
            let _ = self.apply(write);
        }
        self.lots.forget_shared(undo.shared);
    }

    /// Gives an entity its value, and returns the write that gives it the old one back.
    pub(crate) fn apply(&mut self, write: Write) -> Write {
        match write {
            Write::NewLot(lot) => self.push_lot(&lot),
            Write::DropLot => self.pop_lot(),
            Write::Standing(ordinal, standing) => {
                self.mark_lot(ordinal);
                Write::Standing(ordinal, self.lots.set_standing(ordinal, &standing))
            }
            Write::Composition(ordinal, composition) => {
                Write::Composition(ordinal, self.lots.set_composition(ordinal, &composition))
            }
            Write::Roster(place, entry) => Write::Roster(place, self.set_roster(place, entry)),
            Write::Offer(leaf, offer) => Write::Offer(leaf, assign(&mut self.books.offers, leaf, offer)),
            Write::Proposal(leaf, proposal) => {
                Write::Proposal(leaf, assign(&mut self.books.proposals, leaf, proposal))
            }
            Write::Fate(leaf, fate) => Write::Fate(leaf, assign(&mut self.books.fates, leaf, fate)),
            Write::Prior(leaf, prior) => Write::Prior(leaf, assign(&mut self.books.priors, leaf, prior)),
            Write::Account(key, balance) => {
                let old = assign(&mut self.books.accounts, (*key).clone(), balance);
                Write::Account(key, old)
            }
            Write::Line(key, line) => {
                let old = assign(&mut self.books.lines, (*key).clone(), line);
                Write::Line(key, old)
            }
        }
    }

    fn push_lot(&mut self, lot: &Lot) -> Write {
        let ordinal = self.lots.len() as u32;
        self.lots.push(lot);
        let (names, lots) = (&mut self.lot_names, &self.lots);
        let id = lot.id().as_bytes();
        // A corrected lot takes over its id; `replaces` remembers from whom.
        names.bind(id, ordinal, |at| lots.bears(at, id), |at| lots.id(at));
        self.mark_lot(ordinal);
        Write::DropLot
    }

    fn pop_lot(&mut self) -> Write {
        let Some(lot) = self.lots.pop() else { return Write::DropLot };
        let ordinal = self.lots.len() as u32;
        let before = (lot.passport.replaces != NONE).then_some(lot.passport.replaces);
        self.lot_names.unbind(lot.id().as_bytes(), ordinal, before);
        self.forget_last_leaf();
        Write::NewLot(Box::new(lot))
    }

    fn set_roster(&mut self, place: Place, entry: Option<RosterEntry>) -> Option<RosterEntry> {
        match entry {
            Some(entry) if (place as usize) < self.roster.len() => {
                self.mark_roster(place);
                Some(mem::replace(&mut self.roster[place as usize], entry))
            }
            Some(entry) => {
                self.push_roster(entry);
                None
            }
            None => self.pop_roster(),
        }
    }

    pub(crate) fn push_roster(&mut self, entry: RosterEntry) {
        let place = self.roster.len() as Place;
        match &entry {
            RosterEntry::Member(_) => self.member_count += 1,
            RosterEntry::Profile(_) => self.profile_at = place,
            RosterEntry::Validators(_) => self.validators_at.push(place),
            RosterEntry::Facility(_) | RosterEntry::Attestation(_) => {}
        }
        self.roster.push(entry);
        let roster = &self.roster;
        if let Some((kind, name)) = roster[place as usize].name() {
            let is = |at: u32| roster[at as usize].name() == Some((kind, name));
            let name_at = |at: u32| roster[at as usize].name().map_or("", |(_, name)| name);
            self.roster_names[kind as usize].bind(name.as_bytes(), place, is, name_at);
        }
        self.mark_roster(place);
    }

    fn pop_roster(&mut self) -> Option<RosterEntry> {
        let entry = self.roster.pop()?;
        let place = self.roster.len() as Place;
        match &entry {
            RosterEntry::Member(_) => self.member_count -= 1,
            RosterEntry::Profile(_) => self.profile_at = NONE,
            RosterEntry::Validators(_) => {
                self.validators_at.pop();
            }
            RosterEntry::Facility(_) | RosterEntry::Attestation(_) => {}
        }
        if let Some((kind, name)) = entry.name() {
            self.roster_names[kind as usize].unbind(name.as_bytes(), place, None);
        }
        self.roster_tree.truncate((self.roster.len() as u64).into());
        Some(entry)
    }
}

/// Looking things up.
impl Custody {
    /// The ledger's origin.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Leaves so far, seals included; the next record takes this leaf.
    #[must_use]
    pub fn leaves(&self) -> u64 {
        self.records.len() as u64
    }

    /// Leaf of a record, if it is in the ledger (rule A2).
    #[must_use]
    pub fn leaf_of(&self, id: &RecordId) -> Option<u64> {
        self.records.leaf_of(id.as_bytes()).map(u64::from)
    }

    /// Id of the record or seal at a leaf.
    #[must_use]
    pub fn id_at(&self, leaf_index: u64) -> Option<RecordId> {
        self.records.id_at(u32::try_from(leaf_index).ok()?)
    }

    /// Ordinal of a lot, by its id. Of a corrected lot, the one that stands.
    #[must_use]
    pub fn lot_ordinal(&self, id: &str) -> Option<u32> {
        self.lot_names.find(id.as_bytes(), |at| self.lots.bears(at, id.as_bytes()))
    }

    /// A lot by its id.
    #[must_use]
    pub fn lot(&self, id: &str) -> Option<Lot> {
        self.lot_by_ordinal(self.lot_ordinal(id)?)
    }

    /// A lot by its place in the order of creation.
    #[must_use]
    pub fn lot_by_ordinal(&self, ordinal: u32) -> Option<Lot> {
        self.lots.get(ordinal)
    }

    /// Where a lot stands, by its place in the order of creation: cheaper than the lot.
    #[must_use]
    pub fn standing(&self, ordinal: u32) -> Option<Standing> {
        self.lots.standing(ordinal)
    }

    /// Every lot in order of creation, void ones included, each unpacked when it is its turn.
    pub fn lots(&self) -> impl ExactSizeIterator<Item = Lot> + DoubleEndedIterator + '_ {
        (0..self.lots.len() as u32).map(|ordinal| self.lots.at(ordinal))
    }

    /// Ordinal of the first lot that is another in `other`, or that only one of the two has.
    #[must_use]
    pub fn first_lot_that_differs(&self, other: &Self) -> Option<u32> {
        self.lots.first_difference(&other.lots)
    }

    /// Bytes that the state occupies, part by part, with what is reserved. Roster and books are left out: they do not
    /// grow with the lots.
    #[must_use]
    pub fn bytes_by_kind(&self) -> [(&'static str, usize); 8] {
        let [rows, births, shared, cells] = self.lots.bytes_by_kind();
        let [ids, leaves] = self.records.bytes_in_use();
        [
            ("lots: rows", rows),
            ("lots: what never changes", births),
            ("lots: what many share", shared),
            ("lots: masses and newer compositions", cells),
            ("lots by id", self.lot_names.bytes_in_use()),
            ("tree of lots", self.head_tree.bytes_in_use()),
            ("ids of records", ids),
            ("records by id", leaves),
        ]
    }

    /// The newest record of a lot: what the next record about it names.
    #[must_use]
    pub fn head(&self, id: &str) -> Option<RecordId> {
        self.records.id_at(self.lots.standing(self.lot_ordinal(id)?)?.head)
    }

    /// Every member, facility, attestation, profile and set of validators, in order of entry.
    #[must_use]
    pub fn roster(&self) -> &[RosterEntry] {
        &self.roster
    }

    fn named(&self, kind: NameKind, name: &str) -> Option<Place> {
        let is = |at: u32| self.roster[at as usize].name() == Some((kind, name));
        self.roster_names[kind as usize].find(name.as_bytes(), is)
    }

    /// Place of a member in the roster.
    #[must_use]
    pub fn roster_index_of_member(&self, id: &str) -> Option<Place> {
        self.named(NameKind::Member, id)
    }

    /// Place of a facility in the roster.
    #[must_use]
    pub fn roster_index_of_facility(&self, id: &str) -> Option<Place> {
        self.named(NameKind::Facility, id)
    }

    /// Place of an attestation in the roster.
    #[must_use]
    pub fn roster_index_of_attestation(&self, id: &str) -> Option<Place> {
        self.named(NameKind::Attestation, id)
    }

    /// A member by its slug.
    #[must_use]
    pub fn member(&self, id: &str) -> Option<&Member> {
        self.member_at(self.roster_index_of_member(id)?)
    }

    /// A member by its place, as lots name it.
    #[must_use]
    pub fn member_at(&self, place: Place) -> Option<&Member> {
        match self.roster.get(place as usize)? {
            RosterEntry::Member(member) => Some(member),
            _ => None,
        }
    }

    /// Slug of the member at a place, or nothing.
    #[must_use]
    pub fn member_id(&self, place: Place) -> &str {
        self.member_at(place).map_or("", Member::id)
    }

    /// Every member, in order of admission.
    pub fn members(&self) -> impl Iterator<Item = &Member> {
        self.roster.iter().filter_map(|entry| match entry {
            RosterEntry::Member(member) => Some(&**member),
            _ => None,
        })
    }

    /// A facility by its id.
    #[must_use]
    pub fn facility(&self, id: &str) -> Option<&v1::Facility> {
        self.facility_at(self.roster_index_of_facility(id)?)
    }

    /// A facility by its place, as lots and effects name it.
    #[must_use]
    pub fn facility_at(&self, place: Place) -> Option<&v1::Facility> {
        match self.roster.get(place as usize)? {
            RosterEntry::Facility(facility) => Some(facility),
            _ => None,
        }
    }

    /// Every facility, in order of registration.
    pub fn facilities(&self) -> impl Iterator<Item = &v1::Facility> {
        self.roster.iter().filter_map(|entry| match entry {
            RosterEntry::Facility(facility) => Some(&**facility),
            _ => None,
        })
    }

    /// An attestation by its id, with its changes.
    #[must_use]
    pub fn attestation(&self, id: &str) -> Option<&v1::AttestationStanding> {
        match self.roster.get(self.roster_index_of_attestation(id)? as usize)? {
            RosterEntry::Attestation(standing) => Some(standing),
            _ => None,
        }
    }

    /// Every attestation, in order of issue.
    pub fn attestations(&self) -> impl Iterator<Item = &v1::AttestationStanding> {
        self.roster.iter().filter_map(|entry| match entry {
            RosterEntry::Attestation(standing) => Some(&**standing),
            _ => None,
        })
    }

    /// The profile in force.
    #[must_use]
    pub fn profile(&self) -> Option<&v1::Profile> {
        match self.roster.get(self.profile_at as usize)? {
            RosterEntry::Profile(profile) => Some(profile),
            _ => None,
        }
    }

    /// Every set of validators, oldest first.
    pub fn validator_sets(&self) -> impl DoubleEndedIterator<Item = &ValidatorSet> {
        self.placed_validator_sets().map(|(_, set)| set)
    }

    /// Every set of validators with its place in the roster, oldest first.
    pub fn placed_validator_sets(&self) -> impl DoubleEndedIterator<Item = (Place, &ValidatorSet)> {
        self.validators_at.iter().filter_map(|place| match self.roster.get(*place as usize)? {
            RosterEntry::Validators(validators) => Some((*place, &**validators)),
            _ => None,
        })
    }

    /// The newest set of validators, in force or about to be.
    #[must_use]
    pub fn validators(&self) -> Option<&ValidatorSet> {
        self.validator_sets().next_back()
    }

    /// The set that decides `height`: the newest that is in force by then.
    #[must_use]
    pub fn validators_at(&self, height: u64) -> Option<&ValidatorSet> {
        self.placed_validators_at(height).map(|(_, set)| set)
    }

    /// The same with its place in the roster.
    #[must_use]
    pub fn placed_validators_at(&self, height: u64) -> Option<(Place, &ValidatorSet)> {
        self.placed_validator_sets().rev().find(|(_, validators)| validators.from_height <= height)
    }

    /// Version of the rules by which the block of `height` is judged, as the newest set in force by then states it; 1
    /// where none does. A version that was voted in stays, whoever decides afterwards.
    #[must_use]
    pub fn rules_version_at(&self, height: u64) -> u32 {
        self.rules_stated_by(height).map_or(1, |(version, _)| version)
    }

    /// The rules by which the block of `height` is judged.
    ///
    /// # Errors
    /// [`UnknownRules`]: they are newer than `newest`, which is all that whoever asks knows.
    pub fn rules_at(&self, height: u64, newest: Rules) -> Result<Rules, UnknownRules> {
        let (version, from_height) = self.rules_stated_by(height).unwrap_or((1, 0));
        let known = newest.version();
        match Rules::of(version) {
            Some(rules) if rules <= newest => Ok(rules),
            _ => Err(UnknownRules { from_height, version, known }),
        }
    }

    /// The newest version that a set in force by `height` states, and that set's first height.
    fn rules_stated_by(&self, height: u64) -> Option<(u32, u64)> {
        let sets = self.validator_sets().rev().filter(|set| set.from_height <= height);
        sets.map(|set| (set.set.rules, set.from_height)).find(|(version, _)| *version != 0)
    }

    /// Governance records that wait for approvals, with their leaves.
    pub fn proposals(&self) -> impl Iterator<Item = (u64, &Proposal)> {
        self.books.proposals.iter().map(|(leaf, proposal)| (u64::from(*leaf), proposal))
    }

    /// Offers that wait for an answer, with the leaves of their Ships; expired ones until they are touched.
    pub fn offers(&self) -> impl Iterator<Item = (u64, &Offer)> {
        self.books.offers.iter().map(|(leaf, offer)| (u64::from(*leaf), offer))
    }

    /// The open offer that reserves a lot.
    #[must_use]
    pub fn offer_of(&self, lot: &Lot) -> Option<&Offer> {
        self.books.offers.get(&lot.standing.offer)
    }

    /// Everything that is open: offers, proposals, withdrawn records, credits.
    #[must_use]
    pub const fn books(&self) -> &Books {
        &self.books
    }

    /// Whether the record at a leaf was withdrawn, and at which leaf.
    #[must_use]
    pub fn withdrawn_at(&self, leaf_index: u64) -> Option<u64> {
        let fate = self.books.fates.get(&u32::try_from(leaf_index).ok()?)?;
        Some(fate.withdrawn_at.into())
    }
}

fn assign<K: Ord, V>(map: &mut BTreeMap<K, V>, key: K, value: Option<V>) -> Option<V> {
    match value {
        Some(value) => map.insert(key, value),
        None => map.remove(&key),
    }
}
