//! Where the story happens: real mine sites from an open data set, and invented plants.
//!
//! The rows of `facilities.csv` are copied unchanged with their source. Only name, position and
//! minerals are used: the operators in the story are invented.

use ore_record::{
    elements,
    v1::{Facility, FacilityKind},
};

const ROWS: &str = include_str!("facilities.csv");

/// Mines of the story: facility id in the ledger, id in the data set, alpha-2 country, artisanal.
pub(crate) const MINES: [(&str, &str, &str, bool); 5] = [
    ("mine-operator-au/pilgangoora", "aus-pilgangoora-fac", "AU", false),
    ("mine-operator-br/pitinga", "bra-pitinga-fac", "BR", false),
    ("mine-operator-ug/wampero", "uga-wampero-mine-fac", "UG", true),
    ("mine-operator-na/uis", "nam-uis-tin-mine-fac", "NA", false),
    ("mine-operator-et/kenticha", "eth-kenticha-mine-fac", "ET", false),
];

/// Invented plants: id, name, kind, country, latitude and longitude of a city in 10^-7 degrees.
const PLANTS: [(&str, &str, FacilityKind, &str, i32, i32); 17] = [
    ("trader-be/antwerp", "Warehouse, Antwerp", FacilityKind::Warehouse, "BE", 512_200_000, 44_000_000),
    ("trader-ae/dubai", "Warehouse, Dubai", FacilityKind::Warehouse, "AE", 252_000_000, 552_700_000),
    (
        "refiner-jp/plant",
        "Tantalum refinery, Fukui",
        FacilityKind::Refinery,
        "JP",
        360_600_000,
        1_362_200_000,
    ),
    ("refiner-ee/plant", "Tantalum refinery, Narva", FacilityKind::Refinery, "EE", 593_800_000, 281_900_000),
    ("slag-works-th/plant", "Slag works, Phuket", FacilityKind::Smelter, "TH", 78_900_000, 983_900_000),
    (
        "powder-maker-jp/plant",
        "Powder plant, Aizu",
        FacilityKind::PowderPlant,
        "JP",
        374_900_000,
        1_399_300_000,
    ),
    (
        "powder-maker-us/plant",
        "Powder plant, Reading",
        FacilityKind::PowderPlant,
        "US",
        403_400_000,
        -759_300_000,
    ),
    ("alloy-maker-de/plant", "Niobium plant, Goslar", FacilityKind::Refinery, "DE", 519_100_000, 104_300_000),
    ("ingot-maker-us/plant", "Melt shop, Newton", FacilityKind::Smelter, "US", 423_400_000, -712_100_000),
    (
        "target-maker-jp/plant",
        "Target plant, Hitachi",
        FacilityKind::TargetPlant,
        "JP",
        366_000_000,
        1_406_500_000,
    ),
    ("fab-tw/fab", "Wafer fab, Hsinchu", FacilityKind::Fab, "TW", 248_000_000, 1_209_700_000),
    ("fab-us/fab", "Wafer fab, Phoenix", FacilityKind::Fab, "US", 334_500_000, -1_120_700_000),
    (
        "scrap-collector-kr/yard",
        "Scrap yard, Incheon",
        FacilityKind::Recycler,
        "KR",
        374_600_000,
        1_267_100_000,
    ),
    (
        "recycler-jp/plant",
        "Recycling plant, Kosaka",
        FacilityKind::Recycler,
        "JP",
        403_300_000,
        1_407_400_000,
    ),
    ("lab-gb/bench", "Laboratory, Sheffield", FacilityKind::Laboratory, "GB", 533_800_000, -14_700_000),
    ("carrier-sg/terminal", "Terminal, Singapore", FacilityKind::Port, "SG", 12_600_000, 1_038_400_000),
    ("trader-be/second-hall", "Second hall, Antwerp", FacilityKind::Warehouse, "BE", 512_700_000, 43_500_000),
];

/// Every facility, mines first.
pub(crate) fn all() -> Vec<Facility> {
    MINES
        .iter()
        .map(|(id, row, country, artisanal)| mine(id, row, country, *artisanal))
        .chain(plants())
        .collect()
}

fn plants() -> impl Iterator<Item = Facility> {
    PLANTS.iter().map(|(id, name, kind, country, latitude_e7, longitude_e7)| Facility {
        id: (*id).to_owned(),
        name: (*name).to_owned(),
        kind: *kind as i32,
        latitude_e7: *latitude_e7,
        longitude_e7: *longitude_e7,
        country: (*country).to_owned(),
        ..Facility::default()
    })
}

fn mine(id: &str, row: &str, country: &str, artisanal: bool) -> Facility {
    let row = rows().find(|fields| fields[0] == row).expect("a test finds every row of MINES");
    Facility {
        id: id.to_owned(),
        name: row[1].to_owned(),
        kind: FacilityKind::Mine as i32,
        latitude_e7: degrees_e7(row[3]),
        longitude_e7: degrees_e7(row[4]),
        country: country.to_owned(),
        deposit_type: "pegmatite or granite".to_owned(),
        minerals: row[7]
            .split('|')
            .filter(|e| elements::atomic_number(e).is_some())
            .map(str::to_owned)
            .collect(),
        artisanal,
        ..Facility::default()
    }
}

/// Rows as fields. The rows in use hold no quoted commas.
fn rows() -> impl Iterator<Item = Vec<&'static str>> {
    ROWS.lines().filter(|line| !line.starts_with('#')).skip(1).map(|line| line.split(',').collect())
}

/// Decimal degrees to ten-millionths, cut after seven places.
fn degrees_e7(text: &str) -> i32 {
    let (sign, text) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let part: String = part.chars().chain("0000000".chars()).take(7).collect();
    let number = |text: &str| text.parse::<i32>().expect("a test reads every coordinate in use");
    sign * (number(whole) * 10_000_000 + number(&part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mine_has_its_row_and_position() {
        let all = all();
        assert_eq!(all.len(), MINES.len() + PLANTS.len());
        let uis = all.iter().find(|facility| facility.name == "Uis Tin Mine").expect("the row is there");
        assert_eq!((uis.latitude_e7, uis.longitude_e7), (-212_166_700, 148_811_100));
        assert_eq!(uis.minerals, ["Sn", "Nb", "Ta", "W"]);
    }

    #[test]
    fn no_company_of_the_data_set_is_an_actor() {
        for row in rows() {
            let company = row[9];
            assert!(super::super::cast::everybody().all(|actor| !actor.name.contains(company)), "{company}");
        }
    }
}
