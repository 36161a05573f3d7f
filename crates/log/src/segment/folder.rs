//! The log's folder: its lock, its id, its files.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{IoSlice, Read, Write};
use std::path::Path;

use super::disk::{Disk, read_full, write_full};
use super::inner::segment_base;
use super::settings::OpenError;

const LOCK_NAME: &str = "lock";
const ID_NAME: &str = "log.id";
const ID_TEMPORARY_NAME: &str = "log.id.tmp";

/// The lock on a folder; given up when dropped, or when the process ends in whatever way.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
}

impl Drop for Lock {
    /// Unlocked by name: a child process that is just being started still holds a copy of the file, and closing ours
    /// would leave the folder locked until the child has become its program.
    fn drop(&mut self) {
        let _ = self.file.unlock();
    }
}

/// Makes the folder if it is missing, durably.
pub(super) fn make(disk: &dyn Disk, dir: &Path) -> Result<(), OpenError> {
    let missing: Vec<&Path> = dir.ancestors().take_while(|ancestor| !ancestor.exists()).collect();
    std::fs::create_dir_all(dir).map_err(OpenError::io("make", dir))?;
    for made in missing {
        let parent = made.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        disk.sync_dir(parent).map_err(OpenError::io("sync", parent))?;
    }
    Ok(())
}

/// Takes the folder for this process.
pub(super) fn lock(dir: &Path) -> Result<Lock, OpenError> {
    let path = dir.join(LOCK_NAME);
    let mut options = OpenOptions::new();
    let opened = options.read(true).write(true).create(true).truncate(false).open(&path);
    let mut file = opened.map_err(OpenError::io("open", &path))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut pid = String::new();
            let read = file.read_to_string(&mut pid);
            let pid =
                if read.is_ok() && !pid.trim().is_empty() { pid.trim().to_owned() } else { "?".to_owned() };
            return Err(OpenError::Locked { dir: dir.to_owned(), pid });
        }
        Err(TryLockError::Error(cause)) => return Err(OpenError::io("lock", &path)(cause)),
    }
    // The number is for people only; a full disk must not keep the log from being opened and emptied.
    let _ = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
    Ok(Lock { file })
}

/// The bases of the segment files, in order.
pub(super) fn segment_bases(dir: &Path) -> Result<Vec<u64>, OpenError> {
    let entries = std::fs::read_dir(dir).map_err(OpenError::io("list", dir))?;
    let mut bases = Vec::new();
    for entry in entries {
        let name = entry.map_err(OpenError::io("list", dir))?.file_name();
        bases.extend(name.to_str().and_then(segment_base));
    }
    bases.sort_unstable();
    Ok(bases)
}

/// The log's id, kept beside the segments because their salts follow from it. Made where there is none.
pub(super) fn log_id(disk: &dyn Disk, dir: &Path, known: Option<[u8; 16]>) -> Result<[u8; 16], OpenError> {
    let path = dir.join(ID_NAME);
    if let Some(id) = read_log_id(disk, dir) {
        return Ok(id);
    }
    let id = match known {
        Some(id) => id,
        None => random_id().map_err(OpenError::io("draw an id for", &path))?,
    };
    let text: String = id.iter().map(|byte| format!("{byte:02x}")).chain(["\n".to_owned()]).collect();
    let temporary = dir.join(ID_TEMPORARY_NAME);
    let write = || {
        let file = disk.create(&temporary)?;
        write_full(&*file, &mut [IoSlice::new(text.as_bytes())], 0)?;
        file.sync()?;
        disk.rename(&temporary, &path)?;
        disk.sync_dir(dir)
    };
    write().map_err(OpenError::io("write", &path))?;
    Ok(id)
}

/// The id as it is kept; `None` where there is none that can be read.
pub(super) fn read_log_id(disk: &dyn Disk, dir: &Path) -> Option<[u8; 16]> {
    let file = disk.open(&dir.join(ID_NAME)).ok()?;
    let mut text = [0; 32];
    if read_full(&*file, &mut text, 0).ok()? != text.len() {
        return None;
    }
    let mut id = [0; 16];
    for (byte, digits) in id.iter_mut().zip(text.chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(id)
}

fn random_id() -> std::io::Result<[u8; 16]> {
    let mut id = [0_u8; 16];
    File::open("/dev/urandom")?.read_exact(&mut id)?;
    Ok(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_given_up_is_free_though_a_copy_of_its_file_is_still_open() {
        let dir = tempfile::tempdir().unwrap();
        let held = lock(dir.path()).unwrap();
        let copy = held.file.try_clone().unwrap();
        assert!(matches!(lock(dir.path()), Err(OpenError::Locked { .. })));
        drop(held);
        lock(dir.path()).unwrap();
        drop(copy);
    }
}
