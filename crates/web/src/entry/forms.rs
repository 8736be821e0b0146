//! The forms as a table: which field of a record each input is. Paths are those of JSON Lines, so a fault names its input.

use crate::words::Words;

/// A form for one event.
pub(crate) struct Form {
    /// Last part of its address.
    pub(crate) name: &'static str,
    /// English and Japanese.
    pub(crate) title: [&'static str; 2],
    /// When it is used.
    pub(crate) use_for: [&'static str; 2],
    /// Its parts, in order.
    pub(crate) groups: &'static [Group],
}

/// A part of a form.
pub(crate) struct Group {
    /// English and Japanese; empty: no heading.
    pub(crate) title: [&'static str; 2],
    /// Path of the list whose items this part is, or nothing.
    pub(crate) list: Option<&'static str>,
    /// Its inputs.
    pub(crate) fields: &'static [Field],
}

/// One input.
pub(crate) struct Field {
    /// Path in the record, or below the list's item.
    pub(crate) path: &'static str,
    /// English and Japanese.
    pub(crate) label: [&'static str; 2],
    /// What is typed.
    pub(crate) kind: Kind,
    /// Whether the form is not sent without it.
    pub(crate) required: bool,
}

/// What is typed into an input.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    /// A text.
    Text,
    /// A lot's name that is new: begins with the member's.
    NewId,
    /// A lot that the member holds.
    Lot,
    /// A facility of the member.
    Facility,
    /// Another member.
    Member,
    /// A mass with its unit, and the moisture if it was weighed wet.
    Mass,
    /// Contents, such as "Ta2O5 39.7 %; U < 50 ppm".
    Contents,
    /// Several texts, separated by commas.
    List,
    /// Degrees, kept in ten-millionths.
    Degrees,
    /// One of these: the enum's word, and what the pages call it. The first is chosen unless it is optional.
    Choice(&'static [(&'static str, Word)]),
}

/// One of the pages' own words.
type Word = fn(&'static Words) -> &'static str;

const fn field(path: &'static str, label: [&'static str; 2], kind: Kind) -> Field {
    Field { path, label, kind, required: false }
}

const fn must(path: &'static str, label: [&'static str; 2], kind: Kind) -> Field {
    Field { path, label, kind, required: true }
}

/// A part without a heading.
const fn plain(fields: &'static [Field]) -> Group {
    titled(["", ""], fields)
}

const fn titled(title: [&'static str; 2], fields: &'static [Field]) -> Group {
    Group { title, list: None, fields }
}

/// A part for each item of a list.
const fn each(title: [&'static str; 2], list: &'static str, fields: &'static [Field]) -> Group {
    Group { title, list: Some(list), fields }
}

/// Units of mass that people weigh in.
pub(crate) const UNITS: [&str; 7] = ["kg", "g", "t", "mg", "dt", "ozt", "lb"];

const MATERIALS: Kind = Kind::Choice(&[
    ("ore", |t| t.material_ore),
    ("concentrate", |t| t.material_concentrate),
    ("intermediate", |t| t.material_intermediate),
    ("metal", |t| t.material_metal),
    ("sputtering target", |t| t.material_target),
    ("component", |t| t.material_component),
    ("finished product", |t| t.material_product),
    ("scrap", |t| t.material_scrap),
    ("residue", |t| t.material_residue),
]);
const MODELS: Kind = Kind::Choice(&[
    ("segregated", |t| t.model_segregated),
    ("identity preserved", |t| t.model_identity),
    ("controlled blending", |t| t.model_blending),
    ("mass balance", |t| t.model_balance),
    ("book and claim", |t| t.model_book),
]);
const RECYCLING: Kind = Kind::Choice(&[
    ("", |t| t.not_stated),
    ("internal", |t| t.class_internal),
    ("pre consumer", |t| t.class_pre),
    ("post consumer", |t| t.class_post),
]);

/// The new lot below a path.
macro_rules! new_lot {
    ($at:literal $(, $more:expr)*) => {
        &[
            $($more,)*
            must(concat!($at, ".lot"), ["Lot number", "ロット番号"], Kind::NewId),
            must(concat!($at, ".material"), ["Material", "材料区分"], MATERIALS),
            field(concat!($at, ".form"), ["Description", "品名"], Kind::Text),
            must(concat!($at, ".mass"), ["Mass", "質量"], Kind::Mass),
            field(concat!($at, ".composition.contents"), ["Contents", "成分"], Kind::Contents),
            field(concat!($at, ".composition.method"), ["Measured by", "分析方法"], Kind::Text),
            must(concat!($at, ".facility"), ["Facility", "施設"], Kind::Facility),
            must(concat!($at, ".model"), ["Chain-of-custody model (ISO 22095)", "管理モデル（ISO 22095）"], MODELS),
            field(concat!($at, ".tags"), ["Tags and seals on it", "タグ・封印"], Kind::List),
            field(concat!($at, ".serial"), ["Serial number, of one piece", "製造番号（個品）"], Kind::Text),
            field(concat!($at, ".origin_country"), ["Country of origin (two letters)", "原産国（2 文字）"], Kind::Text),
        ]
    };
}

/// Every form, in the order of a refiner's day.
pub(crate) static FORMS: &[Form] = &[
    Form {
        name: "facility",
        title: ["Register a facility", "施設を登録"],
        use_for: ["once, before anything happens there", "使用を始める前に一度"],
        groups: &[plain(&[
            must("register_facility.facility.id", ["Facility id", "施設 ID"], Kind::NewId),
            must("register_facility.facility.name", ["Name", "名称"], Kind::Text),
            must(
                "register_facility.facility.kind",
                ["Kind", "種別"],
                Kind::Choice(&[
                    ("refinery", |t| t.kind_refinery),
                    ("smelter", |t| t.kind_smelter),
                    ("concentrator", |t| t.kind_concentrator),
                    ("mine", |t| t.kind_mine),
                    ("powder plant", |t| t.kind_powder),
                    ("target plant", |t| t.kind_target),
                    ("fab", |t| t.kind_fab),
                    ("recycler", |t| t.kind_recycler),
                    ("laboratory", |t| t.kind_laboratory),
                    ("warehouse", |t| t.kind_warehouse),
                    ("port", |t| t.kind_port),
                ]),
            ),
            must("register_facility.facility.country", ["Country (two letters)", "国（2 文字）"], Kind::Text),
            must(
                "register_facility.facility.latitude_e7",
                ["Latitude, degrees", "緯度（度）"],
                Kind::Degrees,
            ),
            must(
                "register_facility.facility.longitude_e7",
                ["Longitude, degrees", "経度（度）"],
                Kind::Degrees,
            ),
        ])],
    },
    Form {
        name: "commission",
        title: ["Register a lot", "ロットを登録"],
        use_for: [
            "mined here, collected as scrap, or brought in without a past",
            "採掘・スクラップ回収・来歴のない持込み",
        ],
        groups: &[
            plain(&[
                must(
                    "commission.kind",
                    ["How it came", "由来"],
                    Kind::Choice(&[
                        ("extracted", |t| t.came_extracted),
                        ("collected scrap", |t| t.came_scrap),
                        ("declared unknown", |t| t.came_unknown),
                    ]),
                ),
                field("commission.scrap_class", ["If it is scrap", "スクラップの区分"], RECYCLING),
                field("commission.attestations", ["Permits and certificates", "許可・証明"], Kind::List),
            ]),
            titled(["The lot", "ロット"], new_lot!("commission.lot")),
        ],
    },
    Form {
        name: "transform",
        title: ["Transform lots", "加工を記録"],
        use_for: ["what went in, and what came of it", "投入と産出"],
        groups: &[
            plain(&[
                must(
                    "transform.process",
                    ["Process", "工程"],
                    Kind::Choice(&[
                        ("refining", |t| t.process_refining),
                        ("crushing", |t| t.process_crushing),
                        ("concentrating", |t| t.process_concentrating),
                        ("smelting", |t| t.process_smelting),
                        ("reduction", |t| t.process_reduction),
                        ("blending", |t| t.process_blending),
                        ("splitting", |t| t.process_splitting),
                        ("sintering", |t| t.process_sintering),
                        ("bonding", |t| t.process_bonding),
                        ("machining", |t| t.process_machining),
                        ("assembling", |t| t.process_assembling),
                        ("recycling", |t| t.process_recycling),
                    ]),
                ),
                must("transform.facility", ["Facility", "施設"], Kind::Facility),
                field("transform.recycling_class", ["If it is recycling", "リサイクルの区分"], RECYCLING),
            ]),
            each(
                ["Taken in", "投入"],
                "transform.inputs",
                &[
                    must("lot", ["Lot", "ロット"], Kind::Lot),
                    must("mass", ["Mass taken", "投入質量"], Kind::Mass),
                ],
            ),
            each(
                ["Made", "産出"],
                "transform.outputs",
                new_lot!(
                    "lot",
                    must(
                        "role",
                        ["As", "区分"],
                        Kind::Choice(&[
                            ("product", |t| t.role_product),
                            ("by product", |t| t.role_by_product),
                            ("residue", |t| t.material_residue)
                        ]),
                    )
                ),
            ),
        ],
    },
    Form {
        name: "ship",
        title: ["Ship lots", "出荷"],
        use_for: ["offered to one receiver, weighed and sealed", "秤量・封印して受取人へ"],
        groups: &[
            each(
                ["Lots", "ロット"],
                "ship.lots",
                &[
                    must("lot", ["Lot", "ロット"], Kind::Lot),
                    must("mass", ["Weighed at dispatch", "出荷時の質量"], Kind::Mass),
                    field("seals", ["Seals", "封印"], Kind::List),
                ],
            ),
            titled(
                ["The shipment", "出荷の内容"],
                &[
                    must("ship.receiver", ["Receiver", "受取人"], Kind::Member),
                    must(
                        "ship.transfer",
                        ["What passes", "移転するもの"],
                        Kind::Choice(&[
                            ("custody and ownership", |t| t.passes_both),
                            ("custody", |t| t.passes_custody),
                            ("ownership", |t| t.passes_ownership),
                        ]),
                    ),
                    must(
                        "ship.purpose",
                        ["Purpose", "目的"],
                        Kind::Choice(&[
                            ("sale", |t| t.for_sale),
                            ("tolling", |t| t.for_tolling),
                            ("return", |t| t.for_return),
                            ("recall", |t| t.for_recall),
                        ]),
                    ),
                    must(
                        "ship.mode",
                        ["Transport", "輸送"],
                        Kind::Choice(&[
                            ("road", |t| t.by_road),
                            ("rail", |t| t.by_rail),
                            ("sea", |t| t.by_sea),
                            ("air", |t| t.by_air),
                            ("inland water", |t| t.by_water),
                        ]),
                    ),
                    field("ship.carrier", ["Carrier", "運送人"], Kind::Member),
                    must("ship.from_facility", ["From", "出荷元"], Kind::Facility),
                    field("ship.to_facility", ["To", "届け先"], Kind::Text),
                    field("ship.permits", ["Permits", "許可"], Kind::List),
                ],
            ),
        ],
    },
    Form {
        name: "accept",
        title: ["Accept a shipment", "受入れ"],
        use_for: [
            "your own weighing and a look at the seals; a difference is recorded, never hidden",
            "受入れ時の秤量と封印確認。差異はそのまま記録されます",
        ],
        groups: &[
            each(
                ["Lots of the shipment, every one", "出荷に含まれる全ロット"],
                "accept.lots",
                &[
                    must("lot", ["Lot", "ロット"], Kind::Text),
                    must("mass", ["Weighed on arrival", "受入れ時の質量"], Kind::Mass),
                    must(
                        "seals",
                        ["Seals", "封印の状態"],
                        Kind::Choice(&[
                            ("intact", |t| t.seals_intact),
                            ("broken", |t| t.seals_broken),
                            ("different", |t| t.seals_different),
                            ("absent", |t| t.seals_absent),
                        ]),
                    ),
                ],
            ),
            plain(&[must("accept.facility", ["Where it is now", "受入れ施設"], Kind::Facility)]),
        ],
    },
    Form {
        name: "assay",
        title: ["Record an assay", "分析値を記録"],
        use_for: ["a measured composition of a lot", "ロットの測定成分"],
        groups: &[plain(&[
            must("assay.lot", ["Lot", "ロット"], Kind::Lot),
            must("assay.composition.contents", ["Contents", "成分"], Kind::Contents),
            must("assay.composition.method", ["Method", "分析方法"], Kind::Text),
            field("assay.composition.laboratory", ["Laboratory", "分析所"], Kind::Member),
            must(
                "assay.composition.stage",
                ["Stage", "段階"],
                Kind::Choice(&[
                    ("provisional", |t| t.assay_provisional),
                    ("producer", |t| t.assay_producer),
                    ("seller", |t| t.assay_seller),
                    ("buyer", |t| t.assay_buyer),
                    ("umpire", |t| t.assay_umpire),
                    ("final", |t| t.assay_final),
                ]),
            ),
            field("assay.sample", ["Sample", "試料"], Kind::Text),
        ])],
    },
];

/// The form of this name.
pub(crate) fn form(name: &str) -> Option<&'static Form> {
    FORMS.iter().find(|form| form.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_choice_is_a_word_that_the_importer_knows() {
        for form in FORMS {
            for group in form.groups {
                for field in group.fields {
                    let Kind::Choice(choices) = field.kind else { continue };
                    for (word, _) in choices.iter().filter(|(word, _)| !word.is_empty()) {
                        let json = nested(group.list, field.path, word);
                        let read = ore_exchange::json::record_from_json(&json);
                        assert!(read.is_ok(), "{}: {word}: {read:?}", field.path);
                    }
                }
            }
        }
    }

    /// The record in which only this field is stated.
    fn nested(list: Option<&str>, path: &str, word: &str) -> serde_json::Value {
        let below =
            path.rsplit('.').fold(serde_json::json!(word), |inner, name| serde_json::json!({ name: inner }));
        match list {
            None => below,
            Some(list) => list
                .rsplit('.')
                .fold(serde_json::json!([below]), |inner, name| serde_json::json!({ name: inner })),
        }
    }
}
