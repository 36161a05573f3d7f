//! Servers that are away, and queues that are missing or gone.

use std::process::Command;
use std::time::Duration;

use weir_connect::Fault;
use weir_inputs::rabbitmq::{QueueKind, RabbitInputSettings};

use super::{SOON, SUITE, Server, bodies, publish, reader, settings, take};

/// Enough for what was sent to be read.
const BETWEEN: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_is_missing_or_another_waits_for_a_person() {
    let Some(server) = Server::start(SUITE, &[]) else { return };
    let blocked = async |declare: Option<QueueKind>| {
        let next = reader(&RabbitInputSettings { declare, ..settings(&server) }).next().await;
        let Err(Fault::Blocked(said)) = next else { panic!("{next:?}") };
        said
    };
    assert!(blocked(None).await.contains("set `declare`"));
    server.make_queue("events", &[]).await;
    assert!(blocked(Some(QueueKind::Quorum)).await.contains("declared otherwise"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_is_gone_is_made_again_and_read_on() {
    let Some(server) = Server::start(SUITE, &[]) else { return };
    server.make_queue("events", &[]).await;
    publish(&server, "a");
    let mut queue = reader(&settings(&server));
    let given = take(&mut queue, 1).await;
    queue.settle(&given, &[]).await.unwrap();
    let deleted =
        Command::new("amqp-delete-queue").args(["--url", &server.url(), "--queue", "events"]).status();
    assert!(deleted.unwrap().success());
    let gone = tokio::time::timeout(SOON, queue.next()).await.unwrap();
    assert!(gone.is_ok_and(|given| given.is_empty()));
    let reading = tokio::spawn(async move { bodies(&take(&mut queue, 1).await) });
    while !reading.is_finished() {
        // Without a queue it goes nowhere. With one, a second that came at once might be read along.
        publish(&server, "b");
        tokio::time::sleep(BETWEEN).await;
    }
    assert_eq!(reading.await.unwrap(), ["b"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_was_frozen_is_read_on_with_what_was_not_settled() {
    let Some(server) = Server::start(SUITE, &[]) else { return };
    server.make_queue("events", &[]).await;
    publish(&server, "a");
    let url = format!("{}?heartbeat=1", server.url());
    let mut queue = reader(&RabbitInputSettings { url, ..settings(&server) });
    let given = take(&mut queue, 1).await;
    server.freeze();
    while tokio::time::timeout(SOON, queue.next()).await.unwrap().is_ok() {}
    server.thaw();
    let again = take(&mut queue, 1).await;
    assert_eq!(bodies(&again), bodies(&given));
    queue.settle(&again, &[]).await.unwrap();
}
