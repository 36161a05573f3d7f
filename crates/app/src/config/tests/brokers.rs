//! Redis and RabbitMQ: addresses that may hold a password.

use insta::assert_snapshot;

use super::with_file;
use crate::config::InputSettings;

#[test]
fn what_is_wrong_with_them_is_told_without_the_password() {
    let text = r#"
[sinks.a]
type = "redis"
url = "http://weir:hunter2@h"
key = ""
max_length = 0
[sinks.b]
type = "redis"
url = "redis://weir:hunter2@localhost"
password = "hunter2"
[sinks.c]
type = "rabbitmq"
url = "amqp://localhost"
routing_key = ""
declare = "topic"
tls = { server_name = "rabbit" }
[sinks.d]
type = "redis"
url = "redis://localhost"
[sinks.e]
type = "redis"
url = "redis://LOCALHOST:6379/0"
"#;
    let told = with_file(text).problems();
    assert!(!told.contains("hunter2"), "{told}");
    assert_snapshot!(told, @r#"
    weir.toml:4: `sinks.a.url` cannot be used: its scheme is unknown
        Expected redis://USER:PASSWORD@HOST:PORT/DATABASE, rediss://… for TLS, or redis+sentinel://…/NAME for a server that sentinels name.
    weir.toml:5: `sinks.a.key` is empty
        Name the stream's key, or leave it out.
    weir.toml:6: `sinks.a.max_length` is zero
        Write a value above zero; to have the default, leave the key out.
    weir.toml:10: `sinks.b.password` cannot be used: the address holds one too
        Keep one of them.
    weir.toml:14: `sinks.c.routing_key` is empty
        Name the queue, or set `exchange`.
    weir.toml:15: `sinks.c.declare` stands without `exchange`
        Name an exchange beside it, or leave it out: the exchange "" is always there.
    weir.toml:16: `sinks.c.tls` stands beside an address without TLS
        Write the address with https:// (rediss://, amqps://), or leave `tls` out.
    weir.toml:20: `sinks.e.key` puts the same streams under the same key as `sinks.d`
        Give one of them another `key`, or other `streams`.
    "#);
}

#[test]
fn a_password_that_goes_to_another_machine_without_tls_is_warned_of() {
    let warnings = |url: &str| {
        let text = format!("[sinks.a]\ntype = \"redis\"\nurl = \"{url}\"\n");
        with_file(&text).load().warnings
    };
    let told = warnings("redis://weir:hunter2@db");
    assert!(told.len() == 1 && told[0].contains("sinks.a.url") && !told[0].contains("hunter2"), "{told:?}");
    for well in ["rediss://weir:hunter2@db", "redis://weir:hunter2@localhost", "redis://db"] {
        assert_eq!(warnings(well), [""; 0], "{well}");
    }
}

#[test]
fn an_input_has_defaults_and_does_not_read_what_a_sink_writes() {
    let input = "[inputs.redis]\nurl = \"redis://localhost\"\n";
    let configuration = with_file(input).load();
    let InputSettings::Redis(redis) = &configuration.settings.inputs["redis"] else { panic!("another type") };
    assert_eq!(
        (redis.keys.as_slice(), redis.group.as_str(), redis.trim),
        (&["events".to_owned()][..], "weir", false)
    );
    assert!(configuration.show().contains("[inputs.redis]"));
    for sink in [
        "[sinks.redis]\nurl = \"redis://LOCALHOST:6379/0\"\n",
        "[sinks.redis]\nurl = \"redis://localhost\"\nkey = \"{stream}\"\n",
    ] {
        assert!(with_file(&format!("{input}{sink}")).problems().contains("round in circles"), "{sink}");
    }
    let queue = "[inputs.rabbitmq]\nurl = \"amqp://localhost\"\nqueue = \"q\"\n";
    let sink = "[sinks.rabbitmq]\nurl = \"amqp://localhost:5672/\"\nrouting_key = \"q\"\n";
    assert!(with_file(&format!("{queue}{sink}")).problems().contains("round in circles"));
    with_file(&format!("{queue}{}", sink.replace("= \"q\"", "= \"other\""))).load();
}

#[test]
fn what_is_wrong_with_an_input_is_told_with_its_place() {
    let redis = "[inputs.a]\ntype = \"redis\"\nurl = \"redis://localhost\"\n";
    let rabbitmq = "[inputs.a]\ntype = \"rabbitmq\"\nurl = \"amqp://localhost\"\nqueue = \"q\"\n";
    for (text, place) in [
        (redis.replace("redis://", "http://"), "inputs.a.url"),
        (format!("{redis}keys = []\n"), "inputs.a.keys"),
        (format!("{redis}group = \"\"\n"), "inputs.a.group"),
        (format!("{redis}stream = \"nowhere\"\n"), "inputs.a.stream"),
        (rabbitmq.replace("\"q\"", "\"\""), "inputs.a.queue"),
        (format!("{rabbitmq}prefetch = 0\n"), "inputs.a.prefetch"),
        (format!("{rabbitmq}declare = \"quorun\"\n"), "inputs.a.declare"),
    ] {
        assert!(with_file(&text).problems().contains(place), "{text}");
    }
}
