//! The `.env` files of the collectors that Weir took the place of, as their documentation prints them.

use super::Place;
use crate::config::{CatalogLocation, SinkSettings};

const FIRST: &str = include_str!("../../../tests/fixtures/originals/first.env");
const LATER: &str = include_str!("../../../tests/fixtures/originals/later.env");

#[test]
fn the_first_ones_env_file_gives_a_server_with_a_key() {
    let configuration = Place::new().file(".env", FIRST).load();
    let settings = configuration.settings;
    assert_eq!(settings.server.address(), "0.0.0.0:3000");
    let keys = &settings.auth.api_keys;
    assert_eq!((keys.len(), keys[0].name.as_str(), keys[0].key.expose()), (1, "default", "your_api_key"));
    assert_eq!(settings.sinks.keys().collect::<Vec<_>>(), ["opensearch", "sqlite"]);
    let SinkSettings::Opensearch(sink) = &settings.sinks["opensearch"] else { panic!() };
    assert_eq!(sink.url, "http://localhost:9200");
    assert_eq!(sink.index, "{stream}_{environment}_{year}-{month}");
    assert!(configuration.warnings.is_empty(), "{:?}", configuration.warnings);
}

#[test]
fn the_later_ones_env_file_gives_a_server_whose_empty_secret_admits_nobody() {
    let configuration = Place::new().file(".env", LATER).load();
    let settings = configuration.settings;
    assert_eq!(settings.server.port, 3000);
    assert_eq!(settings.environment, "local");
    assert!(settings.auth.is_empty(), "so a key will be made");
    assert_eq!(settings.catalog.location().unwrap(), CatalogLocation::Sqlite("sqlite3.db".into()));
    let expected = ".env:3 (JWT_SECRET) is empty and counts as not set: it admits nobody";
    assert_eq!(configuration.warnings, [expected]);
}

#[test]
fn an_address_without_a_scheme_is_http() {
    let place = Place::new().variable("OPEN_SEARCH_DNS", "search:9200");
    let SinkSettings::Opensearch(sink) = &place.load().settings.sinks["opensearch"] else { panic!() };
    assert_eq!(sink.url, "http://search:9200");
}

#[test]
fn opensearch_by_the_environment_joins_the_sinks_of_the_file() {
    let place =
        super::with_file("[sinks.hole]\ntype = \"blackhole\"").variable("OPEN_SEARCH_DNS", "http://h:9200");
    assert_eq!(place.load().settings.sinks.keys().collect::<Vec<_>>(), ["hole", "opensearch"]);
}

#[test]
fn the_environments_address_goes_before_the_files() {
    let place = super::with_file("[sinks.opensearch]\nurl = \"http://a:1\"\nindex = \"x\"")
        .variable("OPEN_SEARCH_DNS", "http://b:2");
    let SinkSettings::Opensearch(sink) = &place.load().settings.sinks["opensearch"] else { panic!() };
    assert_eq!((sink.url.as_str(), sink.index.as_str()), ("http://b:2", "x"));
}

#[test]
fn api_key_joins_the_keys_of_the_file() {
    let place =
        super::with_file("[auth]\napi_keys = [{ name = \"app\", key = \"k1\" }]").variable("API_KEY", "k2");
    let names: Vec<String> = place.load().settings.auth.api_keys.into_iter().map(|key| key.name).collect();
    assert_eq!(names, ["app", "default"]);
}

#[test]
fn a_blank_key_or_secret_is_taken_out_wherever_it_stands() {
    let place = super::with_file("[auth]\njwt_secret = \" \"\napi_keys = [{ name = \"app\", key = \"\" }]")
        .variable("API_KEY", "  ");
    let configuration = place.load();
    assert!(configuration.settings.auth.is_empty());
    assert_eq!(configuration.warnings.len(), 3, "{:?}", configuration.warnings);
}

#[test]
fn a_short_secret_works_and_is_warned_of() {
    let configuration = Place::new().variable("JWT_SECRET", "short").load();
    assert_eq!(configuration.settings.auth.jwt_secret.unwrap().expose(), "short");
    assert!(configuration.warnings[0].contains("shorter than 32 bytes"), "{:?}", configuration.warnings);
    assert!(!configuration.warnings[0].contains("short\""));
}

#[test]
fn log_levels_for_other_programs_do_not_keep_weir_from_starting() {
    let level = |value: &str| Place::new().variable("RUST_LOG", value).load().settings.log_level;
    assert_eq!(level("warn,hyper=error"), "warn,hyper=error");
    assert_eq!(level("a[b{c=d}]=nonsense"), "info");
}
