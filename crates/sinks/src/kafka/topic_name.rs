//! What a topic may be called.

use crate::SettingsError;
use crate::brokers::Template;

/// What Kafka allows.
const NAME_MAX_BYTES: usize = 249;

/// A template whose own text may be in a topic's name.
pub(super) fn topic_template(text: &str) -> Result<Template, SettingsError> {
    let template = Template::parse(text).map_err(|error| SettingsError(format!("topic = {error}")))?;
    match topic_fault(&template.example()) {
        Some(what) => Err(SettingsError(format!("topic = {text:?}: {what}"))),
        None => Ok(template),
    }
}

/// Why no topic can be called so.
pub(super) fn topic_fault(name: &str) -> Option<&'static str> {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if name.is_empty() || name.len() > NAME_MAX_BYTES {
        return Some("a topic's name has 1 to 249 bytes");
    }
    if matches!(name, "." | "..") || !name.chars().all(is_allowed) {
        return Some("a topic's name is of a-z A-Z 0-9 . _ and -, and is neither `.` nor `..`");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_that_can_name_no_topic_is_refused() {
        for bad in ["", "a b", "ä", "a/b", "..", "{event}:x", "{event", &"x".repeat(250)] {
            let error = topic_template(bad).unwrap_err().to_string();
            assert!(error.starts_with("topic = "), "{error}");
        }
        assert_eq!(topic_template("event-messages").unwrap().literal(), Some("event-messages"));
        assert_eq!(topic_template("x.{stream}").unwrap().literal(), None);
    }
}
