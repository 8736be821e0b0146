//! What the ledger says in English, in the reader's language: findings, faults of forms, words of the origin check.
//!
//! The node, its rules and the importer speak one language, so that a page, a call and a terminal say the same. Here
//! the frequent sentences have a translation, each with places for its values: `{}` for a name or a number, which is
//! put in as it is, `{words}` for what is English itself. What has no translation stays in English, and nothing is lost.

mod sentences;

use std::borrow::Cow;

use crate::Language;
use sentences::{FRAGMENTS, SENTENCES};

/// How often words may hold words: a finding, its reasons, a spot's fault, and lists of those.
const DEPTH: usize = 6;

/// Reasons behind each other that are told; the rest stays as it is.
const MOST_REASONS: usize = 32;

/// A row of a table: English with places, Japanese with their numbers.
type Row = (&'static str, &'static str);

/// The text in this language, or as it is.
pub(crate) fn told(language: Language, text: &str) -> Cow<'_, str> {
    if language == Language::English {
        return Cow::Borrowed(text);
    }
    in_japanese(SENTENCES, text, DEPTH).map_or(Cow::Borrowed(text), Cow::Owned)
}

fn in_japanese(table: &[&[Row]], text: &str, depth: usize) -> Option<String> {
    table.iter().copied().flatten().find_map(|(english, japanese)| {
        let values = values(english, text)?;
        let values: Vec<Cow<'_, str>> = values
            .into_iter()
            .map(|(value, words)| if words { fragment(value, depth) } else { Cow::Borrowed(value) })
            .collect();
        Some(crate::locale::fill(japanese, &values.iter().map(AsRef::as_ref).collect::<Vec<_>>()))
    })
}

/// Words inside a sentence; of several reasons behind each other, each for itself.
fn fragment(text: &str, depth: usize) -> Cow<'_, str> {
    let Some(depth) = depth.checked_sub(1) else { return Cow::Borrowed(text) };
    let of = |text| in_japanese(SENTENCES, text, depth).or_else(|| in_japanese(FRAGMENTS, text, depth));
    let mut told: Vec<Cow<'_, str>> = Vec::new();
    let mut rest = Some(text);
    while let Some(text) = rest.filter(|_| told.len() < MOST_REASONS) {
        // A reason may have the mark between reasons within itself, once.
        let ends = text.match_indices("; ").map(|(at, _)| at).take(2).chain([text.len()]);
        let mut cuts = ends.clone();
        let found = cuts.find_map(|end| Some((end, Cow::Owned(of(&text[..end])?))));
        let first = ends.min().unwrap_or(text.len());
        let (end, one) = found.unwrap_or((first, Cow::Borrowed(&text[..first])));
        told.push(one);
        rest = text[end..].strip_prefix("; ");
    }
    told.extend(rest.map(Cow::Borrowed));
    Cow::Owned(told.join("；"))
}

/// What stands at the places of a pattern, and whether it is words; none when the text is another sentence. Values are
/// as short as they can be.
fn values<'a>(pattern: &str, text: &'a str) -> Option<Vec<(&'a str, bool)>> {
    let mut parts = pattern.split('{');
    let mut rest = text.strip_prefix(parts.next()?)?;
    let mut values = Vec::new();
    let mut parts = parts.filter_map(|part| part.split_once('}')).peekable();
    while let Some((kind, part)) = parts.next() {
        let end = match parts.peek() {
            // The last part ends the text.
            None => rest.len().checked_sub(part.len()).filter(|end| rest.get(*end..) == Some(part))?,
            Some(_) => rest.find(part)?,
        };
        values.push((&rest[..end], kind == "words"));
        rest = &rest[end + part.len()..];
    }
    rest.is_empty().then_some(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_is_told_with_its_values_and_an_unknown_one_stays() {
        let ja = |text| told(Language::Japanese, text);
        assert_eq!(
            ja("9233 km from trader-be/antwerp to refiner-jp/plant in 8700 minutes"),
            "trader-be/antwerp から refiner-jp/plant まで 9233 km を 8700 分で移動"
        );
        assert_eq!(
            ja("no extraction permit covers a/b: p/1 is for another mineral"),
            "a/b に合う採掘許可がない：p/1 は別の鉱物の許可"
        );
        assert_eq!(ja("nobody wrote this"), "nobody wrote this");
        assert_eq!(told(Language::English, "stated twice"), "stated twice");
        // A value is text from outside: it is put in once, and not read as a pattern.
        assert_eq!(ja("the ledger has no lot \"{0}{1}\""), "台帳にロット \"{0}{1}\" はありません");
    }

    /// What is left in Latin small letters, without units and names that stay.
    fn english_in(text: &str) -> Vec<&str> {
        let words = text.split(|c: char| !c.is_ascii_lowercase());
        words.filter(|word| word.len() > 2 && !["ppm", "ppb", "red", "scheelite"].contains(word)).collect()
    }

    #[track_caller]
    fn whole(english: &str) {
        let japanese = told(Language::Japanese, english);
        assert_ne!(japanese, english);
        assert!(english_in(&japanese).is_empty(), "{english}: {japanese}");
    }

    #[test]
    fn every_rule_is_told() {
        ore_findings::Rule::ALL.iter().for_each(|rule| whole(rule.title()));
    }

    #[test]
    fn every_finding_is_told() {
        for (english, japanese) in [
            ("an offer to FAB has waited for an answer for 14 days", "FAB への提示に 14 日間回答がない"),
            ("an offer to FAB was on the way for 90 days", "FAB への輸送に 90 日かかった"),
            ("seals of M/1 are not looked at at receipt", "M/1 の封印が受領時に未確認"),
            (
                "M/1 is at F/1 while another record has it on the way",
                "M/1 は F/1 にあるが、別の記録では 輸送中",
            ),
            ("no extraction permit covers M/1: there is none", "M/1 に合う採掘許可がない：一件もない"),
            ("no extraction permit covers M/1: P/1 is expired", "M/1 に合う採掘許可がない：P/1 は期限切れ"),
            (
                "assays of Ta in M/1 are further apart than the splitting limit",
                "M/1 の Ta の分析差が許容差を超える",
            ),
            (
                "\"A\" as the origin of M/1 is not assessable: the lot has no analysis; the spots are normalised \
                 differently; report all in one unit or to one chondrite; spot \"1\": La is reported twice",
                "M/1 の原産地 \"A\" は評価できない：ロットの分析がない；測定点の規格化が異なる。\
                 一つの単位またはコンドライトに統一が必要；測定点 \"1\"：La が二度報告されている",
            ),
        ] {
            assert_eq!(told(Language::Japanese, english), japanese);
        }
        for english in [
            "seals of M/1 are broken at receipt",
            "seals of M/1 are different at receipt",
            "seals of M/1 are absent at receipt",
            "no extraction permit covers M/1: P/1 is for another mineral",
            "no extraction permit covers M/1: P/1 is for another holder or site",
            "no extraction permit covers M/1: P/1 is not yet valid",
            "no transport permit covers the journey: P/1 is suspended at dispatch",
            "no transport permit covers the journey: P/1 is revoked before the journey ends",
            "no transport permit covers the journey: P/1 is used up",
            "no export certificate fits the shipment: P/1 is valid for 400 days",
            "no export certificate fits the shipment: P/1 is about M/2",
            "no export certificate fits the shipment: P/1 is for 1000 mg",
            "M/1 comes from a mine that may not export: nobody stated a status",
            "M/1 comes from a mine that may not export: its status P/1 is red",
            "M/1 comes from a mine that may not export: its status P/1 is expired",
            "the claim for M/1 is not backed: no attestation is named",
            "the claim for M/1 is not backed: P/1 is of scheme S",
            "the claim for M/1 is not backed: A is not accredited for S",
            "tag T of M/1 was not issued to this site",
            "tag T of M/1 was void",
            "tag T of M/1 was used before",
            "tag T of M/1 was applied after dispatch",
            "A gives tag T to M/1; B gave it to a lot before",
            "A gives serial number T to M/1; B gave it to a lot before",
            "the trace pattern of M/1 speaks against \"A\": moderate support for another origin",
        ] {
            whole(english);
        }
    }

    /// A table with what people do wrong.
    #[test]
    fn faults_of_a_spreadsheet_are_told() {
        let csv = "hold,time,lot,reason\n1,2026-11-02T08:30:00Z,M/1,X,Y\n2,2026-11-02T08:30:00Z,,X\n3,\"X\nhold,time,lot,lot\n\
                   4,X,X,X\nX,time\n";
        let faults: Vec<_> = ore_exchange::csv::read(csv.as_bytes())
            .filter_map(|draft| draft.expect("lines").record.err())
            .collect();
        assert!(faults.len() >= 5, "{faults:?}");
        for fault in faults {
            whole(&fault.reason);
        }
    }

    /// Messages, numbers and clearings as the rules have them in their own source; a new one has its Japanese too.
    #[test]
    fn every_sentence_in_the_source_of_the_rules_is_told() {
        let rules = concat!(env!("CARGO_MANIFEST_DIR"), "/../findings/src/rules");
        let mut found = 0;
        for file in std::fs::read_dir(rules).expect("the rules are there") {
            let source = std::fs::read_to_string(file.expect("a file").path()).expect("text");
            for before in ["message = format!(", "number(", "clears = ", "CLEARS: &str ="] {
                for rest in source.split(before).skip(1) {
                    let Some(rest) = rest.trim_start().strip_prefix('"') else { continue };
                    let literal = rest.split('"').next().unwrap_or_default();
                    // What stands for words is in the test above, word by word.
                    if ["{what}", "{why}", "{}: {}"].iter().any(|words| literal.contains(words)) {
                        continue;
                    }
                    let pieces =
                        literal.split('{').map(|it| it.split_once('}').map_or(it, |(_, after)| after));
                    whole(&pieces.collect::<Vec<_>>().join("X"));
                    found += 1;
                }
            }
        }
        assert!(found > 100, "{found}");
    }

    #[test]
    fn every_word_of_the_origin_check_is_told() {
        use ore_fingerprint::{
            check::Reason,
            element::Element,
            library::FitError,
            material::{Refined, Substance},
            pattern::BadPattern,
        };
        let text = String::from;
        let bad = [
            BadPattern::UnknownUnit { unit: text("X") },
            BadPattern::Twice { element: Element::LA },
            BadPattern::NotPositive { element: Element::LA, amount: -1.0 },
            BadPattern::MoreThanEverything { ppm: 2e6 },
        ];
        let bad = bad.map(|source| Reason::BadReport { spot: text("1"), source });
        let other = |lot| Reason::OtherMaterial { lot, library: Substance::bulk("scheelite") };
        let reasons = [
            Reason::ClaimNotCommittedFirst,
            Reason::SeveralClaims { found: 2 },
            Reason::UnknownMineral { named: text("X") },
            Reason::PatternReset(Refined::Recycled),
            other(Substance::grains("scheelite")),
            other(Substance::Refined(Refined::Oxide)),
            other(Substance::Unknown(text("X"))),
            Reason::UnknownOrigin { origin: text("X") },
            Reason::FewReferenceSamples { found: 1, needed: 3 },
            Reason::OtherLaboratory { campaign: text("X") },
            Reason::NoAnalysis,
            Reason::TooManySpots { found: 100_000 },
            Reason::MixedNormalisers,
            Reason::TooFewElements { observed: 3, needed: 8, disturbed: 1 },
            Reason::ImplausiblePattern { spots: 3, of: 4 },
            Reason::ImplausibleLevel { factor: 1e6 },
            Reason::OneSpotOnly { found: 1 },
        ];
        for reason in reasons.iter().chain(&bad).map(ToString::to_string) {
            let japanese = told(Language::Japanese, &reason);
            // The name of a chondrite is a name.
            let names = ["McDonough", "Sun"];
            let japanese = names.iter().fold(japanese.into_owned(), |text, name| text.replace(name, ""));
            assert!(japanese != reason && english_in(&japanese).is_empty(), "{reason}: {japanese}");
        }
        for error in
            [FitError::TooFewOrigins { found: 1 }, FitError::TooLarge { found: 10_001 }, FitError::NoScatter]
        {
            whole(&format!("the library cannot be used: {error}"));
        }
        for words in [
            "no record claims an origin for the lot",
            "no assay of the lot shows a trace pattern",
            "insufficient reference: 1 samples and 3 scores of the origin, 3 and 19 are needed",
            "the calibration is of other laboratories",
            "no spot observed the elements of the calibration",
            "only 5 rare earths observed",
            "out of line with its neighbours in ln units: Tb by +0.52, Ho by -0.41, Tm by +0.36",
        ] {
            whole(words);
        }
    }

    #[test]
    fn words_of_an_outsider_are_no_work_without_end() {
        let deep = format!("the claim for x is not backed: {}", "spot x: ".repeat(10_000));
        assert!(told(Language::Japanese, &deep).starts_with("x の主張に裏付けがない"));
        let wide = format!("the claim for x is not backed: {}", "y; ".repeat(10_000));
        assert!(told(Language::Japanese, &wide).ends_with("y; "));
    }

    #[test]
    fn each_sentence_is_there_once_with_the_same_places() {
        for table in [SENTENCES, FRAGMENTS].map(<[&[Row]]>::concat) {
            for (at, (english, japanese)) in table.iter().enumerate() {
                let places = english.matches('{').count();
                for place in 0..places {
                    assert!(japanese.contains(&format!("{{{place}}}")), "{english}: {place}");
                }
                assert!(!japanese.contains(&format!("{{{places}}}")), "{english}");
                assert!(table[..at].iter().all(|(other, _)| other != english), "{english} is there twice");
                // A more general sentence above would hide this one.
                let text = english.replace("{}", "x").replace("{words}", "x");
                assert!(
                    table[..at].iter().all(|(other, _)| values(other, &text).is_none()),
                    "{english} is hidden"
                );
            }
        }
    }
}
