//! The CSV templates: which column of a spreadsheet is which field of a record.
//!
//! A table, so that reader, examples and help can never disagree. A path is the one of the JSON form; `[]` is
//! the item that the row adds to a list. Columns named `<element or oxide> %` (or ppm, ppb) are contents.

/// One event's template.
pub(crate) struct Template {
    /// Text of the first cell of the header.
    pub(crate) event: &'static str,
    /// Several rows with the same first cell make one record.
    pub(crate) grouped: bool,
    pub(crate) columns: &'static [Column],
    /// Where contents go, by role; empty: the event has none.
    pub(crate) composition: &'static [(&'static str, &'static str)],
    /// Example rows, as lines of CSV below the header.
    pub(crate) example: &'static str,
    /// Element columns of the example.
    pub(crate) example_contents: &'static [&'static str],
}

/// One column of a template.
pub(crate) struct Column {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) required: bool,
    /// Where the cell goes, by role of the row; role "" is any.
    pub(crate) paths: &'static [(&'static str, &'static str)],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// As it is written.
    Text,
    /// Several, separated by `;` or `|`.
    List,
    /// A number whose unit and moisture stand in the columns of these names.
    Mass,
    /// Unit or moisture of the mass.
    PartOfMass,
    /// yes or no.
    Flag,
    /// What the row is in its record.
    Role,
}

type Paths = &'static [(&'static str, &'static str)];

const fn column(name: &'static str, kind: Kind, required: bool, paths: Paths) -> Column {
    Column { name, kind, required, paths }
}

const fn text(name: &'static str, paths: Paths) -> Column {
    column(name, Kind::Text, false, paths)
}

const fn must(name: &'static str, paths: Paths) -> Column {
    column(name, Kind::Text, true, paths)
}

const fn list(name: &'static str, paths: Paths) -> Column {
    column(name, Kind::List, false, paths)
}

const fn mass(name: &'static str, paths: Paths) -> Column {
    column(name, Kind::Mass, true, paths)
}

const TIME: Column = must("time", &[("", "event_time")]);
const NOTE: Column = text("note", &[("", "note")]);
const CORRECTS: Column = text("corrects", &[("", "corrects")]);
const UNIT: Column = column("unit", Kind::PartOfMass, false, &[]);
const MOISTURE: Column = column("moisture", Kind::PartOfMass, false, &[]);

/// The three roles of a transform's rows that make a lot.
macro_rules! made {
    ($field:literal) => {
        &[
            ("product", concat!("transform.outputs[].lot.", $field)),
            ("by-product", concat!("transform.outputs[].lot.", $field)),
            ("residue", concat!("transform.outputs[].lot.", $field)),
        ]
    };
}

/// As [`made`], and of an input that was assayed by itself.
macro_rules! measured {
    ($field:literal) => {
        &[
            ("input", concat!("transform.inputs[].composition", $field)),
            ("product", concat!("transform.outputs[].lot.composition", $field)),
            ("by-product", concat!("transform.outputs[].lot.composition", $field)),
            ("residue", concat!("transform.outputs[].lot.composition", $field)),
        ]
    };
}

pub(crate) static TEMPLATES: &[Template] = &[
    Template {
        event: "commission",
        grouped: false,
        columns: &[
            TIME,
            must("lot", &[("", "commission.lot.lot")]),
            must("kind", &[("", "commission.kind")]),
            must("material", &[("", "commission.lot.material")]),
            text("form", &[("", "commission.lot.form")]),
            text("compound", &[("", "commission.lot.compound")]),
            text("hs code", &[("", "commission.lot.hs_code")]),
            mass("mass", &[("", "commission.lot.mass")]),
            UNIT,
            MOISTURE,
            must("facility", &[("", "commission.lot.facility")]),
            text("model", &[("", "commission.lot.model")]),
            text("origin country", &[("", "commission.lot.origin_country")]),
            text("transformation country", &[("", "commission.lot.transformation_country")]),
            list("tags", &[("", "commission.lot.tags")]),
            text("serial", &[("", "commission.lot.serial")]),
            text("owner", &[("", "commission.lot.owner")]),
            text("scrap class", &[("", "commission.scrap_class")]),
            list("attestations", &[("", "commission.attestations")]),
            text("method", &[("", "commission.lot.composition.method")]),
            text("laboratory", &[("", "commission.lot.composition.laboratory")]),
            text("stage", &[("", "commission.lot.composition.stage")]),
            NOTE,
            CORRECTS,
        ],
        composition: &[("", "commission.lot.composition")],
        example: "1,2026-11-02T08:30:00+02:00,mine-a/L-0001,extracted,ore,tantalite ore,,261590,5200,KGM,3.2 %,mine-a/pit-1,segregated,RW,,TAG-17;TAG-18,,,,authority-rw/permit-1,XRF,,seller,,,1.9,0.8",
        example_contents: &["Ta2O5 %", "Nb2O5 %"],
    },
    Template {
        event: "transform",
        grouped: true,
        columns: &[
            column("role", Kind::Role, true, made_role()),
            TIME_OF_GROUP,
            text("process", &[("", "transform.process")]),
            text("facility", &[("", "transform.facility")]),
            text("recycling class", &[("", "transform.recycling_class")]),
            text("mixing", &[("", "transform.mixing")]),
            text("started", &[("", "transform.started_ms")]),
            must(
                "lot",
                &[
                    ("input", "transform.inputs[].lot"),
                    ("product", "transform.outputs[].lot.lot"),
                    ("by-product", "transform.outputs[].lot.lot"),
                    ("residue", "transform.outputs[].lot.lot"),
                ],
            ),
            mass(
                "mass",
                &[
                    ("input", "transform.inputs[].mass"),
                    ("product", "transform.outputs[].lot.mass"),
                    ("by-product", "transform.outputs[].lot.mass"),
                    ("residue", "transform.outputs[].lot.mass"),
                    ("loss", "transform.losses[].mg"),
                ],
            ),
            UNIT,
            MOISTURE,
            text("material", made!("material")),
            text("form", made!("form")),
            text("compound", made!("compound")),
            text("hs code", made!("hs_code")),
            text("model", made!("model")),
            text("origin country", made!("origin_country")),
            text("transformation country", made!("transformation_country")),
            list("tags", made!("tags")),
            text("serial", made!("serial")),
            text("owner", made!("owner")),
            text("element", &[("loss", "transform.losses[].element")]),
            text("reason", &[("loss", "transform.losses[].reason")]),
            text("method", measured!(".method")),
            text("laboratory", measured!(".laboratory")),
            text("stage", measured!(".stage")),
            NOTE,
            CORRECTS,
        ],
        composition: measured!(""),
        example: "S-1,input,2026-11-09T18:00:00+01:00,smelting,refiner/plant-1,,,2026-11-08T06:00:00+01:00,mine-a/L-0001,5032.148,KGM,,,,,,,,,,,,,,,,,,,\n\
                  S-1,product,,,,,,,refiner/P-0001,90,KGM,,intermediate,tantalum oxide,Ta2O5,282590,segregated,,EE,,,,,,ICP-OES,,producer,,,99.9\n\
                  S-1,residue,,,,,,,refiner/R-0001,4900,KGM,,residue,slag,,,segregated,,EE,,,,,,XRF,,producer,,,0.08\n\
                  S-1,loss,,,,,,,,0.25,KGM,,,,,,,,,,,,Ta,fume,,,,,,",
        example_contents: &["Ta2O5 %"],
    },
    Template {
        event: "ship",
        grouped: true,
        columns: &[
            TIME_OF_GROUP,
            must("lot", &[("", "ship.lots[].lot")]),
            mass("mass", &[("", "ship.lots[].mass")]),
            UNIT,
            MOISTURE,
            list("seals", &[("", "ship.lots[].seals")]),
            text("receiver", &[("", "ship.receiver")]),
            text("transfer", &[("", "ship.transfer")]),
            text("purpose", &[("", "ship.purpose")]),
            text("carrier", &[("", "ship.carrier")]),
            text("mode", &[("", "ship.mode")]),
            list("permits", &[("", "ship.permits")]),
            text("incoterm", &[("", "ship.incoterm")]),
            text("from facility", &[("", "ship.from_facility")]),
            text("to facility", &[("", "ship.to_facility")]),
            text("expires", &[("", "ship.expires_ms")]),
            NOTE,
            CORRECTS,
        ],
        composition: &[],
        example: "D-7,2026-11-03T10:00:00+02:00,mine-a/L-0001,5200,KGM,3.2 %,SEAL-1;SEAL-2,refiner,custody and ownership,sale,carrier-x,road,authority-rw/exp-9,FCA,mine-a/pit-1,refiner/plant-1,2026-12-03T00:00:00Z,,\n\
                  D-7,,mine-a/L-0002,4100,KGM,3.0 %,SEAL-3,,,,,,,,,,,,",
        example_contents: &[],
    },
    Template {
        event: "accept",
        grouped: true,
        columns: &[
            TIME_OF_GROUP,
            text("offer", &[("", "accept.offer")]),
            must("lot", &[("", "accept.lots[].lot")]),
            mass("mass", &[("", "accept.lots[].mass")]),
            UNIT,
            MOISTURE,
            text("seals", &[("", "accept.lots[].seals")]),
            text("facility", &[("", "accept.facility")]),
            NOTE,
            CORRECTS,
        ],
        composition: &[],
        example: "D-7,2026-11-07T09:00:00+01:00,0000000000000000000000000000000000000000000000000000000000000001,mine-a/L-0001,5198.5,KGM,3.2 %,intact,refiner/plant-1,,\n\
                  D-7,,,mine-a/L-0002,4100,KGM,3.0 %,intact,,,",
        example_contents: &[],
    },
    Template {
        event: "decline",
        grouped: true,
        columns: &[
            TIME_OF_GROUP,
            text("offer", &[("", "decline.offer")]),
            must("lot", &[("", "decline.lots[]")]),
            text("reason", &[("", "decline.reason")]),
            NOTE,
            CORRECTS,
        ],
        composition: &[],
        example: "D-8,2026-11-07T09:00:00+01:00,0000000000000000000000000000000000000000000000000000000000000002,mine-b/L-0009,seal broken,,",
        example_contents: &[],
    },
    Template {
        event: "cancel shipment",
        grouped: true,
        columns: &[
            TIME_OF_GROUP,
            text("offer", &[("", "cancel_shipment.offer")]),
            must("lot", &[("", "cancel_shipment.lots[]")]),
            text("reason", &[("", "cancel_shipment.reason")]),
            NOTE,
            CORRECTS,
        ],
        composition: &[],
        example: "D-9,2026-11-07T09:00:00+01:00,0000000000000000000000000000000000000000000000000000000000000003,mine-b/L-0010,sold elsewhere,,",
        example_contents: &[],
    },
    Template {
        event: "assay",
        grouped: false,
        columns: &[
            TIME,
            must("lot", &[("", "assay.lot")]),
            text("method", &[("", "assay.composition.method")]),
            text("laboratory", &[("", "assay.composition.laboratory")]),
            text("stage", &[("", "assay.composition.stage")]),
            text("sample", &[("", "assay.sample")]),
            text("session", &[("", "assay.session")]),
            text("matrix", &[("", "assay.matrix")]),
            NOTE,
            CORRECTS,
        ],
        composition: &[("", "assay.composition")],
        example: "1,2026-11-05T14:00:00+01:00,mine-a/L-0001,ICP-MS,alpha-lab,umpire,S-4711,,bulk,,,1.87 ± 0.02,<50",
        example_contents: &["Ta2O5 %", "U ppm"],
    },
    Template {
        event: "seal",
        grouped: false,
        columns: &[
            TIME,
            must("lot", &[("", "seal.lot")]),
            must("seal", &[("", "seal.seal")]),
            must("action", &[("", "seal.action")]),
            NOTE,
            CORRECTS,
        ],
        composition: &[],
        example: "1,2026-11-03T09:00:00+02:00,mine-a/L-0001,SEAL-1,applied,,",
        example_contents: &[],
    },
    Template {
        event: "use",
        grouped: false,
        columns: &[
            TIME,
            must("item", &[("", "use.item")]),
            mass("net mass", &[("", "use.net_mass")]),
            UNIT,
            text("facility", &[("", "use.facility")]),
            NOTE,
            CORRECTS,
        ],
        composition: &[],
        example: "1,2026-11-20T07:00:00+09:00,target-works/T-0001,13.25,KGM,fab-one/line-3,,",
        example_contents: &[],
    },
    Template {
        event: "stocktake",
        grouped: true,
        columns: &[
            TIME_OF_GROUP,
            text("facility", &[("", "stocktake.facility")]),
            text("period start", &[("", "stocktake.period_start_ms")]),
            must("material", &[("", "stocktake.lines[].material")]),
            text("element", &[("", "stocktake.lines[].element")]),
            mass("mass", &[("", "stocktake.lines[].mg")]),
            UNIT,
            NOTE,
            CORRECTS,
        ],
        composition: &[],
        example: "N-1,2026-11-30T23:59:59+01:00,refiner/plant-1,2026-11-01T00:00:00+01:00,concentrate,,12000,KGM,,\n\
                  N-1,,,,concentrate,Ta,3100.5,KGM,,",
        example_contents: &[],
    },
    Template {
        event: "hold",
        grouped: false,
        columns: &[
            TIME,
            must("lot", &[("", "hold.lot")]),
            text("reason", &[("", "hold.reason")]),
            NOTE,
            CORRECTS,
        ],
        composition: &[],
        example: "1,2026-11-21T08:00:00Z,refiner/P-0001,assay in dispute,,",
        example_contents: &[],
    },
    Template {
        event: "release",
        grouped: false,
        columns: &[
            TIME,
            must("lot", &[("", "release.lot")]),
            text("reason", &[("", "release.reason")]),
            NOTE,
            CORRECTS,
        ],
        composition: &[],
        example: "1,2026-11-22T08:00:00Z,refiner/P-0001,umpire assay received,,",
        example_contents: &[],
    },
    Template {
        event: "recall",
        grouped: false,
        columns: &[
            TIME,
            must("lot", &[("", "recall.lot")]),
            column("descendants", Kind::Flag, false, &[("", "recall.descendants")]),
            text("reason", &[("", "recall.reason")]),
            NOTE,
            CORRECTS,
        ],
        composition: &[],
        example: "1,2026-11-22T09:00:00Z,refiner/P-0001,yes,thorium above limit,,",
        example_contents: &[],
    },
    Template {
        event: "dispose",
        grouped: false,
        columns: &[
            TIME,
            must("lot", &[("", "dispose.lot")]),
            mass("mass", &[("", "dispose.mass")]),
            UNIT,
            MOISTURE,
            must("kind", &[("", "dispose.kind")]),
            text("reason", &[("", "dispose.reason")]),
            NOTE,
            CORRECTS,
        ],
        composition: &[],
        example: "1,2026-11-25T12:00:00+01:00,refiner/R-0001,4900,KGM,,landfilled,below economic grade,,",
        example_contents: &[],
    },
    Template {
        event: "footprint",
        grouped: false,
        columns: &[
            TIME,
            must("lot", &[("", "footprint.lot")]),
            text("co2e g", &[("", "footprint.co2e_g")]),
            text("energy kj", &[("", "footprint.energy_kj")]),
            text("water l", &[("", "footprint.water_l")]),
            text("acid waste", &[("", "footprint.acid_waste_mg")]),
            text("radioactive waste", &[("", "footprint.radioactive_waste_mg")]),
            text("thorium", &[("", "footprint.thorium_mg")]),
            text("uranium", &[("", "footprint.uranium_mg")]),
            text("method", &[("", "footprint.method")]),
            NOTE,
            CORRECTS,
        ],
        composition: &[],
        example: "1,2026-11-30T12:00:00+01:00,refiner/P-0001,1250000,98000000,40000,120 kg,3 kg,250 g,180 g,ISO 14067,,",
        example_contents: &[],
    },
    Template {
        event: "withdraw",
        grouped: false,
        columns: &[
            TIME,
            must("record", &[("", "withdraw.record")]),
            must("reason", &[("", "withdraw.reason")]),
            text("explanation", &[("", "withdraw.explanation")]),
            NOTE,
        ],
        composition: &[],
        example: "1,2026-11-26T12:00:00+01:00,0000000000000000000000000000000000000000000000000000000000000004,incorrect data,wrong lot number on the label,",
        example_contents: &[],
    },
];

/// In a group, only the first row has to say when.
const TIME_OF_GROUP: Column = text("time", &[("", "event_time")]);

const fn made_role() -> Paths {
    &[
        ("input", ""),
        ("product", "transform.outputs[].role"),
        ("by-product", "transform.outputs[].role"),
        ("residue", "transform.outputs[].role"),
        ("loss", ""),
    ]
}
