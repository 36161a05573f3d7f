//! Where each node stands in the picture: layers from left to right, in each layer from top to bottom.
//!
//! **Constraint.** `x` grows along every edge that does not lead back; the same graph is laid out the same way; the time
//! it takes grows with nodes and edges, but for the sorting of a layer.

use super::graph::Graph;
use super::links::{Circles, Links};

/// A node's place. The trace itself stands at `x` 0, left of its roots; one layer, or one row, is 1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Place {
    /// Its layer, from 1.
    pub x: usize,
    /// Its row; the topmost is 0.
    pub y: f64,
}

/// Each node is drawn to the middle of its neighbours so often, from the left and from the right in turn.
const SWEEPS: usize = 3;

/// Places for all nodes, in their order.
pub fn layout(graph: &Graph, links: &Links, circles: &Circles) -> Vec<Place> {
    let layers_of = layers(graph, links, circles);
    let mut layers: Vec<Vec<usize>> = vec![Vec::new(); layers_of.iter().max().map_or(0, |last| last + 1)];
    for (node, layer) in layers_of.iter().enumerate() {
        layers[*layer].push(node);
    }
    let mut rows = vec![0.0; graph.nodes.len()];
    for layer in &mut layers {
        layer.sort_unstable_by_key(|node| circles.met[*node]);
        for (row, node) in layer.iter().enumerate() {
            rows[*node] = row as f64;
        }
    }
    let mut rows = Rows { graph, links, circles, rows };
    for _ in 0..SWEEPS {
        layers.iter_mut().for_each(|layer| rows.draw(layer, Side::Left));
        layers.iter_mut().rev().for_each(|layer| rows.draw(layer, Side::Right));
    }
    let top = rows.rows.iter().copied().fold(f64::INFINITY, f64::min);
    // Two digits are more than anybody sees, and short to write.
    let rounded = |row: f64| ((row - top) * 100.0).round() / 100.0;
    layers_of.iter().zip(&rows.rows).map(|(layer, row)| Place { x: layer + 1, y: rounded(*row) }).collect()
}

/// How many edges lead to a node on the longest way from a root, without those that lead back.
fn layers(graph: &Graph, links: &Links, circles: &Circles) -> Vec<usize> {
    let count = graph.nodes.len();
    let mut waits_for = vec![0_usize; count];
    for (index, edge) in graph.edges.iter().enumerate() {
        waits_for[edge.to] += usize::from(!circles.is_back[index]);
    }
    let mut ready: Vec<usize> = (0..count).filter(|node| waits_for[*node] == 0).collect();
    let mut layers = vec![0; count];
    while let Some(node) = ready.pop() {
        for edge in links.from(node).filter(|edge| !circles.is_back[*edge]) {
            let to = graph.edges[edge].to;
            layers[to] = layers[to].max(layers[node] + 1);
            waits_for[to] -= 1;
            if waits_for[to] == 0 {
                ready.push(to);
            }
        }
    }
    layers
}

#[derive(Clone, Copy)]
enum Side {
    Left,
    Right,
}

struct Rows<'a> {
    graph: &'a Graph,
    links: &'a Links,
    circles: &'a Circles,
    rows: Vec<f64>,
}

impl Rows<'_> {
    /// Orders a layer by the middle of its nodes' neighbours on one side, and moves it as near to that as rows allow.
    fn draw(&mut self, layer: &mut [usize], side: Side) {
        let mut wished: Vec<(f64, usize)> =
            layer.iter().map(|node| (self.middle(*node, side).unwrap_or(self.rows[*node]), *node)).collect();
        wished.sort_unstable_by(|(one, one_node), (other, other_node)| {
            let met = |node: &usize| self.circles.met[*node];
            one.total_cmp(other).then_with(|| met(one_node).cmp(&met(other_node)))
        });
        for ((row, (_, node)), place) in spread(&wished).into_iter().zip(&wished).zip(layer) {
            self.rows[*node] = row;
            *place = *node;
        }
    }

    fn middle(&self, node: usize, side: Side) -> Option<f64> {
        let (mut sum, mut count) = (0.0, 0_usize);
        let mut take = |edge: usize, neighbour: usize| {
            if !self.circles.is_back[edge] {
                sum += self.rows[neighbour];
                count += 1;
            }
        };
        match side {
            Side::Left => self.links.to(node).for_each(|edge| take(edge, self.graph.edges[edge].from)),
            Side::Right => self.links.from(node).for_each(|edge| take(edge, self.graph.edges[edge].to)),
        }
        (count > 0).then(|| sum / count as f64)
    }
}

/// Rows at least 1 apart, in this order, as near to the wished ones as can be (in the sum of squares): neighbours
/// that would stand too close form a block around their common middle.
fn spread(wished: &[(f64, usize)]) -> Vec<f64> {
    // With a node's place in the order taken off its row, "at least 1 apart" becomes "not falling".
    let mut blocks: Vec<(f64, usize)> = Vec::with_capacity(wished.len());
    for (place, (row, _)) in wished.iter().enumerate() {
        let (mut sum, mut count) = (row - place as f64, 1);
        while let Some((before, members)) = blocks.last()
            && before / *members as f64 > sum / count as f64
        {
            sum += before;
            count += members;
            blocks.pop();
        }
        blocks.push((sum, count));
    }
    let levels = blocks.into_iter().flat_map(|(sum, count)| std::iter::repeat_n(sum / count as f64, count));
    levels.enumerate().map(|(place, level)| level + place as f64).collect()
}
