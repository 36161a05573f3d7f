//! Files in a bucket of a real MinIO.

use std::fs::File;
use std::io::Write;
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use weir_connect::s3::{BucketAccess, Credentials};
use weir_core::files::ContentHash;
use weir_core::testkit::files::content_contract;
use weir_files::packing::{PIECE_BYTES, Packer};
use weir_files::{Bucket, BucketSettings};

use crate::exported_files::{self, contents, store, unpacked};
use crate::exports::parts;
use crate::harness::{Minio, Setup, Weir, noise, paths, until};

const SOON: Duration = Duration::from_secs(60);
const SUITE: &str = "files in a bucket of a real MinIO";

fn settings(minio: &Minio) -> String {
    format!(
        "[files]\nurl = \"s3://files/some/prefix\"\nendpoint = \"{}\"\naccess_key = \"weir\"\nsecret_key = \"weir-password\"\n\
         request_timeout = \"5s\"\n",
        minio.url()
    )
}

fn lying(minio: &Minio) -> Vec<String> {
    minio.names("files")
}

#[test]
fn it_keeps_the_contract_of_contents() {
    let Some(minio) = Minio::start(SUITE) else { return };
    minio.make_bucket("files");
    let directory = tempfile::tempdir().unwrap();
    let credentials = Credentials {
        access_key: "weir".to_owned(),
        secret_key: "weir-password".to_owned(),
        session_token: None,
    };
    let access = BucketAccess {
        endpoint: Some(minio.url()),
        credentials: Some(credentials),
        ..BucketAccess::default()
    };
    let bucket = BucketSettings {
        url: "s3://files/contents".to_owned(),
        access,
        request_timeout: SOON,
        notes: directory.path().join("notes"),
    };
    let stage = |bytes: &[u8]| -> (ContentHash, PathBuf) {
        let path = directory.path().join("staged");
        let mut packer = Packer::new(File::create(&path).unwrap()).unwrap();
        bytes.chunks(PIECE_BYTES).for_each(|piece| packer.add(piece).unwrap());
        (packer.finish().unwrap().1.hash(), path)
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    // The largest goes in three parts.
    runtime.block_on(async { content_contract(&Bucket::open(&bucket).unwrap(), 40 << 20, stage).await });
    assert!(paths(&bucket.notes).is_empty());
}

#[test]
fn files_go_in_and_come_out_whole_in_part_and_as_a_group() {
    let Some(minio) = Minio::start(SUITE) else { return };
    minio.make_bucket("files");
    let weir = Weir::start(Setup::new().toml(settings(&minio)));
    let content = noise(40 << 20);
    let stored = weir.post("/v1/files?key=file:large&group=g", &content, &[]);
    assert_eq!(stored.status, 201, "{}", stored.body);
    assert_eq!(weir.post("/v1/files?key=file:small&name=small.txt&group=g", "small", &[]).status, 201);
    assert_eq!(lying(&minio).len(), 2);
    assert_eq!(paths(&weir.path("data/files")).len(), 0, "nothing stays on this machine");

    assert_eq!(weir.get("/v1/files/file:large").body, content);
    let client = weir.stranger().bearing(&weir.key());
    let part = client.get_with("/v1/files/file:large", &[("range", "bytes=20000000-20999999")]).unwrap();
    assert_eq!((part.status, part.body.as_str()), (206, &content[20_000_000..21_000_000]));
    assert_eq!(untarred(&weir, "g", "small.txt"), "small");

    assert_eq!(weir.delete("/v1/files/file:large").status, 204);
    assert_eq!(lying(&minio).len(), 1);
}

/// A file of a group's archive, taken out by GNU tar.
fn untarred(weir: &Weir, group: &str, name: &str) -> String {
    let archive = weir.path("group.tar.gz");
    let client = weir.stranger().bearing(&weir.key());
    std::fs::write(&archive, client.bytes(&format!("/v1/groups/{group}.tar.gz")).unwrap()).unwrap();
    let output =
        Command::new("tar").args(["-xOzf"]).arg(&archive).arg(name).stderr(Stdio::inherit()).output();
    String::from_utf8(output.unwrap().stdout).unwrap()
}

#[test]
fn files_are_exported_out_of_the_bucket_and_opened_by_tar() {
    let Some(minio) = Minio::start(SUITE) else { return };
    minio.make_bucket("files");
    let weir = Weir::start(Setup::new().toml(settings(&minio)));
    let content = exported_files::noise(7, 200_000);
    let large = store(&weir, "key=file:large&name=large.bin&group=g", &content);
    let small = store(&weir, "key=file:small&name=small.txt&group=g", b"small");
    store(&weir, "key=file:other&group=h", b"not asked for");

    let parts = parts(&weir, "/v1/exports/files?group=g&part_max_bytes=64KiB");
    assert!(parts.len() > 3);
    let folder = weir.path("unpacked/files");
    let lines = unpacked(&weir, &parts, &folder);
    let id = |stored: &Value| stored["id"].as_str().unwrap().to_owned();
    let expected = [(id(&large), content), (id(&small), b"small".to_vec())];
    assert_eq!(contents(&lines, &folder), expected.into());
}

#[test]
fn what_is_killed_while_it_goes_into_the_bucket_leaves_nothing_there() {
    let Some(minio) = Minio::start(SUITE) else { return };
    minio.make_bucket("files");
    let mut weir = Weir::start(Setup::new().toml(settings(&minio)));
    let content = noise(64 << 20);
    let notes = weir.path("data/files/notes");
    for _ in 0..3 {
        let mut stream = whole_upload(&weir, &content);
        until(SOON, "it to go into the bucket", || !paths(&notes).is_empty());
        weir.kill9();
        let _ = stream.flush();
        weir.restart();
        until(SOON, "what is half put to be taken back", || paths(&notes).is_empty());
        assert_eq!(weir.get("/v1/files/large").status, 404);
        assert_eq!((lying(&minio).len(), paths(&weir.path("data/files")).len()), (0, 0));
    }
    assert_eq!(weir.post("/v1/files?key=large", &content, &[]).status, 201);
    assert_eq!(weir.get("/v1/files/large").body, content);
}

/// All of it is sent; the answer is not waited for.
fn whole_upload(weir: &Weir, content: &str) -> TcpStream {
    let address = weir.base().trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(&address).unwrap();
    let head = format!(
        "POST /v1/files?key=large HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {}\r\ncontent-length: {}\r\n\r\n",
        weir.key(),
        content.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(content.as_bytes()).unwrap();
    stream
}

#[test]
fn while_the_bucket_is_away_files_are_refused_with_a_time_to_come_back_and_nothing_is_half_left() {
    let Some(mut minio) = Minio::start(SUITE) else { return };
    minio.make_bucket("files");
    let weir = Weir::start(Setup::new().toml(settings(&minio)));
    assert_eq!(weir.post("/v1/files?key=before", "before", &[]).status, 201);
    minio.kill9();
    for answer in [weir.post("/v1/files?key=during", "during", &[]), weir.get("/v1/files/before")] {
        assert_eq!(answer.status, 503, "{}", answer.body);
        assert!(answer.header("retry-after").is_some());
    }
    assert_eq!(weir.get("/v1/files/during").status, 404);
    assert_eq!(paths(&weir.path("data/files")).len(), 0);
    assert_eq!(weir.get("/readyz").status, 200);

    let upload = begun(&weir);
    let headers = [
        ("tus-resumable", "1.0.0"),
        ("content-type", "application/offset+octet-stream"),
        ("upload-offset", "0"),
    ];
    let client = weir.stranger().bearing(&weir.key());
    assert_eq!(client.patch(&upload, b"large", &headers).unwrap().status, 503);
    minio.restart();
    assert_eq!(weir.post("/v1/files?key=during", "during", &[]).status, 201);
    // What had come of the upload is still there, and becomes the file.
    let head = client.head(&upload, &headers[..1]).unwrap();
    assert_eq!((head.status, head.header("location")), (200, Some("/v1/files/f")));
    assert_eq!(weir.get("/v1/files/f").body, "large");
    assert_eq!(lying(&minio).len(), 3);
}

/// An upload over many requests, of five bytes.
fn begun(weir: &Weir) -> String {
    let headers = [("tus-resumable", "1.0.0"), ("upload-length", "5"), ("upload-metadata", "key Zg==")];
    weir.post("/v1/uploads", "", &headers).header("location").unwrap().to_owned()
}
