//! From `[sinks.NAME]` to what a delivery is told: the same for every type of sink.

use anyhow::Context;
use weir_core::delivery::{BatchLimits, RetryPolicy, Route};
use weir_core::event::Stream;
use weir_core::sink::SinkName;

use super::sinks::{Around, SinkSettings};
use crate::config::{
    BatchSettings, Beginning, FilterSettings, RetrySettings, Roles, Settings, StreamSelection,
};
use crate::deliveries::{ConfiguredSink, SinksElsewhere};

/// Every sink that this process brings events to, ready to be delivered to.
pub(super) fn configured(settings: &Settings, around: Around<'_>) -> anyhow::Result<Vec<ConfiguredSink>> {
    let one = |(name, settings): (&String, &SinkSettings)| {
        let common = settings.common();
        Ok(ConfiguredSink {
            name: SinkName(name.as_str().into()),
            route: route(&common.streams, &common.filter),
            begins_with_oldest: common.from == Beginning::Oldest,
            limits: limits(&common.batch),
            retry: retry(&common.retry),
            sink: settings.open(name, around).with_context(|| format!("sinks.{name}"))?,
        })
    };
    settings.sinks_here().map(one).collect()
}

/// The others.
pub(super) fn elsewhere(settings: &Settings) -> SinksElsewhere {
    let one = |(name, roles): (&String, &Roles)| (SinkName(name.as_str().into()), roles.to_string());
    SinksElsewhere(settings.sinks_elsewhere().map(one).collect())
}

fn route(selection: &StreamSelection, filter: &FilterSettings) -> Route {
    let streams = match selection {
        StreamSelection::All => Route::all(),
        StreamSelection::Named(names) => Route::of(names.iter().filter_map(|name| Stream::new(name))),
    };
    match filter.filter() {
        Some(filter) => streams.with_filter(filter),
        None => streams,
    }
}

fn limits(batch: &BatchSettings) -> BatchLimits {
    let bytes = |size: u64| usize::try_from(size).unwrap_or(usize::MAX);
    BatchLimits {
        max_events: batch.max_events,
        max_bytes: bytes(batch.max_bytes),
        max_age: batch.max_age,
        in_flight: batch.in_flight,
        unsettled_max: usize::MAX,
        buffer_max_events: batch.buffer_max_events,
        buffer_max_bytes: bytes(batch.buffer_max_bytes),
    }
}

fn retry(retry: &RetrySettings) -> RetryPolicy {
    RetryPolicy { initial: retry.initial, max: retry.max }
}
