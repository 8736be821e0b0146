//! GS1's schema, samples and hash vectors, and our own worked loop.

mod export;
mod gaps;
mod hashes;
mod mapping;
mod samples;

use std::path::{Path, PathBuf};

use ore_epcis::{Document, json::Value};

/// A folder of vectors.
fn vectors(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/epcis").join(folder)
}

/// The documents of a folder, in order of their names.
fn documents(folder: &str) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(vectors(folder))
        .expect("the vectors are part of the repository")
        .map(|entry| entry.expect("folder is readable").path())
        .filter(|path| path.extension().is_some_and(|it| it == "json" || it == "jsonld" || it == "xml"))
        .collect();
    files.sort();
    let named = |path: PathBuf| {
        let bytes = std::fs::read(&path).expect("vector is readable");
        (path.file_name().expect("is a file").to_string_lossy().into_owned(), bytes)
    };
    files.into_iter().map(named).collect()
}

/// The events of a document.
fn events(bytes: &[u8]) -> Vec<Value> {
    let mut document = Document::open(bytes).expect("can be opened");
    let mut events = Vec::new();
    while let Some(event) = document.next_event().expect("can be read") {
        events.push(event);
    }
    events
}
