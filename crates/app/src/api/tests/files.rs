//! Files in, out, and to their end.

use serde_json::json;
use sha2::{Digest, Sha256};
use weir_core::event::Offset;
use weir_core::lineage::TelemetryRecord;
use weir_core::log::{EventLog, Partition, ReadLimit};

use super::here::Here;

/// What was logged on the stream `telemetry`.
pub async fn told(here: &Here) -> Vec<TelemetryRecord> {
    let limit = ReadLimit { max_events: 100, max_bytes: 1 << 20 };
    let slice = here.log.read(&Partition("p1".into()), Offset(0), limit).await.unwrap();
    let records = slice.records.into_iter().filter(|record| record.stream.as_str() == "telemetry");
    let text = |body: bytes::Bytes| String::from_utf8(body.to_vec()).unwrap();
    records.map(|record| TelemetryRecord::read(&text(record.event.body)).unwrap()).collect()
}

/// How many files the folders of files have in them.
pub fn lying(here: &Here) -> usize {
    let mut folders = vec![here.directory.path().to_owned()];
    let mut found = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { found += 1 }
        }
    }
    found
}

#[tokio::test]
async fn a_file_goes_in_and_comes_out_with_its_name_and_type() {
    let here = Here::new().await;
    let path = "/v1/files?key=file:in-1.csv&name=%C3%9Cbersicht%20%222%22.csv&group=g";
    let stored = here.call("POST", path, &[("content-type", "text/csv")], "a,b\n1,2\n").await;
    assert_eq!((stored.status, stored.header("location")), (201, Some("/v1/files/file%3Ain%2D1%2Ecsv")));
    let file = stored.json();
    assert_eq!((&file["key"], &file["bytes"]), (&json!("file:in-1.csv"), &json!(8)));
    let hash: String = Sha256::digest("a,b\n1,2\n").iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(file["sha256"], hash.as_str());

    for name in ["file:in-1.csv", file["id"].as_str().unwrap(), file["uuid"].as_str().unwrap()] {
        let seen = here.get(&format!("/v1/files/{name}")).await;
        assert_eq!((seen.status, seen.text().as_str()), (200, "a,b\n1,2\n"), "{name}");
        assert_eq!(seen.header("content-type"), Some("text/csv"));
        let disposition =
            "attachment; filename=\"_bersicht _2_.csv\"; filename*=UTF-8''%C3%9Cbersicht%20%222%22.csv";
        assert_eq!(seen.header("content-disposition"), Some(disposition));
        assert_eq!(seen.header("etag"), Some(format!("\"{hash}\"").as_str()));
        assert_eq!(seen.header("x-content-type-options"), Some("nosniff"));
    }
    let metadata = here.get("/v1/files/file:in-1.csv/metadata").await.json();
    assert_eq!((&metadata, &metadata["user"]), (&file, &json!("app")));
    assert_eq!(here.get("/v1/files/file:in-2.csv").await.problem(), "not-found");
}

#[tokio::test]
async fn a_file_from_elsewhere_keeps_the_time_when_it_was_stored_and_its_trace_is_told_that_one() {
    let here = Here::new().await;
    let path = "/v1/files?key=file:a&trace=order-77&stored_at=2024-11-20T10:00:00Z";
    let stored = here.call("POST", path, &[], "a").await;
    assert_eq!((stored.status, &stored.json()["stored_at"]), (201, &json!("2024-11-20T10:00:00.000000Z")));
    let moments: Vec<String> = told(&here).await.iter().map(|record| record.created_at.to_string()).collect();
    assert_eq!(moments, ["2024-11-20T10:00:00.000000Z", "2024-11-20T10:00:00.000000Z"]);
    for (at, status, problem) in [("2999-01-01T00:00:00Z", 422, "invalid"), ("yesterday", 400, "bad-query")] {
        let refused = here.call("POST", &format!("/v1/files?key=b&stored_at={at}"), &[], "b").await;
        assert_eq!((refused.status, refused.problem().as_str()), (status, problem));
    }
    assert_eq!(here.get("/v1/files/b").await.status, 404);
}

#[tokio::test]
async fn parts_and_what_the_client_has_are_told_by_headers() {
    let here = Here::new().await;
    let stored = here.post("/v1/files?key=f", "0123456789").await.json();
    let tag = format!("\"{}\"", stored["sha256"].as_str().unwrap());
    let ask = async |headers: &[(&str, &str)]| here.call("GET", "/v1/files/f", headers, "").await;
    let part = ask(&[("range", "bytes=2-4")]).await;
    assert_eq!((part.status, part.text().as_str()), (206, "234"));
    assert_eq!(part.header("content-range"), Some("bytes 2-4/10"));
    assert_eq!(ask(&[("range", "bytes=2-4"), ("if-range", "\"other\"")]).await.text(), "0123456789");
    assert_eq!(ask(&[("range", "bytes=10-")]).await.problem(), "no-such-range");
    assert_eq!(ask(&[("if-none-match", &tag)]).await.status, 304);
    let head = here.call("HEAD", "/v1/files/f", &[], "").await;
    assert_eq!((head.status, head.header("content-length"), head.body.len()), (200, Some("10"), 0));
}

#[tokio::test]
async fn the_same_again_changes_nothing_and_other_content_is_a_new_version() {
    let here = Here::new().await;
    let first = here.post("/v1/files?key=f", "one").await;
    let again = here.post("/v1/files?key=f", "one").await;
    assert_eq!((first.status, again.status, again.json()), (201, 200, first.json()));
    let second = here.post("/v1/files?key=f", "two").await;
    assert_eq!(second.status, 201);
    assert_eq!(here.get("/v1/files/f").await.text(), "two");
    assert_eq!(here.get(&format!("/v1/files/{}", first.json()["id"].as_str().unwrap())).await.text(), "one");
    let versions = here.get("/v1/files?key=f").await.json();
    assert_eq!(versions["items"], json!([first.json(), second.json()]));
}

#[tokio::test]
async fn a_trace_is_told_of_its_files_each_time_the_same() {
    let here = Here::new().await;
    for _ in 0..2 {
        here.post("/v1/files?key=file:a&trace=order-1&user=importer", "one").await;
    }
    let records = told(&here).await;
    let kinds: Vec<&str> = records.iter().map(|record| record.record_type.as_str()).collect();
    assert_eq!(kinds, ["FILE_RECEIVE", "FILE_STORE", "FILE_RECEIVE", "FILE_STORE"]);
    assert_eq!(records[..2], records[2..], "a repeat has no effect");
    assert_eq!(
        (records[1].user.as_deref(), records[1].attr_text("name").as_deref()),
        (Some("importer"), Some("a"))
    );
    assert_eq!(here.call("DELETE", "/v1/files/file:a", &[], "").await.status, 204);
    let last = told(&here).await.pop().unwrap();
    assert_eq!((last.record_type.as_str(), last.key.as_deref()), ("FILE_DELETE", Some("file:a")));
    here.post("/v1/files?key=file:b", "of no trace").await;
    assert_eq!(told(&here).await.len(), 5);
}

#[tokio::test]
async fn a_deleted_file_is_gone_and_its_bytes_with_the_last_that_has_them() {
    let here = Here::new().await;
    here.post("/v1/files?key=a", "same").await;
    here.post("/v1/files?key=b", "same").await;
    assert_eq!(lying(&here), 1);
    assert_eq!(here.call("DELETE", "/v1/files/a", &[], "").await.status, 204);
    let gone = here.get("/v1/files/a").await;
    assert_eq!((gone.status, gone.problem().as_str()), (410, "gone"));
    assert_eq!(here.call("DELETE", "/v1/files/a", &[], "").await.status, 410);
    assert_eq!(here.get("/v1/files/a/metadata").await.json()["state"], "deleted");
    assert_eq!(here.get("/v1/files/b").await.text(), "same");
    here.call("DELETE", "/v1/files/b", &[], "").await;
    assert_eq!(lying(&here), 0);
    let acts = here.get("/v1/retention/acts").await.json();
    let last = &acts["items"][0];
    assert_eq!(
        (&last["key"], &last["deleted_by"], &last["rule"]),
        (&json!("b"), &json!("key:app"), &json!(null))
    );
    assert_eq!(acts["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_form_with_fields_and_a_file_is_taken() {
    let here = Here::new().await;
    let part =
        |head: &str, body: &str| format!("--XX\r\nContent-Disposition: form-data; {head}\r\n\r\n{body}\r\n");
    let send = async |parts: &[String]| {
        let kind = [("content-type", "multipart/form-data; boundary=XX")];
        here.call("POST", "/v1/files", &kind, format!("{}--XX--\r\n", parts.concat())).await
    };
    let file = part("name=\"file\"; filename=\"C:\\dir\\in.csv\"\r\nContent-Type: text/csv", "a,b");
    let stored = send(&[part("name=\"key\"", "file:in"), part("name=\"group\"", "g"), file.clone()]).await;
    assert_eq!(stored.status, 201, "{}", stored.text());
    let stored = stored.json();
    let told = (&stored["key"], &stored["name"], &stored["group"], &stored["content_type"]);
    assert_eq!(told, (&json!("file:in"), &json!("in.csv"), &json!("g"), &json!("text/csv")));
    assert_eq!(here.get("/v1/files/file:in").await.text(), "a,b");

    for (parts, problem) in [
        (vec![part("name=\"key\"", "k")], "invalid"),
        (vec![file.clone(), file.clone()], "invalid"),
        (vec![part("name=\"colour\"", "k"), file.clone()], "invalid"),
        (vec![part("name=\"name\"", "../x"), file.clone()], "invalid"),
        (vec![part("name=\"group\"", &"x".repeat(5_000)), file.clone()], "invalid"),
        (vec![file[..file.len() - 20].to_owned()], "malformed"),
    ] {
        let seen = send(&parts).await;
        assert_eq!(seen.problem(), problem, "{}", seen.text());
    }
    assert_eq!(lying(&here), 1, "what was refused left nothing");
}

#[tokio::test]
async fn what_is_no_file_is_refused_with_the_reason_and_leaves_nothing() {
    let here = Here::new().await;
    let long = format!("/v1/files?name={}", "x".repeat(256));
    for path in [
        "/v1/files?name=..%2Fx",
        "/v1/files?name=%2Fetc%2Fpasswd",
        "/v1/files?name=a%00b",
        "/v1/files?name=..",
        "/v1/files?name=a%E2%80%AEcsv",
        "/v1/files?key=",
        "/v1/files?key=a%0Ab",
        "/v1/files?user=",
        long.as_str(),
    ] {
        assert_eq!(here.post(path, "x").await.problem(), "invalid", "{path}");
    }
    assert_eq!(here.post("/v1/files?colour=red", "x").await.problem(), "bad-query");
    for (header, value, problem) in [
        ("content-digest", "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:", "wrong-digest"),
        ("content-digest", "sha-256=:eA==:", "bad-digest"),
        ("repr-digest", "sha-256=abc", "bad-digest"),
        ("content-encoding", "gzip", "unsupported-encoding"),
    ] {
        assert_eq!(
            here.call("POST", "/v1/files", &[(header, value)], "x").await.problem(),
            problem,
            "{value}"
        );
    }
    assert_eq!(here.post("/v1/files", vec![b'x'; (4 << 20) + 1]).await.problem(), "too-large");
    let right = [("content-digest", "md5=:eA==:, sha-256=:LXEWQrcmsEQBYnyp+6wy9chTD7GQPMTbAiWHF5IaSIE=:")];
    assert_eq!(here.call("POST", "/v1/files?key=x", &right, "x").await.status, 201);
    assert_eq!(here.call_as_told("POST", "/v1/files", &[], "x").await.status, 401);
    assert_eq!(here.call_as_told("GET", "/v1/files/x", &[], "").await.status, 401);
    assert_eq!(lying(&here), 1);
}

#[tokio::test]
async fn files_are_listed_and_fetched_by_their_group() {
    let here = Here::new().await;
    for (key, name, group) in [("a", "x.txt", "g"), ("b", "x.txt", "g"), ("c", "x.txt", "h")] {
        here.post(&format!("/v1/files?key={key}&name={name}&group={group}"), key).await;
    }
    let page = here.get("/v1/groups/g/files?limit=1").await.json();
    assert_eq!(page["items"][0]["key"], "a");
    let next = page["next"].as_str().unwrap();
    let page = here.get(&format!("/v1/groups/g/files?limit=1&cursor={next}")).await.json();
    assert_eq!((&page["items"][0]["key"], &page["next"]), (&json!("b"), &json!(null)));

    let archive = here.get("/v1/groups/g.tar.gz").await;
    assert_eq!(archive.header("content-type"), Some("application/gzip"));
    let mut unpacked = tar::Archive::new(flate2::read::GzDecoder::new(&*archive.body));
    let entries = unpacked.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let mut text = String::new();
        std::io::Read::read_to_string(&mut entry, &mut text).unwrap();
        (entry.path().unwrap().display().to_string(), text)
    });
    let expected = [("x.txt".to_owned(), "a".to_owned()), ("x (2).txt".to_owned(), "b".to_owned())];
    assert_eq!(entries.collect::<Vec<_>>(), expected);
    assert_eq!(here.get("/v1/groups/none.tar.gz").await.problem(), "not-found");
}
