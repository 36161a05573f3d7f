//! `weir dead-letters`

use reqwest::Method;
use serde_json::{Map, Value, json};

use super::arguments::{Chosen, DeadLettersCommand, Filter};
use super::client::Client;
use super::readable::word;
use super::table::table;
use super::{Verdict, output};
use crate::logging::escaped;

/// What the server gives at once.
const PAGE_MAX: usize = 1000;

/// Does what was asked.
pub async fn execute(client: &Client, command: DeadLettersCommand, json: bool) -> anyhow::Result<Verdict> {
    match command {
        DeadLettersCommand::List { filter, limit } => list(client, &filter, limit, json).await,
        DeadLettersCommand::Show { id } => show(client, id, json).await,
        DeadLettersCommand::Replay { chosen } => replay(client, &chosen, json).await,
        DeadLettersCommand::Delete { ids } => delete(client, &ids).await,
    }
}

async fn list(client: &Client, filter: &Filter, limit: usize, json: bool) -> anyhow::Result<Verdict> {
    let mut letters: Vec<Value> = Vec::new();
    let mut cursor = None;
    while letters.len() < limit {
        let page = client.ask(Method::GET, &page_path(filter, cursor, limit - letters.len()), None).await?;
        letters.extend(page["items"].as_array().cloned().unwrap_or_default());
        cursor = page["next"].as_str().map(str::to_owned);
        if cursor.is_none() {
            break;
        }
    }
    if json {
        output::print_json(&json!({ "items": letters, "next": cursor }))?;
        return Ok(Verdict::Well);
    }
    let columns = ["id", "sink", "stream", "reason", "attempts", "last_at", "detail"];
    let row = |letter: &Value| columns.map(|column| word(&letter[column])).to_vec();
    output::print(&table(&columns, &letters.iter().map(row).collect::<Vec<_>>()))?;
    if cursor.is_some() {
        output::note(&format!("There are more than {limit}; --limit shows them."));
    }
    Ok(Verdict::Well)
}

fn page_path(filter: &Filter, cursor: Option<String>, wanted: usize) -> String {
    let mut query = form(filter);
    query.push(("limit", wanted.min(PAGE_MAX).to_string()));
    query.extend(cursor.map(|cursor| ("cursor", cursor)));
    let encode = |text: &str| {
        percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
    };
    let pairs: Vec<String> = query.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
    format!("/v1/dead-letters?{}", pairs.join("&"))
}

fn form(filter: &Filter) -> Vec<(&'static str, String)> {
    let Filter { sink, stream, reason, from, to } = filter;
    let members = [("sink", sink), ("stream", stream), ("reason", reason), ("from", from), ("to", to)];
    members.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))).collect()
}

async fn show(client: &Client, id: i64, json: bool) -> anyhow::Result<Verdict> {
    let letter = client.ask(Method::GET, &format!("/v1/dead-letters/{id}"), None).await?;
    if json {
        output::print_json(&letter)?;
        return Ok(Verdict::Well);
    }
    let mut text = String::new();
    for (name, value) in letter.as_object().into_iter().flatten() {
        if name != "event" {
            text.push_str(&format!("{:<10} {}\n", name.replace('_', " "), escaped(&word(value))));
        }
    }
    if !letter["event"].is_null() {
        let event = serde_json::to_string_pretty(&letter["event"])?;
        event.lines().for_each(|line| text.push_str(&format!("{}\n", escaped(line))));
    }
    output::print(&text)?;
    Ok(Verdict::Well)
}

async fn replay(client: &Client, chosen: &Chosen, json: bool) -> anyhow::Result<Verdict> {
    let mut resent = 0;
    if chosen.ids.is_empty() {
        let filter: Map<String, Value> =
            form(&chosen.filter).into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
        let answer =
            client.ask(Method::POST, "/v1/dead-letters/replay", Some(&Value::Object(filter))).await?;
        resent += answer["resent"].as_u64().unwrap_or(0);
    }
    for id in &chosen.ids {
        let answer = client.ask(Method::POST, &format!("/v1/dead-letters/{id}/replay"), None).await?;
        resent += answer["resent"].as_u64().unwrap_or(0);
    }
    match json {
        true => output::print_json(&json!({ "resent": resent }))?,
        false => output::print(&format!("{resent} sent again; `weir status` shows how they fare\n"))?,
    }
    Ok(Verdict::Well)
}

async fn delete(client: &Client, ids: &[i64]) -> anyhow::Result<Verdict> {
    for id in ids {
        client.ask(Method::DELETE, &format!("/v1/dead-letters/{id}"), None).await?;
        output::print(&format!("{id} deleted\n"))?;
    }
    Ok(Verdict::Well)
}
