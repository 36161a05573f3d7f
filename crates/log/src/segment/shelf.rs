//! The segments of a log, in order, and the open files of those that were read last.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use weir_core::event::Stream;
use weir_core::time::Timestamp;

use super::disk::{Disk, DiskFile};
use super::survey::Survey;

/// Files held open for readers.
const OPEN_FILES_MAX: usize = 32;
/// A place within a segment is remembered about once in so many bytes.
const LANDMARK_EVERY_BYTES: u64 = 1 << 20;

/// One segment file.
pub(super) struct Segment {
    pub base: u64,
    pub path: PathBuf,
    pub salt: u32,
    /// Where the first block stands; 0 where the header is lost and it has to be looked for.
    pub blocks_at: u64,
    /// Events accepted before it, by stream; `None` where the header is lost.
    pub opening: Option<BTreeMap<Stream, u64>>,
    /// When its first event came in, or when it was made.
    pub begun_at: Timestamp,
    bytes: AtomicU64,
    received_max: AtomicI64,
    landmarks: Mutex<Vec<Landmark>>,
    survey: Mutex<Option<Arc<Survey>>>,
}

/// The block that begins with this offset stands at this byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Landmark {
    pub offset: u64,
    pub at: u64,
}

/// What a segment is made with.
pub(super) struct Beginning {
    pub base: u64,
    pub path: PathBuf,
    pub salt: u32,
    pub blocks_at: u64,
    pub opening: Option<BTreeMap<Stream, u64>>,
    pub begun_at: Timestamp,
}

impl Segment {
    pub(super) fn new(beginning: Beginning, bytes: u64, received_max: Option<Timestamp>) -> Self {
        let Beginning { base, path, salt, blocks_at, opening, begun_at } = beginning;
        Self {
            base,
            path,
            salt,
            blocks_at,
            opening,
            begun_at,
            bytes: AtomicU64::new(bytes),
            received_max: AtomicI64::new(received_max.map_or(i64::MIN, Timestamp::as_micros)),
            landmarks: Mutex::default(),
            survey: Mutex::default(),
        }
    }

    /// How far it is written, durably.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Acquire)
    }

    /// The latest `received_at` of its events and all before it.
    pub(super) fn received_max(&self) -> Timestamp {
        Timestamp::from_micros(self.received_max.load(Ordering::Acquire))
    }

    /// Takes note that it is written up to `bytes`.
    pub(super) fn grow(&self, bytes: u64, received_max: Timestamp) {
        self.bytes.store(bytes, Ordering::Release);
        self.received_max.fetch_max(received_max.as_micros(), Ordering::AcqRel);
    }

    /// Whether it holds any event, or what may have been one.
    pub(super) fn is_empty(&self) -> bool {
        self.bytes() <= self.blocks_at
    }

    /// The nearest known place at or before the offset.
    pub(super) fn landmark(&self, offset: u64) -> Landmark {
        let landmarks = lock(&self.landmarks);
        let after = landmarks.partition_point(|landmark| landmark.offset <= offset);
        let begin = Landmark { offset: self.base, at: self.blocks_at };
        after.checked_sub(1).map_or(begin, |index| landmarks[index])
    }

    /// Remembers a place, if it is far enough from those remembered.
    pub(super) fn pass(&self, landmark: Landmark) {
        let mut landmarks = lock(&self.landmarks);
        let index = landmarks.partition_point(|known| known.offset <= landmark.offset);
        let before = index.checked_sub(1).map_or(self.blocks_at, |index| landmarks[index].at);
        let far = landmark.at >= before + LANDMARK_EVERY_BYTES;
        if far && landmarks.get(index).is_none_or(|after| after.at >= landmark.at + LANDMARK_EVERY_BYTES) {
            landmarks.insert(index, landmark);
        }
    }

    /// What is known of damage in it.
    pub(super) fn survey(&self) -> Option<Arc<Survey>> {
        lock(&self.survey).clone()
    }

    /// Keeps what was found out about damage, and the places where reading can go on behind it.
    pub(super) fn keep_survey(&self, survey: Arc<Survey>) {
        {
            let mut landmarks = lock(&self.landmarks);
            landmarks.extend(survey.gaps.iter().map(|gap| Landmark { offset: gap.end, at: gap.bytes.end }));
            landmarks.sort_unstable();
            landmarks.dedup();
        }
        *lock(&self.survey) = Some(survey);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// All segments of a log; there is always at least one once it is open.
pub(super) struct Shelf {
    disk: Arc<dyn Disk>,
    segments: RwLock<VecDeque<Arc<Segment>>>,
    files: Mutex<VecDeque<(PathBuf, Arc<dyn DiskFile>)>>,
    bytes: AtomicU64,
}

impl Shelf {
    pub(super) fn new(disk: Arc<dyn Disk>, segments: VecDeque<Arc<Segment>>) -> Self {
        let bytes = AtomicU64::new(segments.iter().map(|segment| segment.bytes()).sum());
        Self { disk, segments: RwLock::new(segments), files: Mutex::default(), bytes }
    }

    /// The segment that the offset belongs to, and the one after it.
    pub(super) fn find(&self, offset: u64) -> Option<(Arc<Segment>, Option<Arc<Segment>>)> {
        let segments = self.segments();
        let index = segments.partition_point(|segment| segment.base <= offset).checked_sub(1)?;
        Some((Arc::clone(&segments[index]), segments.get(index + 1).cloned()))
    }

    /// The oldest offset there is.
    pub(super) fn start(&self) -> u64 {
        self.segments().front().map_or(0, |segment| segment.base)
    }

    pub(super) fn count(&self) -> usize {
        self.segments().len()
    }

    pub(super) fn oldest(&self) -> Option<Arc<Segment>> {
        self.segments().front().cloned()
    }

    /// Bytes of all of them, as far as they are written.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Acquire)
    }

    /// Takes note that the newest grew by so much.
    pub(super) fn grown(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::AcqRel);
    }

    /// Puts a segment at the end. It takes the place of one that begins with the same offset, and so holds nothing.
    pub(super) fn push(&self, segment: Arc<Segment>) {
        let mut segments = self.segments.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(old) = segments.pop_back_if(|old| old.base == segment.base) {
            self.bytes.fetch_sub(old.bytes(), Ordering::AcqRel);
            self.forget(&old.path);
        }
        self.bytes.fetch_add(segment.bytes(), Ordering::AcqRel);
        segments.push_back(segment);
    }

    /// Takes the oldest away, where there is one after it and `removable` agrees.
    pub(super) fn pop(&self, removable: impl FnOnce(&Segment, &Segment) -> bool) -> Option<Arc<Segment>> {
        let mut segments = self.segments.write().unwrap_or_else(PoisonError::into_inner);
        if !removable(segments.front()?, segments.get(1)?) {
            return None;
        }
        let segment = segments.pop_front()?;
        self.bytes.fetch_sub(segment.bytes(), Ordering::AcqRel);
        self.forget(&segment.path);
        Some(segment)
    }

    /// Bytes of the segments that hold only events before `offset`.
    pub(super) fn bytes_before(&self, offset: u64) -> u64 {
        let segments = self.segments();
        let whole = segments.iter().zip(segments.iter().skip(1)).take_while(|(_, next)| next.base <= offset);
        whole.map(|(segment, _)| segment.bytes()).sum()
    }

    /// All of them, oldest first.
    pub(super) fn all(&self) -> Vec<Arc<Segment>> {
        self.segments().iter().cloned().collect()
    }

    /// The segment's file, for reading.
    pub(super) fn file(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        {
            let mut files = lock(&self.files);
            if let Some(index) = files.iter().position(|(known, _)| known == path)
                && let Some(entry) = files.remove(index)
            {
                let file = Arc::clone(&entry.1);
                files.push_back(entry);
                return Ok(file);
            }
        }
        let file = self.disk.open(path)?;
        let mut files = lock(&self.files);
        files.push_back((path.to_owned(), Arc::clone(&file)));
        if files.len() > OPEN_FILES_MAX {
            files.pop_front();
        }
        Ok(file)
    }

    fn forget(&self, path: &Path) {
        lock(&self.files).retain(|(known, _)| known != path);
    }

    fn segments(&self) -> std::sync::RwLockReadGuard<'_, VecDeque<Arc<Segment>>> {
        self.segments.read().unwrap_or_else(PoisonError::into_inner)
    }
}
