//! Single events at a steady rate, and what a client and the sinks' readers feel meanwhile.
//!
//! A request's time counts from when it was due, so that one that is held up does not hide those behind it.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ureq::Agent;

const CONNECTIONS: usize = 16;
const POLL_INTERVAL: Duration = Duration::from_millis(20);
/// Of the load, what is not counted.
const WARM_UP: Duration = Duration::from_secs(2);
const EVENT: &str = r##"{"page":"/home","event":"click","label":"buy","target":"#buy","section":"header","param":{"price":12.5}}"##;

/// A load of single events.
pub struct Steady<'a> {
    pub base: &'a str,
    pub key: &'a str,
    pub events_per_second: usize,
    pub seconds: usize,
}

impl Steady<'_> {
    /// The requests' p50 and p99, and how many failed; then p50 and p99 of each sink's lag. All times in ms.
    pub fn run(&self, sinks: &[&str]) -> String {
        let begin = Instant::now();
        let (failed, over) = (AtomicUsize::new(0), AtomicBool::new(false));
        let (times, lags) = thread::scope(|scope| {
            let watching = scope.spawn(|| self.watch(sinks, begin, &over));
            let workers = (0..CONNECTIONS).map(|number| {
                let failed = &failed;
                scope.spawn(move || self.post(number, begin, failed))
            });
            let workers = workers.collect::<Vec<_>>();
            let times = workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect();
            over.store(true, Ordering::Relaxed);
            (times, watching.join().unwrap())
        });
        let lags = lags.into_iter().map(percentiles).collect::<Vec<_>>().join(" ");
        format!("{} {} {lags}", percentiles(times), failed.into_inner())
    }

    /// Every so manieth event, each when it is due; how long they took.
    fn post(&self, number: usize, begin: Instant, failed: &AtomicUsize) -> Vec<Duration> {
        let agent = agent();
        let mut times = Vec::new();
        for event in (number..self.events_per_second * self.seconds).step_by(CONNECTIONS) {
            let due = begin + Duration::from_secs(1) / self.events_per_second as u32 * event as u32;
            thread::sleep(due.saturating_duration_since(Instant::now()));
            let request = agent.post(format!("{}/events", self.base)).header("authorization", self.bearer());
            if request.header("content-type", "application/json").send(EVENT).is_err() {
                failed.fetch_add(1, Ordering::Relaxed);
            }
            if due >= begin + WARM_UP {
                times.push(due.elapsed());
            }
        }
        times
    }

    /// Each sink's lag, again and again: the age of its oldest pending event by the metric or, where that is more, by
    /// how many are pending at this rate. The metric tells only of events that were read.
    fn watch(&self, sinks: &[&str], begin: Instant, over: &AtomicBool) -> Vec<Vec<Duration>> {
        let agent = agent();
        let mut lags = vec![Vec::new(); sinks.len()];
        while !over.load(Ordering::Relaxed) {
            thread::sleep(POLL_INTERVAL);
            let request = agent.get(format!("{}/metrics", self.base)).header("authorization", self.bearer());
            let text = request.call().unwrap().body_mut().read_to_string().unwrap();
            if begin.elapsed() < WARM_UP {
                continue;
            }
            for (sink, lags) in sinks.iter().zip(&mut lags) {
                let told = sample(&text, "weir_sink_lag_seconds", sink).unwrap();
                let counted =
                    sample(&text, "weir_events_pending", sink).unwrap() / self.events_per_second as f64;
                lags.push(Duration::from_secs_f64(told.max(counted)));
            }
        }
        lags
    }

    fn bearer(&self) -> String {
        format!("Bearer {}", self.key)
    }
}

/// Waits a minute for an answer.
pub fn agent() -> Agent {
    Agent::config_builder().timeout_global(Some(Duration::from_secs(60))).build().new_agent()
}

/// A sink's value of this name in the text of metrics, where it has one.
pub fn sample(text: &str, name: &str, sink: &str) -> Option<f64> {
    let begin = format!("{name}{{sink=\"{sink}\"}} ");
    text.lines().find_map(|line| line.strip_prefix(&begin)).map(|value| value.parse().unwrap())
}

/// p50 and p99, in ms.
fn percentiles(mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    let of = |percent: usize| times[(times.len() - 1) * percent / 100].as_secs_f64() * 1000.0;
    format!("{:.2} {:.2}", of(50), of(99))
}
