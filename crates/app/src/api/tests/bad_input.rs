//! A table of what clients send by mistake or in bad faith, and what they are told.

use std::fmt::Write;

use super::bad_input_cases::{Case, cases};
use super::here::Here;

async fn answer(case: &Case) -> (u16, String) {
    let here = Here::new().await;
    let headers: Vec<(&str, &str)> =
        case.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let seen = match case.with_key {
        true => here.call(case.method, case.path, &headers, case.body.clone()).await,
        false => here.call_as_told(case.method, case.path, &headers, case.body.clone()).await,
    };
    let accepted = seen.status == 200;
    assert_eq!(here.accepted() > 0, accepted, "{}: acknowledged and on disk must be the same", case.name);
    for secret in [super::here::KEY, super::here::JWT_SECRET] {
        assert!(!seen.text().contains(secret), "{}: the answer shows a secret", case.name);
    }
    // Ids are new in every run of the table; everything else is the same.
    let text = if accepted { "accepted".to_owned() } else { seen.text() };
    (seen.status, text)
}

#[tokio::test(start_paused = true)]
async fn each_is_told_what_is_wrong_and_none_is_a_server_error() {
    let cases = cases();
    assert!(cases.len() >= 60, "{} cases", cases.len());
    let mut told = String::new();
    for case in &cases {
        let (status, text) = answer(case).await;
        assert!(status < 500, "{}: {status} {text}", case.name);
        let _ = writeln!(told, "{}\n    {status} {text}", case.name);
    }
    insta::assert_snapshot!(told);
}
