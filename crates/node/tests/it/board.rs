//! Alert rules and board name metrics that exist, and every metric is on the board.

use std::{collections::BTreeSet, path::Path};

use ore_node::metrics::{self, Metrics, Now};

fn read(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Names in a text: `ledger_` and what belongs to it.
fn named(text: &str) -> BTreeSet<String> {
    let rest = text.match_indices("ledger_").filter(|(at, _)| {
        !text[..*at].ends_with(|before: char| before.is_ascii_alphanumeric() || before == '_')
    });
    let end = |name: &str| name.find(|c: char| !c.is_ascii_lowercase() && c != '_').unwrap_or(name.len());
    rest.map(|(at, _)| text[at..][..end(&text[at..])].to_owned()).collect()
}

/// Every metric, with the three series of a histogram.
fn known() -> BTreeSet<String> {
    let now = Now {
        waiting: 0,
        held: 0,
        condition: "serving",
        height: 0,
        calls: 0,
        connections: 0,
        turned_away: 0,
    };
    let mut text = Metrics::default().text(&now);
    metrics::write_links(&mut text, &ore_peer::Links::default(), 0);
    ore_node::faults::Faults::default().write_metric(&mut text);
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let names = types.flat_map(|line| {
        let (name, kind) = line.split_once(' ').expect("name and kind");
        let endings: &[&str] = if kind == "histogram" { &["_bucket", "_sum", "_count"] } else { &[""] };
        endings.iter().map(|ending| format!("{name}{ending}")).collect::<Vec<_>>()
    });
    names.collect()
}

#[test]
fn alert_rules_and_board_name_metrics_that_the_node_has() {
    let known = known();
    assert!(known.len() > 25 && known.contains("ledger_commit_seconds_bucket"));
    for file in ["alerts.yml", "grafana.json"] {
        let unknown: Vec<_> = named(&read(file)).difference(&known).cloned().collect();
        assert!(unknown.is_empty(), "deploy/{file} names {unknown:?}");
    }
}

#[test]
fn every_metric_is_on_the_board() {
    let shown = named(&read("grafana.json"));
    let whole = |name: &String| name.ends_with("_sum") || name.ends_with("_count");
    // How many strangers knocked is for the operator who asks.
    let left_out = ["ledger_peer_refused_total", "ledger_peer_height"];
    let missing: Vec<_> = known()
        .into_iter()
        .filter(|name| !whole(name) && !left_out.contains(&name.as_str()) && !shown.contains(name))
        .collect();
    assert!(missing.is_empty(), "not on the board: {missing:?}");
}

#[test]
fn the_board_is_json() {
    let board: serde_json::Value = serde_json::from_str(&read("grafana.json")).expect("JSON");
    assert!(board["panels"].as_array().is_some_and(|panels| panels.len() >= 12));
}
