//! What the log's callers, its writer and its keeper share.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime};

use tokio::sync::{Semaphore, watch};
use weir_core::event::{Offset, Stream};
use weir_core::log::{LogError, Span};
use weir_core::observe::Observer;
use weir_core::time::Timestamp;

use super::disk::Disk;
use super::health::Health;
use super::keeper::Bell;
use super::places::Places;
use super::queue::{Answer, Queue};
use super::settings::LogSettings;
use super::shelf::Shelf;

pub(super) struct Inner {
    pub settings: LogSettings,
    pub disk: Arc<dyn Disk>,
    pub observer: Arc<dyn Observer>,
    pub log_id: [u8; 16],
    pub shelf: Shelf,
    pub places: Places,
    pub queue: Queue,
    /// Bytes that the queue still has room for.
    pub room: Semaphore,
    pub health: Health,
    /// Everything before it is settled.
    pub released: AtomicU64,
    /// The newest segment is old and everything in it released: a new one lets it be trimmed.
    pub roll_wanted: AtomicBool,
    pub published: Mutex<Published>,
    pub tip: watch::Sender<Tip>,
    pub under_way: Mutex<UnderWay>,
    /// Wakes the keeper.
    pub bell: Bell,
    /// Held while a segment is surveyed.
    pub surveying: Mutex<()>,
}

/// What readers may see; of one moment.
#[derive(Clone, Debug, Default)]
pub(super) struct Published {
    pub end: u64,
    pub accepted: BTreeMap<Stream, u64>,
}

/// What whoever waits for events looks at.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tip {
    pub end: u64,
    pub closed: bool,
}

/// The group that is being written, and who waits for it.
#[derive(Default)]
pub(super) struct UnderWay {
    pub since: Option<Instant>,
    pub answers: Vec<(Answer, Span)>,
}

impl Inner {
    pub(super) fn published(&self) -> MutexGuard<'_, Published> {
        lock(&self.published)
    }

    /// The offset that the next event will get.
    pub(super) fn end(&self) -> u64 {
        self.tip.borrow().end
    }

    pub(super) fn under_way(&self) -> MutexGuard<'_, UnderWay> {
        lock(&self.under_way)
    }

    /// An error where the log is closed.
    pub(super) fn check_open(&self) -> Result<(), LogError> {
        if self.tip.borrow().closed { Err(LogError::Closed) } else { Ok(()) }
    }

    pub(super) fn released(&self) -> u64 {
        self.released.load(Ordering::Acquire)
    }

    pub(super) fn segment_path(&self, base: u64) -> PathBuf {
        self.settings.dir.join(segment_name(base))
    }

    /// Bytes left of the budget.
    pub(super) fn budget_left(&self) -> u64 {
        self.settings.max_bytes.saturating_sub(self.shelf.bytes())
    }

    /// An error that tells where reading can go on, if the offset is trimmed.
    pub(super) fn check_kept(&self, offset: u64) -> Result<(), LogError> {
        let start = self.shelf.start();
        if offset < start { Err(LogError::Trimmed { start: Offset(start) }) } else { Ok(()) }
    }
}

pub(super) fn segment_name(base: u64) -> String {
    format!("{base:020}.seg")
}

/// The base that a file's name tells; `None` for a file that is no segment.
pub(super) fn segment_base(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".seg")?;
    (digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit())).then(|| digits.parse().ok())?
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The time on the wall, for ages of segments.
pub(super) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
