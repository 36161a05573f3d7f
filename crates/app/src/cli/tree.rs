//! A trace as a tree of lines: the trace, its files, and what they became.
//!
//! **Constraint.** What was drawn once is not drawn again below another parent, so that circles end; and no line is
//! deeper than a screen is wide.

use std::collections::HashMap;

use serde_json::Value;

use super::readable::word;
use crate::logging::escaped;

/// What lies deeper is left out, and told.
const DEPTH_MAX: usize = 40;

/// The picture of a trace, as the server gives it.
pub fn drawn(graph: &Value) -> String {
    let mut text = head(&graph["trace"]);
    let mut drawing = Drawing::of(graph);
    let roots = drawing.roots();
    for (place, root) in roots.iter().enumerate() {
        drawing.draw(*root, place + 1 == roots.len(), &mut text);
    }
    text
}

fn head(trace: &Value) -> String {
    let told = |name: &str| escaped(&word(&trace[name]));
    let mut text = format!("{}  {}, of {}\n", told("key"), told("state"), told("user"));
    text.push_str(&format!(
        "{} files: {} dropped, {} became data, {} became nothing; {} data, {} files made, {} databases\n",
        told("files"),
        told("dropped"),
        told("became_data"),
        told("never_became_data"),
        told("data"),
        told("outputs"),
        told("databases"),
    ));
    for gap in trace["missing"].as_array().into_iter().flatten() {
        let told = |name: &str| escaped(&word(&gap[name]));
        text.push_str(&format!(
            "records {} to {} of {} are missing\n",
            told("from"),
            told("to"),
            told("sender")
        ));
    }
    text
}

struct Drawing<'a> {
    nodes: &'a [Value],
    /// By node: what it leads to, and how.
    below: Vec<Vec<(usize, &'a Value)>>,
    has_parent: Vec<bool>,
    is_drawn: Vec<bool>,
}

/// A line that is still to be drawn.
struct Line<'a> {
    node: usize,
    /// How it came to be; of a root nothing.
    edge: Option<&'a Value>,
    indent: String,
    is_last: bool,
    depth: usize,
}

impl<'a> Drawing<'a> {
    fn of(graph: &'a Value) -> Self {
        let list = |name: &str| graph[name].as_array().map(Vec::as_slice).unwrap_or_default();
        let (nodes, edges) = (list("nodes"), list("edges"));
        let places: HashMap<&str, usize> = nodes
            .iter()
            .enumerate()
            .filter_map(|(place, node)| Some((node["id"].as_str()?, place)))
            .collect();
        let place = |id: &Value| places.get(id.as_str()?).copied();
        let mut below = vec![Vec::new(); nodes.len()];
        let mut has_parent = vec![false; nodes.len()];
        for edge in edges {
            if let (Some(from), Some(to)) = (place(&edge["from"]), place(&edge["to"])) {
                below[from].push((to, edge));
                has_parent[to] = true;
            }
        }
        Self { nodes, below, has_parent, is_drawn: vec![false; nodes.len()] }
    }

    /// Where the tree begins: what nothing leads to; and of circles that nothing leads to, one node each.
    fn roots(&self) -> Vec<usize> {
        let mut roots: Vec<usize> = (0..self.nodes.len()).filter(|node| !self.has_parent[*node]).collect();
        let mut is_met = vec![false; self.nodes.len()];
        roots.iter().for_each(|root| self.meet(*root, &mut is_met));
        for node in 0..self.nodes.len() {
            if !is_met[node] {
                roots.push(node);
                self.meet(node, &mut is_met);
            }
        }
        roots
    }

    fn meet(&self, start: usize, is_met: &mut [bool]) {
        let mut next = vec![start];
        while let Some(node) = next.pop() {
            if !std::mem::replace(&mut is_met[node], true) {
                next.extend(self.below[node].iter().map(|(to, _)| *to));
            }
        }
    }

    fn draw(&mut self, root: usize, is_last: bool, text: &mut String) {
        let mut lines = vec![Line { node: root, edge: None, indent: String::new(), is_last, depth: 0 }];
        while let Some(line) = lines.pop() {
            let before = std::mem::replace(&mut self.is_drawn[line.node], true);
            let below = &self.below[line.node];
            let (corner, bar) = if line.is_last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
            let way = line.edge.map(way).unwrap_or_default();
            let rest = match () {
                () if before && !below.is_empty() => "  (see above)",
                () if line.depth == DEPTH_MAX && !below.is_empty() => "  … (--around shows what follows)",
                () => "",
            };
            text.push_str(&format!("{}{corner}{way}{}{rest}\n", line.indent, label(&self.nodes[line.node])));
            if rest.is_empty() {
                let indent = line.indent + bar;
                // The last line that is put there is the first that is taken.
                for (place, (node, edge)) in below.iter().enumerate().rev() {
                    let is_last = place + 1 == below.len();
                    let depth = line.depth + 1;
                    lines.push(Line {
                        node: *node,
                        edge: Some(edge),
                        indent: indent.clone(),
                        is_last,
                        depth,
                    });
                }
            }
        }
    }
}

fn way(edge: &Value) -> String {
    let operation = edge["operation"].as_str().or(edge["kind"].as_str()).unwrap_or_default();
    format!("{} → ", escaped(operation))
}

fn label(node: &Value) -> String {
    let mut text = escaped(&word(&node["key"]));
    if let Some(count @ 2..) = node["count"].as_u64() {
        text.push_str(&format!(" and {} more like it", count - 1));
    }
    let (state, kind) = (node["state"].as_str().unwrap_or_default(), node["kind"].as_str());
    match node["reason"].as_str() {
        Some(reason) => text.push_str(&format!("  {state}: {}", escaped(reason))),
        None if node["placeholder"] == true => text.push_str("  (not told of yet)"),
        None if state == "became" || matches!(kind, Some("db" | "process")) => {}
        None => text.push_str(&format!("  {state}")),
    }
    text
}
