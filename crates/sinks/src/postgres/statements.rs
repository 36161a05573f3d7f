//! The statements of a delivery, prepared once for each connection.

use tokio_postgres::{Client, Statement};

use super::fault::Fault;
use super::schema::Layout;
use super::table::quoted;
use crate::columns::{FIXED_COLUMNS, Mapping};

/// Prepared.
#[derive(Clone)]
pub(super) struct Statements {
    /// Notes a batch, unless it is noted.
    pub note: Statement,
    /// Which of these ids are there, received between two moments.
    pub present: Statement,
}

impl Statements {
    pub async fn prepare(client: &Client, layout: &Layout) -> Result<Self, Fault> {
        let (batches, events) = (layout.batches(), layout.events());
        Ok(Self {
            note: client
                .prepare(&format!(
                    "INSERT INTO {batches} (events_table, batch) VALUES ($1, $2) \
                     ON CONFLICT (events_table, batch) DO NOTHING"
                ))
                .await?,
            present: client
                .prepare(&format!(
                    "SELECT event_id FROM {events} WHERE event_id = ANY ($1) \
                     AND received_at >= $2 AND received_at < $3"
                ))
                .await?,
        })
    }
}

/// The columns that are written, in the order of a row's fields.
pub(super) fn column_list<T>(mapping: &Mapping<T>) -> String {
    let mapped = mapping.columns().iter().map(|column| column.name.as_str());
    let names: Vec<String> = FIXED_COLUMNS.into_iter().chain(mapped).map(quoted).collect();
    names.join(", ")
}
