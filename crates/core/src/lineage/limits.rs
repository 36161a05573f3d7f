//! How much one record may bring, and one answer.

/// The longest name of a trace or a node.
pub const KEY_MAX_BYTES: usize = 512;
/// The longest user.
pub const USER_MAX_BYTES: usize = 256;
/// The longest reason of a drop.
pub const REASON_MAX_BYTES: usize = 4_096;
/// The most that a record's `attrs` may have, as sent; and its members that Weir does not know.
pub const ATTRS_MAX_BYTES: usize = 64 << 10;
/// The largest record.
pub const RECORD_MAX_BYTES: usize = 1 << 20;
/// Keys in one list of parents or children.
pub const RELATIVES_MAX: usize = 10_000;
/// Pairs of parent and child in one record.
pub const EDGES_MAX: usize = 100_000;
/// The greatest `seq`: what a JavaScript number holds exactly.
pub const SEQ_MAX: u64 = (1 << 53) - 1;
