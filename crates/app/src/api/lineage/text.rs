//! Values that are texts in JSON, and are written without being made ones before: a picture has a hundred thousand of them.

use std::fmt::Display;

use serde::{Serialize, Serializer};
use uuid::Uuid;
use weir_core::row_id;

/// The value as the text that it shows itself as.
pub struct Text<T>(pub T);

impl<T: Display> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// The number of a node.
pub struct Id(pub i64);

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(itoa::Buffer::new().format(self.0))
    }
}

/// The same number, as a UUID.
pub struct UuidOf(pub i64);

impl Serialize for UuidOf {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut text = Uuid::encode_buffer();
        serializer.serialize_str(row_id::to_uuid(self.0).hyphenated().encode_lower(&mut text))
    }
}
