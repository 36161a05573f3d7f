//! Blocks in memory, and sets of every kind in them beside plain ones.

mod items;
mod memory;
mod sets;
