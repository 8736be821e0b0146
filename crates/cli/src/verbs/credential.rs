//! `oreledger credential`: somebody else's passport or conformity credential, taken in as one's own statement.

use std::path::{Path, PathBuf};

use clap::Args;
use ore_record::{
    keys::PublicKey,
    v1::{MemberState, record::Event},
};
use ore_untp::{
    did,
    import::{self, Incoming, Terms},
    jose::Unverified,
};
use serde_json::Value;

use super::sign::{self, Statement};
use crate::{
    context::Context,
    failure::{Failure, Outcome},
    output,
    post::engine::failure,
};

#[derive(Args, Debug)]
#[command(after_help = "\
A passport (UNTP 0.6 or 0.7) becomes a lot of unknown origin, declared and not measured; a conformity credential
becomes an attestation, which a certifier signs. The document is bound by its digest: keep the file. The same file
taken in twice is the same record. A signature (application/vc+jwt) is checked with the issuer's DID document, or
with the keys of the member of this ledger that issued it.")]
pub(crate) struct Credential {
    /// JSON, or a signed credential (vc+jwt)
    file: PathBuf,
    /// Of a passport: facility where the lot is now
    #[arg(long, value_name = "FACILITY")]
    facility: Option<String>,
    /// Of a passport: number of the lot here [default: the document's serial, batch or model number]
    #[arg(long, value_name = "NUMBER")]
    number: Option<String>,
    /// Of a passport: class of material, such as \"sputtering target\" [default: finished product]
    #[arg(long, value_name = "CLASS")]
    material: Option<String>,
    /// Of a conformity credential: member, facility or lot here that it is about
    #[arg(long, value_name = "ID")]
    subject: Option<String>,
    /// The issuer's DID document, for the signature
    #[arg(long, value_name = "FILE")]
    did: Option<PathBuf>,
    /// Take it in though nobody's key shows who signed it
    #[arg(long, conflicts_with = "did")]
    unchecked: bool,
    #[command(flatten)]
    how: Statement,
}

pub(crate) async fn run(context: &Context, verb: &Credential) -> Outcome {
    let bytes = std::fs::read(&verb.file).map_err(|e| Failure::file("read", &verb.file, &e))?;
    let wrong = |error: import::BadDocument| {
        Failure::usage(
            format_args!("{}: {error}", verb.file.display()),
            "ask the issuer for a document of UNTP 0.6 or 0.7; `oreledger credential --help` says what is read",
        )
    };
    let incoming = import::open(&bytes).map_err(wrong)?;
    check_signature(context, verb, &incoming).await?;
    let text = |option: &Option<String>| option.clone().unwrap_or_default();
    let (facility, number) = (text(&verb.facility), text(&verb.number));
    let (material, subject) = (text(&verb.material), text(&verb.subject));
    let member = context.acting()?;
    let terms =
        Terms { member, facility: &facility, number: &number, subject: &subject, material: &material };
    let imported = incoming.draft(&terms).map_err(wrong)?;
    if matches!(imported.record.event, Some(Event::Commission(_))) && facility.is_empty() {
        return Err(Failure::usage(
            "a lot is somewhere, and a passport says where it was made, not where it is",
            format_args!("name a facility of {member} with --facility; `oreledger facility list` shows them"),
        ));
    }
    for remark in &imported.remarks {
        output::note(format!("note: {remark}"));
    }
    let mut record = imported.record;
    member.clone_into(&mut record.author);
    sign::sign(context, &verb.how, record).await
}

/// A signature that is there must hold.
async fn check_signature(context: &Context, verb: &Credential, incoming: &Incoming) -> Outcome {
    let Some(signed) = &incoming.signed else {
        output::note("note: the document is not signed; that it says so is your statement alone");
        return Ok(());
    };
    if verb.unchecked {
        output::note("note: the signature was not checked, as you asked");
        return Ok(());
    }
    let key = match &verb.did {
        Some(path) => key_of_document(path, incoming, signed)?,
        None => {
            let ledger = context.connect().await?;
            key_of_member(&ledger.members().await.map_err(failure)?, incoming, signed)?
        }
    };
    let failed = |why: &dyn std::fmt::Display| {
        Failure::verification(
            format_args!("{}: {why}", verb.file.display()),
            "the document was altered, or somebody else signed it: ask the issuer for it again",
        )
    };
    let key = PublicKey::check(&key).map_err(|error| failed(&error))?;
    signed.clone().verify(&key).map_err(|error| failed(&error))?;
    output::note(format!("the signature of {} verifies", incoming.issuer()));
    Ok(())
}

fn key_of_document(path: &Path, incoming: &Incoming, signed: &Unverified) -> Result<[u8; 32], Failure> {
    let text = std::fs::read_to_string(path).map_err(|e| Failure::file("read", path, &e))?;
    let document: Value = serde_json::from_str(&text).unwrap_or_default();
    let key = (document["id"] == incoming.issuer()).then(|| did::key_of(&document, &signed.key_id)).flatten();
    key.ok_or_else(|| {
        Failure::verification(
            format_args!("{} has no key {} of {}", path.display(), signed.key_id, incoming.issuer()),
            "fetch the issuer's DID document again; a revoked key is no longer in it",
        )
    })
}

/// The key of the member of this ledger whom the issuer's DID names, if it may sign now.
fn key_of_member(
    members: &[MemberState],
    incoming: &Incoming,
    signed: &Unverified,
) -> Result<[u8; 32], Failure> {
    let issuer = incoming.issuer();
    let named = issuer.rsplit_once(":id:").map_or("", |(_, member)| member);
    let hex = signed.key_id.strip_prefix(issuer).and_then(|rest| rest.strip_prefix('#')).unwrap_or_default();
    let keys = members
        .iter()
        .filter(|state| state.member.as_ref().is_some_and(|member| member.id == named))
        .flat_map(|state| &state.keys)
        .filter(|key| key.revoked_leaf == 0);
    let shown = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let mut keys = keys.filter(|key| shown(&key.public_key) == hex);
    keys.next().and_then(|key| key.public_key.as_slice().try_into().ok()).ok_or_else(|| {
        Failure::verification(
            format_args!("no key of a member of this ledger is {}", signed.key_id),
            "name the issuer's DID document with --did FILE, or say --unchecked",
        )
    })
}
