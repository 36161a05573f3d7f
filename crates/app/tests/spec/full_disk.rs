//! A disk without room: refused with a time to come back, never a crash, never a false acknowledgement; and back to work by
//! itself.

use std::fs;
use std::time::Duration;

use crate::harness::{Load, Setup, Tmpfs, Weir, until};

const SOON: Duration = Duration::from_secs(60);

#[test]
fn a_disk_that_fills_up_refuses_and_loses_nothing() {
    let Some(disk) = Tmpfs::mount("full_disk", 64 << 20) else { return };
    // Only the log is on it: what the sink and the catalog do without room is told elsewhere.
    let settings = "[log]\nsegment_bytes = \"1MiB\"\nfree_min_bytes = \"2MiB\"\nretention = \"1s\"\n\
        [sinks.sqlite]\ntype = \"sqlite\"\n[sinks.sqlite.batch]\nmax_age = \"50ms\"\n";
    let mut weir = Weir::prepare(Setup::new().toml(settings));
    fs::create_dir(weir.path("data")).unwrap();
    std::os::unix::fs::symlink(disk.path(), weir.path("data/log")).unwrap();
    weir.restart();
    let load = |name: &str| Load::new(name).events_per_request(50).padding_bytes(500);

    let mut sent = load("before").requests(50).run(&weir);
    let ballast = disk.fill(1 << 20);
    sent.add(load("full").requests(1000).time(Duration::from_secs(5)).run(&weir));
    until(SOON, "it to notice", || weir.get("/readyz").status == 503);
    let answer =
        weir.post("/events", r#"{"page":"/a","event":"x"}"#, &[("content-type", "application/json")]);
    assert_eq!(answer.status, 503, "{}", answer.body);
    assert!(answer.header("retry-after").is_some());
    until(SOON, "it to name the reason", || weir.get("/readyz").body.contains("free"));

    // Killed on a full disk, it starts on a full disk.
    weir.kill9();
    weir.launch();
    until(SOON, "it to answer", || weir.stranger().get("/healthz").is_ok_and(|answer| answer.status == 200));

    fs::remove_file(ballast).unwrap();
    until(SOON, "it to go back to work", || {
        weir.stranger().get("/readyz").is_ok_and(|answer| answer.status == 200)
    });
    weir.admit();
    sent.add(load("after").requests(50).run(&weir));
    weir.drained("sqlite", SOON);
    let marked = "select label from events where page = '/load'";
    sent.assert_stored_once(weir.sqlite(marked));
}
