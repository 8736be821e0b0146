//! Playing the story: makes its ledger, hands its chapters in.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use ore_record::{
    keys::SecretKey,
    v1::{AdmitMember, Member},
};
use prost::Message;
use sha2::{Digest, Sha256};

use super::{
    Chapter,
    cast::{self, Actor, FOUNDERS, NEWCOMERS, READER},
    places,
};
use crate::{
    context::{KEYS_FOLDER, READER_FILE},
    failure::Failure,
    keyfile::{self, PassphraseSource},
    post::{Work, journal::StatementHash},
    verbs::{
        demo::fleet,
        init::{Founder, found, register},
    },
};

/// Name of the demo's ledger.
pub(crate) const ORIGIN: &str = "demo.oreledger.example/tantalum";

fn member(actor: &Actor) -> Member {
    Member {
        id: actor.id.to_owned(),
        legal_name: actor.name.to_owned(),
        country: actor.country.to_owned(),
        identifiers: Vec::new(),
        roles: actor.roles.iter().map(|role| *role as i32).collect(),
    }
}

/// Makes a new demo folder as a whole or not at all: it is built beside and renamed.
pub(crate) fn make(dir: &Path, several: bool, listen: SocketAddr) -> Result<(), Failure> {
    let mut name = dir.as_os_str().to_owned();
    name.push(".making");
    let making = PathBuf::from(name);
    let failed = |doing, path: &Path| {
        let path = path.to_owned();
        move |e: std::io::Error| Failure::file(doing, &path, &e)
    };
    if making.exists() {
        std::fs::remove_dir_all(&making).map_err(failed("remove", &making))?;
    }
    if dir.exists() {
        std::fs::remove_dir(dir).map_err(|_| {
            Failure::usage(
                format_args!("{} exists and holds no demo ledger", dir.display()),
                "choose another folder with --dir",
            )
        })?;
    }
    for actor in cast::everybody() {
        let path = making.join(KEYS_FOLDER).join(format!("{}.pem", actor.id));
        keyfile::store(&path, &keyfile::to_pem(&keyfile::generate(), None)?)?;
    }
    let founders: Vec<Founder> = FOUNDERS
        .iter()
        .map(|actor| Ok(Founder { member: member(actor), key: key_of(&making, actor.id)? }))
        .collect::<Result<_, Failure>>()?;
    let at = |id: &str| FOUNDERS.iter().position(|actor| actor.id == id);
    let facilities = places::all()
        .into_iter()
        .filter_map(|facility| Some((at(facility.id.split('/').next()?)?, facility)))
        .collect();
    if several {
        fleet::make(&making, ORIGIN, &founders, facilities)?;
    } else {
        found(&making, ORIGIN, &founders, facilities, listen, SocketAddr::from(([127, 0, 0, 1], 0)))?;
        fleet::open(&making.join("node.toml"))?;
    }
    let reader = making.join(READER_FILE);
    std::fs::write(&reader, format!("{READER}\n")).map_err(failed("write", &reader))?;
    std::fs::rename(&making, dir).map_err(failed("rename", &making))
}

/// The key of an actor. Keys of the demo are random and not encrypted.
pub(crate) fn key_of(dir: &Path, id: &str) -> Result<SecretKey, Failure> {
    keyfile::load(&dir.join(KEYS_FOLDER).join(format!("{id}.pem")), &PassphraseSource::default())
}

/// The story for this folder's keys.
pub(crate) fn chapters(dir: &Path) -> Result<Vec<Chapter>, Failure> {
    let mut admissions = std::collections::BTreeMap::new();
    for actor in &NEWCOMERS {
        let key = register(ORIGIN, actor.id, &key_of(dir, actor.id)?)?;
        admissions.insert(actor.id, AdmitMember { member: Some(member(actor)), key: Some(key) });
    }
    Ok(super::tell(|actor| admissions[actor.id].clone()))
}

/// The chapters' statements, each with its place in the story.
pub(crate) fn work(chapters: Vec<Chapter>) -> Vec<(&'static str, Vec<Work>)> {
    let mut place = 0;
    chapters
        .into_iter()
        .map(|chapter| {
            let items = chapter.items.into_iter().map(|item| {
                place += 1;
                Work { place, hash: hash(place, &item.record), item }
            });
            (chapter.title, items.collect())
        })
        .collect()
}

fn hash(place: u64, record: &ore_record::v1::Record) -> StatementHash {
    let mut hash = Sha256::new();
    hash.update(place.to_be_bytes());
    hash.update(record.encode_to_vec());
    hash.finalize().into()
}
