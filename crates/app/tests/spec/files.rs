//! Files in and out of the real program: killed in mid-upload, kept to their rules, and told to their traces.

use std::io::Write;
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Answer, Setup, Tmpfs, Weir, from_environment, noise, paths, until};

const SOON: Duration = Duration::from_secs(60);

/// All that lies in the folder of files.
fn lying(weir: &Weir) -> Vec<PathBuf> {
    paths(&weir.path("data/files"))
}

/// Begins an upload of a megabyte and a half, and leaves it there.
fn half_an_upload(weir: &Weir) -> TcpStream {
    let address = weir.base().trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(&address).unwrap();
    let head = format!(
        "POST /v1/files?key=half HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {}\r\ncontent-length: 3000000\r\n\r\n",
        weir.key()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&vec![b'x'; 1_500_000]).unwrap();
    stream
}

#[test]
fn what_is_killed_in_mid_upload_leaves_nothing_and_what_was_acknowledged_is_there() {
    let mut weir = Weir::start(Setup::new());
    for round in 0..from_environment("WEIR_TEST_KILLS", 50) {
        // By turns one that lies with the rows, and one that has a file of its own.
        let content =
            format!("content {round}{}", if round % 2 == 0 { String::new() } else { noise(60 << 10) });
        let alone = round.div_ceil(2);
        let stored = weir.post(&format!("/v1/files?key=whole-{round}"), &content, &[]);
        assert_eq!(stored.status, 201, "{}", stored.body);
        let half = half_an_upload(&weir);
        until(SOON, "the upload to be under way", || lying(&weir).len() == alone + 1);
        weir.kill9();
        drop(half);
        weir.restart();
        assert_eq!(lying(&weir).len(), alone, "half a file is left");
        assert_eq!(weir.get("/v1/files/half").status, 404);
        assert_eq!(weir.get(&format!("/v1/files/whole-{round}")).body, content);
    }
}

#[test]
fn rules_end_files_and_their_traces_show_it() {
    let toml = "[files.retention]\nmax_count = 1\nmin_age = \"0s\"\ninterval = \"100ms\"\n";
    let weir = Weir::start(Setup::new().toml(toml));
    for (key, content) in [("file:a", "one"), ("file:b", "two")] {
        let stored = weir.post(&format!("/v1/files?key={key}&trace=order-1&user=importer"), content, &[]);
        assert_eq!(stored.status, 201, "{}", stored.body);
    }
    until(SOON, "the older to expire", || weir.get("/v1/files/file:a").status == 410);
    assert_eq!(weir.get("/v1/files/file:b").body, "two");
    let acts = weir.get_json("/v1/retention/acts");
    let act = &acts["items"][0];
    assert_eq!((&act["key"], &act["rule"]), (&json!("file:a"), &json!("files.retention.max_count")));

    let states = || {
        let graph = weir.get_json("/v1/traces/order-1/graph");
        let nodes = graph["nodes"].as_array().unwrap().iter();
        let state =
            |node: &Value| node["key"].as_str().unwrap().to_owned() + " " + node["state"].as_str().unwrap();
        let mut states: Vec<String> = nodes.map(state).collect();
        states.sort();
        states
    };
    until(SOON, "the trace to show it", || {
        weir.get("/v1/traces/order-1").status == 200 && states() == ["file:a expired", "file:b stored"]
    });
    assert_eq!(weir.stranger().get("/v1/files/file:b").unwrap().status, 401);
}

#[test]
fn a_group_comes_as_an_archive_that_gnu_tar_opens() {
    let weir = Weir::start(Setup::new());
    let names = ["a.csv", "Übersicht (2).csv", "same.txt", "same.txt"];
    for (number, name) in names.iter().enumerate() {
        let path = format!("/v1/files?key=file:{number}&group=g/1&name={}", name.replace(' ', "%20"));
        let content = format!("content {number}\n").repeat(number * 50_000);
        assert_eq!(weir.post(&path, &content, &[]).status, 201);
    }
    let archive = weir.path("g.tar.gz");
    let client = weir.stranger().bearing(&weir.key());
    std::fs::write(&archive, client.bytes("/v1/groups/g%2F1.tar.gz").unwrap()).unwrap();
    let folder = weir.path("untarred");
    std::fs::create_dir(&folder).unwrap();
    let tar = Command::new("tar").arg("-xzf").arg(&archive).arg("-C").arg(&folder).output().unwrap();
    assert!(tar.status.success() && tar.stderr.is_empty(), "{}", String::from_utf8_lossy(&tar.stderr));
    let mut found: Vec<_> =
        paths(&folder).iter().map(|path| (std::fs::metadata(path).unwrap().len(), path.clone())).collect();
    found.sort();
    let sizes: Vec<u64> = found.iter().map(|(size, _)| *size).collect();
    assert_eq!(sizes, [0, 10 * 50_000, 10 * 100_000, 10 * 150_000]);
    assert_eq!(found[1].1.file_name().unwrap(), "Übersicht (2).csv");
}

#[test]
fn a_full_disk_refuses_files_keeps_what_is_half_there_and_goes_on_when_there_is_room() {
    let Some(disk) = Tmpfs::mount("files on a full disk", 64 << 20) else { return };
    for (free_min_bytes, left_bytes) in [("4MiB", 2 << 20), ("1B", 0)] {
        let toml = format!("[files]\nfree_min_bytes = \"{free_min_bytes}\"\n");
        let mut weir = Weir::prepare(Setup::new().toml(toml));
        std::fs::create_dir(weir.path("data")).unwrap();
        let folder = disk.folder();
        std::os::unix::fs::symlink(folder.path(), weir.path("data/files")).unwrap();
        weir.restart();
        let client = weir.stranger().bearing(&weir.key());
        let tus = [
            ("tus-resumable", "1.0.0"),
            ("content-type", "application/offset+octet-stream"),
            ("upload-length", "6"),
            ("upload-metadata", "key Zg=="),
        ];
        let begun = client.post("/v1/uploads", b"abc", &tus).unwrap();
        assert_eq!(begun.status, 201, "{}", begun.body);
        let upload = begun.header("location").unwrap();
        let last = || client.patch(upload, b"def", &[tus[0], tus[1], ("upload-offset", "3")]).unwrap();
        assert_eq!(weir.post("/v1/files?key=before", "before", &[]).status, 201);
        let before = paths(folder.path());

        let ballast = disk.fill(left_bytes);
        let refused = weir.post("/v1/files?key=during", "small", &[]);
        assert_eq!(refused.status, 507, "{}", refused.body);
        assert_eq!(last().status, 507);
        assert_eq!(weir.get("/v1/files/during").status, 404);
        assert_eq!(weir.get("/v1/files/before").body, "before");
        assert_eq!(paths(folder.path()), before, "something half is left");

        std::fs::remove_file(ballast).unwrap();
        assert_eq!(weir.post("/v1/files?key=during", "small", &[]).status, 201);
        let head = client.head(upload, &tus[..1]).unwrap();
        assert_eq!(head.header("upload-offset"), Some("3"), "what had come is kept");
        assert_eq!(last().status, 204);
        assert_eq!(weir.get("/v1/files/f").body, "abcdef");
    }
}

#[test]
fn a_disk_that_fills_up_in_mid_upload_leaves_nothing_of_it_but_what_can_be_gone_on_with() {
    let Some(disk) = Tmpfs::mount("files on a disk that fills up", 64 << 20) else { return };
    let weir = Weir::prepare(Setup::new().toml("[files]\nfree_min_bytes = \"4MiB\"\n"));
    std::fs::create_dir(weir.path("data")).unwrap();
    let folder = disk.folder();
    std::os::unix::fs::symlink(folder.path(), weir.path("data/files")).unwrap();
    let mut weir = weir;
    weir.restart();
    let client = weir.stranger().bearing(&weir.key());
    let (content, tus) = (noise(10 << 20), ("tus-resumable", "1.0.0"));
    let length = content.len().to_string();
    let begin = [tus, ("upload-length", length.as_str()), ("upload-metadata", "key Zg==")];
    let upload = client.post("/v1/uploads", b"", &begin).unwrap().header("location").unwrap().to_owned();
    let stands = || {
        // Who was refused before all was sent may meet the closed connection once more.
        let head = (0..3).find_map(|_| client.head(&upload, &[tus]).ok()).unwrap();
        head.header("upload-offset").unwrap().parse::<usize>().unwrap()
    };
    let send = |at: usize| {
        let headers =
            [tus, ("content-type", "application/offset+octet-stream"), ("upload-offset", &at.to_string())];
        client.patch(&upload, &content.as_bytes()[at..], &headers)
    };

    let ballast = disk.fill(8 << 20);
    // Who still sends when it is refused may not hear of it.
    let is_refused =
        |answer: Result<Answer, _>| answer.is_err() || answer.is_ok_and(|answer| answer.status == 507);
    assert!(is_refused(client.post("/v1/files?key=at-once", content.as_bytes(), &[])));
    until(SOON, "what came at once to be gone", || lying(&weir).len() == 1);
    // What was removed takes up room until it is closed, too.
    until(SOON, "some of it to be kept", || {
        assert!(is_refused(send(stands())));
        stands() > 0
    });
    let at = stands();
    assert!(at < content.len(), "{at}");

    std::fs::remove_file(ballast).unwrap();
    assert_eq!(send(at).unwrap().status, 204);
    assert_eq!(weir.get("/v1/files/f").body, content);
}
