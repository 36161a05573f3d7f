//! `weir dead-letters`

use reqwest::Method;
use serde_json::{Map, Value, json};

use super::arguments::{Chosen, DeadLettersCommand, Filter};
use super::client::Client;
use super::pages::Found;
use super::readable::word;
use super::{Verdict, output};
use crate::logging::escaped;

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
    let found = Found::of(client, "/v1/dead-letters", &form(filter), limit).await?;
    found.tell(&["id", "sink", "stream", "reason", "attempts", "last_at", "detail"], json)
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
