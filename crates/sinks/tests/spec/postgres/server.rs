//! A real server: the one at `WEIR_TEST_POSTGRES_URL`, else one that the project's own script starts.

use std::path::PathBuf;

use tokio_postgres::{Client, NoTls};

use crate::service::Service;

/// The server, and what has to be ended with it.
pub struct Server {
    service: Option<Service>,
    given: Option<String>,
}

impl Server {
    /// `None`, and noted as skipped, where none can be had.
    pub fn start(suite: &str) -> Option<Self> {
        match std::env::var("WEIR_TEST_POSTGRES_URL") {
            Ok(url) => Some(Self { service: None, given: Some(url) }),
            Err(_) => Self::of_our_own(suite, None),
        }
    }

    /// One that may be killed, and that shows a certificate if it is given one.
    pub fn of_our_own(suite: &str, certificate: Option<&(PathBuf, PathBuf)>) -> Option<Self> {
        let files = certificate.iter().flat_map(|(certificate, key)| [certificate, key]);
        let files = files.map(|path| path.to_str().unwrap());
        let options: Vec<&str> = certificate.iter().map(|_| "--tls").chain(files).collect();
        let service = Service::start_with("postgres", suite, &options)?;
        Some(Self { service: Some(service), given: None })
    }

    pub fn service(&mut self) -> &mut Service {
        self.service.as_mut().unwrap()
    }

    pub fn port(&self) -> u16 {
        self.service.as_ref().unwrap().port()
    }

    pub fn url(&self) -> String {
        let own = || format!("postgres://weir:weir-password@127.0.0.1:{}/weir?sslmode=disable", self.port());
        self.given.clone().unwrap_or_else(own)
    }

    /// Somebody who may do everything.
    pub async fn admin(&self) -> Client {
        let own = || format!("postgres://postgres@127.0.0.1:{}/weir?sslmode=disable", self.port());
        let (client, connection) =
            tokio_postgres::connect(&self.given.clone().unwrap_or_else(own), NoTls).await.unwrap();
        tokio::spawn(connection);
        client.batch_execute("SET TimeZone = 'UTC'").await.unwrap();
        client
    }

    /// The first column of what a query finds, as text.
    pub async fn ask(&self, query: &str) -> Vec<String> {
        let rows = self.admin().await.query(query, &[]).await.unwrap();
        rows.iter().map(|row| row.get::<_, Option<String>>(0).unwrap_or_else(|| "null".to_owned())).collect()
    }

    /// Does as it is told, without an answer.
    pub async fn tell(&self, script: &str) {
        self.admin().await.batch_execute(script).await.unwrap();
    }

    /// Rows, and distinct events among them.
    pub async fn count(&self, table: &str) -> (usize, usize) {
        let query = format!("SELECT count(*)::text || ' ' || count(DISTINCT event_id) FROM {table}");
        let text = self.ask(&query).await.remove(0);
        let (rows, distinct) = text.split_once(' ').unwrap();
        (rows.parse().unwrap(), distinct.parse().unwrap())
    }
}
