//! Whose tables they are, and of which version.

use weir_core::lineage::{LineageError, LineageStore};
use weir_core::testkit::lineage::{Shape, canonical_in};

use super::server::Server;
use super::start;

#[tokio::test(flavor = "multi_thread")]
async fn instances_that_start_at_once_make_the_tables_once() {
    let Some(server) = Server::start(None) else { return };
    let url = server.database().await;
    let instances: Vec<_> = (0..6).map(|instance| start(&url, instance)).collect();
    let prepared = futures::future::join_all(instances.iter().map(|lineage| lineage.prepare())).await;
    assert!(prepared.iter().all(Result::is_ok), "{prepared:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_stored_is_there_at_the_next_start_and_numbers_go_on_after_it() {
    let Some(server) = Server::start(None) else { return };
    let url = server.database().await;
    let before = start(&url, 1_000);
    // As if the clock had gone back since: the next instance's numbers begin where these began.
    for trace in ["a", "b"] {
        before.join(Shape::Lives(400).records(trace)).await.unwrap();
    }
    let graph = canonical_in(&before, "a").await;
    let greatest = before.trace("b").await.unwrap().unwrap().id;
    before.close().await;

    let after = start(&url, 1);
    after.prepare().await.unwrap();
    after.join(Shape::Chain(3).records("c")).await.unwrap();
    assert!(after.trace("c").await.unwrap().unwrap().id > greatest);
    assert_eq!(canonical_in(&after, "a").await, graph);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_of_somebody_else_or_of_a_newer_weir_is_refused_and_left_alone() {
    let Some(server) = Server::start(None) else { return };
    for (script, words) in [
        ("CREATE SCHEMA weir_lineage", "not Weir's"),
        ("CREATE SCHEMA weir_lineage; CREATE TABLE weir_lineage.about (who TEXT)", "not Weir's"),
        (
            "CREATE SCHEMA weir_lineage; CREATE TABLE weir_lineage.about (application TEXT, version INT);
             INSERT INTO weir_lineage.about VALUES ('weir lineage', 1000)",
            "newer Weir",
        ),
    ] {
        let url = server.database().await;
        let database = url.rsplit('/').next().unwrap().split('?').next().unwrap();
        let admin = server.admin(database).await;
        admin.batch_execute(&format!("{script}; GRANT ALL ON SCHEMA weir_lineage TO weir")).await.unwrap();
        admin.batch_execute("GRANT ALL ON ALL TABLES IN SCHEMA weir_lineage TO weir").await.unwrap();
        let refused = start(&url, 1).prepare().await;
        let Err(LineageError::Broken(why)) = refused else { panic!("{script}: {refused:?}") };
        assert!(
            format!("{why:#}").contains(words) && !format!("{why:#}").contains("weir-password"),
            "{why:#}"
        );
        let tables = "SELECT count(*) FROM pg_class WHERE relnamespace = 'weir_lineage'::regnamespace";
        assert!(admin.query_one(tables, &[]).await.unwrap().get::<_, i64>(0) <= 1);
    }
}
