//! A broker that is away, is killed, or says nothing.

use std::time::Duration;

use weir_core::sink::{Batch, Receipt, Sink, SinkError};
use weir_core::testkit::sink::batch;
use weir_sinks::kafka::{KafkaSettings, KafkaSink};

use crate::kafka::server::Server;
use crate::kafka::{events, start};
use crate::service::free_port;

const SUITE: &str = "Kafka sink in trouble";

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_not_there_is_asked_again() {
    let address = format!("127.0.0.1:{}", free_port());
    for exactly_once in [None, Some(false)] {
        let settings = KafkaSettings {
            exactly_once,
            request_timeout: Duration::from_secs(2),
            ..KafkaSettings::new(&address)
        };
        let sink = start(&settings);
        for answer in [sink.check().await, sink.deliver(&batch("p", events(0..3))).await.map(drop)] {
            let Err(SinkError::Retry { cause, .. }) = answer else { panic!("{answer:?}") };
            assert!(cause.to_string().contains(&address), "{cause}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_killed_or_frozen_in_the_middle_of_batches_has_them_once() {
    let Some(mut server) = Server::start(SUITE) else { return };
    server.make("t", 3, &[]).await;
    let settings = KafkaSettings { request_timeout: Duration::from_secs(4), ..server.settings("t") };
    let sink = start(&settings);
    for round in 0..4 {
        let batches: Vec<Batch> =
            (0..20).map(|at| at * 500 + round * 10_000).map(|at| batch("p", events(at..at + 500))).collect();
        let bringing = async {
            for batch in &batches {
                bring(&sink, batch).await;
            }
        };
        let striking = async {
            tokio::time::sleep(Duration::from_millis(30 * round)).await;
            let service = &mut server.services[0];
            if round % 2 == 0 {
                service.kill9();
                service.restart();
            } else {
                service.freeze();
                tokio::time::sleep(settings.request_timeout + Duration::from_secs(1)).await;
                service.thaw();
            }
        };
        tokio::join!(bringing, striking);
    }
    assert_eq!(server.pages("t"), (0..40_000).collect::<Vec<_>>());
}

/// As delivery does: again and again, until it is there.
pub async fn bring(sink: &KafkaSink, batch: &Batch) -> Receipt {
    loop {
        match sink.deliver(batch).await {
            Ok(receipt) => return receipt,
            Err(SinkError::Refused(refusal)) => panic!("{refusal:?}"),
            Err(SinkError::Retry { .. } | SinkError::Blocked { .. }) => {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
    }
}
