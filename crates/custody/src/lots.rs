//! All lots, packed: one that is whole, or was passed on and used up as a whole, takes about 30 bytes.
//!
//! | Part | Bytes a lot | What |
//! | --- | --- | --- |
//! | `rows` | 12 | the newest record, and numbers that point into the other parts |
//! | `births` | 15 to 25, and its composition where it differs from its neighbour's | what never changes |
//! | `makings`, `holdings`, `shared` | | what many lots have in common, each kept once, and which two of them go together |
//! | `cells` | 8, 16 or more, for lots of which a part was taken or is missing, or that are offered | masses |
//! | `newer` | 8 and a cell, for lots whose composition an assay replaced | compositions |
//!
//! A [`Lot`] is unpacked when somebody asks for it, and equal to the one that was put in.

mod births;
mod cells;
mod intern;
mod masses;

pub(crate) use births::LONGEST_NUMBER;

use alloc::{boxed::Box, sync::Arc, vec::Vec};

use hashbrown::HashMap;

use crate::{
    codec::Writer,
    lot::{Composition, Description, ElementContent, Lot, Passport, Place, Standing},
    lots::{
        births::{Birth, Births},
        cells::{Cell, Cells},
        intern::Interned,
        masses::{Masses, Packed},
    },
    persist,
    text::Text,
};

/// Bytes of one element in a stored composition.
const CONTENT_BYTES: usize = 10;

/// See the module.
#[derive(Clone, Default)]
pub(crate) struct LotTable {
    rows: Vec<Row>,
    births: Births,
    makings: Interned<Making>,
    holdings: Interned<Holding>,
    shared: Interned<Shared>,
    cells: Cells,
    newer: HashMap<u32, Cell>,
}

#[derive(Clone, Copy)]
struct Row {
    head: Place,
    shared: u32,
    masses: Packed,
}

/// Places in `makings` and `holdings`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Shared {
    making: u32,
    holding: u32,
}

/// Lots of one making: by one member, at one place, of one kind.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Making {
    /// Their ids up to the lot number.
    prefix: Box<str>,
    description: Arc<Description>,
}

/// In whose hands and where, and who said stop.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Holding {
    custodian: Place,
    owner: Place,
    facility: Place,
    held_by: Place,
    recalled_by: Place,
    void: bool,
}

/// A lot's id in two parts, and where it stands: enough for its leaf, and cheaper than the lot.
pub(crate) struct Glimpse<'a> {
    pub(crate) prefix: &'a str,
    pub(crate) number: &'a [u8],
    pub(crate) standing: Standing,
}

/// How many values the parts hold that many lots share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SharedLens {
    makings: usize,
    holdings: usize,
    shared: usize,
}

/// `<member>/`, and the lot number.
fn split(id: &str) -> (&str, &str) {
    id.split_at(id.find('/').map_or(0, |slash| slash + 1))
}

impl LotTable {
    /// How many lots.
    pub(crate) const fn len(&self) -> usize {
        self.rows.len()
    }

    /// A lot by its ordinal.
    pub(crate) fn get(&self, ordinal: u32) -> Option<Lot> {
        let row = self.rows.get(ordinal as usize)?;
        let (making, birth) = (self.making_of(row), self.newest(ordinal));
        Some(Lot {
            standing: self.standing_of(row, birth.created_mg),
            composition: read_composition(birth.composition),
            passport: Passport {
                id: Text::of_parts(&making.prefix, births::text(birth.number)),
                created_mg: birth.created_mg,
                created_ms: birth.created_ms,
                created_at: birth.created_at,
                replaces: birth.replaces,
                description: Arc::clone(&making.description),
            },
        })
    }

    /// A lot that is there.
    ///
    /// # Panics
    /// When it is not: ordinals come from look-ups, and lots are never removed.
    pub(crate) fn at(&self, ordinal: u32) -> Lot {
        self.get(ordinal).expect("a lot that was looked up is there")
    }

    /// Where a lot stands.
    pub(crate) fn standing(&self, ordinal: u32) -> Option<Standing> {
        let row = self.rows.get(ordinal as usize)?;
        Some(self.standing_of(row, self.births.brief(ordinal).1))
    }

    /// What the leaf of a lot is made of.
    pub(crate) fn glimpse(&self, ordinal: u32) -> Option<Glimpse<'_>> {
        let row = self.rows.get(ordinal as usize)?;
        let (number, created_mg) = self.births.brief(ordinal);
        let standing = self.standing_of(row, created_mg);
        Some(Glimpse { prefix: &self.making_of(row).prefix, number, standing })
    }

    /// Whether a lot bears this id.
    pub(crate) fn bears(&self, ordinal: u32, id: &[u8]) -> bool {
        let prefix = self.making_of(&self.rows[ordinal as usize]).prefix.as_bytes();
        id.strip_prefix(prefix).is_some_and(|number| number == self.births.brief(ordinal).0)
    }

    /// Whether two lots bear the same id.
    pub(crate) fn namesakes(&self, one: u32, other: u32) -> bool {
        let making = |ordinal: u32| &self.making_of(&self.rows[ordinal as usize]).prefix;
        making(one) == making(other) && self.births.brief(one).0 == self.births.brief(other).0
    }

    /// A lot's id.
    pub(crate) fn id(&self, ordinal: u32) -> Text {
        let prefix = &self.making_of(&self.rows[ordinal as usize]).prefix;
        Text::of_parts(prefix, births::text(self.births.brief(ordinal).0))
    }

    /// The first lot that differs from that of `other`, or that only one of them has. Nothing is unpacked.
    pub(crate) fn first_difference(&self, other: &Self) -> Option<u32> {
        let (both, most) = (self.len().min(other.len()) as u32, self.len().max(other.len()) as u32);
        (0..both).find(|ordinal| !self.equal(*ordinal, other)).or_else(|| (both < most).then_some(both))
    }

    /// Whether a lot that both have is the same.
    fn equal(&self, ordinal: u32, other: &Self) -> bool {
        let (one, two) = (&self.rows[ordinal as usize], &other.rows[ordinal as usize]);
        let birth = self.newest(ordinal);
        birth == other.newest(ordinal)
            && self.making_of(one) == other.making_of(two)
            && self.standing_of(one, birth.created_mg) == other.standing_of(two, birth.created_mg)
    }

    /// What never changes, with the composition as it is now.
    fn newest(&self, ordinal: u32) -> Birth<'_> {
        let birth = self.births.at(ordinal);
        match self.newer.get(&ordinal) {
            Some(cell) => {
                let padded = self.cells.at(*cell);
                let length = 1 + usize::from(padded[0]) * CONTENT_BYTES;
                Birth { composition: &padded[..length], ..birth }
            }
            None => birth,
        }
    }

    /// Adds the next lot.
    pub(crate) fn push(&mut self, lot: &Lot) {
        let Passport { id, created_mg, created_ms, created_at, replaces, description } = &lot.passport;
        let (prefix, number) = split(id);
        // Neighbours are often of one making, and in the same hands.
        let before = self.rows.last().map(|row| *self.shared.at(row.shared));
        let alike = before.filter(|before| {
            let making = self.makings.at(before.making);
            *making.prefix == *prefix && making.description == *description
        });
        let making = alike.map(|before| before.making).unwrap_or_else(|| {
            self.makings.keep(Making { prefix: prefix.into(), description: Arc::clone(description) })
        });
        let mut composition = Writer(core::mem::take(&mut self.cells.scratch));
        composition.0.clear();
        persist::put_composition(&mut composition, &lot.composition);
        self.births.push(&Birth {
            number: number.as_bytes(),
            created_mg: *created_mg,
            created_ms: *created_ms,
            created_at: *created_at,
            replaces: *replaces,
            composition: &composition.0,
        });
        self.cells.scratch = composition.0;
        let row = self.row(&lot.standing, making, *created_mg, self.rows.last().map(|row| row.shared));
        self.rows.push(row);
    }

    /// Takes the last lot back.
    pub(crate) fn pop(&mut self) -> Option<Lot> {
        let ordinal = self.rows.len().checked_sub(1)? as u32;
        let lot = self.get(ordinal);
        self.births.pop();
        if let Some(row) = self.rows.pop() {
            self.cells.free_masses(row.masses);
        }
        if let Some(cell) = self.newer.remove(&ordinal) {
            self.cells.free(cell);
        }
        lot
    }

    /// Gives a lot another standing, and returns the one that it had.
    ///
    /// # Panics
    /// When there is no such lot.
    pub(crate) fn set_standing(&mut self, ordinal: u32, standing: &Standing) -> Standing {
        let (row, created_mg) = (self.rows[ordinal as usize], self.births.brief(ordinal).1);
        let before = self.standing_of(&row, created_mg);
        self.cells.free_masses(row.masses);
        self.rows[ordinal as usize] =
            self.row(standing, self.shared.at(row.shared).making, created_mg, Some(row.shared));
        before
    }

    /// Gives a lot another composition, and returns the one that it had.
    ///
    /// # Panics
    /// When there is no such lot.
    pub(crate) fn set_composition(&mut self, ordinal: u32, composition: &Composition) -> Composition {
        let first = self.births.at(ordinal).composition;
        let cell = self.newer.remove(&ordinal);
        let before = read_composition(cell.map_or(first, |cell| self.cells.at(cell)));
        let mut stored = Writer::default();
        persist::put_composition(&mut stored, composition);
        let again = stored.0 == first;
        if let Some(cell) = cell {
            self.cells.free(cell);
        }
        if !again {
            self.newer.insert(ordinal, self.cells.put(&stored.0));
        }
        before
    }

    /// Adds all lots of another table after these.
    pub(crate) fn append(&mut self, other: &Self) {
        let first = self.rows.len() as u32;
        if !self.births.append(&other.births) {
            // Not at a border of groups: one by one.
            (0..other.len() as u32).for_each(|ordinal| self.push(&other.at(ordinal)));
            return;
        }
        let makings: Vec<u32> = other.makings.iter().map(|it| self.makings.keep(it.clone())).collect();
        let holdings: Vec<u32> = other.holdings.iter().map(|it| self.holdings.keep(*it)).collect();
        let ours = |it: &Shared| Shared {
            making: makings[it.making as usize],
            holding: holdings[it.holding as usize],
        };
        let shared: Vec<u32> = other.shared.iter().map(|it| self.shared.keep(ours(it))).collect();
        self.rows.extend(other.rows.iter().map(|row| Row {
            head: row.head,
            shared: shared[row.shared as usize],
            masses: self.cells.adopt(row.masses, &other.cells),
        }));
        for (ordinal, cell) in &other.newer {
            self.newer.insert(first + ordinal, self.cells.put(other.cells.at(*cell)));
        }
    }

    /// How much is shared; for [`LotTable::forget_shared`].
    pub(crate) const fn shared_lens(&self) -> SharedLens {
        SharedLens { makings: self.makings.len(), holdings: self.holdings.len(), shared: self.shared.len() }
    }

    /// Forgets what came to be shared since, once every lot is as it was then: whoever has records judged, or a block
    /// that is never decided, leaves nothing here.
    pub(crate) fn forget_shared(&mut self, lens: SharedLens) {
        self.makings.truncate(lens.makings);
        self.holdings.truncate(lens.holdings);
        self.shared.truncate(lens.shared);
    }

    /// Makes room, so that what is there need not move.
    pub(crate) fn reserve(&mut self, lots: usize) {
        self.rows.reserve_exact(lots);
        self.births.reserve(lots);
    }

    /// Gives back what was reserved in vain.
    pub(crate) fn shrink_to_fit(&mut self) {
        self.rows.shrink_to_fit();
        self.births.shrink_to_fit();
    }

    /// Bytes that the parts occupy, with what is reserved: rows, what never changes, what is shared, masses and newer
    /// compositions.
    pub(crate) fn bytes_by_kind(&self) -> [usize; 4] {
        [
            self.rows.capacity() * size_of::<Row>(),
            self.births.bytes_in_use(),
            self.makings.bytes_in_use() + self.holdings.bytes_in_use() + self.shared.bytes_in_use(),
            self.cells.bytes_in_use() + self.newer.allocation_size(),
        ]
    }

    fn standing_of(&self, row: &Row, created_mg: u64) -> Standing {
        let Holding { custodian, owner, facility, held_by, recalled_by, void } =
            *self.holdings.at(self.shared.at(row.shared).holding);
        let masses = self.cells.masses(row.masses, created_mg);
        Standing {
            remaining_mg: masses.remaining_mg,
            taken_mg: masses.taken_mg,
            disposed_mg: masses.disposed_mg,
            used_mg: masses.used_mg,
            shortfall_mg: masses.shortfall_mg,
            surplus_mg: masses.surplus_mg,
            head: row.head,
            custodian,
            owner,
            facility,
            offer: masses.offer,
            held_by,
            recalled_by,
            void,
        }
    }

    fn making_of(&self, row: &Row) -> &Making {
        self.makings.at(self.shared.at(row.shared).making)
    }

    /// `likely` is what it may well share.
    fn row(&mut self, standing: &Standing, making: u32, created_mg: u64, likely: Option<u32>) -> Row {
        let Standing { head, custodian, owner, facility, offer, held_by, recalled_by, void, .. } = *standing;
        let Standing { remaining_mg, taken_mg, disposed_mg, used_mg, shortfall_mg, surplus_mg, .. } =
            *standing;
        let holding = Holding { custodian, owner, facility, held_by, recalled_by, void };
        let masses = Masses { remaining_mg, taken_mg, disposed_mg, used_mg, shortfall_mg, surplus_mg, offer };
        let alike = likely.filter(|likely| {
            let likely = self.shared.at(*likely);
            likely.making == making && *self.holdings.at(likely.holding) == holding
        });
        let shared = alike.unwrap_or_else(|| {
            let holding = self.holdings.keep(holding);
            self.shared.keep(Shared { making, holding })
        });
        Row { head, shared, masses: self.cells.put_masses(&masses, created_mg) }
    }
}

/// What `persist::put_composition` wrote.
fn read_composition(stored: &[u8]) -> Composition {
    let (count, contents) = stored.split_first().expect("a composition begins with a count");
    let content = |bytes: &[u8]| ElementContent {
        element: bytes[0],
        measured: bytes[1] != 0,
        ppb: u32::from_be_bytes([bytes[2], bytes[3], bytes[4], bytes[5]]),
        uncertainty_ppb: u32::from_be_bytes([bytes[6], bytes[7], bytes[8], bytes[9]]),
    };
    // One allocation: the length is known.
    contents[..usize::from(*count) * CONTENT_BYTES].chunks_exact(CONTENT_BYTES).map(content).collect()
}
