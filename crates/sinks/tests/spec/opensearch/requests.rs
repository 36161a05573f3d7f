//! What is sent: to which address, with which credentials, in which form.

use std::io::Read;

use bytes::Bytes;
use serde_json::json;
use weir_core::sink::{Receipt, Sink, Verdict};
use weir_core::testkit::sink::batch;
use weir_core::time::Timestamp;
use weir_sinks::opensearch::{Credentials, OpenSearchSettings, OpenSearchSink};

use crate::opensearch::double::{Double, Received, Reply};
use crate::opensearch::events;

async fn sent(change: impl FnOnce(&mut OpenSearchSettings)) -> Vec<Received> {
    let double = Double::start(|request| match request.path.as_str() {
        path if path.ends_with("/_bulk") => {
            let plain = Received { body: unpacked(request), ..request.clone() };
            Reply::all_stored(&plain)
        }
        _ => Reply::json(200, &json!({ "version": { "number": "2.19.1", "distribution": "opensearch" } })),
    })
    .await;
    let mut settings = OpenSearchSettings { template_install: false, ..double.settings() };
    change(&mut settings);
    let sink = OpenSearchSink::start(settings).unwrap();
    assert_eq!(sink.deliver(&batch("p", events(0..3))).await.unwrap(), Receipt::default());
    double.received()
}

fn unpacked(request: &Received) -> Bytes {
    if request.header("content-encoding") != Some("gzip") {
        return request.body.clone();
    }
    let mut body = Vec::new();
    flate2::read::GzDecoder::new(request.body.as_ref()).read_to_end(&mut body).unwrap();
    body.into()
}

#[tokio::test]
async fn a_batch_is_one_request_that_creates_each_document_under_its_events_id() {
    let requests = sent(|_| {}).await;
    let [request] = requests.as_slice() else { panic!("{requests:?}") };
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/_bulk"));
    assert_eq!(request.header("content-type"), Some("application/x-ndjson"));
    assert_eq!(request.header("authorization"), None);
    let documents = request.documents();
    assert_eq!(documents.len(), 3);
    for ((action, document), record) in documents.iter().zip(events(0..3)) {
        let expected = json!({ "_index": "events_test_1970-01", "_id": record.event.id.to_string() });
        assert_eq!(*action, expected);
        assert_eq!(document["event_info"]["page"], format!("/{}", record.offset));
    }
}

#[tokio::test]
async fn a_path_before_the_stores_own_is_kept() {
    for path in ["/search/eu", "/search/eu/"] {
        let requests = sent(|settings| settings.url.push_str(path)).await;
        assert_eq!(requests[0].path, "/search/eu/_bulk");
    }
}

#[tokio::test]
async fn credentials_go_into_the_header_and_nowhere_else() {
    let basic = "Basic dXNAZXI6cDp3"; // us@er:p:w
    let requests = sent(|settings| settings.url = settings.url.replace("://", "://us%40er:p%3Aw@")).await;
    assert_eq!(requests[0].header("authorization"), Some(basic));
    assert!(
        !requests[0].path.contains("er")
            && requests[0].header("host").is_some_and(|host| !host.contains('@'))
    );

    let credentials = Credentials::Basic { user: "us@er".to_owned(), password: "p:w".to_owned() };
    let requests = sent(|settings| settings.credentials = Some(credentials)).await;
    assert_eq!(requests[0].header("authorization"), Some(basic));

    let requests = sent(|settings| settings.credentials = Some(Credentials::ApiKey("a2V5".to_owned()))).await;
    assert_eq!(requests[0].header("authorization"), Some("ApiKey a2V5"));
}

#[tokio::test]
async fn settings_that_contradict_or_cannot_be_sent_are_told_at_once() {
    let key = |text: &str| Some(Credentials::ApiKey(text.to_owned()));
    for settings in [
        OpenSearchSettings { credentials: key("k"), ..OpenSearchSettings::new("http://u:s3cret@h") },
        OpenSearchSettings { credentials: key("s3cret\n"), ..OpenSearchSettings::new("http://h") },
        OpenSearchSettings { index: "{nonsense}".to_owned(), ..OpenSearchSettings::new("http://h") },
        OpenSearchSettings::new("file:///etc/passwd"),
        OpenSearchSettings::new(""),
    ] {
        let Err(error) = OpenSearchSink::start(settings) else { panic!("it should not start") };
        assert!(!error.to_string().contains("s3cret"), "{error}");
    }
}

#[tokio::test]
async fn bodies_are_compressed_if_so_set() {
    let requests = sent(|settings| settings.compress = true).await;
    assert_eq!(requests[0].header("content-encoding"), Some("gzip"));
    assert_eq!(Received { body: unpacked(&requests[0]), ..requests[0].clone() }.documents().len(), 3);
}

#[tokio::test]
async fn the_index_follows_from_the_month_of_receipt_and_not_from_the_clients_time() {
    let double = Double::of_bulk(Reply::all_stored).await;
    let sink = OpenSearchSink::start(double.settings()).unwrap();
    let mut records = events(0..2);
    records[0].received_at = Timestamp::parse("2026-10-31T23:59:59.999999Z").unwrap();
    records[1].received_at = Timestamp::parse("2026-11-01T00:00:00Z").unwrap();
    records[1].event.occurred_at = Timestamp::parse("1999-01-01T00:00:00Z").unwrap();
    sink.deliver(&batch("p", records)).await.unwrap();
    let bulk = &double.received_by("POST")[0];
    let indices: Vec<_> = bulk.documents().iter().map(|(action, _)| action["_index"].clone()).collect();
    assert_eq!(indices, ["events_test_2026-10", "events_test_2026-11"]);
}

#[tokio::test]
async fn an_event_that_is_no_object_is_refused_here_and_never_sent() {
    let double = Double::of_bulk(Reply::all_stored).await;
    let sink = OpenSearchSink::start(double.settings()).unwrap();
    let mut records = events(0..3);
    records[1].event.body = "[1]".into();
    let receipt = sink.deliver(&batch("p", records.clone())).await.unwrap();
    assert_eq!(double.received_by("POST")[0].documents().len(), 2);
    let alone = sink.deliver(&batch("p", records.drain(1..2).collect())).await.unwrap();
    assert_eq!(double.received_by("POST").len(), 1, "a batch without events is not sent");
    for (receipt, index) in [(receipt, 1), (alone, 0)] {
        let [exception] = receipt.exceptions.as_slice() else { panic!("{receipt:?}") };
        assert_eq!(exception.index, index);
        assert!(matches!(&exception.verdict, Verdict::Refused(refusal) if refusal.reason == "invalid_json"));
    }
}
