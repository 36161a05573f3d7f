//! `[sinks.NAME]`: where events go.
//!
//! What every sink has is [`SinkOf`]; what only one type has stands in the file called after it, as the trait
//! [`SinkType`] asks for it. Which types there are is listed once, where each is opened: in `wiring/sinks.rs`.

pub mod blackhole;
pub mod clickhouse;
pub mod kafka;
pub mod objects;
pub mod opensearch;
pub mod postgres;
pub mod rabbitmq;
pub mod redis;
pub mod sqlite;

mod batch;
mod beginning;
mod broker;
mod columns;
mod filter;
mod kind;
mod place;
mod section;
mod selection;
mod tls;
mod wanted;

pub use batch::{BatchSettings, RetrySettings};
pub use beginning::Beginning;
pub use broker::BrokerFormat;
pub(super) use broker::{BrokerAddress, check_address};
pub use columns::{ColumnFrom, ColumnsSettings};
pub use filter::FilterSettings;
pub use kind::{Claim, Side, SinkType, TypeFacts};
pub use section::SinkOf;
pub use selection::StreamSelection;
pub use tls::TlsSettings;

use std::mem::discriminant;

use super::streams::BUILT_IN_STREAMS;
use super::{Settings, SinkSettings};
use crate::config::key::Key;
use crate::config::nearest::suggestion;
use crate::config::problem::Report;

pub(super) fn check(settings: &Settings, report: &mut Report<'_>) {
    let own = settings.streams.keys().map(String::as_str).filter(|name| !BUILT_IN_STREAMS.contains(name));
    let streams: Vec<&str> = BUILT_IN_STREAMS.into_iter().chain(own).collect();
    for (name, sink) in &settings.sinks {
        let key = Key::of(["sinks", name]);
        if !super::is_word(name) {
            report.wrong(&key, "has no name that a sink can have", "Use 1 to 64 of a-z A-Z 0-9 _ - .");
        }
        let sink = sink.common();
        report.is_elsewhere = !settings.role.meets(&sink.roles);
        check_streams(&key, &sink.streams, &streams, report);
        sink.filter.check(&key.child("where"), report);
        sink.batch.check(&key.child("batch"), report);
        sink.retry.check(&key.child("retry"), report);
        sink.own.check(&key, report);
    }
    report.is_elsewhere = false;
    check_distinct(settings, report);
    sqlite::check_catalog(settings, report);
}

/// No two sinks may overwrite each other, or take each other's events for repeats.
fn check_distinct(settings: &Settings, report: &mut Report<'_>) {
    for (place, (name, sink)) in settings.sinks.iter().enumerate() {
        let mut earlier = settings.sinks.iter().take(place);
        let clash = earlier.find_map(|(other, earlier)| Some((other, clash(sink, earlier)?)));
        if let Some((other, Claim { member, what, remedy, .. })) = clash {
            let key = Key::of(["sinks", name, member]);
            report.wrong(&key, format!("{what} `sinks.{other}`"), remedy);
        }
    }
}

/// What the one claims and the other has.
fn clash(one: &SinkSettings, other: &SinkSettings) -> Option<Claim> {
    if discriminant(one) != discriminant(other) {
        return None;
    }
    let (one, other) = (one.common(), other.common());
    let (claim, taken) = (one.own.claim()?, other.own.claim()?.places);
    let is_shared = claim.places.iter().any(|place| taken.contains(place));
    let meets = !claim.is_by_stream || one.streams.overlaps(&other.streams);
    (is_shared && meets).then_some(claim)
}

fn check_streams(key: &Key, selection: &StreamSelection, known: &[&str], report: &mut Report<'_>) {
    let key = key.child("streams");
    let StreamSelection::Named(names) = selection else { return };
    if names.is_empty() {
        report.wrong(&key, "names no stream", "Leave it out to take every stream, or name some.");
    }
    for name in names.iter().filter(|name| !known.contains(&name.as_str())) {
        report.wrong(&key, format!("names a stream that is not there: {name:?}"), suggestion(name, known));
    }
}
