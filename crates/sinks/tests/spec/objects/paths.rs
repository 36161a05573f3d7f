//! No path leaves the root, whatever an event says and whatever lies beneath the root.

use std::fs;
use std::os::unix::fs::symlink;
use std::sync::Arc;

use weir_core::event::Stream;
use weir_core::sink::{Sink, SinkError};
use weir_core::testkit::sink::batch;
use weir_core::time::Timestamp;
use weir_sinks::objects::{ObjectsSettings, ObjectsSink};

use crate::objects::events;
use crate::objects::probe::files;

#[tokio::test]
async fn nothing_that_is_filled_in_can_leave_the_root() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root");
    for hostile in ["../../evil", "..", "/etc/evil", "a/../../..", "\0", ".hidden", "ä/ö", "C:\\evil"] {
        let sink = ObjectsSink::start(ObjectsSettings {
            name: "{stream}/{environment}/{consumer}/{hash}.json".to_owned(),
            consumer: hostile.to_owned(),
            environment: hostile.to_owned(),
            ..ObjectsSettings::new(format!("file://{}", root.display()))
        });
        let mut records = events([0]);
        records[0].stream = Stream::new("a..").unwrap();
        let text = serde_json::Value::from(hostile);
        records[0].event.body = format!(r#"{{"stream":{text},"consumer":{text},"hash":{text}}}"#).into();
        records[0].event.client_id = Some(hostile.into());
        records[0].event.user_id = Some(hostile.into());
        sink.unwrap().deliver(&batch(hostile, records)).await.unwrap();
    }
    assert_eq!(files(&root).len(), 8);
    assert_eq!(files(folder.path()).len(), 8, "nothing outside the root");
    let four_plain_parts = |name: &String| {
        name.split('/').count() == 4 && name.split('/').all(|part| !part.is_empty() && !part.starts_with('.'))
    };
    assert!(files(&root).keys().all(four_plain_parts), "{:?}", files(&root).keys());
}

#[tokio::test]
async fn links_beneath_the_root_are_not_followed() {
    let (folder, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let sink =
        ObjectsSink::start(ObjectsSettings::new(format!("file://{}", folder.path().display()))).unwrap();
    let batch = batch("p", events([0]));
    for (link, name) in [("1970", ""), ("1971", "1")] {
        let at = folder.path().join(link);
        if name.is_empty() {
            symlink(outside.path(), &at).unwrap();
        } else {
            fs::create_dir(&at).unwrap();
            symlink(outside.path(), at.join(name)).unwrap();
        }
    }
    let Err(SinkError::Blocked { cause }) = sink.deliver(&batch).await else {
        panic!("the link was followed")
    };
    assert!(cause.to_string().contains("links beneath the root are not followed"), "{cause}");
    let mut later = batch.clone();
    Arc::make_mut(&mut later.records)[0].event.occurred_at =
        Timestamp::parse("1971-01-05T00:00:00Z").unwrap();
    assert!(matches!(sink.deliver(&later).await, Err(SinkError::Blocked { .. })));
    assert!(files(outside.path()).is_empty());
}

#[tokio::test]
async fn a_link_in_an_objects_place_is_neither_followed_nor_taken_for_it() {
    let (folder, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let sink =
        ObjectsSink::start(ObjectsSettings::new(format!("file://{}", folder.path().display()))).unwrap();
    let batch = batch("p", events([0]));
    sink.deliver(&batch).await.unwrap();
    let object = folder.path().join(files(folder.path()).keys().next().unwrap());
    fs::remove_file(&object).unwrap();
    symlink(outside.path().join("target"), &object).unwrap();
    assert!(matches!(sink.deliver(&batch).await, Err(SinkError::Blocked { .. })));
    assert!(files(outside.path()).is_empty());
}
