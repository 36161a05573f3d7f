//! One transaction: the rows of some batches, all of them durable or none.

use rusqlite::{CachedStatement, Connection, ToSql, TransactionBehavior, params};
use weir_core::sink::{Exception, Receipt, Refusal, Verdict};

use super::fault::{Fault, refusal};
use super::row::Row;

/// A batch's rows, and in their places the events that have none.
pub(super) type Rows = Vec<Result<Row, Refusal>>;

/// Stores the batches; one receipt for each, in their order.
pub(super) fn store(
    connection: &mut Connection,
    insert: &str,
    batches: &[Rows],
) -> Result<Vec<Receipt>, Fault> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut statement = transaction.prepare_cached(insert)?;
    let receipts = batches.iter().map(|rows| store_rows(&transaction, &mut statement, rows));
    let receipts = receipts.collect::<Result<_, _>>()?;
    drop(statement);
    transaction.commit()?;
    Ok(receipts)
}

fn store_rows(
    connection: &Connection,
    statement: &mut CachedStatement<'_>,
    rows: &Rows,
) -> Result<Receipt, Fault> {
    let mut receipt = Receipt::default();
    for (index, row) in rows.iter().enumerate() {
        let stored = match row {
            Ok(row) => store_row(connection, statement, row)?,
            Err(refusal) => Stored::Refused(refusal.clone()),
        };
        match stored {
            Stored::New => {}
            Stored::Duplicate => receipt.duplicates += 1,
            Stored::Refused(refusal) => {
                receipt.exceptions.push(Exception { index, verdict: Verdict::Refused(refusal) });
            }
        }
    }
    Ok(receipt)
}

enum Stored {
    New,
    Duplicate,
    Refused(Refusal),
}

fn store_row(
    connection: &Connection,
    statement: &mut CachedStatement<'_>,
    row: &Row,
) -> Result<Stored, Fault> {
    let inserted = bind(statement, row).and_then(|()| statement.raw_execute());
    match inserted {
        Ok(0) => Ok(Stored::Duplicate),
        Ok(_) => Ok(Stored::New),
        Err(error) => match refusal(&error) {
            // An error that ended the transaction took the other rows with it.
            Some(refusal) if !connection.is_autocommit() => Ok(Stored::Refused(refusal)),
            _ => Err(error.into()),
        },
    }
}

/// In the order of [`super::schema::insert`].
fn bind(statement: &mut CachedStatement<'_>, row: &Row) -> rusqlite::Result<()> {
    let record = &row.record;
    let origin = record.origin.as_ref();
    let fixed: &[&dyn ToSql] = params![
        record.event.id.to_string(),
        record.stream.as_str(),
        record.event.client_id,
        row.page,
        row.event,
        row.label,
        row.target,
        row.section,
        row.param,
        record.user_id(),
        origin.device_uuid,
        origin.app_version,
        origin.os_version,
        origin.user_agent,
        origin.client_ip,
        record.event.occurred_at.as_micros(),
        record.received_at.as_micros(),
        row.extra,
    ];
    let mapped = row.mapped.iter().map(|cell| cell as &dyn ToSql);
    for (place, value) in fixed.iter().copied().chain(mapped).enumerate() {
        statement.raw_bind_parameter(place + 1, value)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use weir_core::testkit::record;

    use super::super::schema;
    use super::*;
    use crate::columns::Mapping;

    fn rows(count: u64, size: usize) -> Rows {
        let row = |offset| {
            let mut record = record(offset, "events", 0);
            record.event.body = format!(r#"{{"page":"{}"}}"#, "x".repeat(size)).into();
            Row::read(record, &Mapping::default())
        };
        (0..count).map(row).collect()
    }

    #[test]
    fn a_full_disk_stores_nothing_of_the_transaction_and_is_tried_again() {
        let mut connection = Connection::open_in_memory().unwrap();
        schema::prepare(&mut connection, "events", &Mapping::default()).unwrap();
        // SQLite says the same of a disk without room as of a file that may not grow.
        connection.pragma_update(None, "max_page_count", 100).unwrap();
        let insert = schema::insert("events", &Mapping::default());
        let batches = [rows(2, 1), rows(100, 100_000)];
        let fault = store(&mut connection, &insert, &batches).unwrap_err();
        assert_eq!(fault, Fault::Retry("database or disk is full".to_owned()));
        let count = |connection: &Connection| {
            connection.query_row("SELECT count(*) FROM events", [], |row| row.get::<_, u32>(0))
        };
        assert_eq!(count(&connection), Ok(0));
        connection.pragma_update(None, "max_page_count", 1_000_000).unwrap();
        let receipts = store(&mut connection, &insert, &batches).unwrap();
        // The second batch begins with the events of the first.
        assert_eq!(receipts.iter().map(|receipt| receipt.duplicates).collect::<Vec<_>>(), [0, 2]);
        assert_eq!(count(&connection), Ok(100));
    }

    #[test]
    fn an_event_that_is_larger_than_a_row_may_be_is_refused_alone() {
        let mut connection = Connection::open_in_memory().unwrap();
        schema::prepare(&mut connection, "events", &Mapping::default()).unwrap();
        connection.set_limit(rusqlite::limits::Limit::SQLITE_LIMIT_LENGTH, 10_000).unwrap();
        let mut batch = rows(3, 10);
        batch[1] = rows(2, 20_000).remove(1);
        let receipts =
            store(&mut connection, &schema::insert("events", &Mapping::default()), &[batch]).unwrap();
        let [Exception { index: 1, verdict: Verdict::Refused(refusal) }] = receipts[0].exceptions.as_slice()
        else {
            panic!("{receipts:?}");
        };
        assert_eq!(refusal.reason, "too_big");
    }
}
