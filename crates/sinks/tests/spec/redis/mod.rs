//! The Redis sink, from outside, against a real server.

mod entries;
mod placement;
mod server;
mod trouble;

use std::time::Duration;

use async_trait::async_trait;
use weir_core::event::EventId;
use weir_core::testkit::sink::{Columns, Probe, Reach, contract};
use weir_sinks::redis::{RedisSettings, RedisSink};

use crate::lines::row;
use server::Server;

const SUITE: &str = "Redis sink against a real server";

fn settings(server: &Server) -> RedisSettings {
    RedisSettings { request_timeout: Duration::from_secs(10), ..RedisSettings::new(server.url()) }
}

fn start(settings: &RedisSettings) -> RedisSink {
    RedisSink::start(settings).unwrap()
}

struct StreamProbe<'a> {
    server: &'a Server,
    key: &'a str,
}

#[async_trait]
impl Probe for StreamProbe<'_> {
    async fn stored(&self) -> Vec<(EventId, Columns)> {
        let read = |fields: Vec<String>| {
            let [id_name, id, event_name, event] = &fields[..] else { panic!("{fields:?}") };
            assert_eq!((id_name.as_str(), event_name.as_str()), ("id", "event"));
            let row = row(event);
            assert_eq!(row.0.to_string(), *id);
            row
        };
        self.server.entries(self.key).into_iter().map(read).collect()
    }

    fn reach(&self) -> Reach {
        Reach::Batch
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_keeps_the_contract_of_a_sink() {
    let Some(server) = Server::start(SUITE, &[]) else { return };
    contract(&start(&settings(&server)), &StreamProbe { server: &server, key: "events" }).await;
}
