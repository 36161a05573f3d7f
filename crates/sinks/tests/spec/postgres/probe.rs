//! Reads the rows back by SQL.

use async_trait::async_trait;
use tokio_postgres::{Client, Row};
use uuid::Uuid;
use weir_core::event::EventId;
use weir_core::testkit::sink::{Columns, Probe};

pub struct PostgresProbe {
    pub client: Client,
    pub table: &'static str,
}

#[async_trait]
impl Probe for PostgresProbe {
    async fn stored(&self) -> Vec<(EventId, Columns)> {
        let moment = |name: &str| {
            format!("to_char({name} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') AS {name}")
        };
        let query = format!(
            "SELECT event_id, stream, log_id, page, event, label, target, section, param::text, user_id, device_uuid, \
             app_version, os_version, user_agent, client_ip, extra::text, {}, {} FROM {}",
            moment("occurred_at"),
            moment("received_at"),
            self.table
        );
        self.client.query(&query, &[]).await.unwrap().iter().map(event).collect()
    }

    /// Text has no NUL, and `jsonb` has a form of its own.
    async fn reading(&self, sent: &Columns) -> Option<Columns> {
        let has_nul = |text: &Option<String>| text.as_ref().is_some_and(|text| text.contains('\0'));
        if [&sent.page, &sent.event, &sent.label, &sent.target, &sent.section].into_iter().any(has_nul) {
            return None;
        }
        let param = self.jsonb(&sent.param).await;
        Some(Columns { param, extra: self.jsonb(&sent.extra).await, ..sent.clone() })
    }
}

impl PostgresProbe {
    async fn jsonb(&self, json: &Option<String>) -> Option<String> {
        self.client.query_one("SELECT $1::text::jsonb::text", &[json]).await.unwrap().get(0)
    }
}

fn event(row: &Row) -> (EventId, Columns) {
    let text = |name: &str| row.get::<_, Option<String>>(name);
    let columns = Columns {
        stream: row.get("stream"),
        log_id: text("log_id"),
        page: text("page"),
        event: text("event"),
        label: text("label"),
        target: text("target"),
        section: text("section"),
        param: text("param"),
        user_id: text("user_id"),
        device_uuid: text("device_uuid"),
        app_version: text("app_version"),
        os_version: text("os_version"),
        user_agent: text("user_agent"),
        client_ip: text("client_ip"),
        occurred_at: row.get("occurred_at"),
        received_at: row.get("received_at"),
        extra: text("extra"),
    };
    (EventId(row.get::<_, Uuid>("event_id").into_bytes()), columns)
}
