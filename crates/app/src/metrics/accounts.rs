//! The accounts as metrics, all from one snapshot of the ledger.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use weir_core::ledger::Standing;
use weir_core::time::Timestamp;

use super::{Watched, inputs};

/// Asks the ledger at every scrape; nothing until there is one to ask.
pub struct Accounts(pub Arc<OnceLock<Watched>>);

impl fmt::Debug for Accounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Accounts")
    }
}

/// One sink, over all partitions.
#[derive(Default)]
struct Sum {
    routed: u64,
    delivered: u64,
    duplicates: u64,
    dead: u64,
    filtered: u64,
    pending: u64,
    is_paused: bool,
    oldest_pending_at: Option<Timestamp>,
}

impl Collector for Accounts {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Some(Watched { ledger, log, inputs, clock }) = self.0.get() else { return Ok(()) };
        let snapshot = ledger.snapshot();
        let now = clock.now();
        let streams = snapshot.accepted.iter().map(|(stream, count)| (stream.as_str(), *count));
        let help = "Events on disk and acknowledged";
        counters(&mut encoder, "weir_events_accepted", help, "stream", streams)?;
        let sums = sums(&snapshot.sinks);
        let by_sink = |pick: fn(&Sum) -> u64| sums.iter().map(move |(sink, sum)| (*sink, pick(sum)));
        let help =
            "Of the accepted events, those of streams the sink takes; delivered + dead + filtered + pending";
        counters(&mut encoder, "weir_events_routed", help, "sink", by_sink(|sum| sum.routed))?;
        let help = "Events stored by the sink, those that were there before included";
        counters(&mut encoder, "weir_events_delivered", help, "sink", by_sink(|sum| sum.delivered))?;
        let help = "Of the delivered events, those that the sink had before";
        counters(&mut encoder, "weir_events_duplicate", help, "sink", by_sink(|sum| sum.duplicates))?;
        let help = "Events that the sink refused for good; one that is sent again leaves this count";
        gauges(&mut encoder, "weir_events_dead_total", help, by_sink(|sum| sum.dead))?;
        let help = "Events left out by the sink's filter";
        counters(&mut encoder, "weir_events_filtered", help, "sink", by_sink(|sum| sum.filtered))?;
        let help = "Events that wait for the sink";
        gauges(&mut encoder, "weir_events_pending", help, by_sink(|sum| sum.pending))?;
        let help = "1 while the sink is paused by a person, else 0";
        gauges(&mut encoder, "weir_sink_paused", help, by_sink(|sum| u64::from(sum.is_paused)))?;
        let lag = |sum: &Sum| sum.oldest_pending_at.map_or(0.0, |oldest| now.since(oldest).as_secs_f64());
        let help = "Age of the oldest event that waits for the sink";
        gauges(
            &mut encoder,
            "weir_sink_lag_seconds",
            help,
            sums.iter().map(|(sink, sum)| (*sink, lag(sum))),
        )?;
        inputs::encode(&mut encoder, &snapshot.inputs, inputs)?;
        let gauge = encoder.encode_descriptor(
            "weir_log_bytes",
            "Size of the log on disk",
            None,
            MetricType::Gauge,
        )?;
        ConstGauge::new(log.size_bytes()).encode(gauge)
    }
}

fn sums(standings: &[Standing]) -> BTreeMap<&str, Sum> {
    let mut sums: BTreeMap<&str, Sum> = BTreeMap::new();
    // A replay brings what was accounted for before; it has no part in these sums.
    for standing in standings.iter().filter(|standing| standing.lane.is_empty()) {
        let sum = sums.entry(&standing.sink.0).or_default();
        sum.routed += standing.routed;
        sum.delivered += standing.delivered;
        sum.duplicates += standing.duplicates;
        sum.dead += standing.dead;
        sum.filtered += standing.filtered;
        sum.pending += standing.pending;
        sum.is_paused |= standing.is_paused;
        sum.oldest_pending_at = match (sum.oldest_pending_at, standing.oldest_pending_at) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
    }
    sums
}

pub(super) fn counters<'a>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    label: &'static str,
    values: impl Iterator<Item = (&'a str, u64)>,
) -> fmt::Result {
    let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
    for (of, value) in values {
        ConstCounter::new(value).encode(family.encode_family(&[(label, of)])?)?;
    }
    Ok(())
}

fn gauges<'a, V>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    values: impl Iterator<Item = (&'a str, V)>,
) -> fmt::Result
where
    ConstGauge<V>: EncodeMetric,
{
    let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    for (of, value) in values {
        ConstGauge::new(value).encode(family.encode_family(&[("sink", of)])?)?;
    }
    Ok(())
}
