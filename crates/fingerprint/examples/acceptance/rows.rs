//! The rows of the acceptance table, each measured as its protocol says.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    time::Instant,
};

use anyhow::{Context, Result};
use ore_fingerprint::{
    attribution::attribute,
    calibration::{Calibration, PValue},
    campaign::CAMPAIGN_MIN,
    contrast::{Space, isometric},
    discriminant::Axes,
    element::{ELEMENTS, Element, ElementSet},
    embedding::{Embedding, Settings, trustworthiness},
    evidence::{BACKGROUND_WEIGHT, Trial, cllr, equal_error_rate, ratio},
    lambdas::lambdas,
    library::{Extra, Library, Reference},
    linalg::Row as Logs14,
    material::Substance,
    pattern::{Logs, Pattern, Reading},
    quality::implausible_steps,
    special::{Seeded, ln_sum_exp},
    steps::{StepAnswer, StepKind, test_step},
};

use super::data::{Spot, Table, Tables, by_sample, references};

/// One row of the printed table.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) id: &'static str,
    pub(crate) check: &'static str,
    pub(crate) bound: &'static str,
    pub(crate) measured: String,
    /// None: a figure to know, without a bound.
    pub(crate) reached: Option<bool>,
}

fn row(id: &'static str, check: &'static str, bound: &'static str, measured: String, reached: bool) -> Row {
    Row { id, check, bound, measured, reached: Some(reached) }
}

/// A fitted benchmark.
pub(crate) struct Bench {
    pub(crate) tables: Tables,
    pub(crate) library: Library,
    pub(crate) calibration: Calibration,
}

impl Bench {
    pub(crate) fn fit(tables: Tables) -> Result<Self> {
        let library = Library::fit(
            Substance::grains("zircon"),
            &references(&tables.train),
            &references(&tables.background),
        )?;
        let calibration = Calibration::fit(&library, Space::Log, ElementSet::ALL);
        Ok(Self { tables, library, calibration })
    }

    fn heldout(&self) -> impl Iterator<Item = (usize, Logs)> {
        let complete = self.tables.heldout.iter().filter(|spot| spot.complete());
        complete.filter_map(|spot| Some((self.library.find(&spot.reference.origin)?, spot.logs())))
    }

    fn score(&self, lot: &[Logs]) -> ore_fingerprint::library::Scores {
        self.library.score(lot, Space::Log, &Extra::NONE)
    }

    fn lot_trials(&self, weight: f64) -> Vec<Trial> {
        let mut trials = Vec::new();
        for ((origin, _), lot) in by_sample(&self.tables.heldout) {
            let (scores, own) = (self.score(&lot), self.library.find(&origin));
            for claimed in 0..self.library.origins().len() {
                let ln_ratio = ratio(&scores, claimed, weight).ln();
                trials.push(Trial { ln_ratio, honest: Some(claimed) == own });
            }
        }
        trials
    }
}

/// All rows, in order.
pub(crate) fn all(bench: &Bench, folder: &Path) -> Result<Vec<Row>> {
    let mut rows = vec![f1(bench, folder)?];
    rows.extend(f2(folder)?);
    rows.push(f3(bench));
    rows.push(f4(bench));
    let (f5, f16) = f5_f16(bench);
    rows.push(f5);
    rows.extend(f6(bench));
    rows.push(f7(bench));
    rows.push(f8(bench));
    rows.push(f9(bench));
    rows.push(f10(bench)?);
    rows.push(f11(bench));
    rows.extend(f12(bench));
    rows.push(f13(bench));
    rows.extend(f15(bench)?);
    rows.extend(f16);
    rows.push(f17(bench)?);
    rows.extend(to_know(bench));
    Ok(rows)
}

fn f1(bench: &Bench, folder: &Path) -> Result<Row> {
    let heldout: BTreeMap<&str, &Spot> = bench.tables.heldout.iter().map(|s| (s.row.as_str(), s)).collect();
    let (mut worst, mut count) = (0.0_f64, 0);
    for (space, name) in [(Space::Log, "niwt_log_loglik.csv"), (Space::Shape, "niwt_shape_loglik.csv")] {
        let table = Table::read(&folder.join("expected").join(name))?;
        for line in &table.rows {
            let spot = heldout.get(table.text(line, "row")).context("a row of the held-out table")?;
            let missing: ElementSet = table
                .text(line, "missing")
                .split(|c: char| !c.is_alphabetic())
                .filter_map(Element::named)
                .collect();
            let logs = spot.reference.pattern.without(missing).logs();
            let scores = bench.library.score(&[logs], space, &Extra::NONE);
            for (name, score) in bench.library.origins().iter().zip(&scores.origins) {
                let expected = table.number(line, name).context("a density per deposit")?;
                worst = worst.max((score - expected).abs());
                count += 1;
            }
        }
    }
    let measured = format!("{worst:.1e} over {count} densities");
    Ok(row("F1", "log densities against the reference", "<= 1e-6", measured, worst <= 1e-6 && count > 0))
}

fn f2(folder: &Path) -> Result<Vec<Row>> {
    let table = Table::read(&folder.join("reference/lambda_vectors.csv"))?;
    let mut worst = 0.0_f64;
    for line in &table.rows {
        let excluded = table
            .text(line, "excluded")
            .split(|c: char| !c.is_alphabetic())
            .filter_map(Element::named)
            .collect();
        let fit = lambdas(&table.pattern(line), excluded).context("a fit for every vector")?;
        let names = ["lambda0", "lambda1", "lambda2", "lambda3", "lambda4"];
        let found = fit.values.iter().copied().zip(names).map(|(value, name)| (Some(value), name));
        for (found, name) in found.chain([(fit.cerium, "lnCe_minus_fit"), (fit.europium, "lnEu_minus_fit")]) {
            match (found, table.number(line, name)) {
                (Some(found), Some(expected)) => worst = worst.max((found / expected - 1.0).abs()),
                (None, None) => {}
                _ => worst = f64::INFINITY,
            }
        }
    }
    let lambdas = row(
        "F2",
        "lambdas against pyrolite",
        "rel <= 1e-5",
        format!("{worst:.1e} over {} fits", table.rows.len()),
        worst <= 1e-5,
    );
    let table = Table::read(&folder.join("reference/logratio_vectors.csv"))?;
    let mut worst = 0.0_f64;
    for line in &table.rows {
        // These vectors are logarithms of ppm, without a chondrite.
        let ln: [f64; ELEMENTS] = std::array::from_fn(|i| {
            Element::at(i).and_then(|e| table.number(line, e.symbol())).map_or(f64::NAN, f64::ln)
        });
        for (i, found) in (1..).zip(isometric(&ln, ElementSet::ALL)) {
            let expected = table.number(line, &format!("ilr_{i}")).context("thirteen ratios")?;
            worst = worst.max((found - expected).abs());
        }
    }
    let ratios = row(
        "F2",
        "isometric log-ratios",
        "abs <= 1e-8",
        format!("{worst:.1e} (vectors are printed to 9 digits)"),
        worst <= 1e-8,
    );
    Ok(vec![lambdas, ratios])
}

fn hits(scored: &[(usize, Vec<f64>)]) -> (f64, f64, f64) {
    let (mut first, mut third) = (0, 0);
    let mut per_origin: Vec<Vec<(f64, bool)>> = Vec::new();
    for (own, scores) in scored {
        per_origin.resize(scores.len(), Vec::new());
        let better = scores.iter().filter(|score| **score > scores[*own]).count();
        first += usize::from(better == 0);
        third += usize::from(better < 3);
        let total = ln_sum_exp(scores.iter().copied());
        for (k, score) in scores.iter().enumerate() {
            per_origin[k].push(((score - total).exp(), k == *own));
        }
    }
    let areas: Vec<f64> = per_origin
        .into_iter()
        .filter(|rows| rows.iter().any(|(_, own)| *own))
        .map(area_under_curve)
        .collect();
    let n = scored.len() as f64;
    (f64::from(first as u32) / n, f64::from(third as u32) / n, areas.iter().sum::<f64>() / areas.len() as f64)
}

/// Mann-Whitney with ties counted half.
fn area_under_curve(mut rows: Vec<(f64, bool)>) -> f64 {
    rows.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut at, mut positives, mut ranks) = (0, 0.0, 0.0);
    while at < rows.len() {
        let end = at + rows[at..].iter().take_while(|row| row.0 == rows[at].0).count();
        let tied = rows[at..end].iter().filter(|row| row.1).count() as f64;
        positives += tied;
        ranks += tied * (at + 1 + end) as f64 / 2.0;
        at = end;
    }
    let negatives = rows.len() as f64 - positives;
    (ranks - positives * (positives + 1.0) / 2.0) / (positives * negatives)
}

fn f3(bench: &Bench) -> Row {
    let scored: Vec<_> = bench.heldout().map(|(own, logs)| (own, bench.score(&[logs]).origins)).collect();
    let (first, third, area) = hits(&scored);
    row(
        "F3",
        "one held-out spot: top-1 / top-3 / AUC",
        ">= 0.60 / 0.75 / 0.94",
        format!("{first:.3} / {third:.3} / {area:.3} ({} spots)", scored.len()),
        first >= 0.60 && third >= 0.75 && area >= 0.94,
    )
}

fn f4(bench: &Bench) -> Row {
    let mut random = Seeded::new(3);
    let scored: Vec<_> = bench
        .heldout()
        .map(|(own, logs)| {
            let mut observed = logs.observed();
            while observed.len() > ELEMENTS - 3 {
                observed = Element::at(random.below(ELEMENTS)).map_or(observed, |e| observed.without(e));
            }
            (own, bench.score(&[logs.only(observed)]).origins)
        })
        .collect();
    let (first, third, area) = hits(&scored);
    row(
        "F4",
        "the same with 3 of 14 missing at random: top-1",
        ">= 0.53",
        format!("{first:.3} (top-3 {third:.3}, AUC {area:.3})"),
        first >= 0.53,
    )
}

fn f5_f16(bench: &Bench) -> (Row, Vec<Row>) {
    let lots = by_sample(&bench.tables.heldout);
    let scored: Vec<_> = lots
        .iter()
        .filter_map(|((origin, _), lot)| Some((bench.library.find(origin)?, bench.score(lot).origins)))
        .collect();
    let (first, third, _) = hits(&scored);
    let trials = bench.lot_trials(0.0);
    let error = equal_error_rate(&trials);
    let f5 = row(
        "F5",
        "held-out sample: top-1 / top-3 / EER",
        ">= 0.70 / 0.88 / <= 0.08",
        format!("{first:.3} / {third:.3} / {error:.3} ({} samples)", scored.len()),
        first >= 0.70 && third >= 0.88 && error <= 0.08,
    );
    let spot: Vec<_> = bench.heldout().map(|(own, logs)| (own, bench.score(&[logs]).origins)).collect();
    let floor = least_cllr(&trials);
    let f16 = Row {
        id: "F16",
        check: "to beat: spot / sample top-1 / min Cllr",
        bound: "> 0.663 / 0.814 / < 0.154",
        measured: format!("{:.3} / {first:.3} / {floor:.3}", hits(&spot).0),
        reached: Some(hits(&spot).0 > 0.663 && first > 0.814 && floor < 0.154),
    };
    (f5, vec![f16])
}

/// Cllr after the best monotonic transformation: pool adjacent violators on class-balanced posteriors.
fn least_cllr(trials: &[Trial]) -> f64 {
    let mut sorted = trials.to_vec();
    // Honest before foreign in ties, so that ties are pooled.
    sorted.sort_by(|a, b| a.ln_ratio.total_cmp(&b.ln_ratio).then(b.honest.cmp(&a.honest)));
    let honest = trials.iter().filter(|t| t.honest).count() as f64;
    let foreign = trials.len() as f64 - honest;
    let mut blocks: Vec<(f64, f64)> = Vec::new();
    for trial in sorted {
        blocks.push(if trial.honest { (1.0, 0.0) } else { (0.0, 1.0) });
        while let [.., a, b] = blocks.as_slice() {
            if a.0 * (b.0 + b.1) < b.0 * (a.0 + a.1) {
                break;
            }
            let merged = (a.0 + b.0, a.1 + b.1);
            blocks.truncate(blocks.len() - 2);
            blocks.push(merged);
        }
    }
    let cost = |(yes, no): &(f64, f64)| {
        let (up, down) = (yes / honest, no / foreign);
        let part = |n: f64, share: f64| if n > 0.0 { n * (1.0 + share).log2() } else { 0.0 };
        part(*yes, down / up) / honest + part(*no, up / down) / foreign
    };
    blocks.iter().map(cost).sum::<f64>() / 2.0
}

fn f6(bench: &Bench) -> Vec<Row> {
    [(0.0, "sample Cllr, w = 0: held-out; left out in train"), (BACKGROUND_WEIGHT, "the same with w = 0.2")]
        .into_iter()
        .map(|(weight, check)| {
            let held = cllr(&bench.lot_trials(weight));
            let left = cllr(&bench.calibration.trials(weight));
            let measured = format!("{held:.3}; {left:.3}");
            row("F6", check, "<= 0.28; <= 0.50", measured, held <= 0.28 && left <= 0.50)
        })
        .collect()
}

fn f7(bench: &Bench) -> Row {
    let trials = bench.lot_trials(BACKGROUND_WEIGHT);
    let honest = || trials.iter().filter(|trial| trial.honest);
    let below = honest().filter(|trial| trial.ln_ratio < (1.0_f64 / 20.0).ln() - 1e-12).count();
    let measured = format!("{below} of {}", honest().count());
    row("F7", "honest held-out lots with LR < 1/20", "0", measured, below == 0)
}

fn f8(bench: &Bench) -> Row {
    let (mut above_one, mut above_ten, mut claims) = (0.0, 0.0, 0.0);
    for lot in by_sample(&bench.tables.openset).values() {
        let scores = bench.score(lot);
        for claimed in 0..bench.library.origins().len() {
            let log10 = ratio(&scores, claimed, BACKGROUND_WEIGHT).log10();
            claims += 1.0;
            above_one += f64::from(u8::from(log10 > 0.0));
            above_ten += f64::from(u8::from(log10 > 1.0));
        }
    }
    let (one, ten) = (above_one / claims, above_ten / claims);
    row(
        "F8",
        "open-set claims with LR > 1 / LR > 10",
        "<= 8 % / <= 3 %",
        format!("{:.1} % / {:.1} % of {claims} claims", one * 100.0, ten * 100.0),
        one <= 0.08 && ten <= 0.03,
    )
}

fn f9(bench: &Bench) -> Row {
    let (mut covered, mut count, mut silent) = ([0.0; 3], 0.0, 0);
    for (own, logs) in bench.heldout() {
        match bench.calibration.p_value(own, bench.score(&[logs]).origins[own]) {
            PValue::Value { p, .. } => {
                count += 1.0;
                for (sum, level) in covered.iter_mut().zip([0.05, 0.10, 0.20]) {
                    *sum += f64::from(u8::from(p > level));
                }
            }
            PValue::InsufficientReference { .. } => silent += 1,
        }
    }
    let rates = covered.map(|sum| sum / count);
    let near = rates.iter().zip([0.95, 0.90, 0.80]).all(|(rate, nominal)| (rate - nominal).abs() <= 0.03);
    row(
        "F9",
        "conformal coverage at .05 / .10 / .20",
        "nominal ± 0.03",
        format!(
            "{:.3} / {:.3} / {:.3} ({count} spots; {silent} with insufficient reference)",
            rates[0], rates[1], rates[2]
        ),
        near,
    )
}

/// The cross-campaign protocol of the benchmark's README.
fn f10(bench: &Bench) -> Result<Row> {
    let t = &bench.tables;
    let named = t.background.iter().chain(&t.openset).filter(|spot| !spot.barren);
    let joined: Vec<&Spot> = t.train.iter().chain(&t.heldout).chain(named).filter(|s| s.complete()).collect();
    let mut sizes: BTreeMap<&str, usize> = BTreeMap::new();
    joined.iter().for_each(|spot| *sizes.entry(&spot.reference.origin).or_default() += 1);
    let kept: Vec<&Spot> = joined.into_iter().filter(|s| sizes[s.reference.origin.as_str()] >= 20).collect();
    let mut campaigns: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for spot in &kept {
        *campaigns.entry((&spot.reference.origin, &spot.reference.campaign)).or_default() += 1;
    }
    campaigns.retain(|_, rows| *rows >= CAMPAIGN_MIN);
    let mut per_origin: BTreeMap<&str, usize> = BTreeMap::new();
    campaigns.keys().for_each(|(origin, _)| *per_origin.entry(origin).or_default() += 1);
    let (mut trials, mut bare, mut lots, mut top, mut first) = (Vec::new(), Vec::new(), 0, 0, [0, 0]);
    let mut candidates = BTreeSet::new();
    let mut by_campaign: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (origin, campaign) in campaigns.keys().filter(|(origin, _)| per_origin[origin] >= 2) {
        by_campaign.entry(campaign).or_default().push(origin);
    }
    for (campaign, origins) in by_campaign {
        let rest: Vec<Reference> = kept
            .iter()
            .filter(|spot| spot.reference.campaign != campaign)
            .map(|spot| spot.reference.clone())
            .collect();
        let library = Library::fit(Substance::grains("zircon"), &rest, &[])?;
        let extra = library.extra_for(campaign);
        for origin in origins {
            let mine = |spot: &&&Spot| spot.reference.campaign == campaign && spot.reference.origin == origin;
            let queries: Vec<Spot> = kept.iter().filter(mine).map(|spot| (*spot).clone()).collect();
            for lot in by_sample(&queries).into_values().filter(|lot| lot.len() >= 5) {
                let Some(own) = library.find(origin) else { continue };
                candidates.insert(library.origins().len());
                lots += 1;
                let scores = library.score(&lot, Space::Log, &extra);
                let plain = library.score(&lot, Space::Log, &Extra::NONE);
                top += usize::from(scores.ranking().iter().take(10).any(|k| *k == own));
                first[0] += usize::from(scores.ranking()[0] == own);
                first[1] += usize::from(plain.ranking()[0] == own);
                for claimed in 0..library.origins().len() {
                    let trial =
                        |scores| Trial { ln_ratio: ratio(scores, claimed, 0.0).ln(), honest: claimed == own };
                    trials.push(trial(&scores));
                    bare.push(trial(&plain));
                }
            }
        }
    }
    let (cost, top) = (cllr(&trials), top as f64 / f64::from(lots));
    Ok(row(
        "F10",
        "another laboratory: Cllr with Λ; top-10",
        "<= 0.80; >= 0.65",
        format!(
            "{cost:.2}; {top:.2} ({lots} queries, {} candidates; without Λ Cllr {:.2}; top-1 {:.2} with, {:.2} without)",
            candidates.last().copied().unwrap_or(0),
            cllr(&bare),
            f64::from(first[0] as u32) / f64::from(lots),
            f64::from(first[1] as u32) / f64::from(lots)
        ),
        cost <= 0.80 && top >= 0.65,
    ))
}

fn f11(bench: &Bench) -> Row {
    let flagged = |spots: &[Spot]| spots.iter().filter(|s| !implausible_steps(&s.logs()).is_empty()).count();
    let complete = |spots: &[Spot]| -> Vec<Spot> { spots.iter().filter(|s| s.complete()).cloned().collect() };
    let bad = flagged(&bench.tables.misaligned);
    let (train, held) = (complete(&bench.tables.train), complete(&bench.tables.heldout));
    let share = (flagged(&train) + flagged(&held)) as f64 / (train.len() + held.len()) as f64;
    let each = |spots: &[Spot]| flagged(spots) as f64 / spots.len() as f64 * 100.0;
    row(
        "F11",
        "quality rule: shuffled rows flagged; good rows flagged",
        "24/24; <= 2.5 %",
        format!(
            "{bad}/{}; {:.1} % (train {:.1} %, held-out {:.1} %)",
            bench.tables.misaligned.len(),
            share * 100.0,
            each(&train),
            each(&held)
        ),
        bad == bench.tables.misaligned.len() && share <= 0.025,
    )
}

/// The source reports no limits, so limits are set on complete held-out rows: each element's lower decile
/// (and, harder, lower quarter) in the training rows. Values below are hidden, as a laboratory would.
fn f12(bench: &Bench) -> Vec<Row> {
    [(0.10, "values below the lower decile hidden"), (0.25, "values below the lower quarter hidden")]
        .into_iter()
        .map(|(share, check)| {
            let limits = limits(bench, share);
            let mut loss = [0.0; 3];
            let mut count = 0.0;
            for spot in bench.tables.heldout.iter().filter(|spot| spot.complete()) {
                let Some(own) = bench.library.find(&spot.reference.origin) else { continue };
                let (hidden, halved) = hide(&spot.reference.pattern, &limits);
                if hidden == spot.reference.pattern || hidden.observed().is_empty() {
                    continue;
                }
                count += 1.0;
                let losses = [
                    bench.score(&[hidden.logs()]).origins,
                    censored(&bench.library, &hidden.logs()),
                    bench.score(&[halved.logs()]).origins,
                ];
                for (sum, scores) in loss.iter_mut().zip(losses) {
                    *sum += ln_sum_exp(scores.iter().copied()) - scores[own];
                }
            }
            let [marginal, term, half] = loss.map(|sum| sum / count);
            row(
                "F12",
                check,
                "marginal <= LOD/2",
                format!("log loss {marginal:.2} < {half:.2} ({count} spots; censored term {term:.2})"),
                marginal <= half,
            )
        })
        .collect()
}

fn limits(bench: &Bench, share: f64) -> [f64; ELEMENTS] {
    let complete: Vec<&Spot> = bench.tables.train.iter().filter(|spot| spot.complete()).collect();
    std::array::from_fn(|i| {
        let element = Element::at(i).expect("an index below fourteen");
        let mut values: Vec<f64> = complete.iter().filter_map(|s| s.reference.pattern.ppm(element)).collect();
        values.sort_by(f64::total_cmp);
        values[(share * values.len() as f64) as usize]
    })
}

fn hide(pattern: &Pattern, limits: &[f64; ELEMENTS]) -> (Pattern, Pattern) {
    let (mut hidden, mut halved) = (*pattern, *pattern);
    for element in Element::all() {
        let limit = limits[element.index()];
        if pattern.ppm(element).is_some_and(|ppm| ppm < limit) {
            hidden = hidden.with(element, Reading::Below(Some(limit)));
            halved = halved.with(element, Reading::Value { amount: limit / 2.0, rsd: None });
        }
    }
    (hidden, halved)
}

fn censored(library: &Library, logs: &Logs) -> Vec<f64> {
    (0..library.origins().len())
        .map(|k| {
            let ready = library.origin(k).and_then(|o| o.student.prepare(Space::Log, logs.observed(), None));
            ready.map_or(f64::NEG_INFINITY, |ready| ready.ln_density_censored(logs))
        })
        .collect()
}

/// Both assays of one lot err by 5 %; a swapped lot is one of another held-out sample's.
fn f13(bench: &Bench) -> Row {
    let lots: Vec<Pattern> = bench
        .tables
        .heldout
        .iter()
        .filter(|spot| spot.complete())
        .map(|spot| spot.reference.pattern)
        .collect();
    let mut random = Seeded::new(13);
    let noisy = |pattern: &Pattern, random: &mut Seeded| {
        Element::all().fold(*pattern, |out, element| {
            let amount = pattern.ppm(element).unwrap_or(0.0) * (1.0 + 0.05 * random.normal());
            out.with(element, Reading::Value { amount, rsd: Some(0.05) })
        })
    };
    let rejects = |a: &Pattern, b: &Pattern| match test_step(a, b, &StepKind::SameMaterial) {
        StepAnswer::Tested(test) => test.p < 0.05,
        _ => false,
    };
    let rounds = 40_000;
    let (mut wrong, mut right) = (0, 0);
    for _ in 0..rounds {
        let at = random.below(lots.len());
        let other = (at + 1 + random.below(lots.len() - 1)) % lots.len();
        let before = noisy(&lots[at], &mut random);
        wrong += usize::from(rejects(&before, &noisy(&lots[at], &mut random)));
        right += usize::from(rejects(&before, &noisy(&lots[other], &mut random)));
    }
    let (error, power) = (wrong as f64 / f64::from(rounds), right as f64 / f64::from(rounds));
    row(
        "F13",
        "step test at 5 % RSD: type-I error; power",
        "0.04-0.06; >= 0.99",
        format!("{error:.3}; {power:.4} ({rounds} pairs of spots)"),
        (0.04..=0.06).contains(&error) && power >= 0.99,
    )
}

fn f15(bench: &Bench) -> Result<Vec<Row>> {
    let ilr = |logs: &Logs14| -> Logs14 {
        let ratios = isometric(logs, ElementSet::ALL);
        std::array::from_fn(|i| ratios.get(i).copied().unwrap_or(0.0))
    };
    let points: Vec<Logs14> = bench.library.labelled().map(|(_, logs)| ilr(logs)).collect();
    let settings = Settings::default();
    let map = Embedding::fit(&points, settings)?;
    let again = Embedding::fit(&points, settings)?;
    let bits = |map: &Embedding| -> Vec<u64> { map.places().iter().flatten().map(|x| x.to_bits()).collect() };
    let same = bits(&map) == bits(&again);
    let trust = trustworthiness(&points, map.places(), 15).context("enough points")?;
    let axes = Axes::fit(&bench.library, Space::Log).context("discriminant axes")?;
    let scores: Vec<Logs14> = bench.library.labelled().map(|(_, logs)| axes.scores(logs)).collect();
    let labels: Vec<usize> = bench.library.labelled().map(|(origin, _)| origin).collect();
    let map = Embedding::fit(&scores, settings)?;
    let (mut in_map, mut in_scores, mut count) = (0.0, 0.0, 0.0);
    for (own, logs) in bench.heldout() {
        let query = axes.scores(logs.complete().context("complete")?);
        let place = map.place(&query).context("finite")?;
        let flat = map.places().iter().map(|p| (p[0] - place[0]).powi(2) + (p[1] - place[1]).powi(2));
        in_map += f64::from(u8::from(vote(flat, &labels) == own));
        let full = scores.iter().map(|s| s.iter().zip(&query).map(|(a, b)| (a - b) * (a - b)).sum());
        in_scores += f64::from(u8::from(vote(full, &labels) == own));
        count += 1.0;
    }
    Ok(vec![
        row(
            "F15",
            "embedding of ilr: same seed; trustworthiness(15)",
            "same bytes; >= 0.95",
            format!("{}; {trust:.3}", if same { "same bytes" } else { "bytes differ" }),
            same && trust >= 0.95,
        ),
        row(
            "F15",
            "15 nearest in the embedding of discriminant scores",
            ">= 0.50",
            format!("{:.3} (in the scores themselves {:.3})", in_map / count, in_scores / count),
            in_map / count >= 0.50,
        ),
    ])
}

/// Majority of the fifteen nearest; ties go to the origin whose first vote is nearer.
fn vote(distances: impl Iterator<Item = f64>, labels: &[usize]) -> usize {
    let mut near: Vec<(f64, usize)> = distances.zip(labels.iter().copied()).collect();
    near.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut votes: Vec<(usize, usize)> = Vec::new();
    for (_, label) in near.into_iter().take(15) {
        match votes.iter_mut().find(|(known, _)| *known == label) {
            Some((_, count)) => *count += 1,
            None => votes.push((label, 1)),
        }
    }
    let most = votes.iter().map(|(_, count)| *count).max().unwrap_or(0);
    votes.into_iter().find(|(_, count)| *count == most).map_or(usize::MAX, |(label, _)| label)
}

fn f17(bench: &Bench) -> Result<Row> {
    let train = references(&bench.tables.train);
    let queries: Vec<Logs> = bench.heldout().map(|(_, logs)| logs).take(24).collect();
    let (mut best, mut sum) = (f64::INFINITY, 0.0);
    for _ in 0..5 {
        let start = Instant::now();
        let library = Library::fit(Substance::grains("zircon"), &train, &[])?;
        for (i, logs) in queries.iter().enumerate() {
            let (observed, space) = if i % 2 == 0 {
                (ElementSet::ALL, Space::Log)
            } else {
                (ElementSet::ALL.without(Element::LA).without(Element::PR).without(Element::TM), Space::Shape)
            };
            for space in [space, Space::Log] {
                sum += library.score(&[logs.only(observed)], space, &Extra::NONE).origins.iter().sum::<f64>();
            }
        }
        best = f64::min(best, start.elapsed().as_secs_f64() * 1e3);
    }
    let measured = format!("{best:.0} ms{}", if sum.is_finite() { "" } else { " (not finite)" });
    Ok(row("F17", "fit 41 deposits and 1,968 densities", "< 100 ms", measured, best < 100.0))
}

/// Figures without a bound that a reader of the table should know.
fn to_know(bench: &Bench) -> Vec<Row> {
    let abstentions = |spots: &[Spot]| {
        let lots = by_sample(spots);
        let silent = lots
            .values()
            .filter(|lot| attribute(&bench.score(lot), bench.calibration.temperature()).abstains)
            .count();
        format!("{silent} of {}", lots.len())
    };
    let found = by_sample(&bench.tables.openset)
        .values()
        .filter(|lot| {
            let scores = bench.score(lot);
            (0..bench.library.origins().len()).any(|k| ratio(&scores, k, BACKGROUND_WEIGHT).log10() > 1.0)
        })
        .count();
    let metal: BTreeMap<&str, &str> =
        bench.tables.train.iter().map(|s| (s.reference.origin.as_str(), s.metal.as_str())).collect();
    let type_of = |k: usize| metal.get(bench.library.origins()[k].as_str()).map(|m| (*m).to_owned());
    let types = ore_fingerprint::discriminant::Types::leave_deposit_out(&bench.library, Space::Log, type_of);
    let note = |check, measured| Row { id: "-", check, bound: "", measured, reached: None };
    vec![
        note(
            "attribution abstains: held-out; open-set samples",
            format!("{}; {}", abstentions(&bench.tables.heldout), abstentions(&bench.tables.openset)),
        ),
        note(
            "open-set samples that find some deposit with LR > 10",
            format!("{found} of {}", by_sample(&bench.tables.openset).len()),
        ),
        note("temperature from left-out samples", format!("{:.2}", bench.calibration.temperature())),
        note(
            "type (Cu or Mo), deposit left out, balanced; chance 0.5",
            types.map_or("none".to_owned(), |rate| format!("{rate:.2}")),
        ),
    ]
}
