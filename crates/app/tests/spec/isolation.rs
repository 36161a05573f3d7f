//! Five stores, of which one is dead, one frozen and one slow. The two others get everything, every request is answered,
//! memory stays small, and the end comes in its time. How little the two feel of it is measured by `benches/f.sh`.

use std::time::Duration;

use crate::harness::{Load, Mute, Sent, Setup, SlowStore, Weir, files, lines, until};

const SOON: Duration = Duration::from_secs(60);
const DRAINED_WITHIN: Duration = Duration::from_secs(120);
const HEALTHY: [&str; 2] = ["table", "archive"];
const STANDING: [&str; 2] = ["dead", "frozen"];
/// Of the slow store.
const EVENTS_PER_SECOND: u32 = 100;
const RSS_MAX_BYTES: u64 = 150 << 20;

/// A Weir with the five.
struct Five {
    weir: Weir,
    // It would be dead, not frozen, without this.
    _frozen: Mute,
}

impl Five {
    /// `top` stands before all of them, `healthy` in the sections of the two, `bad` in those of the three.
    fn start(top: &str, healthy: &str, bad: &str) -> Self {
        let (frozen, slow) = (Mute::start(), SlowStore::start(EVENTS_PER_SECOND));
        let settings = [
            top.to_owned(),
            format!("[sinks.table]\ntype = \"sqlite\"\n{healthy}"),
            format!("[sinks.archive]\ntype = \"objects\"\nurl = \"file:archive\"\n{healthy}"),
            format!("[sinks.dead]\ntype = \"postgres\"\nurl = \"postgres://weir@127.0.0.1:1/weir\"\n{bad}"),
            format!("[sinks.frozen]\ntype = \"clickhouse\"\nurl = \"{}\"\n{bad}", frozen.url()),
            format!(
                "[sinks.slow]\ntype = \"opensearch\"\nurl = \"{}\"\ncompress = false\ninstall_template = false\n\
                 batch.max_events = 50\n{bad}",
                slow.url()
            ),
        ];
        Self { weir: Weir::start(Setup::new().toml(settings.join("\n"))), _frozen: frozen }
    }

    /// What the healthy ones hold is what was sent.
    #[track_caller]
    fn assert_healthy_hold(&self, sent: &Sent) {
        sent.assert_stored_once(self.weir.sqlite("select label from events"));
        let lines = lines(&files(&self.weir.path("archive")));
        sent.assert_stored_once(
            lines.iter().map(|line| line["label"].as_str().unwrap().to_owned()).collect(),
        );
    }

    /// The dead and the frozen one have all before them still, and nothing is given up.
    #[track_caller]
    fn assert_nothing_given_up(&self) {
        let metrics = self.weir.metrics();
        for sink in STANDING {
            let account = metrics.account(sink);
            assert_eq!((account.pending, account.dead), (account.accepted, 0.0), "{sink}: {account:?}");
        }
        let slow = metrics.account("slow");
        assert!(slow.is_balanced() && slow.dead == 0.0, "{slow:?}");
    }
}

#[test]
fn while_three_stores_stand_the_others_get_everything_and_every_request_is_answered() {
    let hasty = "batch.max_age = \"50ms\"\n";
    let five = Five::start("", hasty, "batch.max_age = \"50ms\"\nretry.max = \"500ms\"\n");
    let weir = &five.weir;
    let running = Load::new("steady").requests(4_000).pause(Duration::from_millis(1)).start(weir);
    until(SOON, "every question to be answered while the load runs", || {
        for path in ["/ping", "/healthz", "/readyz", "/metrics", "/v1/status", "/v1/sinks"] {
            assert_eq!(weir.get(path).status, 200, "{path}");
        }
        running.acknowledged() >= 4_000
    });
    let sent = running.join();
    assert_eq!((sent.refused, sent.unanswered), (0, 0));
    for sink in HEALTHY {
        weir.drained(sink, DRAINED_WITHIN);
    }
    five.assert_healthy_hold(&sent);
    five.assert_nothing_given_up();
    until(SOON, "the slow one to get some", || weir.metrics().account("slow").delivered > 0.0);
}

#[test]
fn what_three_stores_do_not_take_is_not_kept_in_memory() {
    let little = "batch.max_bytes = \"512KiB\"\nbatch.buffer_max_bytes = \"2MiB\"\n";
    let five = Five::start("", &format!("batch.max_age = \"50ms\"\n{little}"), little);
    let part = |name: &str| {
        let load = Load::new(name).events_per_request(500).padding_bytes(1000).requests(60);
        let sent = load.run(&five.weir);
        for sink in HEALTHY {
            five.weir.drained(sink, DRAINED_WITHIN);
        }
        (sent, five.weir.process().rss_bytes())
    };
    let (mut sent, rss_at_half) = part("first");
    let (second, rss_at_end) = part("second");
    sent.add(second);
    five.assert_healthy_hold(&sent);
    five.assert_nothing_given_up();
    assert!(rss_at_end < RSS_MAX_BYTES, "{rss_at_end} bytes in memory");
    assert!(rss_at_end < rss_at_half + rss_at_half / 4, "grew from {rss_at_half} to {rss_at_end} bytes");
}

#[test]
fn told_to_end_it_waits_for_three_stores_no_longer_than_its_limit_and_leaves_nothing_out_of_the_others() {
    // Nothing but the limit of the whole would end the wait for the frozen one, and for the healthy ones' batches.
    let top = "shutdown_timeout = \"2s\"\n";
    let mut five =
        Five::start(top, "batch.max_age = \"1h\"\n", "batch.max_age = \"10ms\"\nretry.max = \"1h\"\n");
    let sent = Load::new("last").requests(300).run(&five.weir);
    until(SOON, "batches to be with the three", || {
        let status = five.weir.get_json("/v1/status");
        let sinks = status["sinks"].as_array().unwrap();
        sinks.iter().any(|sink| sink["name"] == "dead" && sink["last_error"].is_object())
    });
    assert!(five.weir.stop().success());
    five.assert_healthy_hold(&sent);

    five.weir.restart();
    five.assert_nothing_given_up();
    let accounts = HEALTHY.map(|sink| five.weir.metrics().account(sink));
    assert!(accounts.iter().all(|account| account.delivered == account.accepted), "{accounts:?}");
}
