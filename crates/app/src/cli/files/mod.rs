//! `weir files`

mod get;
mod part;
mod put;

use reqwest::Method;
use serde_json::Value;

use super::address::encoded;
use super::arguments::{ChosenFiles, FilesCommand, RetentionCommand};
use super::client::Client;
use super::pages::{Found, members};
use super::progress::Progress;
use super::readable::word;
use super::retry::{Retry, answered, read_json};
use super::{Verdict, output};
use crate::logging::escaped;

/// Does what was asked.
pub async fn execute(client: &Client, command: FilesCommand, json: bool) -> anyhow::Result<Verdict> {
    match command {
        FilesCommand::List { chosen, limit } => list(client, &chosen, limit, json).await,
        FilesCommand::Show { key } => show(client, &key, json).await,
        FilesCommand::Put(options) => put::put(client, &options, json).await,
        FilesCommand::Get(options) => get::get(client, &options, json).await,
        FilesCommand::Delete { key } => delete(client, &key).await,
        FilesCommand::Retention { command: RetentionCommand::Preview } => preview(client, json).await,
        FilesCommand::Retention { command: RetentionCommand::Acts { limit } } => {
            let columns = ["key", "rule", "deleted_by", "bytes", "freed_bytes", "at", "reason"];
            Found::of(client, "/v1/retention/acts", &[], limit).await?.tell(&columns, json)
        }
    }
}

async fn list(client: &Client, chosen: &ChosenFiles, limit: usize, json: bool) -> anyhow::Result<Verdict> {
    let ChosenFiles { key, group, user, trace, from, to, ended } = chosen;
    let members =
        [("key", key), ("group", group), ("user", user), ("trace", trace), ("from", from), ("to", to)];
    let given = members.into_iter().filter_map(|(name, value)| Some((name, value.clone()?)));
    let query: Vec<_> = given.chain(ended.then(|| ("ended", true.to_string()))).collect();
    let columns = ["key", "id", "bytes", "group", "trace", "user", "state", "stored_at"];
    Found::of(client, "/v1/files", &query, limit).await?.tell(&columns, json)
}

async fn show(client: &Client, key: &str, json: bool) -> anyhow::Result<Verdict> {
    let file = client.ask(Method::GET, &metadata(key), None).await?;
    if json {
        output::print_json(&file)?;
        return Ok(Verdict::Well);
    }
    let line = |(name, value): (&String, &Value)| {
        format!("{:<12} {}\n", name.replace('_', " "), escaped(&word(value)))
    };
    output::print(&file.as_object().into_iter().flatten().map(line).collect::<String>())?;
    Ok(Verdict::Well)
}

/// Where what is known of a file can be asked for.
fn metadata(key: &str) -> String {
    format!("/v1/files/{}/metadata", encoded(key))
}

/// What is known of a file, as soon as the server tells.
async fn known(client: &Client, key: &str, retry: &mut Retry, progress: &Progress) -> anyhow::Result<Value> {
    loop {
        let asked = client.request(Method::GET, &metadata(key)).send().await;
        let busy = match answered(client, asked).await? {
            Err(busy) => busy,
            Ok(answer) => match read_json(answer).await? {
                Ok(file) => return Ok(file),
                Err(busy) => busy,
            },
        };
        retry.pause(busy, progress).await?;
    }
}

async fn delete(client: &Client, key: &str) -> anyhow::Result<Verdict> {
    client.ask(Method::DELETE, &format!("/v1/files/{}", encoded(key)), None).await?;
    output::print(&format!("{} deleted\n", escaped(key)))?;
    Ok(Verdict::Well)
}

async fn preview(client: &Client, json: bool) -> anyhow::Result<Verdict> {
    let going = client.ask(Method::GET, "/v1/retention/preview", None).await?;
    if json {
        output::print_json(&going)?;
        return Ok(Verdict::Well);
    }
    let items = going["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    output::print(&members(items, &["key", "rule", "bytes", "stored_at", "reason"]))?;
    if going["more"] == true {
        output::note("These are the first that would go; there are more.");
    }
    Ok(Verdict::Well)
}
