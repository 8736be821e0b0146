//! CSV: every template with its example, groups of rows, and what a wrong row says.

use ore_exchange::{Draft, csv, json};
use ore_record::{
    mass,
    v1::{self, record::Event},
};
use proptest::prelude::*;

fn read(document: &str) -> Vec<Draft> {
    csv::read(document.as_bytes()).map(|draft| draft.expect("readable")).collect()
}

fn example(event: &str) -> String {
    csv::templates().into_iter().find(|template| template.event == event).expect("a template").text
}

fn only(document: &str) -> v1::Record {
    let mut drafts = read(document);
    assert_eq!(drafts.len(), 1, "{drafts:?}");
    drafts.remove(0).record.unwrap_or_else(|error| panic!("{error}\n{document}"))
}

/// Line and message of everything that is wrong.
fn wrong(document: &str) -> Vec<(u64, String)> {
    read(document)
        .into_iter()
        .filter_map(|draft| Some((draft.line, draft.record.err()?.to_string())))
        .collect()
}

#[test]
fn every_template_reads_its_own_example() {
    let templates = csv::templates();
    assert_eq!(templates.len(), 16);
    for template in &templates {
        let record = only(&template.text);
        assert_ne!(record.event_time_ms, 0, "{}", template.event);
        let header = template.text.lines().next().expect("a header").split(',').count();
        for row in template.text.lines() {
            assert_eq!(row.split(',').count(), header, "{row}");
        }
        assert_eq!(json::record_from_str(&json::record_to_json(&record)), Ok(record));
    }
    // All in one document, one after the other.
    let all: String = templates.iter().map(|template| template.text.as_str()).collect();
    assert_eq!(read(&all).iter().filter(|draft| draft.record.is_ok()).count(), 16);
}

#[test]
fn the_rows_of_a_step_become_one_transform() {
    let record = only(&example("transform"));
    assert_eq!((record.event_time_ms, record.utc_offset_minutes), (1_794_243_600_000, 60));
    let Some(Event::Transform(step)) = record.event else { panic!("a transform") };
    assert_eq!((step.process(), step.facility.as_str()), (v1::Process::Smelting, "refiner/plant-1"));
    assert_eq!((step.inputs.len(), step.outputs.len(), step.losses.len()), (1, 2, 1));
    assert_eq!(step.inputs[0].mass, mass::parse("5032.148 kg").ok());
    assert_eq!(step.inputs[0].composition, None);
    assert_eq!(step.outputs[0].role(), v1::OutputRole::Product);
    assert_eq!(step.outputs[1].role(), v1::OutputRole::Residue);
    let product = step.outputs[0].lot.as_ref().expect("given");
    assert_eq!((product.lot.as_str(), product.facility.as_str()), ("refiner/P-0001", "refiner/plant-1"));
    assert_eq!(product.composition.as_ref().expect("given").contents[0].ppb, 999_000_000);
    assert_eq!(step.losses[0], v1::Loss { element: 73, mg: 250_000, reason: "fume".into() });
}

#[test]
fn an_assay_keeps_uncertainty_and_detection_limit() {
    let Some(Event::Assay(assay)) = only(&example("assay")).event else { panic!("an assay") };
    let contents = assay.composition.expect("given").contents;
    assert_eq!(
        (contents[0].element, contents[0].ppb, contents[0].uncertainty_ppb),
        (73, 18_700_000, 200_000)
    );
    assert_eq!((contents[1].element, contents[1].ppb), (92, 50_000));
    assert_eq!(contents[1].kind(), v1::ContentKind::BelowDetection);
}

#[test]
fn semicolons_tabs_quotes_and_spelling_are_all_the_same() {
    let plain = "hold,time,lot,reason\n1,2026-11-21T08:00:00Z,a1/1,in dispute\n";
    let record = only(plain);
    assert_eq!(only(&plain.replace(',', ";")), record);
    assert_eq!(only(&plain.replace(',', "\t")), record);
    assert_eq!(only(&plain.replace('\n', "\r\n")), record);
    assert_eq!(
        only("\u{feff}HOLD, Time ,\"Lot\",reason,\n1,2026-11-21T08:00:00Z, a1/1 ,\"in dispute\",\n,,,,\n"),
        record
    );
}

#[test]
fn a_wrong_row_says_line_column_reason_and_next_step() {
    let head = "dispose,time,lot,mass,unit,kind\n";
    let good = "1,2026-11-25T12:00:00Z,a1/1,5,KGM,lost\n";
    let cases = [
        ("1,2026-11-25,a1/1,5,KGM,lost", "column 2: time: \"2026-11-25\" is not a time (hint: write date"),
        ("1,2026-11-25T12:00:00Z,,5,KGM,lost", "column 3: lot: the cell is empty, but needed"),
        ("1,2026-11-25T12:00:00Z,a1/1,\"5,5\",KGM,lost", "column 4: mass: mass: \"5,5\" has a comma"),
        ("1,2026-11-25T12:00:00Z,a1/1,5,,lost", "column 4: mass: the mass has no unit (hint: KGM, TNE"),
        ("1,2026-11-25T12:00:00Z,a1/1,5,KG,lost", "column 4: mass: mass: unit \"KG\" is not one of KGM (kg)"),
        ("1,2026-11-25T12:00:00Z,a1/1,5E3,KGM,lost", "column 4: mass: mass: \"5E3\" has an exponent"),
        (
            "1,2026-11-25T12:00:00Z,a1/1,5,KGM,losst",
            "column 6: kind: \"losst\" is not known here (hint: did you mean \"lost\"?)",
        ),
        ("1,2026-11-25T12:00:00Z,a1/1,5,KGM,lost,more", "column 7: the row has more cells than the header"),
        ("1,2026-11-25T12:00:00Z,\"a1/1,5,KGM,lost", "a quotation mark is not closed in this line"),
    ];
    for (row, says) in cases {
        let document = format!("{head}{good}{row}\n{good}");
        let drafts = read(&document);
        assert_eq!(
            drafts.iter().map(|draft| draft.record.is_ok()).collect::<Vec<_>>(),
            [true, false, true],
            "{row}"
        );
        let (line, error) = wrong(&document).remove(0);
        assert_eq!(line, 3);
        assert!(error.starts_with(says), "{row}\n  says  {error}\n  wants {says}");
    }
}

#[test]
fn a_wrong_header_names_the_column_and_no_row_disappears() {
    let said = wrong("hold,time,lott,reason\n1,2026-11-21T08:00:00Z,a1/1,x\n");
    assert_eq!(said.len(), 2);
    assert_eq!(
        said[0].1,
        "column 3: lott: template \"hold\" has no column of this name (hint: did you mean \"lot\"?)"
    );
    assert_eq!(said[1], (2, "not read, because the header in line 1 is wrong".into()));
    assert!(wrong("hold,time,reason\n")[0].1.starts_with("lot: the column \"lot\" is missing"));
    assert!(wrong("hold,time,lot,lot\n")[0].1.starts_with("column 4: lot: two columns have this name"));
    assert!(wrong("hold,time,lot,Ta %\n")[0].1.starts_with("column 4: Ta %: \"hold\" states no contents"));
    assert!(
        wrong("comission,time,lot\n")[0]
            .1
            .starts_with("no header stands above this row (hint: did you mean \"commission\"?")
    );
    assert!(
        wrong("1,2,3\n")[0]
            .1
            .contains("start with a header whose first cell is one of: commission, transform")
    );
}

#[test]
fn a_wrong_row_in_a_step_fails_that_step_alone() {
    let head = "transform,role,time,process,facility,lot,mass,unit,material\n";
    let step = |name: &str, mass: &str| {
        format!(
            "{name},input,2026-11-09T18:00:00Z,blending,r1/p1,a1/1,{mass},KGM,\n\
             {name},input,,,,a1/2,5,KGM,\n\
             {name},product,,,,r1/{name},10,KGM,concentrate\n"
        )
    };
    let document = format!("{head}{}{}{}", step("S-1", "5"), step("S-2", "-5"), step("S-3", "5"));
    let drafts = read(&document);
    assert_eq!(
        drafts.iter().map(|draft| (draft.line, draft.record.is_ok())).collect::<Vec<_>>(),
        [(2, true), (5, false), (8, true)]
    );
    assert!(wrong(&document)[0].1.starts_with("column 7: mass: mass: \"-5\" is negative"));

    // The wrong row is named by its own line, not by the step's first.
    let late = format!("{head}{}", step("S-1", "5").replace("a1/2,5,KGM", "a1/2,5,XYZ"));
    assert_eq!(wrong(&late)[0].0, 3);
    let role = format!("{head}{}", step("S-1", "5").replace("product", "waste"));
    assert!(
        wrong(&role)[0].1.starts_with("column 2: role: \"waste\" is no role (hint: one of: input, product")
    );
    let misplaced = format!("{head}{}", step("S-1", "5").replace("a1/2,5,KGM,", "a1/2,5,KGM,ore"));
    assert!(
        wrong(&misplaced)[0].1.starts_with("column 9: material: a row with role \"input\" has no such value")
    );
    let differs = format!("{head}{}", step("S-1", "5").replace("S-1,input,,,,", "S-1,input,,refining,,"));
    assert!(
        wrong(&differs)[0]
            .1
            .starts_with("column 4: process: differs from the row of line 2 for the same record")
    );
    let apart = format!("{head}{}{}{}", step("S-1", "5"), step("S-2", "5"), step("S-1", "5"));
    assert!(wrong(&apart)[0].1.starts_with("column 1: transform: \"S-1\" has been used above"));
    let no_time = format!("{head}{}", step("S-1", "5").replace("2026-11-09T18:00:00Z", ""));
    assert_eq!(
        wrong(&no_time),
        [(2, "time: the record has no time (hint: state it in the record's first row)".into())]
    );
}

#[test]
fn a_step_with_an_unreadable_row_never_passes_for_a_whole_one() {
    let head = "decline,time,offer,lot,reason\n";
    let row = |name: &str, lot: &str| format!("{name},2026-11-07T09:00:00Z,{},{lot},\n", "07".repeat(32));
    let bad = "A,\"unclosed\n";
    // In the middle of A: A alone fails. Between A and B: it may be either's, so both fail. C is whole.
    let inside = format!("{head}{}{bad}{}{}", row("A", "a1/1"), row("A", "a1/2"), row("B", "a1/3"));
    assert_eq!(read(&inside).iter().map(|draft| draft.record.is_ok()).collect::<Vec<_>>(), [false, true]);
    let between = format!("{head}{}{bad}{}{}", row("A", "a1/1"), row("B", "a1/2"), row("C", "a1/3"));
    assert_eq!(
        read(&between).iter().map(|draft| draft.record.is_ok()).collect::<Vec<_>>(),
        [false, false, true]
    );
    assert!(wrong(&between)[1].1.starts_with("line 3 above cannot be read and may belong to this record"));
}

#[test]
fn a_record_has_at_most_a_thousand_rows() {
    let mut document = String::from("decline,time,offer,lot,reason\n");
    for number in 0..=csv::MAX_ROWS {
        document.push_str(&format!("A,2026-11-07T09:00:00Z,,a1/{number},\n"));
    }
    assert_eq!(
        wrong(&document),
        [(1_002, "the record has more than 1000 rows (hint: split the campaign)".into())]
    );
}

proptest! {
    #[test]
    fn arbitrary_text_never_panics(text in "(.{0,30}\n?){0,8}", bytes: Vec<u8>) {
        csv::read(text.as_bytes()).for_each(drop);
        csv::read(bytes.as_slice()).for_each(drop);
    }

    #[test]
    fn a_template_with_a_wrong_byte_never_panics(
        template in 0usize..16, at: prop::sample::Index, byte in prop::sample::select(b",;\n\"\t %<[]0.-Ta".to_vec()), insert: bool,
    ) {
        let mut text = csv::templates().swap_remove(template).text.into_bytes();
        let at = at.index(text.len());
        if insert { text.insert(at, byte) } else { text[at] = byte }
        csv::read(text.as_slice()).for_each(drop);
    }
}
