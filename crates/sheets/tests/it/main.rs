//! Templates are read by another library, filled in, and read again; what is wrong is named by sheet and cell.

use calamine::{Reader, Xlsx};
use ore_sheets::{BadTemplate, SheetDraft, SheetError, read, read_within, workbook};
use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};

fn places(drafts: &[SheetDraft]) -> Vec<String> {
    drafts
        .iter()
        .filter_map(|it| Some(format!("{}: {}", it.place(), it.draft.record.as_ref().err()?.reason)))
        .collect()
}

/// A sheet of text cells, header first.
fn sheet(book: &mut Workbook, name: &str, rows: &[&[&str]]) {
    let sheet = book.add_worksheet().set_name(name).expect("a name");
    for (row, cells) in (0u32..).zip(rows) {
        for (column, cell) in (0u16..).zip(*cells) {
            sheet.write_string(row, column, *cell).expect("written");
        }
    }
}

const USE: &[&str] = &["use", "time", "item", "net mass", "unit", "facility"];

#[test]
fn every_example_of_a_template_reads_as_its_csv_does() {
    let bytes = workbook(&[]).expect("a workbook");
    let mut book: Xlsx<_> = Xlsx::new(std::io::Cursor::new(bytes.clone())).expect("a workbook");
    let names = book.sheet_names();
    let events = ore_exchange::csv::templates();
    assert_eq!(names.len(), 2 * events.len() + 1);
    // As it is, a template holds no record: examples are not handed in by accident.
    assert_eq!(read(&bytes).expect("a workbook"), []);
    for template in &events {
        let example = book.worksheet_range(&format!("#example {}", template.event)).expect("an example");
        let rows: Vec<Vec<String>> =
            example.rows().map(|row| row.iter().map(ToString::to_string).collect()).collect();
        let rows: Vec<Vec<&str>> = rows.iter().map(|row| row.iter().map(String::as_str).collect()).collect();
        let rows: Vec<&[&str]> = rows.iter().map(Vec::as_slice).collect();
        let mut filled = Workbook::new();
        sheet(&mut filled, template.event, &rows);
        let drafts = read(&filled.save_to_buffer().expect("saved")).expect("a workbook");
        let of_csv: Vec<_> =
            ore_exchange::csv::read(template.text.as_bytes()).map(|draft| draft.expect("readable")).collect();
        let of_xlsx: Vec<_> = drafts.into_iter().map(|it| it.draft).collect();
        assert_eq!(of_xlsx, of_csv, "{}", template.event);
    }
}

#[test]
fn a_template_of_one_event_has_its_sheets_alone_and_an_unknown_one_is_named() {
    let bytes = workbook(&["ship"]).expect("a workbook");
    let book: Xlsx<_> = Xlsx::new(std::io::Cursor::new(bytes)).expect("a workbook");
    assert_eq!(book.sheet_names(), ["ship", "#example ship", "#codes"]);
    assert!(matches!(workbook(&["shipp"]), Err(BadTemplate::Unknown { asked, .. }) if asked == "shipp"));
}

#[test]
fn a_wrong_cell_is_named_by_sheet_row_and_column_and_the_others_are_read() {
    let mut book = Workbook::new();
    let time = "2026-11-20T07:00:00+09:00";
    sheet(
        &mut book,
        "used in November",
        &[
            USE,
            &["1", time, "target-works/T-0001", "13.25", "KGM"],
            &[],
            &["2", time, "target-works/T-0002", "thirteen", "KGM"],
            &["3", "yesterday", "target-works/T-0003", "13", "KGM"],
            &["4", time, "target-works/T-0004", "13", "KGM", "", "more"],
            &["5", time, "target-works/T-0005", "12", "KGM"],
        ],
    );
    sheet(&mut book, "#notes", &[&["anything", "goes"]]);
    let drafts = read(&book.save_to_buffer().expect("saved")).expect("a workbook");
    assert_eq!(drafts.iter().filter(|it| it.draft.record.is_ok()).count(), 2);
    let places = places(&drafts);
    assert_eq!(places.len(), 3, "{places:?}");
    assert!(places[0].starts_with("sheet \"used in November\", cell D4: "), "{places:?}");
    assert!(places[1].starts_with("sheet \"used in November\", cell B5: "), "{places:?}");
    assert!(places[2].starts_with("sheet \"used in November\", cell G6: "), "{places:?}");
}

#[test]
fn numbers_count_as_they_are_shown_and_a_date_without_an_offset_is_refused() {
    let mut book = Workbook::new();
    sheet(&mut book, "use", &[USE, &["1", "2026-11-20T07:00:00+09:00", "a-b/T-1", "", "KGM"]]);
    let numbers = book.worksheet_from_name("use").expect("the sheet");
    numbers.write_number(1, 3, 0.1 + 0.2).expect("written");
    numbers.write_number(2, 0, 2).expect("written");
    let date = ExcelDateTime::parse_from_str("2026-11-20T07:00:00").expect("a date");
    let format = Format::new().set_num_format("yyyy-mm-dd hh:mm");
    numbers.write_datetime_with_format(2, 1, &date, &format).expect("written");
    numbers.write_string(2, 2, "a-b/T-2").expect("written");
    numbers.write_number(2, 3, 4).expect("written");
    numbers.write_string(2, 4, "KGM").expect("written");
    let drafts = read(&book.save_to_buffer().expect("saved")).expect("a workbook");
    let record = drafts[0].draft.record.as_ref().expect("a record");
    let json = ore_exchange::json::record_to_json(record);
    assert!(json.contains("300000"), "0.3 kg are 300,000 mg: {json}");
    let places = places(&drafts);
    assert_eq!(places.len(), 1, "{places:?}");
    assert!(places[0].starts_with("sheet \"use\", cell B3: "), "{places:?}");
}

#[test]
fn what_is_no_workbook_is_refused_and_never_panics() {
    assert!(matches!(read(b"use,time\n"), Err(SheetError::Unreadable(_))));
    assert!(matches!(read(&[]), Err(SheetError::Unreadable(_))));
    let mut book = Workbook::new();
    sheet(&mut book, "#only", &[&["x"]]);
    let bytes = book.save_to_buffer().expect("saved");
    assert!(matches!(read(&bytes), Err(SheetError::Nothing)));
    // Every prefix, and every hundredth byte changed.
    let mut book = Workbook::new();
    sheet(&mut book, "use", &[USE, &["1", "2026-11-20T07:00:00+09:00", "a-b/T-1", "1", "KGM"]]);
    let bytes = book.save_to_buffer().expect("saved");
    for at in (0..bytes.len()).step_by(61) {
        let _ = read(&bytes[..at]);
        let mut changed = bytes.clone();
        changed[at] ^= 0x55;
        let _ = read(&changed);
    }
}

#[test]
fn a_small_file_that_holds_a_large_one_is_refused_before_it_is_read() {
    let mut book = Workbook::new();
    sheet(&mut book, "use", &[USE]);
    let many = book.worksheet_from_name("use").expect("the sheet");
    for row in 1..4_000 {
        many.write_string(row, 0, "x".repeat(500)).expect("written");
    }
    let bytes = book.save_to_buffer().expect("saved");
    assert!(bytes.len() < 100_000, "{} bytes", bytes.len());
    assert!(matches!(read_within(&bytes, 200_000), Err(SheetError::Unpacked(200_000))));
    assert_eq!(read_within(&bytes, 16 << 20).map(|drafts| drafts.len()).ok(), Some(3_999));
}

#[test]
fn a_cell_far_out_costs_lines_and_not_a_square() {
    let mut book = Workbook::new();
    sheet(&mut book, "use", &[USE]);
    let far = book.worksheet_from_name("use").expect("the sheet");
    far.write_string(1_048_575, 100, "x").expect("written");
    let drafts = read(&book.save_to_buffer().expect("saved")).expect("a workbook");
    assert_eq!(drafts.len(), 1);
    assert_eq!(drafts[0].draft.line, 1_048_576);
    let mut book = Workbook::new();
    sheet(&mut book, "use", &[USE]);
    book.worksheet_from_name("use").expect("the sheet").write_string(1, 16_383, "x").expect("written");
    assert!(matches!(read(&book.save_to_buffer().expect("saved")), Err(SheetError::Shape { .. })));
}
