//! The segment that is written to.
//!
//! **Constraints.** It is written from front to back and each byte once, but for zeros ahead. A file whose write or
//! sync failed is never written or synced again: what the system holds of it may differ from what is on the device.

use std::io::{self, IoSlice};
use std::sync::Arc;

use weir_core::time::Timestamp;

use super::disk::{DiskFile, write_full};
use super::header::{SegmentHeader, salt};
use super::inner::{Inner, now};
use super::settings::Durability;
use super::shelf::{Beginning, Segment};

/// A sync that only overwrites needs no change of the file's metadata, which costs a second write to the device.
/// So small groups bring zeros along, this far ahead; large groups gain nothing by it.
const ZEROS_AHEAD_BYTES: u64 = 256 << 10;
const SMALL_GROUP_BYTES: u64 = 32 << 10;
static ZEROS: [u8; ZEROS_AHEAD_BYTES as usize] = [0; ZEROS_AHEAD_BYTES as usize];

const TEMPORARY_NAME: &str = "next.tmp";

pub(super) struct Active {
    pub segment: Arc<Segment>,
    file: Arc<dyn DiskFile>,
    /// Where the next block will stand.
    position: u64,
    /// Up to here the file has been written, if only with zeros.
    written: u64,
    capacity: u64,
}

/// What a new segment's header tells of the log so far.
pub(super) struct SoFar<'a> {
    pub end: u64,
    pub accepted: &'a std::collections::BTreeMap<weir_core::event::Stream, u64>,
    pub received_max: Option<Timestamp>,
}

impl Active {
    /// Makes a new segment file with room for `bytes`, durable with its name before this returns.
    pub(super) fn create(inner: &Inner, so_far: &SoFar<'_>, bytes: u64) -> io::Result<Self> {
        let header = SegmentHeader {
            base: so_far.end,
            created_at: now(),
            received_max: so_far.received_max,
            log_id: inner.log_id,
            accepted: so_far.accepted.clone(),
        };
        let head = header.encode();
        let dir = &inner.settings.dir;
        let (temporary, path) = (dir.join(TEMPORARY_NAME), inner.segment_path(header.base));
        let file = inner.disk.create(&temporary)?;
        let blocks_at = head.len() as u64;
        let room = inner.settings.segment_bytes.min(inner.budget_left());
        let capacity = reserve(&*file, room, blocks_at + bytes)?;
        write_full(&*file, &mut [IoSlice::new(&head)], 0)?;
        file.sync()?;
        inner.disk.rename(&temporary, &path)?;
        inner.disk.sync_dir(dir)?;
        let beginning = Beginning {
            base: header.base,
            path,
            salt: salt(&inner.log_id, header.base),
            blocks_at,
            opening: Some(header.accepted),
            begun_at: header.created_at,
        };
        let segment = Arc::new(Segment::new(beginning, blocks_at, header.received_max));
        Ok(Self { segment, file, position: blocks_at, written: blocks_at, capacity })
    }

    /// Goes on with a segment that ends, whole, at `position`.
    pub(super) fn resume(inner: &Inner, segment: Arc<Segment>, position: u64) -> io::Result<Self> {
        let file = inner.disk.open_to_write(&segment.path)?;
        let room = inner.settings.segment_bytes.min(position + inner.budget_left());
        file.truncate(position)?;
        let capacity = reserve(&*file, room, position)?;
        file.sync()?;
        Ok(Self { segment, file, position, written: position, capacity })
    }

    /// Whether so many bytes more fit in. An empty segment is made to fit.
    pub(super) fn has_room(&self, bytes: u64) -> bool {
        self.position + bytes <= self.capacity
    }

    pub(super) fn is_empty(&self) -> bool {
        self.position == self.segment.blocks_at
    }

    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// Writes blocks at the end and makes them durable. After an error this segment must not be written to again.
    pub(super) fn append(&mut self, parts: &[Vec<u8>], bytes: u64, durability: Durability) -> io::Result<()> {
        let mut slices: Vec<IoSlice<'_>> = parts.iter().map(|part| IoSlice::new(part)).collect();
        let end = self.position + bytes;
        let mut written = self.written.max(end);
        if end > self.written && bytes <= SMALL_GROUP_BYTES && durability == Durability::Fsync {
            let zeros = ZEROS_AHEAD_BYTES.min(self.capacity.saturating_sub(end));
            slices.push(IoSlice::new(&ZEROS[..zeros as usize]));
            written = end + zeros;
        }
        write_full(&*self.file, &mut slices, self.position)?;
        if durability == Durability::Fsync {
            self.file.sync()?;
        }
        self.position = end;
        self.written = written;
        Ok(())
    }

    /// Gives back the space behind the last block. Nothing depends on its success.
    pub(super) fn trim_space(&self) {
        if let Err(error) = self.file.truncate(self.position) {
            tracing::debug!(file = %self.segment.path.display(), %error, "reserved space could not be given back");
        }
    }
}

/// Reserves what is wanted, or as much of it as there is; but not less than `least`.
fn reserve(file: &dyn DiskFile, wanted: u64, least: u64) -> io::Result<u64> {
    let mut bytes = wanted.max(least);
    loop {
        match file.allocate(bytes) {
            Err(error) if error.kind() == io::ErrorKind::StorageFull && bytes > least => {
                bytes = least.max(bytes / 2);
            }
            outcome => return outcome.map(|()| bytes),
        }
    }
}
