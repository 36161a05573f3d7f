//! Sinks that were delivered to here and are of another role now, and back again.

use weir_core::event::Offset;
use weir_core::ledger::State;

use super::tending::{Life, World};
use super::*;

fn all(names: &[&'static str]) -> Vec<(&'static str, Route)> {
    names.iter().map(|name| (*name, Route::all())).collect()
}

/// What there is at one moment: delivered, pending, and what the sink is doing.
fn told(life: &Life, sink: &str) -> (u64, u64, State) {
    let standing = life.standing(sink);
    (standing.delivered, standing.pending, standing.condition.state)
}

/// A life in which both sinks got three events, or the store none of them.
async fn begun(store_gets_them: bool) -> World {
    let world = World::new();
    let life = world.begin(all(&["bus", "store"])).await;
    life.deliveries.pause("store", !store_gets_them).await.unwrap();
    life.accept("events", 3).await;
    life.at_rest("bus").await;
    life.end().await;
    world
}

#[tokio::test(start_paused = true)]
async fn a_sink_that_has_got_all_of_this_log_holds_it_no_longer_and_counts_nothing_more() {
    let world = begun(true).await;
    for accepted in 1..3 {
        let life = world.begin_beside(&["store"], all(&["bus"])).await;
        life.accept("events", 2).await;
        assert_eq!(life.at_rest("bus").await, (3 + 2 * accepted, 0));
        assert_eq!(told(&life, "store"), (3, 0, State::Elsewhere));
        assert_eq!(world.log.released(), Offset(3 + 2 * accepted));
        life.end().await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_sink_has_not_got_of_this_log_is_kept_for_it_and_no_more_comes_to_that() {
    let world = begun(false).await;
    for accepted in 1..3 {
        let life = world.begin_beside(&["store"], all(&["bus"])).await;
        life.accept("events", 2).await;
        assert_eq!(life.at_rest("bus").await, (3 + 2 * accepted, 0));
        assert_eq!(told(&life, "store"), (0, 3, State::Elsewhere));
        assert_eq!(world.log.released(), Offset(0));
        life.end().await;
    }

    // Back again, it goes on where it stood; what came meanwhile is still there and does no harm.
    let life = world.begin(all(&["bus", "store"])).await;
    life.deliveries.pause("store", false).await.unwrap();
    assert_eq!(life.at_rest("store").await, (7, 0));
    assert_eq!(world.log.released(), Offset(7));
}

#[tokio::test(start_paused = true)]
async fn a_sink_that_comes_back_begins_as_one_that_is_added() {
    let world = begun(true).await;
    let life = world.begin_beside(&["store"], all(&["bus"])).await;
    life.accept("events", 2).await;
    life.at_rest("bus").await;
    life.end().await;

    let life = world.begin(all(&["bus", "store"])).await;
    assert_eq!(told(&life, "store"), (3, 0, State::Running));
    life.accept("events", 4).await;
    assert_eq!(
        life.at_rest("store").await,
        (7, 0),
        "its count goes on, and what it was not here for is left out"
    );
    assert_eq!(world.log.released(), Offset(9));
}

#[tokio::test(start_paused = true)]
async fn whoever_asks_for_a_sink_of_another_role_is_told_so_and_it_can_be_given_up() {
    let world = begun(false).await;
    let life = world.begin_beside(&["store", "unheard"], all(&["bus"])).await;
    for sink in ["store", "unheard"] {
        assert!(matches!(life.deliveries.check(sink).await, Err(TendError::Elsewhere { .. })));
        assert!(matches!(life.deliveries.pause(sink, true).await, Err(TendError::Elsewhere { .. })));
    }
    assert!(matches!(life.deliveries.forget("unheard", "unheard").await, Err(TendError::Elsewhere { .. })));
    let lost = Forgotten { pending: 3, dead: 0 };
    assert_eq!(life.deliveries.forget("store", "store").await.unwrap(), lost);
    assert_eq!(world.log.released(), Offset(3));
}

#[tokio::test(start_paused = true)]
async fn a_start_that_is_cut_short_while_a_sink_comes_back_is_made_up_for_by_the_next() {
    let world = begun(true).await;
    let life = world.begin_beside(&["store"], all(&["bus"])).await;
    life.accept("events", 2).await;
    life.at_rest("bus").await;
    life.end().await;
    // As far as the plan that passes over what is not the sink's, and no further.
    let key = AccountKey::main(&SinkName("store".into()), &Partition("p1".into()));
    let plan = weir_core::catalog::Plan { key, first: Offset(3), end: Offset(5) };
    weir_core::catalog::Catalog::plan(&world.catalog, &[plan]).await.unwrap();

    let life = world.begin(all(&["bus", "store"])).await;
    life.accept("events", 1).await;
    assert_eq!(life.at_rest("store").await, (4, 0));
    assert_eq!(world.log.released(), Offset(6));
}
