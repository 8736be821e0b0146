//! Documents as they came, kept under their digest where the member's keys are.

use std::{fs::File, io::Read, path::Path};

use ore_epcis::Survey;
use ore_record::v1;
use sha2::{Digest, Sha256};

use crate::failure::Failure;

/// In a home folder: the documents as they came, by digest.
pub(super) const DOCUMENTS: &str = "documents";

/// The document by its digest, for the records that it becomes.
pub(super) fn digest(path: &Path, surveyed: &Survey) -> Result<v1::Document, Failure> {
    let failed = |e: std::io::Error| Failure::file("read", path, &e);
    let mut file = File::open(path).map_err(failed)?;
    let (mut hash, mut length, mut buffer) = (Sha256::new(), 0_u64, vec![0; 1 << 16]);
    let mut first = None;
    loop {
        let read = file.read(&mut buffer).map_err(failed)?;
        if read == 0 {
            break;
        }
        first = first.or_else(|| buffer[..read].iter().find(|byte| !byte.is_ascii_whitespace()).copied());
        hash.update(&buffer[..read]);
        length += read as u64;
    }
    let media_type = if first == Some(b'<') { "application/xml" } else { "application/ld+json" };
    let issuer: String = surveyed.head.fields.text("sender").unwrap_or_default().chars().take(60).collect();
    Ok(v1::Document {
        sha256: hash.finalize().to_vec(),
        media_type: media_type.to_owned(),
        length,
        kind: "EPCIS document".to_owned(),
        issuer,
    })
}

/// Keeps the document as it came, under its digest, where the member's keys are.
pub(super) fn keep(home: &Path, path: &Path, document: &v1::Document) -> Result<(), Failure> {
    let folder = home.join(DOCUMENTS);
    std::fs::create_dir_all(&folder).map_err(|e| Failure::file("create", &folder, &e))?;
    let digest: [u8; 32] = document.sha256.as_slice().try_into().unwrap_or_default();
    let name = ore_record::RecordId::from_bytes(digest).to_string();
    let ending = if document.media_type == "application/xml" { "xml" } else { "json" };
    let kept = folder.join(format!("{name}.{ending}"));
    if kept.exists() {
        return Ok(());
    }
    let part = folder.join(format!("{name}.part"));
    let write = || std::fs::copy(path, &part).and_then(|_| File::open(&part)?.sync_all());
    write().map_err(|e| Failure::file("write", &part, &e))?;
    std::fs::rename(&part, &kept).map_err(|e| Failure::file("write", &kept, &e))
}
