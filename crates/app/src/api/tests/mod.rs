//! The API from outside, over a log and a catalog in memory and a sink that can be told to refuse.

mod access_log;
mod bad_input;
mod bad_input_cases;
mod dead_letters;
mod events;
mod formats;
pub(crate) mod here;
mod openapi;
mod operation;
mod schemas;
mod sinks;
mod store;
mod store_cases;
