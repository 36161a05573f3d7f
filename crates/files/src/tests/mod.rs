//! Files in and out of a real folder, and what is left when something stops between two steps.

mod resumable;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use bytes::Bytes;
use futures::TryStreamExt;
use proptest::prelude::*;
use sha2::{Digest, Sha256};
use weir_core::files::{
    Added, ByteRange, ContentHash, ContentListing, ContentReader, ContentRef, ContentStore, Ending,
    FileFacts, FilesError, Owner, Packed, RetentionLimits, RetentionRule, StoredFile,
};
use weir_core::testkit::files::{MemoryFiles, content_contract, facts};
use weir_core::testkit::world::SeededRandom;
use weir_core::time::Timestamp;
use weir_core::world::Clock;

use crate::packing::{PIECE_BYTES, Packer};
use crate::{FileLimits, Files, Folder, Going, Retained, Staging, SweepReport};

/// The real clock, as far ahead as told, in microseconds: what lies on the disk has the real one's moments.
#[derive(Default)]
struct Ahead(AtomicU64);

#[async_trait]
impl Clock for Ahead {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        Timestamp::from_micros(0).after(since + Duration::from_micros(self.0.load(Ordering::Relaxed)))
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

struct Here {
    files: Files,
    clock: Arc<Ahead>,
    directory: tempfile::TempDir,
}

impl Here {
    fn new() -> Self {
        Self::over(|folder| Arc::new(folder))
    }

    fn over(contents: impl FnOnce(Folder) -> Arc<dyn ContentStore>) -> Self {
        Self::with(contents, 0)
    }

    fn with(contents: impl FnOnce(Folder) -> Arc<dyn ContentStore>, inline_max_bytes: usize) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let contents = contents(Folder::open(&directory.path().join("files")).unwrap());
        let files = open(directory.path(), contents, inline_max_bytes);
        Self { files: files.0, clock: files.1, directory }
    }

    async fn store(&self, key: &str, content: &[u8]) -> Result<Added, FilesError> {
        let mut upload = self.files.receive();
        for piece in content.chunks(300_000) {
            upload.write(Bytes::copy_from_slice(piece)).await?;
        }
        let staged = upload.finish().await?;
        assert_eq!(staged.bytes, content.len() as u64);
        let facts = FileFacts { hash: staged.hash, bytes: staged.bytes, ..facts(key, 0) };
        self.files.store(staged, facts).await
    }

    /// Stored at last: who gets no answer sends it again.
    async fn stored(&self, key: &str, content: &[u8]) -> StoredFile {
        let added = match self.store(key, content).await {
            Ok(added) => added,
            Err(_) => self.store(key, content).await.unwrap(),
        };
        match added {
            Added::New(file) | Added::Known(file) => file,
        }
    }

    async fn read(&self, file: &StoredFile, start: u64, end: u64) -> Result<Vec<u8>, FilesError> {
        let pieces: Vec<Bytes> = self.files.read(file, ByteRange { start, end }).await?.try_collect().await?;
        Ok(pieces.concat())
    }

    /// All that lies beneath the folders, without what has no part in it.
    fn lying(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut folders = vec![self.directory.path().join("files"), self.directory.path().join("staging")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { folders.push(path) } else { found.push(path) }
            }
        }
        found
    }
}

fn open(directory: &Path, contents: Arc<dyn ContentStore>, inline_max_bytes: usize) -> (Files, Arc<Ahead>) {
    let (clock, random) = (Arc::new(Ahead::default()), Arc::new(SeededRandom::new(1)));
    let catalog = Arc::new(MemoryFiles::default());
    let staging = Staging::open(&directory.join("staging"), 0, random.clone()).unwrap();
    let limits = FileLimits { file_max_bytes: u64::MAX, inline_max_bytes };
    (Files::new(catalog, contents, staging, clock.clone(), random, limits), clock)
}

fn text(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|n| b"abcdefgh \n"[n * n % 10]).collect()
}

fn noise(bytes: usize) -> Vec<u8> {
    let dice = SeededRandom::new(7);
    (0..bytes).map(|_| dice.below(256) as u8).collect()
}

fn deleted() -> Ending {
    Ending::Deleted { by: "somebody".into() }
}

#[tokio::test]
async fn a_folder_keeps_the_contract() {
    let directory = tempfile::tempdir().unwrap();
    let folder = Folder::open(&directory.path().join("files")).unwrap();
    content_contract(&folder, 3 * PIECE_BYTES + 17, |bytes| packed(directory.path(), bytes)).await;
}

/// A content, as it lies in the staging folder.
fn packed(directory: &Path, bytes: &[u8]) -> (ContentHash, PathBuf) {
    let path = directory.join("staged");
    let mut packer = Packer::new(std::fs::File::create(&path).unwrap()).unwrap();
    bytes.chunks(PIECE_BYTES).for_each(|piece| packer.add(piece).unwrap());
    (packer.finish().unwrap().1.hash(), path)
}

#[tokio::test]
async fn what_came_in_goes_out_whole_and_in_part() {
    let here = Here::new();
    for content in
        [text(0), text(1), text(PIECE_BYTES), text(3 * PIECE_BYTES + 17), noise(2 * PIECE_BYTES + 5)]
    {
        let file = here.stored("file:a", &content).await;
        let size = content.len();
        assert_eq!(file.facts.hash, ContentHash(Sha256::digest(&content).into()));
        assert_eq!(here.read(&file, 0, size as u64).await.unwrap(), content);
        for range in [0..size.min(1), size / 3..size / 2, size.saturating_sub(9)..size] {
            let part = here.read(&file, range.start as u64, range.end as u64).await.unwrap();
            assert_eq!(part, content[range]);
        }
    }
}

#[tokio::test]
async fn small_contents_lie_with_the_rows_alone() {
    let here = Here::with(|folder| Arc::new(folder), 300);
    let small = [text(0), text(1), text(PIECE_BYTES - 1)];
    for (key, content) in ["a", "b", "c"].into_iter().zip(&small) {
        let (file, size) = (here.stored(key, content).await, content.len());
        assert_eq!(here.read(&file, 0, size as u64).await.unwrap(), *content);
        let part = here.read(&file, size as u64 / 3, size as u64 / 2).await.unwrap();
        assert_eq!(part, content[size / 3..size / 2]);
    }
    assert_eq!(here.lying().len(), 0);
    let large = here.stored("d", &noise(400)).await;
    assert_eq!(here.lying().len(), 1, "packed it has more than what may lie with the rows");
    assert_eq!(here.read(&large, 0, 400).await.unwrap(), noise(400));
    here.clock.0.store(7_200_000_000, Ordering::Relaxed);
    assert_eq!(here.files.sweep().await.unwrap(), SweepReport::default());
    let ended = here.stored("b", &small[1]).await;
    assert!(here.files.end(ended.id, deleted()).await.unwrap().unwrap().freed_bytes > 0);
    assert!(here.read(&ended, 0, 1).await.is_err());
    assert_eq!(here.stored("b", &small[1]).await.facts.hash, ended.facts.hash);
}

#[tokio::test]
async fn text_is_packed_noise_is_not_and_anybody_can_unpack_it() {
    let here = Here::new();
    for (content, at_most) in
        [(text(3 * PIECE_BYTES), PIECE_BYTES / 10), (noise(2 * PIECE_BYTES), 2 * PIECE_BYTES + 1_000)]
    {
        let key = format!("file:{}", content.len());
        here.stored(&key, &content).await;
        let path =
            here.lying().into_iter().max_by_key(|path| path.metadata().unwrap().modified().unwrap()).unwrap();
        let kept = std::fs::read(path).unwrap();
        assert!(kept.len() <= at_most, "{} of {}", kept.len(), content.len());
        assert_eq!(zstd::decode_all(&*kept).unwrap(), content);
    }
}

#[tokio::test]
async fn the_same_content_is_kept_once_and_goes_with_its_last_file() {
    let here = Here::new();
    let (one, two) = (here.stored("file:a", b"same").await, here.stored("file:b", b"same").await);
    assert_eq!(one.content(), two.content());
    assert_eq!(here.lying().len(), 1);
    assert_eq!(here.store("file:a", b"same").await.unwrap(), Added::Known(one.clone()));
    assert_eq!(here.files.end(one.id, deleted()).await.unwrap().unwrap().freed_bytes, 0);
    assert_eq!(here.read(&two, 0, 4).await.unwrap(), b"same");
    assert!(here.files.end(two.id, deleted()).await.unwrap().unwrap().freed_bytes > 0);
    assert_eq!(here.lying().len(), 0);
    let anew = here.stored("file:a", b"same").await;
    assert_eq!(here.read(&anew, 0, 4).await.unwrap(), b"same");
}

#[tokio::test]
async fn an_upload_that_is_given_up_leaves_nothing() {
    let here = Here::new();
    let mut upload = here.files.receive();
    upload.write(Bytes::from(text(3 * PIECE_BYTES))).await.unwrap();
    assert_eq!(here.lying().len(), 1);
    drop(upload);
    let is_gone = async || {
        while !here.lying().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), is_gone()).await.expect("it is removed");
    drop(std::fs::write(here.directory.path().join("staging/0123.part"), b"left by a kill"));
    open(here.directory.path(), Arc::new(Folder::open(&here.directory.path().join("files")).unwrap()), 0);
    assert_eq!(here.lying().len(), 0);
}

#[tokio::test]
async fn damage_is_told_and_no_wrong_byte_is_given() {
    let here = Here::new();
    let content = text(2 * PIECE_BYTES);
    let file = here.stored("file:a", &content).await;
    let path = here.lying().remove(0);
    let whole = std::fs::read(&path).unwrap();
    for at in (0..whole.len()).step_by(whole.len() / 60) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x10;
        std::fs::write(&path, damaged).unwrap();
        let read = here.read(&file, 0, content.len() as u64).await;
        assert!(read.is_err() || read.unwrap() == content, "byte {at}");
    }
    std::fs::write(&path, &whole[..whole.len() - 1]).unwrap();
    assert!(matches!(here.read(&file, 0, 1).await, Err(FilesError::Broken(_))));
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(here.read(&file, 0, 1).await, Err(FilesError::Broken(_))));
    assert_eq!(here.files.sweep().await.unwrap().missing, [file.content()]);
}

#[tokio::test]
async fn rules_take_the_oldest_of_their_owner_and_write_it_down() {
    let here = Here::new();
    for key in ["a", "b", "c"] {
        here.stored(key, key.as_bytes()).await;
    }
    let rule = |owner, max_count| RetentionRule {
        name: "files.retention".into(),
        owner,
        limits: RetentionLimits { max_count: Some(max_count), ..RetentionLimits::default() },
    };
    // What is stored has another moment than the clock of the rules.
    here.clock.0.store(10_000_000, Ordering::Relaxed);
    let rules = [rule(Owner::User("nobody".into()), 0), rule(Owner::All, 1), rule(Owner::All, 2)];
    let keys =
        |going: Vec<Going>| going.iter().map(|going| going.file.facts.key.to_string()).collect::<String>();
    assert_eq!(keys(here.files.preview(&rules).await.unwrap()), "ab");
    assert_eq!(here.lying().len(), 3, "a look changes nothing");
    let retained = here.files.retain(&rules).await.unwrap();
    assert_eq!((retained.files, here.lying().len()), (2, 1));
    let acts = here.files.catalog().acts(None, 10).await.unwrap().items;
    let rule = match &acts[0].ending {
        Ending::Expired { rule, .. } => &**rule,
        Ending::Deleted { .. } => panic!("{acts:?}"),
    };
    assert_eq!((acts.len(), rule), (2, "files.retention.max_count"));
    assert_eq!(here.files.retain(&rules).await.unwrap(), Retained::default());
}

/// A store whose call number `breaks_at` is never made, or never answered.
struct Breaking {
    folder: Folder,
    calls: AtomicUsize,
    breaks_at: usize,
    is_made: bool,
}

impl Breaking {
    async fn call<T>(&self, call: impl Future<Output = Result<T, FilesError>>) -> Result<T, FilesError> {
        let is_it = self.calls.fetch_add(1, Ordering::Relaxed) == self.breaks_at;
        let broken = || Err(FilesError::Retry(anyhow::anyhow!("killed")));
        match is_it {
            true if self.is_made => call.await.and_then(|_| broken()),
            true => broken(),
            false => call.await,
        }
    }
}

#[async_trait]
impl ContentStore for Breaking {
    async fn keep(&self, content: ContentRef, packed: Packed<'_>) -> Result<(), FilesError> {
        self.call(self.folder.keep(content, packed)).await
    }

    async fn read(&self, content: ContentRef, range: ByteRange) -> Result<Option<ContentReader>, FilesError> {
        self.folder.read(content, range).await
    }

    async fn remove(&self, content: ContentRef) -> Result<(), FilesError> {
        self.call(self.folder.remove(content)).await
    }

    async fn list(&self, after: Option<ContentRef>, limit: usize) -> Result<Vec<ContentListing>, FilesError> {
        self.folder.list(after, limit).await
    }
}

#[tokio::test]
async fn whatever_breaks_between_two_steps_a_sweep_makes_rows_and_bytes_agree() {
    for (breaks_at, is_made) in (0..8).flat_map(|number| [(number, false), (number, true)]) {
        let calls = AtomicUsize::new(0);
        let here = Here::over(|folder| Arc::new(Breaking { folder, calls, breaks_at, is_made }));
        let mut kept = Vec::new();
        for (key, content) in [("file:a", "one"), ("file:b", "two"), ("file:c", "one"), ("file:d", "three")] {
            kept.extend(here.store(key, content.as_bytes()).await);
        }
        let kept: Vec<StoredFile> =
            kept.into_iter().map(|(Added::New(file) | Added::Known(file))| file).collect();
        for file in &kept[..2] {
            here.files.end(file.id, deleted()).await.unwrap();
        }
        let again = here.stored("file:e", b"two").await;
        here.clock.0.store(7_200_000_000, Ordering::Relaxed);
        here.files.sweep().await.unwrap();
        let report = here.files.sweep().await.unwrap();
        assert_eq!(
            report,
            crate::SweepReport::default(),
            "nothing is left after the first, {breaks_at} {is_made}"
        );
        for file in kept[2..].iter().chain([&again]) {
            let size = file.facts.bytes;
            assert_eq!(here.read(file, 0, size).await.unwrap().len() as u64, size, "{breaks_at} {is_made}");
        }
        let contents = here.files.catalog().contents(None, 100).await.unwrap().len();
        assert_eq!(here.lying().len(), contents, "{breaks_at} {is_made}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_range_of_any_content_is_what_was_sent(size in 0..4 * PIECE_BYTES, from in 0.0..1.0_f64, part in 0.0..1.0_f64) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let here = Here::new();
            let content = text(size);
            let file = here.stored("file:a", &content).await;
            let start = (size as f64 * from) as usize;
            let end = start + ((size - start) as f64 * part) as usize;
            assert_eq!(here.read(&file, start as u64, end as u64).await.unwrap(), content[start..end]);
        });
    }
}
