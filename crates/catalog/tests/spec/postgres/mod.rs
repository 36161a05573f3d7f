//! Lineage in a real Postgres.

mod contract;
mod schema;
mod server;
mod trouble;
mod trust;
mod upkeep;
mod writers;

use std::sync::Arc;
use std::time::Duration;

use weir_catalog::PostgresLineage;
use weir_connect::postgres::PostgresAddress;
use weir_connect::tls::TlsSettings;
use weir_core::row_id::RowIds;
use weir_core::testkit::world::TestClock;

const SUITE: &str = "lineage in a real Postgres";
const LATE: Duration = Duration::from_secs(120);

fn row_ids(instance: u16) -> Arc<RowIds> {
    Arc::new(RowIds::new(Arc::new(TestClock::start()), instance))
}

fn start(url: &str, instance: u16) -> PostgresLineage {
    let address = PostgresAddress::parse(url, None, &TlsSettings::default()).unwrap();
    PostgresLineage::start(address, row_ids(instance)).unwrap()
}

/// Waits until `done` says so; fails, naming `what`, when that takes too long.
async fn until(what: &str, done: impl AsyncFn() -> bool) {
    let waiting = async {
        while !done().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(LATE, waiting).await.unwrap_or_else(|_| panic!("waited {LATE:?} in vain: {what}"));
}
