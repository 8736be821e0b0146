//! A passport as the commissioning of a lot whose origin this ledger has not seen.

use ore_record::{
    elements, mass,
    v1::{
        Commission, CommissionKind, Composition, Content, ContentKind, CustodyModel, MaterialClass, NewLot,
        Record, record::Event,
    },
};
use serde_json::Value;

use super::{BadDocument, Imported, Terms, cut, day};
use crate::names;

/// Where a version keeps what is needed.
pub(super) struct Fields {
    /// The product inside the subject; empty: the subject itself.
    product: &'static str,
    materials: &'static str,
    serial: &'static str,
    /// Path of the weight, for messages.
    weight: &'static str,
}

/// UNTP 0.7.
pub(super) const V07: Fields = Fields {
    product: "",
    materials: "materialProvenance",
    serial: "itemNumber",
    weight: "credentialSubject.dimensions.weight",
};

/// UNTP 0.6.
pub(super) const V06: Fields = Fields {
    product: "product",
    materials: "materialsProvenance",
    serial: "serialNumber",
    weight: "credentialSubject.product.dimensions.weight",
};

/// Units of a mass fraction that are told apart: 10^-12.
const UNIT_PLACES: usize = 12;

pub(super) fn draft(subject: &Value, fields: &Fields, terms: &Terms<'_>) -> Result<Imported, BadDocument> {
    let product = if fields.product.is_empty() { subject } else { &subject[fields.product] };
    let mut remarks = Vec::new();
    let text = |name: &str| product[name].as_str().unwrap_or_default();
    let weight = &product["dimensions"]["weight"];
    let unit = weight["unit"].as_str().unwrap_or_default();
    let value = weight["value"].as_number().map(ToString::to_string).ok_or(BadDocument::Missing {
        path: fields.weight,
        next: "a lot has a mass: ask the issuer for a passport that states it",
    })?;
    let bad_weight =
        |why: String| BadDocument::Bad { path: fields.weight, found: format!("{value} {unit}"), why };
    let mass = mass::from_text(&value, unit, None).map_err(|error| bad_weight(error.to_string()))?;
    let serial = text(fields.serial);
    let number = [terms.number, serial, text("batchNumber"), text("modelNumber")];
    let number = number.into_iter().find(|number| !number.is_empty()).ok_or(BadDocument::Missing {
        path: "itemNumber, batchNumber and modelNumber",
        next: "say under which number the lot is kept here",
    })?;
    let materials = subject[fields.materials].as_array().map(Vec::as_slice).unwrap_or_default();
    let composition = composition(materials, &mut remarks);
    let origin_country = one_country(materials, &mut remarks);
    let hs_code = hs_code(product, &mut remarks);
    let lot = NewLot {
        lot: format!("{}/{}", terms.member, tidy(number)),
        material: material(terms.material)?.into(),
        form: cut(text("name"), 64),
        hs_code,
        mass: Some(mass),
        composition,
        facility: terms.facility.to_owned(),
        // Nothing is known of what was kept apart before.
        model: CustodyModel::ControlledBlending.into(),
        origin_country,
        transformation_country: country_code(&product["countryOfProduction"]),
        serial: cut(serial, 64),
        ..NewLot::default()
    };
    remarks.push(
        "the lot is declared, not measured, and of unknown origin on this ledger: \
         what the passport says of origins stands in the document, which is bound by its digest"
            .to_owned(),
    );
    let commission =
        Commission { kind: CommissionKind::DeclaredUnknown.into(), lot: Some(lot), ..Commission::default() };
    let made_ms = day(text("productionDate")).unwrap_or(0);
    let record =
        Record { event: Some(Event::Commission(commission)), event_time_ms: made_ms, ..Record::default() };
    Ok(Imported { record, remarks })
}

fn material(word: &str) -> Result<MaterialClass, BadDocument> {
    if word.is_empty() {
        return Ok(MaterialClass::FinishedProduct);
    }
    let name = format!("MATERIAL_CLASS_{}", word.to_uppercase().replace([' ', '-'], "_"));
    MaterialClass::from_str_name(&name).filter(|class| *class != MaterialClass::Unspecified).ok_or_else(|| {
        BadDocument::Bad {
            path: "the class of material",
            found: word.to_owned(),
            why: "ore, concentrate, intermediate, metal, sputtering target, component, finished product, scrap or residue"
                .to_owned(),
        }
    })
}

/// What may stand in a lot's number; anything else becomes a hyphen.
fn tidy(number: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    cut(number, 60).chars().map(|c| if allowed(c) { c } else { '-' }).collect()
}

/// Elements whose materials are called by the element alone: "Tantalum, primary". A sulphate or an ore is not its metal.
fn composition(materials: &[Value], remarks: &mut Vec<String>) -> Option<Composition> {
    let mut sums: Vec<(u32, u128)> = Vec::new();
    let mut left_out = Vec::new();
    for material in materials {
        let name = material["name"].as_str().unwrap_or_default();
        let fraction = material["massFraction"].as_number().and_then(|number| units(&number.to_string()));
        match (element_called(name), fraction) {
            (Some(element), Some(fraction)) => match sums.iter_mut().find(|(known, _)| *known == element) {
                Some((_, sum)) => *sum += fraction,
                None => sums.push((element, fraction)),
            },
            _ => left_out.push(name.to_owned()),
        }
    }
    if !left_out.is_empty() {
        remarks.push(format!("no element's content follows from: {}", left_out.join(", ")));
    }
    sums.sort_unstable();
    let mut contents = Vec::new();
    for (element, sum) in sums {
        // A part per billion is a thousand units.
        let ppb = sum / 1_000;
        let Ok(ppb) = u32::try_from(ppb) else { continue };
        if ppb == 0 || ppb > 1_000_000_000 {
            remarks.push(format!(
                "the fractions of {} do not add up to a content",
                elements::symbol(element).unwrap_or("?")
            ));
            continue;
        }
        if sum % 1_000 != 0 {
            remarks.push(format!(
                "the content of {} was cut to whole parts per billion",
                elements::symbol(element).unwrap_or("?")
            ));
        }
        contents.push(Content { element, ppb, kind: ContentKind::Declared.into(), ..Content::default() });
    }
    if contents.is_empty() {
        remarks.push("the passport states no content of an element: an assay will".to_owned());
        return None;
    }
    Some(Composition { contents, ..Composition::default() })
}

fn element_called(name: &str) -> Option<u32> {
    let word = name.split(',').next().unwrap_or_default().trim();
    let by_name =
        |number: &u32| names::element(*number).is_some_and(|known| known.eq_ignore_ascii_case(word));
    elements::atomic_number(word).or_else(|| (1..=elements::LAST).find(by_name))
}

/// A decimal between 0 and 1 in units of 10^-12, further digits cut; none for anything else.
fn units(text: &str) -> Option<u128> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits: String = part.chars().chain(std::iter::repeat('0')).take(UNIT_PLACES).collect();
    let value =
        whole.parse::<u128>().ok()?.checked_mul(1_000_000_000_000)?.checked_add(digits.parse().ok()?)?;
    (value <= 1_000_000_000_000).then_some(value)
}

fn country_code(country: &Value) -> String {
    let code = country.as_str().or_else(|| country["countryCode"].as_str()).unwrap_or_default();
    if names::country(code).is_some() { code.to_owned() } else { String::new() }
}

fn one_country(materials: &[Value], remarks: &mut Vec<String>) -> String {
    let mut countries: Vec<String> = materials.iter().map(|it| country_code(&it["originCountry"])).collect();
    countries.sort_unstable();
    countries.dedup();
    match countries.as_slice() {
        [only] => only.clone(),
        [] => {
            remarks.push("the passport names no country of origin".to_owned());
            String::new()
        }
        several => {
            remarks.push(format!(
                "materials come from several countries ({}): none is declared",
                several.join(", ")
            ));
            String::new()
        }
    }
}

fn hs_code(product: &Value, remarks: &mut Vec<String>) -> String {
    let categories = product["productCategory"].as_array().map(Vec::as_slice).unwrap_or_default();
    let harmonized = categories.iter().find(|category| {
        let scheme = |name: &str| category[name].as_str().unwrap_or_default().to_lowercase();
        scheme("schemeName").contains("harmonized system") || scheme("schemeId").contains("wcoomd")
    });
    let code = harmonized.and_then(|category| category["code"].as_str()).unwrap_or_default();
    let digits: String = code.chars().filter(char::is_ascii_digit).take(6).collect();
    if digits.len() == 6 {
        return digits;
    }
    remarks.push("the passport states no HS code of six digits".to_owned());
    String::new()
}
