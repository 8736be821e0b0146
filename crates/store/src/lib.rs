//! The record log, the view in sled, and fsck: the log is the truth, sled is the view.
//!
//! This crate touches the disk and decides nothing about custody. Reading order: [`disk`], [`frame`], [`log`],
//! [`positions`], `tree`, [`batch`], [`view`], [`indexer`], [`store`], [`open`], [`replay`], [`fsck`].

pub mod backup;
pub mod batch;
pub mod block;
pub mod checked;
pub mod damage;
pub mod disk;
pub mod error;
pub mod frame;
pub mod fsck;
pub mod graph_feed;
pub mod graph_files;
pub mod group;
pub mod header;
pub mod indexer;
pub mod log;
pub mod open;
pub mod positions;
pub mod promise;
pub mod reader;
pub mod replay;
pub mod store;
mod take_up;
mod tree;
pub mod view;

pub use block::{CommittedBlock, Consequences};
pub use damage::{Damage, Fault, Place};
pub use disk::{Disk, DiskFile, RealDisk};
pub use error::StoreError;
pub use frame::StoredBlock;
pub use fsck::{FsckOptions, FsckReport, fsck};
pub use header::BlockId;
pub use indexer::{IndexOptions, ViewStatus};
pub use log::LogOptions;
pub use reader::Reader;
pub use replay::{next_validators, turnover};
pub use store::{ChangeFile, Phase, Progress, Recovered, Store, StoreOptions, silent};
