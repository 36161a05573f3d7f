//! A key through all its traces, and the log lines of a trace.

use serde_json::{Value, json};

use super::here::Here;
use super::lineage::{ORDER, told};

const AGAIN: [&str; 3] = [
    r#"{"type":"TRACE_START","trace":"order-78","user":"Bob","createdAt":"2026-01-01T00:01:00Z"}"#,
    r#"{"type":"DROP","trace":"order-78","key":"file:in-1.csv","reason":"known","createdAt":"2026-01-01T00:01:01Z"}"#,
    r#"{"type":"DERIVE","trace":"order-79","parents":["file:mail"],"children":["file:in-1.csv"],"createdAt":"2026-01-01T00:02:00Z"}"#,
];

#[tokio::test(start_paused = true)]
async fn a_key_is_followed_through_every_trace_that_has_it() {
    let here = told(&[&ORDER[..], &AGAIN].concat()).await;
    let journey = here.get("/v1/files/file:in-1.csv/journey").await.json();
    let told = |stop: &Value| {
        let count = |name: &str| stop[name].as_u64().unwrap();
        let texts =
            [&stop["trace"]["key"], &stop["trace"]["user"], &stop["node"]["state"], &stop["node"]["reason"]];
        json!([texts, count("upstream"), count("downstream"), stop["databases"]])
    };
    let stops: Vec<Value> = journey["items"].as_array().unwrap().iter().map(told).collect();
    let expected = json!([
        [["order-77", "importer", "became", null], 0, 4, ["db:sales.orders"]],
        [["order-78", "Bob", "dropped", "known"], 0, 0, []],
        [["order-79", "app", "open", null], 1, 0, []],
    ]);
    assert_eq!((json!(stops), &journey["next"]), (expected, &Value::Null));
    assert_eq!(journey["items"][0]["node"]["times"]["received"], "2026-01-01T00:00:01.000000Z");
    assert_eq!(journey["items"][0]["more"], false);
}

#[tokio::test(start_paused = true)]
async fn a_journey_comes_in_pages_and_a_key_that_nobody_named_has_none() {
    let here = told(&[&ORDER[..], &AGAIN].concat()).await;
    let (mut traces, mut query) = (Vec::new(), "?limit=2".to_owned());
    loop {
        let page = here.get(&format!("/v1/files/file:in-1.csv/journey{query}")).await.json();
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 2);
        traces.extend(items.iter().map(|stop| stop["trace"]["key"].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        query = format!("?limit=2&cursor={next}");
    }
    assert_eq!(traces, ["order-77", "order-78", "order-79"]);
    let unknown = here.get("/v1/files/file:in-9.csv/journey").await;
    assert_eq!((unknown.status, unknown.problem().as_str()), (404, "not-found"));
    assert_eq!(here.get("/v1/files/a/journey?depth=1").await.problem(), "bad-query");
}

/// Log lines of two nodes and of the trace itself.
async fn logged() -> Here {
    let line = |n: u64, level: &str, key: &str| {
        format!(
            r#"{{"type":"LOG","trace":"t","createdAt":{n},{key}"attrs":{{"level":"{level}","message":"line {n}"}}}}"#
        )
    };
    let (a, b) = (r#""key":"data:a","#, r#""key":"data:b","#);
    let lines =
        (1..=30).map(|n| line(n, ["info", "WARN", "error"][n as usize % 3], [a, b, ""][n as usize / 11]));
    let drop = r#"{"type":"DROP","trace":"t","createdAt":5,"key":"data:a"}"#.to_owned();
    let records: Vec<String> = lines.chain([drop]).collect();
    told(&records.iter().map(String::as_str).collect::<Vec<_>>()).await
}

/// The lines of all pages, and how many pages there were.
async fn pages(here: &Here, query: &str) -> (Vec<String>, usize) {
    let (mut lines, mut count, mut path) = (Vec::new(), 0, format!("/v1/traces/t/logs?{query}"));
    loop {
        let seen = here.get(&path).await;
        assert_eq!((seen.status, seen.header("content-type")), (200, Some("application/x-ndjson")));
        lines.extend(seen.text().lines().map(|line| {
            let record: Value = serde_json::from_str(line).unwrap();
            record["attrs"]["message"].as_str().unwrap().to_owned()
        }));
        count += 1;
        let Some(link) = seen.header("link") else { return (lines, count) };
        let next = link.strip_prefix('<').and_then(|rest| rest.strip_suffix(">; rel=\"next\""));
        path = next.unwrap().to_owned();
    }
}

#[tokio::test(start_paused = true)]
async fn the_log_lines_of_a_trace_come_in_order_page_by_page() {
    let here = logged().await;
    let expected: Vec<String> = (1..=30).map(|n| format!("line {n}")).collect();
    assert_eq!(pages(&here, "").await, (expected.clone(), 1));
    assert_eq!(pages(&here, "limit=7").await, (expected, 5));
}

#[tokio::test(start_paused = true)]
async fn log_lines_are_chosen_by_node_and_by_level() {
    let here = logged().await;
    let (of_a, _) = pages(&here, "key=data:a&limit=3").await;
    assert_eq!(of_a, (1..=10).map(|n| format!("line {n}")).collect::<Vec<_>>());
    let (warnings, _) = pages(&here, "level=warn&limit=4").await;
    assert_eq!(warnings, (0..10).map(|n| format!("line {}", 3 * n + 1)).collect::<Vec<_>>());
    let (both, _) = pages(&here, "key=data:a&level=error").await;
    assert_eq!(both, ["line 2", "line 5", "line 8"]);
    assert!(pages(&here, "level=debug").await.0.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_with_a_question_for_log_lines_is_told() {
    let here = logged().await;
    assert_eq!(here.get("/v1/traces/unknown/logs").await.problem(), "not-found");
    assert_eq!(here.get("/v1/traces/t/logs?key=data:c").await.problem(), "not-found");
    for query in ["limit=0", "cursor=%20", "node=a"] {
        assert_eq!(here.get(&format!("/v1/traces/t/logs?{query}")).await.problem(), "bad-query", "{query}");
    }
    assert_eq!(here.call_as_told("GET", "/v1/traces/t/logs", &[], "").await.status, 401);
}
