//! The inputs as metrics.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;
use weir_core::ledger::Standing;

use super::accounts::counters;
use crate::inputs::Input;

/// What inputs could not read, by their accounts, and how they stand.
pub fn encode(
    encoder: &mut DescriptorEncoder<'_>,
    accounts: &[Standing],
    inputs: &[Arc<dyn Input>],
) -> fmt::Result {
    if inputs.is_empty() && accounts.is_empty() {
        return Ok(());
    }
    let statuses: Vec<_> = inputs.iter().map(|input| input.status()).collect();
    let mut dead: BTreeMap<&str, u64> = statuses.iter().map(|status| (status.name.as_str(), 0)).collect();
    for account in accounts {
        *dead.entry(account.sink.input().unwrap_or_default()).or_default() += account.dead;
    }
    let help = "Messages that the input could not read, each a dead letter";
    counters(encoder, "weir_input_dead", help, "input", dead.into_iter())?;
    let help = "Messages that the broker deleted before they were read, counted by their places";
    let lost = statuses.iter().map(|status| (status.name.as_str(), status.lost));
    counters(encoder, "weir_input_lost", help, "input", lost)?;
    let help = "Places in the broker's partitions that not every sink has settled";
    gauges(
        encoder,
        "weir_input_lag",
        help,
        statuses.iter().map(|status| (status.name.as_str(), status.lag())),
    )?;
    let help = "Partitions that are assigned to this instance";
    let partitions = statuses.iter().map(|status| (status.name.as_str(), status.partitions.len() as u64));
    gauges(encoder, "weir_input_partitions", help, partitions)?;
    let help = "1 while something keeps the input from its work, else 0";
    let troubled = statuses.iter().map(|status| (status.name.as_str(), u64::from(status.trouble.is_some())));
    gauges(encoder, "weir_input_troubled", help, troubled)
}

fn gauges<'a>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    values: impl Iterator<Item = (&'a str, u64)>,
) -> fmt::Result {
    let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    for (input, value) in values {
        ConstGauge::new(value).encode(family.encode_family(&[("input", input)])?)?;
    }
    Ok(())
}
