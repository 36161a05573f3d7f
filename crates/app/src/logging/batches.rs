//! A line for each batch that came to the end of its way: which it was, what became of it, where it is, and how long each
//! part of the way took.
//!
//! **Constraint.** Where batches are many and small, their lines must not be more than what they bring. So with the level
//! `info` a sink has so many lines in a while, and the next one tells how many were left out; with `debug` it has all.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tracing::Level;
use weir_core::catalog::Settlement;
use weir_core::observe::{BatchWay, Observer};
use weir_core::sink::SinkName;
use weir_core::time::Timestamp;

/// A window in which a sink has so many lines.
const WINDOW: Duration = Duration::from_secs(10);
const LINES_PER_WINDOW: u32 = 10;
/// So many places are named.
const PLACES_MAX: usize = 10;

/// Tells of batches.
#[derive(Default)]
pub struct BatchLines(Mutex<BTreeMap<SinkName, Window>>);

/// The lines of one sink in the window that runs.
#[derive(Clone, Copy, Debug, Default)]
struct Window {
    since: Timestamp,
    lines: u32,
    untold: Untold,
}

/// Batches that had no line, and their events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Untold {
    batches: u64,
    events: u64,
}

impl Observer for BatchLines {
    fn settled(&self, way: BatchWay<'_>) {
        let events = events(way.settlement);
        if events == 0 || !tracing::enabled!(target: "weir::batches", Level::INFO) {
            return;
        }
        if tracing::enabled!(target: "weir::batches", Level::DEBUG) {
            return tell(way, events, Untold::default());
        }
        let mut windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let window = windows.entry(way.settlement.plan.key.sink.clone()).or_default();
        if let Some(untold) = window.line(way.settled_at, events) {
            drop(windows);
            tell(way, events, untold);
        }
    }
}

impl Window {
    /// Whether a batch of so many events has a line at this time, and what had none before it.
    fn line(&mut self, at: Timestamp, events: u64) -> Option<Untold> {
        // Also where the clock was put back.
        if at.since(self.since) >= WINDOW || at < self.since {
            (self.since, self.lines) = (at, 0);
        }
        if self.lines == LINES_PER_WINDOW {
            self.untold.batches += 1;
            self.untold.events += events;
            return None;
        }
        self.lines += 1;
        Some(std::mem::take(&mut self.untold))
    }
}

fn tell(way: BatchWay<'_>, events: u64, untold: Untold) {
    let BatchWay { settlement, planned_at, begun_at, answered_at, settled_at, .. } = way;
    let Settlement { plan, delivered, duplicates, filtered, dead } = settlement;
    let dead: u64 = dead.iter().map(|letter| letter.count).sum();
    let lane = Some(plan.key.lane.as_str()).filter(|lane| !lane.is_empty());
    let waited_ms = way.oldest_at.map(|oldest| millis(planned_at.since(oldest)));
    let more = Some(untold).filter(|untold| untold.batches > 0);
    tracing::info!(
        target: "weir::batches",
        sink = %plan.key.sink,
        partition = %plan.key.partition,
        first = plan.first.0,
        end = plan.end.0,
        replay = lane,
        events,
        bytes = way.bytes,
        delivered,
        duplicates,
        filtered,
        dead,
        places = places(way.places),
        attempts = way.attempts,
        waited_ms,
        queued_ms = millis(begun_at.since(planned_at)),
        delivery_ms = millis(answered_at.since(begun_at)),
        settling_ms = millis(settled_at.since(answered_at)),
        untold_batches = more.map(|untold| untold.batches),
        untold_events = more.map(|untold| untold.events),
        "batch settled"
    );
}

/// Those between the batch's bounds that its sink has to account for.
fn events(settlement: &Settlement) -> u64 {
    let dead: u64 = settlement.dead.iter().map(|letter| letter.count).sum();
    settlement.delivered + settlement.filtered + dead
}

fn places(names: &[String]) -> Option<String> {
    let named = names.iter().take(PLACES_MAX).map(String::as_str).collect::<Vec<_>>().join(" ");
    match names.len() {
        0 => None,
        count if count > PLACES_MAX => Some(format!("{named} and {} more", count - PLACES_MAX)),
        _ => Some(named),
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logging::tests::logged_at;
    use weir_core::catalog::{AccountKey, Plan};
    use weir_core::event::Offset;
    use weir_core::log::Partition;

    fn settlement(number: u64) -> Settlement {
        let key = AccountKey::main(&SinkName("lake".into()), &Partition("p1".into()));
        let plan = Plan { key, first: Offset(number * 10), end: Offset(number * 10 + 10) };
        Settlement { plan, delivered: 7, duplicates: 2, filtered: 3, dead: Vec::new() }
    }

    /// A batch that was settled so many milliseconds after 1970.
    fn settled(lines: &BatchLines, number: u64, at_ms: i64, places: &[String]) {
        let at = |ms: i64| Timestamp::from_micros(ms * 1000);
        lines.settled(BatchWay {
            settlement: &settlement(number),
            bytes: 700,
            places,
            attempts: 1,
            oldest_at: Some(at(at_ms - 1_000)),
            planned_at: at(at_ms - 30),
            begun_at: at(at_ms - 25),
            answered_at: at(at_ms - 5),
            settled_at: at(at_ms),
        });
    }

    fn labels(line: &str) -> serde_json::Map<String, serde_json::Value> {
        serde_json::from_str::<serde_json::Value>(line).unwrap().as_object().unwrap().clone()
    }

    #[test]
    fn a_batch_has_one_line_with_its_bounds_its_counts_and_its_way() {
        let lines = BatchLines::default();
        let names: Vec<String> = (0..12).map(|number| format!("2026/1/1/0/w_{number}.json")).collect();
        let text = logged_at("info", || settled(&lines, 4, 1_700_000_000_000, &names));
        let line = labels(text.trim());
        assert_eq!(
            (&line["message"], &line["log.logger"]),
            (&"batch settled".into(), &"weir::batches".into())
        );
        for (name, value) in [
            ("sink", "lake"),
            ("partition", "p1"),
            ("first", "40"),
            ("end", "50"),
            ("events", "10"),
            ("delivered", "7"),
            ("duplicates", "2"),
            ("filtered", "3"),
            ("dead", "0"),
            ("attempts", "1"),
            ("waited_ms", "970"),
            ("queued_ms", "5"),
            ("delivery_ms", "20"),
            ("settling_ms", "5"),
        ] {
            assert_eq!(line[&format!("labels.{name}")], value, "{name}");
        }
        let places = line["labels.places"].as_str().unwrap();
        assert!(
            places.starts_with("2026/1/1/0/w_0.json ") && places.ends_with("w_9.json and 2 more"),
            "{places}"
        );
        for absent in ["labels.replay", "labels.untold_batches"] {
            assert!(!line.contains_key(absent), "{absent}");
        }
    }

    #[test]
    fn many_small_batches_have_few_lines_and_the_next_one_counts_the_others() {
        let batches = |level: &str| {
            let lines = BatchLines::default();
            // A hundred within a second, and one when the window is over.
            let text = logged_at(level, || {
                (0..100).for_each(|number| settled(&lines, number, 1_000_000 + number as i64 * 10, &[]));
                settled(&lines, 100, 1_010_000, &[]);
            });
            text.lines().map(labels).collect::<Vec<_>>()
        };
        let told = batches("info");
        assert_eq!(told.len(), 11);
        let last = told.last().unwrap();
        assert_eq!((&last["labels.first"], &last["labels.untold_batches"]), (&"1000".into(), &"90".into()));
        assert_eq!(last["labels.untold_events"], "900");
        assert_eq!(batches("info,weir::batches=debug").len(), 101);
        assert_eq!(batches("info,weir::batches=warn").len(), 0);
    }
}
