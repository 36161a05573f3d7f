//! What a table that is there lacks, and the statements that mend it.

use serde::Deserialize;

use super::layout::Place;
use super::settings::ClickHouseSettings;
use super::statement::{self, WINDOW};

/// A table that is there.
#[derive(Debug, Deserialize)]
pub(super) struct Found {
    engine: String,
    sorting_key: String,
    create_table_query: String,
    /// Names and types.
    #[serde(skip)]
    pub columns: Vec<(String, String)>,
}

impl Found {
    pub fn type_of(&self, name: &str) -> Option<&str> {
        self.columns.iter().find(|(found, _)| found == name).map(|(_, type_name)| type_name.as_str())
    }
}

/// Whether rows can be put into it with the effect of once; the error says what is in the way and what mends it.
pub(super) fn check(settings: &ClickHouseSettings, places: &[Place], found: &Found) -> Result<(), String> {
    let name = statement::name(settings);
    if !found.engine.ends_with("ReplacingMergeTree") || !keys(&found.sorting_key).any(|key| key == "event_id")
    {
        return Err(format!(
            "table {name} is a {} ordered by ({}): a ReplacingMergeTree with event_id in its order is expected, so that \
             no event stands twice; rename it and let Weir make one, or set another `table`",
            found.engine, found.sorting_key
        ));
    }
    let changes = changes(settings, places, found);
    if changes.is_empty() {
        return Ok(());
    }
    let alter = statement::alter(settings);
    let statements: Vec<String> = changes.iter().map(|change| format!("{alter} {change};")).collect();
    Err(format!("table {name} is not as it is set; mend it with: {}", statements.join(" ")))
}

fn changes(settings: &ClickHouseSettings, places: &[Place], found: &Found) -> Vec<String> {
    let columns: Vec<String> = places
        .iter()
        .filter_map(|place| match found.type_of(&place.name) {
            None => Some(format!("ADD COLUMN {}", place.declaration())),
            Some(type_name) if place.takes(type_name) => None,
            Some(_) => Some(format!("MODIFY COLUMN {}", place.declaration())),
        })
        .collect();
    let mut changes = Vec::new();
    if !columns.is_empty() {
        changes.push(columns.join(", "));
    }
    let window = format!("non_replicated_{WINDOW}");
    let remembers = found.create_table_query.contains("non_replicated_deduplication_window = ")
        && !found.create_table_query.contains("non_replicated_deduplication_window = 0");
    if found.engine == "ReplacingMergeTree" && !remembers {
        changes.push(format!("MODIFY SETTING {window}"));
    }
    let ttl = settings.ttl.map(statement::ttl);
    changes
        .extend(ttl.filter(|ttl| !found.create_table_query.contains(ttl)).map(|ttl| format!("MODIFY {ttl}")));
    changes
}

/// `stream, toDate32(occurred_at), event_id`
fn keys(sorting_key: &str) -> impl Iterator<Item = &str> {
    sorting_key.split(',').map(str::trim)
}
