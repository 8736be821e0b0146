//! What is written is read again, by the format's own reader, and adds up.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use ore_record::{
    RecordId,
    v1::{
        Accept, AcceptedLot, Commission, CommissionKind, Composition, Content, ContentKind, LotRef, Mass,
        MassBasis, MaterialClass, NewLot, OriginKind, OutputRole, Record, Route, Ship, ShippedLot, Transform,
        TransformInput, TransformOutput, Use, record::Event,
    },
};
use ore_tables::{Export, ShareRow, Shelf, Step, TABLES, TableError};
use parquet::{
    file::{reader::FileReader, serialized_reader::SerializedFileReader},
    record::{Field, Row},
};

/// Files in memory.
#[derive(Clone, Default)]
struct Shelves(Arc<Mutex<BTreeMap<String, Vec<u8>>>>);

struct Book {
    path: String,
    bytes: Vec<u8>,
}

impl io::Write for Book {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Shelf for Shelves {
    type File = Book;

    fn make(&mut self, path: &str) -> io::Result<Book> {
        Ok(Book { path: path.to_owned(), bytes: Vec::new() })
    }

    fn done(&mut self, file: Book) -> io::Result<()> {
        self.0.lock().expect("not poisoned").insert(file.path, file.bytes);
        Ok(())
    }
}

impl Shelves {
    fn paths(&self) -> Vec<String> {
        self.0.lock().expect("not poisoned").keys().cloned().collect()
    }

    fn rows(&self, table: &str) -> Vec<Row> {
        let files = self.0.lock().expect("not poisoned");
        let of_table = files.iter().filter(|(path, _)| path.starts_with(&format!("{table}/")));
        of_table
            .flat_map(|(_, bytes)| {
                let reader = SerializedFileReader::new(Bytes::from(bytes.clone())).expect("a Parquet file");
                reader.get_row_iter(None).expect("rows").map(|row| row.expect("a row")).collect::<Vec<_>>()
            })
            .collect()
    }
}

fn field<'a>(row: &'a Row, name: &str) -> &'a Field {
    row.get_column_iter().find(|(column, _)| *column == name).expect("a column").1
}

fn number(row: &Row, name: &str) -> i64 {
    match field(row, name) {
        Field::Long(number) => *number,
        other => panic!("{name} is {other:?}"),
    }
}

fn text(row: &Row, name: &str) -> String {
    match field(row, name) {
        Field::Str(text) => text.clone(),
        Field::Null => String::new(),
        other => panic!("{name} is {other:?}"),
    }
}

fn mass(mg: u64) -> Option<Mass> {
    Some(Mass { dry_mg: mg, basis: MassBasis::Dry.into(), unit: "KGM".to_owned(), ..Mass::default() })
}

fn lot(id: &str, mg: u64) -> NewLot {
    let tantalum = Content {
        element: 73,
        ppb: 399_000_000,
        oxide: "Ta2O5".to_owned(),
        kind: ContentKind::Measured.into(),
        uncertainty_ppb: 0,
    };
    NewLot {
        lot: id.to_owned(),
        material: MaterialClass::Ore.into(),
        mass: mass(mg),
        facility: "mine/pit".to_owned(),
        composition: Some(Composition { contents: vec![tantalum], ..Composition::default() }),
        ..NewLot::default()
    }
}

fn named(lot: &str) -> Option<LotRef> {
    Some(LotRef { lot: lot.to_owned(), head: Vec::new() })
}

/// 10 g are mined; 4 g of it become 3 g and 1 g of slag; the 3 g are shipped, 2.9 g arrive, 2 g are left after use.
fn story() -> Vec<Event> {
    let commission = |lot: NewLot| {
        Event::Commission(Commission {
            kind: CommissionKind::Extracted.into(),
            lot: Some(lot),
            ..Commission::default()
        })
    };
    let output = |lot: NewLot, role: OutputRole| TransformOutput { lot: Some(lot), role: role.into() };
    vec![
        commission(lot("mine/A", 10_000)),
        Event::Transform(Transform {
            facility: "mine/pit".to_owned(),
            inputs: vec![TransformInput { lot: named("mine/A"), mass: mass(4_000), composition: None }],
            outputs: vec![
                output(lot("mine/B", 3_000), OutputRole::Product),
                output(lot("mine/S", 1_000), OutputRole::Residue),
            ],
            ..Transform::default()
        }),
        Event::Ship(Ship {
            lots: vec![ShippedLot { lot: named("mine/B"), mass: mass(3_000), seals: Vec::new() }],
            from_facility: "mine/pit".to_owned(),
            receiver: "fab".to_owned(),
            ..Ship::default()
        }),
        Event::Accept(Accept {
            lots: vec![AcceptedLot { lot: named("mine/B"), mass: mass(2_900), seals: 0 }],
            facility: "fab/line".to_owned(),
            ..Accept::default()
        }),
        Event::Use(Use { item: named("mine/B"), net_mass: mass(2_000), facility: String::new() }),
        // Withdrawn: it changes nothing.
        commission(lot("mine/W", 77_000)),
    ]
}

fn told(withdrawn: &[u8]) -> (Shelves, Vec<(&'static str, u64)>) {
    let shelves = Shelves::default();
    let id = |at: u8| RecordId::from_bytes([at; 32]);
    let withdrawn: BTreeSet<RecordId> = withdrawn.iter().map(|at| id(*at)).collect();
    let mut export = Export::begin(shelves.clone(), withdrawn);
    for (event, at) in story().into_iter().zip(0u8..) {
        // The last day of 2025, then 2026.
        let event_time_ms = 1_767_139_200_000 + u64::from(at) * 86_400_000;
        let record =
            Record { author: "mine".to_owned(), event_time_ms, event: Some(event), ..Record::default() };
        export.record(&Step { leaf_index: at.into(), id: id(at), record: &record }).expect("written");
    }
    let share = ShareRow {
        lot: "mine/B",
        element: "Ta",
        kind: OriginKind::Mine,
        source: "mine/pit",
        country: "RW",
        route: Route::Primary,
        generation: 0,
        share: [1_000_000_000_000_000_000, 0, 1_000_000_000_000_000_000],
        mg: 980,
        tree_size: 6,
    };
    export.share(&share).expect("written");
    let counts = export.end().expect("ended");
    (shelves, counts)
}

#[test]
fn the_stock_of_a_facility_is_the_sum_of_its_edges() {
    let (shelves, counts) = told(&[5]);
    assert_eq!(
        counts,
        [("lots", 4), ("events", 6), ("edges", 7), ("assays", 4), ("shares", 1), ("findings", 0)]
    );
    let mut stock: BTreeMap<String, i64> = BTreeMap::new();
    let mut lines = Vec::new();
    for row in shelves.rows("edges") {
        *stock.entry(text(&row, "facility")).or_default() += number(&row, "stock_mg");
        lines.push((
            number(&row, "leaf_index"),
            text(&row, "line"),
            number(&row, "dry_mg"),
            number(&row, "left_mg"),
        ));
    }
    let expected = [("fab/line", 2_000), ("mine/pit", 7_000)];
    assert_eq!(stock, expected.map(|(facility, mg)| (facility.to_owned(), mg)).into());
    lines.sort();
    let line = |leaf, line: &str, mg, left| (leaf, line.to_owned(), mg, left);
    assert_eq!(
        lines,
        [
            line(0, "source", 10_000, 10_000),
            line(1, "input", 4_000, 6_000),
            line(1, "output", 3_000, 3_000),
            line(1, "residue", 1_000, 1_000),
            line(2, "shipment", 3_000, 3_000),
            line(3, "receipt", 2_900, 2_900),
            line(4, "use", 900, 2_000),
        ]
    );
}

#[test]
fn withdrawn_records_are_marked_and_move_nothing() {
    let (shelves, _) = told(&[5]);
    let void: Vec<String> = shelves
        .rows("lots")
        .iter()
        .filter(|row| *field(row, "withdrawn") == Field::Bool(true))
        .map(|row| text(row, "lot"))
        .collect();
    assert_eq!(void, ["mine/W"]);
    let (shelves, counts) = told(&[]);
    assert_eq!(counts[2], ("edges", 8));
    assert_eq!(shelves.rows("lots").len(), 4);
}

#[test]
fn files_stand_in_folders_by_year_and_an_empty_table_has_its_columns() {
    let (shelves, _) = told(&[5]);
    let paths = shelves.paths();
    for path in [
        "lots/year=2025/part-0.parquet",
        "edges/year=2026/part-0.parquet",
        "shares/element=Ta/part-0.parquet",
        "findings/rule=__HIVE_DEFAULT_PARTITION__/part-0.parquet",
    ] {
        assert!(paths.iter().any(|known| known == path), "{path} in {paths:?}");
    }
    let files = shelves.0.lock().expect("not poisoned");
    for table in TABLES {
        let (_, bytes) = files.iter().find(|(path, _)| path.starts_with(table.name)).expect("a file");
        let reader = SerializedFileReader::new(Bytes::from(bytes.clone())).expect("a Parquet file");
        let schema = reader.metadata().file_metadata().schema_descr();
        let names: Vec<&str> = schema.columns().iter().map(|column| column.name()).collect();
        assert_eq!(names, table.columns.iter().map(|column| column.name).collect::<Vec<_>>());
    }
}

#[test]
fn a_share_is_an_exact_decimal() {
    let (shelves, _) = told(&[5]);
    let rows = shelves.rows("shares");
    let Field::Decimal(share) = field(&rows[0], "share") else { panic!("no decimal") };
    assert_eq!((share.precision(), share.scale()), (19, 18));
    assert_eq!(share.data(), [&[0][..], &1_000_000_000_000_000_000u64.to_be_bytes()].concat());
}

#[test]
fn a_mass_beyond_sixty_three_bits_is_refused_by_name() {
    let mut export = Export::begin(Shelves::default(), BTreeSet::new());
    let event = Event::Commission(Commission { lot: Some(lot("mine/X", u64::MAX)), ..Commission::default() });
    let record = Record { event: Some(event), ..Record::default() };
    let step = Step { leaf_index: 0, id: RecordId::from_bytes([0; 32]), record: &record };
    let error = export.record(&step).expect_err("too large");
    assert!(
        matches!(error, TableError::TooLarge { table: "lots", column: "dry_mg", value: u64::MAX }),
        "{error}"
    );
}

#[test]
fn the_readme_documents_every_column() {
    let readme = include_str!("../../README.md");
    for table in TABLES {
        assert!(readme.contains(&format!("### {}\n", table.name)), "no chapter on {}", table.name);
        for column in table.columns {
            let row = format!("| `{}` |", column.name);
            assert!(readme.contains(&row), "{}.{} is not in the README", table.name, column.name);
            assert!(readme.contains(column.meaning), "{}.{}: {}", table.name, column.name, column.meaning);
        }
    }
}
