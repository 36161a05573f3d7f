//! Telemetry by HTTP, as fast as the catalog takes it; when it can be asked for, and how long questions take.
//!
//! No more is sent than the catalog is a second or so behind: what counts is what it sustains, not what the log holds for it.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use ureq::Agent;
use weir_core::lineage::TelemetryRecord;
use weir_core::testkit::lineage::Shape;

use super::steady::{agent, sample};

const SENDERS: usize = 3;
/// Traces that come side by side, as so many senders would send them.
const SIDE_BY_SIDE: usize = 10;
const FILES: usize = 50;
const BEHIND_MAX_RECORDS: usize = 60_000;
const PARTS: usize = 10;
const QUESTIONS: usize = 20;
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// A Weir that is told of `records` records, and then of two large traces.
pub struct Telemetry<'a> {
    pub base: &'a str,
    pub key: &'a str,
    pub records: usize,
    agent: Agent,
}

impl<'a> Telemetry<'a> {
    pub fn new(base: &'a str, key: &'a str, records: usize) -> Self {
        Self { base, key, records, agent: agent() }
    }

    /// Prints figures, one a line: the value, a tab, and what it is.
    pub fn run(&self) {
        self.grow();
        for (files, nodes) in [(2_700, "10k"), (27_000, "100k")] {
            let trace = format!("large-{files}");
            self.send(&told(&Shape::Lives(files).records(&trace)));
            self.wait_for_delivery();
            self.ask(&format!("the whole graph of {nodes} nodes"), &format!("/v1/traces/{trace}/graph"));
            let found = self.get(&format!("/v1/nodes/file:out-{}.csv/upstream?trace={trace}", files / 2));
            let found: Value = serde_json::from_str(&found.unwrap()).unwrap();
            let leaf = found["node"]["id"].as_str().unwrap();
            self.ask(&format!("upstream of a leaf among {nodes}"), &format!("/v1/nodes/{leaf}/upstream"));
        }
    }

    fn grow(&self) {
        let (sent, over) = (AtomicUsize::new(0), AtomicBool::new(false));
        let round = Shape::Lives(FILES).records("").len() * SIDE_BY_SIDE;
        let rounds = self.records / round;
        let next = AtomicUsize::new(0);
        let next_round = || Some(next.fetch_add(1, Ordering::Relaxed)).filter(|number| *number < rounds);
        let mut lags = thread::scope(|scope| {
            let probing = scope.spawn(|| self.probe(&over));
            for _ in 0..SENDERS {
                scope.spawn(|| {
                    while let Some(number) = next_round() {
                        while sent.load(Ordering::Relaxed) > self.delivered() + BEHIND_MAX_RECORDS {
                            thread::sleep(POLL_INTERVAL);
                        }
                        self.send(&side_by_side(number));
                        sent.fetch_add(round, Ordering::Relaxed);
                    }
                });
            }
            self.tell_rates(rounds * round);
            over.store(true, Ordering::Relaxed);
            probing.join().unwrap()
        });
        lags.sort_unstable();
        let of = |percent: usize| lags[(lags.len() - 1) * percent / 100].as_secs_f64();
        println!("{:.2}\tlater it could be asked for, median of {}, s", of(50), lags.len());
        println!("{:.2}\tlater it could be asked for, at most, s", of(100));
    }

    /// How fast each tenth was delivered.
    fn tell_rates(&self, records: usize) {
        for part in 1..=PARTS {
            let (began, before) = (Instant::now(), self.delivered());
            while self.delivered() < records * part / PARTS {
                thread::sleep(POLL_INTERVAL);
            }
            let rate = (self.delivered() - before) as f64 / began.elapsed().as_secs_f64();
            println!("{rate:.0}\trecords/s, tenth {part} of {records}");
        }
    }

    /// Begins a trace every half second, and asks for it until it is there.
    fn probe(&self, over: &AtomicBool) -> Vec<Duration> {
        let mut lags = Vec::new();
        while !over.load(Ordering::Relaxed) {
            let trace = format!("probe-{}", lags.len());
            self.send(&[format!(r#"{{"type":"TRACE_START","trace":"{trace}","createdAt":1}}"#)]);
            let acknowledged = Instant::now();
            let path = format!("/v1/traces/{trace}");
            while self.get(&path).is_none() {
                thread::sleep(POLL_INTERVAL);
            }
            lags.push(acknowledged.elapsed());
            thread::sleep(Duration::from_millis(500));
        }
        lags
    }

    fn send(&self, records: &[String]) {
        for body in records.chunks(5_000) {
            let request = self.agent.post(format!("{}/v1/telemetry", self.base));
            let request = request.header("authorization", self.bearer());
            let answer = request.header("content-type", "application/x-ndjson").send(body.join("\n"));
            // Read to its end, so that its connection serves again.
            answer.unwrap().body_mut().read_to_vec().unwrap();
        }
    }

    fn ask(&self, what: &str, path: &str) {
        let times = (0..QUESTIONS).map(|_| {
            let begun = Instant::now();
            assert!(self.get(path).is_some_and(|body| !body.is_empty()));
            begun.elapsed()
        });
        let mut times = times.collect::<Vec<_>>();
        times.sort_unstable();
        println!("{:.1}\t{what}, answered over HTTP, ms", times[QUESTIONS / 2].as_secs_f64() * 1000.0);
    }

    fn wait_for_delivery(&self) {
        thread::sleep(Duration::from_millis(200));
        while self.sample("weir_events_pending") > 0.0 {
            thread::sleep(POLL_INTERVAL);
        }
    }

    fn delivered(&self) -> usize {
        self.sample("weir_events_delivered_total") as usize
    }

    /// Of the sink `lineage`.
    fn sample(&self, name: &str) -> f64 {
        sample(&self.get("/metrics").unwrap(), name, "lineage").unwrap_or(0.0)
    }

    /// What is there, if there is anything.
    fn get(&self, path: &str) -> Option<String> {
        let request = self.agent.get(format!("{}{path}", self.base)).header("authorization", self.bearer());
        Some(request.call().ok()?.body_mut().with_config().limit(1 << 30).read_to_string().unwrap())
    }

    fn bearer(&self) -> String {
        format!("Bearer {}", self.key)
    }
}

/// The records of some traces, by turns.
fn side_by_side(number: usize) -> Vec<String> {
    let name = |n: usize| format!("order-{:08}", number * SIDE_BY_SIDE + n);
    let traces = (0..SIDE_BY_SIDE).map(|n| told(&Shape::Lives(FILES).records(&name(n)))).collect::<Vec<_>>();
    (0..traces[0].len()).flat_map(|n| traces.iter().map(move |records| records[n].clone())).collect()
}

fn told(records: &[TelemetryRecord]) -> Vec<String> {
    records.iter().map(TelemetryRecord::to_json).collect()
}
