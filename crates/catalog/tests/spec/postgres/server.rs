//! A real server, started by the project's own script, with a database for each who asks.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio_postgres::{Client, NoTls};

use super::SUITE;
use crate::service::Service;

/// The server; it ends with this.
pub struct Server {
    pub service: Service,
    databases: AtomicUsize,
}

impl Server {
    /// `None`, and noted as skipped, where none can be had. It shows a certificate if it is given one.
    pub fn start(certificate: Option<&(PathBuf, PathBuf)>) -> Option<Self> {
        let files = certificate.iter().flat_map(|(certificate, key)| [certificate, key]);
        let files = files.map(|path| path.to_str().unwrap());
        let options: Vec<&str> = certificate.iter().map(|_| "--tls").chain(files).collect();
        let service = Service::start_with("postgres", SUITE, &options)?;
        Some(Self { service, databases: AtomicUsize::new(0) })
    }

    /// The address of a database that is empty.
    pub async fn database(&self) -> String {
        let name = format!("lineage_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.admin("postgres")
            .await
            .batch_execute(&format!("CREATE DATABASE {name} OWNER weir"))
            .await
            .unwrap();
        self.url(&name)
    }

    /// The address of a database, as its owner.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://weir:weir-password@127.0.0.1:{}/{database}?sslmode=disable", self.service.port())
    }

    /// Somebody who may do everything.
    pub async fn admin(&self, database: &str) -> Client {
        let url = format!("postgres://postgres@127.0.0.1:{}/{database}?sslmode=disable", self.service.port());
        let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }
}
