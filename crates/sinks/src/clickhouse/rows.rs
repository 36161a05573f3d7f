//! A batch as the rows of one insert, in `RowBinaryWithNamesAndTypes`: exact, and refused by the server where a column
//! has changed its type meanwhile.

use std::io::Write;
use std::sync::Arc;

use bytes::Bytes;
use flate2::write::GzEncoder;
use weir_core::event::Record;
use weir_core::sink::{Exception, Receipt, Refusal, Verdict};
use weir_core::time::Timestamp;

use super::binary::{write_length, write_text, write_text_or_null, write_uuid};
use super::kind::Kind;
use super::layout::MOMENT;
use super::moment;
use super::settings::Compression;
use super::table::Layout;
use crate::columns::{Mapping, fit};
use crate::fields::Fields;
use crate::seen::Seen;

/// What a body is written from. Owned, as it is written off the async threads.
pub(super) struct Rows {
    pub records: Arc<Vec<Record>>,
    pub mapping: Arc<Mapping<Kind>>,
    pub layout: Arc<Layout>,
    pub compression: Compression,
}

/// The rows, and what became of the events that are not among them.
pub(super) struct Body {
    pub bytes: Bytes,
    pub encoding: Option<&'static str>,
    pub rows: usize,
    pub receipt: Receipt,
}

impl Rows {
    /// Of an event that stands twice in the batch, the first is written.
    pub fn write(self) -> std::io::Result<Body> {
        let size: usize = self.records.iter().map(|record| record.event.body.len() + 256).sum();
        let mut out = Vec::with_capacity(size + 4096);
        write_header(&mut out, &self.layout);
        let (mut receipt, mut seen) = (Receipt::default(), Seen::with_capacity(self.records.len()));
        for (index, record) in self.records.iter().enumerate() {
            let start = out.len();
            if !seen.is_first(record.event.id) {
                receipt.duplicates += 1;
            } else if let Err(refusal) = self.write_row(&mut out, record) {
                out.truncate(start);
                seen.forget(record.event.id);
                receipt.exceptions.push(Exception { index, verdict: Verdict::Refused(refusal) });
            }
        }
        let (bytes, encoding) = compressed(out, self.compression)?;
        Ok(Body { bytes: bytes.into(), encoding, rows: seen.len(), receipt })
    }

    /// The columns in their order.
    fn write_row(&self, out: &mut Vec<u8>, record: &Record) -> Result<(), Refusal> {
        let (fields, values) = self.mapping.read(record)?;
        let origin = record.origin.as_ref();
        write_uuid(out, record.event.id);
        write_text(out, record.stream.as_str());
        write_text_or_null(out, record.event.client_id.as_deref());
        self.write_fields(out, &fields)?;
        for text in [
            record.user_id(),
            origin.device_uuid.as_deref(),
            origin.app_version.as_deref(),
            origin.os_version.as_deref(),
            origin.user_agent.as_deref(),
            origin.client_ip.as_deref(),
        ] {
            write_text_or_null(out, text);
        }
        write_moment(out, "occurred_at", record.event.occurred_at)?;
        write_moment(out, "received_at", record.received_at)?;
        self.write_json(out, "extra", fields.extra.as_deref())?;
        for (column, value) in self.mapping.columns().iter().zip(&values) {
            column.kind.write(out, value).ok_or_else(|| column.refusal(value))?;
        }
        Ok(())
    }

    /// From `page` to `param`.
    fn write_fields(&self, out: &mut Vec<u8>, fields: &Fields<'_>) -> Result<(), Refusal> {
        for text in [&fields.page, &fields.event, &fields.label, &fields.target, &fields.section] {
            write_text_or_null(out, text.as_deref());
        }
        self.write_json(out, "param", fields.param)
    }

    fn write_json(&self, out: &mut Vec<u8>, column: &str, json: Option<&str>) -> Result<(), Refusal> {
        match json {
            json if !self.layout.is_json => write_text_or_null(out, json),
            None => write_text(out, "{}"),
            Some(json) if json.starts_with('{') => write_text(out, json),
            Some(json) => {
                return Err(mismatch(format!(
                    "column \"{column}\" of type JSON cannot hold {json:.100}: no object"
                )));
            }
        }
        Ok(())
    }
}

fn write_header(out: &mut Vec<u8>, layout: &Layout) {
    write_length(out, layout.places.len());
    for place in &layout.places {
        write_text(out, &place.name);
    }
    for place in &layout.places {
        write_text(out, &place.type_name);
    }
}

fn write_moment(out: &mut Vec<u8>, column: &str, moment: Timestamp) -> Result<(), Refusal> {
    if !moment::holds(moment) {
        let what =
            format!("column \"{column}\" of type {MOMENT} cannot hold {moment}: no year from 1900 to 2299");
        return Err(mismatch(what));
    }
    out.extend(moment.as_micros().to_le_bytes());
    Ok(())
}

fn mismatch(detail: String) -> Refusal {
    Refusal { reason: fit::REASON.to_owned(), detail }
}

fn compressed(bytes: Vec<u8>, compression: Compression) -> std::io::Result<(Vec<u8>, Option<&'static str>)> {
    Ok(match compression {
        Compression::None => (bytes, None),
        Compression::Gzip => {
            let mut encoder =
                GzEncoder::new(Vec::with_capacity(bytes.len() / 4), flate2::Compression::fast());
            encoder.write_all(&bytes)?;
            (encoder.finish()?, Some("gzip"))
        }
        Compression::Zstd => (zstd::bulk::compress(&bytes, 1)?, Some("zstd")),
    })
}
