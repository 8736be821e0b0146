//! The origin check.

use super::Row;

/// Said by itself.
pub(super) const SENTENCES: &[Row] = &[
    ("moderate support for the claim", "主張を中程度に支持"),
    ("weak support for the claim", "主張を弱く支持"),
    ("no support either way", "どちらも支持しない"),
    ("weak support for another origin", "別の原産地を弱く支持"),
    ("moderate support for another origin", "別の原産地を中程度に支持"),
    ("the claim was not committed before the assay was revealed", "主張が分析の開示より前に確約されていない"),
    ("{} different origins were claimed for the lot", "このロットに {0} つの異なる原産地が主張されている"),
    ("no record claims an origin for the lot", "このロットの原産地を主張する記録がない"),
    ("no assay of the lot shows a trace pattern", "微量元素パターンを示す分析がこのロットにない"),
    ("the lot is {words}, the library is of {words}", "ロットは {0}、参照ライブラリーは {1}"),
    ("mineral {} is not known", "鉱物 {0} は未知"),
    ("{words} carries the pattern of its reagents, not of its ore", "{0} は鉱石ではなく試薬のパターンを持つ"),
    ("origin {} is not in the library", "原産地 {0} は参照ライブラリーにない"),
    (
        "the claimed origin has {} reference samples, {} are needed",
        "申告原産地の参照試料は {0}、必要数は {1}",
    ),
    (
        "the origin was not measured by {}, and the library cannot say how laboratories differ",
        "原産地は {0} では測定されておらず、分析所間の差も参照ライブラリーから分からない",
    ),
    ("the lot has no analysis", "ロットの分析がない"),
    ("{} spots, at most {} are assessed", "測定点が {0} あり、評価できるのは {1} まで"),
    ("spot {}: {words}", "測定点 {0}：{1}"),
    (
        "{} rare earths observed, {} are needed (disturbed by the method: {} of them)",
        "測定された希土類は {0}、必要数は {1}（うち方法に乱されたもの {2}）",
    ),
    (
        "{} of {} spots have implausible patterns: columns or units may be mixed up",
        "{1} 測定点のうち {0} のパターンが不自然。列または単位の取り違えの可能性",
    ),
    (
        "concentrations are {} times those of the library: wrong unit?",
        "濃度が参照ライブラリーの {0} 倍。単位の誤りの可能性",
    ),
    ("{} usable spot, {} are needed to speak of a lot", "使える測定点は {0}、ロットの評価には {1} が必要"),
    ("the library cannot be used: {words}", "参照ライブラリーを使えない：{0}"),
    (
        "the spots are normalised differently; report all in one unit or to one chondrite",
        "測定点の規格化が異なる。一つの単位またはコンドライトに統一が必要",
    ),
    (
        "the library is SYNTHETIC: no place on earth has these patterns",
        "参照ライブラリーは人工データ（SYNTHETIC）：実在の産地ではありません",
    ),
    (
        "this is no probability that the claim is true, and no statement about who mined or how",
        "主張が真である確率ではなく、採掘者や採掘方法についての判断でもありません",
    ),
    (
        "the alternative is the rest of this library, not the rest of the world",
        "比較対象は世界全体ではなく、このライブラリーの他の原産地です",
    ),
    ("a bulk assay does not show a blend below about half", "全岩分析では半分程度以下の混合は検出できません"),
    (
        "the claimed origin was measured by the lot's laboratory and method",
        "申告原産地はロットと同じ分析所・方法で測定",
    ),
    (
        "another laboratory than the reference's: widened by what laboratories differ on {} origins",
        "参照と別の分析所：{0} 原産地での分析所間差だけ幅を広げた",
    ),
    (
        "another laboratory than the reference's: widened by an ASSUMED difference",
        "参照と別の分析所：仮定した差だけ幅を広げた",
    ),
    (
        "insufficient reference: {} samples and {} scores of the origin, 3 and 19 are needed",
        "参照不足：原産地の試料 {0}、得点 {1}（必要数 3 と 19）",
    ),
    ("the calibration is of other laboratories", "較正が別の分析所のもの"),
    ("no spot observed the elements of the calibration", "較正の元素を測定した測定点がない"),
    ("out of line with its neighbours in ln units: {words}", "隣接元素と不整合（ln 単位）：{0}"),
    ("only {} rare earths observed", "測定された希土類は {0} のみ"),
    ("concentrations", "濃度"),
    ("shape", "形状"),
    ("well mixed", "完全混合"),
    (
        "ISO 14021, common reading: the class that the recycler declared",
        "ISO 14021 一般的解釈：再生業者の申告区分による",
    ),
];

/// Said inside a sentence only.
pub(super) const FRAGMENTS: &[Row] = &[
    ("{} grains", "{0} の粒子"),
    ("bulk {} ore or concentrate", "{0} の鉱石・精鉱（全岩）"),
    ("unknown mineral {}", "未知の鉱物 {0}"),
    ("refined salt", "精製塩"),
    ("refined oxide", "精製酸化物"),
    ("metal", "金属"),
    ("carbide", "炭化物"),
    ("recycled material", "再生材"),
    // One reason, whose two halves are told one after the other.
    ("unit {} is not known", "単位 {0} は未知"),
    (
        "use ppm, ppb, wt%, or a chondrite such as {}",
        "使えるのは ppm、ppb、wt%、または {0} などのコンドライト",
    ),
    ("{} is reported twice", "{0} が二度報告されている"),
    (
        "{} is {}; an amount is positive, and below detection is reported as such",
        "{0} が {1}。量は正の値で、検出限界未満はそのように報告が必要",
    ),
    (
        "the rare earths add up to {} ppm, more than the whole sample: wrong unit?",
        "希土類の合計が {0} ppm で試料全体を超える。単位の誤りの可能性",
    ),
    ("the library cannot be read", "参照ライブラリーを読めない"),
    (
        "a library needs two origins with complete patterns, found {}",
        "全元素の揃った原産地が二つ必要だが、{0} しかない",
    ),
    ("{} analyses, at most 10,000 make a library", "分析が {0} 件あり、参照ライブラリーは 10,000 件まで"),
    (
        "the analyses of the library do not vary within origins",
        "参照ライブラリーの分析が原産地の中でばらつかない",
    ),
    ("{} by {}, {words}", "{0} {1}、{2}"),
    ("{} by {}", "{0} {1}"),
];
