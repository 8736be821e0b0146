//! One node: configuration, admission, the sequencer, services.
