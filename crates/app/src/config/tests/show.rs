//! `weir config show` and the page that tells of every key.

use insta::assert_snapshot;

use super::with_file;
use crate::config::toml_file;
use crate::config::tree::{Node, Value};

const WHOLE: &str = r#"
environment = "production"
[auth]
jwt_secret = "hunter2-hunter2-hunter2-hunter2-hunter2"
api_keys = [{ name = "app", key = "env:APP_KEY" }, { name = "b", key = "hunter3" }]
[streams."a.b"]
id = "/id"
[sinks.search]
type = "opensearch"
url = "http://elastic:hunter4@search:9200/x"
[sinks.search.batch]
max_events = 5
"#;

#[test]
fn each_value_is_shown_with_where_it_comes_from_and_no_secret_is() {
    let place = with_file(WHOLE)
        .file(".env", "APP_KEY=hunter5\nAPI_KEY=hunter6\nSERVER_HOST=0.0.0.0\n")
        .variable("WEIR_LOG__MAX_BYTES", "1GiB");
    let shown = place.without_directory(&place.load().show());
    assert!(!shown.contains("hunter"), "{shown}");
    let as_json = place.load().show_json();
    assert!(!as_json.to_string().contains("hunter"), "{as_json:#}");
    assert_eq!(as_json["sinks"]["search"]["url"], "http://elastic:(hidden)@search:9200/x");
    assert_snapshot!(shown, @r#"
    data_dir = "data"                                # built in
    environment = "production"                       # weir.toml:2
    role = ["all"]                                   # built in
    acknowledge = "log"                              # built in
    acknowledge_timeout = "5s"                       # built in
    shutdown_timeout = "30s"                         # built in
    log_level = "info"                               # built in
    log_format = "auto"                              # built in

    [server]
    host = "0.0.0.0"                                 # .env:3 (SERVER_HOST)
    port = 8080                                      # built in
    trusted_proxies = []                             # built in
    cors_origins = []                                # built in
    body_max_bytes = "10MiB"                         # built in
    unpacked_max_bytes = "64MiB"                     # built in
    connections_max = 4096                           # built in
    header_timeout = "10s"                           # built in
    request_timeout = "30s"                          # built in
    idle_timeout = "1m"                              # built in
    metrics = "authenticated"                        # built in
    access_log = "on"                                # built in

    [auth]
    jwt_secret = "(hidden)"                          # weir.toml:4

    [[auth.api_keys]]
    name = "app"                                     # weir.toml:5
    key = "(hidden)"                                 # weir.toml:5

    [[auth.api_keys]]
    name = "b"                                       # weir.toml:5
    key = "(hidden)"                                 # weir.toml:5

    [[auth.api_keys]]
    name = "default"                                 # built in
    key = "(hidden)"                                 # .env:2 (API_KEY)

    [log]
    durability = "fsync"                             # built in
    max_bytes = "1GiB"                               # environment variable WEIR_LOG__MAX_BYTES
    free_min_bytes = "256MiB"                        # built in
    retention = "1h"                                 # built in
    segment_bytes = "64MiB"                          # built in

    [catalog]
    url = "sqlite:data/catalog.db"                   # built in

    [lineage]
    enabled = true                                   # built in
    quiet_after = "1h"                               # built in

    [files]
    enabled = true                                   # built in
    request_timeout = "30s"                          # built in
    file_max_bytes = "16GiB"                         # built in
    free_min_bytes = "256MiB"                        # built in
    upload_expires = "1d"                            # built in

    [files.retention]
    min_age = "1h"                                   # built in
    interval = "1m"                                  # built in

    [files.retention.groups]

    [files.retention.users]

    [exports]
    max_bytes = "16GiB"                              # built in
    free_min_bytes = "256MiB"                        # built in
    keep = "1d"                                      # built in

    [store]
    token = "loopback"                               # built in

    [grpc]

    [schemas]
    dir = "schemas"                                  # built in

    [streams."a.b"]
    id = "/id"                                       # weir.toml:7
    required = []                                    # built in

    [sinks.search]
    type = "opensearch"                              # weir.toml:9
    streams = "*"                                    # built in
    from = "now"                                     # built in
    roles = ["loader"]                               # built in
    url = "http://elastic:(hidden)@search:9200/x"    # weir.toml:10
    index = "{stream}_{environment}_{year}-{month}"  # built in
    install_template = true                          # built in
    compress = true                                  # built in
    request_timeout = "30s"                          # built in

    [sinks.search.batch]
    max_events = 5                                   # weir.toml:12
    max_bytes = "4MiB"                               # built in
    max_age = "10s"                                  # built in
    in_flight = 10                                   # built in
    buffer_max_events = 100000                       # built in
    buffer_max_bytes = "32MiB"                       # built in

    [sinks.search.retry]
    initial = "200ms"                                # built in
    max = "1m"                                       # built in

    [inputs]
    "#);
}

#[test]
fn what_is_shown_can_be_read_again() {
    let shown = with_file(WHOLE).variable("APP_KEY", "k").load().show();
    let again = with_file(&shown).load();
    assert_eq!(again.settings.environment, "production");
    assert_eq!(again.settings.sinks["search"].common().batch.max_events, 5);
}

/// Settings that are absent by default, which the shown ones therefore lack.
const ABSENT_BY_DEFAULT: [&str; 21] = [
    "WEIR_INSTANCE_ID",
    "WEIR_SERVER__ADMIN_ADDR",
    "WEIR_SERVER__TLS__CERT",
    "WEIR_SERVER__TLS__KEY",
    "WEIR_AUTH__JWT_SECRET",
    "WEIR_LOG__RETENTION_MAX_BYTES",
    "WEIR_STORE__PORT",
    "WEIR_STREAMS__NAME__ID",
    "WEIR_STREAMS__NAME__TIME",
    "WEIR_STREAMS__NAME__USER",
    "WEIR_STREAMS__NAME__REQUIRED",
    "WEIR_SINKS__NAME__WHERE",
    "WEIR_SINKS__NAME__COLUMNS",
    "WEIR_SINKS__NAME__RETENTION",
    "WEIR_SINKS__NAME__USERNAME",
    "WEIR_SINKS__NAME__PASSWORD",
    "WEIR_SINKS__NAME__API_KEY",
    "WEIR_SINKS__NAME__TLS__CA",
    "WEIR_SINKS__NAME__TLS__CERT",
    "WEIR_SINKS__NAME__TLS__KEY",
    "WEIR_SINKS__NAME__TLS__SERVER_NAME",
];

#[test]
fn the_page_on_configuration_tells_of_every_key_and_its_variable() {
    let page = include_str!("../../../../../docs/configuration.md");
    let text = "[sinks.a]\ntype = \"opensearch\"\nurl = \"http://h\"\n[sinks.b]\ntype = \"sqlite\"\n";
    let tree = toml_file::parse("shown", &with_file(text).load().show()).unwrap();
    let mut names = ABSENT_BY_DEFAULT.map(str::to_owned).to_vec();
    collect(&tree, "WEIR_", &mut names);
    assert!(names.len() > 40, "{names:?}");
    let missing: Vec<_> = names.iter().filter(|name| !page.contains(&format!("`{name}`"))).collect();
    assert!(missing.is_empty(), "docs/configuration.md says nothing of {missing:?}");
}

/// The variable of each setting, with `NAME` for the name of a sink.
fn collect(node: &Node, prefix: &str, names: &mut Vec<String>) {
    let Value::Table(table) = &node.value else {
        names.push(prefix.trim_end_matches('_').to_owned());
        return;
    };
    for (name, below) in table {
        let name = if prefix == "WEIR_SINKS__" { "NAME".to_owned() } else { name.to_ascii_uppercase() };
        let separator = if below.table().is_some() { "__" } else { "" };
        collect(below, &format!("{prefix}{name}{separator}"), names);
    }
}

#[test]
fn the_whole_file_on_the_page_works() {
    let page = include_str!("../../../../../docs/configuration.md");
    let example = page.split("```toml").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let example = example.replace("file:/run/secrets/jwt", "0123456789abcdef0123456789abcdef");
    let place = with_file(&example).variable("APP_KEY", "k").variable("SEARCH_PASSWORD", "p");
    let configuration = place.load();
    assert_eq!(configuration.settings.sinks.len(), 3);
    assert!(configuration.warnings.is_empty(), "{:?}", configuration.warnings);
}
