//! Too many lots to draw: those of one member in one column are drawn as one, and small ones of a column as "others".

use std::collections::BTreeMap;

use super::{Edge, Flow, Node};
use crate::{
    locale::{fill, percent, thousands},
    words::Words,
};

/// Bars in a column of a folded picture.
const MOST_IN_COLUMN: usize = 14;
/// Columns of a folded picture; more are drawn together.
const MOST_COLUMNS: usize = 24;

/// The same flow with few bars.
pub(super) fn fold(t: &'static Words, flow: &Flow) -> Flow {
    let columns = flow.columns();
    let column_of =
        |column: usize| if columns <= MOST_COLUMNS { column } else { column * MOST_COLUMNS / columns };
    // By column and member, the largest first.
    let mut groups: BTreeMap<(usize, &str), (f64, Vec<usize>)> = BTreeMap::new();
    for (at, node) in flow.nodes.iter().enumerate() {
        let group = groups.entry((column_of(node.column), node.below.as_str())).or_default();
        group.0 += node.share;
        group.1.push(at);
    }
    let mut folded = Flow { lots: flow.lots, folded: true, ..Flow::default() };
    let mut stands_for = vec![0; flow.nodes.len()];
    for column in 0..columns.min(MOST_COLUMNS) {
        let mut here: Vec<(&str, &(f64, Vec<usize>))> = groups
            .range((column, "")..(column + 1, ""))
            .map(|((_, member), group)| (*member, group))
            .collect();
        here.sort_by(|a, b| b.1.0.total_cmp(&a.1.0).then(a.0.cmp(b.0)));
        let kept = if here.len() > MOST_IN_COLUMN { MOST_IN_COLUMN - 1 } else { here.len() };
        let (named, others) = here.split_at(kept);
        let named = named.iter().map(|(member, group)| ((*member).to_owned(), group.1.clone()));
        let others: Vec<usize> = others.iter().flat_map(|(_, group)| group.1.iter().copied()).collect();
        let others = (!others.is_empty()).then(|| (t.others.to_owned(), others));
        for (name, lots) in named.chain(others) {
            let at = folded.nodes.len();
            lots.iter().for_each(|lot| stands_for[*lot] = at);
            folded.nodes.push(together(t, flow, column, name, &lots));
        }
    }
    let mut edges: BTreeMap<(usize, usize), (f64, BTreeMap<usize, f64>)> = BTreeMap::new();
    for edge in &flow.edges {
        let (from, to) = (stands_for[edge.from], stands_for[edge.to]);
        // What stays within one bar is not seen.
        if folded.nodes[from].column >= folded.nodes[to].column {
            continue;
        }
        let whole = edges.entry((from, to)).or_default();
        whole.0 += edge.share;
        for (colour, part) in &edge.colours {
            *whole.1.entry(*colour).or_default() += part * edge.share;
        }
    }
    folded.edges = edges
        .into_iter()
        .map(|((from, to), (share, colours))| {
            let colours = colours.into_iter().map(|(colour, part)| (colour, part / share)).collect();
            Edge { from, to, share, colours }
        })
        .collect();
    folded
}

/// Lots as one bar: as wide as what flows through all of them, never more than the whole.
fn together(t: &'static Words, flow: &Flow, column: usize, name: String, lots: &[usize]) -> Node {
    let share: f64 = lots.iter().map(|lot| flow.nodes[*lot].share).sum::<f64>().min(1.0);
    let first = &flow.nodes[lots[0]];
    if lots.len() == 1 {
        return Node { column, ..first.clone() };
    }
    let count = fill(t.lots_counted, &[&thousands(lots.len() as u64)]);
    let title = format!("{name}: {count}, {}", percent((share * 1e18) as u64));
    Node { label: count, below: name, title, href: String::new(), stage: first.stage, column, share }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::EN;

    #[test]
    fn a_folded_flow_keeps_its_metal() {
        // 900 ores of 30 miners go to one blend.
        let mut flow = Flow::default();
        for at in 0..900 {
            flow.nodes.push(Node {
                below: format!("miner-{}", at % 30),
                share: 1.0 / 900.0,
                ..Node::default()
            });
            flow.edges.push(Edge { from: at, to: 900, share: 1.0 / 900.0, colours: vec![(at % 9, 1.0)] });
        }
        flow.nodes.push(Node { below: "blender".into(), column: 1, share: 1.0, ..Node::default() });
        flow.lots = 901;
        let folded = fold(&EN, &flow);
        assert_eq!(folded.nodes.len(), MOST_IN_COLUMN + 1);
        assert!(folded.folded && folded.lots == 901);
        let into: f64 = folded.edges.iter().map(|edge| edge.share).sum();
        assert!((into - 1.0).abs() < 1e-9, "{into}");
        for edge in &folded.edges {
            let colours: f64 = edge.colours.iter().map(|(_, part)| part).sum();
            assert!((colours - 1.0).abs() < 1e-9);
        }
    }
}
