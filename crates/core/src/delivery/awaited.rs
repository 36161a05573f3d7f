//! What somebody waits for is brought to its sink at once, however long batches may wait for more.

use std::time::Duration;

use tokio::time::Instant;

use super::stage::Stage;
use super::{BatchLimits, Route};
use crate::catalog::AccountKey;
use crate::event::Offset;
use crate::log::Partition;
use crate::routing::{Condition, Filter};
use crate::selection::Source;
use crate::sink::SinkName;

/// Far more than any of these tests waits for.
const FOR_MORE: Duration = Duration::from_secs(3600);
const AT_ONCE: Duration = Duration::from_millis(10);

/// A delivery that runs, and whose batches wait for more.
async fn begun(route: Route) -> Stage {
    let (stage, delivery) =
        Stage::set("p", route, BatchLimits { max_age: FOR_MORE, ..BatchLimits::default() }).await;
    stage.begin(delivery);
    stage
}

impl Stage {
    fn delivered(&self) -> u64 {
        self.ledger.snapshot().sinks[0].delivered
    }

    /// Waits for it, and says how long that took.
    async fn settled(&self, end: Offset) -> Duration {
        let begun = Instant::now();
        assert!(self.ledger.until_settled(&self.key, end).await);
        begun.elapsed()
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_that_somebody_waits_for_is_delivered_at_once_and_others_gather() {
    let stage = begun(Route::all()).await;
    for count in 1..4 {
        let end = stage.accept(1).await;
        assert!(stage.settled(end).await <= AT_ONCE);
        assert_eq!(stage.delivered(), count);
    }
    stage.accept(1).await;
    tokio::time::sleep(FOR_MORE / 2).await;
    assert_eq!(stage.delivered(), 3, "nobody waits for this one");
    stage.stop.send_replace(true);
}

#[tokio::test(start_paused = true)]
async fn what_was_gathered_before_somebody_waits_for_it_is_held_back_no_longer() {
    let stage = begun(Route::all()).await;
    let end = stage.accept(5).await;
    tokio::time::sleep(FOR_MORE / 2).await;
    assert_eq!(stage.delivered(), 0);
    assert!(stage.settled(end).await <= AT_ONCE);
    assert_eq!(stage.delivered(), 5);
    assert!(stage.settled(Offset(2)).await <= AT_ONCE, "what is settled already is not waited for");
}

#[tokio::test(start_paused = true)]
async fn an_event_that_the_sink_leaves_out_is_settled_too() {
    let nothing = Filter::new([(Source::parse("nowhere").unwrap(), Condition::Exists(true))]);
    let stage = begun(Route::all().with_filter(nothing)).await;
    let end = stage.accept(2).await;
    assert!(stage.settled(end).await <= AT_ONCE);
    assert_eq!((stage.delivered(), stage.ledger.snapshot().sinks[0].filtered), (0, 2));
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_an_account_that_is_not_there() {
    let stage = begun(Route::all()).await;
    let other = AccountKey::main(&SinkName("other".into()), &Partition("p".into()));
    assert!(!stage.ledger.until_settled(&other, Offset(1)).await);
    let waiting = stage.ledger.until_settled(&stage.key, Offset(1));
    let ((), settled) = tokio::join!(async { stage.ledger.close(&stage.key) }, waiting);
    assert!(!settled);
}
