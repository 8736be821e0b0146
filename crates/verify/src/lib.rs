//! The offline verifier: trust root, receipts, bundles; each check named.
