//! Reads the table as another program would: by its documented columns, on a connection of its own.

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use rusqlite::{Connection, OpenFlags, Row};
use weir_core::event::EventId;
use weir_core::testkit::sink::{Columns, Probe};
use weir_core::time::Timestamp;

pub struct SqliteProbe {
    path: PathBuf,
    table: String,
}

impl SqliteProbe {
    pub fn new(path: &Path, table: &str) -> Self {
        Self { path: path.to_owned(), table: table.to_owned() }
    }

    pub fn count(&self) -> i64 {
        let count = format!("SELECT count(*) FROM \"{}\"", self.table);
        self.open().query_row(&count, [], |row| row.get(0)).unwrap()
    }

    fn open(&self) -> Connection {
        Connection::open_with_flags(&self.path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap()
    }
}

fn columns(row: &Row<'_>) -> rusqlite::Result<(EventId, Columns)> {
    let moment = |name| row.get(name).map(|micros| Timestamp::from_micros(micros).to_string());
    let id: String = row.get("event_id")?;
    let columns = Columns {
        stream: row.get("stream")?,
        log_id: row.get("log_id")?,
        page: row.get("page")?,
        event: row.get("event")?,
        label: row.get("label")?,
        target: row.get("target")?,
        section: row.get("section")?,
        param: row.get("param")?,
        user_id: row.get("user_id")?,
        device_uuid: row.get("device_uuid")?,
        app_version: row.get("app_version")?,
        os_version: row.get("os_version")?,
        user_agent: row.get("user_agent")?,
        client_ip: row.get("client_ip")?,
        occurred_at: moment("occurred_at")?,
        received_at: moment("received_at")?,
        extra: row.get("extra")?,
    };
    Ok((EventId::parse(&id).unwrap(), columns))
}

#[async_trait]
impl Probe for SqliteProbe {
    async fn stored(&self) -> Vec<(EventId, Columns)> {
        let connection = self.open();
        let select = format!("SELECT * FROM \"{}\"", self.table);
        let mut statement = connection.prepare(&select).unwrap();
        statement.query_map([], columns).unwrap().map(Result::unwrap).collect()
    }
}
