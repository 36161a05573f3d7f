//! Telemetry taken away as files: parts, what is in them, and who gets them.

use std::io::Read;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::harness::{Setup, Weir};
use crate::lineage::{SCENARIO, send};

const SOON: Duration = Duration::from_secs(30);

/// A Weir that knows these records.
#[track_caller]
pub fn told(records: &[&str]) -> Weir {
    let weir = Weir::start(Setup::new());
    for some in records.chunks(1_000) {
        send(&weir, some);
    }
    weir.drained("lineage", SOON);
    weir
}

/// Log lines of one trace that hardly become smaller when they are packed.
pub fn noise(count: usize) -> Vec<String> {
    let line = |n: usize| {
        let digest = Sha256::digest(n.to_le_bytes());
        let text: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        json!({
            "type": "LOG", "trace": "noise", "key": "data:a", "createdAt": 1_795_338_000_000_000_u64 + n as u64,
            "attrs": { "level": "info", "message": text },
        })
        .to_string()
    };
    (0..count).map(line).collect()
}

/// All parts of an export, from this address of its manifest on.
#[track_caller]
pub fn parts(weir: &Weir, path: &str) -> Vec<Value> {
    let (mut parts, mut next) = (Vec::new(), Some(path.to_owned()));
    while let Some(path) = next {
        let page = weir.get_json(&path);
        parts.extend(page["parts"].as_array().unwrap().clone());
        next = page["next"].as_str().map(str::to_owned);
    }
    parts
}

#[track_caller]
pub fn unpacked(name: &str, bytes: &[u8]) -> String {
    let mut text = String::new();
    match name.ends_with(".zst") {
        true => zstd::Decoder::new(bytes).unwrap().read_to_string(&mut text).unwrap(),
        false => flate2::read::GzDecoder::new(bytes).read_to_string(&mut text).unwrap(),
    };
    assert!(text.ends_with('\n'), "a part has whole lines");
    text
}

/// The lines of a part, which is what the manifest tells.
#[track_caller]
fn lines(weir: &Weir, part: &Value) -> Vec<String> {
    let text = |name: &str| part[name].as_str().unwrap();
    let (status, bytes) = weir.get_bytes(text("url"), &[]);
    let sha256: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(
        (status, bytes.len() as u64, &*sha256),
        (200, part["bytes"].as_u64().unwrap(), text("sha256"))
    );
    unpacked(text("name"), &bytes).lines().map(str::to_owned).collect()
}

/// The records of an export.
#[track_caller]
fn exported(weir: &Weir, path: &str) -> Vec<Value> {
    let lines = parts(weir, path).iter().flat_map(|part| lines(weir, part)).collect::<Vec<_>>();
    lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

pub fn messages(records: &[Value]) -> Vec<&str> {
    records.iter().map(|record| record["attrs"]["message"].as_str().unwrap()).collect()
}

/// What tells two records of the scenario apart.
fn types(records: &[Value]) -> Vec<&str> {
    records.iter().map(|record| record["type"].as_str().unwrap()).collect()
}

#[test]
fn an_export_is_split_into_parts_that_are_whole_again_by_any_program() {
    let noise = noise(600);
    let weir = told(&noise.iter().map(String::as_str).collect::<Vec<_>>());
    let sent: Vec<Value> = noise.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    for coding in ["zstd", "gzip"] {
        let path = format!("/v1/exports/telemetry?trace=noise&part_max_bytes=4096&coding={coding}");
        let parts = parts(&weir, &path);
        assert!(
            parts.len() > 5 && parts.iter().all(|part| part["bytes"].as_u64().unwrap() <= 4096),
            "{parts:?}"
        );
        let found: Vec<Value> = parts
            .iter()
            .flat_map(|part| lines(&weir, part))
            .map(|line| serde_json::from_str(&line).unwrap())
            .collect();
        assert_eq!(messages(&found), messages(&sent), "every record once, in order");
    }
    assert_eq!(parts(&weir, "/v1/exports/telemetry?trace=noise").len(), 1);
}

#[test]
fn a_part_goes_on_where_it_broke_off_and_is_known_by_its_hash() {
    let weir = told(&SCENARIO);
    let part = &parts(&weir, "/v1/exports/telemetry?trace=order-77")[0];
    let (url, tag) = (part["url"].as_str().unwrap(), format!("\"{}\"", part["sha256"].as_str().unwrap()));
    let (_, whole) = weir.get_bytes(url, &[]);
    let (status, rest) = weir.get_bytes(url, &[("range", "bytes=10-"), ("if-range", &tag)]);
    assert_eq!((status, &*rest), (206, &whole[10..]));
    let (status, anew) = weir.get_bytes(url, &[("range", "bytes=10-"), ("if-range", "\"another\"")]);
    assert_eq!((status, anew), (200, whole));
    assert_eq!(weir.get_bytes(url, &[("if-none-match", &tag)]).0, 304);
    assert_eq!(weir.get_bytes(url, &[("range", "bytes=1000000-")]).0, 416);
}

#[test]
fn an_export_holds_a_trace_a_file_with_all_about_it_or_a_period() {
    let elsewhere = [
        r#"{"type":"FILE_READ","trace":"late","key":"file:in-1.csv","createdAt":1795424400000001}"#,
        r#"{"type":"FILE_READ","trace":"late","key":"file:other","createdAt":1795424400000002}"#,
    ];
    let weir = told(&[&SCENARIO[..], &elsewhere].concat());
    let trace = exported(&weir, "/v1/exports/telemetry?trace=order-77");
    let sent: Vec<Value> = SCENARIO.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(types(&trace), types(&sent));

    let file = exported(&weir, "/v1/exports/telemetry?file=file:in-1.csv");
    let expected =
        ["TRACE_START", "FILE_RECEIVE", "DERIVE", "LOG", "DB_WRITE", "DERIVE", "DERIVE", "TRACE_END"];
    let (late, file): (Vec<Value>, Vec<Value>) =
        file.into_iter().partition(|record| record["trace"] == "late");
    assert_eq!(types(&file), expected, "nothing of in-2.csv");
    assert_eq!(
        (late.len(), &late[0]["key"]),
        (1, &json!("file:in-1.csv")),
        "every trace that has it, and that alone"
    );

    let period = "from=2026-11-22T09:00:00.000003Z&to=2026-11-22T09:00:00.000006Z";
    let period = exported(&weir, &format!("/v1/exports/telemetry?{period}"));
    assert_eq!(types(&period), ["FILE_RECEIVE", "DROP", "LOG"], "the first moment, and not the last");
    assert_eq!(exported(&weir, "/v1/exports/telemetry").len(), SCENARIO.len() + elsewhere.len());
    assert!(parts(&weir, "/v1/exports/telemetry?to=2020-01-01T00:00:00Z").is_empty());
}

#[test]
fn an_export_goes_on_after_a_kill_where_its_last_part_ended() {
    let noise = noise(3_000);
    let mut weir = told(&noise.iter().map(String::as_str).collect::<Vec<_>>());
    let begun = weir.get_json("/v1/exports/telemetry?trace=noise&part_max_bytes=1024");
    let next = begun["next"].as_str().expect("so many parts are not made at once").to_owned();
    // More is being made when it strikes.
    let address = weir.base();
    let client = weir.stranger().bearing(&weir.key());
    let asking = std::thread::spawn({
        let next = next.clone();
        move || client.get(&next).is_ok()
    });
    std::thread::sleep(Duration::from_millis(30));
    weir.kill9();
    let _ = asking.join().unwrap();
    weir.restart();
    assert_eq!(weir.base(), address);
    let unfinished = |path: &Path| path.extension().is_some_and(|ending| ending == "new");
    assert!(!crate::harness::paths(&weir.path("data/exports")).iter().any(|path| unfinished(path)));
    let first = begun["parts"].as_array().unwrap().clone();
    let all = [first, parts(&weir, &next)].concat();
    let found: Vec<Value> = all
        .iter()
        .flat_map(|part| lines(&weir, part))
        .map(|line| serde_json::from_str(&line).unwrap())
        .collect();
    let sent: Vec<Value> = noise.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(messages(&found), messages(&sent), "every record once, in order");
}

#[test]
fn strangers_get_nothing_and_what_is_wrong_is_named() {
    let weir = told(&SCENARIO);
    let part = parts(&weir, "/v1/exports/telemetry?trace=order-77").remove(0);
    let url = part["url"].as_str().unwrap();
    let export = url.rsplit_once('/').unwrap().0;
    for path in ["/v1/exports/telemetry", export, url, "/v1/traces/order-77/logs", "/v1/files/a/journey"] {
        assert_eq!(weir.stranger().get(path).unwrap().status, 401, "{path}");
    }
    for path in [
        "/v1/exports/telemetry?trace=order-78",
        "/v1/exports/telemetry?file=file:in-3.csv",
        "/v1/exports/00000000000000000000000000000000",
        "/v1/exports/..%2F..",
        &format!("{export}/telemetry-000009.ndjson.zst"),
        &format!("{export}/..%2Forder.json"),
        &format!("{export}/order.json"),
        &format!("{export}?after=9"),
    ] {
        assert_eq!(weir.get(path).status, 404, "{path}");
    }
    for (query, name) in [
        ("from=yesterday", "from"),
        ("to=soon", "to"),
        ("from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "from"),
        ("part_max_bytes=1", "part_max_bytes"),
        ("coding=rar", "coding"),
        ("trace=order-77&file=a", "file"),
        ("trace=order-77&from=1795338000", "trace"),
        ("traces=order-77", "traces"),
    ] {
        let answer = weir.get(&format!("/v1/exports/telemetry?{query}"));
        assert_eq!(answer.status, 400, "{query}");
        assert!(answer.json()["detail"].as_str().unwrap().contains(&format!("{name:?}")), "{}", answer.body);
    }
}
