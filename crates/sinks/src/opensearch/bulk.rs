//! A batch as one `_bulk` body, and which of its lines stands for which event.

use std::collections::BTreeSet;
use std::io::Write;
use std::sync::Arc;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use weir_core::event::Record;
use weir_core::sink::{Exception, Receipt, Verdict};

use super::answer::{self, Broken};
use super::column::Kind;
use super::document::{self, write_text};
use super::index_name::{IndexFamily, IndexName};
use crate::columns::Mapping;

/// What a body is written from. Owned, as it is written off the async threads.
pub(super) struct Lines {
    records: Arc<Vec<Record>>,
    index: IndexName,
    mapping: Arc<Mapping<Kind>>,
    compress: bool,
}

/// A body, and what an answer to it is judged by.
pub(super) struct Bulk {
    pub body: Bytes,
    /// The events that are in it, by their order: place in the batch, and `_id`.
    pub sent: Vec<(usize, String)>,
    /// The events that are not: no JSON objects, or with a value that a column cannot hold.
    pub refused: Vec<Exception>,
    /// The indices' families.
    pub indices: Vec<IndexFamily>,
}

impl Lines {
    pub fn new(
        records: Arc<Vec<Record>>,
        index: IndexName,
        mapping: Arc<Mapping<Kind>>,
        compress: bool,
    ) -> Self {
        Self { records, index, mapping, compress }
    }

    pub fn write(self) -> Bulk {
        let size: usize = self.records.iter().map(|record| record.event.body.len() + 512).sum();
        let mut body = Vec::with_capacity(size);
        let (mut sent, mut refused) = (Vec::with_capacity(self.records.len()), Vec::new());
        let mut streams = BTreeSet::new();
        for (index, record) in self.records.iter().enumerate() {
            let start = body.len();
            let id = record.event.id.to_string();
            write_action(&mut body, &self.index.of(record), &id);
            match document::write(&mut body, record, &self.mapping) {
                Ok(()) => {
                    body.push(b'\n');
                    sent.push((index, id));
                    streams.insert(&record.stream);
                }
                Err(refusal) => {
                    body.truncate(start);
                    refused.push(Exception { index, verdict: Verdict::Refused(refusal) });
                }
            }
        }
        let indices: BTreeSet<IndexFamily> =
            streams.iter().map(|stream| self.index.family(stream.as_str())).collect();
        let body = if self.compress { gzip(&body) } else { body };
        Bulk { body: body.into(), sent, refused, indices: indices.into_iter().collect() }
    }
}

impl Bulk {
    /// What became of every event of the batch, by the store's answer.
    pub fn judge(self, body: &[u8]) -> Result<Receipt, Broken> {
        let judged = answer::judge(body, &self.sent)?;
        let mut exceptions = self.refused;
        exceptions.extend(judged.exceptions);
        exceptions.sort_by_key(|exception| exception.index);
        Ok(Receipt { duplicates: judged.duplicates, exceptions, ..Receipt::default() })
    }
}

fn write_action(out: &mut Vec<u8>, index: &str, id: &str) {
    out.extend_from_slice(br#"{"create":{"_index":"#);
    write_text(out, index);
    out.extend_from_slice(br#","_id":"#);
    write_text(out, id);
    out.extend_from_slice(b"}}\n");
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::fast());
    // Writing into memory cannot fail; a body that is cut short all the same is refused by the store, not half stored.
    let _ = encoder.write_all(body);
    encoder.finish().unwrap_or_default()
}
