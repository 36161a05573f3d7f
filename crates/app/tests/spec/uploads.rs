//! Uploads over many requests, through the real program: killed in mid-part again and again, they go on where they stand.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::harness::{Answer, Client, Setup, Weir, from_environment, noise, paths, until};

const SOON: Duration = Duration::from_secs(60);
const TUS: (&str, &str) = ("tus-resumable", "1.0.0");
const PART: (&str, &str) = ("content-type", "application/offset+octet-stream");
/// The name `f`, in Base64.
const METADATA: &str = "key Zg==";

fn client(weir: &Weir) -> Client {
    weir.stranger().bearing(&weir.key())
}

fn begun(weir: &Weir, length: usize, metadata: &str) -> String {
    let length = length.to_string();
    let headers = [TUS, ("upload-length", length.as_str()), ("upload-metadata", metadata)];
    let begun = weir.post("/v1/uploads", "", &headers);
    assert_eq!(begun.status, 201, "{}", begun.body);
    begun.header("location").unwrap().to_owned()
}

fn offset(answer: &Answer) -> usize {
    answer.header("upload-offset").unwrap().parse().unwrap()
}

fn stands(weir: &Weir, upload: &str) -> usize {
    let head = client(weir).head(upload, &[TUS]).unwrap();
    assert_eq!(head.status, 200);
    offset(&head)
}

fn patch(weir: &Weir, upload: &str, at: usize, part: &[u8]) -> Answer {
    client(weir).patch(upload, part, &[TUS, PART, ("upload-offset", &at.to_string())]).unwrap()
}

/// Begins a part of which only the first bytes are sent.
fn half_a_part(weir: &Weir, upload: &str, at: usize, part: &[u8], sent: usize) -> TcpStream {
    let address = weir.base().trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(&address).unwrap();
    let head = format!(
        "PATCH {upload} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {}\r\ntus-resumable: 1.0.0\r\n\
         content-type: application/offset+octet-stream\r\nupload-offset: {at}\r\ncontent-length: {}\r\n\r\n",
        weir.key(),
        part.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&part[..sent]).unwrap();
    stream
}

#[test]
fn an_upload_that_is_killed_again_and_again_goes_on_where_it_stands() {
    let content = noise(24 << 20).into_bytes();
    let mut weir = Weir::start(Setup::new());
    let upload = begun(&weir, content.len(), METADATA);
    let (rounds, began) = (from_environment("WEIR_TEST_KILLS", 50), Instant::now());
    let mut at = 0;
    for round in 0..rounds {
        // Each time it is struck elsewhere: nothing has come, a piece is being packed, some are.
        let sent = (round * 617_311) % (3 << 20);
        let part = &content[at..];
        let half = half_a_part(&weir, &upload, at, part, sent.min(part.len() - 1));
        weir.kill9();
        drop(half);
        weir.restart();
        let now = stands(&weir, &upload);
        assert!(now >= at, "what was told to be there, {at}, is not: {now}");
        at = now;
        // And some comes well, which is then there for good.
        let step = (content.len() - at - 1).min(content.len() / (rounds + 1));
        let answer = patch(&weir, &upload, at, &content[at..at + step]);
        assert_eq!((answer.status, offset(&answer)), (204, at + step), "{}", answer.body);
        at += step;
    }
    let last = patch(&weir, &upload, at, &content[at..]);
    assert_eq!((last.status, last.header("location")), (204, Some("/v1/files/f")), "{}", last.body);
    assert_eq!(weir.get("/v1/files/f").body.as_bytes(), content);
    assert_eq!(paths(&weir.path("data/files")).len(), 2, "the file, and the upload's end");
    eprintln!("{rounds} kills in {:?}", began.elapsed());
}

#[test]
fn the_last_part_that_is_repeated_after_a_kill_is_answered_the_same() {
    let mut weir = Weir::start(Setup::new());
    let upload = begun(&weir, 6, METADATA);
    patch(&weir, &upload, 0, b"abc");
    let told =
        |answer: Answer| ["location", "weir-file-id"].map(|name| answer.header(name).unwrap().to_owned());
    let last = told(patch(&weir, &upload, 3, b"def"));
    weir.kill9();
    weir.restart();
    assert_eq!(told(patch(&weir, &upload, 3, b"def")), last);
    assert_eq!(weir.get_json("/v1/files?key=f")["items"].as_array().unwrap().len(), 1);
}

#[test]
fn who_comes_back_while_the_old_connection_hangs_goes_on() {
    let weir = Weir::start(Setup::new());
    let upload = begun(&weir, 4 << 20, METADATA);
    let content = noise(4 << 20).into_bytes();
    let mut hanging = half_a_part(&weir, &upload, 0, &content, 3 << 20);
    until(SOON, "some to have come", || paths(&weir.path("data/files")).len() == 2);
    let at = stands(&weir, &upload);
    let mut answer = [0; 12];
    hanging.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 409");
    assert_eq!(patch(&weir, &upload, at, &content[at..]).status, 204);
    assert_eq!(weir.get("/v1/files/f").body.as_bytes(), content);
}

#[test]
fn what_is_not_ended_in_time_is_removed() {
    let toml = "[files]\nupload_expires = \"1s\"\n[files.retention]\ninterval = \"100ms\"\n";
    let weir = Weir::start(Setup::new().toml(toml));
    let upload = begun(&weir, 6, METADATA);
    until(SOON, "it to be removed", || paths(&weir.path("data/files")).is_empty());
    assert_eq!(client(&weir).head(&upload, &[TUS]).unwrap().status, 404);
    assert_eq!(weir.stranger().head(&upload, &[TUS]).unwrap().status, 401);
}

#[test]
fn what_is_half_there_is_told_until_it_is_whole() {
    let weir = Weir::start(Setup::new().toml("[files.retention]\ninterval = \"100ms\"\n"));
    let told = || {
        let metrics = weir.metrics();
        ["weir_uploads_open", "weir_uploads_open_bytes"].map(|name| metrics.sum(name, &[]).unwrap())
    };
    let upload = begun(&weir, 6, METADATA);
    patch(&weir, &upload, 0, b"abc");
    until(SOON, "one upload, with bytes", || matches!(told(), [1.0, bytes] if bytes > 0.0));
    patch(&weir, &upload, 3, b"def");
    until(SOON, "none", || told() == [0.0, 0.0]);
}
