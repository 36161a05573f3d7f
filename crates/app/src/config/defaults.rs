//! Defaults that depend on other settings: where files lie, and what a sink's type means for its batches.

use super::key::Key;
use super::object_keys;
use super::settings::{SINK_TYPES, batch_bytes_default, batch_max_age_default, batch_max_events_default};
use super::tree::{Node, Origin, Value};
use super::variables::Variables;

/// Fills in what was not said. `sinks_are_declared`: the file or the environment says which sinks there are; else
/// there is a SQLite table in the data directory.
pub fn complete(tree: &mut Node, sinks_are_declared: bool, variables: &Variables) {
    if !sinks_are_declared {
        tree.put_default(&["sinks", "sqlite", "type"], built_in("sqlite"));
    }
    let data_dir = text_at(tree, &Key::of(["data_dir"])).unwrap_or_else(|| "data".to_owned());
    let data_dir = data_dir.trim_end_matches('/');
    tree.put_default(&["catalog", "url"], built_in(format!("sqlite:{data_dir}/catalog.db")));
    for name in sink_names(tree) {
        complete_sink(tree, &name, data_dir);
        object_keys::complete(tree, &name, variables);
    }
}

fn complete_sink(tree: &mut Node, name: &str, data_dir: &str) {
    // A section that is called like a type is of that type.
    if SINK_TYPES.contains(&name) {
        tree.put_default(&["sinks", name, "type"], built_in(name));
    }
    let Some(kind) = text_at(tree, &Key::of(["sinks", name, "type"])) else { return };
    if let Some(age) = batch_max_age_default(&kind) {
        tree.put_default(&["sinks", name, "batch", "max_age"], built_in(age));
    }
    if let Some(count) = batch_max_events_default(&kind) {
        let node = Node { value: Value::Integer(count), origin: Origin::BuiltIn };
        tree.put_default(&["sinks", name, "batch", "max_events"], node);
    }
    for (setting, bytes) in batch_bytes_default(&kind) {
        tree.put_default(&["sinks", name, "batch", setting], built_in(*bytes));
    }
    if kind == "sqlite" {
        tree.put_default(&["sinks", name, "path"], built_in(format!("{data_dir}/events.db")));
    }
}

fn sink_names(tree: &Node) -> Vec<String> {
    let sinks = tree.get(&Key::of(["sinks"])).and_then(Node::table);
    let is_section = |(name, node): (&String, &Node)| node.table().map(|_| name.clone());
    sinks.map(|sinks| sinks.iter().filter_map(is_section).collect()).unwrap_or_default()
}

fn text_at(tree: &Node, key: &Key) -> Option<String> {
    match &tree.get(key)?.value {
        Value::Text(text) => Some(text.clone()),
        _ => None,
    }
}

fn built_in(text: impl Into<String>) -> Node {
    Node::text(text, Origin::BuiltIn)
}
