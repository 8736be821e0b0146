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
    standing_newest: "Status, custodian, owner, place and what remains are those of now; everything else on this page is as of entry {0}.", "状態・保管者・所有者・所在・残量は現在のもの、このページのその他はすべて項目 {0} 時点です。";
    footer_node: "Node of {0}, version {1}", "{0} のノード、版 {1}";
    footer_origin: "Ledger {0}, block {1}, {2} entries", "台帳 {0}、ブロック {1}、{2} 項目";
    footer_word: "What stands here is this node's word. A bundle proves it without the node.", "このページの内容は本ノードの回答です。バンドルがあればノードに頼らず証明できます。";
    none: "none", "なし";
    not_stated: "not stated", "記載なし";
    unknown: "unknown", "不明";
    scrap_unknown_country: "scrap, country unknown", "スクラップ（国不明）";
    more: "More", "続き";
    entries: "entries", "項目";

    // refusals
    error_sign_in: "Please sign in", "サインインが必要です";
    error_denied: "Not for your eyes", "閲覧権限がありません";
    error_not_found: "There is no such page", "ページが見つかりません";
    error_bad: "The question cannot be read", "要求を読み取れません";
    error_later: "Not now", "しばらくお待ちください";
    error_broken: "The node is at fault", "ノードの障害です";
    guest_only: "a share link shows one passport and its proof, nothing else", "共有リンクで見られるのは一つのパスポートとその証明のみです";
    error_not_yet: "You look at entry {0} of the log; it may have come later.", "項目 {0} の時点を表示しています。その後に記録された可能性があります。";
    error_next_sign_in: "This ledger is for its members. Sign in with a token of your member's key.", "この台帳は会員専用です。会員の鍵で作ったトークンでサインインしてください。";
    error_next_denied: "Ask a member who holds, made or owns the lot for a share link.", "ロットを保有・製造・所有する会員に共有リンクを依頼してください。";
    error_next_not_found: "Check the address, or search for the lot.", "アドレスを確認するか、ロットを検索してください。";
    error_next_later: "Reload the page in a moment.", "少し待ってから再読み込みしてください。";
    error_next_broken: "The operator of this node has been told.", "ノードの運用者に通知されました。";

    // session
    session_title: "Sign in with your member's key", "会員の鍵でサインイン";
    session_how: "On the machine that has your key, run this and paste what it prints. The key stays where it is; the token is good for ten minutes and opens one session.", "鍵のある端末で次を実行し、出力を貼り付けてください。鍵は端末から出ません。トークンは十分間有効で、一つのセッションを開きます。";
    session_token: "Token", "トークン";
    session_refused: "This token does not open a session.", "このトークンではサインインできません。";
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
    verify_handovers: "Changes of the validators since, if there were any (oreledger handovers)", "その後の検証者の交代（oreledger handovers、あれば）";
    verify_handovers_too_long: "This file of changes is longer than 64 MiB; it is not used, and neither is the one before", "交代のファイルが 64 MiB を超えています。このファイルも、前に選んだものも使いません";
    verify_trust_node: "from this node", "本ノードから取得";
    verify_trust_own: "your own file", "手元のファイル";
    verify_trust_kept: "kept in this page", "このページに保存";
    verify_trust_none: "No trust root: choose your consortium.toml", "信頼の根拠がありません。consortium.toml を選択してください";
    verify_steps: "Checks", "検証の各段";
    verify_passed: "passed", "合格";
    verify_failed: "failed", "不合格";
    verify_limit: "more than is taken", "上限超過";
    verify_good: "VERIFIED: every check passed", "検証済み：すべての検査に合格しました";
    verify_bad: "NOT VERIFIED, do not rely on it. First failing check", "検証できません。信用しないでください。最初の不合格";
    verify_too_large: "NOT CHECKED: the file is larger than this page takes (256 MiB, 200,000 entries), which says nothing about it", "未検証：ファイルがこのページの上限（256 MiB、200,000 項目）を超えています。内容の良否を示すものではありません";
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
    step_handovers: "handovers", "検証者の交代（handovers）";
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
    enter_who: "Who signs", "署名者";
    enter_key_why: "The key file is read in this page and forgotten when you leave it. It is never sent: the node gets signed records only.", "鍵ファイルはこのページ内でのみ読み取られ、ページを離れると消えます。送信されることはなく、ノードに渡るのは署名済みの記録だけです。";
    enter_member: "Member", "会員";
    enter_key: "Key file (PKCS#8 PEM)", "鍵ファイル（PKCS#8 PEM）";
    enter_passphrase: "Passphrase of the key file", "鍵ファイルのパスフレーズ";
    enter_time: "When it happened (your local time)", "発生日時（現地時刻）";
    enter_note: "Remark", "備考";
    enter_preview: "Show what will be signed", "署名内容を表示";
    enter_preview_title: "What will be signed", "署名される内容";
    enter_sign: "Sign and hand in", "署名して提出";
    enter_more: "one more", "追加";
    enter_less: "one less", "削除";
    enter_sheet: "Upload a spreadsheet (CSV)", "表計算ファイル（CSV）を取り込む";
    enter_sheet_for: "many records at once; every bad cell is named before anything is signed", "多数の記録を一括で。署名の前に誤りのあるセルをすべて示します";
    enter_sheet_why: "The first cell of a header names the event. The command line reads the same files in the same way.", "見出し行の最初のセルが出来事の種類です。コマンドラインと同じ規則で読み取ります。";
    enter_sheet_file: "CSV or XLSX file", "CSV または XLSX ファイル";
    enter_templates: "Templates", "ひな形";
    enter_waiting: "Shipments that wait for your answer", "受入れ待ちの出荷";
    enter_from: "from {0}", "{0} から";
    enter_no_key: "Choose your key file first", "先に鍵ファイルを選択してください";
    enter_key_is: "Key read; its public half is", "鍵を読み取りました。公開鍵：";
    enter_bad_key: "This is no Ed25519 key in PKCS#8 PEM. Make one with `oreledger key new` or `openssl genpkey -algorithm ed25519`", "PKCS#8 PEM 形式の Ed25519 鍵ではありません。`oreledger key new` または `openssl genpkey -algorithm ed25519` で作成してください";
    enter_encrypted: "The key file is encrypted: type its passphrase", "鍵ファイルは暗号化されています。パスフレーズを入力してください";
    enter_no_crypto: "This browser signs only on https pages and on localhost. Open the node's https address", "このブラウザーは https または localhost のページでのみ署名できます。ノードの https アドレスを開いてください";
    enter_other: "The bytes do not say what this page asked for. Nothing was signed; tell the operator of this node", "受け取ったデータがこのページの依頼と一致しません。署名していません。ノードの運用者に連絡してください";
    enter_node_words: "In the node's words", "ノードの説明";
    enter_own_words: "As this browser reads the bytes", "ブラウザーが読み取った内容";
    enter_line: "line", "行";
    enter_column: "column", "列";
    enter_place_cell: "sheet \"{0}\", cell {1}", "シート「{0}」のセル {1}";
    enter_place_row: "sheet \"{0}\", row {1}", "シート「{0}」の {1} 行目";
    enter_hint: "hint", "ヒント";
    enter_faults: "Cannot be read yet", "まだ読み取れません";
    enter_ready: "ready to sign", "件を署名できます";
    enter_accepted: "In the ledger as entry", "台帳に収録されました。項目番号";
    enter_refused: "Refused by rule", "規則により拒否されました";
    enter_proven: "its receipt verifies in this browser", "受領証をこのブラウザーで検証しました";
    enter_proving: "waiting for its receipt", "受領証を待っています";
    enter_unproven: "no receipt yet: look at the record's page later", "受領証はまだありません。後で記録のページを確認してください";
    enter_failed: "The node did not answer as expected", "ノードの応答が想定と異なります";
    enter_look: "the record's page", "記録のページ";
    enter_signing: "Signing", "署名中";
    enter_required: "please fill in", "入力してください";
    enter_no_sheet: "Choose a CSV or XLSX file first", "先に CSV または XLSX ファイルを選択してください";
    enter_bad_contents: "write each as name and amount, separated by semicolons", "名称と量を書き、セミコロンで区切ってください";
    enter_changed: "Changed since it was shown: show it again", "表示後に変更されました。もう一度表示してください";

    // lots
    lot: "Lot", "ロット";
    material: "Material", "材料";
    remaining: "Remaining", "残量";
    created: "At creation", "生成時";
    content: "Content", "含有";
    custodian: "Custodian", "保管者";
    owner: "Owner", "所有者";
    facility: "Facility", "施設";
    status: "Status", "状態";
    serial: "Serial number", "製造番号";
    search_found: "{0} lots match “{1}”", "「{1}」に一致するロット {0} 件";
    search_more: "The newest {0} lots that match “{1}”; there are more", "「{1}」に一致する最新 {0} 件（ほかにもあります）";
    search_nothing: "No lot fits. A part of a lot number, serial number, member or tag is enough.", "該当するロットがありません。ロット番号・製造番号・会員・タグの一部で検索できます。";
    lots_all: "{0} lots in the order of their creation", "生成順 {0} ロット";
    lots_held: "Lots that {0} holds", "{0} が保管するロット";
    lots_counted: "{0} lots", "{0} ロット";
    others: "others", "その他";
    on_the_way: "on the way", "輸送中";
    facts: "At a glance", "概要";
    views: "Views of this lot", "このロットの表示";
    view_provenance: "Provenance", "来歴";
    view_passport: "Passport", "パスポート";
    view_custody: "Custody", "保管履歴";
    view_journey: "Journey", "経路";
    view_recall: "Recall", "リコール";
    view_loop: "Scrap loop", "スクラップ循環";
    view_dependence: "Dependence", "依存度";
    view_assays: "Assays", "分析";
    measured: "measured", "実測";
    declared: "declared", "申告";
    custody_model: "Chain-of-custody model", "管理モデル";
    origin_country: "Declared origin", "申告原産国";
    transformation_country: "Last substantial transformation", "最終実質変更国";
    no_composition: "Nobody has stated a composition, so there is nothing to trace.", "組成の記載がないため、来歴を計算できません。";
    element: "Element", "元素";
    depth: "Steps back", "さかのぼる段数";
    depth_all: "all", "すべて";
    depth_steps: "{0} steps", "{0} 段";
    parts: "Parts of a lot", "分割ロット";
    parts_merged: "drawn as one", "まとめて表示";
    parts_each: "each by itself", "個別に表示";
    graph_title: "Where the {0} in {1} came from", "{1} に含まれる {0} の来歴";
    graph_desc: "{0} ancestors, stages from left to right. The width of a band is the {1} of this lot that came that way ({2} in all), its colour the place of origin.", "祖先 {0} ロット。左から右へ工程順。帯の幅はこのロットの {1} のうちその経路を通った量（合計 {2}）、色は原産地を表します。";
    graph_folded: "{0} lots are too many to draw one by one: lots of one member in one column are drawn together. Choose fewer steps back to see each.", "{0} ロットは個別に描けないため、同じ列・同じ会員のロットをまとめました。段数を減らすと個別に表示されます。";
    graph_table: "The same as a table", "表で見る";
    cut_short: "The answer was cut short by a limit.", "上限により途中までの回答です。";
    shares_of: "Origins of the {0}", "{0} の原産地";
    share_of_lot: "{0} of this lot", "このロットの {0}";
    sankey: "Place, country, recycling", "産地・国・再生回数";
    sankey_desc: "Shares of the {0} in {1}: places of origin, their countries, and how often the metal went through recycling.", "{1} の {0} の割合：産地、国、再生を経た回数。";
    sankey_place: "place", "産地";
    sankey_country: "country", "国";
    sankey_pass: "recycling", "再生";
    pass_none: "primary", "一次";
    pass_one: "recycled once", "再生1回";
    pass_many: "recycled {0} times", "再生{0}回";
    origin: "Origin", "原産地";
    origin_unknown: "unknown origin", "原産地不明";
    country: "Country", "国";
    share: "Share", "割合";
    mass: "Mass", "質量";
    unresolved: "not followed to its origin", "未追跡";
    contained: "Contained in the lot", "ロット中の含有量";
    verified_origin: "Of verified origin", "原産地確認済み";
    recycled_content: "Recycled content", "再生材含有率";
    ancestors: "Ancestors", "祖先ロット数";
    methods: "How it was computed", "計算方法";
    rows_of: "{0} of {1} rows", "{1} 行中 {0} 行";
    rows_first: "The first {0} records", "最初の {0} 記録";
    records: "Records of this lot", "このロットの記録";
    when: "When", "日時";
    author: "Author", "記録者";
    event: "Event", "事象";
    what: "What", "内容";
    entry: "Entry", "項目";
    record: "Record", "記録";
    unreadable: "cannot be read", "読み取れません";

    status_active: "active", "有効";
    status_offered: "offered", "引渡し提示中";
    status_held: "on hold", "保留";
    status_recalled: "recalled", "リコール";
    status_consumed: "consumed", "消費済み";
    status_disposed: "disposed of", "処分済み";
    status_void: "void", "無効";

    material_ore: "ore", "鉱石";
    material_concentrate: "concentrate", "精鉱";
    material_intermediate: "intermediate", "中間製品";
    material_metal: "metal", "金属";
    material_target: "sputtering target", "スパッタリングターゲット";
    material_component: "component", "部品";
    material_product: "finished product", "完成品";
    material_scrap: "scrap", "スクラップ";
    material_residue: "residue", "残渣";

    model_identity: "identity preserved", "個体識別";
    model_segregated: "segregated", "分別管理";
    model_blending: "controlled blending", "管理混合";
    model_balance: "mass balance", "マスバランス";
    model_book: "book and claim", "ブックアンドクレーム";

    stage_mine: "mine", "鉱山";
    stage_concentrate: "concentrate", "精鉱";
    stage_refined: "refined", "精製";
    stage_powder: "powder", "粉末";
    stage_metal: "metal", "金属";
    stage_target: "target", "ターゲット";
    stage_scrap: "scrap", "スクラップ";
    stage_residue: "residue", "残渣";
    stage_product: "product", "製品";

    kind_mine: "mine", "鉱山";
    kind_concentrator: "concentrator", "選鉱所";
    kind_smelter: "smelter", "製錬所";
    kind_refinery: "refinery", "精製所";
    kind_powder: "powder plant", "粉末工場";
    kind_target: "target plant", "ターゲット工場";
    kind_fab: "fab", "半導体工場";
    kind_recycler: "recycler", "再生工場";
    kind_laboratory: "laboratory", "分析所";
    kind_warehouse: "warehouse", "倉庫";
    kind_port: "port", "港";

    // records
    event_commission: "commissioning", "生成";
    event_transform: "transformation", "変換";
    event_ship: "shipping", "出荷";
    event_accept: "accepting", "受領";
    event_decline: "declining", "受領拒否";
    event_offer_ended: "offer ended", "提示終了";
    event_cancel: "shipment cancelled", "出荷取消";
    event_assay: "assay", "分析";
    event_reference: "reference analyses", "標準分析値";
    event_library: "reference library", "標準ライブラリー";
    event_origin: "origin claimed", "原産地の主張";
    event_seal: "seal", "封印";
    event_use: "use", "使用";
    event_stocktake: "stocktake", "棚卸";
    event_hold: "hold", "保留";
    event_release: "release", "保留解除";
    event_recall: "recall", "リコール";
    event_dispose: "disposal", "処分";
    event_footprint: "footprint", "環境負荷";
    event_withdraw: "withdrawal", "取下げ";
    event_erased: "private part erased", "非公開部の消去";
    event_credit_deposit: "credit earned", "クレジット取得";
    event_credit_claim: "credit claimed", "クレジット使用";
    event_admit: "member admitted", "会員承認";
    event_roles: "roles changed", "役割変更";
    event_add_key: "key added", "鍵追加";
    event_revoke_key: "key revoked", "鍵失効";
    event_facility: "facility registered", "施設登録";
    event_attest: "attestation", "証明";
    event_attestation: "attestation changed", "証明変更";
    event_profile: "profile", "規定";
    event_validators: "validators changed", "検証者変更";
    event_approve: "approval", "承認";
    event_seal_block: "block sealed", "ブロック確定";
    process_crushing: "crushing", "破砕";
    process_concentrating: "concentrating", "選鉱";
    process_smelting: "smelting", "製錬";
    process_refining: "refining", "精製";
    process_reduction: "reduction", "還元";
    process_blending: "blending", "混合";
    process_splitting: "splitting", "分割";
    process_sintering: "sintering", "焼結";
    process_bonding: "bonding", "接合";
    process_machining: "machining", "機械加工";
    process_assembling: "assembling", "組立";
    process_recycling: "recycling", "再生";
    told_ship: "{0} to {1}", "{0} を {1} へ";
    told_accept: "{0} at {1}", "{0}、{1} にて";
    told_use: "{0}, {1} left", "{0}、残り {1}";
    told_block: "block {0} with {1} records", "ブロック {0}、{1} 記録";

    // choices of forms
    enter_number: "member/number", "会員/番号";
    enter_name: "member/name", "会員/名称";
    enter_unit: "Unit", "単位";
    enter_moisture: "Moisture, if wet", "水分（湿量時）";
    came_extracted: "extracted", "採掘";
    came_scrap: "collected scrap", "スクラップ回収";
    came_unknown: "declared unknown", "起源不明として申告";
    role_product: "a product", "製品";
    role_by_product: "a by-product", "副産物";
    passes_both: "custody and ownership", "保管と所有";
    passes_custody: "custody", "保管";
    passes_ownership: "ownership", "所有";
    for_sale: "sale", "販売";
    for_tolling: "tolling", "委託加工";
    for_return: "return", "返品";
    for_recall: "recall", "リコール回収";
    by_road: "road", "道路";
    by_rail: "rail", "鉄道";
    by_sea: "sea", "海上";
    by_air: "air", "航空";
    by_water: "inland water", "内水";
    seals_intact: "intact", "異常なし";
    seals_broken: "broken", "破損";
    seals_different: "different", "別の封印";
    seals_absent: "absent", "なし";

    // the ledger
    ledger_lead: "What this node holds, who signs for it, and what was recorded last.", "このノードが保持する台帳、署名者、最新の記録です。";
    height: "Block height", "ブロック高";
    entries_durable: "Entries, durable", "項目数（永続化済み）";
    entries_published: "Entries, published", "項目数（公開済み）";
    lag: "Lag", "遅れ";
    lag_entries: "{0} entries", "{0} 項目";
    health: "Health", "稼働状態";
    health_serving: "serving", "稼働中";
    health_disk: "disk full", "ディスク満杯";
    health_stalled: "stalled", "停滞";
    health_stopping: "stopping", "停止処理中";
    health_unpublished: "not publishing", "公開遅延";
    node: "Node", "ノード";
    nodes: "Nodes that order and cosign", "順序付けと連署を行うノード";
    genesis: "First block", "創始ブロック";
    this_node: "this node", "本ノード";
    member: "Member", "会員";
    cosigned: "Cosigned up to entry", "連署済み項目";
    faults: "Faults", "障害";
    no_data: "no data", "データなし";
    not_cosigning: "This node cosigns nothing now:", "本ノードは現在連署していません：";
    checkpoint: "Newest checkpoint", "最新のチェックポイント";
    no_checkpoint: "No checkpoint is published yet.", "チェックポイントはまだ公開されていません。";
    checkpoint_how: "Anybody can read and check it with the consortium's trust root:", "コンソーシアムの信頼ルートがあれば誰でも検証できます：";
    tree_size: "Tree size", "木のサイズ";
    root_hash: "Root hash", "ルートハッシュ";
    signatures: "Signatures", "署名";
    signed_by: "Signed by", "署名者";
    signature: "Signature", "署名値";
    feed: "What was recorded last", "最新の記録";

    // passport
    passport: "Material passport", "材料パスポート";
    passport_of: "Passport of {0}", "{0} のパスポート";
    countries: "Countries of origin", "原産国";
    made: "Recorded", "記録日";
    print: "Print or save as PDF", "印刷・PDF保存";
    checks: "Checks", "検査項目";
    checks_lead: "Each line opens what it rests on. What cannot be shown is not green.", "各項目から根拠を開けます。根拠のない項目が緑になることはありません。";
    check_passed: "passed", "合格";
    check_attention: "look at it", "要確認";
    check_limit: "up to a limit", "上限まで確認";
    check_failed: "failed", "不合格";
    evidence: "Evidence", "根拠";
    not_shown: "not shown to whoever looks at this page", "この閲覧者には表示されません";
    check_log: "The record that made the lot is in the log", "ロットを生成した記録が台帳にある";
    check_log_said: "entry {0}, sealed {1}", "項目 {0}、確定 {1}";
    check_cosigned: "More than two thirds of the validators sign for the log", "検証者の三分の二超が台帳に署名";
    check_cosigned_said: "{0} of {1}, up to entry {2}", "{1} 者中 {0} 者、項目 {2} まで";
    check_chain: "The chain of its records is whole", "記録の連鎖に欠けがない";
    check_chain_said: "{0} records, each naming the one before", "{0} 記録、それぞれが直前の記録を指す";
    check_chain_limit: "the newest {0} records, each naming the one before; older ones are not followed", "最新の {0} 記録、それぞれが直前の記録を指す。それより古い記録は辿っていません";
    check_origin: "Origin is known", "原産地が判明";
    check_origin_all: "all of the metal", "全量";
    check_origin_part: "at least {0}; {1} at most is of unknown origin", "{0} 以上が判明、不明は最大 {1}";
    check_complete: "Every ancestor was followed", "すべての祖先を追跡";
    check_complete_said: "{0} ancestors", "祖先 {0} ロット";
    check_complete_cut: "{0} was not followed", "{0} は未追跡";
    check_assay: "The content was measured", "含有量が実測されている";
    check_assay_measured: "by an assay of this lot", "このロットの分析による";
    check_assay_declared: "declared by its maker; no assay of this lot", "製造者の申告のみ、このロットの分析なし";
    check_declared: "The declared country is the computed one", "申告原産国が計算結果と一致";
    check_declared_none: "no single country is declared", "単一国の申告なし";
    check_declared_said: "declared {0}, computed {1}", "申告 {0}、計算 {1}";
    check_custody: "Custody has no gaps", "保管の連鎖に途切れがない";
    check_custody_said: "{0} moments", "{0} 時点";
    check_custody_gaps: "gaps or journeys to look at: {0}", "途切れ・輸送 {0} 件を確認";
    check_findings: "The rules flag nothing in the lot or its ancestors", "ロットと祖先に規則上の指摘がない";
    check_findings_said: "{0} findings, {1} of them severe, in {2} records", "{2} 記録中 指摘 {0} 件（重大 {1} 件）";
    check_not_judged: "Rules that could not be judged", "判定できなかった規則";
    check_not_judged_said: "the profile lacks their lists: {0}", "規定に必要な一覧がありません：{0}";
    check_attested: "Attestations about the lot", "ロットに関する証明";
    check_attested_none: "none is recorded", "記録なし";
    check_status: "The lot is neither recalled nor void", "ロットはリコール・無効ではない";
    proof: "Proof without this node", "ノードに頼らない証明";
    proof_lead: "A bundle is one file with every record, signature and hash behind these shares. It verifies offline.", "バンドルは割合の根拠となる全記録・署名・ハッシュを含む一つのファイルで、オフラインで検証できます。";
    proof_bundle: "Download the bundle", "バンドルを保存";
    passport_basis: "As of entry {0} of {1}, told by the node of {2}.", "{1} の項目 {0} 時点、{2} のノードによる回答。";
    qr: "QR code that opens {0}", "{0} を開くQRコード";
    qr_too_long: "The address is too long for a QR code.", "アドレスが長すぎるためQRコードを作成できません。";

    // one record
    bad_record_id: "a record id has 64 hexadecimal digits", "記録IDは16進数64桁です";
    block: "Block", "ブロック";
    block_time: "Block time", "ブロック時刻";
    documents: "Documents", "文書";
    record_id: "Record id", "記録ID";
    key: "Author's key", "記録者の鍵";
    corrects: "Corrects", "訂正対象";
    receipt: "Download the receipt", "受領証を保存";
    receipt_how: "The receipt proves offline that this record is in the log of {0} entries.", "受領証があれば、{0} 項目の台帳にこの記録があることをオフラインで証明できます。";
    direction: "Taken or made", "投入・産出";
    taken: "taken", "投入";
    produced: "made", "産出";
    declared_loss: "Declared loss", "申告損失";
    from: "From", "出発";
    to: "To", "到着";
    carrier: "Carrier", "運送者";
    permits: "Permits", "許可";

    // findings
    findings_all: "Everything that the rules flag in this ledger", "この台帳で規則が指摘するすべての事項";
    findings_lot: "What the rules flag in {0} and its ancestors", "{0} とその祖先への指摘";
    findings_facility: "What the rules flag at {0}", "{0} への指摘";
    findings_none: "The rules that could be judged flag nothing.", "判定できた規則による指摘はありません。";
    findings_word: "A finding is a reason to look, with its numbers; it convicts nobody, and evidence clears it.", "指摘は確認のきっかけであり、違反の断定ではありません。証拠により解消されます。";
    rule: "Rule", "規則";
    severe: "Severe", "重大";
    plain: "To be explained", "要説明";
    records_judged: "Records judged", "判定した記録";
    profile_version: "Profile version", "規定の版";
    clears: "Clears it", "解消方法";
    threshold: "threshold", "閾値";
    more_findings: "{0} more", "さらに {0} 件";

    // recall
    recall_title: "Recall of {0}", "{0} のリコール";
    recall_lead: "Everything that contains {0} of {1}, and who holds it now.", "{1} の {0} を含むすべてのロットと現在の保管者。";
    recall_lots: "Lots that contain some", "含むロット";
    recall_remaining: "Still in them", "残存量";
    recall_holders: "Holders", "保管者数";
    recall_who: "Who holds it now", "現在の保管者";
    recall_where: "lot that holds it", "含むロット";
    recall_desc: "From {0} to the lots that hold something of it now, and to their custodians; {1} in all.", "{0} から、現在それを含むロットとその保管者へ。合計 {1}。";
    recall_table: "Lot by lot", "ロット別";
    recall_none: "Nothing was made of it yet.", "まだ何も作られていません。";
    recall_share: "Part of that lot", "そのロットに占める割合";
    recall_left: "Left in it", "残存量";

    // mass balance
    balance_choose: "Choose a facility to see its books.", "施設を選ぶと帳簿が表示されます。";
    balance_of: "Mass balance of {0}", "{0} の物質収支";
    balance_lead: "The books of the facility: {0}", "施設の帳簿：{0}";
    name: "Name", "名称";
    kind: "Kind", "種別";
    all: "all", "すべて";
    year: "Year", "年";
    dry_mass: "dry mass", "乾燥質量";
    opening: "Opening stock", "期首在庫";
    closing: "Closing stock", "期末在庫";
    line_receipt: "Received", "受入";
    line_source: "Mined or collected", "採掘・収集";
    line_output: "Made: products", "産出（製品）";
    line_residue: "Made: residues", "産出（残渣）";
    line_return: "Returned offers", "返戻";
    line_revaluation: "Revalued by assay", "分析による再評価";
    line_input: "Taken into processes", "工程投入";
    line_shipment: "Shipped", "出荷";
    line_use: "Used up", "使用";
    line_disposal: "Disposed of", "処分";
    account: "T-account", "T字勘定";
    account_in: "What was there and came in", "期首と増加";
    account_out: "What went out and is left", "減少と期末";
    total: "Total", "合計";
    throughput: "Throughput", "取扱量";
    unaccounted: "Unaccounted for", "未説明分";
    of_inputs: "of inputs", "（投入比）";
    sides_differ: "Rounding between the sides", "両側の端数差";
    counts: "Stock counts against the books", "棚卸と帳簿の比較";
    counts_none: "No stocktake is recorded in this period: there is no data to hold the books against.", "この期間の棚卸記録がなく、帳簿と比較するデータがありません。";
    counted: "Counted", "実測";
    book: "Book", "帳簿";
    variance: "Variance", "差異";
    of_closing: "of closing stock", "期末在庫比";
    of_throughput: "of throughput", "取扱量比";
    movements: "Movements", "増減明細";
    movements_none: "Nothing moved in this period.", "この期間の増減はありません。";
    line: "Line", "区分";

    // custody and journey
    custody_title: "Who had it and who owned it", "保管者と所有者の変遷";
    custody_desc: "Two lanes over time: custodian above, owner below. Hatched: on the way, or a gap in the account. Each mark opens its record.", "時間軸上の二つのレーン（上：保管者、下：所有者）。斜線は輸送中または記録の途切れ。各印から記録を開けます。";
    gaps: "Gaps and journeys", "途切れと輸送";
    gaps_none: "The account has no gaps.", "途切れはありません。";
    gap_moved: "moved without a movement", "移動記録なし";
    gap_on_the_way: "on the way", "輸送中";
    gap_unanswered: "offer unanswered", "未回答の提示";
    gap_backwards: "earlier than the record before", "時刻の逆行";
    duration: "Duration", "期間";
    journey_title: "The way of the {0}", "{0} の経路";
    journey_desc: "A map with {0} facilities and {1} legs between them.", "{0} 施設と {1} 区間の地図。";
    journey_none: "No facility of this lot is registered with a place.", "位置の登録された施設がありません。";
    journey_source: "Outlines: Natural Earth (public domain). The width of a line is the part of this lot's metal that took the leg; borders state nobody's claim.", "輪郭：Natural Earth（パブリックドメイン）。線の太さは区間を通った金属の割合です。国境はいかなる主張も示しません。";
    legs: "Legs", "区間";
    legs_lead: "Metal that went round a loop takes its legs more than once, so shares may add up to more than the whole; the lot weighed {0}.", "循環した金属は同じ区間を複数回通るため、割合の合計は全体を超えることがあります。ロット質量 {0}。";
    distance: "Great circle", "大圏距離";

    // loop and circularity
    loop_title: "The {0} of this lot by passes through recycling", "再生回数別の {0}";
    loop_lead: "A pass is counted when scrap is made into something new; run-around within one process is no pass.", "スクラップが新たな製品になるたびに一回と数えます。同一工程内の循環は数えません。";
    generation: "Passes", "再生回数";
    routes: "Routes", "由来";
    route: "Route", "由来";
    route_primary: "primary", "一次";
    recycled_lead: "ISO 14021: pre-consumer and post-consumer scrap count, run-around does not.", "ISO 14021：使用前・使用後スクラップを算入し、工程内循環は除きます。";
    recycling_steps: "Recycling on the way", "経路上の再生";
    recycling_none: "Nothing on the way was recycled.", "経路上に再生はありません。";
    class: "Class", "区分";
    class_internal: "internal run-around", "工程内循環";
    class_pre: "pre-consumer scrap", "使用前スクラップ";
    class_post: "post-consumer scrap", "使用後スクラップ";
    circularity_title: "Circularity of {0}", "{0} の循環";
    circularity_lead: "What of the element went round in this ledger. Reading:", "この台帳における元素の循環。解釈：";
    reading: "Reading of ISO 14021", "ISO 14021の解釈";
    reading_common: "as declared", "申告どおり";
    reading_strict: "strict", "厳格";
    ratio_recycled_input: "Recycled input", "再生材投入率";
    ratio_secondary: "Secondary supply", "二次供給率";
    ratio_recovery: "Recovery of scrap", "スクラップ回収率";
    ratio_return: "Return rate", "返却率";
    ratio_loop: "Loop", "循環率";
    generations_products: "Products by passes through recycling", "再生回数別の製品";
    masses: "Masses", "質量";
    mined: "Mined", "採掘";
    of_unknown: "Of unknown origin", "原産地不明";
    intake: "Taken in by recyclers", "再生受入";
    recovered: "Recovered", "回収";
    returned: "Returned", "返却";
    products: "Made into products", "製品化";
    by_country: "By country of the facility", "施設所在国別";

    // dependence
    dependence_title: "What the {0} of this lot hangs on", "このロットの {0} が依存する先";
    dependence_by: "By", "区分";
    kind_refiner: "refiner", "精製者";
    herfindahl_origin: "Concentration of origins", "原産国の集中度";
    herfindahl_nodes: "Concentration of places", "経由地の集中度";
    herfindahl_lead: "Herfindahl indices: 1 when everything comes from one, near 0 when from many.", "ハーフィンダール指数：一か所に集中すれば1、多数に分散すれば0に近づきます。";
    dominating: "Without which nothing arrives", "代替のない経由地";
    through: "Passes through", "通過割合";
    without: "Arrives without it", "なしでの到達";
    dominates: "no way around", "迂回不可";
    alternatives: "Others that do the same", "同じ工程の他施設";

    // assays
    assays_title: "Assays side by side", "分析の比較";
    assays_lead: "Oxides are converted to the element. Two values disagree when they differ by more than both uncertainties together (k = 2).", "酸化物は元素に換算。差が両者の合成不確かさ（k = 2）を超えると不一致とします。";
    assays_none: "Nobody has measured this lot: there is only what its maker declared.", "このロットの分析はありません。製造者の申告のみです。";
    stage: "Stage", "段階";
    assay_producer: "producer", "生産者";
    assay_provisional: "provisional", "暫定";
    assay_seller: "seller", "売手";
    assay_buyer: "buyer", "買手";
    assay_umpire: "umpire", "審判";
    assay_final: "final", "確定";
    disagrees: "disagrees", "不一致";
    method: "Method", "方法";
    rare_earths: "Rare earths over chondrite", "希土類パターン（コンドライト規格化）";
    rare_earths_desc: "Each rare earth's content over that of CI chondrite, logarithmic: one colour an assay, thin lines its spots, the thick line their mean, triangles limits of detection.", "CIコンドライトに対する希土類含有比（対数軸）。一色が一分析、細線は測定点、太線は平均、三角は検出限界。";

    // the origin check
    origin_check: "Origin check", "原産地チェック";
    origin_lead: "How much more, or less, probable the trace pattern is if the claim is true than if the lot came from elsewhere in this library. Evidence, never a verdict.", "主張が真の場合と、ライブラリーの他の原産地の場合とで、微量元素パターンの確からしさがどれだけ違うか。証拠であり、判定ではありません。";
    origin_more: "Assays and origin check", "分析と原産地チェック";
    origin_ratio: "The data are {0} times as probable if the origin is {1} as if it is another one of this library.", "原産地が {1} の場合のデータの確からしさは、ライブラリーの他の原産地の場合の {0} 倍です。";
    origin_not_assessable: "Not assessable", "評価不能";
    origin_no_pass: "There is no evidence for the claim and none against it. This is no pass.", "主張を支持する証拠も否定する証拠もありません。合格ではありません。";
    origin_beside: "To be read beside it", "併せて読むこと";
    origin_logged: "The node has written this question into its log of queries, which auditors read.", "この照会はノードの照会記録に残り、監査人が閲覧できます。";
    origin_claimed: "Claimed origin", "申告原産地";
    origin_order: "Claim and assay", "主張と分析の順序";
    origin_first: "claimed before any pattern was shown", "パターンの開示前に主張";
    origin_stated: "claimed first, says the asker", "先に主張（照会者の申告）";
    origin_not_first: "not shown to be claimed first", "先に主張したと示されていない";
    origin_claims: "Different origins claimed", "主張された原産地の数";
    origin_library: "Reference library", "参照ライブラリー";
    origin_synthetic: "synthetic", "人工データ";
    origin_lr: "Likelihood ratio (kept within 0.05 and 100)", "尤度比（0.05～100 の範囲に制限）";
    origin_p: "p-value: how odd for this origin", "p値：この原産地としての珍しさ";
    origin_p_scores: "from {0} unseen spots", "未学習の測定点 {0} による";
    origin_resembles: "Resembles", "類似";
    origin_abstains: "no origin is named", "原産地を挙げない";
    origin_others: "other known origins", "その他の既知の原産地";
    origin_compared: "Compared", "比較対象";
    origin_laboratory: "Laboratories", "分析所";
    origin_grains: "Grains from the claimed origin", "申告原産地の粒子の割合";
    origin_disturbed: "Left out, disturbed", "除外（干渉）";
    origin_aside: "Spots set aside", "除外した測定点";
    origin_spider: "The pattern against the claimed origin", "申告原産地とのパターン比較";
    origin_spider_caution: "Inside every envelope does not mean consistent: elements vary together. Bands: 5 to 95 % and 25 to 75 % of the reference, element by element.", "全ての帯の内側でも整合とは限りません（元素は連動します）。帯は参照の 5～95 % と 25～75 %（元素別）。";
    origin_map: "The lot among reference origins", "参照原産地の中のロット";
    origin_map_by: "Drawn by", "作図法";
    origin_map_embedding: "seeded embedding", "埋め込み（固定シード）";
    origin_map_axes: "discriminant axes", "判別軸";
    origin_map_caution: "Distances in this picture are not evidence.", "この図の距離は証拠ではありません。";
    origin_map_star: "The star is the lot, each dot an analysis of the library.", "星がロット、点はライブラリーの分析です。";
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
                english.is_ascii() || english.contains(['…', '−', '→', '·', '²', '–', '×', '“']),
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
