//! Reads the rows back as another program would, each event once (`FINAL`).

use async_trait::async_trait;
use serde::Deserialize;
use weir_core::event::EventId;
use weir_core::testkit::sink::{Columns, Probe};

use crate::clickhouse::server::Server;

pub struct ClickHouseProbe<'a> {
    pub server: &'a Server,
    pub table: &'a str,
}

#[derive(Deserialize)]
struct Row {
    event_id: String,
    stream: String,
    log_id: Option<String>,
    page: Option<String>,
    event: Option<String>,
    label: Option<String>,
    target: Option<String>,
    section: Option<String>,
    param: Option<String>,
    user_id: Option<String>,
    device_uuid: Option<String>,
    app_version: Option<String>,
    os_version: Option<String>,
    user_agent: Option<String>,
    client_ip: Option<String>,
    occurred_at: String,
    received_at: String,
    extra: Option<String>,
}

impl Row {
    fn columns(self) -> (EventId, Columns) {
        let moment = |text: String| format!("{}Z", text.replace(' ', "T"));
        let columns = Columns {
            stream: self.stream,
            log_id: self.log_id,
            page: self.page,
            event: self.event,
            label: self.label,
            target: self.target,
            section: self.section,
            param: self.param,
            user_id: self.user_id,
            device_uuid: self.device_uuid,
            app_version: self.app_version,
            os_version: self.os_version,
            user_agent: self.user_agent,
            client_ip: self.client_ip,
            occurred_at: moment(self.occurred_at),
            received_at: moment(self.received_at),
            extra: self.extra,
        };
        (EventId::parse(&self.event_id).unwrap(), columns)
    }
}

#[async_trait]
impl Probe for ClickHouseProbe<'_> {
    async fn stored(&self) -> Vec<(EventId, Columns)> {
        let select = format!("SELECT * FROM {} FINAL FORMAT JSONEachRow", self.table);
        let text = self.server.ask(&select).await;
        text.lines().map(|line| serde_json::from_str::<Row>(line).unwrap().columns()).collect()
    }

    /// The store has no years before 1900 and after 2299.
    async fn reading(&self, sent: &Columns) -> Option<Columns> {
        let year: u32 = sent.occurred_at[..4].parse().unwrap();
        (1900..2300).contains(&year).then(|| sent.clone())
    }

    fn tells_duplicates(&self) -> bool {
        false
    }
}
