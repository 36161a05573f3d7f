//! A real ClickHouse engine, started by the project's own script and asked over HTTP.

use std::ops::{Deref, DerefMut};
use std::time::Duration;

use super::service::Service;
use super::{Client, Tmpfs};

/// The server; its data outlives a restart.
pub struct ClickHouse(Service);

impl ClickHouse {
    /// `None`, and noted as skipped for this suite, where none can be had.
    #[track_caller]
    pub fn start(suite: &str) -> Option<Self> {
        Service::start("clickhouse", suite).map(Self)
    }

    /// One whose data is on this disk.
    #[track_caller]
    pub fn start_on(disk: &Tmpfs, suite: &str) -> Option<Self> {
        Service::start_in(disk.folder(), "clickhouse", suite, &[]).map(Self)
    }

    /// The lines of the answer, their cells divided by tabs.
    #[track_caller]
    pub fn ask(&self, statement: &str) -> Vec<String> {
        let client = Client::with_limit(self.url(), Duration::from_secs(60));
        let answer = client.post("/", statement.as_bytes(), &[]).unwrap();
        assert_eq!(answer.status, 200, "{statement}: {}", answer.body);
        answer.body.lines().map(str::to_owned).collect()
    }
}

impl Deref for ClickHouse {
    type Target = Service;

    fn deref(&self) -> &Service {
        &self.0
    }
}

impl DerefMut for ClickHouse {
    fn deref_mut(&mut self) -> &mut Service {
        &mut self.0
    }
}
