//! Against a real engine: the contract, and that a batch is one block that is stored once.

use std::sync::Arc;

use weir_core::event::Origin;
use weir_core::sink::{Receipt, Sink, Verdict};
use weir_core::testkit::sink::{batch, contract};
use weir_core::time::Timestamp;
use weir_sinks::clickhouse::{ClickHouseSettings, ClickHouseSink, Compression};

use crate::clickhouse::probe::ClickHouseProbe;
use crate::clickhouse::server::Server;
use crate::clickhouse::{event, events};

#[tokio::test(flavor = "multi_thread")]
async fn a_real_engine() {
    let Some(server) = Server::start() else { return };
    it_keeps_the_contract_of_a_sink(&server).await;
    a_full_batch_is_one_part_and_stored_once_without_final(&server).await;
    a_batch_over_two_months_is_stored_once_in_each(&server).await;
    of_a_clients_repeat_the_first_stays(&server).await;
    years_that_the_type_has_not_are_refused_alone(&server).await;
    what_is_asked_of_a_day_is_not_read_from_others(&server).await;
}

async fn it_keeps_the_contract_of_a_sink(server: &Server) {
    for compression in [Compression::None, Compression::Gzip, Compression::Zstd] {
        let settings = ClickHouseSettings { compression, ..server.settings() };
        let table = settings.table.clone();
        let sink = ClickHouseSink::start(settings).unwrap();
        contract(&sink, &ClickHouseProbe { server, table: &table }).await;
    }
}

async fn a_full_batch_is_one_part_and_stored_once_without_final(server: &Server) {
    let settings = server.settings();
    let table = settings.table.clone();
    let sink = ClickHouseSink::start(settings).unwrap();
    let body = format!(r#"{{"page":"/","event":"click","param":{{"text":"{}"}}}}"#, "x".repeat(650));
    let full = batch("p", (0..50_000).map(|offset| event(offset, &body)).collect());
    let large = "x".repeat(33 << 20);
    let large = event(60_000, &format!(r#"{{"page":"/","event":"click","param":"{large}"}}"#));
    let large = batch("p", [vec![large], events(60_001..60_100)].concat());
    for _ in 0..3 {
        assert_eq!(sink.deliver(&full).await.unwrap(), Receipt::default());
        assert_eq!(sink.deliver(&large).await.unwrap(), Receipt::default());
    }
    assert_eq!(server.count(&table).await, 50_100);
    let parts = format!(
        "SELECT uniqExact(part_name) FROM (SELECT _part AS part_name FROM {table} WHERE event = 'click')"
    );
    assert!(server.ask(&parts).await.parse::<u32>().unwrap() <= 2);
}

async fn a_batch_over_two_months_is_stored_once_in_each(server: &Server) {
    let settings = server.settings();
    let table = settings.table.clone();
    let sink = ClickHouseSink::start(settings).unwrap();
    // The first of February begins at offset 2,678,400.
    let both = batch("p", events(2_678_350..2_678_450));
    for _ in 0..2 {
        assert_eq!(sink.deliver(&both).await.unwrap(), Receipt::default());
    }
    let months = format!("SELECT _partition_id, count() FROM {table} GROUP BY 1 ORDER BY 1");
    assert_eq!(server.ask(&months).await, "197001\t50\n197002\t50");
}

async fn of_a_clients_repeat_the_first_stays(server: &Server) {
    let settings = server.settings();
    let table = settings.table.clone();
    let sink = ClickHouseSink::start(settings).unwrap();
    let first = event(10, r#"{"page":"/first","event":"buy"}"#);
    let mut repeat = event(20, r#"{"page":"/second","event":"buy"}"#);
    repeat.event.id = first.event.id;
    sink.deliver(&batch("p", vec![first.clone()])).await.unwrap();
    sink.deliver(&batch("p", vec![repeat.clone()])).await.unwrap();
    assert_eq!(server.ask(&format!("SELECT page FROM {table} FINAL")).await, "/first");
    server.ask(&format!("OPTIMIZE TABLE {table} FINAL")).await;
    assert_eq!(server.ask(&format!("SELECT page FROM {table}")).await, "/first", "after merging too");
    // And in whatever order the two come to the table.
    server.ask(&format!("TRUNCATE TABLE {table}")).await;
    sink.deliver(&batch("q", vec![repeat])).await.unwrap();
    sink.deliver(&batch("q", vec![first])).await.unwrap();
    assert_eq!(server.ask(&format!("SELECT page FROM {table} FINAL")).await, "/first");
}

async fn years_that_the_type_has_not_are_refused_alone(server: &Server) {
    let settings = server.settings();
    let table = settings.table.clone();
    let sink = ClickHouseSink::start(settings).unwrap();
    let mut records = events(0..4);
    let moments = [
        "1899-12-31T23:59:59.999999Z",
        "1900-01-01T00:00:00Z",
        "2299-12-31T23:59:59.999999Z",
        "2300-01-01T00:00:00Z",
    ];
    for (record, moment) in records.iter_mut().zip(moments) {
        record.event.occurred_at = Timestamp::parse(moment).unwrap();
    }
    let receipt = sink.deliver(&batch("p", records)).await.unwrap();
    let refused: Vec<usize> = receipt.exceptions.iter().map(|exception| exception.index).collect();
    assert_eq!(refused, [0, 3]);
    let Verdict::Refused(refusal) = &receipt.exceptions[0].verdict else { panic!("{receipt:?}") };
    assert_eq!(refusal.reason, "column_mismatch");
    assert!(refusal.detail.contains("cannot hold 1899-12-31T23:59:59.999999Z"), "{}", refusal.detail);
    let found = server.ask(&format!("SELECT occurred_at FROM {table} ORDER BY 1")).await;
    assert_eq!(found, "1900-01-01 00:00:00.000000\n2299-12-31 23:59:59.999999");
}

async fn what_is_asked_of_a_day_is_not_read_from_others(server: &Server) {
    let settings = server.settings();
    let table = settings.table.clone();
    let sink = ClickHouseSink::start(settings).unwrap();
    let mut records = events(0..100_000);
    for (record, user) in records.iter_mut().zip(0_u64..) {
        // Ten days of ten thousand users.
        record.event.occurred_at = Timestamp::from_micros((user / 10_000) as i64 * 86_400_000_000);
        record.origin = Arc::new(Origin { user_id: Some((user % 10_000).to_string()), ..Origin::default() });
    }
    sink.deliver(&batch("p", records)).await.unwrap();
    for condition in [
        "stream = 'events' AND event = 'click' AND occurred_at >= '1970-01-03' AND occurred_at < '1970-01-04'",
        "user_id = '4711' AND occurred_at < '1970-01-03'",
    ] {
        let explained =
            server.ask(&format!("EXPLAIN ESTIMATE SELECT count() FROM {table} WHERE {condition}")).await;
        let rows: u64 = explained.split('\t').nth(3).unwrap().parse().unwrap();
        assert!(rows < 50_000, "{condition}: {explained}");
    }
}
