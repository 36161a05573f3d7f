//! Writes a catalog with one of everything: `cargo run -p weir-catalog --example fixture -- FILE`.
//!
//! With each new version of the tables one such file is kept in `fixtures/catalog`, made before the next version.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use bytes::Bytes;
use weir_catalog::SqliteCatalog;
use weir_core::catalog::{
    AccountKey, Catalog, DeadLetter, DeadLetterFilter, Opening, Place, Plan, Settlement,
};
use weir_core::event::{Event, EventId, Offset, Origin, Record, Stream};
use weir_core::log::{Partition, Source};
use weir_core::sink::SinkName;
use weir_core::streams::Streams;
use weir_core::time::Timestamp;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let path = std::env::args().nth(1).context("name the file to write")?;
    let catalog = SqliteCatalog::open(Path::new(&path))?;
    let main = AccountKey::main(&SinkName("search".into()), &Partition("node-1".into()));
    let replay = AccountKey { lane: "replay-1".to_owned(), ..main.clone() };
    let events = Stream::new("events").context("a valid name")?;
    catalog.open_account(&main, &Opening { from: Offset(3), until: None }).await?;
    catalog.open_account(&replay, &Opening { until: Some(Offset(9)), ..Opening::default() }).await?;

    let plan = |first, end| Plan { key: main.clone(), first: Offset(first), end: Offset(end) };
    catalog.plan(&[plan(3, 20), plan(20, 25)]).await?;
    let whole = letter(&main, &events, 1, Some(record(&events)));
    let waiting = letter(&main, &events, 2, Some(record(&events)));
    let lost = DeadLetter { count: 4, ..letter(&main, &events, 3, None) };
    let dead = vec![whole, waiting, lost];
    catalog
        .settle(&Settlement { plan: plan(3, 20), delivered: 10, duplicates: 2, filtered: 1, dead })
        .await?;
    catalog.resend(&DeadLetterFilter::default(), Some(2)).await?;
    let streams = Streams::Named([events.clone()].into());
    catalog.claim(&main, &streams, &[(events.clone(), 25)].into(), 5).await?;
    catalog.pause(&main.sink, true).await?;
    leave_an_input(&catalog, &events).await?;
    catalog.close().await;
    Ok(())
}

/// An input's account, brought to a place, with one letter.
async fn leave_an_input(catalog: &SqliteCatalog, events: &Stream) -> anyhow::Result<()> {
    let partition = Partition::of_topic("kafka", "bus", "event-messages", 3);
    let key = AccountKey::main(&SinkName::of_input("bus"), &partition);
    catalog.open_account(&key, &Opening { from: Offset(40), until: None }).await?;
    let unsettled = [(Offset(40), Offset(44)), (Offset(44), Offset(50))].into();
    catalog.take_up(&key, &Place { era: 77, planned: Offset(50), unsettled }).await?;
    let headers = vec![("stream".to_owned(), "events".to_owned())];
    let (topic, key_text) = ("event-messages".to_owned(), Some("click".to_owned()));
    let source = Source { topic, partition: 3, offset: 42, key: key_text, headers };
    let reason = "invalid_json".to_owned();
    let dead =
        vec![DeadLetter { source: Some(source), reason, ..letter(&key, events, 4, Some(record(events))) }];
    let plan = Plan { key, first: Offset(40), end: Offset(44) };
    catalog.settle(&Settlement { plan, delivered: 0, duplicates: 0, filtered: 0, dead }).await?;
    Ok(())
}

fn letter(key: &AccountKey, stream: &Stream, id: i64, record: Option<Record>) -> DeadLetter {
    DeadLetter {
        id,
        key: key.clone(),
        count: 1,
        stream: stream.clone(),
        record,
        source: None,
        reason: "mapper_parsing_exception".to_owned(),
        detail: "failed to parse field [größe]".to_owned(),
        attempts: 2,
        first_at: Timestamp::from_micros(1_795_338_000_000_001),
        last_at: Timestamp::from_micros(1_795_338_060_000_002),
    }
}

fn record(stream: &Stream) -> Record {
    Record {
        offset: Offset(4),
        stream: stream.clone(),
        received_at: Timestamp::from_micros(1_795_337_999_000_000),
        origin: Arc::new(Origin {
            credential: "jwt:alice".to_owned(),
            user_id: Some("alice".to_owned()),
            device_uuid: Some("device-1".to_owned()),
            app_version: Some("1.2.3".to_owned()),
            os_version: Some("14".to_owned()),
            user_agent: Some("curl/8".to_owned()),
            client_ip: Some("::1".to_owned()),
        }),
        event: Event {
            id: EventId::named(stream, "jwt:alice", "log-1"),
            occurred_at: Timestamp::from_micros(-1),
            client_id: Some("log-1".into()),
            user_id: Some("bob".into()),
            body: Bytes::from_static(br#"{"page":"p","event":"e","param":{"n":1}}"#),
        },
    }
}
