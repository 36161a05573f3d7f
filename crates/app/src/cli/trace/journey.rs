//! `weir trace journey`

use serde_json::Value;

use crate::cli::Verdict;
use crate::cli::address::encoded;
use crate::cli::client::Client;
use crate::cli::pages::Found;
use crate::cli::readable::word;
use crate::cli::table::table;

/// Follows a key through its traces.
pub async fn show(client: &Client, key: &str, limit: usize, json: bool) -> anyhow::Result<Verdict> {
    let path = format!("/v1/files/{}/journey", encoded(key));
    let stops = Found::of(client, &path, &[], limit).await?;
    let header = ["trace", "state", "reason", "last at", "upstream", "downstream", "databases"];
    stops.tell_as(|stops| table(&header, &stops.iter().map(row).collect::<Vec<_>>()), json)
}

fn row(stop: &Value) -> Vec<String> {
    let node = &stop["node"];
    let count = |name: &str| {
        let more = if stop["more"] == true { "+" } else { "" };
        word(&stop[name]) + more
    };
    let databases: Vec<String> = stop["databases"].as_array().into_iter().flatten().map(word).collect();
    vec![
        word(&stop["trace"]["key"]),
        word(&node["state"]),
        word(&node["reason"]),
        word(&last_at(node)),
        count("upstream"),
        count("downstream"),
        if databases.is_empty() { "-".to_owned() } else { databases.join(", ") },
    ]
}

/// When something last happened to it for the first time. All moments are written alike, so that they sort as texts.
fn last_at(node: &Value) -> Value {
    let times = node["times"].as_object().into_iter().flat_map(|times| times.values());
    let dropped = Some(&node["dropped_at"]).filter(|at| !at.is_null());
    let latest = times.chain(dropped).max_by_key(|at| at.as_str().unwrap_or_default());
    latest.cloned().unwrap_or_default()
}
