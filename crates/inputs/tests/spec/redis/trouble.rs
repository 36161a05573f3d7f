//! Servers that are away, and streams that are gone.

use weir_connect::Fault;

use super::{SUITE, Server, add, found, member, settings, values};

#[tokio::test(flavor = "multi_thread")]
async fn what_was_deleted_before_it_was_settled_is_told() {
    let Some(server) = Server::start(SUITE, &[]) else { return };
    add(&server, "a");
    let given = found(&mut member(&settings(&server, "one"))).await;
    server.ask(&["XDEL", "events", &given.entries[0].id]);
    let mut again = member(&settings(&server, "one"));
    let found = found(&mut again).await;
    assert_eq!((found.entries.len(), found.gone.len()), (0, 1));
    again.acknowledge(found.ids()).await.unwrap();
    assert!(again.next().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_gone_is_made_again_and_read_on() {
    let Some(server) = Server::start(SUITE, &[]) else { return };
    add(&server, "a");
    let mut group = member(&settings(&server, "one"));
    let first = found(&mut group).await;
    group.acknowledge(first.ids()).await.unwrap();
    server.ask(&["FLUSHALL"]);
    assert!(group.next().await.unwrap().is_empty());
    add(&server, "b");
    assert_eq!(values(&found(&mut group).await.entries), ["b"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_was_away_is_read_on_with_what_was_not_settled() {
    let Some(mut server) = Server::start(SUITE, &[]) else { return };
    add(&server, "a");
    let mut group = member(&settings(&server, "one"));
    let given = found(&mut group).await;
    server.kill9();
    assert!(matches!(group.acknowledge(given.ids()).await, Err(Fault::Away(_))));
    assert!(matches!(group.next().await, Err(Fault::Away(_))));
    server.restart();
    add(&server, "b");
    let again = found(&mut group).await;
    assert_eq!(values(&again.entries), ["a"]);
    group.acknowledge(again.ids()).await.unwrap();
    assert_eq!(values(&found(&mut group).await.entries), ["b"]);
}
