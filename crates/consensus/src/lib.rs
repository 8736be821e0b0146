//! The ordering engine behind our own transport.
