//! Libraries of reference patterns: which one a question names, which there are, what each holds.

use std::sync::Arc;

use bytes::Bytes;
use ore_audit::Fact;
use ore_findings::library_of;
use ore_record::{
    RecordId,
    v1::{PublishLibrary, ReferencePart},
};
use ore_wire::{
    fingerprint::answer::{self, Fitted},
    status, v1,
};
use tonic::Status;

use super::{
    super::{
        Api,
        audit::{Asked, ask},
    },
    questions::compute,
};

/// Versions in one list.
const LISTED: usize = 1_000;

/// A library as records state it, copied from the index.
pub(super) struct Published {
    name: v1::LibraryName,
    parts: Vec<ReferencePart>,
}

/// Which library a question names, or what kept it.
pub(super) enum Named {
    Kept(Arc<Fitted>),
    Published(Published),
}

impl Named {
    /// Of the record at a leaf; the shipped one without a record.
    pub(super) fn at(api: &Api, asked: &Asked<'_>, leaf: Option<u32>) -> Result<Self, Status> {
        let Some(leaf) = leaf else {
            if let Some(kept) = api.fingerprint.kept(&[]) {
                return Ok(Self::Kept(kept));
            }
            let fitted = Arc::new(Fitted::synthetic());
            api.fingerprint.keep(&[], &fitted);
            return Ok(Self::Kept(fitted));
        };
        let record = asked.record_id(leaf);
        if let Some(kept) = api.fingerprint.kept(&record) {
            return Ok(Self::Kept(kept));
        }
        let Some((library, parts)) = library_of(&asked.view, leaf) else { return Err(no_library()) };
        Ok(Self::Published(Published {
            name: name_of(library, record),
            parts: parts.into_iter().cloned().collect(),
        }))
    }

    /// Fits what was not kept. For a thread that may block.
    pub(super) fn fitted(self, api: &Api) -> Result<Arc<Fitted>, (v1::LibraryName, String)> {
        match self {
            Self::Kept(fitted) => Ok(fitted),
            Self::Published(Published { name, parts }) => {
                let fitted = Fitted::published(name.clone(), parts.iter())
                    .map_err(|error| (name.clone(), format!("the library cannot be used: {error}")))?;
                let fitted = Arc::new(fitted);
                api.fingerprint.keep(&name.record, &fitted);
                Ok(fitted)
            }
        }
    }
}

fn no_library() -> Status {
    Status::not_found("no record of this id publishes a library")
}

fn name_of(library: &PublishLibrary, record: Bytes) -> v1::LibraryName {
    v1::LibraryName {
        library: library.library.clone(),
        version: library.version,
        record,
        matrix: library.matrix.clone(),
        synthetic: library.synthetic,
    }
}

/// The leaf of a record that publishes a library; none for the shipped one.
pub(super) fn leaf_of(asked: &Asked<'_>, record: &[u8]) -> Result<Option<u32>, Status> {
    if record.is_empty() {
        return Ok(None);
    }
    let id = RecordId::try_from(record)
        .map_err(|_| status::malformed("library", "a record id of 32 bytes, or nothing"))?;
    let leaf = asked.custody.leaf_of(&id).filter(|leaf| *leaf < asked.view.as_of);
    leaf.and_then(|leaf| u32::try_from(leaf).ok()).map(Some).ok_or_else(no_library)
}

/// Published versions, the shipped one first.
///
/// # Errors
/// `INVALID_ARGUMENT`.
pub(crate) async fn list_libraries(
    api: &Arc<Api>,
    request: v1::ListLibrariesRequest,
) -> Result<v1::ListLibrariesResponse, Status> {
    ask(api, request.as_of, None, |_, asked, _| {
        let journal = asked.view.journal;
        let known = journal.libraries().iter().filter(|leaf| asked.view.entry(**leaf).is_some());
        let leaves: Vec<u32> = known.copied().collect();
        let newest = leaves.len().saturating_sub(LISTED);
        let mut libraries = vec![shipped_summary()];
        libraries.extend(leaves[newest..].iter().filter_map(|leaf| summary(&asked, *leaf)));
        Ok(v1::ListLibrariesResponse { basis: Some(asked.basis(newest == 0)), libraries })
    })
    .await
}

fn shipped_summary() -> v1::LibrarySummary {
    let parts = answer::synthetic_parts();
    let (summary, _) = answer::parts_of(parts.iter().map(|part| (part, Vec::new())));
    v1::LibrarySummary { name: Some(answer::synthetic_name()), ..summary }
}

fn summary(asked: &Asked<'_>, leaf: u32) -> Option<v1::LibrarySummary> {
    let (library, parts) = library_of(&asked.view, leaf)?;
    let entry = asked.view.entry(leaf)?;
    let (counted, _) = answer::parts_of(parts.into_iter().map(|part| (part, Vec::new())));
    let word = asked.view.journal.words().find(&library.library);
    let same = word.into_iter().flat_map(|word| asked.view.posted(word)).filter(|(_, entry)| {
        matches!(&entry.fact, Fact::Library { library: other, .. } if other.version == library.version && other.library == library.library)
    });
    Some(v1::LibrarySummary {
        name: Some(name_of(library, asked.record_id(leaf))),
        author: asked.text(entry.author),
        leaf_index: leaf.into(),
        event_time_ms: entry.event_ms,
        forked: same.count() > 1,
        ..counted
    })
}

/// What a version holds.
///
/// # Errors
/// `NOT_FOUND`, `INVALID_ARGUMENT`.
pub(crate) async fn get_library(
    api: &Arc<Api>,
    request: v1::GetLibraryRequest,
) -> Result<v1::GetLibraryResponse, Status> {
    let (mut answer, named) = ask(api, None, None, move |api, asked, _| {
        let leaf = leaf_of(&asked, &request.library)?;
        let basis = Some(asked.basis(true));
        let Some(leaf) = leaf else {
            let parts = answer::synthetic_parts();
            let (_, parts) = answer::parts_of(parts.iter().map(|part| (part, Vec::new())));
            let summary = Some(shipped_summary());
            return Ok((v1::GetLibraryResponse { basis, summary, parts, unusable: String::new() }, None));
        };
        let summary = summary(&asked, leaf).ok_or_else(no_library)?;
        let Some(Fact::Library { parts: leaves, .. }) = asked.view.entry(leaf).map(|entry| &entry.fact)
        else {
            return Err(no_library());
        };
        let journal = asked.view.journal;
        let parts = leaves.iter().filter_map(|leaf| match &journal.entry(*leaf)?.fact {
            Fact::Reference(part) => Some((&**part, asked.record_id(*leaf).to_vec())),
            _ => None,
        });
        let (_, parts) = answer::parts_of(parts);
        let answer = v1::GetLibraryResponse { basis, summary: Some(summary), parts, unusable: String::new() };
        Ok((answer, Some(Named::at(api, &asked, Some(leaf))?)))
    })
    .await?;
    if let Some(named) = named {
        let fit = compute(api, move |api| Ok(named.fitted(api).err())).await?;
        answer.unusable = fit.map_or_else(String::new, |(_, why)| why);
    }
    Ok(answer)
}
