//! The table against a real engine: made, compared, mended, made again.

use std::time::Duration;

use weir_core::sink::{Receipt, Sink, SinkError};
use weir_core::testkit::sink::batch;
use weir_sinks::clickhouse::{ClickHouseSettings, ClickHouseSink, JsonType};

use crate::clickhouse::columns::column;
use crate::clickhouse::server::Server;
use crate::clickhouse::{event, events};

#[tokio::test(flavor = "multi_thread")]
async fn a_real_engines_tables() {
    let Some(server) = Server::start() else { return };
    what_a_table_lacks_is_told_with_the_statements_that_mend_it(&server).await;
    a_table_of_another_kind_is_left_alone(&server).await;
    a_table_that_is_gone_is_made_again(&server).await;
    a_column_that_changed_while_running_stops_the_sink_until_it_is_mended(&server).await;
    types_with_the_same_bytes_will_do(&server).await;
    what_nobody_may_do_or_nobody_made_is_told(&server).await;
    rows_go_after_their_time(&server).await;
    the_json_type_refuses_what_it_cannot_keep(&server).await;
}

fn start(settings: &ClickHouseSettings) -> ClickHouseSink {
    ClickHouseSink::start(settings.clone()).unwrap()
}

fn blocked(result: Result<impl Sized, SinkError>) -> String {
    match result {
        Err(SinkError::Blocked { cause }) => format!("{cause:#}"),
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("it went well"),
    }
}

async fn what_a_table_lacks_is_told_with_the_statements_that_mend_it(server: &Server) {
    let mut settings = server.settings();
    let table = settings.table.clone();
    start(&settings).check().await.unwrap();
    for change in [
        "DROP COLUMN label, DROP COLUMN client_ip, DROP COLUMN target",
        "ADD COLUMN target Nullable(Int64)",
        "RESET SETTING non_replicated_deduplication_window",
    ] {
        server.ask(&format!("ALTER TABLE {table} {change}")).await;
    }
    settings.columns = vec![column("price", "/param/price", "Decimal(10, 2)")];
    settings.ttl = Some(Duration::from_secs(86_400 * 3650));
    let sink = start(&settings);
    let told = blocked(sink.check().await);
    assert_eq!(blocked(sink.deliver(&batch("p", vec![event(2_000_000_000, "{}")])).await), told);
    let (_, statements) = told.split_once("mend it with: ").unwrap();
    assert_eq!(statements.matches("ALTER TABLE").count(), 3, "{statements}");
    for statement in statements.split_terminator(';') {
        server.ask(statement).await;
    }
    sink.check().await.unwrap();
    let receipt = sink.deliver(&batch("p", vec![event(2_000_000_000, r#"{"page":"/","event":"e"}"#)])).await;
    assert_eq!(receipt.unwrap(), Receipt::default());
}

async fn a_table_of_another_kind_is_left_alone(server: &Server) {
    for (engine, order) in [("MergeTree", "event_id"), ("ReplacingMergeTree", "stream")] {
        let settings = server.settings();
        let table = &settings.table;
        server
            .ask(&format!(
                "CREATE TABLE {table} (event_id UUID, stream String) ENGINE = {engine} ORDER BY {order}"
            ))
            .await;
        let told = blocked(start(&settings).check().await);
        assert!(told.contains("a ReplacingMergeTree with event_id in its order is expected"), "{told}");
    }
}

async fn a_table_that_is_gone_is_made_again(server: &Server) {
    let settings = server.settings();
    let sink = start(&settings);
    sink.deliver(&batch("p", events(0..10))).await.unwrap();
    server.ask(&format!("DROP TABLE {} SYNC", settings.table)).await;
    let next = batch("p", events(10..30));
    assert!(matches!(sink.deliver(&next).await, Err(SinkError::Retry { .. })));
    assert_eq!(sink.deliver(&next).await.unwrap(), Receipt::default());
    assert_eq!(server.count(&settings.table).await, 20);
}

async fn a_column_that_changed_while_running_stops_the_sink_until_it_is_mended(server: &Server) {
    let settings = server.settings();
    let table = &settings.table;
    let sink = start(&settings);
    sink.deliver(&batch("p", events(0..10))).await.unwrap();
    let next = batch("p", events(10..30));
    for (change, remedy) in [
        ("DROP COLUMN page", "ADD COLUMN `page` Nullable(String)"),
        ("MODIFY COLUMN label Nullable(FixedString(3))", "MODIFY COLUMN `label` Nullable(String)"),
    ] {
        server.ask(&format!("ALTER TABLE {table} {change}")).await;
        let told = blocked(sink.deliver(&next).await);
        assert!(told.contains(remedy), "{told}");
        server.ask(&format!("ALTER TABLE {table} {remedy}")).await;
    }
    assert_eq!(sink.deliver(&next).await.unwrap(), Receipt::default());
    assert_eq!(server.count(table).await, 30);
}

async fn types_with_the_same_bytes_will_do(server: &Server) {
    let settings = server.settings();
    let table = &settings.table;
    start(&settings).check().await.unwrap();
    let change =
        "MODIFY COLUMN page LowCardinality(Nullable(String)), MODIFY COLUMN received_at CODEC(Default)";
    server.ask(&format!("ALTER TABLE {table} {change}")).await;
    server.ask(&format!("ALTER TABLE {table} ADD COLUMN own String DEFAULT 'mine' FIRST")).await;
    let sink = start(&settings);
    sink.check().await.unwrap();
    sink.deliver(&batch("p", events(0..1))).await.unwrap();
    assert_eq!(server.ask(&format!("SELECT own, page FROM {table}")).await, "mine\t/");
    // And once more while running: the batch is written anew, by the types that are there now.
    server.ask(&format!("ALTER TABLE {table} MODIFY COLUMN label LowCardinality(Nullable(String))")).await;
    let next = batch("p", events(1..3));
    assert!(matches!(sink.deliver(&next).await, Err(SinkError::Retry { .. })));
    assert_eq!(sink.deliver(&next).await.unwrap(), Receipt::default());
}

async fn what_nobody_may_do_or_nobody_made_is_told(server: &Server) {
    let settings = ClickHouseSettings { database: "nowhere".to_owned(), ..server.settings() };
    let told = blocked(start(&settings).check().await);
    assert!(told.contains("make the database"), "{told}");
    let settings = ClickHouseSettings {
        user: Some("weir".to_owned()),
        password: Some("wrong".to_owned()),
        ..server.settings()
    };
    let told = blocked(start(&settings).check().await);
    assert!(told.contains("see to `user` and `password`") && !told.contains("wrong"), "{told}");
    let settings = ClickHouseSettings { password: Some("weir-password".to_owned()), ..settings };
    start(&settings).check().await.unwrap();
}

async fn rows_go_after_their_time(server: &Server) {
    let settings = ClickHouseSettings { ttl: Some(Duration::from_secs(3600)), ..server.settings() };
    let sink = start(&settings);
    // Long ago, and in the year 2033.
    sink.deliver(&batch("p", [events(0..5), events(2_000_000_000..2_000_000_003)].concat())).await.unwrap();
    server.ask(&format!("OPTIMIZE TABLE {} FINAL", settings.table)).await;
    assert_eq!(server.count(&settings.table).await, 3);
}

async fn the_json_type_refuses_what_it_cannot_keep(server: &Server) {
    let settings = ClickHouseSettings { json: JsonType::Auto, ..server.settings() };
    let sink = start(&settings);
    let well = event(1, r#"{"page":"/","event":"e","param":{"price":{"eur":7}},"session":"s"}"#);
    let list = event(2, r#"{"page":"/","event":"e","param":[1]}"#);
    let receipt =
        sink.deliver(&batch("p", vec![well, list, event(3, r#"{"page":"/","event":"e"}"#)])).await.unwrap();
    assert_eq!(receipt.exceptions.iter().map(|exception| exception.index).collect::<Vec<_>>(), [1]);
    let asked = format!("SELECT param.price.eur, extra.session FROM {} ORDER BY received_at", settings.table);
    assert_eq!(server.ask(&asked).await, "7\ts\n\\N\t\\N");
    // Only the server sees this, and says it of the whole batch.
    let mut records = events(10..20);
    records[4] = event(14, r#"{"page":"/","event":"e","param":{"a":1,"a":2}}"#);
    let refused = sink.deliver(&batch("p", records)).await;
    assert!(matches!(refused, Err(SinkError::Refused(_))), "{refused:?}");
    assert_eq!(server.count(&settings.table).await, 2);
}
