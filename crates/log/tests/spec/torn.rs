//! Ends that were never finished: cut off, said so, and everything acknowledged before is there.

use std::fs;
use std::path::Path;

use crate::support::*;
use weir_core::event::Offset;

/// A log with some entries, large and small, that was killed. Gives where each entry ends: byte, offset.
async fn killed_log(dir: &Path) -> Vec<(u64, u64)> {
    let (log, _) = open(settings(dir));
    let mut ends = vec![(8192, 0)];
    for (stream, first, count) in [("events", 0, 1), ("store", 1, 3), ("events", 4, 10), ("telemetry", 14, 1)]
    {
        append(&log, stream, first, count).await.unwrap();
        ends.push((log.stats().bytes, first + count as u64));
    }
    drop(log);
    ends
}

#[tokio::test]
async fn a_segment_cut_anywhere_gives_all_whole_entries_and_says_what_was_cut() {
    let (whole, cut) = (quick_dir(), quick_dir());
    let ends = killed_log(whole.path()).await;
    let written = ends.last().unwrap().0;
    for length in (0..8192).step_by(61).chain(8192..=written) {
        copy_log(whole.path(), cut.path());
        let file = segment_files(cut.path()).remove(0);
        fs::OpenOptions::new().write(true).open(&file).unwrap().set_len(length).unwrap();
        let (intact_bytes, intact) = *ends.iter().rfind(|(byte, _)| *byte <= length).unwrap_or(&(0, 0));
        let (log, report) = open(settings(cut.path()));
        assert_eq!(report.end, intact, "cut at {length}");
        if let Some(torn) = report.torn.filter(|_| length > 8192) {
            assert_eq!(torn.byte_offset, intact_bytes, "cut at {length}");
            assert!(torn.bytes <= length - intact_bytes, "cut at {length}");
        } else {
            assert!(length <= 8192 || length == intact_bytes, "cut at {length}");
        }
        let all = read_all(&log).await;
        assert_eq!((all.records.len() as u64, all.lost_events()), (intact, 0));
        let span = append(&log, "events", 500, 2).await.unwrap();
        assert_eq!(span.first, Offset(intact));
        assert_eq!(read_all(&log).await.records.len() as u64, intact + 2);
        drop(log);
        fs::remove_dir_all(cut.path()).unwrap();
    }
}

#[tokio::test]
async fn an_end_overwritten_with_anything_is_cut_off() {
    let (whole, cut) = (quick_dir(), quick_dir());
    let ends = killed_log(whole.path()).await;
    let (end, offset) = *ends.last().unwrap();
    let block = fs::read(&segment_files(whole.path())[0]).unwrap()[8192..ends[1].0 as usize].to_vec();
    let mut ill = block.clone();
    *ill.last_mut().unwrap() ^= 1;
    for rest in [vec![0xFF; 100], b"\xF5weirsg\xFF".to_vec(), block[..60].to_vec(), ill, block, vec![0; 9000]]
    {
        copy_log(whole.path(), cut.path());
        let file = segment_files(cut.path()).remove(0);
        let target = fs::OpenOptions::new().write(true).open(&file).unwrap();
        std::os::unix::fs::FileExt::write_all_at(&target, &rest, end).unwrap();
        let (log, report) = open(settings(cut.path()));
        assert_eq!(report.end, offset);
        assert_eq!(report.torn.is_some(), rest.iter().any(|byte| *byte != 0));
        append(&log, "events", 500, 1).await.unwrap();
        assert_eq!(read_all(&log).await.records.len() as u64, offset + 1);
        drop(log);
        let (log, report) = open(settings(cut.path()));
        assert!(report.torn.is_none(), "it was cut once and for all");
        assert_eq!(read_all(&log).await.records.len() as u64, offset + 1);
    }
}

#[tokio::test]
async fn an_entry_of_many_blocks_is_there_whole_or_not_at_all() {
    let (whole, cut) = (quick_dir(), quick_dir());
    let large = || weir_log::segment::LogSettings { segment_bytes: 8 << 20, ..settings(whole.path()) };
    let (log, _) = open(large());
    append(&log, "events", 0, 2).await.unwrap();
    let before = log.stats().bytes;
    append(&log, "events", 2, 5000).await.unwrap();
    let written = log.stats().bytes;
    drop(log);
    for length in (before..written).step_by(9973) {
        copy_log(whole.path(), cut.path());
        let file = segment_files(cut.path()).remove(0);
        fs::OpenOptions::new().write(true).open(&file).unwrap().set_len(length).unwrap();
        let (log, report) = open(settings(cut.path()));
        assert_eq!((report.end, read_all(&log).await.records.len()), (2, 2), "cut at {length}");
        assert_eq!(accepted(&log)["events"], 2);
    }
}

#[tokio::test]
async fn what_a_closed_log_lost_at_its_end_is_counted_as_lost() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(settings(dir.path()));
    append(&log, "events", 0, 10).await.unwrap();
    append(&log, "store", 10, 5).await.unwrap();
    append(&log, "events", 15, 1).await.unwrap();
    log.close().await;
    drop(log);
    let file = segment_files(dir.path()).remove(0);
    let length = fs::metadata(&file).unwrap().len();
    fs::OpenOptions::new().write(true).open(&file).unwrap().set_len(length - 300).unwrap();

    let (log, report) = open(settings(dir.path()));
    assert!(report.closed_well && report.torn.is_none());
    assert_eq!(report.end, 16, "an offset is never given twice");
    append(&log, "events", 16, 1).await.unwrap();
    let all = read_all(&log).await;
    assert_eq!(all.offsets(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 16]);
    assert_eq!((all.lost["store"], all.lost["events"]), (5, 1));
    assert_eq!(all.by_stream(), accepted(&log));
}
