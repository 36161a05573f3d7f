//! The messages that the Protobuf JSON mapping writes in a form of their own.

use prost_reflect::MessageDescriptor;

/// Which of them a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WellKnown {
    Timestamp,
    Duration,
    FieldMask,
    /// `StringValue`, `Int64Value` …: a scalar that can be absent.
    Wrapper,
    Struct,
    Value,
    List,
    /// Not taken: what it holds cannot be told from the schema.
    Any,
}

impl WellKnown {
    pub fn of(message: &MessageDescriptor) -> Option<Self> {
        Some(match message.full_name().strip_prefix("google.protobuf.")? {
            "Timestamp" => Self::Timestamp,
            "Duration" => Self::Duration,
            "FieldMask" => Self::FieldMask,
            "DoubleValue" | "FloatValue" | "Int64Value" | "UInt64Value" | "Int32Value" | "UInt32Value"
            | "BoolValue" | "StringValue" | "BytesValue" => Self::Wrapper,
            "Struct" => Self::Struct,
            "Value" => Self::Value,
            "ListValue" => Self::List,
            "Any" => Self::Any,
            _ => return None,
        })
    }
}

/// Why an `Any` is not taken.
pub(super) const ANY: &str = "is a google.protobuf.Any, which is not taken: give the field a message's type";

/// `google.protobuf.NullValue`, whose one value is null.
pub(super) const NULL_VALUE: &str = "google.protobuf.NullValue";

/// A path of a field mask as JSON has it: `userId` for `user_id`. `None` where the way back would lead elsewhere.
pub(super) fn mask_to_json(path: &str) -> Option<String> {
    let mut text = String::with_capacity(path.len());
    let mut rises = false;
    for letter in path.chars() {
        match letter {
            '_' => rises = true,
            letter if rises => {
                text.push(letter.to_ascii_uppercase());
                rises = false;
            }
            letter => text.push(letter),
        }
    }
    (mask_from_json(&text).as_deref() == Some(path)).then_some(text)
}

/// The way back.
pub(super) fn mask_from_json(text: &str) -> Option<String> {
    if text.contains(['_', ',']) {
        return None;
    }
    let mut path = String::with_capacity(text.len() + 4);
    for letter in text.chars() {
        if letter.is_ascii_uppercase() {
            path.push('_');
        }
        path.push(letter.to_ascii_lowercase());
    }
    Some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_goes_to_json_and_back_or_not_at_all() {
        assert_eq!(mask_to_json("user_id.a_b").as_deref(), Some("userId.aB"));
        assert_eq!(mask_from_json("userId.aB").as_deref(), Some("user_id.a_b"));
        for one_way in ["userId", "a_1", "a__b", "a_", "a,b"] {
            assert_eq!(mask_to_json(one_way), None, "{one_way}");
        }
        assert_eq!(mask_from_json("user_id"), None);
    }
}
