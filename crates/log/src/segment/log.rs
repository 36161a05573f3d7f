//! The log as others see it.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use tokio::sync::{Semaphore, watch};
use weir_core::observe::Observer;
use weir_core::time::Timestamp;

use super::active::Active;
use super::damage;
use super::disk::{Disk, LocalDisk};
use super::folder;
use super::health::{Health, Trouble};
use super::inner::{Inner, Published, Tip, lock};
use super::keeper;
use super::marker;
use super::open::{Opened, open};
use super::queue::Queue;
use super::report::OpenReport;
use super::settings::{LogSettings, OpenError};
use super::shelf::{Segment, Shelf};
use super::survey::Survey;
use super::writer::Writer;

/// The embedded log. Dropping it without [`SegmentLog::close`] is like a crash: what was not acknowledged by then
/// may be missing, everything else is there.
pub struct SegmentLog {
    pub(super) inner: Arc<Inner>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    /// Held as long as the threads run.
    _lock: folder::Lock,
}

/// How the log stands.
#[derive(Clone, Debug)]
pub struct LogStats {
    /// Bytes in all segments.
    pub bytes: u64,
    /// Segment files.
    pub segments: usize,
    /// What is left of `max_bytes`.
    pub budget_left_bytes: u64,
    /// When the oldest event that is still there came in.
    pub oldest_at: Option<Timestamp>,
    /// Whether events are taken; if not, what is wrong and what would mend it.
    pub writable: Result<(), String>,
}

impl SegmentLog {
    /// Opens the log in `settings.dir`, making it if it is not there. Blocks for as long as the disk takes.
    pub fn open(settings: LogSettings, observer: Arc<dyn Observer>) -> Result<(Self, OpenReport), OpenError> {
        Self::open_on(settings, observer, Arc::new(LocalDisk))
    }

    /// The same on another disk; the folder, its list of files and its lock are the local machine's all the same.
    pub fn open_on(
        settings: LogSettings,
        observer: Arc<dyn Observer>,
        disk: Arc<dyn Disk>,
    ) -> Result<(Self, OpenReport), OpenError> {
        let settings = settings.bounded();
        let dir = settings.dir.clone();
        folder::make(&*disk, &dir)?;
        let lock = folder::lock(&dir)?;
        let opened = open(&settings, &*disk)?;
        let report = opened.report.clone();
        let (last, resume_at, received_max) =
            (opened.segments.back().cloned(), opened.resume_at, opened.received_max);
        let (inner, survey) = share(settings, disk, observer, opened);
        if let (Some(segment), Some(survey)) = (&last, survey) {
            damage::report(&inner, segment, &survey);
            if !survey.gaps.is_empty() {
                segment.keep_survey(Arc::new(survey));
            }
        }
        marker::remove(&*inner.disk, &dir)
            .map_err(OpenError::io("remove the note of the last end in", &dir))?;
        let active = last.zip(resume_at).and_then(|(segment, position)| resume(&inner, segment, position));
        let writer = Writer::begin(Arc::clone(&inner), active, received_max);
        let threads = vec![
            spawn("weir-log-writer", &dir, move || writer.run())?,
            spawn("weir-log-keeper", &dir, {
                let inner = Arc::clone(&inner);
                move || keeper::run(&inner)
            })?,
        ];
        Ok((Self { inner, threads: Mutex::new(threads), _lock: lock }, report))
    }

    /// How the log stands. Cheap.
    pub fn stats(&self) -> LogStats {
        let inner = &self.inner;
        let oldest = inner.shelf.oldest().filter(|oldest| !oldest.is_empty());
        LogStats {
            bytes: inner.shelf.bytes(),
            segments: inner.shelf.count(),
            budget_left_bytes: inner.budget_left(),
            oldest_at: oldest.map(|oldest| oldest.begun_at),
            writable: match inner.health.first_reason() {
                None => Ok(()),
                Some(reason) => Err(reason),
            },
        }
    }

    /// Takes nothing more, writes what is there, and ends in good order.
    pub async fn close(&self) {
        self.inner.queue.close();
        self.inner.bell.stop();
        let threads = std::mem::take(&mut *lock(&self.threads));
        // Joining waits for the last sync; a thread that panicked has said so already.
        let joining =
            tokio::task::spawn_blocking(move || threads.into_iter().for_each(|thread| drop(thread.join())));
        let _ = joining.await;
    }
}

impl Drop for SegmentLog {
    fn drop(&mut self) {
        self.inner.queue.abandon();
        self.inner.bell.stop();
        for thread in std::mem::take(&mut *lock(&self.threads)) {
            drop(thread.join());
        }
    }
}

fn share(
    settings: LogSettings,
    disk: Arc<dyn Disk>,
    observer: Arc<dyn Observer>,
    opened: Opened,
) -> (Arc<Inner>, Option<Survey>) {
    let Opened { log_id, segments, end, accepted, last, .. } = opened;
    let inner = Inner {
        room: Semaphore::new(settings.queue_max_bytes as usize),
        shelf: Shelf::new(Arc::clone(&disk), segments),
        settings,
        disk,
        observer,
        log_id,
        places: Default::default(),
        queue: Queue::new(),
        health: Health::default(),
        released: AtomicU64::new(0),
        roll_wanted: AtomicBool::new(false),
        published: Mutex::new(Published { end, accepted }),
        tip: watch::Sender::new(Tip { end, closed: false }),
        under_way: Mutex::default(),
        surveying: Mutex::default(),
        bell: Default::default(),
    };
    (Arc::new(inner), last)
}

/// Goes on with the last segment, if the disk lets us; otherwise a new one is begun as soon as it does.
fn resume(inner: &Inner, segment: Arc<Segment>, position: u64) -> Option<Active> {
    match Active::resume(inner, segment, position) {
        Ok(active) => Some(active),
        Err(error) => {
            let reason = format!("the log in {} cannot be written: {error}", inner.settings.dir.display());
            inner.health.set(Trouble::Broken, Some(reason));
            None
        }
    }
}

fn spawn(name: &str, dir: &Path, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, OpenError> {
    let spawned = std::thread::Builder::new().name(name.to_owned()).spawn(run);
    spawned.map_err(OpenError::io("start a thread for", dir))
}
