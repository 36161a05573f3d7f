//! The table: made when missing, compared when there, and looked at again after trouble.
//!
//! **Constraint.** Nothing that is there is changed: what it lacks is told, with the statement that mends it.

use std::sync::Arc;

use anyhow::anyhow;
use serde::Deserialize;
use tokio::sync::Mutex;
use weir_core::sink::SinkError;

use super::difference::{self, Found};
use super::hosts::{Hosts, Question};
use super::kind::Kind;
use super::layout::{JSON, Place, places};
use super::settings::{ClickHouseSettings, JsonType};
use super::statement;
use crate::columns::Mapping;

/// The oldest version that is served, and the first whose JSON type is for use.
const VERSION_MIN: (u32, u32) = (23, 8);
const VERSION_OF_JSON: (u32, u32) = (25, 3);

const COLUMNS_QUERY: &str = "SELECT name, type FROM system.columns \
    WHERE database = {database:String} AND table = {table:String} ORDER BY position FORMAT JSONEachRow";
const TABLE_QUERY: &str = "SELECT engine, sorting_key, create_table_query FROM system.tables \
    WHERE database = {database:String} AND name = {table:String} FORMAT JSONEachRow";

/// What is written into the table, by its columns as they are.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Layout {
    pub places: Vec<Place>,
    pub is_json: bool,
}

pub(super) struct Table {
    settings: ClickHouseSettings,
    mapping: Arc<Mapping<Kind>>,
    known: Mutex<Option<Arc<Layout>>>,
}

#[derive(Deserialize)]
struct ColumnRow {
    name: String,
    #[serde(rename = "type")]
    type_name: String,
}

impl Table {
    pub fn new(settings: ClickHouseSettings, mapping: Arc<Mapping<Kind>>) -> Self {
        Self { settings, mapping, known: Mutex::new(None) }
    }

    /// As it was when it was last looked at; looked at now if it never was.
    pub async fn layout(&self, hosts: &Hosts) -> Result<Arc<Layout>, SinkError> {
        let mut known = self.known.lock().await;
        match &*known {
            Some(layout) => Ok(layout.clone()),
            None => {
                let (layout, _) = self.prepare(hosts).await?;
                Ok(known.insert(layout).clone())
            }
        }
    }

    /// Looks at it again after an insert by this layout failed; whether it is another one now.
    pub async fn has_changed(&self, hosts: &Hosts, used: &Arc<Layout>) -> Result<bool, SinkError> {
        let mut known = self.known.lock().await;
        // Somebody else has looked since.
        if known.as_ref().is_some_and(|known| !Arc::ptr_eq(known, used)) {
            return Ok(true);
        }
        *known = None;
        let (layout, was_made) = self.prepare(hosts).await?;
        let is_other = was_made || layout != *used;
        *known = Some(layout);
        Ok(is_other)
    }

    /// Looks at it, whatever is known.
    pub async fn look(&self, hosts: &Hosts) -> Result<Arc<Layout>, SinkError> {
        let mut known = self.known.lock().await;
        *known = None;
        let (layout, _) = self.prepare(hosts).await?;
        Ok(known.insert(layout).clone())
    }

    /// The layout, and whether the table was made for it just now.
    async fn prepare(&self, hosts: &Hosts) -> Result<(Arc<Layout>, bool), SinkError> {
        let version = self.version(hosts).await?;
        if let Some(found) = self.found(hosts).await? {
            return Ok((Arc::new(self.compare(&found, hosts)?), false));
        }
        let is_json = match self.settings.json {
            JsonType::Text => false,
            JsonType::Json => true,
            JsonType::Auto => version >= VERSION_OF_JSON,
        };
        let statement = statement::create(&self.settings, &places(&self.mapping, is_json));
        hosts.ask(&Question { statement, ..Question::default() }).await?;
        let found = self.found(hosts).await?.ok_or_else(|| {
            let name = statement::name(&self.settings);
            let remedy = "grant the user SHOW COLUMNS on it, or see whether all urls lead to its cluster";
            SinkError::Blocked {
                cause: anyhow!("{}: {name} was made and is not seen; {remedy}", hosts.addresses()),
            }
        })?;
        Ok((Arc::new(self.compare(&found, hosts)?), true))
    }

    fn compare(&self, found: &Found, hosts: &Hosts) -> Result<Layout, SinkError> {
        let is_json = match self.settings.json {
            JsonType::Text => false,
            JsonType::Json => true,
            JsonType::Auto => found.type_of("param") == Some(JSON),
        };
        let mut places = places(&self.mapping, is_json);
        difference::check(&self.settings, &places, found)
            .map_err(|what| SinkError::Blocked { cause: anyhow!("{}: {what}", hosts.addresses()) })?;
        for place in &mut places {
            if let Some(type_name) = found.type_of(&place.name) {
                type_name.clone_into(&mut place.type_name);
            }
        }
        Ok(Layout { places, is_json })
    }

    async fn version(&self, hosts: &Hosts) -> Result<(u32, u32), SinkError> {
        let answer = self.ask(hosts, "SELECT version()").await?;
        let text = String::from_utf8_lossy(&answer);
        let mut parts = text.trim().split('.').map_while(|part| part.parse().ok());
        match (parts.next(), parts.next()) {
            (Some(year), Some(number)) if (year, number) >= VERSION_MIN => Ok((year, number)),
            _ => Err(SinkError::Blocked {
                cause: anyhow!(
                    "{}: ClickHouse 23.8 or later is expected, not {:.40}",
                    hosts.addresses(),
                    text.trim()
                ),
            }),
        }
    }

    async fn found(&self, hosts: &Hosts) -> Result<Option<Found>, SinkError> {
        let table = self.ask(hosts, TABLE_QUERY).await?;
        if table.trim_ascii().is_empty() {
            return Ok(None);
        }
        let mut found: Found = serde_json::from_slice(&table).map_err(SinkError::retry)?;
        let columns = self.ask(hosts, COLUMNS_QUERY).await?;
        for line in serde_json::Deserializer::from_slice(&columns).into_iter::<ColumnRow>() {
            let ColumnRow { name, type_name } = line.map_err(SinkError::retry)?;
            found.columns.push((name, type_name));
        }
        Ok(Some(found))
    }

    async fn ask(&self, hosts: &Hosts, statement: &str) -> Result<bytes::Bytes, SinkError> {
        let parameters = vec![
            ("param_database", self.settings.database.clone()),
            ("param_table", self.settings.table.clone()),
        ];
        let question = Question { statement: statement.to_owned(), parameters, ..Question::default() };
        Ok(hosts.ask(&question).await?)
    }
}
