//! What the API must know of the log beside its events.

/// How the log stands.
pub trait LogGauge: Send + Sync + 'static {
    /// Why it takes nothing at the moment, for people; `None` while all is well.
    fn trouble(&self) -> Option<String>;

    /// What it takes on disk.
    fn size_bytes(&self) -> u64;
}
