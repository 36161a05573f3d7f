//! Uploads that go on over many requests, connections and runs of the program.
//!
//! **Constraints.** What is said to be there is durable, and vouched for by checksums: a content grows in whole frames, and
//! after a crash it is what its frames say. A whole one is never written again, as what is stored of it may be the very same
//! file. One request at a time has an upload; who comes later asks for it, and gets it soon.
//!
//! `ID.json` tells what it is, `ID.half` has what has come. When the file is stored the second goes, and the first stays for an
//! hour, so that who got no answer is told the same.

mod about;
mod growing;
mod held;

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::anyhow;
use tokio::sync::watch;
use weir_core::files::FilesError;
use weir_core::time::Timestamp;
use weir_core::world::{Clock, Random};

use crate::fault::{at, blocking};
use crate::staging::Staging;
use about::Written;
use held::State;

pub use about::{About, Done};
pub use growing::Growing;
pub use held::Held;

/// Uploads that are known at once.
const UPLOADS_MAX: usize = 10_000;
/// How long one that is stored is still known.
const DONE_KEPT: Duration = Duration::from_secs(3_600);

const ABOUT: &str = "json";
const HALF: &str = "half";
const BESIDE: &str = "new";

/// All that were begun.
pub struct ResumableUploads {
    folder: PathBuf,
    staging: Staging,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    /// How long one has, from its beginning.
    lifetime: Duration,
    known: Mutex<HashMap<Box<str>, Arc<ResumableUpload>>>,
}

/// One of them.
pub struct ResumableUpload {
    id: Box<str>,
    about: About,
    folder: PathBuf,
    staging: Staging,
    state: Arc<tokio::sync::Mutex<State>>,
    expires_at_us: AtomicI64,
    /// How many wait for it.
    waiting: watch::Sender<usize>,
}

impl ResumableUpload {
    /// What it is called.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What is known of it from its beginning.
    pub fn about(&self) -> &About {
        &self.about
    }

    /// When it is given up.
    pub fn expires_at(&self) -> Timestamp {
        Timestamp::from_micros(self.expires_at_us.load(Ordering::Relaxed))
    }

    /// Has it for one's own, as soon as whoever has it lets go. `None` where it is removed meanwhile.
    pub async fn take(self: &Arc<Self>) -> Option<Held> {
        let _waiting = Waiting::begin(&self.waiting);
        let state = self.state.clone().lock_owned().await;
        Held::of(self.clone(), state)
    }

    /// Returns when somebody else waits for it.
    pub async fn wanted(&self) {
        // Its sender is here as well.
        let _ = self.waiting.subscribe().wait_for(|waiting| *waiting > 0).await;
    }

    /// Whether it is not stored yet. Whoever has it right now adds to it.
    fn is_open(&self) -> bool {
        self.state.try_lock().map_or(true, |state| state.is_open())
    }

    fn path(&self, ending: &str) -> PathBuf {
        self.folder.join(format!("{}.{ending}", self.id))
    }
}

/// What is not stored yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HalfThere {
    /// How many uploads.
    pub uploads: u64,
    /// What has come of them, as it lies on the disk.
    pub bytes: u64,
}

/// Somebody waits, for as long as this is there.
struct Waiting<'a>(&'a watch::Sender<usize>);

impl<'a> Waiting<'a> {
    fn begin(waiting: &'a watch::Sender<usize>) -> Self {
        waiting.send_modify(|waiting| *waiting += 1);
        Self(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|waiting| *waiting -= 1);
    }
}

impl ResumableUploads {
    /// Those in this folder, which is made where it is missing, on the disk of the staging folder.
    pub fn open(
        folder: &Path,
        staging: Staging,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        lifetime: Duration,
    ) -> Result<Self, FilesError> {
        fs::create_dir_all(folder).map_err(at("making", folder))?;
        let uploads =
            Self { folder: folder.to_owned(), staging, clock, random, lifetime, known: Mutex::default() };
        let paths = fs::read_dir(folder).and_then(|entries| {
            entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>()
        });
        for path in paths.map_err(at("listing", folder))? {
            uploads.take_up(&path)?;
        }
        Ok(uploads)
    }

    /// Begins one. Durable on return.
    pub async fn begin(&self, about: About) -> Result<Arc<ResumableUpload>, FilesError> {
        if self.lock().len() >= UPLOADS_MAX {
            return Err(FilesError::Retry(anyhow!(
                "{UPLOADS_MAX} uploads are under way, or have ended within the hour"
            )));
        }
        let id = format!("{:016x}{:016x}", self.random.next(), self.random.next());
        let written = Written::new(about, self.clock.now().after(self.lifetime), None);
        let upload = self.upload(&id, written.clone());
        let path = upload.path(ABOUT);
        let staging = self.staging.clone();
        blocking(move || {
            staging.check_room(0)?;
            written.write(&path)
        })
        .await?;
        self.lock().insert(id.into(), upload.clone());
        Ok(upload)
    }

    /// The one of this name, where this owner has it.
    pub fn find(&self, id: &str, owner: &str) -> Option<Arc<ResumableUpload>> {
        self.lock().get(id).filter(|upload| upload.about.owner == owner).cloned()
    }

    /// Whether its time is over.
    pub fn is_over(&self, upload: &ResumableUpload) -> bool {
        upload.expires_at() <= self.clock.now()
    }

    /// Removes it, and what has come of it.
    pub async fn remove(&self, held: &mut Held) -> Result<(), FilesError> {
        held.remove().await?;
        self.lock().remove(held.upload().id());
        Ok(())
    }

    /// Takes note that it is stored, and lets what has come go.
    pub async fn done(&self, held: &mut Held, done: Done) -> Result<(), FilesError> {
        held.done(done, self.clock.now().after(DONE_KEPT)).await
    }

    /// Removes those whose time is over. How many.
    pub async fn sweep(&self) -> Result<u64, FilesError> {
        let now = self.clock.now();
        let all: Vec<_> = self.lock().values().cloned().collect();
        let mut removed = 0;
        for upload in all {
            if upload.expires_at() <= now
                && let Some(mut held) = upload.take().await
            {
                self.remove(&mut held).await?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    /// How many are not stored yet, and the bytes that they take up on the disk.
    pub async fn half_there(&self) -> Result<HalfThere, FilesError> {
        let open: Vec<PathBuf> =
            self.lock().values().filter(|upload| upload.is_open()).map(|upload| upload.path(HALF)).collect();
        let uploads = open.len() as u64;
        // One of which nothing has come, or that ends right now, has no file.
        let size = |path: PathBuf| path.metadata().map_or(0, |metadata| metadata.len());
        let bytes = blocking(move || Ok(open.into_iter().map(size).sum())).await?;
        Ok(HalfThere { uploads, bytes })
    }

    /// What a former run left at this path.
    fn take_up(&self, path: &Path) -> Result<(), FilesError> {
        let ending = path.extension().and_then(|ending| ending.to_str());
        let id = path.file_stem().and_then(|stem| stem.to_str());
        let is_left_over = match ending {
            Some(BESIDE) => true,
            Some(HALF) => !path.with_extension(ABOUT).exists(),
            _ => false,
        };
        match (ending, id) {
            _ if is_left_over => fs::remove_file(path).map_err(at("removing", path)),
            (Some(ABOUT), Some(id)) => {
                match Written::read(path) {
                    Ok(written) => drop(self.lock().insert(id.into(), self.upload(id, written))),
                    // Its sender begins anew; nobody else is to be kept from anything by it.
                    Err(error) => tracing::error!(%error, "an upload cannot be gone on with"),
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn upload(&self, id: &str, Written { about, expires_at, done, .. }: Written) -> Arc<ResumableUpload> {
        Arc::new(ResumableUpload {
            id: id.into(),
            state: Arc::new(tokio::sync::Mutex::new(State::new(done))),
            expires_at_us: AtomicI64::new(expires_at.as_micros()),
            about,
            folder: self.folder.clone(),
            staging: self.staging.clone(),
            waiting: watch::Sender::new(0),
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Box<str>, Arc<ResumableUpload>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
