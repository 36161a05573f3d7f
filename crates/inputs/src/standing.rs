//! How an input fares.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::sleep;

const WAIT_FIRST: Duration = Duration::from_millis(200);
/// A broker that is back is read again this soon at the latest; asking a dead one so often costs nothing.
const WAIT_MAX: Duration = Duration::from_secs(10);

/// How an input fares; shared by all that read for it.
#[derive(Debug)]
pub struct Standing {
    input: String,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    trouble: Option<String>,
    lost: u64,
    wait: Option<Duration>,
}

impl Standing {
    /// That of this input, of which nothing is known yet.
    pub fn new(input: &str) -> Self {
        Self { input: input.to_owned(), state: Mutex::default() }
    }

    /// What keeps it from its work, if something does.
    pub fn trouble(&self) -> Option<String> {
        self.lock().trouble.clone()
    }

    /// Messages that were gone before they were read.
    pub fn lost(&self) -> u64 {
        self.lock().lost
    }

    /// All is well.
    pub(crate) fn well(&self) {
        let mut state = self.lock();
        if state.trouble.take().is_some() {
            tracing::info!(input = self.input, "the input reads again");
        }
        state.wait = None;
    }

    /// So many messages are gone.
    pub(crate) fn lose(&self, count: usize) {
        if count > 0 {
            self.lock().lost += count as u64;
            tracing::warn!(input = self.input, count, "messages were deleted before they were read");
        }
    }

    /// Something is wrong: waits, longer each time. It is told once.
    pub(crate) async fn troubled(&self, text: String) {
        let wait = {
            let mut state = self.lock();
            if state.trouble.as_ref() != Some(&text) {
                tracing::warn!(input = self.input, text, "the input cannot read; it goes on trying");
            }
            state.trouble = Some(text);
            let wait = state.wait.unwrap_or(WAIT_FIRST);
            state.wait = Some((wait * 2).min(WAIT_MAX));
            wait
        };
        sleep(wait).await;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
