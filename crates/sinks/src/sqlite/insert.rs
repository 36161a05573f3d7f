//! One transaction: the rows of some batches, all of them durable or none.

use rusqlite::{CachedStatement, Connection, TransactionBehavior, params};
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
                receipt.exceptions.push(Exception { index, verdict: Verdict::Refused(refusal) })
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
    let record = &row.record;
    let origin = record.origin.as_ref();
    let inserted = statement.execute(params![
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
    ]);
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
