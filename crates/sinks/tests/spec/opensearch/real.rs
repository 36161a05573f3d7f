//! Against a real server: the contract, the mapping it ends up with, and what it says when it will not.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use weir_core::sink::{Receipt, Sink, SinkError, Verdict};
use weir_core::testkit::sink::{batch, contract};
use weir_sinks::opensearch::{OpenSearchSettings, OpenSearchSink};

use crate::opensearch::columns::{columns, priced};
use crate::opensearch::events;
use crate::opensearch::probe::OpenSearchProbe;
use crate::opensearch::server::Server;

const SUITE: &str = "OpenSearch sink against a real server";

/// An environment that nobody used before, as a server may be kept between runs.
fn settings(server: &Server, name: &str) -> OpenSearchSettings {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros();
    OpenSearchSettings { environment: format!("{name}{now}"), ..OpenSearchSettings::new(server.url()) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_server() {
    let Some(server) = Server::start(SUITE) else { return };
    it_keeps_the_contract_of_a_sink(&server).await;
    what_is_stored_can_be_searched_by_each_member(&server).await;
    columns_are_added_to_an_index_that_is_there_and_searched(&server).await;
    clients_cannot_make_the_mapping_grow(&server).await;
    a_large_number_is_refused_alone_and_in_the_servers_words(&server).await;
    what_is_wrong_with_the_server_is_not_put_on_the_events(&server).await;
}

async fn it_keeps_the_contract_of_a_sink(server: &Server) {
    for compress in [false, true] {
        let settings = OpenSearchSettings { compress, ..settings(server, "contract") };
        let indices = format!("*_{}_*", settings.environment);
        let sink = OpenSearchSink::start(settings).unwrap();
        contract(&sink, &OpenSearchProbe { server, indices: &indices }).await;
    }
}

async fn what_is_stored_can_be_searched_by_each_member(server: &Server) {
    let settings = settings(server, "search");
    let index = format!("events_{}_1970-01", settings.environment);
    let sink = OpenSearchSink::start(settings).unwrap();
    let mut records = events(0..3);
    records[1].event.body =
        r#"{"page":"/a","event":"buy","label":"Two words","param":{"price":{"eur":9}},"session":"s-1"}"#
            .into();
    assert_eq!(sink.deliver(&batch("p", records)).await.unwrap(), Receipt::default());
    for query in [
        json!({ "term": { "event_info.event": "buy" } }),
        json!({ "term": { "event_info.label": "Two words" } }),
        json!({ "term": { "event_info.param.price.eur": "9" } }),
        json!({ "term": { "extra.session": "s-1" } }),
        json!({ "range": { "occurred_at": { "gte": "1970-01-01T00:00:01Z", "lt": "1970-01-01T00:00:02Z" } } }),
    ] {
        assert_eq!(server.count(&index, query.clone()).await, 1, "{query}");
    }
}

async fn columns_are_added_to_an_index_that_is_there_and_searched(server: &Server) {
    let before = settings(server, "columns");
    let index = format!("events_{}_1970-01", before.environment);
    OpenSearchSink::start(before.clone()).unwrap().deliver(&batch("p", events(5..6))).await.unwrap();
    let columns =
        columns(&[("price", "/param/price", "double"), ("at", "/at", "date"), ("from", "/ip", "ip")]);
    let sink = OpenSearchSink::start(OpenSearchSettings { columns, ..before }).unwrap();
    let mut records = priced(&["7.5", "8", "null"]);
    records[1].event.body =
        r#"{"page":"/","event":"e","at":"2026-01-02T00:00:00+02:00","ip":"2001:db8::1"}"#.into();
    assert_eq!(sink.deliver(&batch("p", records)).await.unwrap(), Receipt::default());
    for query in [
        json!({ "range": { "price": { "gt": 7, "lt": 8 } } }),
        json!({ "range": { "at": { "gte": "2026-01-01T22:00:00Z", "lte": "2026-01-01T22:00:00Z" } } }),
        json!({ "term": { "from": "2001:db8::/32" } }),
    ] {
        assert_eq!(server.count(&index, query.clone()).await, 1, "{query}");
    }
}

async fn clients_cannot_make_the_mapping_grow(server: &Server) {
    let settings = settings(server, "mapping");
    let index = format!("events_{}_1970-01", settings.environment);
    let sink = OpenSearchSink::start(settings).unwrap();
    sink.deliver(&batch("p", events(0..1))).await.unwrap();
    let mapping = server.ask("GET", &format!("/{index}/_mapping"), None).await;
    let mut records = events(1..3);
    let members: Vec<String> = (0..2_000).map(|number| format!(r#""k{number}":{number}"#)).collect();
    records[0].event.body =
        format!(r#"{{"page":"p","event":"e","param":{{{0}}},{0}}}"#, members.join(",")).into();
    records[1].event.body =
        r#"{"page":"p","event":"e","param":{"k1":{"now":"an object"}},"k1":["a list"]}"#.into();
    assert_eq!(sink.deliver(&batch("p", records)).await.unwrap(), Receipt::default());
    assert_eq!(server.ask("GET", &format!("/{index}/_mapping"), None).await, mapping);
}

async fn a_large_number_is_refused_alone_and_in_the_servers_words(server: &Server) {
    let sink = OpenSearchSink::start(settings(server, "number")).unwrap();
    let mut records = events(0..3);
    records[1].event.body =
        format!(r#"{{"page":"p","event":"e","param":{{"n":{}}}}}"#, "1".repeat(2_000)).into();
    let receipt = sink.deliver(&batch("p", records)).await.unwrap();
    let [exception] = receipt.exceptions.as_slice() else { panic!("{receipt:?}") };
    let Verdict::Refused(refusal) = &exception.verdict else { panic!("{exception:?}") };
    assert_eq!((exception.index, refusal.reason.as_str()), (1, "mapper_parsing_exception"));
    assert!(refusal.detail.contains("Number value length (2000) exceeds the maximum"), "{refusal:?}");
}

async fn what_is_wrong_with_the_server_is_not_put_on_the_events(server: &Server) {
    let settings = settings(server, "broken");
    let index = format!("events_{}_1970-01", settings.environment);
    let sink = OpenSearchSink::start(settings).unwrap();
    let batches = [batch("p", events(0..1)), batch("p", events(1..5))];
    sink.deliver(&batches[0]).await.unwrap();
    let blocked = |result: Result<Receipt, SinkError>, word: &str| {
        let Err(SinkError::Blocked { cause }) = result else { panic!("{result:?}") };
        assert!(cause.to_string().contains(word), "{cause}");
    };
    let set = async |block: Value| {
        server
            .ask("PUT", &format!("/{index}/_settings"), Some(json!({ "index.blocks.read_only": block })))
            .await;
    };
    set(json!(true)).await;
    blocked(sink.deliver(&batches[1]).await, "cluster_block_exception");
    set(Value::Null).await;
    server.ask("POST", &format!("/{index}/_close"), None).await;
    blocked(sink.deliver(&batches[1]).await, "index_closed_exception");
    server.ask("POST", &format!("/{index}/_open?wait_for_active_shards=1"), None).await;
    assert_eq!(sink.deliver(&batches[1]).await.unwrap(), Receipt::default());
    let auto_create = async |allowed: Value| {
        let settings = json!({ "persistent": { "action.auto_create_index": allowed } });
        server.ask("PUT", "/_cluster/settings", Some(settings)).await;
    };
    server.ask("DELETE", &format!("/{index}"), None).await;
    auto_create(json!("false")).await;
    blocked(sink.deliver(&batches[1]).await, "index_not_found_exception");
    auto_create(Value::Null).await;
    assert_eq!(sink.deliver(&batches[1]).await.unwrap(), Receipt::default());
}
