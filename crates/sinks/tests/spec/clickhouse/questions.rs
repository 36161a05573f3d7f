//! The questions of `docs/clickhouse.md`, read from there and asked of the real engine.

use std::path::Path;
use std::sync::Arc;

use weir_core::event::{Origin, Record};
use weir_core::sink::{Receipt, Sink};
use weir_core::testkit::sink::batch;
use weir_core::time::Timestamp;
use weir_sinks::clickhouse::{ClickHouseSettings, ClickHouseSink};

use crate::clickhouse::event;
use crate::clickhouse::server::Server;

/// User, moment, event, page.
const EVENTS: [(&str, &str, &str, &str); 8] = [
    ("alice", "2026-01-05T10:00:00Z", "view", "/shoes"),
    ("alice", "2026-01-05T10:05:00Z", "cart", "/cart"),
    ("alice", "2026-01-05T10:06:00Z", "buy", "/pay"),
    ("bob", "2026-01-05T11:00:00Z", "view", "/hats"),
    ("bob", "2026-01-08T11:00:00Z", "cart", "/cart"),
    ("carol", "2026-01-12T00:00:00Z", "cart", "/cart"),
    ("dave", "2026-01-12T09:00:00Z", "view", "/hats"),
    ("dave", "2026-01-12T09:10:00Z", "cart", "/cart"),
];

/// What each question is answered with, by its heading.
const ANSWERS: [(&str, &str); 5] = [
    (
        "Events by day and type",
        "2026-01-05\tview\t2\n2026-01-05\tbuy\t1\n2026-01-05\tcart\t1\n2026-01-08\tcart\t1\n2026-01-12\tcart\t2\n\
         2026-01-12\tview\t1",
    ),
    ("Funnel", "3\t2\t1"),
    ("Users active", "2026-01-05\t2\t2\n2026-01-08\t1\t2\n2026-01-12\t2\t3"),
    (
        "One user's path",
        "2026-01-05 10:00:00.000000\tview\t/shoes\n2026-01-05 10:05:00.000000\tcart\t/cart\n\
         2026-01-05 10:06:00.000000\tbuy\t/pay",
    ),
    ("A member of `param`", "19.9"),
];

fn records() -> Vec<Record> {
    let one = |(offset, (user, moment, name, page)): (usize, &(&str, &str, &str, &str))| {
        let body = format!(r#"{{"page":"{page}","event":"{name}","param":{{"price":19.90}}}}"#);
        let mut record = event(offset as u64, &body);
        record.event.occurred_at = Timestamp::parse(moment).unwrap();
        record.origin = Arc::new(Origin { user_id: Some((*user).to_owned()), ..Origin::default() });
        record
    };
    EVENTS.iter().enumerate().map(one).collect()
}

/// Each `sql` block of the guide with the heading that it stands under.
fn questions() -> Vec<(String, String)> {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/clickhouse.md");
    let text = std::fs::read_to_string(guide).unwrap();
    let sections = text.split("\n### ").skip(1);
    let question = |section: &str| {
        let (heading, rest) = section.split_once('\n').unwrap();
        let sql = rest.split_once("```sql\n").unwrap().1.split_once("```").unwrap().0;
        (heading.to_owned(), sql.to_owned())
    };
    sections.map(question).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_questions_of_the_guide_are_answered() {
    let Some(server) = Server::start() else { return };
    let database = server.settings().table;
    server.ask(&format!("CREATE DATABASE {database}")).await;
    let settings = ClickHouseSettings { database: database.clone(), ..ClickHouseSettings::new(server.url()) };
    let sink = ClickHouseSink::start(settings).unwrap();
    assert_eq!(sink.deliver(&batch("p", records())).await.unwrap(), Receipt::default());
    // And once more as a client's repeat, in another batch.
    assert_eq!(sink.deliver(&batch("repeat", records())).await.unwrap(), Receipt::default());

    let questions = questions();
    let headings: Vec<&str> = questions.iter().map(|(heading, _)| heading.as_str()).collect();
    assert_eq!(headings, ANSWERS.map(|(heading, _)| heading));
    for ((heading, sql), (_, answer)) in questions.iter().zip(ANSWERS) {
        let sql = sql.replace("FROM events", &format!("FROM {database}.events"));
        let found = server.ask(&sql).await;
        assert_eq!(found, answer, "{heading}");
    }
}
