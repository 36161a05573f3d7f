//! Stored files taken away: parts that GNU tar opens, what is told in them, and who gets them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::exports::parts;
use crate::harness::{Setup, Weir, paths};
use crate::lineage::{SCENARIO, send};

const PART: &str = "part_max_bytes=64KiB";

/// Bytes that cannot be made smaller.
pub fn noise(seed: u64, count: usize) -> Vec<u8> {
    let block = |n: u64| Sha256::digest([seed.to_le_bytes(), n.to_le_bytes()].concat());
    (0..).flat_map(block).take(count).collect()
}

pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Stores a file; what is asked stands behind the question mark.
#[track_caller]
pub fn store(weir: &Weir, query: &str, content: &[u8]) -> Value {
    let client = weir.stranger().bearing(&weir.key());
    let answer =
        client.post(&format!("/v1/files?{query}"), content, &[("content-type", "text/x-test")]).unwrap();
    assert_eq!(answer.status, 201, "{}", answer.body);
    answer.json()
}

/// Has every part in a folder as it is, and what GNU tar makes of them in another; their lists, line by line.
#[track_caller]
pub fn unpacked(weir: &Weir, parts: &[Value], to: &Path) -> Vec<Value> {
    let mut lines = Vec::new();
    fs::create_dir_all(to).unwrap();
    for part in parts {
        let text = |name: &str| part[name].as_str().unwrap();
        let (status, bytes) = weir.get_bytes(text("url"), &[]);
        assert_eq!((status, &*sha256(&bytes)), (200, text("sha256")));
        assert_eq!(bytes.len() as u64, part["bytes"].as_u64().unwrap());
        let archive = to.with_file_name(text("name"));
        fs::write(&archive, bytes).unwrap();
        let tar = |arguments: &[&str]| {
            let output = Command::new("tar").args(arguments).arg(&archive).current_dir(to).output().unwrap();
            assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
            String::from_utf8(output.stdout).unwrap()
        };
        let listed = tar(&["--list", "--gzip", "--quoting-style=literal", "--file"]);
        tar(&["--extract", "--gzip", "--keep-old-files", "--file"]);
        let list = fs::read_to_string(to.join(text("name").replace(".tar.gz", ".ndjson"))).unwrap();
        let told: Vec<Value> = list.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let paths: Vec<&str> = told.iter().filter_map(|line| line["path"].as_str()).collect();
        let entries: Vec<&str> = listed.lines().collect();
        assert_eq!(entries[..entries.len() - 1], paths, "all that is in it is told");
        lines.extend(told);
    }
    lines
}

/// The bytes of each file by its number, from what tar made of the parts.
#[track_caller]
pub fn contents(lines: &[Value], folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut contents: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for line in lines.iter().filter(|line| line["left_out"].is_null()) {
        let bytes = fs::read(folder.join(line["path"].as_str().unwrap())).unwrap();
        let file = contents.entry(line["id"].as_str().unwrap().to_owned()).or_default();
        if let Some(piece) = line.get("piece") {
            assert_eq!(piece["offset"].as_u64().unwrap(), file.len() as u64, "pieces follow one another");
            assert_eq!(piece["bytes"].as_u64().unwrap(), bytes.len() as u64);
            assert_eq!(*piece["sha256"].as_str().unwrap(), sha256(&bytes));
        }
        file.extend(bytes);
    }
    contents
}

#[test]
fn every_part_is_opened_by_tar_and_tells_what_is_in_it() {
    let weir = Weir::start(Setup::new());
    let long = "ü".repeat(127);
    let names = [
        "in-1.csv",
        "in-1.csv",
        "Überweisung (2).pdf",
        "..a",
        "-rf",
        "pieces",
        ".hidden",
        "🦀",
        &long,
        "$(reboot)",
    ];
    let stored: Vec<(Value, Vec<u8>)> = (0..40)
        .map(|n| {
            let content = noise(n, (n as usize % 10) * 3_000);
            let name = utf8_percent_encode(names[n as usize % names.len()], NON_ALPHANUMERIC);
            (store(&weir, &format!("key=file:{n}&name={name}&group=g&user=somebody"), &content), content)
        })
        .collect();
    let parts = parts(&weir, &format!("/v1/exports/files?{PART}"));
    assert!(parts.len() > 5 && parts.iter().all(|part| part["bytes"].as_u64().unwrap() <= 64 << 10));
    let folder = weir.path("unpacked/files");
    let lines = unpacked(&weir, &parts, &folder);
    let contents = contents(&lines, &folder);
    assert_eq!(lines.len(), stored.len());
    for ((file, content), line) in stored.iter().zip(&lines) {
        for member in
            ["key", "id", "name", "group", "trace", "user", "content_type", "bytes", "sha256", "stored_at"]
        {
            assert_eq!(line[member], file[member], "{member}");
        }
        assert!(contents[file["id"].as_str().unwrap()] == *content, "{file}");
        let path = line["path"].as_str().unwrap();
        assert!(!path.starts_with('/') && path.split('/').all(|segment| segment != ".."), "{path}");
    }
}

#[test]
fn a_file_that_is_larger_than_a_part_comes_in_pieces_that_make_it_whole() {
    let weir = Weir::start(Setup::new());
    let alike = b"the same as ever\n".repeat(40_000);
    let files = [noise(1, 300_000), alike, noise(2, 10), noise(3, 65_536)];
    let stored: Vec<Value> = files
        .iter()
        .enumerate()
        .map(|(n, content)| store(&weir, &format!("key=file:{n}"), content))
        .collect();
    let parts = parts(&weir, &format!("/v1/exports/files?{PART}"));
    assert!(parts.iter().all(|part| part["bytes"].as_u64().unwrap() <= 64 << 10));
    let folder = weir.path("unpacked/files");
    let lines = unpacked(&weir, &parts, &folder);
    let contents = contents(&lines, &folder);
    for (file, content) in stored.iter().zip(&files) {
        let id = file["id"].as_str().unwrap();
        assert!(contents[id] == *content, "{file}");
        let pieces =
            paths(&folder).into_iter().filter(|path| path.display().to_string().contains(id)).count();
        assert_eq!(pieces > 1, content.len() > 60_000);
    }
    // As the documentation has it.
    let day = &stored[0]["stored_at"].as_str().unwrap()[..10];
    let joined = Command::new("sh")
        .args(["-c", &format!("cat {day}/{}/pieces/* | sha256sum", stored[0]["id"].as_str().unwrap())])
        .current_dir(&folder)
        .output()
        .unwrap();
    assert!(String::from_utf8(joined.stdout).unwrap().starts_with(stored[0]["sha256"].as_str().unwrap()));
}

#[test]
fn an_export_holds_a_day_a_group_or_all() {
    let weir = Weir::start(Setup::new());
    for (key, group, at) in [
        ("a", "g/1", "2024-11-19T23:59:59.999999Z"),
        ("b", "g/1", "2024-11-20T00:00:00Z"),
        ("c", "g/2", "2024-11-20T23:59:59.999999Z"),
        ("d", "g/2", "2024-11-21T00:00:00Z"),
    ] {
        store(&weir, &format!("key={key}&group={group}&stored_at={at}"), key.as_bytes());
    }
    weir.delete("/v1/files/d");
    let keys = |query: &str| {
        let parts = parts(&weir, &format!("/v1/exports/files?{query}"));
        let folder = weir.path(&format!("unpacked/{}", query.replace('/', "")));
        let lines = unpacked(&weir, &parts, &folder);
        lines.iter().map(|line| line["key"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(keys("day=2024-11-20"), ["b", "c"], "the first moment of a day, and not that of the next");
    assert_eq!(keys("group=g/1"), ["a", "b"]);
    assert_eq!(keys("group=g/2"), ["c"], "what is deleted is gone");
    assert_eq!(keys(""), ["a", "b", "c"]);
    assert!(keys("day=2024-11-22").is_empty());
}

/// Files that make so many parts that they are not made at once.
#[track_caller]
fn many(weir: &Weir) -> Vec<Value> {
    (0..100).map(|n| store(weir, &format!("key=file:{n:02}&name={n:02}"), &noise(n, 45_000))).collect()
}

#[test]
fn what_vanishes_while_an_export_is_made_is_left_out_and_said() {
    let weir = Weir::start(Setup::new());
    let stored = many(&weir);
    let begun = weir.get_json(&format!("/v1/exports/files?{PART}"));
    let next = begun["next"].as_str().expect("so many parts are not made at once").to_owned();
    weir.delete("/v1/files/file:98");
    let lying = |file: &Value| {
        let hash = file["sha256"].as_str().unwrap();
        let mut all = paths(&weir.path("data/files")).into_iter();
        all.find(|path| path.display().to_string().contains(hash)).unwrap()
    };
    let mut bytes = fs::read(lying(&stored[97])).unwrap();
    bytes[20_000] ^= 1;
    fs::write(lying(&stored[97]), bytes).unwrap();
    fs::remove_file(lying(&stored[99])).unwrap();
    store(&weir, "key=file:late", b"late");

    let all = [begun["parts"].as_array().unwrap().clone(), parts(&weir, &next)].concat();
    let folder = weir.path("unpacked/files");
    let lines = unpacked(&weir, &all, &folder);
    assert_eq!(contents(&lines, &folder).len(), 97, "all others are there, and nothing that came later");
    let left_out: Vec<(&str, &str)> = lines
        .iter()
        .filter_map(|line| Some((line["key"].as_str().unwrap(), line["left_out"].as_str()?)))
        .collect();
    let [("file:97", damaged), ("file:98", deleted), ("file:99", lost)] = left_out[..] else {
        panic!("{left_out:?}")
    };
    assert!(deleted.starts_with("it was deleted at "), "{deleted}");
    assert!(damaged.starts_with("its bytes cannot be read"), "{damaged}");
    assert!(lost.starts_with("its bytes cannot be read"), "{lost}");
}

#[test]
fn an_export_of_files_goes_on_after_a_kill_where_its_last_part_ended() {
    let mut weir = Weir::start(Setup::new());
    store(&weir, "key=large", &noise(1_000, 1 << 20));
    let stored = many(&weir);
    let begun = weir.get_json(&format!("/v1/exports/files?{PART}"));
    let next = begun["next"].as_str().expect("so many parts are not made at once").to_owned();
    // More is being made when it strikes.
    let client = weir.stranger().bearing(&weir.key());
    let asking = std::thread::spawn({
        let next = next.clone();
        move || client.get(&next).is_ok()
    });
    std::thread::sleep(Duration::from_millis(30));
    weir.kill9();
    let _ = asking.join().unwrap();
    weir.restart();
    let all = [begun["parts"].as_array().unwrap().clone(), parts(&weir, &next)].concat();
    let folder = weir.path("unpacked/files");
    let lines = unpacked(&weir, &all, &folder);
    let contents = contents(&lines, &folder);
    assert_eq!(contents.len(), stored.len() + 1, "every file once");
    assert!(contents.values().next().unwrap() == &noise(1_000, 1 << 20));
    for (n, file) in (0..).zip(&stored) {
        assert!(contents[file["id"].as_str().unwrap()] == noise(n, 45_000), "{file}");
    }
}

#[test]
fn everything_is_records_and_files_in_one_manifest() {
    let weir = Weir::start(Setup::new());
    send(&weir, &SCENARIO);
    weir.drained("lineage", Duration::from_secs(30));
    store(&weir, "key=file:a", b"a");
    let parts = parts(&weir, "/v1/exports/all");
    let names: Vec<&str> = parts.iter().map(|part| part["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["telemetry-000001.ndjson.zst", "files-000002.tar.gz"]);
    let lines = unpacked(&weir, &parts[1..], &weir.path("unpacked/files"));
    assert_eq!((lines.len(), &lines[0]["key"]), (1, &json!("file:a")));
    let empty = Weir::start(Setup::new());
    assert_eq!(empty.get_json("/v1/exports/all"), json!({ "parts": [], "next": null }));
}

#[test]
fn strangers_get_no_files_and_what_is_wrong_is_named() {
    let weir = Weir::start(Setup::new());
    store(&weir, "key=file:a&group=g", b"a");
    let part = parts(&weir, "/v1/exports/files").remove(0);
    for path in ["/v1/exports/files", "/v1/exports/all", part["url"].as_str().unwrap()] {
        assert_eq!(weir.stranger().get(path).unwrap().status, 401, "{path}");
    }
    assert_eq!(weir.get("/v1/exports/files?group=other").status, 404);
    for (path, name) in [
        ("files?day=today", "day"),
        ("files?day=2026-02-30", "day"),
        ("files?day=2026-11-20T00:00:00Z", "day"),
        ("files?day=2026-11-20&group=g", "group"),
        ("files?part_max_bytes=1KiB", "part_max_bytes"),
        ("files?coding=gzip", "coding"),
        ("all?part_max_bytes=2GiB", "part_max_bytes"),
        ("all?coding=rar", "coding"),
        ("all?trace=a", "trace"),
    ] {
        let answer = weir.get(&format!("/v1/exports/{path}"));
        assert_eq!(answer.status, 400, "{path}");
        assert!(answer.json()["detail"].as_str().unwrap().contains(&format!("{name:?}")), "{}", answer.body);
    }
    let off = Weir::start(Setup::new().toml("[files]\nenabled = false\n"));
    assert_eq!(off.get("/v1/exports/files").status, 404);
    assert_eq!(off.get_json("/v1/exports/all")["next"], Value::Null);
}
