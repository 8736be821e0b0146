//! Digital Facility Records: one site, as its owner registered it.
//!
//! UNTP asks for a postal address, which the ledger does not hold; where the owner gives none, each part
//! says so in words and nothing is made up.

use ore_record::v1::{Facility, FacilityKind, Member};
use serde_json::{Value, json};

use crate::{
    number::decimal,
    passport::words,
    shape::{self, Issue},
};

/// What stands where the ledger has nothing to say.
const NOT_STATED: &str = "not stated in the ledger";

/// A postal address, as its owner writes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Address {
    /// Street and number.
    pub street: String,
    /// Postal code.
    pub postal_code: String,
    /// Town.
    pub locality: String,
    /// State, province, prefecture.
    pub region: String,
}

/// The unsigned facility record.
#[must_use]
pub fn record(issue: &Issue<'_>, facility: &Facility, owner: &Member, address: &Address) -> Value {
    let place = issue.place;
    let kind = words(facility.kind().as_str_name(), "FACILITY_KIND_");
    let stated = |text: &str| if text.is_empty() { NOT_STATED.to_owned() } else { text.to_owned() };
    let mut subject = shape::facility(place, facility);
    let name = subject["name"].as_str().unwrap_or_default().to_owned();
    subject["idScheme"] = json!({
        "type": ["IdentifierScheme"],
        "id": format!("{}/untp/facilities", place.base()),
        "name": "Facilities of the ledger",
    });
    subject["countryOfOperation"] = shape::country(&facility.country);
    subject["processCategory"] = json!([process(facility.kind())]);
    subject["relatedParty"] = json!([shape::party_role(place, "owner", owner)]);
    subject["locationInformation"] = json!({
        "geoLocation": {
            "latitude": degrees(facility.latitude_e7), "longitude": degrees(facility.longitude_e7),
        },
    });
    subject["address"] = json!({
        "streetAddress": stated(&address.street),
        "postalCode": stated(&address.postal_code),
        "addressLocality": stated(&address.locality),
        "addressRegion": stated(&address.region),
        "addressCountry": shape::country(&facility.country),
    });
    subject["description"] = describe(facility, &kind).into();
    let id = place.facility(&facility.id);
    shape::credential(
        issue,
        "DigitalFacilityRecord",
        id,
        format!("Digital Facility Record - {name}"),
        subject,
    )
}

/// What is done there, by the divisions and groups of ISIC, revision 4.
fn process(kind: FacilityKind) -> Value {
    let (code, name) = match kind {
        FacilityKind::Mine | FacilityKind::Concentrator => ("0729", "Mining of other non-ferrous metal ores"),
        FacilityKind::Smelter | FacilityKind::Refinery | FacilityKind::PowderPlant => {
            ("2420", "Manufacture of basic precious and other non-ferrous metals")
        }
        FacilityKind::TargetPlant => ("2599", "Manufacture of other fabricated metal products n.e.c."),
        FacilityKind::Fab => ("2610", "Manufacture of electronic components and boards"),
        FacilityKind::Recycler => ("3830", "Materials recovery"),
        FacilityKind::Laboratory => ("7120", "Technical testing and analysis"),
        FacilityKind::Warehouse => ("5210", "Warehousing and storage"),
        FacilityKind::Port => ("5222", "Service activities incidental to water transportation"),
        FacilityKind::Unspecified => ("0000", NOT_STATED),
    };
    json!({
        "code": code,
        "name": name,
        "schemeId": "https://unstats.un.org/unsd/classifications/Econ/isic",
        "schemeName": "International Standard Industrial Classification, revision 4",
    })
}

fn describe(facility: &Facility, kind: &str) -> String {
    let mut text = kind.to_owned();
    if !facility.minerals.is_empty() {
        text.push_str(&format!(", minerals: {}", facility.minerals.join(", ")));
    }
    if !facility.deposit_type.is_empty() {
        text.push_str(&format!(", deposit: {}", facility.deposit_type));
    }
    if facility.artisanal {
        text.push_str(", artisanal");
    }
    text
}

/// Ten-millionths of a degree in degrees.
fn degrees(e7: i32) -> Value {
    let size = decimal(e7.unsigned_abs().into(), 7);
    if e7 >= 0 {
        return size;
    }
    // The sign is put before the text, so that no arithmetic touches the digits.
    format!("-{size}").parse::<serde_json::Number>().map_or(Value::Null, Value::Number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn degrees_keep_every_digit() {
        assert_eq!(degrees(-19_403_500).to_string(), "-1.94035");
        assert_eq!(degrees(1_199_999_999).to_string(), "119.9999999");
        assert_eq!(degrees(0).to_string(), "0");
        assert_eq!(degrees(i32::MIN).to_string(), "-214.7483648");
    }
}
