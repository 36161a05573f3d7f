//! `weir trace`

mod journey;

use reqwest::Method;

use super::address::{encoded, with_query};
use super::arguments::{ChosenTraces, Picture, TraceCommand};
use super::client::Client;
use super::pages::Found;
use super::tree;
use super::{Verdict, output};

/// Does what was asked.
pub async fn execute(client: &Client, command: TraceCommand, json: bool) -> anyhow::Result<Verdict> {
    match command {
        TraceCommand::List { chosen, limit } => list(client, &chosen, limit, json).await,
        TraceCommand::Show { id, picture } => show(client, &id, picture, json).await,
        TraceCommand::Journey { key, limit } => journey::show(client, &key, limit, json).await,
    }
}

async fn list(client: &Client, chosen: &ChosenTraces, limit: usize, json: bool) -> anyhow::Result<Verdict> {
    let found = Found::of(client, "/v1/traces", &form(chosen), limit).await?;
    let columns = ["key", "user", "state", "files", "dropped", "became_data", "data", "outputs", "last_at"];
    found.tell(&columns, json)
}

fn form(chosen: &ChosenTraces) -> Vec<(&'static str, String)> {
    let ChosenTraces { user, from, to, state, drops, text } = chosen;
    let members = [("user", user), ("from", from), ("to", to), ("state", state), ("text", text)];
    let given = members.into_iter().filter_map(|(name, value)| Some((name, value.clone()?)));
    given.chain(drops.then(|| ("has_drops", true.to_string()))).collect()
}

async fn show(client: &Client, id: &str, picture: Picture, json: bool) -> anyhow::Result<Verdict> {
    let Picture { around, depth, collapse } = picture;
    let mut query: Vec<(&str, String)> = around.map(|node| ("around", node)).into_iter().collect();
    query.extend(depth.map(|depth| ("depth", depth.to_string())));
    query.extend(collapse.then(|| ("collapse", true.to_string())));
    let path = with_query(&format!("/v1/traces/{}/graph", encoded(id)), &query);
    let graph = client.ask(Method::GET, &path, None).await?;
    match json {
        true => output::print_json(&graph)?,
        false => output::print(&tree::drawn(&graph))?,
    }
    if let Some(detail) = graph["truncated"]["detail"].as_str() {
        output::note(&format!("Not all is shown: {detail}."));
    }
    Ok(Verdict::Well)
}
