//! Prometheus' text, read.

use std::collections::BTreeMap;

/// All samples of one scrape, by name with labels as written.
#[derive(Debug)]
pub struct Metrics(BTreeMap<String, f64>);

/// A sink's account, as one scrape shows it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Account {
    pub accepted: f64,
    pub delivered: f64,
    pub dead: f64,
    pub filtered: f64,
    pub pending: f64,
}

impl Metrics {
    #[track_caller]
    pub fn parse(text: &str) -> Self {
        let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let sample = |line: &str| {
            let (name, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("not a sample: {line:?}"));
            (name.to_owned(), value.parse().unwrap_or_else(|_| panic!("not a number: {line:?}")))
        };
        Self(lines.map(sample).collect())
    }

    /// The sum of the samples of this name that have all these labels; `None` where there is none.
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let fits = |sample: &str| {
            let (sample_name, rest) = sample.split_once('{').unwrap_or((sample, ""));
            sample_name == name
                && labels.iter().all(|(label, value)| rest.contains(&format!("{label}=\"{value}\"")))
        };
        let mut values = self.0.iter().filter(|(sample, _)| fits(sample)).map(|(_, value)| *value).peekable();
        values.peek()?;
        Some(values.sum())
    }

    /// The account of a sink that takes every stream.
    #[track_caller]
    pub fn account(&self, sink: &str) -> Account {
        let of_sink = |name: &str| {
            let value = self.sum(name, &[("sink", sink)]);
            value.unwrap_or_else(|| panic!("{name} has no sample for sink {sink:?}: {:#?}", self.0))
        };
        Account {
            accepted: self.sum("weir_events_accepted_total", &[]).unwrap_or(0.0),
            delivered: of_sink("weir_events_delivered_total"),
            dead: of_sink("weir_events_dead_total"),
            filtered: of_sink("weir_events_filtered_total"),
            pending: of_sink("weir_events_pending"),
        }
    }
}

impl Account {
    pub fn is_balanced(&self) -> bool {
        self.accepted == self.delivered + self.dead + self.filtered + self.pending
    }
}
