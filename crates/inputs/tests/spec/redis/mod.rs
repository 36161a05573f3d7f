//! Redis Streams, as a member of a consumer group reads them.

mod group;
#[allow(dead_code, reason = "each of those who share it needs another part")]
#[path = "../../../../sinks/tests/spec/redis/server.rs"]
mod server;
mod trim;
mod trouble;

use std::time::{Duration, Instant};

use weir_connect::redis::RedisClient;
use weir_inputs::redis::{Entry, Found, Group, RedisInputSettings};

use server::Server;

const SUITE: &str = "Redis input against a real server";
const SOON: Duration = Duration::from_secs(60);

fn settings(server: &Server, consumer: &str) -> RedisInputSettings {
    RedisInputSettings {
        request_timeout: Duration::from_secs(5),
        ..RedisInputSettings::new("spec", server.url(), consumer)
    }
}

fn member(settings: &RedisInputSettings) -> Group {
    let client = RedisClient::new(settings.address().unwrap(), settings.tls.clone());
    Group::new(client, settings.clone(), "events")
}

fn add(server: &Server, value: &str) {
    server.ask(&["XADD", "events", "*", "event", value]);
}

fn values(entries: &[Entry]) -> Vec<String> {
    entries.iter().map(|entry| String::from_utf8(entry.fields[0].1.to_vec()).unwrap()).collect()
}

/// The next that it finds.
async fn found(group: &mut Group) -> Found {
    let deadline = Instant::now() + SOON;
    loop {
        assert!(Instant::now() < deadline, "nothing is found");
        let found = group.next().await.unwrap();
        if !found.is_empty() {
            return found;
        }
    }
}
