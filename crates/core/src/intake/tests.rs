//! What intake promises, over a log in memory.

mod brought;
mod shapes;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::event::Offset;
use crate::formats::pick::Pointer;
use crate::log::{EventLog, ReadLimit};
use crate::observe::Unobserved;
use crate::testkit::log::MemoryLog;
use crate::testkit::world::{SeededRandom, TestClock};

struct Door {
    log: Arc<MemoryLog>,
    intake: Intake,
    events: Stream,
    actions: Stream,
    origin: Origin,
}

impl Door {
    fn open() -> Self {
        let log = Arc::new(MemoryLog::keeping("test"));
        let actions = Stream::new("actions").unwrap();
        let at = |text: &str| Pointer::parse(text);
        let rules = StreamRules::configured(
            actions.clone(),
            at("/id"),
            at("/meta/ts"),
            at("/uid"),
            [at("/uid").unwrap(), at("/kind").unwrap()],
        );
        let intake = Intake::new(
            log.clone(),
            [StreamRules::events(), StreamRules::store(), rules],
            Arc::new(TestClock::start()),
            Arc::new(SeededRandom::new(1)),
            Arc::new(Unobserved),
        );
        let origin = Origin { credential: "key:test".into(), ..Origin::default() };
        Self { log, intake, events: Stream::new("events").unwrap(), actions, origin }
    }

    fn submission<'a>(&'a self, body: &'a Bytes) -> Submission<'a> {
        Submission {
            stream: &self.events,
            format: BodyFormat::Any,
            shape: Shape::Event,
            body,
            origin: &self.origin,
            idempotency_key: None,
            atomic: false,
        }
    }

    async fn send(&self, body: &str) -> Outcome {
        self.intake.accept(self.submission(&Bytes::from(body.to_owned()))).await.unwrap()
    }

    async fn records(&self) -> Vec<crate::event::Record> {
        let partition = self.log.partitions().remove(0);
        let limit = ReadLimit { max_events: usize::MAX, max_bytes: usize::MAX };
        self.log.read(&partition, Offset(0), limit).await.unwrap().records
    }
}

fn codes(outcome: &Outcome) -> Vec<(usize, &'static str)> {
    outcome.rejected.iter().map(|rejection| (rejection.index, rejection.code)).collect()
}

#[tokio::test]
async fn an_event_is_kept_as_it_came() {
    let door = Door::open();
    let body = r#"{"page" : "/home","event":"click", "n":1.50, "n":2}"#;
    let outcome = door.send(body).await;
    let records = door.records().await;
    assert_eq!(outcome.ids, [records[0].event.id]);
    assert_eq!(records[0].event.body, body.as_bytes());
    assert_eq!(records[0].event.occurred_at, records[0].received_at);
}

#[tokio::test]
async fn line_ends_between_its_parts_become_blanks() {
    let door = Door::open();
    door.send("{\"page\":\"/\",\r\n\"event\":\"a\\nb\"}").await;
    assert_eq!(door.records().await[0].event.body, "{\"page\":\"/\",  \"event\":\"a\\nb\"}".as_bytes());
}

#[tokio::test]
async fn a_bad_member_is_named_and_the_others_are_taken() {
    let door = Door::open();
    let outcome = door
        .send(r#"[{"page":"/","event":"a"},7,{"page":"/"},{"page":1,"event":"b"},{"page":"/","event":"c"}]"#)
        .await;
    assert_eq!(outcome.ids.len(), 2);
    assert_eq!(codes(&outcome), [(1, "not_an_object"), (2, "missing_member"), (3, "wrong_type")]);
    assert_eq!(door.records().await.len(), 2);
}

#[tokio::test]
async fn one_line_that_is_not_utf_8_spoils_no_other() {
    let door = Door::open();
    let body =
        Bytes::from_static(b"{\"page\":\"/\",\"event\":\"a\"}\n\"\xFF\"\n{\"page\":\"/\",\"event\":\"b\"}");
    let submission = Submission { format: BodyFormat::Lines, ..door.submission(&body) };
    let outcome = door.intake.accept(submission).await.unwrap();
    assert_eq!((outcome.ids.len(), codes(&outcome)), (2, vec![(1, "invalid_utf8")]));
}

#[tokio::test]
async fn all_or_nothing_takes_nothing_when_one_is_bad() {
    let door = Door::open();
    let body = Bytes::from_static(br#"[{"page":"/","event":"a"},{}]"#);
    let outcome = door.intake.accept(Submission { atomic: true, ..door.submission(&body) }).await.unwrap();
    assert_eq!((outcome.ids.len(), codes(&outcome)), (0, vec![(1, "missing_member")]));
    assert!(door.records().await.is_empty());
}

#[tokio::test]
async fn the_clients_own_id_makes_the_same_event_again() {
    let door = Door::open();
    let first = door.send(r#"{"page":"/","event":"a","log_id":"1"}"#).await;
    let again = door.send(r#"{"event":"a","page":"/","log_id":"1"}"#).await;
    let other = door.send(r#"{"page":"/","event":"a","log_id":"2"}"#).await;
    assert_eq!(first.ids, again.ids);
    assert_ne!(first.ids, other.ids);
    assert_eq!(door.records().await[0].event.client_id.as_deref(), Some("1"));
}

#[tokio::test]
async fn the_same_id_of_another_credential_is_another_event() {
    let door = Door::open();
    let body = Bytes::from_static(br#"{"page":"/","event":"a","log_id":"1"}"#);
    let stranger = Origin { credential: "key:other".into(), ..Origin::default() };
    let mine = door.intake.accept(door.submission(&body)).await.unwrap();
    let theirs =
        door.intake.accept(Submission { origin: &stranger, ..door.submission(&body) }).await.unwrap();
    assert_ne!(mine.ids, theirs.ids);
}

#[tokio::test]
async fn an_idempotency_key_names_the_events_that_have_no_id() {
    let door = Door::open();
    let body = Bytes::from_static(br#"[{"page":"/","event":"a"},{"page":"/","event":"b","log_id":"1"}]"#);
    let keyed = |key: &'static str| Submission { idempotency_key: Some(key), ..door.submission(&body) };
    let first = door.intake.accept(keyed("k")).await.unwrap();
    let again = door.intake.accept(keyed("k")).await.unwrap();
    let other = door.intake.accept(keyed("l")).await.unwrap();
    assert_eq!(first.ids, again.ids);
    assert_ne!(first.ids[0], other.ids[0]);
    assert_eq!(first.ids[1], other.ids[1]);
}

#[tokio::test]
async fn a_configured_stream_has_members_of_its_own() {
    let door = Door::open();
    let body = Bytes::from_static(br#"{"id":7,"uid":"u","kind":"x","meta":{"ts":1795338000}}"#);
    let submission = Submission { stream: &door.actions, ..door.submission(&body) };
    door.intake.accept(submission).await.unwrap();
    let record = door.records().await.remove(0);
    assert_eq!(record.event.client_id.as_deref(), Some("7"));
    assert_eq!(record.user_id(), Some("u"));
    assert_eq!(record.event.occurred_at.to_string(), "2026-11-22T09:00:00.000000Z");
}

#[tokio::test]
async fn a_log_that_is_full_means_that_nothing_is_acknowledged() {
    let door = Door::open();
    let full = LogError::Retry { reason: "full".into(), after: Duration::from_secs(1) };
    door.log.refuse(Some(full));
    let body = Bytes::from_static(br#"{"page":"/","event":"a"}"#);
    assert!(matches!(door.intake.accept(door.submission(&body)).await, Err(IntakeError::Log(_))));
    assert!(door.records().await.is_empty());
}

#[tokio::test]
async fn a_body_without_events_is_told_so() {
    let door = Door::open();
    for body in ["[]", "  \n "] {
        let body = Bytes::from(body);
        let submission = Submission { format: BodyFormat::Lines, ..door.submission(&body) };
        let format = if body.starts_with(b"[") { BodyFormat::Any } else { BodyFormat::Lines };
        assert!(matches!(
            door.intake.accept(Submission { format, ..submission }).await,
            Err(IntakeError::Empty)
        ));
    }
}

#[test]
fn issued_ids_are_version_7_and_count_up() {
    let ids = IssuedIds::new(Timestamp::from_micros(1_795_338_000_000_001), &SeededRandom::new(3));
    let texts: Vec<String> = (0..1000).map(|index| ids.nth(index).to_string()).collect();
    assert!(texts.iter().all(|text| text.starts_with("01a2027b-d680-7") && "89ab".contains(&text[19..20])));
    let distinct: std::collections::BTreeSet<&String> = texts.iter().collect();
    assert_eq!(distinct.len(), 1000);
}

proptest! {
    #[test]
    fn whatever_is_sent_each_member_is_either_accepted_or_named(
        body in prop::collection::vec(prop_oneof![
            Just(r#"{"page":"/","event":"a"}"#.to_owned()),
            Just(r#"{"page":"/","event":"a","occurred_at":"no"}"#.to_owned()),
            "[^\n]{0,30}",
        ], 0..20),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let door = Door::open();
            let lines = body.iter().filter(|line| !line.trim_ascii().is_empty()).count();
            let body = Bytes::from(body.join("\n"));
            let submission = Submission { format: BodyFormat::Lines, ..door.submission(&body) };
            if let Ok(outcome) = door.intake.accept(submission).await {
                prop_assert_eq!(outcome.ids.len() + outcome.rejected.len(), lines);
                prop_assert_eq!(door.records().await.len(), outcome.ids.len());
            }
            Ok(())
        })?;
    }
}
