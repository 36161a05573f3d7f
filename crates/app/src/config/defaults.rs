//! Defaults that depend on other settings: where files lie, and what a sink's type means for its batches.

use super::key::Key;
use super::object_keys;
use super::settings::{BatchSettings, INPUT_TYPES, Role, Roles, sink_types};
use super::tree::{Node, Origin, Value};
use super::variables::Variables;
use super::{duration, size};

/// Fills in what was not said. `sinks_are_declared`: the file or the environment says which sinks there are; else
/// there is a SQLite table in the data directory.
pub fn complete(tree: &mut Node, sinks_are_declared: bool, variables: &Variables) {
    if !sinks_are_declared {
        tree.put_default(&["sinks", "sqlite", "type"], built_in("sqlite"));
    }
    let data_dir = text_at(tree, &Key::of(["data_dir"])).unwrap_or_else(|| "data".to_owned());
    let data_dir = data_dir.trim_end_matches('/');
    tree.put_default(&["catalog", "url"], built_in(format!("sqlite:{data_dir}/catalog.db")));
    for name in section_names(tree, "sinks") {
        complete_sink(tree, &name, data_dir);
        object_keys::complete(tree, &name, variables);
    }
    for name in section_names(tree, "inputs") {
        // A section that is called like a type is of that type.
        if INPUT_TYPES.contains(&name.as_str()) {
            tree.put_default(&["inputs", &name, "type"], built_in(&name));
        }
        tree.put_default(&["inputs", &name, "roles"], role_list(&Roles::from(Role::Loader)));
    }
}

fn complete_sink(tree: &mut Node, name: &str, data_dir: &str) {
    let types = sink_types();
    let facts = |kind: &str| types.iter().find(|facts| facts.name == kind);
    // A section that is called like a type is of that type.
    if facts(name).is_some() {
        tree.put_default(&["sinks", name, "type"], built_in(name));
    }
    let Some(kind) = text_at(tree, &Key::of(["sinks", name, "type"])) else { return };
    if let Some(facts) = facts(&kind) {
        for (member, value) in members(&facts.batch) {
            tree.put_default(&["sinks", name, "batch", member], Node { value, origin: Origin::BuiltIn });
        }
        tree.put_default(&["sinks", name, "roles"], role_list(&facts.side.roles()));
    }
    if kind == "sqlite" {
        tree.put_default(&["sinks", name, "path"], built_in(format!("{data_dir}/events.db")));
    }
}

fn role_list(roles: &Roles) -> Node {
    let words = roles.words().into_iter().map(built_in).collect();
    Node { value: Value::List(words), origin: Origin::BuiltIn }
}

/// As somebody would write them.
fn members(batch: &BatchSettings) -> [(&'static str, Value); 6] {
    let count = |count: usize| Value::Integer(i64::try_from(count).unwrap_or(i64::MAX));
    let bytes = |bytes: u64| Value::Text(size::write(bytes));
    [
        ("max_events", count(batch.max_events)),
        ("max_bytes", bytes(batch.max_bytes)),
        ("max_age", Value::Text(duration::write(batch.max_age))),
        ("in_flight", count(batch.in_flight)),
        ("buffer_max_events", count(batch.buffer_max_events)),
        ("buffer_max_bytes", bytes(batch.buffer_max_bytes)),
    ]
}

fn section_names(tree: &Node, of: &str) -> Vec<String> {
    let sections = tree.get(&Key::of([of])).and_then(Node::table);
    let is_section = |(name, node): (&String, &Node)| node.table().map(|_| name.clone());
    sections.map(|sections| sections.iter().filter_map(is_section).collect()).unwrap_or_default()
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
