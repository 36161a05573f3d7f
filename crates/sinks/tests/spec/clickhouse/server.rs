//! A real engine: the one at `WEIR_TEST_CLICKHOUSE_URL`, else one that the project's own script starts.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use reqwest::{Client, Url};
use rustls::RootCertStore;
use weir_sinks::clickhouse::ClickHouseSettings;

use crate::clickhouse::SUITE;
use crate::http::client;
use crate::service::Service;

static TABLES: AtomicU32 = AtomicU32::new(0);

pub struct Server {
    url: String,
    http: Client,
    service: Option<Service>,
}

impl Server {
    /// `None`, and noted as skipped, where none can be had.
    pub fn start() -> Option<Self> {
        match std::env::var("WEIR_TEST_CLICKHOUSE_URL") {
            Ok(url) => Some(Self { url, http: client(RootCertStore::empty()), service: None }),
            Err(_) => Self::own(),
        }
    }

    /// One that may be killed and frozen.
    pub fn own() -> Option<Self> {
        let service = Service::start("clickhouse", SUITE)?;
        Some(Self { url: service.url(), http: client(RootCertStore::empty()), service: Some(service) })
    }

    pub fn service(&mut self) -> &mut Service {
        self.service.as_mut().unwrap()
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// A table that nobody used before, as a server may be kept between runs.
    pub fn settings(&self) -> ClickHouseSettings {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros();
        let table = format!("t{now}_{}", TABLES.fetch_add(1, Ordering::Relaxed));
        let request_timeout = Duration::from_secs(60);
        ClickHouseSettings { table, request_timeout, ..ClickHouseSettings::new(&self.url) }
    }

    /// The answer, or the server's words.
    pub async fn try_ask(&self, statement: &str) -> Result<String, String> {
        let url = Url::parse(&self.url).unwrap();
        let response = self.http.post(url).body(statement.to_owned()).send().await.unwrap();
        let is_well = response.status().is_success();
        let text = response.text().await.unwrap();
        if is_well { Ok(text.trim_end().to_owned()) } else { Err(text) }
    }

    pub async fn ask(&self, statement: &str) -> String {
        self.try_ask(statement).await.unwrap()
    }

    pub async fn count(&self, table: &str) -> u64 {
        self.ask(&format!("SELECT count() FROM {table}")).await.parse().unwrap()
    }
}
