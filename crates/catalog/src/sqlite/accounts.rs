//! The tables `accounts` and `paused_sinks`.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, OptionalExtension, Row, params};
use weir_core::catalog::{Account, AccountKey, Opening};
use weir_core::event::Stream;
use weir_core::sink::SinkName;
use weir_core::streams::Streams;

use super::fault::Fault;
use crate::rows::{AccountRow, accepted_before_to_json, streams_to_json, to_number};

const COLUMNS: &str = "sink, partition, lane, from_offset, until_offset, accepted_before, planned, delivered,
    duplicates, dead, filtered, streams, carried";

/// What is added to an account. `dead` falls when letters are sent again.
#[derive(Default)]
pub(super) struct Counts {
    pub delivered: i64,
    pub duplicates: i64,
    pub filtered: i64,
    pub dead: i64,
}

pub(super) fn open(connection: &Connection, key: &AccountKey, opening: &Opening) -> Result<Account, Fault> {
    let until = opening.until.map(|until| to_number(until.0)).transpose()?;
    connection
        .prepare_cached(
            "INSERT INTO accounts (sink, partition, lane, from_offset, until_offset, accepted_before, planned)
             VALUES (?1, ?2, ?3, ?4, ?5, '{}', ?4) ON CONFLICT (sink, partition, lane) DO NOTHING",
        )?
        .execute(params![
            &*key.sink.0,
            &*key.partition.0,
            key.lane,
            to_number(opening.from.0)?,
            until,
        ])?;
    find(connection, key)
}

fn find(connection: &Connection, key: &AccountKey) -> Result<Account, Fault> {
    let select = format!("SELECT {COLUMNS} FROM accounts WHERE sink = ?1 AND partition = ?2 AND lane = ?3");
    let row = connection
        .prepare_cached(&select)?
        .query_row(params![&*key.sink.0, &*key.partition.0, key.lane], account_row)?;
    Ok(row.into_account()?)
}

pub(super) fn list(connection: &Connection) -> Result<Vec<Account>, Fault> {
    let select = format!("SELECT {COLUMNS} FROM accounts ORDER BY sink, partition, lane");
    let mut statement = connection.prepare_cached(&select)?;
    let rows = statement.query_map([], account_row)?;
    rows.map(|row| Ok(row?.into_account()?)).collect()
}

/// What is settled and what waits to be sent again are found here, so they are of the moment of the claim.
pub(super) fn claim(
    connection: &Connection,
    key: &AccountKey,
    streams: &Streams,
    accepted_before: &BTreeMap<Stream, u64>,
    under_way: u64,
) -> Result<Account, Fault> {
    connection
        .prepare_cached(
            "UPDATE accounts SET streams = ?2, accepted_before = ?3, carried = ?4 + delivered + dead + filtered
             + (SELECT coalesce(sum(count), 0) FROM dead_letters WHERE account_id = ?1 AND state = 'resending')
             WHERE id = ?1",
        )?
        .execute(params![
            known(connection, key)?,
            streams_to_json(streams)?,
            accepted_before_to_json(accepted_before)?,
            to_number(under_way)?,
        ])?;
    find(connection, key)
}

pub(super) fn pause(connection: &Connection, sink: &SinkName, paused: bool) -> Result<(), Fault> {
    let change = match paused {
        true => "INSERT INTO paused_sinks (sink) VALUES (?1) ON CONFLICT DO NOTHING",
        false => "DELETE FROM paused_sinks WHERE sink = ?1",
    };
    connection.execute(change, [&*sink.0])?;
    Ok(())
}

pub(super) fn paused(connection: &Connection) -> Result<BTreeSet<SinkName>, Fault> {
    let mut statement = connection.prepare_cached("SELECT sink FROM paused_sinks")?;
    let names = statement.query_map([], |row| row.get::<_, String>(0))?;
    names.map(|name| Ok(SinkName(name?.into()))).collect()
}

/// Plans go with their account. Letters of a lane stay, but count nowhere and are not on their way any more.
pub(super) fn forget(connection: &Connection, sink: &SinkName, lane: &str) -> Result<bool, Fault> {
    let sink = &*sink.0;
    if lane.is_empty() {
        connection.execute("DELETE FROM dead_letters WHERE sink = ?1", [sink])?;
        connection.execute("DELETE FROM paused_sinks WHERE sink = ?1", [sink])?;
        return Ok(connection.execute("DELETE FROM accounts WHERE sink = ?1", [sink])? > 0);
    }
    connection.execute(
        "UPDATE dead_letters SET state = 'dead' WHERE state = 'resending'
         AND account_id IN (SELECT id FROM accounts WHERE sink = ?1 AND lane = ?2)",
        [sink, lane],
    )?;
    Ok(connection.execute("DELETE FROM accounts WHERE sink = ?1 AND lane = ?2", [sink, lane])? > 0)
}

/// The account's row; to ask for one that is not there is a contradiction.
pub(super) fn known(connection: &Connection, key: &AccountKey) -> Result<i64, Fault> {
    let missing = || {
        Fault::contradiction(format!(
            "there is no account of sink {:?}, partition {:?}, lane {:?}; was it forgotten?",
            &*key.sink.0, &*key.partition.0, key.lane
        ))
    };
    connection
        .prepare_cached("SELECT id FROM accounts WHERE sink = ?1 AND partition = ?2 AND lane = ?3")?
        .query_row(params![&*key.sink.0, &*key.partition.0, key.lane], |row| row.get(0))
        .optional()?
        .ok_or_else(missing)
}

pub(super) fn add(connection: &Connection, account_id: i64, counts: &Counts) -> Result<(), Fault> {
    connection
        .prepare_cached(
            "UPDATE accounts SET delivered = delivered + ?2, duplicates = duplicates + ?3,
             filtered = filtered + ?4, dead = dead + ?5 WHERE id = ?1",
        )?
        .execute(params![account_id, counts.delivered, counts.duplicates, counts.filtered, counts.dead])?;
    Ok(())
}

fn account_row(row: &Row<'_>) -> rusqlite::Result<AccountRow> {
    Ok(AccountRow {
        sink: row.get(0)?,
        partition: row.get(1)?,
        lane: row.get(2)?,
        from_offset: row.get(3)?,
        until_offset: row.get(4)?,
        accepted_before: row.get(5)?,
        planned: row.get(6)?,
        delivered: row.get(7)?,
        duplicates: row.get(8)?,
        dead: row.get(9)?,
        filtered: row.get(10)?,
        streams: row.get(11)?,
        carried: row.get(12)?,
    })
}
