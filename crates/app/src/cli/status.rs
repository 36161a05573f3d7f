//! `weir status`

use reqwest::Method;
use serde_json::Value;

use super::client::Client;
use super::readable::{size, span, word};
use super::table::table;
use super::{Verdict, output};
use crate::logging::escaped;

/// Shows how the log and every sink stand.
pub async fn show(client: &Client, json: bool) -> anyhow::Result<Verdict> {
    let status = client.ask(Method::GET, "/v1/status", None).await?;
    match json {
        true => output::print_json(&status)?,
        false => output::print(&text(&status))?,
    }
    Ok(Verdict::Well)
}

fn text(status: &Value) -> String {
    let (version, log) = (word(&status["version"]), &status["log"]);
    let mut text = format!("weir {version}, up {}", span(status["uptime_seconds"].as_f64().unwrap_or(0.0)));
    text.push_str(&format!(", instance {}, role {}\n", word(&status["instance_id"]), roles(status)));
    text.push_str(&format!(
        "log: {} on disk, {} events accepted",
        size(log["size_bytes"].as_u64().unwrap_or(0)),
        word(&log["accepted"])
    ));
    if let Some(age) = log["oldest_pending_age_seconds"].as_f64() {
        text.push_str(&format!(", the oldest pending for {}", span(age)));
    }
    if let Some(trouble) = log["trouble"].as_str() {
        text.push_str(&format!("\nlog takes nothing: {}", escaped(trouble)));
    }
    text.push_str("\n\n");
    let sinks = status["sinks"].as_array().map(Vec::as_slice).unwrap_or_default();
    let counts = ["state", "accepted", "delivered", "duplicates", "dead", "filtered", "pending"];
    let rows: Vec<Vec<String>> = sinks
        .iter()
        .map(|sink| {
            let mut row = vec![name(sink)];
            row.extend(counts.map(|count| word(&sink[count])));
            row.push(word(&sink["next_try_at"]));
            row.push(word(&sink["last_error"]["text"]));
            row
        })
        .collect();
    let header = [
        "sink",
        "state",
        "accepted",
        "delivered",
        "duplicates",
        "dead",
        "filtered",
        "pending",
        "next try",
        "last error",
    ];
    text.push_str(&table(&header, &rows));
    text
}

fn roles(status: &Value) -> String {
    let roles = status["roles"].as_array().map(Vec::as_slice).unwrap_or_default();
    roles.iter().map(word).collect::<Vec<_>>().join(", ")
}

fn name(sink: &Value) -> String {
    match sink["replay"].as_str() {
        Some(replay) => format!("{} (replay {replay})", word(&sink["name"])),
        None => word(&sink["name"]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_reads_at_a_glance() {
        let status = serde_json::json!({
            "version": "0.1.0", "uptime_seconds": 3725, "instance_id": "0a1b", "roles": ["api", "loader"],
            "log": { "size_bytes": 67_108_864, "accepted": 12, "oldest_pending_age_seconds": 3.21, "trouble": null },
            "sinks": [
                { "name": "search", "state": "retrying", "accepted": 12, "delivered": 10, "duplicates": 0, "dead": 1,
                  "filtered": 0, "pending": 1, "next_try_at": "2026-11-22T09:00:00.000000Z",
                  "last_error": { "text": "no\nroute", "at": "2026-11-22T08:59:00.000000Z" }, "replay": null },
                { "name": "sqlite", "state": "running", "accepted": 12, "delivered": 12, "duplicates": 0, "dead": 0,
                  "filtered": 0, "pending": 0, "next_try_at": null, "last_error": null, "replay": "r1" },
            ],
        });
        insta::assert_snapshot!(text(&status), @r#"
        weir 0.1.0, up 1 h 2 min, instance 0a1b, role api, loader
        log: 64.0 MiB on disk, 12 events accepted, the oldest pending for 3.2 s

        SINK                STATE     ACCEPTED  DELIVERED  DUPLICATES  DEAD  FILTERED  PENDING  NEXT TRY                     LAST ERROR
        search              retrying  12        10         0           1     0         1        2026-11-22T09:00:00.000000Z  no\nroute
        sqlite (replay r1)  running   12        12         0           0     0         0        -                            -
        "#);
    }
}
