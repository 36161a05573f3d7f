//! What a table costs: puts events of about 4 KB into ClickHouse, as the sink does, and tells time and bytes.
//!
//! `cargo run --release -p weir-sinks --example clickhouse_sample -- URL EVENTS EVENTS_A_BATCH [TABLE]`
//!
//! The events are a shop's: eight kinds, 20,000 users, and in `param` experiments, timings, the products shown, an
//! address with a session's random id, and text of a small vocabulary.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a measurement at a terminal")]

use std::sync::Arc;
use std::time::Instant;

use weir_core::event::{Event, EventId, Offset, Origin, Record, Stream};
use weir_core::sink::Sink;
use weir_core::testkit::sink::batch;
use weir_core::testkit::world::SeededRandom;
use weir_core::time::Timestamp;
use weir_sinks::clickhouse::{ClickHouseSettings, ClickHouseSink};

const KINDS: [&str; 8] = ["view", "click", "scroll", "search", "cart", "buy", "error", "leave"];
const WORDS: [&str; 16] = [
    "summer",
    "shoes",
    "leather",
    "discount",
    "delivery",
    "size",
    "colour",
    "review",
    "wishlist",
    "compare",
    "brand",
    "return",
    "gift",
    "voucher",
    "stock",
    "newsletter",
];
/// 2.5 million a day.
const MICROS_BETWEEN: u64 = 34_560;
const BEGIN: i64 = 1_767_225_600_000_000;

fn text(chance: &SeededRandom, words: usize) -> String {
    let words: Vec<&str> = (0..words).map(|_| WORDS[chance.below(16) as usize]).collect();
    words.join(" ")
}

fn body(chance: &SeededRandom) -> String {
    let product = chance.below(50_000);
    let mut param = String::new();
    for number in 0..12 {
        param.push_str(&format!(r#""experiment_{number}":"variant-{}","#, chance.below(3)));
    }
    for number in 0..10 {
        param.push_str(&format!(r#""timing_{number}_ms":{}.{:03},"#, chance.below(3000), chance.below(1000)));
    }
    let items: Vec<String> = (0..13)
        .map(|_| {
            format!(
                r#"{{"sku":"SKU-{:06}","price":{}.{:02},"title":"{}"}}"#,
                chance.below(50_000),
                chance.below(300),
                chance.below(100),
                text(chance, 14)
            )
        })
        .collect();
    format!(
        r#"{{"page":"/shop/product/{product}","event":"{}","label":"{}","section":"main","param":{{{param}"items":[{}],"referrer":"https://www.example.com/search?q={}&session={:016x}{:016x}","text":"{}"}},"session":"{:016x}"}}"#,
        KINDS[(chance.below(8).min(chance.below(8))) as usize],
        text(chance, 2),
        items.join(","),
        text(chance, 3).replace(' ', "+"),
        chance.below(u64::MAX),
        chance.below(u64::MAX),
        text(chance, 150),
        chance.below(u64::MAX),
    )
}

fn record(offset: u64, chance: &SeededRandom) -> Record {
    let stream = Stream::new("events").unwrap();
    let at = Timestamp::from_micros(BEGIN + (offset * MICROS_BETWEEN) as i64);
    let user = chance.below(20_000);
    let origin = Origin {
        user_id: Some(format!("user-{user}")),
        device_uuid: Some(format!("{:016x}-{user}", user.wrapping_mul(0x9e37_79b9_7f4a_7c15))),
        app_version: Some(format!("4.{}.0", chance.below(12))),
        os_version: Some(format!("Android {}", 9 + chance.below(7))),
        user_agent: Some(format!("Shop/4.{} (Linux; Android) okhttp/4.12", chance.below(40))),
        client_ip: Some(format!("203.0.{}.{}", user / 250, user % 250)),
        ..Origin::default()
    };
    let event = Event {
        id: EventId::named(&stream, "sample", &offset.to_string()),
        occurred_at: at,
        client_id: None,
        user_id: None,
        body: body(chance).into(),
    };
    Record { offset: Offset(offset), stream, received_at: at, origin: Arc::new(origin), event }
}

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, url, events, a_batch, rest @ ..] = arguments.as_slice() else {
        return println!("clickhouse_sample URL EVENTS EVENTS_A_BATCH [TABLE]");
    };
    let (events, a_batch): (u64, u64) = (events.parse().unwrap(), a_batch.parse().unwrap());
    let table = rest.first().map_or("sample", String::as_str).to_owned();
    let sink = ClickHouseSink::start(ClickHouseSettings { table, ..ClickHouseSettings::new(url) }).unwrap();
    sink.check().await.unwrap();
    let chance = SeededRandom::new(7);
    let (mut bytes, mut delivering) = (0, std::time::Duration::ZERO);
    for first in (0..events).step_by(a_batch as usize) {
        let last = events.min(first + a_batch);
        let batch = batch("p", (first..last).map(|offset| record(offset, &chance)).collect());
        bytes += batch.records.iter().map(|record| record.event.body.len()).sum::<usize>();
        let begun = Instant::now();
        sink.deliver(&batch).await.unwrap();
        delivering += begun.elapsed();
    }
    let seconds = delivering.as_secs_f64();
    println!("{events} events of {} bytes", bytes as u64 / events);
    println!("{:.0} events/s, {:.1} MB/s", events as f64 / seconds, bytes as f64 / seconds / 1e6);
}
