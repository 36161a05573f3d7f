//! Records as they are kept: by moment, with numbers for names.

use std::cell::OnceCell;
use std::cmp::Ordering;

use sha2::{Digest, Sha256};
use weir_core::lineage::TelemetryRecord;

use super::block::Item;
use super::bytes::{Damaged, Input, put_number, put_step};
use super::record_body::{Body, Numbers};

/// A record. Two are one when all of them is equal, bytes included.
#[derive(Clone, Debug)]
pub struct RecordItem {
    pub at: i64,
    /// 0 where the record has none.
    pub seq: u64,
    /// All but its moment and number.
    pub body: Box<[u8]>,
    /// Of the body: puts records of one moment and number in an order that hangs on them alone.
    digest: OnceCell<u64>,
}

impl RecordItem {
    /// The record, with numbers for what it names.
    pub fn of(record: &TelemetryRecord, numbers: &impl Numbers) -> Self {
        let body = Body::of(record, numbers).write(record);
        let (at, seq) = (record.created_at.as_micros(), record.seq.unwrap_or(0));
        Self { at, seq, body: body.into(), digest: OnceCell::new() }
    }

    fn digest(&self) -> u64 {
        *self.digest.get_or_init(|| {
            let mut bytes = [0; 8];
            bytes.copy_from_slice(&Sha256::digest(&self.body)[..8]);
            u64::from_be_bytes(bytes)
        })
    }
}

/// What the keys of all records of a moment begin with: its sign is turned, so that what was before 1970 sorts before what
/// came after.
pub fn moment_key(at: i64) -> [u8; 8] {
    (at.cast_unsigned() ^ 1 << 63).to_be_bytes()
}

impl Item for RecordItem {
    fn compare(&self, other: &Self) -> Ordering {
        let by_moment = (self.at, self.seq).cmp(&(other.at, other.seq));
        let by_content = || self.digest().cmp(&other.digest()).then_with(|| self.body.cmp(&other.body));
        by_moment.then_with(|| if self.body == other.body { Ordering::Equal } else { by_content() })
    }

    fn key(&self) -> Vec<u8> {
        [moment_key(self.at), self.seq.to_be_bytes(), self.digest().to_be_bytes()].concat()
    }

    fn join(&mut self, _: Self) {}

    fn write(&self, before: Option<&Self>, out: &mut Vec<u8>) {
        let (at, seq) = before.map_or((0, 0), |before| (before.at, before.seq));
        put_step(out, at, self.at);
        put_step(out, seq.cast_signed(), self.seq.cast_signed());
        put_number(out, self.body.len() as u64);
        out.extend_from_slice(&self.body);
    }

    fn read(before: Option<&Self>, input: &mut Input<'_>) -> Result<Self, Damaged> {
        let (at, seq) = before.map_or((0, 0), |before| (before.at, before.seq));
        let (at, seq) = (input.step(at)?, input.step(seq.cast_signed())?.cast_unsigned());
        let length = input.number()?;
        Ok(Self { at, seq, body: input.bytes(length)?.into(), digest: OnceCell::new() })
    }
}
