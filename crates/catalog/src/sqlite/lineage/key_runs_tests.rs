//! The runs in which keys' traces are found, as SQLite keeps them.

use std::collections::BTreeSet;

use proptest::prelude::*;
use rusqlite::Connection;

use super::tables::SqliteTables;
use crate::lineage::key_runs;
use crate::sqlite::fault::Fault;

const RUNS_MAX: u32 = 8;

fn tables() -> Connection {
    let connection = Connection::open_in_memory().unwrap();
    connection.execute_batch(super::SCHEMA.migrations[0]).unwrap();
    connection
}

fn add(connection: &Connection, entries: Vec<(u64, i64)>) -> Result<(), Fault> {
    let mut tables = SqliteTables::new(connection);
    key_runs::add(&mut tables, entries)?;
    while key_runs::join_crowded(&mut tables)? {}
    Ok(())
}

fn find(connection: &Connection, digest: u64, after: Option<i64>, limit: usize) -> Result<Vec<i64>, Fault> {
    key_runs::find(&mut SqliteTables::new(connection), digest, after, limit)
}

fn runs(connection: &Connection) -> u32 {
    connection.query_row("SELECT count(*) FROM key_run_sizes", [], |row| row.get(0)).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn every_trace_of_a_key_is_found(batches in prop::collection::vec(prop::collection::vec((0..40_u64, 1..500_i64), 1..60), 1..40)) {
        let connection = tables();
        let spread = |digest: u64| digest.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut all = BTreeSet::new();
        for batch in batches {
            all.extend(batch.iter().copied());
            add(&connection, batch.into_iter().map(|(digest, trace)| (spread(digest), trace)).collect()).unwrap();
        }
        for digest in 0..40 {
            let traces: Vec<i64> = all.iter().filter(|(d, _)| *d == digest).map(|(_, trace)| *trace).collect();
            prop_assert_eq!(&find(&connection, spread(digest), None, 1_000).unwrap(), &traces);
            let later: Vec<i64> = traces.into_iter().filter(|trace| *trace > 200).take(3).collect();
            prop_assert_eq!(find(&connection, spread(digest), Some(200), 3).unwrap(), later);
        }
    }
}

#[test]
fn runs_stay_few_however_many_transactions_there_are() {
    let connection = tables();
    for transaction in 0..2_000_i64 {
        let entry = |n: i64| ((transaction * 31 + n).unsigned_abs().wrapping_mul(0x9E37_79B9_7F4A_7C15), n);
        add(&connection, (0..=transaction % 7).map(entry).collect()).unwrap();
    }
    assert!(runs(&connection) < RUNS_MAX * 5, "{} runs", runs(&connection));
}

#[test]
fn one_key_of_very_many_traces_is_found_in_all_of_them() {
    let connection = tables();
    let everywhere = |from: i64| (from..from + 3_000).map(|trace| (42, trace)).chain([(41, 1), (43, 1)]);
    add(&connection, everywhere(0).collect()).unwrap();
    add(&connection, everywhere(3_000).collect()).unwrap();
    assert_eq!(find(&connection, 42, None, 10_000).unwrap(), (0..6_000).collect::<Vec<i64>>());
    assert_eq!(find(&connection, 42, Some(2_998), 3).unwrap(), [2_999, 3_000, 3_001]);
    assert_eq!(find(&connection, 43, None, 3).unwrap(), [1]);
}
