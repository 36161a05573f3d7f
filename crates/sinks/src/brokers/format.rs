//! What a message says of its event.

use weir_core::event::Record;
use weir_core::line::{self, Last, Own};
use weir_core::sink::Refusal;

use super::refusal;

/// What a message is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// The event as JSON, with its id, its times and all else that is known of it.
    #[default]
    Json,
    /// The event as it came.
    Raw,
}

impl Format {
    /// Appends the message; gives how the event comes out of it again, where it is not the event itself.
    pub(crate) fn write(
        self,
        out: &mut Vec<u8>,
        record: &Record,
        last: &mut Last,
    ) -> Result<Option<Own>, Refusal> {
        let written = match self {
            Self::Json => line::write(out, record, last).map(Some),
            Self::Raw => {
                serde_json::from_slice::<&serde_json::value::RawValue>(&record.event.body).map(|raw| {
                    out.extend_from_slice(raw.get().as_bytes());
                    None
                })
            }
        };
        written.map_err(|error| refusal("invalid_json", error.to_string()))
    }
}
