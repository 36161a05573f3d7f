//! `weir export` and `weir import`: from one Weir to another, over everything that can break off.

use std::fs;
use std::time::Duration;

use serde_json::Value;

use crate::exports::{messages, noise, parts, told, unpacked};
use crate::harness::{Setup, Weir, paths, until};
use crate::lineage::{CANONICAL, SCENARIO, run};

const SOON: Duration = Duration::from_secs(30);

/// Records that fill in one another, from several senders, numbered, with names that mean one thing.
const ODDITIES: [&str; 6] = [
    r#"{"type":"DERIVE","trace":"order-77","parents":["data:unknown"],"children":["data:b"],"createdAt":1795338000000020,"seq":4}"#,
    r#"{"type":"ALIAS","trace":"order-77","key":"file:in-1.csv","alias":"upload-1","createdAt":1795338000000021}"#,
    r#"{"type":"ATTR","trace":"order-77","key":"upload-1","attrs":{"a":1.50,"b":null,"c":{"d":["ü","\u0007"]}},"createdAt":1795338000000022,"note":"kept"}"#,
    r#"{"type":"REPLAY","trace":"order-77","key":"data:b","of":"data:row-1","kind":"data","createdAt":1795338000000022}"#,
    r#"{"type":"LOG","trace":"order-77","attrs":{"message":"of the trace"},"createdAt":1795338000000022,"user":"other","seq":9}"#,
    r#"{"type":"FILE_SEND","trace":"order-77","key":"file:out.csv","attrs":{"to":"partner"},"createdAt":-1}"#,
];

#[test]
fn what_is_exported_and_imported_is_the_same_trace_whoever_imports_it() {
    let weir = told(&[&SCENARIO[..], &ODDITIES].concat());
    let expected = weir.get(CANONICAL).body;
    assert!(expected.contains("\"missing\":[{"), "numbers of several senders are missing: {expected}");
    let hashes = |weir: &Weir| {
        let parts = parts(weir, "/v1/exports/telemetry?part_max_bytes=1KiB");
        parts.iter().map(|part| part["sha256"].clone()).collect::<Vec<_>>()
    };
    for coding in ["zstd", "gzip"] {
        let out = weir.path(coding).display().to_string();
        let arguments = [
            "export",
            "--to",
            "2100-01-01T00:00:00Z",
            "--out",
            &out,
            "--coding",
            coding,
            "--part-max-bytes",
            "1KiB",
        ];
        assert!(run(&weir, &arguments).contains("parts"));
        let other = Weir::start(Setup::new().variable("API_KEY", "another-key-of-another-name"));
        let told = run(&other, &["import", &out]);
        assert!(told.contains("0 rejected"), "{told}");
        other.drained("lineage", SOON);
        assert_eq!(other.get(CANONICAL).body, expected);
        assert_eq!(hashes(&other), hashes(&weir), "the same bytes for the same records");
        assert!(run(&other, &["import", &out]).is_empty(), "all of it was sent before");
        run(&other, &["import", &out, "--restart"]);
        other.drained("lineage", SOON);
        assert_eq!(other.get(CANONICAL).body, expected, "what is sent again has no second effect");
    }
}

#[test]
fn the_command_goes_on_when_the_server_was_killed_while_it_fetched() {
    let noise = noise(3_000);
    let mut weir = told(&noise.iter().map(String::as_str).collect::<Vec<_>>());
    let shown = weir.path("out").display().to_string();
    let arguments = ["export", "--trace", "noise", "--out", &shown, "--part-max-bytes", "1024"];
    let broken_off = std::thread::scope(|scope| {
        let exporting = scope.spawn(|| weir.run(&arguments));
        let out = weir.path("out");
        until(SOON, "some parts to be there", || out.is_dir() && paths(&out).len() > 20);
        weir.process().sigkill();
        exporting.join().unwrap()
    });
    assert_eq!(broken_off.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&weir.run(&["import", &shown]).stderr).contains("is not whole"));
    weir.restart();
    run(&weir, &arguments);
    let manifest: Value = serde_json::from_slice(&fs::read(weir.path("out/manifest.json")).unwrap()).unwrap();
    let lines = manifest["parts"].as_array().unwrap().iter().flat_map(|part| {
        let name = part["name"].as_str().unwrap();
        let text = unpacked(name, &fs::read(weir.path("out").join(name)).unwrap());
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<Value>>()
    });
    let sent: Vec<Value> = noise.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(messages(&lines.collect::<Vec<_>>()), messages(&sent), "every record once, in order");
}

#[test]
fn the_command_fetches_only_what_is_missing_and_takes_nothing_that_has_changed() {
    let noise = noise(500);
    let weir = told(&noise.iter().map(String::as_str).collect::<Vec<_>>());
    let out = weir.path("out");
    let shown = out.display().to_string();
    let arguments = ["export", "--trace", "noise", "--out", &shown, "--part-max-bytes", "4096"];
    run(&weir, &arguments);
    let manifest: Value = serde_json::from_slice(&fs::read(out.join("manifest.json")).unwrap()).unwrap();
    let files: Vec<_> = manifest["parts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|part| out.join(part["name"].as_str().unwrap()))
        .collect();
    let whole: Vec<Vec<u8>> = files.iter().map(|file| fs::read(file).unwrap()).collect();

    // One is missing, of one only half has come, and one was changed.
    fs::remove_file(&files[0]).unwrap();
    fs::remove_file(&files[1]).unwrap();
    fs::write(
        files[1].with_file_name(format!("{}.new", files[1].file_name().unwrap().display())),
        &whole[1][..100],
    )
    .unwrap();
    fs::write(&files[2], b"something else").unwrap();
    let refused = weir.run(&["import", &shown]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("is missing"));
    run(&weir, &arguments);
    let again: Vec<Vec<u8>> = files.iter().map(|file| fs::read(file).unwrap()).collect();
    assert!(again == whole);
    let asked = weir.said().lines().filter(|line| line.contains("telemetry-000004")).count();
    assert_eq!(asked, 1, "what was there was not fetched again");
    let other = weir.run(&["export", "--all", "--out", &shown]);
    assert!(String::from_utf8_lossy(&other.stderr).contains("holds another export"));
}

#[test]
fn what_cannot_be_exported_is_told() {
    let weir = told(&SCENARIO);
    let unknown = weir.run(&["export", "--trace", "order-78", "--out", "nowhere"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("order-78"));
}
