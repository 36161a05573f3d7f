//! A text with places of the event in it: `events`, `{stream}`, `shop.{event}.{/param/country}`.

use std::borrow::Cow;
use std::fmt;

use weir_core::event::Record;
use weir_core::selection::{Selection, Source, Value};

use crate::SettingsError;

/// The stream whose events have their name under another member.
const STORE: &str = "store";

/// The text, ready to be filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    text: String,
    parts: Vec<Part>,
    /// What the parts need.
    selection: Selection,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Stream,
    Id,
    /// What stands at a place of the selection.
    Member(usize),
    /// The event's name: its place in the selection, and that of the name that `/store` gives.
    Event(usize, usize),
}

impl Template {
    /// Reads it.
    pub fn parse(text: &str) -> Result<Self, SettingsError> {
        let (mut parts, mut sources) = (Vec::new(), Vec::new());
        for (at, piece) in text.split('{').enumerate() {
            let (name, plain) = match (at, piece.split_once('}')) {
                (0, _) => (None, piece),
                (_, Some((name, plain))) => (Some(name), plain),
                (_, None) => return Err(wrong(text, "a brace is never closed")),
            };
            if plain.contains('}') {
                return Err(wrong(text, "a brace is closed that was never opened"));
            }
            if let Some(name) = name {
                let part = Part::named(name, &mut sources);
                parts.push(part.ok_or_else(|| wrong(text, "there is no name in the braces"))?);
            }
            if !plain.is_empty() {
                parts.push(Part::Text(plain.to_owned()));
            }
        }
        Ok(Self { text: text.to_owned(), parts, selection: Selection::new(sources) })
    }

    /// The text where it is the same for every event.
    pub fn literal(&self) -> Option<&str> {
        let is_text = |part: &Part| matches!(part, Part::Text(_));
        self.parts.iter().all(is_text).then_some(self.text.as_str())
    }

    /// The text where each place holds an `x`.
    #[cfg(feature = "kafka")]
    pub fn example(&self) -> String {
        self.parts.iter().map(|part| if let Part::Text(text) = part { text } else { "x" }).collect()
    }

    /// Whether some event makes this text of it.
    pub fn may_become(&self, text: &str) -> bool {
        may_become(&self.parts, text)
    }

    /// The text for this event; `None` where something in it is absent. Fails where it is looked into and no JSON object.
    pub fn fill<'a>(&'a self, record: &'a Record) -> serde_json::Result<Option<Cow<'a, str>>> {
        if let Some(literal) = self.literal() {
            return Ok(Some(literal.into()));
        }
        let values = self.selection.read(record)?;
        let mut filled = self.parts.iter().map(|part| part.fill(record, &values));
        if self.parts.len() == 1 {
            return Ok(filled.next().flatten());
        }
        Ok(filled.collect::<Option<String>>().map(Cow::Owned))
    }

    /// The same, with nothing in the place of what is absent.
    pub fn fill_with_what_is_there<'a>(&'a self, record: &'a Record) -> serde_json::Result<Cow<'a, str>> {
        if let Some(literal) = self.literal() {
            return Ok(literal.into());
        }
        let values = self.selection.read(record)?;
        let filled = self.parts.iter().filter_map(|part| part.fill(record, &values));
        Ok(Cow::Owned(filled.collect()))
    }
}

impl Part {
    /// `None` where there is no such name.
    fn named(name: &str, sources: &mut Vec<Source>) -> Option<Self> {
        let mut place = |name: &str| {
            sources.push(Source::parse(name)?);
            Some(sources.len() - 1)
        };
        Some(match name {
            "stream" => Self::Stream,
            "id" => Self::Id,
            "event" => Self::Event(place("event")?, place("event_name")?),
            name => Self::Member(place(name)?),
        })
    }

    fn fill<'a>(&'a self, record: &'a Record, values: &[Value<'a>]) -> Option<Cow<'a, str>> {
        match self {
            Self::Text(text) => Some(text.into()),
            Self::Stream => Some(record.stream.as_str().into()),
            Self::Id => Some(record.event.id.to_string().into()),
            Self::Member(place) => text(values.get(*place)?),
            Self::Event(_, place) if record.stream.as_str() == STORE => text(values.get(*place)?),
            Self::Event(place, _) => text(values.get(*place)?),
        }
    }
}

fn text<'a>(value: &Value<'a>) -> Option<Cow<'a, str>> {
    match value {
        Value::Null => None,
        Value::Text(text) => Some(text.clone()),
        other => Some(other.json()),
    }
}

/// A place may hold anything.
fn may_become(parts: &[Part], text: &str) -> bool {
    match parts.split_first() {
        None => text.is_empty(),
        Some((Part::Text(part), rest)) => {
            text.strip_prefix(part.as_str()).is_some_and(|text| may_become(rest, text))
        }
        Some((_, rest)) => {
            let ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
            ends.into_iter().any(|at| may_become(rest, &text[at..]))
        }
    }
}

fn wrong(text: &str, what: &str) -> SettingsError {
    SettingsError(format!("{text:?}: {what}; write a member or a JSON pointer in braces, such as {{event}}"))
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use weir_core::testkit::record;

    use super::*;

    fn event(stream: &str) -> Record {
        let mut record = record(7, stream, 0);
        record.event.body =
            r#"{"event":"click","event_name":"TestEvent","n":1.50,"param":{"sku":"s-1"},"stream":"mine","none":null}"#
                .into();
        record.event.user_id = Some("alice".into());
        record
    }

    fn filled(template: &str, record: &Record) -> Option<String> {
        Template::parse(template).unwrap().fill(record).unwrap().map(Cow::into_owned)
    }

    #[test]
    fn each_event_fills_in_what_the_template_names() {
        let record = event("actions");
        for (template, expected) in [
            ("", ""),
            ("plain", "plain"),
            ("{stream}", "actions"),
            ("{event}", "click"),
            ("{user_id}", "alice"),
            ("{n}", "1.50"),
            ("{/param/sku}", "s-1"),
            ("{param}", r#"{"sku":"s-1"}"#),
            ("a-{event}.{stream}-", "a-click.actions-"),
        ] {
            assert_eq!(filled(template, &record).as_deref(), Some(expected), "{template}");
        }
        let name_and_id = format!("click_{}", record.event.id);
        assert_eq!(filled("{event}_{id}", &record), Some(name_and_id));
        assert_eq!(filled("{event}", &event("store")).as_deref(), Some("TestEvent"));
    }

    #[test]
    fn where_something_is_absent_there_is_nothing_or_what_is_there() {
        let record = event("actions");
        for (template, there) in
            [("{none}", ""), ("{nowhere}", ""), ("{event}-{nowhere}", "click-"), ("{/param/x}", "")]
        {
            assert_eq!(filled(template, &record), None, "{template}");
            let template = Template::parse(template).unwrap();
            assert_eq!(template.fill_with_what_is_there(&record).unwrap(), there);
        }
    }

    #[test]
    fn an_event_that_is_no_object_is_an_error_where_it_is_looked_into() {
        let mut record = event("actions");
        record.event.body = "{".into();
        assert!(Template::parse("{event}").unwrap().fill(&record).is_err());
        assert!(Template::parse("{stream}").unwrap().fill(&record).is_ok());
    }

    #[test]
    fn braces_have_to_match() {
        for (bad, why) in
            [("{", "closed"), ("a}", "opened"), ("{a", "closed"), ("{}", "no name"), ("a}{b}", "opened")]
        {
            let error = Template::parse(bad).unwrap_err().to_string();
            assert!(error.contains(why), "{bad}: {error}");
        }
        assert_eq!(Template::parse("plain").unwrap().literal(), Some("plain"));
        assert_eq!(Template::parse("{stream}").unwrap().literal(), None);
    }

    #[test]
    fn what_it_may_become_is_told() {
        let template = Template::parse("shop.{event}.{stream}x").unwrap();
        for text in ["shop..x", "shop.buy.eventsx", "shop.a.b.cx"] {
            assert!(template.may_become(text), "{text}");
        }
        for text in ["shop.x", "shop.buy.events", "hop..x", ""] {
            assert!(!template.may_become(text), "{text}");
        }
    }
}
