//! Damage in the middle: set aside, counted exactly, and everything intact around it delivered.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use support::*;
use weir_core::event::Offset;
use weir_core::log::{EventLog, ReadLimit};
use weir_core::testkit::world::SeededRandom;
use weir_core::time::Timestamp;
use weir_log::segment::{SegmentLog, verify};

const STREAMS: [&str; 3] = ["events", "store", "telemetry"];

/// Several segments of entries on several streams. Gives each event's name and stream, by offset.
async fn sound_log(dir: &Path, entries: u64, dice: &SeededRandom) -> Vec<(String, String)> {
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

fn flip(file: &Path, at: u64, with: u8) {
    let mut bytes = fs::read(file).unwrap();
    bytes[at as usize] ^= with;
    fs::write(file, bytes).unwrap();
}

/// Everything that is read is what was written, and everything that is not is told as lost, by stream.
async fn assert_accounted(log: &SegmentLog, names: &[(String, String)]) -> Everything {
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

#[tokio::test]
async fn damage_in_the_segment_that_is_written_is_told_and_writing_goes_on() {
    let dir = quick_dir();
    let (log, _) = open(settings(dir.path()));
    append(&log, "events", 0, 5).await.unwrap();
    let second_at = log.stats().bytes;
    append(&log, "store", 5, 3).await.unwrap();
    append(&log, "events", 8, 5).await.unwrap();
    assert_eq!(read_all(&log).await.records.len(), 13);
    let file = fs::OpenOptions::new().write(true).open(&segment_files(dir.path())[0]).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, &[0xEE; 9], second_at + 20).unwrap();
    for round in 0..3 {
        let all = read_all(&log).await;
        assert_eq!((all.records.len() as u64, all.lost["store"]), (10 + round, 3));
        assert_eq!(all.by_stream(), accepted(&log));
        append(&log, "store", 13 + round, 1).await.unwrap();
    }
}

#[tokio::test]
async fn damage_is_set_aside_byte_for_byte_and_counted_once() {
    let dir = quick_dir();
    let names = sound_log(dir.path(), 30, &SeededRandom::new(1)).await;
    let file = segment_files(dir.path()).remove(0);
    flip(&file, 8192 + 200, 0xFF);
    let bytes = fs::read(&file).unwrap();
    let observer = Arc::new(Counting::default());
    let (log, _) = SegmentLog::open(settings(dir.path()), observer.clone()).unwrap();
    for _ in 0..3 {
        assert_accounted(&log, &names).await;
    }
    assert_eq!(observer.corrupt_blocks.load(Ordering::Relaxed), 1);
    let aside = fs::read(dir.path().join("damaged/00000000000000000000-8192.bin")).unwrap();
    assert_eq!(aside, bytes[8192..8192 + aside.len()]);
    let slice =
        log.read(&log.partitions()[0], Offset(0), ReadLimit { max_events: 1000, max_bytes: 1 << 20 }).await;
    let detail = slice.unwrap().lost.remove(0).detail;
    assert!(detail.contains("from byte 8192 of 00000000000000000000.seg"), "{detail}");
}

#[tokio::test]
async fn what_is_lost_is_told_for_exactly_the_range_that_is_read() {
    let dir = quick_dir();
    let (log, _) = open(settings(dir.path()));
    append(&log, "events", 0, 5).await.unwrap();
    append(&log, "store", 5, 10).await.unwrap();
    append(&log, "events", 15, 5).await.unwrap();
    let second_at = 8192 + 2;
    log.close().await;
    drop(log);
    let file = segment_files(dir.path()).remove(0);
    let bytes = fs::read(&file).unwrap();
    let magic: Vec<usize> = memchr::memmem::find_iter(&bytes, b"\xFAweirbl\xFE").collect();
    flip(&file, magic[1] as u64 + 70, 1);
    assert!(magic[1] > second_at);
    let (log, _) = open(settings(dir.path()));
    for from in 0..20 {
        for max_events in 1..20 {
            let all = read_from(&log, from, max_events).await;
            let lost = 15_u64.saturating_sub(from.max(5));
            assert_eq!(all.lost.get("store").copied().unwrap_or(0), lost, "from {from} by {max_events}");
        }
    }
}

#[tokio::test]
async fn a_lost_head_is_found_again_in_its_copy_or_done_without() {
    for heads in [0..4096_usize, 4096..8192, 0..8192] {
        let dice = SeededRandom::new(5);
        let dir = quick_dir();
        let names = sound_log(dir.path(), 200, &dice).await;
        let files = segment_files(dir.path());
        assert!(files.len() > 2);
        for file in &files {
            let mut bytes = fs::read(file).unwrap();
            bytes[heads.clone()].fill(0x55);
            fs::write(file, bytes).unwrap();
        }
        let (log, _) = open(settings(dir.path()));
        let all = assert_accounted(&log, &names).await;
        assert_eq!((all.records.len(), all.lost_events()), (names.len(), 0), "{heads:?}");
        append(&log, "events", 0, 1).await.unwrap();
    }
}

#[tokio::test]
async fn a_segment_that_is_gone_is_told_as_lost() {
    let dice = SeededRandom::new(6);
    let dir = quick_dir();
    let names = sound_log(dir.path(), 200, &dice).await;
    let files = segment_files(dir.path());
    fs::remove_file(&files[1]).unwrap();
    let (log, _) = open(settings(dir.path()));
    let all = assert_accounted(&log, &names).await;
    assert!(all.lost_events() > 0);
}

#[tokio::test]
async fn seeking_passes_over_damage() {
    let dir = quick_dir();
    let (log, _) = open(settings(dir.path()));
    for second in 0..50 {
        let sample = sample("events", second, 1).at(second);
        weir_core::log::Append::append(&log, sample.entry()).await.unwrap();
    }
    log.close().await;
    drop(log);
    let file = segment_files(dir.path()).remove(0);
    flip(&file, 8192 + 10, 0xFF);
    let (log, _) = open(settings(dir.path()));
    let begin = sample("events", 0, 1).at(0).received_at;
    for second in 1..50 {
        let time = Timestamp::from_micros(begin.as_micros() + second * 1_000_000);
        assert_eq!(log.seek(&log.partitions()[0], time).await.unwrap(), Offset(second as u64));
    }
}

#[tokio::test]
async fn verify_finds_what_reading_finds_and_changes_nothing() {
    let dice = SeededRandom::new(9);
    let dir = quick_dir();
    sound_log(dir.path(), 100, &dice).await;
    let sound = verify(dir.path(), |_, _| {}).unwrap();
    assert!(sound.is_sound(), "{sound:?}");
    let file = segment_files(dir.path()).remove(1);
    flip(&file, 9000, 4);
    let mut seen = 0;
    let rotten = verify(dir.path(), |bytes, _| seen += bytes).unwrap();
    assert!(!rotten.is_sound());
    assert_eq!(rotten.end, sound.end);
    assert_eq!(rotten.events + rotten.damaged[0].lost.values().sum::<u64>(), sound.events);
    assert!(rotten.damaged[0].byte_offset <= 9000);
    assert!(seen > rotten.bytes / 2 && seen <= rotten.bytes);
    assert!(!dir.path().join("damaged").exists());
}
