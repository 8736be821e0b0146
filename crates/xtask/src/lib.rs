//! House rules as tests: what the architecture promises, checked on cargo's own metadata and on the
//! files themselves. The tests are in `tests/house`; there is nothing else here.
