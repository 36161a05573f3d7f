//! Posts so many events, a thousand at a time.

use std::thread;
use std::time::Duration;

use ureq::Agent;

const EVENTS_PER_REQUEST: usize = 1000;
const CONNECTIONS: usize = 8;

/// Events of so many bytes or somewhat more.
pub fn fill(url: &str, key: &str, events: usize, event_bytes: usize) {
    let note = note(event_bytes);
    thread::scope(|scope| {
        for worker in 0..CONNECTIONS {
            let requests = (worker..events.div_ceil(EVENTS_PER_REQUEST)).step_by(CONNECTIONS);
            let note = &note;
            scope.spawn(move || post(url, key, requests, note));
        }
    });
}

fn post(url: &str, key: &str, requests: impl Iterator<Item = usize>, note: &str) {
    let agent = Agent::config_builder().timeout_global(Some(Duration::from_secs(60))).build().new_agent();
    for request in requests {
        let event = |n: usize| {
            let number = request * EVENTS_PER_REQUEST + n;
            format!(
                r##"{{"page":"/home","event":"click","label":"n{number}","target":"#buy","section":"header","param":{{"position":{n}{note}}}}}"##
            )
        };
        let body = (0..EVENTS_PER_REQUEST).map(event).collect::<Vec<_>>().join("\n");
        let request = agent.post(url).header("authorization", format!("Bearer {key}"));
        request.header("content-type", "application/x-ndjson").send(body).unwrap();
    }
}

/// A member more, that makes a small event one of about so many bytes.
fn note(event_bytes: usize) -> String {
    const SMALL_BYTES: usize = 110;
    match event_bytes.checked_sub(SMALL_BYTES) {
        None => String::new(),
        Some(more) => {
            let words = (0..).map(|n| format!("{} ", n * 7_919 % 100_003)).scan(0, |bytes, word: String| {
                *bytes += word.len();
                (*bytes <= more).then_some(word)
            });
            format!(r#","note":"{}""#, words.collect::<String>())
        }
    }
}
