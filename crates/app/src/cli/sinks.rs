//! `weir sinks`

use std::io::{IsTerminal, stdin};

use anyhow::{Context, bail};
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::address::encoded;
use super::arguments::{Period, SinksCommand};
use super::client::Client;
use super::readable::word;
use super::table::table;
use super::{Verdict, output};
use crate::logging::escaped;

/// Does what was asked.
pub async fn execute(client: &Client, command: SinksCommand, json: bool) -> anyhow::Result<Verdict> {
    match command {
        SinksCommand::List => list(client, json).await,
        SinksCommand::Check { name } => check(client, name.as_deref(), json).await,
        SinksCommand::Pause { name } => pause(client, &name, json).await,
        SinksCommand::Resume { name } => resume(client, &name, json).await,
        SinksCommand::Forget { name, confirm } => forget(client, &name, confirm, json).await,
        SinksCommand::Replay { name, period } => replay(client, &name, &period, json).await,
    }
}

async fn list(client: &Client, json: bool) -> anyhow::Result<Verdict> {
    let sinks = all(client).await?;
    if json {
        output::print_json(&json!({ "items": sinks, "next": null }))?;
        return Ok(Verdict::Well);
    }
    let columns = ["name", "state", "accepted", "delivered", "dead", "filtered", "pending"];
    let row = |sink: &Value| columns.map(|column| word(&sink[column])).to_vec();
    output::print(&table(&columns, &sinks.iter().map(row).collect::<Vec<_>>()))?;
    if sinks.iter().any(|sink| sink["state"] == "removed") {
        output::note("Removed sinks hold the log until they are configured again, or forgotten.");
    }
    Ok(Verdict::Well)
}

async fn all(client: &Client) -> anyhow::Result<Vec<Value>> {
    let mut sinks = Vec::new();
    let mut path = "/v1/sinks?limit=1000".to_owned();
    loop {
        let page = client.ask(Method::GET, &path, None).await?;
        sinks.extend(page["items"].as_array().cloned().unwrap_or_default());
        match page["next"].as_str() {
            Some(next) => path = format!("/v1/sinks?limit=1000&cursor={}", encoded(next)),
            None => return Ok(sinks),
        }
    }
}

async fn check(client: &Client, name: Option<&str>, json: bool) -> anyhow::Result<Verdict> {
    let names = match name {
        Some(name) => vec![name.to_owned()],
        None => configured(&all(client).await?),
    };
    let mut checked = Vec::new();
    for name in &names {
        checked.push(client.ask(Method::POST, &path(name, "check"), None).await?);
    }
    match json {
        true => output::print_json(&json!({ "items": checked, "next": null }))?,
        false => output::print(&checked.iter().map(told).collect::<String>())?,
    }
    let well = checked.iter().all(|sink| sink["ok"] == true);
    Ok(if well { Verdict::Well } else { Verdict::Wrong })
}

fn configured(sinks: &[Value]) -> Vec<String> {
    let mut names: Vec<String> =
        sinks.iter().filter(|sink| sink["state"] != "removed").map(|sink| word(&sink["name"])).collect();
    names.dedup();
    names
}

/// A statement that would mend it keeps its lines, so that it can be taken as it is.
fn told(checked: &Value) -> String {
    let name = escaped(&word(&checked["name"]));
    match checked["detail"].as_str() {
        None => format!("{name}: well\n"),
        Some(detail) => {
            let lines: Vec<String> = detail.lines().map(|line| format!("    {}\n", escaped(line))).collect();
            format!("{name}: NOT WELL\n{}", lines.concat())
        }
    }
}

async fn pause(client: &Client, name: &str, json: bool) -> anyhow::Result<Verdict> {
    let answer = client.ask(Method::POST, &path(name, "pause"), None).await?;
    let told = "is paused, also after a restart; its events are kept until `weir sinks resume`";
    done(&answer, name, told, json)
}

async fn resume(client: &Client, name: &str, json: bool) -> anyhow::Result<Verdict> {
    let answer = client.ask(Method::POST, &path(name, "resume"), None).await?;
    done(&answer, name, "goes on", json)
}

async fn forget(client: &Client, name: &str, confirm: Option<String>, json: bool) -> anyhow::Result<Verdict> {
    let confirm = match confirm {
        Some(confirm) => confirm,
        None => asked(client, name).await?,
    };
    if confirm != name {
        bail!("{:?} is not the name of the sink; nothing was done", escaped(&confirm));
    }
    let answer =
        client.ask(Method::POST, &path(name, "forget"), Some(&json!({ "confirm": confirm }))).await?;
    let told = format!(
        "is forgotten, with {} pending events and {} dead letters",
        answer["pending"], answer["dead"]
    );
    done(&answer, name, &told, json)
}

/// Tells what would be lost, and has the name typed once more.
async fn asked(client: &Client, name: &str) -> anyhow::Result<String> {
    let sinks = all(client).await?;
    let shown = escaped(name);
    let Some(sink) = sinks.iter().find(|sink| sink["name"] == name) else {
        bail!("there is no sink \"{shown}\"")
    };
    if sink["state"] != "removed" {
        bail!(
            "the sink \"{shown}\" is configured\n    Take it out of the settings and start Weir anew, then it can be forgotten."
        );
    }
    let lost = format!(
        "{} pending events and {} dead letters of \"{shown}\" would be lost",
        sink["pending"], sink["dead"]
    );
    if !stdin().is_terminal() {
        bail!("{lost}; nothing was done\n    To do it, say so: weir sinks forget {shown} --confirm {shown}");
    }
    output::note(&format!("{lost}. Type its name to forget it:"));
    let mut line = String::new();
    stdin().read_line(&mut line).context("reading the answer")?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// Has the server send what the log keeps of a period to a sink once more.
pub async fn replay(client: &Client, name: &str, period: &Period, json: bool) -> anyhow::Result<Verdict> {
    let mut bounds = Map::new();
    for (name, moment) in [("from", &period.from), ("to", &period.to)] {
        bounds.extend(moment.clone().map(|moment| (name.to_owned(), Value::String(moment))));
    }
    let answer = client.ask(Method::POST, &path(name, "replay"), Some(&Value::Object(bounds))).await?;
    if json {
        output::print_json(&answer)?;
        return Ok(Verdict::Well);
    }
    let replays = answer["replays"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut text = String::new();
    for replay in replays {
        let name = escaped(replay["name"].as_str().unwrap_or_default());
        text.push_str(&format!(
            "replay {name} has begun: {} events of the log are looked at\n",
            replay["events"]
        ));
    }
    match replays.is_empty() {
        true => text.push_str("the log keeps nothing of this period\n"),
        false => text.push_str("`weir status` shows how it fares\n"),
    }
    output::print(&text)?;
    Ok(Verdict::Well)
}

fn done(answer: &Value, name: &str, told: &str, json: bool) -> anyhow::Result<Verdict> {
    match json {
        true => output::print_json(answer)?,
        false => output::print(&format!("{} {told}\n", escaped(name)))?,
    }
    Ok(Verdict::Well)
}

fn path(name: &str, what: &str) -> String {
    format!("/v1/sinks/{}/{what}", encoded(name))
}
