//! One for each listener: goes its rounds among the connections and ends what has lasted too long.
//!
//! A connection that is being waited for costs no timer; a round over thousands of them costs microseconds.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::time::MissedTickBehavior;

use super::ServerSettings;
use super::activity::{Activity, Order};

/// How far a time limit may be passed.
const ROUND_EVERY: Duration = Duration::from_millis(50);

/// Keeps watch over connections.
pub struct Warden {
    settings: ServerSettings,
    connections: Mutex<Vec<Weak<Activity>>>,
}

impl Warden {
    /// A warden with these limits.
    pub fn new(settings: ServerSettings) -> Self {
        Self { settings, connections: Mutex::default() }
    }

    /// Takes a new connection into its care.
    pub fn admit(&self) -> Arc<Activity> {
        let activity = Activity::new();
        self.lock().push(Arc::downgrade(&activity));
        activity
    }

    /// Goes round for ever.
    pub async fn go_rounds(&self) {
        let mut rounds = tokio::time::interval(ROUND_EVERY);
        rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            rounds.tick().await;
            self.visit(|activity| {
                activity.give(activity.verdict(&self.settings));
                activity.remind();
            });
        }
    }

    /// Tells all connections.
    pub fn tell_all(&self, order: Order) {
        self.visit(|activity| activity.give(order));
    }

    fn visit(&self, act: impl Fn(&Activity)) {
        self.lock().retain(|connection| {
            connection.upgrade().is_some_and(|activity| {
                act(&activity);
                true
            })
        });
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Weak<Activity>>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
