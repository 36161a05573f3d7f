//! How far each sink is over one partition: the content of a commit.

use std::collections::BTreeMap;

use crate::catalog::{Place, Plan};
use crate::event::Offset;
use crate::sink::SinkName;

/// The places of all sinks, of one era.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Course {
    pub(super) era: u64,
    pub(super) places: BTreeMap<SinkName, Way>,
}

/// How far one sink is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Way {
    /// Batches are fixed up to here.
    pub planned: Offset,
    /// Those that are not settled: where each begins and ends.
    pub unsettled: BTreeMap<Offset, Offset>,
}

impl Way {
    pub fn settled_before(&self) -> Offset {
        self.unsettled.keys().next().copied().unwrap_or(self.planned)
    }
}

impl Course {
    /// One that nobody has begun.
    pub fn begin(era: u64) -> Self {
        Self { era, places: BTreeMap::new() }
    }

    /// Everything before it is settled by every sink; `None` where there is no sink.
    pub fn settled_before(&self) -> Option<Offset> {
        self.places.values().map(Way::settled_before).min()
    }

    /// Up to where batches are fixed at most.
    pub fn furthest(&self) -> Option<Offset> {
        self.places.values().map(|way| way.planned).max()
    }

    /// The sinks that have a place.
    pub fn sinks(&self) -> impl Iterator<Item = &SinkName> {
        self.places.keys()
    }

    /// Where the sink is.
    pub fn place(&self, sink: &SinkName) -> Option<Place> {
        let Way { planned, unsettled } = self.places.get(sink)?.clone();
        Some(Place { era: self.era, planned, unsettled })
    }

    /// Whether the sink was new and begins at `from` now.
    pub(super) fn open(&mut self, sink: &SinkName, from: Offset) -> bool {
        if self.places.contains_key(sink) {
            return false;
        }
        self.places.insert(sink.clone(), Way { planned: from, unsettled: BTreeMap::new() });
        true
    }

    /// Whether that changed anything.
    pub(super) fn put(&mut self, sink: &SinkName, place: Place) -> bool {
        let way = Way { planned: place.planned, unsettled: place.unsettled };
        self.places.insert(sink.clone(), way.clone()) != Some(way)
    }

    /// Fixes a batch, if it is not. Whether it was; `Err` where it contradicts those that are.
    pub(super) fn plan(&mut self, plan: &Plan) -> Result<bool, String> {
        let missing = || format!("sink {:?} has no place in the commit", &*plan.key.sink.0);
        let way = self.places.get_mut(&plan.key.sink).ok_or_else(missing)?;
        let (first, end) = (plan.first, plan.end);
        if first < end && first == way.planned {
            way.planned = end;
            way.unsettled.insert(first, end);
            return Ok(true);
        }
        let overlaps = |(&f, &e): (&Offset, &Offset)| (f, e) != (first, end) && f < end && first < e;
        let repeats = first < end && end <= way.planned && !way.unsettled.iter().any(overlaps);
        let planned = way.planned;
        repeats
            .then_some(false)
            .ok_or_else(|| format!("the batch {first}-{end} does not follow on {planned}"))
    }

    /// Whether it was unsettled.
    pub(super) fn settle(&mut self, plan: &Plan) -> bool {
        let way = self.places.get_mut(&plan.key.sink);
        way.is_some_and(|way| way.unsettled.remove(&plan.first).is_some())
    }

    pub(super) fn forget(&mut self, sink: &SinkName) -> bool {
        self.places.remove(sink).is_some()
    }
}
