//! A file over gRPC.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::*;
use crate::api::tests::files::{lying, told};

const UPLOAD: &str = "/weir.v1.Files/Upload";

fn part(json: &Value) -> Vec<u8> {
    framed(false, &encoded("weir.v1.UploadRequest", json))
}

/// The names, and then each chunk.
fn stream(names: &Value, chunks: &[&[u8]]) -> Vec<u8> {
    let chunks = chunks.iter().map(|chunk| part(&json!({ "chunk": STANDARD.encode(chunk) })));
    [part(&json!({ "names": names }))].into_iter().chain(chunks).collect::<Vec<_>>().concat()
}

#[tokio::test]
async fn a_file_in_chunks_is_the_file_that_http_hands_out_and_its_trace_knows() {
    let here = Here::new().await;
    let digest = Sha256::digest("a,b\n1,2\n");
    let names = json!({
        "key": "file:in-1.csv", "name": "in.csv", "group": "g", "trace": "t", "user": "u", "contentType": "text/csv",
        "sha256": STANDARD.encode(digest),
    });
    let body = stream(&names, &[b"a,b\n", b"", b"1,2\n"]);
    let ended = here.grpc(UPLOAD, &[], body.clone()).await;
    assert_eq!(ended.status(), "0", "{}", ended.message());
    let stored = decoded("weir.v1.UploadResponse", &ended.messages[0]);
    let seen = here.get(&format!("/v1/files/{}", stored["id"].as_str().unwrap())).await;
    assert_eq!((seen.text().as_str(), seen.header("content-type")), ("a,b\n1,2\n", Some("text/csv")));
    let form = here.get("/v1/files/file:in-1.csv/metadata").await.json();
    for name in ["key", "id", "uuid", "sha256"] {
        assert_eq!(stored[name], form[name], "{name}");
    }
    assert_eq!((&stored["bytes"], &stored["known"]), (&json!("8"), &Value::Null));
    assert_eq!((&form["name"], &form["group"], &form["user"]), (&json!("in.csv"), &json!("g"), &json!("u")));
    assert_eq!(told(&here).await.len(), 2);

    let again = decoded("weir.v1.UploadResponse", &here.grpc(UPLOAD, &[], body).await.messages[0]);
    assert_eq!((&again["known"], &again["id"]), (&json!(true), &stored["id"]));
}

#[tokio::test]
async fn what_is_refused_or_breaks_off_leaves_nothing() {
    let here = Here::new().await;
    let before = lying(&here);
    let whole = stream(&json!({ "key": "f" }), &[b"one", b"two"]);
    let other = STANDARD.encode(Sha256::digest("another"));
    let large = vec![b'x'; 512 << 10];
    let cases = [
        ("16", "", Vec::new()),
        ("3", "there is no message", Vec::new()),
        ("3", "the first message must have the names", part(&json!({ "chunk": "AA==" }))),
        ("3", "names come once", [whole.clone(), stream(&json!({ "key": "g" }), &[])].concat()),
        ("3", "the body ends within a message", whole[..whole.len() - 1].to_vec()),
        ("3", "the digest is of other bytes", stream(&json!({ "key": "f", "sha256": other }), &[b"one"])),
        ("3", "sha256 must be 32 bytes", stream(&json!({ "key": "f", "sha256": "AA==" }), &[b"one"])),
        ("3", "name holds a slash", stream(&json!({ "name": "../f" }), &[b"one"])),
        ("8", "files.file_max_bytes", stream(&json!({ "key": "f" }), &[large.as_slice(); 9])),
    ];
    for (status, message, body) in cases {
        let ended = match status {
            "16" => here.grpc_as_told(UPLOAD, &[], whole.clone()).await,
            _ => here.grpc(UPLOAD, &[], body).await,
        };
        assert_eq!(ended.status(), status, "{}", ended.message());
        assert!(ended.message().contains(message), "{} {message}", ended.message());
        // A piece that is being packed goes when its thread is done.
        let gone = async {
            while lying(&here) != before {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), gone).await.expect(message);
    }
    assert_eq!(here.get("/v1/files/f").await.status, 404);
}
