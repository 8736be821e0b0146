//! Nothing points upwards.

use std::fs;

use cargo_metadata::{DependencyKind, MetadataCommand, Package};

use crate::{none, root};

/// The layers of `crates/README.md`. A crate that is not listed fails the test.
const LAYERS: &[(&str, u8)] = &[
    ("ore-record", 0),
    ("ore-merkle", 0),
    ("ore-checkpoint", 0),
    ("ore-verify", 0),
    ("ore-custody", 1),
    ("ore-provenance", 1),
    ("ore-fingerprint", 1),
    ("ore-audit", 1),
    ("ore-findings", 1),
    ("ore-generate", 2),
    ("ore-wire", 2),
    ("ore-exchange", 2),
    ("ore-epcis", 2),
    ("ore-untp", 2),
    ("ore-tables", 2),
    ("ore-sheets", 2),
    ("ore-store", 3),
    ("ore-consensus", 3),
    ("ore-peer", 3),
    ("ore-client", 3),
    ("ore-web", 4),
    ("ore-node", 4),
    ("oreledger", 4),
    ("ore-xtask", 5),
    ("ore-tests", 5),
];

/// Third-party crates that evidence and rules may name. All of them work without std.
const ALLOWED_BELOW: &[&str] = &[
    "prost",
    "sha2",
    "hmac",
    "ed25519-zebra",
    "ed25519-dalek",
    "curve25519-dalek",
    "base64ct",
    "thiserror",
    "hashbrown",
    "rand_core",
    "libm",
];

fn layer(package: &str) -> Option<u8> {
    LAYERS.iter().find(|(name, _)| *name == package).map(|(_, layer)| *layer)
}

fn members() -> Vec<Package> {
    let metadata = MetadataCommand::new().current_dir(root()).no_deps().exec().expect("cargo metadata");
    metadata.packages
}

#[test]
fn no_crate_depends_on_a_layer_above_its_own() {
    let mut broken = Vec::new();
    for package in members() {
        let Some(own) = layer(&package.name) else {
            broken.push(format!("{} has no layer in layers.rs", package.name));
            continue;
        };
        for dependency in package.dependencies.iter().filter(|d| d.kind != DependencyKind::Development) {
            if layer(&dependency.name).is_some_and(|other| other > own) {
                broken.push(format!("{} (layer {own}) depends on {}", package.name, dependency.name));
            }
        }
    }
    none("a crate may only depend on its own layer and those below", broken);
}

#[test]
fn evidence_and_rules_name_only_listed_crates() {
    let mut broken = Vec::new();
    for package in members().into_iter().filter(|package| layer(&package.name).is_some_and(|own| own <= 1)) {
        for dependency in package.dependencies.iter().filter(|d| d.kind == DependencyKind::Normal) {
            if layer(&dependency.name).is_none() && !ALLOWED_BELOW.contains(&dependency.name.as_str()) {
                broken.push(format!("{} names {}", package.name, dependency.name));
            }
            if dependency.uses_default_features && layer(&dependency.name).is_none() {
                broken.push(format!("{} takes the default features of {}", package.name, dependency.name));
            }
        }
    }
    none("layers 0 and 1 name only the crates of ALLOWED_BELOW, without default features", broken);
}

#[test]
fn evidence_and_rules_do_without_std() {
    let mut broken = Vec::new();
    for package in members().into_iter().filter(|package| layer(&package.name).is_some_and(|own| own <= 1)) {
        let source = package.manifest_path.with_file_name("src").join("lib.rs");
        let text = fs::read_to_string(&source).expect("every crate has a lib.rs");
        if !text.lines().any(|line| line.trim() == "#![no_std]") {
            broken.push(format!("{}: no #![no_std]", package.name));
        }
        if text.contains("extern crate std") {
            broken.push(format!("{}: names std", package.name));
        }
    }
    none("layers 0 and 1 are no_std, so that a file, a clock or a socket cannot even be named there", broken);
}
