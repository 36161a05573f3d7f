//! What several stores ask of a value, and what is said where a column does not hold one.

use std::borrow::Cow;

use weir_core::selection::Value;
use weir_core::sink::Refusal;
use weir_core::time::Timestamp;

use super::Column;

/// The reason of such dead letters.
pub(crate) const REASON: &str = "column_mismatch";
/// How much of a value is shown.
const SHOWN_MAX_CHARS: usize = 100;

impl<T> Column<T> {
    /// Says that the column cannot hold the value: the event becomes a dead letter.
    pub fn refusal(&self, value: &Value<'_>) -> Refusal {
        let json = value.json();
        let cut = json.char_indices().nth(SHOWN_MAX_CHARS).map(|(at, _)| at);
        let (shown, more) = cut.map_or((json.as_ref(), ""), |at| (&json[..at], "…"));
        Refusal {
            reason: REASON.to_owned(),
            detail: format!("column \"{}\" of type {} cannot hold {shown}{more}", self.name, self.kind_name),
        }
    }
}

/// A whole number within the bounds of `I`.
pub(crate) fn integer<I: TryFrom<i128>>(value: &Value<'_>) -> Option<I> {
    match value {
        Value::Number(number) => number.integer().and_then(|number| I::try_from(number).ok()),
        _ => None,
    }
}

/// A number as the nearest double, unless it is too large or too small for one.
pub(crate) fn double(value: &Value<'_>) -> Option<f64> {
    match value {
        Value::Number(number) => number.double(),
        _ => None,
    }
}

/// A moment in RFC 3339, or a number of seconds, milliseconds or microseconds, as for an event's own time.
pub(crate) fn moment(value: &Value<'_>) -> Option<Timestamp> {
    match value {
        Value::Text(text) => Timestamp::parse(text),
        other => double(other).and_then(Timestamp::from_number),
    }
}

/// A string's content; of any other value its JSON text, as the fixed columns have it; none for null.
pub(crate) fn text<'a>(value: &Value<'a>) -> Option<Cow<'a, str>> {
    match value {
        Value::Null => None,
        Value::Text(text) => Some(text.clone()),
        other => Some(other.json()),
    }
}

/// JSON text; none for null.
pub(crate) fn json<'a>(value: &Value<'a>) -> Option<Cow<'a, str>> {
    (*value != Value::Null).then(|| value.json())
}
