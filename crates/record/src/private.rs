//! Confidential fields: 32 bytes in the record vouch for values that only some members see.
//!
//! Each field is a salted leaf of a small RFC 6962 tree, sorted and padded with decoys, so that
//! neither the number of fields nor any other field shows in a disclosure. Layout:
//!
//! ```text
//! ctx            SHA-256("oreledger/ctx/v1\0" || author key || record nonce)
//! salt(name)     HMAC-SHA-256(record_secret, "oreledger/salt/v1\0" || name)
//! leaf_data      "oreledger/field/v1\0" || ctx || u8 len||name || u8 type || salt || u32be len||value
//! leaf           SHA-256(0x00 || leaf_data)
//! decoy(i)       SHA-256(0x00 || "oreledger/decoy/v1\0" || HMAC-SHA-256(record_secret, "oreledger/decoy/v1\0" || u32be i))
//! ```

use alloc::{
    string::{String, ToString},
    vec::Vec,
};

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// Most fields of one record: the widest tree.
pub const MAX_FIELDS: usize = 32;
/// Longest name, in bytes: its length is one byte.
pub const MAX_NAME_BYTES: usize = 255;
/// Longest value, in bytes.
pub const MAX_VALUE_BYTES: usize = 4_096;

/// A confidential value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A number: a price in minor units, a mass in milligrams.
    Unsigned(u64),
    /// A text.
    Text(String),
    /// A key or a handle of somebody.
    Key([u8; 32]),
    /// SHA-256 of a document.
    Document([u8; 32]),
}

impl Value {
    /// The type's number in the leaf.
    #[must_use]
    pub const fn kind(&self) -> u8 {
        match self {
            Self::Unsigned(_) => 1,
            Self::Text(_) => 2,
            Self::Key(_) => 3,
            Self::Document(_) => 4,
        }
    }

    /// The value's bytes in the leaf.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Unsigned(number) => number.to_be_bytes().to_vec(),
            Self::Text(text) => text.as_bytes().to_vec(),
            Self::Key(bytes) | Self::Document(bytes) => bytes.to_vec(),
        }
    }

    /// Reads a value of a type.
    #[must_use]
    pub fn from_bytes(kind: u8, bytes: &[u8]) -> Option<Self> {
        match kind {
            1 => bytes.try_into().ok().map(u64::from_be_bytes).map(Self::Unsigned),
            2 => core::str::from_utf8(bytes).ok().map(|text| Self::Text(text.to_string())),
            3 => bytes.try_into().ok().map(Self::Key),
            4 => bytes.try_into().ok().map(Self::Document),
            _ => None,
        }
    }
}

/// What ties the fields to one record: nobody can move them to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Context([u8; 32]);

impl Context {
    /// Of a record, by its author's key and its nonce.
    #[must_use]
    pub fn of(author_key: &[u8], nonce: &[u8]) -> Self {
        ORELEDGER.context(author_key, nonce)
    }
}

/// Why fields cannot be committed to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadFields {
    /// None, or more than [`MAX_FIELDS`].
    #[error("{0} confidential fields; a record has 1 to 32")]
    Count(usize),
    /// Empty or too long.
    #[error("the name of a confidential field has 1 to 255 bytes, this has {0}")]
    Name(usize),
    /// Twice the same name.
    #[error("two confidential fields are named {0:?}")]
    Duplicate(String),
    /// Too long a value.
    #[error("the value of {name:?} has {bytes} bytes, the limit is 4,096; put a document in by digest")]
    Value {
        /// Name of the field.
        name: String,
        /// Length of the value.
        bytes: usize,
    },
}

/// Why a disclosure is refused. Each is proof that it does not belong to the record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadDisclosure {
    /// The numbers of the tree contradict each other.
    #[error("leaf {index} with {hashes} hashes does not fit a tree of {width} leaves (8, 16 or 32)")]
    Shape {
        /// Leaf number.
        index: u8,
        /// Leaves.
        width: u8,
        /// Length of the path.
        hashes: usize,
    },
    /// The name or value cannot stand in a leaf.
    #[error("the name or the value is empty, too long, or not of the stated type {0}")]
    Field(u8),
    /// The hashes do not lead to the record's root.
    #[error("field {name:?} does not lead to the record's private root")]
    Root {
        /// Name of the field.
        name: String,
    },
}

/// One field shown to somebody: with the record it verifies offline, and says nothing about the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disclosure {
    /// Name of the field.
    pub name: String,
    /// Number of the value's type.
    pub kind: u8,
    /// Bytes of the value.
    pub value: Vec<u8>,
    /// Salt of this field.
    pub salt: [u8; 32],
    /// Leaf number.
    pub index: u8,
    /// Leaves in the tree: 8, 16 or 32.
    pub width: u8,
    /// Sibling hashes from the leaf up.
    pub path: Vec<[u8; 32]>,
}

impl Disclosure {
    /// Checks the disclosure against a record's private root and context, and gives the value.
    ///
    /// # Errors
    /// [`BadDisclosure`] names the step that fails.
    pub fn verify(&self, root: &[u8], context: &Context) -> Result<Value, BadDisclosure> {
        ORELEDGER.verify(self, root, context)
    }
}

/// Fields with their secret, committed to: gives the root for the record and disclosures for people.
#[derive(Clone)]
pub struct Commitment {
    fields: Vec<(String, Value)>,
    salts: Vec<[u8; 32]>,
    /// Leaf of each field, to find its place among the sorted ones.
    field_leaves: Vec<[u8; 32]>,
    /// Levels of the tree, leaves first, the root last.
    levels: Vec<Vec<[u8; 32]>>,
}

impl Commitment {
    /// Commits to fields. The secret is 32 fresh random bytes per record, kept by the author.
    ///
    /// # Errors
    /// [`BadFields`].
    pub fn new(
        fields: Vec<(String, Value)>,
        secret: &[u8; 32],
        context: &Context,
    ) -> Result<Self, BadFields> {
        ORELEDGER.commit(fields, secret, context)
    }

    /// The 32 bytes for the record's `private_root`.
    #[must_use]
    pub fn root(&self) -> [u8; 32] {
        self.levels.last().expect("there is always a root: at least 8 leaves")[0]
    }

    /// Shows one field.
    #[must_use]
    pub fn disclose(&self, name: &str) -> Option<Disclosure> {
        let at = self.fields.iter().position(|(known, _)| known == name)?;
        let leaves = &self.levels[0];
        let index = leaves.binary_search(&self.field_leaves[at]).ok()?;
        let below_root = &self.levels[..self.levels.len() - 1];
        Some(Disclosure {
            name: self.fields[at].0.clone(),
            kind: self.fields[at].1.kind(),
            value: self.fields[at].1.to_bytes(),
            salt: self.salts[at],
            index: index as u8,
            width: leaves.len() as u8,
            path: below_root.iter().enumerate().map(|(up, level)| level[index >> up ^ 1]).collect(),
        })
    }
}

/// The labels that separate these hashes from all others.
struct Labels {
    context: &'static [u8],
    salt: &'static [u8],
    field: &'static [u8],
    decoy: &'static [u8],
}

const ORELEDGER: Labels = Labels {
    context: b"oreledger/ctx/v1\0",
    salt: b"oreledger/salt/v1\0",
    field: b"oreledger/field/v1\0",
    decoy: b"oreledger/decoy/v1\0",
};

impl Labels {
    fn context(&self, author_key: &[u8], nonce: &[u8]) -> Context {
        Context(hash(&[self.context, author_key, nonce]))
    }

    fn commit(
        &self,
        fields: Vec<(String, Value)>,
        secret: &[u8; 32],
        context: &Context,
    ) -> Result<Commitment, BadFields> {
        check_fields(&fields)?;
        let salts: Vec<[u8; 32]> =
            fields.iter().map(|(name, _)| keyed(secret, &[self.salt, name.as_bytes()])).collect();
        let field_leaves: Vec<[u8; 32]> = fields
            .iter()
            .zip(&salts)
            .map(|((name, value), salt)| self.leaf(context, name, value.kind(), salt, &value.to_bytes()))
            .collect();
        let width = fields.len().next_power_of_two().max(8);
        let decoys = (0..).map(|number: u32| self.decoy(secret, number));
        let mut leaves: Vec<[u8; 32]> = field_leaves.iter().copied().chain(decoys).take(width).collect();
        leaves.sort_unstable();
        Ok(Commitment { fields, salts, field_leaves, levels: levels(leaves) })
    }

    fn leaf(&self, context: &Context, name: &str, kind: u8, salt: &[u8; 32], value: &[u8]) -> [u8; 32] {
        // Lengths are checked: a name has at most 255 bytes, a value at most 4,096.
        let name_length = [name.len() as u8];
        let value_length = (value.len() as u32).to_be_bytes();
        hash(&[
            &[0],
            self.field,
            &context.0,
            &name_length,
            name.as_bytes(),
            &[kind],
            salt,
            &value_length,
            value,
        ])
    }

    fn decoy(&self, secret: &[u8; 32], number: u32) -> [u8; 32] {
        hash(&[&[0], self.decoy, &keyed(secret, &[self.decoy, &number.to_be_bytes()])])
    }

    fn verify(&self, shown: &Disclosure, root: &[u8], context: &Context) -> Result<Value, BadDisclosure> {
        let &Disclosure { kind, index, width, .. } = shown;
        let height = shown.path.len();
        if !matches!(width, 8 | 16 | 32) || index >= width || 1 << height.min(8) != usize::from(width) {
            return Err(BadDisclosure::Shape { index, width, hashes: height });
        }
        let lengths_fit =
            (1..=MAX_NAME_BYTES).contains(&shown.name.len()) && shown.value.len() <= MAX_VALUE_BYTES;
        let value = Value::from_bytes(kind, &shown.value)
            .filter(|_| lengths_fit)
            .ok_or(BadDisclosure::Field(kind))?;
        let mut node = self.leaf(context, &shown.name, kind, &shown.salt, &shown.value);
        for (up, sibling) in shown.path.iter().enumerate() {
            node = if index >> up & 1 == 0 { parent(&node, sibling) } else { parent(sibling, &node) };
        }
        if node.as_slice() != root {
            return Err(BadDisclosure::Root { name: shown.name.clone() });
        }
        Ok(value)
    }
}

fn check_fields(fields: &[(String, Value)]) -> Result<(), BadFields> {
    if !(1..=MAX_FIELDS).contains(&fields.len()) {
        return Err(BadFields::Count(fields.len()));
    }
    for (at, (name, value)) in fields.iter().enumerate() {
        if !(1..=MAX_NAME_BYTES).contains(&name.len()) {
            return Err(BadFields::Name(name.len()));
        }
        if fields[..at].iter().any(|(earlier, _)| earlier == name) {
            return Err(BadFields::Duplicate(name.clone()));
        }
        let bytes = value.to_bytes().len();
        if bytes > MAX_VALUE_BYTES {
            return Err(BadFields::Value { name: name.clone(), bytes });
        }
    }
    Ok(())
}

/// Levels of a perfect tree, leaves first. The number of leaves is a power of two.
fn levels(leaves: Vec<[u8; 32]>) -> Vec<Vec<[u8; 32]>> {
    let mut levels = alloc::vec![leaves];
    while let Some(below) = levels.last().filter(|below| below.len() > 1) {
        levels.push(below.chunks_exact(2).map(|pair| parent(&pair[0], &pair[1])).collect());
    }
    levels
}

fn parent(left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
    hash(&[&[1], left, right])
}

fn hash(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    parts.iter().for_each(|part| hash.update(part));
    hash.finalize().into()
}

fn keyed(secret: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes keys of any length");
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod golden {
    //! The worked example, made by another program with its own labels and a sequence number for a nonce.
    use super::*;
    use serde_json::Value as Json;

    const LABELS: Labels = Labels {
        context: b"mineral-ledger/ctx/v1\0",
        salt: b"mineral-ledger/salt/v1\0",
        field: b"mineral-ledger/field/v1\0",
        decoy: b"mineral-ledger/decoy/v1\0",
    };

    fn bytes(json: &Json) -> Vec<u8> {
        hex::decode(json.as_str().expect("a text")).expect("hex")
    }

    fn bytes32(json: &Json) -> [u8; 32] {
        bytes(json).try_into().expect("32 bytes")
    }

    #[test]
    fn the_worked_example_comes_out_byte_for_byte() {
        let vector: Json = serde_json::from_str(include_str!(
            "../../../tests/vectors/ed25519/field-commitments/vector.json"
        ))
        .expect("the vector is JSON");
        let sequence = vector["issuer_seq"].as_u64().expect("a number").to_be_bytes();
        let context = LABELS.context(&bytes(&vector["issuer_pub_hex"]), &sequence);
        assert_eq!(context.0, bytes32(&vector["ctx_hex"]));

        let shown = vector["disclosures"].as_array().expect("a list");
        let fields: Vec<(String, Value)> = shown
            .iter()
            .map(|field| {
                let kind = field["type"].as_u64().expect("a number") as u8;
                let value =
                    Value::from_bytes(kind, &bytes(&field["value_hex"])).expect("a value of its type");
                (field["name"].as_str().expect("a name").to_string(), value)
            })
            .collect();
        let commitment =
            LABELS.commit(fields, &bytes32(&vector["record_secret_hex"]), &context).expect("good");
        let leaves: Vec<[u8; 32]> =
            vector["sorted_leaf_hashes_hex"].as_array().expect("a list").iter().map(bytes32).collect();
        assert_eq!(commitment.levels[0], leaves);
        assert_eq!(commitment.root(), bytes32(&vector["private_root_hex"]));

        for field in shown {
            let disclosure = commitment.disclose(field["name"].as_str().expect("a name")).expect("known");
            assert_eq!(disclosure.salt, bytes32(&field["salt_hex"]));
            assert_eq!(u64::from(disclosure.index), field["index"].as_u64().expect("a number"));
            assert_eq!(u64::from(disclosure.width), field["width"].as_u64().expect("a number"));
            let path: Vec<[u8; 32]> =
                field["path_hex"].as_array().expect("a list").iter().map(bytes32).collect();
            assert_eq!(disclosure.path, path);
            assert!(LABELS.verify(&disclosure, &commitment.root(), &context).is_ok());
            // The same bytes under this ledger's labels are nothing.
            assert!(disclosure.verify(&commitment.root(), &context).is_err());
        }
    }
}
