//! Members, sites and permits.

use ore_record::v1::{
    AdmitMember, Approve, Attest, Attestation, AttestationKind, AttestationState, ChangeAttestation,
    RegisterFacility, record::Event,
};

use super::{
    cast::{Actor, NEWCOMERS},
    places,
    teller::Teller,
};
use crate::post::item::IdField;

const YEAR_MS: u64 = 365 * 24 * 3_600_000;

/// Extraction permits, by mine.
const PERMITS: [(&str, &str); 5] = [
    ("permit-registry/EXT-AU-1", "mine-operator-au/pilgangoora"),
    ("permit-registry/EXT-BR-1", "mine-operator-br/pitinga"),
    ("permit-registry/EXT-UG-1", "mine-operator-ug/wampero"),
    ("permit-registry/EXT-NA-1", "mine-operator-na/uis"),
    ("permit-registry/EXT-ET-1", "mine-operator-et/kenticha"),
];

/// The extraction permit of a mine.
pub(super) fn permit(mine: &str) -> &'static str {
    PERMITS.iter().find(|(_, subject)| *subject == mine).map_or("", |(permit, _)| permit)
}

pub(super) fn tell(teller: &mut Teller, admission: impl Fn(&Actor) -> AdmitMember) {
    for actor in &NEWCOMERS {
        let label = format!("admit {}", actor.id);
        teller.tell("secretariat", Event::AdmitMember(admission(actor))).label.clone_from(&label);
        teller.tell_about("certifier-ch", Event::Approve(Approve::default()), IdField::Proposal, &label);
    }
    for facility in places::all() {
        let owner = facility.id.split('/').next().unwrap_or_default().to_owned();
        if owner == "lab-gb" {
            continue;
        }
        teller.tell(&owner, Event::RegisterFacility(RegisterFacility { facility: Some(facility) }));
    }
    attestations(teller);
}

fn attestations(teller: &mut Teller) {
    use AttestationKind::{Accreditation, Certificate, ExportPermit, ExtractionPermit, SiteStatus};
    let mut attest = |id: &str, kind: AttestationKind, subject: &str, scheme: &str, scope: &str| {
        let from = teller.now_ms();
        let attestation = Attestation {
            id: id.to_owned(),
            kind: kind as i32,
            subject: subject.to_owned(),
            scheme: scheme.to_owned(),
            scope: scope.to_owned(),
            minerals: vec!["tantalite".to_owned(), "columbite".to_owned()],
            quantity_cap_mg: 0,
            valid_from_ms: from,
            valid_until_ms: from + 4 * YEAR_MS,
        };
        let issuer = id.split('/').next().unwrap_or_default().to_owned();
        teller.tell(&issuer, Event::Attest(Attest { attestation: Some(attestation) }));
    };
    for (permit, mine) in PERMITS {
        attest(permit, ExtractionPermit, mine, "invented mining code", "extraction");
    }
    attest("permit-registry/EXP-UG-1", ExportPermit, "mine-operator-ug", "invented export rules", "export");
    attest("permit-registry/EXP-NA-1", ExportPermit, "mine-operator-na", "invented export rules", "export");
    attest("certifier-ch/SITE-UG", SiteStatus, "mine-operator-ug/wampero", "invented site scheme", "green");
    attest("certifier-ch/SITE-ET", SiteStatus, "mine-operator-et/kenticha", "invented site scheme", "green");
    attest("certifier-ch/REF-JP", Certificate, "refiner-jp/plant", "invented refiner scheme", "conformant");
    attest("certifier-ch/REF-EE", Certificate, "refiner-ee/plant", "invented refiner scheme", "conformant");
    attest("certifier-ch/LAB-GB", Accreditation, "lab-gb", "ISO/IEC 17025", "Ta and Nb by XRF and ICP-MS");
}

/// The site status of the fifth mine is suspended.
pub(super) fn suspend_fifth_mine(teller: &mut Teller) {
    let event = ChangeAttestation {
        attestation: "certifier-ch/SITE-ET".to_owned(),
        state: AttestationState::Suspended as i32,
        reason: "the data set lists the site as suspended".to_owned(),
    };
    teller.tell("certifier-ch", Event::ChangeAttestation(event));
}
