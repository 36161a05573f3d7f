//! `weir export` and `weir import` of stored files, and of everything: what another Weir has then is the same.

use std::fs;
use std::time::Duration;

use serde_json::{Value, json};

use crate::exported_files::{noise, store};
use crate::exports::told;
use crate::harness::{Setup, Weir, paths, until};
use crate::lineage::{CANONICAL, SCENARIO, run};

const SOON: Duration = Duration::from_secs(60);
const SIZE: [&str; 2] = ["--part-max-bytes", "64KiB"];

/// A Weir with the scenario's trace, and files of every kind: versions, pieces, names, of that trace and of none.
#[track_caller]
fn with_files() -> Weir {
    let weir = told(&SCENARIO);
    store(&weir, "key=file:in-1.csv&name=in-1.csv&trace=order-77&group=orders&user=importer", b"one");
    store(&weir, "key=file:new&trace=order-77", &noise(1, 200_000));
    for content in ["A", "B", "A"] {
        store(&weir, "key=file:versions&name=%C3%9Cber%20uns.txt&group=a%2Fb", content.as_bytes());
    }
    store(&weir, "key=file:old&stored_at=2024-11-20T10:00:00Z", b"");
    store(&weir, "key=file:ended&trace=order-77", b"gone");
    assert_eq!(weir.delete("/v1/files/file:ended").status, 204);
    until(SOON, "the trace to tell of all of them", || weir.get(CANONICAL).body.contains("file:ended"));
    weir.drained("lineage", SOON);
    weir
}

/// What is known of all kept files, but for their numbers.
#[track_caller]
fn files(weir: &Weir) -> Vec<Value> {
    let mut files = weir.get_json("/v1/files")["items"].as_array().unwrap().clone();
    for file in &mut files {
        file.as_object_mut().unwrap().retain(|member, _| member != "id" && member != "uuid");
    }
    files
}

fn another() -> Weir {
    Weir::start(Setup::new().variable("API_KEY", "another-key-of-another-name"))
}

#[test]
fn everything_that_is_exported_and_imported_is_the_same_elsewhere() {
    let weir = with_files();
    let out = weir.path("out").display().to_string();
    let export = ["export", "--all", "--out", &out];
    run(&weir, &[&export[..], &SIZE].concat());
    let other = another();
    let told = run(&other, &["import", &out]);
    assert!(told.contains("0 refused"), "{told}");
    let same = |how: &str| {
        other.drained("lineage", SOON);
        assert_eq!(files(&other), files(&weir), "{how}");
        assert_eq!(other.get(CANONICAL).body, weir.get(CANONICAL).body, "{how}");
        for file in weir.get_json("/v1/files")["items"].as_array().unwrap() {
            let (key, sha256) = (file["key"].as_str().unwrap(), &file["sha256"]);
            let path = format!("/v1/files/{key}");
            assert!(other.get_bytes(&path, &[]) == weir.get_bytes(&path, &[]), "{how}: {key}, {sha256}");
        }
    };
    same("once");
    assert!(run(&other, &["import", &out]).is_empty(), "all of it was sent before");
    let told = run(&other, &["import", &out, "--restart"]);
    assert!(!told.contains("1 files stored") && told.contains("there before"), "{told}");
    same("twice");
    assert!(!weir.path("out/import-file.new").exists());
}

#[test]
fn files_are_exported_by_day_or_group_and_the_rest_stays() {
    let weir = with_files();
    for (arguments, keys) in [
        (&["--group", "a/b"][..], &["file:versions", "file:versions", "file:versions"][..]),
        (&["--day", "2024-11-20"], &["file:old"]),
    ] {
        let out = weir.path(arguments[0]).display().to_string();
        run(&weir, &[&["export", "--files", "--out", &out], arguments].concat());
        let other = another();
        run(&other, &["import", &out]);
        let found = files(&other);
        let found: Vec<&str> = found.iter().map(|file| file["key"].as_str().unwrap()).collect();
        assert_eq!(found, keys);
    }
    let unknown = weir.run(&["export", "--files", "--group", "none", "--out", "nowhere"]);
    assert_eq!(unknown.status.code(), Some(1));
    let odd = weir.run(&["export", "--day", "2024-11-20", "--out", "nowhere"]);
    assert_eq!(odd.status.code(), Some(2), "a day is one of files");
}

#[test]
fn an_import_goes_on_when_the_server_was_killed_while_files_came() {
    let weir = Weir::start(Setup::new());
    store(&weir, "key=large", &noise(1_000, 1 << 20));
    for n in 0..150 {
        store(&weir, &format!("key=file:{n}"), &noise(n, 10_000));
    }
    let out = weir.path("out").display().to_string();
    run(&weir, &[&["export", "--files", "--out", &out][..], &SIZE].concat());
    let mut other = another();
    let broken_off = std::thread::scope(|scope| {
        let importing = scope.spawn(|| other.run(&["import", &out, "--retry-for", "1s"]));
        until(SOON, "some files to be there", || files(&other).len() > 20);
        other.process().sigkill();
        importing.join().unwrap()
    });
    assert_eq!(broken_off.status.code(), Some(1));
    other.restart();
    run(&other, &["import", &out]);
    assert_eq!(weir.get_json("/v1/files?limit=1000")["items"].as_array().unwrap().len(), 151);
    let all = |weir: &Weir| {
        let page = weir.get_json("/v1/files?limit=1000");
        let member = |file: &Value, name: &str| file[name].as_str().unwrap().to_owned();
        let items = page["items"].as_array().unwrap().iter();
        items.map(|file| (member(file, "key"), member(file, "sha256"))).collect::<Vec<_>>()
    };
    assert_eq!(all(&other), all(&weir), "each once, in order");
}

#[test]
fn of_a_file_that_was_left_out_half_way_nothing_is_stored() {
    let weir = Weir::start(Setup::new());
    let damaged = store(&weir, "key=damaged", &noise(1, 1_500_000));
    store(&weir, "key=whole", b"whole");
    let hash = damaged["sha256"].as_str().unwrap();
    let mut lying = paths(&weir.path("data/files")).into_iter();
    let lying = lying.find(|path| path.display().to_string().contains(hash)).unwrap();
    let mut bytes = fs::read(&lying).unwrap();
    bytes[1_300_000] ^= 1;
    fs::write(&lying, bytes).unwrap();
    let out = weir.path("out").display().to_string();
    run(&weir, &[&["export", "--files", "--out", &out][..], &SIZE].concat());
    let other = another();
    let import = other.run(&["import", &out]);
    assert!(import.status.success());
    let said = String::from_utf8_lossy(&import.stderr).into_owned();
    assert!(said.contains("damaged: was left out of the export: its bytes cannot be read"), "{said}");
    let told = String::from_utf8_lossy(&import.stdout).into_owned();
    assert!(told.lines().count() > 10, "pieces of it came before: {told}");
    let keys: Vec<Value> = files(&other).iter().map(|file| file["key"].clone()).collect();
    assert_eq!(keys, [json!("whole")]);
    assert!(run(&other, &["import", &out]).is_empty(), "all of it was sent before");
}

#[test]
fn what_a_server_refuses_is_told_and_the_rest_is_stored() {
    let weir = Weir::start(Setup::new());
    store(&weir, "key=small", b"small");
    store(&weir, "key=large", &noise(1, 5_000));
    store(&weir, "key=another", b"another");
    let out = weir.path("out").display().to_string();
    run(&weir, &["export", "--files", "--out", &out]);
    let strict = Weir::start(Setup::new().toml("[files]\nfile_max_bytes = 1000\n"));
    let import = strict.run(&["import", &out]);
    assert_eq!(import.status.code(), Some(1));
    let said = String::from_utf8_lossy(&import.stderr).into_owned();
    assert!(said.contains("large: refused with 413") && said.contains("files.file_max_bytes"), "{said}");
    let keys: Vec<Value> = files(&strict).iter().map(|file| file["key"].clone()).collect();
    assert_eq!(keys, [json!("small"), json!("another")]);

    let part = weir.path("out/files-000001.tar.gz");
    let mut bytes = fs::read(&part).unwrap();
    bytes[20] ^= 1;
    fs::write(&part, bytes).unwrap();
    let changed = another().run(&["import", &out]);
    assert_eq!(changed.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&changed.stderr).contains("is not what the manifest tells"));
}
