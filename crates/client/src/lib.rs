//! Calls whose answers are verified before they are returned.
