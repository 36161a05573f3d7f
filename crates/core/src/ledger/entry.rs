//! One account in memory: what the catalog has of it, and what is under way.

use std::collections::BTreeMap;

use crate::catalog::Account;
use crate::event::{Offset, Stream};
use crate::time::Timestamp;

use super::standing::{Condition, Standing, State};
use super::waiting::Places;

pub(super) struct Entry {
    pub account: Account,
    /// Planned batches that are not settled: where they begin, and when their first event came.
    pub unsettled: BTreeMap<Offset, Option<Timestamp>>,
    /// When the oldest event came that is read but not planned.
    pub gathering_since: Option<Timestamp>,
    /// Events that were read since the account was taken up here.
    pub read: u64,
    /// How deliveries fare, but for a pause.
    pub condition: Condition,
    /// What others hear of it.
    pub places: Places,
    /// Whether its delivery leaves it to others to read.
    pub follows: bool,
}

impl Entry {
    pub fn settled_before(&self) -> Offset {
        self.unsettled.keys().next().copied().unwrap_or(self.account.planned)
    }

    /// Whether the log has to keep what this account has not settled. Of a sink that is served elsewhere, that is so
    /// while it lacks something that was meant for it here.
    pub fn holds_log(&self) -> bool {
        self.condition.state != State::Elsewhere || self.account.lacks() > 0
    }

    /// Whether its delivery reads what comes, for itself.
    pub fn leads(&self) -> bool {
        let is_served = !matches!(self.condition.state, State::Removed | State::Elsewhere);
        is_served && self.account.key.lane.is_empty() && !self.follows
    }

    pub fn standing(&self, accepted: &BTreeMap<Stream, u64>, is_paused: bool) -> Standing {
        let Account { key, claim, delivered, duplicates, dead, filtered, .. } = &self.account;
        let settled = delivered + dead + filtered;
        let routed = match claim {
            // Of a broker's partition nobody knows what is in it before it is read.
            Some(claim) if key.partition.is_of_topic() => claim.carried + self.read,
            Some(claim) => claim.count(accepted),
            // A replay claims nothing: there is no telling but by what came of it.
            None => settled,
        };
        let pending = routed.saturating_sub(settled);
        let oldest_planned = self.unsettled.values().next().copied().flatten();
        Standing {
            sink: key.sink.clone(),
            partition: key.partition.clone(),
            lane: key.lane.clone(),
            routed,
            delivered: *delivered,
            duplicates: *duplicates,
            dead: *dead,
            filtered: *filtered,
            pending,
            oldest_pending_at: oldest_planned.or(self.gathering_since).filter(|_| pending > 0),
            is_paused,
            condition: self.condition_when(is_paused),
        }
    }

    fn condition_when(&self, is_paused: bool) -> Condition {
        let mut condition = self.condition.clone();
        if is_paused && !matches!(condition.state, State::Removed | State::Elsewhere) {
            (condition.state, condition.next_try_at) = (State::Paused, None);
        }
        condition
    }
}
