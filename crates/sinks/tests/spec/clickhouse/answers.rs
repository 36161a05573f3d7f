//! What the server's answers mean for a batch, and which server is asked.

use std::time::Duration;

use reqwest::Url;
use serde_json::json;
use weir_core::event::COLUMNS;
use weir_core::sink::{Receipt, Sink, SinkError};
use weir_core::testkit::sink::batch;
use weir_sinks::clickhouse::{ClickHouseSettings, ClickHouseSink};

use crate::clickhouse::events;
use crate::opensearch::double::{Double, Received, Reply};

fn parameter(request: &Received, name: &str) -> Option<String> {
    let url = Url::parse(&format!("http://h/?{}", request.query)).unwrap();
    url.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
}

fn is_insert(request: &Received) -> bool {
    parameter(request, "query").is_some_and(|query| query.starts_with("INSERT"))
}

/// As a server answers that has the table.
fn well(request: &Received) -> Reply {
    let query = String::from_utf8_lossy(&request.body);
    if query.contains("version()") {
        Reply::new(200, "26.1.1.1\n")
    } else if query.contains("system.tables") {
        let settings = "SETTINGS non_replicated_deduplication_window = 1";
        let table = json!({ "engine": "ReplacingMergeTree", "sorting_key": "event_id", "create_table_query": settings });
        Reply::json(200, &table)
    } else if query.contains("system.columns") {
        let columns = COLUMNS.map(|name| json!({ "name": name, "type": type_of(name) }).to_string());
        Reply::new(200, columns.join("\n"))
    } else {
        Reply::new(200, "")
    }
}

fn type_of(name: &str) -> &'static str {
    match name {
        "event_id" => "UUID",
        "stream" => "String",
        "occurred_at" | "received_at" => "DateTime64(6)",
        _ => "Nullable(String)",
    }
}

fn error(code: u32, name: &str) -> Reply {
    let mut reply =
        Reply::new(500, format!("Code: {code}. DB::Exception: Words. ({name}) (version 26.1.1.1)\n"));
    reply.headers.push(("X-ClickHouse-Exception-Code", code.to_string()));
    reply
}

fn settings(servers: &[&Double]) -> ClickHouseSettings {
    let urls = servers.iter().map(|server| format!("http://127.0.0.1:{}", server.port())).collect();
    let request_timeout = Duration::from_secs(20);
    ClickHouseSettings { urls, request_timeout, ..ClickHouseSettings::new("") }
}

async fn delivered(settings: ClickHouseSettings) -> Result<Receipt, SinkError> {
    ClickHouseSink::start(settings).unwrap().deliver(&batch("p", events(0..3))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_insert_is_one_block_with_the_batchs_name_as_its_token() {
    let server = Double::start(well).await;
    delivered(settings(&[&server])).await.unwrap();
    let received = server.received();
    let insert = received.iter().find(|request| is_insert(request)).unwrap();
    for (name, value) in [
        ("insert_deduplication_token", "contract/p/0-3"),
        ("query", "INSERT INTO `default`.`events` FORMAT RowBinaryWithNamesAndTypes"),
        ("async_insert", "0"),
        ("input_format_parallel_parsing", "0"),
        ("input_format_skip_unknown_fields", "0"),
        ("max_partitions_per_insert_block", "0"),
    ] {
        assert_eq!(parameter(insert, name).as_deref(), Some(value), "{name}");
    }
    assert_eq!(insert.header("content-encoding"), Some("zstd"));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_error_is_tried_again_refused_or_left_to_a_person() {
    let outcome = |code: u32| async move {
        let server = Double::start(
            move |request| if is_insert(request) { error(code, "NAME") } else { well(request) },
        );
        match delivered(settings(&[&server.await])).await.unwrap_err() {
            SinkError::Retry { .. } => "again",
            SinkError::Refused(_) => "refused",
            SinkError::Blocked { .. } => "blocked",
        }
    };
    for code in [252, 241, 159, 209, 210, 242, 999, 4711] {
        assert_eq!(outcome(code).await, "again", "{code}");
    }
    for code in [26, 27, 38, 41, 53, 69, 70, 72, 117, 131, 349, 441] {
        assert_eq!(outcome(code).await, "refused", "{code}");
    }
    for code in [16, 60, 81, 192, 193, 194, 497, 516, 115] {
        assert_eq!(outcome(code).await, "blocked", "{code}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_password_is_in_a_header_and_in_no_error() {
    let server = Double::start(|_| error(516, "AUTHENTICATION_FAILED")).await;
    let settings = ClickHouseSettings {
        user: Some("somebody".to_owned()),
        password: Some("s3cret".to_owned()),
        ..settings(&[&server])
    };
    let failure = delivered(settings).await.unwrap_err();
    assert!(matches!(failure, SinkError::Blocked { .. }), "{failure:?}");
    assert!(failure.to_string().contains("see to `user` and `password`"), "{failure}");
    assert!(!format!("{failure} {failure:?}").contains("s3cret"));
    for request in server.received() {
        assert_eq!(request.header("x-clickhouse-user"), Some("somebody"));
        assert_eq!(request.header("x-clickhouse-key"), Some("s3cret"));
        assert!(!request.query.contains("s3cret"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_program_answers_is_not_taken_for_success() {
    for (status, blocked) in [(404, true), (302, true), (204, true), (502, false), (429, false)] {
        let server = Double::start(move |_| Reply::new(status, "<html>")).await;
        let failure = delivered(settings(&[&server])).await.unwrap_err();
        assert_eq!(matches!(failure, SinkError::Blocked { .. }), blocked, "{status}: {failure:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_server_takes_over_from_one_that_is_away_or_not_well() {
    let second = Double::start(well).await;
    let first =
        Double::start(
            |request| if is_insert(request) { error(242, "TABLE_IS_READ_ONLY") } else { well(request) },
        );
    let sink = ClickHouseSink::start(settings(&[&first.await, &second])).unwrap();
    sink.deliver(&batch("p", events(0..3))).await.unwrap();
    let away = ClickHouseSettings {
        urls: vec!["http://127.0.0.1:1".to_owned(), format!("http://127.0.0.1:{}", second.port())],
        ..settings(&[])
    };
    delivered(away).await.unwrap();
    let inserts = second.received().iter().filter(|request| is_insert(request)).count();
    assert_eq!(inserts, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_frozen_server_the_next_attempt_goes_to_the_other() {
    let silent = Double::start(|_| Reply { silent: true, ..Reply::new(200, "") }).await;
    let second = Double::start(well).await;
    let settings =
        ClickHouseSettings { request_timeout: Duration::from_secs(1), ..settings(&[&silent, &second]) };
    let sink = ClickHouseSink::start(settings).unwrap();
    let batch = batch("p", events(0..3));
    assert!(matches!(sink.deliver(&batch).await, Err(SinkError::Retry { .. })));
    assert_eq!(sink.deliver(&batch).await.unwrap(), Receipt::default());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_server_is_told_by_its_version() {
    let server = Double::start(|_| Reply::new(200, "23.3.1.2823\n")).await;
    let failure = delivered(settings(&[&server])).await.unwrap_err();
    assert!(failure.to_string().contains("23.8 or later is expected, not 23.3.1.2823"), "{failure}");
}
