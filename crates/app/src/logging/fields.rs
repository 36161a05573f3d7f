//! The members of a `tracing` event or span, in either style.

use std::fmt::{Debug, Display, Write};

use tracing::field::{Field, Visit};

use super::Style;
use super::escape::{push_json, push_text};

/// What an event or a span says.
#[derive(Clone, Debug, Default)]
pub struct Fields {
    /// The sentence.
    pub message: String,
    /// What went wrong, where the event has an `error`.
    pub error: Option<String>,
    /// The other members, already in the style: `,"labels.a":"1"` or ` a=1`.
    pub labels: String,
}

/// Gathers [`Fields`].
pub struct Gathering {
    /// What was gathered.
    pub fields: Fields,
    style: Style,
    scratch: String,
}

impl Gathering {
    /// Nothing yet, in this style.
    pub fn new(style: Style) -> Self {
        Self { fields: Fields::default(), style, scratch: String::new() }
    }

    fn add(&mut self, name: &str, value: impl Display) {
        self.scratch.clear();
        // Writing to a String fails only where the value's own display does; then what it wrote is kept.
        let _ = write!(self.scratch, "{value}");
        match name {
            "message" => self.fields.message.push_str(&self.scratch),
            "error" | "err" | "error.message" => self.fields.error = Some(self.scratch.clone()),
            _ => push_label(&mut self.fields.labels, name, &self.scratch, self.style),
        }
    }
}

fn push_label(labels: &mut String, name: &str, value: &str, style: Style) {
    match style {
        Style::Json => {
            labels.push_str(",\"labels.");
            push_json(labels, name);
            labels.push_str("\":\"");
            push_json(labels, value);
            labels.push('"');
        }
        Style::Text { .. } => {
            labels.push(' ');
            push_text(labels, name);
            labels.push('=');
            push_text(labels, value);
        }
    }
}

impl Visit for Gathering {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.add(field.name(), format_args!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field.name(), value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        let mut text = value.to_string();
        let mut cause = value.source();
        while let Some(error) = cause {
            let _ = write!(text, ": {error}");
            cause = error.source();
        }
        self.add(field.name(), text);
    }
}
