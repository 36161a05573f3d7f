//! Columns of one's own against a real engine: every type, at its edges.

use weir_core::sink::{Receipt, Sink, Verdict};
use weir_core::testkit::sink::{batch, contract};
use weir_sinks::clickhouse::{ClickHouseSettings, ClickHouseSink};
use weir_sinks::columns::ColumnSettings;

use crate::clickhouse::event;
use crate::clickhouse::probe::ClickHouseProbe;
use crate::clickhouse::server::Server;

pub fn column(name: &str, from: &str, kind: &str) -> ColumnSettings {
    ColumnSettings { name: name.to_owned(), from: from.to_owned(), kind: kind.to_owned() }
}

/// A type, a value as the client sends it, and as the engine shows it.
const EDGES: [(&str, &str, &str); 31] = [
    ("Int8", "-128", "-128"),
    ("Int16", "32767", "32767"),
    ("Int32", "-2147483648", "-2147483648"),
    ("Int64", "9223372036854775807", "9223372036854775807"),
    ("Int128", "-170141183460469231731687303715884105728", "-170141183460469231731687303715884105728"),
    (
        "Int256",
        "57896044618658097711785492504343953926634992332820282019728792003956564819967",
        "57896044618658097711785492504343953926634992332820282019728792003956564819967",
    ),
    ("UInt8", "255", "255"),
    ("UInt16", "65535.0", "65535"),
    ("UInt32", "4294967295", "4294967295"),
    ("UInt64", "18446744073709551615", "18446744073709551615"),
    ("UInt128", "340282366920938463463374607431768211455", "340282366920938463463374607431768211455"),
    ("UInt256", "1e77", "100000000000000000000000000000000000000000000000000000000000000000000000000000"),
    ("Float32", "0.5", "0.5"),
    ("Float64", "1e308", "1e308"),
    ("Decimal(9, 2)", "-9999999.99", "-9999999.99"),
    ("Decimal(18, 4)", "1.5", "1.5"),
    ("Decimal(38, 10)", "1234567890123456789012345678.0123456789", "1234567890123456789012345678.0123456789"),
    ("Decimal(76, 1)", "-0.1", "-0.1"),
    ("Bool", "true", "true"),
    ("String", "\"caf\\u00e9\"", "café"),
    ("LowCardinality(String)", "\"word\"", "word"),
    ("Date", "\"2149-06-06\"", "2149-06-06"),
    ("Date32", "\"1900-01-01\"", "1900-01-01"),
    ("DateTime", "\"2106-02-07T06:28:15Z\"", "2106-02-07 06:28:15"),
    ("DateTime64(0)", "\"1900-01-01T00:00:00Z\"", "1900-01-01 00:00:00"),
    ("DateTime64(6)", "1.000001", "1970-01-01 00:00:01.000001"),
    ("DateTime64(9)", "\"2262-01-01T00:00:00.123456789+01:00\"", "2261-12-31 23:00:00.123456789"),
    ("UUID", "\"80acee76-f9d9-892e-bed9-622ee66e2bbe\"", "80acee76-f9d9-892e-bed9-622ee66e2bbe"),
    ("IPv4", "\"192.0.2.1\"", "192.0.2.1"),
    ("IPv6", "\"2001:db8::1\"", "2001:db8::1"),
    ("Nullable(Int8)", "null", "\\N"),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_real_engines_columns() {
    let Some(server) = Server::start() else { return };
    a_sink_with_columns_of_its_own_keeps_the_contract(&server).await;
    every_type_holds_its_edges_and_reads_as_it_was_sent(&server).await;
    an_event_that_does_not_fit_is_refused_alone(&server).await;
}

async fn a_sink_with_columns_of_its_own_keeps_the_contract(server: &Server) {
    let columns = vec![column("p", "param", "String"), column("n", "/param/none", "UInt64")];
    let settings = ClickHouseSettings { columns, ..server.settings() };
    let table = settings.table.clone();
    let sink = ClickHouseSink::start(settings).unwrap();
    contract(&sink, &ClickHouseProbe { server, table: &table }).await;
}

async fn every_type_holds_its_edges_and_reads_as_it_was_sent(server: &Server) {
    let name = |place: usize| format!("c{place}");
    let columns = EDGES.iter().enumerate();
    let columns =
        columns.map(|(place, (kind, ..))| column(&name(place), &format!("/param/{place}"), kind)).collect();
    let settings = ClickHouseSettings { columns, ..server.settings() };
    let table = settings.table.clone();
    let values: Vec<&str> = EDGES.iter().map(|(_, value, _)| *value).collect();
    let full = format!(r#"{{"page":"/","event":"e","param":[{}]}}"#, values.join(","));
    let records = vec![event(1, &full), event(2, r#"{"page":"/","event":"e"}"#)];
    let receipt = ClickHouseSink::start(settings).unwrap().deliver(&batch("p", records)).await;
    assert_eq!(receipt.unwrap(), Receipt::default());
    let names: Vec<String> = (0..EDGES.len()).map(name).collect();
    let select = format!("SELECT {} FROM {table} ORDER BY received_at FORMAT TSV", names.join(", "));
    let found = server.ask(&select).await;
    let (first, second) = found.split_once('\n').unwrap();
    for ((kind, value, expected), found) in EDGES.iter().zip(first.split('\t')) {
        assert_eq!(found, *expected, "{kind} {value}");
    }
    assert!(second.split('\t').all(|cell| cell == "\\N"), "{second}");
}

async fn an_event_that_does_not_fit_is_refused_alone(server: &Server) {
    let columns = vec![column("count", "/param/n", "UInt8")];
    let settings = ClickHouseSettings { columns, ..server.settings() };
    let table = settings.table.clone();
    let event_of =
        |offset, n: &str| event(offset, &format!(r#"{{"page":"/","event":"e","param":{{"n":{n}}}}}"#));
    let mut records: Vec<_> = (0..1000).map(|offset| event_of(offset, "255")).collect();
    records[417] = event_of(417, "256");
    let receipt = ClickHouseSink::start(settings).unwrap().deliver(&batch("p", records)).await.unwrap();
    let [exception] = receipt.exceptions.as_slice() else { panic!("{receipt:?}") };
    let Verdict::Refused(refusal) = &exception.verdict else { panic!("{exception:?}") };
    assert_eq!(exception.index, 417);
    assert_eq!(refusal.detail, "column \"count\" of type UInt8 cannot hold 256");
    assert_eq!(server.count(&table).await, 999);
}
