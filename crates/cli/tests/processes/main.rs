//! The real program in real processes: killed, unplugged, out of space, told to stop, tampered with.
//!
//! Seeds are printed; `ORELEDGER_SEED`, `ORELEDGER_KILLS`, `ORELEDGER_CUTS` and `ORELEDGER_CHAOS_S` repeat or lengthen a run.
//! `ORELEDGER_OLDER` names a program that an older commit gives, for what must hold between two builds.
//! Tests take turns, since each wants the machine for itself. What needs root says so when it is left out.

mod callers;
mod ceremony;
mod chaos;
mod four;
mod full_disk;
mod image;
mod kill;
mod load;
mod power_cut;
mod process;
mod rights;
mod stop;
mod sync_trace;
mod tamper;
mod traces;
mod upgrade;
mod world;
