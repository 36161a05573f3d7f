//! What was refused, or is kept, is sent again.

use std::time::Duration;

use rusqlite::Connection;
use serde_json::json;

use crate::harness::{Fault, FaultProxy, Load, OpenSearch, Setup, Weir, until};

const SOON: Duration = Duration::from_secs(60);
const HASTY: &str = "[sinks.opensearch.batch]\nmax_age = \"50ms\"\n[sinks.sqlite]\ntype = \"sqlite\"\n";

#[test]
fn dead_letters_are_delivered_once_the_cause_is_mended() {
    let Some(server) = OpenSearch::start("replay") else { return };
    let proxy = FaultProxy::before(server.port());
    proxy.set(Fault::Answer { status: 400, retry_after_seconds: None });
    let weir = Weir::start(Setup::new().toml(HASTY).variable("OPEN_SEARCH_DNS", &proxy.url()));
    let sent = Load::new("refused").requests(10).run(&weir);
    until(SOON, "all to be refused", || weir.metrics().account("opensearch").dead == 10.0);

    let letters = weir.get_json("/v1/dead-letters?sink=opensearch&limit=4");
    assert_eq!(letters["items"].as_array().unwrap().len(), 4);
    let letter = &letters["items"][0];
    assert_eq!(letter["sink"], "opensearch");
    assert_eq!(letter["event"]["page"], "/load", "with the event: {letter}");
    assert!(
        letter["detail"].as_str().unwrap().contains("by order of the test"),
        "in the store's own words: {letter}"
    );
    let rest =
        weir.get_json(&format!("/v1/dead-letters?limit=100&cursor={}", letters["next"].as_str().unwrap()));
    assert_eq!(rest["items"].as_array().unwrap().len(), 6);
    assert_eq!(rest["next"], json!(null));

    proxy.set(Fault::None);
    let replayed = weir.run(&["dead-letters", "replay", "--sink", "opensearch"]);
    assert!(replayed.status.success(), "{}", String::from_utf8_lossy(&replayed.stderr));
    until(SOON, "all to be delivered", || weir.metrics().account("opensearch").delivered == 10.0);
    let labels = server.documents("events_*");
    let labels =
        labels.iter().map(|document| document["_source"]["event_info"]["label"].as_str().unwrap().to_owned());
    sent.assert_stored_once(labels.collect());
    assert!(weir.metrics().account("opensearch").is_balanced());
    assert_eq!(weir.get_json("/v1/dead-letters")["items"], json!([]));
}

#[test]
fn a_dead_letter_that_is_given_up_stays_counted() {
    let proxy = FaultProxy::before(1);
    proxy.set(Fault::Answer { status: 400, retry_after_seconds: None });
    let weir = Weir::start(Setup::new().toml(HASTY).variable("OPEN_SEARCH_DNS", &proxy.url()));
    weir.accept(r#"{"page":"/a","event":"x"}"#);
    until(SOON, "it to be refused", || weir.metrics().account("opensearch").dead == 1.0);

    let id = weir.get_json("/v1/dead-letters")["items"][0]["id"].clone();
    let path = format!("/v1/dead-letters/{}", id.as_str().map_or(id.to_string(), str::to_owned));
    assert_eq!(weir.get(&path).status, 200);
    assert_eq!(weir.delete(&path).status, 204);
    assert_eq!(weir.get(&path).status, 404);
    let account = weir.metrics().account("opensearch");
    assert!(account.dead == 1.0 && account.is_balanced(), "{account:?}");
}

#[test]
fn a_store_that_lost_its_data_is_given_again_what_the_log_keeps() {
    let weir = Weir::start(Setup::new());
    let sent = Load::new("kept").requests(200).run(&weir);
    weir.drained("sqlite", SOON);
    let before = weir.metrics().account("sqlite");
    let database = Connection::open(weir.path("data/events.db")).unwrap();
    database.busy_timeout(SOON).unwrap();
    database.execute("delete from events where label like '%-1-%'", []).unwrap();

    let arguments = [
        "log",
        "replay",
        "--sink",
        "sqlite",
        "--from",
        "2000-01-01T00:00:00Z",
        "--to",
        "2100-01-01T00:00:00Z",
    ];
    let replayed = weir.run(&arguments);
    assert!(replayed.status.success(), "{}", String::from_utf8_lossy(&replayed.stderr));
    until(SOON, "all rows to be there again", || weir.sqlite::<i64>("select count(*) from events") == [200]);
    sent.assert_stored_once(weir.sqlite("select label from events"));
    assert_eq!(weir.metrics().account("sqlite"), before, "a replay is no part of the account");
}
