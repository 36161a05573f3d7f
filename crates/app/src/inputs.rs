//! Inputs beside HTTP, as the rest of the program sees them.

use async_trait::async_trait;

/// Brings events while it runs.
#[async_trait]
pub trait Input: Send + Sync + 'static {
    /// How it stands.
    fn status(&self) -> InputStatus;

    /// Lets go of what it has, so that others can have it at once. Deliveries must have ended.
    async fn close(&self);
}

/// How an input stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InputStatus {
    /// Its name.
    pub name: String,
    /// Its type, as in the settings.
    pub kind: &'static str,
    /// What of a broker's topics this instance reads.
    pub partitions: Vec<PartitionStatus>,
    /// Messages that were gone before they were read, since the start.
    pub lost: u64,
    /// What keeps it from its work, if something does.
    pub trouble: Option<String>,
}

/// How one partition stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartitionStatus {
    /// Its name.
    pub partition: String,
    /// Everything before this is settled by every sink, and committed; `None` before the first commit.
    pub committed: Option<u64>,
    /// Where the broker has it end.
    pub end: u64,
}

impl InputStatus {
    /// What the broker has and not every sink has settled, by places.
    pub fn lag(&self) -> u64 {
        let lag =
            |one: &PartitionStatus| one.committed.map_or(0, |committed| one.end.saturating_sub(committed));
        self.partitions.iter().map(lag).sum()
    }
}
