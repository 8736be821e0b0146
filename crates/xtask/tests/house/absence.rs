//! What must not be there.

use std::{fs, path::Path};

use cargo_metadata::MetadataCommand;

use crate::{code, files, none, root, sources};

/// Places that may start a thread or a task, with the reason.
const MAY_SPAWN: &[(&str, &str)] = &[
    ("crates/node/src/run.rs", "assembles the node"),
    ("crates/peer/src/network.rs", "one task a link, in sets that end with the network"),
    ("crates/node/src/port.rs", "one task a connection, in a set that ends with the port"),
    ("crates/cli/src", "a program of its own: starts runtimes and load generators"),
    ("crates/store/src", "one bounded index thread, and fsck's verifier threads inside a scope"),
];

#[test]
fn only_the_assembly_spawns() {
    // Blocking work that is awaited where it starts (spawn_blocking) is no task of its own.
    let spawns = ["tokio::spawn(", "task::spawn(", "thread::spawn(", ".spawn("];
    let mut broken = Vec::new();
    for (path, text) in sources() {
        if MAY_SPAWN.iter().any(|(place, _)| path.starts_with(place)) {
            continue;
        }
        for (number, line) in code(&text).lines().enumerate() {
            if spawns.iter().any(|spawn| line.contains(spawn)) {
                broken.push(format!("{}:~{}: {}", path.display(), number + 1, line.trim()));
            }
        }
    }
    none("tasks and threads start in crates/node/src/run.rs, or where MAY_SPAWN gives a reason", broken);
}

#[test]
fn no_rule_computes_with_floating_point() {
    let rooms = ["record", "merkle", "checkpoint", "verify", "custody", "provenance", "audit", "findings"];
    let mut broken = Vec::new();
    for (path, text) in sources() {
        if !rooms.iter().any(|room| path.starts_with(Path::new("crates").join(room).join("src"))) {
            continue;
        }
        for (number, line) in code(&text).lines().enumerate() {
            if line.split(|c: char| !c.is_alphanumeric()).any(|word| word == "f64" || word == "f32") {
                broken.push(format!("{}:~{}: {}", path.display(), number + 1, line.trim()));
            }
        }
    }
    none("evidence and rules compute in integers", broken);
}

#[test]
fn nothing_unfinished_is_left_standing() {
    let marks = [
        concat!("to", "do!("),
        concat!("unimple", "mented!("),
        concat!("#[ig", "nore"),
        concat!("FIX", "ME"),
    ];
    let mut broken = Vec::new();
    for path in files().into_iter().filter(|path| path.extension().is_some_and(|ending| ending == "rs")) {
        let text = fs::read_to_string(root().join(&path)).expect("a tracked source can be read");
        for (number, line) in text.lines().enumerate() {
            if marks.iter().any(|mark| line.contains(mark)) {
                broken.push(format!("{}:{}: {}", path.display(), number + 1, line.trim()));
            }
        }
    }
    none("unfinished marks", broken);
}

#[test]
fn no_path_of_a_machine_is_written_down() {
    let roots = [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/"), concat!("/Us", "ers/")];
    let mut broken = Vec::new();
    for path in files() {
        let Ok(text) = fs::read_to_string(root().join(&path)) else { continue };
        for (number, line) in text.lines().enumerate() {
            let at_start = |machine: &str| {
                line.match_indices(machine).any(|(at, _)| {
                    at == 0 || !line[..at].ends_with(|c: char| c.is_alphanumeric() || "._-/~}".contains(c))
                })
            };
            if roots.iter().any(|machine| at_start(machine)) {
                broken.push(format!("{}:{}", path.display(), number + 1));
            }
        }
    }
    none("absolute paths of a machine", broken);
}

/// Their answers would depend on how signatures are batched, or on a lenient parser.
#[test]
fn signature_crates_are_built_without_the_features_that_change_answers() {
    let metadata = MetadataCommand::new().current_dir(root()).exec().expect("cargo metadata");
    let resolve = metadata.resolve.as_ref().expect("metadata with dependencies has a resolution");
    let mut broken = Vec::new();
    for node in &resolve.nodes {
        let package = &metadata[&node.id];
        let ours = package.name.as_str() == "ed25519-dalek" && package.version.major == 3;
        if ours || package.name.as_str() == "ed25519-zebra" || package.name.as_str() == "curve25519-dalek" {
            for feature in &node.features {
                if ["batch", "legacy_compatibility", "hazmat"].contains(&feature.as_str()) {
                    broken.push(format!("{} {} has {feature}", package.name, package.version));
                }
            }
        }
    }
    none("features that make answers depend on the batch", broken);
}
