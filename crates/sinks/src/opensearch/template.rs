//! The index template: the mapping that an index gets with its first document.
//!
//! **Constraint.** Only the named fields are mapped, and those that a person adds, so no client can make a mapping explode, or two clients fight over
//! a field's type. A template that somebody made newer is left alone.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use anyhow::anyhow;
use serde_json::{Map, Value, json};
use weir_core::sink::SinkError;

use super::answer::whole;
use super::column::Kind;
use super::dialect::{Dialect, Objects};
use super::http::{Http, Request};
use super::index_name::IndexFamily;
use crate::client::{Reply, clipped};
use crate::columns::Mapping;

/// Raised with every change of the mapping.
const VERSION: u64 = 1;
/// Where the mapping says which columns were added.
const COLUMNS: &str = "columns";
/// Above the catch-all templates that stores bring along.
const PRIORITY: u64 = 200;
/// Longer text is kept but not searched: Lucene takes terms of up to 32,766 bytes, and a character may have four.
const KEYWORD_MAX_CHARS: u64 = 8_191;

/// Which families of indices are known to have their template.
pub(super) struct Templates {
    /// The members that were added, as the store maps them.
    columns: Map<String, Value>,
    installed: Mutex<BTreeSet<IndexFamily>>,
    /// One installs, the others wait for it.
    turn: tokio::sync::Mutex<()>,
}

impl Templates {
    pub fn new(mapping: &Mapping<Kind>) -> Self {
        let columns = mapping.columns().iter();
        let columns = columns.map(|column| (column.name.clone(), column.kind.mapping())).collect();
        Self { columns, installed: Mutex::default(), turn: tokio::sync::Mutex::default() }
    }

    /// Sees to it that the families have their template; asks the store only the first time.
    pub async fn ensure(&self, http: &Http, families: &[IndexFamily]) -> Result<(), SinkError> {
        if self.lacking(families).is_empty() {
            return Ok(());
        }
        let _turn = self.turn.lock().await;
        let lacking = self.lacking(families);
        if lacking.is_empty() {
            return Ok(());
        }
        let dialect = Dialect::ask(http).await?;
        for family in lacking {
            self.install(http, dialect, family).await?;
            self.installed.lock().unwrap_or_else(PoisonError::into_inner).insert(family.clone());
        }
        Ok(())
    }

    fn lacking<'a>(&self, families: &'a [IndexFamily]) -> Vec<&'a IndexFamily> {
        let installed = self.installed.lock().unwrap_or_else(PoisonError::into_inner);
        families.iter().filter(|family| !installed.contains(family)).collect()
    }

    /// Installs the template unless the one that is there is as new, and has the same columns. A store that has no type
    /// for searched objects after all (an Elasticsearch without its licence) gets the simplest mapping.
    async fn install(&self, http: &Http, dialect: Dialect, family: &IndexFamily) -> Result<(), SinkError> {
        let there = installed(http, dialect, family).await?;
        if there.is_some_and(|there| there.version > VERSION || self.is_the_same(&there)) {
            return Ok(());
        }
        // First, so that a template with these columns says that the indices have them.
        self.add_columns(http, family).await?;
        let answer = put(http, dialect, family, &self.template(dialect, family)).await?;
        match answer.status.as_u16() {
            200 | 201 => Ok(()),
            400 if dialect.objects != Objects::Disabled => {
                let simplest = Dialect { objects: Objects::Disabled, ..dialect };
                let answer = put(http, simplest, family, &self.template(simplest, family)).await?;
                if answer.status.is_success() { Ok(()) } else { Err(refused(&answer, http, family)) }
            }
            _ => Err(refused(&answer, http, family)),
        }
    }

    fn is_the_same(&self, there: &Installed) -> bool {
        let columns = there.columns.as_object();
        there.version == VERSION
            && columns.map_or(self.columns.is_empty(), |columns| *columns == self.columns)
    }

    /// Maps the columns in the indices that are there; a template reaches later ones only.
    async fn add_columns(&self, http: &Http, family: &IndexFamily) -> Result<(), SinkError> {
        if self.columns.is_empty() {
            return Ok(());
        }
        let mapping = json!({ "properties": self.columns }).to_string();
        let answer = http.send(Request::put(&[&family.pattern, "_mapping"], mapping)).await?;
        match whole(&answer, http.address()) {
            // A pattern without a `*` may name an index that is not there yet.
            _ if answer.status.is_success() || answer.status.as_u16() == 404 => Ok(()),
            error @ SinkError::Retry { .. } => Err(error),
            other => Err(SinkError::Blocked {
                cause: anyhow!(
                    "`columns` cannot be added to the indices {}: {}; give the column the type that is there, or another name",
                    family.pattern,
                    clipped(&other.to_string())
                ),
            }),
        }
    }

    fn template(&self, dialect: Dialect, family: &IndexFamily) -> Value {
        let pattern = [&family.pattern];
        let about = json!({ "managed_by": "weir" });
        let mapping = self.mapping(dialect.objects);
        match dialect.composable {
            true => json!({
                "index_patterns": pattern, "priority": PRIORITY, "version": VERSION, "_meta": about,
                "template": { "mappings": mapping }
            }),
            false => {
                json!({ "index_patterns": pattern, "order": PRIORITY, "version": VERSION, "mappings": mapping })
            }
        }
    }

    fn mapping(&self, objects: Objects) -> Value {
        let mut mapping = mapping(objects);
        if !self.columns.is_empty() {
            mapping["_meta"] = json!({ COLUMNS: self.columns });
            for (name, kind) in &self.columns {
                mapping["properties"][name] = kind.clone();
            }
        }
        mapping
    }
}

async fn put(
    http: &Http,
    dialect: Dialect,
    family: &IndexFamily,
    template: &Value,
) -> Result<Reply, SinkError> {
    let name = family.template_name();
    http.send(Request::put(&[dialect.endpoint(), &name], template.to_string())).await
}

/// A template that is there.
struct Installed {
    version: u64,
    columns: Value,
}

async fn installed(
    http: &Http,
    dialect: Dialect,
    family: &IndexFamily,
) -> Result<Option<Installed>, SinkError> {
    let name = family.template_name();
    let answer = http.send(Request::get(&[dialect.endpoint(), &name])).await?;
    match answer.status.as_u16() {
        200 => {}
        404 => return Ok(None),
        _ => return Err(refused(&answer, http, family)),
    }
    let told: Value = serde_json::from_slice(&answer.body)
        .map_err(|error| SinkError::retry(anyhow!("{}: the answer is broken: {error}", http.address())))?;
    let (version, mappings) = match dialect.composable {
        true => {
            let template = &told["index_templates"][0]["index_template"];
            (&template["version"], &template["template"]["mappings"])
        }
        false => (&told[&name]["version"], &told[&name]["mappings"]),
    };
    // A template of this name without a version is somebody's own, and newer than anything of ours.
    let version = version.as_u64().unwrap_or(u64::MAX);
    Ok(Some(Installed { version, columns: mappings["_meta"][COLUMNS].clone() }))
}

/// Whether to come again or have it mended; never the batch's fault.
fn refused(answer: &Reply, http: &Http, family: &IndexFamily) -> SinkError {
    match whole(answer, http.address()) {
        error @ SinkError::Retry { .. } => error,
        other => SinkError::Blocked {
            cause: anyhow!(
                "the index template {} cannot be installed: {}; mend that, or install it by hand and switch `template_install` off",
                family.template_name(),
                clipped(&other.to_string())
            ),
        },
    }
}

/// Text that is searched whole.
pub(super) fn text() -> Value {
    json!({ "type": "keyword", "ignore_above": KEYWORD_MAX_CHARS })
}

/// A moment as Weir writes it.
pub(super) fn date() -> Value {
    json!({ "type": "date", "format": "strict_date_optional_time" })
}

fn mapping(objects: Objects) -> Value {
    let (text, date) = (text(), date());
    let kept = json!({ "type": "object", "enabled": false });
    let searched = match objects {
        Objects::FlatObject => json!({ "type": "flat_object" }),
        Objects::Flattened => {
            json!({ "type": "flattened", "ignore_above": KEYWORD_MAX_CHARS, "depth_limit": 100 })
        }
        Objects::Disabled => kept.clone(),
    };
    json!({
        "dynamic": false,
        "properties": {
            "user_id": text, "device_uuid": text, "app_version": text, "os_version": text, "user_agent": text,
            "client_ip": { "type": "ip", "ignore_malformed": true },
            "event_info": {
                "dynamic": false,
                "properties": {
                    "page": text, "event": text, "label": text, "target": text, "section": text,
                    "param": searched, "param_unindexed": kept,
                }
            },
            "log_id": text, "stream": text, "occurred_at": date, "received_at": date,
            "extra": searched, "extra_unindexed": kept,
        }
    })
}
