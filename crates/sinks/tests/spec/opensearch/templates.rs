//! The index template: there before the first document, asked for once, and nobody's newer one is touched.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use weir_core::sink::{Receipt, Sink, SinkError};
use weir_core::testkit::sink::batch;
use weir_sinks::opensearch::{OpenSearchSettings, OpenSearchSink};

use crate::opensearch::double::{Double, Received, Reply};
use crate::opensearch::events;

/// A store of this version, in which the template has the version that is given, if any.
async fn store(version: Value, installed: Option<Value>) -> Double {
    Double::start(move |request| match (request.method.as_str(), request.path.as_str()) {
        ("GET", "/") => Reply::json(200, &json!({ "version": version })),
        ("GET", path) => match (&installed, path.strip_prefix("/_template/")) {
            (None, _) => Reply::json(404, &json!({})),
            (Some(version), Some(name)) => Reply::json(200, &json!({ name: { "version": version } })),
            (Some(version), None) => Reply::json(
                200,
                &json!({ "index_templates": [{ "index_template": { "version": version } }] }),
            ),
        },
        ("PUT", _) => Reply::json(200, &json!({ "acknowledged": true })),
        _ => Reply::all_stored(request),
    })
    .await
}

fn opensearch(number: &str) -> Value {
    json!({ "number": number, "distribution": "opensearch" })
}

async fn put_by(double: &Double) -> Vec<Received> {
    let sink = OpenSearchSink::start(double.settings()).unwrap();
    sink.check().await.unwrap();
    double.received_by("PUT")
}

fn order(double: &Double) -> Vec<String> {
    double.received().iter().map(|request| format!("{} {}", request.method, request.path)).collect()
}

#[tokio::test]
async fn the_template_is_there_before_the_first_document_and_asked_for_once() {
    let double = store(opensearch("2.19.1"), None).await;
    let sink = OpenSearchSink::start(double.settings()).unwrap();
    for part in [0..1, 1..2] {
        assert_eq!(sink.deliver(&batch("p", events(part))).await.unwrap(), Receipt::default());
    }
    let name = "/_index_template/weir-events_test";
    let expected = [
        "GET /".to_owned(),
        format!("GET {name}"),
        format!("PUT {name}"),
        "POST /_bulk".to_owned(),
        "POST /_bulk".to_owned(),
    ];
    assert_eq!(order(&double), expected);
}

#[tokio::test]
async fn each_stream_has_a_template_of_its_own_that_takes_in_nobody_elses_indices() {
    let double = store(opensearch("2.19.1"), None).await;
    let sink = OpenSearchSink::start(double.settings()).unwrap();
    let mut records = events(0..2);
    records[1].stream = weir_core::event::Stream::new("Actions").unwrap();
    sink.deliver(&batch("p", records)).await.unwrap();
    let patterns: Vec<_> =
        double.received_by("PUT").iter().map(|put| put.json()["index_patterns"].clone()).collect();
    assert_eq!(patterns, [json!(["actions_test_*-*"]), json!(["events_test_*-*"])]);
}

#[tokio::test]
async fn objects_are_mapped_as_the_store_can_search_them() {
    for (version, searched) in [
        (opensearch("3.1.0"), json!({ "type": "flat_object" })),
        (opensearch("2.17.1"), json!({ "type": "object", "enabled": false })),
        (
            json!({ "number": "8.15.0" }),
            json!({ "type": "flattened", "ignore_above": 8191, "depth_limit": 100 }),
        ),
    ] {
        let put = put_by(&store(version, None).await).await.remove(0).json();
        let properties = &put["template"]["mappings"]["properties"];
        assert_eq!(properties["extra"], searched);
        assert_eq!(properties["event_info"]["properties"]["param"], searched);
        assert_eq!(put["template"]["mappings"]["dynamic"], json!(false));
    }
}

#[tokio::test]
async fn an_elasticsearch_that_knows_no_composable_templates_gets_the_older_kind() {
    let double = store(json!({ "number": "7.7.0" }), Some(json!(0))).await;
    let put = put_by(&double).await.remove(0);
    assert_eq!(put.path, "/_template/weir-events_test");
    assert_eq!(put.json()["mappings"]["properties"]["occurred_at"]["type"], "date");
}

#[tokio::test]
async fn an_older_template_is_replaced_and_an_equal_newer_or_foreign_one_is_left() {
    for (installed, puts) in [(json!(0), 1), (json!(1), 0), (json!(99), 0), (Value::Null, 0)] {
        for version in [opensearch("2.19.1"), json!({ "number": "7.7.0" })] {
            let put = put_by(&store(version, Some(installed.clone())).await).await;
            assert_eq!(put.len(), puts, "{installed}");
        }
    }
}

#[tokio::test]
async fn where_the_type_for_objects_is_not_licensed_the_simplest_mapping_will_do() {
    let double = Double::start(|request| match (request.method.as_str(), request.path.as_str()) {
        ("GET", "/") => Reply::json(200, &json!({ "version": { "number": "7.10.2" } })),
        ("GET", _) => Reply::json(404, &json!({})),
        _ if request.json().to_string().contains("flattened") => {
            Reply::error(400, "mapper_parsing_exception", "No handler for type [flattened]")
        }
        _ => Reply::json(200, &json!({})),
    });
    let put = put_by(&double.await).await;
    assert_eq!(put.len(), 2);
    assert_eq!(put[1].json()["template"]["mappings"]["properties"]["extra"]["enabled"], json!(false));
}

#[tokio::test]
async fn a_store_that_tells_nobody_what_it_is_is_served_all_the_same() {
    let double = Double::start(|request| match (request.method.as_str(), request.path.as_str()) {
        ("GET", "/") => Reply::new(403, "no"),
        ("GET", _) => Reply::new(404, ""),
        _ => Reply::json(200, &json!({})),
    });
    assert_eq!(put_by(&double.await).await.len(), 1);
}

#[tokio::test]
async fn nothing_is_delivered_until_the_template_is_there() {
    let mended = Arc::new(AtomicBool::new(false));
    let open = mended.clone();
    let double = Double::start(move |request| match (request.method.as_str(), request.path.as_str()) {
        ("PUT", _) if !open.load(Ordering::SeqCst) => {
            Reply::error(400, "illegal_argument_exception", "same priority")
        }
        ("GET", "/") => Reply::json(200, &json!({ "version": opensearch("2.19.1") })),
        ("GET", _) => Reply::json(404, &json!({})),
        ("PUT", _) => Reply::json(200, &json!({})),
        _ => Reply::all_stored(request),
    })
    .await;
    let sink = OpenSearchSink::start(double.settings()).unwrap();
    let batch = batch("p", events(0..1));
    for result in [sink.check().await, sink.deliver(&batch).await.map(drop)] {
        let Err(SinkError::Blocked { cause }) = result else { panic!("{result:?}") };
        let told = cause.to_string();
        assert!(told.contains("same priority") && told.contains("switch `template_install` off"), "{told}");
    }
    assert!(double.received_by("POST").is_empty());
    mended.store(true, Ordering::SeqCst);
    assert_eq!(sink.deliver(&batch).await.unwrap(), Receipt::default());
}

#[tokio::test]
async fn of_deliveries_that_begin_together_one_installs_and_all_wait_for_it() {
    let double = store(opensearch("2.19.1"), None).await;
    let sink = OpenSearchSink::start(double.settings()).unwrap();
    let batches: Vec<_> = (0..10).map(|n| batch("p", events(n..n + 1))).collect();
    let all = futures::future::join_all(batches.iter().map(|batch| sink.deliver(batch))).await;
    assert!(all.iter().all(Result::is_ok), "{all:?}");
    assert_eq!(double.received_by("PUT").len(), 1);
    assert!(order(&double)[2].starts_with("PUT"));
}

#[tokio::test]
async fn switched_off_no_template_is_asked_for_and_a_check_only_looks_whether_the_store_is_there() {
    let double = store(opensearch("2.19.1"), None).await;
    let settings = OpenSearchSettings { template_install: false, ..double.settings() };
    let sink = OpenSearchSink::start(settings).unwrap();
    sink.check().await.unwrap();
    sink.deliver(&batch("p", events(0..1))).await.unwrap();
    assert_eq!(order(&double), ["GET /", "POST /_bulk"]);
}

#[tokio::test]
async fn a_check_tells_wrong_credentials_and_a_store_that_is_away() {
    for install in [true, false] {
        let double =
            Double::start(|_| Reply::error(401, "security_exception", "missing authentication credentials"))
                .await;
        let settings = OpenSearchSettings { template_install: install, ..double.settings() };
        let sink = OpenSearchSink::start(settings).unwrap();
        assert!(matches!(sink.check().await, Err(SinkError::Blocked { .. })));
        let double = Double::start(|_| Reply::new(503, "starting")).await;
        let settings = OpenSearchSettings { template_install: install, ..double.settings() };
        assert!(matches!(
            OpenSearchSink::start(settings).unwrap().check().await,
            Err(SinkError::Retry { .. })
        ));
    }
}
