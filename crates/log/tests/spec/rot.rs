//! Bytes that turn anywhere: everything intact comes back, and what is lost is counted exactly, by stream.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::support::*;
use weir_core::testkit::world::SeededRandom;
use weir_log::segment::SegmentLog;

const STREAMS: [&str; 3] = ["events", "store", "telemetry"];

/// Several segments of entries on several streams. Gives each event's name and stream, by offset.
pub async fn sound_log(dir: &Path, entries: u64, dice: &SeededRandom) -> Vec<(String, String)> {
    let (log, _) = open(settings(dir));
    let mut names = Vec::new();
    for _ in 0..entries {
        let stream = STREAMS[dice.below(3) as usize];
        let count = 1 + dice.below(40) as usize;
        let first = names.len() as u64;
        append(&log, stream, first, count).await.unwrap();
        names.extend((first..first + count as u64).map(|number| (number.to_string(), stream.to_owned())));
    }
    log.close().await;
    names
}

pub fn flip(file: &Path, at: u64, with: u8) {
    let mut bytes = fs::read(file).unwrap();
    bytes[at as usize] ^= with;
    fs::write(file, bytes).unwrap();
}

/// Everything that is read is what was written, and everything that is not is told as lost, by stream.
pub async fn assert_accounted(log: &SegmentLog, names: &[(String, String)]) -> Everything {
    let all = read_all(log).await;
    let mut missing: BTreeMap<String, u64> = BTreeMap::new();
    let mut records = all.records.iter().peekable();
    for (offset, (name, stream)) in names.iter().enumerate() {
        match records.next_if(|record| record.offset.0 == offset as u64) {
            Some(record) => assert_eq!(
                (record.event.client_id.as_deref(), record.stream.as_str()),
                (Some(name.as_str()), stream.as_str())
            ),
            None => *missing.entry(stream.clone()).or_default() += 1,
        }
    }
    assert_eq!(all.lost, missing);
    assert_eq!(all.by_stream(), accepted(log));
    all
}

#[tokio::test]
async fn after_any_turned_bytes_all_intact_records_come_back_and_the_lost_are_counted() {
    for seed in 0..60 {
        let dice = SeededRandom::new(seed);
        let dir = quick_dir();
        let names = sound_log(dir.path(), 120, &dice).await;
        let files = segment_files(dir.path());
        let mut blocks_hit = 0;
        for _ in 0..=dice.below(4) {
            let file = &files[dice.below(files.len() as u64) as usize];
            flip(file, dice.below(fs::metadata(file).unwrap().len()), 1 << dice.below(8));
            blocks_hit += 1;
        }
        let (log, _) = open(settings(dir.path()));
        let all = assert_accounted(&log, &names).await;
        assert!(
            all.lost_events() <= blocks_hit * 40,
            "seed {seed}: a turned bit takes no more than its block"
        );
        let again = read_from(&log, 0, 7).await;
        assert_eq!(again.lost, all.lost, "seed {seed}: read in small steps, the same is told");
        log.close().await;
        drop(log);
        let (log, _) = open(settings(dir.path()));
        let after = assert_accounted(&log, &names).await;
        assert_eq!(
            (after.offsets(), after.lost),
            (all.offsets(), all.lost),
            "seed {seed}: so it is after a restart"
        );
    }
}

#[tokio::test]
async fn whole_stretches_may_go_and_the_rest_comes_back() {
    for seed in 100..130 {
        let dice = SeededRandom::new(seed);
        let dir = quick_dir();
        let names = sound_log(dir.path(), 150, &dice).await;
        let files = segment_files(dir.path());
        let file = &files[dice.below(files.len() as u64) as usize];
        let mut bytes = fs::read(file).unwrap();
        let from = dice.below(bytes.len() as u64) as usize;
        let end = (from + 1 + dice.below(20_000) as usize).min(bytes.len());
        bytes[from..end].fill(if dice.chance(50) { 0 } else { 0xAA });
        fs::write(file, bytes).unwrap();
        let (log, _) = open(settings(dir.path()));
        assert_accounted(&log, &names).await;
    }
}

#[tokio::test]
async fn any_single_byte_of_a_small_segment_may_go_bad() {
    let sound = quick_dir();
    let (log, _) = open(settings(sound.path()));
    let mut names = Vec::new();
    for (stream, count) in [("events", 2), ("store", 1), ("events", 1), ("telemetry", 2), ("store", 1)] {
        let first = names.len() as u64;
        append(&log, stream, first, count).await.unwrap();
        names.extend((first..first + count as u64).map(|number| (number.to_string(), stream.to_owned())));
    }
    log.close().await;
    let length = fs::metadata(&segment_files(sound.path())[0]).unwrap().len();
    let dir = quick_dir();
    for at in 8192..length {
        copy_log(sound.path(), dir.path());
        flip(&segment_files(dir.path())[0], at, 0x41);
        let (log, report) = open(settings(dir.path()));
        let all = assert_accounted(&log, &names).await;
        assert_eq!((all.end, report.damaged.len()), (7, 1), "byte {at}");
        drop(log);
        fs::remove_dir_all(dir.path()).unwrap();
    }
}

#[tokio::test]
async fn a_killed_log_with_turned_bytes_accounts_for_every_offset_it_has() {
    for seed in 200..260 {
        let dice = SeededRandom::new(seed);
        let dir = quick_dir();
        let (log, _) = open(settings(dir.path()));
        let mut names = Vec::new();
        for _ in 0..60 {
            let (first, count) = (names.len() as u64, 1 + dice.below(40) as usize);
            append(&log, STREAMS[dice.below(3) as usize], first, count).await.unwrap();
            names.extend((first..first + count as u64).map(|number| number.to_string()));
        }
        drop(log);
        let files = segment_files(dir.path());
        let file = files.last().unwrap();
        for _ in 0..=dice.below(3) {
            let at = dice.below(fs::metadata(file).unwrap().len());
            flip(file, at, 1 << dice.below(8));
        }
        let (log, report) = open(settings(dir.path()));
        let all = read_all(&log).await;
        assert_eq!(all.end, report.end);
        for record in &all.records {
            assert_eq!(
                record.event.client_id.as_deref(),
                Some(names[record.offset.0 as usize].as_str()),
                "seed {seed}"
            );
        }
        let gone = names.len() - all.records.len();
        assert!(gone <= 4 * 40, "seed {seed}: {gone} are gone, {report:?}");
        assert_eq!(all.by_stream(), accepted(&log), "seed {seed}");
        let span = append(&log, "events", 0, 1).await.unwrap();
        assert_eq!(span.first.0, all.end);
    }
}
