//! What a column of a template means, and which words may stand in it.

/// What people need to know of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Explained {
    /// What it is, with its unit.
    pub meaning: &'static str,
    /// The words that may stand in it; empty: anything.
    pub codes: &'static [&'static str],
}

const fn free(meaning: &'static str) -> Explained {
    Explained { meaning, codes: &[] }
}

const fn one_of(meaning: &'static str, codes: &'static [&'static str]) -> Explained {
    Explained { meaning, codes }
}

/// UN/ECE Recommendation 20 codes that are understood.
const UNITS: &[&str] = &["KGM", "TNE", "GRM", "MGM", "DT", "APZ", "LBR"];
const YES_NO: &[&str] = &["yes", "no"];

/// Explains a column of an event's template; none for a name that no template has.
#[must_use]
pub fn explain(event: &str, column: &str) -> Option<Explained> {
    if let Some(unit) =
        column.split_once(' ').and_then(|(_, unit)| ["%", "ppm", "ppb"].iter().find(|it| **it == unit))
    {
        return Some(free(match *unit {
            "%" => "content of dry mass in percent: 1.9, 1.9 ± 0.1, or <0.05 below detection",
            "ppm" => "content of dry mass in parts per million: 120, 120 ± 5, or <50 below detection",
            _ => "content of dry mass in parts per billion",
        }));
    }
    Some(match (event, column) {
        ("commission", "kind") => {
            one_of("how the lot came into being", &["extracted", "collected scrap", "declared unknown"])
        }
        ("dispose", "kind") => {
            one_of("where it went", &["destroyed", "landfilled", "lost", "stolen", "exported"])
        }
        ("withdraw", "reason") => one_of("why it is wrong", &["did not occur", "incorrect data"]),
        ("accept", "seals") => {
            one_of("state of the seals at receipt", &["intact", "broken", "different", "absent"])
        }
        ("seal", "action") => one_of("what was done", &["applied", "checked", "broken", "voided"]),
        (_, "material") => one_of(
            "class of material",
            &[
                "ore",
                "concentrate",
                "intermediate",
                "metal",
                "sputtering target",
                "component",
                "finished product",
                "scrap",
                "residue",
            ],
        ),
        (_, "model") => one_of(
            "chain-of-custody model, ISO 22095",
            &["identity preserved", "segregated", "controlled blending", "mass balance", "book and claim"],
        ),
        (_, "stage") => {
            one_of("stage of the assay", &["producer", "provisional", "seller", "buyer", "umpire", "final"])
        }
        (_, "scrap class") => one_of("of collected scrap", &["pre consumer", "post consumer"]),
        (_, "recycling class") => {
            one_of("when the process is recycling", &["internal", "pre consumer", "post consumer"])
        }
        (_, "process") => one_of(
            "what was done",
            &[
                "crushing",
                "concentrating",
                "smelting",
                "refining",
                "reduction",
                "blending",
                "splitting",
                "sintering",
                "bonding",
                "machining",
                "assembling",
                "recycling",
            ],
        ),
        (_, "role") => {
            one_of("what this row is in the step", &["input", "product", "by-product", "residue", "loss"])
        }
        (_, "mixing") => one_of("empty when well mixed", &["not homogenised", "segregated"]),
        (_, "transfer") => one_of("what passes", &["custody", "ownership", "custody and ownership"]),
        (_, "purpose") => one_of("why it travels", &["sale", "tolling", "return", "recall"]),
        (_, "mode") => one_of("how it travels", &["road", "rail", "sea", "air", "inland water"]),
        (_, "unit") => one_of("unit of the mass, UN/ECE Rec 20", UNITS),
        (_, "descendants") => one_of("whether what was made of it is called back too", YES_NO),
        (_, "time" | "started" | "expires" | "period start") => {
            free("RFC 3339 with an offset, as text: 2026-11-02T08:30:00+02:00")
        }
        (_, "lot" | "item") => free("member/number, the number on the member's own label"),
        (_, "mass" | "net mass") => free("a number; its unit stands in the column \"unit\""),
        (_, "moisture") => free("of the wet mass: 3.2 %"),
        (_, "facility" | "from facility" | "to facility") => free("id of a registered facility: member/name"),
        (_, "receiver" | "carrier" | "owner" | "laboratory") => free("id of a member"),
        (_, "origin country" | "transformation country") => free("ISO 3166-1 alpha-2, ZZ for unknown"),
        (_, "hs code") => free("Harmonized System, six digits"),
        (_, "form") => free("in words: tantalite ore"),
        (_, "compound") => free("formula of a pure compound: Ta2O5"),
        (_, "serial") => free("serial number of one piece"),
        (_, "tags" | "seals" | "permits" | "attestations") => free("several are separated by ;"),
        (_, "seal") => free("number of the seal"),
        (_, "incoterm") => free("Incoterms 2020: FCA"),
        (_, "method") => free("XRF, ICP-MS; of a footprint ISO 14067"),
        (_, "offer" | "record") => {
            free("id of the record, 64 hexadecimal digits; an offer is found when left empty")
        }
        (_, "element") => free("symbol: Ta; empty for the whole mass"),
        (_, "reason" | "explanation" | "note") => free("for people"),
        (_, "corrects") => free("id of the withdrawn record that this one replaces"),
        (_, "sample" | "session" | "matrix") => free("as the laboratory names it"),
        (_, "co2e g") => free("grams of CO2 equivalent"),
        (_, "energy kj") => free("kilojoules"),
        (_, "water l") => free("litres"),
        (_, "acid waste" | "radioactive waste" | "thorium" | "uranium") => {
            free("a mass with its unit: 120 kg")
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_of_every_template_is_explained() {
        for template in ore_exchange::csv::templates() {
            let header = template.text.lines().next().expect("a header");
            for column in header.split(',').skip(1) {
                assert!(explain(template.event, column).is_some(), "{}: {column}", template.event);
            }
        }
        assert_eq!(explain("commission", "nonsense"), None);
    }

    #[test]
    fn every_code_is_one_that_the_importer_takes() {
        for template in ore_exchange::csv::templates() {
            let mut lines = template.text.lines();
            let header: Vec<&str> = lines.next().expect("a header").split(',').collect();
            let example: Vec<Vec<&str>> = lines.map(|line| line.split(',').collect()).collect();
            for (at, column) in header.iter().enumerate().skip(1) {
                // A role decides which cells may be filled: its words are those of the examples.
                let Some(Explained { codes, .. }) =
                    explain(template.event, column).filter(|_| *column != "role")
                else {
                    continue;
                };
                for code in codes {
                    let mut rows = example.clone();
                    let filled = rows.iter().position(|row| !row[at].is_empty()).unwrap_or(0);
                    rows[filled][at] = code;
                    let rows: Vec<String> = rows.iter().map(|row| row.join(",")).collect();
                    let text = format!("{}\n{}\n", header.join(","), rows.join("\n"));
                    for draft in ore_exchange::csv::read(text.as_bytes()) {
                        let record = draft.expect("readable").record;
                        let refused = record.err().filter(|error| error.field == *column);
                        assert_eq!(refused, None, "{} {column} = {code}", template.event);
                    }
                }
            }
        }
    }
}
