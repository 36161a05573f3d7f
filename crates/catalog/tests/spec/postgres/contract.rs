//! The contract of every store of lineage.

use weir_core::testkit::lineage::contract;

use super::server::Server;
use super::start;

#[tokio::test(flavor = "multi_thread")]
async fn it_keeps_the_contract_of_a_store_of_lineage() {
    let Some(server) = Server::start(None) else { return };
    contract(async || start(&server.database().await, 1)).await;
}
