//! How it ends when it is asked to.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::harness::{Load, Mute, Setup, Weir, until};

const SOON: Duration = Duration::from_secs(30);

#[test]
fn a_request_under_way_is_answered_before_it_ends() {
    let mut weir = Weir::start(Setup::new());
    let body = r#"{"page":"/last","event":"x"}"#;
    let (first, rest) = body.split_at(10);
    let mut connection = TcpStream::connect(weir.base().trim_start_matches("http://")).unwrap();
    connection.set_read_timeout(Some(SOON)).unwrap();
    let (key, length) = (weir.key(), body.len());
    write!(
        connection,
        "POST /events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n{first}"
    )
    .unwrap();
    until(SOON, "the request to have begun", || weir.get("/ping").status == 200);

    weir.sigterm();
    until(SOON, "new connections to be refused", || weir.stranger().get("/ping").is_err());
    connection.write_all(rest.as_bytes()).unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(weir.wait().success());
    assert_eq!(weir.sqlite::<String>("select page from events"), ["/last"], "and it was delivered");
}

#[test]
fn what_is_buffered_is_delivered_before_it_ends() {
    let patient = "[sinks.sqlite]\ntype = \"sqlite\"\n[sinks.sqlite.batch]\nmax_age = \"1h\"\n";
    let mut weir = Weir::start(Setup::new().toml(patient));
    let sent = Load::new("buffered").requests(100).run(&weir);
    assert!(weir.stop().success());
    sent.assert_stored_once(weir.sqlite("select label from events"));
}

#[test]
fn a_second_signal_ends_it_at_once_and_loses_nothing() {
    let mute = Mute::start();
    let patient = "shutdown_timeout = \"1h\"\n[sinks.sqlite]\ntype = \"sqlite\"\n";
    let mut weir = Weir::start(Setup::new().toml(patient).variable("OPEN_SEARCH_DNS", &mute.url()));
    let sent = Load::new("waiting").requests(20).run(&weir);

    weir.sigterm();
    until(SOON, "new connections to be refused", || weir.stranger().get("/ping").is_err());
    assert!(weir.is_running(), "it waits for the store");
    weir.sigterm();
    weir.wait();

    weir.restart();
    weir.drained("sqlite", SOON);
    sent.assert_stored_once(weir.sqlite("select label from events"));
    assert_eq!(weir.metrics().account("opensearch").pending, 20.0);
}

#[test]
fn a_store_that_is_away_delays_the_end_no_longer_than_the_limit() {
    let hasty = "shutdown_timeout = \"500ms\"\n";
    let mut weir = Weir::start(Setup::new().toml(hasty).variable("OPEN_SEARCH_DNS", "http://127.0.0.1:1"));
    weir.accept(r#"{"page":"/a","event":"x"}"#);
    assert!(weir.stop().success());
}
