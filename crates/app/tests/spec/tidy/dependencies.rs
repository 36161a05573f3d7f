//! Who may depend on whom.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

use serde_json::Value;

use super::{File, none, program, root};

/// Two major versions of one library, and why that cannot be helped yet. Each must still be needed.
const TWICE: [(&str, &str); 10] = [
    ("base64", "postgres-protocol 0.6, of tokio-postgres, asks for 0.22"),
    (
        "core-foundation",
        "for a resolver that lapin's runtime may be built with, and is not; it is not in the program",
    ),
    ("crypto-common", "as `digest`, which it is for"),
    ("digest", "crc-fast 1, of object_store, asks for 0.10"),
    ("fallible-iterator", "postgres-protocol 0.6, of tokio-postgres, asks for 0.2"),
    ("getrandom", "ring 0.17, the TLS provider, asks for 0.2"),
    ("nom", "asn1-rs 0.7, of rcgen, with which tests make certificates, asks for 7"),
    ("spin", "flume 0.12, of lapin, asks for 0.9"),
    ("syn", "macro crates move to 3 one by one; it runs while building and is not in the program"),
    ("synstructure", "as `syn`, which it is for"),
];

/// A second TLS stack, or a second provider beneath the first.
const OTHER_TLS: [&str; 4] = ["openssl", "native-tls", "boring", "aws-lc-sys"];

fn metadata() -> Value {
    let arguments = ["metadata", "--format-version=1", "--no-deps", "--offline"];
    let output = Command::new(env!("CARGO")).args(arguments).current_dir(root()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// For each crate of the workspace: the workspace's other crates that it names, for its tests too.
fn edges(metadata: &Value) -> BTreeMap<String, BTreeSet<String>> {
    let name = |value: &Value| value["name"].as_str().unwrap().to_owned();
    let edges_of = |package: &Value| {
        let dependencies = package["dependencies"].as_array().unwrap().iter();
        let ours = dependencies.filter(|dependency| dependency["path"].is_string()).map(name);
        ours.filter(|dependency| *dependency != name(package)).collect::<BTreeSet<_>>()
    };
    let packages = metadata["packages"].as_array().unwrap();
    packages.iter().map(|package| (name(package), edges_of(package))).collect()
}

#[test]
fn dependencies_point_to_the_core_and_siblings_never_meet() {
    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    let expected = BTreeMap::from([
        (
            "weir".to_owned(),
            set(&[
                "weir-catalog",
                "weir-connect",
                "weir-core",
                "weir-files",
                "weir-inputs",
                "weir-log",
                "weir-sinks",
            ]),
        ),
        ("weir-catalog".to_owned(), set(&["weir-connect", "weir-core"])),
        ("weir-connect".to_owned(), set(&[])),
        ("weir-files".to_owned(), set(&["weir-connect", "weir-core"])),
        ("weir-inputs".to_owned(), set(&["weir-connect", "weir-core"])),
        ("weir-kafka".to_owned(), set(&[])),
        ("weir-log".to_owned(), set(&["weir-core", "weir-kafka"])),
        ("weir-sinks".to_owned(), set(&["weir-connect", "weir-core", "weir-kafka"])),
        ("weir-core".to_owned(), set(&[])),
    ]);
    assert_eq!(edges(&metadata()), expected, "app -> {{log, catalog, sinks}} -> core");
}

#[test]
fn the_core_uses_of_tokio_only_what_waits_for_other_tasks() {
    let metadata = metadata();
    let packages = metadata["packages"].as_array().unwrap();
    let core = packages.iter().find(|package| package["name"] == "weir-core").unwrap();
    let dependencies = core["dependencies"].as_array().unwrap();
    let tokio = dependencies.iter().find(|one| one["name"] == "tokio" && one["kind"].is_null()).unwrap();
    for feature in tokio["features"].as_array().unwrap() {
        let feature = feature.as_str().unwrap();
        assert!(
            ["sync", "macros"].contains(&feature),
            "core must not have tokio's `{feature}` outside its testkit"
        );
    }
}

#[test]
fn the_core_does_no_io_and_reads_no_clock() {
    let forbidden = [
        "std::fs",
        "std::net",
        "std::process",
        "std::env",
        "std::thread",
        "std::io::",
        "SystemTime",
        "Instant",
        "tokio::net",
        "tokio::fs",
        "tokio::time",
        "tokio::process",
        "Timestamp::now",
        "Zoned::now",
        "Uuid::now",
        "Uuid::new_v4",
        "thread_rng",
        "getrandom",
    ];
    let sources = program("crates/core/src");
    let found = sources
        .iter()
        .flat_map(|file| file.objections(|line| forbidden.iter().any(|word| line.contains(word))));
    none(
        &found.collect::<Vec<_>>(),
        "core takes time, randomness and I/O through its traits (crates/core/src/world.rs)",
    );
}

#[test]
fn concrete_logs_catalogs_and_sinks_are_named_in_the_wiring_alone() {
    let concrete = ["weir_log::", "weir_catalog::", "weir_sinks::"];
    let sources = program("crates/app/src");
    // The commands that look into a stopped log's files are about just these files.
    let may = |file: &&File| file.path.contains("/wiring/") || file.path.ends_with("/cli/log.rs");
    let sources = sources.iter().filter(|file| !may(file));
    let found =
        sources.flat_map(|file| file.objections(|line| concrete.iter().any(|word| line.contains(word))));
    none(&found.collect::<Vec<_>>(), "name it in crates/app/src/wiring and hand it on as what it does");
}

fn lock_file() -> Vec<toml::Value> {
    let text = fs::read_to_string(root().join("Cargo.lock")).unwrap();
    let lock: toml::Table = text.parse().unwrap();
    lock["package"].as_array().unwrap().clone()
}

/// Versions in the lock file, by library.
fn locked() -> BTreeMap<String, BTreeSet<String>> {
    let mut versions = BTreeMap::<_, BTreeSet<_>>::new();
    for package in lock_file() {
        let part = |key: &str| package[key].as_str().unwrap().to_owned();
        versions.entry(part("name")).or_default().insert(part("version"));
    }
    versions
}

#[test]
fn the_lock_file_has_one_version_of_each_library() {
    // Bindings to an operating system that nobody builds for come along several times over.
    let elsewhere =
        |name: &str| name.starts_with("windows") || name.starts_with("wasi") || name.starts_with("jni");
    let twice = locked().into_iter().filter(|(name, versions)| versions.len() > 1 && !elsewhere(name));
    let twice = twice.collect::<BTreeMap<_, _>>();
    let excused = |name: &String| TWICE.iter().any(|(known, _)| known == name);
    let found = twice
        .iter()
        .filter(|(name, _)| !excused(name))
        .map(|(name, versions)| format!("{name} {versions:?}"));
    none(
        &found.collect::<Vec<_>>(),
        "take the version that is there (cargo tree -i NAME), or tell the reason in TWICE",
    );
    for (name, reason) in TWICE {
        assert!(twice.contains_key(name), "{name} is there once now; take it off TWICE ({reason})");
    }
}

#[test]
fn there_is_one_tls_stack() {
    let locked = locked();
    let found = OTHER_TLS.iter().filter(|name| locked.contains_key(**name)).map(|name| (*name).to_owned());
    none(&found.collect::<Vec<_>>(), "TLS is rustls over ring; find who brings these (cargo tree -i NAME)");
}

#[test]
fn openssl_comes_with_kafkas_client_alone_and_only_where_it_is_asked_for() {
    let asks = |package: &toml::Value| {
        let dependencies = package.get("dependencies").and_then(toml::Value::as_array);
        dependencies.is_some_and(|all| all.iter().any(|one| one.as_str() == Some("openssl-sys")))
    };
    let asking = lock_file().into_iter().filter(asks).map(|package| package["name"].to_string());
    assert_eq!(asking.collect::<Vec<_>>(), ["\"rdkafka-sys\""]);
    for package in metadata()["packages"].as_array().unwrap() {
        assert_eq!(
            package["features"].get("default"),
            None,
            "{}: a plain build is without Kafka",
            package["name"]
        );
    }
}
