//! Bundles: one answer with everything that is needed to check it offline.
//!
//! A bundle stands at the size of a checkpoint and holds the newest state of every ancestor, so it is built
//! while the state is held still, once the newest block is published.

use std::{sync::Arc, time::Duration};

use ore_custody::Custody;
use ore_merkle::{NodeHash, TileId, TreeSize, tiles};
use ore_provenance::{Attributing, Attribution, Element, LotIndex, Scratch};
use ore_record::{
    RecordId,
    v1::{Bundle, ClaimedShare, LotState, ProvenanceClaim, RosterState},
};
use ore_store::Reader;
use ore_verify::build::{self, BuildError, BundleSource};
use ore_wire::{status, v1};
use prost::Message;
use tonic::Status;

use super::{Api, audit::WALK_UNITS, no_lot, provenance};
use crate::access::Caller;

/// Longest bundle, in bytes.
const MAX_BUNDLE_BYTES: usize = 64 << 20;
/// How long the newest block may take to be published.
const PUBLISH_WAIT: Duration = Duration::from_secs(5);

/// The ledger held still, as the builder reads it.
struct Still<'a> {
    custody: &'a Custody,
    reader: &'a Reader,
    size: TreeSize,
}

impl BundleSource for Still<'_> {
    fn leaf_of(&self, record: &RecordId) -> Option<u64> {
        self.custody.leaf_of(record)
    }

    fn entry(&self, leaf: u64) -> Option<Vec<u8>> {
        self.reader.entry(leaf).ok().flatten().map(Into::into)
    }

    fn log_node(&self, level: u8, index: u64) -> Option<NodeHash> {
        let tile = TileId::of_node(level, index, self.size)?;
        let hashes = tiles::parse_tile(tile, &self.reader.tile(tile)?).ok()?;
        tiles::node_in_tile(&hashes, level, index)
    }

    fn lot(&self, lot: &str) -> Option<(u64, LotState)> {
        let ordinal = self.custody.lot_ordinal(lot)?;
        Some((ordinal.into(), self.custody.lot_state(ordinal)?))
    }

    fn member(&self, member: &str) -> Option<(u64, RosterState)> {
        let place = self.custody.roster_index_of_member(member)?;
        Some((place.into(), self.custody.roster_state(place)?))
    }

    fn head_tree(&self) -> (u64, [u8; 32]) {
        // Hashed when the newest block was sealed; nothing has changed since.
        let root = self.custody.hashed_head_root().map(|root| root.to_bytes());
        (self.custody.head_size().get(), root.unwrap_or_default())
    }

    fn head_node(&self, level: u8, index: u64) -> Option<NodeHash> {
        self.custody.head_node(level, index)
    }

    fn roster_tree(&self) -> (u64, [u8; 32]) {
        let tree = self.custody.roster_tree();
        (tree.size().get(), tree.hashed_root().map(|root| root.to_bytes()).unwrap_or_default())
    }

    fn roster_node(&self, level: u8, index: u64) -> Option<NodeHash> {
        self.custody.roster_tree().node(level, index)
    }
}

/// Builds the bundle for one element of a lot. It stands at the newest checkpoint, whoever asks: its proof
/// needs the newest state.
///
/// # Errors
/// `NOT_FOUND`, `INVALID_ARGUMENT`, `PERMISSION_DENIED`, `UNAVAILABLE` when the newest block is not published in time.
pub async fn get_bundle(
    api: &Arc<Api>,
    caller: &Caller,
    request: v1::GetBundleRequest,
) -> Result<v1::GetBundleResponse, Status> {
    let element = u8::try_from(request.element).ok().filter(|number| (1..=118).contains(number));
    let element = element.ok_or_else(|| status::malformed("element", "an atomic number from 1 to 118"))?;
    let turn = api.turn().await?;
    let custody = Arc::clone(&api.ledger.custody).read_owned().await;
    caller.may_see(&custody, &request.lot)?;
    let tree_size = custody.leaves();
    let note = tokio::time::timeout(PUBLISH_WAIT, note_of(api, tree_size)).await.ok().flatten();
    let note =
        note.ok_or_else(|| status::unavailable("the newest block is not published yet", PUBLISH_WAIT))?;
    let api = Arc::clone(api);
    let built = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        build_bundle(&api, &custody, &request.lot, Element(element), tree_size, note)
    });
    let bundle = built.await.map_err(|_| Status::internal("the bundle could not be built"))??;
    Ok(v1::GetBundleResponse { bundle: bundle.encode_to_vec().into(), tree_size })
}

/// The checkpoint of this size, once it is published.
async fn note_of(api: &Api, tree_size: u64) -> Option<String> {
    let mut published = api.ledger.published.subscribe();
    let newest = published.wait_for(|published| published.tree_size >= tree_size).await.ok()?;
    Some(newest.note.to_string())
}

fn build_bundle(
    api: &Api,
    custody: &Custody,
    lot: &str,
    element: Element,
    tree_size: u64,
    note: String,
) -> Result<Bundle, Status> {
    let ordinal = custody.lot_ordinal(lot).ok_or_else(|| no_lot(lot))?;
    let limits = ore_provenance::Limits::default();
    let mut scratch = Scratch::default();
    let found =
        Attributing::new(&api.ledger.graph(), &mut scratch, LotIndex(ordinal), element, tree_size, &limits);
    let mut found = found.map_err(|error| Status::not_found(error.to_string()))?;
    // Ends: a walk visits each step once. Between two slices appends go on.
    let answer = loop {
        let answer = found.go_on(&api.ledger.graph(), &mut scratch, WALK_UNITS);
        if let Some(answer) = answer {
            break answer;
        }
    };
    if !answer.complete {
        return Err(Status::resource_exhausted("the lot has more ancestors than one bundle can prove"));
    }
    let claim = claim(custody, &api.ledger.origin, lot, tree_size, &answer);
    let source = Still { custody, reader: &api.ledger.reader, size: TreeSize::new(tree_size) };
    let bundle =
        build::build(&source, claim, note, |text| api.log_key.sign(text)).map_err(|error| match error {
            BuildError::TooLarge => Status::resource_exhausted(error.to_string()),
            error => {
                tracing::error!(%error, "no bundle");
                Status::internal(format!("no bundle: {error}"))
            }
        })?;
    if bundle.encoded_len() > MAX_BUNDLE_BYTES {
        return Err(Status::resource_exhausted("the bundle would be longer than 64 MiB"));
    }
    Ok(bundle)
}

fn claim(
    custody: &Custody,
    origin: &str,
    lot: &str,
    tree_size: u64,
    answer: &Attribution,
) -> ProvenanceClaim {
    let share = |origin: &ore_provenance::OriginShare| {
        let named = provenance::origin_of(custody, &origin.origin, origin.kind);
        ClaimedShare {
            kind: named.kind,
            source: named.source,
            country: named.country,
            route: named.route,
            generation: named.generation,
            value: origin.share.value.units(),
            lower: origin.share.lower.units(),
            upper: origin.share.upper.units(),
        }
    };
    ProvenanceClaim {
        origin: origin.to_owned(),
        lot: lot.to_owned(),
        element: answer.element.0.into(),
        tree_size,
        shares: answer.origins.iter().map(share).collect(),
    }
}
