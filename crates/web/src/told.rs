//! What the ledger says in English, in the reader's language: findings, faults of forms, words of the origin check.
//!
//! The node, its rules and the importer speak one language, so that a page, a call and a terminal say the same. Here
//! the frequent sentences have a translation, each with places `{}` for its values; what has none stays in English,
//! and nothing is lost.

use std::borrow::Cow;

use crate::Language;

/// The text in this language, or as it is.
pub(crate) fn told(language: Language, text: &str) -> Cow<'_, str> {
    if language == Language::English {
        return Cow::Borrowed(text);
    }
    let found = SENTENCES.iter().find_map(|(english, japanese)| {
        let values = values(english, text)?;
        Some(crate::locale::fill(japanese, &values))
    });
    found.map_or(Cow::Borrowed(text), Cow::Owned)
}

/// What stands at the places of a pattern; none when the text is another sentence. Values are as short as they can be.
fn values<'a>(pattern: &str, text: &'a str) -> Option<Vec<&'a str>> {
    let mut parts = pattern.split("{}");
    let mut rest = text.strip_prefix(parts.next()?)?;
    let mut values = Vec::new();
    let mut parts = parts.peekable();
    while let Some(part) = parts.next() {
        let end = match parts.peek() {
            // The last part ends the text.
            None => rest.len().checked_sub(part.len()).filter(|end| rest.get(*end..) == Some(part))?,
            Some(_) => rest.find(part)?,
        };
        values.push(&rest[..end]);
        rest = &rest[end + part.len()..];
    }
    rest.is_empty().then_some(values)
}

/// English with places, Japanese with their numbers. The more special stands above the more general.
const SENTENCES: &[(&str, &str)] = &[
    // titles of the rules
    ("coordinates lie outside the stated country", "座標が申告国の外にある"),
    ("inputs are in no output, residue or declared loss", "投入物が産出・残渣・申告損失のいずれにもない"),
    ("a stocktake differs from the books", "棚卸が帳簿と異なる"),
    ("more metal came out than went in", "投入より多くの金属が産出された"),
    ("recovery lies outside the facility's own band", "回収率が施設自身の範囲を外れている"),
    ("figures are suspiciously perfect", "数値が不自然に整っている"),
    ("received and dispatched mass differ", "受入質量と出荷質量が異なる"),
    ("output exceeds capacity or a permitted quantity", "産出が能力または許可数量を超えている"),
    (
        "a tag was not issued to the site, void, used before or applied late",
        "タグがその場所に発行されていない、無効、使用済み、または後から付けられた",
    ),
    (
        "no extraction permit covers holder, site, mineral and date",
        "保有者・場所・鉱物・日付に合う採掘許可がない",
    ),
    (
        "no transport permit covers mineral, quantity and the whole journey",
        "鉱物・数量・全行程に合う輸送許可がない",
    ),
    ("the mine's status did not allow export", "鉱山の状態では輸出が認められない"),
    ("the export certificate does not fit the shipment", "輸出証明が出荷に合わない"),
    ("declared origin and computed provenance differ", "申告原産地と計算された来歴が異なる"),
    (
        "no tax, fee or royalty is recorded for a high-risk area",
        "高リスク地域の税・手数料・使用料の記録がない",
    ),
    (
        "origin or transit in a conflict-affected or high-risk area",
        "紛争影響・高リスク地域が原産または経由地",
    ),
    ("the claimed country produces no such mineral", "申告国はその鉱物を産出しない"),
    ("the smelter or refiner is not on the conformant list", "製錬・精製者が適合リストにない"),
    ("a member or its owner is on a sanctions list", "会員またはその所有者が制裁リストにある"),
    ("a trace pattern speaks against the claimed origin", "微量元素パターンが申告原産地に反する"),
    ("a claimed origin cannot be assessed", "申告原産地を評価できない"),
    ("taken before it was made, or received before it was sent", "生成前の投入、または出荷前の受領"),
    ("faster than its means of transport", "輸送手段より速い移動"),
    ("one lot, item or seal in two places at once", "一つのロット・品・封印が同時に二か所にある"),
    ("appears elsewhere without a movement", "移動記録なしに別の場所に現れる"),
    ("an offer unanswered or a journey unfinished for too long", "未回答の提示または未完の輸送が長すぎる"),
    ("seals at receipt differ from seals at dispatch", "受領時の封印が出荷時と異なる"),
    ("identity preserved, yet more than one source", "同一性保持なのに供給元が複数ある"),
    ("segregated, yet an input lacks the characteristic", "分別管理なのに特性を欠く投入がある"),
    ("recycled content claimed above the computed one", "再生材含有率の主張が計算値を上回る"),
    ("no attestation of an accredited issuer backs the claim", "認定発行者の証明が主張を裏付けていない"),
    ("a passport was issued on facts later corrected", "後に訂正された事実に基づくパスポート"),
    (
        "seller's and buyer's assays need an umpire, or were not blind",
        "売買双方の分析に審判分析が必要、または非盲検",
    ),
    (
        "a blend's trace pattern differs from the mix of its inputs",
        "混合物の微量元素パターンが投入物の混合と異なる",
    ),
    ("a signature that only the cofactored rule accepts", "余因子を許す規則だけが受理する署名"),
    (
        "two members claim the same tag, serial, seal or certificate",
        "二会員が同じタグ・番号・封印・証明書を主張",
    ),
    // what clears a finding
    (
        "a permit for this holder, site, mineral and date, or its reinstatement",
        "該当する保有者・場所・鉱物・日付の許可、またはその復活",
    ),
    ("a correction of times, places or means of transport", "時刻・場所・輸送手段の訂正"),
    (
        "an assay or weighing that shows where it came from, or a correction",
        "由来を示す分析・秤量、または訂正",
    ),
    ("a residue lot or a declared loss for it, or a correction", "該当する残渣ロット・申告損失、または訂正"),
    ("an explanation with weighings and assays, or a correction", "秤量・分析を伴う説明、または訂正"),
    (
        "a weighing both parties accept, or a moisture that explains the difference",
        "双方が認める秤量、または差を説明する水分",
    ),
    ("the missing records, or a corrected count", "欠けている記録、または訂正された棚卸"),
    ("the counting sheets, signed by somebody who was there", "立会者が署名した棚卸表"),
    ("the scale's own print-outs", "秤の印字記録"),
    ("a licence for more, or corrections that lower the output", "より大きな認可、または産出を下げる訂正"),
    ("a permit for more, or corrections that lower the quantity", "より大きな許可、または数量を下げる訂正"),
    ("a weaker model for the lot, or a correction of its inputs", "より弱い管理モデル、または投入の訂正"),
    (
        "a certificate for the input that lacks it, or a weaker model",
        "欠けている投入の証明、またはより弱い管理モデル",
    ),
    (
        "a new assay of blend and inputs, or the input that is missing in the record",
        "混合物と投入の再分析、または記録に欠けた投入",
    ),
    ("records of the recycled material, or a lower claim", "再生材の記録、またはより低い主張"),
    (
        "an attestation that held at that date, by an issuer accredited for its scheme",
        "その日に有効な、認定発行者による証明",
    ),
    ("a new passport on the corrected facts", "訂正後の事実に基づく新しいパスポート"),
    (
        "a new exchange in which both commit before either opens, or an umpire's assay",
        "双方が開示前に確約する再交換、または審判分析",
    ),
    ("an umpire's assay, or a settlement between the parties", "審判分析、または当事者間の和解"),
    ("a registration with the right place or country", "正しい場所または国での登録"),
    ("a list without it at that date, or a different owner", "その日に載っていないリスト、または別の所有者"),
    ("a correction of the declared country", "申告国の訂正"),
    (
        "a statement by the issuer of the tag, or a correction of the tag",
        "タグ発行者の説明、またはタグの訂正",
    ),
    ("a status that allows export on the day of extraction", "採掘日に輸出を認める状態"),
    (
        "nothing: it asks for enhanced due diligence, which the file should show",
        "なし。強化されたデューディリジェンスの記録が必要です",
    ),
    ("a record about the lot that names the receipt as a document", "領収書を文書として挙げるロットの記録"),
    (
        "evidence of production there, or a correction of mineral or country",
        "現地での産出の証拠、または鉱物・国の訂正",
    ),
    ("a list that names it at that date", "その日に載っているリスト"),
    (
        "a declaration of every country, or inputs of known origin",
        "全ての国の申告、または原産地の判明した投入",
    ),
    ("a permit for the mineral, the quantity and the whole journey", "鉱物・数量・全行程に対する許可"),
    (
        "a certificate of at most the stated days for this exporter, lot and mass",
        "この輸出者・ロット・質量に対する期限内の証明書",
    ),
    (
        "the author withdraws the record, states it again with an ordinary signature, and explains",
        "記録者が撤回し、通常の署名で再提出して説明する",
    ),
    (
        "a record that the seal was broken or void before, or a correction of one of the two",
        "封印が先に破られた・無効になった記録、または一方の訂正",
    ),
    (
        "an acceptance, a refusal or a cancellation; for a long journey, an explanation",
        "受領・拒否・取消。長い輸送には説明",
    ),
    (
        "a record of who opened the seals and why, or a new weighing and assay after receipt",
        "開封者と理由の記録、または受領後の秤量と分析",
    ),
    (
        "a correction of the time by the author whose clock was wrong",
        "時計が誤っていた記録者による時刻の訂正",
    ),
    ("a correction of the time or place of one of the two records", "二記録の一方の時刻または場所の訂正"),
    (
        "the missing shipment and receipt, or a correction of the place",
        "欠けている出荷と受領、または場所の訂正",
    ),
    (
        "an assay of a sample that a third party took, or a correction of what the lot is made of",
        "第三者が採取した試料の分析、またはロットの構成の訂正",
    ),
    (
        "what the reason names; until then the claim is neither supported nor contradicted",
        "理由に挙げたもの。それまで主張は支持も否定もされません",
    ),
    // findings, sentence by sentence
    (
        "no extraction permit covers {}: {} is for another mineral",
        "{0} に合う採掘許可がない：{1} は別の鉱物の許可",
    ),
    ("no extraction permit covers {}: {}", "{0} に合う採掘許可がない：{1}"),
    ("no transport permit covers the journey: {}", "行程に合う輸送許可がない：{0}"),
    ("no export certificate fits the shipment: {}", "出荷に合う輸出証明がない：{0}"),
    ("{} km from {} to {} in {} minutes", "{1} から {2} まで {0} km を {3} 分で移動"),
    ("{} differs by {} mg dry from what was sent", "{0} の乾燥質量が出荷時と {1} mg 異なる"),
    ("{} mg were counted, the books say {} mg", "実測 {0} mg、帳簿 {1} mg"),
    ("{} mg {} more came out than went in", "{1} の産出が投入より {0} mg 多い"),
    (
        "{} mg {} are in no output, residue or declared loss",
        "{1} {0} mg が産出・残渣・申告損失のいずれにもない",
    ),
    ("recovery of {} is {}, its own band is {}", "{0} の回収率は {1}、施設自身の範囲は {2}"),
    ("output of {} passes its capacity in {}", "{1} 年の {0} の産出が能力を超える"),
    ("{} is identity preserved and has {} sources", "{0} は同一性保持だが供給元が {1} ある"),
    (
        "{} is segregated; no characteristic holds for all inputs ({})",
        "{0} は分別管理だが、全投入に共通する特性がない（{1}）",
    ),
    (
        "{} claims {} recycled content, the records show less",
        "{0} は再生材含有率 {1} を主張するが、記録はそれを下回る",
    ),
    ("the claim for {} is not backed: {}", "{0} の主張に裏付けがない：{1}"),
    ("{} lies outside {}", "{0} は {1} の外にある"),
    ("{} is on the sanctions list ({})", "{0} は制裁リストにある（{1}）"),
    ("{} declares {}, its mine is in {}", "{0} の申告は {1}、鉱山は {2} にある"),
    ("{} declares {}, computed too: {}", "{0} の申告は {1}、計算では {2} も含まれる"),
    ("{} comes from a mine that may not export: {}", "{0} は輸出の認められない鉱山産：{1}"),
    ("{} was mined in {}, a listed area", "{0} は指定地域 {1} で採掘"),
    ("no tax, fee or royalty is recorded for {}", "{0} の税・手数料・使用料の記録がない"),
    ("{} claims {} from {}, which produces none", "{0} は {2} 産の {1} を主張するが、同国に産出はない"),
    ("{} is not on the conformant list at that date", "{0} はその日の適合リストにない"),
    ("mineral passes through {}, a listed area", "鉱物が指定地域 {0} を通過"),
    ("{} is taken before it was made", "{0} は生成前に投入された"),
    ("{} is received before it was sent", "{0} は出荷前に受領された"),
    ("an offer to {} {} for {} days", "{0} への提示が {2} 日間続いている（{1}）"),
    ("seals of {} are {} at receipt", "{0} の封印が受領時に {1}"),
    ("{} is at {} while another record has it {}", "{0} は {1} にあるが、別の記録では {2}"),
    ("{} was at {} and appears at {}", "{0} は {1} にあったが {2} に現れる"),
    ("seal {} is put on {} while it is on {}", "封印 {0} は {2} にあるのに {1} に付けられた"),
    ("assays of {} were not exchanged blind", "{0} の分析は盲検で交換されていない"),
    ("assays of {} in {} are further apart than the splitting limit", "{0} の {1} の分析差が許容差を超える"),
    ("the trace pattern of {} speaks against {}: {}", "{0} の微量元素パターンは {1} に反する：{2}"),
    ("{} as the origin of {} is not assessable: {}", "{1} の原産地 {0} は評価できない：{2}"),
    // names of numbers
    ("distance", "距離"),
    ("time", "時間"),
    ("variance", "差異"),
    ("recovery", "回収率"),
    ("sources", "供給元"),
    ("likelihood ratio", "尤度比"),
    ("shipped", "出荷"),
    // faults of forms
    ("the record does not say when it happened", "発生日時が記入されていません"),
    ("give date and time", "日付と時刻を記入してください"),
    ("the ledger has no lot {}", "台帳にロット {0} はありません"),
    (
        "check the number on the label; lots are written member/number",
        "ラベルの番号を確認してください。ロットは「会員/番号」と書きます",
    ),
    ("nobody has an open offer on lot {}", "ロット {0} への有効な出荷提示がありません"),
    (
        "a lot is accepted after it was shipped to you; look at its page",
        "受入れは自社宛てに出荷された後にできます。ロットのページを確認してください",
    ),
    ("the record is {}'s, and {} signs", "記録者は {0}、署名者は {1} です"),
    ("there is nothing to draft: no row below a header", "見出しの下に行がなく、作成する記録がありません"),
    (
        "at most 1,000 records at once; split the file",
        "一度に 1,000 記録までです。ファイルを分割してください",
    ),
    ("at most 2 MiB at once; split the file", "一度に 2 MiB までです。ファイルを分割してください"),
    ("author: name the member who signs", "署名する会員を記入してください"),
    ("the mass has two units", "質量に単位が二つあります"),
    ("the mass has two values", "質量に値が二つあります"),
    ("the mass has no unit", "質量に単位がありません"),
    ("the mass has no {}", "質量に {0} がありません"),
    ("write one value with one unit", "値と単位は一つずつ記入してください"),
    ("for example {}", "例：{0}"),
    ("{} is stated twice", "{0} が二度書かれています"),
    ("stated twice", "二度書かれています"),
    (
        "state each element once, as the element or as one oxide",
        "各元素は、元素または一つの酸化物として一度だけ記入してください",
    ),
    ("{} is not known here", "{0} は使えない値です"),
    ("did you mean {}?", "{0} のことですか"),
    ("one of: {}", "次のいずれか：{0}"),
    ("known here: {}", "使えるもの：{0}"),
    ("{} is not a whole number", "{0} は整数ではありません"),
    ("{} is not a time", "{0} は時刻として読めません"),
    ("write date, time and offset as in {}", "{0} のように日付・時刻・時差を書いてください"),
    ("{} is out of range for this field", "{0} はこの欄の範囲外です"),
    ("{} has no field of this name", "{0} にこの名前の欄はありません"),
    ("write all digits", "全桁を記入してください"),
    ("the record has no event", "記録の内容がありません"),
    (
        "{} is neither an element's symbol (as in Ta, not TA) nor an oxide such as Ta2O5",
        "{0} は元素記号（TA ではなく Ta）でも Ta2O5 のような酸化物でもありません",
    ),
    ("no header stands above this row", "この行の上に見出し行がありません"),
    ("the column {} is missing", "列 {0} がありません"),
    ("template {} needs it", "ひな形 {0} に必要です"),
    ("template {} has no column of this name", "ひな形 {0} にこの名前の列はありません"),
    ("the first cell is empty", "最初のセルが空です"),
    ("rows of one record have the same text there", "一つの記録の行は同じ文字列にしてください"),
    ("differs from the row of line {} for the same record", "同じ記録の {0} 行目と異なります"),
    ("say it once, in the first row", "最初の行に一度だけ書いてください"),
    ("keep the rows of one record together", "一つの記録の行は続けて書いてください"),
    // refusals
    ("no record creates lot {}", "ロット {0} を生成した記録はありません"),
    ("there is no form {}", "フォーム {0} はありません"),
    (
        "this caller has had as much computed as it may for now",
        "この利用者の計算量が上限に達しました。しばらくしてから再度お試しください",
    ),
    // the origin check
    ("moderate support for the claim", "主張を中程度に支持"),
    ("weak support for the claim", "主張を弱く支持"),
    ("no support either way", "どちらも支持しない"),
    ("weak support for another origin", "別の原産地を弱く支持"),
    ("moderate support for another origin", "別の原産地を中程度に支持"),
    ("the claim was not committed before the assay was revealed", "主張が分析の開示より前に確約されていない"),
    ("{} different origins were claimed for the lot", "このロットに {0} つの異なる原産地が主張されている"),
    ("no record claims an origin for the lot", "このロットの原産地を主張する記録がない"),
    ("no assay of the lot shows a trace pattern", "微量元素パターンを示す分析がこのロットにない"),
    ("the lot is {}, the library is of {}", "ロットは {0}、参照ライブラリーは {1}"),
    ("mineral {} is not known", "鉱物 {0} は未知"),
    ("{} carries the pattern of its reagents, not of its ore", "{0} は鉱石ではなく試薬のパターンを持つ"),
    ("origin {} is not in the library", "原産地 {0} は参照ライブラリーにない"),
    (
        "the claimed origin has {} reference samples, {} are needed",
        "申告原産地の参照試料は {0}、必要数は {1}",
    ),
    ("the lot has no analysis", "ロットの分析がない"),
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
    ("out of line with its neighbours in ln units: {}", "隣接元素と不整合（ln 単位）：{0}"),
    ("only {} rare earths observed", "測定された希土類は {0} のみ"),
    ("concentrations", "濃度"),
    ("shape", "形状"),
    ("well mixed", "完全混合"),
    (
        "ISO 14021, common reading: the class that the recycler declared",
        "ISO 14021 一般的解釈：再生業者の申告区分による",
    ),
];

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

    #[test]
    fn every_rule_and_every_word_of_the_origin_check_is_told() {
        let english: Vec<&str> = ore_findings::Rule::ALL.iter().map(|rule| rule.title()).collect();
        for title in english {
            assert_ne!(told(Language::Japanese, title), title);
        }
    }

    #[test]
    fn each_sentence_is_there_once_with_the_same_places() {
        for (at, (english, japanese)) in SENTENCES.iter().enumerate() {
            let places = english.matches("{}").count();
            for place in 0..places {
                assert!(japanese.contains(&format!("{{{place}}}")), "{english}: {place}");
            }
            assert!(!japanese.contains(&format!("{{{places}}}")), "{english}");
            assert!(SENTENCES[..at].iter().all(|(other, _)| other != english), "{english} is there twice");
            // A more general sentence above would hide this one.
            assert!(
                SENTENCES[..at].iter().all(|(other, _)| values(other, &english.replace("{}", "x")).is_none()),
                "{english} is hidden"
            );
        }
    }
}
