//! What is counted of a trace.
//!
//! **Constraint.** Each figure is a sum over nodes of what one node adds by itself. So a store can keep them up to date:
//! it takes away what a node added before a change, and adds what it adds after.

use std::collections::BTreeMap;

use super::facts::Deed;
use super::node::Node;
use super::record::NodeKind;

/// The figures that nodes add up to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Nodes of whatever kind.
    pub nodes: i64,
    /// Files that no `DERIVE` made.
    pub files: i64,
    /// Of the files, those that were dropped.
    pub dropped: i64,
    /// Of the files, those that are parents in a `DERIVE`.
    pub became_data: i64,
    /// Of the files, those that are neither.
    pub never_became_data: i64,
    /// Data.
    pub data: i64,
    /// Files that a `DERIVE` made.
    pub outputs: i64,
}

impl Figures {
    /// What one node adds.
    pub fn of(node: &Node) -> Self {
        let mut figures = Self { nodes: 1, ..Self::default() };
        let deeds = &node.facts.deeds;
        match node.kind() {
            NodeKind::File if deeds.has(Deed::Made) => figures.outputs = 1,
            NodeKind::File => {
                let (dropped, became) = (node.facts.dropped.0.is_some(), deeds.has(Deed::Became));
                figures.files = 1;
                figures.dropped = i64::from(dropped);
                figures.became_data = i64::from(became);
                figures.never_became_data = i64::from(!dropped && !became);
            }
            NodeKind::Data => figures.data = 1,
            NodeKind::Db | NodeKind::Process => {}
        }
        figures
    }

    /// Adds the other's, so many times; taken away where that is negative.
    pub fn add(&mut self, other: &Self, times: i64) {
        let pairs = [
            (&mut self.nodes, other.nodes),
            (&mut self.files, other.files),
            (&mut self.dropped, other.dropped),
            (&mut self.became_data, other.became_data),
            (&mut self.never_became_data, other.never_became_data),
            (&mut self.data, other.data),
            (&mut self.outputs, other.outputs),
        ];
        for (figure, more) in pairs {
            *figure += more * times;
        }
    }
}

/// How many nodes stand for each database.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Databases(pub BTreeMap<Box<str>, i64>);

impl Databases {
    /// Counts a node in, or out where `times` is negative.
    pub fn add(&mut self, node: &Node, times: i64) {
        if let Some(database) = node.database() {
            *self.0.entry(database.as_ref().into()).or_default() += times;
        }
    }
}
