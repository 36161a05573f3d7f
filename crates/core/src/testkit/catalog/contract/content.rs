//! What is put in comes out, whatever it is.

use std::sync::Arc;

use bytes::Bytes;

use crate::catalog::{AccountKey, Catalog, DeadLetter, DeadLetterFilter, Opening};
use crate::event::{EventId, Offset, Origin, Record};
use crate::log::{Partition, Source};
use crate::sink::SinkName;
use crate::streams::Streams;
use crate::testkit::catalog::samples::{account, key, letter, plan, stream, with_letters};
use crate::time::Timestamp;

/// Quotes, a NUL, a combining mark, an astral letter, a line end and a text that runs from right to left.
const ODD_TEXT: &str = "a'b\"c\0d\u{301} 😀 \n \\ ??1 مرحبا";
const BODY_LARGE_BYTES: usize = 1024 * 1024;

pub(super) async fn all<C: Catalog, F: AsyncFn() -> C>(open: &F) {
    a_letter_comes_back_whole(&open().await).await;
    odd_names_are_kept_apart(&open().await).await;
    bodies_of_any_bytes_and_size_come_back(&open().await).await;
    extreme_moments_and_numbers_come_back(&open().await).await;
    offsets_near_the_limit_are_planned(&open().await).await;
}

async fn comes_back<C: Catalog>(catalog: &C, sent: DeadLetter) {
    with_letters(catalog, &sent.key, std::slice::from_ref(&sent)).await;
    let every = DeadLetterFilter::default();
    assert_eq!(catalog.dead_letter(sent.id).await.unwrap().as_ref(), Some(&sent));
    assert!(catalog.dead_letters(&every, None, 1_000).await.unwrap().contains(&sent));
    let taken = catalog.resend(&every, Some(sent.id)).await.unwrap();
    if sent.record.is_none() || sent.source.is_some() {
        assert_eq!(taken, [], "what has no bytes, or is no sink's, is not sent again");
    } else {
        assert_eq!(taken, [(sent.key.clone(), sent.count)]);
        assert!(catalog.resending(&sent.key, 1_000).await.unwrap().contains(&sent));
    }
}

fn odd_record(at: Timestamp) -> Record {
    let odd = || Some(ODD_TEXT.to_owned());
    let mut record = crate::testkit::catalog::samples::record(1);
    record.received_at = at;
    record.origin = Arc::new(Origin {
        credential: ODD_TEXT.to_owned(),
        user_id: odd(),
        device_uuid: odd(),
        app_version: Some(String::new()),
        os_version: odd(),
        user_agent: odd(),
        client_ip: odd(),
    });
    record.event.id = EventId([0xFF; 16]);
    record.event.occurred_at = at;
    record.event.client_id = Some(ODD_TEXT.into());
    record.event.user_id = Some("".into());
    record
}

async fn a_letter_comes_back_whole<C: Catalog>(catalog: &C) {
    let mut sent = letter(&key("a"), 1);
    sent.record = Some(odd_record(Timestamp::from_micros(1)));
    sent.reason = ODD_TEXT.to_owned();
    sent.detail = ODD_TEXT.repeat(5_000);
    sent.attempts = u32::MAX;
    comes_back(catalog, sent).await;

    let mut bare = letter(&key("a"), 2);
    (bare.record, bare.reason, bare.detail, bare.attempts) = (None, String::new(), String::new(), 0);
    comes_back(catalog, bare).await;

    let mut foreign = letter(&key("input:a"), 3);
    foreign.source = Some(Source {
        topic: ODD_TEXT.to_owned(),
        partition: i32::MAX,
        offset: i64::MAX,
        key: Some(String::new()),
        headers: vec![("a".to_owned(), ODD_TEXT.to_owned()), ("a".to_owned(), String::new())],
    });
    comes_back(catalog, foreign.clone()).await;
    (foreign.id, foreign.record, foreign.source) = (4, None, Some(Source::default()));
    comes_back(catalog, foreign).await;
}

async fn odd_names_are_kept_apart<C: Catalog>(catalog: &C) {
    let names = ["", "a", "A", "a\0", "a\0b", ODD_TEXT, "a ", "%"];
    let key = |name: &str| AccountKey {
        sink: SinkName(name.into()),
        partition: Partition(name.into()),
        lane: name.to_owned(),
    };
    for (from, name) in (1..).zip(names) {
        let opening = Opening { from: Offset(from), until: Some(Offset(from)) };
        catalog.open_account(&key(name), &opening).await.unwrap();
        let accepted_before = [(stream("events"), from), (stream("x.y"), u64::from(u32::MAX))].into();
        catalog.claim(&key(name), &Streams::All, &accepted_before, 0).await.unwrap();
    }
    for (from, name) in (1..).zip(names) {
        let opened = account(catalog, &key(name)).await;
        assert_eq!(opened.opening.from, Offset(from), "{name:?}");
        assert_eq!(opened.claim.unwrap().accepted_before[&stream("events")], from);
    }
    assert_eq!(catalog.accounts().await.unwrap().len(), names.len());
}

async fn bodies_of_any_bytes_and_size_come_back<C: Catalog>(catalog: &C) {
    let large: Vec<u8> = (0..BODY_LARGE_BYTES).map(|i| (i * 31 % 251) as u8).collect();
    let bodies = [Bytes::new(), Bytes::from_static(b"\0\xFF\x80{}\n\0"), Bytes::from(large)];
    for (id, body) in (1..).zip(bodies) {
        let mut sent = letter(&key("a"), id);
        sent.record.as_mut().unwrap().event.body = body;
        comes_back(catalog, sent).await;
    }
}

async fn extreme_moments_and_numbers_come_back<C: Catalog>(catalog: &C) {
    for (id, micros) in [(0, i64::MIN), (1, i64::MAX), (2, 0), (i64::MAX, -1)] {
        let at = Timestamp::from_micros(micros);
        let mut sent = letter(&key("a"), id);
        (sent.first_at, sent.last_at, sent.record) = (at, at, Some(odd_record(at)));
        comes_back(catalog, sent).await;
    }
    let (earliest, latest) = (Timestamp::from_micros(i64::MIN), Timestamp::from_micros(i64::MAX));
    let whole = DeadLetterFilter { from: Some(earliest), to: Some(latest), ..DeadLetterFilter::default() };
    assert_eq!(catalog.resend(&whole, None).await.unwrap(), []);
}

async fn offsets_near_the_limit_are_planned<C: Catalog>(catalog: &C) {
    let limit = i64::MAX.unsigned_abs();
    let opening = Opening { from: Offset(limit - 10), until: Some(Offset(limit)) };
    catalog.open_account(&key("a"), &opening).await.unwrap();
    let batch = plan(&key("a"), limit - 10, limit);
    catalog.plan(std::slice::from_ref(&batch)).await.unwrap();
    assert_eq!(catalog.unsettled(&key("a")).await.unwrap(), [batch]);
    assert_eq!(account(catalog, &key("a")).await.opening, opening);
}
