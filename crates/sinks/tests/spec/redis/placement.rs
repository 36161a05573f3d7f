//! Which stream an event goes to, and which server has it.

use weir_core::sink::{Sink, Verdict};
use weir_core::testkit::sink::batch;
use weir_sinks::redis::RedisSettings;

use crate::brokers::{blocked, events};
use crate::redis::server::Server;
use crate::redis::{SUITE, settings, start};

#[tokio::test(flavor = "multi_thread")]
async fn a_key_may_name_members_of_the_event() {
    let Some(server) = Server::start(SUITE, &[]) else { return };
    let sink = start(&RedisSettings { key: "{stream}:{/param/shop}".to_owned(), ..settings(&server) });
    let mut records = events(0..3);
    for (record, shop) in records.iter_mut().zip(["a", "b", "a"]) {
        record.event.body = format!(r#"{{"page":"/","event":"e","param":{{"shop":"{shop}"}}}}"#).into();
    }
    sink.deliver(&batch("keys", records)).await.unwrap();
    assert_eq!(server.entries("events:a").len(), 2);
    assert_eq!(server.entries("events:b").len(), 1);

    let sink = start(&RedisSettings { key: "{/param/shop}".to_owned(), ..settings(&server) });
    let receipt = sink.deliver(&batch("none", events(3..4))).await.unwrap();
    let Verdict::Refused(refusal) = &receipt.exceptions[0].verdict else { panic!("{receipt:?}") };
    assert_eq!(refusal.reason, "no_key");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_that_a_sentinel_names_is_asked() {
    let Some(server) = Server::start(SUITE, &[]) else { return };
    let watched = server.port().to_string();
    let Some(sentinel) = Server::start(SUITE, &["--sentinel", &watched]) else { return };
    let url = |name: &str| format!("redis+sentinel://127.0.0.1:1,127.0.0.1:{}/{name}", sentinel.port());
    let sink = start(&RedisSettings { url: url("main"), ..settings(&server) });
    sink.deliver(&batch("watched", events(0..2))).await.unwrap();
    assert_eq!(server.entries("events").len(), 2);
    let unknown = start(&RedisSettings { url: url("other"), ..settings(&server) });
    assert!(blocked(unknown.check().await).contains("no server that is called other"));
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_cluster_the_node_that_has_the_key_is_asked() {
    let cluster = ["--set", "cluster-enabled yes"];
    let Some(first) = Server::start(SUITE, &cluster) else { return };
    let Some(second) = Server::start(SUITE, &cluster) else { return };
    // The bus would be out of reach, ten thousand ports further on; each node is told by hand who has what.
    let id = |server: &Server| server.ask(&["CLUSTER", "MYID"]).as_str().unwrap().to_owned();
    first.ask(&["CLUSTER", "ADDSLOTSRANGE", "0", "8191"]);
    second.ask(&["CLUSTER", "ADDSLOTSRANGE", "8192", "16383"]);
    first.ask(&["CLUSTER", "MEET", "127.0.0.1", &second.port().to_string()]);
    wait_for("the nodes to know each other", || {
        [&first, &second]
            .iter()
            .all(|node| node.ask(&["CLUSTER", "INFO"]).to_string().contains("cluster_state:ok"))
    });
    assert_ne!(id(&first), id(&second));

    let sink = start(&RedisSettings { key: "{/page}".to_owned(), ..settings(&first) });
    sink.deliver(&batch("cluster", events(0..40))).await.unwrap();
    sink.deliver(&batch("cluster", events(40..80))).await.unwrap();
    let keys = |node: &Server| node.ask(&["DBSIZE"]).as_u64().unwrap();
    // For each stream one key with the names of batches.
    assert_eq!(keys(&first) + keys(&second), 160);
    assert!(keys(&first) > 0 && keys(&second) > 0);
}

fn wait_for(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while !done() {
        assert!(std::time::Instant::now() < deadline, "waited in vain for {what}");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}
