//! `oreledger init`: a new ledger of one validator, with its founding members.

use std::{net::SocketAddr, path::PathBuf};

use clap::Args;
use ore_node::{Consortium, NodeKeys, genesis};
use ore_record::{
    MemberId, SignedRecord, draft,
    keys::SecretKey,
    v1::{self, AdmitMember, ChangeValidators, KeyRegistration, Profile, Record, SetProfile},
};

use super::{node::broken, sign::now_ms};
use crate::{
    context::{Context, KEYS_FOLDER, READER_FILE, URL_FILE},
    failure::{Failure, Outcome},
    keyfile, output,
};

#[derive(Args, Debug)]
pub(crate) struct Init {
    /// Folder to make
    dir: PathBuf,
    /// Name of the ledger, such as ledger.example/tantalum
    #[arg(long)]
    origin: String,
    /// Founding member, as ID:COUNTRY:ROLE[+ROLE]:NAME; the first runs the node; may be repeated
    #[arg(long = "founder", value_name = "MEMBER", required = true)]
    founders: Vec<String>,
    /// Address for members
    #[arg(long, default_value = "127.0.0.1:8720")]
    listen: SocketAddr,
    /// Address for health and metrics
    #[arg(long, default_value = "127.0.0.1:8721")]
    admin_listen: SocketAddr,
    /// Do not encrypt the members' keys
    #[arg(long)]
    unencrypted: bool,
}

/// A founding member with its key.
pub(crate) struct Founder {
    pub(crate) member: v1::Member,
    pub(crate) key: SecretKey,
}

/// The profile that a new ledger starts with.
pub(crate) fn profile() -> Profile {
    Profile {
        version: 1,
        name: "starting profile".to_owned(),
        approvals_needed: 2,
        clock_tolerance_ms: 300_000,
        offer_lifetime_ms: 60 * 24 * 3_600_000,
        metal_gain_limit_ppm: 1_000,
        balance_tolerance_ppm: vec![20_000],
        hs_table: "HS2022".to_owned(),
        lists: Vec::new(),
        thresholds: None,
    }
}

/// Proves possession of a key to a ledger, for one member.
pub(crate) fn register(origin: &str, member: &str, key: &SecretKey) -> Result<KeyRegistration, Failure> {
    let id = MemberId::parse(member).map_err(|error| Failure::usage(error, "choose another member id"))?;
    Ok(KeyRegistration {
        public_key: key.public().as_bytes().to_vec(),
        possession: key.prove_possession(origin, &id).to_vec(),
    })
}

/// The first block of a ledger: its founding members, its profile, their facilities and its first validators.
pub(crate) fn first_block(
    origin: &str,
    founders: &[Founder],
    facilities: Vec<(usize, v1::Facility)>,
    validators: Vec<v1::Validator>,
) -> Result<genesis::Genesis, Failure> {
    let first = founders
        .first()
        .ok_or_else(|| Failure::usage("a ledger needs a founder", "name one with --founder"))?;
    let time_ms = now_ms();
    let mut records = Vec::new();
    let mut sign = |founder: &Founder, record: Record| -> Outcome {
        let mut record = record;
        draft::complete(&mut record, origin, &founder.member.id, keyfile::random());
        let signed = SignedRecord::sign(record, &founder.key);
        records.push(signed.map_err(|error| Failure::usage(error, "shorten the names"))?);
        Ok(())
    };
    for founder in founders {
        let key = register(origin, &founder.member.id, &founder.key)?;
        let event = AdmitMember { member: Some(founder.member.clone()), key: Some(key) };
        sign(founder, draft::record(event, time_ms))?;
    }
    sign(first, draft::record(SetProfile { profile: Some(profile()) }, time_ms))?;
    for (founder, facility) in facilities {
        sign(&founders[founder], draft::record(v1::RegisterFacility { facility: Some(facility) }, time_ms))?;
    }
    sign(first, draft::record(ChangeValidators { validators, rules: 0 }, time_ms))?;
    genesis::build(origin, time_ms, records).map_err(|error| broken(&error))
}

/// Builds and installs a ledger whose only validator is the first founder. Returns the node's configuration.
pub(crate) fn found(
    dir: &std::path::Path,
    origin: &str,
    founders: &[Founder],
    facilities: Vec<(usize, v1::Facility)>,
    listen: SocketAddr,
    admin_listen: SocketAddr,
) -> Result<ore_node::Config, Failure> {
    let keys = NodeKeys::generate().map_err(|error| broken(&error))?;
    let member = founders.first().map(|first| first.member.id.clone()).unwrap_or_default();
    let genesis = first_block(origin, founders, facilities, vec![keys.validator(&member, "")])?;
    let consortium =
        Consortium::of_genesis(origin, genesis.id, &genesis.validators).map_err(|error| broken(&error))?;
    genesis::install(dir, &genesis, &consortium, &keys, &member, listen, admin_listen)
        .map_err(|error| broken(&error))
}

pub(crate) fn founder(text: &str) -> Result<v1::Member, Failure> {
    let wrong = || {
        Failure::usage(
            format_args!("{text:?} is no ID:COUNTRY:ROLE[+ROLE]:NAME"),
            "for example --founder \"refiner-a:JP:refiner+manufacturer:Refiner A\"",
        )
    };
    let mut parts = text.splitn(4, ':');
    let (Some(id), Some(country), Some(roles), Some(name)) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(wrong());
    };
    let roles = roles.split('+').map(|role| {
        v1::Role::from_str_name(&format!("ROLE_{}", role.trim().to_ascii_uppercase())).map(|role| role as i32)
    });
    Ok(v1::Member {
        id: id.to_owned(),
        legal_name: name.to_owned(),
        country: country.to_owned(),
        identifiers: Vec::new(),
        roles: roles.collect::<Option<Vec<_>>>().ok_or_else(wrong)?,
    })
}

pub(crate) fn run(context: &Context, verb: &Init) -> Outcome {
    let members = verb.founders.iter().map(|text| founder(text)).collect::<Result<Vec<_>, _>>()?;
    let passphrase = if verb.unencrypted { None } else { Some(context.passphrase().to_make()?) };
    if verb.dir.join("consortium.toml").exists() {
        return Err(Failure::refused(
            format_args!("{} holds a ledger already", verb.dir.display()),
            "choose another folder; a ledger is never overwritten",
        ));
    }
    let founders: Vec<Founder> =
        members.into_iter().map(|member| Founder { member, key: keyfile::generate() }).collect();
    for founder in &founders {
        let path = verb.dir.join(KEYS_FOLDER).join(format!("{}.pem", founder.member.id));
        keyfile::store(&path, &keyfile::to_pem(&founder.key, passphrase.as_deref())?)?;
    }
    found(&verb.dir, &verb.origin, &founders, Vec::new(), verb.listen, verb.admin_listen)?;
    let url = verb.dir.join(URL_FILE);
    std::fs::write(&url, format!("http://{}\n", verb.listen))
        .map_err(|e| Failure::file("write", &url, &e))?;
    if let Some(first) = founders.first() {
        let reader = verb.dir.join(READER_FILE);
        std::fs::write(&reader, format!("{}\n", first.member.id))
            .map_err(|e| Failure::file("write", &reader, &e))?;
    }
    let dir = verb.dir.display();
    output::note(format!(
        "made a ledger in {dir}; hand {dir}/consortium.toml to every member, and each founder its key in {dir}/{KEYS_FOLDER}\n\
         start it:  oreledger node --config {dir}/node.toml"
    ));
    output::data(&verb.dir.join("consortium.toml").display().to_string())
}
