//! Drafting for the browser: what people typed or uploaded becomes the exact bytes that they may sign, with words.
//!
//! The key stays with them: the node fills in ledger, heads and offers, and shows the record in plain words; the browser
//! decodes the bytes itself before it signs. The importer is the command line's, so a cell that is bad there is bad here.

use std::collections::HashMap;

use base64ct::{Base64, Encoding};
use ore_exchange::{Draft, LineError, words};
use ore_record::{
    RecordId, draft,
    v1::{Record, record::Event},
};
use ore_sheets::{SheetDraft, letters};
use prost::Message;
use serde_json::{Map, Value as Json, json};

use crate::{Language, Refused, locale::fill, told::told};

/// Longest request, in bytes.
pub const MAX_BYTES: usize = 2 << 20;
/// Most records of one request.
pub const MAX_RECORDS: usize = 1_000;

/// What is to be drafted, and for whom.
#[derive(Debug)]
pub struct Order {
    author: String,
    key: [u8; 32],
    language: Language,
    drafts: Vec<Draft>,
    /// Of a workbook: sheet and row or cell of each draft.
    places: Vec<String>,
}

/// A lot as it stands, as far as an author needs it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Its newest record; none when there is no such lot.
    pub head: Option<RecordId>,
    /// The open offer on it.
    pub offer: Option<RecordId>,
}

impl Order {
    /// Reads a request: `{"author", "key", "records": [...]}`, or with `"csv": "..."` or `"xlsx": "..."` (in base64) in
    /// place of records. The key is the public
    /// one, in hexadecimal; records are in people's words, as in JSON Lines. With `"lang"` faults are told in that
    /// language, as far as it has them.
    ///
    /// # Errors
    /// [`Refused::Bad`] when the request itself cannot be read; a bad record is an error of its own draft.
    pub fn read(body: &[u8]) -> Result<Self, Refused> {
        let bad = |language, why: &str| Refused::Bad(told(language, why).into_owned());
        if body.len() > MAX_BYTES {
            return Err(bad(Language::English, "at most 2 MiB at once; split the file"));
        }
        let json: Json = serde_json::from_slice(body).map_err(|error| Refused::Bad(error.to_string()))?;
        let language = json["lang"].as_str().and_then(Language::of_tag).unwrap_or(Language::English);
        let bad = |why: &str| bad(language, why);
        let author = json["author"].as_str().filter(|author| !author.is_empty());
        let author = author.ok_or_else(|| bad("author: name the member who signs"))?.to_owned();
        let key = json["key"].as_str().and_then(RecordId::from_hex).map(|key| *key.as_bytes());
        let key = key.ok_or_else(|| bad("key: the public key has 64 hexadecimal digits"))?;
        let text = |name: &str| json.get(name).and_then(Json::as_str);
        let (drafts, places) = match (text("csv"), text("xlsx"), json.get("records").and_then(Json::as_array))
        {
            (Some(text), None, None) => (spreadsheet(text).map_err(|error| bad(&error))?, Vec::new()),
            (None, Some(base64), None) => workbook(base64, language).map_err(|error| bad(&error))?,
            (None, None, Some(records)) => (typed(records), Vec::new()),
            _ => return Err(bad("give one of records, csv and xlsx")),
        };
        match drafts.len() {
            0 => Err(bad("there is nothing to draft: no row below a header")),
            many if many > MAX_RECORDS => Err(bad("at most 1,000 records at once; split the file")),
            _ => Ok(Self { author, key, language, drafts, places }),
        }
    }

    /// Lots whose standing is needed, each once.
    #[must_use]
    pub fn lots(&mut self) -> Vec<String> {
        let mut lots: Vec<String> = Vec::new();
        for record in self.drafts.iter_mut().filter_map(|draft| draft.record.as_mut().ok()) {
            lots.extend(draft::heads_mut(record).into_iter().map(|lot| lot.lot.clone()));
        }
        lots.sort_unstable();
        lots.dedup();
        lots
    }

    /// The drafts, in order: `{"line", "words", "record", "id"}` or `{"line", "column", "field", "reason", "hint"}`, of a
    /// workbook with `"place"`. A record may build on those above it, as they will be once they are in the ledger.
    #[must_use]
    pub fn drafted(
        self,
        origin: &str,
        mut standings: HashMap<String, Standing>,
        mut nonce: impl FnMut() -> [u8; 16],
    ) -> Json {
        let mut drafts = Vec::new();
        for (at, Draft { line, record }) in self.drafts.into_iter().enumerate() {
            let made = record.and_then(|mut record| {
                complete(&mut record, &self.author, &self.key, origin, nonce(), &standings)?;
                let bytes = record.encode_to_vec();
                let id = RecordId::of(&bytes);
                follow(&mut standings, &mut record, id);
                Ok(json!({
                    "line": line, "words": words::describe(&record), "id": id.to_string(),
                    "record": Base64::encode_string(&bytes),
                }))
            });
            let mut draft = made.unwrap_or_else(|error| wrong(self.language, line, &error));
            if let Some(place) = self.places.get(at) {
                draft["place"] = place.as_str().into();
            }
            drafts.push(draft);
        }
        json!({ "drafts": drafts })
    }
}

/// The records of a spreadsheet. Reading stops one above the limit, so that the limit is seen.
fn spreadsheet(text: &str) -> Result<Vec<Draft>, String> {
    let read = ore_exchange::csv::read(text.as_bytes()).take(MAX_RECORDS + 1);
    read.collect::<Result<_, _>>().map_err(|error| error.to_string())
}

/// Most bytes that a workbook of 1,000 records unpacks to.
const MAX_UNPACKED: u64 = 8 << 20;

/// The records of a workbook in base64, and where each stands, in words of this language.
fn workbook(base64: &str, language: Language) -> Result<(Vec<Draft>, Vec<String>), String> {
    let bytes = Base64::decode_vec(base64).map_err(|error| error.to_string())?;
    let read = ore_sheets::read_within(&bytes, MAX_UNPACKED).map_err(|error| error.to_string())?;
    let placed = |it: SheetDraft| {
        let place = place(language, &it);
        (it.draft, place)
    };
    Ok(read.into_iter().take(MAX_RECORDS + 1).map(placed).unzip())
}

/// Sheet and cell of a mistake, sheet and row of a record.
fn place(language: Language, it: &SheetDraft) -> String {
    let (t, line) = (language.words(), it.draft.line);
    match it.draft.record.as_ref().err().and_then(|error| error.column) {
        Some(column) => fill(t.enter_place_cell, &[&it.sheet, &format!("{}{line}", letters(column))]),
        None => fill(t.enter_place_row, &[&it.sheet, &line.to_string()]),
    }
}

/// The records of a form, without the fields that were left empty.
fn typed(records: &[Json]) -> Vec<Draft> {
    let read = |(place, record): (usize, &Json)| Draft {
        line: place as u64 + 1,
        record: ore_exchange::json::record_from_json(&without_blanks(record, 0).unwrap_or_default()),
    };
    records.iter().take(MAX_RECORDS + 1).enumerate().map(read).collect()
}

/// How deep a form's record may be.
const MAX_DEPTH: usize = 16;

/// What was left empty is not stated: empty texts, and lists and objects of nothing else.
fn without_blanks(json: &Json, depth: usize) -> Option<Json> {
    if depth > MAX_DEPTH {
        return None;
    }
    match json {
        Json::Null => None,
        Json::String(text) if text.trim().is_empty() => None,
        Json::String(text) => Some(Json::String(text.trim().to_owned())),
        Json::Array(items) => {
            let items: Vec<Json> = items.iter().filter_map(|item| without_blanks(item, depth + 1)).collect();
            (!items.is_empty()).then_some(Json::Array(items))
        }
        Json::Object(fields) => {
            let stated =
                |(name, json): (&String, &Json)| Some((name.clone(), without_blanks(json, depth + 1)?));
            let fields: Map<String, Json> = fields.iter().filter_map(stated).collect();
            (!fields.is_empty()).then_some(Json::Object(fields))
        }
        other => Some(other.clone()),
    }
}

/// Fills in what the author need not type. A lot that nobody knows is an error here already.
fn complete(
    record: &mut Record,
    author: &str,
    key: &[u8; 32],
    origin: &str,
    nonce: [u8; 16],
    standings: &HashMap<String, Standing>,
) -> Result<(), LineError> {
    if !record.author.is_empty() && record.author != author {
        return Err(said("author", format!("the record is {}'s, and {author} signs", record.author), ""));
    }
    draft::complete(record, origin, author, nonce);
    record.author_key = key.to_vec();
    if record.event_time_ms == 0 {
        return Err(said(
            "event_time",
            "the record does not say when it happened".into(),
            "give date and time",
        ));
    }
    let offer = offer_of(record, standings)?;
    match &mut record.event {
        Some(Event::Accept(event)) => event.offer = offer,
        Some(Event::Decline(event)) => event.offer = offer,
        Some(Event::CancelShipment(event)) => event.offer = offer,
        _ => {}
    }
    for lot in draft::heads_mut(record).into_iter().filter(|lot| lot.head.is_empty()) {
        let head = standings.get(&lot.lot).and_then(|standing| standing.head);
        let hint = "check the number on the label; lots are written member/number";
        lot.head = head
            .ok_or_else(|| said("lot", format!("the ledger has no lot {:?}", lot.lot), hint))?
            .as_bytes()
            .to_vec();
    }
    Ok(())
}

/// The offer that a record answers: as stated, or the open one on its first lot.
fn offer_of(record: &mut Record, standings: &HashMap<String, Standing>) -> Result<Vec<u8>, LineError> {
    let stated = match &record.event {
        Some(Event::Accept(event)) => &event.offer,
        Some(Event::Decline(event)) => &event.offer,
        Some(Event::CancelShipment(event)) => &event.offer,
        _ => return Ok(Vec::new()),
    };
    if !stated.is_empty() {
        return Ok(stated.clone());
    }
    let first = draft::heads_mut(record).first().map(|lot| lot.lot.clone()).unwrap_or_default();
    let offer = standings.get(&first).and_then(|standing| standing.offer);
    let hint = "a lot is accepted after it was shipped to you; look at its page";
    offer
        .map(|offer| offer.as_bytes().to_vec())
        .ok_or_else(|| said("lot", format!("nobody has an open offer on lot {first:?}"), hint))
}

/// What stands after a record: it is the head of every lot that it touches or makes.
fn follow(standings: &mut HashMap<String, Standing>, record: &mut Record, id: RecordId) {
    let offer = matches!(record.event, Some(Event::Ship(_))).then_some(id);
    for lot in draft::heads_mut(record) {
        standings.insert(lot.lot.clone(), Standing { head: Some(id), offer });
    }
    for lot in draft::new_lots(record) {
        standings.insert(lot.lot.clone(), Standing { head: Some(id), offer: None });
    }
}

fn said(field: &str, reason: String, hint: &str) -> LineError {
    LineError { column: None, field: field.to_owned(), reason, hint: hint.to_owned() }
}

fn wrong(language: Language, line: u64, error: &LineError) -> Json {
    json!({
        "line": line, "column": error.column, "field": error.field,
        "reason": told(language, &error.reason), "hint": told(language, &error.hint),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c";

    fn drafted(order: &Json, standings: &[(&str, u8)]) -> Vec<Json> {
        let mut order = Order::read(order.to_string().as_bytes()).expect("an order");
        let known = |(lot, byte): &(&str, u8)| {
            let id = Some(RecordId::from_bytes([*byte; 32]));
            ((*lot).to_owned(), Standing { head: id, offer: id })
        };
        assert!(standings.iter().all(|(lot, _)| order.lots().iter().any(|asked| asked == lot)));
        let answer = order.drafted("test.example/ta", standings.iter().map(known).collect(), || [7; 16]);
        answer["drafts"].as_array().expect("a list").clone()
    }

    fn record(draft: &Json) -> Record {
        let bytes = Base64::decode_vec(draft["record"].as_str().expect("bytes")).expect("base64");
        ore_record::canonical::decode(&bytes).expect("canonical")
    }

    #[test]
    fn a_workbook_is_read_as_its_csv_is_and_names_the_cell() {
        let mut book = rust_xlsxwriter::Workbook::new();
        let sheet = book.add_worksheet().set_name("November").expect("a name");
        let rows = [
            ["use", "time", "item", "net mass", "unit", "facility"],
            ["1", "2026-11-20T07:00:00+09:00", "fab-one/T-1", "13.25", "KGM", "fab-one/line-3"],
            ["2", "2026-11-20T07:00:00+09:00", "fab-one/T-1", "thirteen", "KGM", "fab-one/line-3"],
        ];
        for (row, cells) in (0u32..).zip(rows) {
            for (column, cell) in (0u16..).zip(cells) {
                sheet.write_string(row, column, cell).expect("written");
            }
        }
        let base64 = Base64::encode_string(&book.save_to_buffer().expect("saved"));
        let order = |name: &str, text: &str| json!({ "author": "fab-one", "key": KEY, name: text });
        let csv: String = rows.iter().map(|row| row.join(",") + "\n").collect();
        let of_csv = drafted(&order("csv", &csv), &[("fab-one/T-1", 9)]);
        let mut of_xlsx = drafted(&order("xlsx", &base64), &[("fab-one/T-1", 9)]);
        let places: Vec<Json> = of_xlsx.iter_mut().map(|draft| draft["place"].take()).collect();
        assert_eq!(places, ["sheet \"November\", row 2", "sheet \"November\", cell D3"]);
        of_xlsx.iter_mut().for_each(|draft| drop(draft.as_object_mut().expect("an object").remove("place")));
        assert_eq!(of_xlsx, of_csv);
        // On a Japanese page place, fault and the whole file's refusal are Japanese.
        let of_ja = |text: &str| {
            let order = json!({ "author": "fab-one", "key": KEY, "lang": "ja", "xlsx": text });
            Order::read(order.to_string().as_bytes())
        };
        let order_ja = of_ja(&base64).expect("an order");
        let answer = order_ja.drafted("test.example/ta", HashMap::new(), || [7; 16]);
        assert_eq!(answer["drafts"][1]["place"], "シート「November」のセル D3", "{answer}");
        let refused = of_ja("eA==").expect_err("no workbook").to_string();
        assert_eq!(refused, "読み取れる XLSX ワークブックではありません");
        for bad in ["", "no base64", "eA=="] {
            assert!(Order::read(order("xlsx", bad).to_string().as_bytes()).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_form_becomes_a_record_with_words() {
        let order = json!({ "author": "refiner", "key": KEY, "records": [{
            "event_time": "2026-11-02T08:30:00+02:00",
            "note": " ",
            "commission": { "kind": "collected scrap", "scrap_class": "post-consumer", "lot": {
                "lot": "refiner/S-1", "material": "scrap", "facility": "refiner/works",
                "mass": { "value": "12.5", "unit": "kg", "moisture": "" },
                "composition": { "contents": { "Ta": "99 %" }, "method": "" },
            } },
        }] });
        let drafts = drafted(&order, &[]);
        let record = record(&drafts[0]);
        assert_eq!((record.author.as_str(), record.origin.as_str()), ("refiner", "test.example/ta"));
        assert_eq!(record.author_key, RecordId::from_hex(KEY).expect("hexadecimal").as_bytes());
        assert_eq!(record.nonce, [7; 16]);
        let words = drafts[0]["words"].to_string();
        assert!(
            words.contains("refiner/S-1") && words.contains("12.5 kg") && words.contains("Ta 99 %"),
            "{words}"
        );
        assert_eq!(drafts[0]["id"], RecordId::of(&record.encode_to_vec()).to_string());
    }

    #[test]
    fn every_bad_field_is_named_and_a_good_one_beside_it_is_drafted() {
        let time = "2026-11-02T08:30:00Z";
        let hold = |lot: &str| json!({ "event_time": time, "hold": { "lot": lot, "reason": "seal broken" } });
        let mut without_time = hold("refiner/P-1");
        without_time["event_time"] = json!("");
        let bad_mass = json!({ "event_time": time, "use": { "item": "refiner/P-1", "net_mass": { "value": "1,5", "unit": "kg" } } });
        let order = json!({ "author": "refiner", "key": KEY,
            "records": [hold("refiner/P-1"), hold("nobody/X"), without_time, bad_mass] });
        let drafts = drafted(&order, &[("refiner/P-1", 1)]);
        assert_eq!(record(&drafts[0]).author, "refiner");
        assert!(
            drafts[1]["reason"].as_str().is_some_and(|text| text.contains("no lot \"nobody/X\"")),
            "{}",
            drafts[1]
        );
        assert_eq!(drafts[2]["field"], "event_time");
        assert_eq!(drafts[3]["field"], "use.net_mass");
        assert_eq!(drafts[3]["line"], 4);
    }

    #[test]
    fn a_fault_is_told_in_the_language_of_the_page() {
        let hold =
            json!({ "event_time": "2026-11-02T08:30:00Z", "hold": { "lot": "nobody/X", "reason": "x" } });
        let order = json!({ "author": "refiner", "key": KEY, "lang": "ja", "records": [hold] });
        assert_eq!(drafted(&order, &[])[0]["reason"], "台帳にロット \"nobody/X\" はありません");
        let nothing = json!({ "author": "refiner", "key": KEY, "lang": "ja", "csv": "" }).to_string();
        let refused = Order::read(nothing.as_bytes()).expect_err("nothing").to_string();
        assert!(refused.starts_with("見出しの下に行がなく"), "{refused}");
    }

    #[test]
    fn records_of_a_spreadsheet_build_on_each_other_and_an_acceptance_finds_its_offer() {
        let csv = "commission,time,lot,kind,material,mass,unit,facility,Ta %\n\
            1,2026-11-02T08:30:00Z,refiner/S-1,collected scrap,scrap,10,kg,refiner/works,99\n\
            hold,time,lot,reason\n\
            2,2026-11-02T09:30:00Z,refiner/S-1,waits for assay\n\
            accept,time,lot,mass,unit,seals,facility\n\
            3,2026-11-02T10:30:00Z,mine/L-1,4.9,kg,intact,refiner/works\n\
            4,2026-11-02T10:30:00Z,mine/L-1,five,kg,intact,refiner/works\n";
        let drafts = drafted(&json!({ "author": "refiner", "key": KEY, "csv": csv }), &[("mine/L-1", 9)]);
        let first = drafts[0]["id"].as_str().and_then(RecordId::from_hex).expect("an id");
        let Some(Event::Hold(hold)) = record(&drafts[1]).event else { panic!("a hold: {}", drafts[1]) };
        assert_eq!(hold.lot.expect("a lot").head, first.as_bytes(), "it stands on the record above it");
        let Some(Event::Accept(accept)) = record(&drafts[2]).event else { panic!("{}", drafts[2]) };
        assert_eq!(accept.offer, [9; 32]);
        assert_eq!((&drafts[3]["line"], &drafts[3]["field"]), (&json!(7), &json!("mass")), "{}", drafts[3]);
        assert!(drafts[3]["column"].is_u64(), "the cell is named: {}", drafts[3]);
    }

    #[test]
    fn somebody_elses_record_and_an_unreadable_order_are_refused() {
        let other = json!({ "author": "refiner", "key": KEY, "records": [
            { "author": "maker", "event_time": "2026-11-02T08:30:00Z", "hold": { "lot": "a/b", "reason": "x" } }] });
        assert_eq!(drafted(&other, &[])[0]["field"], "author");
        for bad in ["", "{}", "[]", "{\"author\":\"a\",\"key\":\"zz\",\"records\":[]}", "{\"author\":\"a\"}"]
        {
            assert!(matches!(Order::read(bad.as_bytes()), Err(Refused::Bad(_))), "{bad}");
        }
        let nothing = json!({ "author": "a", "key": KEY, "csv": "" }).to_string();
        assert!(Order::read(nothing.as_bytes()).is_err());
    }
}
