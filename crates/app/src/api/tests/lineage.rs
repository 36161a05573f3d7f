//! Telemetry in, traces and their pictures out.

use serde_json::{Value, json};
use weir_core::lineage::{LineageStore, TelemetryRecord};

use super::here::Here;

/// What the senders of a small trace tell. The clock of [`Here`] stands at the beginning of 2026.
pub const ORDER: [&str; 8] = [
    r#"{"type":"TRACE_START","trace":"order-77","user":"importer","createdAt":"2026-01-01T00:00:00Z"}"#,
    r#"{"type":"FILE_RECEIVE","trace":"order-77","key":"file:in-1.csv","createdAt":"2026-01-01T00:00:01Z","attrs":{"name":"in-1.csv","bytes":120}}"#,
    r#"{"type":"DROP","trace":"order-77","key":"file:in-2.csv","reason":"header missing","createdAt":"2026-01-01T00:00:02Z"}"#,
    r#"{"type":"DERIVE","trace":"order-77","parents":["file:in-1.csv"],"children":["data:row-1","data:row-2"],"attrs":{"operation":"parse"},"createdAt":"2026-01-01T00:00:03Z"}"#,
    r#"{"type":"LOG","trace":"order-77","key":"file:in-2.csv","attrs":{"level":"warn","message":"no header"},"createdAt":"2026-01-01T00:00:04Z"}"#,
    r#"{"type":"DB_WRITE","trace":"order-77","key":"data:row-1","attrs":{"database":"sales","table":"orders"},"createdAt":"2026-01-01T00:00:05Z"}"#,
    r#"{"type":"DERIVE","trace":"order-77","parents":["data:row-2"],"children":["file:out.csv"],"attrs":{"operation":"export"},"createdAt":"2026-01-01T00:00:06Z"}"#,
    r#"{"type":"TRACE_END","trace":"order-77","createdAt":"2026-01-01T00:00:07Z"}"#,
];

/// An API that knows what these records tell.
pub async fn told(records: &[&str]) -> Here {
    let here = Here::new().await;
    let records = records.iter().map(|record| TelemetryRecord::read(record).unwrap().sent_by("app"));
    here.lineage.join(records.collect()).await.unwrap();
    here
}

/// The keys of a list of nodes.
pub fn keys(nodes: &Value) -> Vec<&str> {
    nodes.as_array().unwrap().iter().map(|node| node["key"].as_str().unwrap()).collect()
}

/// The node of this key in a picture.
fn node<'a>(graph: &'a Value, key: &str) -> &'a Value {
    graph["nodes"].as_array().unwrap().iter().find(|node| node["key"] == key).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_record_an_array_and_lines_are_taken_and_the_bad_ones_are_told_by_index() {
    let here = Here::new().await;
    assert_eq!(here.post("/v1/telemetry", ORDER[0]).await.json()["accepted"], 1);
    let array = format!("[{}, {{\"type\":\"NAP\"}}, {}]", ORDER[1], ORDER[2]);
    let answer = here.post("/v1/telemetry", array).await.json();
    assert_eq!((&answer["accepted"], &answer["rejected"][0]["index"]), (&json!(2), &json!(1)));
    assert_eq!(answer["rejected"][0]["code"], "unknown_type");
    let lines = [("content-type", "application/x-ndjson")];
    let answer = here.call("POST", "/v1/telemetry", &lines, ORDER[3..].join("\n")).await.json();
    assert_eq!(answer["accepted"], 5);

    let circle = r#"{"type":"DERIVE","trace":"t","createdAt":1,"parents":["a"],"children":["a"]}"#;
    let seen = here.post("/v1/telemetry", circle).await;
    assert_eq!((seen.status, seen.problem().as_str()), (422, "rejected"));
    assert_eq!(here.call_as_told("POST", "/v1/telemetry", &[], ORDER[0]).await.status, 401);
    assert_eq!(here.get("/v1/telemetry").await.status, 405);
    assert_eq!(here.accepted(), 8);
}

#[tokio::test(start_paused = true)]
async fn a_trace_is_told_with_its_figures_by_number_uuid_and_key() {
    let here = told(&ORDER).await;
    let by_key = here.get("/v1/traces/order-77").await.json();
    insta::assert_json_snapshot!(by_key);
    for name in ["id", "uuid"] {
        let path = format!("/v1/traces/{}", by_key[name].as_str().unwrap());
        assert_eq!(here.get(&path).await.json(), by_key);
    }
    assert_eq!(here.get("/v1/traces/order-78").await.problem(), "not-found");
    assert_eq!(here.get("/v1/traces/%ff").await.problem(), "bad-path");
}

#[tokio::test(start_paused = true)]
async fn a_trace_can_just_begin_with_a_key_of_its_own_or_an_issued_one() {
    let here = Here::new().await;
    let begun = here.post("/v1/traces", r#"{"key":"order-1","user":"importer"}"#).await;
    assert_eq!(begun.status, 201);
    let begun = begun.json();
    let trace = here.get("/v1/traces/order-1").await.json();
    assert_eq!((&begun["key"], &begun["id"], &begun["uuid"]), (&trace["key"], &trace["id"], &trace["uuid"]));
    assert_eq!((&trace["user"], &trace["records"]), (&json!("importer"), &json!(1)));
    assert_eq!(here.accepted(), 1, "its beginning is logged like every record");

    let again = here.post("/v1/traces", r#"{"key":"order-1"}"#).await;
    assert_eq!((again.status, again.json()), (200, begun));
    let issued = here.post("/v1/traces", "{}").await.json();
    let path = format!("/v1/traces/{}", issued["key"].as_str().unwrap());
    let trace = here.get(&path).await.json();
    assert_eq!((&trace["id"], &trace["user"]), (&issued["id"], &json!("app")));
    assert_eq!(here.accepted(), 2);

    for (body, status) in
        [("{\"key\":\"\"}", 422), ("{\"name\":1}", 422), ("{\"createdAt\":\"soon\"}", 422), ("[", 400)]
    {
        assert_eq!(here.post("/v1/traces", body).await.status, status, "{body}");
    }
    assert_eq!(here.call_as_told("POST", "/v1/traces", &[], "{}").await.status, 401);
}

#[tokio::test(start_paused = true)]
async fn gaps_in_a_senders_numbers_are_named() {
    let numbered = |seq: u64| format!(r#"{{"type":"TRACE_START","trace":"t","createdAt":1,"seq":{seq}}}"#);
    let records = [1, 2, 6].map(numbered);
    let here = told(&records.each_ref().map(String::as_str)).await;
    let missing = &here.get("/v1/traces/t").await.json()["missing"];
    assert_eq!(*missing, json!([{ "sender": "app", "from": 3, "to": 5 }]));
}

#[tokio::test(start_paused = true)]
async fn traces_are_listed_by_what_is_asked_of_them_in_pages() {
    let quiet = r#"{"type":"DROP","trace":"old","key":"file:a","createdAt":"2025-12-31T00:00:00Z"}"#;
    let open = r#"{"type":"TRACE_START","trace":"new","user":"Alice","createdAt":"2025-12-31T23:59:00Z"}"#;
    let here = told(&[&ORDER[..], &[quiet, open]].concat()).await;
    for (query, expected) in [
        ("", &["new", "old", "order-77"][..]),
        ("?state=ended", &["order-77"]),
        ("?state=quiet", &["old"]),
        ("?state=open", &["new"]),
        ("?has_drops=true", &["old", "order-77"]),
        ("?has_drops=false", &["new"]),
        ("?user=importer", &["order-77"]),
        ("?text=ALI", &["new"]),
        ("?from=2026-01-01T00:00:00Z", &["order-77"]),
        ("?to=2025-12-31T12:00:00Z", &["old"]),
        ("?limit=2", &["new", "old"]),
    ] {
        let page = here.get(&format!("/v1/traces{query}")).await.json();
        assert_eq!(keys(&page["items"]), expected, "{query}");
    }
    let first = here.get("/v1/traces?limit=2").await.json();
    let rest =
        here.get(&format!("/v1/traces?limit=2&cursor={}", first["next"].as_str().unwrap())).await.json();
    assert_eq!((keys(&rest["items"]), &rest["next"]), (vec!["order-77"], &Value::Null));
    for query in ["?state=tired", "?limit=0", "?cursor=x", "?usr=a", "?from=soon", "?has_drops=no"] {
        assert_eq!(here.get(&format!("/v1/traces{query}")).await.problem(), "bad-query", "{query}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_picture_has_every_node_with_its_fate_and_place_and_every_edge() {
    let here = told(&ORDER).await;
    let graph = here.get("/v1/traces/order-77/graph").await.json();
    insta::assert_json_snapshot!(graph);
    let place = |id: &Value| {
        let node = graph["nodes"].as_array().unwrap().iter().find(|node| node["id"] == *id).unwrap();
        node["x"].as_u64().unwrap()
    };
    for edge in graph["edges"].as_array().unwrap() {
        assert!(place(&edge["from"]) < place(&edge["to"]), "{edge}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_picture_can_be_of_what_lies_about_a_node_folded_or_in_its_canonical_form() {
    let here = told(&ORDER).await;
    let about = here.get("/v1/traces/order-77/graph?around=data:row-1&depth=1").await.json();
    assert_eq!(keys(&about["nodes"]), ["data:row-1", "db:sales.orders", "file:in-1.csv"]);

    let rows = r#"{"type":"DERIVE","trace":"t","createdAt":1,"parents":["file:a"],"children":["data:1","data:2","data:3"]}"#;
    let folded = told(&[rows]).await.get("/v1/traces/t/graph?collapse=true").await.json();
    assert_eq!(keys(&folded["nodes"]), ["data:1", "file:a"]);
    assert_eq!((&node(&folded, "data:1")["count"], &folded["edges"][0]["count"]), (&json!(3), &json!(3)));

    let canonical = here.get("/v1/traces/order-77/graph?canonical=true").await;
    let mut backwards = ORDER;
    backwards.reverse();
    let other = told(&[&backwards[..], &ORDER[2..5]].concat()).await;
    assert_eq!(other.get("/v1/traces/order-77/graph?canonical=true").await.body, canonical.body);
    for query in ["?depth=2", "?canonical=true&collapse=true", "?around=data:row-1&depth=-1", "?round=a"] {
        let seen = here.get(&format!("/v1/traces/order-77/graph{query}")).await;
        assert_eq!(seen.problem(), "bad-query", "{query}");
    }
    assert_eq!(here.get("/v1/traces/order-77/graph?around=data:9").await.problem(), "not-found");
    assert_eq!(here.get("/v1/traces/order-78/graph").await.problem(), "not-found");
}

#[tokio::test(start_paused = true)]
async fn circles_are_drawn_and_marked() {
    let derive = |from: &str, to: &str| {
        format!(r#"{{"type":"DERIVE","trace":"t","createdAt":1,"parents":["{from}"],"children":["{to}"]}}"#)
    };
    let records = [derive("data:a", "data:b"), derive("data:b", "data:a"), derive("data:b", "data:c")];
    let here = told(&records.each_ref().map(String::as_str)).await;
    let graph = here.get("/v1/traces/t/graph").await.json();
    let marked = graph["edges"].as_array().unwrap().iter().map(|edge| edge["cycle"].as_bool().unwrap());
    assert_eq!(marked.collect::<Vec<_>>(), [true, true, false]);
    let upstream = here.get("/v1/nodes/data:c/upstream").await.json();
    assert_eq!(keys(&upstream["nodes"]), ["data:b", "data:a"]);
}

#[tokio::test(start_paused = true)]
async fn a_file_or_datum_without_a_user_has_its_traces_once_that_is_known_and_is_marked() {
    let own = r#"{"type":"FILE_RECEIVE","trace":"t","key":"file:own","user":"somebody","createdAt":2}"#;
    let none =
        r#"{"type":"DERIVE","trace":"t","parents":["file:own"],"children":["data:none"],"createdAt":3}"#;
    let start = r#"{"type":"TRACE_START","trace":"t","user":"importer","createdAt":1}"#;
    // The trace's word comes last, and late.
    let here = told(&[own, none]).await;
    let graph = here.get("/v1/traces/t/graph").await.json();
    assert_eq!(
        node(&graph, "data:none")["user"],
        "somebody",
        "a trace always has a user: whom its records name"
    );
    let start = TelemetryRecord::read(start).unwrap().sent_by("app");
    here.lineage.join(vec![start]).await.unwrap();
    let graph = here.get("/v1/traces/t/graph").await.json();
    let told = |key| [&node(&graph, key)["user"], &node(&graph, key)["user_of_trace"]];
    assert_eq!(told("data:none"), [&json!("importer"), &json!(true)]);
    assert_eq!(told("file:own"), [&json!("somebody"), &Value::Null]);
}
