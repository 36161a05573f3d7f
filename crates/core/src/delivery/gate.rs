//! Holds deliveries while their sink is paused.

use std::sync::Arc;

use tokio::sync::watch;

/// Open, or closed by a person. Its handles are one gate: what is held at it goes on once it opens.
///
/// A delivery comes by before it plans and before it sends, so what is with the sink already is finished.
#[derive(Clone, Debug)]
pub struct Gate(Arc<watch::Sender<bool>>);

impl Default for Gate {
    /// An open one.
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(true)))
    }
}

impl Gate {
    /// Opens or closes it.
    pub fn set_open(&self, open: bool) {
        self.0.send_replace(open);
    }

    /// Whether it is open.
    pub fn is_open(&self) -> bool {
        *self.0.borrow()
    }

    /// Returns when it is open.
    pub async fn passed(&self) {
        // The sender cannot go away: this is one of its handles.
        let _ = self.0.subscribe().wait_for(|open| *open).await;
    }
}
