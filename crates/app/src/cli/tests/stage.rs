//! A server that answers as told, and remembers what it was asked.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use crate::cli::client::Client;
use crate::config::{ApiKey, Settings};
use crate::secret::Secret;

/// A request, as it came.
#[derive(Clone, Debug)]
pub struct Seen {
    pub line: String,
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

/// What to answer.
pub enum Play {
    Answer(u16, &'static str, String),
    /// Ends the connection without an answer.
    Vanish,
}

/// An answer in JSON.
pub fn answer(status: u16, body: &serde_json::Value) -> Play {
    Play::Answer(status, "", body.to_string())
}

pub struct Stage {
    pub settings: Settings,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Stage {
    /// Serves until the test ends; `play` decides each answer.
    pub fn new(mut play: impl FnMut(&Seen) -> Play + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut settings = Settings::default();
        settings.server.port = listener.local_addr().unwrap().port();
        settings.auth.api_keys = vec![ApiKey { name: "app".into(), key: Secret::new("hunter2") }];
        let seen = Arc::new(Mutex::new(Vec::new()));
        let remembered = Arc::clone(&seen);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Some(request) = read(stream.as_ref().unwrap()) else { continue };
                remembered.lock().unwrap().push(request.clone());
                if let Play::Answer(status, headers, body) = play(&request) {
                    let length = body.len();
                    let head = format!(
                        "HTTP/1.1 {status} X\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n"
                    );
                    stream.unwrap().write_all(format!("{head}{body}").as_bytes()).unwrap();
                }
            }
        });
        Self { settings, seen }
    }

    pub fn client(&self) -> Client {
        Client::new(&self.settings, None, None).unwrap()
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// The keys of the requests so far.
    pub fn keys(&self) -> Vec<String> {
        self.seen().iter().map(|seen| seen.headers["idempotency-key"].clone()).collect()
    }

    /// The bodies of the requests so far.
    pub fn bodies(&self) -> Vec<String> {
        self.seen().into_iter().map(|seen| seen.body).collect()
    }
}

fn read(stream: &TcpStream) -> Option<Seen> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|count| *count > 0)?;
    let mut headers = BTreeMap::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let Some((name, value)) = header.trim_end().split_once(": ") else { break };
        headers.insert(name.to_lowercase(), value.to_owned());
    }
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Seen { line: line.trim_end().to_owned(), headers, body: String::from_utf8(body).unwrap() })
}
