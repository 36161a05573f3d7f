//! What clients may ask over HTTP, and what they are told.
//!
//! **Constraints.** Strangers learn nothing: whoever brings no key gets 401 for every path but the probes, whether it
//! exists or not. Whatever a client sends, the answer is a 4xx that names what is wrong, never a 5xx or a panic.
//!
//! [`Api::answer`] is the one way through: [`entry`] admits and routes, a handler answers, [`entry`] takes note.
//! There is no framework below it: a request costs one `match`, no boxes and no clones of state.

mod acceptance;
mod admission;
mod answer;
mod bits;
mod body;
mod client_address;
mod confirmation;
mod content_type;
mod cors;
mod dead_letter_form;
mod dead_letters;
mod entrance;
mod entry;
mod event_schema;
mod events;
mod exports;
mod files;
mod grpc;
mod issued_key;
mod json_body;
mod lineage;
mod log_gauge;
mod open_store;
mod openapi;
mod own_records;
mod probes;
mod problem;
mod query;
mod reading;
mod replay;
mod request_id;
mod route;
mod schemas;
mod sender;
mod settings;
mod sinks;
mod status;
mod store;
mod tail;

pub use answer::AnswerBody;
pub use confirmation::Confirmation;
pub use entrance::{Door, Entrance};
pub use entry::{Api, Surroundings};
pub use files::{FileDesk, tell as tell_of_files};
pub use lineage::Lineage;
pub use log_gauge::LogGauge;
pub use open_store::OpenStore;
pub use openapi::document as openapi_document;
pub use route::ROUTES;
pub use schemas::EventTypeForm;
pub use settings::ApiSettings;

#[cfg(test)]
pub(crate) mod tests;
