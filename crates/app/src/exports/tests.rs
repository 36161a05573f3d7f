//! Exports over records in memory, on a real disk.

use std::fs::{self, File};
use std::io::Read;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use weir_core::lineage::{LineageStore, RecordType, TelemetryRecord};
use weir_core::testkit::lineage::{MemoryLineage, Shape};
use weir_core::time::Timestamp;

use super::{Coding, Contents, ExportError, ExportId, ExportLimits, Exports, Order, Page, TelemetryChoice};

const HOUR: Duration = Duration::from_secs(3600);
const PART_MAX_BYTES: u64 = 4 << 10;

/// Exports of what a store in memory knows.
struct Here {
    directory: TempDir,
    lineage: MemoryLineage,
    exports: Exports,
}

impl Here {
    async fn with(records: Vec<TelemetryRecord>, max_bytes: u64) -> Self {
        let (directory, lineage) = (tempfile::tempdir().unwrap(), MemoryLineage::new());
        lineage.join(records).await.unwrap();
        let exports = open(&directory, &lineage, max_bytes).unwrap();
        Self { directory, lineage, exports }
    }

    async fn begin(&self) -> ExportId {
        let choice = TelemetryChoice::Period { from: None, to: None };
        let order = Order {
            contents: Contents::Telemetry(choice),
            part_max_bytes: PART_MAX_BYTES,
            coding: Coding::Zstd,
        };
        self.exports.begin(order).await.unwrap()
    }

    /// The lines of all parts, each fetched before the next page is asked for.
    async fn lines(&self, id: &ExportId) -> Result<Vec<String>, ExportError> {
        let (mut lines, mut after) = (Vec::new(), Some(0));
        while let Some(from) = after {
            let Page { parts, next } = self.exports.page(id, from).await?;
            for part in parts {
                let (_, file) = self.exports.part(id, &part.name).await?;
                lines.extend(unpacked(file));
            }
            after = next;
        }
        Ok(lines)
    }

    /// As if nobody had asked for it in so long.
    fn idle(&self, id: &ExportId, time: Duration) {
        let order = File::options().write(true).open(self.folder(id).join("order.json")).unwrap();
        order.set_modified(SystemTime::now() - time).unwrap();
    }

    fn folder(&self, id: &ExportId) -> std::path::PathBuf {
        self.directory.path().join(id.as_str())
    }
}

fn open(directory: &TempDir, lineage: &MemoryLineage, max_bytes: u64) -> Result<Exports, ExportError> {
    let folder = directory.path().to_owned();
    let limits = ExportLimits { folder, max_bytes, free_min_bytes: 0, keep: HOUR };
    Exports::open(&limits, Some(Arc::new(lineage.clone())), None, CancellationToken::new())
}

fn unpacked(file: File) -> Vec<String> {
    let mut text = String::new();
    zstd::Decoder::new(file).unwrap().read_to_string(&mut text).unwrap();
    text.lines().map(str::to_owned).collect()
}

/// Different records of one moment.
fn at_once(count: usize) -> Vec<TelemetryRecord> {
    let record = |n: usize| TelemetryRecord {
        key: Some(format!("file:{:016x}", n.wrapping_mul(0x9E37_79B9_7F4A_7C15)).into()),
        ..TelemetryRecord::new(RecordType::FileRead, "at-once", Timestamp::from_micros(1))
    };
    (0..count).map(record).collect()
}

/// Records of which each is a part.
fn bulky(count: usize) -> Vec<TelemetryRecord> {
    let record = |n: usize| {
        let text: String = (0..128).map(|_| format!("{:032x}", rand::random::<u128>())).collect();
        let reason = Some(text.into());
        let at = Timestamp::from_micros(n as i64);
        TelemetryRecord {
            key: Some("file:a".into()),
            reason,
            ..TelemetryRecord::new(RecordType::Drop, "bulky", at)
        }
    };
    (0..count).map(record).collect()
}

fn json(mut records: Vec<TelemetryRecord>) -> Vec<String> {
    records.sort_unstable();
    records.iter().map(TelemetryRecord::to_json).collect()
}

#[tokio::test]
async fn records_of_one_moment_stand_in_one_order_and_each_once_over_all_parts() {
    let records = at_once(2_500);
    let here = Here::with(records.clone(), 1 << 30).await;
    assert_eq!(here.lines(&here.begin().await).await.unwrap(), json(records));
}

#[tokio::test]
async fn traces_follow_one_another_over_the_bounds_of_parts() {
    let shapes = ["one", "two", "three"].map(|trace| Shape::Lives(80).records(trace));
    let here = Here::with(shapes.concat(), 1 << 30).await;
    // The newest trace first.
    let expected: Vec<String> = shapes.into_iter().rev().flat_map(json).collect();
    assert_eq!(here.lines(&here.begin().await).await.unwrap(), expected);
}

#[tokio::test]
async fn an_export_that_is_larger_than_all_the_room_goes_through_it_part_by_part() {
    let records = bulky(80);
    let probe = Here::with(records.clone(), 1 << 30).await;
    let id = probe.begin().await;
    let whole = probe.lines(&id).await.unwrap();
    let bytes: u64 = probe.exports.folder.exports().unwrap().iter().map(|kept| kept.bytes).sum();

    let here = Here::with(records, bytes * 9 / 10).await;
    let id = here.begin().await;
    assert_eq!(here.lines(&id).await.unwrap(), whole);
    let first = here.exports.part(&id, "telemetry-000001.ndjson.zst").await;
    assert!(matches!(first, Err(ExportError::Gone(_))), "it has made room");
}

#[tokio::test]
async fn without_room_nothing_is_made_until_an_export_goes_that_nobody_asks_for() {
    let records = at_once(1_000);
    let here = Here::with(records.clone(), 40 << 10).await;
    let mut begun = Vec::new();
    let refused = loop {
        let id = here.begin().await;
        begun.push(id.clone());
        match here.exports.page(&id, 0).await {
            Err(error) => break error,
            Ok(_) => assert!(begun.len() < 100, "exports have no bound"),
        }
    };
    assert!(
        matches!(&refused, ExportError::Full(detail) if detail.contains("exports.max_bytes")),
        "{refused}"
    );
    begun[..begun.len() - 1].iter().for_each(|id| here.idle(id, HOUR / 2));
    let last = begun.last().unwrap();
    assert_eq!(here.lines(last).await.unwrap(), json(records));
    assert!(matches!(here.exports.page(&begun[0], 0).await, Err(ExportError::Unknown(_))));
}

#[tokio::test]
async fn a_start_removes_what_is_not_whole_and_what_nobody_asks_for_and_nothing_else() {
    let here = Here::with(at_once(100), 1 << 30).await;
    let (old, new) = (here.begin().await, here.begin().await);
    let whole = here.lines(&new).await.unwrap();
    here.idle(&old, HOUR * 2);
    let unfinished = here.folder(&new).join("part-000002.new");
    fs::write(&unfinished, "half").unwrap();
    let foreign = here.directory.path().join("notes.txt");
    fs::write(&foreign, "not ours").unwrap();

    let Here { directory, lineage, exports } = here;
    drop(exports);
    let exports = open(&directory, &lineage, 1 << 30).unwrap();
    assert!(!unfinished.exists() && foreign.exists());
    let here = Here { directory, lineage, exports };
    assert!(!here.folder(&old).exists());
    assert_eq!(here.lines(&new).await.unwrap(), whole);
}

#[tokio::test]
async fn a_part_without_its_note_is_made_again() {
    let records = bulky(12);
    let here = Here::with(records.clone(), 1 << 30).await;
    let id = here.begin().await;
    here.exports.page(&id, 0).await.unwrap();
    let made = fs::read_dir(here.folder(&id)).unwrap().count();
    // Notes from the third on are lost; the parts lie there.
    for number in 3..made {
        let _ = fs::remove_file(here.folder(&id).join(format!("{number:06}.json")));
    }
    assert_eq!(here.lines(&id).await.unwrap(), json(records));
}
