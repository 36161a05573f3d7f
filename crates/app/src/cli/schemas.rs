//! `weir schemas`: the event types of a folder, without a server.

use std::path::Path;

use anyhow::{Context, bail};
use serde_json::json;
use weir_core::schema::Registry;
use weir_core::schema::compat::{Break, breaks};

use super::arguments::SchemasCommand;
use super::table::table;
use super::{Verdict, output};
use crate::api::EventTypeForm;
use crate::logging::escaped;
use crate::schemas::{Flaw, Sources, compile};

/// Does what was asked for with the event types of this folder.
pub fn execute(folder: &Path, command: SchemasCommand, json: bool) -> anyhow::Result<Verdict> {
    match command {
        SchemasCommand::List => list(&load(folder)?, json),
        SchemasCommand::Check => check(folder, json),
        SchemasCommand::Compat { old, against } => {
            let old = old.or(against).unwrap_or_default();
            compat(&load(&old)?, &load(folder)?, json)
        }
    }
}

/// The event types of a folder that has to be there: whoever names one means it.
fn load(folder: &Path) -> anyhow::Result<Registry> {
    let sources = read(folder)?;
    compile(&sources).map_err(|flaws| anyhow::anyhow!(listed(folder, &flaws)))
}

fn read(folder: &Path) -> anyhow::Result<Sources> {
    let place = folder.display();
    let sources = Sources::read(folder).with_context(|| format!("the folder {place} cannot be read"))?;
    if !sources.is_there() {
        bail!("there is no folder {place}\n    Set schemas.dir, or name one with --schemas.");
    }
    Ok(sources)
}

fn listed(folder: &Path, flaws: &[Flaw]) -> String {
    let lines: Vec<String> =
        flaws.iter().map(|flaw| format!("{}/{}", folder.display(), escaped(&flaw.to_string()))).collect();
    lines.join("\n")
}

fn list(registry: &Registry, as_json: bool) -> anyhow::Result<Verdict> {
    let types: Vec<EventTypeForm> = registry.event_types().map(EventTypeForm::of).collect();
    if as_json {
        output::print_json(&json!({ "items": types, "next": null }))?;
        return Ok(Verdict::Well);
    }
    let header = ["event type", "package", "file", "field", "number", "type"];
    let rows = types.iter().flat_map(|event_type| {
        event_type.fields.iter().enumerate().map(move |(index, field)| {
            // Said once, in the first line of each.
            let once = |text: &str| if index == 0 { text.to_owned() } else { String::new() };
            let (name, package, file) = (&event_type.name, &event_type.package, &event_type.file);
            let number = field.number.to_string();
            vec![once(name), once(package), once(file), field.name.clone(), number, field.kind.clone()]
        })
    });
    output::print(&table(&header, &rows.collect::<Vec<_>>()))?;
    Ok(Verdict::Well)
}

fn check(folder: &Path, as_json: bool) -> anyhow::Result<Verdict> {
    let sources = read(folder)?;
    let files = sources.files().len();
    let (registry, flaws) = match compile(&sources) {
        Ok(registry) => (registry, Vec::new()),
        Err(flaws) => (Registry::default(), flaws),
    };
    let types = registry.event_types().count();
    if as_json {
        let flawed = registry.flawed().iter().map(|(name, why)| json!({ "message": name, "why": why }));
        output::print_json(&json!({
            "ok": flaws.is_empty(), "files": files, "event_types": types, "flaws": flaws,
            "no_event_types": flawed.collect::<Vec<_>>(),
        }))?;
    } else if flaws.is_empty() {
        for (name, why) in registry.flawed() {
            output::note(&format!("warning: {name} has a context and is no event type: {why}"));
        }
        output::print(&format!("OK: {types} event types in {files} files\n"))?;
    } else {
        output::note(&listed(folder, &flaws));
    }
    Ok(if flaws.is_empty() { Verdict::Well } else { Verdict::Wrong })
}

fn compat(old: &Registry, new: &Registry, as_json: bool) -> anyhow::Result<Verdict> {
    let found = breaks(old, new);
    match as_json {
        true => output::print_json(&json!({ "ok": found.is_empty(), "breaks": found }))?,
        false if found.is_empty() => output::print("OK: what is stored can be read\n")?,
        false => output::print(&found.iter().map(told).collect::<String>())?,
    }
    Ok(if found.is_empty() { Verdict::Well } else { Verdict::Wrong })
}

fn told(found: &Break) -> String {
    format!("{} {}\n", escaped(&found.place), escaped(&found.detail))
}
