//! Pictures say what they are, and are the same every time.

use ore_fingerprint::{
    contrast::Space,
    discriminant::Axes,
    element::{Element, Normaliser},
    embedding::{Embedding, EmbeddingError, Settings, trustworthiness},
    library::Library,
    linalg::Row,
    material::Substance,
    pattern::Reading,
    plot::{AssaysPlot, MapKind, MapPlot, SpiderPlot},
    synthetic::{self, Place, SHIPPED, SHIPPED_SEED},
};

use crate::world::unseen;

fn library() -> Library {
    let (references, background) = synthetic::library(SHIPPED_SEED, SHIPPED);
    Library::fit(Substance::grains("scheelite"), &references, &background).unwrap()
}

fn scores(library: &Library) -> Vec<Row> {
    let axes = Axes::fit(library, Space::Log).unwrap();
    library.labelled().map(|(_, logs)| axes.scores(logs)).collect()
}

#[test]
fn a_spider_plot_names_its_normaliser_its_numbers_and_its_caution() {
    let library = library();
    let mut lot = unseen(Place::Origin(1), 5).0;
    lot[0] = lot[0].with(Element::LA, Reading::Below(Some(0.1)));
    let svg = SpiderPlot { library: &library, origin: 1, lot: &lot }.svg();
    assert!(svg.contains(Normaliser::McDonoughSun1995.name().replace('&', "&amp;").as_str()));
    assert!(svg.contains("n = 40 analyses of 5 samples. Lot: n = 5"));
    assert!(svg.contains("Inside every envelope does not mean consistent"));
    for element in Element::all() {
        assert!(svg.contains(&format!(">{element}</text>")), "{element}");
    }
    assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
    assert_eq!(svg, SpiderPlot { library: &library, origin: 1, lot: &lot }.svg());
}

#[test]
fn a_missing_element_breaks_the_line() {
    let library = library();
    let lot = unseen(Place::Origin(1), 1).0;
    let lines =
        |lot: &[_]| SpiderPlot { library: &library, origin: 1, lot }.svg().matches("<polyline").count();
    let whole = lines(&lot);
    let gap = [lot[0].with(Element::DY, Reading::Absent)];
    // The spot and the mean fall into two pieces each.
    assert_eq!(lines(&gap), whole + 2);
}

#[test]
fn hostile_names_and_empty_lots_draw_something_harmless() {
    let (mut references, _) = synthetic::library(SHIPPED_SEED, SHIPPED);
    for reference in references.iter_mut().filter(|r| r.origin == Place::Origin(0).name()) {
        reference.origin = "</text><script>alert(\"1\")</script>".to_owned();
    }
    let library = Library::fit(Substance::grains("scheelite"), &references, &[]).unwrap();
    for origin in [0, 99] {
        let svg = SpiderPlot { library: &library, origin, lot: &[] }.svg();
        assert!(!svg.contains("<script") && !svg.contains("NaN") && !svg.contains("inf"));
    }
    let map = MapPlot {
        library: &library,
        places: &[[f64::NAN, 0.0]],
        query: Some([f64::INFINITY, 0.0]),
        claimed: Some(0),
        resembles: &[99],
        kind: MapKind::Discriminant,
    };
    assert!(!map.svg().contains("<script") && !map.svg().contains("NaN"));
}

#[test]
fn a_map_says_that_distances_are_no_evidence() {
    let library = library();
    let scores = scores(&library);
    let places: Vec<[f64; 2]> = scores.iter().map(|score| [score[0], score[1]]).collect();
    for kind in [MapKind::Discriminant, MapKind::Embedding { seed: 1 }] {
        let map = MapPlot {
            library: &library,
            places: &places,
            query: Some([0.0, 0.0]),
            claimed: Some(3),
            resembles: &[3, 4, 5],
            kind,
        };
        assert!(map.svg().contains("Distances in this picture are not evidence."));
        assert_eq!(map.svg(), map.svg());
    }
}

#[test]
fn one_seed_gives_one_map_and_another_seed_another() {
    let scores = scores(&library());
    let map = |seed| Embedding::fit(&scores, Settings { seed, epochs: 50, neighbours: 10 }).unwrap();
    let bits =
        |map: &Embedding| -> Vec<[u64; 2]> { map.places().iter().map(|p| p.map(f64::to_bits)).collect() };
    let (one, same, other) = (map(1), map(1), map(2));
    assert_eq!(bits(&one), bits(&same));
    assert_ne!(bits(&one), bits(&other));
    assert_eq!(one.place(&scores[0]), same.place(&scores[0]));
    assert!(trustworthiness(&scores, one.places(), 15).unwrap() > 0.9);
    // Places drawn by lot are not trusted.
    let mut random = ore_fingerprint::special::Seeded::new(9);
    let noise: Vec<[f64; 2]> = scores.iter().map(|_| [random.uniform(), random.uniform()]).collect();
    assert!(trustworthiness(&scores, &noise, 15).unwrap() < 0.6);
}

#[test]
fn impossible_maps_are_refused() {
    let scores = scores(&library());
    let fit = |points: &[Row], neighbours, epochs| {
        Embedding::fit(points, Settings { neighbours, epochs, seed: 1 }).map(|_| ()).unwrap_err()
    };
    assert_eq!(fit(&scores[..10], 10, 50), EmbeddingError::Points { found: 10, neighbours: 10 });
    assert_eq!(fit(&scores, 1, 50), EmbeddingError::Settings);
    assert_eq!(fit(&scores, 15, 0), EmbeddingError::Settings);
    let mut bad = scores.clone();
    bad[7][3] = f64::NAN;
    assert_eq!(fit(&bad, 15, 50), EmbeddingError::NotFinite { index: 7 });
    // Many equal points still find places.
    let equal = vec![[1.0; 14]; 40];
    let map = Embedding::fit(&equal, Settings { neighbours: 5, epochs: 20, seed: 1 }).unwrap();
    assert!(map.places().iter().flatten().all(|x| x.is_finite()));
}

#[test]
fn assays_stand_side_by_side_each_in_its_colour_with_its_name() {
    let (one, other) = (unseen(Place::Origin(1), 3).0, unseen(Place::Origin(2), 2).0);
    let assays = [
        ("lab-a 2026-01-02".to_owned(), one),
        ("nothing".to_owned(), Vec::new()),
        ("lab-b".to_owned(), other),
    ];
    let svg = AssaysPlot { assays: &assays }.svg().unwrap();
    assert!(
        svg.contains("lab-a 2026-01-02, n = 3") && svg.contains("lab-b, n = 2") && !svg.contains("nothing")
    );
    // A thick line for each mean, and one in the legend.
    assert_eq!(svg.matches(r#"stroke-width="3""#).count(), 4);
    assert!(svg.contains(Normaliser::McDonoughSun1995.name().replace('&', "&amp;").as_str()));
    assert_eq!(AssaysPlot { assays: &assays[1..2] }.svg(), None);
}
