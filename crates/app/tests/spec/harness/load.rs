//! Posts events that can be told apart, and remembers which were acknowledged.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::{Duration, Instant};

use super::{Client, Weir};

const PAUSE_AFTER_FAILURE: Duration = Duration::from_millis(10);

/// What is sent: each event carries a mark of its own as its `label`.
#[derive(Clone)]
pub struct Load {
    name: String,
    connections: usize,
    events_per_request: usize,
    requests_max: usize,
    time_max: Duration,
    named: bool,
    padding: String,
    pause: Duration,
}

/// What became of it.
#[derive(Debug, Default)]
pub struct Sent {
    /// Marks of events answered with 200.
    pub acknowledged: BTreeSet<String>,
    /// Marks of events whose answer never came, or was another one: they may be stored, once.
    pub unknown: BTreeSet<String>,
    /// Requests answered by another status than 200.
    pub refused: usize,
    /// Requests that were not answered.
    pub unanswered: usize,
    /// The longest time that an answer took.
    pub slowest: Duration,
}

impl Sent {
    /// Adds what became of another load.
    pub fn add(&mut self, other: Self) {
        self.acknowledged.extend(other.acknowledged);
        self.unknown.extend(other.unknown);
        self.refused += other.refused;
        self.unanswered += other.unanswered;
        self.slowest = self.slowest.max(other.slowest);
    }

    /// Fails unless what a store holds is all that was acknowledged, nothing twice, and nothing that was never sent.
    #[track_caller]
    pub fn assert_stored_once(&self, stored: Vec<String>) {
        let count = stored.len();
        let distinct = stored.into_iter().collect::<BTreeSet<_>>();
        let lost = self.acknowledged.difference(&distinct).collect::<Vec<_>>();
        let foreign = distinct
            .iter()
            .filter(|mark| !self.acknowledged.contains(*mark) && !self.unknown.contains(*mark));
        let foreign = foreign.collect::<Vec<_>>();
        assert!(!self.acknowledged.is_empty(), "nothing was acknowledged: the test shows nothing");
        assert_eq!(count - distinct.len(), 0, "stored twice");
        assert!(lost.is_empty(), "{} acknowledged and lost: {:?}", lost.len(), &lost[..lost.len().min(20)]);
        assert!(foreign.is_empty(), "{} never sent: {:?}", foreign.len(), &foreign[..foreign.len().min(20)]);
    }
}

/// A load under way.
pub struct Running {
    stop: Arc<AtomicBool>,
    acknowledged: Arc<AtomicUsize>,
    workers: Vec<JoinHandle<Sent>>,
}

impl Load {
    /// Marks begin with `name`, so loads of different names never meet. Single events over 4 connections, at most
    /// 1,000,000 requests and 60 seconds.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            connections: 4,
            events_per_request: 1,
            requests_max: 1_000_000,
            time_max: Duration::from_secs(60),
            named: false,
            padding: String::new(),
            pause: Duration::ZERO,
        }
    }

    pub fn connections(mut self, connections: usize) -> Self {
        self.connections = connections;
        self
    }

    /// Several events a request, as NDJSON.
    pub fn events_per_request(mut self, events: usize) -> Self {
        self.events_per_request = events;
        self
    }

    /// Stops by itself after so many requests.
    pub fn requests(mut self, requests: usize) -> Self {
        self.requests_max = requests;
        self
    }

    /// Stops by itself after so long.
    pub fn time(mut self, limit: Duration) -> Self {
        self.time_max = limit;
        self
    }

    /// Events bring ids of their own, and are sent again under them until they are acknowledged.
    pub fn named(mut self) -> Self {
        self.named = true;
        self
    }

    /// Rests between requests, for a store that takes less than Weir does.
    pub fn pause(mut self, time: Duration) -> Self {
        self.pause = time;
        self
    }

    /// Makes each event this much larger.
    pub fn padding_bytes(mut self, bytes: usize) -> Self {
        self.padding = "x".repeat(bytes);
        self
    }

    /// Begins; the load goes on over restarts of the Weir.
    pub fn start(&self, weir: &Weir) -> Running {
        let stop = Arc::new(AtomicBool::new(false));
        let acknowledged = Arc::new(AtomicUsize::new(0));
        let workers = (0..self.connections).map(|number| {
            let worker = Worker {
                load: self.clone(),
                number,
                client: Client::with_limit(weir.base(), Duration::from_secs(30)).bearing(&weir.key()),
                stop: Arc::clone(&stop),
                counted: Arc::clone(&acknowledged),
                sent: Sent::default(),
            };
            spawn(move || worker.run())
        });
        Running { workers: workers.collect(), stop, acknowledged }
    }

    /// All of it.
    pub fn run(&self, weir: &Weir) -> Sent {
        self.start(weir).join()
    }
}

impl Running {
    /// Events acknowledged up to now.
    pub fn acknowledged(&self) -> usize {
        self.acknowledged.load(Ordering::Relaxed)
    }

    /// Ends it; what is under way is waited for.
    pub fn stop(self) -> Sent {
        self.stop.store(true, Ordering::Relaxed);
        self.join()
    }

    /// Waits until it ends by itself.
    pub fn join(self) -> Sent {
        let mut all = Sent::default();
        for worker in self.workers {
            all.add(worker.join().unwrap());
        }
        all
    }
}

struct Worker {
    load: Load,
    number: usize,
    client: Client,
    stop: Arc<AtomicBool>,
    counted: Arc<AtomicUsize>,
    sent: Sent,
}

impl Worker {
    fn run(mut self) -> Sent {
        let deadline = Instant::now() + self.load.time_max;
        let over = |worker: &Self| worker.stop.load(Ordering::Relaxed) || Instant::now() >= deadline;
        for request in (self.number..self.load.requests_max).step_by(self.load.connections) {
            if over(&self) {
                break;
            }
            sleep(self.load.pause);
            let marks = self.marks(request);
            let body = self.body(&marks);
            let mut done = self.send(&body);
            while !done && self.load.named && !over(&self) {
                sleep(PAUSE_AFTER_FAILURE);
                done = self.send(&body);
            }
            if done {
                self.counted.fetch_add(marks.len(), Ordering::Relaxed);
                self.sent.acknowledged.extend(marks);
            } else {
                self.sent.unknown.extend(marks);
                sleep(PAUSE_AFTER_FAILURE);
            }
        }
        self.sent
    }

    fn marks(&self, request: usize) -> Vec<String> {
        let mark = |event| format!("{}-{}-{request}-{event}", self.load.name, self.number);
        (0..self.load.events_per_request).map(mark).collect()
    }

    fn body(&self, marks: &[String]) -> String {
        let event = |mark: &String| {
            let log_id = if self.load.named { format!(r#""log_id":"{mark}","#) } else { String::new() };
            let padding = &self.load.padding;
            format!(
                r#"{{{log_id}"page":"/load","event":"sent","label":"{mark}","param":{{"padding":"{padding}"}}}}"#
            )
        };
        marks.iter().map(event).collect::<Vec<_>>().join("\n")
    }

    /// Whether it was acknowledged.
    fn send(&mut self, body: &str) -> bool {
        let kind =
            if self.load.events_per_request == 1 { "application/json" } else { "application/x-ndjson" };
        let begun = Instant::now();
        let answer = self.client.post("/events", body.as_bytes(), &[("content-type", kind)]);
        let Ok(answer) = answer else {
            self.sent.unanswered += 1;
            return false;
        };
        self.sent.slowest = self.sent.slowest.max(begun.elapsed());
        if answer.status != 200 {
            self.sent.refused += 1;
        }
        answer.status == 200
    }
}
