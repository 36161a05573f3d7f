//! What a simulated sink takes: everything, what a filter says, what another filter says in each life, or other streams
//! in each life.

use super::sent::{STREAMS, Sent};
use crate::delivery::Route;
use crate::event::Stream;
use crate::routing::{Comparison, Condition, Filter};
use crate::selection::Source;
use crate::testkit::world::SeededRandom;

/// The filter that never changes takes events below this number.
const BELOW: u64 = 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taste {
    Everything,
    Picky,
    Fickle,
    Wandering,
}

impl Taste {
    pub fn of(seed: u64) -> Self {
        [Self::Everything, Self::Picky, Self::Fickle, Self::Wandering][(seed % 4) as usize]
    }

    /// The route in one life.
    pub fn route(self, dice: &SeededRandom) -> Route {
        match self {
            Self::Everything => Route::all(),
            Self::Picky => Route::all().with_filter(below(BELOW)),
            Self::Fickle => Route::all().with_filter(below(dice.below(40))),
            Self::Wandering => match dice.chance(50) {
                true => wandered(dice),
                false => wandered(dice).with_filter(below(dice.below(40))),
            },
        }
    }

    /// Whether the event belongs into the store; `None` where that is another matter in each life.
    pub fn wants(self, sent: Sent) -> Option<bool> {
        match self {
            Self::Everything => Some(true),
            Self::Picky => Some(sent.number < BELOW),
            Self::Fickle | Self::Wandering => None,
        }
    }
}

fn wandered(dice: &SeededRandom) -> Route {
    match dice.below(4) {
        0 => Route::all(),
        named => {
            let named = STREAMS.iter().enumerate().filter(|(place, _)| named >> place & 1 == 1);
            Route::of(named.filter_map(|(_, name)| Stream::new(name)))
        }
    }
}

fn below(number: u64) -> Filter {
    let condition = Condition::Compare(Comparison::Less, number.to_string());
    Filter::new([(Source::parse("/param/n").unwrap(), condition)])
}
