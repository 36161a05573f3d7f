//! What tests of several modules need.

use weir_core::message::{MessageReader, ValueFormat};
use weir_core::schema::CurrentRegistry;

/// A reader without rules.
pub fn reader(kind: &'static str, format: ValueFormat) -> MessageReader {
    MessageReader {
        kind,
        stream: None,
        format,
        schemas: CurrentRegistry::default(),
        message: None,
        rules: Default::default(),
        value_max_bytes: 1 << 20,
    }
}
