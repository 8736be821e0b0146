//! A sink that signs: every record as a member would send it, heads filled in.

use std::collections::HashMap;

use ore_record::{
    RecordId, SignedRecord, draft,
    keys::SecretKey,
    v1::{self, record::Event},
};

use crate::{Said, Sink};

/// Signed records of a story, handed on as they are made.
pub struct Signed<F> {
    origin: String,
    heads: HashMap<String, RecordId>,
    offers: HashMap<[u8; 32], Vec<String>>,
    keys: HashMap<String, SecretKey>,
    nonce: u64,
    each: F,
}

/// A member's key in a story: made from its name, so that anybody can tell the story again. Never for real use.
///
/// # Panics
/// When the name has more than 32 bytes, which no member's has.
#[must_use]
pub fn key_of(member: &str) -> SecretKey {
    SecretKey::from_seed(&seed_of(member))
}

fn seed_of(member: &str) -> [u8; 32] {
    let mut seed = [0x67; 32];
    seed[..member.len()].copy_from_slice(member.as_bytes());
    seed
}

impl<F: FnMut(SignedRecord, u64)> Signed<F> {
    /// For a ledger; `each` gets every record with the time at which a block may hold it.
    pub fn new(origin: &str, each: F) -> Self {
        Self {
            origin: origin.to_owned(),
            heads: HashMap::new(),
            offers: HashMap::new(),
            keys: HashMap::new(),
            nonce: 0,
            each,
        }
    }

    /// Signs a record as its author, heads filled in.
    ///
    /// # Panics
    /// When it is longer than a record may be, which no story's is.
    pub fn sign(&mut self, said: Said) -> SignedRecord {
        self.nonce += 1;
        let mut nonce = [0x67; 16];
        nonce[..8].copy_from_slice(&self.nonce.to_be_bytes());
        let touched = touched(&said.event);
        let mut record = draft::record(said.event, said.event_time_ms);
        draft::complete(&mut record, &self.origin, &said.author, nonce);
        record.documents = said.documents;
        record.corrects = said.corrects;
        for reference in draft::heads_mut(&mut record) {
            let head = self.heads.get(&reference.lot);
            reference.head = head.map_or_else(|| vec![0; 32], |head| head.as_bytes().to_vec());
        }
        let key = self.keys.entry(said.author.clone()).or_insert_with(|| key_of(&said.author));
        let signed = SignedRecord::sign(record, key).expect("a story's records are short");
        let signed = if said.crafted { craft(&signed, &said.author) } else { signed };
        for lot in touched {
            self.heads.insert(lot, signed.id());
        }
        signed
    }
}

impl<F: FnMut(SignedRecord, u64)> Sink for Signed<F> {
    fn put(&mut self, said: Said) -> [u8; 32] {
        let time_ms = said.event_time_ms;
        let withdrawn = match &said.event {
            Event::Withdraw(it) => self.offers.get(it.record.as_slice()).cloned(),
            _ => None,
        };
        let lots = touched(&said.event);
        let signed = self.sign(said);
        let id = *signed.id().as_bytes();
        for lot in withdrawn.into_iter().flatten() {
            self.heads.insert(lot, signed.id());
        }
        self.offers.insert(id, lots);
        (self.each)(signed, time_ms);
        id
    }

    fn pass(&mut self, _: u64) {}
}

/// The same record with a signature that only the cofactored rule accepts: a point of order eight is added to the
/// nonce's point, which eight times everything takes away again.
fn craft(signed: &SignedRecord, author: &str) -> SignedRecord {
    use curve25519_dalek::{EdwardsPoint, Scalar, constants::EIGHT_TORSION};
    use sha2::{Digest, Sha512};

    let message = signed.signed_bytes();
    let expanded: [u8; 64] = Sha512::digest(seed_of(author)).into();
    let mut secret = [0; 32];
    secret.copy_from_slice(&expanded[..32]);
    // RFC 8032 §5.1.5.
    secret[0] &= 248;
    secret[31] &= 127;
    secret[31] |= 64;
    let secret = Scalar::from_bytes_mod_order(secret);
    let wide: [u8; 64] = Sha512::new().chain_update(b"nonce").chain_update(&message).finalize().into();
    let nonce = Scalar::from_bytes_mod_order_wide(&wide);
    let point = (EdwardsPoint::mul_base(&nonce) + EIGHT_TORSION[1]).compress();
    let public = key_of(author).public();
    let challenge: [u8; 64] = Sha512::new()
        .chain_update(point.as_bytes())
        .chain_update(public.as_bytes())
        .chain_update(&message)
        .finalize()
        .into();
    let answer = nonce + Scalar::from_bytes_mod_order_wide(&challenge) * secret;
    let signature = [point.as_bytes().as_slice(), answer.as_bytes()].concat();
    SignedRecord::from_parts(signed.bytes().to_vec(), signature).expect("the same record, another signature")
}

/// Lots whose head a record becomes.
fn touched(event: &Event) -> Vec<String> {
    let mut lots = Vec::new();
    let mut record = v1::Record { event: Some(event.clone()), ..v1::Record::default() };
    lots.extend(draft::heads_mut(&mut record).into_iter().map(|reference| reference.lot.clone()));
    let new = |lot: &Option<v1::NewLot>| lot.as_ref().map(|lot| lot.lot.clone());
    match event {
        Event::Commission(it) => lots.extend(new(&it.lot)),
        Event::Transform(it) => lots.extend(it.outputs.iter().filter_map(|output| new(&output.lot))),
        _ => {}
    }
    lots
}

/// Records of a genesis block: the profile, everybody, every place, and who orders blocks.
///
/// # Panics
/// When a cast names a member by no slug, which ours does not.
#[must_use]
pub fn founding_records(
    origin: &str,
    cast: &crate::Cast,
    profile: v1::Profile,
    validators: v1::ChangeValidators,
) -> Vec<SignedRecord> {
    let genesis_ms = crate::teller::START_MS - 86_400_000;
    let mut signer = Signed::new(origin, |_, _| ());
    let mut say = |author: &str, event: Event| {
        signer.sign(Said {
            author: author.to_owned(),
            event_time_ms: genesis_ms,
            event,
            documents: Vec::new(),
            corrects: Vec::new(),
            crafted: false,
        })
    };
    let founder = cast.members.first().map_or("", |member| member.id.as_str());
    let mut records = vec![say(founder, v1::SetProfile { profile: Some(profile) }.into())];
    for member in &cast.members {
        let id = ore_record::MemberId::parse(&member.id).expect("members of a cast have slugs");
        let key = key_of(&member.id);
        let stated = v1::Member {
            id: member.id.clone(),
            legal_name: format!("{} of the story", member.id),
            country: "CH".to_owned(),
            identifiers: Vec::new(),
            roles: member.roles.iter().map(|role| *role as i32).collect(),
        };
        let registration = v1::KeyRegistration {
            public_key: key.public().as_bytes().to_vec(),
            possession: key.prove_possession(origin, &id).to_vec(),
        };
        records
            .push(say(&member.id, v1::AdmitMember { member: Some(stated), key: Some(registration) }.into()));
    }
    for place in &cast.facilities {
        let register = v1::RegisterFacility { facility: Some(place.facility.clone()) };
        records.push(say(&place.owner, register.into()));
    }
    records.push(say(founder, validators.into()));
    records
}
