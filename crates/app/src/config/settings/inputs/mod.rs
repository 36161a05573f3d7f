//! `[inputs.NAME]`: where events come from, beside HTTP.
//!
//! What is particular to a type stands in the file called after it. Which types there are is listed once, where each is
//! opened: in `wiring/inputs.rs`.

pub mod kafka;
pub mod rabbitmq;
pub mod redis;

use serde::{Deserialize, Serialize};

use super::{Roles, Settings, streams};
use crate::config::key::Key;
use crate::config::nearest::suggestion;
use crate::config::problem::Report;
use crate::config::sinks::Claim;

/// The settings that only one type of input has.
pub trait InputType {
    /// Which processes read it.
    fn roles(&self) -> &Roles;

    /// Whether what it brings goes through the log on disk.
    fn uses_log(&self) -> bool;

    /// Tells what is wrong although each value by itself could be read. `streams` are those that there are.
    fn check(&self, key: &Key, streams: &[&str], report: &mut Report<'_>);

    /// What it reads, each place as a sink that writes there claims it.
    fn places(&self, streams: &[&str]) -> Vec<Vec<String>>;
}

/// Where an input begins that was not there before. One that was goes on where it stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InputBeginning {
    /// With the oldest that the broker keeps.
    #[default]
    Oldest,
    /// With what comes from then on.
    Newest,
}

/// What a message's value is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InputFormat {
    /// One JSON object.
    #[default]
    Json,
    /// One JSON object a line.
    Ndjson,
    /// One message of the event registry.
    Protobuf,
    /// Anything.
    Raw,
}

pub(super) fn check(settings: &Settings, report: &mut Report<'_>) {
    let declared = settings.streams.keys().map(String::as_str);
    let known: Vec<&str> = streams::BUILT_IN_STREAMS.into_iter().chain(declared).collect();
    for (name, input) in &settings.inputs {
        let key = Key::of(["inputs", name]);
        if !super::is_word(name) {
            report.wrong(&key, "has no name that an input can have", "Use 1 to 64 of a-z A-Z 0-9 _ - .");
        }
        report.is_elsewhere = !settings.role.meets(input.own().roles());
        input.own().check(&key, &known, report);
        report.is_elsewhere = false;
    }
    for (name, input) in settings.inputs_here() {
        check_no_circle(settings, (name, input.own().places(&known)), report);
    }
}

/// What a sink of this process writes must not come in again.
fn check_no_circle(settings: &Settings, (name, places): (&str, Vec<Vec<String>>), report: &mut Report<'_>) {
    for (sink, own) in settings.sinks_here() {
        let Some(Claim { places: written, member, .. }) = own.common().own.claim() else { continue };
        if written.iter().any(|place| places.contains(place)) {
            let key = Key::of(["inputs", name]);
            let what = format!("reads what `sinks.{sink}` writes, so that events would go round in circles");
            report.wrong(&key, what, format!("Give the sink another `{member}`, or read something else."));
        }
    }
}

fn check_stream(key: &Key, stream: Option<&str>, known: &[&str], report: &mut Report<'_>) {
    if let Some(name) = stream.filter(|name| !known.contains(name)) {
        let what = format!("names a stream that is not there: {name:?}");
        report.wrong(&key.child("stream"), what, suggestion(name, known));
    }
}
