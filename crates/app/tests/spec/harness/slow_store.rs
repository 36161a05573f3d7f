//! A store that takes so many events a second and no more. It speaks of OpenSearch what bulk requests need, uncompressed.

use std::io::{self, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::message::Message;

/// Answers on a port of its own until the process ends.
pub struct SlowStore {
    port: u16,
}

/// When what it has been given up to now will be done.
struct Pace {
    one_event: Duration,
    done_at: Mutex<Instant>,
}

impl SlowStore {
    pub fn start(events_per_second: u32) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let one_event = Duration::from_secs(1) / events_per_second;
        let pace = Arc::new(Pace { one_event, done_at: Mutex::new(Instant::now()) });
        spawn(move || {
            for client in listener.incoming().flatten() {
                let pace = Arc::clone(&pace);
                // A client that goes away has gone away.
                spawn(move || drop(pace.serve(client)));
            }
        });
        Self { port }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Pace {
    fn serve(&self, mut client: TcpStream) -> io::Result<()> {
        client.set_nodelay(true)?;
        while let Some(request) = Message::read_request(&mut client)? {
            let items = created(&request.body);
            self.take(items.len());
            let body = json!({ "took": 1, "errors": false, "items": items }).to_string();
            let length = body.len();
            write!(
                client,
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
            )?;
        }
        Ok(())
    }

    /// Returns when all that came before and these are done.
    fn take(&self, events: usize) {
        let mut done_at = self.done_at.lock().unwrap();
        let begun = (*done_at).max(Instant::now());
        let done = begun + self.one_event * u32::try_from(events).unwrap();
        *done_at = done;
        drop(done_at);
        sleep(done.saturating_duration_since(Instant::now()));
    }
}

/// An answer's item for each action; every other line is a document.
fn created(bulk: &[u8]) -> Vec<Value> {
    let actions = bulk.split(|byte| *byte == b'\n').step_by(2).filter(|line| !line.is_empty());
    let item = |line: &[u8]| {
        let mut action: Value = serde_json::from_slice(line).unwrap();
        action["create"]["status"] = 201.into();
        action
    };
    actions.map(item).collect()
}
