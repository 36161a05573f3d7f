//! From `tracing` to lines.

use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::fields::Gathering;
use super::{Lines, Style, ecs, now, text};

/// Writes each event as one line, with the members of the spans around it.
pub struct LineLayer {
    lines: Lines,
    style: Style,
}

/// A span's members, in the layer's style.
struct Labels(String);

impl LineLayer {
    /// Writes to `lines`.
    pub fn new(lines: Lines, style: Style) -> Self {
        Self { lines, style }
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for LineLayer {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut gathering = Gathering::new(self.style);
        attributes.record(&mut gathering);
        span.extensions_mut().insert(Labels(gathering.fields.labels));
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut gathering = Gathering::new(self.style);
        values.record(&mut gathering);
        if let Some(labels) = span.extensions_mut().get_mut::<Labels>() {
            labels.0.push_str(&gathering.fields.labels);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut gathering = Gathering::new(self.style);
        event.record(&mut gathering);
        let mut spans = String::new();
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(labels) = span.extensions().get::<Labels>() {
                spans.push_str(&labels.0);
            }
        }
        let (at, metadata, fields) = (now(), event.metadata(), gathering.fields);
        let mut line = String::with_capacity(256);
        match self.style {
            Style::Json => {
                ecs::push_event(&mut line, at, *metadata.level(), metadata.target(), &fields, &spans);
            }
            Style::Text { colored } => {
                text::push_event(&mut line, at, *metadata.level(), &fields, &spans, colored);
            }
        }
        self.lines.push(&line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::time::Duration;
    use tracing_subscriber::layer::SubscriberExt;

    fn logged(style: Style, tell: impl FnOnce()) -> String {
        let (mut reader, writer) = std::io::pipe().unwrap();
        let lines = Lines::start(Box::new(writer), style).unwrap();
        let subscriber = tracing_subscriber::registry().with(LineLayer::new(lines.clone(), style));
        tracing::subscriber::with_default(subscriber, tell);
        lines.flush(Duration::from_secs(20));
        let mut bytes = [0; 4096];
        let count = reader.read(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes[..count]).into_owned()
    }

    fn tell() {
        let _span = tracing::info_span!("delivery", sink = "search\n").entered();
        let error = std::io::Error::other("no \x1b[31mroute");
        tracing::warn!(%error, attempts = 3, "delivery failed\n{{\"forged\":1}}");
    }

    #[test]
    fn json_has_the_names_of_the_elastic_common_schema() {
        let line = logged(Style::Json, tell);
        assert_eq!(line.lines().count(), 1, "{line}");
        let line: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(line["message"], "delivery failed\n{\"forged\":1}");
        assert_eq!(line["log.level"], "warn");
        assert_eq!(line["service.name"], "weir");
        assert_eq!(line["event.dataset"], "weir.log");
        assert_eq!(line["error.message"], "no \x1b[31mroute");
        assert_eq!(line["labels.attempts"], "3");
        assert_eq!(line["labels.sink"], "search\n");
        assert!(line["@timestamp"].as_str().unwrap().ends_with('Z'));
    }

    #[test]
    fn text_is_one_line_without_control_characters() {
        let line = logged(Style::Text { colored: false }, tell);
        let (_, rest) = line.split_once("Z ").unwrap();
        let expected =
            " WARN delivery failed\\n{\"forged\":1}: no \\u001b[31mroute attempts=3 sink=search\\n\n";
        assert_eq!(rest, expected);
    }
}
