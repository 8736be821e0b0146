//! Draws a spider plot and both maps from the SYNTHETIC library.
//!
//! `cargo run -p ore-fingerprint --release --example pictures -- <folder>`

use std::{fs, path::PathBuf};

use anyhow::{Context, Result};
use ore_fingerprint::{
    contrast::Space,
    discriminant::{Axes, lot_mean},
    element::Element,
    embedding::{Embedding, Settings},
    library::{Extra, Library},
    linalg::Row,
    material::Substance,
    pattern::{Logs, Pattern, Reading},
    plot::{MapKind, MapPlot, SpiderPlot},
    synthetic::{self, Place, SHIPPED, SHIPPED_SEED},
};

fn main() -> Result<()> {
    let folder: PathBuf = std::env::args_os().nth(1).context("say where to write")?.into();
    for (name, svg) in pictures()? {
        fs::write(folder.join(name), svg).with_context(|| format!("write {name}"))?;
    }
    Ok(())
}

fn pictures() -> Result<Vec<(&'static str, String)>> {
    let (references, background) = synthetic::library(SHIPPED_SEED, SHIPPED);
    let library = Library::fit(Substance::grains("scheelite"), &references, &background)?;
    let claimed = 2;
    let lot = a_lot(claimed);
    let logs: Vec<Logs> = synthetic::sample(SHIPPED_SEED, Place::Origin(claimed), SHIPPED.samples, 8)
        .iter()
        .map(|reference| reference.pattern.logs())
        .collect();
    let ranking = library.score(&logs, Space::Log, &Extra::NONE).ranking();
    let axes = Axes::fit(&library, Space::Log).context("axes of the synthetic library")?;
    let query = axes.scores(&lot_mean(&logs).context("complete spots")?);
    let scores: Vec<Row> = library.labelled().map(|(_, logs)| axes.scores(logs)).collect();
    let flat: Vec<[f64; 2]> = scores.iter().map(|score| [score[0], score[1]]).collect();
    let settings = Settings::default();
    let map = Embedding::fit(&scores, settings)?;
    let plot = |places, query, kind| MapPlot {
        library: &library,
        places,
        query,
        claimed: Some(claimed),
        resembles: &ranking[..3],
        kind,
    };
    Ok(vec![
        ("spider.svg", SpiderPlot { library: &library, origin: claimed, lot: &lot }.svg()),
        ("discriminant.svg", plot(&flat, Some([query[0], query[1]]), MapKind::Discriminant).svg()),
        (
            "embedding.svg",
            plot(map.places(), map.place(&query), MapKind::Embedding { seed: settings.seed }).svg(),
        ),
    ])
}

/// A new sample of an origin, with thulium missing in one spot and lanthanum below detection in two.
fn a_lot(origin: usize) -> Vec<Pattern> {
    let spots = synthetic::sample(SHIPPED_SEED, Place::Origin(origin), SHIPPED.samples, 8);
    let mut lot: Vec<Pattern> = spots.into_iter().map(|reference| reference.pattern).collect();
    lot[0] = lot[0].with(Element::TM, Reading::Absent);
    for spot in &mut lot[1..3] {
        let limit = spot.ppm(Element::LA).map(|ppm| ppm * 0.6);
        *spot = spot.with(Element::LA, Reading::Below(limit));
    }
    lot
}
