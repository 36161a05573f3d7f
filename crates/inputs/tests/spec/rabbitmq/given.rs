//! What is given, and how often.

use weir_connect::rabbitmq::lapin::types::AMQPValue;
use weir_inputs::rabbitmq::RabbitInputSettings;

use super::{SUITE, Server, bodies, publish, reader, settings, take};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_settled_is_given_again_and_no_more_than_the_prefetch() {
    let Some(server) = Server::start(SUITE, &[]) else { return };
    server.make_queue("events", &[]).await;
    ["a", "b", "c"].into_iter().for_each(|body| publish(&server, body));
    let two = RabbitInputSettings { prefetch: 2, ..settings(&server) };
    let mut queue = reader(&two);
    assert_eq!(bodies(&take(&mut queue, 2).await), ["a", "b"]);
    drop(queue);
    let mut queue = reader(&two);
    let given = take(&mut queue, 2).await;
    assert_eq!(bodies(&given), ["a", "b"]);
    assert!(given[0].redelivered);
    queue.settle(&given, &[]).await.unwrap();
    assert_eq!(bodies(&take(&mut queue, 1).await), ["c"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_rejected_goes_to_the_queues_dead_letter_exchange() {
    let Some(server) = Server::start(SUITE, &[]) else { return };
    let text = |text: &str| AMQPValue::LongString(text.into());
    server.make_queue("dead", &[]).await;
    let to_dead = [("x-dead-letter-exchange", text("")), ("x-dead-letter-routing-key", text("dead"))];
    server.make_queue("events", &to_dead).await;
    ["good", "bad"].into_iter().for_each(|body| publish(&server, body));
    let mut queue = reader(&RabbitInputSettings { declare: None, ..settings(&server) });
    let given = take(&mut queue, 2).await;
    let bad = given.iter().find(|one| one.data == b"bad").unwrap().delivery_tag;
    queue.settle(&given, &[bad]).await.unwrap();
    let mut dead = reader(&RabbitInputSettings { queue: "dead".to_owned(), ..settings(&server) });
    assert_eq!(bodies(&take(&mut dead, 1).await), ["bad"]);
}
