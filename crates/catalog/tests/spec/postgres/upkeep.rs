//! What others have taken the place of does not pile up.

use weir_core::lineage::LineageStore;
use weir_core::testkit::lineage::Shape;

use super::server::Server;
use super::{start, until};

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_are_written_again_and_again_are_vacuumed_beside_the_work() {
    let Some(server) = Server::start(None) else { return };
    // The server's own upkeep is not to be mistaken for ours.
    server.admin("postgres").await.batch_execute("ALTER SYSTEM SET autovacuum = off").await.unwrap();
    server.admin("postgres").await.batch_execute("SELECT pg_reload_conf()").await.unwrap();
    let url = server.database().await;
    let lineage = start(&url, 1);
    let records = Shape::Lives(4_000).records("lives");
    // Each touches many of the trace's blocks.
    for part in records.chunks(60) {
        lineage.join(part.to_vec()).await.unwrap();
    }
    let admin = server.admin(url.rsplit('/').next().unwrap().split('?').next().unwrap()).await;
    until("a vacuum", async || {
        // A repeat, which replaces nothing and calls for what is beside the work.
        lineage.join(records[..60].to_vec()).await.unwrap();
        let query = "SELECT vacuum_count FROM pg_stat_user_tables WHERE relname = 'blocks'";
        admin.query_one(query, &[]).await.unwrap().get::<_, i64>(0) > 0
    })
    .await;
    let size = "SELECT pg_table_size('weir_lineage.blocks')";
    assert!(admin.query_one(size, &[]).await.unwrap().get::<_, i64>(0) < 24 << 20);
}
