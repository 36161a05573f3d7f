//! `weir send` against crashes, refusals and a server that is away.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;

use super::stage::{Play, Seen, Stage, answer};
use crate::cli::Verdict;
use crate::cli::arguments::{Command, CommandLine, SendOptions};
use crate::cli::send::send;

use clap::Parser;

fn options(file: &Path, more: &[&str]) -> SendOptions {
    let command = ["weir", "send", file.to_str().unwrap()];
    let line = command.iter().chain(more);
    match CommandLine::try_parse_from(line).unwrap().command {
        Some(Command::Send(options)) => options,
        other => panic!("{other:?}"),
    }
}

/// A file of so many lines, each telling its number.
fn file(lines: usize) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("events.ndjson");
    let text: String = (1..=lines).map(|line| format!("{{\"n\":{line}}}\n")).collect();
    std::fs::write(&path, text).unwrap();
    (directory, path)
}

fn all_accepted(seen: &Seen) -> Play {
    answer(200, &json!({ "accepted": seen.body.lines().count(), "ids": [], "rejected": [] }))
}

#[tokio::test]
async fn a_file_goes_out_a_thousand_lines_at_a_time() {
    let (_directory, path) = file(2500);
    let stage = Stage::new(all_accepted);
    assert_eq!(send(&stage.client(), &options(&path, &[]), true).await.unwrap(), Verdict::Well);
    let counts: Vec<usize> = stage.bodies().iter().map(|body| body.lines().count()).collect();
    assert_eq!(counts, [1000, 1000, 500]);
    assert_eq!(stage.seen()[0].line, "POST /events HTTP/1.1");
    assert_eq!(stage.seen()[0].headers["content-type"], "application/x-ndjson");
    let keys = stage.keys();
    assert!(keys[0] != keys[1] && keys[1] != keys[2]);
}

#[tokio::test]
async fn what_was_sent_is_not_sent_again_and_what_was_added_is() {
    let (_directory, path) = file(3);
    let stage = Stage::new(all_accepted);
    let options = options(&path, &[]);
    send(&stage.client(), &options, true).await.unwrap();
    send(&stage.client(), &options, true).await.unwrap();
    assert_eq!(stage.seen().len(), 1);
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text + "{\"n\":4}\n").unwrap();
    send(&stage.client(), &options, true).await.unwrap();
    assert_eq!(stage.bodies()[1], "{\"n\":4}\n");
}

#[tokio::test]
async fn after_a_crash_the_same_lines_go_out_under_the_same_key_though_the_file_has_grown() {
    let (_directory, path) = file(1500);
    // The second chunk arrives, but its answer is lost, and the sender gives up.
    let mut answers = 0;
    let stage = Stage::new(move |seen| {
        answers += 1;
        if answers == 2 { Play::Vanish } else { all_accepted(seen) }
    });
    send(&stage.client(), &options(&path, &["--retry-for", "1ms"]), true).await.unwrap_err();
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text + "{\"n\":1501}\n").unwrap();
    send(&stage.client(), &options(&path, &[]), true).await.unwrap();
    let (keys, bodies) = (stage.keys(), stage.bodies());
    assert_eq!(keys.len(), 4);
    assert_eq!((&keys[1], &bodies[1]), (&keys[2], &bodies[2]));
    assert_eq!(bodies[3], "{\"n\":1501}\n");
}

#[tokio::test]
async fn the_same_lines_under_another_name_are_another_sending() {
    let (_directory, path) = file(3);
    let stage = Stage::new(all_accepted);
    for run in [&["--restart"][..], &["--restart"], &["--run", "again"]] {
        send(&stage.client(), &options(&path, run), true).await.unwrap();
    }
    let keys = stage.keys();
    assert_eq!(keys[0], keys[1]);
    assert_ne!(keys[0], keys[2]);
}

#[tokio::test]
async fn a_busy_server_is_waited_for() {
    let (_directory, path) = file(3);
    let mut answers = 0;
    let stage = Stage::new(move |seen| {
        answers += 1;
        match answers {
            1 => Play::Answer(503, "retry-after: 0\r\n", "{\"detail\":\"the disk is full\"}".to_owned()),
            2 => Play::Vanish,
            _ => all_accepted(seen),
        }
    });
    assert_eq!(send(&stage.client(), &options(&path, &[]), true).await.unwrap(), Verdict::Well);
    let keys = stage.keys();
    assert_eq!((keys.len(), &keys[0]), (3, &keys[2]));
}

#[tokio::test]
async fn a_server_that_stays_busy_is_told() {
    let (_directory, path) = file(3);
    let stage = Stage::new(|_| {
        Play::Answer(503, "retry-after: 60\r\n", "{\"detail\":\"the disk is full\"}".to_owned())
    });
    let error = send(&stage.client(), &options(&path, &[]), true).await.unwrap_err().to_string();
    assert!(error.contains("503") && error.contains("the disk is full"), "{error}");
    assert!(error.contains("run the same command again"), "{error}");
    assert_eq!(stage.seen().len(), 1);
}

#[tokio::test]
async fn rejected_lines_are_told_by_their_number() {
    let (_directory, path) = file(0);
    std::fs::write(&path, "{}\n\n{\"bad\":1}\n{}\n").unwrap();
    let stage = Stage::new(|_| {
        let rejected = json!([{ "index": 1, "code": "missing_member", "detail": "no page" }]);
        answer(200, &json!({ "accepted": 2, "ids": [], "rejected": rejected }))
    });
    let verdict = send(&stage.client(), &options(&path, &[]), true).await.unwrap();
    assert_eq!(verdict, Verdict::Wrong);
    assert_eq!(stage.bodies()[0], "{}\n{\"bad\":1}\n{}\n");
}

#[tokio::test]
async fn lines_that_are_refused_together_are_sent_until_the_guilty_one_stands_alone() {
    let (_directory, path) = file(8);
    let stage = Stage::new(|seen| {
        if seen.body.contains("\"n\":6}") {
            answer(413, &json!({ "detail": "too large" }))
        } else {
            all_accepted(seen)
        }
    });
    let verdict = send(&stage.client(), &options(&path, &[]), true).await.unwrap();
    assert_eq!(verdict, Verdict::Wrong);
    let counts: Vec<usize> = stage.bodies().iter().map(|body| body.lines().count()).collect();
    assert_eq!(counts, [8, 4, 4, 2, 1, 1, 2]);
}

#[tokio::test]
async fn a_wrong_key_ends_it_at_once() {
    let (_directory, path) = file(3);
    let stage = Stage::new(|_| answer(401, &json!({})));
    let error = send(&stage.client(), &options(&path, &[]), true).await.unwrap_err().to_string();
    assert!(error.contains("does not admit the key \"app\""), "{error}");
    assert_eq!(stage.seen().len(), 1);
}

#[tokio::test]
async fn another_stream_has_another_address() {
    let (_directory, path) = file(1);
    let stage = Stage::new(all_accepted);
    let options = options(&path, &["--stream", "a/b", "--retry-for", "1s"]);
    assert_eq!(options.retry_for, Duration::from_secs(1));
    send(&stage.client(), &options, true).await.unwrap();
    assert_eq!(stage.seen()[0].line, "POST /v1/streams/a%2Fb/events HTTP/1.1");
}
