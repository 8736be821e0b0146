//! The auditor's other verbs: balance, circularity, dependence, credits, accounts, chain, footprint.

use clap::{Args, ValueEnum};
use ore_record::{elements, v1::MaterialClass};
use ore_wire::v1::{
    AsOf, BalanceLine, Basis, Burden, BurdenAllocation, ChainOfCustodyRequest, CircularityRequest,
    CircularityRow, CreditsRequest, CustodyGapKind, DependenceKind, DependenceRequest, LotFootprintRequest,
    MassBalanceRequest, MassBalanceResponse, MetalAccountsRequest, Period, Ratio, RecyclingReading,
};
use serde_json::json;

use crate::{
    context::Context,
    failure::{Failure, Outcome},
    output::{self, kilograms, percent, table},
    post::engine::failure,
    verbs::trace::element,
};

/// Which ledger a question is about.
#[derive(Args, Clone, Debug)]
pub(crate) struct When {
    /// As the ledger knew it at this number of entries
    #[arg(long, value_name = "SIZE", default_value_t = 0, hide_default_value = true)]
    as_of: u64,
    /// Only what had happened before the end of this day, whenever it was written down
    #[arg(long, value_name = "DATE", value_parser = day)]
    date: Option<u64>,
}

impl From<&When> for AsOf {
    fn from(when: &When) -> Self {
        Self { tree_size: when.as_of, date_ms: when.date_ms() }
    }
}

impl When {
    pub(crate) fn date_ms(&self) -> u64 {
        self.date.map_or(0, |day| day + 86_400_000 - 1)
    }

    pub(crate) const fn size(&self) -> u64 {
        self.as_of
    }
}

/// A day in UTC as its first millisecond: `2026-11-22`, or a whole time.
pub(crate) fn day(text: &str) -> Result<u64, String> {
    let whole = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_owned() };
    let parsed = ore_exchange::parse_time(&whole);
    parsed.map(|(ms, _)| ms).map_err(|_| "not a date such as 2026-11-22".to_owned())
}

pub(crate) fn period(from: Option<u64>, to: Option<u64>) -> Option<Period> {
    Some(Period { from_ms: from.unwrap_or(0), to_ms: to.unwrap_or(0) })
}

pub(crate) fn hex_of(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Rows as comma-separated values.
pub(crate) fn csv(rows: &[Vec<String>]) -> Result<String, Failure> {
    let wrong = |error: String| Failure::usage(error, "print JSON instead");
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.write_record(row).map_err(|error| wrong(error.to_string()))?;
    }
    let bytes = writer.into_inner().map_err(|error| wrong(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| wrong(error.to_string()))
}

fn note(basis: Option<&Basis>) {
    if let Some(basis) = basis.filter(|basis| !basis.note.is_empty()) {
        output::note(format!("note: {}", basis.note));
    }
    output::note("this is the node's word; `oreledger receipt` proves each record");
}

fn atom(symbol: Option<&str>) -> Result<u32, Failure> {
    symbol.map(element).transpose().map(Option::unwrap_or_default)
}

fn signed_kg(mg: i64) -> String {
    let text = kilograms(mg.unsigned_abs());
    if mg < 0 { format!("-{text}") } else { text }
}

fn ratio(it: Option<&Ratio>) -> String {
    it.filter(|it| it.known).map_or_else(|| "-".to_owned(), |it| percent(it.e18))
}

// ---------------------------------------------------------------- balance

#[derive(Args, Debug)]
pub(crate) struct Balance {
    /// Facility, such as refiner-ee/works
    facility: String,
    /// Element [default: the whole dry mass]
    #[arg(long, short, value_name = "SYMBOL")]
    element: Option<String>,
    /// Class of material, such as concentrate [default: all]
    #[arg(long, value_name = "CLASS")]
    material: Option<String>,
    /// First day
    #[arg(long, value_name = "DATE", value_parser = day)]
    from: Option<u64>,
    /// The period ends before this day
    #[arg(long, value_name = "DATE", value_parser = day)]
    to: Option<u64>,
    /// List movements with their records
    #[arg(long)]
    movements: bool,
    /// Print comma-separated values; with --movements the movements
    #[arg(long)]
    csv: bool,
    #[command(flatten)]
    when: When,
}

fn material(class: Option<&str>) -> Result<MaterialClass, Failure> {
    let Some(class) = class else { return Ok(MaterialClass::Unspecified) };
    let name = format!("MATERIAL_CLASS_{}", class.to_ascii_uppercase().replace(['-', ' '], "_"));
    MaterialClass::from_str_name(&name).ok_or_else(|| {
        Failure::usage(
            format_args!("there is no class {class:?}"),
            "such as ore, concentrate, intermediate, metal, scrap",
        )
    })
}

fn line_name(line: BalanceLine) -> String {
    line.as_str_name().trim_start_matches("BALANCE_LINE_").to_ascii_lowercase()
}

pub(crate) async fn balance(context: &Context, verb: &Balance) -> Outcome {
    let request = MassBalanceRequest {
        facility: verb.facility.clone(),
        material: material(verb.material.as_deref())?.into(),
        element: atom(verb.element.as_deref())?,
        period: period(verb.from, verb.to),
        as_of: Some(AsOf::from(&verb.when)),
        limits: None,
        movements: if verb.movements || context.json { 10_000 } else { 0 },
    };
    let answer = context.connect().await?.mass_balance(request).await.map_err(failure)?;
    note(answer.basis.as_ref());
    if context.json {
        return output::json(&balance_json(verb, &answer));
    }
    let movements = verb.movements.then(|| movement_rows(&answer));
    if verb.csv {
        return output::data(&csv(&movements.unwrap_or_else(|| sheet_rows(&answer, |mg| mg.to_string())))?);
    }
    let mut text = table(&sheet_rows(&answer, signed_kg), &[1]);
    for count in &answer.counts {
        text.push_str(&format!(
            "stocktake: counted {}, book {}, variance {} ({} ppm of closing, {} ppm of throughput)\n",
            signed_kg(count.counted_mg),
            signed_kg(count.book_mg),
            signed_kg(count.variance_mg),
            count.of_closing_ppm,
            count.of_throughput_ppm
        ));
    }
    if let Some(rows) = movements {
        text.push('\n');
        text.push_str(&table(&rows, &[3]));
    }
    output::data(&text)
}

fn sheet_rows(answer: &MassBalanceResponse, show: impl Fn(i64) -> String) -> Vec<Vec<String>> {
    let mut rows = vec![vec!["line".to_owned(), "mass".to_owned()]];
    let mut row = |name: &str, mg: i64| rows.push(vec![name.to_owned(), show(mg)]);
    row("opening", answer.opening_mg);
    for sum in &answer.lines {
        row(&line_name(sum.line()), sum.mg);
    }
    row("closing", answer.closing_mg);
    row("declared loss", answer.declared_loss_mg);
    row("unaccounted", answer.unaccounted_mg);
    row("throughput", answer.throughput_mg);
    rows
}

fn movement_rows(answer: &MassBalanceResponse) -> Vec<Vec<String>> {
    let mut rows = vec![["time", "line", "lot", "mg", "record"].map(str::to_owned).to_vec()];
    rows.extend(answer.movements.iter().map(|it| {
        vec![
            ore_exchange::write_time(it.event_time_ms, 0),
            line_name(it.line()),
            it.lot.clone(),
            it.mg.to_string(),
            hex_of(&it.record_id),
        ]
    }));
    rows
}

fn balance_json(verb: &Balance, answer: &MassBalanceResponse) -> serde_json::Value {
    let counts = answer.counts.iter().map(|it| {
        json!({
            "record": hex_of(&it.record_id), "counted_mg": it.counted_mg, "book_mg": it.book_mg,
            "variance_mg": it.variance_mg, "throughput_mg": it.throughput_mg,
            "of_closing_ppm": it.of_closing_ppm, "of_throughput_ppm": it.of_throughput_ppm,
        })
    });
    let movements = answer.movements.iter().map(|it| {
        json!({
            "record": hex_of(&it.record_id), "lot": it.lot, "line": line_name(it.line()), "mg": it.mg,
            "event_time_ms": it.event_time_ms,
        })
    });
    let lines = answer.lines.iter().map(|it| (line_name(it.line()), json!(it.mg)));
    json!({
        "facility": verb.facility, "element": verb.element, "tree_size": size(answer.basis.as_ref()),
        "opening_mg": answer.opening_mg, "lines_mg": lines.collect::<serde_json::Map<_, _>>(),
        "closing_mg": answer.closing_mg, "declared_loss_mg": answer.declared_loss_mg,
        "unaccounted_mg": answer.unaccounted_mg, "unaccounted_ppm": answer.unaccounted_ppm,
        "throughput_mg": answer.throughput_mg, "counts": counts.collect::<Vec<_>>(),
        "movements": movements.collect::<Vec<_>>(), "more_movements": answer.more_movements,
        "note": answer.basis.as_ref().map(|basis| &basis.note),
    })
}

fn size(basis: Option<&Basis>) -> u64 {
    basis.map_or(0, |basis| basis.tree_size)
}

// ---------------------------------------------------------------- circularity

#[derive(Args, Debug)]
pub(crate) struct Circularity {
    /// Element, such as Ta
    element: String,
    /// First day
    #[arg(long, value_name = "DATE", value_parser = day)]
    from: Option<u64>,
    /// The period ends before this day
    #[arg(long, value_name = "DATE", value_parser = day)]
    to: Option<u64>,
    /// ISO 14021: scrap reclaimed where it arose is run-around, whatever was declared
    #[arg(long)]
    strict: bool,
    /// Also find the generations of the period's products
    #[arg(long)]
    generations: bool,
    /// Print comma-separated values
    #[arg(long)]
    csv: bool,
    #[command(flatten)]
    when: When,
}

pub(crate) async fn circularity(context: &Context, verb: &Circularity) -> Outcome {
    let reading = if verb.strict { RecyclingReading::Strict } else { RecyclingReading::Common };
    let request = CircularityRequest {
        element: element(&verb.element)?,
        period: period(verb.from, verb.to),
        reading: reading.into(),
        as_of: Some(AsOf::from(&verb.when)),
        limits: None,
        generations: verb.generations,
    };
    let answer = context.connect().await?.circularity(request).await.map_err(failure)?;
    note(answer.basis.as_ref());
    let total = answer.total.clone().unwrap_or_default();
    if context.json {
        let generations = answer.generations.iter();
        return output::json(&json!({
            "element": verb.element, "reading": answer.reading, "tree_size": size(answer.basis.as_ref()),
            "total": flows_json(&total),
            "countries": answer.countries.iter().map(flows_json).collect::<Vec<_>>(),
            "generations": generations.map(|it| json!({ "generation": it.generation, "mg": it.mg })).collect::<Vec<_>>(),
            "generations_unresolved_mg": answer.generations_unresolved_mg,
        }));
    }
    output::note(&answer.reading);
    let head = [
        "country",
        "mined",
        "unknown",
        "scrap pre",
        "scrap post",
        "run-around",
        "intake",
        "recovered",
        "products",
        "recovery",
        "return",
        "loop",
        "recycled input",
    ];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    rows.extend(answer.countries.iter().map(flow_row));
    rows.push(flow_row(&CircularityRow { country: "all".into(), ..total }));
    if verb.csv {
        return output::data(&csv(&rows)?);
    }
    let mut text = table(&rows, &(1..head.len()).collect::<Vec<_>>());
    for it in &answer.generations {
        text.push_str(&format!("generation {}: {}\n", it.generation, kilograms(it.mg)));
    }
    output::data(&text)
}

fn flow_row(it: &CircularityRow) -> Vec<String> {
    let masses = [
        it.mined_mg,
        it.unknown_mg,
        it.scrap_pre_consumer_mg,
        it.scrap_post_consumer_mg,
        it.run_around_mg,
        it.intake_mg,
        it.recovered_mg,
        it.products_mg,
    ];
    let ratios = [&it.recovery, &it.return_rate, &it.r#loop, &it.recycled_input];
    std::iter::once(it.country.clone())
        .chain(masses.into_iter().map(kilograms))
        .chain(ratios.into_iter().map(|it| ratio(it.as_ref())))
        .collect()
}

fn flows_json(it: &CircularityRow) -> serde_json::Value {
    let ratio = |it: &Option<Ratio>| it.filter(|it| it.known).map(|it| output::decimal(it.e18));
    json!({
        "country": it.country, "mined_mg": it.mined_mg, "unknown_mg": it.unknown_mg,
        "scrap_pre_consumer_mg": it.scrap_pre_consumer_mg, "scrap_post_consumer_mg": it.scrap_post_consumer_mg,
        "run_around_mg": it.run_around_mg, "intake_mg": it.intake_mg, "recovered_mg": it.recovered_mg,
        "residues_mg": it.residues_mg, "products_mg": it.products_mg, "charge_mg": it.charge_mg,
        "recycled_charge_mg": it.recycled_charge_mg, "returned_mg": it.returned_mg,
        "recovery": ratio(&it.recovery), "return_rate": ratio(&it.return_rate), "loop": ratio(&it.r#loop),
        "recycled_input": ratio(&it.recycled_input), "secondary": ratio(&it.secondary),
    })
}

// ---------------------------------------------------------------- dependence

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Node {
    Facility,
    Refiner,
    Member,
    Country,
}

#[derive(Args, Debug)]
pub(crate) struct Dependence {
    /// Lot
    lot: String,
    /// Element [default: the one that makes up most of the lot]
    #[arg(long, short, value_name = "SYMBOL")]
    element: Option<String>,
    /// What it may hang on
    #[arg(long, value_enum, default_value = "facility")]
    on: Node,
    /// Print comma-separated values
    #[arg(long)]
    csv: bool,
    #[command(flatten)]
    when: When,
}

pub(crate) async fn dependence(context: &Context, verb: &Dependence) -> Outcome {
    let kind = match verb.on {
        Node::Facility => DependenceKind::Facility,
        Node::Refiner => DependenceKind::Refiner,
        Node::Member => DependenceKind::Member,
        Node::Country => DependenceKind::Country,
    };
    let request = DependenceRequest {
        lot: verb.lot.clone(),
        element: atom(verb.element.as_deref())?,
        kind: kind.into(),
        as_of: Some(AsOf::from(&verb.when)),
        limits: None,
    };
    let answer = context.connect().await?.dependence(request).await.map_err(failure)?;
    note(answer.basis.as_ref());
    let symbol = elements::symbol(answer.element).unwrap_or("metal");
    if context.json {
        let nodes = answer.nodes.iter().map(|it| {
            json!({
                "node": it.node, "country": it.country, "through_e18": it.through_e18.to_string(),
                "without_e18": it.without_e18.to_string(), "dominates": it.dominates,
                "alternatives": it.alternatives,
            })
        });
        return output::json(&json!({
            "lot": verb.lot, "element": symbol, "tree_size": size(answer.basis.as_ref()),
            "nodes": nodes.collect::<Vec<_>>(),
            "origin_herfindahl": output::decimal(answer.origin_herfindahl_e18),
            "node_herfindahl": output::decimal(answer.node_herfindahl_e18),
            "note": answer.basis.as_ref().map(|basis| &basis.note),
        }));
    }
    let mut rows =
        vec![["node", "country", "through", "without", "", "alternatives"].map(str::to_owned).to_vec()];
    rows.extend(answer.nodes.iter().map(|it| {
        vec![
            it.node.clone(),
            it.country.clone(),
            percent(it.through_e18),
            percent(it.without_e18),
            if it.dominates { "nothing arrives without it".to_owned() } else { String::new() },
            it.alternatives.join(" "),
        ]
    }));
    if verb.csv {
        return output::data(&csv(&rows)?);
    }
    let text = table(&rows, &[2, 3]);
    output::data(&format!(
        "{text}\nHerfindahl index of {symbol}: {} over countries of origin, {} over these nodes\n",
        output::decimal(answer.origin_herfindahl_e18),
        output::decimal(answer.node_herfindahl_e18)
    ))
}

// ---------------------------------------------------------------- credits, accounts

#[derive(Args, Debug)]
pub(crate) struct Credits {
    /// Facility [default: all]
    #[arg(long, value_name = "FACILITY")]
    facility: Option<String>,
    /// Scheme [default: all]
    #[arg(long, value_name = "SCHEME")]
    scheme: Option<String>,
    /// Element [default: all]
    #[arg(long, short, value_name = "SYMBOL")]
    element: Option<String>,
    #[command(flatten)]
    when: When,
}

pub(crate) async fn credits(context: &Context, verb: &Credits) -> Outcome {
    let request = CreditsRequest {
        facility: verb.facility.clone().unwrap_or_default(),
        scheme: verb.scheme.clone().unwrap_or_default(),
        element: atom(verb.element.as_deref())?,
        as_of: Some(AsOf::from(&verb.when)),
        limits: None,
    };
    let answer = context.connect().await?.credits(request).await.map_err(failure)?;
    note(answer.basis.as_ref());
    if context.json {
        let accounts = answer.accounts.iter().map(|it| {
            let movements = it.movements.iter().map(|it| {
                json!({ "record": hex_of(&it.record_id), "lot": it.lot, "mg": it.mg, "book_and_claim": it.book_and_claim })
            });
            json!({
                "scheme": it.scheme, "facility": it.facility, "element": elements::symbol(it.element),
                "period": it.period, "deposited_mg": it.deposited_mg, "earned_mg": it.earned_mg,
                "claimed_mg": it.claimed_mg, "book_and_claim_mg": it.book_and_claim_mg,
                "lapsed_mg": it.lapsed_mg, "balance_mg": it.balance_mg, "input_mg": it.input_mg,
                "rolling_average": it.rolling_average.filter(|it| it.known).map(|it| output::decimal(it.e18)),
                "movements": movements.collect::<Vec<_>>(),
            })
        });
        return output::json(
            &json!({ "tree_size": size(answer.basis.as_ref()), "accounts": accounts.collect::<Vec<_>>() }),
        );
    }
    output::note("claim credits are no physical shares and are never added to them");
    let head = [
        "scheme",
        "facility",
        "element",
        "period",
        "earned",
        "claimed",
        "lapsed",
        "balance",
        "rolling average",
    ];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    rows.extend(answer.accounts.iter().map(|it| {
        vec![
            it.scheme.clone(),
            it.facility.clone(),
            elements::symbol(it.element).unwrap_or("?").to_owned(),
            it.period.to_string(),
            kilograms(it.earned_mg),
            kilograms(it.claimed_mg),
            kilograms(it.lapsed_mg),
            kilograms(it.balance_mg),
            ratio(it.rolling_average.as_ref()),
        ]
    }));
    output::data(&table(&rows, &[4, 5, 6, 7, 8]))
}

#[derive(Args, Debug)]
pub(crate) struct Accounts {
    /// Element, such as Ta
    element: String,
    /// Only accounts of this member
    #[arg(long, value_name = "MEMBER")]
    of: Option<String>,
    #[command(flatten)]
    when: When,
}

pub(crate) async fn accounts(context: &Context, verb: &Accounts) -> Outcome {
    let request = MetalAccountsRequest {
        element: element(&verb.element)?,
        member: verb.of.clone().unwrap_or_default(),
        as_of: Some(AsOf::from(&verb.when)),
        limits: None,
    };
    let answer = context.connect().await?.metal_accounts(request).await.map_err(failure)?;
    note(answer.basis.as_ref());
    if context.json {
        let accounts = answer.accounts.iter().map(|it| {
            json!({
                "customer": it.customer, "toller": it.toller, "delivered_mg": it.delivered_mg,
                "returned_mg": it.returned_mg, "owed_mg": it.owed_mg, "held_mg": it.held_mg,
                "declared_loss_mg": it.declared_loss_mg,
            })
        });
        return output::json(&json!({
            "element": verb.element, "tree_size": size(answer.basis.as_ref()), "accounts": accounts.collect::<Vec<_>>(),
        }));
    }
    let head = ["customer", "toller", "delivered", "returned", "owed", "held", "declared loss"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    rows.extend(answer.accounts.iter().map(|it| {
        vec![
            it.customer.clone(),
            it.toller.clone(),
            kilograms(it.delivered_mg),
            kilograms(it.returned_mg),
            signed_kg(it.owed_mg),
            kilograms(it.held_mg),
            kilograms(it.declared_loss_mg),
        ]
    }));
    output::data(&table(&rows, &[2, 3, 4, 5, 6]))
}

// ---------------------------------------------------------------- chain, footprint

#[derive(Args, Debug)]
pub(crate) struct Chain {
    /// Lot
    lot: String,
    #[command(flatten)]
    when: When,
}

pub(crate) async fn chain(context: &Context, verb: &Chain) -> Outcome {
    let request =
        ChainOfCustodyRequest { lot: verb.lot.clone(), as_of: Some(AsOf::from(&verb.when)), limits: None };
    let answer = context.connect().await?.chain_of_custody(request).await.map_err(failure)?;
    note(answer.basis.as_ref());
    let gap_name = |kind: CustodyGapKind| {
        kind.as_str_name().trim_start_matches("CUSTODY_GAP_KIND_").to_ascii_lowercase()
    };
    if context.json {
        let moments = answer.moments.iter().map(|it| {
            json!({
                "record": hex_of(&it.record_id), "event": it.event, "event_time_ms": it.event_time_ms,
                "author": it.author, "custodian": it.custodian, "owner": it.owner, "facility": it.facility,
            })
        });
        let gaps = answer.gaps.iter().map(|it| {
            json!({
                "kind": gap_name(it.kind()), "after": hex_of(&it.after), "before": hex_of(&it.before),
                "from_ms": it.from_ms, "to_ms": it.to_ms, "detail": it.detail,
            })
        });
        return output::json(&json!({
            "lot": verb.lot, "tree_size": size(answer.basis.as_ref()), "moments": moments.collect::<Vec<_>>(),
            "gaps": gaps.collect::<Vec<_>>(),
        }));
    }
    let mut rows =
        vec![["time", "event", "custodian", "owner", "facility", "record"].map(str::to_owned).to_vec()];
    rows.extend(answer.moments.iter().map(|it| {
        vec![
            ore_exchange::write_time(it.event_time_ms, 0),
            it.event.clone(),
            it.custodian.clone(),
            it.owner.clone(),
            if it.facility.is_empty() { "on the way".to_owned() } else { it.facility.clone() },
            hex_of(&it.record_id).chars().take(12).collect(),
        ]
    }));
    let mut text = table(&rows, &[]);
    for gap in &answer.gaps {
        text.push_str(&format!(
            "gap: {} from {} to {} {}\n",
            gap_name(gap.kind()).replace('_', " "),
            ore_exchange::write_time(gap.from_ms, 0),
            ore_exchange::write_time(gap.to_ms, 0),
            gap.detail
        ));
    }
    output::data(&text)
}

#[derive(Args, Debug)]
pub(crate) struct Footprint {
    /// Lot
    lot: String,
    /// Divide a step among its outputs by value of the metal, at the profile's prices [default: by mass]
    #[arg(long)]
    by_value: bool,
    /// Element for the figures per kilogram [default: the one that makes up most of the lot]
    #[arg(long, short, value_name = "SYMBOL")]
    element: Option<String>,
    #[command(flatten)]
    when: When,
}

pub(crate) async fn footprint(context: &Context, verb: &Footprint) -> Outcome {
    let allocation = if verb.by_value { BurdenAllocation::Value } else { BurdenAllocation::Mass };
    let request = LotFootprintRequest {
        lot: verb.lot.clone(),
        allocation: allocation.into(),
        element: atom(verb.element.as_deref())?,
        as_of: Some(AsOf::from(&verb.when)),
        limits: None,
    };
    let answer = context.connect().await?.lot_footprint(request).await.map_err(failure)?;
    note(answer.basis.as_ref());
    let symbol = elements::symbol(answer.element).unwrap_or("metal");
    let whole = answer.burden.unwrap_or_default();
    if context.json {
        return output::json(&json!({
            "lot": verb.lot, "element": symbol, "allocation": answer.allocation,
            "tree_size": size(answer.basis.as_ref()), "lots": answer.lots, "silent": answer.silent,
            "burden": burden_json(&whole), "per_kg": answer.per_kg.as_ref().map(burden_json),
            "records": answer.records.iter().map(|id| hex_of(id)).collect::<Vec<_>>(),
        }));
    }
    output::note(&answer.allocation);
    if answer.silent > 0 {
        output::note(format!(
            "nobody states a footprint for {} of {} lots on the way",
            answer.silent, answer.lots
        ));
    }
    let each = answer.per_kg.unwrap_or_default();
    let mut rows = vec![vec!["".to_owned(), "whole lot".to_owned(), format!("per kg {symbol}")]];
    for ((name, whole), (_, each)) in burdens(&whole).into_iter().zip(burdens(&each)) {
        rows.push(vec![name.to_owned(), micro(whole), micro(each)]);
    }
    output::data(&table(&rows, &[1, 2]))
}

fn burdens(it: &Burden) -> [(&'static str, u64); 7] {
    [
        ("CO2e, g", it.co2e_micro_g),
        ("energy, kJ", it.energy_micro_kj),
        ("water, l", it.water_micro_l),
        ("acid waste, mg", it.acid_waste_micro_mg),
        ("radioactive waste, mg", it.radioactive_waste_micro_mg),
        ("thorium, mg", it.thorium_micro_mg),
        ("uranium, mg", it.uranium_micro_mg),
    ]
}

fn burden_json(it: &Burden) -> serde_json::Value {
    burdens(it)
        .into_iter()
        .map(|(name, value)| (name.to_owned(), json!(micro(value))))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// Millionths of a unit as a decimal.
fn micro(value: u64) -> String {
    format!("{}.{:06}", value / 1_000_000, value % 1_000_000)
}
