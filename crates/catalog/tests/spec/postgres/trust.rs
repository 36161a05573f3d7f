//! TLS, with the server's certificate made sure of.

use weir_core::lineage::{LineageError, LineageStore};
use weir_core::testkit::lineage::Shape;

use super::server::Server;
use super::start;
use crate::authority::Authority;

#[tokio::test(flavor = "multi_thread")]
async fn only_a_server_with_a_certificate_of_ours_is_talked_to() {
    let (authority, another) = (Authority::new(), Authority::new());
    let Some(server) = Server::start(Some(&authority.issue("127.0.0.1"))) else { return };
    let trusting = |authority: &Authority| {
        let verified = format!("sslmode=verify-full&sslrootcert={}", authority.ca().display());
        server.url("weir").replace("sslmode=disable", &verified)
    };
    let Err(LineageError::Retry(why)) = start(&trusting(&another), 1).prepare().await else {
        panic!("it was believed")
    };
    assert!(format!("{why:#}").contains("certificate"), "{why:#}");

    let lineage = start(&trusting(&authority), 1);
    lineage.join(Shape::Chain(3).records("t")).await.unwrap();
    assert!(lineage.trace("t").await.unwrap().is_some());
    let encrypted =
        "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE usename = 'weir'";
    assert!(server.admin("weir").await.query_one(encrypted, &[]).await.unwrap().get::<_, bool>(0));
}
