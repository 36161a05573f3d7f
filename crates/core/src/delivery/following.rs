//! Who takes nothing of what a broker brings does not read it: it goes on behind those who take it, by what they found.
//!
//! **Constraint.** Nobody is held up by another's backlog for long: whoever waits in vain, or has waited for a minute in
//! all, reads for itself for the next minute.

use std::time::Duration;

use crate::log::PassedOver;
use crate::time::Timestamp;

use super::batcher::Batcher;
use super::route::Route;
use super::{Assignment, Surroundings};

/// So many places in a row hold nothing for who follows.
const PASSED_OVER_MIN: u64 = 1_000;
/// A sink whose store is slower than the broker reads nothing for some seconds now and then.
const PATIENCE: Duration = Duration::from_secs(10);
const WAITED_MAX: Duration = Duration::from_secs(60);
const ALONE_FOR: Duration = Duration::from_secs(60);

/// How one delivery follows others.
#[derive(Default)]
pub(super) struct Following {
    waited: Duration,
    alone_until: Option<Timestamp>,
}

impl Following {
    /// What others have found that is not for it; `None` where it has to read. Waits for others in either case.
    pub async fn passed_over(
        &mut self,
        surroundings: &Surroundings,
        assignment: &Assignment,
        batcher: &Batcher,
    ) -> Option<PassedOver> {
        let Surroundings { log, ledger, clock, .. } = surroundings;
        let Assignment { key, route, .. } = assignment;
        if !key.partition.is_of_topic() {
            return None;
        }
        let begun_at = clock.now();
        let has_more = log.extent(&key.partition).end > batcher.end();
        if !has_more || !self.follows(route, batcher.passed_over(), begun_at) || !ledger.follow(key) {
            ledger.lead(key);
            return None;
        }
        let passed = log.passed_over(&key.partition, batcher.end(), route.streams(), PATIENCE).await;
        self.has_waited(passed.is_some(), begun_at, clock.now());
        // Who tells what a broker brings has to know how much that is.
        passed.filter(|passed| {
            passed.end > batcher.end() && (passed.events.is_some() || !route.is_for_unreadable())
        })
    }

    fn follows(&self, route: &Route, passed_over: u64, now: Timestamp) -> bool {
        let takes_little = route.is_for_unreadable() || passed_over >= PASSED_OVER_MIN;
        takes_little && self.alone_until.is_none_or(|until| until <= now)
    }

    fn has_waited(&mut self, has_led: bool, begun_at: Timestamp, now: Timestamp) {
        self.waited += now.since(begun_at);
        if !has_led || self.waited > WAITED_MAX {
            *self = Self { waited: Duration::ZERO, alone_until: Some(now.after(ALONE_FOR)) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(second: i64) -> Timestamp {
        Timestamp::from_micros(second * 1_000_000)
    }

    #[test]
    fn who_takes_something_now_and_then_does_not_follow() {
        let following = Following::default();
        assert!(!following.follows(&Route::all(), PASSED_OVER_MIN - 1, second(0)));
        assert!(following.follows(&Route::all(), PASSED_OVER_MIN, second(0)));
        assert!(
            following.follows(&Route::unreadable(), 0, second(0)),
            "who takes no event follows from the first on"
        );
    }

    #[test]
    fn who_waits_in_vain_reads_alone_for_a_minute() {
        let mut following = Following::default();
        following.has_waited(true, second(0), second(1));
        assert!(following.follows(&Route::all(), PASSED_OVER_MIN, second(1)));
        following.has_waited(false, second(1), second(2));
        assert!(!following.follows(&Route::all(), PASSED_OVER_MIN, second(61)));
        assert!(following.follows(&Route::all(), PASSED_OVER_MIN, second(62)));
    }

    #[test]
    fn a_slow_leader_holds_nobody_up_for_longer_than_a_minute() {
        let mut following = Following::default();
        for begun_at in 0..61 {
            assert!(following.follows(&Route::all(), PASSED_OVER_MIN, second(begun_at)), "second {begun_at}");
            following.has_waited(true, second(begun_at), second(begun_at + 1));
        }
        assert!(!following.follows(&Route::all(), PASSED_OVER_MIN, second(120)));
        assert!(following.follows(&Route::all(), PASSED_OVER_MIN, second(121)));
    }
}
