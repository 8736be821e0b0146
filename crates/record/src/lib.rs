//! Records: what a member signs.
