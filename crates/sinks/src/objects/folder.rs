//! A local folder: an object is written beside its place under a name that begins with a dot, synced, and renamed.
//!
//! **Constraint.** No path leaves the root: folders are opened one by one from it, and links beneath it are not
//! followed. Nothing is overwritten. An object counts as stored only when its name and those of its folders are synced. A
//! disk that hangs takes no more than its share of the threads that all sinks have for such work.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, RenameFlags};
use rustix::io::Errno;
use tokio::sync::Semaphore;
use weir_core::sink::SinkError;

use super::Put;
use super::fault::of_folder;
use super::leftovers::{self, Marks};

const READ_FOLDER: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
const MAKE_FILE: OFlags =
    OFlags::WRONLY.union(OFlags::CREATE).union(OFlags::EXCL).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
/// What the operator's umask leaves of it.
const FOLDER_MODE: Mode = Mode::from_raw_mode(0o777);
const FILE_MODE: Mode = Mode::from_raw_mode(0o666);
/// Threads that may wait for this folder's disk at once.
const THREADS_MAX: usize = 32;
/// So many folders are remembered as synced; with more, they are synced again.
const REMEMBERED_MAX: usize = 4_096;

pub(super) struct Folder {
    root: Arc<Root>,
    address: String,
    threads: Arc<Semaphore>,
}

struct Root {
    path: PathBuf,
    marks: Marks,
    written: AtomicU64,
    /// Folders whose names are known to be synced.
    synced: Mutex<HashSet<String>>,
}

impl Folder {
    /// Clears beside what former runs left unfinished.
    pub fn start(path: PathBuf, marks: Marks) -> Self {
        let address = path.display().to_string();
        leftovers::clear_beside(path.clone(), marks.clone());
        let root = Root { path, marks, written: AtomicU64::new(0), synced: Mutex::default() };
        Self { root: Arc::new(root), address, threads: Arc::new(Semaphore::new(THREADS_MAX)) }
    }

    pub fn address(&self) -> &str {
        &self.address
    }

    /// Whether files can be written there.
    pub async fn check(&self) -> Result<(), SinkError> {
        self.blocking(|root| root.try_out()).await
    }

    pub async fn put(&self, name: &str, body: Bytes) -> Result<Put, SinkError> {
        let name = name.to_owned();
        self.blocking(move |root| root.put(&name, &body)).await
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Root) -> io::Result<T> + Send + 'static,
    ) -> Result<T, SinkError> {
        let root = self.root.clone();
        let thread = self.threads.clone().acquire_owned().await.map_err(SinkError::retry)?;
        let working = tokio::task::spawn_blocking(move || {
            // Kept until the disk has answered, even when nobody waits for that any more.
            let _thread = thread;
            work(&root)
        });
        let done = working.await.map_err(SinkError::retry)?;
        done.map_err(|error| of_folder(&error, &self.address))
    }
}

impl Root {
    fn try_out(&self) -> io::Result<()> {
        let root = self.open()?;
        let (name, mut file) = self.make_file(&root)?;
        let tried = file.write_all(b"weir").and_then(|()| file.sync_all());
        rustix::fs::unlinkat(&root, &name, AtFlags::empty())?;
        tried
    }

    fn put(&self, name: &str, body: &[u8]) -> io::Result<Put> {
        let (folders, name) = name.rsplit_once('/').unwrap_or(("", name));
        let folder = self.descend(folders)?;
        let put = match rustix::fs::statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(found) if FileType::from_raw_mode(found.st_mode).is_file() => Put::There,
            Ok(_) => return Err(Errno::EXIST.into()),
            Err(Errno::NOENT) => self.write(&folder, name, body)?,
            Err(error) => return Err(error.into()),
        };
        // Also where it is there: whoever made it may have been killed before this.
        rustix::fs::fsync(&folder)?;
        Ok(put)
    }

    fn write(&self, folder: &OwnedFd, name: &str, body: &[u8]) -> io::Result<Put> {
        let (draft, mut file) = self.make_file(folder)?;
        let placed = file
            .write_all(body)
            .and_then(|()| file.sync_all())
            .and_then(|()| rename_without_overwriting(folder, &draft, name));
        if !matches!(placed, Ok(Put::New)) {
            // What cannot be removed now is cleared at the next start.
            let _ = rustix::fs::unlinkat(folder, &draft, AtFlags::empty());
        }
        placed
    }

    /// A file of a name that nobody else has.
    fn make_file(&self, folder: &OwnedFd) -> io::Result<(String, File)> {
        loop {
            let name = self.marks.name(self.written.fetch_add(1, Ordering::Relaxed));
            match rustix::fs::openat(folder, &name, MAKE_FILE, FILE_MODE) {
                Ok(file) => return Ok((name, File::from(file))),
                Err(Errno::EXIST) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Opens the root, which is made where it is missing. It may be a link itself: the operator named it.
    fn open(&self) -> io::Result<OwnedFd> {
        let flags = READ_FOLDER.difference(OFlags::NOFOLLOW);
        match rustix::fs::open(&self.path, flags, Mode::empty()) {
            Err(Errno::NOENT) => {
                make_folders(&self.path)?;
                Ok(rustix::fs::open(&self.path, flags, Mode::empty())?)
            }
            opened => Ok(opened?),
        }
    }

    /// Opens a folder beneath the root, and makes what is missing on the way.
    fn descend(&self, folders: &str) -> io::Result<OwnedFd> {
        let mut folder = self.open()?;
        let mut path = String::new();
        for part in folders.split('/').filter(|part| !part.is_empty()) {
            path.push('/');
            path.push_str(part);
            let opened = match rustix::fs::openat(&folder, part, READ_FOLDER, Mode::empty()) {
                Err(Errno::NOENT) => {
                    match rustix::fs::mkdirat(&folder, part, FOLDER_MODE) {
                        Ok(()) | Err(Errno::EXIST) => {}
                        Err(error) => return Err(error.into()),
                    }
                    rustix::fs::openat(&folder, part, READ_FOLDER, Mode::empty())?
                }
                opened => opened?,
            };
            if !self.is_synced(&path) {
                rustix::fs::fsync(&folder)?;
                self.remember(path.clone());
            }
            folder = opened;
        }
        Ok(folder)
    }

    fn is_synced(&self, path: &str) -> bool {
        self.synced.lock().unwrap_or_else(PoisonError::into_inner).contains(path)
    }

    fn remember(&self, path: String) {
        let mut synced = self.synced.lock().unwrap_or_else(PoisonError::into_inner);
        if synced.len() >= REMEMBERED_MAX {
            synced.clear();
        }
        synced.insert(path);
    }
}

/// Not every file system can rename so; every one that cannot can give a second name.
fn rename_without_overwriting(folder: &OwnedFd, from: &str, to: &str) -> io::Result<Put> {
    let renamed = rustix::fs::renameat_with(folder, from, folder, to, RenameFlags::NOREPLACE);
    match renamed {
        Ok(()) => Ok(Put::New),
        Err(Errno::EXIST) => Ok(Put::There),
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
            match rustix::fs::linkat(folder, from, folder, to, AtFlags::empty()) {
                Ok(()) => rustix::fs::unlinkat(folder, from, AtFlags::empty())?,
                Err(Errno::EXIST) => return Ok(Put::There),
                Err(error) => return Err(error.into()),
            }
            Ok(Put::New)
        }
        Err(error) => Err(error.into()),
    }
}

/// Makes a folder and those above it, and syncs their names.
fn make_folders(path: &Path) -> io::Result<()> {
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    if !parent.is_dir() {
        make_folders(parent)?;
    }
    match std::fs::create_dir(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    File::open(parent)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;
    use std::sync::mpsc;
    use std::time::Duration;
    use tokio::runtime::Builder;

    #[test]
    fn a_disk_that_hangs_leaves_threads_to_others() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::start(place.path().to_owned(), Marks::of("c", "s"));
        let (go_on, hanging) = mpsc::channel::<()>();
        let hanging = Arc::new(Mutex::new(hanging));
        let runtime = Builder::new_current_thread()
            .enable_time()
            .max_blocking_threads(THREADS_MAX + 1)
            .build()
            .unwrap();
        let others = runtime.block_on(async {
            for _ in 0..THREADS_MAX * 2 {
                let hanging = hanging.clone();
                // Given up after a first try, as a delivery is after its time.
                let hang = move |_: &Root| hanging.lock().unwrap().recv().map_err(io::Error::other);
                let _ = folder.blocking(hang).now_or_never();
            }
            tokio::time::timeout(Duration::from_secs(60), tokio::task::spawn_blocking(|| "done")).await
        });
        drop(go_on);
        assert_eq!(others.unwrap().unwrap(), "done");
    }
}
