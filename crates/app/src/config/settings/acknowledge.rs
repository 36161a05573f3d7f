//! `acknowledge`: what has to have an event before its sender gets an answer.

use std::time::Duration;

use serde::de::{Deserialize, Deserializer, Error};
use serde::{Serialize, Serializer};

use super::Settings;
use crate::config::key::Key;
use crate::config::nearest::suggestion;
use crate::config::problem::Report;
use crate::config::read::with_remedy;

const LOG: &str = "log";
const SINK: &str = "sink:";

/// How long an answer waits for a sink, where nothing else is said.
pub const TIMEOUT_DEFAULT: Duration = Duration::from_secs(5);

/// What has to have an event before its sender gets an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Acknowledge {
    /// The log on this machine's disk.
    #[default]
    Log,
    /// That, and this sink.
    Sink(String),
}

impl Serialize for Acknowledge {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Log => serializer.serialize_str(LOG),
            Self::Sink(name) => serializer.collect_str(&format_args!("{SINK}{name}")),
        }
    }
}

impl<'de> Deserialize<'de> for Acknowledge {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match (text.trim(), text.trim().strip_prefix(SINK).map(str::trim)) {
            (LOG, _) => Ok(Self::Log),
            (_, Some(name)) if !name.is_empty() => Ok(Self::Sink(name.to_owned())),
            (other, _) => {
                let remedy = "Write \"log\", or \"sink:NAME\" with the name of a sink.";
                Err(D::Error::custom(with_remedy(&format!("cannot be {other:?}"), remedy)))
            }
        }
    }
}

/// The sink has to be one that is delivered to by whoever answers.
pub(super) fn check(settings: &Settings, report: &mut Report<'_>) {
    let key = Key::of(["acknowledge"]);
    report.not_zero(&Key::of(["acknowledge_timeout"]), settings.acknowledge_timeout.is_zero());
    let Acknowledge::Sink(name) = &settings.acknowledge else { return };
    let elsewhere = settings.sinks_elsewhere().find(|(sink, _)| *sink == name);
    match elsewhere {
        Some((_, roles)) if settings.takes_events() => report.wrong(
            &key,
            format!(
                "waits for the sink {name:?}, which is of the role {roles}, in a process of the role {}",
                settings.role
            ),
            format!("Name a sink of the role api, or say roles = [\"api\", …] in [sinks.{name}]."),
        ),
        Some(_) => {}
        None if settings.sinks.contains_key(name) => {}
        None => {
            let known: Vec<&str> = settings.sinks.keys().map(String::as_str).collect();
            report.wrong(&key, format!("names a sink that is not there: {name:?}"), suggestion(name, &known));
        }
    }
}
