//! The command line against a server that plays a part.

mod asking;
mod sending;
mod stage;
mod usage;
