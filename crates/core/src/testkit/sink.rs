//! A sink in memory, a sink that fails by the dice, and what every sink must do.

mod cases;
mod contract;
mod faulty;
mod memory;

pub use contract::{Columns, Probe, Reach, batch, contract};
pub use faulty::{FaultySink, SinkOdds};
pub use memory::{MemorySink, Stored};
