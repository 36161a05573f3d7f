//! Which events a sink takes.

use std::collections::{BTreeMap, BTreeSet};

use crate::event::{Record, Stream};

/// The stream that goes to the catalog, and to a sink only where it is named.
const TELEMETRY: &str = "telemetry";

/// What one sink takes of all that is accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// `None`: every stream but `telemetry`.
    streams: Option<BTreeSet<Stream>>,
}

/// What a route says of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passage {
    /// It is for this sink.
    Taken,
    /// It is of another stream.
    Elsewhere,
}

impl Route {
    /// Every stream but `telemetry`.
    pub fn all() -> Self {
        Self { streams: None }
    }

    /// These streams.
    pub fn of(streams: impl IntoIterator<Item = Stream>) -> Self {
        Self { streams: Some(streams.into_iter().collect()) }
    }

    /// Where the record goes.
    pub fn passage(&self, record: &Record) -> Passage {
        if self.takes(&record.stream) { Passage::Taken } else { Passage::Elsewhere }
    }

    /// Whether events of this stream are meant for the sink.
    pub fn takes(&self, stream: &Stream) -> bool {
        match &self.streams {
            None => stream.as_str() != TELEMETRY,
            Some(streams) => streams.contains(stream),
        }
    }

    /// How many of the `accepted` events are meant for the sink, those `before` left out.
    pub fn count(&self, accepted: &BTreeMap<Stream, u64>, before: &BTreeMap<Stream, u64>) -> u64 {
        let taken = accepted.iter().filter(|(stream, _)| self.takes(stream));
        taken.map(|(stream, count)| count.saturating_sub(before.get(stream).copied().unwrap_or(0))).sum()
    }
}
