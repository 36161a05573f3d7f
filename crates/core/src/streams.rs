//! Which streams a sink takes.

use std::collections::BTreeSet;

use crate::event::Stream;

/// The stream that goes to the catalog, and to a sink only where it is named.
const TELEMETRY: &str = "telemetry";

/// A choice among the streams.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Streams {
    /// Every stream but `telemetry`.
    All,
    /// These.
    Named(BTreeSet<Stream>),
}

impl Streams {
    /// Whether the stream is among them.
    pub fn contains(&self, stream: &Stream) -> bool {
        match self {
            Self::All => stream.as_str() != TELEMETRY,
            Self::Named(streams) => streams.contains(stream),
        }
    }

    /// Those that are named; none where all are meant.
    pub fn named(&self) -> impl Iterator<Item = &Stream> {
        let named = match self {
            Self::All => None,
            Self::Named(streams) => Some(streams),
        };
        named.into_iter().flatten()
    }
}
