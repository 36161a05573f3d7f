//! Into a local folder: the contract, whole files, and what stands in the way.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::time::Duration;

use tempfile::TempDir;
use weir_core::sink::{Receipt, Sink, SinkError};
use weir_core::testkit::sink::{batch, contract};
use weir_sinks::objects::{Compression, EventTime, ObjectsSettings, ObjectsSink};

use crate::objects::events;
use crate::objects::probe::{FolderProbe, files, lines};

fn settings(folder: &TempDir) -> ObjectsSettings {
    ObjectsSettings::new(format!("file://{}", folder.path().display()))
}

fn start(folder: &TempDir) -> ObjectsSink {
    ObjectsSink::start(settings(folder)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_keeps_the_contract_of_a_sink() {
    for compression in [Compression::None, Compression::Gzip, Compression::Zstd] {
        for name in ["{year}/{month}/{day}/{hour}/{consumer}_{hash}.json", "{stream}-{hash}"] {
            let folder = tempfile::tempdir().unwrap();
            let name = name.to_owned();
            let sink =
                ObjectsSink::start(ObjectsSettings { compression, name, ..settings(&folder) }).unwrap();
            contract(&sink, &FolderProbe(folder.path().to_owned())).await;
        }
    }
}

#[tokio::test]
async fn a_batch_of_several_hours_becomes_several_files_each_in_its_hour() {
    let folder = tempfile::tempdir().unwrap();
    let sink = start(&folder);
    sink.deliver(&batch("p", events([0, 1, 3_600, 86_400]))).await.unwrap();
    let found = files(folder.path());
    let hours: Vec<(&str, usize)> = found
        .iter()
        .map(|(name, body)| (name.rsplit_once('/').unwrap().0, lines(name, body).len()))
        .collect();
    assert_eq!(hours, [("1970/1/1/0", 2), ("1970/1/1/1", 1), ("1970/1/2/0", 1)]);
}

#[tokio::test]
async fn hours_are_told_by_when_it_happened_or_by_when_it_came_in() {
    for (time, hour) in [(EventTime::Occurred, "1970/1/1/1"), (EventTime::Received, "1970/1/1/0")] {
        let folder = tempfile::tempdir().unwrap();
        let sink = ObjectsSink::start(ObjectsSettings { time, ..settings(&folder) }).unwrap();
        let mut records = events([5]);
        records[0].event.occurred_at = events([3_605])[0].event.occurred_at;
        sink.deliver(&batch("p", records)).await.unwrap();
        assert!(files(folder.path()).keys().all(|name| name.starts_with(hour)), "{time:?}");
    }
}

#[tokio::test]
async fn a_repeat_finds_its_files_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let batch = batch("p", events([0, 1, 3_600]));
    start(&folder).deliver(&batch).await.unwrap();
    let before = files(folder.path());
    // Also that of another run, and where only some of the files were written.
    fs::remove_file(folder.path().join(before.keys().next().unwrap())).unwrap();
    let mut receipt = start(&folder).deliver(&batch).await.unwrap();
    receipt.places.sort();
    let places: Vec<String> = before.keys().cloned().collect();
    assert_eq!(receipt, Receipt { duplicates: 1, exceptions: Vec::new(), places });
    assert_eq!(files(folder.path()), before);
}

#[tokio::test]
async fn the_root_is_made_and_may_be_a_link() {
    let folder = tempfile::tempdir().unwrap();
    let real = folder.path().join("a/b/c");
    let sink = ObjectsSink::start(ObjectsSettings::new(format!("file://{}", real.display()))).unwrap();
    sink.check().await.unwrap();
    assert!(files(&real).is_empty(), "a check leaves nothing behind");
    symlink(&real, folder.path().join("link")).unwrap();
    let link = format!("file://{}/link", folder.path().display());
    ObjectsSink::start(ObjectsSettings::new(link)).unwrap().deliver(&batch("p", events([0]))).await.unwrap();
    assert_eq!(files(&real).len(), 1);
}

#[tokio::test]
async fn what_a_killed_run_left_half_written_is_cleared_and_never_taken_for_an_object() {
    let folder = tempfile::tempdir().unwrap();
    let hour = folder.path().join("1970/1/1/0");
    fs::create_dir_all(&hour).unwrap();
    let left = hour.join(".weir~weir~objects~1-1~0.part");
    let others = hour.join(".weir~another~objects~1-1~0.part");
    fs::write(&left, "{\"id\":").unwrap();
    fs::write(&others, "{\"id\":").unwrap();
    let sink = start(&folder);
    for _ in 0..1_000 {
        if !left.exists() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(!left.exists() && others.exists());
    sink.deliver(&batch("p", events([0]))).await.unwrap();
    let visible = |name: &String| !name.contains("/.");
    assert_eq!(files(folder.path()).keys().filter(|name| visible(name)).count(), 1);
}

#[tokio::test]
async fn what_stands_in_the_way_is_told_and_goes_on_when_it_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let sink = start(&folder);
    let batch = batch("p", events([0, 1]));
    fs::write(folder.path().join("1970"), "a file").unwrap();
    let Err(SinkError::Blocked { cause }) = sink.deliver(&batch).await else { panic!("it is in the way") };
    assert!(cause.to_string().contains("remove it"), "{cause}");
    fs::remove_file(folder.path().join("1970")).unwrap();
    sink.deliver(&batch).await.unwrap();

    let object = folder.path().join(files(folder.path()).keys().next().unwrap());
    fs::remove_file(&object).unwrap();
    fs::create_dir(&object).unwrap();
    let Err(SinkError::Blocked { cause }) = sink.deliver(&batch).await else { panic!("it is in the way") };
    assert!(cause.to_string().contains("no file"), "{cause}");
}

#[tokio::test]
async fn files_are_made_as_the_umask_lets_others_read_them() {
    let folder = tempfile::tempdir().unwrap();
    start(&folder).deliver(&batch("p", events([0]))).await.unwrap();
    let object = folder.path().join(files(folder.path()).keys().next().unwrap());
    let plain = folder.path().join("plain");
    fs::write(&plain, "x").unwrap();
    let mode = |path| fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(object), mode(plain));
}
