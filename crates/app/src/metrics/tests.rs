//! What is told is counted, and each family says what it is.

use std::time::Duration;

use hyper::StatusCode;
use weir_core::event::Stream;
use weir_core::observe::Observer;
use weir_core::sink::SinkName;

use super::Metrics;

fn has(metrics: &Metrics, line: &str) {
    let text = metrics.text().unwrap();
    assert!(text.lines().any(|found| found == line), "{line}\n{text}");
}

#[test]
fn what_is_told_is_counted() {
    let metrics = Metrics::new();
    let sink = SinkName("search".into());
    metrics.rejected(&Stream::new("events").unwrap(), "too_deep", 3);
    metrics.answered(&sink, 120, Duration::from_millis(15));
    metrics.attempt_failed(&sink);
    metrics.synced(4096, Duration::from_micros(300));
    metrics.corrupt_block();
    metrics.http_answered((0, "/events"), StatusCode::OK, Duration::from_millis(3));
    metrics.http_answered((0, "/events"), StatusCode::OK, Duration::from_millis(3));
    metrics.handshake_failed();
    for line in [
        "weir_events_rejected_total{stream=\"events\",code=\"too_deep\"} 3",
        "weir_batch_events_sum{sink=\"search\"} 120.0",
        "weir_flush_duration_seconds_bucket{le=\"0.02\",sink=\"search\"} 1",
        "weir_delivery_attempts_failed_total{sink=\"search\"} 1",
        "weir_log_sync_duration_seconds_count 1",
        "weir_log_synced_bytes_total 4096",
        "weir_log_corrupt_blocks_total 1",
        "weir_http_requests_total{route=\"/events\",status=\"200\"} 2",
        "weir_http_request_duration_seconds_count{route=\"/events\"} 2",
        "weir_http_tls_handshakes_failed_total 1",
    ] {
        has(&metrics, line);
    }
}

#[test]
fn every_family_says_what_it_is() {
    let metrics = Metrics::new();
    let text = metrics.text().unwrap();
    let named = |kind: &str| -> Vec<String> {
        let lines = text.lines().filter_map(|line| line.strip_prefix(kind));
        lines.map(|line| line.split(' ').next().unwrap().to_owned()).collect()
    };
    assert_eq!(named("# HELP "), named("# TYPE "));
    assert!(named("# HELP ").iter().all(|name| name.starts_with("weir_")), "{text}");
    assert!(text.ends_with("# EOF\n"));
}
