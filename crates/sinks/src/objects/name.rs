//! Objects' names, from a template.
//!
//! **Constraint.** Nothing that an event says can add a part to a path or leave out one: what is filled in is a number,
//! a digest, or a word of `a-z A-Z 0-9 _ - .` that does not begin with a dot.

use weir_core::event::{Record, Stream};
use weir_core::time::Timestamp;

use super::settings::{Compression, EventTime, ObjectsSettings};
use super::store;
use crate::SettingsError;

/// What can be filled in.
const PLACEHOLDERS: &str =
    "{year}, {month}, {day}, {hour}, {minute}, {stream}, {consumer}, {environment} and {hash}";
/// What others fill in, in bytes.
const WORD_MAX_BYTES: usize = 64;
const TEMPLATE_MAX_BYTES: usize = 512;
const HOUR_MICROS: i64 = 3_600_000_000;

/// How objects are named.
#[derive(Clone, Debug)]
pub(super) struct NameTemplate {
    parts: Vec<Part>,
    time: EventTime,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Stream,
    Hash,
}

/// What the events of one object have in common: the hour, and whatever else the template tells apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Slot {
    /// Counted from the epoch: an event is asked for it often, a name for its parts seldom.
    hour: i64,
    minute: Option<i64>,
    stream: Option<Stream>,
}

impl NameTemplate {
    pub fn parse(settings: &ObjectsSettings) -> Result<Self, SettingsError> {
        let text = with_extension(&settings.name, settings.compression)?;
        let parts = parts(&text, settings)?;
        if !parts.contains(&Part::Hash) {
            let what = "it has no {hash}, so that one object would take another's place; add it, as in";
            return Err(wrong(&settings.name, &format!("{what} \"{{consumer}}_{{hash}}.json\"")));
        }
        let template = Self { parts, time: settings.time };
        template.check_path(&settings.name)?;
        Ok(template)
    }

    /// The object that an event belongs to.
    pub fn slot(&self, record: &Record) -> Slot {
        let time = match self.time {
            _ if store::is_store(record) => store::received_at(record).unwrap_or(record.event.occurred_at),
            EventTime::Occurred => record.event.occurred_at,
            EventTime::Received => record.received_at,
        };
        let minute = time.as_micros().div_euclid(60_000_000).rem_euclid(60);
        Slot {
            hour: time.as_micros().div_euclid(HOUR_MICROS),
            minute: self.parts.contains(&Part::Minute).then_some(minute),
            stream: self.parts.contains(&Part::Stream).then(|| record.stream.clone()),
        }
    }

    /// The name of a slot's object with this digest.
    pub fn fill(&self, slot: &Slot, hash: &str) -> String {
        let begin = Timestamp::from_micros(slot.hour * HOUR_MICROS);
        let (year, month, day) = begin.date();
        let part = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Year => year.to_string(),
            Part::Month => month.to_string(),
            Part::Day => day.to_string(),
            Part::Hour => begin.hour().to_string(),
            Part::Minute => slot.minute.unwrap_or_default().to_string(),
            Part::Stream => slot.stream.as_ref().map(|stream| word(stream.as_str())).unwrap_or_default(),
            Part::Hash => hash.to_owned(),
        };
        self.parts.iter().map(part).collect()
    }

    /// A name as any event could make it is a path of plain parts.
    fn check_path(&self, text: &str) -> Result<(), SettingsError> {
        let slot = Slot { hour: 0, minute: Some(1), stream: Stream::new("s") };
        let name = self.fill(&slot, "h");
        let allowed = |c: char| c.is_ascii_alphanumeric() || "_-.=+,@/".contains(c);
        if text.len() > TEMPLATE_MAX_BYTES || !name.chars().all(allowed) {
            let what = format!("use at most {TEMPLATE_MAX_BYTES} of a-z A-Z 0-9 _ - . = + , @ and /");
            return Err(wrong(text, &what));
        }
        if name.split('/').any(|part| part.is_empty() || part.starts_with('.')) {
            return Err(wrong(text, "a part of its path is empty or begins with a dot"));
        }
        Ok(())
    }
}

fn parts(text: &str, settings: &ObjectsSettings) -> Result<Vec<Part>, SettingsError> {
    let mut parts = Vec::new();
    for (at, piece) in text.split('{').enumerate() {
        let (placeholder, plain) = match (at, piece.split_once('}')) {
            (0, _) => (None, piece),
            (_, Some((name, plain))) => (Some(name), plain),
            (_, None) => return Err(wrong(text, "a `{` is not closed")),
        };
        if let Some(name) = placeholder {
            parts.push(match name {
                "year" => Part::Year,
                "month" => Part::Month,
                "day" => Part::Day,
                "hour" => Part::Hour,
                "minute" => Part::Minute,
                "stream" => Part::Stream,
                "hash" => Part::Hash,
                "consumer" => Part::Text(word(&settings.consumer)),
                "environment" => Part::Text(word(&settings.environment)),
                _ => return Err(wrong(text, &format!("{{{name}}} is unknown; there are {PLACEHOLDERS}"))),
            });
        }
        if !plain.is_empty() {
            parts.push(Part::Text(plain.to_owned()));
        }
    }
    Ok(parts)
}

/// The extension tells how an object is compressed, and may not lie.
fn with_extension(text: &str, compression: Compression) -> Result<String, SettingsError> {
    let told = [Compression::Gzip, Compression::Zstd].into_iter().find(|one| text.ends_with(one.extension()));
    match told {
        None => Ok(format!("{text}{}", compression.extension())),
        Some(told) if told == compression => Ok(text.to_owned()),
        Some(told) => {
            Err(wrong(text, &format!("it ends in {}, and `compression` is another", told.extension())))
        }
    }
}

/// A word that is one part of a path, or less, whatever it was.
pub(super) fn word(text: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "_-.".contains(c) { c } else { '_' };
    let mut word: String = text.chars().take(WORD_MAX_BYTES).map(plain).collect();
    if word.is_empty() || word.starts_with('.') {
        word.insert(0, '_');
    }
    word
}

fn wrong(template: &str, what: &str) -> SettingsError {
    SettingsError(format!("name = {template:?}: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use weir_core::testkit::record;
    use weir_core::time::Timestamp;

    fn template(name: &str) -> Result<NameTemplate, SettingsError> {
        NameTemplate::parse(&ObjectsSettings { name: name.to_owned(), ..ObjectsSettings::new("file:///x") })
    }

    fn name(template: &NameTemplate, moment: &str) -> String {
        let mut record = record(1, "actions", 0);
        record.event.occurred_at = Timestamp::parse(moment).unwrap();
        template.fill(&template.slot(&record), "h4sh")
    }

    #[test]
    fn numbers_are_not_padded() {
        let default = NameTemplate::parse(&ObjectsSettings::new("file:///x")).unwrap();
        assert_eq!(name(&default, "2026-01-02T03:04:05Z"), "2026/1/2/3/weir_h4sh.json");
        assert_eq!(name(&default, "0001-12-31T23:59:59Z"), "1/12/31/23/weir_h4sh.json");
        assert_eq!(name(&default, "1969-12-31T23:59:59.999999Z"), "1969/12/31/23/weir_h4sh.json");
        assert_eq!(name(&default, "9999-12-30T00:00:00Z"), "9999/12/30/0/weir_h4sh.json");
    }

    #[test]
    fn an_event_of_store_has_its_hour_from_its_context() {
        let mut record = record(1, "store", 0);
        record.event.body = r#"{"event_name":"E","context":{"receivedAt":"1701530942"}}"#.into();
        for time in [EventTime::Occurred, EventTime::Received] {
            let settings = ObjectsSettings { time, ..ObjectsSettings::new("file:///x") };
            let template = NameTemplate::parse(&settings).unwrap();
            assert_eq!(template.fill(&template.slot(&record), "h"), "2023/12/2/15/weir_h.json");
        }
    }

    #[test]
    fn what_the_template_names_tells_objects_apart() {
        let template = template("{stream}/year={year}/{minute}-{hash}-{environment}.ndjson").unwrap();
        assert_eq!(name(&template, "1969-12-31T23:59:00Z"), "actions/year=1969/59-h4sh-development.ndjson");
        let (one, other) = (record(1, "events", 0), record(61, "events", 0));
        assert_ne!(template.slot(&one), template.slot(&other), "another minute");
        assert_ne!(template.slot(&one), template.slot(&record(1, "actions", 0)), "another stream");
    }

    #[test]
    fn an_extension_tells_how_an_object_is_compressed() {
        for (text, compression, expected) in [
            ("{hash}.json", Compression::None, Some("h.json")),
            ("{hash}.json", Compression::Gzip, Some("h.json.gz")),
            ("{hash}", Compression::Zstd, Some("h.zst")),
            ("{hash}.json.zst", Compression::Zstd, Some("h.json.zst")),
            ("{hash}.json.zst", Compression::Gzip, None),
            ("{hash}.gz", Compression::None, None),
        ] {
            let name = text.to_owned();
            let settings = ObjectsSettings { name, compression, ..ObjectsSettings::new("file:///x") };
            let filled = NameTemplate::parse(&settings)
                .ok()
                .map(|template| template.fill(&template.slot(&record(1, "events", 0)), "h"));
            assert_eq!(filled.as_deref(), expected, "{text} {compression:?}");
        }
    }

    #[test]
    fn a_template_that_cannot_serve_is_refused_and_says_why() {
        for (bad, why) in [
            ("{year}/{consumer}.json", "{hash}"),
            ("{hash", "not closed"),
            ("{hash}/{second}", "{second}"),
            ("../{hash}", "dot"),
            ("a/../{hash}", "dot"),
            ("/{hash}", "empty"),
            ("a//{hash}", "empty"),
            ("{hash}/", "empty"),
            (".{hash}", "dot"),
            ("a b/{hash}", "use at most"),
            ("ä{hash}", "use at most"),
            ("a\\{hash}", "use at most"),
            ("a\0{hash}", "use at most"),
        ] {
            let error = template(bad).unwrap_err().to_string();
            assert!(error.contains(why), "{bad}: {error}");
        }
    }

    #[test]
    fn a_word_that_is_filled_in_is_no_path() {
        for (text, expected) in
            [("..", "_.."), ("../../etc", "_.._.._etc"), ("", "_"), ("a/b\\c\0d", "a_b_c_d"), ("é-1", "_-1")]
        {
            assert_eq!(word(text), expected);
        }
        assert_eq!(word(&"x".repeat(1_000)).len(), WORD_MAX_BYTES);
    }
}
