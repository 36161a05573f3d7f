//! A log in memory, a log that fails by the dice, and what every log must do.

mod contract;
mod faulty;
mod memory;

pub use contract::{Sample, contract};
pub use faulty::{FaultyLog, Odds};
pub use memory::MemoryLog;
