//! What is said when settings are wrong: key, place, remedy.

use insta::assert_snapshot;

use super::{Place, with_file};

#[test]
fn unknown_keys_are_all_told_at_once_each_with_the_nearest() {
    let text = "\
data_dri = \"x\"
[log]
max_byte = \"1GiB\"
[sinks.search]
type = \"opensearch\"
ulr = \"http://h\"
url = \"http://h\"
[colour]
x = 1
";
    assert_snapshot!(with_file(text).problems(), @r#"
    weir.toml:1: `data_dri` is not a setting
        Did you mean `data_dir`? There are: `data_dir`, `environment`, `role`, `instance_id`, `acknowledge`, `acknowledge_timeout`, `shutdown_timeout`, `log_level`, `log_format`, `server`, `auth`, `log`, `catalog`, `lineage`, `files`, `exports`, `store`, `grpc`, `schemas`, `streams`, `sinks`, `inputs`.
    weir.toml:3: `log.max_byte` is not a setting
        Did you mean `max_bytes`? There are: `durability`, `max_bytes`, `free_min_bytes`, `retention`, `retention_max_bytes`, `segment_bytes`.
    weir.toml:6: `sinks.search.ulr` is not a setting
        Did you mean `url`? There are: `streams`, `where`, `from`, `roles`, `url`, `index`, `columns`, `username`, `password`, `api_key`, `install_template`, `compress`, `request_timeout`, `tls`, `batch`, `retry`.
    weir.toml:8: `colour` is not a setting
        There are: `data_dir`, `environment`, `role`, `instance_id`, `acknowledge`, `acknowledge_timeout`, `shutdown_timeout`, `log_level`, `log_format`, `server`, `auth`, `log`, `catalog`, `lineage`, `files`, `exports`, `store`, `grpc`, `schemas`, `streams`, `sinks`, `inputs`.
    "#);
}

#[test]
fn wrong_values_are_all_told_at_once() {
    let text = "\
shutdown_timeout = 30
[server]
port = 70000
body_max_bytes = \"10 megs\"
connections_max = -1
metrics = \"opne\"
trusted_proxies = [\"10.0.0.0/99\"]
[log]
durability = true
retention = \"1 week\"
";
    assert_snapshot!(with_file(text).problems(), @r#"
    weir.toml:1: `shutdown_timeout` is a number without a unit
        Say of what, in quotes: "30s" for seconds, "30ms" for milliseconds.
    weir.toml:3: `server.port` is not a whole number from 0 to 65535
        Write a whole number from 0 to 65535.
    weir.toml:4: `server.body_max_bytes` is no size: "10 megs"
        Write a size such as "64KiB", "4MiB", "1GB", or a number of bytes.
    weir.toml:5: `server.connections_max` is not a whole number from 0 up
        Write a whole number from 0 up.
    weir.toml:6: `server.metrics` cannot be "opne"
        Did you mean `open`? There are: `authenticated`, `open`.
    weir.toml:7: `server.trusted_proxies` has no network "10.0.0.0/99"
        Write addresses or networks, such as "10.0.0.0/8".
    weir.toml:9: `log.durability` is true or false, not one of fsync, os
        Write one of fsync, os.
    weir.toml:10: `log.retention` is no duration: "1 week"
        Write a duration such as "500ms", "5s", "10m", "1h" or "90d".
    "#);
}

#[test]
fn what_is_missing_in_a_sink_is_named() {
    let text = "[sinks.a]\nstreams = \"*\"\n[sinks.b]\ntype = \"opensearch\"\n[sinks.c]\ntype = \"sqlit\"\n";
    assert_snapshot!(with_file(text).problems(), @r#"
    weir.toml:1: `sinks.a` has no `type`
        Add type = "…" to this section: one of blackhole, clickhouse, kafka, objects, opensearch, postgres, rabbitmq, redis, sqlite.
    weir.toml:3: `sinks.b.url` is missing
        Add url = … to this section.
    weir.toml:6: `sinks.c.type` cannot be "sqlit"
        Did you mean `sqlite`? There are: `blackhole`, `clickhouse`, `kafka`, `objects`, `opensearch`, `postgres`, `rabbitmq`, `redis`, `sqlite`.
    "#);
}

#[test]
fn a_port_of_grpcs_own_is_no_other_port() {
    let problems = |port: u16| with_file(&format!("store.port = 5000\n[grpc]\nport = {port}\n")).problems();
    assert_snapshot!(problems(8080), @r"
    weir.toml:3: `grpc.port` is the main port
        Choose another port, or leave it out: gRPC is on the main port in any case.
    ");
    assert_snapshot!(problems(5000), @r"
    weir.toml:3: `grpc.port` is `store.port`
        Choose another port; gRPC is on the main port in any case.
    ");
}

#[test]
fn values_that_contradict_one_another_are_told() {
    let text = "\
[server]
host = \"\"
admin_addr = \"9090\"
unpacked_max_bytes = \"1MiB\"
cors_origins = [\"example.com\"]
[log]
segment_bytes = 1000
[streams.events]
[streams.actions]
id = \"id\"
[sinks.one]
type = \"sqlite\"
streams = [\"action\"]
batch = { max_events = 0 }
[sinks.two]
type = \"sqlite\"
table = \"events\"
[sinks.three]
type = \"opensearch\"
url = \"localhost:9200\"
index = \"Events_{yaer}\"
password = \"x\"
tls = { ca = \"/does/not/exist.pem\" }
";
    assert_snapshot!(with_file(text).problems(), @r#"
    weir.toml:2: `server.host` is no address
        Write an address or a host name, such as "127.0.0.1", or "0.0.0.0" for all.
    weir.toml:3: `server.admin_addr` is no host:port: "9090"
        Write it as "127.0.0.1:9090".
    weir.toml:4: `server.unpacked_max_bytes` is less than `server.body_max_bytes`
        A body is never smaller unpacked: raise it, or lower server.body_max_bytes.
    weir.toml:5: `server.cors_origins[0]` is no origin: "example.com"
        Write scheme and host, such as "https://app.example.com", or "*" for any.
    weir.toml:7: `log.segment_bytes` is not between 1MiB and 4GiB
        64MiB serves well.
    weir.toml:8: `streams.events` is built in and cannot be changed
        Give your stream another name.
    weir.toml:10: `streams.actions.id` is no JSON pointer: "id"
        A pointer begins with a slash: "/id".
    weir.toml:13: `sinks.one.streams` names a stream that is not there: "action"
        Did you mean `actions`? There are: `events`, `store`, `telemetry`, `actions`.
    weir.toml:14: `sinks.one.batch.max_events` is zero
        Write a value above zero; to have the default, leave the key out.
    weir.toml:15: `sinks.two.path` has the same file and table as `sinks.one`
        Give one of them another `path` or `table`.
    weir.toml:20: `sinks.three.url` is no http:// or https:// address
        Write it as "http://localhost:9200" or "https://…".
    weir.toml:21: `sinks.three.index` has a part that cannot be filled in: {yaer}
        There are {environment}, {stream}, {year}, {month} and {day}.
    weir.toml:22: `sinks.three.password` stands without `username`
        Add username = "…".
    weir.toml:23: `sinks.three.tls` stands beside an address without TLS
        Write the address with https:// (rediss://, amqps://), or leave `tls` out.
    weir.toml:23: `sinks.three.tls.ca` names no file: /does/not/exist.pem
        Name a PEM file that this user may read, or leave it out.
    "#);
}

#[test]
fn tls_that_cannot_be_used_is_told() {
    let text = "\
[sinks.one]
type = \"opensearch\"
url = \"https://one\"
tls = { cert = \"/no/cert.pem\", server_name = \"a b\" }
[sinks.two]
type = \"opensearch\"
url = \"https://two\"
tls = { key = \"/no/key.pem\" }
";
    assert_snapshot!(with_file(text).problems(), @r#"
    weir.toml:4: `sinks.one.tls.cert` names no file: /no/cert.pem
        Name a PEM file that this user may read, or leave it out.
    weir.toml:4: `sinks.one.tls.cert` stands without `key`
        Add key = "…", the file of its key.
    weir.toml:4: `sinks.one.tls.server_name` is no host's name
        Write the name in the other's certificate, such as "search.example.com".
    weir.toml:8: `sinks.two.tls.key` names no file: /no/key.pem
        Name a PEM file that this user may read, or leave it out.
    weir.toml:8: `sinks.two.tls.key` stands without `cert`
        Add cert = "…", the certificate's file.
    "#);
}

#[test]
fn a_wrong_variable_is_named() {
    let place = Place::new()
        .variable("SERVER_PORT", "http")
        .variable("WEIR_LOG__RETENION", "1h")
        .variable("WEIR_LOG__MAX_BYTES", "lots")
        .file(".env", "WEIR_SERVER__METRICS=closed\n");
    assert_snapshot!(place.problems(), @r#"
    .env:1 (WEIR_SERVER__METRICS): `server.metrics` cannot be "closed"
        There are: `authenticated`, `open`.
    environment variable WEIR_LOG__MAX_BYTES: `log.max_bytes` is no size: "lots"
        Write a size such as "64KiB", "4MiB", "1GB", or a number of bytes.
    environment variable SERVER_PORT: `server.port` is not a number
        Write digits only.
    environment variable WEIR_LOG__RETENION: `log.retenion` is not a setting
        Did you mean `retention`? There are: `durability`, `max_bytes`, `free_min_bytes`, `retention`, `retention_max_bytes`, `segment_bytes`.
    "#);
}

#[test]
fn an_address_of_postgres_that_cannot_be_read_is_told_without_its_password() {
    let place = Place::new().file(".env", "DATABASE_URL=postgres://u:hunter2@db/weir?sslmode=hunter2\n");
    assert_snapshot!(place.problems(), @r#"
    .env:1 (DATABASE_URL): `catalog.url` is no address of Postgres: sslmode is none of disable, prefer, require, verify-ca and verify-full
        Write "postgres://USER:PASSWORD@HOST:PORT/DATABASE", with ?sslmode=verify-full for TLS.
    "#);
}

#[test]
fn broken_toml_is_told_with_its_line() {
    assert_snapshot!(with_file("[server]\nport = 80 80\n").problems(), @r#"
    weir.toml:2: is not TOML: string values must be quoted, expected literal string
        Mend the line; https://toml.io has the rules. Texts need quotes.
    "#);
}

#[test]
fn a_file_that_is_not_there_is_told() {
    let mut place = Place::new();
    place.request.config_file = Some("/does/not/exist.toml".into());
    assert_snapshot!(place.problems(), @r#"
    /does/not/exist.toml cannot be read: No such file or directory (os error 2)
        Check the name given with --config, and that this user may read the file.
    "#);
    place.request.config_file = None;
    place.request.environment_name = Some("prod".to_owned());
    assert_snapshot!(place.problems(), @r#"
    option --env: there is neither prod.toml nor config/prod.toml
        Make one of them, or name a file with --config.
    "#);
}

#[test]
fn a_secret_that_points_nowhere_is_told() {
    let text = "[auth]\njwt_secret = \"env:APP_SECRTE\"\napi_keys = [{ name = \"a\", key = \"file:/no/such/file\" }]\n";
    assert_snapshot!(with_file(text).variable("APP_SECRET", "x").problems(), @r#"
    weir.toml:2: `auth.jwt_secret` wants the environment variable APP_SECRTE, which is not set
        Set APP_SECRTE in the environment or in .env. There is APP_SECRET.
    weir.toml:3: `auth.api_keys[0].key` wants the file /no/such/file, which cannot be read: No such file or directory (os error 2)
        Make the file, and let this user read it.
    "#);
}

#[test]
fn two_keys_of_one_name_are_told() {
    let text = "[auth]\napi_keys = [{ name = \"default\", key = \"a\" }]\n";
    assert_snapshot!(with_file(text).variable("API_KEY", "b").problems(), @r#"
    environment variable API_KEY: `auth.api_keys[1].name` is taken by another key: "default"
        Give each key a name of its own; API_KEY is called "default".
    "#);
}

#[test]
fn a_wrong_secret_is_not_repeated() {
    let text = "[auth]\njwt_secret = 31337\napi_keys = [\"hunter2\"]\n";
    let problems = with_file(text).problems();
    assert!(!problems.contains("31337") && !problems.contains("hunter2"), "{problems}");
    assert_snapshot!(problems, @r#"
    weir.toml:2: `auth.jwt_secret` is a number, not a text in quotes
        Write a text in quotes.
    weir.toml:3: `auth.api_keys[0]` is a text, not a section such as { name = …, key = … }
        Write a section such as { name = …, key = … }.
    "#);
}
