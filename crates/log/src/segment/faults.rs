//! A disk that fails when told to: full, broken, slow, or cut off from its power.
//!
//! It works on real files, so what it spares can be read by a log on the machine's own disk afterwards.

use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use super::disk::{Disk, DiskFile, LocalDisk, read_full, write_full};
use super::inner::lock;

/// What a device writes whole or not at all.
const SECTOR_BYTES: usize = 512;

/// What is wrong with the disk. Every switch may be thrown at any time.
#[derive(Default)]
pub struct Faults {
    /// Writes fail with EIO.
    pub writes_fail: AtomicBool,
    /// A write stops half way through, then fails.
    pub writes_stop_half_way: AtomicBool,
    /// Syncs of files fail with EIO.
    pub syncs_fail: AtomicBool,
    /// Reads fail with EIO.
    pub reads_fail: AtomicBool,
    /// Everything that would change something fails with EROFS.
    pub read_only: AtomicBool,
    room_bytes: AtomicI64,
    limited: AtomicBool,
    frozen: Mutex<bool>,
    thawed: Condvar,
    unsynced: Mutex<Vec<Unsynced>>,
    renamed: Mutex<Vec<(PathBuf, PathBuf)>>,
    bad: Mutex<Option<(PathBuf, u64, u64)>>,
}

/// A write that a loss of power may undo.
struct Unsynced {
    file: Arc<dyn DiskFile>,
    at: u64,
    before: Vec<u8>,
}

impl Faults {
    /// Lets so many more bytes be written or reserved; `None` for no limit.
    pub fn leave_room(&self, bytes: Option<i64>) {
        self.room_bytes.store(bytes.unwrap_or(0), Ordering::SeqCst);
        self.limited.store(bytes.is_some(), Ordering::SeqCst);
    }

    /// Syncs wait from now on, until [`Faults::thaw`].
    pub fn freeze(&self) {
        *lock(&self.frozen) = true;
    }

    /// Ends [`Faults::freeze`].
    pub fn thaw(&self) {
        *lock(&self.frozen) = false;
        self.thawed.notify_all();
    }

    /// These bytes of this file cannot be read.
    pub fn spoil(&self, path: &Path, from: u64, end: u64) {
        *lock(&self.bad) = Some((path.to_owned(), from, end));
    }

    /// The power goes: of what was written or renamed and not synced, each sector and each name is kept or not, as
    /// `keep` says. To be called when the log is dropped.
    pub fn lose_power(&self, mut keep: impl FnMut() -> bool) -> io::Result<()> {
        for write in lock(&self.unsynced).drain(..).rev() {
            for (index, sector) in write.before.chunks(SECTOR_BYTES).enumerate() {
                if !keep() {
                    let at = write.at + (index * SECTOR_BYTES) as u64;
                    write_full(&*write.file, &mut [IoSlice::new(sector)], at)?;
                }
            }
        }
        for (from, to) in lock(&self.renamed).drain(..).rev() {
            if !keep() {
                std::fs::rename(to, from)?;
            }
        }
        Ok(())
    }

    fn check(&self, fault: &AtomicBool) -> io::Result<()> {
        if fault.load(Ordering::SeqCst) { Err(os_error(rustix::io::Errno::IO)) } else { Ok(()) }
    }

    fn check_writable(&self) -> io::Result<()> {
        if self.read_only.load(Ordering::SeqCst) { Err(os_error(rustix::io::Errno::ROFS)) } else { Ok(()) }
    }

    fn take_room(&self, bytes: u64) -> io::Result<()> {
        if !self.limited.load(Ordering::SeqCst) {
            return Ok(());
        }
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        if self.room_bytes.fetch_sub(bytes, Ordering::SeqCst) < bytes {
            self.room_bytes.fetch_add(bytes, Ordering::SeqCst);
            return Err(os_error(rustix::io::Errno::NOSPC));
        }
        Ok(())
    }

    fn wait_while_frozen(&self) {
        let frozen = lock(&self.frozen);
        drop(self.thawed.wait_while(frozen, |frozen| *frozen).unwrap_or_else(PoisonError::into_inner));
    }

    fn is_spoiled(&self, path: &Path, at: u64, count: usize) -> bool {
        let bad = lock(&self.bad);
        bad.as_ref()
            .is_some_and(|(spoiled, from, end)| spoiled == path && at < *end && at + count as u64 > *from)
    }
}

fn os_error(errno: rustix::io::Errno) -> io::Error {
    io::Error::from_raw_os_error(errno.raw_os_error())
}

/// The machine's disk, with faults.
pub struct FaultyDisk(pub Arc<Faults>);

impl FaultyDisk {
    fn wrap(&self, path: &Path, file: Arc<dyn DiskFile>) -> Arc<dyn DiskFile> {
        Arc::new(FaultyFile { faults: Arc::clone(&self.0), path: path.to_owned(), file })
    }
}

impl Disk for FaultyDisk {
    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        Ok(self.wrap(path, LocalDisk.open(path)?))
    }

    fn open_to_write(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        self.0.check_writable()?;
        Ok(self.wrap(path, LocalDisk.open_to_write(path)?))
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        self.0.check_writable()?;
        Ok(self.wrap(path, LocalDisk.create(path)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.0.check_writable()?;
        LocalDisk.rename(from, to)?;
        lock(&self.0.renamed).push((from.to_owned(), to.to_owned()));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.0.check_writable()?;
        LocalDisk.remove(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.0.check(&self.0.syncs_fail)?;
        LocalDisk.sync_dir(dir)?;
        lock(&self.0.renamed).clear();
        Ok(())
    }

    fn free_bytes(&self, dir: &Path) -> io::Result<u64> {
        match self.0.limited.load(Ordering::SeqCst) {
            true => Ok(self.0.room_bytes.load(Ordering::SeqCst).max(0).unsigned_abs()),
            false => LocalDisk.free_bytes(dir),
        }
    }
}

struct FaultyFile {
    faults: Arc<Faults>,
    path: PathBuf,
    file: Arc<dyn DiskFile>,
}

impl FaultyFile {
    /// Remembers what stands where something is about to be written.
    fn remember(&self, at: u64, count: usize) -> io::Result<()> {
        let mut before = vec![0; count];
        read_full(&*self.file, &mut before, at)?;
        lock(&self.faults.unsynced).push(Unsynced { file: Arc::clone(&self.file), at, before });
        Ok(())
    }
}

impl DiskFile for FaultyFile {
    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        self.faults.check(&self.faults.reads_fail)?;
        if self.faults.is_spoiled(&self.path, at, buffer.len()) {
            return Err(os_error(rustix::io::Errno::IO));
        }
        self.file.read_at(buffer, at)
    }

    fn read_cached_at(&self, _buffer: &mut [u8], _at: u64) -> io::Result<usize> {
        Err(io::ErrorKind::WouldBlock.into())
    }

    fn write_at(&self, parts: &[IoSlice<'_>], at: u64) -> io::Result<usize> {
        self.faults.check_writable()?;
        self.faults.check(&self.faults.writes_fail)?;
        let all: Vec<u8> = parts.iter().flat_map(|part| part.iter().copied()).collect();
        // Every write is short, so that whoever writes has to go on where it stopped.
        let count = (all.len() / 2).max(1);
        self.remember(at, count)?;
        let written = self.file.write_at(&[IoSlice::new(&all[..count])], at)?;
        self.faults.check(&self.faults.writes_stop_half_way)?;
        Ok(written)
    }

    fn sync(&self) -> io::Result<()> {
        self.faults.wait_while_frozen();
        self.faults.check(&self.faults.syncs_fail)?;
        self.file.sync()?;
        lock(&self.faults.unsynced).retain(|write| !Arc::ptr_eq(&write.file, &self.file));
        Ok(())
    }

    fn allocate(&self, bytes: u64) -> io::Result<()> {
        self.faults.check_writable()?;
        self.faults.take_room(bytes.saturating_sub(self.file.length()?))?;
        self.file.allocate(bytes)
    }

    fn truncate(&self, bytes: u64) -> io::Result<()> {
        self.faults.check_writable()?;
        self.file.truncate(bytes)
    }

    fn length(&self) -> io::Result<u64> {
        self.file.length()
    }

    fn forget_cached(&self) -> io::Result<()> {
        self.file.forget_cached()
    }
}
