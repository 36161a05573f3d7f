//! The variables of the collectors that Weir took the place of: a `.env` written for them works unchanged.

use super::key::Key;
use super::tree::{Node, Origin, Value};
use super::variables::Variable;

/// Name of the sink that `OPEN_SEARCH_DNS` makes.
pub const OPENSEARCH_SINK: &str = "opensearch";
/// Name of the key that `API_KEY` is.
pub const API_KEY_NAME: &str = "default";

/// Each name and the setting it stands for.
const PLAIN: [(&str, [&str; 2]); 5] = [
    ("SERVER_HOST", ["server", "host"]),
    ("SERVER_PORT", ["server", "port"]),
    ("SERVER_ENVIRONMENT", ["environment", ""]),
    ("DATABASE_URL", ["catalog", "url"]),
    ("JWT_SECRET", ["auth", "jwt_secret"]),
];

/// Puts an original's variable into the tree. An empty one counts as not set; an empty `API_KEY` or `JWT_SECRET`
/// is warned of, because it was once a way to let everybody in.
pub fn put(tree: &mut Node, name: &str, variable: &Variable, warnings: &mut Vec<String>) {
    let value = variable.value.trim();
    if value.is_empty() {
        if matches!(name, "API_KEY" | "JWT_SECRET") {
            warnings.push(format!("{} is empty and counts as not set: it admits nobody", variable.origin));
        }
        return;
    }
    let text = |value: &str| Node::text(value, variable.origin.clone());
    match name {
        "OPEN_SEARCH_DNS" => {
            let url = if value.contains("://") { value.to_owned() } else { format!("http://{value}") };
            put_sink(tree, &variable.origin);
            tree.put(&["sinks", OPENSEARCH_SINK, "url"].map(str::to_owned), text(&url));
        }
        // Set for other programs, too, and perhaps in a form that only they read.
        "RUST_LOG" if crate::logging::parse_level(value).is_err() => {
            warnings.push(format!("{} cannot be read as log levels and was passed over", variable.origin));
        }
        "RUST_LOG" => tree.put_default(&["log_level"], text(value)),
        _ => {
            for (_, path) in PLAIN.iter().filter(|(original, _)| *original == name) {
                let path: Vec<String> =
                    path.iter().filter(|part| !part.is_empty()).map(ToString::to_string).collect();
                tree.put(&path, text(value));
            }
        }
    }
}

fn put_sink(tree: &mut Node, origin: &Origin) {
    let path = ["sinks", OPENSEARCH_SINK, "type"];
    tree.put_default(&path, Node::text("opensearch", origin.clone()));
}

/// Adds `API_KEY` to the keys that the other layers list.
pub fn add_api_key(tree: &mut Node, variable: &Variable) {
    if variable.value.trim().is_empty() {
        return;
    }
    let mut entry = Node::section(variable.origin.clone());
    entry.put(&["name".to_owned()], Node::text(API_KEY_NAME, Origin::BuiltIn));
    entry.put(&["key".to_owned()], Node::text(variable.value.trim(), variable.origin.clone()));
    let mut keys = match tree.get(&Key::of(["auth", "api_keys"])).map(|node| &node.value) {
        Some(Value::List(keys)) => keys.clone(),
        None => Vec::new(),
        // Not a list: left as it is, to be told as a problem.
        Some(_) => return,
    };
    keys.push(entry);
    let list = Node { value: Value::List(keys), origin: variable.origin.clone() };
    tree.put(&["auth", "api_keys"].map(str::to_owned), list);
}
