//! Members, facilities, attestations, the profile, approvals.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use ore_record::{MemberId, RecordId};
use serde_json::{Value, json};

use super::sign::{self, Statement};
use crate::{
    context::Context,
    failure::{Failure, Outcome},
    keyfile, output,
    post::engine::failure,
    words::word,
};

#[derive(Subcommand, Debug)]
pub(crate) enum Member {
    /// Propose a new member; in force once enough members approved
    Admit(Admit),
    /// Prove possession of a key, for whoever proposes its holder
    Prove(Prove),
    /// Propose other roles for a member
    Roles(Roles),
    /// Add a key to the acting member's own
    AddKey(AddKey),
    /// Revoke one of the acting member's keys; what it signed stays valid
    RevokeKey(RevokeKey),
    /// List members, their roles and keys
    List,
}

#[derive(Args, Debug)]
pub(crate) struct Admit {
    /// Member id: a-z, 0-9 and hyphen
    id: String,
    /// Legal name
    #[arg(long)]
    name: String,
    /// Country, two letters
    #[arg(long)]
    country: String,
    /// Role; may be repeated
    #[arg(long = "role", value_name = "ROLE", required = true)]
    roles: Vec<String>,
    /// Public key and proof, as `oreledger member prove` prints them
    #[arg(long, value_name = "PROOF")]
    proof: String,
    #[command(flatten)]
    statement: Statement,
}

#[derive(Args, Debug)]
pub(crate) struct Prove {
    /// Member id that the key is for
    id: String,
    /// The key file [default: DIR/members/MEMBER.pem]
    #[arg(long, value_name = "FILE")]
    new_key: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct Roles {
    /// Member
    id: String,
    /// Role; may be repeated
    #[arg(long = "role", value_name = "ROLE", required = true)]
    roles: Vec<String>,
    #[command(flatten)]
    statement: Statement,
}

#[derive(Args, Debug)]
pub(crate) struct AddKey {
    /// Public key and proof, as `oreledger member prove` prints them
    #[arg(long, value_name = "PROOF")]
    proof: String,
    #[command(flatten)]
    statement: Statement,
}

#[derive(Args, Debug)]
pub(crate) struct RevokeKey {
    /// Public key, 64 hexadecimal digits
    public_key: String,
    /// Why
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    statement: Statement,
}

/// "<public key>:<possession>", both hexadecimal.
fn registration(proof: &str) -> Result<Value, Failure> {
    let (key, possession) = proof.split_once(':').ok_or_else(|| {
        Failure::usage(
            "the proof is no PUBLIC_KEY:PROOF",
            "let the key's holder run `oreledger member prove MEMBER`",
        )
    })?;
    Ok(json!({ "public_key": key.trim(), "possession": possession.trim() }))
}

pub(crate) async fn member(context: &Context, verb: &Member) -> Outcome {
    match verb {
        Member::Admit(it) => {
            let member =
                json!({ "id": it.id, "legal_name": it.name, "country": it.country, "roles": it.roles });
            let fields = json!({ "member": member, "key": registration(&it.proof)? });
            sign::state(context, &it.statement, "admit_member", fields).await
        }
        Member::Prove(it) => prove(context, it),
        Member::Roles(it) => {
            sign::state(context, &it.statement, "change_roles", json!({ "member": it.id, "roles": it.roles }))
                .await
        }
        Member::AddKey(it) => {
            sign::state(context, &it.statement, "add_key", json!({ "key": registration(&it.proof)? })).await
        }
        Member::RevokeKey(it) => {
            let fields = json!({ "public_key": it.public_key, "reason": it.reason });
            sign::state(context, &it.statement, "revoke_key", fields).await
        }
        Member::List => members(context).await,
    }
}

fn prove(context: &Context, it: &Prove) -> Outcome {
    let id = MemberId::parse(&it.id).map_err(|error| Failure::usage(error, "choose another id"))?;
    let path = it
        .new_key
        .clone()
        .unwrap_or_else(|| context.home.join(crate::context::KEYS_FOLDER).join(format!("{id}.pem")));
    let key = keyfile::load(&path, &context.passphrase())?;
    let origin = context.trust_root()?.origin;
    let proof: String = key.prove_possession(&origin, &id).iter().map(|byte| format!("{byte:02x}")).collect();
    output::note(format!("proof of possession for {id} on {origin}"));
    output::data(&format!("{}:{proof}", RecordId::from_bytes(*key.public().as_bytes())))
}

async fn members(context: &Context) -> Outcome {
    let members = context.connect().await?.members().await.map_err(failure)?;
    let mut rows = vec![["member", "country", "roles", "keys", "name"].map(str::to_owned).to_vec()];
    let mut list = Vec::new();
    for state in members {
        let keys: Vec<String> = state
            .keys
            .iter()
            .filter(|key| key.revoked_leaf == 0)
            .filter_map(|key| RecordId::try_from(key.public_key.as_ref()).ok())
            .map(|key| key.to_string())
            .collect();
        let member = state.member.unwrap_or_default();
        let roles: Vec<String> = member.roles().map(|role| word(role.as_str_name(), "ROLE_")).collect();
        list.push(json!({ "id": member.id, "legal_name": member.legal_name, "country": member.country, "roles": roles, "keys": keys }));
        let short: Vec<String> = keys.iter().map(output::short).collect();
        rows.push(vec![member.id, member.country, roles.join(", "), short.join(" "), member.legal_name]);
    }
    if context.json { output::json(&Value::Array(list)) } else { output::data(&output::table(&rows, &[])) }
}

#[derive(Subcommand, Debug)]
pub(crate) enum Facility {
    /// Register a facility of the acting member
    Register(Register),
    /// List facilities
    List(ListFacilities),
}

#[derive(Args, Debug)]
pub(crate) struct Register {
    /// Facility id, MEMBER/NAME
    id: String,
    /// Name
    #[arg(long)]
    name: String,
    /// mine, concentrator, smelter, refinery, "powder plant", "target plant", fab, recycler, laboratory, warehouse or port
    #[arg(long)]
    kind: String,
    /// Country, two letters
    #[arg(long)]
    country: String,
    /// Latitude in degrees, north positive
    #[arg(long, allow_hyphen_values = true)]
    latitude: f64,
    /// Longitude in degrees, east positive
    #[arg(long, allow_hyphen_values = true)]
    longitude: f64,
    /// For a mine: mineral; may be repeated
    #[arg(long = "mineral", value_name = "MINERAL")]
    minerals: Vec<String>,
    /// For a mine: worked by hand
    #[arg(long)]
    artisanal: bool,
    #[command(flatten)]
    statement: Statement,
}

#[derive(Args, Debug)]
pub(crate) struct ListFacilities {
    /// Only those of this member
    #[arg(long, default_value = "", value_name = "MEMBER")]
    member: String,
}

pub(crate) async fn facility(context: &Context, verb: &Facility) -> Outcome {
    match verb {
        Facility::Register(it) => {
            // At most 1.8 x 10^9: below 2^53, exact after rounding.
            let e7 = |degrees: f64| (degrees * 1e7).round() as i64;
            let facility = json!({
                "id": it.id, "name": it.name, "kind": it.kind, "country": it.country, "minerals": it.minerals,
                "latitude_e7": e7(it.latitude), "longitude_e7": e7(it.longitude), "artisanal": it.artisanal,
            });
            sign::state(context, &it.statement, "register_facility", json!({ "facility": facility })).await
        }
        Facility::List(it) => facilities(context, it).await,
    }
}

async fn facilities(context: &Context, it: &ListFacilities) -> Outcome {
    let facilities = context.connect().await?.facilities(&it.member).await.map_err(failure)?;
    let mut rows = vec![["facility", "kind", "country", "name"].map(str::to_owned).to_vec()];
    let mut list = Vec::new();
    for facility in facilities {
        let kind = word(facility.kind().as_str_name(), "FACILITY_KIND_");
        list.push(json!({
            "id": facility.id, "name": facility.name, "kind": kind, "country": facility.country,
            "latitude_e7": facility.latitude_e7, "longitude_e7": facility.longitude_e7,
        }));
        rows.push(vec![facility.id, kind, facility.country, facility.name]);
    }
    if context.json { output::json(&Value::Array(list)) } else { output::data(&output::table(&rows, &[])) }
}

#[derive(Subcommand, Debug)]
pub(crate) enum Attest {
    /// Issue an attestation
    Issue(Issue),
    /// Suspend, reinstate or revoke an attestation of the acting member
    Change(Change),
    /// List attestations
    List(ListAttestations),
}

#[derive(Args, Debug)]
pub(crate) struct Issue {
    /// Attestation id, ISSUER/NUMBER
    id: String,
    /// "extraction permit", "export permit", certificate, "site status", accreditation ...
    #[arg(long)]
    kind: String,
    /// Member, facility or lot that it is about
    #[arg(long)]
    subject: String,
    /// Scheme
    #[arg(long, default_value = "")]
    scheme: String,
    /// Scope
    #[arg(long, default_value = "")]
    scope: String,
    /// Valid from, such as 2026-01-01T00:00:00Z
    #[arg(long, value_name = "TIME")]
    from: String,
    /// Valid until
    #[arg(long, value_name = "TIME")]
    until: String,
    #[command(flatten)]
    statement: Statement,
}

#[derive(Args, Debug)]
pub(crate) struct Change {
    /// Attestation id
    id: String,
    /// suspended, reinstated or revoked
    #[arg(long)]
    state: String,
    /// Why
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    statement: Statement,
}

#[derive(Args, Debug)]
pub(crate) struct ListAttestations {
    /// Only those about this member, facility or lot
    #[arg(long, default_value = "", value_name = "ID")]
    subject: String,
}

pub(crate) async fn attest(context: &Context, verb: &Attest) -> Outcome {
    match verb {
        Attest::Issue(it) => {
            let attestation = json!({
                "id": it.id, "kind": it.kind, "subject": it.subject, "scheme": it.scheme, "scope": it.scope,
                "valid_from_ms": it.from, "valid_until_ms": it.until,
            });
            sign::state(context, &it.statement, "attest", json!({ "attestation": attestation })).await
        }
        Attest::Change(it) => {
            let fields = json!({ "attestation": it.id, "state": it.state, "reason": it.reason });
            sign::state(context, &it.statement, "change_attestation", fields).await
        }
        Attest::List(it) => attestations(context, it).await,
    }
}

async fn attestations(context: &Context, it: &ListAttestations) -> Outcome {
    let listed = context.connect().await?.attestations(&it.subject).await.map_err(failure)?;
    let mut rows = vec![["attestation", "kind", "about", "state", "until"].map(str::to_owned).to_vec()];
    let mut list = Vec::new();
    for standing in listed {
        let state = standing.changes.last().map_or_else(
            || "in force".to_owned(),
            |change| word(change.state().as_str_name(), "ATTESTATION_STATE_"),
        );
        let attestation = standing.attestation.unwrap_or_default();
        let kind = word(attestation.kind().as_str_name(), "ATTESTATION_KIND_");
        let until = ore_exchange::write_time(attestation.valid_until_ms, 0);
        list.push(json!({
            "id": attestation.id, "kind": kind, "subject": attestation.subject, "state": state,
            "scheme": attestation.scheme, "scope": attestation.scope,
            "valid_from_ms": attestation.valid_from_ms, "valid_until_ms": attestation.valid_until_ms,
        }));
        rows.push(vec![attestation.id, kind, attestation.subject, state, until]);
    }
    if context.json { output::json(&Value::Array(list)) } else { output::data(&output::table(&rows, &[])) }
}

#[derive(Subcommand, Debug)]
pub(crate) enum Profile {
    /// Show the profile in force
    Show,
    /// Propose another profile, from a file in protobuf's JSON mapping
    Propose(Propose),
}

#[derive(Args, Debug)]
pub(crate) struct Propose {
    /// JSON file with the whole profile
    file: PathBuf,
    #[command(flatten)]
    statement: Statement,
}

pub(crate) async fn profile(context: &Context, verb: &Profile) -> Outcome {
    match verb {
        Profile::Show => {
            let profile = context.connect().await?.profile().await.map_err(failure)?;
            let event = ore_record::v1::SetProfile { profile };
            let record = ore_record::draft::record(event, 0);
            let line: Value =
                serde_json::from_str(&ore_exchange::json::record_to_json(&record)).unwrap_or(Value::Null);
            output::json(&line["set_profile"]["profile"])
        }
        Profile::Propose(it) => {
            let text = std::fs::read_to_string(&it.file).map_err(|e| Failure::file("read", &it.file, &e))?;
            let profile: Value = serde_json::from_str(&text).map_err(|e| {
                Failure::usage(
                    format_args!("{}: {e}", it.file.display()),
                    "start from `oreledger profile show`",
                )
            })?;
            sign::state(context, &it.statement, "set_profile", json!({ "profile": profile })).await
        }
    }
}
