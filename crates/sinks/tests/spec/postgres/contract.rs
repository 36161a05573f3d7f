//! The contract of every sink.

use weir_core::testkit::sink::contract;

use crate::postgres::probe::PostgresProbe;
use crate::postgres::server::Server;
use crate::postgres::{SUITE, settings, start};

#[tokio::test(flavor = "multi_thread")]
async fn it_keeps_the_contract_of_a_sink() {
    let Some(server) = Server::start(SUITE) else { return };
    let sink = start(&settings(&server, "contract"));
    contract(&sink, &PostgresProbe { client: server.admin().await, table: "contract" }).await;
}
