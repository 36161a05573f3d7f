//! `acknowledge = "sink:NAME"`: an answer waits until that sink has settled past what the request brought.
//!
//! **Constraints.** The log comes first, so whoever is answered 503 after a wait has their events on disk, and is told
//! so. Of a sink that a person has paused nothing can be expected, so nothing is taken in for it.

use std::time::Duration;

use weir_core::event::Stream;
use weir_core::intake::Outcome;
use weir_core::sink::SinkName;

use super::acceptance::Accepted;
use super::entry::Api;
use super::problem::Problem;
use crate::server::Patience;

/// How long an answer goes on waiting when the program is to end: a sink that is well needs no longer.
const STOPPING_GRACE: Duration = Duration::from_secs(1);
const PAUSED_RETRY_AFTER: Duration = Duration::from_secs(30);

/// The sink that answers wait for.
#[derive(Clone, Debug)]
pub struct Confirmation {
    /// Its name.
    pub sink: SinkName,
    /// How long they wait.
    pub timeout: Duration,
}

impl Api {
    /// The sink that answers for this stream wait for: none for a stream that it does not take.
    fn confirming(&self, stream: &Stream) -> Option<&Confirmation> {
        let confirmation = self.settings.confirmation.as_ref()?;
        self.surroundings.deliveries.takes(&confirmation.sink, stream).then_some(confirmation)
    }

    /// Whether events of the stream may be taken in at all.
    pub(super) fn check_confirming(&self, stream: &Stream) -> Result<(), Problem> {
        match self.confirming(stream) {
            Some(Confirmation { sink, .. }) if self.surroundings.deliveries.is_paused(sink) => {
                let detail = format!(
                    "the sink \"{sink}\", which answers wait for, is paused; nothing was taken in, try again once it is resumed"
                );
                Err(Problem::unavailable("sink-paused", detail, PAUSED_RETRY_AFTER))
            }
            _ => Ok(()),
        }
    }

    /// Waits until the sink has what was accepted.
    pub(super) async fn confirmed(
        &self,
        stream: &Stream,
        outcome: &Outcome,
        patience: Patience,
    ) -> Result<(), Problem> {
        let (Some(confirming), Some(span)) = (self.confirming(stream), outcome.span) else { return Ok(()) };
        let Confirmation { sink, timeout } = confirming;
        let settled = self.surroundings.deliveries.until_settled(sink, span.end);
        let ending = async {
            self.surroundings.stop.cancelled().await;
            tokio::time::sleep(STOPPING_GRACE).await;
        };
        let waiting = async {
            tokio::select! {
                biased;
                settled = settled => settled,
                () = ending => false,
            }
        };
        match patience.within(*timeout, waiting).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(unconfirmed(sink, "before this instance is stopped", outcome, *timeout)),
            Err(_) => {
                let within = format!("within {} s", timeout.as_secs_f64());
                Err(unconfirmed(sink, &within, outcome, *timeout))
            }
        }
    }
}

fn unconfirmed(sink: &SinkName, when: &str, outcome: &Outcome, after: Duration) -> Problem {
    let detail = format!(
        "what was accepted is on disk here and will reach the sink \"{sink}\", which has not confirmed it {when}. Do not \
         send it again, or only under the same ids (log_id, Idempotency-Key): then it counts once"
    );
    let Accepted { accepted, ids, rejected } = Accepted::of(outcome);
    Problem::unavailable("unconfirmed", detail, after)
        .with("accepted", accepted)
        .with("ids", ids)
        .with("rejected", rejected)
}
