//! What the roster and the ledger know of the places, parties and lots that events name.

use std::collections::HashMap;

use ore_record::{
    draft,
    v1::{
        CancelShipment, Decline, Facility, FacilityKind, LotRef, Mass, MaterialClass, Member, Record,
        record::Event,
    },
};

use crate::digital_link;

/// A lot that the ledger knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownLot {
    /// `<member>/<number>`.
    pub id: String,
    /// Dry milligrams that are left of it.
    pub remaining_mg: u64,
    /// Moisture with which it was weighed when it was made, ppm of the wet mass; 0: weighed dry.
    pub moisture_ppm: u32,
    /// The member that has it; empty: not known.
    pub custodian: String,
    /// Where it is; empty: not known.
    pub facility: String,
    /// The member that it is on the way to; empty: none.
    pub offered_to: String,
    /// Elements that it is known to contain, atomic numbers.
    pub elements: Vec<u32>,
}

/// A place that the ledger knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownPlace {
    /// `<member>/<name>`.
    pub id: String,
    /// Who runs it.
    pub owner: String,
    /// What it is.
    pub kind: FacilityKind,
}

/// What a member knows of a product class, which documents about its lots do not repeat.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Product {
    /// Material class.
    pub material: MaterialClass,
    /// Chain-of-custody model, in the words of `CustodyModel`.
    pub model: String,
    /// For people.
    pub form: String,
    /// Formula of a pure compound.
    pub compound: String,
    /// Six digits.
    pub hs_code: String,
    /// The process that makes it, in the words of `Process`.
    pub process: String,
}

/// Names in documents and what they stand for.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    origin: String,
    members: HashMap<String, String>,
    places: HashMap<String, KnownPlace>,
    lots: HashMap<String, KnownLot>,
    products: HashMap<String, Product>,
}

impl Directory {
    /// Of a ledger.
    #[must_use]
    pub fn new(origin: &str) -> Self {
        Self { origin: origin.to_owned(), ..Self::default() }
    }

    /// The ledger.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// A member: by this ledger's URI, by its global location numbers, by its other URIs.
    pub fn add_member(&mut self, member: &Member) {
        self.members.insert(self.uri("members", &member.id), member.id.clone());
        for identifier in &member.identifiers {
            for uri in party_uris(&identifier.scheme, &identifier.value) {
                self.members.insert(uri, member.id.clone());
            }
        }
    }

    /// A facility: by this ledger's URI, and by its GLN or URI.
    pub fn add_facility(&mut self, facility: &Facility) {
        let owner = facility.id.split('/').next().unwrap_or_default().to_owned();
        let place = KnownPlace { id: facility.id.clone(), owner, kind: facility.kind() };
        let scheme = if facility.reference.contains(':') { "URI" } else { "GLN" };
        for uri in party_uris(scheme, &facility.reference) {
            self.places.insert(uri, place.clone());
        }
        self.places.insert(self.uri("facilities", &facility.id), place);
    }

    /// A lot of the ledger, by the URI that documents give it.
    pub fn add_lot(&mut self, uri: &str, lot: KnownLot) {
        self.lots.insert(uri.to_owned(), lot);
    }

    /// Follows a record that is about to be handed in: the lots that it makes are known to the events after it, and
    /// what it takes of others is gone.
    pub fn follow(&mut self, record: &Record) {
        let inherited = self.elements_of_inputs(record);
        for lot in draft::new_lots(record) {
            let (remaining_mg, moisture_ppm) =
                lot.mass.as_ref().map_or((0, 0), |mass| (mass.dry_mg, mass.moisture_ppm));
            let stated = lot.composition.iter().flat_map(|composition| &composition.contents);
            let stated: Vec<u32> = stated.map(|content| content.element).collect();
            let known = KnownLot {
                id: lot.lot.clone(),
                remaining_mg,
                moisture_ppm,
                custodian: record.author.clone(),
                facility: lot.facility.clone(),
                offered_to: String::new(),
                elements: if stated.is_empty() { inherited.clone() } else { stated },
            };
            self.lots.insert(self.lot_uri(&lot.lot), known);
        }
        match &record.event {
            Some(Event::Transform(transform)) => {
                for input in &transform.inputs {
                    self.remains(input.lot.as_ref(), input.mass.as_ref(), u64::saturating_sub);
                }
            }
            Some(Event::Dispose(dispose)) => {
                self.remains(dispose.lot.as_ref(), dispose.mass.as_ref(), u64::saturating_sub);
            }
            Some(Event::Use(used)) => self.remains(used.item.as_ref(), used.net_mass.as_ref(), u64::min),
            Some(Event::Ship(ship)) => {
                for lot in &ship.lots {
                    self.change(lot.lot.as_ref(), |known| known.offered_to.clone_from(&ship.receiver));
                }
            }
            Some(Event::Accept(accept)) => {
                for lot in &accept.lots {
                    self.remains(lot.lot.as_ref(), lot.mass.as_ref(), u64::min);
                    self.change(lot.lot.as_ref(), |known| {
                        known.custodian.clone_from(&record.author);
                        known.facility.clone_from(&accept.facility);
                        known.offered_to.clear();
                    });
                }
            }
            Some(
                Event::Decline(Decline { lots, .. }) | Event::CancelShipment(CancelShipment { lots, .. }),
            ) => {
                lots.iter().for_each(|lot| self.change(Some(lot), |known| known.offered_to.clear()));
            }
            _ => {}
        }
    }

    /// Elements that the inputs of a transformation are known to contain.
    fn elements_of_inputs(&self, record: &Record) -> Vec<u32> {
        let Some(Event::Transform(transform)) = &record.event else { return Vec::new() };
        let lots =
            transform.inputs.iter().filter_map(|input| self.lot(&self.lot_uri(&input.lot.as_ref()?.lot)));
        let mut elements: Vec<u32> = lots.flat_map(|lot| lot.elements.iter().copied()).collect();
        elements.sort_unstable();
        elements.dedup();
        elements
    }

    fn remains(&mut self, lot: Option<&LotRef>, mass: Option<&Mass>, left: fn(u64, u64) -> u64) {
        let Some(mass) = mass else { return };
        self.change(lot, |known| known.remaining_mg = left(known.remaining_mg, mass.dry_mg));
    }

    fn change(&mut self, lot: Option<&LotRef>, change: impl Fn(&mut KnownLot)) {
        let Some(lot) = lot else { return };
        for uri in [self.lot_uri(&lot.lot), self.uri("lots", &lot.lot)] {
            if let Some(known) = self.lots.get_mut(&uri) {
                change(known);
            }
        }
    }

    /// Lots that are known.
    #[must_use]
    pub fn known_lots(&self) -> usize {
        self.lots.len()
    }

    /// Forgets all lots; a chunk of events is mapped, and the next one asks anew.
    pub fn forget_lots(&mut self) {
        self.lots.clear();
    }

    /// What is known of a class of products, by its GTIN of up to 14 digits.
    pub fn add_product(&mut self, gtin: &str, product: Product) {
        self.products.insert(format!("{gtin:0>14}"), product);
    }

    /// The member behind a URI.
    #[must_use]
    pub fn member(&self, uri: &str) -> Option<&str> {
        self.members.get(uri).map(String::as_str)
    }

    /// The facility behind a URI.
    #[must_use]
    pub fn place(&self, uri: &str) -> Option<&KnownPlace> {
        self.places.get(uri)
    }

    /// The lot behind a URI, if the ledger has it.
    #[must_use]
    pub fn lot(&self, uri: &str) -> Option<&KnownLot> {
        self.lots.get(uri)
    }

    /// What is known of the product class of a lot's URI.
    #[must_use]
    pub fn product(&self, uri: &str) -> Option<&Product> {
        let gtin = uri.strip_prefix("https://id.gs1.org/01/")?.get(..14)?;
        self.products.get(gtin)
    }

    fn uri(&self, kind: &str, id: &str) -> String {
        format!("https://{}/{kind}/{id}", self.origin)
    }

    /// The URI of a member.
    #[must_use]
    pub fn member_uri(&self, id: &str) -> String {
        self.uri("members", id)
    }

    /// The URI of a facility.
    #[must_use]
    pub fn place_uri(&self, id: &str) -> String {
        self.uri("facilities", id)
    }

    /// The URI of a lot: its GS1 key where its number is one, else this ledger's.
    #[must_use]
    pub fn lot_uri(&self, id: &str) -> String {
        let number = id.split_once('/').map_or(id, |(_, number)| number);
        gs1_of(number).unwrap_or_else(|| self.uri("lots", id))
    }

    /// The id behind this ledger's URI of a lot or an attestation.
    #[must_use]
    pub fn own_id<'a>(&self, kind: &str, uri: &'a str) -> Option<&'a str> {
        uri.strip_prefix("https://")?
            .strip_prefix(&self.origin)?
            .strip_prefix('/')?
            .strip_prefix(kind)?
            .strip_prefix('/')
    }
}

/// The URIs under which a party or a place may be named.
fn party_uris(scheme: &str, value: &str) -> Vec<String> {
    match scheme {
        "GLN" if value.len() == 13 => {
            vec![format!("https://id.gs1.org/414/{value}"), format!("https://id.gs1.org/417/{value}")]
        }
        "URI" => vec![digital_link::canonical(value).unwrap_or_else(|| value.to_owned())],
        "LEI" => vec![format!("urn:lei:{value}")],
        _ => Vec::new(),
    }
}

/// A lot's number on this ledger, from the GS1 key that names it: `01.09521234000013.10.A-0001`.
/// None when the key has letters that a lot number cannot have, or names a product rather than a lot.
#[must_use]
pub fn number_of(uri: &str) -> Option<String> {
    let key = uri.strip_prefix("https://id.gs1.org/")?;
    let is_lot = match key.split('/').collect::<Vec<_>>().as_slice() {
        ["01", _, "10" | "21", _] | ["8006", _, "10" | "21", _] | ["00" | "8004", _] => true,
        ["8003", value] => value.len() > 14,
        _ => false,
    };
    let number = key.replace('/', ".");
    let plain = number.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'));
    (is_lot && plain && number.len() <= 63).then_some(number)
}

/// The GS1 key behind a lot's number, the inverse of [`number_of`].
fn gs1_of(number: &str) -> Option<String> {
    let parts: Vec<&str> = match number.split('.').next()? {
        "01" | "8006" => number.splitn(4, '.').collect(),
        "00" | "8003" | "8004" => number.splitn(2, '.').collect(),
        _ => return None,
    };
    let uri = format!("https://id.gs1.org/{}", parts.join("/"));
    let same = digital_link::canonical(&uri).is_some_and(|canonical| canonical == uri);
    (same && digital_link::wrong_check_digit(&uri).is_none() && number_of(&uri).as_deref() == Some(number))
        .then_some(uri)
}

#[cfg(test)]
mod tests {
    use super::{Directory, number_of};

    #[test]
    fn gs1_keys_are_lot_numbers_and_back() {
        let directory = Directory::new("example.com/tantalum");
        for (uri, number) in [
            ("https://id.gs1.org/01/09521234000013/10/A-0001", "01.09521234000013.10.A-0001"),
            ("https://id.gs1.org/01/09521234000037/21/TG-0.1", "01.09521234000037.21.TG-0.1"),
            ("https://id.gs1.org/00/040123450000001112", "00.040123450000001112"),
        ] {
            assert_eq!(number_of(uri).as_deref(), Some(number));
            assert_eq!(directory.lot_uri(&format!("mine-a/{number}")), uri);
        }
        for uri in
            ["https://id.gs1.org/01/09521234000013", "https://id.gs1.org/414/9521234000112", "https://a.b/c"]
        {
            assert_eq!(number_of(uri), None, "{uri}");
        }
        let own = "https://example.com/tantalum/lots/mine-a/L-1";
        assert_eq!(directory.lot_uri("mine-a/L-1"), own);
        assert_eq!(directory.own_id("lots", own), Some("mine-a/L-1"));
        // A number that only looks like a key keeps this ledger's name.
        assert!(directory.lot_uri("mine-a/01.1.2").starts_with("https://example.com/"));
    }
}
