//! Taking up a stored state, in parts that can be read side by side.
//!
//! ```text
//! RecordIndex::from_ids ─┐
//! Part (all but lots) ───┴─> Base ──run──> Run ── in order of the lots ──> Lots ──> Base::complete ──> Custody
//! Part (some lots) ───────────┘  (any thread)
//! ```
//!
//! Nothing here spawns; whoever has threads gives them the steps. [`Custody::load`] takes the same steps one by one.

use alloc::vec::Vec;

use ore_merkle::{DenseTree, JoinedTrees, LeafHash, groups::group_root, hash_leaf};

use crate::{
    codec::{Garbled, Read, Reader},
    lot::{Composition, Lot, NONE, Passport, Place, Standing},
    lots::LotTable,
    names::{Names, RecordIndex},
    persist::{self, LoadError, numbered, tag},
    roster::RosterEntry,
    state::Custody,
    state_tree::{GROUP_HEIGHT, GROUP_WIDTH, above_group},
};

/// Some of the stored pairs. Lots, where they stand and their newer compositions belong into one part per range of
/// ordinals, in any order; everything else into one part.
#[derive(Default)]
pub struct Part {
    lots: Vec<(u32, Passport, Composition)>,
    standings: Vec<(u32, Standing)>,
    compositions: Vec<(u32, Composition)>,
    roster: Vec<(u32, RosterEntry)>,
    books: crate::books::Books,
}

impl Part {
    /// A part with room for so many lots.
    #[must_use]
    pub fn with_capacity(lots: usize) -> Self {
        Self { lots: Vec::with_capacity(lots), standings: Vec::with_capacity(lots), ..Self::default() }
    }

    /// Takes one pair.
    ///
    /// # Errors
    /// [`LoadError::UnknownKey`] and [`LoadError::Garbled`].
    pub fn take(&mut self, key: &[u8], value: &[u8]) -> Result<(), LoadError> {
        match self.read(Reader(key), Reader(value)) {
            Ok(true) => Ok(()),
            Ok(false) => Err(LoadError::UnknownKey(key.to_vec())),
            Err(Garbled) => Err(LoadError::Garbled(key.to_vec())),
        }
    }

    /// `Ok(false)`: an unknown key.
    fn read(&mut self, mut key: Reader<'_>, mut value: Reader<'_>) -> Read<bool> {
        let Ok(tag) = key.u8() else { return Ok(false) };
        let Ok(number) = key.u32() else { return Ok(false) };
        match tag {
            tag::LOT => {
                // Neighbours are much alike: what is equal is kept once.
                let before = self.lots.last().map(|(_, passport, composition)| (passport, composition));
                let (passport, composition) = persist::get_lot(&mut value, before)?;
                self.lots.push((number, passport, composition));
            }
            tag::STANDING => self.standings.push((number, persist::get_standing(&mut value)?)),
            tag::COMPOSITION => {
                let before = self.compositions.last().map(|(_, composition)| composition);
                let composition = persist::get_composition(&mut value, before)?;
                self.compositions.push((number, composition));
            }
            tag::ROSTER => self.roster.push((number, persist::get_roster(&mut value)?)),
            _ => {
                if !persist::get_book(&mut self.books, tag, number, &mut key, &mut value)? {
                    return Ok(false);
                }
            }
        }
        key.end().and_then(|()| value.end())?;
        Ok(true)
    }
}

/// A state without its lots: what a run of lots is checked against.
pub struct Base(Custody);

impl Base {
    /// Takes roster and books out of `rest`; lots stay in it.
    ///
    /// # Errors
    /// [`LoadError`] when a place is missing or points nowhere.
    pub fn new(origin: &str, records: RecordIndex, rest: &mut Part) -> Result<Self, LoadError> {
        let mut custody = Custody::new(origin);
        custody.records = records;
        custody.books = core::mem::take(&mut rest.books);
        rest.roster.sort_by_key(|(place, _)| *place);
        contiguous("roster place", 0, rest.roster.iter().map(|(place, _)| *place))?;
        rest.roster.drain(..).for_each(|(_, entry)| custody.push_roster(entry));
        Ok(Self(custody))
    }

    /// Makes lots of a part, checks that every place that they name is there, so that no later look-up can fail, and
    /// hashes their leaves.
    ///
    /// # Errors
    /// [`LoadError`] when a lot or its standing is missing or points nowhere.
    pub fn run(&self, part: Part) -> Result<Run, LoadError> {
        let Part { lots: mut passports, mut standings, compositions, .. } = part;
        sort(&mut passports, |(ordinal, ..)| *ordinal);
        sort(&mut standings, |(ordinal, _)| *ordinal);
        let first = passports.first().map_or(0, |(ordinal, ..)| *ordinal);
        contiguous("lot", first, passports.iter().map(|(ordinal, ..)| *ordinal))?;
        contiguous("standing of lot", first, standings.iter().map(|(ordinal, _)| *ordinal))?;
        if passports.len() != standings.len() {
            let at = first + passports.len().min(standings.len()) as u32;
            return Err(LoadError::Gap { what: "lot", at });
        }
        let assemble = |((_, passport, composition), (_, standing))| Lot { passport, standing, composition };
        let mut lots: Vec<Lot> = passports.into_iter().zip(standings).map(assemble).collect();
        for (ordinal, composition) in compositions {
            let at = ordinal.checked_sub(first).and_then(|at| lots.get_mut(at as usize));
            let Some(lot) = at else {
                return Err(LoadError::Dangling(numbered(tag::COMPOSITION, ordinal)));
            };
            lot.composition = composition;
        }
        let mut replacing = Vec::new();
        // Beyond the last ordinal there is none to check: such a run follows no other.
        for (ordinal, lot) in (first..first.saturating_add(lots.len() as u32)).zip(&lots) {
            self.0.check_lot(ordinal, lot)?;
            if lot.passport.replaces != NONE {
                replacing.push(ordinal);
            }
        }
        let mut table = LotTable::default();
        lots.iter().for_each(|lot| table.push(lot));
        table.shrink_to_fit();
        let tree = lots.chunks(GROUP_WIDTH).filter_map(|group| self.hash_group(group)).collect();
        let names = lots.iter().map(|lot| self.0.lot_names.hash(lot.passport.id.as_bytes())).collect();
        Ok(Run { first, lots: table, replacing, names, tree })
    }

    /// Root over the leaves of a group of lots.
    fn hash_group(&self, group: &[Lot]) -> Option<LeafHash> {
        let mut leaf = Vec::with_capacity(256);
        let hashes = group.iter().map(|lot| {
            leaf.clear();
            self.0.write_leaf(lot.id().as_bytes(), &[], &lot.standing, &mut leaf);
            hash_leaf(&leaf)
        });
        group_root(&hashes.collect::<Vec<_>>()).map(above_group)
    }

    /// An empty collection for runs.
    #[must_use]
    pub fn lots(&self) -> Lots {
        Lots { names: self.0.lot_names.clone(), ..Lots::default() }
    }

    /// The state, with all lots.
    ///
    /// # Errors
    /// [`LoadError::Dangling`] when a lot took over an id that was not there, or an open offer or proposal points
    /// nowhere.
    pub fn complete(self, mut all: Lots) -> Result<Custody, LoadError> {
        let Self(mut custody) = self;
        all.lots.shrink_to_fit();
        all.index()?;
        (custody.lots, custody.lot_names) = (all.lots, all.names);
        custody.head_tree = all.tree.map_or_else(DenseTree::new, JoinedTrees::finish);
        custody.check_books()?;
        Ok(custody)
    }
}

/// Lots that follow each other, checked.
pub struct Run {
    first: u32,
    lots: LotTable,
    /// Ordinals of those that took over an id.
    replacing: Vec<u32>,
    /// Hashes of their ids.
    names: Vec<u32>,
    /// Over the groups.
    tree: DenseTree,
}

/// All lots so far.
#[derive(Default)]
pub struct Lots {
    lots: LotTable,
    replacing: Vec<u32>,
    name_hashes: Vec<u32>,
    /// Of the height of the first run's tree.
    tree: Option<JoinedTrees>,
    /// Lots that there will be, as far as is known.
    likely: usize,
    names: Names,
}

impl Lots {
    /// Makes room, so that what is there need not move.
    pub fn reserve(&mut self, lots: usize) {
        self.lots.reserve(lots);
        self.name_hashes.reserve_exact(lots);
        self.likely = lots;
    }

    /// Adds the lots that come next: of the first run 2^n lots and at least a group, of all others as many, of the last
    /// perhaps fewer, so that the tree of each is a subtree of the whole.
    ///
    /// # Errors
    /// [`LoadError::Gap`] when they are others.
    pub fn push(&mut self, mut run: Run) -> Result<(), LoadError> {
        if run.lots.len() == 0 {
            return Ok(());
        }
        let gap = || LoadError::Gap { what: "lot", at: self.lots.len() as u32 };
        if run.first as usize != self.lots.len() || !self.lots.len().is_multiple_of(GROUP_WIDTH) {
            return Err(gap());
        }
        let height = (run.lots.len().next_power_of_two().ilog2() as u8).saturating_sub(GROUP_HEIGHT);
        let tree = self.tree.get_or_insert_with(|| {
            let mut tree = JoinedTrees::new(height);
            tree.reserve(self.likely.div_ceil(GROUP_WIDTH));
            tree
        });
        tree.push(run.tree).map_err(|_| gap())?;
        self.lots.append(&run.lots);
        self.replacing.append(&mut run.replacing);
        self.name_hashes.append(&mut run.names);
        Ok(())
    }

    /// Makes the lots findable by their ids.
    fn index(&mut self) -> Result<(), LoadError> {
        let lots = &self.lots;
        for ordinal in &self.replacing {
            let replaces = lots.at(*ordinal).passport.replaces;
            if replaces >= *ordinal || !lots.namesakes(replaces, *ordinal) {
                return Err(LoadError::Dangling(numbered(tag::LOT, *ordinal)));
            }
        }
        // A corrected lot takes over its id.
        self.names.bind_all(&core::mem::take(&mut self.name_hashes), |at, other| lots.namesakes(at, other));
        Ok(())
    }
}

impl Custody {
    /// Takes up a state that [`crate::Change::writes`] described, with the ids of all leaves.
    ///
    /// Pairs may come in any order; each key once, with its newest value.
    ///
    /// # Errors
    /// [`LoadError`] when a value does not read or points nowhere; whoever asks rebuilds from the log.
    pub fn load<K: AsRef<[u8]>, V: AsRef<[u8]>>(
        origin: &str,
        pairs: impl IntoIterator<Item = (K, V)>,
        ids: Vec<[u8; 32]>,
    ) -> Result<Self, LoadError> {
        let records = RecordIndex::from_ids(ids)?;
        let mut part = Part::default();
        for (key, value) in pairs {
            part.take(key.as_ref(), value.as_ref())?;
        }
        let base = Base::new(origin, records, &mut part)?;
        let mut lots = base.lots();
        lots.push(base.run(part)?)?;
        base.complete(lots)
    }

    /// Everything that one lot names, but for the lot that it replaces.
    fn check_lot(&self, ordinal: u32, lot: &Lot) -> Result<(), LoadError> {
        let leaf = |leaf: Place| (leaf as usize) < self.records.len();
        let member = |place: Place| self.member_at(place).is_some();
        let facility = |place: Place| place == NONE || self.facility_at(place).is_some();
        let dangling = |tag: u8| Err(LoadError::Dangling(numbered(tag, ordinal)));
        let passport = &lot.passport;
        if !(leaf(passport.created_at) && member(passport.author) && facility(passport.facility)) {
            return dangling(tag::LOT);
        }
        let standing = &lot.standing;
        let offered = standing.offer == NONE || self.books.offers.contains_key(&standing.offer);
        let by = |place: Place| place == NONE || member(place);
        let who = member(standing.custodian) && member(standing.owner);
        let marks = by(standing.held_by) && by(standing.recalled_by);
        if !(leaf(standing.head) && who && facility(standing.facility) && offered && marks) {
            return dangling(tag::STANDING);
        }
        Ok(())
    }

    fn check_books(&self) -> Result<(), LoadError> {
        let leaf = |leaf: Place| (leaf as usize) < self.records.len();
        let member = |place: Place| self.member_at(place).is_some();
        let dangling = |tag: u8, at: u32| Err(LoadError::Dangling(numbered(tag, at)));
        for (at, offer) in &self.books.offers {
            let lots = offer.lots.iter().all(|lot| (*lot as usize) < self.lots.len());
            if !(leaf(*at) && member(offer.author) && member(offer.receiver) && lots) {
                return dangling(tag::OFFER, *at);
            }
        }
        for (at, proposal) in &self.books.proposals {
            if !(leaf(*at) && proposal.approvals.iter().all(|place| member(*place))) {
                return dangling(tag::PROPOSAL, *at);
            }
        }
        Ok(())
    }
}

/// Stores give pairs in order, so mostly there is nothing to do.
fn sort<T>(pieces: &mut [T], number: impl Fn(&T) -> u32) {
    if !pieces.is_sorted_by_key(&number) {
        pieces.sort_by_key(number);
    }
}

fn contiguous(what: &'static str, first: u32, numbers: impl Iterator<Item = u32>) -> Result<(), LoadError> {
    for (expected, number) in (u64::from(first)..).zip(numbers) {
        if u64::from(number) != expected {
            return Err(LoadError::Gap { what, at: expected as u32 });
        }
    }
    Ok(())
}
