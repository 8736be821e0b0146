//! The forms as a table: which field of a record each input is. Paths are those of JSON Lines, so a fault names its input.
//!
//! A choice's value is the enum's word; its label is the same word in English, and has its own in Japanese.

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
    /// One of these: value, and Japanese. The first is chosen unless it is optional.
    Choice(&'static [(&'static str, &'static str)]),
}

const fn field(path: &'static str, label: [&'static str; 2], kind: Kind) -> Field {
    Field { path, label, kind, required: false }
}

const fn must(path: &'static str, label: [&'static str; 2], kind: Kind) -> Field {
    Field { path, label, kind, required: true }
}

/// Units of mass that people weigh in.
pub(crate) const UNITS: [&str; 7] = ["kg", "g", "t", "mg", "dt", "ozt", "lb"];

const MATERIALS: Kind = Kind::Choice(&[
    ("ore", "鉱石"),
    ("concentrate", "精鉱"),
    ("intermediate", "中間品"),
    ("metal", "金属"),
    ("sputtering target", "スパッタリングターゲット"),
    ("component", "部品"),
    ("finished product", "完成品"),
    ("scrap", "スクラップ"),
    ("residue", "残渣"),
]);
const MODELS: Kind = Kind::Choice(&[
    ("segregated", "分別管理"),
    ("identity preserved", "同一性保持"),
    ("controlled blending", "管理混合"),
    ("mass balance", "マスバランス"),
    ("book and claim", "ブックアンドクレーム"),
]);
const RECYCLING: Kind = Kind::Choice(&[
    ("", "該当なし"),
    ("internal", "工程内"),
    ("pre consumer", "使用前"),
    ("post consumer", "使用済み"),
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
        groups: &[Group {
            title: ["", ""],
            list: None,
            fields: &[
                must("register_facility.facility.id", ["Facility id", "施設 ID"], Kind::NewId),
                must("register_facility.facility.name", ["Name", "名称"], Kind::Text),
                must(
                    "register_facility.facility.kind",
                    ["Kind", "種別"],
                    Kind::Choice(&[
                        ("refinery", "製錬所（精製）"),
                        ("smelter", "製錬所"),
                        ("concentrator", "選鉱場"),
                        ("mine", "鉱山"),
                        ("powder plant", "粉末工場"),
                        ("target plant", "ターゲット工場"),
                        ("fab", "半導体工場"),
                        ("recycler", "リサイクル工場"),
                        ("laboratory", "分析所"),
                        ("warehouse", "倉庫"),
                        ("port", "港"),
                    ]),
                ),
                must(
                    "register_facility.facility.country",
                    ["Country (two letters)", "国（2 文字）"],
                    Kind::Text,
                ),
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
            ],
        }],
    },
    Form {
        name: "commission",
        title: ["Register a lot", "ロットを登録"],
        use_for: [
            "mined here, collected as scrap, or brought in without a past",
            "採掘・スクラップ回収・来歴のない持込み",
        ],
        groups: &[
            Group {
                title: ["", ""],
                list: None,
                fields: &[
                    must(
                        "commission.kind",
                        ["How it came", "由来"],
                        Kind::Choice(&[
                            ("extracted", "採掘"),
                            ("collected scrap", "スクラップ回収"),
                            ("declared unknown", "起源不明として申告"),
                        ]),
                    ),
                    field("commission.scrap_class", ["If it is scrap", "スクラップの区分"], RECYCLING),
                    field("commission.attestations", ["Permits and certificates", "許可・証明"], Kind::List),
                ],
            },
            Group { title: ["The lot", "ロット"], list: None, fields: new_lot!("commission.lot") },
        ],
    },
    Form {
        name: "transform",
        title: ["Transform lots", "加工を記録"],
        use_for: ["what went in, and what came of it", "投入と産出"],
        groups: &[
            Group {
                title: ["", ""],
                list: None,
                fields: &[
                    must(
                        "transform.process",
                        ["Process", "工程"],
                        Kind::Choice(&[
                            ("refining", "精製"),
                            ("crushing", "破砕"),
                            ("concentrating", "選鉱"),
                            ("smelting", "製錬"),
                            ("reduction", "還元"),
                            ("blending", "混合"),
                            ("splitting", "分割"),
                            ("sintering", "焼結"),
                            ("bonding", "接合"),
                            ("machining", "機械加工"),
                            ("assembling", "組立"),
                            ("recycling", "リサイクル"),
                        ]),
                    ),
                    must("transform.facility", ["Facility", "施設"], Kind::Facility),
                    field("transform.recycling_class", ["If it is recycling", "リサイクルの区分"], RECYCLING),
                ],
            },
            Group {
                title: ["Taken in", "投入"],
                list: Some("transform.inputs"),
                fields: &[
                    must("lot", ["Lot", "ロット"], Kind::Lot),
                    must("mass", ["Mass taken", "投入質量"], Kind::Mass),
                ],
            },
            Group {
                title: ["Made", "産出"],
                list: Some("transform.outputs"),
                fields: new_lot!(
                    "lot",
                    must(
                        "role",
                        ["As", "区分"],
                        Kind::Choice(&[("product", "製品"), ("by product", "副産物"), ("residue", "残渣")]),
                    )
                ),
            },
        ],
    },
    Form {
        name: "ship",
        title: ["Ship lots", "出荷"],
        use_for: ["offered to one receiver, weighed and sealed", "秤量・封印して受取人へ"],
        groups: &[
            Group {
                title: ["Lots", "ロット"],
                list: Some("ship.lots"),
                fields: &[
                    must("lot", ["Lot", "ロット"], Kind::Lot),
                    must("mass", ["Weighed at dispatch", "出荷時の質量"], Kind::Mass),
                    field("seals", ["Seals", "封印"], Kind::List),
                ],
            },
            Group {
                title: ["The shipment", "出荷の内容"],
                list: None,
                fields: &[
                    must("ship.receiver", ["Receiver", "受取人"], Kind::Member),
                    must(
                        "ship.transfer",
                        ["What passes", "移転するもの"],
                        Kind::Choice(&[
                            ("custody and ownership", "占有と所有"),
                            ("custody", "占有"),
                            ("ownership", "所有"),
                        ]),
                    ),
                    must(
                        "ship.purpose",
                        ["Purpose", "目的"],
                        Kind::Choice(&[
                            ("sale", "販売"),
                            ("tolling", "委託加工"),
                            ("return", "返品"),
                            ("recall", "回収"),
                        ]),
                    ),
                    must(
                        "ship.mode",
                        ["Transport", "輸送"],
                        Kind::Choice(&[
                            ("road", "道路"),
                            ("rail", "鉄道"),
                            ("sea", "海上"),
                            ("air", "航空"),
                            ("inland water", "内水"),
                        ]),
                    ),
                    field("ship.carrier", ["Carrier", "運送人"], Kind::Member),
                    must("ship.from_facility", ["From", "出荷元"], Kind::Facility),
                    field("ship.to_facility", ["To", "届け先"], Kind::Text),
                    field("ship.permits", ["Permits", "許可"], Kind::List),
                ],
            },
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
            Group {
                title: ["Lots of the shipment, every one", "出荷に含まれる全ロット"],
                list: Some("accept.lots"),
                fields: &[
                    must("lot", ["Lot", "ロット"], Kind::Text),
                    must("mass", ["Weighed on arrival", "受入れ時の質量"], Kind::Mass),
                    must(
                        "seals",
                        ["Seals", "封印の状態"],
                        Kind::Choice(&[
                            ("intact", "異常なし"),
                            ("broken", "破損"),
                            ("different", "別の封印"),
                            ("absent", "なし"),
                        ]),
                    ),
                ],
            },
            Group {
                title: ["", ""],
                list: None,
                fields: &[must("accept.facility", ["Where it is now", "受入れ施設"], Kind::Facility)],
            },
        ],
    },
    Form {
        name: "assay",
        title: ["Record an assay", "分析値を記録"],
        use_for: ["a measured composition of a lot", "ロットの測定成分"],
        groups: &[Group {
            title: ["", ""],
            list: None,
            fields: &[
                must("assay.lot", ["Lot", "ロット"], Kind::Lot),
                must("assay.composition.contents", ["Contents", "成分"], Kind::Contents),
                must("assay.composition.method", ["Method", "分析方法"], Kind::Text),
                field("assay.composition.laboratory", ["Laboratory", "分析所"], Kind::Member),
                must(
                    "assay.composition.stage",
                    ["Stage", "段階"],
                    Kind::Choice(&[
                        ("provisional", "暫定"),
                        ("producer", "生産者"),
                        ("seller", "売主"),
                        ("buyer", "買主"),
                        ("umpire", "第三者"),
                        ("final", "最終"),
                    ]),
                ),
                field("assay.sample", ["Sample", "試料"], Kind::Text),
            ],
        }],
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
                    for (word, japanese) in choices.iter().filter(|(word, _)| !word.is_empty()) {
                        assert!(!japanese.is_empty(), "{}: {word}", field.path);
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
