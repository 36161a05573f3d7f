//! What the store answers, and what comes of it for the batch and for each event.

use std::time::Duration;

use serde_json::{Value, json};
use weir_core::sink::{Exception, Receipt, Refusal, Sink, SinkError, Verdict};
use weir_core::testkit::sink::batch;
use weir_sinks::opensearch::{OpenSearchSettings, OpenSearchSink};

use crate::opensearch::double::{Double, Received, Reply};
use crate::opensearch::events;

async fn deliver(
    count: u64,
    respond: impl Fn(&Received) -> Reply + Send + Sync + 'static,
) -> Result<Receipt, SinkError> {
    let double = Double::of_bulk(respond).await;
    let sink = OpenSearchSink::start(double.settings()).unwrap();
    sink.deliver(&batch("p", events(0..count))).await
}

fn error(kind: &str, reason: &str) -> Option<Value> {
    Some(json!({ "type": kind, "reason": reason }))
}

fn retried(result: Result<Receipt, SinkError>) -> (String, Option<Duration>) {
    match result {
        Err(SinkError::Retry { cause, after }) => (format!("{cause:#}"), after),
        other => panic!("to be tried again, not {other:?}"),
    }
}

fn blocked(result: Result<Receipt, SinkError>) -> String {
    match result {
        Err(SinkError::Blocked { cause }) => format!("{cause:#}"),
        other => panic!("somebody has to mend this, not {other:?}"),
    }
}

#[tokio::test]
async fn every_event_is_judged_by_its_own_item() {
    let receipt = deliver(8, |request| {
        Reply::items(request, |place| match place {
            1 => (409, error("version_conflict_engine_exception", "document already exists")),
            2 => (400, error("mapper_parsing_exception", "failed to parse")),
            3 => (429, error("opensearch_rejected_execution_exception", "queue full")),
            4 => (503, error("unavailable_shards_exception", "primary shard is not active")),
            5 => (404, error("index_not_found_exception", "no such index [x]")),
            6 => (403, error("cluster_block_exception", "index is read-only")),
            _ => (201, None),
        })
    });
    let retry = |index, words: &str| Exception { index, verdict: Verdict::Retry(words.to_owned()) };
    let refused =
        Refusal { reason: "mapper_parsing_exception".to_owned(), detail: "failed to parse".to_owned() };
    let exceptions = vec![
        Exception { index: 2, verdict: Verdict::Refused(refused) },
        retry(3, "opensearch_rejected_execution_exception: queue full"),
        retry(4, "unavailable_shards_exception: primary shard is not active"),
        retry(5, "index_not_found_exception: no such index [x]"),
        retry(6, "cluster_block_exception: index is read-only"),
    ];
    assert_eq!(receipt.await.unwrap(), Receipt { duplicates: 1, exceptions, ..Receipt::default() });
}

#[tokio::test]
async fn the_cause_of_a_refusal_is_told_in_the_stores_own_words() {
    let cause = json!({
        "type": "mapper_parsing_exception", "reason": "failed to parse",
        "caused_by": { "type": "json_parse_exception", "reason": "Duplicate field 'a'" }
    });
    let receipt =
        deliver(1, move |request| Reply::items(request, |_| (400, Some(cause.clone())))).await.unwrap();
    let Verdict::Refused(refusal) = &receipt.exceptions[0].verdict else { panic!("{receipt:?}") };
    assert_eq!(refusal.detail, "failed to parse (json_parse_exception: Duplicate field 'a')");
}

#[tokio::test]
async fn an_answer_of_elasticsearch_is_read_the_same() {
    let receipt = deliver(3, |request| {
        let ids: Vec<_> = request.documents().iter().map(|(action, _)| action["_id"].clone()).collect();
        Reply::json(
            200,
            &json!({ "errors": true, "took": 4, "ingest_took": 0, "items": [
            { "create": { "_index": "i", "_type": "_doc", "_id": ids[0], "_version": 1, "result": "created", "_seq_no": 0, "status": 201 } },
            { "create": { "_index": "i", "_id": ids[1], "status": 400, "error": { "type": "document_parsing_exception", "reason": "[1:9] x" } } },
            { "create": { "_index": "i", "_id": ids[2], "status": 409, "failure_store": "not_applicable_or_unknown",
                "error": { "type": "version_conflict_engine_exception", "reason": "r", "index_uuid": "u", "shard": "0", "index": "i" } } },
        ] }),
        )
    });
    let receipt = receipt.await.unwrap();
    assert_eq!((receipt.duplicates, receipt.exceptions.len(), receipt.exceptions[0].index), (1, 1, 1));
}

#[tokio::test]
async fn where_no_event_could_be_stored_for_want_of_room_the_batch_comes_again_whole() {
    let busy = |request: &Received| {
        Reply::items(request, |_| (429, error("circuit_breaking_exception", "data too large")))
    };
    assert!(retried(deliver(5, busy).await).0.contains("circuit_breaking_exception: data too large"));
}

#[tokio::test]
async fn a_store_whose_disk_is_full_gets_the_events_again_once_there_is_room() {
    let closed = "index [x] blocked by: [TOO_MANY_REQUESTS/12/disk usage exceeded flood-stage watermark];";
    for (status, kind, reason) in [
        (429, "cluster_block_exception", closed),
        (500, "i_o_exception", "No space left on device"),
        (404, "shard_not_found_exception", "no such shard"),
        (404, "illegal_index_shard_state_exception", "CurrentState[CLOSED]"),
        (503, "unavailable_shards_exception", "primary shard is not active"),
    ] {
        let full = move |request: &Received| Reply::items(request, |_| (status, error(kind, reason)));
        let (told, _) = retried(deliver(2, full).await);
        assert!(told.contains(&format!("{kind}: {reason}")), "{told}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_the_store_is_never_put_on_the_events() {
    for (status, kind) in [
        (404, "index_not_found_exception"),
        (403, "security_exception"),
        (403, "cluster_block_exception"),
        (400, "validation_exception"),
        (400, "index_closed_exception"),
        (400, "invalid_index_name_exception"),
        (401, "anything"),
    ] {
        let told =
            blocked(deliver(2, move |request| Reply::items(request, |_| (status, error(kind, "why")))).await);
        assert!(told.contains(&format!("{kind}: why")), "{told}");
    }
}

#[tokio::test]
async fn an_answer_that_does_not_name_every_event_is_no_answer() {
    type Broken = fn(&Received) -> Reply;
    let broken: [Broken; 9] = [
        |_| Reply::json(200, &json!({ "errors": false, "items": [] })),
        |_| Reply::json(200, &json!({ "errors": false })),
        |_| Reply::json(200, &json!({})),
        |_| Reply::new(200, ""),
        |_| Reply::new(200, "<html>Welcome to the hotel</html>"),
        |request| Reply { cut_after_bytes: Some(99), ..Reply::all_stored(request) },
        |request| Reply {
            body: Reply::all_stored(request).body[..99].to_owned(),
            ..Reply::all_stored(request)
        },
        |request| Reply {
            body: Reply::all_stored(request).body.replace("create", "index"),
            ..Reply::all_stored(request)
        },
        |request| {
            let mut answer: Value = serde_json::from_str(&Reply::all_stored(request).body).unwrap();
            answer["items"].as_array_mut().unwrap().swap(0, 1);
            Reply::json(200, &answer)
        },
    ];
    for respond in broken {
        retried(deliver(3, respond).await);
    }
    retried(deliver(3, |request| Reply::items(request, |_| (0, None))).await);
}

#[tokio::test]
async fn a_store_that_is_busy_says_when_to_come_back() {
    for status in [408, 429, 500, 502, 503, 504] {
        let later = move |_: &Received| Reply {
            headers: vec![("retry-after", "7".to_owned())],
            ..Reply::new(status, "later")
        };
        let (told, after) = retried(deliver(1, later).await);
        assert!(told.contains(&format!("answered {status}: later")), "{told}");
        assert_eq!(after, Some(Duration::from_secs(7)));
    }
    assert_eq!(retried(deliver(1, |_| Reply::new(503, "")).await).1, None);
}

#[tokio::test]
async fn credentials_rights_and_addresses_are_for_a_person_to_mend() {
    for (status, remedy) in [
        (401, "credentials are missing or wrong"),
        (403, "give the credential the right"),
        (404, "whether the address is right"),
        (302, "whether the address is right"),
        (405, "whether the address is right"),
    ] {
        let told = blocked(deliver(1, move |_| Reply::error(status, "security_exception", "no")).await);
        assert!(told.contains(remedy) && told.contains("security_exception: no"), "{told}");
    }
    let read_only = |_: &Received| Reply::error(403, "cluster_block_exception", "cluster read-only (api)");
    assert!(blocked(deliver(1, read_only).await).contains("take back what blocks"));
}

#[tokio::test]
async fn a_batch_that_is_too_large_or_not_understood_is_refused_whole() {
    let refused = |result| match result {
        Err(SinkError::Refused(refusal)) => refusal.reason,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(deliver(2, |_| Reply::new(413, "<html>nginx</html>")).await), "too_large");
    let malformed = |_: &Received| Reply::error(400, "illegal_argument_exception", "Malformed action");
    assert_eq!(refused(deliver(2, malformed).await), "illegal_argument_exception");
}

#[tokio::test]
async fn a_400_that_is_not_the_stores_own_makes_no_dead_letters() {
    let proxy = |_: &Received| Reply::new(400, "The plain HTTP request was sent to HTTPS port");
    assert!(blocked(deliver(2, proxy).await).contains("plain HTTP request"));
}

#[tokio::test]
async fn a_store_that_is_silent_is_given_up_in_time() {
    let double = Double::of_bulk(|_| Reply { silent: true, ..Reply::new(200, "") }).await;
    let settings = OpenSearchSettings { request_timeout: Duration::from_millis(100), ..double.settings() };
    let sink = OpenSearchSink::start(settings).unwrap();
    assert!(retried(sink.deliver(&batch("p", events(0..1))).await).0.contains("did not answer within 100ms"));
}

#[tokio::test]
async fn a_store_that_is_away_is_tried_again() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let settings = OpenSearchSettings::new(format!("http://u:s3cret@127.0.0.1:{port}"));
    let sink = OpenSearchSink::start(settings).unwrap();
    let (told, _) = retried(sink.deliver(&batch("p", events(0..1))).await);
    assert!(told.contains("is away") && !told.contains("s3cret"), "{told}");
}
