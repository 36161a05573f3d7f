//! How a delivery ends when it is told to.

use super::stage::Stage;
use super::{BatchLimits, Route};

#[tokio::test]
async fn told_to_stop_before_it_could_begin_it_still_delivers_what_was_accepted() {
    let (stage, delivery) = Stage::set("p", Route::all(), BatchLimits::default()).await;
    stage.accept(3).await;
    stage.stop.send_replace(true);
    delivery.run(stage.stop.subscribe()).await.unwrap();
    assert_eq!(stage.sink.stored().len(), 3);
}
