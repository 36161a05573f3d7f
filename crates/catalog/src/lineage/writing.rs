//! Joining records: trace by trace, in the transaction of whoever calls.

use std::collections::BTreeMap;

use weir_core::lineage::TelemetryRecord;
use weir_core::row_id::RowIds;

use super::joining::{self, Joined};
use super::key_runs;
use super::row::TraceRow;
use super::tables::{GivenNames, Tables};

/// How many of the records were there before.
pub fn join<T: Tables>(
    tables: &mut T,
    records: &[TelemetryRecord],
    row_ids: &RowIds,
) -> Result<u64, T::Error> {
    let mut by_trace: BTreeMap<&str, Vec<&TelemetryRecord>> = BTreeMap::new();
    for record in records {
        by_trace.entry(&record.trace).or_default().push(record);
    }
    let (mut new_records, mut keys) = (0, Vec::new());
    for (key, records) in by_trace {
        let (trace, joined) = join_trace(tables, key, &records, row_ids)?;
        new_records += joined.new_records;
        if let Some(names) = joined.new_names {
            for (first_number, first_id) in names.runs {
                tables.put_names_given(GivenNames { first_id, trace, first_number })?;
            }
            keys.extend(names.digests.into_iter().map(|digest| (digest, trace)));
        }
    }
    key_runs::add(tables, keys)?;
    Ok(records.len() as u64 - new_records)
}

fn join_trace<T: Tables>(
    tables: &mut T,
    key: &str,
    records: &[&TelemetryRecord],
    row_ids: &RowIds,
) -> Result<(i64, Joined), T::Error> {
    let mut row = match tables.trace_of_key(key)? {
        Some(row) => row,
        None => {
            let row = TraceRow::new(row_ids.next(), key);
            tables.begin_trace(&row)?;
            row
        }
    };
    let joined = joining::join(tables, &mut row, records, &mut || row_ids.next())?;
    let id = row.id;
    tables.put_trace(row)?;
    Ok((id, joined))
}
