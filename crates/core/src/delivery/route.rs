//! Which events a sink takes.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::event::{Record, Stream};
use crate::routing::Filter;
use crate::streams::Streams;

/// What one sink takes of all that is accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    streams: Streams,
    /// Of these streams' events, which.
    filter: Option<Arc<Filter>>,
    /// Whether it is for what is no event.
    unreadable: bool,
}

/// What a route says of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passage {
    /// It is for this sink.
    Taken,
    /// It is of a stream that the sink takes, and left out by its filter.
    LeftOut,
    /// It is of another stream.
    Elsewhere,
}

impl Route {
    /// Every stream but `telemetry`.
    pub fn all() -> Self {
        Self { streams: Streams::All, filter: None, unreadable: false }
    }

    /// These streams.
    pub fn of(streams: impl IntoIterator<Item = Stream>) -> Self {
        Self { streams: Streams::Named(streams.into_iter().collect()), filter: None, unreadable: false }
    }

    /// No event, but what stands in the log and is none.
    pub fn unreadable() -> Self {
        Self { unreadable: true, ..Self::of([]) }
    }

    /// The same streams, but only what the filter holds of.
    pub fn with_filter(self, filter: Filter) -> Self {
        Self { filter: Some(Arc::new(filter)), ..self }
    }

    /// Where the record goes.
    pub fn passage(&self, record: &Record) -> Passage {
        if !self.takes(&record.stream) {
            return Passage::Elsewhere;
        }
        match &self.filter {
            Some(filter) if !filter.holds(record) => Passage::LeftOut,
            _ => Passage::Taken,
        }
    }

    /// Whether it has to look into events.
    pub fn has_filter(&self) -> bool {
        self.filter.is_some()
    }

    /// Tells routes apart in the names of batches: between the same bounds, another route makes another batch, which no
    /// store may take for the first. Empty for a sink that takes everything.
    pub fn mark(&self) -> String {
        if self.streams == Streams::All && self.filter.is_none() {
            return String::new();
        }
        let streams = self.streams.named().map(Stream::as_str);
        // Neither stands in a stream's name.
        let text =
            streams.chain(["?", self.filter.as_deref().map_or("", Filter::as_str)]).collect::<Vec<_>>();
        let digest = Sha256::digest(text.join("/"));
        let start: [u8; 8] = std::array::from_fn(|place| digest[place]);
        format!("?{:016x}", u64::from_be_bytes(start))
    }

    /// Whether it is for what is no event.
    pub fn is_for_unreadable(&self) -> bool {
        self.unreadable
    }

    /// Whether events of this stream are meant for the sink.
    pub fn takes(&self, stream: &Stream) -> bool {
        self.streams.contains(stream)
    }

    /// The streams it takes events of.
    pub fn streams(&self) -> &Streams {
        &self.streams
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::routing::Condition;
    use crate::selection::Source;

    #[test]
    fn another_route_has_another_mark_and_the_same_one_always_the_same() {
        let stream = |name| Stream::new(name).unwrap();
        let filter = |wanted| Filter::new([(Source::parse("a").unwrap(), Condition::Exists(wanted))]);
        let marks = [
            Route::all().mark(),
            Route::of([stream("events")]).mark(),
            Route::of([stream("events"), stream("actions")]).mark(),
            Route::all().with_filter(filter(true)).mark(),
            Route::all().with_filter(filter(false)).mark(),
            Route::of([stream("events")]).with_filter(filter(true)).mark(),
        ];
        assert_eq!(marks.iter().collect::<BTreeSet<_>>().len(), marks.len(), "{marks:?}");
        assert_eq!(marks[0], "");
        assert_eq!(
            Route::of([stream("b"), stream("a")]).mark(),
            Route::of([stream("a"), stream("b")]).mark()
        );
        // Frozen: a batch that is under way at an upgrade keeps its name.
        assert_eq!(marks[5], "?1a205b6ff0e2b909");
    }
}
