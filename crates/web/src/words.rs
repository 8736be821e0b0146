//! Every text of the pages, in every language: one row each, so that none can be without a translation.
//!
//! `{0}`, `{1}` are places for values ([`crate::locale::fill`]). Words of the trade follow RFC 9162, EPCIS and ISO 22095.

/// Makes the type with a field for each text, and its two values.
macro_rules! words {
    ($($name:ident: $english:literal, $japanese:literal;)*) => {
        /// The texts in one language.
        #[allow(missing_docs)]
        #[derive(Debug)]
        pub struct Words { $(pub $name: &'static str,)* }
        /// English.
        pub static EN: Words = Words { $($name: $english,)* };
        /// Japanese.
        pub static JA: Words = Words { $($name: $japanese,)* };
        /// Name, English and Japanese of every text.
        pub const ALL: &[(&str, &str, &str)] = &[$((stringify!($name), $english, $japanese),)*];
    };
}

words! {
    // the frame
    product: "Oreledger", "Oreledger";
    skip: "Skip to content", "本文へ移動";
    menu: "Main", "主メニュー";
    nav_ledger: "Ledger", "台帳";
    nav_lots: "Lots", "ロット";
    nav_findings: "Findings", "指摘事項";
    nav_balance: "Mass balance", "物質収支";
    nav_circularity: "Circularity", "循環";
    nav_enter: "Enter data", "記録する";
    nav_verify: "Verify", "検証";
    search: "Search", "検索";
    search_label: "Lot, serial number, member or tag", "ロット・製造番号・会員・タグ";
    language: "Language", "言語";
    sign_in: "Sign in", "サインイン";
    sign_out: "Sign out", "サインアウト";
    signed_in_as: "Signed in as {0}", "{0} としてサインイン中";
    open_ledger: "open to everybody", "誰でも閲覧可";
    as_of: "As of entry", "時点（項目番号）";
    as_of_now: "newest", "最新";
    as_of_shown: "Shown as of entry {0} of {1}", "{1} 項目中 {0} 項目時点の表示";
    as_of_newest: "Shown as of the newest entry, {0}", "最新の項目 {0} 時点の表示";
    as_of_go: "Show", "表示";
    as_of_back: "Back to newest", "最新に戻る";
    footer_node: "Node of {0}, version {1}", "{0} のノード、版 {1}";
    footer_origin: "Ledger {0}, block {1}, {2} entries", "台帳 {0}、ブロック {1}、{2} 項目";
    footer_word: "What stands here is this node's word. A bundle proves it without the node.", "このページの内容は本ノードの回答です。バンドルがあればノードに頼らず証明できます。";
    none: "none", "なし";
    not_stated: "not stated", "記載なし";
    unknown: "unknown", "不明";
    more: "More", "続き";
    entries: "entries", "項目";

    // refusals
    error_sign_in: "Please sign in", "サインインが必要です";
    error_denied: "Not for your eyes", "閲覧権限がありません";
    error_not_found: "There is no such page", "ページが見つかりません";
    error_bad: "The question cannot be read", "要求を読み取れません";
    error_later: "Not now", "しばらくお待ちください";
    error_broken: "The node is at fault", "ノードの障害です";
    error_next_sign_in: "This ledger is for its members. Sign in with a token of your member's key.", "この台帳は会員専用です。会員の鍵で作ったトークンでサインインしてください。";
    error_next_denied: "Ask a member who holds, made or owns the lot for a share link.", "ロットを保有・製造・所有する会員に共有リンクを依頼してください。";
    error_next_not_found: "Check the address, or search for the lot.", "アドレスを確認するか、ロットを検索してください。";
    error_next_later: "Reload the page in a moment.", "少し待ってから再読み込みしてください。";
    error_next_broken: "The operator of this node has been told.", "ノードの運用者に通知されました。";

    // session
    session_title: "Sign in with your member's key", "会員の鍵でサインイン";
    session_how: "On the machine that has your key, run this and paste what it prints. The key stays where it is; the token is good for ten minutes and opens one session.", "鍵のある端末で次を実行し、出力を貼り付けてください。鍵は端末から出ません。トークンは十分間有効で、一つのセッションを開きます。";
    session_token: "Token", "トークン";
    session_bad: "This token does not open a session: {0}", "このトークンではサインインできません：{0}";

    // pages for a script
    needs_script: "This page works in your browser alone and needs its script.", "このページはブラウザー内で動作し、スクリプトが必要です。";
    verify_title: "Verify without trusting this node", "このノードを信用せずに検証";
    verify_intro: "Drop a bundle or a receipt. It is checked in your browser by code that asks no node; each step is shown.", "バンドルまたは受領証をドロップしてください。ノードに問い合わせず、ブラウザー内のコードが一段ずつ検証します。";
    verify_drop: "Drop a bundle (.orebundle) or a receipt (.tlog-proof) here, or choose it", "バンドル（.orebundle）または受領証（.tlog-proof）をここにドロップするか、選択してください";
    verify_stays: "The file stays in your browser.", "ファイルはブラウザーの外に出ません。";
    verify_trust: "What is taken on trust", "信頼の根拠";
    verify_trust_why: "The ledger's name, its genesis and the keys of its validators. From this node they show only that the file agrees with what the node says; choose the consortium.toml that you were given, and nothing of the node is needed.", "台帳名、創世ブロック、検証者の鍵です。本ノードから取得したものでは、ファイルがノードの主張と一致することしか示せません。手元の consortium.toml を選べば、ノードを一切信用せずに検証できます。";
    verify_trust_choose: "Your own consortium.toml", "手元の consortium.toml";
    verify_trust_node: "from this node", "本ノードから取得";
    verify_trust_own: "your own file", "手元のファイル";
    verify_trust_kept: "kept in this page", "このページに保存";
    verify_trust_none: "No trust root: choose your consortium.toml", "信頼の根拠がありません。consortium.toml を選択してください";
    verify_steps: "Checks", "検証の各段";
    verify_passed: "passed", "合格";
    verify_failed: "failed", "不合格";
    verify_good: "VERIFIED: every check passed", "検証済み：すべての検査に合格しました";
    verify_bad: "NOT VERIFIED, do not rely on it. First failing check", "検証できません。信用しないでください。最初の不合格";
    verify_too_long: "The file is longer than 256 MiB", "ファイルが 256 MiB を超えています";
    verify_remark: "Remark", "注記";
    verify_proven: "What is proven", "証明された内容";
    verify_source: "Origin", "起源";
    verify_country: "Country", "国";
    verify_share: "Share", "割合";
    verify_as_of: "as of entry", "時点の項目数";
    verify_scrap_of: "scrap of", "スクラップ回収：";
    verify_unknown_at: "unknown, declared at", "起源不明（申告）：";
    verify_rule: "Signatures are checked by your browser's WebCrypto. What it refuses is decided by the ledger's own rule (ZIP-215), worked out in this page, and remarked: only a key's holder can make such a signature. The words of the steps are in English, as the command line has them.", "署名はブラウザーの WebCrypto で検証します。WebCrypto が拒む署名は、台帳の規則（ZIP-215）をこのページ内で計算して判定し、注記します（そのような署名は鍵の保有者しか作れません）。各段の詳細はコマンドラインと同じ英語です。";
    step_trust_root: "trust root", "信頼の根拠（trust root）";
    step_file: "file", "ファイル（file）";
    step_ledger: "ledger", "台帳（ledger）";
    step_checkpoint: "checkpoint", "チェックポイント（checkpoint）";
    step_claim: "claim", "回答の署名（claim）";
    step_seal: "seal", "ブロック封印（seal）";
    step_records: "records", "記録と署名（records）";
    step_inclusion: "inclusion", "収録証明（inclusion）";
    step_keys: "keys", "署名鍵（keys）";
    step_heads: "heads", "最新状態（heads）";
    step_trail: "trail", "来歴の連鎖（trail）";
    step_shares: "shares", "割合の再計算（shares）";
    step_signature: "signature", "署名（signature）";
    enter_title: "Enter data", "記録する";
    enter_intro: "You sign in your browser; your key never reaches the node.", "署名はブラウザー内で行われ、鍵がノードに渡ることはありません。";
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Texts that are the same in both languages on purpose: names and units.
    const SAME: &[&str] = &["product"];

    #[test]
    fn every_text_is_there_in_both_languages() {
        for (name, english, japanese) in ALL {
            assert!(!english.trim().is_empty() && !japanese.trim().is_empty(), "{name} is empty");
            assert!(english != japanese || SAME.contains(name), "{name} is not translated");
            assert!(
                english.is_ascii() || english.contains(['…', '−', '→', '·', '²', '–', '×']),
                "{name}: {english}"
            );
        }
    }

    #[test]
    fn both_languages_have_the_same_places_for_values() {
        for (name, english, japanese) in ALL {
            for place in 0..6 {
                let place = format!("{{{place}}}");
                assert_eq!(english.contains(&place), japanese.contains(&place), "{name} and {place}");
            }
        }
    }
}
