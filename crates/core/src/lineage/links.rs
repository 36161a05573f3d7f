//! The edges of a graph by their ends, and which of them go in circles.
//!
//! **Constraint.** Every walk here is a loop over a stack of its own: a chain of a million nodes, or a circle, neither
//! overflows nor runs for ever.

use super::graph::{Edge, Graph};

/// For each node, the edges that begin and that end there, by their places in the graph.
pub struct Links {
    /// Where each node's outgoing edges begin in `graph.edges`, which stand by `from`.
    outgoing: Vec<usize>,
    /// Where each node's incoming edges begin in `incoming_edges`.
    incoming: Vec<usize>,
    incoming_edges: Vec<usize>,
}

impl Links {
    /// The graph's.
    pub fn of(graph: &Graph) -> Self {
        let count = graph.nodes.len();
        let (mut outgoing, mut incoming) = (vec![0; count + 1], vec![0; count + 1]);
        for edge in &graph.edges {
            outgoing[edge.from + 1] += 1;
            incoming[edge.to + 1] += 1;
        }
        for place in 0..count {
            outgoing[place + 1] += outgoing[place];
            incoming[place + 1] += incoming[place];
        }
        let mut free = incoming.clone();
        let mut incoming_edges = vec![0; graph.edges.len()];
        for (index, edge) in graph.edges.iter().enumerate() {
            incoming_edges[free[edge.to]] = index;
            free[edge.to] += 1;
        }
        Self { outgoing, incoming, incoming_edges }
    }

    /// The edges that begin at a node, by where they lead.
    pub fn from(&self, node: usize) -> impl Iterator<Item = usize> + use<> {
        self.outgoing[node]..self.outgoing[node + 1]
    }

    /// The edges that end at a node, by where they begin.
    pub fn to(&self, node: usize) -> impl Iterator<Item = usize> + '_ {
        self.incoming_edges[self.incoming[node]..self.incoming[node + 1]].iter().copied()
    }

    /// Whether nothing leads to the node.
    pub fn is_root(&self, node: usize) -> bool {
        self.incoming[node] == self.incoming[node + 1]
    }
}

/// Which edges go in circles, and in what order a walk from the roots meets the nodes.
pub struct Circles {
    /// By edge: both its ends lie on one circle.
    pub is_on_circle: Vec<bool>,
    /// By edge: it leads back to where the walk came from. Without these edges there is no circle.
    pub is_back: Vec<bool>,
    /// By node: when the walk met it.
    pub met: Vec<usize>,
}

impl Circles {
    /// Walks from the roots first, then from whatever lies only on circles, by key.
    pub fn of(graph: &Graph, links: &Links) -> Self {
        let count = graph.nodes.len();
        let mut walk = CircleWalk::new(graph, links);
        for node in (0..count).filter(|node| links.is_root(*node)).chain(0..count) {
            walk.begin(node);
        }
        let on_circle = |edge: &Edge| walk.component[edge.from] == walk.component[edge.to];
        Self {
            is_on_circle: graph.edges.iter().map(on_circle).collect(),
            is_back: walk.is_back,
            met: walk.met,
        }
    }
}

const NEVER: usize = usize::MAX;

/// Tarjan's walk: nodes that reach one another are one component.
struct CircleWalk<'a> {
    graph: &'a Graph,
    links: &'a Links,
    met: Vec<usize>,
    /// The earliest node that is known to be reached from here and is not in a finished component.
    lowest: Vec<usize>,
    component: Vec<usize>,
    is_on_path: Vec<bool>,
    is_back: Vec<bool>,
    unfinished: Vec<usize>,
    met_count: usize,
}

impl<'a> CircleWalk<'a> {
    fn new(graph: &'a Graph, links: &'a Links) -> Self {
        let count = graph.nodes.len();
        Self {
            graph,
            links,
            met: vec![NEVER; count],
            lowest: vec![NEVER; count],
            component: vec![NEVER; count],
            is_on_path: vec![false; count],
            is_back: vec![false; graph.edges.len()],
            unfinished: Vec::new(),
            met_count: 0,
        }
    }

    fn begin(&mut self, start: usize) {
        if self.met[start] != NEVER {
            return;
        }
        let mut path = vec![(start, self.enter(start))];
        while let Some((node, edges)) = path.last_mut() {
            let node = *node;
            match edges.next() {
                Some(edge) => {
                    let to = self.graph.edges[edge].to;
                    if self.met[to] == NEVER {
                        path.push((to, self.enter(to)));
                        continue;
                    }
                    self.is_back[edge] = self.is_on_path[to];
                    if self.component[to] == NEVER {
                        self.lowest[node] = self.lowest[node].min(self.met[to]);
                    }
                }
                None => {
                    path.pop();
                    self.leave(node, path.last().map(|(parent, _)| *parent));
                }
            }
        }
    }

    fn enter(&mut self, node: usize) -> impl Iterator<Item = usize> + use<> {
        self.met[node] = self.met_count;
        self.lowest[node] = self.met_count;
        self.met_count += 1;
        self.is_on_path[node] = true;
        self.unfinished.push(node);
        self.links.from(node)
    }

    fn leave(&mut self, node: usize, parent: Option<usize>) {
        self.is_on_path[node] = false;
        if let Some(parent) = parent {
            self.lowest[parent] = self.lowest[parent].min(self.lowest[node]);
        }
        if self.lowest[node] == self.met[node] {
            while let Some(member) = self.unfinished.pop() {
                self.component[member] = node;
                if member == node {
                    break;
                }
            }
        }
    }
}
