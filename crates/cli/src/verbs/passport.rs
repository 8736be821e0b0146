//! `oreledger passport`: a lot's Digital Product Passport, from a verified bundle, signed by a member.
//!
//! The shares are those that the bundle proves, checked here before anything is signed; lot, maker and
//! facility come from records whose signatures verify. The key never leaves this machine.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use clap::Args;
use ore_client::{HistoryItem, Ledger};
use ore_record::{
    RecordId, SignedRecord, content,
    v1::{Bundle, Facility, Member, NewLot, record::Event},
};
use ore_untp::{
    event::{self, Directory, Told},
    facility::{self, Address},
    jose,
    passport::{self, Element, Facts, Issue, Link},
    place::Place,
};
use ore_wire::v1;
use prost::Message;
use serde_json::{Value, json};

use super::{sign::now_ms, trace};
use crate::{
    context::Context,
    failure::{Failure, Outcome},
    output,
    post::engine::failure,
};

/// Milliseconds of a day.
const DAY_MS: u64 = 24 * 3_600_000;
/// Elements below this are not in a passport unless they are asked for: 1 %.
const LEAST_PPB: u32 = 10_000_000;
/// Most records of one lot that are read.
const MOST_RECORDS: usize = 10_000;
/// How long a receipt may take to be published.
const RECEIPT_WAIT: Duration = Duration::from_secs(30);

#[derive(Args, Debug)]
#[command(after_help = "\
The passport is UNTP 0.7.0 in an enveloping JOSE (application/vc+jwt, EdDSA). Its issuer is the member who acts,
under did:web of the node at --url, where strangers find the key. It is signed here: a node holds no member's key.
When a record that it rests on is withdrawn, the node's status list says that it is stale; make a new one then.")]
pub(crate) struct Passport {
    /// Lot
    lot: String,
    /// Element; may be repeated [default: every element that makes up 1 % or more]
    #[arg(long = "element", short, value_name = "SYMBOL")]
    elements: Vec<String>,
    /// Address of the node as strangers reach it [default: the one that is asked here]
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Days until it is void
    #[arg(long, default_value_t = 365, value_parser = clap::value_parser!(u64).range(1..=3_660))]
    days: u64,
    /// A row for each mine and collection point instead of each country
    #[arg(long)]
    by_source: bool,
    /// Also the lot's traceability events, as a credential of their own
    #[arg(long)]
    events: bool,
    /// Also the record of the facility that made it, as a credential of its own
    #[arg(long)]
    facility: bool,
    /// Postal address in the facility's record: "street; postal code; town; region"
    #[arg(long, value_name = "TEXT", requires = "facility", value_parser = address)]
    address: Option<Address>,
    /// Print the passport without a signature, as JSON
    #[arg(long, conflicts_with_all = ["events", "facility"])]
    unsigned: bool,
    /// File to write [default: the lot's number with .passport.jwt]
    #[arg(long, short, value_name = "FILE", conflicts_with = "unsigned")]
    out: Option<PathBuf>,
}

fn address(text: &str) -> Result<Address, String> {
    let parts: Vec<String> = text.split(';').map(|part| part.trim().to_owned()).collect();
    let [street, postal_code, locality, region] =
        parts.try_into().map_err(|_| "four parts with semicolons between them are expected".to_owned())?;
    Ok(Address { street, postal_code, locality, region })
}

/// Everybody, every site, and the lots of the bundle, by id.
struct Known {
    members: BTreeMap<String, Member>,
    facilities: BTreeMap<String, Facility>,
    lots: BTreeMap<String, NewLot>,
}

impl Known {
    async fn ask(ledger: &Ledger) -> Result<Self, Failure> {
        let members = ledger.members().await.map_err(failure)?;
        let members = members.into_iter().filter_map(|state| state.member);
        let facilities = ledger.facilities("").await.map_err(failure)?;
        Ok(Self {
            members: members.map(|member| (member.id.clone(), member)).collect(),
            facilities: facilities.into_iter().map(|facility| (facility.id.clone(), facility)).collect(),
            lots: BTreeMap::new(),
        })
    }

    fn named_member(&self, id: &str) -> Result<&Member, Failure> {
        self.members.get(id).ok_or_else(|| {
            Failure::refused(format_args!("{id} is no member"), "`oreledger member list` shows who is")
        })
    }

    fn learn(&mut self, record: &SignedRecord) {
        for lot in made(record) {
            self.lots.insert(lot.lot.clone(), lot.clone());
        }
    }
}

impl Directory for Known {
    fn member(&self, id: &str) -> Option<&Member> {
        self.members.get(id)
    }

    fn facility(&self, id: &str) -> Option<&Facility> {
        self.facilities.get(id)
    }

    fn lot(&self, id: &str) -> Option<&NewLot> {
        self.lots.get(id)
    }
}

/// The lots that a record makes.
fn made(record: &SignedRecord) -> Vec<&NewLot> {
    match record.event() {
        Event::Commission(commission) => commission.lot.iter().collect(),
        Event::Transform(transform) => {
            transform.outputs.iter().filter_map(|output| output.lot.as_ref()).collect()
        }
        _ => Vec::new(),
    }
}

pub(crate) async fn run(context: &Context, verb: &Passport) -> Outcome {
    let issuer = context.acting()?.to_owned();
    let wanted: Vec<u32> =
        verb.elements.iter().map(|symbol| trace::element(symbol)).collect::<Result<_, _>>()?;
    let ledger = context.connect().await?;
    let url = verb.url.as_deref().unwrap_or(ledger.url());
    let place = Place::parse(url).map_err(|error| {
        Failure::usage(error, "name the node as strangers reach it: --url https://ledger.example.com")
    })?;
    let mut known = Known::ask(&ledger).await?;
    let history = ledger.history(&verb.lot, MOST_RECORDS).await.map_err(failure)?;
    let made_here = newest_making(&verb.lot, &history)?;
    let made_by = made_here.record.id();
    let standing = ledger.lot(&verb.lot).await.map_err(failure)?.lot.unwrap_or_default();
    let contents = contents(&verb.lot, &wanted, &standing, &history)?;
    let (elements, tree_size) = shares(&ledger, &verb.lot, &contents, &mut known).await?;
    let lot =
        made(&made_here.record).into_iter().find(|lot| lot.lot == verb.lot).cloned().unwrap_or_default();
    let receipt = ledger.receipt(made_by, RECEIPT_WAIT).await.map_err(failure)?;
    let facility = known
        .facilities
        .get(&lot.facility)
        .cloned()
        .unwrap_or_else(|| Facility { id: lot.facility.clone(), ..Facility::default() });
    let issue = Issue {
        place: &place,
        issuer: known.named_member(&issuer)?,
        from_ms: now_ms(),
        until_ms: now_ms().saturating_add(verb.days * DAY_MS),
    };
    let mass_mg =
        if standing.remaining_dry_mg > 0 { standing.remaining_dry_mg } else { standing.created_dry_mg };
    let facts = Facts {
        issue,
        origin: &ledger.trust().origin,
        tree_size,
        lot: &lot,
        mass_mg,
        maker: known.named_member(&made_here.record.record().author)?,
        owner: known.named_member(&standing.owner)?,
        facility: &facility,
        made_ms: made_here.record.record().event_time_ms,
        made_by,
        made_at: made_here.leaf_index,
        elements,
        evidence: evidence(&place, made_by, &receipt.file),
        by_source: verb.by_source,
    };
    let document = passport::passport(&facts);
    if verb.unsigned {
        return output::json(&document);
    }
    let documents = with_others(verb, &issue, &facility, &history, &known, document)?;
    sign_and_write(context, &issuer, &place, &documents)
}

/// Shares of each element, from bundles that verify; and what their records tell of lots.
async fn shares(
    ledger: &Ledger,
    lot: &str,
    contents: &[v1::ElementContent],
    known: &mut Known,
) -> Result<(Vec<Element>, u64), Failure> {
    let (mut elements, mut tree_size) = (Vec::new(), 0);
    for content in contents {
        let bundle = ledger.bundle(lot, content.element).await.map_err(failure)?;
        let claim = bundle.report.claim;
        tree_size = claim.tree_size;
        for entry in Bundle::decode(bundle.bytes.as_slice()).unwrap_or_default().entries {
            if let Ok(record) = SignedRecord::decode(&entry.entry) {
                known.learn(&record);
            }
        }
        elements.push(Element {
            number: content.element,
            ppb: content.ppb,
            uncertainty_ppb: content.uncertainty_ppb,
            shares: claim.shares,
        });
    }
    Ok((elements, tree_size))
}

/// The passport, and the other credentials that were asked for, each with its file.
fn with_others(
    verb: &Passport,
    issue: &Issue<'_>,
    facility: &Facility,
    history: &[HistoryItem],
    known: &Known,
    passport: Value,
) -> Result<Vec<(PathBuf, Value)>, Failure> {
    let number = verb.lot.rsplit('/').next().unwrap_or("lot").to_owned();
    let out = verb.out.clone().unwrap_or_else(|| PathBuf::from(format!("{number}.passport.jwt")));
    let mut documents = vec![(out, passport)];
    if verb.events {
        let told: Vec<Told<'_>> =
            history.iter().map(|item| Told { record: item.record.record(), id: item.record.id() }).collect();
        let links = |id: &RecordId| vec![live_receipt(issue.place, *id)];
        if let Some(events) = event::events(issue, &verb.lot, &told, known, links) {
            documents.push((PathBuf::from(format!("{number}.events.jwt")), events));
        }
    }
    if verb.facility {
        let owner = facility.id.split('/').next().unwrap_or_default();
        let address = verb.address.clone().unwrap_or_default();
        let record = facility::record(issue, facility, known.named_member(owner)?, &address);
        documents.push((PathBuf::from(format!("{number}.facility.jwt")), record));
    }
    Ok(documents)
}

/// The record that made the lot as it stands: after a correction the newest one.
fn newest_making<'a>(lot: &str, history: &'a [HistoryItem]) -> Result<&'a HistoryItem, Failure> {
    let makes = |item: &&HistoryItem| made(&item.record).iter().any(|made| made.lot == lot);
    history.iter().rev().find(makes).ok_or_else(|| {
        Failure::verification(
            format_args!("no record in the history of {lot} makes it"),
            "ask another node; this one hides the beginning",
        )
    })
}

/// What is in the lot now, largest first: what the node says, if a signed record of the lot states just that.
fn contents(
    lot: &str,
    wanted: &[u32],
    standing: &v1::Lot,
    history: &[HistoryItem],
) -> Result<Vec<v1::ElementContent>, Failure> {
    let mut stated = history.iter().flat_map(|item| match item.record.event() {
        Event::Assay(assay) => assay.composition.clone().into_iter().collect::<Vec<_>>(),
        _ => made(&item.record)
            .into_iter()
            .filter(|made| made.lot == lot)
            .filter_map(|made| made.composition.clone())
            .collect(),
    });
    let same = |composition: ore_record::v1::Composition| {
        let elements = content::elements_of(&composition).unwrap_or_default();
        let stated = elements.iter().map(|it| (u32::from(it.element), it.ppb, it.uncertainty_ppb));
        stated.eq(standing.composition.iter().map(|it| (it.element, it.ppb, it.uncertainty_ppb)))
    };
    if !standing.composition.is_empty() && !stated.any(same) {
        return Err(Failure::verification(
            format_args!("no signed record of {lot} states the composition that the node shows"),
            "ask another node; this one hides a record or makes one up",
        ));
    }
    let mut contents = standing.composition.clone();
    contents.retain(|content| {
        if wanted.is_empty() { content.ppb >= LEAST_PPB } else { wanted.contains(&content.element) }
    });
    if contents.is_empty() {
        return Err(Failure::refused(
            format_args!("nobody stated what is in {lot}, or none of what was asked for"),
            "an assay of stage final or umpire states it: `oreledger assay`",
        ));
    }
    contents.sort_by_key(|content| core::cmp::Reverse(content.ppb));
    Ok(contents)
}

/// The receipt twice: as it is now, inside the document, and where a newer one is to be had.
fn evidence(place: &Place, made_by: RecordId, receipt: &str) -> Vec<Link> {
    use base64ct::{Base64, Encoding};
    let inside = format!("data:text/plain;base64,{}", Base64::encode_string(receipt.as_bytes()));
    vec![
        Link::to_bytes(
            inside,
            "Receipt of the record that made the lot (C2SP tlog-proof), to be checked offline",
            "text/plain",
            receipt.as_bytes(),
        ),
        live_receipt(place, made_by),
    ]
}

fn live_receipt(place: &Place, record: RecordId) -> Link {
    Link {
        url: place.receipt(&record.to_string()),
        name: "Receipt at the ledger, for its members".to_owned(),
        media_type: "text/plain".to_owned(),
        sha256: None,
    }
}

fn sign_and_write(context: &Context, issuer: &str, place: &Place, documents: &[(PathBuf, Value)]) -> Outcome {
    let mut keyring = context.keyring();
    let key = keyring.of(issuer)?;
    let did = place.member_did(issuer);
    let mut written = Vec::new();
    for (path, document) in documents {
        let jwt = jose::sign(document, &did, key);
        std::fs::write(path, &jwt).map_err(|e| Failure::file("write", path, &e))?;
        written.push(json!({ "file": path.display().to_string(), "id": document["id"] }));
    }
    for row in documents[0].1["credentialSubject"]["materialProvenance"].as_array().into_iter().flatten() {
        output::note(format!(
            "{:>16}  {}",
            row["massFraction"].to_string(),
            row["name"].as_str().unwrap_or_default()
        ));
    }
    output::note(format!(
        "from verified bundles; signed by {issuer}, whose key strangers find at {}",
        did_address(&did, place)
    ));
    if context.json {
        return output::json(&json!({ "issuer": did, "credentials": written }));
    }
    let names: Vec<String> = documents.iter().map(|(path, _)| path.display().to_string()).collect();
    output::data(&names.join("\n"))
}

/// Where a member's DID document is.
fn did_address(did: &str, place: &Place) -> String {
    let member = did.rsplit(':').next().unwrap_or_default();
    format!("{}/id/{member}/did.json", place.base())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_four_parts() {
        let read = address("1-1 Sample; 879-2201; Oita; Oita Prefecture").expect("four parts");
        assert_eq!(read.locality, "Oita");
        assert!(address("somewhere").is_err());
    }
}
