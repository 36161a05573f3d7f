//! Files that come over many requests.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use sha2::{Digest, Sha256};
use weir_core::time::Timestamp;

use super::files::{lying, told};
use super::here::{Here, JWT_SECRET, Seen};
use crate::auth::sign;
use crate::secret::Secret;

const TUS: (&str, &str) = ("tus-resumable", "1.0.0");
const PART: (&str, &str) = ("content-type", "application/offset+octet-stream");

fn metadata(members: &[(&str, &str)]) -> String {
    let pairs: Vec<String> =
        members.iter().map(|(name, value)| format!("{name} {}", STANDARD.encode(value))).collect();
    pairs.join(",")
}

/// Begins one; its address.
async fn begun(here: &Here, length: usize, members: &[(&str, &str)]) -> String {
    let (length, metadata) = (length.to_string(), metadata(members));
    let headers = [TUS, ("upload-length", length.as_str()), ("upload-metadata", metadata.as_str())];
    let seen = here.call("POST", "/v1/uploads", &headers, "").await;
    assert_eq!((seen.status, seen.header("upload-offset")), (201, Some("0")), "{}", seen.text());
    seen.header("location").unwrap().to_owned()
}

async fn patch(here: &Here, upload: &str, offset: usize, body: &'static str) -> Seen {
    let offset = offset.to_string();
    here.call("PATCH", upload, &[TUS, PART, ("upload-offset", offset.as_str())], body).await
}

async fn head(here: &Here, upload: &str) -> Seen {
    here.call("HEAD", upload, &[TUS], "").await
}

fn sha256(content: &str) -> String {
    Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn parts_become_the_file_that_one_request_would_have_made() {
    let here = Here::new().await;
    let digest = sha256("0123456789");
    let members = [
        ("key", "file:a/ü"),
        ("filename", "a.csv"),
        ("group", "g"),
        ("trace", "order-1"),
        ("user", "importer"),
        ("filetype", "text/csv"),
        ("sha256", &digest),
    ];
    let upload = begun(&here, 10, &members).await;
    let first = patch(&here, &upload, 0, "0123").await;
    assert_eq!((first.status, first.header("upload-offset")), (204, Some("4")));
    assert_eq!(first.header("location"), None);
    let half = head(&here, &upload).await;
    assert_eq!(
        (half.status, half.header("upload-offset"), half.header("upload-length")),
        (200, Some("4"), Some("10"))
    );
    assert_eq!(half.header("upload-metadata"), Some(metadata(&members).as_str()));
    assert_eq!(half.header("cache-control"), Some("no-store"));
    assert_eq!(here.get("/v1/files/file:a%2F%C3%BC").await.status, 404, "what is half has no row");

    let last = patch(&here, &upload, 4, "456789").await;
    assert_eq!((last.status, last.header("location")), (204, Some("/v1/files/file%3Aa%2F%C3%BC")));
    let file = here.get("/v1/files/file:a%2F%C3%BC/metadata").await.json();
    let expected = json!(["a.csv", "g", "order-1", "importer", "text/csv", digest, 10]);
    let members = ["name", "group", "trace", "user", "content_type", "sha256", "bytes"];
    assert_eq!(members.map(|member| file[member].clone()).as_slice(), expected.as_array().unwrap());
    assert_eq!(last.header("weir-file-id"), file["id"].as_str());
    assert_eq!(last.header("weir-file-uuid"), file["uuid"].as_str());
    assert_eq!(last.header("weir-file-sha256"), Some(digest.as_str()));
    assert_eq!(here.get("/v1/files/file:a%2F%C3%BC").await.text(), "0123456789");
    let kinds: Vec<_> = told(&here).await.iter().map(|record| record.record_type.as_str()).collect();
    assert_eq!(kinds, ["FILE_RECEIVE", "FILE_STORE"]);
}

#[tokio::test]
async fn who_got_no_answer_is_answered_the_same() {
    let here = Here::new().await;
    let upload = begun(&here, 6, &[("key", "f")]).await;
    patch(&here, &upload, 0, "abc").await;
    let told = |seen: Seen| {
        ["location", "upload-offset", "weir-file-id"].map(|name| seen.header(name).map(str::to_owned))
    };
    let last = told(patch(&here, &upload, 3, "def").await);
    assert!(last[0].is_some());
    assert_eq!(told(patch(&here, &upload, 3, "def").await), last);
    assert_eq!(told(patch(&here, &upload, 6, "").await), last);
    assert_eq!(told(head(&here, &upload).await), last);
    assert_eq!(here.get("/v1/files?key=f").await.json()["items"].as_array().unwrap().len(), 1);
    assert_eq!(patch(&here, &upload, 0, "abc").await.problem(), "other-offset");
}

#[tokio::test]
async fn a_part_comes_along_with_the_beginning_and_an_empty_file_is_whole_at_once() {
    let here = Here::new().await;
    let metadata = metadata(&[("key", "f")]);
    let headers = |length| [TUS, PART, ("upload-length", length), ("upload-metadata", metadata.as_str())];
    let half = here.call("POST", "/v1/uploads", &headers("6"), "abc").await;
    assert_eq!((half.status, half.header("upload-offset")), (201, Some("3")));
    let whole = here.call("POST", "/v1/uploads", &headers("3"), "abc").await;
    assert_eq!((whole.status, whole.header("content-location")), (201, Some("/v1/files/f")));
    assert!(whole.header("location").unwrap().starts_with("/v1/uploads/"));
    let empty = here.call("POST", "/v1/uploads", &[TUS, ("upload-length", "0")], "").await;
    assert_eq!((empty.status, empty.header("weir-file-bytes")), (201, Some("0")));
}

#[tokio::test]
async fn an_upload_that_is_given_up_leaves_nothing() {
    let here = Here::new().await;
    let upload = begun(&here, 6, &[]).await;
    patch(&here, &upload, 0, "abc").await;
    assert!(lying(&here) > 0);
    assert_eq!(here.call("DELETE", &upload, &[TUS], "").await.status, 204);
    assert_eq!(lying(&here), 0);
    assert_eq!(head(&here, &upload).await.status, 404);
}

#[tokio::test]
async fn a_wrong_digest_of_the_whole_ends_the_upload() {
    let here = Here::new().await;
    let upload = begun(&here, 3, &[("key", "f"), ("sha256", &sha256("xyz"))]).await;
    assert_eq!(patch(&here, &upload, 0, "abc").await.problem(), "wrong-digest");
    assert_eq!((here.get("/v1/files/f").await.status, lying(&here)), (404, 0));
}

#[tokio::test]
async fn a_part_with_a_wrong_checksum_is_not_taken() {
    let here = Here::new().await;
    let upload = begun(&here, 6, &[("key", "f")]).await;
    patch(&here, &upload, 0, "abc").await;
    let part = async |body: &'static str, of: &str| {
        let checksum = format!("sha256 {}", STANDARD.encode(Sha256::digest(of)));
        let headers = [TUS, PART, ("upload-offset", "3"), ("upload-checksum", checksum.as_str())];
        here.call("PATCH", &upload, &headers, body).await
    };
    let wrong = part("xyz", "def").await;
    assert_eq!((wrong.status, wrong.problem().as_str()), (460, "other-checksum"));
    assert_eq!(head(&here, &upload).await.header("upload-offset"), Some("3"));
    assert_eq!(part("def", "def").await.status, 204);
    assert_eq!(here.get("/v1/files/f").await.text(), "abcdef");
}

#[tokio::test]
async fn nobody_else_sees_an_upload() {
    let here = Here::new().await;
    let upload = begun(&here, 3, &[]).await;
    let (secret, later) = (Secret::new(JWT_SECRET), Timestamp::from_micros(4_000_000_000_000_000));
    let bearer = format!("Bearer {}", sign(&secret, "somebody", None, later).unwrap());
    for method in ["HEAD", "DELETE"] {
        let seen = here.call_as_told(method, &upload, &[TUS, ("authorization", &bearer)], "").await;
        assert_eq!(seen.status, 404, "{method}");
    }
    assert_eq!(here.call_as_told("HEAD", &upload, &[TUS], "").await.status, 401);
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_told() {
    let here = Here::new().await;
    let upload = begun(&here, 6, &[("key", "f")]).await;
    let other = patch(&here, &upload, 2, "abc").await;
    assert_eq!((other.status, other.header("upload-offset")), (409, Some("0")));
    assert_eq!(patch(&here, &upload, 0, "abcdefg").await.status, 413);
    let version = here.call("PATCH", &upload, &[PART, ("upload-offset", "0")], "abc").await;
    assert_eq!((version.status, version.header("tus-version")), (412, Some("1.0.0")));
    let plain = here.call("PATCH", &upload, &[TUS, ("upload-offset", "0")], "abc").await;
    assert_eq!((plain.status, plain.problem().as_str()), (415, "no-part"));
    let no_offset = here.call("PATCH", &upload, &[TUS, PART], "abc").await;
    assert_eq!(no_offset.status, 400);
    assert_eq!(head(&here, &upload).await.header("upload-offset"), Some("0"));
    assert_eq!(head(&here, "/v1/uploads/none").await.status, 404);

    let begin = async |length: &str, metadata: &str| {
        let headers = [TUS, ("upload-length", length), ("upload-metadata", metadata)];
        here.call("POST", "/v1/uploads", &headers, "").await.status
    };
    assert_eq!(begin("x", "").await, 400);
    assert_eq!(begin(&(5 << 20).to_string(), "").await, 413);
    for told in [
        metadata(&[("name", "../x")]),
        metadata(&[("nmae", "x")]),
        metadata(&[("name", "x"), ("filename", "y")]),
        metadata(&[("sha256", "x")]),
        "key %".to_owned(),
    ] {
        assert_eq!(begin("1", &told).await, 422, "{told}");
    }
}

#[tokio::test]
async fn what_is_spoken_is_told() {
    let here = Here::new().await;
    let seen = here.call("OPTIONS", "/v1/uploads", &[], "").await;
    assert_eq!((seen.status, seen.header("tus-version")), (204, Some("1.0.0")));
    assert_eq!(seen.header("tus-max-size"), Some((4 << 20).to_string().as_str()));
    assert!(seen.header("tus-extension").unwrap().contains("creation-with-upload"));
    assert_eq!(seen.header("tus-resumable"), Some("1.0.0"));
}
