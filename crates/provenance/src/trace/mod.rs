//! Traces: the ancestors of a lot, and the descendants that hold its metal.
//!
//! The two agree to the last digit: the share of lot D that passed through lot S, seen from D,
//! is the share of S that is seen in D.

mod back;
mod forward;

pub(crate) use back::{Arrived, Waiting};
pub use back::{Trace, TraceEdge, TraceLimits, TraceNode, TracingBack, trace_back};
pub(crate) use forward::Made;
pub use forward::{ForwardLimits, Recall, RecallHit, Recalling, Threshold, trace_forward};
