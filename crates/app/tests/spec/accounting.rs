//! accepted = delivered + dead + filtered + pending, for each sink, at every look.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::spawn;
use std::time::Duration;

use crate::harness::{Account, Client, Fault, FaultProxy, Load, Metrics, Setup, Weir, free_port};

const SINKS: &str =
    "[sinks.sqlite]\ntype = \"sqlite\"\n[sinks.sqlite.batch]\nmax_age = \"20ms\"\nmax_events = 50\n";

#[test]
fn the_account_balances_at_every_scrape_under_load_and_after_kills() {
    // The second sink is refused everything, so that all three sides of the account move.
    let refusing = FaultProxy::before(free_port());
    refusing.set(Fault::Answer { status: 400, retry_after_seconds: None });
    let search = format!("{SINKS}[sinks.opensearch.batch]\nmax_age = \"20ms\"\nmax_events = 20\n");
    let mut weir = Weir::start(Setup::new().toml(search).variable("OPEN_SEARCH_DNS", &refusing.url()));

    let scraper = Scraper::start(&weir);
    for round in 0..4 {
        Load::new(format!("round-{round}")).time(Duration::from_millis(700)).run(&weir);
        weir.kill9();
        weir.restart();
    }
    let scrapes = scraper.stop();
    assert!(scrapes.len() > 20, "{} scrapes show little", scrapes.len());
    for account in scrapes.iter().flatten() {
        assert!(account.is_balanced(), "{account:?}");
    }

    weir.drained("sqlite", Duration::from_secs(60));
    weir.drained("opensearch", Duration::from_secs(60));
    let (sqlite, search) = (weir.metrics().account("sqlite"), weir.metrics().account("opensearch"));
    assert_eq!(sqlite.delivered, sqlite.accepted);
    assert_eq!(search.dead, search.accepted, "all of it is in the dead letters");
}

/// Looks as often as it can.
struct Scraper {
    stop: Arc<AtomicBool>,
    thread: std::thread::JoinHandle<Vec<[Account; 2]>>,
}

impl Scraper {
    fn start(weir: &Weir) -> Self {
        let client = Client::with_limit(weir.base(), Duration::from_secs(10)).bearing(&weir.key());
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let scrape = move || {
            let mut seen = Vec::new();
            while !stopped.load(Ordering::Relaxed) {
                // While it is down or has only just started there is nothing to see.
                let Ok(answer) = client.get("/metrics") else { continue };
                let metrics = Metrics::parse(&answer.body);
                let both = ["sqlite", "opensearch"];
                if both.iter().all(|sink| metrics.sum("weir_events_pending", &[("sink", sink)]).is_some()) {
                    seen.push(both.map(|sink| metrics.account(sink)));
                }
            }
            seen
        };
        Self { stop, thread: spawn(scrape) }
    }

    fn stop(self) -> Vec<[Account; 2]> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}
