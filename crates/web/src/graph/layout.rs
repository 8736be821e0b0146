//! Where things stand: columns from left to right, few crossings, little bending.
//!
//! Layers with stand-ins for edges that skip columns (Sugiyama, Tagawa, Toda 1981), ordered by barycentres in a fixed
//! number of sweeps of which the one with the fewest crossings is kept; heights relax towards their neighbours.

use super::Flow;

/// Sweeps over the columns, each in both directions.
const SWEEPS: usize = 10;
/// Turns of relaxing heights.
const TURNS: usize = 14;

/// Measures of a picture, in pixels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measures {
    /// Height of the whole at a share of 1.
    pub(super) scale: f64,
    /// Least height of a bar.
    pub(super) least: f64,
    /// Free space below a bar, and below a band that passes.
    pub(super) gap: f64,
    pub(super) passing_gap: f64,
}

/// A bar, or the place where an edge passes a column.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    pub(super) column: usize,
    pub(super) y: f64,
    pub(super) height: f64,
    gap: f64,
    left: Vec<(usize, f64)>,
    right: Vec<(usize, f64)>,
}

/// Slots of nodes come first, in their order.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub(super) slots: Vec<Slot>,
    /// Slots that each edge goes through, its ends included.
    pub(super) ways: Vec<Vec<usize>>,
    pub(super) height: f64,
    #[cfg(test)]
    crossings: usize,
}

/// Places a flow.
pub(super) fn layout(flow: &Flow, measures: &Measures) -> Layout {
    let mut slots: Vec<Slot> = flow
        .nodes
        .iter()
        .map(|node| Slot {
            column: node.column,
            y: 0.0,
            height: (node.share * measures.scale).max(measures.least),
            gap: measures.gap,
            left: Vec::new(),
            right: Vec::new(),
        })
        .collect();
    let mut ways = Vec::new();
    for edge in &flow.edges {
        let mut way = vec![edge.from];
        for column in flow.nodes[edge.from].column + 1..flow.nodes[edge.to].column {
            let height = edge.share * measures.scale;
            way.push(slots.len());
            let (left, right) = (Vec::new(), Vec::new());
            slots.push(Slot { column, y: 0.0, height, gap: measures.passing_gap, left, right });
        }
        way.push(edge.to);
        for pair in way.windows(2) {
            slots[pair[0]].right.push((pair[1], edge.share));
            slots[pair[1]].left.push((pair[0], edge.share));
        }
        ways.push(way);
    }
    let mut columns: Vec<Vec<usize>> = vec![Vec::new(); flow.columns()];
    for (at, slot) in slots.iter().enumerate() {
        columns[slot.column].push(at);
    }
    let crossings = order(&slots, &mut columns);
    let height = relax(&mut slots, &columns);
    let _ = crossings;
    Layout {
        slots,
        ways,
        height,
        #[cfg(test)]
        crossings,
    }
}

/// Orders each column; returns the crossings that are left.
fn order(slots: &[Slot], columns: &mut Vec<Vec<usize>>) -> usize {
    let mut position = vec![0.0; slots.len()];
    let settle = |column: &[usize], position: &mut [f64]| {
        for (at, slot) in column.iter().enumerate() {
            position[*slot] = at as f64;
        }
    };
    columns.iter().for_each(|column| settle(column, &mut position));
    let mut best = (crossings(slots, columns, &position), columns.clone());
    for sweep in 0..SWEEPS * 2 {
        let rightwards = sweep % 2 == 1;
        let count = columns.len();
        for step in 0..count {
            let column = &mut columns[if rightwards { step } else { count - 1 - step }];
            let wish = |slot: usize| {
                let beside = if rightwards { &slots[slot].left } else { &slots[slot].right };
                let weight: f64 = beside.iter().map(|(_, share)| share + 1e-9).sum();
                let sum: f64 = beside.iter().map(|(other, share)| position[*other] * (share + 1e-9)).sum();
                if beside.is_empty() { position[slot] } else { sum / weight }
            };
            let mut wishes: Vec<(f64, usize)> = column.iter().map(|slot| (wish(*slot), *slot)).collect();
            wishes.sort_by(|a, b| a.0.total_cmp(&b.0));
            *column = wishes.into_iter().map(|(_, slot)| slot).collect();
            settle(column, &mut position);
        }
        let now = crossings(slots, columns, &position);
        if now < best.0 {
            best = (now, columns.clone());
        }
    }
    *columns = best.1;
    best.0
}

/// Pairs of edges that cross, between all neighbouring columns: inversions, counted with a Fenwick tree.
fn crossings(slots: &[Slot], columns: &[Vec<usize>], position: &[f64]) -> usize {
    let mut count = 0;
    for pair in columns.windows(2) {
        let mut tree = vec![0usize; pair[1].len() + 1];
        let mut seen = 0;
        for slot in &pair[0] {
            let mut ends: Vec<usize> =
                slots[*slot].right.iter().map(|(other, _)| position[*other] as usize + 1).collect();
            ends.sort_unstable();
            for end in &ends {
                let (mut at, mut before) = (*end, 0);
                while at > 0 {
                    before += tree[at];
                    at &= at - 1;
                }
                count += seen - before;
            }
            for end in ends {
                let mut at = end;
                while at < tree.len() {
                    tree[at] += 1;
                    at += at & at.wrapping_neg();
                }
                seen += 1;
            }
        }
    }
    count
}

/// Heights: each slot moves towards its neighbours, in its column's order and without touching the next. Returns
/// the height of the picture.
fn relax(slots: &mut [Slot], columns: &[Vec<usize>]) -> f64 {
    let need = |slots: &[Slot], column: &[usize]| -> f64 {
        column.iter().map(|slot| slots[*slot].height + slots[*slot].gap).sum()
    };
    let height = columns.iter().map(|column| need(slots, column)).fold(0.0, f64::max);
    for column in columns {
        let free = (height - need(slots, column)) / (column.len() + 1) as f64;
        let mut y = free;
        for slot in column {
            slots[*slot].y = y;
            y += slots[*slot].height + slots[*slot].gap + free;
        }
    }
    for turn in 0..TURNS {
        let rightwards = turn % 2 == 0;
        let pull = 0.99_f64.powi(turn as i32);
        for step in 0..columns.len() {
            let column = &columns[if rightwards { step } else { columns.len() - 1 - step }];
            for slot in column {
                let here = &slots[*slot];
                let beside = if rightwards { &here.left } else { &here.right };
                let weight: f64 = beside.iter().map(|(_, share)| share + 1e-9).sum();
                let middle = |slot: &Slot| slot.y + slot.height / 2.0;
                let sum: f64 =
                    beside.iter().map(|(other, share)| middle(&slots[*other]) * (share + 1e-9)).sum();
                if weight > 0.0 {
                    let wish = sum / weight - here.height / 2.0;
                    slots[*slot].y += (wish - slots[*slot].y) * pull;
                }
            }
            part(slots, column, height);
        }
    }
    height
}

/// Pushes what overlaps apart, downwards and then upwards.
fn part(slots: &mut [Slot], column: &[usize], height: f64) {
    let mut free = 0.0;
    for slot in column {
        let slot = &mut slots[*slot];
        slot.y = slot.y.max(free);
        free = slot.y + slot.height + slot.gap;
    }
    let mut floor = height;
    for slot in column.iter().rev() {
        let slot = &mut slots[*slot];
        slot.y = slot.y.min(floor - slot.height - slot.gap).max(0.0);
        floor = slot.y;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Edge, Node};

    const MEASURES: Measures = Measures { scale: 100.0, least: 2.0, gap: 10.0, passing_gap: 4.0 };

    fn flow(columns: &[usize], edges: &[(usize, usize)]) -> Flow {
        let node = |column: &usize| Node { column: *column, share: 0.2, ..Node::default() };
        let edge =
            |(from, to): &(usize, usize)| Edge { from: *from, to: *to, share: 0.1, colours: vec![(0, 1.0)] };
        Flow {
            nodes: columns.iter().map(node).collect(),
            edges: edges.iter().map(edge).collect(),
            lots: columns.len(),
            folded: false,
        }
    }

    #[test]
    fn crossings_that_can_be_avoided_are() {
        // Given crosswise: 0 and 1 go to 3 and 2.
        let placed = layout(&flow(&[0, 0, 1, 1], &[(0, 3), (1, 2)]), &MEASURES);
        assert_eq!(placed.crossings, 0);
        // Three by three, given in the worst order.
        let placed = layout(&flow(&[0, 0, 0, 1, 1, 1], &[(0, 5), (1, 4), (2, 3)]), &MEASURES);
        assert_eq!(placed.crossings, 0);
    }

    #[test]
    fn crossings_that_cannot_be_avoided_are_counted() {
        // Two by two, everything to everything: one crossing whatever the order.
        let placed = layout(&flow(&[0, 0, 1, 1], &[(0, 2), (0, 3), (1, 2), (1, 3)]), &MEASURES);
        assert_eq!(placed.crossings, 1);
    }

    #[test]
    fn nothing_overlaps_and_everything_is_inside() {
        let columns: Vec<usize> = (0..60).map(|at| at % 5).collect();
        let edges: Vec<(usize, usize)> = (0..60usize)
            .flat_map(|from| (0..60usize).map(move |to| (from, to)))
            .filter(|(from, to)| from % 5 < to % 5 && (from * 7 + to * 13) % 9 == 0)
            .collect();
        let placed = layout(&flow(&columns, &edges), &MEASURES);
        let mut slots = placed.slots.clone();
        slots.sort_by(|a, b| a.column.cmp(&b.column).then(a.y.total_cmp(&b.y)));
        for pair in slots.windows(2).filter(|pair| pair[0].column == pair[1].column) {
            assert!(pair[0].y + pair[0].height <= pair[1].y + 1e-6, "{pair:?}");
        }
        assert!(slots.iter().all(|slot| slot.y >= 0.0 && slot.y + slot.height <= placed.height + 1e-6));
        for (edge, way) in edges.iter().zip(&placed.ways) {
            assert_eq!(
                way.len(),
                edge.1 % 5 - edge.0 % 5 + 1,
                "an edge passes every column between its ends"
            );
        }
    }
}
