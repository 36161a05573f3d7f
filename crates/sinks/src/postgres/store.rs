//! One transaction: a batch's rows, and the note that it is settled; all of it or nothing.
//!
//! **Constraint.** Rows go straight into the table while nothing suggests that one of them may be there; only where one
//! is met, by a batch that another Weir sends or that is replayed, they go by a table of the connection's own and an
//! `INSERT` that passes over what is there. Measured in `examples/postgres_paths.rs`.
//!
//! **Constraint.** Two batches with one client's repeats, received in two months, may be under way at once, and neither
//! would see the other's. So a batch locks the partitions after its own against writers until it is committed, as far
//! as repeats reach; they are empty, but for a moment at the end of a month.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures::SinkExt;
use futures::future::try_join;
use tokio_postgres::Client;
use uuid::Uuid;
use weir_core::event::EventId;
use weir_core::sink::Refusal;
use weir_core::time::Timestamp;

use super::Connection;
use super::fault::Fault;
use super::month::Month;
use super::row::{HEAD, Row, Rows, TAIL};
use super::schema::Layout;
use super::statements::Statements;

/// A client's repeat is known as such in the month in which the first was received, and in so many on either side.
const REACH_MONTHS: i32 = 1;

/// What is to be stored, and where.
pub(super) struct Load<'a> {
    pub rows: &'a Rows,
    /// The batch's name.
    pub batch: &'a str,
    pub layout: &'a Layout,
    /// The columns' names.
    pub columns: &'a str,
}

/// How the rows reach the table.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Straight,
    Staged,
}

/// Stores the batch; how many of its rows were there before.
pub(super) async fn store(
    connection: &Connection,
    statements: &Statements,
    load: &Load<'_>,
) -> Result<u64, Fault> {
    match load.attempt(&connection.client, statements, Way::Straight).await {
        Err(Fault::Met(_)) => {
            connection.roll_back().await?;
            match load.attempt(&connection.client, statements, Way::Staged).await {
                // Not our own index, which is passed over, but one of somebody's making.
                Err(Fault::Met(detail)) => {
                    Err(Fault::Refused(Refusal { reason: "23505".to_owned(), detail }))
                }
                other => other,
            }
        }
        other => other,
    }
}

impl Load<'_> {
    async fn attempt(&self, client: &Client, statements: &Statements, way: Way) -> Result<u64, Fault> {
        client.batch_execute(&self.begin()).await?;
        let (is_new, present) =
            try_join(self.note(client, statements), self.present(client, statements)).await?;
        // A batch that is noted was stored, and its answer lost: its rows are there, unless somebody has deleted them.
        let way = if is_new { way } else { Way::Staged };
        let pieces = self.rows.pieces(|row| !present.contains(&row.id));
        let duplicates = match way {
            _ if pieces.is_empty() => present.len() as u64,
            Way::Straight => {
                copy(client, &self.layout.events(), self.columns, pieces).await?;
                present.len() as u64
            }
            Way::Staged => self.rows.rows().len() as u64 - self.stage(client, pieces).await?,
        };
        client.batch_execute("COMMIT").await?;
        Ok(duplicates)
    }

    /// Notes that the batch is settled; `false` where it is noted already. Waits for whoever notes it at the moment.
    async fn note(&self, client: &Client, statements: &Statements) -> Result<bool, Fault> {
        let name = self.layout.name.as_str();
        Ok(client.execute(&statements.note, &[&name, &self.batch]).await? > 0)
    }

    /// Which of the ids that clients gave are in the table, within reach.
    async fn present(&self, client: &Client, statements: &Statements) -> Result<BTreeSet<EventId>, Fault> {
        let Some((first, last)) = self.named_span() else { return Ok(BTreeSet::new()) };
        let named = self.rows.rows().iter().filter(|row| row.is_named());
        let ids: Vec<Uuid> = named.map(|row| Uuid::from_bytes(row.id.0)).collect();
        let (from, to) = (reach_begin(first), reach_end(last));
        let found = client.query(&statements.present, &[&ids, &system_time(from), &system_time(to)]).await?;
        let id = |row: &tokio_postgres::Row| Ok(EventId(row.try_get::<_, Uuid>(0)?.into_bytes()));
        found.iter().map(id).collect()
    }

    /// When the first and the last event were received whose ids clients gave.
    fn named_span(&self) -> Option<(Timestamp, Timestamp)> {
        let named = || self.rows.rows().iter().filter(|row| row.is_named()).map(|row| row.received_at);
        Some((named().min()?, named().max()?))
    }

    /// Begins the transaction, with the locks that it needs, from the earliest partition to the latest.
    fn begin(&self) -> String {
        let mut script = "BEGIN".to_owned();
        let Some((first, last)) = self.named_span() else { return script };
        let to = reach_end(last);
        let mut is_later = false;
        for partition in &self.layout.partitions {
            let is_written = self.rows.rows().iter().any(|row| partition.holds(row.received_at));
            let is_within =
                partition.end.is_none_or(|end| end > first) && partition.begin.is_none_or(|begin| begin < to);
            let mode = match (is_within, is_written, is_later) {
                (false, ..) | (true, false, false) => continue,
                (true, true, false) => "ROW EXCLUSIVE",
                (true, true, true) => "SHARE ROW EXCLUSIVE",
                (true, false, true) => "SHARE",
            };
            is_later = true;
            // To write into a text cannot fail.
            let _ = write!(script, "; LOCK TABLE ONLY {} IN {mode} MODE", partition.name);
        }
        script
    }

    /// How many rows were new.
    async fn stage(&self, client: &Client, pieces: Vec<Bytes>) -> Result<u64, Fault> {
        let (events, columns) = (self.layout.events(), self.columns);
        let script = format!(
            "CREATE TEMP TABLE IF NOT EXISTS weir_staging (LIKE {events}) ON COMMIT DELETE ROWS; \
             DELETE FROM pg_temp.weir_staging"
        );
        client.batch_execute(&script).await?;
        copy(client, "pg_temp.weir_staging", columns, pieces).await?;
        let mut new = 0;
        for partition in &self.layout.partitions {
            let mut of_it =
                self.rows.rows().iter().map(|row: &Row| row.received_at).filter(|at| partition.holds(*at));
            let Some(first) = of_it.next() else { continue };
            let (first, last) = of_it.fold((first, first), |(first, last), at| (first.min(at), last.max(at)));
            let insert = format!(
                "INSERT INTO {} ({columns}) SELECT {columns} FROM pg_temp.weir_staging \
                 WHERE received_at BETWEEN '{first}' AND '{last}' ORDER BY event_id ON CONFLICT (event_id) DO NOTHING",
                partition.name
            );
            new += client.execute(&insert, &[]).await?;
        }
        Ok(new)
    }
}

async fn copy(client: &Client, table: &str, columns: &str, pieces: Vec<Bytes>) -> Result<(), Fault> {
    let sink = client.copy_in(&format!("COPY {table} ({columns}) FROM STDIN (FORMAT binary)")).await?;
    let mut sink = std::pin::pin!(sink);
    sink.feed(Bytes::from_static(HEAD)).await?;
    for piece in pieces {
        sink.feed(piece).await?;
    }
    sink.feed(Bytes::from_static(TAIL)).await?;
    sink.finish().await?;
    Ok(())
}

fn reach_begin(first: Timestamp) -> Timestamp {
    Month::of(first).plus(-REACH_MONTHS).begin()
}

fn reach_end(last: Timestamp) -> Timestamp {
    Month::of(last).plus(REACH_MONTHS + 1).begin()
}

fn system_time(moment: Timestamp) -> SystemTime {
    let micros = moment.as_micros();
    let size = Duration::from_micros(micros.unsigned_abs());
    if micros < 0 { SystemTime::UNIX_EPOCH - size } else { SystemTime::UNIX_EPOCH + size }
}
