//! Provenance: which part of this metal came from where.
//!
//! The [`Graph`] keeps lots and the steps between them in ledger order; the answers
//! are one pass over it: [`attribute`] gives shares per origin, [`trace_back`] the
//! ancestors, [`trace_forward`] the descendants, [`dependence`] what hangs on one
//! node. All arithmetic is exact or rounded in a stated direction; nothing here
//! reads a clock, a file or a socket, and no answer depends on the order in which
//! independent records arrived.
#![no_std]

extern crate alloc;

mod ask;
mod attribute;
mod bits;
mod dependence;
pub mod formula;
mod graph;
mod share;
mod trace;
mod types;
mod walk;
mod wide;

pub use ask::{Limits, Method, QuestionError, Visited};
pub use attribute::{Attributing, Attribution, OriginShare, attribute};
pub use dependence::{Dependence, DependenceWalks, NodeDependence, dependence};
pub use graph::{
    AppendError, Appended, ContainedMass, Dating, Graph, Held, LotFacts, Mark, MarkBeyondEnd, Part,
    SnapshotError, StepFacts, StepMass,
};
pub use share::{Parts, Share};
pub use trace::{
    ForwardLimits, Recall, RecallHit, Recalling, Threshold, Trace, TraceEdge, TraceLimits, TraceNode,
    TracingBack, trace_back, trace_forward,
};
pub use types::{
    Composition, Content, ContentKind, Element, LotIndex, Mixing, NewLot, Origin, Picograms, RecyclingClass,
    Route, SourceId, SourceKind, StepIndex, StepKind, Taken,
};
pub use walk::Scratch;
pub use wide::proportion;
