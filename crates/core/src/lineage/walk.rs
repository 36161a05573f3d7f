//! From one node to all that it came from, or all that came of it.
//!
//! **Constraint.** Each node is met once, so circles end a walk as roots do; and a walk stops where it was told to, and
//! says so.

use std::collections::HashSet;
use std::convert::Infallible;

use super::graph::Graph;
use super::links::Links;

/// Which way to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Against the edges: to causes.
    Upstream,
    /// Along the edges: to effects.
    Downstream,
    /// Both ways.
    Around,
}

/// Where a walk ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WalkLimits {
    /// So many edges from its start.
    pub depth_max: usize,
    /// After so many nodes, its start included.
    pub nodes_max: usize,
}

/// What lies beside a node, wherever that is kept.
pub trait Adjacency {
    /// What can go wrong when it is looked up.
    type Error;

    /// Says which nodes will be asked about, so that what lies far away can be fetched together.
    fn expect(&mut self, _nodes: &[(usize, usize)], _direction: Direction) -> Result<(), Self::Error> {
        Ok(())
    }

    /// The nodes that edges of `node` lead to in this direction; the same one may come several times.
    fn neighbours(&mut self, node: usize, direction: Direction) -> Result<Vec<usize>, Self::Error>;
}

/// The nodes that a walk met, with their distance from its start, nearest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Walk {
    /// The start, at distance 0, and what was met.
    pub met: Vec<(usize, usize)>,
    /// Whether there were more nodes than were asked for.
    pub is_cut: bool,
}

/// Walks from `start`, all nodes of one distance before those of the next.
pub fn walk<A: Adjacency>(
    adjacency: &mut A,
    start: usize,
    direction: Direction,
    limits: WalkLimits,
) -> Result<Walk, A::Error> {
    let mut known = HashSet::from([start]);
    let mut walk = Walk { met: vec![(start, 0)], is_cut: false };
    let (mut next, mut expected) = (0, 0);
    while let Some(&(node, distance)) = walk.met.get(next) {
        if distance == limits.depth_max {
            break;
        }
        if next == expected {
            // All of one distance are known when the first of them is asked about.
            adjacency.expect(&walk.met[next..], direction)?;
            expected = walk.met.len();
        }
        next += 1;
        for neighbour in adjacency.neighbours(node, direction)? {
            if known.insert(neighbour) {
                if walk.met.len() == limits.nodes_max {
                    walk.is_cut = true;
                    return Ok(walk);
                }
                walk.met.push((neighbour, distance + 1));
            }
        }
    }
    Ok(walk)
}

/// A graph in memory, to walk in.
pub struct InGraph<'a> {
    /// The graph.
    pub graph: &'a Graph,
    /// Its edges by their ends.
    pub links: &'a Links,
}

impl Adjacency for InGraph<'_> {
    type Error = Infallible;

    fn neighbours(&mut self, node: usize, direction: Direction) -> Result<Vec<usize>, Infallible> {
        let mut neighbours = Vec::new();
        if direction != Direction::Upstream {
            neighbours.extend(self.links.from(node).map(|edge| self.graph.edges[edge].to));
        }
        if direction != Direction::Downstream {
            neighbours.extend(self.links.to(node).map(|edge| self.graph.edges[edge].from));
        }
        Ok(neighbours)
    }
}
