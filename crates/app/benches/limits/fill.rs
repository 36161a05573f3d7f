//! Posts so many events, a thousand at a time.

use std::thread;
use std::time::Duration;

use ureq::Agent;

const EVENTS_PER_REQUEST: usize = 1000;
const CONNECTIONS: usize = 8;

pub fn fill(url: &str, key: &str, events: usize) {
    thread::scope(|scope| {
        for worker in 0..CONNECTIONS {
            let requests = (worker..events.div_ceil(EVENTS_PER_REQUEST)).step_by(CONNECTIONS);
            scope.spawn(move || post(url, key, requests));
        }
    });
}

fn post(url: &str, key: &str, requests: impl Iterator<Item = usize>) {
    let agent = Agent::config_builder().timeout_global(Some(Duration::from_secs(60))).build().new_agent();
    for request in requests {
        let event = |n: usize| {
            let number = request * EVENTS_PER_REQUEST + n;
            format!(
                r##"{{"page":"/home","event":"click","label":"n{number}","target":"#buy","section":"header","param":{{"position":{n}}}}}"##
            )
        };
        let body = (0..EVENTS_PER_REQUEST).map(event).collect::<Vec<_>>().join("\n");
        let request = agent.post(url).header("authorization", format!("Bearer {key}"));
        request.header("content-type", "application/x-ndjson").send(body).unwrap();
    }
}
