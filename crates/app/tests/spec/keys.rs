//! Who is let in, and what a newcomer is handed.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use crate::harness::{Setup, Weir, until};

const SOON: Duration = Duration::from_secs(30);

const EVENT: &[u8] = br#"{"page":"/home","event":"click"}"#;

/// Signed with an empty secret, by HS256: `{"sub":"mallory"}`.
const SIGNED_WITH_NOTHING: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJtYWxsb3J5In0.HV6CNNL8ipnU46ATprsM7uV6HgHD5FOvCQBXaJiJbBA";
/// Not signed at all: `{"alg":"none"}`.
const UNSIGNED: &str = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJzdWIiOiJtYWxsb3J5In0.";

#[test]
fn the_first_start_makes_a_key_says_it_and_keeps_it_for_its_owner() {
    let mut weir = Weir::start(Setup::new());
    let key = weir.key();
    assert!(key.len() >= 32, "a key that is hard to guess: {key}");
    assert!(weir.said().contains(&key), "the key is told once");
    let mode = fs::metadata(weir.path("data/api-key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    weir.accept(std::str::from_utf8(EVENT).unwrap());

    weir.stop();
    let said_before = weir.said().matches(&key).count();
    weir.restart();
    assert_eq!(weir.key(), key, "the key stays");
    assert_eq!(weir.said().matches(&key).count(), said_before, "and is not told again");
}

#[test]
fn empty_secrets_admit_nobody() {
    let weir = Weir::start(Setup::new().variable("API_KEY", "").variable("JWT_SECRET", ""));
    for token in ["", " ", "Bearer", "null", SIGNED_WITH_NOTHING, UNSIGNED] {
        for client in [weir.stranger().bearing(token), weir.stranger()] {
            let answer = client.post("/events", EVENT, &[]).unwrap();
            assert_eq!(answer.status, 401, "{token:?} {}", answer.body);
            assert!(answer.header("www-authenticate").is_some(), "{answer:?}");
        }
    }
    until(SOON, "somebody to hear of the empty secret", || weir.said().contains("admits nobody"));
}

#[test]
fn strangers_learn_of_three_probes_and_nothing_else() {
    let weir = Weir::start(Setup::new());
    for (path, status) in [
        ("/ping", 200),
        ("/healthz", 200),
        ("/readyz", 200),
        ("/metrics", 401),
        ("/v1/status", 401),
        ("/openapi.json", 401),
        ("/no-such-place", 401),
    ] {
        assert_eq!(weir.stranger().get(path).unwrap().status, status, "{path}");
    }
    assert_eq!(weir.stranger().get("/ping").unwrap().body, "pong");
    let by_address = format!("/v1/status?token={0}&key={0}&api_key={0}", weir.key());
    assert_eq!(weir.stranger().get(&by_address).unwrap().status, 401, "a key in the address never admits");
}

#[test]
fn a_key_that_was_set_is_never_written_anywhere() {
    let secret = "correct-horse-battery-staple-0815";
    let weir = Weir::start(Setup::new().variable("API_KEY", secret));
    weir.accept(std::str::from_utf8(EVENT).unwrap());
    weir.stranger().bearing("wrong").post("/events", EVENT, &[]).unwrap();
    let shown = weir.run(&["config", "show"]);
    let shown = String::from_utf8_lossy(&[shown.stdout, shown.stderr].concat()).into_owned();

    assert!(!weir.path("data/api-key").exists(), "no key is made where one was set");
    for place in [weir.said(), weir.get("/metrics").body, weir.get("/v1/status").body, shown] {
        assert!(!place.contains(secret), "{place}");
    }
}
