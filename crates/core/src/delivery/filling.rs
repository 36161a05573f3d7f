//! While a sink is busy, its next batch is filled with what a broker has ready; but neither of them holds it up for long.

use std::time::Duration;

use tokio::time::sleep;

use super::stage::Stage;
use super::{BatchLimits, Route};
use crate::event::Offset;

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn a_batch_is_filled_while_the_one_before_is_under_way_and_not_for_ever() {
    let limits = BatchLimits { max_age: SECOND, ..BatchLimits::default() };
    let (stage, delivery) = Stage::set("kafka:bus/t/0", Route::all(), limits).await;
    let sizes = || stage.sink.batches().values().map(Vec::len).collect::<Vec<_>>();
    stage.accept(10).await;
    stage.log.withhold(Some(Offset(3)));
    stage.sink.hold(true);
    let delivery = stage.begin(delivery);

    sleep(2 * SECOND).await;
    assert_eq!(sizes(), [3], "more lies ready, but nothing is under way");
    stage.log.withhold(Some(Offset(5)));
    sleep(3 * SECOND).await;
    stage.log.withhold(Some(Offset(8)));
    sleep(6 * SECOND).await;
    assert_eq!(sizes(), [3], "it waits until the sink has ended, or for more");
    sleep(2 * SECOND).await;
    assert_eq!(sizes(), [3, 5], "for ten seconds");
    stage.log.withhold(None);
    sleep(2 * SECOND).await;
    assert_eq!(sizes(), [3, 5, 2], "there is no more");

    stage.sink.hold(false);
    stage.stop.send_replace(true);
    delivery.await.unwrap().unwrap();
    assert_eq!(stage.sink.count(), 10);
}
