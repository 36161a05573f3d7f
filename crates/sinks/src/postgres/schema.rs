//! The tables: what they are made of, and whether those that are there will do.
//!
//! **Constraint.** What is missing as a whole is made; what is there is never altered: its difference is told, with the
//! statements that mend it.

use std::collections::BTreeSet;

use tokio_postgres::Client;
use weir_core::time::Timestamp;

use super::Connection;
use super::change::change;
use super::fault::Fault;
use super::kind::Kind;
use super::month::Month;
use super::partitions::{self, Partition};
use super::table::{Table, qualified, quoted};
use crate::columns::{FIXED_COLUMNS, Mapping};

/// As often as this another Weir may make the same at the same time.
const ATTEMPTS_MAX: usize = 3;

/// The tables as they are.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub schema: String,
    pub name: String,
    /// By their time.
    pub partitions: Vec<Partition>,
}

impl Layout {
    /// The events' table, quoted.
    pub fn events(&self) -> String {
        qualified(&self.schema, &self.name)
    }

    /// The table that says which batches are settled, quoted.
    pub fn batches(&self) -> String {
        qualified(&self.schema, "weir_batches")
    }

    /// The partition for events that are received at this moment.
    pub fn partition_of(&self, moment: Timestamp) -> Option<&Partition> {
        self.partitions.iter().find(|partition| partition.holds(moment))
    }

    /// Whether there is room for events of all these months.
    pub fn has(&self, months: &BTreeSet<Month>) -> bool {
        months.iter().all(|month| self.partition_of(month.begin()).is_some())
    }
}

/// Sees to it that everything is there that events of these months need.
pub(super) async fn prepare(
    connection: &Connection,
    table: &Table,
    mapping: &Mapping<Kind>,
    months: &BTreeSet<Month>,
) -> Result<Layout, Fault> {
    connection.check_server().await?;
    let mut in_the_way = String::new();
    for _ in 0..ATTEMPTS_MAX {
        let (layout, mut statements) = look(&connection.client, table, mapping).await?;
        if statements.is_empty() {
            check_table(&connection.client, &layout, mapping).await?;
        }
        statements.extend(partitions::creation(&layout, months));
        if statements.is_empty() {
            return Ok(layout);
        }
        statements.insert(0, alone(&layout));
        match change(connection, &statements).await {
            Err(Fault::Changed(why)) => in_the_way = why,
            other => other?,
        }
    }
    Err(Fault::Blocked(format!(
        "{in_the_way}; if nobody does, there is a table by a partition's name: attach it, or give it another name"
    )))
}

/// The tables that are there, and the statements that make those that are not.
async fn look(
    client: &Client,
    table: &Table,
    mapping: &Mapping<Kind>,
) -> Result<(Layout, Vec<String>), Fault> {
    let query = "SELECT n.nspname, c.relkind::text, pg_get_partkeydef(c.oid) FROM pg_class c \
        JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = to_regclass($1)";
    let found = client.query_opt(query, &[&table.sought()]).await?;
    let mut statements = Vec::new();
    let mut layout = Layout { schema: String::new(), name: table.name.clone(), partitions: Vec::new() };
    match &found {
        Some(row) => {
            layout.schema = row.try_get(0)?;
            check_partitioned(&layout, row.try_get(1)?, row.try_get(2)?)?;
            layout.partitions = partitions::find(client, &layout.events()).await?;
        }
        None => {
            layout.schema = schema(client, table).await?;
            statements.push(format!("CREATE SCHEMA IF NOT EXISTS {}", quoted(&layout.schema)));
            statements.extend(creation(&layout, mapping));
        }
    }
    if !exists(client, "SELECT to_regclass($1) IS NOT NULL", &layout.batches()).await? {
        statements.push(batches_creation(&layout));
    }
    if found.is_some()
        || exists(client, "SELECT to_regnamespace($1) IS NOT NULL", &quoted(&layout.schema)).await?
    {
        // To ask for a schema that is there takes a right that nobody needs otherwise.
        statements.retain(|statement| !statement.starts_with("CREATE SCHEMA"));
    }
    Ok((layout, statements))
}

/// Where a table goes that is not there yet.
async fn schema(client: &Client, table: &Table) -> Result<String, Fault> {
    if let Some(schema) = &table.schema {
        return Ok(schema.clone());
    }
    let schema: Option<String> = client.query_one("SELECT current_schema()::text", &[]).await?.try_get(0)?;
    schema.ok_or_else(|| {
        Fault::Blocked(
            "this user's search_path names no schema that is there; set table = \"SCHEMA.NAME\"".to_owned(),
        )
    })
}

async fn exists(client: &Client, query: &str, name: &str) -> Result<bool, Fault> {
    Ok(client.query_one(query, &[&name]).await?.try_get(0)?)
}

fn check_partitioned(layout: &Layout, kind: &str, key: Option<&str>) -> Result<(), Fault> {
    match (kind, key) {
        ("p", Some("RANGE (received_at)")) => Ok(()),
        _ => Err(Fault::Blocked(format!(
            "{events} is not a table partitioned by range of received_at, so Weir did not make it; set another `table`, \
             or move it away: ALTER TABLE {events} RENAME TO {};",
            quoted(&format!("{}_before", layout.name)),
            events = layout.events()
        ))),
    }
}

/// Compares every column that is written.
async fn check_table(client: &Client, layout: &Layout, mapping: &Mapping<Kind>) -> Result<(), Fault> {
    let query = "SELECT attname::text, format_type(atttypid, atttypmod), attnotnull AND NOT atthasdef AND \
        attidentity = '' FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped";
    let rows = client.query(query, &[&layout.events()]).await?;
    let found: Vec<(String, String, bool)> = rows
        .iter()
        .map(|row| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?)))
        .collect::<Result<_, Fault>>()?;
    let mut mending = Vec::new();
    let wanted = wanted(mapping);
    for (name, declaration) in &wanted {
        let quoted = quoted(name);
        match found.iter().find(|(there, ..)| there == name) {
            None => mending.push(format!("ADD COLUMN {quoted} {declaration}")),
            Some((_, there, _)) if there == declaration => {}
            Some(_) => mending
                .push(format!("ALTER COLUMN {quoted} TYPE {declaration} USING {quoted}::{declaration}")),
        }
    }
    let demanding = found
        .iter()
        .filter(|(name, _, is_demanding)| *is_demanding && !wanted.iter().any(|(wanted, _)| wanted == name));
    mending.extend(demanding.map(|(name, ..)| format!("ALTER COLUMN {} DROP NOT NULL", quoted(name))));
    let events = layout.events();
    let mut mending: Vec<String> =
        mending.into_iter().map(|change| format!("ALTER TABLE {events} {change};")).collect();
    let loose = layout.partitions.iter().filter(|partition| !partition.is_unique);
    mending.extend(loose.map(|partition| format!("ALTER TABLE {} ADD UNIQUE (event_id);", partition.name)));
    match mending.is_empty() {
        true => Ok(()),
        false => Err(Fault::Blocked(format!(
            "table {events} is not as it has to be; this mends it: {}",
            mending.join(" ")
        ))),
    }
}

/// Every column that is written, with its type.
fn wanted(mapping: &Mapping<Kind>) -> Vec<(&str, String)> {
    let fixed = FIXED_COLUMNS.into_iter().map(|name| (name, fixed_type(name).to_owned()));
    let mapped = mapping.columns().iter().map(|column| (column.name.as_str(), column.kind.declaration()));
    fixed.chain(mapped).collect()
}

/// An address is text, as a proxy may tell one that is none; `client_ip::inet` makes an address of it.
fn fixed_type(name: &str) -> &'static str {
    match name {
        "event_id" => "uuid",
        "param" | "extra" => "jsonb",
        "occurred_at" | "received_at" => "timestamp with time zone",
        _ => "text",
    }
}

/// Indexes are few, as each costs at every event: two that are next to nothing, and one for one user's path, by hash
/// because a client may send a user's name that is too long for a tree.
fn creation(layout: &Layout, mapping: &Mapping<Kind>) -> Vec<String> {
    let needed = ["event_id", "stream", "occurred_at", "received_at"];
    let column = |(name, declaration): (&str, String)| {
        let not_null = if needed.contains(&name) { " NOT NULL" } else { "" };
        format!("{} {declaration}{not_null}", quoted(name))
    };
    let columns: Vec<String> = wanted(mapping).into_iter().map(column).collect();
    let events = layout.events();
    vec![
        format!("CREATE TABLE {events} ({}) PARTITION BY RANGE (received_at)", columns.join(", ")),
        format!("CREATE INDEX ON {events} USING brin (received_at)"),
        format!("CREATE INDEX ON {events} USING brin (occurred_at)"),
        format!("CREATE INDEX ON {events} USING hash (user_id)"),
    ]
}

fn batches_creation(layout: &Layout) -> String {
    format!(
        "CREATE TABLE {} (events_table text NOT NULL, batch text NOT NULL, \
         settled_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (events_table, batch))",
        layout.batches()
    )
}

/// One Weir at a time; and nobody who reads for long is waited for so long that others have to wait as well.
fn alone(layout: &Layout) -> String {
    let name = layout.events().replace('\'', "''");
    format!(
        "SET LOCAL lock_timeout = '5s'; SELECT pg_advisory_xact_lock(hashtext('weir'), hashtext('{name}'))"
    )
}
