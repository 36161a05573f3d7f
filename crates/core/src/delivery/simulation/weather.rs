//! How bad things are in one life, by the dice.

use std::time::Duration;

use super::store::Line;
use crate::delivery::BatchLimits;
use crate::testkit::catalog::CatalogFaults;
use crate::testkit::log::Odds;
use crate::testkit::world::SeededRandom;

pub fn log(dice: &SeededRandom) -> Odds {
    let percent = || dice.below(20);
    Odds {
        append_fails: percent(),
        append_lies: percent(),
        read_fails: percent(),
        release_fails: percent(),
        slow: percent(),
    }
}

pub fn catalog(dice: &SeededRandom) -> CatalogFaults {
    CatalogFaults {
        failing_percent: dice.below(20),
        lying_percent: dice.below(20),
        delay_max: Duration::from_millis(dice.below(40)),
    }
}

pub fn line(dice: &SeededRandom) -> Line {
    Line {
        failing: dice.below(50),
        lying: dice.below(30),
        blocked: dice.below(10),
        item_again: dice.below(30),
        refuses_whole: dice.chance(50),
        delay_max_ms: dice.below(300),
    }
}

pub fn limits(dice: &SeededRandom) -> BatchLimits {
    BatchLimits {
        max_events: 1 + dice.below(8) as usize,
        max_bytes: 64 + dice.below(400) as usize,
        max_age: Duration::from_millis(dice.below(500)),
        in_flight: 1 + dice.below(4) as usize,
        unsettled_max: 1 + dice.below(12) as usize,
        buffer_max_events: 1 + dice.below(40) as usize,
        buffer_max_bytes: 1 + dice.below(8192) as usize,
    }
}
