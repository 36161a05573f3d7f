//! Commands that ask the running server.

use insta::assert_snapshot;
use reqwest::Method;
use serde_json::json;

use super::stage::{Play, Stage, answer};
use crate::cli::arguments::{DeadLettersCommand, Filter};
use crate::cli::client::Client;
use crate::cli::credential::{Credential, token};
use crate::cli::{Verdict, dead_letters};
use crate::config::Settings;
use crate::data_dir::DataDir;
use crate::secret::Secret;

async fn status_error(stage: &Stage) -> String {
    let error = stage.client().ask(Method::GET, "/v1/status", None).await.unwrap_err().to_string();
    error.replace(&stage.settings.server.port.to_string(), "PORT")
}

#[tokio::test]
async fn the_first_key_goes_along() {
    let stage = Stage::new(|_| answer(200, &json!({})));
    stage.client().ask(Method::GET, "/v1/status", None).await.unwrap();
    assert_eq!(stage.seen()[0].headers["authorization"], "Bearer hunter2");
}

#[tokio::test]
async fn a_server_that_does_not_run_is_told_with_what_to_do() {
    let stage = Stage::new(|_| Play::Vanish);
    let mut settings = stage.settings.clone();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    settings.server.port = free.local_addr().unwrap().port();
    drop(free);
    let client = Client::new(&settings, None, None).unwrap();
    let error = client.ask(Method::GET, "/v1/status", None).await.unwrap_err().to_string();
    assert_snapshot!(error.replace(&settings.server.port.to_string(), "PORT"), @r#"
    no server answers at http://127.0.0.1:PORT: Connection refused (os error 111)
        Start one with `weir run`, or name another with --url.
    "#);
}

#[tokio::test]
async fn a_wrong_key_is_named_and_not_shown() {
    let stage = Stage::new(|_| answer(401, &json!({})));
    let error = status_error(&stage).await;
    assert!(!error.contains("hunter2"));
    assert_snapshot!(error, @r#"
    http://127.0.0.1:PORT does not admit the key "app"
        Run this with the server's own settings: in its directory, or with its --config or --data-dir.
    "#);
}

#[tokio::test]
async fn what_the_server_says_is_passed_on_without_its_control_characters() {
    let stage = Stage::new(|_| answer(404, &json!({ "detail": "there is no\n\u{1b}[2J such letter" })));
    assert_snapshot!(status_error(&stage).await, @r#"
    http://127.0.0.1:PORT answered 404 Not Found: there is no\n\u001b[2J such letter
    "#);
}

#[tokio::test]
async fn an_answer_that_is_no_json_is_told() {
    let stage = Stage::new(|_| Play::Answer(200, "", "<html>".to_owned()));
    assert_snapshot!(status_error(&stage).await, @r#"
    the server's answer is no JSON: is it Weir?
    "#);
}

#[tokio::test]
async fn a_password_in_the_address_is_told_nowhere() {
    let stage = Stage::new(|seen| match seen.line.split(' ').nth(1) {
        Some("/away") => Play::Vanish,
        Some("/unauthorized") => answer(401, &json!({})),
        _ => answer(404, &json!({})),
    });
    let address = format!("http://weir:hunter3@{}", stage.settings.server.address());
    let client = Client::new(&stage.settings, Some(&address), None).unwrap();
    for path in ["/away", "/unauthorized", "/missing"] {
        let error = format!("{:#}", client.ask(Method::GET, path, None).await.unwrap_err());
        assert!(error.contains("http://weir:(hidden)@127.0.0.1"), "{error}");
        assert!(!error.contains("hunter3"), "{error}");
    }
    assert!(!client.address().contains("hunter3"), "it would be kept beside a file that is sent");
}

#[test]
fn without_any_key_it_is_told_where_one_was_looked_for() {
    let settings = Settings { data_dir: "/no/such".into(), ..Settings::default() };
    let error = Client::new(&settings, None, None).err().unwrap().to_string();
    assert_snapshot!(error, @r#"
    there is no key to show to the server: none is set, and there is no /no/such/api-key
        Run this in the server's directory, or with its --config or --data-dir; the server makes the key when it first starts.
    "#);
}

#[test]
fn the_key_that_the_server_made_is_found_and_a_secret_signs_before_it() {
    let directory = tempfile::tempdir().unwrap();
    let made = DataDir::open(directory.path()).unwrap().api_key().unwrap();
    let mut settings = Settings { data_dir: directory.path().to_owned(), ..Settings::default() };
    assert_eq!(Credential::find(&settings).ok().unwrap().bearer(), made.key);
    settings.auth.jwt_secret = Some(Secret::new("0123456789abcdef"));
    let bearer = Credential::find(&settings).ok().unwrap().bearer();
    assert_eq!(bearer.expose().split('.').count(), 3);
}

#[test]
fn an_empty_secret_signs_nothing() {
    assert!(token(&Secret::new(""), "a", std::time::Duration::from_secs(1)).is_none());
}

#[test]
fn a_server_that_listens_everywhere_is_asked_here() {
    let mut settings = Stage::new(|_| Play::Vanish).settings;
    settings.server.port = 3000;
    for (host, base) in [
        ("0.0.0.0", "http://127.0.0.1:3000"),
        ("::", "http://[::1]:3000"),
        ("weir.local", "http://weir.local:3000"),
    ] {
        settings.server.host = host.to_owned();
        assert_eq!(Client::new(&settings, None, None).unwrap().address(), base);
    }
    assert_eq!(Client::new(&settings, Some("https://h/x/"), None).unwrap().address(), "https://h/x");
    assert!(Client::new(&settings, Some("h:3000"), None).is_err());
    settings.server.port = 0;
    assert!(Client::new(&settings, None, None).is_err());
}

#[tokio::test]
async fn a_list_follows_the_cursor_up_to_its_limit() {
    let stage = Stage::new(|seen| {
        let next = if seen.line.contains("cursor=7") { json!(null) } else { json!("7") };
        answer(200, &json!({ "items": [{ "id": "1" }, { "id": "2" }], "next": next }))
    });
    let filter = Filter { sink: Some("a b".to_owned()), ..Filter::default() };
    let command = DeadLettersCommand::List { filter, limit: 10 };
    assert_eq!(dead_letters::execute(&stage.client(), command, true).await.unwrap(), Verdict::Well);
    let lines: Vec<String> = stage.seen().into_iter().map(|seen| seen.line).collect();
    assert_eq!(
        lines,
        [
            "GET /v1/dead-letters?sink=a%20b&limit=10 HTTP/1.1",
            "GET /v1/dead-letters?sink=a%20b&limit=8&cursor=7 HTTP/1.1"
        ]
    );
}
