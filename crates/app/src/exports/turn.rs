//! Turns at making parts.
//!
//! **Constraints.** Of one export one turn runs at a time; whoever asks meanwhile waits for the same one. A turn goes on
//! although nobody waits any more, and ends by itself after a while: what has not been asked for is not made.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;

use super::blocking;
use super::contents::{Filled, Growing, Sources};
use super::error::ExportError;
use super::folder::{Folder, Note};
use super::id::ExportId;
use super::room::Room;

/// Turns that run at once.
const TURNS_MAX: usize = 2;
/// A turn makes so many parts, or so many bytes, whatever comes first.
const TURN_MAX_PARTS: u32 = 64;
const TURN_MAX_BYTES: u64 = 256 << 20;

/// How a turn ended; nothing yet while it runs.
type Outcome = Option<Result<(), ExportError>>;

/// Makes parts.
pub struct Turns {
    making: Arc<Making>,
    running: Arc<Mutex<HashMap<ExportId, watch::Receiver<Outcome>>>>,
    places: Arc<Semaphore>,
}

/// What a turn works with.
struct Making {
    folder: Folder,
    room: Room,
    sources: Sources,
    stop: CancellationToken,
}

impl Turns {
    /// In this folder, from these.
    pub fn new(folder: Folder, room: Room, sources: Sources, stop: CancellationToken) -> Self {
        Self {
            making: Arc::new(Making { folder, room, sources, stop }),
            running: Arc::default(),
            places: Arc::new(Semaphore::new(TURNS_MAX)),
        }
    }

    /// Waits for the export's turn, which is begun where none runs, but no longer than this. The client has all parts up to
    /// `had`.
    pub async fn join(&self, id: &ExportId, had: u32, patience: Duration) -> Result<(), ExportError> {
        let mut turn = self.turn(id, had);
        let ended = tokio::time::timeout(patience, turn.wait_for(Option::is_some)).await;
        match ended {
            Ok(Ok(outcome)) => outcome.clone().unwrap_or(Ok(())),
            // It runs on; or it was lost with its thread, and is begun again by the next who asks.
            Ok(Err(_)) | Err(_) => Ok(()),
        }
    }

    fn turn(&self, id: &ExportId, had: u32) -> watch::Receiver<Outcome> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(turn) = running.get(id) {
            return turn.clone();
        }
        let (told, turn) = watch::channel(None);
        running.insert(id.clone(), turn.clone());
        let (making, places, all, id) =
            (self.making.clone(), self.places.clone(), self.running.clone(), id.clone());
        tokio::spawn(async move {
            // Nobody closes it.
            let _place = places.acquire_owned().await;
            let of = id.clone();
            let outcome = blocking(move || making.turn(&of, had)).await;
            if let Err(error) = &outcome {
                tracing::warn!(%error, export = %id, "a part could not be made");
            }
            all.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
            told.send_replace(Some(outcome));
        });
        turn
    }
}

impl Making {
    fn turn(&self, id: &ExportId, had: u32) -> Result<(), ExportError> {
        let order = self.folder.order(id)?;
        let mut last = self.folder.last(id)?;
        let mut bytes = 0;
        for _ in 0..TURN_MAX_PARTS {
            let (number, from) = match last {
                None => (1, None),
                Some((_, Note { then: None, .. })) => return Ok(()),
                Some((number, Note { then, .. })) => (number + 1, then),
            };
            if bytes >= TURN_MAX_BYTES || self.stop.is_cancelled() {
                return Ok(());
            }
            self.room.make(&self.folder, id, had, order.part_max_bytes)?;
            let grow = || self.folder.grow(id, number);
            let growing = Growing { order: &order, number, grow: &grow };
            let Some(Filled { part, name, then }) = growing.fill(&self.sources, from)? else {
                return self.folder.end(id, number);
            };
            bytes += part.bytes();
            let note = self.folder.keep(id, (number, name), part, then)?;
            last = Some((number, note));
        }
        Ok(())
    }
}
