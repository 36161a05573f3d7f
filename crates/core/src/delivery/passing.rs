//! What a sink does not take is passed over, and that is written down, so that it holds nothing up.

use std::time::Duration;

use super::stage::Stage;
use super::{BatchLimits, Route};
use crate::event::{Offset, Stream};

#[tokio::test(start_paused = true)]
async fn a_sink_lets_the_log_go_on_while_events_of_other_streams_never_cease() {
    let rare = Route::of([Stream::new("rare").unwrap()]);
    let (stage, delivery) = Stage::set("p", rare, BatchLimits::default()).await;
    let delivery = stage.begin(delivery);
    for _ in 0..100 {
        stage.accept(1).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let released = stage.log.released();
    assert!(released >= Offset(40), "half of the time, it has passed over {released}");
    stage.stop.send_replace(true);
    delivery.await.unwrap().unwrap();
}
