//! What operators read about the configuration is what the code does.

use std::path::Path;

use ore_node::{Config, config::FIELDS};

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../node-config")
}

#[test]
fn the_readme_tells_every_field_with_unit_default_meaning_and_trust_sentence() {
    let readme = std::fs::read_to_string(folder().join("README.md")).expect("node-config/README.md");
    for field in FIELDS {
        let default = if field.default.is_empty() { "must be stated" } else { field.default };
        let heading = format!("### `{}`", field.name);
        let section = readme.split(&heading).nth(1).unwrap_or_else(|| panic!("{heading} is missing"));
        let section = section.split("\n##").next().unwrap_or_default();
        for part in [field.unit, default, field.about, field.trust] {
            assert!(section.contains(part), "{heading} does not say {part:?}");
        }
    }
    assert_eq!(readme.matches("\n### `").count(), FIELDS.len(), "a field that the code does not know");
}

#[test]
fn the_four_examples_are_valid_and_listen_for_each_other() {
    let mut members = std::collections::BTreeSet::new();
    for file in std::fs::read_dir(folder().join("consortium")).expect("the folder is there") {
        let path = file.expect("readable").path();
        let config = Config::load(&path).expect("valid");
        assert_eq!(path.file_stem().and_then(|stem| stem.to_str()), Some(config.member.as_str()));
        assert!(config.peer_listen.is_some(), "{}", path.display());
        members.insert(config.member);
    }
    assert_eq!(members.len(), 4);
    let readme = std::fs::read_to_string(folder().join("README.md")).expect("node-config/README.md");
    assert!(members.iter().all(|member| readme.contains(&format!("{member}.part"))));
}

#[test]
fn the_example_is_a_valid_configuration() {
    let example = folder().join("single-node.toml");
    let config = Config::load(&example).expect("valid");
    assert_eq!(config.member, "refiner-a");
    assert_eq!(config.listen.port(), 8720);
    let text = std::fs::read_to_string(&example).expect("readable");
    let stated: toml::Table = text.parse().expect("TOML");
    for field in FIELDS {
        let value = stated.get(field.name).unwrap_or_else(|| panic!("{} is not written out", field.name));
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        assert!(field.default.is_empty() || value == field.default, "{}: {value}", field.name);
    }
}
