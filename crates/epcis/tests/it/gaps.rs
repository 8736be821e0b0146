//! What a document leaves out is drafted as far as its own events tell, and no draft is ever taken for a statement.

use ore_epcis::{
    Event, Importer,
    gaps::Drafting,
    json::{Object, Value},
    survey,
};

use crate::{events, mapping::directory, vectors};

/// Step, place and lot of an event, and whether something in it is to be filled in.
fn told(event: &Object) -> (String, String, String, bool) {
    let place = event.get("readPoint").and_then(Value::as_object).and_then(|place| place.text("id"));
    let lists = ["quantityList", "epcList", "inputQuantityList", "inputEPCList"];
    let things = lists.iter().filter_map(|name| event.get(name).and_then(Value::as_list)).flatten();
    let lot = |thing: &Value| match thing {
        Value::Object(element) => element.text("epcClass").map(str::to_owned),
        other => other.as_text().map(str::to_owned),
    };
    let end = |uri: &str| uri.rsplit('/').next().unwrap_or_default().to_owned();
    let lots: Vec<String> = things.filter_map(lot).map(|uri| end(&uri)).collect();
    let to_do = event.get("mct:missing").is_some();
    let step = if event.text("type") == Some("TransformationEvent") { "made" } else { "" };
    let step = if step.is_empty() { event.text("bizStep").unwrap_or_default() } else { step };
    (step.to_owned(), end(place.unwrap_or_default()), lots.join("+"), to_do)
}

#[test]
fn the_worked_loop_is_completed_by_what_must_have_happened_between_its_events() {
    let bytes = std::fs::read(vectors("worked").join("epcis_ta_loop.jsonld")).expect("a vector");
    let survey = survey(bytes.as_slice()).expect("can be read");
    let (mut directory, mut importer) = (directory(), Importer::new("acting", None));
    let mut drafting = Drafting::default();
    directory.forget_lots();
    let mut completed = Vec::new();
    for value in events(&bytes) {
        let event = Event::read(&value, &survey.context).expect("an event");
        let original = value.as_object().expect("an object");
        let mapped = importer.map(&event, &directory);
        completed.extend(drafting.complete(&event, original, &mapped, &mut directory).events);
    }
    let (mine_a, mine_b, refiner) = ("9521234000112", "9521234000129", "9521234000136");
    let (maker, fab, lab) = ("9521234000143", "9521234000150", "9521234000167");
    let first = "TG-000001";
    let expected = [
        ("commissioning", mine_a, "A-0001", false),
        // The tag.
        ("commissioning", mine_b, "B-0001", true),
        ("sampling", lab, "A-0001", false),
        ("shipping", mine_a, "A-0001", false),
        ("receiving", refiner, "A-0001", false),
        ("shipping", mine_b, "B-0001", true),
        ("receiving", refiner, "B-0001", true),
        // More of A-0001 than was received.
        ("made", refiner, "A-0001+B-0001", true),
        ("sampling", "", "P-0001", true),
        ("shipping", refiner, "P-0001", true),
        ("receiving", maker, "P-0001", true),
        ("made", maker, "P-0001", false),
        ("sampling", "", first, true),
        ("shipping", maker, first, true),
        ("receiving", fab, first, true),
        ("other", fab, first, true),
        ("shipping", fab, first, false),
        ("receiving", maker, first, true),
        ("made", maker, first, false),
        ("sampling", "", "R-0001", true),
        ("made", maker, "R-0001+P-0001", false),
        ("sampling", "", "TG-000002", true),
    ];
    let found: Vec<_> = completed.iter().map(told).collect();
    let found: Vec<(&str, &str, &str, bool)> = found
        .iter()
        .map(|(step, place, lot, to_do)| (step.as_str(), place.as_str(), lot.as_str(), *to_do))
        .collect();
    // Places that are drafted are this ledger's own.
    let own = |place| match place {
        "pit" => mine_b,
        "plant" => "plant",
        "line" => fab,
        other => other,
    };
    for (found, expected) in found.iter().zip(&expected) {
        let place = own(found.1);
        let same_place = place == expected.1 || (place == "plant" && [refiner, maker].contains(&expected.1));
        assert!(same_place, "{found:?} is not {expected:?}");
        assert_eq!((found.0, found.2, found.3), (expected.0, expected.2, expected.3));
    }
    assert_eq!(found.len(), expected.len());

    let quantity = |at: usize| {
        let things = completed[at].get("quantityList").and_then(Value::as_list).expect("a list");
        let thing = things[0].as_object().expect("an object");
        thing.get("quantity").map(Value::write).unwrap_or_default()
    };
    assert_eq!([5, 6, 9, 13, 15].map(quantity), ["12000", "12000", "6179.620032", "10", "7"]);
    // Nobody said when, and tantalum is what was in the ore.
    assert_eq!(completed[5].text("eventTime"), Some(""));
    let sensors = completed[8].get("sensorElementList").map(Value::write).unwrap_or_default();
    assert!(
        sensors.contains("GUVRBAGPIYLISA-UHFFFAOYSA-N") && sensors.contains("\"value\":null"),
        "{sensors}"
    );
}

#[test]
fn a_lot_that_nothing_brings_into_being_is_commissioned_once() {
    let bytes = std::fs::read(vectors("worked").join("epcis_ta_loop.jsonld")).expect("a vector");
    let survey = survey(bytes.as_slice()).expect("can be read");
    let (mut directory, mut importer) = (directory(), Importer::new("acting", None));
    let mut drafting = Drafting::default();
    directory.forget_lots();
    let mut commissioned = Vec::new();
    let is_later = |event: &&Object| event.text("action") != Some("ADD");
    for value in events(&bytes).iter().take(6) {
        let event = Event::read(value, &survey.context).expect("an event");
        let Some(original) = value.as_object().filter(is_later) else { continue };
        let mapped = importer.map(&event, &directory);
        let completed = drafting.complete(&event, original, &mapped, &mut directory);
        let steps = completed.events.iter().map(told).filter(|(step, ..)| step == "commissioning");
        commissioned.push(steps.map(|(_, _, lot, _)| lot).collect::<Vec<_>>());
    }
    // Sampled, shipped, received, and blended with another that nothing brings into being.
    assert_eq!(commissioned, [&["A-0001".to_owned()][..], &[], &[], &["B-0001".to_owned()]]);
    assert_eq!(drafting.remembered(), 2);
}

#[test]
fn a_draft_is_refused_until_it_is_filled_in() {
    let bytes = std::fs::read(vectors("worked").join("epcis_ta_loop.jsonld")).expect("a vector");
    let survey = survey(bytes.as_slice()).expect("can be read");
    let mut value = events(&bytes).remove(0);
    let Value::Object(event) = &mut value else { panic!("an object") };
    event.remove("eventID");
    event.set("mct:missing", vec![Value::from("what".to_owned())]);
    let event = Event::read(&value, &survey.context).expect("an event");
    let refused = Importer::new("acting", None).map(&event, &directory()).expect_err("a draft");
    assert!(refused.path == "mct:missing" && refused.hint.contains("take mct:missing away"), "{refused}");
}
