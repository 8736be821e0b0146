//! What the roster and the ledger know of the names in a document.

use std::{
    collections::{BTreeMap, HashSet},
    path::Path,
};

use ore_client::Ledger;
use ore_epcis::{Directory, Event, KnownLot, Product, directory::number_of};
use ore_record::v1::MaterialClass;

use crate::{failure::Failure, post::engine::failure};

/// Lots that are remembered between chunks; then the ledger is asked again.
const MOST_LOTS: usize = 65_536;
/// Lots that are remembered in a rehearsal, about: it goes on to the end of the events that are mapped together.
pub(crate) const MOST_REHEARSED: usize = 250_000;

/// A directory that asks the ledger.
pub(crate) struct Names {
    pub(crate) directory: Directory,
    members: Vec<String>,
    rehearsing: bool,
}

impl Names {
    /// The roster of a ledger, and what a products file says.
    pub(crate) async fn load(ledger: &Ledger, products: Option<&Path>) -> Result<Self, Failure> {
        let mut directory = Directory::new(&ledger.trust().origin);
        let mut members = Vec::new();
        for member in ledger.members().await.map_err(failure)? {
            if let Some(member) = member.member {
                directory.add_member(&member);
                members.push(member.id);
            }
        }
        for facility in ledger.facilities("").await.map_err(failure)? {
            directory.add_facility(&facility);
        }
        if let Some(path) = products {
            read_products(path, &mut directory)?;
        }
        Ok(Self { directory, members, rehearsing: false })
    }

    /// From now on no lot is forgotten: those that a rehearsal made are in no ledger that could be asked again.
    pub(crate) fn remember_all(&mut self) {
        self.rehearsing = true;
    }

    /// Forgets all lots.
    pub(crate) fn forget(&mut self) {
        self.directory.forget_lots();
        self.rehearsing = false;
    }

    /// Whether a rehearsal goes no further: it would be about more lots than are remembered, these many beside.
    pub(crate) fn are_too_many(&self, beside: usize) -> bool {
        self.rehearsing && self.directory.known_lots() + beside > MOST_REHEARSED
    }

    /// Asks for the lots that these events name and that are not known yet.
    ///
    /// # Errors
    /// The ledger's.
    pub(crate) async fn learn<'e>(
        &mut self,
        ledger: &Ledger,
        events: impl Iterator<Item = &'e Event>,
    ) -> Result<(), Failure> {
        if self.directory.known_lots() > MOST_LOTS && !self.rehearsing {
            self.forget();
        }
        // What each id would be called in the document.
        let mut ask: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        let mut asked = HashSet::new();
        for uri in events.flat_map(Event::lots) {
            if self.directory.lot(uri).is_some() || !asked.insert(uri) {
                continue;
            }
            if let Some(id) = self.directory.own_id("lots", uri) {
                ask.entry(id.to_owned()).or_default().push(uri);
            } else if let Some(number) = number_of(uri) {
                for member in &self.members {
                    ask.entry(format!("{member}/{number}")).or_default().push(uri);
                }
            }
        }
        let ids: Vec<String> = ask.keys().cloned().collect();
        for lot in ledger.lots_named(&ids).await.map_err(failure)? {
            // What a piece without a quantity weighs, and whether a lot was weighed wet, are the ledger's to say.
            for uri in ask.get(&lot.lot).into_iter().flatten() {
                let known = KnownLot {
                    id: lot.lot.clone(),
                    remaining_mg: lot.remaining_dry_mg,
                    moisture_ppm: lot.created_moisture_ppm,
                    custodian: lot.custodian.clone(),
                    facility: lot.facility.clone(),
                    offered_to: lot.open_offer.as_ref().map_or_else(String::new, |it| it.receiver.clone()),
                    elements: lot.composition.iter().map(|content| content.element).collect(),
                };
                self.directory.add_lot(uri, known);
            }
        }
        Ok(())
    }
}

/// `gtin,material,model,form,compound,hs_code,process`, with a header line; later columns may be left out.
fn read_products(path: &Path, directory: &mut Directory) -> Result<(), Failure> {
    let bad = |line: usize, what: &str| {
        Failure::usage(
            format_args!("{}, line {line}: {what}", path.display()),
            "gtin,material,model,form,compound,hs_code,process with one product a line",
        )
    };
    let file = std::fs::File::open(path).map_err(|e| Failure::file("read", path, &e))?;
    let mut reader = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(file);
    for (at, row) in reader.records().enumerate() {
        let row = row.map_err(|error| bad(at + 2, &error.to_string()))?;
        let cell = |column: usize| row.get(column).unwrap_or_default().to_owned();
        let gtin = cell(0);
        if !matches!(gtin.len(), 8 | 12..=14) || !gtin.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(bad(at + 2, "the first cell is no GTIN of 8, 12, 13 or 14 digits"));
        }
        let name = format!("MATERIAL_CLASS_{}", cell(1).to_ascii_uppercase().replace([' ', '-'], "_"));
        let Some(material) = MaterialClass::from_str_name(&name) else {
            return Err(bad(at + 2, "the second cell is no material class"));
        };
        let product = Product {
            material,
            model: cell(2),
            form: cell(3),
            compound: cell(4),
            hs_code: cell(5),
            process: cell(6),
        };
        directory.add_product(&gtin, product);
    }
    Ok(())
}
