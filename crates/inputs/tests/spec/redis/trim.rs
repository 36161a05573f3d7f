//! What is deleted.

use weir_inputs::redis::RedisInputSettings;

use super::{SUITE, Server, add, found, member, settings};

#[tokio::test(flavor = "multi_thread")]
async fn only_what_every_group_has_acknowledged_is_deleted() {
    let Some(server) = Server::start(SUITE, &[]) else { return };
    (0..10).for_each(|number| add(&server, &number.to_string()));
    let length = || server.ask(&["XLEN", "events"]).as_u64().unwrap();
    let mut ours = member(&settings(&server, "one"));
    assert_eq!(ours.trim().await.unwrap(), 0, "there is no group yet");

    let mut theirs = member(&RedisInputSettings { group: "theirs".to_owned(), ..settings(&server, "one") });
    let (all, given) = (found(&mut ours).await, found(&mut theirs).await);
    ours.acknowledge(all.ids()).await.unwrap();
    assert_eq!(ours.trim().await.unwrap(), 0, "nothing is acknowledged there");

    theirs.acknowledge(given.ids().take(4)).await.unwrap();
    assert_eq!((ours.trim().await.unwrap(), length()), (4, 6));
    // The last that was given stays: it tells how far the groups are.
    theirs.acknowledge(given.ids()).await.unwrap();
    assert_eq!((ours.trim().await.unwrap(), length()), (5, 1));
}
