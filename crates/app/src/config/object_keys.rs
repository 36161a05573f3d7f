//! The names under which keys of object storage are commonly set: `MINIO_…` and `AWS_…`.
//!
//! **Constraint.** They stand in only for what a sink does not say itself. Those of MinIO are for a server that is
//! named; they are never shown to Amazon's.

use super::key::Key;
use super::tree::{Node, Value};
use super::variables::Variables;

const MINIO: [(&str, &str); 2] = [("access_key", "MINIO_ACCESS_KEY"), ("secret_key", "MINIO_SECRET_KEY")];
const AWS: [(&str, &str); 2] = [("access_key", "AWS_ACCESS_KEY_ID"), ("secret_key", "AWS_SECRET_ACCESS_KEY")];
const AWS_SESSION_TOKEN: (&str, &str) = ("session_token", "AWS_SESSION_TOKEN");
const REGIONS: [&str; 2] = ["AWS_REGION", "AWS_DEFAULT_REGION"];

/// Fills in what this sink does not say, if it puts objects into buckets.
pub fn complete(tree: &mut Node, sink: &str, variables: &Variables) {
    let said = |tree: &Node, member: &str| match tree.get(&Key::of(["sinks", sink, member])) {
        Some(Node { value: Value::Text(text), .. }) => Some(text.clone()),
        _ => None,
    };
    let is_bucket = said(tree, "url").is_some_and(|url| url.starts_with("s3://"));
    if said(tree, "type").as_deref() != Some("objects") || !is_bucket {
        return;
    }
    if let Some(region) = REGIONS.into_iter().find(|name| is_set(variables, name)) {
        put(tree, sink, ("region", region), variables);
    }
    if said(tree, "access_key").is_some() || said(tree, "secret_key").is_some() {
        return;
    }
    let whole = |keys: &[(&str, &str); 2]| keys.iter().all(|(_, name)| is_set(variables, name));
    if said(tree, "endpoint").is_some() && whole(&MINIO) {
        MINIO.into_iter().for_each(|key| put(tree, sink, key, variables));
    } else if whole(&AWS) {
        AWS.into_iter().for_each(|key| put(tree, sink, key, variables));
        put(tree, sink, AWS_SESSION_TOKEN, variables);
    }
}

/// An empty variable counts as not set.
fn is_set(variables: &Variables, name: &str) -> bool {
    variables.get(name).is_some_and(|variable| !variable.value.trim().is_empty())
}

fn put(tree: &mut Node, sink: &str, (member, name): (&str, &str), variables: &Variables) {
    if let Some(variable) = variables.get(name).filter(|variable| !variable.value.trim().is_empty()) {
        let node = Node::text(variable.value.trim(), variable.origin.clone());
        tree.put_default(&["sinks", sink, member], node);
    }
}
