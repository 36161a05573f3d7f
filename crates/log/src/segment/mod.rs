//! The embedded log: append-only segment files, one `fdatasync` for all who wait.
//!
//! **Constraints.** One thread writes. `append` returns after the sync that covers it, and readers see nothing
//! before. A file whose write or sync failed is left as it is and a new one begun. Whatever is on disk is believed
//! only by its check sum; what is not, is set aside and counted, never silently passed over.
//!
//! In the folder: `00000000000000000000.seg` (named by its first offset; `header.rs` and `block.rs` tell what is in
//! it), `log.id`, `lock`, `closed` (after an orderly end), `damaged/` (bytes that were set aside).
//!
//! Ways through it: `encode` on the caller's task → `queue` → `writer` → `active` on disk; `read` from the `shelf`;
//! `open` at the start; `survey` when something does not add up; `keeper` trims.

mod active;
mod batch;
mod block;
mod contracts;
mod damage;
mod decode;
pub mod disk;
mod encode;
#[cfg(feature = "testkit")]
pub mod faults;
mod folder;
mod header;
mod health;
mod inner;
mod inspect;
mod keeper;
mod log;
mod marker;
mod open;
mod places;
mod queue;
mod read;
mod report;
mod rhythm;
mod seek;
mod settings;
mod shelf;
mod survey;
mod tally;
mod window;
mod writer;

pub use inspect::{Inspection, SegmentInspection, Verification, inspect, verify};
pub use log::{LogStats, SegmentLog};
pub use report::{Damaged, OpenReport, Torn};
pub use settings::{Durability, LogSettings, OpenError};
