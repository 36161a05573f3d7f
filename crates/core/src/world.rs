//! The clock and the dice, as the core sees them.
//!
//! Nothing else in this crate may ask for the time or for a random number; a simulation hands in its own.

use std::time::Duration;

use async_trait::async_trait;

use crate::time::Timestamp;

/// Tells and waits for time.
#[async_trait]
pub trait Clock: Send + Sync + 'static {
    /// The moment it is now. May jump; nothing may depend on its never going back.
    fn now(&self) -> Timestamp;

    /// Returns once `duration` has passed.
    async fn sleep(&self, duration: Duration);
}

/// Gives random numbers: for identifiers, so an implementation outside tests is seeded by the operating system.
pub trait Random: Send + Sync + 'static {
    /// 64 random bits.
    fn next(&self) -> u64;

    /// A number between zero and one, one left out.
    fn fraction(&self) -> f64 {
        // The upper 53 bits are what a double holds exactly.
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}
