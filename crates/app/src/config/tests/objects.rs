//! `type = "objects"`: what a few lines become, whose keys are taken, and what is said when something is wrong.

use super::with_file;
use crate::config::sinks::objects::ObjectsSettings;
use crate::config::{SinkOf, SinkSettings};
use crate::secret::Secret;

const MINIO: &str =
    "[sinks.archive]\ntype = \"objects\"\nurl = \"s3://events\"\nendpoint = \"http://127.0.0.1:9000\"\n";
const AMAZON: &str = "[sinks.archive]\ntype = \"objects\"\nurl = \"s3://events\"\n";

fn objects(place: &super::Place) -> SinkOf<ObjectsSettings> {
    match place.load().settings.sinks.remove("archive") {
        Some(SinkSettings::Objects(sink)) => sink,
        other => panic!("{other:?}"),
    }
}

fn keys(place: &super::Place) -> Option<(String, String)> {
    let sink = objects(place).own;
    let text = |secret: Option<Secret>| secret.map(|secret| secret.expose().to_owned());
    text(sink.access_key).zip(text(sink.secret_key))
}

#[test]
fn a_batch_is_four_mebibytes_or_eight_seconds() {
    let sink =
        objects(&with_file("[sinks.archive]\ntype = \"objects\"\nurl = \"file:///var/lib/archive\"\n"));
    assert_eq!((sink.batch.max_bytes, sink.batch.max_age.as_secs()), (4 << 20, 8));
    assert_eq!(sink.batch.max_events, 100_000, "bytes and time are to decide");
    assert_eq!(sink.name, "{year}/{month}/{day}/{hour}/{consumer}_{hash}.json");
}

#[test]
fn keys_are_the_sinks_own_before_those_of_the_environment() {
    let own = format!("{MINIO}access_key = \"own\"\nsecret_key = \"env:OWN\"\n");
    let place = with_file(&own).variable("OWN", "s3cret").variable("MINIO_ACCESS_KEY", "m");
    assert_eq!(keys(&place.variable("MINIO_SECRET_KEY", "m")), Some(("own".into(), "s3cret".into())));
}

#[test]
fn minios_keys_are_for_a_server_that_is_named_and_amazons_for_both() {
    let of = |text: &str| {
        with_file(text)
            .variable("MINIO_ACCESS_KEY", "minio")
            .variable("MINIO_SECRET_KEY", "s3cret")
            .variable("AWS_ACCESS_KEY_ID", "aws")
            .variable("AWS_SECRET_ACCESS_KEY", "s3cret")
            .variable("AWS_REGION", "eu-west-1")
    };
    assert_eq!(keys(&of(MINIO)), Some(("minio".into(), "s3cret".into())));
    assert_eq!(keys(&of(AMAZON)), Some(("aws".into(), "s3cret".into())));
    assert_eq!(objects(&of(AMAZON)).region.as_deref(), Some("eu-west-1"));
    let without = of(MINIO).variable("MINIO_SECRET_KEY", "");
    assert_eq!(keys(&without), Some(("aws".into(), "s3cret".into())), "an empty one counts as not set");
    assert!(!of(MINIO).load().show().contains("s3cret"));
}

#[test]
fn keys_may_come_from_a_dotenv_file() {
    let place = with_file(MINIO).file(".env", "MINIO_ACCESS_KEY=id\nMINIO_SECRET_KEY=s3cret\n");
    assert_eq!(keys(&place), Some(("id".into(), "s3cret".into())));
}

#[test]
fn a_server_elsewhere_without_tls_is_warned_of_once_there_are_keys() {
    let warnings = |host: &str, keys: &str| {
        let text = format!("{AMAZON}endpoint = \"http://{host}\"\n{keys}");
        with_file(&text).load().warnings
    };
    let keys = "access_key = \"id\"\nsecret_key = \"s3cret\"\n";
    for here in ["localhost:9000", "127.0.0.1:9000", "127.1.2.3", "[::1]:9000"] {
        assert_eq!(warnings(here, keys), [""; 0], "{here}");
    }
    assert_eq!(warnings("minio:9000", ""), [""; 0]);
    let warned = warnings("minio:9000", keys);
    assert!(warned.iter().any(|warning| warning.contains("may be read on the way")), "{warned:?}");
    assert!(!warned.concat().contains("s3cret"));
}

#[test]
fn what_cannot_be_is_told_with_a_remedy() {
    for (text, told) in [
        ("url = \"/var\"", "is no bucket and no folder"),
        ("url = \"gs://bucket\"", "is no bucket and no folder"),
        ("url = \"file://host/x\"", "is no bucket and no folder"),
        ("url = \"file:///x\"\nendpoint = \"http://localhost\"", "stands beside a folder"),
        ("url = \"s3://b\"\nendpoint = \"localhost:9000\"", "is no http:// or https:// address"),
        ("url = \"s3://b\"\naccess_key = \"id\"", "stands without `secret_key`"),
        ("url = \"s3://b\"\nname = \"{year}.json\"", "cannot tell two objects apart"),
        ("url = \"s3://b\"\nname = \"{second}-{hash}\"", "has a part that cannot be filled in"),
        ("url = \"s3://b\"\nname = \"{hash\"", "has a part that cannot be filled in"),
        ("url = \"s3://b\"\ncompression = \"lzma\"", "compression"),
        ("url = \"s3://b\"\ntime = \"now\"", "time"),
    ] {
        let problems = with_file(&format!("[sinks.archive]\ntype = \"objects\"\n{text}\n")).problems();
        assert!(problems.contains(told), "{text}: {problems}");
    }
}

#[test]
fn two_sinks_may_not_put_objects_in_the_same_place() {
    let two = |url: &str, more: &str| {
        with_file(&format!(
            "{MINIO}[sinks.other]\ntype = \"objects\"\nurl = \"{url}\"\nendpoint = \"http://127.0.0.1:9000/\"\n{more}"
        ))
    };
    let told = two("s3://events/", "").problems();
    assert!(told.contains("puts objects in the same place as `sinks.archive`"), "{told}");
    two("s3://events/other", "").load();
    two("s3://events", "name = \"other/{hash}\"\n").load();
}
