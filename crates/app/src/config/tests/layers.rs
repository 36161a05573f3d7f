//! Which layer counts.

use std::time::Duration;

use super::{Place, with_file};
use crate::config::{Durability, Settings, SinkSettings, StreamSelection};

#[test]
fn without_any_source_there_is_a_sqlite_table_in_the_data_directory() {
    let settings = Place::new().load().settings;
    assert_eq!(settings.server.address(), "127.0.0.1:8080");
    assert_eq!(settings.catalog.url, "sqlite:data/catalog.db");
    let [("sqlite", SinkSettings::Sqlite(sink))] =
        settings.sinks.iter().map(|(name, sink)| (name.as_str(), sink)).collect::<Vec<_>>()[..]
    else {
        panic!("{:?}", settings.sinks)
    };
    assert_eq!(sink.path.to_str(), Some("data/events.db"));
    assert_eq!(sink.batch.max_age, Duration::from_secs(1));
    assert!(settings.auth.is_empty());
}

#[test]
fn the_data_directory_takes_the_default_files_along() {
    let mut place = Place::new();
    place.request.data_dir = Some("/var/lib/weir/".into());
    let settings = place.load().settings;
    assert_eq!(settings.catalog.url, "sqlite:/var/lib/weir/catalog.db");
    let SinkSettings::Sqlite(sink) = &settings.sinks["sqlite"] else { panic!() };
    assert_eq!(sink.path.to_str(), Some("/var/lib/weir/events.db"));
}

#[test]
fn each_layer_goes_before_the_one_below() {
    let port = |place: &Place| place.load().settings.server.port;
    let place = with_file("server.port = 1");
    assert_eq!(port(&place), 1);
    let place = place.file(".env", "SERVER_PORT=2");
    assert_eq!(port(&place), 2);
    let place = place.file(".env", "SERVER_PORT=2\nWEIR_SERVER__PORT=3");
    assert_eq!(port(&place), 3);
    let place = place.variable("SERVER_PORT", "4");
    assert_eq!(port(&place), 4);
    let place = place.variable("WEIR_SERVER__PORT", "5");
    assert_eq!(port(&place), 5);
}

#[test]
fn text_from_the_environment_becomes_what_the_setting_needs() {
    let settings = Place::new()
        .variable("WEIR_LOG__DURABILITY", "os")
        .variable("WEIR_LOG__MAX_BYTES", "1073741824")
        .variable("WEIR_SERVER__TRUSTED_PROXIES", "10.0.0.0/8, ::1")
        .variable("WEIR_SHUTDOWN_TIMEOUT", "5s")
        .variable("WEIR_AUTH__API_KEYS", r#"[{name = "a", key = "k"}]"#)
        .variable("WEIR_SINKS__SEARCH__TYPE", "opensearch")
        .variable("WEIR_SINKS__SEARCH__URL", "http://h:9200")
        .variable("WEIR_SINKS__SEARCH__COMPRESS", "false")
        .variable("WEIR_SINKS__SEARCH__STREAMS", "events")
        .load()
        .settings;
    assert_eq!(settings.log.durability, Durability::Os);
    assert_eq!(settings.log.max_bytes, 1 << 30);
    assert_eq!(settings.server.trusted_proxies.len(), 2);
    assert_eq!(settings.shutdown_timeout, Duration::from_secs(5));
    assert_eq!(settings.auth.api_keys[0].key.expose(), "k");
    assert_eq!(
        settings.sinks.len(),
        1,
        "a sink that the environment declares takes the place of the default"
    );
    let SinkSettings::Opensearch(sink) = &settings.sinks["search"] else { panic!() };
    assert!(!sink.compress);
    assert_eq!(sink.streams, StreamSelection::Named(vec!["events".to_owned()]));
    assert_eq!(sink.batch.max_age, Duration::from_secs(10));
}

#[test]
fn a_variable_may_change_the_default_sink_without_declaring_one() {
    let settings = Place::new().variable("WEIR_SINKS__SQLITE__RETENTION", "90d").load().settings;
    let SinkSettings::Sqlite(sink) = &settings.sinks["sqlite"] else { panic!() };
    assert_eq!(sink.retention, Some(Duration::from_secs(90 * 86_400)));
}

#[test]
fn the_environments_name_chooses_the_file_if_there_is_one() {
    let place = Place::new()
        .file("weir.toml", "server.port = 1")
        .file("stage.toml", "server.port = 2")
        .file("config/live.toml", "server.port = 3\nenvironment = \"production\"");
    let chosen = |place: &Place| {
        let settings = place.load().settings;
        (settings.server.port, settings.environment)
    };
    assert_eq!(chosen(&place), (1, "development".to_owned()));
    let mut place = place.variable("SERVER_ENVIRONMENT", "local");
    assert_eq!(chosen(&place), (1, "local".to_owned()));
    place.request.variables.insert("SERVER_ENVIRONMENT".to_owned(), "stage".to_owned());
    assert_eq!(chosen(&place), (2, "stage".to_owned()));
    place.request.variables.clear();
    place.request.environment_name = Some("live".to_owned());
    assert_eq!(chosen(&place), (3, "production".to_owned()));
    place.request.config_file = Some(place.directory.path().join("stage.toml"));
    assert_eq!(chosen(&place).0, 2);
}

#[test]
fn a_name_cannot_lead_out_of_the_directory() {
    let place = Place::new().file("sub/x", "").file("secret.toml", "server.port = 9");
    let mut place = place.variable("ENVIRONMENT", "sub/../secret");
    assert_eq!(place.load().settings.server.port, 8080);
    place.request.environment_name = Some("../secret".to_owned());
    assert!(place.problems().contains("there is neither"));
}

#[test]
fn a_secret_may_be_named_by_a_variable_of_the_env_file() {
    let place = with_file("[auth]\napi_keys = [{ name = \"app\", key = \"env:APP_KEY\" }]")
        .file(".env", "APP_KEY=hunter2");
    assert_eq!(place.load().settings.auth.api_keys[0].key.expose(), "hunter2");
}

#[test]
fn a_stream_and_its_sink_are_read_as_documented() {
    let text = r#"
        [streams.actions]
        id = "/id"
        time = "/ts"
        user = "/uid"
        required = ["/uid", "/kind"]

        [sinks.actions]
        type = "sqlite"
        streams = "actions"
        table = "actions"
        batch = { max_events = 10, max_age = "500ms" }
    "#;
    let settings = with_file(text).load().settings;
    assert_eq!(settings.streams["actions"].required, ["/uid", "/kind"]);
    assert_eq!(settings.sinks["actions"].common().batch.max_events, 10);
    assert_eq!(settings.sinks["actions"].common().batch.max_age, Duration::from_millis(500));
    assert_eq!(settings.sinks["actions"].common().batch.in_flight, 10);
}

#[test]
fn every_setting_at_the_top_can_be_told_from_a_strangers_variable() {
    let settings = Settings { instance_id: Some("a".to_owned()), ..Settings::default() };
    let shown = serde_json::to_value(&settings).unwrap();
    let mut names: Vec<&str> = shown.as_object().unwrap().keys().map(String::as_str).collect();
    let mut known = Settings::TOP_LEVEL;
    names.sort_unstable();
    known.sort_unstable();
    assert_eq!(names, known);
}
