//! Custody rules: may this record enter, and what follows from it.
