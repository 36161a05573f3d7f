//! Posts events that can be told apart, and remembers which were acknowledged.

#[cfg(feature = "kafka")]
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::{Duration, Instant};

use weir_core::testkit::world::SeededRandom;

use super::{Client, Weir};

/// Words, as the dice had them: packed, about a quarter of it is left.
static TEXT: LazyLock<String> = LazyLock::new(|| {
    let dice = SeededRandom::new(1);
    let word = |_| format!("{:x} ", dice.below(1 << (4 + dice.below(24))));
    (0..1 << 15).map(word).collect::<String>()[..64 << 10].to_owned()
});

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
    padding_bytes: usize,
    pause: Duration,
    /// Between the beginnings of two requests of one connection.
    interval: Duration,
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

/// Whether what each connection sent, one request after the other, follows one another.
#[cfg(feature = "kafka")]
#[derive(Default)]
pub struct Order(BTreeMap<String, (u64, u64)>);

#[cfg(feature = "kafka")]
impl Order {
    /// The next mark, as it is found: `NAME-CONNECTION-REQUEST-EVENT`.
    #[track_caller]
    pub fn follow(&mut self, mark: &str) {
        let mut parts = mark.rsplitn(3, '-');
        let mut number = || parts.next().unwrap().parse::<u64>().unwrap();
        let (event, request) = (number(), number());
        let before = self.0.insert(parts.next().unwrap().to_owned(), (request, event));
        assert!(before.is_none_or(|before| before < (request, event)), "{mark} comes after {before:?}");
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
            padding_bytes: 0,
            pause: Duration::ZERO,
            interval: Duration::ZERO,
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

    /// So many events a second over all connections, and what could not be kept to is made up for.
    #[cfg(feature = "kafka")]
    pub fn events_per_second(mut self, events: usize) -> Self {
        self.interval =
            Duration::from_secs(1) * (self.events_per_request * self.connections) as u32 / events as u32;
        self
    }

    /// Makes each event this much larger, up to 32 KiB, by text that does not pack to nothing.
    pub fn padding_bytes(mut self, bytes: usize) -> Self {
        self.padding_bytes = bytes;
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
        let begun = Instant::now();
        let deadline = begun + self.load.time_max;
        let over = |worker: &Self| worker.stop.load(Ordering::Relaxed) || Instant::now() >= deadline;
        for request in (self.number..self.load.requests_max).step_by(self.load.connections) {
            if over(&self) {
                break;
            }
            sleep(self.load.pause);
            let due = begun + self.load.interval * (request / self.load.connections) as u32;
            sleep(due.saturating_duration_since(Instant::now()));
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
            let (padding, number) = (self.padding(mark), self.number);
            format!(
                r#"{{{log_id}"page":"/load","event":"sent","label":"{mark}","param":{{"connection":{number},"padding":"{padding}"}}}}"#
            )
        };
        marks.iter().map(event).collect::<Vec<_>>().join("\n")
    }

    /// A piece of the text, another for each event.
    fn padding(&self, mark: &str) -> &'static str {
        let from = mark.bytes().fold(0, |sum: usize, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
        let from = from % (TEXT.len() / 2);
        &TEXT[from..from + self.load.padding_bytes]
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
