//! Every room has a name on its door.

use std::{collections::BTreeSet, fs};

use crate::{files, none, root, sources};

/// What the root may hold: seven entries that are ours, and what tools insist on.
const ROOT: &[&str] = &[
    "Cargo.toml",
    "proto",
    "crates",
    "node-config",
    "tests",
    "deploy",
    "README.md",
    ".cargo",
    ".ci",
    ".gitignore",
    "Cargo.lock",
    "LICENSE",
    "rust-toolchain.toml",
    "rustfmt.toml",
];

/// Folders that people open, which must say what they are.
const CHAPTERS: &[&str] = &["proto", "crates", "node-config", "tests", "deploy"];

#[test]
fn the_root_holds_what_is_listed_and_nothing_else() {
    let found: BTreeSet<String> = files()
        .iter()
        .filter_map(|path| path.components().next())
        .map(|first| first.as_os_str().to_string_lossy().into_owned())
        .collect();
    none(
        "entries of the root that are not listed",
        found.iter().filter(|entry| !ROOT.contains(&entry.as_str())).cloned().collect(),
    );
    none(
        "entries of the root that are missing",
        ROOT.iter().filter(|entry| !found.contains(**entry)).map(ToString::to_string).collect(),
    );
}

#[test]
fn every_chapter_and_every_crate_has_a_readme() {
    let mut missing: Vec<String> = CHAPTERS
        .iter()
        .map(|chapter| format!("{chapter}/README.md"))
        .filter(|readme| !root().join(readme).is_file())
        .collect();
    for entry in fs::read_dir(root().join("crates")).expect("crates is there") {
        let folder = entry.expect("readable").path();
        if folder.join("Cargo.toml").is_file() && !folder.join("README.md").is_file() {
            missing.push(folder.display().to_string());
        }
    }
    none("folders without a README.md", missing);
}

#[test]
fn every_module_opens_with_a_promise() {
    let silent = sources()
        .into_iter()
        .filter(|(_, text)| !text.starts_with("//!"))
        .map(|(path, _)| path.display().to_string())
        .collect();
    none("modules that do not open with //!", silent);
}

#[test]
fn every_package_is_apache_licensed() {
    let metadata =
        cargo_metadata::MetadataCommand::new().current_dir(root()).no_deps().exec().expect("cargo metadata");
    let other = metadata
        .packages
        .iter()
        .filter(|package| package.license.as_deref() != Some("Apache-2.0"))
        .map(|package| package.name.to_string())
        .collect();
    none("packages without the licence", other);
    let licence = fs::read_to_string(root().join("LICENSE")).expect("LICENSE is there");
    assert!(licence.contains("Apache License") && licence.contains("Version 2.0"));
}
