//! The index template: the mapping that an index gets with its first document.
//!
//! **Constraint.** Only the named fields are mapped, so no client can make a mapping explode, or two clients fight over
//! a field's type. A template that somebody made newer is left alone.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use anyhow::anyhow;
use serde::Deserialize;
use serde_json::{Value, json};
use weir_core::sink::SinkError;

use super::answer::{clipped, whole};
use super::http::{Answer, Http, Request};
use super::index_name::IndexFamily;

/// Raised with every change of the mapping.
const VERSION: u64 = 1;
/// Above the catch-all templates that stores bring along.
const PRIORITY: u64 = 200;
/// Longer text is kept but not searched: Lucene takes terms of up to 32,766 bytes, and a character may have four.
const KEYWORD_MAX_CHARS: u64 = 8_191;

/// Which families of indices are known to have their template.
#[derive(Default)]
pub(super) struct Templates {
    installed: Mutex<BTreeSet<IndexFamily>>,
    /// One installs, the others wait for it.
    turn: tokio::sync::Mutex<()>,
}

impl Templates {
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
            install(http, dialect, family).await?;
            self.installed.lock().unwrap_or_else(PoisonError::into_inner).insert(family.clone());
        }
        Ok(())
    }

    fn lacking<'a>(&self, families: &'a [IndexFamily]) -> Vec<&'a IndexFamily> {
        let installed = self.installed.lock().unwrap_or_else(PoisonError::into_inner);
        families.iter().filter(|family| !installed.contains(family)).collect()
    }
}

/// What the store understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Dialect {
    /// How an object of unknown members is mapped so that it can be searched.
    objects: Objects,
    /// `_index_template` is known; before Elasticsearch 7.8 there was `_template` alone.
    composable: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Objects {
    /// OpenSearch. Before 2.18 it failed on nulls and could loop for ever on arrays.
    FlatObject,
    /// Elasticsearch.
    Flattened,
    /// Kept, not searched; every store can do that.
    Disabled,
}

#[derive(Deserialize)]
struct Greeting {
    version: Version,
}

#[derive(Deserialize)]
struct Version {
    number: String,
    distribution: Option<String>,
}

impl Dialect {
    /// Asks the store what it is. One that will not say is taken for the simplest.
    async fn ask(http: &Http) -> Result<Self, SinkError> {
        let answer = http.send(Request::get(&[])).await?;
        match answer.status.as_u16() {
            200 => Ok(serde_json::from_slice(&answer.body)
                .map_or(Self::UNKNOWN, |greeting: Greeting| Self::of(&greeting.version))),
            403 | 404 => Ok(Self::UNKNOWN),
            _ => Err(whole(&answer, http.address())),
        }
    }

    const UNKNOWN: Self = Self { objects: Objects::Disabled, composable: true };

    fn of(version: &Version) -> Self {
        let mut numbers = version.number.split(['.', '-']).map(|part| part.parse::<u32>().unwrap_or(0));
        let number = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
        match version.distribution.as_deref() {
            Some("opensearch") if number >= (2, 18) => Self { objects: Objects::FlatObject, ..Self::UNKNOWN },
            Some(_) => Self::UNKNOWN,
            None if number >= (7, 8) => Self { objects: Objects::Flattened, ..Self::UNKNOWN },
            None => Self { composable: false, ..Self::UNKNOWN },
        }
    }

    fn endpoint(self) -> &'static str {
        if self.composable { "_index_template" } else { "_template" }
    }
}

/// Installs the template unless the one that is there is as new. A store that has no type for searched objects after
/// all (an Elasticsearch without its licence) gets the simplest mapping.
async fn install(http: &Http, dialect: Dialect, family: &IndexFamily) -> Result<(), SinkError> {
    if installed_version(http, dialect, family).await? >= Some(VERSION) {
        return Ok(());
    }
    let answer = put(http, dialect, family).await?;
    match answer.status.as_u16() {
        200 | 201 => Ok(()),
        400 if dialect.objects != Objects::Disabled => {
            let simplest = Dialect { objects: Objects::Disabled, ..dialect };
            let answer = put(http, simplest, family).await?;
            if answer.status.is_success() { Ok(()) } else { Err(refused(&answer, http, family)) }
        }
        _ => Err(refused(&answer, http, family)),
    }
}

async fn put(http: &Http, dialect: Dialect, family: &IndexFamily) -> Result<Answer, SinkError> {
    let name = family.template_name();
    http.send(Request::put(&[dialect.endpoint(), &name], template(dialect, family).to_string())).await
}

async fn installed_version(
    http: &Http,
    dialect: Dialect,
    family: &IndexFamily,
) -> Result<Option<u64>, SinkError> {
    let name = family.template_name();
    let answer = http.send(Request::get(&[dialect.endpoint(), &name])).await?;
    match answer.status.as_u16() {
        200 => {}
        404 => return Ok(None),
        _ => return Err(refused(&answer, http, family)),
    }
    let told: Value = serde_json::from_slice(&answer.body)
        .map_err(|error| SinkError::retry(anyhow!("{}: the answer is broken: {error}", http.address())))?;
    let version = match dialect.composable {
        true => &told["index_templates"][0]["index_template"]["version"],
        false => &told[&name]["version"],
    };
    // A template of this name without a version is somebody's own, and newer than anything of ours.
    Ok(Some(version.as_u64().unwrap_or(u64::MAX)))
}

/// Whether to come again or have it mended; never the batch's fault.
fn refused(answer: &Answer, http: &Http, family: &IndexFamily) -> SinkError {
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

fn template(dialect: Dialect, family: &IndexFamily) -> Value {
    let pattern = [&family.pattern];
    let about = json!({ "managed_by": "weir" });
    match dialect.composable {
        true => json!({
            "index_patterns": pattern, "priority": PRIORITY, "version": VERSION, "_meta": about,
            "template": { "mappings": mapping(dialect.objects) }
        }),
        false => {
            json!({ "index_patterns": pattern, "order": PRIORITY, "version": VERSION, "mappings": mapping(dialect.objects) })
        }
    }
}

fn mapping(objects: Objects) -> Value {
    let text = json!({ "type": "keyword", "ignore_above": KEYWORD_MAX_CHARS });
    let date = json!({ "type": "date", "format": "strict_date_optional_time" });
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

#[cfg(test)]
mod tests {
    use super::*;

    fn dialect(number: &str, distribution: Option<&str>) -> Dialect {
        Dialect::of(&Version { number: number.to_owned(), distribution: distribution.map(str::to_owned) })
    }

    #[test]
    fn objects_are_searched_where_the_store_can_do_it_well() {
        let objects = |number, distribution| dialect(number, distribution).objects;
        assert_eq!(objects("2.19.1", Some("opensearch")), Objects::FlatObject);
        assert_eq!(objects("3.0.0-beta1", Some("opensearch")), Objects::FlatObject);
        assert_eq!(objects("2.17.0", Some("opensearch")), Objects::Disabled);
        assert_eq!(objects("1.3.20", Some("opensearch")), Objects::Disabled);
        assert_eq!(objects("7.17.0", None), Objects::Flattened);
        assert_eq!(objects("9.0.0", None), Objects::Flattened);
        assert_eq!(objects("nonsense", None), Objects::Disabled);
    }

    #[test]
    fn templates_are_composable_since_elasticsearch_7_8() {
        assert!(!dialect("7.7.1", None).composable);
        assert!(dialect("7.8.0", None).composable);
        assert!(dialect("1.0.0", Some("opensearch")).composable);
    }
}
