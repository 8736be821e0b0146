//! Custody out of a view: units of lots are read and hashed side by side, and put together in order.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use ore_custody::{
    Custody, LoadError, RecordIndex,
    load::{Base, Part, Run},
};

use crate::view::{StateRange, View, ViewFault};

/// Threads that read.
const READERS: u32 = 2;
/// Lots in one unit: whole groups, a megabyte; what readers have let go of the allocator keeps, several times over.
const UNIT: u32 = 1 << 12;
/// Units of one reader that may wait to be put together.
const UNITS_WAITING: usize = 2;
/// What is read by units: lots, compositions put in place of the first, standings. In the order of their keys.
const BY_LOT: [u8; 3] = *b"KLS";
/// Keys from, and before: everything else.
const REST: [(&[u8], Option<&[u8]>); 3] = [(b"", Some(b"K")), (b"M", Some(b"S")), (b"T", None)];

/// Why a view gives no custody.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error(transparent)]
    View(#[from] ViewFault),
    #[error(transparent)]
    Load(#[from] LoadError),
}

/// Custody from the pairs of a view.
pub(crate) fn load_custody(view: &View, origin: &str, records: RecordIndex) -> Result<Custody, String> {
    load(view, origin, records).map_err(|fault| fault.to_string())
}

fn load(view: &View, origin: &str, records: RecordIndex) -> Result<Custody, Fault> {
    let mut rest = Part::default();
    for (from, to) in REST {
        read(view, &mut rest, StateRange { from, to })?;
    }
    // A transformation may have several outputs; a false last key must not cost memory.
    let likely_lots = 2 * records.len() + UNIT as usize;
    let base = Base::new(origin, records, &mut rest)?;

    let units = units(view)?;
    let mut lots = base.lots();
    std::thread::scope(|scope| {
        let readers: Vec<Receiver<Result<Run, Fault>>> = (0..READERS)
            .map(|reader| {
                let (runs, received) = sync_channel(UNITS_WAITING);
                let base = &base;
                scope.spawn(move || {
                    read_units(view, base, (reader..units).step_by(READERS as usize), units, &runs)
                });
                received
            })
            .collect();
        lots.reserve(likely_lots.min(units as usize * UNIT as usize));
        for unit in 0..units {
            // A reader that panicked sends nothing more; the scope passes the panic on.
            let Ok(run) = readers[(unit % READERS) as usize].recv() else { return Ok(()) };
            lots.push(run?)?;
        }
        Ok::<_, Fault>(())
    })?;
    Ok(base.complete(lots)?)
}

fn read(view: &View, part: &mut Part, range: StateRange<'_>) -> Result<(), Fault> {
    view.visit_state(range, |key, value| Ok(part.take(key, value)?))
}

/// How many units the lots of the view fill.
fn units(view: &View) -> Result<u32, Fault> {
    let last = view.last_state_key(StateRange { from: b"L", to: Some(b"M") })?;
    let ordinal = last.and_then(|key| Some(u32::from_be_bytes(*key.get(1..)?.first_chunk()?)));
    Ok(ordinal.map_or(1, |ordinal| ordinal / UNIT + 1))
}

/// Reads every unit of one reader, until the last, the first that is wrong, or nobody wants more.
fn read_units(
    view: &View,
    base: &Base,
    mine: impl Iterator<Item = u32>,
    units: u32,
    runs: &SyncSender<Result<Run, Fault>>,
) {
    for unit in mine {
        let run = read_unit(view, base, unit, unit + 1 == units);
        let wrong = run.is_err();
        if runs.send(run).is_err() || wrong {
            return;
        }
    }
}

/// Keys of odd length fall into some unit too, so that none is passed over.
fn read_unit(view: &View, base: &Base, unit: u32, last: bool) -> Result<Run, Fault> {
    let mut part = Part::with_capacity(UNIT as usize);
    for tag in BY_LOT {
        let border = |unit: u32| [&[tag][..], &(unit * UNIT).to_be_bytes()].concat();
        let from = if unit == 0 { vec![tag] } else { border(unit) };
        let to = if last { vec![tag + 1] } else { border(unit + 1) };
        read(view, &mut part, StateRange { from: &from, to: Some(&to) })?;
    }
    Ok(base.run(part)?)
}
