//! The tables: made, compared, kept up.

use std::sync::Arc;
use std::time::Duration;

use weir_core::sink::{Receipt, Sink};
use weir_core::testkit::sink::batch;
use weir_core::testkit::world::TestClock;
use weir_core::time::Timestamp;
use weir_core::world::Clock;
use weir_sinks::columns::ColumnSettings;
use weir_sinks::postgres::{PostgresSettings, PostgresSink};

use crate::postgres::server::Server;
use crate::postgres::{SUITE, assert_blocked, assert_retry, events, settings, start};

/// In the month of [`TestClock`].
const NOW: &str = "2026-01-01T00:00:00Z";

fn price(kind: &str) -> Vec<ColumnSettings> {
    vec![ColumnSettings { name: "price".to_owned(), from: "/param/price".to_owned(), kind: kind.to_owned() }]
}

async fn partitions(server: &Server, table: &str) -> Vec<String> {
    let query = format!(
        "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = '{table}'::regclass ORDER BY 1"
    );
    server.ask(&query).await
}

#[tokio::test(flavor = "multi_thread")]
async fn tables() {
    let Some(server) = Server::of_our_own(SUITE, None) else { return };
    partitions_are_made_ahead_and_where_a_batch_needs_them(&server).await;
    retention_drops_what_has_had_its_time_and_nothing_else(&server).await;
    two_that_begin_at_once_make_one_table(&server).await;
    a_table_that_lacks_something_is_told_with_what_mends_it(&server).await;
    a_table_that_weir_did_not_make_is_left_alone(&server).await;
    a_table_in_a_schema_of_its_own_is_made_with_it(&server).await;
    a_table_that_vanishes_is_made_again(&server).await;
    a_column_that_is_changed_under_way_makes_no_dead_letters(&server).await;
}

async fn partitions_are_made_ahead_and_where_a_batch_needs_them(server: &Server) {
    let sink = start(&settings(server, "ahead"));
    sink.check().await.unwrap();
    assert_eq!(partitions(server, "ahead").await, ["ahead_2026_01", "ahead_2026_02", "ahead_2026_03"]);
    let mut records = events(0..1, "0001-01-01T00:00:00Z");
    records.extend(events(1..2, "9999-12-30T00:00:00Z"));
    assert_eq!(sink.deliver(&batch("p", records)).await.unwrap(), Receipt::default());
    let all = partitions(server, "ahead").await;
    assert_eq!(
        (all.len(), all.first().unwrap().as_str(), all.last().unwrap().as_str()),
        (5, "ahead_0001_01", "ahead_9999_12")
    );
    assert_eq!(server.count("ahead").await, (2, 2));
}

async fn retention_drops_what_has_had_its_time_and_nothing_else(server: &Server) {
    let retention = Some(Duration::from_secs(40 * 86_400));
    let sink = start(&PostgresSettings { retention, ..settings(server, "kept") });
    for (place, received_at) in ["2025-10-31T00:00:00Z", "2025-11-30T00:00:00Z", NOW].into_iter().enumerate()
    {
        let place = place as u64;
        sink.deliver(&batch("p", events(place..place + 1, received_at))).await.unwrap();
    }
    assert_eq!(server.count("kept").await, (3, 3));
    sink.check().await.unwrap();
    // Of November, the last days are younger than forty days on the first of January.
    assert_eq!(server.ask("SELECT page FROM kept ORDER BY 1").await, ["/1", "/2"]);
    assert!(!partitions(server, "kept").await.contains(&"kept_2025_10".to_owned()));
}

async fn two_that_begin_at_once_make_one_table(server: &Server) {
    let sinks: Vec<_> = (0..4).map(|_| start(&settings(server, "shared"))).collect();
    let checks = futures::future::join_all(sinks.iter().map(|sink| sink.check())).await;
    assert!(checks.iter().all(Result::is_ok), "{checks:?}");
    assert_eq!(partitions(server, "shared").await.len(), 3);
}

async fn a_table_that_lacks_something_is_told_with_what_mends_it(server: &Server) {
    start(&settings(server, "lacking")).check().await.unwrap();
    server
        .tell(
            "ALTER TABLE lacking DROP COLUMN label; ALTER TABLE lacking ALTER COLUMN param TYPE json; \
             ALTER TABLE lacking ADD COLUMN tenant text NOT NULL; \
             ALTER TABLE lacking_2026_02 DROP CONSTRAINT lacking_2026_02_event_id_key",
        )
        .await;
    let sink = start(&PostgresSettings { columns: price("numeric(10,2)"), ..settings(server, "lacking") });
    let told = assert_blocked(
        sink.check().await,
        &[
            r#"ALTER TABLE "public"."lacking" ADD COLUMN "label" text;"#,
            r#"ADD COLUMN "price" numeric(10,2);"#,
            r#"ALTER COLUMN "param" TYPE jsonb USING "param"::jsonb;"#,
            r#"ALTER COLUMN "tenant" DROP NOT NULL;"#,
            r#"ALTER TABLE "public"."lacking_2026_02" ADD UNIQUE (event_id);"#,
        ],
    );
    let batch = batch("p", events(0..3, NOW));
    assert_blocked(sink.deliver(&batch).await, &["this mends it"]);
    // What is told is what does it.
    server.tell(told.split_once("this mends it: ").unwrap().1).await;
    assert_eq!(sink.deliver(&batch).await.unwrap(), Receipt::default());
}

async fn a_table_that_weir_did_not_make_is_left_alone(server: &Server) {
    server.tell("CREATE TABLE foreign_one (id int)").await;
    let told = start(&settings(server, "foreign_one")).check().await;
    assert_blocked(
        told,
        &["not a table partitioned by range of received_at", "RENAME TO \"foreign_one_before\""],
    );
}

async fn a_table_in_a_schema_of_its_own_is_made_with_it(server: &Server) {
    let sink = start(&settings(server, "Raw.Clicks"));
    assert_eq!(sink.deliver(&batch("p", events(0..3, NOW))).await.unwrap(), Receipt::default());
    assert_eq!(server.count("\"Raw\".\"Clicks\"").await, (3, 3));
}

async fn a_table_that_vanishes_is_made_again(server: &Server) {
    let sink = start(&settings(server, "vanishing"));
    assert_eq!(sink.deliver(&batch("p", events(0..3, NOW))).await.unwrap(), Receipt::default());
    server.tell("DROP TABLE vanishing").await;
    let next = batch("p", events(3..6, NOW));
    assert_retry(sink.deliver(&next).await);
    assert_eq!(sink.deliver(&next).await.unwrap(), Receipt::default());
    assert_eq!(server.count("vanishing").await, (3, 3));
}

async fn a_column_that_is_changed_under_way_makes_no_dead_letters(server: &Server) {
    let columns =
        vec![ColumnSettings { name: "n".to_owned(), from: "n".to_owned(), kind: "integer".to_owned() }];
    let sink = start(&PostgresSettings { columns, ..settings(server, "changing") });
    let with_number = |offset: u64| {
        let mut records = events(offset..offset + 1, NOW);
        records[0].event.body = br#"{"page":"p","event":"e","n":1}"#.to_vec().into();
        batch("p", records)
    };
    assert_eq!(sink.deliver(&with_number(0)).await.unwrap(), Receipt::default());
    server.tell("ALTER TABLE changing ALTER COLUMN n TYPE bigint").await;
    assert_retry(sink.deliver(&with_number(1)).await);
    let mend = r#"ALTER TABLE "public"."changing" ALTER COLUMN "n" TYPE integer USING "n"::integer;"#;
    assert_blocked(sink.deliver(&with_number(1)).await, &[mend]);
    server.tell(mend).await;
    assert_eq!(sink.deliver(&with_number(1)).await.unwrap(), Receipt::default());
}

/// A clock by which nothing has to be waited for.
struct Hasty;

#[async_trait::async_trait]
impl Clock for Hasty {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(TestClock::BEGIN)
    }

    async fn sleep(&self, _: Duration) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_any_events_the_tables_are_kept_up_all_the_same() {
    let Some(server) = Server::start(SUITE) else { return };
    let _sink = PostgresSink::start(&settings(&server, "idle"), Arc::new(Hasty)).unwrap();
    let there = "SELECT to_regclass('idle_2026_03')::text";
    let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
    while server.ask(there).await != ["idle_2026_03"] {
        assert!(tokio::time::Instant::now() < deadline, "the table was never made");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
