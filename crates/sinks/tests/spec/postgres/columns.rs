//! Columns of one's own, as the server reads them.

use weir_core::sink::{Receipt, Sink, Verdict};
use weir_core::testkit::sink::batch;
use weir_sinks::columns::ColumnSettings;

use crate::postgres::server::Server;
use crate::postgres::{SUITE, events, settings, start};

const DECEMBER: &str = "2026-12-01T00:00:00Z";

/// Type, what the event says, how the server writes it.
const CELLS: [(&str, &str, &str); 24] = [
    ("smallint", "-32768", "-32768"),
    ("integer", "2147483647", "2147483647"),
    ("bigint", "-9223372036854775808", "-9223372036854775808"),
    ("real", "0.1", "0.1"),
    ("double precision", "1e308", "1e+308"),
    ("numeric", "-123456789012345678901234567890.1234567890", "-123456789012345678901234567890.1234567890"),
    ("numeric", "0.000100", "0.000100"),
    ("numeric", "1e20", "100000000000000000000"),
    ("numeric", "10000", "10000"),
    ("numeric(6,2)", "1234.5", "1234.50"),
    ("text", "{\"a\":1}", "{\"a\":1}"),
    ("varchar(3)", "\"🦀éa\"", "🦀éa"),
    ("boolean", "true", "true"),
    ("date", "\"0001-01-01\"", "0001-01-01"),
    ("date", "\"-004711-01-01\"", "4712-01-01 BC"),
    ("date", "\"2300-02-28\"", "2300-02-28"),
    ("timestamptz", "\"1900-01-01T00:00:00.000001+02:00\"", "1899-12-31 22:00:00.000001+00"),
    ("timestamptz", "1795338000.5", "2026-11-22 09:00:00.5+00"),
    ("timestamp", "\"2263-01-01T12:00:00\"", "2263-01-01 12:00:00"),
    ("uuid", "\"80ACEE76-f9d9-892e-bed9-622ee66e2bbe\"", "80acee76-f9d9-892e-bed9-622ee66e2bbe"),
    ("jsonb", "{\"b\":1.50,\"a\":[]}", "{\"a\": [], \"b\": 1.50}"),
    ("json", "{\"b\":1.50,\"a\":\"\\u0041\"}", "{\"b\":1.50,\"a\":\"\\u0041\"}"),
    ("inet", "\"192.0.2.1\"", "192.0.2.1/32"),
    ("inet", "\"2001:db8::1/64\"", "2001:db8::1/64"),
];

fn column(place: usize, kind: &str) -> ColumnSettings {
    ColumnSettings { name: format!("Cell_{place}"), from: format!("/c{place}"), kind: kind.to_owned() }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_type_holds_what_the_event_says_and_null_where_it_is_silent() {
    let Some(server) = Server::start(SUITE) else { return };
    let cells = || CELLS.iter().enumerate();
    let columns = cells().map(|(place, (kind, ..))| column(place, kind)).collect();
    let sink = start(&weir_sinks::postgres::PostgresSettings { columns, ..settings(&server, "typed") });
    let members: Vec<String> = cells().map(|(place, (_, json, _))| format!("\"c{place}\":{json}")).collect();
    let mut records = events(0..2, DECEMBER);
    records[0].event.body = format!(r#"{{"page":"p","event":"e",{}}}"#, members.join(",")).into();
    assert_eq!(sink.deliver(&batch("p", records)).await.unwrap(), Receipt::default());
    for (place, (kind, json, text)) in cells() {
        let found = server.ask(&format!("SELECT \"Cell_{place}\"::text FROM typed ORDER BY page")).await;
        assert_eq!(found, ["null", *text], "{kind} of {json}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_column_cannot_hold_is_refused_alone_without_asking_the_server() {
    let Some(server) = Server::start(SUITE) else { return };
    let columns = vec![column(0, "smallint"), column(1, "varchar(2)"), column(2, "timestamptz")];
    let sink = start(&weir_sinks::postgres::PostgresSettings { columns, ..settings(&server, "strict") });
    let mut records = events(0..6, DECEMBER);
    let bad = [
        (1, r#""c0":40000"#, "column_mismatch"),
        (2, r#""c1":"abc""#, "column_mismatch"),
        (3, r#""c2":"yesterday""#, "column_mismatch"),
        (4, r#""label":"a\u0000b""#, "22021"),
        (5, r#""param":{"n":1e200000}"#, "22003"),
    ];
    for (place, member, _) in bad {
        records[place].event.body = format!(r#"{{"page":"p","event":"e",{member}}}"#).into();
    }
    let receipt = sink.deliver(&batch("p", records)).await.unwrap();
    let found = receipt.exceptions.iter().map(|exception| match &exception.verdict {
        Verdict::Refused(refusal) => (exception.index, refusal.reason.as_str()),
        Verdict::Retry(why) => panic!("{why}"),
    });
    let found: Vec<_> = found.collect();
    assert_eq!(found, bad.map(|(place, _, reason)| (place, reason)));
    assert_eq!(server.count("strict").await, (1, 1));
}
