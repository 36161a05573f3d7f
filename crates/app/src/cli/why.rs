//! `weir why`

use reqwest::Method;
use serde_json::Value;

use super::address::{encoded, with_query};
use super::arguments::WhyOptions;
use super::client::Client;
use super::readable::word;
use super::{Verdict, output};
use crate::logging::escaped;

/// Tells why a node became what it became.
pub async fn show(client: &Client, options: &WhyOptions, json: bool) -> anyhow::Result<Verdict> {
    let query: Vec<_> = options.trace.iter().map(|trace| ("trace", trace.clone())).collect();
    let path = with_query(&format!("/v1/nodes/{}/why", encoded(&options.key)), &query);
    let why = client.ask(Method::GET, &path, None).await?;
    match json {
        true => output::print_json(&why)?,
        false => output::print(&told(&why))?,
    }
    Ok(Verdict::Well)
}

/// In a few lines.
pub fn told(why: &Value) -> String {
    let list = |name: &str| why[name].as_array().map(Vec::as_slice).unwrap_or_default();
    let state = match (why["state"].as_str().unwrap_or_default(), why["reason"].as_str()) {
        ("dropped", Some(reason)) => format!("was dropped: {}", escaped(reason)),
        ("dropped", None) => "was dropped; nobody said why".to_owned(),
        ("became", _) => "became something; `weir trace show` draws what".to_owned(),
        ("open", _) => "became nothing, as far as is known".to_owned(),
        (state, _) => format!("is {state}"),
    };
    let mut text = format!("{} of {} {state}\n", one(&why["node"]["key"]), one(&why["trace"]["key"]));
    if let Some(last) = why["last"].as_object() {
        text.push_str(&format!("last: {} at {}\n", one(&last["type"]), one(&last["createdAt"])));
    }
    for line in list("logs") {
        let attrs = &line["attrs"];
        let level = attrs["level"].as_str().map(|level| format!("{} ", escaped(level))).unwrap_or_default();
        text.push_str(&format!("log: {} {level}{}\n", one(&line["createdAt"]), one(&attrs["message"])));
    }
    if why["logs_truncated"] == true {
        text.push_str("log: … and more\n");
    }
    list("siblings").iter().for_each(|group| text.push_str(&beside(group)));
    if why["siblings_truncated"] == true {
        text.push_str("beside it: … and more\n");
    }
    text
}

/// Nodes beside it that had one fate.
fn beside(group: &Value) -> String {
    let reason = group["reason"].as_str().map(|reason| format!(": {}", escaped(reason))).unwrap_or_default();
    let (count, kind, state) = (one(&group["count"]), one(&group["kind"]), one(&group["state"]));
    let mut text = format!("beside it: {count} {kind} {state}{reason} ({})\n", keys(group));
    for into in group["into"].as_array().into_iter().flatten() {
        let how = into["operation"].as_str().or(into["edge"].as_str()).unwrap_or_default();
        let (count, kind) = (one(&into["count"]), one(&into["kind"]));
        text.push_str(&format!("    {} → {count} {kind} ({})\n", escaped(how), keys(into)));
    }
    text
}

/// The keys that are named, and that there are more.
fn keys(group: &Value) -> String {
    let named: Vec<String> = group["keys"].as_array().into_iter().flatten().map(one).collect();
    let more = group["count"].as_u64().is_some_and(|count| count > named.len() as u64);
    named.join(", ") + if more { ", …" } else { "" }
}

fn one(value: &Value) -> String {
    escaped(&word(value))
}
