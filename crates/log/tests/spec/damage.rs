//! Damage in the middle: set aside byte for byte, told once and exactly, and no reason to stop.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::rot::{assert_accounted, flip, sound_log};
use crate::support::*;
use weir_core::event::Offset;
use weir_core::log::{EventLog, ReadLimit};
use weir_core::testkit::world::SeededRandom;
use weir_core::time::Timestamp;
use weir_log::segment::{SegmentLog, verify};

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
