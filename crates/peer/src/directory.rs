//! Who may connect: names of nodes, bound to TLS keys.

use std::collections::{BTreeMap, BTreeSet};

/// One node that is welcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Welcome {
    /// Name of the node: the member's id for a validator.
    pub member: String,
    /// Ed25519 key of its TLS certificate.
    pub tls_key: [u8; 32],
    /// `host:port`; empty: it is not dialled, it dials.
    pub address: String,
}

/// Everybody who may connect. A key belongs to one name, and a revoked key to none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Directory {
    by_name: BTreeMap<String, Welcome>,
    by_key: BTreeMap<[u8; 32], String>,
    revoked: BTreeSet<[u8; 32]>,
}

impl Directory {
    /// Of the welcome, without the revoked. Of two entries for one name or one key the first counts.
    #[must_use]
    pub fn new(
        welcome: impl IntoIterator<Item = Welcome>,
        revoked: impl IntoIterator<Item = [u8; 32]>,
    ) -> Self {
        let mut directory = Self { revoked: revoked.into_iter().collect(), ..Self::default() };
        for entry in welcome {
            let taken = directory.by_name.contains_key(&entry.member)
                || directory.by_key.contains_key(&entry.tls_key)
                || directory.revoked.contains(&entry.tls_key);
            if !taken {
                directory.by_key.insert(entry.tls_key, entry.member.clone());
                directory.by_name.insert(entry.member.clone(), entry);
            }
        }
        directory
    }

    /// The node whose key this is.
    #[must_use]
    pub fn member_of(&self, tls_key: &[u8; 32]) -> Option<&str> {
        self.by_key.get(tls_key).map(String::as_str)
    }

    /// What is known about a node.
    #[must_use]
    pub fn get(&self, member: &str) -> Option<&Welcome> {
        self.by_name.get(member)
    }

    /// Whether this key must not be used any more.
    #[must_use]
    pub fn is_revoked(&self, tls_key: &[u8; 32]) -> bool {
        self.revoked.contains(tls_key)
    }

    /// Everybody, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Welcome> {
        self.by_name.values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn welcome(member: &str, key: u8) -> Welcome {
        Welcome { member: member.into(), tls_key: [key; 32], address: String::new() }
    }

    #[test]
    fn a_key_is_bound_to_one_name_and_a_revoked_key_to_none() {
        let directory =
            Directory::new([welcome("a", 1), welcome("b", 1), welcome("a", 2), welcome("c", 3)], [[3; 32]]);
        assert_eq!(directory.member_of(&[1; 32]), Some("a"));
        assert_eq!(directory.get("b"), None);
        assert_eq!(directory.member_of(&[2; 32]), None);
        assert_eq!(directory.member_of(&[3; 32]), None);
        assert!(directory.is_revoked(&[3; 32]));
        assert_eq!(directory.iter().count(), 1);
    }
}
