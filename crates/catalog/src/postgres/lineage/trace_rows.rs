//! Rows of the table `traces`.

use std::borrow::Cow;

use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Error, Row, Statement};
use weir_core::lineage::{Figures, TraceFacts};
use weir_core::time::Timestamp;

use crate::lineage::row::{TraceRow, word_number, word_of};
use crate::postgres::fault::Fault;

pub(super) const OF_ID: &str = "SELECT * FROM weir_lineage.traces WHERE id = $1";
pub(super) const OF_DIGESTS: &str = "SELECT * FROM weir_lineage.traces WHERE id = ANY (ARRAY(
    SELECT trace FROM weir_lineage.trace_digests WHERE digest = ANY ($1)))";
pub(super) const BELOW: &str = "SELECT * FROM weir_lineage.traces WHERE id < $1 ORDER BY id DESC LIMIT $2";
pub(super) const BELOW_OF_USER: &str =
    r#"SELECT * FROM weir_lineage.traces WHERE id < $1 AND "user" = $3 ORDER BY id DESC LIMIT $2"#;
pub(super) const PUT: &str = r#"INSERT INTO weir_lineage.traces (
        id, key, "user", user_word, user_at, started_at, ended_at, first_at, last_at, records,
        names, aliases, nodes, files, dropped, became_data, never_became_data, data, outputs, databases)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
    ON CONFLICT (id) DO UPDATE SET "user" = $3, user_word = $4, user_at = $5, started_at = $6, ended_at = $7,
        first_at = $8, last_at = $9, records = $10, names = $11, aliases = $12, nodes = $13, files = $14,
        dropped = $15, became_data = $16, never_became_data = $17, data = $18, outputs = $19, databases = $20"#;

/// Writes a trace's row by [`PUT`].
pub(super) async fn put(client: &Client, statement: &Statement, row: &TraceRow) -> Result<(), Error> {
    let TraceRow { id, key, facts, records, names, aliases, figures, databases } = row;
    let micros = |at: Option<Timestamp>| at.map(Timestamp::as_micros);
    let (word, user_at, user) = match &facts.user {
        Some((word, at, user)) => {
            (Some(i64::from(word_number(*word))), Some(at.as_micros()), Some(storable(user)))
        }
        None => (None, None, None),
    };
    let moments = [facts.started_at, facts.ended_at, facts.first_at, facts.last_at].map(micros);
    let counted = [
        *records,
        i64::from(*names),
        i64::from(*aliases),
        figures.nodes,
        figures.files,
        figures.dropped,
        figures.became_data,
        figures.never_became_data,
        figures.data,
        figures.outputs,
        *databases,
    ];
    let mut parameters: Vec<&(dyn ToSql + Sync)> = vec![id, key, &user, &word, &user_at];
    parameters.extend(moments.iter().map(|moment| moment as &(dyn ToSql + Sync)));
    parameters.extend(counted.iter().map(|count| count as &(dyn ToSql + Sync)));
    client.execute(statement, &parameters).await.map(drop)
}

/// Reads a row.
pub(super) fn read(row: &Row) -> Result<TraceRow, Fault> {
    let moment = |column| Ok::<_, Error>(row.try_get::<_, Option<i64>>(column)?.map(Timestamp::from_micros));
    let small = |column| {
        u32::try_from(row.try_get::<_, i64>(column)?)
            .map_err(|_| Fault::Broken(format!("a trace's {column} is no number that it can have")))
    };
    let word = row.try_get::<_, Option<i64>>("user_word")?.and_then(word_of);
    let user = match (word, moment("user_at")?, row.try_get::<_, Option<Box<str>>>("user")?) {
        (Some(word), Some(at), Some(user)) => Some((word, at, user)),
        _ => None,
    };
    Ok(TraceRow {
        id: row.try_get("id")?,
        key: row.try_get("key")?,
        facts: TraceFacts {
            user,
            started_at: moment("started_at")?,
            ended_at: moment("ended_at")?,
            first_at: moment("first_at")?,
            last_at: moment("last_at")?,
        },
        records: row.try_get("records")?,
        names: small("names")?,
        aliases: small("aliases")?,
        figures: Figures {
            nodes: row.try_get("nodes")?,
            files: row.try_get("files")?,
            dropped: row.try_get("dropped")?,
            became_data: row.try_get("became_data")?,
            never_became_data: row.try_get("never_became_data")?,
            data: row.try_get("data")?,
            outputs: row.try_get("outputs")?,
        },
        databases: row.try_get("databases")?,
    })
}

/// A token's subject may hold a zero, which no text of Postgres can.
pub(super) fn storable(user: &str) -> Cow<'_, str> {
    match user.contains('\0') {
        true => Cow::Owned(user.replace('\0', "\u{FFFD}")),
        false => Cow::Borrowed(user),
    }
}
