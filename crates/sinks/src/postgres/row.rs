//! Events as rows, in the binary form that `COPY` takes.
//!
//! **Constraint.** What Postgres would not take is found here, event by event, and never sent. Rows are in the order of
//! their ids, so that batches that share events wait for one another instead of locking each other out.

use std::ops::Range;

use bytes::Bytes;
use weir_core::event::{EventId, Record};
use weir_core::sink::{Exception, Refusal, Verdict};
use weir_core::time::Timestamp;

use super::cell::EPOCH_MICROS;
use super::json;
use super::kind::Kind;
use crate::columns::{FIXED_COLUMNS, Mapping};

/// What a stream of rows begins and ends with.
pub(super) const HEAD: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
pub(super) const TAIL: &[u8] = &(-1_i16).to_be_bytes();

/// The rows of a batch, and the events of it that have none.
pub(super) struct Rows {
    bytes: Bytes,
    rows: Vec<Row>,
    /// Events that the batch holds twice; the first of each is among the rows.
    pub twins: u64,
    /// Events that no row can hold, by rising index.
    pub refused: Vec<Exception>,
}

/// One row, by what has to be known of it beside its bytes.
#[derive(Clone)]
pub(super) struct Row {
    pub id: EventId,
    pub received_at: Timestamp,
    range: Range<usize>,
}

impl Row {
    /// Whether the client gave the id, and so may send it again; one that Weir gave is a UUID of version 7.
    pub fn is_named(&self) -> bool {
        self.id.0[6] >> 4 != 7
    }
}

impl Rows {
    /// Reads the events.
    pub fn read(records: &[Record], mapping: &Mapping<Kind>) -> Self {
        let mut order: Vec<(usize, &Record)> = records.iter().enumerate().collect();
        order.sort_by_key(|(_, record)| record.event.id);
        let mut bytes = Vec::with_capacity(records.iter().map(|record| record.event.body.len() + 300).sum());
        let (mut rows, mut refused, mut twins) = (Vec::<Row>::with_capacity(records.len()), Vec::new(), 0);
        for (index, record) in order {
            if rows.last().is_some_and(|row| row.id == record.event.id) {
                twins += 1;
                continue;
            }
            let from = bytes.len();
            match write(record, mapping, &mut bytes) {
                Ok(()) => {
                    let (id, received_at) = (record.event.id, record.received_at);
                    rows.push(Row { id, received_at, range: from..bytes.len() });
                }
                Err(refusal) => {
                    bytes.truncate(from);
                    refused.push(Exception { index, verdict: Verdict::Refused(refusal) });
                }
            }
        }
        refused.sort_by_key(|exception| exception.index);
        Self { bytes: bytes.into(), rows, twins, refused }
    }

    /// Whether there is nothing to store.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The rows, by rising id.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The bytes of the rows that are wanted, in as few pieces as may be.
    pub fn pieces(&self, wanted: impl Fn(&Row) -> bool) -> Vec<Bytes> {
        let mut ranges: Vec<Range<usize>> = Vec::new();
        for row in self.rows.iter().filter(|row| wanted(row)) {
            match ranges.last_mut() {
                Some(last) if last.end == row.range.start && last.len() < PIECE_MAX_BYTES => {
                    last.end = row.range.end;
                }
                _ => ranges.push(row.range.clone()),
            }
        }
        ranges.into_iter().map(|range| self.bytes.slice(range)).collect()
    }
}

/// A piece grows to this before the next begins.
const PIECE_MAX_BYTES: usize = 256 << 10;

fn write(record: &Record, mapping: &Mapping<Kind>, row: &mut Vec<u8>) -> Result<(), Refusal> {
    let (fields, values) = mapping.read(record)?;
    let origin = record.origin.as_ref();
    let count = FIXED_COLUMNS.len() + values.len();
    row.extend(i16::try_from(count).unwrap_or(i16::MAX).to_be_bytes());
    field(row, &record.event.id.0);
    field(row, record.stream.as_str().as_bytes());
    text(row, "log_id", record.event.client_id.as_deref())?;
    for (name, value) in [
        ("page", &fields.page),
        ("event", &fields.event),
        ("label", &fields.label),
        ("target", &fields.target),
        ("section", &fields.section),
    ] {
        text(row, name, value.as_deref())?;
    }
    maybe_jsonb(row, "param", fields.param)?;
    for (name, value) in [
        ("user_id", record.user_id()),
        ("device_uuid", origin.device_uuid.as_deref()),
        ("app_version", origin.app_version.as_deref()),
        ("os_version", origin.os_version.as_deref()),
        ("user_agent", origin.user_agent.as_deref()),
        ("client_ip", origin.client_ip.as_deref()),
    ] {
        text(row, name, value)?;
    }
    for moment in [record.event.occurred_at, record.received_at] {
        field(row, &(moment.as_micros() - EPOCH_MICROS).to_be_bytes());
    }
    maybe_jsonb(row, "extra", fields.extra.as_deref())?;
    mapping.columns().iter().zip(&values).try_for_each(|(column, value)| column.write(value, row))
}

fn text(row: &mut Vec<u8>, column: &str, text: Option<&str>) -> Result<(), Refusal> {
    match text {
        None => null(row),
        Some(text) => {
            json::check_text(column, text)?;
            field(row, text.as_bytes());
        }
    }
    Ok(())
}

fn maybe_jsonb(row: &mut Vec<u8>, column: &str, json: Option<&str>) -> Result<(), Refusal> {
    match json {
        None => null(row),
        Some(json) => jsonb(row, column, json)?,
    }
    Ok(())
}

/// A field as it is; nothing that comes this way is near the two gigabytes that it may be long.
pub(super) fn field(row: &mut Vec<u8>, bytes: &[u8]) {
    row.extend(i32::try_from(bytes.len()).unwrap_or(i32::MAX).to_be_bytes());
    row.extend_from_slice(bytes);
}

/// A field that is null.
pub(super) fn null(row: &mut Vec<u8>) {
    row.extend((-1_i32).to_be_bytes());
}

/// A field of type `jsonb`: the version of its form, and the text.
pub(super) fn jsonb(row: &mut Vec<u8>, column: &str, json: &str) -> Result<(), Refusal> {
    json::check(column, json)?;
    row.extend(i32::try_from(json.len() + 1).unwrap_or(i32::MAX).to_be_bytes());
    row.push(1);
    row.extend_from_slice(json.as_bytes());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use weir_core::testkit::record;

    fn records(bodies: &[&str]) -> Vec<Record> {
        let record = |(place, body): (usize, &&str)| {
            let mut record = record(place as u64, "events", 0);
            record.event.body = (*body).to_owned().into();
            record
        };
        bodies.iter().enumerate().map(record).collect()
    }

    #[test]
    fn what_no_row_can_hold_is_set_apart_and_leaves_no_trace_in_the_others() {
        let good = r#"{"page":"p","param":{"a":1}}"#;
        let records = records(&[good, r#"{"page":"a\u0000"}"#, good, r#"{"page":"p","x":1e200000}"#, "{"]);
        let rows = Rows::read(&records, &Mapping::default());
        let refused: Vec<_> = rows.refused.iter().map(|exception| exception.index).collect();
        assert_eq!((rows.rows().len(), refused), (2, vec![1, 3, 4]));
        let alone = |place: usize| Rows::read(&records[place..=place], &Mapping::default()).bytes;
        let total: usize = rows.pieces(|_| true).iter().map(Bytes::len).sum();
        assert_eq!(total, alone(0).len() + alone(2).len());
    }

    #[test]
    fn rows_stand_by_rising_id_and_a_twin_is_counted() {
        let mut records = records(&[r#"{"page":"p"}"#; 50]);
        records.push(records[7].clone());
        let rows = Rows::read(&records, &Mapping::default());
        assert!(rows.rows().is_sorted_by_key(|row| row.id));
        assert_eq!((rows.rows().len(), rows.twins), (50, 1));
        let some = rows.rows()[3].id;
        assert_eq!(rows.pieces(|_| true).len(), 1);
        assert_eq!(rows.pieces(|row| row.id != some).len(), 2);
    }
}
