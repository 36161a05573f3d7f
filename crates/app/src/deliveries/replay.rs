//! Sending to a sink once more what logs keep of a time.

use std::sync::Arc;

use weir_core::catalog::{Account, AccountKey, CatalogError, Opening};
use weir_core::delivery::Surroundings;
use weir_core::event::Offset;
use weir_core::log::{EventLog, LogError, Partition};
use weir_core::sink::SinkName;
use weir_core::time::Timestamp;

use super::running::Part;
use super::{ConfiguredSink, Deliveries};

/// Why a replay was not begun.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// No such sink.
    #[error("there is no sink \"{0}\"")]
    UnknownSink(String),
    /// The log does not answer.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The catalog does not answer.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
}

/// A replay that was begun: which events are sent again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replay {
    /// Its name: the lane that it runs in.
    pub lane: String,
    /// The first offset.
    pub first: Offset,
    /// The offset after the last.
    pub end: Offset,
}

impl Deliveries {
    /// Sends to a sink once more what the log keeps of a time; it counts in none of the sink's figures.
    pub async fn replay(
        &self,
        sink: &str,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<Replay>, ReplayError> {
        let name = SinkName(sink.into());
        let sink = self.sinks.get(&name).ok_or_else(|| ReplayError::UnknownSink(sink.to_owned()))?;
        let Surroundings { catalog, row_ids, .. } = &self.surroundings;
        let mut begun = Vec::new();
        for (partition, log) in self.readable() {
            let first = log.seek(&partition, from).await?.max(log.extent(&partition).start);
            let end = log.seek(&partition, to).await?;
            if first >= end {
                continue;
            }
            let lane = format!("replay-{}", row_ids.next());
            let key = AccountKey { sink: name.clone(), partition, lane: lane.clone() };
            let opening = Opening { from: first, until: Some(end) };
            let account = catalog.open_account(&key, &opening).await?;
            self.hold(&account, true).await?;
            self.spawn_replay(sink, account, log);
            begun.push(Replay { lane, first, end });
        }
        Ok(begun)
    }

    /// The partitions that can be read here, each with its log.
    fn readable(&self) -> Vec<(Partition, Arc<dyn EventLog>)> {
        let own = &self.surroundings.log;
        let mut readable: Vec<_> =
            own.partitions().into_iter().map(|partition| (partition, own.clone())).collect();
        let seats = self.seats();
        readable.extend(seats.iter().filter_map(|(partition, seat)| Some((partition.clone(), seat.log()?))));
        readable
    }

    /// Its progress is this instance's own affair, whoever reads the partition next.
    pub(super) fn spawn_replay(&self, sink: &ConfiguredSink, account: Account, log: Arc<dyn EventLog>) {
        let mut seats = self.seats();
        match seats.get_mut(&account.key.partition) {
            None => self.spawn(sink, account),
            Some(seat) => {
                let surroundings = Surroundings { log, ..self.surroundings.clone() };
                seat.spawn(self.running(sink, account, surroundings, Part::Whole));
            }
        }
    }
}
