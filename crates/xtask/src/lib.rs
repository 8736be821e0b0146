//! House rules as tests, and vectors.
