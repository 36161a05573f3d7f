//! `WEIR_…` variables: `WEIR_SINKS__SEARCH__URL` is `sinks.search.url`, two underscores lead one section deeper.

use super::key::Key;
use super::nearest::nearest;
use super::toml_file;
use super::tree::{Node, Value};
use super::variables::Variable;

/// What all of Weir's own variables begin with.
pub const PREFIX: &str = "WEIR_";

/// Puts a `WEIR_…` variable into the tree. One that can mean no setting is passed over, with a warning where
/// nobody else is likely to have set it.
pub fn put(tree: &mut Node, name: &str, variable: &Variable, top_level: &[&str], warnings: &mut Vec<String>) {
    let Some(rest) = name.strip_prefix(PREFIX) else { return };
    let path: Vec<String> = rest.split("__").map(str::to_ascii_lowercase).collect();
    if path.len() == 1 && !top_level.contains(&path[0].as_str()) {
        warnings.extend(stranger(name, &path[0], top_level));
        return;
    }
    tree.put(&path, node(variable));
}

/// A variable's value: a TOML list or table where it is one, else text that becomes what the setting needs.
pub fn node(variable: &Variable) -> Node {
    let Variable { value, origin } = variable;
    let structured = value.trim_start().starts_with(['[', '{']);
    let value = structured.then(|| toml_file::parse_value(value.trim(), origin)).flatten();
    Node { value: value.unwrap_or_else(|| Value::Text(variable.value.clone())), origin: origin.clone() }
}

// Kubernetes sets `WEIR_SERVICE_HOST`, `WEIR_PORT_8080_TCP` … wherever a service is called weir, and scripts around
// Weir may have variables of their own, so a single name that is no setting keeps nothing from starting.
fn stranger(name: &str, key: &str, top_level: &[&str]) -> Option<String> {
    if key == "port" || key.starts_with("port_") || key.starts_with("service_") {
        return None;
    }
    let hint = match nearest(key, top_level.iter().copied()) {
        Some(near) => format!("did you mean {PREFIX}{}?", near.to_ascii_uppercase()),
        None => format!("a setting in a section is written with two underscores, as {PREFIX}SERVER__PORT"),
    };
    Some(format!("environment variable {name} is no setting and was passed over; {hint}"))
}

/// Whether some `WEIR_SINKS__…__TYPE` or the tree itself says which sinks there are.
pub fn declares_sink(tree: &Node) -> bool {
    let Some(sinks) = tree.get(&Key::of(["sinks"])).and_then(Node::table) else { return false };
    sinks.values().any(|sink| sink.table().is_some_and(|sink| sink.contains_key("type")))
}

#[cfg(test)]
mod tests {
    use super::super::tree::Origin;
    use super::*;

    fn put_all(variables: &[(&str, &str)]) -> (Node, Vec<String>) {
        let mut tree = Node::section(Origin::BuiltIn);
        let mut warnings = Vec::new();
        for (name, value) in variables {
            let variable = Variable { value: (*value).to_owned(), origin: Origin::Variable((*name).into()) };
            put(&mut tree, name, &variable, &["data_dir", "log", "server"], &mut warnings);
        }
        (tree, warnings)
    }

    #[test]
    fn two_underscores_lead_into_a_section_and_one_is_part_of_the_name() {
        let (tree, warnings) = put_all(&[("WEIR_DATA_DIR", "d"), ("WEIR_LOG__MAX_BYTES", "1GiB")]);
        assert!(warnings.is_empty());
        assert_eq!(tree.get(&Key::of(["data_dir"])).unwrap().value, Value::Text("d".into()));
        assert_eq!(tree.get(&Key::of(["log", "max_bytes"])).unwrap().value, Value::Text("1GiB".into()));
    }

    #[test]
    fn a_list_may_be_written_as_in_toml_and_other_brackets_are_text() {
        let (tree, _) = put_all(&[("WEIR_LOG__A", "[\"x\", {b = 1}]"), ("WEIR_LOG__B", "[x")]);
        assert!(
            matches!(&tree.get(&Key::of(["log", "a"])).unwrap().value, Value::List(items) if items.len() == 2)
        );
        assert_eq!(tree.get(&Key::of(["log", "b"])).unwrap().value, Value::Text("[x".into()));
    }

    #[test]
    fn a_stranger_is_named_and_kubernetes_is_not() {
        let (_, warnings) =
            put_all(&[("WEIR_DATADIR", "d"), ("WEIR_PORT", "tcp://1:2"), ("WEIR_SERVICE_HOST", "h")]);
        assert_eq!(warnings.len(), 1);
        assert!(warnings[0].contains("did you mean WEIR_DATA_DIR?"), "{warnings:?}");
    }
}
