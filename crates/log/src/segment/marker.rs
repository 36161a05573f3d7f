//! The note that a log was closed in good order: up to which offset it went, and how much of each stream.
//!
//! Without it, a broken end means that the last write was never finished, and it is cut off. With it, a broken end is
//! damage: its events were acknowledged, and they are counted as lost.

use std::io::{self, IoSlice};
use std::path::Path;

use super::active::SoFar;
use super::disk::{Disk, write_full};
use super::header::{Head, SegmentHeader, read_head};
use super::inner::{Inner, now};

const NAME: &str = "closed";
const TEMPORARY_NAME: &str = "closed.tmp";

/// Leaves the note. It has the form of a segment's header, for the segment that would come next.
pub(super) fn write(inner: &Inner, so_far: &SoFar<'_>) -> io::Result<()> {
    let header = SegmentHeader {
        base: so_far.end,
        created_at: now(),
        received_max: so_far.received_max,
        log_id: inner.log_id,
        accepted: so_far.accepted.clone(),
    };
    let dir = &inner.settings.dir;
    let temporary = dir.join(TEMPORARY_NAME);
    let file = inner.disk.create(&temporary)?;
    write_full(&*file, &mut [IoSlice::new(&header.encode())], 0)?;
    file.sync()?;
    inner.disk.rename(&temporary, &dir.join(NAME))?;
    inner.disk.sync_dir(dir)
}

/// Reads the note, if there is a good one.
pub(super) fn read(disk: &dyn Disk, dir: &Path) -> Option<SegmentHeader> {
    let file = disk.open(&dir.join(NAME)).ok()?;
    match read_head(&*file) {
        Ok(Head::Good { header, .. }) => Some(header),
        _ => None,
    }
}

/// Takes the note away: from now on the log may end anywhere.
pub(super) fn remove(disk: &dyn Disk, dir: &Path) -> io::Result<()> {
    match disk.remove(&dir.join(NAME)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(()) => disk.sync_dir(dir),
    }
}
