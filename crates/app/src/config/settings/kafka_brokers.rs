//! What inputs and sinks say alike of the brokers of Kafka: where they are, and how one gets in.

use super::librdkafka::LibrdkafkaSettings;
use crate::config::TlsSettings;
use crate::config::exposure::warn_if_exposed;
use crate::config::key::Key;
use crate::config::problem::Report;

/// Checks the settings that stand under `key`.
pub fn check_kafka(
    key: &Key,
    (brokers, own, tls): (&str, &LibrdkafkaSettings, Option<&TlsSettings>),
    report: &mut Report<'_>,
) {
    LibrdkafkaSettings::check_built_in(key, report);
    let brokers_key = key.child("brokers");
    if brokers.split(',').any(|broker| !is_address(broker.trim())) {
        report.wrong(&brokers_key, "is no list of brokers", "Write it as \"k1:9092,k2:9092\".");
    }
    warn_if_exposed(&brokers_key, brokers, own.is_encrypted(tls.is_some()), own.has_secret(), report);
    if let Some(tls) = tls {
        let key = key.child("tls");
        tls.check(&key, true, report);
        if tls.server_name.is_some() {
            let what = "cannot be told to Kafka's client, which goes by the names that the brokers give";
            report.wrong(&key.child("server_name"), what, "Leave it out.");
        }
    }
}

fn is_address(text: &str) -> bool {
    let host = text.rsplit_once(':').map_or(text, |(host, port)| match port.parse::<u16>() {
        Ok(_) => host,
        // The end of an IPv6 address, or no port at all.
        Err(_) if text.ends_with(']') => text,
        Err(_) => "",
    });
    !host.is_empty() && !host.contains(|c: char| c.is_whitespace() || c == '/' || c == '@')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_is_a_host_with_a_port_or_without() {
        for good in ["k1:9092", "k1", "10.0.0.1:9092", "[::1]:9092", "[::1]"] {
            assert!(is_address(good), "{good}");
        }
        for bad in ["", ":9092", "k1:port", "http://k1:9092", "user@k1:9092", "k1 k2"] {
            assert!(!is_address(bad), "{bad}");
        }
    }
}
