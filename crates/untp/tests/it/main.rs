//! Documents out are held against the released schemas by a validator that we did not write; documents in
//! are those of other people.

mod facts;
mod incoming;
mod out;
