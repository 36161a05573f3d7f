//! Values that are texts in JSON, and are written without being made ones before: a picture has a hundred thousand of them.

use std::fmt::Display;

use serde::{Serialize, Serializer};

/// The value as the text that it shows itself as.
pub struct Text<T>(pub T);

impl<T: Display> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}
