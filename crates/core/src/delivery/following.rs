//! Who takes nothing of what a broker brings does not read it: it goes on behind those who take it, by what they found.
//!
//! **Constraint.** Nobody is held up by another's backlog for long: whoever waits in vain, or has waited for a minute in
//! all, reads for itself for the next minute.

use std::time::Duration;

use crate::event::Offset;
use crate::time::Timestamp;

use super::batcher::Batcher;
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
    /// Up to where others have found nothing for it; `None` where it has to read.
    pub async fn passed_over(
        &mut self,
        surroundings: &Surroundings,
        assignment: &Assignment,
        batcher: &Batcher,
    ) -> Option<Offset> {
        let (Surroundings { log, clock, .. }, Assignment { key, route, .. }) = (surroundings, assignment);
        let begun_at = clock.now();
        if route.is_for_unreadable() || !self.follows(batcher.passed_over(), begun_at) {
            return None;
        }
        let end = log.passed_over(&key.partition, batcher.end(), route.streams(), PATIENCE).await;
        self.has_waited(end.is_some(), begun_at, clock.now());
        end.filter(|end| *end > batcher.end())
    }

    fn follows(&self, passed_over: u64, now: Timestamp) -> bool {
        passed_over >= PASSED_OVER_MIN && self.alone_until.is_none_or(|until| until <= now)
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
        assert!(!following.follows(PASSED_OVER_MIN - 1, second(0)));
        assert!(following.follows(PASSED_OVER_MIN, second(0)));
    }

    #[test]
    fn who_waits_in_vain_reads_alone_for_a_minute() {
        let mut following = Following::default();
        following.has_waited(true, second(0), second(1));
        assert!(following.follows(PASSED_OVER_MIN, second(1)));
        following.has_waited(false, second(1), second(2));
        assert!(!following.follows(PASSED_OVER_MIN, second(61)));
        assert!(following.follows(PASSED_OVER_MIN, second(62)));
    }

    #[test]
    fn a_slow_leader_holds_nobody_up_for_longer_than_a_minute() {
        let mut following = Following::default();
        for begun_at in 0..61 {
            assert!(following.follows(PASSED_OVER_MIN, second(begun_at)), "second {begun_at}");
            following.has_waited(true, second(begun_at), second(begun_at + 1));
        }
        assert!(!following.follows(PASSED_OVER_MIN, second(120)));
        assert!(following.follows(PASSED_OVER_MIN, second(121)));
    }
}
