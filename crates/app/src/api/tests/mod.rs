//! The API from outside, over a log and a catalog in memory and a sink that can be told to refuse.

mod access_log;
mod bad_input;
mod bad_input_cases;
mod confirmation;
mod dead_letters;
mod events;
mod files;
mod formats;
mod grpc;
pub(crate) mod here;
mod lineage;
mod lineage_journey;
mod lineage_walks;
mod openapi;
mod operation;
mod schemas;
mod sinks;
mod store;
mod store_cases;
mod uploads;
