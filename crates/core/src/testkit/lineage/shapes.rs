//! Traces of a known shape, as the records that tell of them.

use crate::lineage::{Json, RecordType, TelemetryRecord};
use crate::testkit::world::TestClock;
use crate::time::Timestamp;

/// What a trace looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One file, and so many data made of it at once.
    FanOut(usize),
    /// So many files, and one datum made of all of them.
    FanIn(usize),
    /// So many data, each made of the one before.
    Chain(usize),
    /// So many times: one becomes two, which become one.
    Diamonds(usize),
    /// A circle of so many data.
    Circle(usize),
    /// So many files of a real life: received and stored; one in ten dropped; the others parsed into two data each, of
    /// which one is written to a database and one becomes a file. With log lines.
    Lives(usize),
}

/// A record with a key, so many microseconds after the beginning.
pub fn record(record_type: RecordType, trace: &str, key: &str, after_micros: usize) -> TelemetryRecord {
    let at = Timestamp::from_micros(TestClock::BEGIN + after_micros as i64);
    TelemetryRecord { key: Some(key.into()), ..TelemetryRecord::new(record_type, trace, at) }
}

impl Shape {
    /// The records that tell of such a trace, its start and its end included.
    pub fn records(self, trace: &str) -> Vec<TelemetryRecord> {
        let mut story = Story { trace: trace.to_owned(), records: Vec::new() };
        story.add(TelemetryRecord { key: None, ..record(RecordType::TraceStart, trace, "", 0) });
        match self {
            Self::FanOut(count) => story.fan_out(count),
            Self::FanIn(count) => story.fan_in(count),
            Self::Chain(count) => {
                story.receive("file:first");
                story.derive("make", &["file:first"], &["data:0"]);
                (1..count).for_each(|n| story.step(n - 1, n));
            }
            Self::Diamonds(count) => (0..count).for_each(|n| story.diamond(n)),
            Self::Circle(count) => (0..count).for_each(|n| story.step(n, (n + 1) % count)),
            Self::Lives(count) => (0..count).for_each(|n| story.life(n)),
        }
        let end = story.records.len();
        story.add(TelemetryRecord { key: None, ..record(RecordType::TraceEnd, trace, "", end) });
        story.records
    }
}

struct Story {
    trace: String,
    records: Vec<TelemetryRecord>,
}

impl Story {
    /// Each comes a microsecond after the one before, from one sender who counts.
    fn add(&mut self, record: TelemetryRecord) {
        let place = self.records.len();
        let created_at = Timestamp::from_micros(TestClock::BEGIN + place as i64);
        let user = Some("importer".into());
        self.records.push(TelemetryRecord { created_at, user, seq: Some(place as u64 + 1), ..record });
    }

    fn tell(&mut self, record_type: RecordType, key: &str, attrs: &[(&str, &str)]) {
        let attrs = attrs.iter().map(|(name, value)| (Box::from(*name), Json::text(value))).collect();
        let told = record(record_type, &self.trace, key, 0);
        self.add(TelemetryRecord { attrs, ..told });
    }

    fn receive(&mut self, key: &str) {
        self.tell(RecordType::FileReceive, key, &[("name", key)]);
    }

    fn derive(&mut self, operation: &str, parents: &[&str], children: &[&str]) {
        let names = |list: &[&str]| {
            let mut names: Vec<Box<str>> = list.iter().map(|name| Box::from(*name)).collect();
            names.sort_unstable();
            names
        };
        let told = TelemetryRecord {
            key: None,
            parents: names(parents),
            children: names(children),
            attrs: [(Box::from("operation"), Json::text(operation))].into(),
            ..record(RecordType::Derive, &self.trace, "", 0)
        };
        self.add(told);
    }

    fn fan_out(&mut self, count: usize) {
        self.receive("file:source");
        let names: Vec<String> = (0..count).map(|n| format!("data:{n}")).collect();
        for part in names.chunks(1_000) {
            let part: Vec<&str> = part.iter().map(String::as_str).collect();
            self.derive("split", &["file:source"], &part);
        }
    }

    fn fan_in(&mut self, count: usize) {
        let names: Vec<String> = (0..count).map(|n| format!("file:{n}")).collect();
        for part in names.chunks(1_000) {
            let part: Vec<&str> = part.iter().map(String::as_str).collect();
            self.derive("join", &part, &["data:whole"]);
        }
    }

    fn step(&mut self, from: usize, to: usize) {
        self.derive("step", &[&format!("data:{from}")], &[&format!("data:{to}")]);
    }

    fn diamond(&mut self, n: usize) {
        let (top, left, right) = (format!("data:{n}"), format!("data:{n}-left"), format!("data:{n}-right"));
        self.derive("split", &[&top], &[&left, &right]);
        self.derive("join", &[&left, &right], &[&format!("data:{}", n + 1)]);
    }

    fn life(&mut self, n: usize) {
        let (file, one, other) = (format!("file:in-{n}.csv"), format!("data:{n}-1"), format!("data:{n}-2"));
        self.receive(&file);
        self.tell(RecordType::FileStore, &file, &[("store", "local")]);
        if n % 10 == 9 {
            self.tell(RecordType::Log, &file, &[("level", "error"), ("message", "no header found")]);
            let dropped = record(RecordType::Drop, &self.trace, &file, 0);
            self.add(TelemetryRecord { reason: Some("header missing".into()), ..dropped });
            return;
        }
        self.derive("parse", &[&file], &[&one, &other]);
        self.tell(RecordType::Log, &one, &[("level", "info"), ("message", "2 columns renamed")]);
        self.tell(RecordType::DbWrite, &one, &[("database", "sales"), ("table", "orders")]);
        self.derive("write", &[&other], &[&format!("file:out-{n}.csv")]);
    }
}
