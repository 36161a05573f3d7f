//! Logs as earlier versions wrote them. Each version's is kept for ever, and must be read for ever.

use std::path::{Path, PathBuf};

use crate::support::*;
use bytes::Bytes;
use weir_core::event::{Event, EventId, Origin, Stream};
use weir_core::log::Append;
use weir_core::testkit::log::Sample;
use weir_core::time::Timestamp;
use weir_log::segment::verify;

fn fixture(version: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/log").join(version)
}

/// What the fixtures hold: every field in each of its forms, entries of one and of many blocks, three streams.
fn contents() -> Vec<Sample> {
    let received_at = Timestamp::from_micros(1_795_338_000_000_001);
    let full = Origin {
        credential: "jwt:알리스".to_owned(),
        user_id: Some("alice".to_owned()),
        device_uuid: Some("00000000-0000-0000-0000-00000000000a".to_owned()),
        app_version: Some("1.2.3".to_owned()),
        os_version: Some(String::new()),
        user_agent: Some("fixture/1 (🜁)".to_owned()),
        client_ip: Some("2001:db8::1".to_owned()),
    };
    let event = |number: u8, client_id: Option<&str>, user_id: Option<&str>, body: String| Event {
        id: EventId([number; 16]),
        occurred_at: Timestamp::from_micros(i64::from(number) - 3),
        client_id: client_id.map(Into::into),
        user_id: user_id.map(Into::into),
        body: Bytes::from(body),
    };
    let sample = |stream: &str, origin: &Origin, events: Vec<Event>| Sample {
        stream: Stream::new(stream).unwrap(),
        received_at,
        origin: origin.clone(),
        events,
    };
    let many = (0..40).map(|number| event(number, None, None, format!(r#"{{"n":"{}"}}"#, "9".repeat(3000))));
    vec![
        sample(
            "events",
            &full,
            vec![event(1, Some("a-1"), Some("bob"), r#"{"page":"home","event":"view"}"#.to_owned())],
        ),
        sample(
            "telemetry",
            &Origin::default(),
            vec![event(2, Some(""), None, "{}".to_owned()), event(3, None, Some(""), "{}".to_owned())],
        ),
        sample("x.Y-z_0", &full, many.collect()),
        sample(
            "events",
            &Origin::default(),
            vec![event(4, Some("ключ"), None, "{\"\u{10FFFF}\":null}".to_owned())],
        ),
    ]
}

async fn holds_the_contents(version: &str) {
    let dir = tempfile::tempdir().unwrap();
    copy_log(&fixture(version), dir.path());
    let verification = verify(dir.path(), |_, _| {}).unwrap();
    assert!(verification.is_sound() && verification.torn.is_none(), "{verification:?}");
    let (log, report) = open(settings(dir.path()));
    assert!(report.closed_well);
    let records = read_all(&log).await.records;
    let expected = contents();
    let expected =
        expected.iter().flat_map(|sample| (0..sample.events.len()).map(move |index| (sample, index)));
    for (record, (sample, index)) in records.iter().zip(expected.clone()) {
        sample.assert_holds(record, index);
    }
    assert_eq!(records.len(), expected.count());
    assert_eq!(accepted(&log)["x.Y-z_0"], 40);
    append(&log, "events", 0, 1).await.unwrap();
}

#[tokio::test]
async fn a_log_of_version_1_is_read_and_written_on() {
    holds_the_contents("v1").await;
}

/// Writes the fixture of the present version: `WEIR_WRITE_FIXTURE=v2 cargo test -p weir-log --test spec fixture::`.
#[tokio::test]
async fn the_present_version_holds_what_the_fixtures_hold() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(settings(dir.path()));
    for sample in contents() {
        log.append(sample.entry()).await.unwrap();
    }
    log.close().await;
    drop(log);
    if let Some(version) = std::env::var_os("WEIR_WRITE_FIXTURE") {
        copy_log(dir.path(), &fixture(version.to_str().unwrap()));
    }
    let (log, _) = open(settings(dir.path()));
    let samples = contents();
    let expected =
        samples.iter().flat_map(|sample| (0..sample.events.len()).map(move |index| (sample, index)));
    for (record, (sample, index)) in read_all(&log).await.records.iter().zip(expected) {
        sample.assert_holds(record, index);
    }
}

#[tokio::test]
async fn a_log_of_a_later_version_is_left_alone_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    copy_log(&fixture("v1"), dir.path());
    let file = segment_files(dir.path()).remove(0);
    let mut bytes = std::fs::read(&file).unwrap();
    for copy in [0, 4096] {
        bytes[copy + 12] = 9;
        let length = u32::from_le_bytes(bytes[copy + 16..copy + 20].try_into().unwrap()) as usize;
        let crc = crc32c::crc32c(&bytes[copy + 12..copy + length]);
        bytes[copy + 8..copy + 12].copy_from_slice(&crc.to_le_bytes());
    }
    std::fs::write(&file, &bytes).unwrap();
    let outcome =
        weir_log::segment::SegmentLog::open(settings(dir.path()), std::sync::Arc::new(Counting::default()));
    let error = outcome.err().expect("it does not open").to_string();
    assert!(error.contains("version 9") && error.contains("run a newer Weir"), "{error}");
    assert_eq!(std::fs::read(&file).unwrap(), bytes);
}
