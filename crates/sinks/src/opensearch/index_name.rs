//! Which index an event goes into: a template, filled in from the record alone, so that a retry never changes it.

use std::sync::Arc;

use weir_core::event::Record;

use crate::SettingsError;
use crate::fields::EVENTS;

const NAME_MAX_BYTES: usize = 255;
/// What the longest stream's name and a date may add to the rest.
const FILLED_MAX_BYTES: usize = weir_core::event::STREAM_NAME_MAX_BYTES + 10;

/// The template, with everything filled in that does not depend on the event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct IndexName(Arc<[Part]>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Stream,
    Year,
    Month,
    Day,
}

/// Indices that differ by date only: they share a mapping, and so a template of the store.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct IndexFamily {
    /// The indices' common pattern, such as `events_production_*-*`.
    pub pattern: String,
}

impl IndexName {
    /// Reads a template; fails where no index could have such a name.
    pub fn parse(template: &str, environment: &str) -> Result<Self, SettingsError> {
        let mut parts = Vec::new();
        let mut text = String::new();
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}').ok_or_else(|| invalid(template, "a { has no }"))?;
            text.push_str(before);
            match name {
                "environment" => text.push_str(environment),
                _ => {
                    let part = placeholder(name).ok_or_else(|| {
                        let known = "{stream}, {environment}, {year}, {month} and {day}";
                        invalid(template, &format!("{{{name}}} is not known; there are {known}"))
                    })?;
                    parts.extend([Part::Text(std::mem::take(&mut text).to_lowercase()), part]);
                }
            }
            rest = after;
        }
        text.push_str(rest);
        parts.push(Part::Text(text.to_lowercase()));
        parts.retain(|part| *part != Part::Text(String::new()));
        check(template, &parts)?;
        Ok(Self(parts.into()))
    }

    /// The event's index.
    pub fn of(&self, record: &Record) -> String {
        let (year, month, day) = record.received_at.date();
        self.fill(record.stream.as_str(), |part| match part {
            Part::Year => format!("{year:04}"),
            Part::Month => format!("{month:02}"),
            _ => format!("{day:02}"),
        })
    }

    /// The family of the event's index.
    pub fn family(&self, stream: &str) -> IndexFamily {
        IndexFamily { pattern: self.fill(stream, |_| "*".to_owned()) }
    }

    /// The family of the stream `events`.
    pub fn of_events(&self) -> IndexFamily {
        self.family(EVENTS)
    }

    fn fill(&self, stream: &str, date: impl Fn(&Part) -> String) -> String {
        let mut name = String::new();
        for part in self.0.iter() {
            match part {
                Part::Text(text) => name.push_str(text),
                Part::Stream => name.push_str(&stream.to_lowercase()),
                other => name.push_str(&date(other)),
            }
        }
        name
    }
}

impl IndexFamily {
    /// What the store's template is called: `weir-events_production`.
    pub fn template_name(&self) -> String {
        format!("weir-{}", self.pattern.replace('*', "").trim_end_matches(['-', '_', '.']))
    }
}

fn placeholder(name: &str) -> Option<Part> {
    match name {
        "stream" => Some(Part::Stream),
        "year" => Some(Part::Year),
        "month" => Some(Part::Month),
        "day" => Some(Part::Day),
        _ => None,
    }
}

fn check(template: &str, parts: &[Part]) -> Result<(), SettingsError> {
    let texts =
        || parts.iter().filter_map(|part| if let Part::Text(text) = part { Some(text) } else { None });
    let forbidden = |c: char| c.is_control() || "\\/*?\"<>| ,#:{}".contains(c);
    if let Some(found) = texts().flat_map(|text| text.chars()).find(|c| forbidden(*c)) {
        return Err(invalid(template, &format!("an index's name may not have {found:?}")));
    }
    if texts().map(|text| text.len()).sum::<usize>() > NAME_MAX_BYTES - FILLED_MAX_BYTES {
        return Err(invalid(
            template,
            &format!("an index's name may have {NAME_MAX_BYTES} bytes, all filled in"),
        ));
    }
    match parts.first() {
        None => Err(invalid(template, "it is empty")),
        Some(Part::Text(text)) if text.starts_with(['-', '_', '+', '.']) => {
            Err(invalid(template, "an index's name may not begin with - _ + or ."))
        }
        _ => Ok(()),
    }
}

fn invalid(template: &str, why: &str) -> SettingsError {
    SettingsError(format!("index = {template:?}: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use weir_core::testkit::record;
    use weir_core::time::Timestamp;

    fn index(template: &str, stream: &str, received_at: &str) -> String {
        let mut record = record(0, stream, 0);
        record.received_at = Timestamp::parse(received_at).unwrap();
        IndexName::parse(template, "Production").unwrap().of(&record)
    }

    #[test]
    fn an_index_is_named_after_environment_and_month_of_receipt_in_utc() {
        let template = "events_{environment}_{year}-{month}";
        assert_eq!(index(template, "events", "2026-01-31T23:59:59.999999Z"), "events_production_2026-01");
        assert_eq!(index(template, "events", "2026-02-01T00:30:00+01:00"), "events_production_2026-01");
        assert_eq!(
            index("{stream}-{year}.{month}.{day}", "Order-77", "0099-12-09T00:00:00Z"),
            "order-77-0099.12.09"
        );
    }

    #[test]
    fn indices_that_differ_by_date_are_one_family() {
        let index = IndexName::parse("{stream}_{environment}_{year}-{month}", "dev").unwrap();
        assert_eq!(index.family("actions").pattern, "actions_dev_*-*");
        assert_eq!(index.family("actions").template_name(), "weir-actions_dev");
        let index = IndexName::parse("all", "dev").unwrap();
        assert_eq!(index.family("actions").template_name(), "weir-all");
    }

    #[test]
    fn what_no_index_can_be_called_is_refused() {
        for bad in
            ["", "_x", "a b", "a*", "{years}", "{year", "a{year}}", "x/{month}", "a,b", &"x".repeat(250)]
        {
            assert!(IndexName::parse(bad, "dev").is_err(), "{bad}");
        }
        for environment in ["a/b", "*", "a b"] {
            assert!(IndexName::parse("x_{environment}", environment).is_err(), "{environment}");
        }
    }
}
