//! Uploads over many requests, given up and taken up again anywhere.

use std::path::Path;
use std::time::Duration;

use super::*;
use crate::{About, Done, ResumableUploads};

const LIFETIME: Duration = Duration::from_secs(3_600);

fn uploads(directory: &Path, clock: &Arc<Ahead>) -> ResumableUploads {
    let random = Arc::new(SeededRandom::new(3));
    let staging = Staging::open(&directory.join("staging"), 0, random.clone()).unwrap();
    ResumableUploads::open(&directory.join("uploads"), staging, clock.clone(), random, LIFETIME).unwrap()
}

fn about(length: u64) -> About {
    About { owner: "key:app".to_owned(), length, key: "f".to_owned(), told: String::new() }
}

async fn grown(uploads: &ResumableUploads, id: &str, bytes: &[u8]) -> u64 {
    let held = uploads.find(id, "key:app").unwrap().take().await.unwrap();
    let mut growing = held.grow().await.unwrap();
    growing.write(Bytes::copy_from_slice(bytes)).await.unwrap();
    growing.pause().await.unwrap().offset().await.unwrap()
}

#[tokio::test]
async fn what_has_come_is_there_after_a_restart_and_goes_on_to_be_the_same_content() {
    let (directory, clock) = (tempfile::tempdir().unwrap(), Arc::new(Ahead::default()));
    let content = [text(PIECE_BYTES + 10), noise(1_000), text(5)].concat();
    let id =
        uploads(directory.path(), &clock).begin(about(content.len() as u64)).await.unwrap().id().to_owned();
    let parts = [0, 100, PIECE_BYTES + 100, content.len()];
    for part in parts.windows(2) {
        // Each time another run of the program.
        let uploads = uploads(directory.path(), &clock);
        let stands = grown(&uploads, &id, &content[part[0]..part[1]]).await;
        assert_eq!(stands, part[1] as u64);
    }
    let uploads = uploads(directory.path(), &clock);
    let mut held = uploads.find(&id, "key:app").unwrap().take().await.unwrap();
    for _ in 0..2 {
        let staged = held.staged().await.unwrap();
        assert_eq!(staged.hash.0, *Sha256::digest(&content));
        let Packed::File(path) = staged.packed() else { panic!("it has a file") };
        assert_eq!(staged.stored_bytes, path.metadata().unwrap().len());
    }
}

#[tokio::test]
async fn what_was_torn_stands_at_its_last_whole_piece() {
    let (directory, clock) = (tempfile::tempdir().unwrap(), Arc::new(Ahead::default()));
    let id = {
        let uploads = uploads(directory.path(), &clock);
        let id = uploads.begin(about(10)).await.unwrap().id().to_owned();
        grown(&uploads, &id, b"abc").await;
        grown(&uploads, &id, b"def").await;
        id
    };
    let half = directory.path().join(format!("uploads/{id}.half"));
    let length = std::fs::metadata(&half).unwrap().len();
    std::fs::File::options().write(true).open(&half).unwrap().set_len(length - 1).unwrap();
    let uploads = uploads(directory.path(), &clock);
    assert_eq!(grown(&uploads, &id, b"xy").await, 5);
}

#[tokio::test]
async fn what_is_stored_is_not_written_again_by_its_upload() {
    let here = Here::new();
    let uploads = uploads(here.directory.path(), &here.clock);
    let upload = uploads.begin(about(3)).await.unwrap();
    grown(&uploads, upload.id(), b"abc").await;
    let mut held = upload.take().await.unwrap();
    let staged = held.staged().await.unwrap();
    let facts = FileFacts { hash: staged.hash, bytes: staged.bytes, ..facts("f", 0) };
    let Added::New(file) = here.files.store(staged, facts).await.unwrap() else { panic!() };
    // As if the program had been killed before it took note.
    drop(held);
    let again = self::uploads(here.directory.path(), &here.clock);
    let mut held = again.find(upload.id(), "key:app").unwrap().take().await.unwrap();
    assert_eq!(held.offset().await.unwrap(), 3);
    drop(held.staged().await.unwrap());
    again.done(&mut held, Done { file: file.id, last_offset: 0 }).await.unwrap();
    assert_eq!(here.read(&file, 0, 3).await.unwrap(), b"abc");
    assert!(held.grow().await.is_err(), "it is whole");
}

#[tokio::test]
async fn a_part_that_is_taken_back_leaves_what_came_before() {
    let (directory, clock) = (tempfile::tempdir().unwrap(), Arc::new(Ahead::default()));
    let uploads = uploads(directory.path(), &clock);
    let upload = uploads.begin(about(6)).await.unwrap();
    grown(&uploads, upload.id(), b"abc").await;
    let mut growing = upload.take().await.unwrap().grow().await.unwrap();
    growing.write(Bytes::from_static(b"xyz")).await.unwrap();
    assert_eq!(growing.take_back().await.unwrap().offset().await.unwrap(), 3);
    grown(&uploads, upload.id(), b"def").await;
    let staged = upload.take().await.unwrap().staged().await.unwrap();
    assert_eq!(staged.hash.0, *Sha256::digest("abcdef"));
}

#[tokio::test]
async fn who_has_an_upload_learns_that_another_wants_it() {
    let (directory, clock) = (tempfile::tempdir().unwrap(), Arc::new(Ahead::default()));
    let upload = uploads(directory.path(), &clock).begin(about(6)).await.unwrap();
    let held = upload.take().await.unwrap();
    let other = tokio::spawn({
        let upload = upload.clone();
        async move { upload.take().await.unwrap().offset().await.unwrap() }
    });
    upload.wanted().await;
    drop(held);
    assert_eq!(other.await.unwrap(), 0);
}

#[tokio::test]
async fn what_is_not_ended_in_time_goes_and_what_is_done_is_known_for_an_hour() {
    let here = Here::new();
    let uploads = uploads(here.directory.path(), &here.clock);
    let late = uploads.begin(about(6)).await.unwrap();
    grown(&uploads, late.id(), b"abc").await;
    here.clock.0.store(1_800_000_000, Ordering::Relaxed);
    let done = uploads.begin(about(0)).await.unwrap();
    let mut held = done.take().await.unwrap();
    uploads.done(&mut held, Done { file: 1, last_offset: 0 }).await.unwrap();
    drop(held);
    assert_eq!(uploads.sweep().await.unwrap(), 0);
    here.clock.0.store(3_600_000_000, Ordering::Relaxed);
    assert!(uploads.is_over(&late));
    assert_eq!(uploads.sweep().await.unwrap(), 1);
    assert!(uploads.find(late.id(), "key:app").is_none());
    assert!(uploads.find(done.id(), "key:app").is_some());
    here.clock.0.store(5_400_000_000, Ordering::Relaxed);
    assert_eq!(uploads.sweep().await.unwrap(), 1);
    assert_eq!(std::fs::read_dir(here.directory.path().join("uploads")).unwrap().count(), 0);
}
