//! Who is given what, and how often.

use std::time::Duration;

use weir_inputs::redis::RedisInputSettings;

use super::{SUITE, Server, add, found, member, settings, values};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_acknowledged_is_given_again_and_before_all_else() {
    let Some(server) = Server::start(SUITE, &[]) else { return };
    ["a", "b"].into_iter().for_each(|value| add(&server, value));
    let mut group = member(&settings(&server, "one"));
    let first = found(&mut group).await;
    assert_eq!(values(&first.entries), ["a", "b"]);
    group.acknowledge(first.ids().take(1)).await.unwrap();
    add(&server, "c");

    let mut again = member(&settings(&server, "one"));
    let unsettled = found(&mut again).await;
    assert_eq!(values(&unsettled.entries), ["b"]);
    again.acknowledge(unsettled.ids()).await.unwrap();
    assert_eq!(values(&found(&mut again).await.entries), ["c"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_members_share_a_stream_and_one_takes_over_what_the_other_left() {
    let Some(server) = Server::start(SUITE, &[]) else { return };
    add(&server, "a");
    let mut dead = member(&settings(&server, "one"));
    assert_eq!(values(&found(&mut dead).await.entries), ["a"]);
    drop(dead);
    add(&server, "b");
    let hasty = RedisInputSettings { claim_after: Duration::from_millis(300), ..settings(&server, "two") };
    let mut other = member(&hasty);
    let new = found(&mut other).await;
    assert_eq!(values(&new.entries), ["b"]);
    other.acknowledge(new.ids()).await.unwrap();
    let left = found(&mut other).await;
    assert_eq!(values(&left.entries), ["a"]);
    other.acknowledge(left.ids()).await.unwrap();
    assert_eq!(server.ask(&["XPENDING", "events", "weir"])[0], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_begins_with_the_oldest_or_with_what_comes() {
    let Some(server) = Server::start(SUITE, &[]) else { return };
    add(&server, "old");
    let newest = RedisInputSettings {
        group: "later".to_owned(),
        begins_with_oldest: false,
        ..settings(&server, "one")
    };
    let mut later = member(&newest);
    assert!(later.next().await.unwrap().is_empty());
    add(&server, "new");
    assert_eq!(values(&found(&mut later).await.entries), ["new"]);
    assert_eq!(values(&found(&mut member(&settings(&server, "one"))).await.entries), ["old", "new"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn large_entries_are_asked_for_by_ones() {
    let Some(server) = Server::start(SUITE, &[]) else { return };
    for _ in 0..70 {
        add(&server, &"x".repeat(10_000));
    }
    let mut group = member(&RedisInputSettings { bytes_max: 20_100, ..settings(&server, "one") });
    let first = found(&mut group).await;
    group.acknowledge(first.ids()).await.unwrap();
    assert_eq!(found(&mut group).await.entries.len(), 2);
}
